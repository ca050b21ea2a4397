"""What a source offers, as stored: types, fields, and the columns they were given."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

import msgspec
from sqlalchemy import Connection, Row, delete, insert, select, update

from mirror.model.layout import Column, Layout, LinkTable, arrange, table_name
from mirror.model.part import Part
from mirror.model.schema import Catalog, Field, Kind, RecordType, Tracking
from mirror.model.work_item import WorkItem
from mirror.store import capture
from mirror.store.record_tables import create_or_grow, present_tables, short_digest
from mirror.store.tables import field as fields
from mirror.store.tables import load_slice as slices
from mirror.store.tables import record_type as types
from mirror.store.tables import source as sources

OFFERED = "offered"
VANISHED = "vanished"


@dataclass(frozen=True, slots=True)
class Adoption:
    """The outcome of adopting a catalog.

    Attributes:
        layouts: type name -> layout, of every type of the catalog.
        grown: types that have a field which the rows stored so far were read without. Remembered until their next load
            has finished, so that a crash in between loses nothing.
    """

    layouts: Mapping[str, Layout]
    grown: frozenset[str]


@dataclass(frozen=True, slots=True)
class _Known:
    """What the database knows about one tracker before a catalog is adopted.

    Attributes:
        tables: type name -> table name, of all sources of the tracker.
        names: table name -> columns and link tables, of all sources of the tracker and of vanished fields as well.
        live: type name -> names of the columns and link tables in use, of this source.
        vanished: types of this source that were not on offer any more.
    """

    tables: dict[str, str]
    names: dict[str, dict[str, Column | LinkTable]]
    live: dict[str, frozenset[str]]
    vanished: frozenset[str]


def adopt(connection: Connection, source: str, tracker: str, catalog: Catalog, *, now: datetime) -> Adoption:
    """Make the database ready for `catalog`: tables, columns and link tables are added, nothing is dropped or narrowed."""
    known = _known(connection, source, tracker)
    layouts = {name: _arrange(source, tracker, catalog.types[name], known) for name in sorted(catalog.types)}
    names = [name for each in layouts.values() for name in (each.table, *(link.name for link in each.links))]
    present = present_tables(connection, names)
    changed = [each.table for each in layouts.values() if create_or_grow(connection, each, present)]
    grown = frozenset(name for name, layout in layouts.items() if _is_behind(layout, known))
    _store(connection, layouts, now=now)
    capture.watch(connection, changed)
    connection.execute(update(types).where(types.c.source == source, types.c.type.in_(grown)).values(grown=True))
    _mark_vanished_types(connection, source, layouts, now=now)
    # A load that is under way has read its first records without what is new; it begins again.
    connection.execute(delete(slices).where(slices.c.source == source, slices.c.type.in_(grown)))
    values = {"name": source, "tracker": tracker, "digest": catalog.digest, "adopted_at": now}
    if connection.execute(update(sources).where(sources.c.name == source).values(values)).rowcount == 0:
        connection.execute(insert(sources).values(values))
    return Adoption(layouts, grown_types(connection, source) & layouts.keys())


def digest(connection: Connection, source: str) -> str | None:
    """Return the digest of the catalog adopted last; None when there was none."""
    found = connection.scalar(select(sources.c.digest).where(sources.c.name == source))
    return None if found is None else str(found)


def grown_types(connection: Connection, source: str) -> frozenset[str]:
    """Return the types to be read again because of new fields."""
    query = select(types.c.type).where(types.c.source == source, types.c.grown, types.c.state == OFFERED)
    return frozenset(connection.scalars(query))


def layouts(
    connection: Connection, source: str, only: Collection[str] | None = None, *, vanished: bool = False
) -> dict[str, Layout]:
    """Return the layouts of the types that `source` offers, as `adopt` returned them.

    Args:
        only: names of types; None for all.
        vanished: of types that it offers no more as well, as they were last.
    """
    chosen = [types.c.source == source, *([] if vanished else [types.c.state == OFFERED])]
    parts: dict[str, list[Row[Any]]] = {}
    query = select(fields).where(fields.c.source == source, fields.c.vanished_at.is_(None))
    if only is not None:
        chosen.append(types.c.type.in_(list(only)))
        query = query.where(fields.c.type.in_(list(only)))
    for row in connection.execute(query.order_by(fields.c.type, fields.c.position)):
        parts.setdefault(row.type, []).append(row)
    offered = select(types).where(*chosen).order_by(types.c.type)
    return {row.type: _layout(row, tuple(parts.get(row.type, ()))) for row in connection.execute(offered)}


def offered_types(connection: Connection, source: str) -> frozenset[str]:
    """Return the names of the types that `source` offers."""
    return frozenset(connection.scalars(select(types.c.type).where(types.c.source == source, types.c.state == OFFERED)))


def work_item_types(connection: Connection, source: str) -> frozenset[str]:
    """Return the names of the types that `source` offers and that show in the view `work_item`."""
    shown = select(types.c.type).where(types.c.work_item.is_not(None))
    return frozenset(connection.scalars(shown.where(types.c.source == source, types.c.state == OFFERED)))


def stored_columns(connection: Connection, source: str, type_name: str) -> list[Column | LinkTable]:
    """Return every column and link table that may hold values of this type, those of vanished fields included."""
    query = select(fields).where(fields.c.source == source, fields.c.type == type_name)
    return [_column(row) for row in connection.execute(query.order_by(fields.c.position, fields.c.column_name))]


def keyed_types(connection: Connection, source: str) -> frozenset[str]:
    """Return the types of `source` whose records have a key of their own."""
    query = select(types.c.type).where(types.c.source == source, types.c.key_field.is_not(None))
    return frozenset(connection.scalars(query))


def _known(connection: Connection, source: str, tracker: str) -> _Known:
    join = (fields.c.source == types.c.source) & (fields.c.type == types.c.type)
    tables: dict[str, str] = {}
    live: dict[str, frozenset[str]] = {}
    vanished: set[str] = set()
    for row in connection.execute(select(types).where(types.c.tracker == tracker).order_by(types.c.source)):
        tables.setdefault(row.type, row.table_name)
        if row.source == source:
            live[row.type] = frozenset()
            if row.state == VANISHED:
                vanished.add(row.type)
    names: dict[str, dict[str, Column | LinkTable]] = {}
    query = select(fields, types.c.table_name).join_from(fields, types, join).where(types.c.tracker == tracker)
    for row in connection.execute(query):
        names.setdefault(row.table_name, {})[row.column_name] = _column(row)
        if row.source == source and row.vanished_at is None:
            live[row.type] |= {row.column_name}
    return _Known(tables, names, live, frozenset(vanished))


def _arrange(source: str, tracker: str, record_type: RecordType, known: _Known) -> Layout:
    table = known.tables.get(record_type.name) or _free_table(tracker, record_type.name, set(known.tables.values()))
    known.tables[record_type.name] = table
    taken = known.names.get(table, {})
    return arrange(source, tracker, record_type, table=table, taken=sorted(taken.values(), key=lambda each: each.name))


def _free_table(tracker: str, type_name: str, used: set[str]) -> str:
    """Return the table for a new type; of two types that differ only in punctuation the later one gets a digest."""
    wanted = table_name(tracker, type_name)
    return wanted if wanted not in used else table_name(tracker, f"{type_name} {short_digest(type_name)}")


def _places(layout: Layout) -> list[Column | LinkTable]:
    return [*layout.columns, *layout.links]


def _is_behind(layout: Layout, known: _Known) -> bool:
    """Return whether stored rows lack something: a field is new, or the type was not followed for a while."""
    name = layout.type.name
    return name in known.live and (name in known.vanished or bool(_names(layout) - known.live[name]))


def _names(layout: Layout) -> frozenset[str]:
    return frozenset(each.name for each in _places(layout))


def _store(connection: Connection, layouts: Mapping[str, Layout], *, now: datetime) -> None:
    for name, layout in layouts.items():
        values = _type_values(layout)
        this = (types.c.source == layout.source) & (types.c.type == name)
        if connection.execute(update(types).where(this).values(values)).rowcount == 0:
            connection.execute(insert(types).values(values))
        used = _field_values(layout)
        names = [each["column_name"] for each in used]
        of_type = (fields.c.source == layout.source) & (fields.c.type == name)
        gone = of_type & fields.c.vanished_at.is_(None) & fields.c.column_name.not_in(names)
        connection.execute(update(fields).where(gone).values(vanished_at=now))
        connection.execute(delete(fields).where(of_type, fields.c.column_name.in_(names)))
        if used:
            connection.execute(insert(fields), used)


def _mark_vanished_types(connection: Connection, source: str, kept: Iterable[str], *, now: datetime) -> None:
    gone = (types.c.source == source) & (types.c.state == OFFERED) & types.c.type.not_in(list(kept))
    connection.execute(update(types).where(gone).values(state=VANISHED, vanished_at=now))


def _type_values(layout: Layout) -> dict[str, Any]:
    each = layout.type
    return {
        "source": layout.source,
        "type": each.name,
        "tracker": layout.tracker,
        "table_name": layout.table,
        "display_name": each.display_name,
        "tracking": each.tracking.value,
        "key_field": each.key_field,
        "name_field": each.name_field,
        "stamp_field": each.stamp_field,
        "restorable": each.restorable,
        "transient": each.transient,
        "family": each.family,
        "actions": json.dumps(each.actions),
        "operations": json.dumps(each.operations),
        "work_item": None if each.work_item is None else msgspec.json.encode(each.work_item).decode(),
        "state": OFFERED,
        "vanished_at": None,
    }


def _field_values(layout: Layout) -> list[dict[str, Any]]:
    order = {each.name: (place, each) for place, each in enumerate(layout.type.fields)}
    return [_one_field(layout, each, *order[each.field]) for each in _places(layout)]


def _one_field(layout: Layout, column: Column | LinkTable, position: int, field: Field) -> dict[str, Any]:
    return {
        "source": layout.source,
        "type": layout.type.name,
        "column_name": column.name,
        "field": field.name,
        "part": column.part.value if isinstance(column, Column) else Part.VALUE.value,
        "kind": field.kind.value,
        "column_kind": column.kind.value,
        "position": position,
        "display_name": field.display_name,
        "native_type": field.native_type,
        "required": field.required,
        "read_only": field.read_only,
        "custom": field.custom,
        "polymorphic": field.polymorphic,
        "targets": json.dumps(field.targets),
        "allowed_values": json.dumps(field.allowed_values),
        "max_length": field.max_length,
        "create_only": field.create_only,
        "vanished_at": None,
    }


@lru_cache(maxsize=1024)
def _layout(row: Row[Any], parts: tuple[Row[Any], ...]) -> Layout:
    found = {part.field: _field(part) for part in parts}
    record_type = RecordType(
        name=row.type,
        fields=tuple(found.values()),
        tracking=Tracking(row.tracking),
        display_name=row.display_name,
        name_field=row.name_field,
        key_field=row.key_field,
        stamp_field=row.stamp_field,
        restorable=row.restorable,
        transient=row.transient,
        family=row.family,
        actions=tuple(json.loads(row.actions)),
        operations=tuple(json.loads(row.operations)),
        work_item=None if row.work_item is None else msgspec.json.decode(row.work_item, type=WorkItem),
    )
    taken = [_column(part) for part in parts]
    return arrange(row.source, row.tracker, record_type, table=row.table_name, taken=taken)


def _field(row: Row[Any]) -> Field:
    return Field(
        name=row.field,
        kind=Kind(row.kind),
        display_name=row.display_name,
        native_type=row.native_type,
        required=row.required,
        read_only=row.read_only,
        custom=row.custom,
        targets=tuple(json.loads(row.targets)),
        polymorphic=row.polymorphic,
        allowed_values=tuple(json.loads(row.allowed_values)),
        max_length=row.max_length,
        create_only=row.create_only,
    )


def _column(row: Row[Any]) -> Column | LinkTable:
    kind = Kind(row.column_kind)
    if kind in (Kind.LINKS, Kind.VALUES):
        return LinkTable(row.column_name, kind, row.field)
    return Column(row.column_name, kind, row.field, Part(row.part))
