"""Answers queries: an Expr becomes one SELECT, the same for both databases, and its rows come as they are read.

Queries about several types of one source are one UNION ALL of the ids, ordered together; the rows are then read by id.
"""

from __future__ import annotations

from collections.abc import Collection, Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property, lru_cache
from typing import Any, NamedTuple

from sqlalchemy import Connection

from mirror.model.layout import Layout
from mirror.query.expr import Query, Step, Term
from mirror.store.database import Database
from mirror.store.dialects import with_names
from mirror.store.history_past import Past
from mirror.store.search_select import Selecting, Shown
from mirror.store.search_words import IDS, PostgresWords, Selected, SqliteWords, Words

_ROWS_AT_ONCE = 500  # in memory while rows are read
_PREPARED = 256  # statements that are kept for the next ids

Terms = Mapping[str, Sequence[Term | None]]
"""Type name -> what is wanted of its records; as many for each type. None is null, where a type has no such thing."""


class Row(NamedTuple):
    """One record that was found.

    Attributes:
        values: one for each term, as rows keep them (see model.change.Cells); of a path with many values a tuple, in the
            order of the tracker's list. When no terms were given, the row: HEAD, then the layout's columns.
    """

    type_name: str
    id: int
    values: tuple[Any, ...]


class Reached(NamedTuple):
    """What a step leads to, from one record.

    Attributes:
        id: of the record that the step starts from.
        type_name: of what is reached; None where the tables do not tell it, as for a type that is not mirrored.
        target_id: of what is reached.
        name: as the record that refers to it shows it; None when it shows none, and for steps backward.
    """

    id: int
    type_name: str | None
    target_id: int
    name: str | None


