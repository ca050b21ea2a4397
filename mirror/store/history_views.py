"""Gives SQL the tables as they were: temporary views in front of them, in the transaction that a query runs in.

Only tables of types whose history is kept can be asked about: of the others nothing is known but what is now. The view
`work_item` is there as well, over the types whose history is kept. What would go past these views, and show what is now, is
refused: a table that is named with its schema, and views that others have made.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnClause, Connection, Select, column, inspect, select, union_all

from mirror.errors import UsageError
from mirror.model.layout import Layout
from mirror.store import catalogue, work_items
from mirror.store.history_past import Past, no_history
from mirror.store.history_tables import kept_types
from mirror.store.tables import source as sources

_WORD = re.compile(r"""'(?:[^']|'')*'|--[^\n]*|/\*.*?\*/|"((?:[^"]|"")*)"|(\w+)|\.""", re.DOTALL)
_DOT = "."


@dataclass(frozen=True, slots=True)
class _Part:
    """What one source has in a table.

    Attributes:
        field: of a link table; None for a record table.
    """

    layout: Layout
    field: str | None


def put_in_front(connection: Connection, query: str, instant: str) -> list[str]:
    """Have the tables that `query` names hold, for this transaction, what they held at an instant.

    Args:
        instant: as columns keep it.

    Returns:
        What is missing in them, in sentences.

    Raises:
        UsageError: it names a table of which no history is kept, or something that stands on tables as they are now.
    """
    views = _Views(connection, instant)
    named = _words(query)
    _refuse_what_is_now(connection, query, named, views.parts.keys() | {work_items.VIEW})
    views.put(named & views.parts.keys())
    if work_items.VIEW in named:
        views.put_work_items()
    return views.missing


def _words(query: str) -> set[str]:
    """Return the names in a query, as the database takes them: in lower case unless in quotes."""
    return {each for each in _names(query) if each != _DOT}


def _names(query: str) -> list[str]:
    """Return the names and the dots of a query in their order."""
    found = (each for each in _WORD.finditer(query) if each[1] or each[2] or each[0] == _DOT)
    return [each[1].replace('""', '"') if each[1] else (each[2] or _DOT).lower() for each in found]


def _refuse_what_is_now(connection: Connection, query: str, named: Collection[str], tables: Collection[str]) -> None:
    """Refuse a query that would be shown what is now.

    Args:
        tables: all that views can be put in front of.

    Raises:
        UsageError: it names one of these with its schema, or a view that somebody has made.
    """
    known = inspect(connection)
    names = _names(query)
    schemas = {*known.get_schema_names()} if _DOT in names else set()
    for schema, dot, table in zip(names, names[1:], names[2:], strict=False):
        if dot == _DOT and table in tables and schema in schemas:
            raise UsageError(f"{schema}.{table} is what is now: as of an instant write {table} alone")
    views = {*known.get_view_names()} - {work_items.VIEW}
    if connection.dialect.name == "postgresql":
        views |= {*known.get_materialized_view_names()}
    if made := sorted(views & {*named}):
        raise UsageError(f"{made[0]} is a view of what is now: as of an instant ask the tables that it is made of")


class _Views:
    """The views of one transaction.

    Attributes:
        parts: name of a record or link table -> what sources have in it.
        missing: what is not in the views, in sentences.
    """

    def __init__(self, connection: Connection, instant: str) -> None:
        self._connection = connection
        self._schema = "main" if connection.dialect.name == "sqlite" else None  # Postgres takes what is there by now
        self._kept: dict[str, set[str]] = {}
        self._pasts: dict[str, Past] = {}
        self._made: set[str] = set()
        self.parts: dict[str, list[_Part]] = {}
        self.missing: list[str] = []
        for source in connection.scalars(select(sources.c.name).order_by(sources.c.name)).all():
            self._kept[source] = set(kept_types(connection, source))
            self._pasts[source] = Past(connection, source, instant, schema=self._schema)
            for layout in catalogue.layouts(connection, source).values():
                self.parts.setdefault(layout.table, []).append(_Part(layout, None))
                for link in layout.links:
                    self.parts.setdefault(link.name, []).append(_Part(layout, link.field))

    def put(self, names: Iterable[str]) -> None:
        """Put views in front of these tables.

        Raises:
            UsageError: of one of them no history is kept.
        """
        for name in sorted(names):
            kept = [each for each in self.parts[name] if self._is_kept(each.layout)]
            left = [each.layout for each in self.parts[name] if not self._is_kept(each.layout)]
            if not kept:
                raise no_history(left[0].source, left[0].type.name)
            self.missing += [f"{name} is without the records of {each.source}: no history is kept of them" for each in left]
            self._create(name, kept)

    def put_work_items(self) -> None:
        """Put the view over all work in front of the present one.

        Raises:
            UsageError: no history is kept of anything in it.
        """
        definition = work_items.definition(self._connection, self._is_kept)
        tables = _words(definition) & self.parts.keys()
        if not tables:
            raise UsageError(
                f"no history is kept of anything in {work_items.VIEW}: set history = true in the table of a source in "
                "mirror.toml, and run mirror sync; it begins then"
            )
        for name in sorted(tables - self._made):
            self._create(name, [each for each in self.parts[name] if self._is_kept(each.layout)])
        layouts = {id(each.layout): each.layout for some in self.parts.values() for each in some}
        left = [each for each in layouts.values() if each.type.work_item and not self._is_kept(each)]
        self.missing += [
            f"{work_items.VIEW} is without {each.type.name} of {each.source}: no history is kept of it" for each in left
        ]
        self._view(work_items.VIEW, definition)

    def _is_kept(self, layout: Layout) -> bool:
        return layout.type.name in self._kept[layout.source]

    def _create(self, name: str, parts: Iterable[_Part]) -> None:
        columns = [column(str(each["name"]), each["type"]) for each in inspect(self._connection).get_columns(name)]
        found = union_all(*(one for each in parts for one in self._selected(each, columns)))
        self._view(name, str(found.compile(dialect=self._connection.dialect, compile_kwargs={"literal_binds": True})))
        self._made.add(name)

    def _selected(self, part: _Part, columns: list[ColumnClause[Any]]) -> list[Select[Any]]:
        past = self._pasts[part.layout.source]
        if part.field is None:
            return past.rows(part.layout, columns)
        return past.links(part.layout, part.field, columns)

    def _view(self, name: str, definition: str) -> None:
        quoted = self._connection.dialect.identifier_preparer.quote(name)
        self._connection.exec_driver_sql(f"CREATE TEMPORARY VIEW {quoted} AS {definition}")
