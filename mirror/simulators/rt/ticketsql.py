"""What the fields of TicketSQL mean: each comparison becomes a test of a ticket. rt.md §5"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import ClassVar
from zoneinfo import ZoneInfo

from mirror.simulators.rt import compare, fields
from mirror.simulators.rt.columns import COLUMNS, LOOKUPS, NO_DATE, Kind, uri_of
from mirror.simulators.rt.dates import day_of, understood
from mirror.simulators.rt.lifecycles import LIFECYCLES
from mirror.simulators.rt.refs import people
from mirror.simulators.rt.sql import All, Condition, Node, QueryError
from mirror.simulators.rt.state import Row, View

Predicate = Callable[[Row], bool]

_NUMBERS = "id EffectiveId Priority InitialPriority FinalPriority TimeWorked TimeLeft TimeEstimated".split()
_DATES = "Created Started Starts Due Resolved Told LastUpdated".split()
_LINKS = {
    "dependson": ("Base", "DependsOn"),
    "dependedonby": ("Target", "DependsOn"),
    "dependenton": ("Target", "DependsOn"),
    "memberof": ("Base", "MemberOf"),
    "hasmember": ("Target", "MemberOf"),
    "refersto": ("Base", "RefersTo"),
    "referredtoby": ("Target", "RefersTo"),
    "linkedto": ("Base", ""),
    "linkedfrom": ("Target", ""),
    "linked": ("", ""),
}
_WATCHERS = {
    "requestor": ("Requestor",),
    "requestors": ("Requestor",),
    "cc": ("Cc",),
    "admincc": ("AdminCc",),
    "watcher": ("Requestor", "Cc", "AdminCc", "Owner"),
    "queuecc": ("Cc",),
    "queueadmincc": ("AdminCc",),
    "queuewatcher": ("Cc", "AdminCc"),
}
_CUSTOM = re.compile(
    r"^(?:CF|CustomField|CustomFieldValue)\.(?:(.+?)\.)?\{(.*)\}(?:\.\w+)?$|^(?:CF|CustomField)\.(\d+)$", re.I
)
_COLUMNS = {name.lower(): name for name in (*_NUMBERS, *_DATES, "Subject", "SLA", "Type", "Status", "Queue", "Owner")}


class TicketLanguage:
    """Compiles queries of one user."""

    def __init__(self, view: View, user: int, zone: ZoneInfo, now: datetime) -> None:
        self._view = view
        self._user = user
        self._zone = zone
        self._now = now

    def predicate(self, node: Node) -> Predicate:
        """Return the test that a tree stands for.

        Raises:
            QueryError: an unknown field, or an operator that it does not take.
        """
        if isinstance(node, Condition):
            return self._condition(node)
        parts = [self.predicate(part) for part in node.parts]
        if isinstance(node, All):
            return lambda row: all(part(row) for part in parts)
        return lambda row: any(part(row) for part in parts)

    def _condition(self, condition: Condition) -> Predicate:
        custom = _CUSTOM.match(condition.field)
        if custom:
            return self._custom(condition, custom)
        name, _, sub = condition.field.partition(".")
        name = name.lower()
        if condition.is_column:
            return self._columns(condition)
        if name in _LINKS:
            return self._link(condition, *_LINKS[name])
        if name in _WATCHERS:
            return self._watcher(condition, name, sub)
        simple = self._simple.get(name)
        if simple is not None:
            return simple(self, condition)
        return self._stored(condition, name, sub)

    def _stored(self, condition: Condition, name: str, sub: str) -> Predicate:
        if name in ("owner", "creator", "lastupdatedby"):
            column = {"owner": "Owner", "creator": "Creator", "lastupdatedby": "LastUpdatedBy"}[name]
            return self.user_column(condition, column, sub)
        column = _COLUMNS.get(name, "")
        if not column:
            raise QueryError(f"Unknown field: {condition.field}")
        if column in _DATES:
            return self.date(condition, column)
        test = compare.test_of(condition.operator, condition.value, numeric=column in _NUMBERS)
        return lambda row: test(row[column])

    def _columns(self, condition: Condition) -> Predicate:
        one, other = (_COLUMNS.get(str(each).lower()) for each in (condition.field, condition.value))
        if one is None or other is None:
            raise QueryError(f"Wrong query, expecting a VALUE near '{condition.value}'")
        order = compare.order_of(condition.operator)
        return lambda row: row[one] is not None and row[other] is not None and order(row[one], row[other])

    # Columns with a meaning of their own

    def _status(self, condition: Condition) -> Predicate:
        value = condition.value or ""
        if value.lower() in ("__active__", "__inactive__"):
            wanted = (value.lower() == "__active__") is (condition.operator == "=")
            return lambda row: self._is_active(row) is wanted
        test = compare.test_of(condition.operator, condition.value)
        return lambda row: test(row["Status"])

    def _is_active(self, row: Row) -> bool:
        lifecycle = LIFECYCLES[self._view.row("queue", row["Queue"])["Lifecycle"]]
        return row["Status"] in (*lifecycle.initial, *lifecycle.active)

    def _queue(self, condition: Condition) -> Predicate:
        if condition.operator in ("=", "!="):
            number = self._view.named("queue", condition.value or "")
            return lambda row: (row["Queue"] == number) is (condition.operator == "=")
        test = compare.test_of(condition.operator, condition.value)
        return lambda row: test(self._view.row("queue", row["Queue"])["Name"])

    def _lifecycle(self, condition: Condition) -> Predicate:
        test = compare.test_of(condition.operator, condition.value)
        return lambda row: test(self._view.row("queue", row["Queue"])["Lifecycle"])

    def user_column(self, condition: Condition, column: str, sub: str) -> Predicate:
        """Return the test of a column that holds a user; `sub` is the column of the user that is meant, if one is."""
        if sub:
            test = compare.test_of(condition.operator, condition.value, numeric=sub.lower() == "id")
            name = next((each for each in COLUMNS["user"] if each.lower() == sub.lower()), "")
            return lambda row: test(self._view.row("user", row[column]).get(name))
        number = self._user_named(condition.value or "")
        if condition.operator == "=":
            return lambda row: row[column] == number
        if condition.operator == "!=":
            return lambda row: row[column] != number
        test = compare.test_of(condition.operator, condition.value)
        return lambda row: test(self._view.row("user", row[column])["Name"])

    def _user_named(self, name: str) -> int | None:
        if name.lower() == "__currentuser__":
            return self._user
        return self._view.named("user", name)

    def date(self, condition: Condition, column: str) -> Predicate:
        """Return the test of a column that holds a date."""
        test = self._date_test(condition)
        return lambda row: test(row[column])

    def _date_test(self, condition: Condition) -> Callable[[str | None], bool]:
        if condition.operator in ("IS", "IS NOT") or condition.value is None:
            unset = condition.operator in ("IS", "=")
            return lambda stored: (stored in (None, NO_DATE)) is unset
        if condition.operator not in ("=", "<", ">", "<=", ">="):
            raise QueryError(f"Invalid date operator: {condition.operator} at /usr/share/request-tracker5/lib/RT/Tickets.pm")
        bound = understood(condition.value, self._zone, self._now)
        if condition.operator == "=":
            start, end = day_of(bound, self._zone)
            return lambda stored: stored is not None and start <= stored < end
        order, least = compare.order_of(condition.operator), NO_DATE if "<" in condition.operator else ""
        return lambda stored: stored is not None and stored > least and order(stored, bound)

    # What lies outside the ticket's own row

    def _link(self, condition: Condition, end: str, kind: str) -> Predicate:
        if condition.value is None or condition.operator in ("IS", "IS NOT"):
            wanted = condition.operator in ("IS NOT", "!=")
            return lambda row: any(True for _ in self._others(row, end, kind)) is wanted
        if condition.operator not in ("=", "!="):
            raise QueryError(f"Invalid operator '{condition.operator}' for links")
        value = condition.value
        target = uri_of("ticket", self._view.effective(int(value))) if value.isdigit() else value
        wanted = condition.operator == "="
        return lambda row: (target in self._others(row, end, kind)) is wanted

    def _others(self, row: Row, end: str, kind: str) -> Iterable[str]:
        own = uri_of("ticket", row["id"])
        for _, link in self._view.links_at(own):
            if kind and link["Type"] != kind:
                continue
            if end != "Target" and link["Base"] == own:
                yield link["Target"]
            if end != "Base" and link["Target"] == own:
                yield link["Base"]

    def _watcher(self, condition: Condition, name: str, sub: str) -> Predicate:
        table = "queue" if name.startswith("queue") else "ticket"
        wanted = sub or "EmailAddress"
        column = next((each for each in COLUMNS["user"] if each.lower() == wanted.lower()), "Name")
        negative = condition.operator.startswith("NOT ") or condition.operator == "!="
        positive = condition.operator.removeprefix("NOT ").replace("!=", "=")
        if condition.value is None or condition.operator in ("IS", "IS NOT"):
            some = condition.operator in ("IS NOT", "!=")
            return lambda row: bool(self._watchers(row, table, _WATCHERS[name])) is some
        test = compare.test_of(positive, condition.value, numeric=column == "id")

        def matches(row: Row) -> bool:
            users = (self._view.get("user", each) for each in self._watchers(row, table, _WATCHERS[name]))
            return any(test(user.get(column)) for user in users if user is not None) is not negative

        return matches

    def _watchers(self, row: Row, table: str, roles: tuple[str, ...]) -> set[int]:
        """Return everybody who has one of the roles, also through groups."""
        number = row["id"] if table == "ticket" else row["Queue"]
        found: set[int] = set()
        waiting = [each for role in roles for each in people(self._view, table, number, role)]
        while waiting:
            each = waiting.pop()
            if each not in found:
                found.add(each)
                waiting += self._view.members(each)
        return found

    def _custom(self, condition: Condition, found: re.Match[str]) -> Predicate:
        numbers = self._custom_fields(found)
        value = condition.value
        if value is None or condition.operator in ("IS", "IS NOT"):
            some = condition.operator in ("IS NOT", "!=")
            return lambda row: any(fields.values_of(row, each) for each in numbers) is some
        negative = condition.operator.startswith("NOT ") or condition.operator == "!="
        test = self._custom_test(numbers, condition.operator.removeprefix("NOT ").replace("!=", "="), value)
        return lambda row: any(test(each.content) for n in numbers for each in fields.values_of(row, n)) is not negative

    def _custom_test(self, numbers: list[int], operator: str, value: str) -> compare.Test:
        kinds = {self._view.row("customfield", each)["Type"] for each in numbers}
        if kinds == {"DateTime"} and operator in ("=", "<", ">", "<=", ">="):
            return self._date_test(Condition("", operator, value))
        if kinds == {"Date"} and operator in ("=", "<", ">", "<=", ">="):
            value = understood(value, ZoneInfo("UTC"), self._now)[:10]
        return compare.test_of(operator, value)

    def _custom_fields(self, found: re.Match[str]) -> list[int]:
        lookup = LOOKUPS["ticket"]
        rows = ((each, self._view.row("customfield", each)) for each in self._view.ids("customfield"))
        mine = [(each, row) for each, row in rows if row["LookupType"] == lookup and not row["Disabled"]]
        if found[3]:
            return [each for each, _ in mine if each == int(found[3])]
        named = [(each, row) for each, row in mine if row["Name"].lower() == found[2].lower()]
        if found[1]:
            queue = self._view.named("queue", found[1].strip("{}"))
            named = [(each, row) for each, row in named if 0 in row["Applies"] or queue in row["Applies"]]
        return [each for each, _ in named]

    def _updated(self, condition: Condition) -> Predicate:
        test = self._date_test(condition)
        return lambda row: any(test(each["Created"]) for each in self._history(row))

    def _updated_by(self, condition: Condition) -> Predicate:
        number = self._user_named(condition.value or "")
        wanted = condition.operator == "="
        return lambda row: any(each["Creator"] == number for each in self._history(row)) is wanted

    def _attached(self, condition: Condition) -> Predicate:
        column = "Filename" if condition.field.lower() == "filename" else "ContentType"
        test = compare.test_of(condition.operator, condition.value)

        def matches(row: Row) -> bool:
            numbers = self._view.transactions_of("RT::Ticket", row["id"])
            attachments = (each for number in numbers for each in self._view.attachments_of(number))
            return any(test(self._view.row("attachment", each)[column]) for each in attachments)

        return matches

    def _history(self, row: Row) -> Iterable[Row]:
        return (self._view.row("transaction", each) for each in self._view.transactions_of("RT::Ticket", row["id"]))

    _simple: ClassVar[dict[str, Callable[[TicketLanguage, Condition], Predicate]]] = {
        "status": _status,
        "queue": _queue,
        "lifecycle": _lifecycle,
        "updated": _updated,
        "transactiondate": _updated,
        "updatedby": _updated_by,
        "contenttype": _attached,
        "filename": _attached,
        "content": lambda _language, _condition: lambda _row: False,  # rt.md §5.1: not without full-text search
    }


class ColumnLanguage:
    """Compiles TransactionSQL and AssetSQL of one user: columns, and the ticket with a transaction's object's number."""

    def __init__(self, view: View, table: str, zone: ZoneInfo, now: datetime) -> None:
        self._view = view
        self._table = table
        self._tickets = TicketLanguage(view, 0, zone, now)

    def predicate(self, node: Node) -> Predicate:
        """Return the test that a tree stands for.

        Raises:
            QueryError: an unknown field, or an operator that it does not take.
        """
        if isinstance(node, Condition):
            return self._condition(node)
        parts = [self.predicate(part) for part in node.parts]
        if isinstance(node, All):
            return lambda row: all(part(row) for part in parts)
        return lambda row: any(part(row) for part in parts)

    def _condition(self, condition: Condition) -> Predicate:
        name = condition.field.lower()
        if self._table == "transaction" and name.startswith("ticket") and name != "ticketid":
            return self._of_ticket(condition, condition.field[len("Ticket") :])
        columns = COLUMNS[self._table]
        column = next((each for each in columns if each.lower() == name), "")
        if not column:
            raise QueryError(f"Unknown field: {condition.field}")
        kind, target = columns[column].kind, columns[column].target
        if kind is Kind.DATE:
            return self._tickets.date(condition, column)
        if target == "user":
            return self._tickets.user_column(condition, column, "")
        value = condition.value
        if target == "catalog" and value is not None:
            value = str(self._view.named("catalog", value) or 0)
        test = compare.test_of(condition.operator, value, numeric=kind is Kind.NUMBER)
        return lambda row: test(row[column])

    def _of_ticket(self, condition: Condition, field: str) -> Predicate:
        """Test the ticket with the object's number, whatever the object is (rt.md §7.2 B)."""
        test = self._tickets.predicate(Condition(field, condition.operator, condition.value))

        def matches(row: Row) -> bool:
            ticket = self._view.get("ticket", row["ObjectId"])
            return ticket is not None and test(ticket)

        return matches
