"""What the fields of TicketSQL mean, and which tickets no search shows. rt.md §5; seen on RT 5.0.3.

A condition about transactions (Updated, Filename) is about any one of a ticket's; several in one query are about the same
one, as RT joins them once. So a condition becomes ways in which it can be met, each with a part about the ticket and one
about a transaction.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from itertools import product

from mirror.connectors.rt.language_custom import CUSTOM, columns, custom
from mirror.connectors.rt.language_links import LINKS, links, shows_any_type
from mirror.connectors.rt.language_people import PEOPLE, people, user_field
from mirror.connectors.rt.language_syntax import Condition, Group, Node, conditions
from mirror.connectors.rt.language_transactions import There, of_transaction, some_transaction
from mirror.connectors.rt.language_values import (
    SIGNS,
    Question,
    date_field,
    near,
    number,
    positive,
    text,
)
from mirror.model.part import Part
from mirror.query.expr import (
    EVERYTHING,
    NOTHING,
    OWN_ID,
    All,
    AnyOf,
    Compare,
    Expr,
    Missing,
    Not,
    Op,
    Path,
    Step,
)

_NUMBERS = "id EffectiveId Priority InitialPriority FinalPriority TimeWorked TimeLeft TimeEstimated".split()
_DATES = "Created Started Starts Due Resolved Told LastUpdated".split()
_UNSET_IS_1970 = ("Due", "Starts", "Started", "Resolved")  # of a new ticket; Told is null
_PRIORITIES = {"low": "0", "medium": "50", "high": "100"}
"""RT's own words for priorities; an administrator may set others, which REST does not show."""

_ACTIVE = ("new", "open", "stalled")
_INACTIVE = ("resolved", "rejected", "deleted")
_TYPES = ("ticket", "approval", "reminder")
_JOINED_AS_LISTS = ("status", "sla", "subject", "type", "creator", "lastupdatedby", "queue", "lifecycle")
_MOST_WAYS = 100


@dataclass(frozen=True, slots=True)
class _Way:
    """How a condition can be met.

    Attributes:
        there: what must be true of one and the same transaction of the ticket.
    """

    here: Expr = EVERYTHING
    there: tuple[There, ...] = ()


def tickets(node: Node | None, question: Question) -> Expr:
    """Return what a query asks of tickets, with what no search shows left out (rt.md §5.2); everything for None.

    Raises:
        QueryError: RT refuses it, or it needs what is not mirrored.
    """
    if node is None:
        return EVERYTHING
    found = asked_of_ticket(node, question)
    names = {each.field.partition(".")[0].lower() for each in conditions(node)}
    if "effectiveid" in names:
        question.note("Merged tickets are not mirrored, so EffectiveId is the same as id here")
    shown: list[Expr] = [Not(Compare(Path("Status"), Op.EQ, "deleted"))]
    if "type" not in names and not any(shows_any_type(each) for each in names):
        shown.append(Compare(Path("Type"), Op.EQ, "ticket"))
    return All((*shown, found))


def asked_of_ticket(node: Node, question: Question) -> Expr:
    """Return what a query asks of one ticket, whether searches show it or not."""
    found = [_exprs(each) for each in _ways(node, question)]
    return found[0] if len(found) == 1 else AnyOf(tuple(found))


def _exprs(way: _Way) -> Expr:
    if not way.there:
        return way.here
    some = some_transaction(way.there)
    return some if way.here == EVERYTHING else All((way.here, some))


def _ways(node: Node, question: Question) -> list[_Way]:
    if isinstance(node, Condition):
        return [_way(node, question)]
    if not node.joined_by_or or _is_list_of_others(node):
        return _all_of([_ways(each, question) for each in node.parts], node)
    ways = [way for each in node.parts for way in _ways(each, question)]
    plain = tuple(each.here for each in ways if not each.there)
    one = [_Way(AnyOf(plain) if len(plain) > 1 else plain[0])] if plain else []
    return one + [each for each in ways if each.there]


