"""What needs psycopg itself: how Postgres values are read, and every session's settings.

Instants and days are read as the same text that SQLite holds, JSON as the text that was stored. That keeps both databases
alike, and lets values pass that Python's datetime cannot hold (infinity, years beyond 9999).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from psycopg import Connection
from psycopg.adapt import Loader
from psycopg.types.string import TextLoader

if TYPE_CHECKING:
    from sqlalchemy.pool import ConnectionPoolEntry


class InstantLoader(Loader):
    """`2024-05-01 10:00:00.5+00` becomes `2024-05-01T10:00:00.500Z`; needs a session in UTC and ISO dates."""

    def load(self, data: bytes | bytearray | memoryview) -> str:
        """Return the text of one timestamptz; what has no such form (infinity, BC) stays as Postgres writes it."""
        text = bytes(data).decode()
        if not text.endswith("+00"):
            return text
        whole, _, fraction = text[:-3].partition(".")
        return f"{whole.replace(' ', 'T')}.{fraction.ljust(3, '0')}Z"


def prepare(connection: Connection[object], _entry: ConnectionPoolEntry) -> None:
    """Bring a new connection to UTC, ISO dates and our loaders."""
    connection.adapters.register_loader("timestamptz", InstantLoader)
    connection.adapters.register_loader("date", TextLoader)
    connection.adapters.register_loader("json", TextLoader)
    connection.execute(
        "SELECT set_config('TimeZone', 'UTC', false), set_config('DateStyle', 'ISO, YMD', false)", prepare=False
    )
    connection.commit()
