"""One writer for each database, held by a lock that the operating system frees when the process dies.

SQLite: a second, empty file beside the database with an exclusive transaction held open on it. Postgres: an advisory lock
on a connection of its own. Who holds it, and since when, stands in mirror_lease, only to tell others.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from datetime import datetime
from pathlib import Path

from sqlalchemy import delete, insert, select, text

from mirror.errors import DatabaseBusyError, StoreError
from mirror.store.column_types import instant_text
from mirror.store.database import Database
from mirror.store.tables import lease

_LEASE_LOCK = 5_570_202  # any constant; together with the schema it is the key of our Postgres advisory lock


@contextmanager
def held(database: Database, holder: str, now: datetime) -> Iterator[None]:
    """Hold the lease of `database` inside the block.

    Raises:
        DatabaseBusyError: another process, or another block of this one, holds it.
    """
    with _locked_file(database) if database.is_sqlite else _advisory_lock(database):
        with database.write() as connection:
            connection.execute(delete(lease))
            connection.execute(insert(lease).values(id=1, holder=holder, since=now))
        try:
            yield
        finally:
            # The line only tells others who holds the lock; what ended the block matters more than that it stays behind.
            with suppress(StoreError), database.write() as connection:
                connection.execute(delete(lease))


@contextmanager
def _locked_file(database: Database) -> Iterator[None]:
    path = Path(f"{database.path}.lease")
    try:
        connection = sqlite3.connect(path, timeout=0, isolation_level=None, check_same_thread=False)
    except sqlite3.Error as error:
        raise StoreError(f"{path}: cannot be opened ({error}); look at the permissions of the folder") from error
    with closing(connection):
        try:
            connection.execute("BEGIN EXCLUSIVE")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:
                raise StoreError(f"{path}: cannot be locked ({error}); look at its permissions") from error
            raise _busy(database) from None
        yield


@contextmanager
def _advisory_lock(database: Database) -> Iterator[None]:
    key = {"number": _LEASE_LOCK}
    opened = database.engine.execution_options(isolation_level="AUTOCOMMIT")  # no transaction stays open meanwhile
    with database.translated(), opened.connect() as connection:
        if not connection.scalar(text("SELECT pg_try_advisory_lock(:number, hashtext(current_schema()))"), key):
            raise _busy(database)
        try:
            yield
        finally:
            connection.execute(text("SELECT pg_advisory_unlock(:number, hashtext(current_schema()))"), key)


def _busy(database: Database) -> DatabaseBusyError:
    """Return the error; the line about the holder may not be written yet, or be left from one that died."""
    with database.read() as connection:
        row = connection.execute(select(lease)).first()
    if row is None:
        return DatabaseBusyError("another process", "a moment ago")
    return DatabaseBusyError(row.holder, instant_text(row.since))
