"""Clients of the database that know nothing of mirror: the drivers alone."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg
from sqlalchemy import make_url


@dataclass(frozen=True)
class Captured:
    """One line of the queue, as it was written by a trigger."""

    source: str
    type_name: str
    record_id: int
    action: str
    base: Mapping[str, Any]
    value: Mapping[str, Any] | None
    base_revision: str | None
    made_at: datetime
    made_by: str
    rest: tuple[Any, ...]  # state, via, field, item, reason, remote, attempt, sent_at


def is_sqlite(url: str) -> bool:
    """Return whether the database is a SQLite file."""
    return make_url(url).get_backend_name() == "sqlite"


@contextmanager
def client(url: str) -> Iterator[Any]:
    """Give a connection of the driver; the block decides about commit and rollback."""
    parsed = make_url(url)
    if is_sqlite(url):
        with closing(sqlite3.connect(str(parsed.database))) as connection:
            yield connection
        return
    address = parsed.set(drivername="postgresql").render_as_string(hide_password=False)
    with closing(psycopg.connect(address)) as connection:
        yield connection


def run(url: str, *statements: str) -> None:
    """Run statements in one transaction of a foreign client."""
    with client(url) as connection:
        for each in statements:
            connection.execute(each)
        connection.commit()


def refusal(url: str, statement: str) -> str:
    """Return what the database says when it refuses a statement, and check that it does."""
    with client(url) as connection:
        try:
            connection.execute(statement)
        except (sqlite3.IntegrityError, psycopg.errors.RestrictViolation) as error:
            return str(error).splitlines()[0]
    raise AssertionError(f"not refused: {statement}")


def captured(url: str) -> list[Captured]:
    """Return the queue, oldest first."""
    columns = "source, type, record_id, action, base, value, base_revision, made_at, made_by"
    rest = "state, via, field, item, reason, remote, attempt, sent_at"
    with client(url) as connection:
        rows = connection.execute(f"SELECT {columns}, {rest} FROM mirror_change ORDER BY id").fetchall()
    return [_captured(row) for row in rows]


def _captured(row: tuple[Any, ...]) -> Captured:
    base, value = (json.loads(each) if isinstance(each, str) else each for each in row[4:6])
    made_at = datetime.fromisoformat(row[7]) if isinstance(row[7], str) else row[7]
    return Captured(*row[:4], base, value, row[6], made_at, row[8], tuple(row[9:]))
