"""Meta data to record types: which types and attributes are mirrored, and as what.

Nothing in meta.v1 says that an attribute can be written only when its asset is made, so no field is `create_only`.

Source: versionone.md §5.2 (attribute types), §5.4 (what is not mirrored), §7 (types).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from mirror.connectors.versionone.abilities import actions, operations
from mirror.connectors.versionone.meta import Meta, MetaAttribute, MetaType, writable_instant
from mirror.connectors.versionone.owning import is_stored
from mirror.connectors.versionone.work_items import work_item
from mirror.model.schema import Catalog, Field, Kind, RecordType, Tracking

STAMP = "ChangeDateUTC"
DELETED = "IsDeleted"

_KINDS = {
    "Numeric": Kind.NUMERIC,
    "Boolean": Kind.BOOLEAN,
    "Date": Kind.DATE,
    "Relation": Kind.REFERENCE,
    "State": Kind.INTEGER,
    "Rank": Kind.INTEGER,
    "LongInt": Kind.INTEGER,
}
"""All others are text, those that a later release may add included (§5.2)."""

_NEVER = frozenset({"Password", "Blob"})
"""Write-only; and bodies of attachments, which are fetched one by one (§5.2)."""

_LEFT_OUT = frozenset(
    """ID Key Moment AssetType Now History Prior Is Days Viewers CanUpdate IsReadOnly IsDeletable IsDeleted SecurityScope
    FakeAssetState EffectiveAssetState""".split()
)
"""What says who and which version a record is, which its head does already; and what is worked out anew at each reading,
for the calling user or from other records, and changes without a version of the record (§5.4 R)."""

_ABOUT_CALLER = "MyLastChange"
_CLOSURE = re.compile(r".(AndUp|AndDown|AndMe)$")
_VALIDATOR = re.compile(r"Check[A-Z]")
SMALL_FAMILY = "List"
"""Below it are the values to choose from, some forty types of a few records each (§7.1, §7.2)."""


def make_catalog(meta: Meta, digest: str) -> Catalog:
    """Return the catalog of these types."""
    return Catalog.of(digest, (_record_type(meta, each) for each in meta.records()))


def _record_type(meta: Meta, each: MetaType) -> RecordType:
    fields = tuple(_fields(meta, each))
    offered = {it.name for it in fields}
    shown_by = meta.shown_by(each.name)
    return RecordType(
        name=each.name,
        fields=fields,
        tracking=Tracking.STAMP if STAMP in offered else Tracking.SWEEP,
        display_name=each.display_name,
        name_field=shown_by if shown_by in offered else None,
        key_field="Number" if "Number" in offered else None,
        stamp_field=STAMP if STAMP in offered else None,
        restorable=DELETED in each.attributes,
        family="" if meta.follows_parent(each.name) else family_of(meta, each.name),
        work_item=work_item(meta, each.name),
        actions=actions(meta, each),
        operations=operations(each),
    )


def family_of(meta: Meta, name: str) -> str:
    """Return the abstract type that one query lists this one's changes and deletions with; empty when it stands alone."""
    steps = [step for step in meta.lineage(name) if meta.types[step].abstract]
    able = [step for step in steps if meta.types[step].attributes.keys() >= {"Moment", STAMP, DELETED}]
    return SMALL_FAMILY if SMALL_FAMILY in able else able[-1] if able else ""


def _fields(meta: Meta, each: MetaType) -> Iterator[Field]:
    for attribute in each.attributes.values():
        if _is_mirrored(each, attribute) and (attribute.kind != "Relation" or is_stored(meta, each, attribute)):
            yield _field(meta, each, attribute)


def _is_mirrored(owner: MetaType, attribute: MetaAttribute) -> bool:
    name = attribute.name
    if attribute.kind in _NEVER or name in _LEFT_OUT or name.startswith(_ABOUT_CALLER):
        return False
    if attribute.kind == "Date" and f"{name}UTC" in owner.attributes:
        return False  # the same instant in the zone of the user, whichever that is (§9 D)
    if attribute.kind == "Boolean" and attribute.read_only and _VALIDATOR.match(name):
        return False
    return not (attribute.kind == "Relation" and attribute.multi and _CLOSURE.search(name))


def _field(meta: Meta, owner: MetaType, attribute: MetaAttribute) -> Field:
    kind = kind_of(attribute)
    written = writable_instant(owner, attribute.name) or attribute
    targets = meta.concrete(attribute.related)
    alone = len(targets) == 1 and attribute.related in targets
    return Field(
        name=attribute.name,
        kind=kind,
        display_name=attribute.display_name,
        native_type=attribute.kind,
        required=attribute.required or written.required,
        read_only=written.read_only,
        custom=attribute.custom,
        targets=(attribute.related,) if alone else (),
        polymorphic=kind is Kind.REFERENCE and not alone,
    )


def kind_of(attribute: MetaAttribute) -> Kind:
    """Return what an attribute's values are.

    A Date is an instant only where its name says UTC: others are days, or in a zone that nobody tells (§3.1, §9 D).
    """
    kind = _KINDS.get(attribute.kind, Kind.TEXT)
    if attribute.multi:
        return Kind.LINKS if kind is Kind.REFERENCE else Kind.VALUES
    if kind is Kind.DATE and attribute.name.endswith("UTC"):
        return Kind.TIMESTAMP
    return kind
