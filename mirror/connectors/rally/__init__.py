"""Rally Web Services API v2.0."""
