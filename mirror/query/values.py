"""How values are compared, folded and written as text: what every database, and Python, must do alike."""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Context, Decimal
from enum import StrEnum
from functools import reduce

from mirror.model.cells import canonical
from mirror.model.schema import Kind
from mirror.query.expr import Op, Scalar

TEXT_OPS = frozenset((Op.CONTAINS, Op.STARTS, Op.ENDS, Op.LIKE))
AVERAGE_PLACES = Decimal("1e-12")
_LARGEST = 2**63 - 1
_EXACT = Context(prec=200, rounding=ROUND_HALF_UP)


class Family(StrEnum):
    """Kinds whose values are compared as they are; across families they are compared as texts."""

    NUMBER = "number"
    BOOLEAN = "boolean"
    INSTANT = "instant"
    DAY = "day"
    TEXT = "text"


FAMILIES = {
    Kind.INTEGER: Family.NUMBER,
    Kind.NUMERIC: Family.NUMBER,
    Kind.BOOLEAN: Family.BOOLEAN,
    Kind.TIMESTAMP: Family.INSTANT,
    Kind.DATE: Family.DAY,
    Kind.TEXT: Family.TEXT,
    Kind.JSON: Family.TEXT,
}


def fits(kind: Kind, value: Scalar) -> bool:
    """Return whether `value` is one of the kind's family, in the form that columns of that kind keep."""
    family = FAMILIES[kind]
    if isinstance(value, bool):
        return family is Family.BOOLEAN
    if not isinstance(value, str):
        return family is Family.NUMBER
    if family in (Family.INSTANT, Family.DAY):
        return _is_canonical(kind, value)
    return family is Family.TEXT


def _is_canonical(kind: Kind, text: str) -> bool:
    try:
        return bool(canonical(kind, text) == text)
    except ValueError:
        return False


def fold(text: str) -> str:
    """Return `text` so that what differs in upper and lower case alone is equal, in any script.

    It is the lower case of Unicode. What depends on the context there is taken out, since databases differ in that: the
    sigma at the end of a word is as any other, and a dotted I is an i.
    """
    return text.lower().replace("\u03c2", "\u03c3").replace("i\u0307", "i")


def text_of(value: object) -> str:
    """Return a value of a row as text: `true`, digits without an exponent or trailing zeros, all else as it is."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return value
    digits = format(number(value), "f")
    return digits.rstrip("0").rstrip(".") if "." in digits else digits


def number(value: object) -> Decimal:
    """Return a number of a row, an int, a float or digits, as the decimal that it stands for."""
    found = value if isinstance(value, Decimal) else Decimal(str(value))
    return found if found else Decimal(0)


def total(values: Sequence[Decimal]) -> Decimal | None:
    """Return the exact sum; None of none."""
    return reduce(_EXACT.add, values) if values else None


def average(values: Sequence[Decimal]) -> Decimal | None:
    """Return the average, rounded half up to twelve decimals; None of none."""
    return (
        _EXACT.divide(reduce(_EXACT.add, values), Decimal(len(values))).quantize(AVERAGE_PLACES, context=_EXACT)
        if values
        else None
    )


def numbered(text: str) -> tuple[str, int]:
    """Return the letters of a key such as `US12` and its number; 0 where it has none. Only ASCII digits count."""
    letters = re.sub(r"[0-9]+\Z", "", text)
    return letters, min(int(text[len(letters) :] or "0"), _LARGEST)


def like_pattern(pattern: str) -> re.Pattern[str]:
    """Return what matches the same texts as LIKE with `pattern`, in which `%` and `_` cannot be escaped."""
    parts = {"%": ".*", "_": "."}
    return re.compile("".join(parts.get(each) or re.escape(each) for each in pattern), re.DOTALL)
