"""Rally's schema endpoint to record types: which types and fields are mirrored, and as what.

Source: rally.md §7 (metadata), §10.3 (which side owns a link), §11 (where a timestamp exists).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import msgspec

from mirror.connectors.rally.work_items import work_item
from mirror.errors import ProtocolError
from mirror.model.change import Action
from mirror.model.schema import Catalog, Field, Kind, RecordType, Tracking

ARTIFACT = "Artifact"
"""Family of the types that one `/artifact` query lists together (rally.md §1 C)."""

_STAMPS = ("LastUpdateDate", "LastUpdatedDate", "LastUpdated")
_APPEND_ONLY = frozenset({"Revision"})  # rally.md §11 S: written once with each commit, never edited
_NAME_FIELDS = {"User": "DisplayName"}  # `_refObjectName` of a user is the display name, of others the name
_KINDS = {
    "BOOLEAN": Kind.BOOLEAN,
    "DATE": Kind.TIMESTAMP,  # date-only fields are date-times on the wire too (rally.md §5 R)
    "DECIMAL": Kind.NUMERIC,
    "QUANTITY": Kind.NUMERIC,  # a plain number in WSAPI (rally.md §5)
    "INTEGER": Kind.INTEGER,
    "OBJECT": Kind.REFERENCE,
    "COLLECTION": Kind.LINKS,
    "RATING": Kind.TEXT,
    "STATE": Kind.TEXT,
    "STRING": Kind.TEXT,
    "TEXT": Kind.TEXT,
    "RAW": Kind.TEXT,
    "MAP": Kind.JSON,
    "WEB_LINK": Kind.JSON,
}
_INVERSE_COLLECTIONS = frozenset(
    """Attachments Attributes BuildDefinitions Builds Changes Children Collaborators Connections Discussion Editors
    Iterations
    Releases Results Revisions Steps Tasks TeamMembers TypeDefinitions UserIterationCapacities UserPermissions
    UserStories Values Viewers WorkProducts Workspaces""".split()
)
"""Collections that only repeat a reference of the other record (rally.md §10.2, §10.3); a join answers them."""

UNMIRRORED = _INVERSE_COLLECTIONS | {"Defects", "TestCases", "Projects"}
"""Collections that may stand on a row that was asked for whole, and are left out of its table on purpose."""

_INVERSE_ON = {"Defects": "DefectSuite", "TestCases": "TestSet"}
"""Collections that are true many-to-many on that one type and inverse on every other (rally.md §10.3)."""


_WRITABLE_COLLECTIONS = frozenset(
    """Artifacts Changesets DefectSuites Defects Duplicates Milestones Predecessors Projects Risks Successors Tags
    TeamMemberships TestCases TestSets WorkItemsAffected""".split()
)
"""Many-to-many collections, to be written at either end (rally.md §10.2 w, §10.3). Custom ones are to be written as well."""

_CREATE_ONLY = frozenset(
    {("Iteration", "Project"), ("Release", "Project"), ("TestCaseStep", "TestCase"), ("ConversationPost", "Artifact")}
)
"""Fields that are settled with the record, beside any Workspace (rally.md §8.1 S/D). No client is known to move a post to
another artifact (I)."""

_NEVER_DELETED = frozenset({"Project", "Workspace", "Subscription", "UserProfile", "Revision", "RecycleBinEntry"})
"""Not to be deleted (rally.md §1 S); to delete an entry of the recycle bin would destroy a record for ever (§9.1 S)."""

_NEVER_UPDATED = frozenset({"TimeEntryItem"})  # rally.md §1 S

_INVERSE_NAMES = frozenset({("Workspace", "Projects"), ("Workspace", "Tags")})


class _Shape(msgspec.Struct):
    ref: str = msgspec.field(name="_ref", default="")
    name: str | None = msgspec.field(name="_refObjectName", default=None)


class AllowedValue(msgspec.Struct):
    """One allowed value (rally.md §7 S)."""

    text: str | None = msgspec.field(name="StringValue", default=None)


class Attribute(msgspec.Struct):
    """One attribute definition; only what is used (rally.md §7 S)."""

    element_name: str = msgspec.field(name="ElementName")
    type: str = msgspec.field(name="AttributeType")
    name: str = msgspec.field(name="Name", default="")
    schema_type: str | None = msgspec.field(name="SchemaType", default=None)
    allowed_value_type: _Shape | None = msgspec.field(name="AllowedValueType", default=None)
    allowed_values: msgspec.Raw = msgspec.field(name="AllowedValues", default=msgspec.Raw())
    custom: bool | None = msgspec.field(name="Custom", default=False)
    required: bool | None = msgspec.field(name="Required", default=False)
    read_only: bool | None = msgspec.field(name="ReadOnly", default=False)
    max_length: int | None = msgspec.field(name="MaxLength", default=None)

    @property
    def inline_values(self) -> tuple[str, ...]:
        """The allowed values, when they stand inline instead of a reference to a collection (rally.md §7 S)."""
        if not bytes(self.allowed_values).startswith(b"["):
            return ()
        return tuple(each.text or "" for each in msgspec.json.decode(self.allowed_values, type=list[AllowedValue]))

    @property
    def values_path(self) -> str:
        """The collection of allowed values, as a path below the API; empty when there is none."""
        if not bytes(self.allowed_values).startswith(b"{"):
            return ""
        ref = msgspec.json.decode(self.allowed_values, type=_Shape).ref
        return ref.partition("/v2.0/")[2] if "/v2.0/" in ref else ""


class TypeDefinition(msgspec.Struct):
    """One type definition with its attributes inline (rally.md §7 S)."""

    element_name: str = msgspec.field(name="ElementName")
    name: str = msgspec.field(name="Name", default="")
    display_name: str | None = msgspec.field(name="DisplayName", default=None)
    type_path: str | None = msgspec.field(name="TypePath", default=None)
    abstract: bool | None = msgspec.field(name="Abstract", default=False)
    queryable: bool | None = msgspec.field(name="Queryable", default=True)
    restorable: bool | None = msgspec.field(name="Restorable", default=False)
    creatable: bool | None = msgspec.field(name="Creatable", default=False)
    deletable: bool | None = msgspec.field(name="Deletable", default=False)
    read_only: bool | None = msgspec.field(name="ReadOnly", default=False)
    parent: _Shape | None = msgspec.field(name="Parent", default=None)
    attributes: list[Attribute] = msgspec.field(name="Attributes", default_factory=list)

    @property
    def path(self) -> str:
        """The name used in addresses: `Defect`, `PortfolioItem/Feature`."""
        return self.type_path or self.element_name


@dataclass(frozen=True, slots=True)
class _Names:
    """How types are spoken of.

    Attributes:
        abstract: paths and element names of the abstract ones.
        paths: from a name without blanks to the path.
        values: allowed values by the path of their collection.
    """

    abstract: set[str]
    paths: dict[str, str]
    values: Mapping[str, tuple[str, ...]]


def read_definitions(documents: Sequence[msgspec.Raw]) -> list[TypeDefinition]:
    """Return the type definitions of a schema answer's rows.

    Raises:
        ProtocolError: a row has no element name or no attributes.
    """
    decoder = msgspec.json.Decoder(TypeDefinition)
    try:
        return [decoder.decode(each) for each in documents]
    except msgspec.ValidationError as error:
        raise ProtocolError(f"the schema answer has an unexpected shape: {error}") from error


def unlisted_values(definitions: Sequence[TypeDefinition]) -> list[str]:
    """Return the paths of collections with allowed values that the schema only refers to, of fields with plain text."""
    found = {
        path: None
        for definition in definitions
        for each in definition.attributes
        if _KINDS.get(each.type) is Kind.TEXT and (path := each.values_path)
    }
    return list(found)


def make_catalog(definitions: Sequence[TypeDefinition], digest: str, values: Mapping[str, tuple[str, ...]]) -> Catalog:
    """Return the catalog of these definitions.

    Args:
        values: path of a collection of `unlisted_values` -> what is in it.
    """
    names = _Names(
        abstract={name for each in definitions if each.abstract for name in (each.path, each.element_name)},
        paths={each.name.replace(" ", ""): each.path for each in definitions},
        values=values,
    )
    artifacts = _descendants(definitions, ARTIFACT)
    types = {
        each.path: _record_type(each, ARTIFACT if each.path in artifacts else "", names)
        for each in definitions
        if each.queryable and not each.abstract and _has(each, "ObjectID")
    }
    shown_by = tuple(name for name, each in types.items() if each.field("SchemaVersion"))
    return Catalog(digest, types, shown_by)


def _has(definition: TypeDefinition, name: str) -> bool:
    return any(each.element_name == name for each in definition.attributes)


def _descendants(definitions: Sequence[TypeDefinition], root: str) -> set[str]:
    """Return the paths of all types below the abstract type `root`, following Parent by name."""
    above = {name: each.parent.name for each in definitions if each.parent for name in (each.name, each.element_name)}
    found = set()
    for each in definitions:
        name: str | None = each.element_name
        seen: set[str] = set()
        while name and name not in seen:
            seen.add(name)
            name = above.get(name)
            if name == root:
                found.add(each.path)
    return found


def _record_type(definition: TypeDefinition, family: str, names: _Names) -> RecordType:
    fields = tuple(_fields(definition, names))
    offered = {each.name for each in fields}
    stamp = next((each for each in _STAMPS if each in offered), None)
    if stamp:
        tracking = Tracking.STAMP
    else:
        tracking = Tracking.APPEND if definition.path in _APPEND_ONLY else Tracking.SWEEP
    name_field = _NAME_FIELDS.get(definition.path, "Name")
    return RecordType(
        name=definition.path,
        fields=fields,
        tracking=tracking,
        display_name=definition.display_name or definition.name or definition.element_name,
        name_field=name_field if name_field in offered else None,
        key_field="FormattedID" if "FormattedID" in offered else None,
        stamp_field=stamp,
        restorable=bool(definition.restorable),
        transient=definition.path == "RecycleBinEntry",  # emptied by people and by its retention (rally.md §9.1 S)
        family=family,
        work_item=work_item(definition.path, fields) if family == ARTIFACT else None,
        actions=tuple(_actions(definition)),
    )


def _actions(definition: TypeDefinition) -> Iterator[str]:
    """Yield what may be done to records of a type; Rally has no operations of its own besides.

    Posts and files are records that refer to an artifact, so a type takes them if it shows them; a test set has no files
    (rally.md §10.1 S). What has a rank can be moved (§8.4 C).
    """
    if definition.creatable:
        yield Action.CREATE
    if definition.deletable and definition.path not in _NEVER_DELETED:
        yield Action.DELETE
    for name, action in (("Discussion", Action.COMMENT), ("Attachments", Action.ATTACH), ("DragAndDropRank", Action.RANK)):
        if _has(definition, name):
            yield action


def _fields(definition: TypeDefinition, names: _Names) -> Iterator[Field]:
    seen: set[str] = set()
    for attribute in definition.attributes:
        kind = _KINDS.get(attribute.type)
        if kind is None or attribute.element_name in seen or _is_inverse(definition, attribute):
            continue
        seen.add(attribute.element_name)
        yield _limited(definition, attribute, _field(attribute, kind, names))


def _limited(definition: TypeDefinition, attribute: Attribute, field: Field) -> Field:
    """Return a field with what else is known about writing it.

    A type that cannot be updated takes values with its creation, if it can be created; so do a few fields of others. Of
    collections the schema does not tell on which side they are written (rally.md §10.3).
    """
    fixed = bool(definition.read_only) or definition.path in _NEVER_UPDATED
    is_member_list = field.kind is Kind.LINKS and not field.custom and attribute.element_name not in _WRITABLE_COLLECTIONS
    return replace(
        field,
        read_only=field.read_only or is_member_list or (fixed and not definition.creatable),
        create_only=fixed or field.name == "Workspace" or (definition.path, field.name) in _CREATE_ONLY,
    )


def _is_inverse(definition: TypeDefinition, attribute: Attribute) -> bool:
    if attribute.type != "COLLECTION" or attribute.custom:
        return False
    if (definition.path, attribute.element_name) in _INVERSE_NAMES:
        return True
    owner = _INVERSE_ON.get(attribute.element_name)
    if owner:
        return definition.path != owner
    return attribute.element_name in _INVERSE_COLLECTIONS


def _field(attribute: Attribute, kind: Kind, names: _Names) -> Field:
    target = names.paths.get(_target(attribute) or "", _target(attribute))
    return Field(
        name=attribute.element_name,
        kind=kind,
        display_name=attribute.name,
        native_type=attribute.type,
        required=bool(attribute.required),
        read_only=bool(attribute.read_only),
        custom=bool(attribute.custom),
        targets=(target,) if target and target not in names.abstract and kind in (Kind.REFERENCE, Kind.LINKS) else (),
        polymorphic=kind is Kind.REFERENCE and (target is None or target in names.abstract),
        allowed_values=attribute.inline_values or names.values.get(attribute.values_path, ()),
        max_length=attribute.max_length if attribute.max_length and attribute.max_length > 0 else None,
    )


def _target(attribute: Attribute) -> str | None:
    """Return the type a reference or collection points to: `User`, `PortfolioItem/Feature`; None when not told.

    The schema endpoint writes portfolio types with a hyphen, `PortfolioItem-Feature` (rally.md §7 S).
    """
    if attribute.schema_type and attribute.type == "OBJECT":
        return attribute.schema_type.replace("-", "/")
    if attribute.allowed_value_type and attribute.allowed_value_type.name:
        return attribute.allowed_value_type.name.replace(" ", "")
    return None
