"""What a written value means beside an attribute of a certain kind. versionone.md §4.1, C2."""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass
from datetime import UTC, date, timezone
from decimal import Decimal, InvalidOperation

from mirror.simulators.versionone.grammar import Literal
from mirror.simulators.versionone.schema import Attribute
from mirror.simulators.versionone.state import RefusedError, Value
from mirror.simulators.versionone.view import View, read_instant

STATES: dict[str, Container[int]] = {
    "Future": {0},
    "Active": {64},
    "Closed": range(128, 192),
    "Dead": range(192, 256),
    "Template": {200},
    "BrokenDown": {208},
    "Broken Down": {208},
    "Deleted": {255},
}
"""Codes by state name; closed and dead are families. versionone.md §6.3 D/S"""

NOTHING: Container[int] = ()
"""The codes a number stands for in newer releases. C2 L"""

NUMBERS = ("Numeric", "LongInt", "Opaque", "Rank")


@dataclass(frozen=True, slots=True)
class Reference:
    """An Oid token: an asset of that type and id, or nothing at all when `asset` is None (`NULL`)."""

    type_name: str
    asset: int | None


Wanted = Value | Reference | Container[int]


def understand(view: View, attribute: Attribute, literal: Literal) -> Wanted:
    """Return what a literal stands for beside an attribute; None for an empty one.

    Raises:
        RefusedError: it cannot be read as such a value.
    """
    text = literal.text
    if not literal.quoted and view.switches.asset_state_filter == "strict26":
        raise RefusedError(400, f"Invalid QueryFilter2 token '{text}'")
    if text == "":
        return None
    if attribute.kind == "Relation":
        return read_oid(view, text)
    if attribute.kind == "State":
        return _state(view, text)
    if attribute.kind in NUMBERS:
        return _number(text)
    if attribute.kind == "Boolean":
        return _boolean(text)
    if attribute.kind == "Date":
        return _date(attribute, text, view.zone)
    return text


def read_oid(view: View, text: str) -> Reference:
    """Read an Oid token, with or without a moment. versionone.md §1

    Raises:
        RefusedError: it is none, or its type is unknown.
    """
    if text == "NULL":
        return Reference("", None)
    parts = text.split(":")
    if len(parts) not in (2, 3) or not all(part.lstrip("-").isdigit() for part in parts[1:]):
        raise RefusedError(400, f"Invalid OID token: {text}")
    if view.schema.get(parts[0]) is None:
        raise RefusedError(400, f"Unknown AssetType: {parts[0]}")
    return Reference(parts[0], int(parts[1]))


def _state(view: View, text: str) -> Container[int]:
    """Names always; numbers in quotes as long as they are understood. C2"""
    if text.isdigit():
        return NOTHING if view.switches.asset_state_filter == "strict26" else {int(text)}
    if text not in STATES:
        raise RefusedError(400, f"Invalid QueryFilter2 token '{text}'")
    return STATES[text]


def _number(text: str) -> Decimal:
    try:
        return Decimal(text)
    except InvalidOperation:
        raise RefusedError(400, f"Invalid QueryFilter2 token '{text}'") from None


def _boolean(text: str) -> bool:
    """`'true'`, `'True'`, `'False'` are all accepted. versionone.md §4.1 S"""
    if text.lower() not in ("true", "false"):
        raise RefusedError(400, f"Invalid QueryFilter2 token '{text}'")
    return text.lower() == "true"


def _date(attribute: Attribute, text: str, zone: timezone) -> Value:
    if attribute.utc:
        return read_instant(text, UTC)
    instant = read_instant(text, zone)
    return instant.astimezone(zone).date() if attribute.date_only else instant


def comparable(attribute: Attribute, value: Value) -> Value | Decimal:
    """Return a stored value in the form that `understand` gives for literals."""
    if value is None or value == "":
        return None
    if attribute.kind in NUMBERS and not isinstance(value, date):
        try:
            return Decimal(str(value))
        except InvalidOperation:
            return None
    return value
