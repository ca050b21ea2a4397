"""The records of a source as its tracker had them at one instant, in the place of the tables that hold them now.

A version counts from its beginning up to, and without, its end. What a user changed here and has not pushed is no part of
any: records for which something waits are read as the tracker has them, into temporary tables that end with the transaction.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    Column,
    ColumnClause,
    ColumnElement,
    Connection,
    FromClause,
    MetaData,
    Select,
    Table,
    cast,
    column,
    false,
    insert,
    literal_column,
    null,
    select,
    table,
    type_coerce,
)
from sqlalchemy.schema import CreateTable

from mirror.errors import UsageError
from mirror.model.layout import Layout
from mirror.store.column_types import StampText
from mirror.store.history_tables import SPAN, HistoryTables, began, history_tables, kept_types, whole_columns
from mirror.store.history_versions import tracker_versions, version_links, version_rows, waiting
from mirror.store.record_tables import RecordTable, describe, short_digest
from mirror.store.tables import absence


def no_history(source: str, type_name: str = "") -> UsageError:
    """Return the error that says what to do where no history is kept: of a type, or of a whole source."""
    of_type = f"{type_name} in " if type_name else ""
    only = f', or history = ["{type_name}"],' if type_name else ""
    return UsageError(
        f"no history is kept of {of_type}{source}, so what was is not known: "
        f"set history = true{only} in [sources.{source}] of mirror.toml, and run mirror sync; it begins then"
    )


class Past:
    """The records of one source at one instant, for one reading transaction."""

    def __init__(self, connection: Connection, source: str, instant: str, *, schema: str | None = None) -> None:
        """Prepare.

        Args:
            instant: as columns keep it.
            schema: where the tables of now are, when others stand in front of them.
        """
        self._schema = schema
        self._connection = connection
        self._source = source
        self._instant = cast(literal_column(f"'{instant}'"), StampText())
        self._kept = kept_types(connection, source).keys()
        self._layers: dict[str, _Layers] = {}

    def rows(self, layout: Layout, columns: Collection[ColumnClause[Any]]) -> list[Select[Any]]:
        """Return these columns of the records of a type, in parts that have none in common.

        Raises:
            UsageError: its history is not kept.
        """
        layers = self._of(layout)
        return [
            _chosen(layers.replaced.rows, columns).where(*self._spans(layers.replaced.rows)),
            *(_chosen(each.rows, columns).where(*self._counts(layout, each)) for each in layers.standing()),
        ]

    def links(self, layout: Layout, field: str, columns: Collection[ColumnClause[Any]]) -> list[Select[Any]]:
        """Return these columns of a link table, in parts as above.

        Raises:
            UsageError: the history of the type is not kept.
        """
        layers = self._of(layout)
        replaced = layers.replaced.links[field]
        chosen = [_chosen(replaced, columns).where(*self._spans(replaced))]
        for each in layers.standing():
            links = each.links[field]
            owned = (each.rows.c.id == links.c.id, *self._counts(layout, each))
            there = select(literal_column("1")).select_from(each.rows).where(*owned).correlate(links).exists()
            chosen.append(_chosen(links, columns).where(links.c.source == self._source, there))
        return chosen

    def _of(self, layout: Layout) -> _Layers:
        name = layout.type.name
        if name not in self._kept:
            raise no_history(self._source, name)
        if name not in self._layers:
            self._layers[name] = _layers(self._connection, layout, self._schema)
        return self._layers[name]

    def _spans(self, replaced: FromClause) -> list[ColumnElement[bool]]:
        mine = replaced.c.source == self._source
        return [mine, replaced.c._valid_from <= self._instant, replaced.c._valid_to > self._instant]

    def _counts(self, layout: Layout, layer: _Layer) -> list[ColumnElement[bool]]:
        """Return the conditions under which a row that has no end yet is what was there at the instant."""
        rows, layers = layer.rows, self._layers[layout.type.name]
        later, back = layers.replaced.rows.alias(), absence.alias()
        same = (later.c.source == self._source, later.c.id == rows.c.id, later.c._valid_to > self._instant)
        away = (back.c.source == self._source, back.c.type == layout.type.name, back.c.id == rows.c.id)
        returned = type_coerce(back.c.back_at, StampText()) > self._instant
        conditions = [
            rows.c.source == self._source,
            rows.c.id >= 0,
            rows.c._revision.is_not(None),
            began(rows) <= self._instant,
            ~select(literal_column("1")).select_from(later).where(*same).correlate(rows).exists(),
            ~select(literal_column("1")).select_from(back).where(*away, returned).correlate(rows).exists(),
        ]
        if layer is layers.present and layers.aside is not None:
            conditions.append(rows.c.id.not_in(select(layers.aside.rows.c.id)))
        return conditions


@dataclass(frozen=True, slots=True)
class _Layer:
    """Rows of a type, and its link rows by field."""

    rows: FromClause
    links: Mapping[str, FromClause]


@dataclass(frozen=True, slots=True)
class _Layers:
    """Where the versions of a type are.

    Attributes:
        replaced: those that have ended.
        present: the tables of the type.
        aside: in the place of what those tables show, records for which something waits; None when there is none.
    """

    replaced: _Layer
    present: _Layer
    aside: _Layer | None

    def standing(self) -> list[_Layer]:
        """Return where versions without an end are."""
        return [self.present] if self.aside is None else [self.present, self.aside]


def _layers(connection: Connection, layout: Layout, schema: str | None) -> _Layers:
    target = describe(layout)
    kept = history_tables(layout, whole_columns(connection, layout))
    links = {field: _present(target.links[field].name, each, schema) for field, each in kept.links.items()}
    present = _Layer(_present(layout.table, kept.table, schema), links)
    return _Layers(_Layer(kept.table, kept.links), present, _aside(connection, target, kept))


def _present(name: str, kept: Table, schema: str | None) -> FromClause:
    """Return the table of now that `kept` is the history of."""
    columns = (column(each.name, each.type) for each in kept.columns if each.name not in SPAN)
    return table(name, *columns, schema=schema)


def _aside(connection: Connection, target: RecordTable, kept: HistoryTables) -> _Layer | None:
    """Put records for which something waits into temporary tables as the tracker has them; None when there is none."""
    ids = waiting(connection, target)
    if not ids:
        return None
    versions = tracker_versions(connection, target, ids)
    layout = target.layout
    rows = _filled(connection, layout.source, kept.table, version_rows(connection, layout, kept.table, versions))
    links = {
        field: _filled(connection, layout.source, each, version_links(layout, field, each, versions))
        for field, each in kept.links.items()
    }
    return _Layer(rows, links)


def _filled(connection: Connection, source: str, like: Table, rows: Sequence[Mapping[str, Any]]) -> Table:
    """Return a temporary table with the columns of a history table, without the span, and these rows."""
    columns = [Column(each.name, each.type) for each in like.columns if each.name not in SPAN]
    made = Table(f"past_{short_digest(f'{source} {like.name}')}", MetaData(), *columns, prefixes=["TEMPORARY"])
    connection.execute(CreateTable(made))
    if rows:
        connection.execute(insert(made), rows)
    return made


def _chosen(rows: FromClause, columns: Collection[ColumnClause[Any]]) -> Select[Any]:
    """Return the SELECT of these columns; `_dirty` is false, and null stands for what only other sources have."""
    return select(*(_cell(rows, each).label(each.name) for each in columns)).select_from(rows)


def _cell(rows: FromClause, wanted: ColumnClause[Any]) -> ColumnElement[Any]:
    if wanted.name == "_dirty":
        return false()
    return rows.c[wanted.name] if wanted.name in rows.c else cast(null(), wanted.type)
