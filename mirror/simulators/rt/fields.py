"""Custom fields: which a record has, what they hold, and what a value is turned into before it is kept. rt.md §6.3"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from mirror.simulators.rt.columns import HOLDERS, LOOKUPS, NO_DATE
from mirror.simulators.rt.dates import understood
from mirror.simulators.rt.rights import Rights
from mirror.simulators.rt.state import Row, View


@dataclass(frozen=True, slots=True)
class Value:
    """One value of a custom field.

    Attributes:
        content: None for an empty value; for files the name.
        data: of a file.
    """

    id: int
    content: str | None
    content_type: str = ""
    data: bytes = b""


class InvalidValueError(Exception):
    """A value that a Select field does not list."""


def applicable(view: View, rights: Rights, table: str, row: Row) -> list[int]:
    """Return the custom fields of a record that the user may see, by number."""
    if table not in LOOKUPS or not (rights.superuser or rights.may("SeeCustomField")):
        return []
    if table == "transaction":
        return []
    holder = row.get(HOLDERS.get(table, ""), 0)
    return [number for number in view.ids("customfield") if _applies(view.row("customfield", number), table, holder)]


def of_queue(view: View, rights: Rights, queue: int, lookup: str) -> list[int]:
    """Return the custom fields that the tickets (or articles, …) of a queue (or class, …) have."""
    if not rights.may("SeeCustomField"):
        return []
    rows = ((number, view.row("customfield", number)) for number in view.ids("customfield"))
    return [n for n, row in rows if row["LookupType"] == lookup and not row["Disabled"] and _is_at(row, queue)]


def _applies(field: Row, table: str, holder: int) -> bool:
    return field["LookupType"] == LOOKUPS[table] and not field["Disabled"] and _is_at(field, holder)


def _is_at(field: Row, holder: int) -> bool:
    return 0 in field["Applies"] or holder in field["Applies"]


def identified(view: View, fields: list[int], name: str) -> int | None:
    """Return which of `fields` a write means: by number, or by name in any case."""
    if name.isdigit():
        return int(name) if int(name) in fields else None
    wanted = name.lower()
    return next((each for each in fields if view.row("customfield", each)["Name"].lower() == wanted), None)


def values_of(row: Row, field: int) -> tuple[Value, ...]:
    """Return the values of a custom field in the order in which they were added."""
    found: tuple[Value, ...] = row.get("CF", {}).get(field, ())
    return found


def allowed(view: View, field: int) -> list[str]:
    """Return the values that a Select field lists, by SortOrder and name."""
    rows = [view.row("customfieldvalue", each) for each in view.ids("customfieldvalue")]
    mine = [row for row in rows if row["CustomField"] == field]
    return [row["Name"] for row in sorted(mine, key=lambda row: (row["SortOrder"], row["Name"].lower()))]


def canonical(view: View, field: int, content: str | None, *, zone: ZoneInfo, now: datetime) -> str | None:
    """Return a value as it is kept.

    Raises:
        InvalidValueError: a Select field does not list it.
    """
    match view.row("customfield", field)["Type"]:
        case "Select" if content:
            for each in allowed(view, field):
                if each.lower() == content.lower():
                    return each
            raise InvalidValueError
        case "DateTime":
            return understood(content or "", zone, now)
        case "Date":
            moment = understood(content or "", zone, now)
            return _day(moment, zone)
    return content or None


def is_empty(view: View, field: int, content: str | None, *, zone: ZoneInfo, now: datetime) -> bool:
    """Return whether a value given to a new record is as good as none."""
    if not content:
        return True
    kind = view.row("customfield", field)["Type"]
    return kind in ("Date", "DateTime") and understood(content, zone, now) == NO_DATE


def same_as(view: View, row: Row, field: int, content: str | None) -> Value | None:
    """Return the value that a record has already, in its canonical form."""
    if not content:
        return None
    folded = view.row("customfield", field)["Type"] == "Select"
    for each in values_of(row, field):
        if each.content == content or (folded and each.content is not None and each.content.lower() == content.lower()):
            return each
    return None


def texts(given: Any) -> Iterator[Any]:
    """Yield what was given for a field one by one."""
    if isinstance(given, list):
        yield from given
    else:
        yield given


def _day(moment: str, zone: ZoneInfo) -> str:
    from_utc = datetime.fromisoformat(moment + "+00:00")
    return from_utc.astimezone(zone).strftime("%Y-%m-%d")
