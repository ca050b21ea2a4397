"""What was said about a record and the files attached to it, read from the mirror."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from mirror.connectors.belongings import Attached, Said
from mirror.script.home import Home
from mirror.script.null import Null
from mirror.script.outside import Outside
from mirror.script.record import Record
from mirror.script.records import Records


@dataclass(frozen=True, slots=True)
class Remark:
    """Something that was said about a record.

    Attributes:
        at: aware, UTC; None when it is not known.
        by: the name of who said it; "" when it is not known.
        text: as the tracker has it, with markup; None where the mirror has only that something was said.
        kind: in the tracker's words; "" where it has only one.
    """

    at: datetime | None
    by: str
    text: str | None
    kind: str = ""


@dataclass(frozen=True, slots=True)
class File:
    """A file that is attached to a record.

    Attributes:
        record: its own; `record.content()` are its bytes.
        content_type: "" when it is not known.
    """

    record: Record
    name: str
    content_type: str


def remarks(record: Record, home: Home) -> list[Remark]:
    """Return what was said about a record, oldest first."""
    found = (_remark(said, each) for said in home.belongings.said for each in _of(record, said, home))
    return sorted(found, key=lambda each: (each.at is not None, each.at))


def _remark(said: Said, each: Record) -> Remark:
    text = str(each[said.text] or "") if said.text else None
    return Remark(each[said.at], _name_of(each[said.by]), text, str(each[said.kind] if said.kind else ""))


def _name_of(known: Record | Outside | Null) -> str:
    field = known.layout.type.name_field if isinstance(known, Record) else "Name"
    return str(known[field] or "") if field else ""


def _of(record: Record, said: Said, home: Home) -> list[Record]:
    only = {said.kind: list(said.kinds)} if said.kind else {}
    found = _records(record, said.type_name, home, {said.about: record, **only})
    threads = {each[said.thread].id for each in found if each[said.thread]} if said.thread else set()
    return _records(record, said.type_name, home, {said.thread: list(threads)}) if threads else found


def files(record: Record, home: Home) -> list[File]:
    """Return the files attached to a record, by number."""
    return [file for each in home.belongings.attached for file in _files(record, each, home)]


def _files(record: Record, attached: Attached, home: Home) -> Iterator[File]:
    about: object = record
    if attached.via is not None:
        type_name, reference = attached.via
        about = [each.id for each in _records(record, type_name, home, {reference: record})]
    for each in _records(record, attached.type_name, home, {attached.about: about}) if about else ():
        if each[attached.name]:
            yield File(each, str(each[attached.name]), str(each[attached.content_type] or ""))


def _records(record: Record, type_name: str, home: Home, equal: Mapping[str, object]) -> list[Record]:
    if not home.knows(type_name):
        return []
    return Records(record._held.session, home, (home.layouts[type_name],)).where(**equal).all()
