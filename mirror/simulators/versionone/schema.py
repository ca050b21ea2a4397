"""The tracker's types and attributes: what exists, what it inherits, which two attributes are the sides of one relation.

Immutable facts are dataclasses; a `Schema` is the one thing that changes, when an administrator adds or removes a
custom field.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

VERSION = "16.1.1.225"
"""The release whose recorded meta is the model (versionone.md §5.1 R)."""


@dataclass(frozen=True, slots=True)
class Attribute:
    """One attribute definition.

    Attributes:
        owner: the type that declares it; see `token`.
        kind: the attributetype, spelled as on the wire (versionone.md §5.2).
        related: for relations, the type on the other side, which may be abstract.
        reciprocal: token of the other side, such as `Member.OwnedWorkitems`; None if there is none.
        display_by: token of the attribute a relation's target is shown by.
        order_by: token of the attribute a relation's targets are sorted by.
        canned: shipped with the product.
        basic: part of an answer to a query without `sel` (versionone.md §3.1 R).
        utc: a Date attribute that is rendered in UTC; other instants are rendered in the user's zone.
        date_only: a Date attribute without a time of day.
        forward: for the other side of a relation, the name of the attribute that stores it; None for all others.
        closure: for computed closures, the relation followed and how: `Parent up`, `Children me down`; None for others.
    """

    name: str
    owner: str
    kind: str
    related: str | None = None
    multi: bool = False
    required: bool = False
    read_only: bool = False
    canned: bool = True
    custom: bool = False
    basic: bool = False
    reciprocal: str | None = None
    display_by: str | None = None
    order_by: str | None = None
    utc: bool = False
    date_only: bool = False
    forward: str | None = None
    closure: str | None = None

    @property
    def token(self) -> str:
        """`Type.Name`, of the declaring type."""
        return f"{self.owner}.{self.name}"

    @property
    def is_relation(self) -> bool:
        """True if the values are assets."""
        return self.kind == "Relation"


@dataclass(frozen=True, slots=True)
class AssetType:
    """One type, without what it inherits.

    Attributes:
        attributes: by name; includes the other sides of relations that other types declare, and closures.
        operations: name -> name of the boolean attribute that says whether it would be accepted.
        default_order_by: attribute names, as are `display_by`, `short_name` and `description`; None if there is none.
        number_prefix: what the values of `Number` begin with, such as `S-`; None for types without numbers.
    """

    name: str
    base: str | None
    abstract: bool
    attributes: Mapping[str, Attribute]
    operations: Mapping[str, str]
    default_order_by: str | None = None
    display_by: str | None = None
    short_name: str | None = None
    description: str | None = None
    number_prefix: str | None = None


class Schema:
    """All types, custom fields included.

    Args:
        types: bases before what is derived from them.
    """

    def __init__(self, types: Iterable[AssetType], version: str = VERSION) -> None:
        self.version = version
        self.generation = 0
        self._types = {each.name: each for each in types}
        self._lineages = {name: self._climb(name) for name in self._types}
        self._below: dict[str, list[str]] = {name: [] for name in self._types}
        for name, asset_type in self._types.items():
            for step in self._lineages[name] if not asset_type.abstract else ():
                self._below[step].append(name)
        self._attributes: dict[str, dict[str, Attribute]] = {}
        self._operations: dict[str, dict[str, str]] = {}

    def _climb(self, name: str) -> list[str]:
        chain = [name]
        while (base := self._types[chain[-1]].base) is not None:
            chain.append(base)
        return chain

    def types(self) -> list[AssetType]:
        """Return all types, bases before what is derived from them."""
        return list(self._types.values())

    def get(self, name: str) -> AssetType | None:
        """Return the type of exactly that name (names are case-sensitive, versionone.md §1 I), or None."""
        return self._types.get(name)

    def lineage(self, name: str) -> list[str]:
        """Return the type itself and its bases, nearest first; KeyError for an unknown type."""
        return list(self._lineages[name])

    def is_a(self, name: str, ancestor: str) -> bool:
        """True if `name` is `ancestor` or derived from it; False for unknown types."""
        return ancestor in self._lineages.get(name, ())

    def concrete(self, name: str) -> list[str]:
        """Return the types that can have assets and are `name` or derived from it; KeyError for an unknown type."""
        return list(self._below[name])

    def attributes(self, name: str) -> Mapping[str, Attribute]:
        """Return all attributes of a type by name: inherited ones first, a type's own instead of an inherited one."""
        known = self._attributes.get(name)
        if known is None:
            known = {}
            for step in reversed(self._lineages[name]):
                known.update(self._types[step].attributes)
            self._attributes[name] = known
        return known

    def attribute(self, type_name: str, name: str) -> Attribute | None:
        """Return one attribute of a type, which may be abstract; None if either is unknown."""
        return self.attributes(type_name).get(name) if type_name in self._types else None

    def root(self, type_name: str, name: str) -> str:
        """Return the token of the attribute's first declaration, `Workitem.Parent` for `Parent` of a Task."""
        first = next(step for step in reversed(self._lineages[type_name]) if name in self._types[step].attributes)
        return f"{first}.{name}"

    def operations(self, name: str) -> Mapping[str, str]:
        """Return all operations of a type: name -> name of the validator attribute."""
        known = self._operations.get(name)
        if known is None:
            known = {}
            for step in reversed(self._lineages[name]):
                known.update(self._types[step].operations)
            self._operations[name] = known
        return known

    def add_attribute(self, type_name: str, attribute: Attribute) -> None:
        """Add an attribute to a type and so to all types below it; an own one of that name is replaced."""
        asset_type = self._types[type_name]
        self._replace(replace(asset_type, attributes={**asset_type.attributes, attribute.name: attribute}))

    def remove_attribute(self, type_name: str, name: str) -> None:
        """Remove an attribute from the type that declares it; KeyError if it does not."""
        asset_type = self._types[type_name]
        left = dict(asset_type.attributes)
        del left[name]
        self._replace(replace(asset_type, attributes=left))

    def _replace(self, asset_type: AssetType) -> None:
        self._types[asset_type.name] = asset_type
        self._attributes.clear()
        self.generation += 1
