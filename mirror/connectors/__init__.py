"""Speaking to trackers: one folder each, behind the one interface in base.py. Nothing in here knows the store."""