def _all_of(parts: list[list[_Way]], node: Group) -> list[_Way]:
    plain = [each[0].here for each in parts if len(each) == 1 and not each[0].there]
    others = [each for each in parts if len(each) > 1 or each[0].there]
    count = 1
    for each in others:
        count *= len(each)
    if count > _MOST_WAYS:
        raise next(conditions(node)).at_field.wrong("Too many conditions about transactions in one query")
    found = []
    for chosen in product(*others):
        here = [*plain, *(each.here for each in chosen if each.here != EVERYTHING)]
        there = tuple(one for each in chosen for one in each.there)
        found.append(_Way(All(tuple(here)) if len(here) != 1 else here[0], there))
    return found


def _is_list_of_others(node: Group) -> bool:
    """Return whether RT makes `x != 1 OR x != 2` into NOT IN (1, 2), though it means something else (seen on 5.0.3)."""
    parts = [each for each in node.parts if isinstance(each, Condition) and each.operator == "!="]
    names = {each.field.partition(".")[0].lower() for each in parts}
    if len(parts) < len(node.parts) or len(names) > 1:
        return False
    name = names.pop()
    if name == "status" and any(each.value.lower() in ("__active__", "__inactive__") for each in parts):
        return False
    is_number = name in (each.lower() for each in _NUMBERS)
    return name in _JOINED_AS_LISTS or (is_number and (name != "id" or all(each.value.isdigit() for each in parts)))


def _way(condition: Condition, question: Question) -> _Way:
    name = condition.field.partition(".")[0].lower()
    if condition.is_shallow and name not in PEOPLE:
        raise condition.at_operator.wrong(f"Unsupported operator: SHALLOW {condition.operator}")
    there = of_transaction(condition, question)
    return _Way(_about_ticket(name, condition, question)) if there is None else _Way(there=(there,))


def _about_ticket(name: str, condition: Condition, question: Question) -> Expr:
    if name in PEOPLE:
        return people(condition, question)
    if name in LINKS:
        return links(condition)
    if name in CUSTOM:
        return custom(condition, question)
    if name not in _FIELDS:
        raise condition.at_field.wrong(f"Unknown field: {condition.field}", near(name, _NAMES))
    return _FIELDS[name](condition, question)


def _number(name: str, condition: Condition, question: Question) -> Expr:
    path = Path(OWN_ID if name in ("id", "EffectiveId") else name)
    if "Priority" in name:
        condition = _priority(condition)
    if condition.value == "__Bookmarked__":
        raise condition.at_value.wrong("Bookmarks are not mirrored")
    if condition.is_null:
        return NOTHING
    if condition.is_column and positive(condition.operator)[0] != "IS":
        return columns(path, condition, question)
    return number(path, condition)


def _priority(condition: Condition) -> Condition:
    word = condition.value.lower()
    return replace(condition, value=_PRIORITIES[word], is_column=False) if word in _PRIORITIES else condition


def _date(name: str, condition: Condition, question: Question) -> Expr:
    if "." in condition.field:
        raise condition.at_field.wrong("Parts of dates cannot be searched here")
    path = Path(name)
    if condition.is_null:
        return NOTHING
    if condition.is_column and condition.operator in SIGNS and condition.operator != "!=":
        found = columns(path, condition, question)
        is_later = condition.operator in (">", ">=") and condition.value in _UNSET_IS_1970
        return AnyOf((found, All((Not(Missing(path)), Missing(Path(condition.value)))))) if is_later else found
    is_unset = text(path, "IS", "NULL") if name in _UNSET_IS_1970 else NOTHING
    return date_field(path, condition, question, is_unset=is_unset)


def _text(name: str, condition: Condition, question: Question) -> Expr:
    path = Path(name)
    if condition.is_null:
        return NOTHING
    if condition.is_column and not condition.operator.startswith("IS"):
        return columns(path, condition, question)
    return text(path, condition.operator, condition.value, is_never_null=name == "Subject")


def _status(condition: Condition, question: Question) -> Expr:
    word = condition.value.lower()
    if word not in ("__active__", "__inactive__"):
        return _text("Status", condition, question)
    wants_inactive = (word, condition.operator) in (("__inactive__", "="), ("__active__", "!="))
    return _is_inactive() if wants_inactive else Not(_is_inactive())


