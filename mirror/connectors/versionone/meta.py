"""What meta.v1 tells about types and attributes, as plain data, and how one follows from another.

Source: versionone.md §5.1, §7.1.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

MOMENT = "Moment"

_AS_DATA = frozenset("AssetType AttributeDefinition Operation Override BusinessRule DefaultRule PrimaryRelation".split())
"""Types that describe types; they and what is derived from them are no records (§5.3 R)."""


@dataclass(frozen=True, slots=True)
class MetaAttribute:
    """One attribute definition.

    Attributes:
        kind: the attributetype (§5.2).
        related: for relations, the type on the other side, which may be abstract; empty when not told.
        reciprocal: the token of the other side, `Scope.Workitems`; empty when there is none.
        inherited: the token of the definition this one is inherited from; empty for an own one.
    """

    name: str
    kind: str
    display_name: str = ""
    related: str = ""
    multi: bool = False
    required: bool = False
    read_only: bool = False
    custom: bool = False
    reciprocal: str = ""
    inherited: str = ""


@dataclass(frozen=True, slots=True)
class MetaType:
    """One type with all its attributes, inherited ones included.

    Attributes:
        base: empty for a root.
        display: the token of the attribute its assets are shown by; empty when there is none.
        operations: names of what can be done to its assets, inherited ones included (§6.2).
    """

    name: str
    base: str = ""
    abstract: bool = False
    display_name: str = ""
    display: str = ""
    attributes: Mapping[str, MetaAttribute] = field(default_factory=dict)
    operations: tuple[str, ...] = ()


@dataclass(frozen=True)
class Meta:
    """All types of an instance."""

    types: Mapping[str, MetaType]

    def lineage(self, name: str) -> list[str]:
        """Return the type and its bases, nearest first; unknown types have none."""
        chain: list[str] = []
        while name in self.types and name not in chain:
            chain.append(name)
            name = self.types[name].base
        return chain

    def is_a(self, name: str, ancestor: str) -> bool:
        """Return whether `name` is `ancestor` or derived from it."""
        return ancestor in self.lineage(name)

    def records(self) -> Iterator[MetaType]:
        """Yield the types that can have assets worth a table; without a moment there is no telling versions apart."""
        for name, each in self.types.items():
            if not each.abstract and MOMENT in each.attributes and _AS_DATA.isdisjoint(self.lineage(name)):
                yield each

    @cached_property
    def _concrete(self) -> Mapping[str, frozenset[str]]:
        below: dict[str, set[str]] = {}
        for name, each in self.types.items():
            for step in () if each.abstract else self.lineage(name):
                below.setdefault(step, set()).add(name)
        return {name: frozenset(some) for name, some in below.items()}

    def concrete(self, name: str) -> frozenset[str]:
        """Return the types with assets that are `name` or derived from it."""
        return self._concrete.get(name, frozenset())

    def shown_by(self, name: str) -> str:
        """Return the attribute that assets of a type are shown by; empty when there is none.

        A base decides for all types below it, so that a record has one name, whoever refers to it.
        """
        for step in reversed(self.lineage(name)):
            attribute = self.types[step].display.rpartition(".")[2]
            found = self.types[step].attributes.get(attribute)
            if found is not None and found.kind != "Relation" and not found.multi:
                return attribute
        return ""

    def attribute(self, token: str) -> MetaAttribute | None:
        """Return the attribute of a token `Type.Name`, or None."""
        owner, _, name = token.partition(".")
        return self.types[owner].attributes.get(name) if owner in self.types else None

    def follows_parent(self, name: str) -> bool:
        """Return whether a type's project, sprint, team and portfolio item are its parent's and not its own (§6.4 R).

        They are then read-only, below a parent that is required.
        """
        attributes = self.types[name].attributes if name in self.types else {}
        parent, scope = attributes.get("Parent"), attributes.get("Scope")
        return bool(parent and parent.required and not parent.multi and scope and scope.read_only)


def writable_instant(owner: MetaType, name: str) -> MetaAttribute | None:
    """Return the attribute that shows the instant `name` in the user's zone, when that is the one to write.

    `PromisedUTC` is the instant of `Promised`, which is what clients write, in the user's zone (§6.1 S, §9 D).
    """
    twin = owner.attributes.get(name.removesuffix("UTC")) if name.endswith("UTC") else None
    return twin if twin is not None and twin.kind == "Date" and not twin.read_only else None
