"""Writers for the rows of a table, of the kind of its database."""

from __future__ import annotations

from functools import lru_cache
from typing import cast

from mirror.model.layout import Layout
from mirror.named import named
from mirror.store.record_tables import describe
from mirror.store.upsert import Writer
from mirror.store.upsert_sqlite import SqliteWriter


@lru_cache(maxsize=1024)
def writer_of(layout: Layout, *, is_sqlite: bool) -> Writer:
    """Return the writer for rows of `layout`: the same for all databases of a kind, with what it has compiled."""
    make = SqliteWriter if is_sqlite else named("mirror.store.upsert_postgres:PostgresWriter")
    return cast("Writer", make(describe(layout)))
