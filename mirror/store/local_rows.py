"""Reads and writes single records as they are shown here: cells, links, and whole rows that leave their table and come back.

Nothing is decided in here.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, Table, bindparam, column, delete, insert, select, table, update

from mirror.model.cells import canonical
from mirror.model.layout import BOOKKEEPING
from mirror.model.layout import Column as RecordColumn
from mirror.model.schema import Kind
from mirror.store.catalogue import stored_columns
from mirror.store.chunks import chunked
from mirror.store.column_types import column_type
from mirror.store.queue_rows import plain
from mirror.store.record_tables import RecordTable

Cell = dict[str, Any]
LinkCells = tuple[Any, ...]
"""(position, target id, target name, target type), or (position, value)."""


def read_rows(connection: Connection, target: RecordTable, ids: Collection[int], *, lock: bool = True) -> dict[int, Cell]:
    """Return id -> column -> cell of those records that are stored, the mirror's own columns included.

    Args:
        lock: nobody else may change them until the transaction ends.
    """
    names = [each for each in target.table.columns if each.name not in ("source", "_synced_at", "_extra")]
    query = select(*names).where(target.table.c.source == target.layout.source)
    query = query.order_by(target.table.c.id).with_for_update() if lock else query
    found = {}
    for chunk in chunked(sorted(ids)):
        for row in connection.execute(query.where(target.table.c.id.in_(chunk))).mappings():
            found[row["id"]] = {name: plain(value) for name, value in row.items()}
    return found


def lock_rows(connection: Connection, target: RecordTable, ids: Collection[int]) -> None:
    """Keep everybody else from changing those of these records that are stored, until the transaction ends.

    Always in the same order, so that two who do this never wait for each other. On SQLite the transaction does it.
    """
    if connection.dialect.name == "sqlite":
        return
    key = target.table.c.id
    query = select(key).where(target.table.c.source == target.layout.source).order_by(key).with_for_update()
    for chunk in chunked(sorted(ids)):
        connection.execute(query.where(key.in_(chunk)))


def held_by_others(connection: Connection, target: RecordTable, ids: Collection[int]) -> set[int]:
    """Lock those of these records that nobody else has locked; return the others."""
    if connection.dialect.name == "sqlite":
        return set()
    key, found = target.table.c.id, set()
    query = select(key).where(target.table.c.source == target.layout.source)
    for chunk in chunked(sorted(ids)):
        free = query.where(key.in_(chunk)).order_by(key).with_for_update(skip_locked=True)
        found |= set(connection.scalars(query.where(key.in_(chunk)))) - set(connection.scalars(free))
    return found


def write_cells(connection: Connection, target: RecordTable, cells: Mapping[int, Mapping[str, Any]]) -> None:
    """Put cells into rows that are stored.

    Args:
        cells: id -> column -> cell; the same columns for all.
    """
    if not cells:
        return
    kinds = {each.name: each.kind for each in target.layout.columns}
    names = next(iter(cells.values())).keys()
    is_known = names <= set(target.table.c.keys())  # else a field has vanished since
    if not is_known:
        kinds = {each.name: each.kind for each in stored_columns(connection, target.layout.source, target.layout.type.name)}
    rows = target.table if is_known else _whole(connection, target)
    this = (rows.c.source == target.layout.source, rows.c.id == bindparam("_this"))
    values = [
        {"_this": key, **{name: bound(connection, kinds.get(name), value) for name, value in each.items()}}
        for key, each in cells.items()
    ]
    connection.execute(update(rows).where(*this), values)


def add_row(connection: Connection, target: RecordTable, record_id: int, now: datetime) -> None:
    """Insert the row of a record that the tracker does not have yet: all null."""
    at = now.isoformat(timespec="milliseconds")
    values = {"source": target.layout.source, "id": record_id, "_synced_at": canonical(Kind.TIMESTAMP, at), "_dirty": True}
    connection.execute(insert(target.table).values(values))


def drop_rows(connection: Connection, target: RecordTable, ids: Collection[int]) -> None:
    """Delete rows and their links."""
    for each in (target.table, *target.links.values()):
        for chunk in chunked(ids):
            connection.execute(delete(each).where(each.c.source == target.layout.source, each.c.id.in_(chunk)))


def bound(connection: Connection, kind: Kind | None, value: Any) -> Any:
    """Return a cell as the database takes it without loss."""
    if value is None:
        return None
    if kind is Kind.JSON and not isinstance(value, str):
        return json.dumps(value)
    if kind is Kind.NUMERIC and connection.dialect.name == "postgresql" and not isinstance(value, int):
        return Decimal(str(value))
    if kind is Kind.BOOLEAN:
        return bool(value)
    return value


# links


def read_links(connection: Connection, target: RecordTable, field: str, owner: int) -> list[LinkCells]:
    """Return the links of one record by position."""
    return [tuple(row)[1:] for row in connection.execute(_links_query(target.links[field], target.layout.source, [owner]))]


def write_links(connection: Connection, target: RecordTable, field: str, owner: int, links: Sequence[LinkCells]) -> None:
    """Put these links in the place of those of one record."""
    link = target.links[field]
    connection.execute(delete(link).where(link.c.source == target.layout.source, link.c.id == owner))
    names = list(link.columns.keys())
    rows = [dict(zip(names, (target.layout.source, owner, *each), strict=True)) for each in links]
    if rows:
        connection.execute(insert(link), rows)


# whole rows


def whole_rows(connection: Connection, target: RecordTable, ids: Collection[int]) -> dict[int, Cell]:
    """Return id -> the whole row, with the columns of vanished fields, which no layout shows any more."""
    whole = _whole(connection, target)
    query = select(whole).where(whole.c.source == target.layout.source, whole.c.id.in_(list(ids)))
    return {row["id"]: dict(row) for row in connection.execute(query).mappings()}


def whole_links(connection: Connection, target: RecordTable, ids: Collection[int]) -> dict[int, dict[str, list[list[Any]]]]:
    """Return owner -> name of the link table -> rows behind the owner, by position."""
    found: dict[int, dict[str, list[list[Any]]]] = {}
    for each in target.links.values():
        for owner, *row in connection.execute(_links_query(each, target.layout.source, list(ids))):
            found.setdefault(owner, {}).setdefault(each.name, []).append(row)
    return found


def put_in(connection: Connection, target: RecordTable, row: Mapping[str, Any], links: Mapping[str, Sequence[Any]]) -> None:
    """Store a whole row that is not there, and its links, as `whole_rows` and `whole_links` gave them."""
    whole = _whole(connection, target)
    kinds = {each.name: each.kind for each in stored_columns(connection, target.layout.source, target.layout.type.name)}
    values = {name: bound(connection, kinds.get(name), value) for name, value in row.items() if name in whole.c}
    values |= {"source": target.layout.source, "_dirty": False}
    connection.execute(insert(whole).values(values))
    for field, link in target.links.items():
        write_links(connection, target, field, int(row["id"]), [tuple(each) for each in links.get(link.name, ())])


def _whole(connection: Connection, target: RecordTable) -> Any:
    layout = target.layout
    known: Iterable[Any] = stored_columns(connection, layout.source, layout.type.name)
    columns = [column(each.name, column_type(each.kind)) for each in known if isinstance(each, RecordColumn)]
    head = [column(name, target.table.c[name].type) for name in BOOKKEEPING]
    return table(layout.table, *head, *columns)


def _links_query(link: Table, source: str, ids: list[int]) -> Any:
    columns = list(link.columns)[1:]
    query = select(*columns).where(link.c.source == source, link.c.id.in_(ids))
    return query.order_by(link.c.id, link.c.position)
