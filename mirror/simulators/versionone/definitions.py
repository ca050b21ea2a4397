"""Reads the text tables of types and attributes and completes them into a schema.

One type per header line: `Name : Base [abstract] [number=S-] [order=Attr] [display=Attr] [short=Attr] [description=Attr]`;
the base `-` means none. A type has all attributes and operations of its bases.

One attribute per line: `Name Kind[:flags] [Target[/OtherSide]]`. Kinds are attributetypes. Flags: `!` required,
`r` read-only, `*` multi-valued, `b` basic, `d` date without time, `u` rendered in UTC. Only the owning side of a relation is
written here (versionone.md §7.3); its other side, `OtherSide` of `Target`, is made from it. An attribute that a base has too
refines the base's and keeps its other side. `@ops` lists operations, `@self` is the declaring type.

Made besides: the validators `Check<Operation>` (§5.4) and, for relations within one tree, the closures
`<X>AndUp`, `<X>MeAndUp`, `<X>AndDown`, `<X>MeAndDown`, `<X>AndMe` (§5.4).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from functools import cache

from mirror.simulators.versionone import definitions_around as around
from mirror.simulators.versionone import definitions_work as work
from mirror.simulators.versionone.schema import AssetType, Attribute, Schema

_TABLES = (
    work.CORE,
    work.PLACES,
    work.WORKITEMS,
    around.PLANNING,
    around.QUALITY,
    around.BESIDE,
    around.SYSTEM,
)

_SELF = ("ID", "History", "Prior")
"""Relations of an asset to itself; meta names the very type as the related one. versionone.md §5.4 R."""


@dataclass(slots=True)
class _Draft:
    """A type while it is being put together; `order` and the like are attribute names, "" to inherit."""

    name: str
    base: str | None
    abstract: bool
    order: str = ""
    display: str = ""
    short: str = ""
    description: str = ""
    number: str | None = None
    attributes: dict[str, Attribute] = field(default_factory=dict)
    operations: dict[str, str] = field(default_factory=dict)


def make_attribute(owner: str, name: str, kind: str, target: str = "") -> Attribute:
    """Return an attribute from its words in a table; ValueError for an unknown flag."""
    word, _, flags = kind.partition(":")
    if set(flags) - set("!r*bdu"):
        raise ValueError(f"{owner}.{name}: unknown flags {flags!r}")
    related, _, other = target.partition("/")
    related = owner if related == "@self" else related
    custom = name.startswith("Custom_")
    return Attribute(
        name=name,
        owner=owner,
        kind=word,
        related=related or None,
        multi="*" in flags,
        required="!" in flags,
        read_only="r" in flags,
        canned=not custom,
        custom=custom,
        basic="b" in flags,
        reciprocal=f"{related}.{other}" if other else None,
        utc="u" in flags,
        date_only="d" in flags,
    )


def built_in_schema() -> Schema:
    """Return the schema of a fresh instance, custom fields included."""
    return Schema(_built_in_types())


@cache
def _built_in_types() -> tuple[AssetType, ...]:
    drafts = _read_tables()
    for draft in drafts.values():
        _refine_self(draft)
    _add_custom_fields(drafts)
    _add_other_sides(drafts)
    _add_closures(drafts)
    _add_validators(drafts)
    return tuple(_finish(drafts, draft) for draft in drafts.values())


def _read_tables() -> dict[str, _Draft]:
    drafts: dict[str, _Draft] = {}
    current = _Draft("", None, abstract=True)
    for line in "\n".join(_TABLES).splitlines():
        words = line.split()
        if not words:
            continue
        if not line.startswith(" "):
            current = drafts[words[0]] = _header(line)
        elif words[0] == "@ops":
            current.operations.update((name, _validator(name)) for name in words[1:])
        else:
            attribute = make_attribute(current.name, *words)
            current.attributes[attribute.name] = attribute
    for name in around.LISTS:
        drafts[name] = _Draft(name, "List", abstract=False)
    return drafts


def _header(line: str) -> _Draft:
    name, _, rest = line.partition(" : ")
    base, *words = rest.split()
    options = dict(re.findall(r"(\w+)=(\S+)", rest))
    return _Draft(
        name,
        None if base == "-" else base,
        abstract="abstract" in words,
        order=options.get("order", ""),
        display=options.get("display", ""),
        short=options.get("short", ""),
        description=options.get("description", ""),
        number=options.get("number"),
    )


def _validator(operation: str) -> str:
    # versionone.md §5.1 R: Operation Delete has the Validator Story.IsDeletable; others have Check<Op> (§6.2 R).
    return "IsDeletable" if operation == "Delete" else f"Check{operation}"


def _lineage(drafts: dict[str, _Draft], name: str) -> list[str]:
    chain = [name]
    while (base := drafts[chain[-1]].base) is not None:
        chain.append(base)
    return chain


def _find(drafts: dict[str, _Draft], names: list[str], attribute: str) -> Attribute | None:
    return next((drafts[name].attributes[attribute] for name in names if attribute in drafts[name].attributes), None)


def _refine_self(draft: _Draft) -> None:
    if draft.base is not None:
        for name in _SELF:
            kind = "Relation:r*" if name == "History" else "Relation:r"
            draft.attributes[name] = make_attribute(draft.name, name, kind, "@self")


def _add_custom_fields(drafts: dict[str, _Draft]) -> None:
    for line in around.CUSTOM_FIELDS.strip().splitlines():
        owner, *words = line.split()
        attribute = make_attribute(owner, *words)
        drafts[owner].attributes[attribute.name] = attribute


def _add_other_sides(drafts: dict[str, _Draft]) -> None:
    for draft in list(drafts.values()):
        for attribute in list(draft.attributes.values()):
            inherited = _find(drafts, _lineage(drafts, draft.name)[1:], attribute.name)
            if inherited is not None and attribute.reciprocal is None and inherited.reciprocal is not None:
                draft.attributes[attribute.name] = replace(attribute, reciprocal=inherited.reciprocal)
            elif attribute.reciprocal is not None and attribute.forward is None:
                _add_other_side(drafts, attribute)


def _add_other_side(drafts: dict[str, _Draft], attribute: Attribute) -> None:
    owner, _, name = (attribute.reciprocal or "").partition(".")
    if name in drafts[owner].attributes:
        raise ValueError(f"{owner}.{name} is declared twice")
    drafts[owner].attributes[name] = Attribute(
        name=name,
        owner=owner,
        kind="Relation",
        related=attribute.owner,
        multi=True,
        read_only=not attribute.multi,
        reciprocal=attribute.token,
        forward=attribute.name,
    )


def _add_closures(drafts: dict[str, _Draft]) -> None:
    for draft in list(drafts.values()):
        for attribute in list(draft.attributes.values()):
            if attribute.forward is not None or attribute.multi or attribute.reciprocal is None:
                continue
            top, _, other = attribute.reciprocal.partition(".")
            first = _find(drafts, _lineage(drafts, draft.name)[1:], attribute.name) is None
            related = attribute.related or ""
            tree = related in _lineage(drafts, draft.name) or draft.name in _lineage(drafts, related)
            if first and tree:
                _add_tree(drafts, attribute, other, top)


def _add_tree(drafts: dict[str, _Draft], up: Attribute, down: str, top: str) -> None:
    for owner, name, related, closure in (
        (up.owner, f"{up.name}AndUp", top, f"{up.name} up"),
        (up.owner, f"{up.name}MeAndUp", up.owner, f"{up.name} me up"),
        (up.owner, f"{up.name}AndMe", up.owner, f"{up.name} me one"),
        (top, f"{down}AndDown", up.owner, f"{down} down"),
        (top, f"{down}MeAndDown", up.owner, f"{down} me down"),
        (top, f"{down}AndMe", up.owner, f"{down} me one"),
    ):
        made = make_attribute(owner, name, "Relation:r*", related)
        drafts[owner].attributes[name] = replace(made, closure=closure)


def _add_validators(drafts: dict[str, _Draft]) -> None:
    for draft in drafts.values():
        for operation in draft.operations:
            name = f"Check{operation}"
            draft.attributes[name] = make_attribute(draft.name, name, "Boolean:r")


def _finish(drafts: dict[str, _Draft], draft: _Draft) -> AssetType:
    chain = _lineage(drafts, draft.name)
    attributes = {name: _shown(drafts, attribute) for name, attribute in draft.attributes.items()}
    return AssetType(
        name=draft.name,
        base=draft.base,
        abstract=draft.abstract,
        attributes=attributes,
        operations=draft.operations,
        default_order_by=_option(drafts, chain, "order") or "ID",
        display_by=_option(drafts, chain, "display"),
        short_name=_option(drafts, chain, "short"),
        description=_option(drafts, chain, "description"),
        number_prefix=draft.number,
    )


def _option(drafts: dict[str, _Draft], chain: list[str], name: str) -> str | None:
    return next((value for step in chain if (value := str(getattr(drafts[step], name)))), None)


def _shown(drafts: dict[str, _Draft], attribute: Attribute) -> Attribute:
    related = attribute.related
    if related is None:
        return attribute
    chain = _lineage(drafts, related)
    display, order = _option(drafts, chain, "display"), _option(drafts, chain, "order")
    return replace(
        attribute,
        display_by=f"{related}.{display}" if display else None,
        order_by=f"{related}.{order}" if order else None,
    )
