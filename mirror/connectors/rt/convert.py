"""RT's JSON to rows.

Decisions, all about values that say nothing: "" of a core field is None, because in a listing it stands for empty,
unknown and unreadable alike (rt.md §3.3). 1970-01-01T00:00:00Z is None, in core fields and in custom DateTime fields:
RT itself takes it for "not set". A custom Date of 1970-01-01 stays, a day may be meant. An empty custom value, `null`
on the wire, is "" in a text column, and different from no value, which is None. A value that does not fit its column
goes to `_extra` under its field name, and so does every value without a column; addresses (`_url`) are never kept.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import partial
from typing import Any

from mirror.connectors.rt.catalog import LINK_REFS, OBJECT_TYPES, Schema
from mirror.connectors.rt.dates import NO_DATE, content_revision, revision, stamp
from mirror.model.layout import Column, Layout, LinkTable
from mirror.model.page import BadRecord, Key, LinkRow, Row
from mirror.model.part import Part
from mirror.model.schema import Kind

Item = Mapping[str, Any]

_KNOWN = frozenset(
    (
        "id",
        "type",
        "_url",
        "_hyperlinks",
        "CustomFields",
        "CustomRoles",
        "EffectiveId",
        "ObjectType",
        "ObjectId",
    )
)
_ONLY_IN_DETAIL = frozenset(("Memberships", "TicketCustomFields", "TicketTransactionCustomFields", "Values"))
"""Shown by a single record but by no listing: kept out, or a row would depend on how it was read."""

_UNREADABLE_STAMPS = (None, "", NO_DATE)


@dataclass(frozen=True, slots=True)
class Converted:
    """What one answer gives."""

    rows: Sequence[Row]
    links: Mapping[str, Sequence[LinkRow]]
    bad: Sequence[BadRecord]


class Converter:
    """Makes rows of one layout from the items of a listing or from single records."""

    def __init__(self, layout: Layout, schema: Schema, people: Callable[[str], int | None]) -> None:
        """Prepare for `layout`.

        Args:
            people: tells the number of a user whom an answer only names; None when it cannot be learnt.
        """
        self._layout = layout
        self._people = people
        self._custom = schema.field_names(layout.type.name)
        self._roles = {wire: role.field_name for role in schema.custom_roles for wire in role.wire_names}
        self._stamp = "Created" if layout.type.field("LastUpdated") is None else "LastUpdated"
        self._links = tuple((table, _link_reader(layout, table)) for table in layout.links)

    def convert(self, items: Iterable[Item], server_time: datetime) -> Converted:
        """Return the rows of `items` in ascending order of id, with their links."""
        rows: list[Row] = []
        bad: list[BadRecord] = []
        links: dict[str, list[LinkRow]] = {table.field: [] for table, _ in self._links}
        for item in items:
            try:
                number = int(item["id"])
            except (KeyError, TypeError, ValueError):
                bad.append(BadRecord(None, "it has no number", json.dumps(item, ensure_ascii=False)))
                continue
            values = self.values(item)
            rows.append(self._row(number, item, values, server_time))
            for table, read in self._links:
                links[table.field].extend((number, at, *rest) for at, rest in enumerate(read(values, self._people)))
        rows.sort(key=lambda row: int(row[1]))
        return Converted(rows, links, bad)

    def values(self, item: Item) -> dict[str, Any]:
        """Return what RT sent by field name: custom fields as lists of values, link fields as lists of entries."""
        values = {name: value for name, value in item.items() if name not in _KNOWN | _ONLY_IN_DETAIL}
        for each in item.get("CustomFields") or ():
            name = self._custom.get(int(each["id"]), f"CF.{{{each.get('name')}}}")
            values[name] = [_without_address(value) for value in each.get("values") or ()]
        for wire, members in (item.get("CustomRoles") or {}).items():
            values[self._roles.get(wire, f"CustomRole.{{{wire}}}")] = members
        for field, ref in LINK_REFS.items():
            values[field] = [link for link in item.get("_hyperlinks") or () if link.get("ref") == ref]
        if "ObjectType" in item:
            kind = str(item["ObjectType"])
            values["Object"] = {"type": OBJECT_TYPES.get(kind, kind), "id": int(item.get("ObjectId") or 0)}
        return values

    def _row(self, number: int, item: Item, values: dict[str, Any], server_time: datetime) -> Row:
        cells: list[object] = []
        extra: dict[str, Any] = {}
        for column in self._layout.columns:
            value = values.get(column.field)
            try:
                cells.append(_cell(column, value, self._people))
            except (ValueError, TypeError, KeyError):
                cells.append(None)
                extra[column.field] = _without_address(value)
        placed = {each.name for each in self._layout.type.fields}
        extra.update((name, _plain(value)) for name, value in values.items() if name not in placed and value)
        text = json.dumps(extra, ensure_ascii=False, sort_keys=True) if extra else None
        changed_at = _stamp_or_none(item.get(self._stamp))
        return (self._layout.source, number, self._revision(item, server_time), changed_at, text, *cells)

    def _revision(self, item: Item, server_time: datetime) -> str:
        return revision_of(item, self._stamp, server_time, listed=False)


def key(item: Item, stamp_field: str, server_time: datetime) -> Key:
    """Return the key of a listed record."""
    text = revision_of(item, stamp_field, server_time, listed=True)
    return Key(int(item["id"]), text, _stamp_or_none(item.get(stamp_field)))


def revision_of(item: Item, stamp_field: str, server_time: datetime, *, listed: bool) -> str:
    """Return the revision of a record: its stamp, or a digest of the record when the account may not see that.

    A row that may change again under its stamp has both, so that what did change is told from what did not.
    """
    text = item.get(stamp_field)
    if stamp_field == "Created":  # transactions and attachments: written once
        return str(item["id"])
    if text in _UNREADABLE_STAMPS:
        return _digest(item)
    found = revision(str(text), server_time, listed=listed)
    return found if listed or found == text else found + _digest(item)


def _digest(item: Item) -> str:
    plain = json.dumps(_without_address(dict(item)), sort_keys=True, ensure_ascii=False)
    return content_revision(plain.encode())


def _cell(column: Column, value: Any, people: Callable[[str], int | None]) -> object:
    if isinstance(value, list) and (column.part is not Part.VALUE or column.field.startswith("CF.")):
        if not value:
            return None
        if column.part is Part.VALUE:
            return _custom_scalar(column.kind, value[0])
        value = value[0]
    if value is None or value == "":
        return None
    match column.part:
        case Part.ID:
            return _reference_id(value, people)
        case Part.NAME:
            return _reference_name(value)
        case Part.TYPE:
            return str(value["type"])
        case Part.VALUE:
            return _SCALARS[column.kind](value)


def _custom_scalar(kind: Kind, value: Any) -> object:
    if value is None:
        return "" if kind is Kind.TEXT else None
    return _SCALARS[kind](value)


def _reference_id(value: Any, people: Callable[[str], int | None]) -> int | None:
    """Return the number in a reference; unless it was expanded, a user's says the name instead (rt.md §3.3)."""
    if not isinstance(value, dict):
        return int(value) or None
    number = value.get("id")
    if value.get("type") == "user" and not isinstance(number, int):
        return people(str(number))
    return int(number) or None if number not in (None, "") else None


