"""Queries as trees, the same for every language and every database. Pure."""
