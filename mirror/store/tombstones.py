"""Records that vanished from the tracker: their whole last row, and why they are gone."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, Table, column, delete, insert, select, table, update

from mirror.model.layout import BOOKKEEPING, Layout
from mirror.model.layout import Column as RecordColumn
from mirror.model.page import Fate
from mirror.store.catalogue import stored_columns
from mirror.store.chunks import chunked
from mirror.store.column_types import column_type
from mirror.store.record_tables import RecordTable
from mirror.store.tables import tombstone


@dataclass(frozen=True, slots=True)
class Reason:
    """Why records are gone, as the tracker says.

    Attributes:
        deleted_at: id -> text timestamp, where it tells it.
        into: id -> the id it was merged into.
    """

    fate: Fate
    deleted_at: Mapping[int, str]
    into: Mapping[int, int]


def bury(connection: Connection, target: RecordTable, ids: Collection[int], reason: Reason, *, now: datetime) -> int:
    """Move the rows of `ids`, with their links, to the tombstones; return how many were there."""
    source, type_name = target.layout.source, target.layout.type.name
    buried = 0
    for chunk in chunked(ids):
        rows = _last_rows(connection, target, chunk)
        links = _last_links(connection, target, chunk)
        if not rows:
            continue
        here = (tombstone.c.source == source, tombstone.c.type == type_name)
        connection.execute(delete(tombstone).where(*here, tombstone.c.id.in_(rows)))
        connection.execute(
            insert(tombstone), [_stone(target.layout, row, links.get(key), reason, now) for key, row in rows.items()]
        )
        for each in (target.table, *target.links.values()):
            connection.execute(delete(each).where(each.c.source == source, each.c.id.in_(chunk)))
        buried += len(rows)
    return buried


def forget(connection: Connection, place: tuple[str, str], ids: Collection[int]) -> None:
    """Remove the tombstones of records that are back.

    Args:
        place: source and type name.
    """
    if not ids:
        return
    here = (tombstone.c.source == place[0], tombstone.c.type == place[1])
    if connection.scalar(select(tombstone.c.id).where(*here, tombstone.c.id.between(min(ids), max(ids))).limit(1)) is None:
        return
    for chunk in chunked(ids):
        connection.execute(delete(tombstone).where(*here, tombstone.c.id.in_(chunk)))


def listed(connection: Connection, place: tuple[str, str], fate: Fate | None) -> list[tuple[int, Fate]]:
    """Return id and reason of every tombstone, by id; with `fate` only of those."""
    query = select(tombstone.c.id, tombstone.c.reason).where(tombstone.c.source == place[0], tombstone.c.type == place[1])
    if fate is not None:
        query = query.where(tombstone.c.reason == fate.value)
    return [(row.id, Fate(row.reason)) for row in connection.execute(query.order_by(tombstone.c.id))]


def amend(connection: Connection, place: tuple[str, str], ids: Iterable[int], reason: Reason) -> int:
    """Change the reason of tombstones, now that it is known better; return how many there were."""
    amended = 0
    for each in ids:
        values: dict[str, Any] = {"reason": reason.fate.value}
        if each in reason.deleted_at:
            values["deleted_at"] = datetime.fromisoformat(reason.deleted_at[each])
        if each in reason.into:
            values["merged_into"] = reason.into[each]
        this = (tombstone.c.source == place[0], tombstone.c.type == place[1], tombstone.c.id == each)
        amended += connection.execute(update(tombstone).where(*this).values(values)).rowcount
    return amended


def _last_rows(connection: Connection, target: RecordTable, ids: list[int]) -> dict[int, dict[str, Any]]:
    """Return id -> the whole row, with the columns of vanished fields, which no layout shows any more."""
    layout = target.layout
    known = stored_columns(connection, layout.source, layout.type.name)
    names = [each for each in known if isinstance(each, RecordColumn)]
    columns = [column(each.name, column_type(each.kind)) for each in names]
    head = [target.table.c[name] for name in BOOKKEEPING]
    whole = table(layout.table, *(column(each.name, each.type) for each in head), *columns)
    query = select(whole).where(whole.c.source == layout.source, whole.c.id.in_(ids))
    return {row["id"]: dict(row) for row in connection.execute(query).mappings()}


def _last_links(connection: Connection, target: RecordTable, ids: list[int]) -> dict[int, dict[str, list[list[Any]]]]:
    found: dict[int, dict[str, list[list[Any]]]] = {}
    for each in target.links.values():
        for owner, *row in connection.execute(_links_query(each, target.layout.source, ids)):
            found.setdefault(owner, {}).setdefault(each.name, []).append(row)
    return found


def _links_query(link: Table, source: str, ids: list[int]) -> Any:
    columns = list(link.columns)[1:]
    query = select(*columns).where(link.c.source == source, link.c.id.in_(ids))
    return query.order_by(link.c.id, link.c.position)


def _stone(layout: Layout, row: dict[str, Any], links: Any, reason: Reason, now: datetime) -> dict[str, Any]:
    deleted_at = reason.deleted_at.get(row["id"])
    return {
        "source": layout.source,
        "type": layout.type.name,
        "id": row["id"],
        "reason": reason.fate.value,
        "last_row": json.dumps(row, default=_plain),
        "last_links": None if links is None else json.dumps(links),
        "tombstoned_at": now,
        "deleted_at": None if deleted_at is None else datetime.fromisoformat(deleted_at),
        "merged_into": reason.into.get(row["id"]),
    }


def _plain(value: Any) -> Any:
    """Return what JSON can say for a Postgres NUMERIC: a number where it is exact, else its digits as text."""
    if isinstance(value, Decimal):
        if value == value.to_integral_value():
            return int(value)
        return float(value) if Decimal(repr(float(value))) == value else str(value)
    return str(value)
