"""What belongs to a record in a tracker's own tables: what was said about it, and the files that are attached to it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Said:
    """A type whose records are remarks: the fields for what they are about, and who said what when.

    Attributes:
        about: a reference to the record, or a collection that has it.
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


@dataclass(frozen=True, slots=True)
class Attached:
    """A type whose records are files.

    Attributes:
        about: a reference to the record, or with `via` the number of what stands between.
        name: a field; what has none in it is no file for people.
        content_type: a field with the kind of the content.
        via: the type of what stands between a file and the record, with its reference to the record; None when nothing does.
    """

    type_name: str
    about: str
    name: str
    content_type: str = "ContentType"
    via: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Belongings:
    """What belongs to the records of one tracker. Types that are not mirrored are passed over."""

    said: tuple[Said, ...]
    attached: tuple[Attached, ...]
