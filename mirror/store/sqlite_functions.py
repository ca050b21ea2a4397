"""The functions that SQLite lacks for searching, in Python; every connection to a SQLite database has them."""

from __future__ import annotations

import sqlite3
from decimal import Decimal

from mirror.query.values import average, fold, number, text_of, total

_Cell = str | int | float | None


def register(connection: sqlite3.Connection) -> None:
    """Give a connection our functions."""
    connection.create_function("mirror_fold", 1, _folded, deterministic=True)
    connection.create_function("mirror_text", 1, _as_text, deterministic=True)
    connection.create_aggregate("mirror_total", 1, _Total)  # type: ignore[arg-type]  # typeshed knows aggregates of integers only
    connection.create_aggregate("mirror_average", 1, _Average)  # type: ignore[arg-type]


def _folded(value: _Cell) -> str | None:
    return None if value is None else fold(str(value))


def _as_text(value: _Cell) -> str | None:
    return None if value is None else text_of(value)


def plain(value: Decimal | None) -> int | float | None:
    """Return a decimal as SQLite keeps numbers: an integer when it is one and fits."""
    if value is None:
        return None
    is_whole = value == value.to_integral_value() and abs(value) < 2**63
    return int(value) if is_whole else float(value)


class _Numbers:
    """The numbers of one group."""

    def __init__(self) -> None:
        self._values: list[Decimal] = []

    def step(self, value: _Cell, /) -> None:
        """Take one more; null and text add nothing."""
        if isinstance(value, int | float):
            self._values.append(number(value))


class _Total(_Numbers):
    """The exact sum: in floating point 0.1 + 0.2 is not 0.3."""

    def finalize(self) -> int | float | None:
        return plain(total(self._values))


class _Average(_Numbers):
    """The average, rounded as on Postgres."""

    def finalize(self) -> int | float | None:
        return plain(average(self._values))
