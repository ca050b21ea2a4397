"""What people want to see of one record: its fields by kind, what it refers to, what belongs to it, and what waits for it.

All of it is read from the mirror.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from mirror import Null, Record, SourceView
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
class Remark:
    """Something that was said about a record.

    Attributes:
        text: None where the mirror has only that something was said.
        kind: in the tracker's words; "" where it has only one.
    """

    at: datetime | None
    by: str
    text: str | None
    kind: str = ""


@dataclass(frozen=True, slots=True)
class File:
    """A file that is attached to a record; `content_type` is "" when it is not known."""

    id: int
    name: str
    content_type: str


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


@dataclass(frozen=True, slots=True)
class _Said:
    """A type whose records are remarks: the fields for what they are about, and who said what when.

    Attributes:
        text: "" where the mirror does not have it.
        thread: a field with the same value in all remarks that belong together, also those that do not name the record.
        kind: a field with what sort of remark it is, which must be one of `kinds`; "" where all are.
    """

    type_name: str
    about: str
    by: str
    at: str
    text: str = ""
    thread: str = ""
    kind: str = ""
    kinds: tuple[str, ...] = ()


# rally.md §10.3 (ConversationPost, Attachment); versionone.md §6.5 (replies name no asset), §7.2; rt.md §6.5, §6.6.
_SAID: Mapping[str, tuple[_Said, ...]] = {
    "rally": (_Said("ConversationPost", "Artifact", "User", "CreationDate", "Text"),),
    "versionone": (
        _Said("Expression", "Mentions", "Author", "CreateDateUTC", "Content", thread="BelongsTo"),
        _Said("Note", "Asset", "CreatedBy", "CreateDateUTC", "Content"),
    ),
    "rt": (_Said("transaction", "Object", "Creator", "Created", kind="Type", kinds=("Correspond", "Comment")),),
}


def portrait(mirror: Mirror, key: str) -> Portrait:
    """Return what there is to see of the record that people call `key`.

    Raises:
        UnknownRecordError: there is none, or there are several; says what to say instead.
    """
    record = mirror.get(key)
    view = mirror[record.source]
    fields = record.layout.type.fields
    waiting = [
        each
        for each in mirror.changes((record.source,))
        if (each.change.type_name, each.change.record_id) == (record.type_name, record.id)
    ]
    return Portrait(
        record,
        _url(mirror, record),
        dict(_with_value(record, [each for each in fields if each.kind not in (Kind.REFERENCE, Kind.LINKS, Kind.VALUES)])),
        {each.name: record[each.name] for each in fields if each.kind is Kind.REFERENCE and record[each.name]},
        {each.name: [*record[each.name]] for each in fields if each.kind in (Kind.LINKS, Kind.VALUES) and record[each.name]},
        list(_children(view, record)),
        sorted(_remarks(view, record), key=lambda each: (each.at is not None, each.at)),
        list(_files(view, record)),
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


def _remarks(view: SourceView, record: Record) -> Iterator[Remark]:
    for said in _SAID.get(record.layout.tracker, ()):
        for each in _of(view, said, record):
            by = each[said.by]
            text = str(each[said.text] or "") if said.text else None
            yield Remark(
                each[said.at], "" if isinstance(by, Null) else name_of(by), text, str(each[said.kind] if said.kind else "")
            )


def _of(view: SourceView, said: _Said, record: Record) -> list[Record]:
    if said.type_name not in view.types():
        return []
    only = {said.kind: list(said.kinds)} if said.kind else {}
    found = view[said.type_name].where(**{said.about: record}, **only).all()
    threads = {each[said.thread].id for each in found if each[said.thread]} if said.thread else set()
    return view[said.type_name].where(**{said.thread: list(threads)}).all() if threads else found


def _files(view: SourceView, record: Record) -> Iterator[File]:
    match record.layout.tracker:
        case "rally":
            yield from _attached(view, "Attachment", {"Artifact": record}, "Name")
        case "versionone":
            yield from _attached(view, "Attachment", {"Asset": record}, "Filename")
        case "rt" if "transaction" in view.types():
            acts = [each.id for each in view.transaction.where(Object=record)]
            yield from _attached(view, "attachment", {"TransactionId": acts}, "Filename") if acts else ()
        case _:
            pass


def _attached(view: SourceView, type_name: str, about: Mapping[str, object], name: str) -> Iterator[File]:
    if type_name in view.types():
        for each in view[type_name].where(**about):
            if each[name]:
                yield File(each.id, str(each[name]), str(each["ContentType"] or ""))
