"""Records that vanished from the tracker: their whole last row, and why they are gone."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, insert, select, update

from mirror.model.layout import Layout
from mirror.model.page import Fate
from mirror.store.chunks import chunked
from mirror.store.history import keeper
from mirror.store.journal import note_deleted
from mirror.store.local_rows import drop_rows, whole_links, whole_rows
from mirror.store.queue_rows import plain
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


def bury(
    connection: Connection,
    target: RecordTable,
    ids: Collection[int],
    reason: Reason,
    *,
    now: datetime,
    own: bool = False,
) -> int:
    """Move the rows of `ids`, with their links, to the tombstones; return how many were there.

    Args:
        own: they were deleted by a push from here.
    """
    source, type_name = target.layout.source, target.layout.type.name
    history = keeper(connection, target, now)
    buried = 0
    for chunk in chunked(ids):
        rows = whole_rows(connection, target, chunk)
        links = whole_links(connection, target, chunk)
        if not rows:
            continue
        here = (tombstone.c.source == source, tombstone.c.type == type_name)
        connection.execute(delete(tombstone).where(*here, tombstone.c.id.in_(rows)))
        connection.execute(
            insert(tombstone), [_stone(target.layout, row, links.get(key), reason, now) for key, row in rows.items()]
        )
        if history is not None:
            history.set_aside_shown({each: reason.deleted_at.get(each) for each in rows})
        drop_rows(connection, target, chunk)
        note_deleted(connection, target.layout, rows, now=now, own=own)
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


def amend(connection: Connection, target: RecordTable, ids: Iterable[int], reason: Reason, *, now: datetime) -> int:
    """Change the reason of tombstones, now that it is known better; return how many there were.

    Where the history is kept, what they were last ends when they were deleted, if that is known only now.
    """
    place, amended = (target.layout.source, target.layout.type.name), set[int]()
    for each in ids:
        values: dict[str, Any] = {"reason": reason.fate.value}
        if each in reason.deleted_at:
            values["deleted_at"] = datetime.fromisoformat(reason.deleted_at[each])
        if each in reason.into:
            values["merged_into"] = reason.into[each]
        this = (tombstone.c.source == place[0], tombstone.c.type == place[1], tombstone.c.id == each)
        if connection.execute(update(tombstone).where(*this).values(values)).rowcount:
            amended.add(each)
    history = keeper(connection, target, now)
    if history is not None:
        history.end_sooner({each: at for each, at in reason.deleted_at.items() if each in amended})
    return len(amended)


def _stone(layout: Layout, row: dict[str, Any], links: Any, reason: Reason, now: datetime) -> dict[str, Any]:
    deleted_at = reason.deleted_at.get(row["id"])
    return {
        "source": layout.source,
        "type": layout.type.name,
        "id": row["id"],
        "reason": reason.fate.value,
        "last_row": json.dumps(row, default=plain),
        "last_links": None if links is None else json.dumps(links),
        "tombstoned_at": now,
        "deleted_at": None if deleted_at is None else datetime.fromisoformat(deleted_at),
        "merged_into": reason.into.get(row["id"]),
    }
