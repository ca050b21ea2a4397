"""Decides, purely, what base, local and remote values together mean."""
