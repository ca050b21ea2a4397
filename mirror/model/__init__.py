"""The nouns of mirror as plain data: no database, network, clock or environment in here."""
