"""Connections, transactions, and the one place where database errors become ours.

What becomes a StoreError: everything the database itself reports (locked, full, damaged, unreachable, refused), because
the user can act on it. What passes untouched: programming errors of ours. Errors about one value (`is_data_error`) are
met earlier, by the careful path of `records`, and only reach the user when even that failed.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cached_property, partial
from pathlib import Path
from threading import RLock
from typing import TYPE_CHECKING, TypeVar

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, OperationalError, SQLAlchemyError
from sqlalchemy.pool import QueuePool

from mirror.errors import ConfigError, MirrorError, StoreError
from mirror.named import named
from mirror.store import sqlite_functions
from mirror.store.dialects import POSTGRES, SQLITE, sharing

if TYPE_CHECKING:
    from sqlalchemy.engine.interfaces import DBAPIConnection
    from sqlalchemy.pool import ConnectionPoolEntry

_Found = TypeVar("_Found")

CONNECT_SECONDS = 15  # how long a Postgres server may take to answer, unless the URL says connect_timeout
BUSY_SECONDS = 5.0  # how long a writer waits for another program's lock on a SQLite file
_READING_PRAGMAS = frozenset(("table_info", "table_xinfo", "table_list", "index_list", "index_info", "index_xinfo"))
_MARK = "INSERT INTO mirror_writing VALUES (1, ?) ON CONFLICT (id) DO UPDATE SET active = excluded.active"
_TRIES = 3  # of a transaction that met another one which waited for it in turn
WRITES = "mirror_writes"  # execution option: the transaction takes the write lock when it begins


class Database:
    """One database: its engine, and the transactions everything runs in.

    Attributes:
        path: the file of a SQLite database; None on Postgres.
    """

    def __init__(self, url: URL, engine: Engine, path: Path | None) -> None:
        self.url = url
        self.engine = engine
        self.path = path
        self._writing = RLock()

    @classmethod
    def connect(cls, text: str, *, create: bool = True, read_only: bool = False) -> Database:
        """Return the database at `text`, a SQLAlchemy URL; nothing is opened yet.

        Raises:
            ConfigError: the URL is not one of a SQLite file or a Postgres database.
            StoreError: there is no such file and `create` is false, or its folder does not exist.
        """
        url = _parse(text)
        if url.get_backend_name() == "postgresql":
            return cls(url, _postgres_engine(url), None)
        path = Path(url.database or "").absolute()
        _look_at_file(path, create=create and not read_only)
        return cls(url, _sqlite_engine(path, read_only=read_only), path)

    @property
    def is_sqlite(self) -> bool:
        """Whether this is a SQLite file rather than Postgres."""
        return self.path is not None

    @property
    def label(self) -> str:
        """The database as shown to people; a password is never in it."""
        return label_of(self.url.render_as_string(hide_password=False))

    @cached_property
    def folding(self) -> str:
        """The collation of a Postgres database that knows upper and lower case of all scripts; "" when it has none.

        Postgres 17 brings its own, and older builds nearly always have ICU (PostgreSQL documentation, "Collation Support").
        """
        query = "SELECT collname FROM pg_collation WHERE collname IN ('pg_c_utf8', 'und-x-icu') ORDER BY collname LIMIT 1"
        with self.read() as connection:
            return connection.exec_driver_sql(query).scalar() or ""

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """Run one writing transaction, which the triggers on record tables let pass; on SQLite threads take turns."""
        with self.translated():
            if not self.is_sqlite:
                with self.engine.begin() as connection:
                    connection.exec_driver_sql("SET LOCAL mirror.writing = 'on'")
                    yield connection
                return
            options = {WRITES: True}
            with self._writing, self.engine.connect().execution_options(**options) as connection, connection.begin():
                _mark_writing(connection, active=True)
                yield connection
                _mark_writing(connection, active=False)

    def transact(self, work: Callable[[Connection], _Found]) -> _Found:
        """Run one writing transaction and return what `work` returns; again when Postgres undid it to end a deadlock."""
        for _ in range(_TRIES - 1):
            try:
                with self.write() as connection:
                    return work(connection)
            except StoreError as error:
                if not _is_undone(error):
                    raise
        with self.write() as connection:
            return work(connection)

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Run one reading transaction, which sees one state of the database throughout."""
        with self.translated(), self.engine.connect() as connection, connection.begin():
            yield connection

    @contextmanager
    def scratch(self) -> Iterator[Connection]:
        """Run one reading transaction that may make temporary tables, which end with it."""
        with self.translated(), self.engine.connect() as connection:
            yield connection  # and whatever began is rolled back

    @contextmanager
    def translated(self) -> Iterator[None]:
        """Turn every error of the database inside the block into a StoreError that names the database."""
        try:
            yield
        except MirrorError:
            raise
        except (SQLAlchemyError, self.engine.dialect.loaded_dbapi.Error) as error:
            raise StoreError(f"{self.label}: {self._without_secret(_sentence(error))}") from error

    def close(self) -> None:
        """Close every connection."""
        self.engine.dispose()

    def _without_secret(self, text: str) -> str:
        return text.replace(str(self.url.password), "***") if self.url.password else text


