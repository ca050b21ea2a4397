"""Reads what is stored of given records: their revisions, the newest id, and what they link to."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import Connection, func, or_, select

from mirror.model.layout import Column, Layout
from mirror.model.part import Part
from mirror.model.schema import Kind
from mirror.store.chunks import chunked
from mirror.store.keys import deleted_here
from mirror.store.record_tables import describe

LinkEnd = tuple[int, int | None, str | None]
"""(owner id, target id, target type)."""


def revisions(connection: Connection, layout: Layout, ids: Collection[int]) -> dict[int, str]:
    """Return id -> revision of those of `ids` that are stored, or wait to be deleted on the tracker."""
    table = describe(layout).table
    query = select(table.c.id, table.c._revision).where(table.c.source == layout.source)
    gone = deleted_here(layout.source, layout.type.name)
    wanted = frozenset(ids)
    found = {row[0]: row[1] or "" for row in connection.execute(gone) if row[0] in wanted}
    for chunk in chunked(ids):
        found |= {row[0]: row[1] or "" for row in connection.execute(query.where(table.c.id.in_(chunk)))}
    return found


def names(connection: Connection, layout: Layout, ids: Collection[int]) -> dict[int, str | None]:
    """Return id -> name, as others show it, of those of `ids` that are stored; nothing for a type without names."""
    described = describe(layout)
    if described.name_column is None:
        return {}
    return _values(connection, layout, described.name_column, ids)


def labels(connection: Connection, layout: Layout, ids: Collection[int]) -> dict[int, str | None]:
    """Return id -> what people call it, of those of `ids` that are stored; nothing for a type without a key field."""
    key = layout.type.key_field
    column = next((each.name for each in layout.columns if each.field == key and each.part is Part.VALUE), None)
    return {} if column is None else _values(connection, layout, column, ids)


def _values(connection: Connection, layout: Layout, column: str, ids: Collection[int]) -> dict[int, str | None]:
    table = describe(layout).table
    query = select(table.c.id, table.c[column]).where(table.c.source == layout.source)
    return {row[0]: row[1] for chunk in chunked(ids) for row in connection.execute(query.where(table.c.id.in_(chunk)))}


def newest(connection: Connection, layout: Layout) -> int:
    """Return the highest stored id, of records that wait to be deleted on the tracker too; 0 when nothing is stored."""
    table = describe(layout).table
    gone = deleted_here(layout.source, layout.type.name).subquery()
    stored = connection.scalar(select(func.max(table.c.id)).where(table.c.source == layout.source)) or 0
    return max(0, stored, connection.scalar(select(func.max(gone.c.id))) or 0)


def link_targets(connection: Connection, layout: Layout, ids: Collection[int]) -> dict[str, set[LinkEnd]]:
    """Return link field -> what these records link to, for every field that links to records."""
    tables = describe(layout).links
    found: dict[str, set[LinkEnd]] = {}
    for link in layout.links:
        if link.kind is not Kind.LINKS:
            continue
        table = tables[link.field]
        query = select(table.c.id, table.c.target_id, table.c.target_type).where(table.c.source == layout.source)
        found[link.field] = {
            (row[0], row[1], row[2])
            for chunk in chunked(ids)
            for row in connection.execute(query.where(table.c.id.in_(chunk)))
        }
    return found


def link_owners(
    connection: Connection, layout: Layout, field: str, target_type: str, ids: Collection[int]
) -> set[tuple[int, int]]:
    """Return (owner id, target id) of the links of one field to these records of `target_type`."""
    table = describe(layout).links[field]
    leads = or_(table.c.target_type == target_type, table.c.target_type.is_(None))
    query = select(table.c.id, table.c.target_id).where(table.c.source == layout.source, leads)
    return {
        (row[0], row[1]) for chunk in chunked(ids) for row in connection.execute(query.where(table.c.target_id.in_(chunk)))
    }


def reference_targets(connection: Connection, layout: Layout, ids: Collection[int]) -> dict[str, set[LinkEnd]]:
    """Return reference field -> what these records refer to; the type is None where the column for it is missing."""
    fields = reference_columns(layout)
    wanted = [each.name for parts in fields.values() for part, each in parts.items() if part is not Part.NAME]
    table = describe(layout).table
    query = select(table.c.id, *(table.c[name] for name in wanted)).where(table.c.source == layout.source)
    place = {name: at for at, name in enumerate(wanted, start=1)}
    pairs = {
        name: (place[parts[Part.ID].name], place[parts[Part.TYPE].name] if Part.TYPE in parts else None)
        for name, parts in fields.items()
    }
    found: dict[str, set[LinkEnd]] = {name: set() for name in pairs}
    for chunk in chunked(ids) if pairs else ():
        for row in connection.execute(query.where(table.c.id.in_(chunk))):
            for name, (target, of_type) in pairs.items():
                if row[target] is not None:
                    found[name].add((row[0], row[target], None if of_type is None else row[of_type]))
    return found


def reference_columns(layout: Layout) -> dict[str, dict[Part, Column]]:
    """Return reference field -> its columns by part."""
    found: dict[str, dict[Part, Column]] = {}
    for each in layout.columns:
        if each.part is not Part.VALUE:
            found.setdefault(each.field, {})[each.part] = each
    return found
