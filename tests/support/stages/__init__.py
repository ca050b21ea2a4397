"""The stages of the registered trackers, a file each, named by kind."""