def is_there(text: str) -> bool:
    """Return whether the database at the URL `text` may exist: a SQLite file does, of a server nothing is known."""
    url = _parse(text)
    return url.get_backend_name() != "sqlite" or Path(url.database or "").is_file()


def label_of(text: str) -> str:
    """Return how the database at the URL `text` is shown to people: without a password.

    Raises:
        ConfigError: the URL is not one of a SQLite file or a Postgres database.
    """
    url = _parse(text)
    is_file = url.get_backend_name() == "sqlite"
    return str(Path(url.database or "").absolute()) if is_file else url.render_as_string(hide_password=True)


def is_data_error(error: Exception) -> bool:
    """Return whether `error` is about the values handed over, so that other rows may well go through.

    Python's own: an integer beyond 64 bits, a lone surrogate. SQLite: a type it cannot bind, a constraint. Postgres:
    SQLSTATE classes 22 (data) and 23 (constraint), and 54 (a program limit, such as the size of an index entry);
    PostgreSQL documentation, appendix A. psycopg refuses NUL characters and unknown types itself, without a state.
    """
    if isinstance(error, StoreError) and isinstance(error.__cause__, Exception):
        error = error.__cause__
    if isinstance(error, DBAPIError) and isinstance(error.orig, Exception):
        error = error.orig
    if isinstance(error, (OverflowError, UnicodeError)):
        return True
    if isinstance(error, sqlite3.Error):
        return isinstance(error, (sqlite3.DataError, sqlite3.IntegrityError)) or "binding parameter" in str(error)
    state = _sqlstate(error)
    if state is not None:
        return state[:2] in ("22", "23", "54")
    return type(error).__module__.startswith("psycopg") and type(error).__name__ in ("DataError", "ProgrammingError")


def is_query_error(error: Exception) -> bool:
    """Return whether the database refuses a query for what it says: fix the query, not the database.

    Postgres: every SQLSTATE but those of connections (08), resources (53), operators (57), the system (58) and faults (XX).
    """
    if isinstance(error, (sqlite3.Error, sqlite3.Warning)):
        return not any(word in str(error) for word, _ in _SQLITE_SENTENCES if word != "readonly")
    state = _sqlstate(error)
    if state is not None:
        return state[:2] not in ("08", "53", "57", "58", "XX")
    return type(error).__module__.startswith("psycopg") and type(error).__name__ in ("DataError", "ProgrammingError")


def is_lock_timeout(error: StoreError) -> bool:
    """Return whether Postgres gave up waiting for a lock (SQLSTATE 55P03; PostgreSQL documentation, appendix A)."""
    cause = error.__cause__
    return isinstance(cause, DBAPIError) and cause.orig is not None and _sqlstate(cause.orig) == "55P03"


def _is_undone(error: StoreError) -> bool:
    """Return whether Postgres ended a transaction for the sake of another one: 40001 serialization, 40P01 deadlock."""
    cause = error.__cause__
    return isinstance(cause, DBAPIError) and cause.orig is not None and _sqlstate(cause.orig) in ("40001", "40P01")


def words(error: BaseException) -> str:
    """Return the first line of what the database itself said."""
    if isinstance(error, DBAPIError) and error.orig is not None:
        error = error.orig
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__


def _parse(text: str) -> URL:
    try:
        url = make_url(text)
    except ArgumentError:
        raise ConfigError(
            "the database setting is not a database URL; write sqlite:///work.db or postgresql+psycopg://user@host/name"
        ) from None
    if url.get_backend_name() == "sqlite":
        if not url.database or url.database == ":memory:":
            raise ConfigError("the database must be a file, such as sqlite:///work.db; it cannot live in memory")
        return url
    if url.drivername in ("postgresql", "postgresql+psycopg", "postgres"):
        return url.set(drivername="postgresql+psycopg")
    raise ConfigError(
        f"databases of the kind {url.drivername!r} are not supported; write sqlite:///work.db or postgresql+psycopg://…"
    )


def _look_at_file(path: Path, *, create: bool) -> None:
    if path.is_dir():
        raise StoreError(f"{path} is a folder, not a database file")
    if not path.parent.is_dir():
        raise StoreError(f"{path}: the folder {path.parent} does not exist; create it first")
    if not create and not path.exists():
        raise StoreError(f"there is no database at {path} yet; make it with: mirror sync")


def _sqlite_engine(path: Path, *, read_only: bool) -> Engine:
    address = f"{path.as_uri()}?mode={'ro' if read_only else 'rwc'}"

    def connect() -> sqlite3.Connection:
        connection = sqlite3.connect(
            address, uri=True, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False, cached_statements=64
        )
        sqlite_functions.register(connection)
        # Other programs can store texts that are none, and one of these must not keep all rows from being read.
        connection.text_factory = partial(str, encoding="utf-8", errors="replace" if read_only else "surrogateescape")
        return connection

    if read_only:
        engine = create_engine(
            f"{SQLITE}://", creator=connect, poolclass=QueuePool, max_overflow=-1, execution_options=sharing(SQLITE)
        )
        event.listen(engine, "connect", _forbid_writing)
    else:
        engine = create_engine(f"{SQLITE}:///{path.name}", creator=connect, execution_options=sharing(SQLITE))
        event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: DBAPIConnection, _entry: ConnectionPoolEntry) -> None:
    """Set what a writer needs: readers are never blocked, and a commit does not wait for the disk.

    With WAL and synchronous=NORMAL a power cut may lose the last commits but never damages the file
    (https://sqlite.org/pragma.html#pragma_synchronous); a lost page is simply fetched again.
    """
    cursor = connection.cursor()
    for each in ("journal_mode=WAL", "synchronous=NORMAL"):
        cursor.execute(f"PRAGMA {each}")
    cursor.close()


