"""The database: everything SQL lives in here, behind `mirror.store.store.Store`."""
