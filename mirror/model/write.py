"""What a connector is asked to write, and what came of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from mirror.model.change import Action
from mirror.model.layout import Layout


@dataclass(frozen=True, slots=True)
class Target:
    """A record that another one refers to.

    Attributes:
        type_name: "" when the field has one target type and that is it.
        name: as others show it; None when unknown.
    """

    type_name: str
    id: int
    name: str | None = None


Value = str | int | float | bool | Target | None
"""Of a scalar as in a row (see model.change.Cells), of a reference its target; None clears the field."""

Item = Target | str
"""One item of a many-valued field: a record, or a plain value."""


class Place(StrEnum):
    """Where a record goes in the order of its list."""

    ABOVE = "above"
    BELOW = "below"
    TOP = "top"
    BOTTOM = "bottom"


@dataclass(frozen=True, slots=True)
class File:
    """A file to attach."""

    name: str
    content_type: str
    content: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Write:
    """One thing to do to one record; it becomes one call where the tracker allows.

    Attributes:
        action: CREATE and UPDATE carry values and items; LINK and UNLINK never come alone, they are in an UPDATE.
        record_id: None for CREATE.
        values: field name -> new value, of the fields that differ.
        before: field name -> value as the tracker had it when the record was read just before; of the same fields.
        added, removed: field name -> items, of many-valued fields.
        revision: of the record when it was read just before; None for CREATE.
        since: the tracker's clock shortly before it was first sent; a probe looks no further back.
        text: of a COMMENT.
        kind: of a COMMENT: comment, or reply where the tracker tells them apart.
        operation: of OPERATE, as the catalog names it.
        arguments: of OPERATE, by name.
        place, other: of RANK.
    """

    layout: Layout
    action: Action
    record_id: int | None
    values: Mapping[str, Value] = field(default_factory=dict)
    before: Mapping[str, Value] = field(default_factory=dict)
    added: Mapping[str, tuple[Item, ...]] = field(default_factory=dict)
    removed: Mapping[str, tuple[Item, ...]] = field(default_factory=dict)
    revision: str | None = None
    since: datetime | None = None
    text: str = ""
    kind: str = "comment"
    file: File | None = None
    operation: str = ""
    arguments: Mapping[str, str] = field(default_factory=dict)
    place: Place | None = None
    other: Target | None = None


@dataclass(frozen=True, slots=True)
class Receipt:
    """The tracker said yes. What it really did is read back afterwards.

    Attributes:
        record_id: of CREATE the id of the new record; else of the one written to.
        words: its warnings and messages, for the log.
        overwritten: field name -> what somebody else had put there between our reading and our writing, in words for
            people; only fields that this write has replaced. Empty when nobody was in between.
    """

    record_id: int
    words: tuple[str, ...] = ()
    overwritten: Mapping[str, str] = field(default_factory=dict)
