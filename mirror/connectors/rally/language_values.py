"""The values in Rally queries: numbers, instants, references and keys such as US12. Source: rally.md §4."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, tzinfo
from decimal import Decimal
from math import floor
from typing import NamedTuple

from mirror.model.cells import canonical
from mirror.model.schema import Kind
from mirror.query.expr import Compare, Expr, Op, Path

_NUMBER = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d{1,3})?", re.ASCII)
_RELATIVE = re.compile(r"today(?:([+-])(\d+))?", re.ASCII)
_INSTANT = re.compile(
    r"(\d{4}-\d\d-\d\d)(?:T(\d\d:\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?(Z|[+-]\d\d:?\d\d)?)?", re.ASCII | re.IGNORECASE
)
_REFERENCE = re.compile(r"(?:.*/)?(?:portfolioitem/)?[a-z]+/(-?\d+|[0-9a-f-]{36})(?:\.js)?", re.ASCII | re.IGNORECASE)
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII | re.IGNORECASE)
_ID = re.compile(r"-?\d+", re.ASCII)
_KEY = re.compile(r"(\D*)(\d+)", re.ASCII)
_LARGEST = 2**63 - 1


class Key(NamedTuple):
    """A FormattedID: `US12`, or only its number (rally.md §4 C/R).

    Attributes:
        letters: in upper case; empty when only the number was given.
    """

    letters: str
    number: int


def read_number(text: str) -> Decimal | None:
    """Return a number, or None when it is none."""
    return Decimal(text) if _NUMBER.fullmatch(text) else None


def read_instant(text: str, now: datetime, zone: tzinfo) -> str | None:
    """Return an instant as columns keep it, or None when the text is no ISO 8601 date or date-time and no `today±N`.

    A day is its first moment, and so is `today` (rally.md §4 D). Digits below the millisecond are cut off.

    Args:
        zone: of what is written without one.
    """
    relative = _RELATIVE.fullmatch(text)
    try:
        if relative is not None:
            days = int(relative[2] or 0)
            midnight = now.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0)
            return _stamp(midnight + timedelta(days=-days if relative[1] == "-" else days))
        return _absolute(text, zone)
    except (ValueError, OverflowError):
        return None


def _absolute(text: str, zone: tzinfo) -> str | None:
    found = _INSTANT.fullmatch(text)
    if found is None:
        return None
    day, clock, seconds, fraction, offset = found.groups()
    read = datetime.fromisoformat(f"{day}T{clock or '00:00'}:{seconds or '00'}.{(fraction or '0')[:3]:0<3}{offset or ''}")
    return _stamp(read if read.tzinfo else read.replace(tzinfo=zone))


def _stamp(moment: datetime) -> str:
    stamp: str = canonical(Kind.TIMESTAMP, moment.astimezone(UTC).isoformat())
    return stamp


def read_reference(text: str) -> int | str | None:
    """Return the ObjectID, or the ObjectUUID in lower case, of any form of reference; None when it is none.

    Absolute and short addresses, and the bare id (rally.md §4 C, §8.1 R/C).
    """
    found = _REFERENCE.fullmatch(text.strip())
    name = found[1] if found else text.strip()
    if _ID.fullmatch(name):
        return int(name) if abs(int(name)) <= _LARGEST else None
    return name.lower() if _UUID.fullmatch(name) else None


def read_key(text: str) -> Key | None:
    """Return the letters and the number of a FormattedID; None when the text has not that form."""
    found = _KEY.fullmatch(text)
    return Key(found[1].upper(), int(found[2])) if found else None


def whole(op: Op, number: Decimal) -> tuple[Op, int] | bool:
    """Return a comparison with a number as one with a whole number that fits a column; or what it always is.

    Args:
        op: any but NE and the operators on text.
    """
    is_upwards = op in (Op.LT, Op.LE)
    if abs(number) > _LARGEST:
        return op is not Op.EQ and is_upwards == (number > 0)
    below = floor(number)
    if below == number:
        return op, below
    return op is not Op.EQ and (Op.LE if is_upwards else Op.GT, below)


def numbered(path: Path, op: Op, number: int) -> Expr:
    """Return the comparison of the number at the end of a text such as `US12` or `12`."""
    return Compare(path, op, min(number, _LARGEST), by_number=True)
