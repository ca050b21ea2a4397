"""People in TicketSQL: owners, watchers, roles, and the groups they are members of. rt.md §5.1; seen on RT 5.0.3."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from mirror.simulators.rt import compare
from mirror.simulators.rt.refs import CUSTOM_ROLE, group_of
from mirror.simulators.rt.sql import Condition, QueryError
from mirror.simulators.rt.state import Row, View

Predicate = Callable[[Row], bool]

ROLES = {
    "owner": "Owner",
    "requestor": "Requestor",
    "requestors": "Requestor",
    "cc": "Cc",
    "admincc": "AdminCc",
    "watcher": "",
    "queuecc": "Cc",
    "queueadmincc": "AdminCc",
    "customrole": "",
}
_SUBFIELDS = frozenset(
    "EmailAddress Name RealName Nickname Organization Address1 Address2 City State Zip Country WorkPhone HomePhone "
    "MobilePhone PagerPhone id".split()
)
_CUSTOM_ROLE = re.compile(r"\{(.+?)\}(?:\.(.+))?", re.DOTALL)
_USER_DEFINED = "UserDefined"
ASSET_ROLES = {"owner": "Owner", "heldby": "HeldBy", "contact": "Contact"}
MEMBERSHIPS = {
    "ownergroup": "Owner",
    "requestorgroup": "Requestor",
    "ccgroup": "Cc",
    "adminccgroup": "AdminCc",
    "watchergroup": "",
}


class PeopleLanguage:
    """Compiles the comparisons of people for one user."""

    def __init__(self, view: View, user: int) -> None:
        self._view = view
        self._user = user

    def test(self, condition: Condition) -> Predicate | None:
        """Return the test; None when RT leaves the condition out.

        Raises:
            QueryError: RT refuses it.
        """
        name, _, column = condition.field.partition(".")
        name = name.lower()
        role = ROLES[name]
        if name == "customrole":
            found = _CUSTOM_ROLE.fullmatch(column)
            number = self._custom_role(found[1] if found else column)
            role, column = f"{CUSTOM_ROLE}{number}", (found[2] if found else None) or "id"
            if column not in _SUBFIELDS:
                raise QueryError(f"Invalid watcher subfield: '{column}'")
            if not number:
                return None
        if column and column not in _SUBFIELDS:
            raise QueryError(f"Invalid watcher subfield: '{column}'")
        table = "queue" if name.startswith("queue") else "ticket"
        return self._compared(table, role, column, condition)

    def of_asset(self, condition: Condition) -> Predicate:
        """Return the test of a role on an asset; without a column RT takes the value for a number."""
        name, _, column = condition.field.partition(".")
        if column and column not in _SUBFIELDS:
            raise QueryError(f"Invalid watcher subfield: '{column}'")
        return self._compared("asset", ASSET_ROLES[name.lower()], column or "id", condition)

    def _custom_role(self, name: str) -> int:
        numbers = self._view.ids("customrole")
        if name.isdigit():
            return int(name) if int(name) in numbers else 0
        return next((each for each in numbers if self._view.row("customrole", each)["Name"].lower() == name.lower()), 0)

    def _compared(self, table: str, role: str, column: str, condition: Condition) -> Predicate:
        value = condition.value
        if condition.operator in ("IS", "IS NOT"):
            some = condition.operator == "IS NOT"
            return lambda row: any(bool(self._view.members(each)) is some for each in self._groups(row, table, role))
        if value is None:
            outcome = condition.operator == "!=" and role != "Owner"
            return lambda _row: outcome
        value = str(self._user) if value == "__CurrentUser__" else value
        if value == "__CurrentUserName__":
            value = self._view.row("user", self._user)["Name"]
        column = column or ("id" if value.isdigit() else "")
        is_negative = condition.operator == "!=" or condition.operator.startswith("NOT ")
        operator = "=" if condition.operator == "!=" else condition.operator.removeprefix("NOT ")
        if role == "Owner" and condition.is_column:
            return self._like_column(value, condition)
        if (table, role, column) == ("ticket", "Owner", "id"):
            test = compare.test_of(condition.operator, value, numeric=True)
            return lambda row: test(row["Owner"])
        wanted = self._wanted(role, column, operator, value)
        return lambda row: any(
            self._has(group, wanted, is_shallow=condition.is_shallow) is not is_negative
            for group in self._groups(row, table, role)
        )

    def _like_column(self, value: str, condition: Condition) -> Predicate:
        if value not in ("Creator", "LastUpdatedBy", "Owner") or condition.operator != "=":
            raise QueryError(f"Wrong query, no such column '{value}' in '{condition.field}'")
        return lambda row: row["Owner"] == row[value]

    def _wanted(self, role: str, column: str, operator: str, value: str) -> Callable[[int], bool]:
        """Return whether a member, a user or a group, is meant."""
        if column == "id":
            return lambda member: value.isdigit() and member == int(value)
        if operator == "=" and column in ("", "Name"):
            by_name = column == "Name" or role == "Owner"
            return lambda member: self._is_called(member, value, "Name" if by_name else "EmailAddress")
        column = {"Nickname": "NickName"}.get(column, column) or "EmailAddress"
        test = compare.test_of(operator, value)

        def matches(member: int) -> bool:
            user = self._view.get("user", member)
            if user is None:
                return False
            stored = user.get(column)
            return test("" if stored is None and column == "EmailAddress" and user["Name"] != "RT_System" else stored)

        return matches

    def _is_called(self, member: int, value: str, column: str) -> bool:
        if value.isdigit() and column == "Name":
            return member == int(value)
        user = self._view.get("user", member)
        if user is not None:
            return str(user.get(column) or "").lower() == value.lower()
        group = self._view.get("group", member)
        return group is not None and group["Domain"] == _USER_DEFINED and group["Name"].lower() == value.lower()

    def _has(self, group: int | None, wanted: Callable[[int], bool], *, is_shallow: bool) -> bool:
        members = self._view.members(group) if is_shallow else everybody(self._view, self._view.members(group))
        return any(wanted(each) for each in members)

    def _groups(self, row: Row, table: str, role: str) -> Iterable[int | None]:
        """Return the groups that hold the role, or every role, on the ticket or its queue; None for a missing one."""
        number = row["Queue"] if table == "queue" else row["id"]
        if role:
            return [group_of(self._view, table, number, role)]
        custom = [f"{CUSTOM_ROLE}{each}" for each in self._view.ids("customrole")]
        all_roles = (group_of(self._view, table, number, each) for each in ("Requestor", "Cc", "AdminCc", "Owner", *custom))
        return [each for each in all_roles if each is not None]

    def membership(self, condition: Condition) -> Predicate:
        """Return the test whether somebody in a role is a member of a group.

        Raises:
            QueryError: another operator than `=`.
        """
        if condition.operator != "=":
            raise QueryError(f"Invalid {condition.field} Op: {condition.operator}")
        value, role = condition.value or "", MEMBERSHIPS[condition.field.lower()]
        group = int(value) if value.isdigit() else self._user_defined(value)
        inside = everybody(self._view, self._view.members(group)) if group else set()

        def matches(row: Row) -> bool:
            in_role = (everybody(self._view, self._view.members(each)) for each in self._groups(row, "ticket", role))
            return any(each in inside and self._view.get("user", each) is not None for some in in_role for each in some)

        return matches

    def _user_defined(self, name: str) -> int:
        rows = ((each, self._view.row("group", each)) for each in self._view.ids("group"))
        found = (each for each, row in rows if row["Domain"] == _USER_DEFINED and row["Name"].lower() == name.lower())
        return next(found, 0)


def everybody(view: View, members: Iterable[int]) -> set[int]:
    """Return members, and those of groups among them."""
    found: set[int] = set()
    waiting = list(members)
    while waiting:
        each = waiting.pop()
        if each not in found:
            found.add(each)
            waiting += view.members(each)
    return found
