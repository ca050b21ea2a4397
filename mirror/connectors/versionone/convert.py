"""Single values from the wire as columns hold them, by what meta says they are and never by how they come.

Source: versionone.md §3.1, §3.3 (numbers, booleans and dates on the wire), §5.2 (attribute types), §8.1, C8.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any

from mirror.model.schema import Kind

_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?([eE][-+]?[0-9]+)?")
_DAY_LENGTH = 10
_REMEMBERED = 1 << 14
"""Days, estimates and targets repeat from row to row; looking one up takes a fifth of the time of reading it."""

_INT8 = 2**63


def stamp(value: str | None) -> str | None:
    """Return an instant, UTC whatever suffix it has, as `YYYY-MM-DDTHH:MM:SS.mmmZ`; parts of a millisecond are dropped.

    The forms that are known (none, 3 or 7 digits; `Z` or no zone) are only cut; others are read.

    Raises:
        ValueError: it is no instant.
    """
    if not value:
        return None
    length = len(value)
    if length > _DAY_LENGTH and value[10] == "T":
        if length in (23, 24, 27, 28) and value[19] == "." and (value[-1] == "Z") == (length in (24, 28)):
            return value[:23] + "Z"
        if length == 19 or (length == 20 and value[-1] == "Z"):
            return value[:19] + ".000Z"
    moment = datetime.fromisoformat(value)
    moment = moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    return moment.replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"


@lru_cache(_REMEMBERED)
def day(value: str | None) -> str | None:
    """Return the calendar day of a date or date-time `YYYY-MM-DD…`.

    Raises:
        ValueError: it is neither.
    """
    if not value:
        return None
    if len(value) > _DAY_LENGTH and value[_DAY_LENGTH] not in "T ":
        raise ValueError(value)
    datetime.fromisoformat(value[:_DAY_LENGTH])
    return value[:_DAY_LENGTH]


@lru_cache(_REMEMBERED)
def time_beside_day(value: str | None) -> str | None:
    """Return a date-time whole, in one form, when it says more than its day; None when the day is all.

    Its zone is nobody's business: the server may add `Z` or not (C8).
    """
    if value is None or len(value) <= _DAY_LENGTH:
        return None
    text = stamp(value)
    return None if text is None or text.endswith("T00:00:00.000Z") else text[:-1]


@lru_cache(_REMEMBERED, typed=True)
def number(value: str | float | None) -> str | None:
    """Return a decimal as text, so that no digit is lost on the way to the store.

    Raises:
        ValueError: it is no plain number.
    """
    if value is None or value == "":
        return None
    if isinstance(value, bool):
        raise ValueError(value)  # noqa: TRY004  one error for all that does not fit
    found = value if isinstance(value, str) else format(Decimal(json.dumps(value)), "f").removesuffix(".0")
    if not _NUMBER.fullmatch(found):
        raise ValueError(value)
    return found


def whole(value: Any) -> int | None:
    """Return an integer of 64 bits.

    Raises:
        ValueError: it is another number, or none.
    """
    if value is None or value == "":
        return None
    if isinstance(value, bool) or not _NUMBER.fullmatch(str(value)):
        raise ValueError(value)
    exact = Decimal(str(value))
    found = int(exact)
    if found != exact or not -_INT8 <= found < _INT8:
        raise ValueError(value)
    return found


def flag(value: Any) -> bool | None:
    """Return a boolean, written in whatever case.

    Raises:
        KeyError: it is none.
    """
    if value is None or value == "":
        return None
    return {"true": True, "false": False}[str(value).lower()]


def text(value: Any) -> str | None:
    """Return a text; an empty one is none, because XML cannot tell them apart (§3.1 R).

    Raises:
        ValueError: it is a structure.
    """
    if value is None or isinstance(value, str):
        return value or None
    if isinstance(value, bool | int | float):
        return json.dumps(value)
    raise ValueError(value)


COERCIONS: Mapping[Kind, Callable[[Any], object]] = {
    Kind.INTEGER: whole,
    Kind.NUMERIC: number,
    Kind.BOOLEAN: flag,
    Kind.TIMESTAMP: stamp,
    Kind.DATE: day,
    Kind.TEXT: text,
}
