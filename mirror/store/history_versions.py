"""Records as the tracker has them where something done here waits: what is stored without what was changed here."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Table, select

from mirror.model.change import Change
from mirror.model.layout import Layout
from mirror.store import local_rows, queue_rows
from mirror.store.chunks import chunked
from mirror.store.history_tables import own_columns, whole_columns
from mirror.store.local_rows import LinkCells, bound
from mirror.store.queue_record import Desk
from mirror.store.queue_sheet import Sheet
from mirror.store.record_tables import RecordTable
from mirror.store.tables import change as changes


@dataclass(frozen=True, slots=True)
class Version:
    """A record as the tracker has it.

    Attributes:
        row: column -> cell, those of vanished fields included.
        links: field -> link rows by position.
    """

    row: Mapping[str, Any]
    links: Mapping[str, list[LinkCells]]


def waiting(connection: Connection, target: RecordTable) -> list[int]:
    """Return the ids of all records of a type for which something waits."""
    layout = target.layout
    query = select(changes.c.record_id).where(changes.c.source == layout.source, changes.c.type == layout.type.name)
    return [*connection.scalars(query.distinct())]


def tracker_versions(connection: Connection, target: RecordTable, ids: Collection[int]) -> dict[int, Version]:
    """Return those of these records, for all of which something waits, that the tracker has; also those deleted here."""
    found: dict[int, Version] = {}
    for chunk in chunked(sorted(each for each in ids if each >= 0)):
        whole = local_rows.whole_rows(connection, target, chunk)
        for sheet in _sheets(connection, target, chunk):
            version = _version(sheet, whole.get(sheet.record_id))
            if version is not None:
                found[sheet.record_id] = version
    return found


def _sheets(connection: Connection, target: RecordTable, ids: list[int]) -> Iterable[Sheet]:
    """Yield a sheet for each of these records that has changes; nothing is locked, for nothing is written."""
    desk = Desk(connection, target, datetime.min.replace(tzinfo=UTC))
    rows = local_rows.read_rows(connection, target, ids, lock=False)
    query = queue_rows.of_type(target.layout.source, target.layout.type.name)
    by_record: dict[int, list[Change]] = {}
    for each in queue_rows.read(connection, query.where(changes.c.record_id.in_(ids))):
        by_record.setdefault(each.record_id, []).append(each)
    for record_id, own in by_record.items():
        yield Sheet(desk, record_id, rows.get(record_id), own)


def _version(sheet: Sheet, row: Mapping[str, Any] | None) -> Version | None:
    if row is None:
        deletion = sheet.deletion()
        row = None if deletion is None else (deletion.base or {}).get("row")
    if row is None or row.get("_revision") is None:
        return None  # it was created here, or is gone from the tracker
    links = {field: sheet.tracker_links(field) for field in sheet.desk.target.links}
    return Version({**row, **sheet.tracker, "id": sheet.record_id, "source": sheet.layout.source}, links)


def version_rows(
    connection: Connection, layout: Layout, kept: Table, versions: Mapping[int, Version]
) -> list[dict[str, Any]]:
    """Return versions as rows of a history table, without their spans."""
    kinds = {each.name: each.kind for each in whole_columns(connection, layout)}
    names = own_columns(kept)
    return [{name: bound(connection, kinds.get(name), each.row.get(name)) for name in names} for each in versions.values()]


def version_links(layout: Layout, field: str, kept: Table, versions: Mapping[int, Version]) -> list[dict[str, Any]]:
    """Return the links of versions as rows of the history of their link table, without their spans."""
    names = own_columns(kept)
    return [
        dict(zip(names, (layout.source, key, *cells), strict=True))
        for key, each in versions.items()
        for cells in each.links[field]
    ]
