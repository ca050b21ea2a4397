"""All versions of one record that the mirror knows, oldest first."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Table, func, select, type_coerce

from mirror.model.layout import Layout
from mirror.model.part import Part
from mirror.store import local_rows
from mirror.store.column_types import StampText
from mirror.store.history_tables import SPAN, began_text, history_tables, kept_types
from mirror.store.history_versions import Version, tracker_versions, waiting
from mirror.store.local_rows import LinkCells
from mirror.store.queue_rows import plain
from mirror.store.record_tables import describe
from mirror.store.tables import absence


@dataclass(frozen=True, slots=True)
class Lived:
    """One version of a record, as the tracker had it.

    Attributes:
        valid_from: aware, UTC; the version counts from then on.
        valid_to: it does not count then any more; None for the present one.
    """

    valid_from: datetime
    valid_to: datetime | None
    row: Mapping[str, Any]
    links: Mapping[str, list[LinkCells]]


def versions(connection: Connection, layout: Layout, record_id: int) -> list[Lived]:
    """Return the versions of a record of a type whose history is kept."""
    kept = history_tables(layout)
    this = (kept.table.c.source == layout.source, kept.table.c.id == record_id)
    rows = connection.execute(select(kept.table).where(*this).order_by(kept.table.c._valid_from)).mappings().all()
    links = {field: _by_version(connection, each, layout.source, record_id) for field, each in kept.links.items()}
    found = [
        Lived(
            datetime.fromisoformat(row["_valid_from"]),
            datetime.fromisoformat(row["_valid_to"]),
            {name: plain(value) for name, value in row.items() if name not in SPAN},
            {field: by.get(row["_valid_from"], []) for field, by in links.items()},
        )
        for row in rows
    ]
    present = _present(connection, layout, record_id)
    if present is not None:
        begun = datetime.fromisoformat(began_text(present.row))
        back = connection.scalars(_returns(layout, record_id)).all()
        ends = [each.valid_to for each in found if each.valid_to] + [datetime.fromisoformat(each) for each in back]
        found.append(Lived(max(begun, *ends) if ends else begun, None, present.row, present.links))
    return found


def called(connection: Connection, layouts: Iterable[Layout], key: str) -> list[tuple[Layout, int]]:
    """Return the records that people have called `key`, in any case, and that were replaced since, or are gone."""
    found: list[tuple[Layout, int]] = []
    for layout in layouts:
        key_field = layout.type.key_field
        name = next((each.name for each in layout.columns if each.field == key_field and each.part is Part.VALUE), None)
        if name is not None and layout.type.name in kept_types(connection, layout.source):
            rows = history_tables(layout).table
            this = (rows.c.source == layout.source, func.lower(rows.c[name]) == key.lower())
            found += [(layout, each) for each in connection.scalars(select(rows.c.id).where(*this).distinct())]
    return found


def _present(connection: Connection, layout: Layout, record_id: int) -> Version | None:
    target = describe(layout)
    if record_id in waiting(connection, target):
        return tracker_versions(connection, target, [record_id]).get(record_id)
    row = local_rows.whole_rows(connection, target, [record_id]).get(record_id)
    if row is None or row["_revision"] is None:
        return None
    shown = {name: plain(value) for name, value in row.items()}
    return Version(shown, {field: local_rows.read_links(connection, target, field, record_id) for field in target.links})


def _by_version(connection: Connection, kept: Table, source: str, record_id: int) -> dict[str, list[LinkCells]]:
    """Return the links of each version of a record, by when it began."""
    names = [each for each in kept.columns if each.name not in ("source", "id", "_valid_to")]
    this = (kept.c.source == source, kept.c.id == record_id)
    found: dict[str, list[LinkCells]] = {}
    for *cells, begun in connection.execute(select(*names).where(*this).order_by(kept.c.position)):
        found.setdefault(begun, []).append(tuple(cells))
    return found


def _returns(layout: Layout, record_id: int) -> Any:
    this = (absence.c.source == layout.source, absence.c.type == layout.type.name, absence.c.id == record_id)
    return select(type_coerce(absence.c.back_at, StampText())).where(*this)
