"""Request Tracker over REST 2.0, with the cheap session login of REST 1.0."""
