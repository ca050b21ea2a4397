"""Rows of answers to table rows: typed decoders made from the layout, and a tolerant path for whatever they refuse.

The typed ones are where the speed comes from. Any surprise in a row (another type, another date form, an oid without a
number) sends that row alone through the tolerant path, which keeps what does not fit its column in `_extra`. Rows of XML
always take that path. All forms give the same rows.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Any

import msgspec

from mirror.connectors.versionone import convert
from mirror.connectors.versionone.meta import MOMENT
from mirror.connectors.versionone.question import Document, Flat, Pick, flat, id_in, type_in
from mirror.connectors.versionone.selection import PARENT_MOMENT, Selection
from mirror.connectors.versionone.shapes import Shape, flat_shape, typed_shape
from mirror.model.layout import Column, Layout, LinkTable
from mirror.model.page import BadRecord, LinkRow, Row
from mirror.model.part import Part
from mirror.model.schema import Kind

_SURPRISES = (msgspec.DecodeError, ValueError, KeyError, TypeError, AttributeError)
_BY_ID = itemgetter(0)
_NULL = "NULL"  # versionone.md §8.1 D


@dataclass(slots=True)
class Decoded:
    """Rows of one answer, in the order given."""

    rows: list[Row] = field(default_factory=list)
    links: dict[str, list[LinkRow]] = field(default_factory=dict)
    bad: list[BadRecord] = field(default_factory=list)


class RowDecoder:
    """Decodes the rows of one layout and selection."""

    def __init__(self, layout: Layout, selection: Selection) -> None:
        self.layout = layout
        self.selection = selection
        self._kinds = {each.name: each.kind for each in layout.type.fields}
        self._picks = {each.name: each for each in selection.picks}
        self._typed: dict[object, _Typed] = {}

    def decode(self, documents: Sequence[Document]) -> Decoded:
        """Return the rows of `documents`; one that cannot be read at all is in `bad`."""
        decoded = Decoded(links={each.field: [] for each in self.layout.links})
        typed = self._typed_for(documents[0]) if documents else None
        for document in documents:
            if typed is not None and isinstance(document, tuple):
                try:
                    typed.read(document, decoded)
                except _SURPRISES:
                    pass
                else:
                    continue
            self._tolerantly(document, decoded)
        return decoded

    def _typed_for(self, document: Document) -> _Typed | None:
        """Return the typed decoder for answers that look like this one."""
        if not isinstance(document, tuple):
            return None
        try:
            first = msgspec.json.decode(document[0], type=dict[str, msgspec.Raw])
            if "_oid" in first:
                key: object = _NULL
            else:
                parts = [msgspec.json.decode(each)["Attributes"] for each in document]
                key = tuple(tuple(each) for each in parts)
        except _SURPRISES:
            return None
        if key not in self._typed:
            picks, kinds = self.selection.picks, self._kinds
            shape = flat_shape(picks, kinds) if key == _NULL else typed_shape(key, picks, kinds)  # type: ignore[arg-type]
            self._typed[key] = _Typed(self.layout, self._picks, shape)
        return self._typed[key]

    def _tolerantly(self, document: Document, decoded: Decoded) -> None:
        try:
            row = flat(document)
            record_id = id_in(row["_oid"])
        except _SURPRISES as error:
            decoded.bad.append(BadRecord(_id_or_none(document), f"no row can be read: {error}", _text_of(document)))
            return
        extra: dict[str, object] = {}
        cells = tuple(self._cell(each, row, extra) for each in self.layout.columns)
        found = {each.field: self._link_rows(each, row, record_id, extra) for each in self.layout.links}
        stamp_field = self.layout.type.stamp_field
        try:
            changed_at = convert.stamp(row.get(stamp_field)) if stamp_field else None
        except _SURPRISES:
            changed_at = None
        kept = json.dumps(extra, ensure_ascii=True) if extra else None
        decoded.rows.append((self.layout.source, record_id, revision(row), changed_at, kept, *cells))
        for name, rows in found.items():
            decoded.links[name].extend(rows)

    def _cell(self, column: Column, row: Flat, extra: dict[str, object]) -> object:
        """Return the value for one column; when it does not fit, None, and the whole value goes to `extra`."""
        value = row.get(column.field)
        if value is None or value == []:
            return None
        try:
            if column.part is Part.VALUE:
                return self._scalar(column, value, extra)
            oid = _one(value)["_oid"]
            if oid == _NULL:
                return None
            if column.part is Part.NAME:
                pick = self._picks.get(column.field)
                return convert.text(_one(row.get(pick.name_token))) if pick and pick.shown else None
            return id_in(oid) if column.part is Part.ID else type_in(oid)
        except _SURPRISES:
            extra[column.field] = value
            return None

    def _scalar(self, column: Column, value: Any, extra: dict[str, object]) -> object:
        value = _one(value)
        found = convert.COERCIONS[column.kind](value)
        if column.kind is Kind.DATE and (whole := convert.time_beside_day(value)) is not None:
            extra[column.field] = whole
        return found

    def _link_rows(self, link: LinkTable, row: Flat, owner: int, extra: dict[str, object]) -> list[LinkRow]:
        value = row.get(link.field)
        values = value if isinstance(value, list) else [] if value in (None, "") else [value]
        try:
            if link.kind is Kind.VALUES:
                return _value_rows(owner, values)
            names = self._names(link.field, row, values)
            pairs = [(each["_oid"], convert.text(name)) for each, name in zip(values, names, strict=True)]
            return _target_rows(owner, pairs)
        except _SURPRISES:
            extra[link.field] = value
            return []

    def _names(self, name: str, row: Flat, targets: Sequence[Mapping[str, Any]]) -> Sequence[Any]:
        """Return the names of targets: beside each oid, or in a list of their own, which keeps step (§3.1 L)."""
        pick = self._picks.get(name)
        if pick is None or not pick.shown:
            return [None] * len(targets)
        if pick.name_token not in row:
            return [each.get(pick.shown) for each in targets]
        beside = row[pick.name_token]
        listed = beside if isinstance(beside, list) else [beside]
        return listed if len(listed) == len(targets) else [None] * len(targets)


class _Typed:
    """Decodes rows of exactly the shape that is expected."""

    def __init__(self, layout: Layout, picks: Mapping[str, Pick], shape: Shape) -> None:
        self._decoders = [each.decode for each in shape.decoders]
        self._row = _row_builder(layout, picks, shape)
        self._links = [_link_reader(each, picks, shape) for each in layout.links]

    def read(self, document: tuple[msgspec.Raw, ...], decoded: Decoded) -> None:
        """Add the row and its links; nothing when it raises."""
        records = [decode(each) for decode, each in zip(self._decoders, document, strict=True)]
        row = self._row(*records)
        found = [(name, rows(row[1], *records)) for name, rows in self._links]
        decoded.rows.append(row)
        for name, rows in found:
            if rows:
                decoded.links[name].extend(rows)


def _row_builder(layout: Layout, picks: Mapping[str, Pick], shape: Shape) -> Callable[..., Row]:
    """Return a function that makes a row from decoded structs, as one tuple expression.

    A loop over the columns would take longer than decoding. The expression holds only numbered names of our own making;
    nothing of the tracker's text is in it, the names of day fields apart, which are written as literals.
    """
    parent = shape.place(PARENT_MOMENT)
    moment = f"str({shape.place(MOMENT)})"
    stamp_field = layout.type.stamp_field
    days = [(each.field, shape.place(each.field)) for each in layout.columns if each.kind is Kind.DATE]
    head = [
        "source",
        f"id_in({shape.place('')})",
        moment if parent == "None" else f"{moment} + ' ' + ({parent} or '')",
        f"stamp({shape.place(stamp_field)})" if stamp_field else "None",
        f"times(({''.join(f'({name!r}, {place}), ' for name, place in days)}))" if days else "None",
    ]
    cells = [_cell_expression(each, picks, shape) for each in layout.columns]
    names = ", ".join(f"p{number}" for number in range(len(shape.decoders)))
    scope = {
        "source": layout.source,
        "id_in": id_in,
        "ref_id": _ref_id,
        "ref_type": _ref_type,
        "stamp": convert.stamp,
        "day": convert.day,
        "number": convert.number,
        "times": _times,
    }
    builder: Callable[..., Row] = eval(f"lambda {names}: ({', '.join(head + cells)},)", scope)  # noqa: S307
    return builder


def _cell_expression(column: Column, picks: Mapping[str, Pick], shape: Shape) -> str:
    place = shape.place(column.field)
    match column.part:
        case Part.ID:
            return f"ref_id({place})"
        case Part.TYPE:
            return f"ref_type({place})"
        case Part.NAME:
            pick = picks.get(column.field)
            return f"{shape.place(pick.name_token)} or None" if pick and pick.shown else "None"
        case Part.VALUE:
            return _VALUES.get(column.kind, "{} or None").format(place)


_VALUES = {
    Kind.INTEGER: "{}",
    Kind.BOOLEAN: "{}",
    Kind.NUMERIC: "number({})",
    Kind.TIMESTAMP: "stamp({})",
    Kind.DATE: "day({})",
}


def _link_reader(link: LinkTable, picks: Mapping[str, Pick], shape: Shape) -> tuple[str, Callable[..., list[LinkRow]]]:
    """Return the field and a function from owner id and structs to its link rows."""
    pick = picks.get(link.field, Pick(link.field))
    place, names = shape.place(link.field), shape.place(pick.name_token)
    arguments = ", ".join(["owner", *(f"p{number}" for number in range(len(shape.decoders)))])
    if link.kind is Kind.VALUES:
        body = f"{place} and values(owner, {place})"
    elif names == "None":
        body = f"{place} and targets(owner, [(each.oid, {_own_name(pick, shape)}) for each in {place}])"
    else:
        body = f"{place} and targets(owner, paired({place}, {names}))"
    scope = {"values": _value_rows, "targets": _target_rows, "paired": _paired}
    return link.field, eval(f"lambda {arguments}: {body}", scope)  # noqa: S307  see _row_builder


def _own_name(pick: Pick, shape: Shape) -> str:
    return "each.name" if pick.shown and shape.place("") == "p0.oid" else "None"


def _paired(targets: Sequence[Any], names: Sequence[str | None] | None) -> list[tuple[str, str | None]]:
    known = names if names is not None and len(names) == len(targets) else [None] * len(targets)
    return [(each.oid, name) for each, name in zip(targets, known, strict=True)]


def _target_rows(owner: int, targets: Sequence[tuple[str, str | None]]) -> list[LinkRow]:
    """Return link rows by ascending id; the server's order may change without a version of the record."""
    found = sorted(((id_in(oid), name or None, type_in(oid)) for oid, name in targets if oid != _NULL), key=_BY_ID)
    return [(owner, position, *each) for position, each in enumerate(found)]


