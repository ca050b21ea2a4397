"""WSAPI rows to table rows: a typed decoder made from the layout, and a tolerant one for whatever it refuses.

The typed one is where the speed comes from; it accepts exactly the shapes of rally.md §5. Any surprise in a row (another
type, another date form, a reference without a number) sends that row alone through the tolerant one, which keeps what
does not fit its column in `_extra`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Annotated, Any

import msgspec

from mirror.connectors.rally.catalog import UNMIRRORED
from mirror.model.layout import Column, Layout
from mirror.model.page import BadRecord, LinkRow, Row
from mirror.model.part import Part
from mirror.model.schema import Kind

_Instant = Annotated[str, msgspec.Meta(min_length=24, max_length=24)]
"""`2016-04-19T20:45:29.470Z`: always three digits of milliseconds and a Z (rally.md §5 R)."""

ENVELOPE_FIELDS = frozenset(
    """_rallyAPIMajor _rallyAPIMinor _ref _refObjectUUID _objectVersion _refObjectName _type _CreatedAt _p
    Errors Warnings""".split()
)
"""What stands on a row beside its fields (rally.md §5 R); `_CreatedAt` is human text that must never be stored."""


class Ref(msgspec.Struct):
    """A reference (rally.md §5 R); a history's reference has no `_refObjectName`."""

    ref: str = msgspec.field(name="_ref")
    name: str | None = msgspec.field(name="_refObjectName", default=None)
    type: str | None = msgspec.field(name="_type", default=None)


class Named(msgspec.Struct):
    """A member in `_tagsNameArray`."""

    ref: str = msgspec.field(name="_ref")
    name: str | None = msgspec.field(name="Name", default=None)


class Summary(msgspec.Struct):
    """A collection summary (rally.md §5 R); `names` only on tag-like collections."""

    ref: str = msgspec.field(name="_ref")
    count: int = msgspec.field(name="Count")
    type: str | None = msgspec.field(name="_type", default=None)
    names: list[Named] | None = msgspec.field(name="_tagsNameArray", default=None)


_WIRE_TYPES: Mapping[Kind, Any] = {
    Kind.INTEGER: int | None,
    Kind.NUMERIC: int | float | None,
    Kind.BOOLEAN: bool | None,
    Kind.TIMESTAMP: _Instant | None,
    Kind.TEXT: str | None,
    Kind.JSON: msgspec.Raw,
    Kind.REFERENCE: Ref | None,
    Kind.LINKS: Summary | None,
}


@dataclass(slots=True)
class Decoded:
    """Rows of one answer, in the order given.

    Attributes:
        unread: (link field, owner id, address of the collection) whose members the answer only counted.
    """

    rows: list[Row] = field(default_factory=list)
    links: dict[str, list[LinkRow]] = field(default_factory=dict)
    unread: list[tuple[str, int, str]] = field(default_factory=list)
    bad: list[BadRecord] = field(default_factory=list)


def id_of(ref: str) -> int:
    """Return the ObjectID at the end of a reference, absolute or short.

    Raises:
        ValueError: the reference ends in something else (a UUID, a composite permission id).
    """
    return int(ref[ref.rfind("/") + 1 :])


class RowDecoder:
    """Decodes the rows of one layout."""

    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        self._kinds = {each.name: each.kind for each in layout.type.fields}
        names = dict.fromkeys([*self._kinds, "ObjectID", "VersionId"])
        self._slots = {name: f"f{number}" for number, name in enumerate(names)}
        self._struct = msgspec.json.Decoder(self._struct_type())
        self._row: Callable[[Any], Row] = _row_builder(layout, self._slots)
        self._known = ENVELOPE_FIELDS | UNMIRRORED | set(self._slots)

    def _struct_type(self) -> type[msgspec.Struct]:
        fields: list[tuple[str, Any, Any]] = []
        for name, slot in self._slots.items():
            if name == "ObjectID":
                fields.append((slot, int, msgspec.field(name=name)))
            elif name == "VersionId":
                fields.append((slot, str, msgspec.field(name=name)))
            else:
                kind = self._kinds[name]
                empty = msgspec.Raw() if kind is Kind.JSON else None
                fields.append((slot, _WIRE_TYPES[kind], msgspec.field(name=name, default=empty)))
        return msgspec.defstruct("Row", fields, gc=False, kw_only=True)

    def decode(self, documents: list[msgspec.Raw]) -> Decoded:
        """Return the rows of `documents`; one that cannot be read at all is in `bad`."""
        decoded = Decoded(links={each.field: [] for each in self.layout.links})
        decode, row, rows = self._struct.decode, self._row, decoded.rows
        links = [(each.field, self._slots[each.field]) for each in self.layout.links]
        plain = bool(documents) and self._is_plain(documents[0])
        for document in documents:
            try:
                if not plain:
                    raise msgspec.ValidationError("unknown fields")
                record = decode(document)
                rows.append(row(record))
            except (msgspec.ValidationError, ValueError):
                self._tolerantly(document, decoded)
                continue
            for name, slot in links:
                summary = getattr(record, slot)
                if summary is not None and summary.count:
                    _add_links(decoded, name, rows[-1][1], summary)
        return decoded

    def _is_plain(self, document: msgspec.Raw) -> bool:
        """Return whether the row has only fields we know; rows of one answer all have the same fields."""
        try:
            return self._known.issuperset(msgspec.json.decode(document, type=dict[str, msgspec.Raw]))
        except msgspec.ValidationError:
            return False

    def _tolerantly(self, document: msgspec.Raw, decoded: Decoded) -> None:
        text = bytes(document).decode("utf-8", "replace")
        try:
            values = json.loads(text)
            object_id = int(values["ObjectID"])
        except (ValueError, KeyError, TypeError) as error:
            decoded.bad.append(BadRecord(None, f"no ObjectID can be read: {error}", text))
            return
        extra: dict[str, object] = {name: value for name, value in values.items() if name not in self._known}
        cells = tuple(_tolerant_cell(each, values, extra) for each in self.layout.columns)
        stamp = self.layout.type.stamp_field
        changed_at = _instant(values.get(stamp)) if stamp else None
        kept = json.dumps(extra, ensure_ascii=True) if extra else None
        head = (self.layout.source, object_id, _revision_text(self.layout, values), changed_at, kept)
        decoded.rows.append(head + cells)
        for link in self.layout.links:
            summary = _summary(values.get(link.field))
            if summary is not None and summary.count:
                _add_links(decoded, link.field, object_id, summary)


