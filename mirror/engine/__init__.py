"""Effects in order: what is asked of a connector and handed to the store, and when. No SQL and no HTTP in here."""
