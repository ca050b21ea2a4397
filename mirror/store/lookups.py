"""Reads what is stored of given records: their revisions, the newest id, and what they link to."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import Connection, func, select

from mirror.model.layout import Layout
from mirror.model.schema import Kind
from mirror.store.chunks import chunked
from mirror.store.record_tables import describe

LinkEnd = tuple[int, int | None, str | None]
"""(owner id, target id, target type)."""


def revisions(connection: Connection, layout: Layout, ids: Collection[int]) -> dict[int, str]:
    """Return id -> revision of those of `ids` that are stored."""
    table = describe(layout).table
    query = select(table.c.id, table.c._revision).where(table.c.source == layout.source)
    return {row[0]: row[1] for chunk in chunked(ids) for row in connection.execute(query.where(table.c.id.in_(chunk)))}


def names(connection: Connection, layout: Layout, ids: Collection[int]) -> dict[int, str | None]:
    """Return id -> name, as others show it, of those of `ids` that are stored; nothing for a type without names."""
    described = describe(layout)
    if described.name_column is None:
        return {}
    table = described.table
    query = select(table.c.id, table.c[described.name_column]).where(table.c.source == layout.source)
    return {row[0]: row[1] for chunk in chunked(ids) for row in connection.execute(query.where(table.c.id.in_(chunk)))}


def newest(connection: Connection, layout: Layout) -> int:
    """Return the highest stored id; 0 when nothing is stored."""
    table = describe(layout).table
    return connection.scalar(select(func.max(table.c.id)).where(table.c.source == layout.source)) or 0


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
