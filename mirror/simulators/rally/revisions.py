"""The texts of revisions. rally.md §9.2 R."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone

from mirror.simulators.rally.items import Item, instant
from mirror.simulators.rally.schema import Attribute
from mirror.simulators.rally.state import View, name_of

ORIGINAL = "Original revision"
RESTORED = "Restored from the recycle bin"
"""No recorded text exists for a restore."""

_MAX_LENGTH = 4000
_LABELS = {"DragAndDropRank": "RANK", "FlowStateChangedDate": "FLOW STATE CHANGED DATE"}


def opening(item: Item) -> str:
    """Return the text for an object that just appeared, by creation or out of the recycle bin."""
    return ORIGINAL if item.version == 1 else RESTORED


def describe(view: View, item: Item, was: Item, names: list[str]) -> str:
    """Return the clauses for the changed attributes, joined by comma and space, 4000 characters at most."""
    attributes = view.state.schema_of(item).attributes(item.type)
    changed = [attribute for name, attribute in attributes.items() if name in names and not attribute.hidden]
    clauses = (
        _clause(view, attribute, was.values.get(attribute.name), item.values.get(attribute.name)) for attribute in changed
    )
    return ", ".join(clause for clause in clauses if clause)[:_MAX_LENGTH]


def _clause(view: View, attribute: Attribute, old: object, new: object) -> str:
    label = _label(attribute)
    if attribute.name == "DragAndDropRank":
        return f"{label} moved {'up' if str(new) < str(old) else 'down'}"
    if attribute.is_collection:
        return _membership(view, label, old, new)
    before, after = _text(view, attribute, old), _text(view, attribute, new)
    if before == after:
        return ""
    if not before:
        return f"{label} added [{after}]"
    return f"{label} changed from [{before}] to [{after}]" if after else f"{label} removed [{before}]"


def _label(attribute: Attribute) -> str:
    if attribute.custom:
        return attribute.name.removeprefix("c_").upper()
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", attribute.name)
    return _LABELS.get(attribute.name, spaced.upper())


def _membership(view: View, label: str, old: object, new: object) -> str:
    before = old if isinstance(old, tuple) else ()
    after = new if isinstance(new, tuple) else ()
    clauses = [f"{label} added [{_named(view, oid)}]" for oid in after if oid not in before]
    clauses += [f"{label} removed [{_named(view, oid)}]" for oid in before if oid not in after]
    return ", ".join(clauses)


def _named(view: View, oid: int) -> str:
    item = view.get(oid)
    if item is None:
        return str(oid)
    formatted = item.values.get("FormattedID")
    name = item.values.get("StringValue") or name_of(item) or str(oid)
    return f"{formatted}: {name}" if formatted else name


def _text(view: View, attribute: Attribute, value: object) -> str:
    if value is None:
        value = attribute.default
    if value is None:
        return ""
    if attribute.kind == "ref" and isinstance(value, int):
        return _named(view, value)
    if attribute.kind == "date" and isinstance(value, str):
        return java_date(instant(value))
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def java_date(moment: datetime) -> str:
    """Return an instant as Java writes it in US Mountain time: `Tue Sep 11 15:03:16 MDT 2018`. rally.md §9.2 R."""
    summer = _is_mountain_summer(moment)
    local = moment.astimezone(timezone(timedelta(hours=-6 if summer else -7)))
    return f"{local:%a %b %d %H:%M:%S} {'MDT' if summer else 'MST'} {local.year}"


def _is_mountain_summer(moment: datetime) -> bool:
    # From the second Sunday of March to the first of November, at 2 o'clock local time; written out because
    # time zone data may be missing on the machine.
    begins = _sunday(moment.year, 3, 2) + timedelta(hours=9)
    ends = _sunday(moment.year, 11, 1) + timedelta(hours=8)
    return begins <= moment < ends


def _sunday(year: int, month: int, nth: int) -> datetime:
    first = datetime(year, month, 1, tzinfo=UTC)
    return first + timedelta(days=(6 - first.weekday()) % 7 + 7 * (nth - 1))
