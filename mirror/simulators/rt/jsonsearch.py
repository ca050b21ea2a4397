"""Searches by a list of conditions, as everything but tickets takes them. rt.md §4.3"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from mirror.simulators.rt import compare, fields
from mirror.simulators.rt.columns import COLUMNS, LOOKUPS, Kind
from mirror.simulators.rt.rights import Rights
from mirror.simulators.rt.state import Row, View

Predicate = Callable[[Row], bool]

_CUSTOM = re.compile(r"(?:CF|CustomField)\.\{(.*)\}", re.IGNORECASE)
_SUMMARY = ("RealName", "EmailAddress", "Name")
_USER_COLUMNS = frozenset(
    "Name EmailAddress Organization RealName NickName Lang Gecos SMIMECertificate City Country Timezone".split()
)
_LIKES = ("LIKE", "STARTSWITH", "ENDSWITH")
_OPERATORS = frozenset(("=", "!=", "<", "<=", ">", ">=", "IS", "IS NOT", *_LIKES, *(f"NOT {each}" for each in _LIKES)))
_JOINED_BY_AND = frozenset({"queue"})
"""Types whose conditions on one field are AND-ed unless told otherwise (seen on 5.0.3)."""


@dataclass(frozen=True, slots=True)
class Condition:
    """One condition that counts.

    Attributes:
        joined_by: how it is joined to the one before it on the same field, `AND` or `OR`.
    """

    field: str
    operator: str
    value: str
    joined_by: str
    case_sensitive: bool


def conditions(table: str, given: Any, rights: Rights) -> list[Condition]:
    """Return the conditions that RT does not drop: those on fields that the user may search by."""
    if not isinstance(given, list):
        return []
    found = []
    for each in given:
        name, value = each.get("field"), each.get("value")
        if not name or value is None or not _is_searchable(table, name, rights):
            continue
        default = "AND" if table in _JOINED_BY_AND else "OR"
        joined_by = str(each.get("entry_aggregator") or default).upper()
        operator = str(each.get("operator") or "=").upper()
        found.append(Condition(name, operator, str(value), joined_by, bool(each.get("case_sensitive"))))
    return found


def predicate(view: View, table: str, found: list[Condition]) -> Predicate:
    """Return the test that the conditions stand for: those on different fields must all hold."""
    by_field: dict[str, list[Condition]] = {}
    for each in found:
        by_field.setdefault(each.field, []).append(each)
    tests = [_of_field(view, table, each) for each in by_field.values()]
    return lambda row: all(test(row) for test in tests)


def _is_searchable(table: str, name: str, rights: Rights) -> bool:
    if _CUSTOM.match(name):
        return table in LOOKUPS
    if table == "user":  # rt.md: neither id nor LastUpdated, even for superusers (seen on 5.0.3)
        return name in (_USER_COLUMNS if rights.may("AdminUsers") else _SUMMARY)
    return name in COLUMNS[table]


def _of_field(view: View, table: str, found: list[Condition]) -> Predicate:
    """Join the conditions on one field as SQL reads them: AND binds tighter than OR."""
    alternatives: list[list[Predicate]] = [[]]
    for at, each in enumerate(found):
        if at and each.joined_by == "OR":
            alternatives.append([])
        alternatives[-1].append(_test(view, table, each))
    return lambda row: any(all(test(row) for test in tests) for tests in alternatives)


def _test(view: View, table: str, condition: Condition) -> Predicate:
    custom = _CUSTOM.match(condition.field)
    if custom:
        return _custom(view, table, condition, custom[1])
    name = condition.field
    if condition.operator not in _OPERATORS:  # RT takes it for an attack, and finds nothing
        return lambda _row: False
    numeric = COLUMNS[table][name].kind is Kind.NUMBER
    value = None if condition.value.upper() == "NULL" and condition.operator in ("IS", "IS NOT") else condition.value
    test = compare.test_of(condition.operator, value, numeric=numeric, case_sensitive=condition.case_sensitive)
    return lambda row: test(row.get(name))


def _custom(view: View, table: str, condition: Condition, name: str) -> Predicate:
    rows = ((each, view.row("customfield", each)) for each in view.ids("customfield"))
    mine = [n for n, row in rows if row["LookupType"] == LOOKUPS[table] and row["Name"].lower() == name.lower()]
    test = compare.test_of(condition.operator, condition.value, case_sensitive=condition.case_sensitive)
    return lambda row: any(test(value.content) for each in mine[:1] for value in fields.values_of(row, each))


def id_bounds(found: list[Condition]) -> tuple[int, int | None, set[int] | None] | None:
    """Return what conditions on the number alone say: above, up to, or exactly these; None when that cannot be told."""
    on_id = [each for each in found if each.field == "id"]
    if not all(each.value.isdigit() for each in on_id):
        return None
    if on_id and all(each.operator == "=" for each in on_id) and all(each.joined_by == "OR" for each in on_id[1:]):
        return 0, None, {int(each.value) for each in on_id}
    if any(each.joined_by != "AND" for each in on_id[1:]):
        return None
    above, until = 0, None
    for each in on_id:
        number = int(each.value)
        match each.operator:
            case ">":
                above = max(above, number)
            case ">=":
                above = max(above, number - 1)
            case "<" | "<=":
                bound = number if each.operator == "<=" else number - 1
                until = bound if until is None else min(until, bound)
            case _:
                return None
    return above, until, None
