"""How far each type has come: slices of a first load, watermarks, and small facts about a source."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, delete, insert, select, update

from mirror.model.progress import Slice, Watermark
from mirror.store.tables import OPEN_END, load_slice, note, watermark
from mirror.store.tables import record_type as types


def plan(connection: Connection, source: str, type_name: str, slices: Iterable[Slice]) -> None:
    """Begin the load of a type with these slices; an earlier plan is forgotten."""
    connection.execute(delete(load_slice).where(load_slice.c.source == source, load_slice.c.type == type_name))
    values = [_values(each) for each in slices]
    if values:
        connection.execute(insert(load_slice), values)


def save(connection: Connection, progress: Slice) -> None:
    """Store how far a planned slice has come."""
    values = _values(progress)
    this = [load_slice.c[name] == values[name] for name in ("source", "type", "until_id")]
    if connection.execute(update(load_slice).where(*this).values(values)).rowcount == 0:
        connection.execute(insert(load_slice).values(values))


def unfinished(connection: Connection, source: str) -> list[Slice]:
    """Return the slices of loads that have not finished, finished slices of theirs included, by type and id."""
    query = select(load_slice).where(load_slice.c.source == source)
    rows = connection.execute(query.order_by(load_slice.c.type, load_slice.c.until_id))
    return [_slice(row) for row in rows]


def finish(
    connection: Connection, source: str, type_name: str, *, watermark_at: datetime | None, now: datetime | None
) -> None:
    """End the load of a type: its slices go, its watermark is set, and it counts as loaded and no longer as grown."""
    connection.execute(delete(load_slice).where(load_slice.c.source == source, load_slice.c.type == type_name))
    if watermark_at is not None:
        set_watermark(connection, source, type_name, Watermark(watermark_at))
    touch(connection, source, type_name, now)
    this = (types.c.source == source, types.c.type == type_name)
    connection.execute(update(types).where(*this).values(grown=False, loaded=True))


def loaded_types(connection: Connection, source: str) -> set[str]:
    """Return the types whose first load has ended."""
    query = select(types.c.type).where(types.c.source == source, types.c.loaded)
    return set(connection.scalars(query))


def touch(connection: Connection, source: str, type_name: str, now: datetime | None) -> None:
    """Remember that something about the type was stored just now."""
    if now is not None:
        this = (types.c.source == source, types.c.type == type_name)
        connection.execute(update(types).where(*this).values(synced_at=now))


def set_complete(connection: Connection, source: str, type_names: Iterable[str], at: datetime) -> None:
    """Remember that everything of these types is here that had changed before `at`."""
    of_source = (types.c.source == source, types.c.type.in_(list(type_names)))
    connection.execute(update(types).where(*of_source).values(complete_at=at))


def watermarks(connection: Connection, source: str) -> dict[str, Watermark]:
    """Return type name -> watermark, of the types that have one."""
    rows = connection.execute(select(watermark).where(watermark.c.source == source))
    return {row.type: Watermark(row.changed_until, row.position) for row in rows}


def set_watermark(connection: Connection, source: str, type_name: str, mark: Watermark) -> None:
    """Store a watermark."""
    connection.execute(delete(watermark).where(watermark.c.source == source, watermark.c.type == type_name))
    connection.execute(
        insert(watermark).values(source=source, type=type_name, changed_until=mark.at, position=mark.position)
    )


def set_note(connection: Connection, source: str, key: str, value: str) -> None:
    """Store one fact about a source."""
    connection.execute(delete(note).where(note.c.source == source, note.c.key == key))
    connection.execute(insert(note).values(source=source, key=key, value=value))


def notes(connection: Connection, source: str) -> dict[str, str]:
    """Return the facts about a source."""
    rows = connection.execute(select(note).where(note.c.source == source))
    return {row.key: row.value for row in rows}


def _values(each: Slice) -> dict[str, Any]:
    return {
        "source": each.source,
        "type": each.type_name,
        "after_id": each.after,
        "until_id": OPEN_END if each.until is None else each.until,
        "started_at": each.started_at,
        "done": each.done,
    }


def _slice(row: Row[Any]) -> Slice:
    until = None if row.until_id == OPEN_END else row.until_id
    return Slice(row.source, row.type, row.after_id, until, row.started_at, row.done)
