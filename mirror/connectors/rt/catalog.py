"""Which record types and fields RT offers, and how custom fields become fields of ours.

What may be written is told here too. Read-only beside what RT sets itself: history, which is only ever added to; fields and
roles, whose making is an administrator's work that REST does by halves (rt.md §6.9); files in custom fields; members of
groups, which a PUT takes for links (seen on 5.0.3); links of articles, which it ignores.

Source: rt.md §3.1 (endpoints), §4.1 (fields of tickets), §6 (tickets), §6.9 (other objects); the column lists of the
types the contract does not spell out were read from a running RT 5.0.3, the lengths, at which RT cuts texts without a
word, from its source.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import blake2s
from itertools import chain

from mirror.connectors.rt.work_items import TICKET
from mirror.model.schema import Catalog, Field, Kind, RecordType, Tracking

LINK_REFS = {
    "DependsOn": "depends-on",
    "DependedOnBy": "depended-on-by",
    "RefersTo": "refers-to",
    "ReferredToBy": "referred-to-by",
    "Parents": "parent",
    "Children": "child",
}
"""Link fields and the `ref` of their entries in `_hyperlinks` (rt.md §6.7)."""

_KINDS = {"Date": Kind.DATE, "DateTime": Kind.TIMESTAMP, "Image": Kind.JSON, "Binary": Kind.JSON}
_FILES = frozenset({"Image", "Binary"})
_DIGEST_BYTES = 12
_EDITION = 3  # of this module: a stored catalog of an earlier one knows less

OPERATIONS = ("take", "untake", "steal", "merge")
"""RT's own operations on tickets (rt.md §3.1, §6.7); `merge` takes the argument `into`."""

_OFFERED = tuple(f"{each} into=ticket" if each == "merge" else each for each in OPERATIONS)
"""The same as a catalog tells them, with their arguments."""

