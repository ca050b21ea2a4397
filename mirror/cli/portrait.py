"""What people want to see of one record: its fields by kind, what it refers to, what belongs to it, and what waits for it.

All of it is read from the mirror.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from mirror import File, Record, Remark, SourceView
from mirror.api import Mirror, ShownChange
from mirror.errors import UnknownTypeError
from mirror.model.schema import Field, Kind

MOST = 50  # of the records that belong to one; who wants more asks with find

Value = object
"""A plain value as scripts see it."""


class Known(Protocol):
    """What a reference leads to: a record, or one that is not mirrored, of which only a name is known."""

    @property
    def id(self) -> int: ...
    @property
    def type_name(self) -> str: ...
    def __getitem__(self, name: str, /) -> object: ...


@dataclass(frozen=True, slots=True)
class Portrait:
    """One record with all that belongs to it.

    Attributes:
        url: of its page for people; "" when it has none.
        values: plain fields with a value, by name, in the tracker's order; as are `references` and `lists`.
        children: with the field by which each refers to the record; at most MOST for a field.
        changes: what waits to be pushed about it.
    """

    record: Record
    url: str
    values: Mapping[str, Value]
    references: Mapping[str, Known]
    lists: Mapping[str, Sequence[Known | str]]
    children: Sequence[tuple[str, Record]]
    remarks: Sequence[Remark]
    files: Sequence[File]
    changes: Sequence[ShownChange]


def portrait(mirror: Mirror, key: str, as_of: str | None = None) -> Portrait:
    """Return what there is to see of the record that people call `key`.

    Args:
        as_of: an instant, as of which all of it is; of types without a history nothing is seen then.

    Raises:
        UnknownRecordError: there is none, or there are several; says what to say instead.
        UsageError: no history is kept.
    """
    record = mirror.get(key, as_of=as_of)
    view = mirror[record.source] if as_of is None else mirror[record.source].as_of(as_of)
    fields = record.layout.type.fields
    waiting = [
        each
        for each in (mirror.changes((record.source,)) if as_of is None else ())
        if (each.change.type_name, each.change.record_id) == (record.type_name, record.id)
    ]
    return Portrait(
        record,
        _url(mirror, record),
        dict(_with_value(record, [each for each in fields if each.kind not in (Kind.REFERENCE, Kind.LINKS, Kind.VALUES)])),
        {each.name: record[each.name] for each in fields if each.kind is Kind.REFERENCE and record[each.name]},
        {each.name: [*record[each.name]] for each in fields if each.kind in (Kind.LINKS, Kind.VALUES) and record[each.name]},
        list(_children(view, record)),
        view.discussion(record),
        view.files(record),
        waiting,
    )


def name_of(known: Known) -> str:
    """Return what others show for a record, else its title; "" when it has neither."""
    if not isinstance(known, Record):
        return str(known["Name"])
    about = known.layout.type
    titles = (about.name_field, *(about.work_item.title if about.work_item else ()))
    return next((str(known[each]) for each in titles if each and known[each]), "")


def key_of(known: Known) -> str:
    """Return what leads to a record: its key, else type and number."""
    return known.key if isinstance(known, Record) else f"{known.type_name or 'record'}/{known.id}"


def _with_value(record: Record, fields: Sequence[Field]) -> Iterator[tuple[str, Value]]:
    for each in fields:
        value = record[each.name]
        if value is not None and value != "":
            yield each.name, value


def _url(mirror: Mirror, record: Record) -> str:
    work = record.layout.type.work_item
    (settings,) = mirror.chosen([record.source])
    if record.id < 0 or work is None or not work.address:
        return ""
    return settings.url.rstrip("/") + work.address.replace("{id}", str(record.id))


def _children(view: SourceView, record: Record) -> Iterator[tuple[str, Record]]:
    """Yield the records that have this one as their parent, each once, in whatever field types say that."""
    types = [view.typedef(name) for name in view.types()]
    parents = {field for each in types if each.work_item for field in each.work_item.parent}
    seen: set[Record] = set()
    for each in types:
        fields = [field for field in each.fields if field.name in parents and field.kind is Kind.REFERENCE]
        for field in fields:
            if not _may_lead_to(view, field, record):
                continue
            for child in view[each.name].where(**{field.name: record}).limit(MOST):
                if child not in seen:
                    seen.add(child)
                    yield field.name, child


def _may_lead_to(view: SourceView, field: Field, record: Record) -> bool:
    if not field.targets or record.type_name in field.targets:
        return True
    return any(record.type_name in _concrete(view, name) for name in field.targets)


def _concrete(view: SourceView, name: str) -> set[str]:
    try:
        return {each.type.name for each in view[name].layouts}
    except UnknownTypeError:
        return set()