def _is_inactive() -> Expr:
    """Return whether a ticket is done; the statuses of one's own lifecycles are told by a date (see work_items)."""
    known = AnyOf(tuple(Compare(Path("Status"), Op.EQ, each) for each in _INACTIVE))
    others = [Not(Compare(Path("Status"), Op.EQ, each)) for each in _ACTIVE]
    return AnyOf((known, All((*others, Not(text(Path("Resolved"), "IS", "NULL"))))))


def _type(condition: Condition, question: Question) -> Expr:
    if condition.operator not in ("=", "!="):
        raise condition.at_operator.wrong(f"Invalid Operation: {condition.operator} for Type")
    if condition.is_column and not condition.is_null:
        return columns(Path("Type"), condition, question)
    if condition.is_null:
        return NOTHING
    lower = condition.value.lower()
    found = Compare(Path("Type"), Op.EQ, lower if lower in _TYPES else condition.value, folds_case=lower not in _TYPES)
    return found if condition.operator == "=" else Not(found)


def _queue(condition: Condition, question: Question) -> Expr:
    plain, is_negative = positive(condition.operator)
    value = condition.value
    if plain == "IS":
        found: Expr = NOTHING
    elif condition.is_null:
        found = NOTHING
    elif condition.is_column:
        raise condition.at_value.wrong(f"Wrong query, no such column '{value}'; a text is written in quotes")
    elif plain == "LIKE":
        found = text(Path("Queue", (), Part.NAME), "LIKE", value)
    elif value.isdigit() and plain in SIGNS:
        found = Compare(Path("Queue", (), Part.ID), SIGNS[plain], int(value))
    elif plain == "=":
        found = Compare(Path("Queue", (), Part.NAME), Op.EQ, value, folds_case=True)
    else:
        raise condition.at_operator.wrong(f"A queue by name is not compared with {condition.operator} here")
    return Not(found) if is_negative else found


def _lifecycle(condition: Condition, _question: Question) -> Expr:
    if condition.operator.startswith("IS"):
        raise condition.at_operator.wrong(f"Invalid Operator {condition.operator} for Lifecycle")
    return text(Path("Lifecycle", (Step("Queue", ("queue",)),)), condition.operator, condition.value)


def _user(name: str, condition: Condition, question: Question) -> Expr:
    field = question.layout.type.field(name)
    if field is None:
        raise condition.at_field.wrong(f"Unknown field: {condition.field}")
    return user_field(field, condition, question)


def _content(_condition: Condition, question: Question) -> Expr:
    question.note("RT finds nothing by Content unless full-text search is set up there; the mirror has no contents")
    return NOTHING


def _not_mirrored(what: str, condition: Condition, _question: Question) -> Expr:
    raise condition.at_field.wrong(f"{what} cannot be searched here")


_Reader = Callable[[Condition, Question], Expr]


def _readers() -> Iterator[tuple[str, _Reader]]:
    yield from ((each.lower(), partial(_number, each)) for each in _NUMBERS)
    yield from ((each.lower(), partial(_date, each)) for each in _DATES)
    yield from ((each.lower(), partial(_text, each)) for each in ("Subject", "SLA"))
    yield from ((each.lower(), partial(_user, each)) for each in ("Creator", "LastUpdatedBy"))
    for name in ("HasAttribute", "HasNoAttribute", "TxnCF", "TransactionCF", "QueueCF"):
        yield name.lower(), partial(_not_mirrored, name)


_FIELDS: Mapping[str, _Reader] = {
    **dict(_readers()),
    "status": _status,
    "type": _type,
    "queue": _queue,
    "lifecycle": _lifecycle,
    "content": _content,
}
_NAMES = (
    *_NUMBERS,
    *_DATES,
    *"Subject SLA Status Type Queue Lifecycle Creator LastUpdatedBy Updated UpdatedBy TransactionDate".split(),
    *"Filename ContentType".split(),
    *"Owner Requestor Cc AdminCc Watcher QueueCc QueueAdminCc CustomRole CF CustomField OwnerGroup".split(),
    *"DependsOn DependedOnBy MemberOf HasMember RefersTo ReferredToBy LinkedTo LinkedFrom Linked".split(),
)
"""What people are reminded of."""
