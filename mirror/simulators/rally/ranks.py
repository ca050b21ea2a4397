"""Ranks: 64 printable characters, compared as text. rally.md §5 R, §8.4.

A rank is a number in base 94; between any two of them there is nearly always room for another.
"""

from __future__ import annotations

from collections.abc import Iterable

LENGTH = 64
_BASE = 94
_FIRST = ord("!")
_TOP = _BASE**LENGTH

_STEP_DIGITS = 8
_STEP = _BASE ** (LENGTH - _STEP_DIGITS - 1)
_NEAR_END = "}"


def ordinal_rank(index: int) -> str:
    """Return the rank of the `index`-th object of an evenly spaced list, in rising order."""
    digits = []
    for _ in range(_STEP_DIGITS):
        index, digit = divmod(index, _BASE)
        digits.append(chr(_FIRST + digit))
    return "P" + "".join(reversed(digits)) + "!" * (LENGTH - _STEP_DIGITS - 1)


def between(lower: str | None, upper: str | None) -> str:
    """Return a rank halfway between two; None stands for the very top or bottom of the list.

    Raises:
        ValueError: there is no room left between the two.
    """
    low = _number(lower) if lower else 0
    high = _number(upper) if upper else _TOP
    middle = (low + high) // 2
    if middle <= low:
        raise ValueError("no rank is left between the two")
    return _text(middle)


def after(last: str) -> str:
    """Return a rank a step below the last one of the list, leaving room for many more."""
    if last < _NEAR_END:
        return _text(_number(last) + _STEP)
    return between(last, None)


def neighbour_below(ranks: Iterable[str], rank: str) -> str | None:
    """Return the nearest rank smaller than `rank`, or None."""
    return max((other for other in ranks if other < rank), default=None)


def neighbour_above(ranks: Iterable[str], rank: str) -> str | None:
    """Return the nearest rank greater than `rank`, or None."""
    return min((other for other in ranks if other > rank), default=None)


def _number(rank: str) -> int:
    number = 0
    for character in rank:
        number = number * _BASE + ord(character) - _FIRST
    return number


def _text(number: int) -> str:
    digits = []
    for _ in range(LENGTH):
        number, digit = divmod(number, _BASE)
        digits.append(chr(_FIRST + digit))
    return "".join(reversed(digits))
