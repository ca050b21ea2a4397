"""How a database compares what is stored with what a search gives: numbers as numbers, text without regard to case."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any

Test = Callable[[Any], bool]
"""Whether a stored value, None for NULL, satisfies a comparison."""

_NEGATIVE = {"!=": "=", "NOT LIKE": "LIKE", "NOT STARTSWITH": "STARTSWITH", "NOT ENDSWITH": "ENDSWITH"}


def test_of(operator: str, value: str | None, *, numeric: bool = False, case_sensitive: bool = False) -> Test:
    """Return the test for a column and a constant; NULL satisfies nothing but IS."""
    operator = operator.upper()
    if operator in ("IS", "IS NOT") or value is None:
        wanted = operator not in ("IS NOT", "!=")
        return lambda stored: (stored is None) is wanted
    if operator in _NEGATIVE:
        positive = test_of(_NEGATIVE[operator], value, numeric=numeric, case_sensitive=case_sensitive)
        return lambda stored: stored is not None and not positive(stored)
    if operator in ("LIKE", "STARTSWITH", "ENDSWITH"):
        pattern = _pattern(operator, value, case_sensitive)
        return lambda stored: stored is not None and pattern.search(str(stored)) is not None
    if numeric:
        return _numeric(operator, value)
    return _textual(operator, value, case_sensitive)


def order_of(operator: str) -> Callable[[Any, Any], bool]:
    """Return the comparison of two values of one kind that a sign stands for."""
    return _ORDER[operator]


_ORDER: dict[str, Callable[[Any, Any], bool]] = {
    "=": lambda one, other: bool(one == other),
    "!=": lambda one, other: bool(one != other),
    "<": lambda one, other: bool(one < other),
    ">": lambda one, other: bool(one > other),
    "<=": lambda one, other: bool(one <= other),
    ">=": lambda one, other: bool(one >= other),
}


def _numeric(operator: str, value: str) -> Test:
    """Compare numbers; a text is more than every number, as SQLite has it."""
    compare = order_of(operator)
    try:
        number = float(value)
    except ValueError:
        outcome = operator in ("<", "<=")
        return lambda stored: stored is not None and outcome
    return lambda stored: stored is not None and compare(stored, number)


def _textual(operator: str, value: str, case_sensitive: bool) -> Test:
    compare = order_of(operator)
    if case_sensitive:
        return lambda stored: stored is not None and compare(str(stored), value)
    folded = value.lower()
    return lambda stored: stored is not None and compare(str(stored).lower(), folded)


@lru_cache(maxsize=512)
def _pattern(operator: str, value: str, case_sensitive: bool) -> re.Pattern[str]:
    """Return the pattern of a LIKE, in which `%` and `_` are wild (rt.md §1.11)."""
    body = "".join({"%": ".*", "_": "."}.get(each, re.escape(each)) for each in value)
    text = {"LIKE": body, "STARTSWITH": rf"\A{body}", "ENDSWITH": rf"{body}\Z"}[operator]
    return re.compile(text, re.DOTALL | (0 if case_sensitive else re.IGNORECASE))