class Searching:
    """Answers queries about the records of one source. Every method is one reading transaction, and may raise StoreError."""

    def __init__(self, database: Database, layouts: Mapping[str, Layout], as_of: str | None = None) -> None:
        """Prepare.

        Args:
            as_of: the instant, as columns keep it, as of which everything is answered; None for what is stored now. Then
                every method may raise UsageError: the history of a type that is asked about is not kept.
        """
        self._database = database
        self._layouts = layouts
        self._as_of = as_of
        self._shown = lru_cache(_PREPARED)(self._prepare_shown)
        self._reaching = lru_cache(_PREPARED)(self._prepare_reaching)

    def ids(self, queries: Sequence[Query], *, limit: int | None = None, offset: int = 0) -> list[tuple[str, int]]:
        """Return type name and id of the records that meet the queries, in their order.

        Args:
            queries: about different types. Keys of order are compared across types; where one has fewer, it has nulls.
        """
        if not queries:
            return []
        with self._reading() as (connection, selecting):
            found = selecting.ids(queries).limit(limit).offset(offset or None)
            return [(row[0], row[1]) for row in connection.execute(found)]

    def count(self, queries: Sequence[Query]) -> int:
        """Return how many records meet the queries."""
        with self._reading() as (connection, selecting):
            counts = (connection.scalar(selecting.count(each)) for each in queries)
            return sum(each or 0 for each in counts)

    def rows(
        self, queries: Sequence[Query], terms: Terms | None = None, *, limit: int | None = None, offset: int = 0
    ) -> Generator[Row, None, None]:
        """Yield the records that meet the queries, in their order, as they are read: memory holds a few hundred of them.

        The reading transaction lasts until the iterator is exhausted or closed.
        """
        if not queries:
            return
        with self._reading() as (connection, selecting):
            if len(queries) == 1:
                shown = selecting.rows(queries[0], _of(terms, queries[0].type_name))
                streaming = connection.execution_options(yield_per=_ROWS_AT_ONCE)
                yield from _read(streaming, shown, shown.select.limit(limit).offset(offset or None))
                return
            found = selecting.ids(queries).limit(limit).offset(offset or None)
            with connection.execution_options(yield_per=_ROWS_AT_ONCE).execute(found) as keys:
                while chunk := keys.fetchmany(_ROWS_AT_ONCE):
                    yield from self._in_order(connection, selecting, [(row[0], row[1]) for row in chunk], terms)

    def rows_of(
        self, type_name: str, ids: Collection[int], terms: Sequence[Term | None] | None = None
    ) -> Generator[Row, None, None]:
        """Yield those records of a type that are among `ids`, in no order."""
        with self._reading() as (connection, selecting):
            yield from self._by_id(connection, selecting, (type_name, ids), terms)

    def reached(self, type_name: str, ids: Collection[int], step: Step) -> Generator[Reached, None, None]:
        """Yield what a step leads to from each of these records, in the order of the tracker's list for each of them.

        A link to what is not mirrored is among it, unless the step says something about the types or the records.
        """
        with self._reading() as (connection, selecting):
            found = self._reaching(type_name, step) if self._as_of is None else selecting.reached(type_name, step)
            with connection.execute(found, self._among(ids)) as rows:
                yield from (Reached(*row) for row in rows)

    def sql(self, queries: Sequence[Query], terms: Terms | None = None, *, limit: int | None = None, offset: int = 0) -> str:
        """Return the SQL that `rows` runs, with the values in their places."""
        with self._reading() as (connection, selecting):
            dialect = with_names(connection.dialect)
            if len(queries) == 1:
                found = selecting.rows(queries[0], _of(terms, queries[0].type_name)).select
            else:
                found = selecting.ids(queries)
        limited = found.limit(limit).offset(offset or None)
        return str(limited.compile(dialect=dialect, compile_kwargs={"literal_binds": True}))

    @contextmanager
    def _reading(self) -> Iterator[tuple[Connection, Selecting]]:
        """Run one reading transaction; give what makes SELECTs for it."""
        if self._as_of is None:
            with self._database.read() as connection:
                yield connection, self._selecting()
            return
        with self._database.scratch() as connection:
            source = next((each.source for each in self._layouts.values()), "")
            yield connection, Selecting(self._layouts, self._words, Past(connection, source, self._as_of))

    def _selecting(self) -> Selecting:
        return Selecting(self._layouts, self._words)

    @cached_property
    def _words(self) -> Words:
        return SqliteWords() if self._database.is_sqlite else PostgresWords(self._database.folding)

    def _by_id(
        self,
        connection: Connection,
        selecting: Selecting,
        which: tuple[str, Collection[int]],
        terms: Sequence[Term | None] | None,
    ) -> Iterator[Row]:
        """Yield records of a type.

        Args:
            which: type name and ids.
        """
        if self._as_of is None:
            shown, among = self._shown(which[0], None if terms is None else tuple(terms))
        else:  # what was stands in temporary tables of this transaction
            shown, among = self._among_shown(selecting, which[0], terms)
        yield from _read(connection, shown, among, self._among(which[1]))

    def _prepare_shown(self, type_name: str, terms: Sequence[Term | None] | None) -> tuple[Shown, Selected]:
        return self._among_shown(self._selecting(), type_name, terms)

    def _among_shown(
        self, selecting: Selecting, type_name: str, terms: Sequence[Term | None] | None
    ) -> tuple[Shown, Selected]:
        shown = selecting.rows(Query(type_name), terms, ordered=False)
        return shown, shown.among(self._words)

    def _prepare_reaching(self, type_name: str, step: Step) -> Selected:
        return self._selecting().reached(type_name, step)

    def _among(self, ids: Collection[int]) -> dict[str, object]:
        return {IDS: self._words.ids(ids)}

    def _in_order(
        self, connection: Connection, selecting: Selecting, keys: Sequence[tuple[str, int]], terms: Terms | None
    ) -> Iterator[Row]:
        found: dict[tuple[str, int], Row] = {}
        for name in dict.fromkeys(each[0] for each in keys):
            ids = [each[1] for each in keys if each[0] == name]
            found |= {(name, row.id): row for row in self._by_id(connection, selecting, (name, ids), _of(terms, name))}
        yield from (found[each] for each in keys)


def _of(terms: Terms | None, type_name: str) -> Sequence[Term | None] | None:
    return None if terms is None else terms[type_name]


def _read(connection: Connection, shown: Shown, query: Selected, given: Mapping[str, object] | None = None) -> Iterator[Row]:
    name, decoders = shown.type_name, shown.decoders
    with connection.execute(query, given) as rows:
        for chunk in rows.partitions(_ROWS_AT_ONCE):
            if not decoders:
                yield from (Row(name, row[0], row[1:]) for row in chunk)
                continue
            for record_id, *values in chunk:
                for at, decode in decoders.items():
                    values[at] = decode(values[at])
                yield Row(name, record_id, tuple(values))
