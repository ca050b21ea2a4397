"""What a tracker offers, as data: record types, their fields, and the catalog that lists them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from mirror.model.work_item import WorkItem


class Kind(StrEnum):
    """What the value of a field is, whatever the tracker calls it."""

    INTEGER = "integer"
    NUMERIC = "numeric"
    BOOLEAN = "boolean"
    TIMESTAMP = "timestamp"  # an instant; UTC, text `YYYY-MM-DDTHH:MM:SS.mmmZ` on the way to the store
    DATE = "date"  # a calendar day without a zone; text `YYYY-MM-DD`
    TEXT = "text"
    JSON = "json"  # a structured value kept whole, as JSON text
    REFERENCE = "reference"  # one other record: columns for its id, its name and, when polymorphic, its type
    LINKS = "links"  # many other records: a link table
    VALUES = "values"  # many plain values: a link table whose rows carry a value instead of a target


class Tracking(StrEnum):
    """How changes of a type are noticed."""

    STAMP = "stamp"  # records carry the instant of their last change and can be listed by it
    SWEEP = "sweep"  # no such instant: all (id, revision) pairs are compared
    APPEND = "append"  # records never change once written: only new ids are looked for


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a record type.

    Attributes:
        name: the tracker's own name, exactly.
        native_type: the tracker's own word for the type, for the catalogue.
        targets: names of the record types a REFERENCE or LINKS field may point to; empty when unknown.
        polymorphic: a REFERENCE whose target type differs from record to record.
        allowed_values: in the tracker's order; empty when anything is allowed or the list is unknown.
        max_length: in characters; None when unlimited or unknown.
        create_only: read-only once the record is there.
    """

    name: str
    kind: Kind
    display_name: str = ""
    native_type: str = ""
    required: bool = False
    read_only: bool = False
    custom: bool = False
    targets: tuple[str, ...] = ()
    polymorphic: bool = False
    allowed_values: tuple[str, ...] = ()
    max_length: int | None = None
    create_only: bool = False


@dataclass(frozen=True, slots=True)
class RecordType:
    """One type of record that a source offers.

    Attributes:
        name: the tracker's own name (`Defect`, `PortfolioItem/Feature`, `ticket`).
        name_field: the field whose value other records show when they refer to this one; None when there is none.
        key_field: the field people use to name a record (`FormattedID`); None means the id.
        stamp_field: for Tracking.STAMP, the field with the instant of the last change.
        restorable: deletions of it appear in the tracker's own list of deletions.
        transient: its records vanish in numbers as a matter of course, so that is no sign of a fault.
        family: types with the same word here can be listed together by their connector; empty when alone. Only a
            connector reads it.
        work_item: how its records show in the view `work_item`; None when they are no work items.
        actions: what may be done to its records besides changing fields and links, as far as the tracker tells: words of
            model.change.Action among create, delete, comment, attach, rank.
        operations: the tracker's own operations on its records, by the tracker's names, each with its arguments and the
            types of the records that these name: `take`, `merge into=ticket`. Where none has any, they are not known.
    """

    name: str
    fields: tuple[Field, ...]
    tracking: Tracking
    display_name: str = ""
    name_field: str | None = None
    key_field: str | None = None
    stamp_field: str | None = None
    restorable: bool = False
    transient: bool = False
    family: str = ""
    work_item: WorkItem | None = None
    actions: tuple[str, ...] = ()
    operations: tuple[str, ...] = ()

    def field(self, name: str) -> Field | None:
        """Return the field of that exact name, or None."""
        return next((each for each in self.fields if each.name == name), None)


@dataclass(frozen=True, slots=True)
class Catalog:
    """All record types of one source at one moment.

    Attributes:
        digest: changes whenever a type or field changes; compared, never parsed.
        shown_by: types whose records repeat the digest; they are read again with each new one.
    """

    digest: str
    types: Mapping[str, RecordType] = field(default_factory=dict)
    shown_by: tuple[str, ...] = ()

    @classmethod
    def of(cls, digest: str, types: Iterable[RecordType]) -> Catalog:
        """Return a catalog of `types`, by name, in the order given."""
        return cls(digest, {each.name: each for each in types})