def _reference_name(value: Any) -> str | None:
    if not isinstance(value, dict):
        return None
    name = value.get("Name")
    if name is None and value.get("type") == "user" and not isinstance(value.get("id"), int):
        name = value.get("id")
    return None if name in (None, "") else str(name)


def _text(value: Any) -> str:
    """Return a text; a structure, as in the transactions of dashboards, as JSON."""
    return _json(value) if isinstance(value, dict | list) else str(value)


def _boolean(value: Any) -> bool:
    return bool(int(value))


def _date(value: Any) -> str:
    date.fromisoformat(value)
    return str(value)


def _json(value: Any) -> str:
    return json.dumps(_without_address(value), ensure_ascii=False, sort_keys=True)


_SCALARS: Mapping[Kind, Callable[[Any], object]] = {
    Kind.INTEGER: int,
    Kind.NUMERIC: _text,
    Kind.BOOLEAN: _boolean,
    Kind.TIMESTAMP: stamp,
    Kind.DATE: _date,
    Kind.TEXT: _text,
    Kind.JSON: _json,
}

LinkReader = Callable[[Mapping[str, Any], Callable[[str], int | None]], Iterable[tuple[object, ...]]]


def _link_reader(layout: Layout, table: LinkTable) -> LinkReader:
    if table.kind is Kind.LINKS:
        return partial(_targets, table.field)
    field = layout.type.field(table.field)
    return partial(_values, table.field, field is not None and field.native_type == "DateTime")


def _values(field: str, stamps: bool, values: Mapping[str, Any], _people: object) -> Iterable[tuple[object, ...]]:
    """Return the values of a custom field in the order in which they were added (rt.md §6.3)."""
    for value in values.get(field) or ():
        yield (_value_text(value, stamps=stamps),)


def _value_text(value: Any, *, stamps: bool) -> str:
    if value is None:
        return ""
    if isinstance(value, dict):
        return _json(value)
    text = str(value)
    return _stamp_or_none(text) or text if stamps else text


def _targets(field: str, values: Mapping[str, Any], people: Callable[[str], int | None]) -> Iterable[tuple[object, ...]]:
    """Return the targets of a field ordered by number, external addresses last: RT's own order is random."""
    found = values.get(field) or ()
    entries = found if isinstance(found, list | tuple) else [found]
    return sorted((_target(each, people) for each in entries), key=_target_order)


def _target(entry: Item, people: Callable[[str], int | None]) -> tuple[int | None, str | None, str | None]:
    if entry.get("type") == "external":
        return None, str(entry.get("_url")), None
    return _reference_id(dict(entry), people), _reference_name(dict(entry)), str(entry.get("type"))


def _target_order(target: tuple[int | None, str | None, str | None]) -> tuple[bool, int, str, str]:
    number, name, kind = target
    return number is None, number or 0, kind or "", name or ""


def _stamp_or_none(text: Any) -> str | None:
    try:
        return None if text in _UNREADABLE_STAMPS else stamp(str(text))
    except ValueError:
        return None


def _without_address(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_address(each) for name, each in value.items() if name != "_url"}
    if isinstance(value, list):
        return [_without_address(each) for each in value]
    return value


def _plain(value: Any) -> Any:
    """Return an unplaced value ready for `_extra`: a list of one is the one."""
    value = _without_address(value)
    return value[0] if isinstance(value, list) and len(value) == 1 else value
