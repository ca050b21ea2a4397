"""Written values beside an attribute: in the form in which columns keep them, and what comparing with them means.

Source: versionone.md §4.1 S (dates, booleans, quotes), §5.2 (attribute types), §6.3 D (states), C2 (states in filters).
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, tzinfo
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

from mirror.connectors.versionone.language_paths import End, Sort
from mirror.model.schema import Kind
from mirror.query.expr import Op, Scalar

Bounds = tuple[tuple[Op, Scalar], ...]
"""What one value must meet, all of it; of () any value does."""

STATES = {
    "Future": (0, 0),
    "Active": (64, 64),
    "Closed": (128, 191),
    "Dead": (192, 255),
    "Template": (200, 200),
    "BrokenDown": (208, 208),
    "Broken Down": (208, 208),
    "Deleted": (255, 255),
}
"""First and last code by name; closed and dead are families (§6.3 D, S, Q)."""

ORDERED = frozenset({"Numeric", "Date", "Opaque", "LongInt"})
"""What `<` and `>` work on (§4.1 S)."""

_NUMBER = re.compile(r"[-+]?(\d+(\.\d*)?|\.\d+)([eE][-+]?\d{1,3})?")
_ISO = re.compile(r"(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d(?::\d\d)?)(?:\.(\d+))?\s*(Z|[-+]\d\d:?\d\d)?)?")
_INT8 = 2**63


class UnfitError(Exception):
    """A text is no value of its attribute; the message is for people."""


def bounds(op: Op, end: End, text: str, zone: tzinfo) -> Bounds | None:
    """Return what a value must meet to compare so with a text; None when no value does.

    Args:
        op: not NE.
        zone: of days and times without one, where the attribute's own name does not say UTC.

    Raises:
        UnfitError: the text is no value of that attribute.
    """
    if end.native == "State":
        return _state(text)
    match end.kind:
        case Kind.INTEGER:
            return _whole(op, _number(text))
        case Kind.NUMERIC:
            return ((op, _number(text)),)
        case Kind.BOOLEAN:
            return ((op, boolean(text)),)
        case Kind.TIMESTAMP:
            return _instant(op, text, zone if end.local else UTC)
        case Kind.DATE:
            return ((op, _day(text, zone)),)
        case _:
            return _text(op, end, text)


def boolean(text: str) -> bool:
    """Return a boolean, in any case (§4.1 S); UnfitError for anything else."""
    if text.lower() not in ("true", "false"):
        raise UnfitError(f"Invalid QueryFilter2 token '{text}': expected 'true' or 'false'")
    return text.lower() == "true"


def _text(op: Op, end: End, text: str) -> Bounds:
    if end.native == "LongInt":  # many of them are kept as text
        number = _number(text)
        text = format(number.normalize() if number else Decimal(0), "f")
    if op is not Op.EQ:
        raise UnfitError(f"{end.field} is kept as text, so its values can only be compared with = and !=")
    if end.native == "Opaque" and end.sort is Sort.FIELD:
        _number(text)
    return ((op, text),)


def _state(text: str) -> Bounds:
    if text.isdigit():
        return ((Op.EQ, int(text)),) if int(text) < _INT8 else ((Op.EQ, -1),)
    if text not in STATES:
        raise UnfitError(f"Invalid QueryFilter2 token '{text}': no state is called so; states: {', '.join(STATES)}")
    first, last = STATES[text]
    return ((Op.EQ, first),) if first == last else ((Op.GE, first), (Op.LE, last))


def _number(text: str) -> Decimal:
    if not _NUMBER.fullmatch(text.strip()):
        raise UnfitError(f"Invalid QueryFilter2 token '{text}': expected a number")
    return Decimal(text.strip())


def _whole(op: Op, number: Decimal) -> Bounds | None:
    """Return the same comparison between whole numbers, which is what the column has."""
    if not -_INT8 < number < _INT8:
        is_all = (number > 0) == (op in (Op.LT, Op.LE)) and op is not Op.EQ
        return () if is_all else None
    if number == number.to_integral_value():
        return ((op, int(number)),)
    match op:
        case Op.LT | Op.LE:
            return ((Op.LE, int(number.to_integral_value(ROUND_FLOOR))),)
        case Op.GT | Op.GE:
            return ((Op.GE, int(number.to_integral_value(ROUND_CEILING))),)
        case _:
            return None


def _instant(op: Op, text: str, zone: tzinfo) -> Bounds | None:
    instant = moment(text, zone)
    below = instant.microsecond % 1000
    value = instant.replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"
    if not below:
        return ((op, value),)
    # Columns keep milliseconds, so nothing lies between one and the next.
    match op:
        case Op.LT | Op.LE:
            return ((Op.LE, value),)
        case Op.GT | Op.GE:
            return ((Op.GT, value),)
        case _:
            return None


def _day(text: str, zone: tzinfo) -> str:
    return moment(text, zone).astimezone(zone).date().isoformat()


def moment(text: str, zone: tzinfo) -> datetime:
    """Return an instant in any of the accepted forms (§4.1 S), aware, UTC; digits below the microsecond are cut off.

    Args:
        zone: of a text that does not tell one.

    Raises:
        UnfitError: it is none.
    """
    try:
        found = _read_moment(text.strip())
        return (found if found.tzinfo is not None else found.replace(tzinfo=zone)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise UnfitError(f"Invalid date: {text}; expected such as 2026-03-01 or 2026-03-01T09:30:00") from None


def _read_moment(text: str) -> datetime:
    matched = _ISO.fullmatch(text)
    if matched is None:
        return datetime.strptime(text, "%m/%d/%Y %H:%M:%S" if ":" in text else "%m/%d/%Y")  # noqa: DTZ007
    day, time, digits, zone = matched.groups()
    base = datetime.fromisoformat(f"{day}T{time or '00:00'}{'+00:00' if zone == 'Z' else zone or ''}")
    return base.replace(microsecond=int((digits or "0").ljust(6, "0")[:6]))
