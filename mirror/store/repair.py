"""Makes values storable that a database refuses, without losing any: what a column cannot hold is kept in `_extra`.

Postgres text holds no NUL and neither database a lone surrogate: the column gets U+FFFD in their place. A number, instant
or truth value out of its type's reach leaves its column null. In `_extra`, the true value stands as JSON under the name
of its field; for the part of a reference under `Field.name`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from mirror.model.layout import HEAD, Column
from mirror.model.page import LinkRow, Row
from mirror.model.part import Part
from mirror.model.schema import Kind

_EXTRA = HEAD.index("_extra")
_HEAD_KINDS = (Kind.TEXT, Kind.INTEGER, Kind.TEXT, Kind.TIMESTAMP, Kind.JSON)
_INSTANT = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d(:?\d\d)?)")
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_SURROGATE = re.compile("[\ud800-\udfff]")

Links = Mapping[str, Sequence[LinkRow]]


def storable(
    rows: Iterable[Row], columns: Sequence[Column], links: Links, *, nul_allowed: bool
) -> tuple[list[Row], dict[str, list[LinkRow]]]:
    """Return rows and links whose texts any database takes.

    Args:
        nul_allowed: the database stores NUL characters in texts.
    """
    unstorable = _SURROGATE if nul_allowed else _UNSTORABLE
    originals: dict[int, dict[str, list[Any]]] = {}
    clean_links: dict[str, list[LinkRow]] = {}
    for name, given in links.items():
        clean_links[name] = [tuple(_clean(value, unstorable) for value in row) for row in given]
        for before, after in zip(given, clean_links[name], strict=True):
            if tuple(before) != after:
                originals.setdefault(before[0], {}).setdefault(name, []).append(list(before[1:]))
    return [_storable_row(row, columns, originals.get(row[1], {}), unstorable) for row in rows], clean_links


def repaired(row: Row, columns: Sequence[Column], links: Links, dialect: str) -> tuple[list[Row], Links]:
    """Return the row as a list of one, with null where a value does not fit its column, and its links numbered anew."""
    values, lost = list(row), {}
    kinds = (*_HEAD_KINDS, *(each.kind for each in columns))
    for place, (value, kind) in enumerate(zip(row, kinds, strict=True)):
        if place == _EXTRA or value is None:
            continue
        values[place] = _fitted(value, kind, dialect)
        if values[place] is None:
            lost[_label(place, columns)] = value
    values[_EXTRA] = _with(row[_EXTRA], lost)
    again = {name: [(each[0], place, *each[2:]) for place, each in enumerate(given)] for name, given in links.items()}
    return [tuple(values)], again


def document(row: Row, columns: Sequence[Column]) -> str:
    """Return the whole row as a JSON object, column -> value."""
    names = (*HEAD, *(each.name for each in columns))
    return json.dumps(dict(zip(names, row, strict=False)), default=str)


def _storable_row(row: Row, columns: Sequence[Column], links: Mapping[str, Any], unstorable: re.Pattern[str]) -> Row:
    values, lost = list(row), dict(links)
    for place, value in enumerate(row):
        if not isinstance(value, str) or not unstorable.search(value):
            continue
        if place == _EXTRA or (place >= len(HEAD) and columns[place - len(HEAD)].kind is Kind.JSON):
            values[place] = _UNSTORABLE.sub(lambda found: f"\\u{ord(found.group()):04x}", value)  # the same JSON
        else:
            values[place] = _clean(value, unstorable)
            lost[_label(place, columns)] = value
    values[_EXTRA] = _with(values[_EXTRA], lost)
    return tuple(values)


def _clean(value: Any, unstorable: re.Pattern[str]) -> Any:
    return unstorable.sub("\ufffd", value) if isinstance(value, str) else value


def _label(place: int, columns: Sequence[Column]) -> str:
    if place < len(HEAD):
        return HEAD[place]
    column = columns[place - len(HEAD)]
    return column.field if column.part is Part.VALUE else f"{column.field}.{column.part}"


def _with(extra: Any, lost: Mapping[str, Any]) -> Any:
    """Return the JSON text `extra` with `lost` added; what is not a JSON object is kept under `_extra`."""
    known = _object(extra)
    if known is None:
        known, lost = {}, {"_extra": extra, **lost}
    return json.dumps({**known, **lost}, default=str) if lost else extra


def _object(text: Any) -> dict[str, Any] | None:
    try:
        found = {} if text is None else json.loads(text)
    except (TypeError, ValueError):
        return None
    return found if isinstance(found, dict) else None


def _fitted(value: Any, kind: Kind, dialect: str) -> Any:
    """Return `value`, or an equal one the column can hold, or None when there is none."""
    if kind is Kind.INTEGER:
        return value if isinstance(value, int) and -(2**63) <= value < 2**63 else None
    if kind is Kind.NUMERIC:
        return _number(value, dialect)
    if kind is Kind.BOOLEAN:
        return bool(value) if value in (0, 1) else None
    if not isinstance(value, str):
        return None
    if dialect == "postgresql" and not _is_instant_or_day(value, kind):
        return None
    return value if kind is not Kind.JSON or _is_json(value) else None


def _number(value: Any, dialect: str) -> Any:
    try:
        exact = Decimal(value) if not isinstance(value, float) else Decimal(repr(value))
    except (InvalidOperation, TypeError, ValueError):
        return None
    if dialect == "postgresql":
        return exact if abs(exact.adjusted()) < 1000 or not exact.is_finite() else None
    if exact == exact.to_integral_value() and abs(exact) < 2**63:
        return int(exact)
    return float(exact) if Decimal(repr(float(exact))) == exact else None


def _is_instant_or_day(value: str, kind: Kind) -> bool:
    if kind not in (Kind.TIMESTAMP, Kind.DATE):
        return True
    try:
        if kind is Kind.DATE:
            return len(value) == 10 and date.fromisoformat(value) is not None
        return _INSTANT.fullmatch(value) is not None and datetime.fromisoformat(value) is not None
    except ValueError:
        return False


def _is_json(value: str) -> bool:
    try:
        json.loads(value)
    except ValueError:
        return False
    return True
