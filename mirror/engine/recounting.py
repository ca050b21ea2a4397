"""Tells the history of a record in people's words: which version held when, and what it changed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from mirror.errors import UnknownRecordError
from mirror.model.cells import value_of
from mirror.model.layout import Layout
from mirror.model.schema import Field, Kind
from mirror.model.write import Target, Value
from mirror.store.store import Lived, Store, no_history

Shown = Value | tuple[Value, ...]
"""A value as changes show it; of a field that holds many the tuple of them, in the tracker's order."""

_VALUE_CELLS = 2  # of a link row that is a plain value: position, value


@dataclass(frozen=True, slots=True)
class FieldChange:
    """What became of one field from one version to the next."""

    field: str
    before: Shown
    after: Shown


@dataclass(frozen=True, slots=True)
class RecordVersion:
    """One version of a record, as the tracker had it.

    Attributes:
        label: what people called it then.
        valid_from: aware, UTC. Of the oldest one, since when the mirror knows it to have been so.
        valid_to: when the next one began, or the record was gone; None for the present one.
        revision: the tracker's own.
        changes: what is not as in the version before; empty for the oldest one, and where only the tracker's own
            bookkeeping changed.
        is_back: the record had been away before.
    """

    source: str
    type_name: str
    id: int
    label: str
    valid_from: datetime
    valid_to: datetime | None
    revision: str | None
    changes: tuple[FieldChange, ...] = ()
    is_back: bool = False


def recount(store: Store, layout: Layout, record_id: int) -> list[RecordVersion]:
    """Return the versions of a record, oldest first; those that follow each other and are the same are one.

    Raises:
        UsageError: no history is kept of its type.
        UnknownRecordError: nothing is known of it; it was created here, say.
    """
    if layout.type.name not in store.history.since(layout.source):
        raise no_history(layout.source, layout.type.name)
    lived = _joined(store.history.versions(layout, record_id), layout)
    if not lived:
        raise UnknownRecordError(f"nothing is known of what {layout.type.name}/{record_id} was; see: mirror diff")
    found = []
    for place, each in enumerate(lived):
        before = lived[place - 1] if place else None
        changes = () if before is None else tuple(_changes(layout, before, each))
        is_back = before is not None and before.valid_to != each.valid_from
        found.append(_version(layout, record_id, each, changes, is_back=is_back))
    return found


def _version(
    layout: Layout, record_id: int, each: Lived, changes: tuple[FieldChange, ...], *, is_back: bool
) -> RecordVersion:
    key = layout.type.key_field
    label = next((str(each.row[one.name]) for one in layout.columns if one.field == key and each.row.get(one.name)), "")
    return RecordVersion(
        layout.source,
        layout.type.name,
        record_id,
        label or f"{layout.type.name}/{record_id}",
        each.valid_from,
        each.valid_to,
        each.row.get("_revision"),
        changes,
        is_back,
    )


def _joined(lived: list[Lived], layout: Layout) -> list[Lived]:
    found: list[Lived] = []
    for each in lived:
        last = found[-1] if found else None
        if last is not None and last.valid_to == each.valid_from and not any(_all_changes(layout, last, each)):
            found[-1] = Lived(last.valid_from, each.valid_to, each.row, each.links)
        else:
            found.append(each)
    return found


def _changes(layout: Layout, before: Lived, after: Lived) -> Iterator[FieldChange]:
    """Yield what has changed, without the change time itself."""
    return (each for each in _all_changes(layout, before, after) if each.field != layout.type.stamp_field)


def _all_changes(layout: Layout, before: Lived, after: Lived) -> Iterator[FieldChange]:
    for field in layout.type.fields:
        values = [_value(layout, field, each) for each in (before, after)]
        if values[0] != values[1]:
            yield FieldChange(field.name, *values)


def _value(layout: Layout, field: Field, lived: Lived) -> Shown:
    if field.kind in (Kind.LINKS, Kind.VALUES):
        return tuple(_item(field, each) for each in lived.links.get(field.name, ()))
    columns = [each.name for each in layout.columns if each.field == field.name]
    cells: Mapping[str, object] = {name: lived.row.get(name) for name in columns}
    return value_of(layout, field.name, cells)


def _item(field: Field, cells: tuple[object, ...]) -> Value:
    if len(cells) == _VALUE_CELLS:
        return str(cells[1])
    _position, number, name, kind = cells
    only = field.targets[0] if len(field.targets) == 1 else ""
    shown = None if name is None else str(name)
    return shown if number is None else Target(str(kind or only), int(str(number)), shown)
