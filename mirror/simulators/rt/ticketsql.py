"""What the fields of TicketSQL mean: each comparison becomes a test of a ticket. rt.md §5; seen on RT 5.0.3

RT joins the transactions of a ticket, and their attachments, once for all conditions of a query that are about these: they
are about the same one. So such a query is tested on the ticket together with each of its transactions in turn.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

from mirror.simulators.rt import compare
from mirror.simulators.rt.columns import COLUMNS, NO_DATE, Kind, uri_of
from mirror.simulators.rt.dates import day_of, understood
from mirror.simulators.rt.lifecycles import LIFECYCLES
from mirror.simulators.rt.sql import All, Condition, Either, Node, QueryError
from mirror.simulators.rt.state import Row, View
from mirror.simulators.rt.ticketsql_customs import CUSTOM, CustomsLanguage
from mirror.simulators.rt.ticketsql_people import ASSET_ROLES, MEMBERSHIPS, ROLES, PeopleLanguage

Predicate = Callable[[Row], bool]

_NUMBERS = "id EffectiveId Priority InitialPriority FinalPriority TimeWorked TimeLeft TimeEstimated".split()
_DATES = "Created Started Starts Due Resolved Told LastUpdated".split()
_TEXTS = "Subject SLA Type Status".split()
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
MENTION_TYPE = frozenset(name for name, (_, kind) in _LINKS.items() if kind) | {"type"}
"""Fields that make a search show tickets of all types: the kind of a link is called Type as well."""

_PRIORITIES = {"low": "0", "medium": "50", "high": "100"}
_COLUMNS = {name.lower(): name for name in (*_NUMBERS, *_DATES, *_TEXTS, "Queue", "Owner", "Creator", "LastUpdatedBy")}
_AS_LIST = frozenset("status sla subject type creator lastupdatedby queue lifecycle".split()) | {n.lower() for n in _NUMBERS}
_TXN, _ATTACHED = "@transaction", "@attachment"
_AT = "at /usr/share/request-tracker5/lib/RT/Tickets.pm"


class TicketLanguage:
    """Compiles queries of one user."""

    def __init__(self, view: View, user: int, zone: ZoneInfo, now: datetime) -> None:
        self._view = view
        self._user = user
        self._zone = zone
        self._now = now
        self._joins = False
        self.people = PeopleLanguage(view, user)
        self._customs = CustomsLanguage(view, zone, now)

    def predicate(self, node: Node) -> Predicate:
        """Return the test that a tree stands for.

        Raises:
            QueryError: an unknown field, or an operator that it does not take.
        """
        self._joins = False
        test = self._node(node) or (lambda _row: True)
        if not self._joins:
            return test
        return lambda row: any(test(each) for each in self._joined(row))

    def _joined(self, row: Row) -> Iterator[Row]:
        for number in self._view.transactions_of("RT::Ticket", row["id"]):
            transaction = self._view.row("transaction", number)
            attached = [self._view.row("attachment", each) for each in self._view.attachments_of(number)]
            yield from ({**row, _TXN: transaction, _ATTACHED: each} for each in attached or (None,))

    def _node(self, node: Node) -> Predicate | None:
        if isinstance(node, Condition):
            return self._condition(node)
        parts = [test for test in map(self._node, node.parts) if test is not None]
        if isinstance(node, All) or _is_not_in(node):
            return lambda row: all(part(row) for part in parts)
        return lambda row: any(part(row) for part in parts)

    def _condition(self, condition: Condition) -> Predicate | None:
        name = condition.field.partition(".")[0].lower()
        if condition.is_shallow and name not in ("requestor", "requestors", "owner", "cc", "admincc", "customrole"):
            raise QueryError(f"Unsupported operator: SHALLOW {condition.operator} {_AT}")
        if name in CUSTOM:
            return self._customs.test(condition)
        if name in ROLES:
            return self.people.test(condition)
        if name in MEMBERSHIPS:
            return self.people.membership(condition)
        if name == "queuewatcher":  # left out, by a slip in RT's table of fields
            return None
        if name in _LINKS:
            return self._link(condition, *_LINKS[name])
        simple = self._simple.get(name)
        if simple is not None:
            return simple(self, condition)
        return self._stored(condition, name)

    def _stored(self, condition: Condition, name: str) -> Predicate:
        column = _COLUMNS.get(name, "")
        if not column:
            raise QueryError(f"Unknown field: {condition.field} {_AT}")
        if column in _NUMBERS and "Priority" in column and (condition.value or "").lower() in _PRIORITIES:
            value = _PRIORITIES[(condition.value or "").lower()]
            condition = Condition(condition.field, condition.operator, value)
        if column in _DATES:
            return self.date(condition, column)
        if column in ("Creator", "LastUpdatedBy"):
            return self.user_column(condition, column, "")
        if condition.value is None and not condition.operator.startswith("IS"):
            return lambda _row: False
        if condition.is_column:
            return self._columns(condition, column)
        test = compare.test_of(condition.operator, condition.value, numeric=column in _NUMBERS)
        return lambda row: test(row[column])

    def _columns(self, condition: Condition, column: str) -> Predicate:
        """Compare with another column of the ticket, or with a custom field."""
        if condition.operator not in ("=", "!=", "<", ">", "<=", ">="):
            return lambda _row: False
        order = compare.order_of(condition.operator)
        other = self._customs.column(condition.value or "")
        if other is None and condition.value not in _COLUMNS.values():
            raise QueryError(f"Wrong query, no such column '{condition.value}' in '{condition.field}' {_AT}")
        is_date = column in _DATES

        def matches(row: Row) -> bool:
            mine = row[column]
            if mine is None or (is_date and mine == NO_DATE):
                return False
            others = [row[str(condition.value)]] if other is None else list(other(row))
            return any(each is not None and order(*_alike(mine, each)) for each in others)

        return matches

    # Columns with a meaning of their own

    def _status(self, condition: Condition) -> Predicate:
        value = (condition.value or "").lower()
        if value in ("__active__", "__inactive__"):
            wants_inactive = (value, condition.operator) in (("__inactive__", "="), ("__active__", "!="))
            return lambda row: self._is_active(row) is not wants_inactive
        return self._stored(condition, "status")

    def _is_active(self, row: Row) -> bool:
        lifecycle = LIFECYCLES[self._view.row("queue", row["Queue"])["Lifecycle"]]
        return row["Status"] in (*lifecycle.initial, *lifecycle.active)

    def _type(self, condition: Condition) -> Predicate:
        if condition.operator not in ("=", "!="):
            raise QueryError(f"Invalid Operation: {condition.operator} for Type {_AT}")
        return self._stored(condition, "type")

    def _queue(self, condition: Condition) -> Predicate:
        if condition.operator in ("LIKE", "NOT LIKE"):
            test = compare.test_of(condition.operator, condition.value)
            return lambda row: test(self._view.row("queue", row["Queue"])["Name"])
        if condition.operator.startswith("IS"):
            outcome = condition.operator == "IS NOT"
            return lambda _row: outcome
        if condition.is_column:
            raise QueryError(f"Wrong query, no such column '{condition.value}' in '{condition.field}' {_AT}")
        number = self._view.named("queue", condition.value or "") or 0
        test = compare.test_of(condition.operator, str(number), numeric=True)
        return lambda row: test(row["Queue"])

    def _lifecycle(self, condition: Condition) -> Predicate:
        if condition.operator.startswith("IS"):
            raise QueryError(f"Invalid Operator {condition.operator} for Lifecycle {_AT}")
        test = compare.test_of(condition.operator, condition.value)
        return lambda row: test(self._view.row("queue", row["Queue"])["Lifecycle"])

    def user_column(self, condition: Condition, column: str, sub: str) -> Predicate:
        """Return the test of a column that holds a user; `sub` is the column of the user that is meant, if one is."""
        if sub:
            test = compare.test_of(condition.operator, condition.value, numeric=sub.lower() == "id")
            name = next((each for each in COLUMNS["user"] if each.lower() == sub.lower()), "")
            return lambda row: test(self._view.row("user", row[column]).get(name))
        if condition.operator not in ("=", "!="):
            raise QueryError(f"Invalid Operation: {condition.operator} for {column} {_AT}")
        number = 0 if condition.is_column else self._user_named(condition.value or "") or 0
        wanted = condition.operator == "="
        return lambda row: (row[column] == number) is wanted

    def _user_named(self, name: str) -> int | None:
        if name in ("__CurrentUser__", "__CurrentUserName__"):
            return self._user
        return self._view.named("user", name)

    def date(self, condition: Condition, column: str) -> Predicate:
        """Return the test of a column that holds a date."""
        if condition.operator not in ("=", "<", ">", "<=", ">=", "IS", "IS NOT"):
            raise QueryError(f"Invalid Date Op: {condition.operator} {_AT}")
        if condition.is_column:
            return self._columns(condition, column)
        if condition.is_bare and condition.value != "0":
            order = compare.order_of(condition.operator)
            return lambda row: row[column] not in (None, NO_DATE) and order(row[column], str(condition.value))
        test = self._date_test(condition)
        return lambda row: test(row[column])

    def _date_test(self, condition: Condition) -> Callable[[str | None], bool]:
        if condition.operator in ("IS", "IS NOT"):
            unset = condition.operator == "IS"
            return lambda stored: (stored in (None, NO_DATE)) is unset
        if condition.value is None:
            return lambda _stored: False
        bound = understood(condition.value, self._zone, self._now)
        if condition.operator == "=":
            start, end = day_of(bound, self._zone)
            return lambda stored: stored is not None and start <= stored < end
        order = compare.order_of(condition.operator)
        return lambda stored: stored not in (None, NO_DATE) and order(stored, bound)

    # What lies outside the ticket's own row

    def _link(self, condition: Condition, end: str, kind: str) -> Predicate:
        if condition.operator not in ("=", "!=", "IS", "IS NOT"):
            raise QueryError(f"Invalid Operator {condition.operator} for {condition.field} {_AT}")
        value = condition.value
        wanted = condition.operator in ("IS NOT", "!=") if value in (None, "", "0") else condition.operator == "="
        if value in (None, "", "0"):
            return lambda row: any(True for _ in self._others(row, end, kind)) is wanted
        target = uri_of("ticket", int(str(value))) if str(value).isdigit() else str(value)
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

    def _updated(self, condition: Condition) -> Predicate:
        self._joins = True
        if condition.operator in ("=", "<", ">", "<=", ">=", "IS", "IS NOT"):
            test = self._date_test(condition)
        else:
            bound = understood(condition.value or "", self._zone, self._now)
            test = compare.test_of(condition.operator, bound)
        return lambda row: test(row[_TXN]["Created"])

    def _updated_by(self, condition: Condition) -> Predicate:
        self._joins = True
        if condition.operator not in ("=", "!="):
            raise QueryError(f"Invalid Operation: {condition.operator} for UpdatedBy {_AT}")
        number = self._user_named(condition.value or "") or 0
        wanted = condition.operator == "="
        return lambda row: (row[_TXN]["Creator"] == number) is wanted

    def _attached(self, condition: Condition) -> Predicate:
        self._joins = True
        if condition.value is None and not condition.operator.startswith("IS"):
            return lambda _row: False  # what is compared with NULL by a sign is never true in SQL (seen on 5.0.3)
        column = "Filename" if condition.field.lower() == "filename" else "ContentType"
        test = compare.test_of(condition.operator, condition.value)
        return lambda row: test(None if row[_ATTACHED] is None else row[_ATTACHED][column])

    def _attribute(self, condition: Condition) -> Predicate:
        outcome = condition.field.lower() == "hasnoattribute"
        return lambda _row: outcome

    _simple: ClassVar[dict[str, Callable[[TicketLanguage, Condition], Predicate]]] = {
        "status": _status,
        "type": _type,
        "queue": _queue,
        "lifecycle": _lifecycle,
        "updated": _updated,
        "transactiondate": _updated,
        "updatedby": _updated_by,
        "contenttype": _attached,
        "filename": _attached,
        "hasattribute": _attribute,
        "hasnoattribute": _attribute,
        "content": lambda _language, _condition: lambda _row: False,  # rt.md §5.1: not without full-text search
    }


def _is_not_in(node: Either) -> bool:
    """Return whether RT makes `x != 1 OR x != 2` into NOT IN (1, 2)."""
    parts = [each for each in node.parts if isinstance(each, Condition) and each.operator == "!="]
    names = {each.field.partition(".")[0].lower() for each in parts}
    is_word = any(str(each.value).lower() in ("__active__", "__inactive__") for each in parts)
    return len(parts) == len(node.parts) and len(names) == 1 and names <= _AS_LIST and not is_word


def _alike(one: Any, other: Any) -> tuple[Any, Any]:
    """Return two values as SQLite compares them: texts without regard to case, numbers below texts."""
    if isinstance(one, str) and isinstance(other, str):
        return one.lower(), other.lower()
    return (isinstance(one, str), isinstance(other, str)) if isinstance(one, str) or isinstance(other, str) else (one, other)


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
        if self._table == "asset" and name.partition(".")[0] in ASSET_ROLES:
            return self._tickets.people.of_asset(condition)
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
        is_exact = self._table == "asset" and condition.operator in ("=", "!=", "<", ">", "<=", ">=")
        test = compare.test_of(condition.operator, value, numeric=kind is Kind.NUMBER, case_sensitive=is_exact)
        return lambda row: test(row[column])

    def _of_ticket(self, condition: Condition, field: str) -> Predicate:
        """Test the ticket with the object's number, whatever the object is (rt.md §7.2 B)."""
        test = self._tickets.predicate(Condition(field, condition.operator, condition.value))

        def matches(row: Row) -> bool:
            ticket = self._view.get("ticket", row["ObjectId"])
            return ticket is not None and test(ticket)

        return matches
