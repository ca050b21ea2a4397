"""Values of fields as the cells of their columns, and back: what changes are kept, compared and sent by."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, NoReturn

from mirror.model.change import Action, Cells, Change
from mirror.model.layout import Column, Layout
from mirror.model.part import Part
from mirror.model.schema import Kind
from mirror.model.write import Target, Value

_VALUE_ROW = 2  # cells of a link of Kind.VALUES in a base: position, value
_MOST_DIGITS = 1000  # of a number before or behind the point; more would fill the memory as soon as they are written out


def columns_of(layout: Layout, field: str) -> dict[Part, Column]:
    """Return the columns of a field by part; empty for a many-valued field and for one that the type does not have."""
    return {each.part: each for each in layout.columns if each.field == field}


def cells_of(layout: Layout, field: str, value: Value) -> dict[str, Any]:
    """Return the cells that show `value` in all columns of a scalar or reference field.

    Raises:
        ValueError: it is no value of that kind; the message is for people.
    """
    columns = columns_of(layout, field)
    if Part.VALUE in columns:
        column = columns[Part.VALUE]
        return {column.name: canonical(column.kind, value)}
    if value is not None and not isinstance(value, Target):
        raise ValueError(f"{field} refers to a record")
    parts = {} if value is None else {Part.ID: value.id, Part.NAME: value.name, Part.TYPE: value.type_name or None}
    return {column.name: parts.get(part) for part, column in columns.items()}


def fits(layout: Layout, field: str, cells: Cells) -> bool:
    """Return whether these are cells of that field as it is now: not of one that has vanished, or got another kind since."""
    return any(each.name in cells for each in columns_of(layout, field).values())


def is_current(layout: Layout, change: Change) -> bool:
    """Return whether a change of a field is of that field as it is now, see `fits`; True for what is about no field.

    One that SQL made, and that is not split by field yet, is of no field.
    """
    if change.action is Action.UPDATE:
        return not change.field or fits(layout, change.field, change.value or {})
    if change.action not in (Action.LINK, Action.UNLINK):
        return True
    kind = next((each.kind for each in layout.links if each.field == change.field), None)
    if kind is Kind.VALUES:
        return change.value is None and all(len(each) == _VALUE_ROW for each in (change.base or {}).get("rows", ()))
    return kind is Kind.LINKS and change.item.rpartition(":")[2].removeprefix("-").isdecimal()


def check_sendable(layout: Layout, field: str, cells: Cells) -> None:
    """Refuse cells that stand for no value that a tracker could be sent: what SQL wrote, and nobody has checked.

    Raises:
        ValueError: one is no value of its kind, or a reference has a name and leads to no record; the message is for people.
    """
    columns = columns_of(layout, field)
    for each in columns.values():
        try:
            canonical(each.kind, cells.get(each.name))
        except ValueError as error:
            raise ValueError(f"{field}: {error}") from None
    if Part.ID in columns and cells.get(columns[Part.ID].name) is None:
        name = cells.get(columns[Part.NAME].name)
        if name not in (None, ""):
            raise ValueError(f"{field}: {name!r} leads to no record")


def value_of(layout: Layout, field: str, cells: Cells) -> Value:
    """Return the value that these cells show; None for a reference without an id.

    What SQL wrote in the place of an id and is none, which is never sent, comes back as the text that it is.

    Raises:
        ValueError: they are not cells of that field, see `fits`.
    """
    columns = columns_of(layout, field)
    if not fits(layout, field, cells):
        raise ValueError(f"{layout.type.name} has no field {field} of that kind any more")
    if Part.VALUE in columns:
        found: Value = cells[columns[Part.VALUE].name]
        return found
    shown: dict[Part, Any] = {part: cells.get(column.name) for part, column in columns.items()}
    if shown.get(Part.ID) is None:
        return None
    try:
        number: int = canonical(Kind.INTEGER, shown[Part.ID])
    except ValueError:
        return str(shown[Part.ID])
    described = layout.type.field(field)
    only = described.targets[0] if described is not None and len(described.targets) == 1 else ""
    return Target(shown.get(Part.TYPE) or only, number, shown.get(Part.NAME))


def same(layout: Layout, field: str, some: Cells, others: Cells) -> bool:
    """Return whether two sets of cells of a field hold the same value.

    Of a reference the shown name does not matter, unless a name is all there is. Cells that are missing are null, and so
    is an empty text: trackers take the one for the other.
    """
    columns = columns_of(layout, field)
    if not columns:  # of a field that has vanished nothing is known but its cells
        return dict(some) == dict(others)
    if Part.ID in columns and some.get(columns[Part.ID].name) is None and others.get(columns[Part.ID].name) is None:
        columns = {Part.NAME: columns[Part.NAME]}
    elif Part.ID in columns:
        del columns[Part.NAME]
    for column in columns.values():
        here, there = canonical(column.kind, some.get(column.name)), canonical(column.kind, others.get(column.name))
        if here != there and (here or there or column.kind is not Kind.TEXT):
            return False
    return True


def cells_in(row: Mapping[str, Any], layout: Layout, field: str) -> dict[str, Any]:
    """Return the cells of a field out of those of a whole row; canonical, with null for what is missing."""
    columns = columns_of(layout, field).values()
    return {each.name: canonical(each.kind, row.get(each.name)) for each in columns}


def canonical(kind: Kind, value: Any) -> Any:
    """Return a cell in the one form in which equal values are equal: that of rows; JSON text with sorted keys.

    Args:
        value: as a row, either database, or JSON that a trigger wrote, gives it.

    Raises:
        ValueError: it is no value of that kind; the message is for people.
    """
    if value is None:
        return None
    try:
        return _FORMS[kind](value)
    except (ValueError, TypeError, ArithmeticError, RecursionError):
        raise ValueError(f"{value!r} is not {_ARTICLES[kind]}") from None


def _integer(value: Any) -> int:
    number = Decimal(str(value))
    if isinstance(value, bool) or number != number.to_integral_value():
        raise ValueError
    if abs(number) >= 2**63:
        raise ValueError
    return int(number)


def _numeric(value: Any) -> int | float | str:
    number = Decimal(str(value))
    if isinstance(value, bool) or not number.is_finite():
        raise ValueError
    if number == number.to_integral_value() and number.adjusted() < 18:
        return int(number)
    if abs(number.adjusted()) > _MOST_DIGITS:
        raise ValueError
    if Decimal(repr(float(number))) == number:
        return float(number)
    digits = format(number, "f")  # Decimal.normalize would round to its context's 28 digits
    return digits.rstrip("0").rstrip(".") if "." in digits else digits


def _boolean(value: Any) -> bool:
    if value in (0, 1):
        return bool(value)
    raise ValueError


def _timestamp(value: Any) -> str:
    at = datetime.fromisoformat(str(value))
    at = at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    return at.replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"


def _date(value: Any) -> str:
    return date.fromisoformat(str(value)).isoformat()


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value


def _json(value: Any) -> str:
    found = json.loads(value, parse_constant=_no_number) if isinstance(value, str) else value
    return json.dumps(found, sort_keys=True, ensure_ascii=False, allow_nan=False)


def _no_number(word: str) -> NoReturn:
    """Refuse NaN and Infinity, which Python reads and JSON does not know."""
    raise ValueError(word)


_FORMS = {
    Kind.INTEGER: _integer,
    Kind.NUMERIC: _numeric,
    Kind.BOOLEAN: _boolean,
    Kind.TIMESTAMP: _timestamp,
    Kind.DATE: _date,
    Kind.TEXT: _text,
    Kind.JSON: _json,
}
_ARTICLES = {
    Kind.INTEGER: "a whole number",
    Kind.NUMERIC: "a number",
    Kind.BOOLEAN: "true or false",
    Kind.TIMESTAMP: "an instant such as 2026-03-01T09:30:00Z",
    Kind.DATE: "a day such as 2026-03-01",
    Kind.TEXT: "text",
    Kind.JSON: "JSON",
}