def _value_rows(owner: int, values: Sequence[Any]) -> list[LinkRow]:
    found = [value for each in values if (value := convert.text(each)) is not None]
    return [(owner, position, each) for position, each in enumerate(found)]


def _ref_id(ref: Any) -> int | None:
    return None if ref is None or ref.oid == _NULL else id_in(ref.oid)


def _ref_type(ref: Any) -> str | None:
    return None if ref is None or ref.oid == _NULL else type_in(ref.oid)


def _times(days: Sequence[tuple[str, str | None]]) -> str | None:
    """Return the day fields that come with a time of day, as JSON text; None when there are none."""
    kept = {name: whole for name, value in days if (whole := convert.time_beside_day(value)) is not None}
    return json.dumps(kept, ensure_ascii=True) if kept else None


def revision(row: Flat) -> str:
    """Return the revision of a row: its moment, with its parent's where values follow from that."""
    moment = str(_one(row.get(MOMENT)))
    return f"{moment} {_one(row.get(PARENT_MOMENT)) or ''}" if PARENT_MOMENT in row else moment


def _one(value: Any) -> Any:
    """Return the value in a list of one; XML does not tell whether there may be many."""
    if isinstance(value, list) and len(value) <= 1:
        return value[0] if value else None
    return value


def _id_or_none(document: Document) -> int | None:
    try:
        return id_in(str(flat(document)["_oid"]))
    except _SURPRISES:
        return None


def _text_of(document: Document) -> str:
    if isinstance(document, tuple):
        return b"\n".join(bytes(each) for each in document).decode("utf-8", "replace")
    return json.dumps(document, default=str)
