"""Measures mirror against the fastest program one could write by hand, and against its peers, in one run."""