_LENGTHS = {
    "Name": 200, "Subject": 200, "Status": 64, "SLA": 64, "Type": 16, "Description": 255, "Summary": 255,
    "CorrespondAddress": 120, "CommentAddress": 120, "SubjectTag": 120, "Lifecycle": 32,
    "EmailAddress": 120, "RealName": 120, "NickName": 16, "Organization": 200, "Lang": 16, "Timezone": 50, "Gecos": 16,
    "HomePhone": 30, "WorkPhone": 30, "MobilePhone": 30, "PagerPhone": 30,
    "Address1": 200, "Address2": 200, "City": 100, "State": 100, "Zip": 16, "Country": 50,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class CustomField:
    """A custom field that is not disabled.

    Attributes:
        native: RT's type (`Select`, `Freeform`, `DateTime`, …).
        single: holds one value at most.
        applies_to: the type of record it belongs to, one of ours.
    """

    id: int
    name: str
    native: str
    single: bool
    applies_to: str
    description: str = ""
    allowed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class CustomRole:
    """A role that an administrator added to tickets.

    Attributes:
        wire_names: how answers call it; `RT::CustomRole-<id>` up to 5.0.3, the name from 5.0.4 (rt.md §12).
    """

    id: int
    name: str
    single: bool

    @property
    def field_name(self) -> str:
        return f"CustomRole.{{{self.name}}}"

    @property
    def wire_names(self) -> tuple[str, str]:
        return f"RT::CustomRole-{self.id}", self.name


@dataclass(frozen=True, slots=True)
class Schema:
    """All that differs from one RT to another, as far as this account sees it.

    Attributes:
        sees_users: the account administers users: it sees when they were changed, and whether they are enabled.
    """

    version: str
    sees_users: bool
    custom_fields: tuple[CustomField, ...] = ()
    custom_roles: tuple[CustomRole, ...] = ()

    def field_names(self, type_name: str) -> Mapping[int, str]:
        """Return the field name of every custom field of a type, by its id.

        RT allows several custom fields of one name; the oldest has it alone, `CF.{Host}`, and later ones carry their
        number, `CF.{Host}.12`.
        """
        names: dict[int, str] = {}
        for each in sorted(self.custom_fields, key=lambda f: f.id):
            if each.applies_to == type_name:
                name = f"CF.{{{each.name}}}"
                names[each.id] = f"{name}.{each.id}" if name in names.values() else name
        return names


APPLIES_TO = {
    "RT::Queue-RT::Ticket": "ticket",
    "RT::Queue-RT::Ticket-RT::Transaction": "transaction",
    "RT::Queue": "queue",
    "RT::User": "user",
    "RT::Group": "group",
    "RT::Catalog-RT::Asset": "asset",
    "RT::Catalog": "catalog",
    "RT::Class-RT::Article": "article",
    "RT::Class": "class",
}
"""LookupType of a custom field -> our type."""

OBJECT_TYPES = {
    "RT::Ticket": "ticket",
    "RT::Queue": "queue",
    "RT::User": "user",
    "RT::Group": "group",
    "RT::Asset": "asset",
    "RT::Catalog": "catalog",
    "RT::Article": "article",
    "RT::Class": "class",
    "RT::CustomField": "customfield",
    "RT::CustomRole": "customrole",
}
"""ObjectType of a transaction -> our type."""


def catalog(schema: Schema, version: str) -> Catalog:
    """Return the types of an RT with that schema; `version` is its digest."""
    stamped = Tracking.STAMP
    users = stamped if schema.sees_users else Tracking.SWEEP
    types = (
        _ticket(schema),
        _shown(_type("transaction", _TRANSACTION, stamped, schema, stamp="Created", name=None)),
        _shown(_type("attachment", _ATTACHMENT, stamped, schema, stamp="Created", name=None)),
        _type("queue", _QUEUE, stamped, schema, name="Name", actions=("create",)),
        _type("user", _USER, users, schema, name="Name", actions=("create",)),
        _type("group", _GROUP, stamped, schema, name="Name", actions=("create",)),
        _shown(_type("customfield", _CUSTOM_FIELD, stamped, schema, name="Name")),
        _shown(_type("customrole", _CUSTOM_ROLE, stamped, schema, name="Name")),
        replace(_type("asset", _ASSET, stamped, schema, name="Name", actions=("create", "delete")), restorable=True),
        _type("catalog", _CATALOG, stamped, schema, name="Name", actions=("create",)),
        _type("article", _ARTICLE, stamped, schema, name="Name", actions=("create",)),
        _type("class", _CLASS, stamped, schema, name="Name", actions=("create",)),
    )
    return Catalog.of(version, types)


def digest(schema: Schema) -> str:
    """Return a text that changes whenever a type or field does."""
    return blake2s(repr((_EDITION, schema)).encode(), digest_size=_DIGEST_BYTES).hexdigest()


def _ticket(schema: Schema) -> RecordType:
    made = _type("ticket", _ticket_fields(schema), Tracking.STAMP, schema, actions=("create", "delete", "comment", "attach"))
    return replace(made, restorable=True, work_item=TICKET, operations=_OFFERED)


def _shown(record_type: RecordType) -> RecordType:
    """Return a type none of whose fields can be written."""
    return replace(record_type, fields=tuple(replace(each, read_only=True) for each in record_type.fields))


def _type(
    type_name: str,
    fields: Sequence[Field],
    tracking: Tracking,
    schema: Schema,
    *,
    stamp: str = "LastUpdated",
    name: str | None = None,
    actions: tuple[str, ...] = (),
) -> RecordType:
    return RecordType(
        type_name,
        tuple(chain(fields, _custom(schema, type_name))),
        tracking,
        type_name.capitalize(),
        name,
        stamp_field=stamp if tracking is Tracking.STAMP else None,
        actions=actions,
    )


def _custom(schema: Schema, type_name: str) -> Iterable[Field]:
    names = schema.field_names(type_name)
    for each in schema.custom_fields:
        if each.applies_to == type_name:
            yield Field(
                names[each.id],
                _KINDS.get(each.native, Kind.TEXT) if each.single else Kind.VALUES,
                display_name=each.name,
                native_type=each.native,
                read_only=each.native in _FILES,
                custom=True,
                allowed_values=each.allowed,
            )


def _field(name: str, kind: Kind, native: str, *, read_only: bool = False) -> Field:
    return Field(name, kind, display_name=name, native_type=native, read_only=read_only)


def _text(*names: str, required: bool = False, create_only: bool = False) -> tuple[Field, ...]:
    return tuple(
        Field(
            each,
            Kind.TEXT,
            each,
            "varchar",
            required=required,
            max_length=_LENGTHS.get(each),
            create_only=create_only,
        )
        for each in names
    )


def _numbers(*names: str, read_only: bool = False) -> tuple[Field, ...]:
    """Return fields that always have a number; it may be 0."""
    return tuple(replace(_field(each, Kind.INTEGER, "int", read_only=read_only), required=not read_only) for each in names)


def _flags(*names: str) -> tuple[Field, ...]:
    return tuple(replace(_field(each, Kind.BOOLEAN, "smallint"), required=True) for each in names)


def _stamps(*names: str, read_only: bool = False) -> tuple[Field, ...]:
    return tuple(_field(each, Kind.TIMESTAMP, "datetime", read_only=read_only) for each in names)


def _reference(name: str, target: str, *, read_only: bool = False) -> Field:
    return Field(name, Kind.REFERENCE, name, target, read_only=read_only, targets=(target,))


def _people(*names: str, read_only: bool = False) -> tuple[Field, ...]:
    return tuple(Field(each, Kind.LINKS, each, "role", targets=("user", "group"), read_only=read_only) for each in names)


_BIRTH = (_reference("Creator", "user", read_only=True), *_stamps("Created", read_only=True))
_LIFE = (
    *_BIRTH,
    _reference("LastUpdatedBy", "user", read_only=True),
    *_stamps("LastUpdated", read_only=True),
)
_RELATIONS = tuple(Field(name, Kind.LINKS, name, "link", targets=("ticket", "article", "asset")) for name in LINK_REFS)
_TICKET = (
    *_text("Subject", "SLA"),
    *_text("Status", required=True),
    *_text("Type", create_only=True),  # of one that changes its type, searches lose sight (rt.md §6.3)
    Field("Queue", Kind.REFERENCE, "Queue", "queue", required=True, targets=("queue",)),
    _reference("Owner", "user"),
    *_numbers("Priority", "InitialPriority", "FinalPriority", "TimeWorked", "TimeLeft", "TimeEstimated"),
    *_stamps("Due", "Starts", "Started", "Resolved", "Told"),
    *_people("Requestor", "Cc", "AdminCc"),
    *_RELATIONS,
    *_LIFE,
)
_TRANSACTION = (
    Field("Object", Kind.REFERENCE, "Object", "object", read_only=True, polymorphic=True),
    *_text("Type", "Field", "OldValue", "NewValue", "ReferenceType", "Data"),
    *_numbers("OldReference", "NewReference", "TimeTaken", read_only=True),
    *_BIRTH,
)
_ATTACHMENT = (
    *_numbers("TransactionId", "ContentLength", read_only=True),
    *_text("Subject", "Filename", "ContentType", "ContentEncoding", "MessageId", "Headers"),
    *_BIRTH,
)
_QUEUE = (
    *_text("Name", required=True),
    *_text("Description", "CorrespondAddress", "CommentAddress", "SubjectTag", "Lifecycle"),
    *_numbers("SortOrder"),
    *_flags("SLADisabled", "Disabled"),
    *_people("Cc", "AdminCc"),
    *_LIFE,
)
_USER = (
    *_text("Name", required=True),
    *_text(
        "EmailAddress",
        "RealName",
        "NickName",
        "Organization",
        "Lang",
        "Timezone",
        "Gecos",
        "Comments",
    ),
    *_text("Signature", "FreeformContactInfo", "HomePhone", "WorkPhone", "MobilePhone", "PagerPhone"),
    *_text("Address1", "Address2", "City", "State", "Zip", "Country"),
    *_flags("Disabled", "Privileged"),
    *_LIFE,
)
_GROUP = (
    *_text("Name", required=True),
    *_text("Description"),
    *_flags("Disabled"),
    *_people("Members", read_only=True),
    *_LIFE,
)
_CUSTOM_FIELD = (
    *_text("Name", "Type", "RenderType", "Pattern", "ValuesClass", "Description", "LookupType", "EntryHint"),
    *_text("CanonicalizeClass"),
    *_numbers("MaxValues", "SortOrder"),
    *_flags("UniqueValues", "Disabled"),
    _reference("BasedOn", "customfield"),
    *_LIFE,
)
_CUSTOM_ROLE = (
    *_text("Name", "Description", "EntryHint"),
    *_numbers("MaxValues"),
    *_flags("Disabled"),
    *_LIFE,
)
_ASSET = (
    *_text("Name", "Description", "Status"),
    Field("Catalog", Kind.REFERENCE, "Catalog", "catalog", required=True, targets=("catalog",)),
    _reference("Owner", "user"),
    *_people("HeldBy", "Contact"),
    *_RELATIONS,
    *_LIFE,
)
_CATALOG = (*_text("Name", "Description", "Lifecycle"), *_flags("Disabled"), *_LIFE)
_ARTICLE = (
    *_text("Name", "Summary"),
    *_numbers("SortOrder"),
    *_flags("Disabled"),
    Field("Class", Kind.REFERENCE, "Class", "class", required=True, targets=("class",), create_only=True),
    *(replace(each, read_only=True) for each in _RELATIONS),
    *_LIFE,
)
_CLASS = (*_text("Name", "Description"), *_numbers("SortOrder"), *_flags("Disabled"), *_LIFE)


def _ticket_fields(schema: Schema) -> Sequence[Field]:
    return (*_TICKET, *(_role(each) for each in schema.custom_roles))


def _role(role: CustomRole) -> Field:
    kind = Kind.REFERENCE if role.single else Kind.LINKS
    return Field(
        role.field_name,
        kind,
        role.name,
        "role",
        custom=True,
        targets=("user", "group"),
        polymorphic=role.single,
    )
