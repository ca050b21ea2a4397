"""What a faithful mirror of the tracker would hold, for tests to compare with."""

from __future__ import annotations

from mirror.simulators.versionone.schema import Attribute, Schema
from mirror.simulators.versionone.state import Asset, Value
from mirror.simulators.versionone.versions import Reader

FLEETING = frozenset(
    {"Viewers", "History", "Prior", "Days", "Is", "Now", "CanUpdate", "IsDeletable", "IsReadOnly"}
    | {"MyLastChangeDate", "MyLastChangeDateUTC", "MyLastChangeMoment", "MyLastChangeReason", "MyLastChangeComment"}
)
"""Attributes that depend on the reader or the time, or that are not worth keeping (versionone.md §5.4)."""


def is_kept(attribute: Attribute) -> bool:
    """True for attributes whose values a mirror can hold: neither fleeting nor a closure, a validator or a password."""
    fleeting = attribute.name in FLEETING or attribute.name.startswith("Check") or attribute.closure is not None
    return not fleeting and attribute.kind != "Password"


def is_owned(attribute: Attribute) -> bool:
    """True for what is stored with the asset itself: plain attributes and owning sides (versionone.md §7.3)."""
    return is_kept(attribute) and attribute.forward is None


def kept_names(schema: Schema, type_name: str) -> list[str]:
    """Return the names of the attributes that `row` has for a type."""
    return [name for name, attribute in schema.attributes(type_name).items() if is_kept(attribute)]


def row(reader: Reader, asset: Asset, *, at: int | None = None, viewer: int | None = None) -> dict[str, Value]:
    """Return every attribute of an asset that a mirror can hold, by name."""
    names = kept_names(reader.state.schema, asset.type)
    return {name: reader.read(asset, name, at, viewer) for name in names}
