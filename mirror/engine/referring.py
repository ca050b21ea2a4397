"""What the changes of the queue refer to: records that were created here, and any others. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from mirror.model.cells import fits, is_current, value_of
from mirror.model.change import Action, Cells, Change
from mirror.model.layout import Layout
from mirror.model.schema import Kind
from mirror.model.write import Target

Record = tuple[str, int]
"""Type name and id of a record of the source in question."""

FIELD_ACTIONS = (Action.UPDATE, Action.LINK, Action.UNLINK)


def record_of(change: Change) -> Record:
    """Return the record that a change is about."""
    return change.type_name, change.record_id


def label_of(type_name: str, record_id: int) -> str:
    """Return what a record is called where its key is not known: `NEW-3`, `Defect/17`."""
    return f"NEW{record_id}" if record_id < 0 else f"{type_name}/{record_id}"


def target_of(layout: Layout, field: str, item: str) -> Target:
    """Return the record that an item of a Kind.LINKS field names: `17`, `Defect:17` or `Defect:-3`."""
    type_name, _colon, number = item.rpartition(":")
    described = layout.type.field(field)
    only = described.targets[0] if described is not None and len(described.targets) == 1 else ""
    return Target(type_name or only, int(number))


def is_link(layout: Layout, field: str) -> bool:
    """Return whether the items of a field are records."""
    described = layout.type.field(field)
    return described is not None and described.kind is Kind.LINKS


def ranked_against(change: Change) -> Target:
    """Return the record that a RANK above or below of another one, or an argument of an operation, names."""
    given = change.value or {}
    return Target(given.get("other_type") or change.type_name, int(given["other"]))


def targets(layout: Layout, change: Change) -> list[Target]:
    """Return the records that the tracker must have before the change can be sent."""
    match change.action:
        case Action.UPDATE:
            return list(_in_cells(layout, change, change.value))
        case Action.LINK | Action.UNLINK if is_link(layout, change.field) and is_current(layout, change):
            return [target_of(layout, change.field, change.item)]
        case Action.RANK | Action.OPERATE if change.value and change.value.get("other") is not None:
            return [ranked_against(change)]
        case _:
            return []


def created(layout: Layout, change: Change) -> set[int]:
    """Return the temporary ids of the records created here that a change refers to, but for its own record."""
    return {each.id for each in targets(layout, change) if each.id < 0 and each.id != change.record_id}


def refers_to_itself(layout: Layout, change: Change) -> bool:
    """Return whether a change makes a record created here refer to itself."""
    return change.record_id < 0 and any(each.id == change.record_id for each in targets(layout, change))


def all_targets(layout: Layout, change: Change) -> list[Target]:
    """Return the records that were referred to before a change, or are after it."""
    found = targets(layout, change)
    if change.action is Action.UPDATE:
        found += _in_cells(layout, change, change.base)
    if change.action is Action.DELETE:
        found += _in_row(layout, change)
    return found


def led_to(layouts: Mapping[str, Layout], change: Change) -> set[Record]:
    """Return the records that were referred to before a change, or are after it; in each type where that is not known."""
    found = all_targets(layouts[change.type_name], change)
    return {(name, each.id) for each in found for name in ([each.type_name] if each.type_name else layouts)}


def _in_cells(layout: Layout, change: Change, cells: Cells | None) -> Iterator[Target]:
    value = value_of(layout, change.field, cells) if cells and fits(layout, change.field, cells) else None
    if isinstance(value, Target):
        yield value


def _in_row(layout: Layout, change: Change) -> Iterator[Target]:
    row = (change.base or {}).get("row") or {}
    for each in layout.type.fields:
        if each.kind is Kind.REFERENCE and fits(layout, each.name, row):
            value = value_of(layout, each.name, row)
            if isinstance(value, Target):
                yield value
