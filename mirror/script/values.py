"""Cells of rows as values of Python's own types: the only place where scripts' values are made."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from mirror.model.cells import canonical
from mirror.model.schema import Kind


def to_python(kind: Kind, cell: Any) -> Any:
    """Return a cell as scripts see it; None stays None.

    A TIMESTAMP is an aware datetime in UTC, a DATE a date, JSON what it stands for, a NUMERIC an int, a float, or a Decimal
    where neither holds it exactly. What has no such form, as a year beyond 9999, or what SQL wrote there that is none, comes
    back as it is.
    """
    reader = _READERS.get(kind)
    if cell is None or reader is None:
        return cell
    try:
        return reader(cell)
    except (ValueError, TypeError):
        return cell


def _instant(cell: Any) -> datetime:
    return datetime.fromisoformat(cell)


def _number(cell: Any) -> int | float | Decimal:
    if isinstance(cell, int | float):
        return cell
    found = canonical(Kind.NUMERIC, cell)
    return Decimal(found) if isinstance(found, str) else found


_READERS: Mapping[Kind, Callable[[Any], Any]] = {
    Kind.TIMESTAMP: _instant,
    Kind.DATE: date.fromisoformat,
    Kind.NUMERIC: _number,
    Kind.BOOLEAN: bool,
    Kind.JSON: json.loads,
}
