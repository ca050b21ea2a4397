"""Links in a query: to a ticket by number, to anything else by address. rt.md §5.1; seen on RT 5.0.3."""

from __future__ import annotations

import re

from mirror.connectors.rt.language_syntax import Condition
from mirror.connectors.rt.language_values import positive
from mirror.model.part import Part
from mirror.query.expr import OWN_ID, All, AnyOf, Compare, Expr, Missing, Not, Op, Path, Some, Step

_TO = ("DependsOn", "Parents", "RefersTo")
_FROM = ("DependedOnBy", "Children", "ReferredToBy")
_FIELDS = {
    "dependson": ("DependsOn",),
    "dependedonby": ("DependedOnBy",),
    "dependenton": ("DependedOnBy",),
    "memberof": ("Parents",),
    "hasmember": ("Children",),
    "refersto": ("RefersTo",),
    "referredtoby": ("ReferredToBy",),
    "linkedto": _TO,
    "linkedfrom": _FROM,
    "linked": (*_TO, *_FROM),
}
_TICKET = re.compile(r"fsck\.com-rt://[^/]+/ticket/(\d+)", re.IGNORECASE)

LINKS = tuple(_FIELDS)
"""Fields about links, in lower case."""


def shows_any_type(name: str) -> bool:
    """Return whether a condition on this field, in lower case, lets reminders be found as if Type had been mentioned.

    It does where the kind of link is told, for that is called Type as well (seen on 5.0.3).
    """
    return name in _FIELDS and len(_FIELDS[name]) == 1


def links(condition: Condition) -> Expr:
    """Return the comparison of a field about links.

    Raises:
        QueryError: another operator than =, !=, IS and IS NOT.
    """
    fields = _FIELDS[condition.field.partition(".")[0].lower()]
    plain, is_negative = positive(condition.operator)
    if plain not in ("=", "IS"):
        raise condition.at_operator.wrong(f"Invalid Operator {condition.operator} for {condition.field}")
    value = condition.value
    if plain == "IS" or value.upper() in ("NULL", "0", ""):
        parts = (Part.ID, Part.NAME)  # a link to an address elsewhere has no number
        found: Expr = All(tuple(Missing(Path(each, (), part)) for each in fields for part in parts))
    else:
        ticket = value if value.isdigit() else _ticket_in(value)
        found = AnyOf(tuple(_to_ticket(each, int(ticket)) if ticket else _to_address(each, value) for each in fields))
    return Not(found) if is_negative else found


def _ticket_in(address: str) -> str:
    found = _TICKET.fullmatch(address)
    return found[1] if found else ""


def _to_ticket(field: str, number: int) -> Expr:
    """Return whether one of the links leads to the ticket, mirrored or not; articles and assets have such numbers too."""
    same = Compare(Path(OWN_ID), Op.EQ, number)
    other = Some((Step(field, ("article", "asset")),), same)
    by_number = Compare(Path(field, (), Part.ID), Op.EQ, number)
    return AnyOf((Some((Step(field, ("ticket",)),), same), All((by_number, Not(other)))))


def _to_address(field: str, address: str) -> Expr:
    return Compare(Path(field, (), Part.NAME), Op.EQ, address)