def _revision_text(layout: Layout, values: Mapping[str, Any]) -> str:
    version = str(values.get("VersionId"))
    if layout.type.field("LastRollupDate") is None:
        return version
    return f"{version} {values.get('LastRollupDate') or ''}"


def _row_builder(layout: Layout, slots: Mapping[str, str]) -> Callable[[Any], Row]:
    """Return a function that makes a row from a decoded struct, as one tuple expression.

    A loop over the columns would take longer than decoding. The expression holds only numbered slot names of our own
    making; nothing of the tracker's text is in it.
    """
    revision = f"r.{slots['VersionId']}"
    if "LastRollupDate" in slots:
        # Roll-ups are recomputed later, possibly without a new VersionId (rally.md §11 I).
        revision = f"{revision} + ' ' + (r.{slots['LastRollupDate']} or '')"
    stamp = layout.type.stamp_field
    head = ["source", f"r.{slots['ObjectID']}", revision, f"r.{slots[stamp]}" if stamp else "None", "None"]
    cells = [_cell_expression(each, f"r.{slots[each.field]}") for each in layout.columns]
    scope = {"source": layout.source, "id_of": id_of, "json_text": _json_text}
    builder: Callable[[Any], Row] = eval(f"lambda r: ({', '.join(head + cells)},)", scope)  # noqa: S307
    return builder


def _cell_expression(column: Column, value: str) -> str:
    match column.part:
        case Part.ID:
            return f"{value} and id_of({value}.ref)"
        case Part.NAME:
            return f"{value} and {value}.name"
        case Part.TYPE:
            return f"{value} and {value}.type"
        case Part.VALUE:
            return f"json_text({value})" if column.kind is Kind.JSON else value


def _json_text(raw: msgspec.Raw) -> str | None:
    text = bytes(raw).decode()
    return None if text in ("", "null", "{}") else text


def _add_links(decoded: Decoded, name: str, owner: int, summary: Summary) -> None:
    if summary.names is None or len(summary.names) < summary.count:
        decoded.unread.append((name, owner, summary.ref))
        return
    decoded.links[name].extend(
        (owner, position, _id_or_none(each.ref), each.name, summary.type) for position, each in enumerate(summary.names)
    )


def _id_or_none(ref: str) -> int | None:
    """Return the ObjectID of a member; some have none: built-in allowed values say `"null"` (rally.md §7 S)."""
    try:
        return id_of(ref)
    except ValueError:
        return None


def _summary(value: object) -> Summary | None:
    try:
        return msgspec.convert(value, Summary | None)
    except msgspec.ValidationError:
        return None


def _tolerant_cell(column: Column, values: Mapping[str, Any], extra: dict[str, object]) -> object:
    """Return the value for one column; when it does not fit, None, and the whole value goes to `extra`."""
    value = values.get(column.field)
    if value is None:
        return None
    try:
        return _coerced(column, value)
    except (ValueError, TypeError, KeyError, AttributeError):
        extra[column.field] = value
        return None


def _coerced(column: Column, value: Any) -> object:
    match column.part:
        case Part.ID:
            return id_of(value["_ref"])
        case Part.NAME:
            return _text(value.get("_refObjectName"))
        case Part.TYPE:
            return _text(value.get("_type"))
        case Part.VALUE:
            return _COERCIONS[column.kind](value)


def _integer(value: Any) -> int:
    if isinstance(value, float) and not value.is_integer():
        raise ValueError(value)
    return int(value)


def _number(value: Any) -> int | float | str:
    if isinstance(value, bool):
        raise TypeError(value)
    if isinstance(value, int | float):
        return value
    float(value)
    return str(value)


def _boolean(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    return {"true": True, "false": False, "1": True, "0": False}[str(value).lower()]


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool | int | float):
        return json.dumps(value)
    raise TypeError(value)


def _instant(value: Any) -> str | None:
    """Return an ISO 8601 date or date-time as `YYYY-MM-DDTHH:MM:SS.mmmZ`; a date alone means midnight UTC."""
    if value is None:
        return None
    from_text = datetime.fromisoformat(value)
    moment = from_text.astimezone(UTC) if from_text.tzinfo else from_text.replace(tzinfo=UTC)
    return moment.replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"


def _json_value(value: Any) -> str | None:
    return json.dumps(value) if value else None


_COERCIONS: Mapping[Kind, Callable[[Any], object]] = {
    Kind.INTEGER: _integer,
    Kind.NUMERIC: _number,
    Kind.BOOLEAN: _boolean,
    Kind.TIMESTAMP: _instant,
    Kind.TEXT: _text,
    Kind.JSON: _json_value,
}
