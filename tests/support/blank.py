"""Databases as `Store.open` leaves them, made once and copied: the migrations need not run for every test."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from shutil import copyfile
from typing import Any

import psycopg
from sqlalchemy import Engine, event, make_url

from mirror.store.store import Store

_LAYING = ("CREATE", "ALTER", "INSERT", "UPDATE", "DELETE", "REVOKE")


class Blank:
    """What is in a new database, of each kind of which one is asked for.

    Args:
        folder: for a SQLite file of its own.
    """

    def __init__(self, folder: Path) -> None:
        self._file = folder / "blank.db"
        self._schema = ""
        self._script = ""

    def lay(self, url: str) -> None:
        """Put the bookkeeping tables into the empty database at `url`."""
        parsed = make_url(url)
        if parsed.get_backend_name() != "sqlite":
            self._run(url)
            return
        if not self._file.exists():
            Store.open(f"sqlite:///{self._file}").close()
        copyfile(self._file, str(parsed.database))

    def _run(self, url: str) -> None:
        if not self._script:
            self._schema, self._script = _schema_of(url), _recorded(url)
            return
        with psycopg.connect(_address(url), autocommit=True) as connection:
            connection.execute(self._script.replace(self._schema, _schema_of(url)).encode())


def _recorded(url: str) -> str:
    """Open a store in an empty schema for the first time; return as SQL what that did."""
    with psycopg.connect(_address(url)) as connection, _noted() as noted:
        Store.open(url).close()
        cursor = psycopg.ClientCursor(connection)
        laying = [each for each in noted if each[0].lstrip().startswith(_LAYING)]
        return ";\n".join(cursor.mogrify(statement.encode(), values) for statement, values in laying)


@contextmanager
def _noted() -> Iterator[list[tuple[str, Mapping[str, Any]]]]:
    noted: list[tuple[str, Mapping[str, Any]]] = []

    def note(_connection: object, _cursor: object, statement: str, values: Mapping[str, Any], *_rest: object) -> None:
        noted.append((statement, dict(values)))

    event.listen(Engine, "before_cursor_execute", note)
    try:
        yield noted
    finally:
        event.remove(Engine, "before_cursor_execute", note)


def _schema_of(url: str) -> str:
    """Return the schema that `PostgresServer.fresh_url` put into a URL."""
    return str(make_url(url).query["options"]).partition("search_path=")[2]


def _address(url: str) -> str:
    return make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
