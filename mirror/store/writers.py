"""Chooses the bulk writer of a database."""

from __future__ import annotations

from typing import cast

from mirror.named import named
from mirror.store.database import Database
from mirror.store.record_tables import RecordTable
from mirror.store.upsert import Writer
from mirror.store.upsert_sqlite import SqliteWriter


def make_writer(database: Database, target: RecordTable) -> Writer:
    """Return the writer for the rows of `target`."""
    make = SqliteWriter if database.is_sqlite else named("mirror.store.upsert_postgres:PostgresWriter")
    return cast("Writer", make(target))