def _forbid_writing(connection: DBAPIConnection, entry: ConnectionPoolEntry) -> None:
    cursor = connection.cursor()
    cursor.execute("PRAGMA query_only=ON")
    cursor.close()
    driver: sqlite3.Connection = entry.driver_connection  # type: ignore[assignment]
    driver.set_authorizer(_authorize)


@contextmanager
def may_write(driver: sqlite3.Connection) -> Iterator[None]:
    """Let a connection that is for reading only make temporary tables and views inside the block."""
    driver.set_authorizer(None)
    driver.execute("PRAGMA query_only=OFF")
    try:
        yield
    finally:
        driver.execute("PRAGMA query_only=ON")
        driver.set_authorizer(_authorize)


def _authorize(action: int, subject: str | None, *_rest: str | None) -> int:
    """Let everything pass but other files and settings; a read-only connection would still open the former."""
    if action in (sqlite3.SQLITE_ATTACH, sqlite3.SQLITE_DETACH):
        return sqlite3.SQLITE_DENY
    if action == sqlite3.SQLITE_PRAGMA and subject not in _READING_PRAGMAS:
        return sqlite3.SQLITE_DENY
    return sqlite3.SQLITE_OK


def _begin_sqlite(connection: Connection) -> None:
    """Begin for real: sqlite3's own implicit BEGIN would leave DDL and reads outside the transaction.

    A writer takes the lock at once, since a reader that turns into a writer fails when somebody wrote in between.
    """
    writes = connection.get_execution_options().get(WRITES)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _mark_writing(connection: Connection, *, active: bool) -> None:
    """Have the triggers on record tables rest, or work again. A database that migrations are yet to reach has neither."""
    try:
        connection.exec_driver_sql(_MARK, (active,))
    except OperationalError as error:
        if "no such table" not in words(error):
            raise


def _postgres_engine(url: URL) -> Engine:
    try:
        prepare = named("mirror.store.postgres:prepare")  # psycopg is an extra, so not everybody has it
        arguments = {} if "connect_timeout" in url.query else {"connect_timeout": CONNECT_SECONDS}
        address = url.set(drivername=POSTGRES)
        engine = create_engine(address, connect_args=arguments, execution_options=sharing(POSTGRES))
    except ImportError as error:
        raise ConfigError("Postgres needs psycopg; install it with: pip install 'mirror-tracker[postgres]'") from error
    event.listen(engine, "connect", prepare)
    return engine


def _sqlstate(error: BaseException) -> str | None:
    state = getattr(error, "sqlstate", None)
    return state if isinstance(state, str) else None


_SQLITE_SENTENCES = (
    ("locked", "another program holds a lock on the database; close it and try again"),
    ("readonly", "the database cannot be written; look at the permissions of the file and its folder"),
    ("unable to open", "the database cannot be opened; look at the permissions of the file and its folder"),
    ("not a database", "the file is not a SQLite database"),
    ("disk is full", "the disk is full"),
    ("malformed", "the database file is damaged; restore a copy, or delete it and sync again"),
)
_POSTGRES_SENTENCES = (
    ("28", "the server does not accept the user or the password"),
    ("3D000", "the server has no such database; create it first"),
    ("42501", "the database user may not do this"),
    ("25006", "the database can only be read"),
    ("53100", "the disk of the database server is full"),
    ("53300", "the database server has no connection left"),
    ("55P03", "another program holds a lock, such as an open transaction on a row to be written; end it and try again"),
    ("57P", "the database server is shutting down or starting"),
)
_POSTGRES_REFUSALS = (  # a connection that failed has no SQLSTATE in psycopg, only the server's words
    ('database ".*" does not exist', "the server has no such database; create it first"),
    ("authentication|no password supplied|role .* does not exist", "the server does not accept the user or the password"),
    ("too many", "the database server has no connection left"),
    ("starting up|shutting down", "the database server is shutting down or starting"),
)


def _sentence(error: BaseException) -> str:
    said = words(error)
    root = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
    if isinstance(root, sqlite3.Error):
        known = next((text for word, text in _SQLITE_SENTENCES if word in said), None)
    else:
        state = _sqlstate(root) or ""
        known = next((text for code, text in _POSTGRES_SENTENCES if state.startswith(code)), None)
        if known is None and not state and type(root).__name__ == "OperationalError":
            refusals = (text for word, text in _POSTGRES_REFUSALS if re.search(word, said))
            known = next(refusals, "the database server cannot be reached")
    return f"{known} ({said})" if known else said
