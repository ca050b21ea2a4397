"""Which rows a listing has, in which order: candidates by number first, then what the query says, then rights."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

from mirror.simulators.rt import jsonsearch, sql
from mirror.simulators.rt.columns import WITH_DISABLED
from mirror.simulators.rt.ordering import is_key, sort_key
from mirror.simulators.rt.rights import Rights
from mirror.simulators.rt.state import Row, View
from mirror.simulators.rt.ticketsql import MENTION_TYPE, ColumnLanguage, TicketLanguage

Predicate = Callable[[Row], bool]

_BY_NAME = frozenset("queue user group customfield customrole asset catalog article class customfieldvalue".split())


@dataclass(frozen=True, slots=True)
class Asker:
    """Who searches, and when and where that is."""

    view: View
    rights: Rights
    zone: ZoneInfo
    now: datetime


def tickets(asker: Asker, text: str) -> Sequence[int]:
    """Return the numbers of the tickets that a TicketSQL query finds for the user (rt.md §5.2).

    Raises:
        QueryError: RT refuses it.
    """
    node = sql.parsed(text)
    if node is None:
        return []
    named = {each.field.partition(".")[0].lower() for each in sql.conditions(node)}
    test = TicketLanguage(asker.view, asker.rights.user, asker.zone, asker.now).predicate(node)
    queues = asker.rights.queues("ShowTicket")
    any_type, any_id = bool(named & MENTION_TYPE), "effectiveid" in named

    def found(row: Row) -> bool:
        if row["Status"] == "deleted" or not (any_id or row["EffectiveId"] == row["id"]):
            return False
        return (any_type or row["Type"] == "ticket") and (queues is None or row["Queue"] in queues) and test(row)

    return [each for each in _candidates(asker.view, "ticket", _sql_bounds(node)) if found(asker.view.row("ticket", each))]


def transactions(asker: Asker, text: str) -> Sequence[int]:
    """Return the numbers of the transactions that a TransactionSQL query finds; rights are looked at later."""
    node = sql.parsed(text)
    if node is None:
        return []
    view = asker.view
    test = ColumnLanguage(view, "transaction", asker.zone, asker.now).predicate(node)
    found = [n for n in _candidates(view, "transaction", _sql_bounds(node)) if test(view.row("transaction", n))]
    return shown_tickets(asker, found) if _only_tickets(node) else found


def by_conditions(asker: Asker, table: str, given: Any, *, disabled_too: bool, among: Sequence[int] | None) -> Sequence[int]:
    """Return the numbers of the rows that a list of conditions finds; rights are looked at later.

    Args:
        among: only these, as in the history of one record; None for all of the type.
    """
    conditions = jsonsearch.conditions(table, given, asker.rights)
    if not conditions and among is None and not _lists_unasked(table):
        return []
    bounds = jsonsearch.id_bounds(conditions)
    rest = conditions if bounds is None else [each for each in conditions if each.field != "id"]
    view = asker.view
    numbers = (
        _candidates(view, table, bounds) if among is None else [n for n in among if bounds is None or _inside(n, bounds)]
    )
    if rest:
        test = jsonsearch.predicate(view, table, rest)
        numbers = [each for each in numbers if test(view.row(table, each))]
    if table in WITH_DISABLED and not disabled_too:
        numbers = [each for each in numbers if not view.row(table, each)["Disabled"]]
    return _undeleted(view, numbers) if table == "asset" else numbers


def assets(asker: Asker, text: str) -> Sequence[int]:
    """Return the numbers of the assets that an AssetSQL query finds; rights are looked at later."""
    node = sql.parsed(text)
    if node is None:
        return []
    view = asker.view
    test = ColumnLanguage(view, "asset", asker.zone, asker.now).predicate(node)
    return _undeleted(view, [each for each in view.ids("asset") if test(view.row("asset", each))])


def _undeleted(view: View, numbers: Sequence[int]) -> Sequence[int]:
    return [each for each in numbers if view.row("asset", each)["Status"] != "deleted"]


def ordered(view: View, table: str, numbers: Sequence[int], keys: list[tuple[str, bool]], shuffle: int) -> Sequence[int]:
    """Return rows in the order of `keys`, each a column and whether it is descending.

    Args:
        shuffle: of rows that the order leaves equal, another order for each number; 0 keeps them by number.
    """
    keys = keys or _own_order(table)
    if any(not is_key(view, table, name) for name, _ in keys):
        return []
    if shuffle and not any(name == "id" for name, _ in keys):
        numbers = sorted(numbers, key=lambda number: number * 2_654_435_761 * shuffle % 4_294_967_291)
    if [name for name, _ in keys] == ["id"]:
        return numbers[::-1] if keys[0][1] else numbers
    for name, descending in reversed(keys):
        key = partial(sort_key, view, table, name, descending=descending)
        numbers = sorted(numbers, key=key, reverse=descending)
    return numbers


def shown_tickets(asker: Asker, numbers: Sequence[int]) -> Sequence[int]:
    """Return those transactions of tickets whose ticket the user may see: RT asks the database for these alone."""
    queues = asker.rights.queues("ShowTicket")
    if queues is None:
        return numbers
    rows = ((each, asker.view.get("ticket", asker.view.row("transaction", each)["ObjectId"])) for each in numbers)
    return [each for each, ticket in rows if ticket is not None and ticket["Queue"] in queues]


def _lists_unasked(table: str) -> bool:
    return table in ("user", "group", "customfieldvalue")


def _own_order(table: str) -> list[tuple[str, bool]]:
    if table in ("customfield", "customfieldvalue", "queue", "class", "article"):
        return [("SortOrder", False), ("Name", False)] if table != "queue" else [("Name", False)]
    return [("Name", False)] if table in _BY_NAME else [("id", False)]


def _candidates(view: View, table: str, bounds: tuple[int, int | None, set[int] | None] | None) -> Sequence[int]:
    ids = view.ids(table)
    if bounds is None:
        return ids
    above, until, exactly = bounds
    if exactly is not None:
        return sorted(each for each in exactly if view.get(table, each) is not None and _inside(each, (above, until, None)))
    start = bisect_right(ids, above)
    return ids[start:] if until is None else ids[start : max(start, bisect_right(ids, until))]


def _inside(number: int, bounds: tuple[int, int | None, set[int] | None]) -> bool:
    above, until, exactly = bounds
    return number > above and (until is None or number <= until) and (exactly is None or number in exactly)


def _sql_bounds(node: sql.Node) -> tuple[int, int | None, set[int] | None] | None:
    """Return what the parts that must hold say about the number; the whole query is tested afterwards."""
    parts = node.parts if isinstance(node, sql.All) else (node,)
    above, until, exactly = 0, None, None
    for part in parts:
        if isinstance(part, sql.Condition) and part.field.lower() == "id" and (part.value or "").isdigit():
            number = int(part.value or 0)
            if part.operator in (">", ">="):
                above = max(above, number if part.operator == ">" else number - 1)
            elif part.operator in ("<", "<="):
                bound = number if part.operator == "<=" else number - 1
                until = bound if until is None else min(until, bound)
            elif part.operator == "=":
                exactly = {number}
        elif isinstance(part, sql.Either) and all(_names_one(each) for each in part.parts):
            exactly = {int(each.value or 0) for each in sql.conditions(part)}
    return above, until, exactly


def _names_one(node: sql.Node) -> bool:
    is_one = isinstance(node, sql.Condition) and node.field.lower() == "id" and node.operator == "="
    return is_one and isinstance(node, sql.Condition) and (node.value or "").isdigit()


def _only_tickets(node: sql.Node) -> bool:
    parts = node.parts if isinstance(node, sql.All) else (node,)
    return any(
        isinstance(each, sql.Condition)
        and each.field == "ObjectType"
        and each.operator == "="
        and each.value == "RT::Ticket"
        for each in parts
    )
