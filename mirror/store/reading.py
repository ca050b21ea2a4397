"""Answers SQL that people write. That nothing is written is seen to by the database itself, never by looking at the text.

SQLite: the file is opened read-only, with an authorizer that also refuses other files. Postgres: a read-only transaction and
a cursor, which takes exactly one SELECT or VALUES.
"""

from __future__ import annotations

import re
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from types import TracebackType
from typing import Any, Self

from mirror.errors import MirrorError, UsageError
from mirror.store.column_types import instant_text
from mirror.store.database import Database, is_query_error, may_write, words
from mirror.store.history_views import put_in_front

_FETCHED_ROWS = 500  # rows in one answer of the Postgres cursor; memory holds no more of them
_SHOWS = re.compile(r"\s*(explain|show)\b", re.IGNORECASE)  # have no cursor, and are as read-only as the transaction


@dataclass(frozen=True, slots=True)
class Result:
    """The answer to a query.

    Attributes:
        rows: come from the database as they are read, once; instants and days are text, as on SQLite.
        missing: as of an instant, what the tables do not hold, in sentences.
    """

    columns: tuple[str, ...]
    rows: Iterator[tuple[Any, ...]]
    missing: tuple[str, ...] = ()


class Reader:
    """A database opened for queries only; needs no lease, and does not disturb a running sync."""

    def __init__(self, url: str) -> None:
        """Prepare to read the database at `url`.

        Raises:
            StoreError: there is no such SQLite file.
        """
        self._database = Database.connect(url, read_only=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Close the database."""
        self._database.close()

    @contextmanager
    def read(self, query: str, params: Sequence[object] = (), as_of: datetime | None = None) -> Iterator[Result]:
        """Answer one query inside the block.

        Args:
            params: values for `?` on SQLite, `%s` on Postgres.
            as_of: have tables hold what the tracker had at that instant, aware; None for what they hold now.

        Raises:
            UsageError: the database does not accept the query, in its own words; that includes all that would write. Or it
                names a table of which no history is kept.
            StoreError: the database failed.
        """
        answer = self._answer_sqlite if self._database.is_sqlite else self._answer_postgres
        with self._explained(), answer(query, params, as_of) as result, closing(self._explained_rows(result.rows)) as rows:
            yield Result(result.columns, rows, result.missing)

    @contextmanager
    def _explained(self) -> Iterator[None]:
        with self._database.translated():
            try:
                yield
            except MirrorError:
                raise
            except Exception as error:
                if not is_query_error(error):
                    raise
                raise UsageError(f"the database does not accept the query: {words(error)}") from error

    def _explained_rows(self, rows: Iterable[tuple[Any, ...]]) -> Generator[tuple[Any, ...], None, None]:
        with self._explained():
            yield from rows

    @contextmanager
    def _answer_sqlite(self, query: str, params: Sequence[object], as_of: datetime | None) -> Iterator[Result]:
        with self._database.engine.connect() as connection:
            driver: Any = connection.connection.driver_connection
            missing: list[str] = []
            if as_of is not None:
                with may_write(driver):  # the file itself is open for reading only
                    missing = put_in_front(connection, query, instant_text(as_of))
            # An answer that was not read to its end would keep the connection in its transaction.
            with closing(driver.execute(query, tuple(params))) as cursor:
                yield Result(_columns(cursor), cursor, tuple(missing))

    @contextmanager
    def _answer_postgres(self, query: str, params: Sequence[object], as_of: datetime | None) -> Iterator[Result]:
        with self._database.engine.connect().execution_options(postgresql_readonly=as_of is None) as connection:
            driver: Any = connection.connection.driver_connection
            missing: list[str] = []
            if as_of is not None:
                missing = put_in_front(connection, query, instant_text(as_of))
                connection.exec_driver_sql("SET TRANSACTION READ ONLY")
            with driver.cursor() as cursor:
                # prepare=True has the server parse the text alone, which it refuses when it is more than one statement.
                if _SHOWS.match(query):
                    cursor.execute(query, params or None, prepare=True)
                    yield Result(_columns(cursor), iter(cursor), tuple(missing))
                    return
                cursor.execute(f"DECLARE reading NO SCROLL CURSOR FOR {query}", params or None, prepare=True)
                cursor.execute(f"FETCH {_FETCHED_ROWS} FROM reading")
                yield Result(_columns(cursor), _fetched(cursor), tuple(missing))


def _fetched(cursor: Any) -> Iterator[tuple[Any, ...]]:
    rows = cursor.fetchall()
    while rows:
        for row in rows:
            yield tuple(_plain(value) if isinstance(value, Decimal) else value for value in row)
        cursor.execute(f"FETCH {_FETCHED_ROWS} FROM reading")
        rows = cursor.fetchall()


def _columns(cursor: Any) -> tuple[str, ...]:
    if cursor.description is None:
        raise UsageError("the database does not accept the query: it asks for no rows")
    return tuple(each[0] for each in cursor.description)


def _plain(value: Decimal) -> int | float:
    """Return what SQLite would give for a NUMERIC."""
    if not value.is_finite() or value != value.to_integral_value():
        return float(value)
    return int(value)
