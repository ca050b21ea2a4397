"""What the rows of a listing are ordered by. rt.md §4.1; seen on RT 5.0.3"""

from __future__ import annotations

import re
from typing import Any

from mirror.simulators.rt.columns import COLUMNS, LOOKUPS, NO_DATE
from mirror.simulators.rt.fields import allowed, values_of
from mirror.simulators.rt.refs import CUSTOM_ROLE, group_of
from mirror.simulators.rt.state import View
from mirror.simulators.rt.ticketsql_people import everybody

_CUSTOM = re.compile(r"(?:CF|CustomField)\.\{?(.*?)\}?", re.IGNORECASE)
_ROLE = re.compile(r"(?:(Owner|Requestor|Cc|AdminCc)|CustomRole\.\{(.+)\})\.(\w+)")
_PEOPLE = ("Owner", "Creator", "LastUpdatedBy")


def is_key(view: View, table: str, name: str) -> bool:
    """Return whether rows can be ordered by that name; a dotted one that means nothing is passed over."""
    custom = _CUSTOM.fullmatch(name)
    if custom:
        return bool(_fields(view, table, custom[1]))
    return name.lower() in (each.lower() for each in COLUMNS[table]) or "." in name


def sort_key(view: View, table: str, name: str, number: int, *, descending: bool) -> tuple[Any, ...]:
    """Return what a row is ordered by; of many values the least, or the greatest when descending."""
    row = view.row(table, number)
    custom = _CUSTOM.fullmatch(name)
    if custom:
        return _of_custom_field(view, table, custom[1], number, descending=descending)
    if table == "ticket" and _ROLE.fullmatch(name):
        return _of_role(view, name, number, descending=descending)
    if "." in name or name.startswith("-"):
        return ()
    if table == "ticket" and name in _PEOPLE:
        return True, view.row("user", row[name])["Name"].lower()
    if table == "ticket" and name == "Queue":
        return True, view.row("queue", row["Queue"])["Name"].lower()
    value = row.get(next(each for each in COLUMNS[table] if each.lower() == name.lower()))
    return value not in (None, NO_DATE), value.lower() if isinstance(value, str) else (value or 0)


def _fields(view: View, table: str, name: str) -> list[int]:
    rows = ((each, view.row("customfield", each)) for each in view.ids("customfield"))
    return [n for n, row in rows if row["LookupType"] == LOOKUPS.get(table) and row["Name"].lower() == name.lower()]


def _of_custom_field(view: View, table: str, name: str, number: int, *, descending: bool) -> tuple[Any, ...]:
    """Return the place in the list of a Select field, then the text; upper and lower case differ here."""
    row, fields = view.row(table, number), _fields(view, table, name)
    found = [(each, value.content) for each in fields for value in values_of(row, each) if value.content is not None]
    if not found:
        return (False,)
    places = {text: at for field in fields for at, text in enumerate(allowed(view, field))}
    is_single = all(view.row("customfield", each)["MaxValues"] == 1 for each in fields)
    keys = [(places.get(text, 0) if is_single else 0, text) for _, text in found]
    return True, max(keys) if descending else min(keys)


def _of_role(view: View, name: str, number: int, *, descending: bool) -> tuple[Any, ...]:
    found = _ROLE.fullmatch(name)
    if found is None:
        return ()
    role = found[1]
    if role is None:
        roles = ((each, view.row("customrole", each)["Name"]) for each in view.ids("customrole"))
        role = next((f"{CUSTOM_ROLE}{each}" for each, called in roles if called.lower() == found[2].lower()), "")
    members = everybody(view, view.members(group_of(view, "ticket", number, role)))
    users = (view.get("user", each) for each in members)
    values = [user[found[3]] for user in users if user is not None and user.get(found[3]) is not None]
    return (True, max(values) if descending else min(values)) if values else (False,)
