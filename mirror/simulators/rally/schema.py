"""A workspace's types and attributes: what exists, what it inherits, which ends of a link belong together.

Immutable facts are dataclasses; a `Schema` is the one thing that changes, when an administrator adds, removes or
retypes a custom field, and then its digest changes too (rally.md §7 C: Workspace.SchemaVersion, 32 hex digits).
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, replace
from functools import cache

from mirror.simulators.rally import definitions

_KIND = re.compile(r"(string|text|integer|decimal|boolean|date|raw|weblink|pick|state|ref|many|multi|inverse)([!rch.]*)")

_QUANTITIES = frozenset(
    {"PlanEstimate", "Estimate", "ToDo", "Actuals", "TimeSpent", "PlannedVelocity"}
    | {"TaskEstimateTotal", "TaskRemainingTotal", "TaskActualTotal"}
)

_ATTRIBUTE_TYPES = {
    "string": "STRING",
    "text": "TEXT",
    "integer": "INTEGER",
    "decimal": "DECIMAL",
    "boolean": "BOOLEAN",
    "date": "DATE",
    "raw": "RAW",
    "weblink": "WEB_LINK",
    "pick": "RATING",
    "state": "STATE",
    "ref": "OBJECT",
    "many": "COLLECTION",
    "multi": "COLLECTION",
    "inverse": "COLLECTION",
}

_LENGTHS = {"Name": 256, "Description": 32768, "Notes": 32768}
"""Longest texts, in characters. rally.md §6 S/D."""


@dataclass(frozen=True, slots=True)
class Attribute:
    """One field of a type.

    Attributes:
        name: the JSON name (`ElementName`).
        kind: a word of `definitions.py`; `multi` is a collection of allowed values, `weblink` an address with a label.
        target: for references and collections, the type on the other side; the common ancestor if there are several.
        other: for `many` the collection at the other end, "" if there is none; for `inverse` the reference field there.
        sources: for `inverse`, the types whose reference is looked at.
        values: the allowed values, in their order.
        default: what a new object gets, and what an object shows that never had a value.
        max_length: characters; -1 when unlimited.
    """

    name: str
    kind: str
    display: str
    custom: bool = False
    required: bool = False
    read_only: bool = False
    create_only: bool = False
    hidden: bool = False
    target: str = ""
    other: str = ""
    sources: tuple[str, ...] = ()
    values: tuple[str, ...] = ()
    default: object = None
    max_length: int = -1

    @property
    def is_collection(self) -> bool:
        """True for every kind of collection."""
        return self.kind in ("many", "multi", "inverse")

    @property
    def is_writable_collection(self) -> bool:
        """True for collections whose members a client may add and remove."""
        return self.kind in ("many", "multi") and not self.read_only

    @property
    def attribute_type(self) -> str:
        """The vendor's word for the kind. rally.md §7 S."""
        if self.kind == "pick" and self.custom:
            return "STRING"
        if self.name in _QUANTITIES:
            return "QUANTITY"
        return _ATTRIBUTE_TYPES[self.kind]


@dataclass(frozen=True, slots=True)
class TypeSpec:
    """One type as declared, without what it inherits.

    Attributes:
        path: `TypePath`, such as `PortfolioItem/Feature`.
        verbs: letters of `definitions.py`.
        ordinal: level among portfolio items, 0 lowest; -1 elsewhere. rally.md §7 S.
    """

    path: str
    parent: str
    verbs: str
    prefix: str = ""
    name: str = ""
    display: str = ""
    ordinal: int = -1
    own: tuple[Attribute, ...] = ()

    @property
    def element(self) -> str:
        """`ElementName`: the last part of the path."""
        return self.path.rpartition("/")[2]

    def can(self, verb: str) -> bool:
        """True if the type has that verb letter."""
        return verb in self.verbs


def _spaced(name: str) -> str:
    bare = name.removeprefix("c_")
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", bare)


def make_attribute(name: str, kind: str, argument: str = "", *, custom: bool = False) -> Attribute:
    """Build an attribute from a kind with flags and its argument, both as in `definitions.py`."""
    matched = _KIND.fullmatch(kind)
    if matched is None:
        raise ValueError(f"{name}: unknown kind {kind!r}")
    word, flags = matched.groups()
    argument, _, default = argument.partition("=")
    made = Attribute(
        name=name,
        kind=word,
        display=_spaced(name),
        custom=custom,
        required="!" in flags,
        read_only="r" in flags or word == "inverse",
        create_only="c" in flags,
        hidden="h" in flags,
        max_length=_max_length(name, word),
    )
    return _with_default(_with_argument(made, argument.strip()), default)


def _max_length(name: str, word: str) -> int:
    if word == "string":
        return _LENGTHS.get(name, 256)
    return _LENGTHS.get(name, 32768 if name.startswith("c_") else 2048) if word == "text" else -1


def _with_argument(made: Attribute, argument: str) -> Attribute:
    if made.kind in ("pick", "state", "multi"):
        target = "AllowedAttributeValue" if made.kind == "multi" else ""
        return replace(made, values=tuple(argument.split("|")), target=target)
    if made.kind == "ref":
        return replace(made, target=argument)
    if made.kind in ("many", "inverse"):
        target, _, other = argument.partition(".")
        sources = tuple(target.split("|"))
        return replace(made, target=target if len(sources) == 1 else "Artifact", other=other, sources=sources)
    return made


def _with_default(made: Attribute, text: str) -> Attribute:
    if text:
        value: object = {"integer": int, "decimal": float}.get(made.kind, str)(text)
        return replace(made, default=value)
    # An unset built-in rating reads "None", a custom drop-down null, an empty text "". rally.md §5 R
    if made.kind == "pick" and "None" in made.values and not made.custom:
        return replace(made, default="None")
    if made.kind == "state":
        return replace(made, default=made.values[0])
    simple: dict[str, object] = {"text": "", "boolean": False}
    return replace(made, default=simple.get(made.kind))


@cache
def built_in() -> tuple[TypeSpec, ...]:
    """Return all types as declared in `definitions.py`, ancestors first."""
    specs: list[TypeSpec] = []
    for table in definitions.TABLES:
        for line in table.splitlines():
            if line.startswith("    "):
                words = line.split(None, 2)
                attribute = make_attribute(words[0], words[1], words[2] if len(words) > 2 else "")
                specs[-1] = replace(specs[-1], own=(*specs[-1].own, attribute))
            elif line.strip():
                specs.append(_header(line))
    return tuple(specs)


def _header(line: str) -> TypeSpec:
    path, _, rest = line.partition(" : ")
    parent, verbs, *_ = rest.split()
    options = {key: value.strip() for key, value in re.findall(r"(\w+)=(.*?)(?=\s\w+=|$)", rest)}
    name = options.get("name", path)
    return TypeSpec(
        path=path,
        parent="" if parent == "-" else parent,
        verbs=verbs if "=" not in verbs else "",
        prefix=options.get("prefix", ""),
        name=name,
        display=options.get("display", name),
        ordinal=int(options.get("ordinal", "-1")),
    )


class Schema:
    """The types of one workspace, with its custom fields."""

    def __init__(self, salt: str = "") -> None:
        self._salt = salt
        self._specs = {spec.path: spec for spec in built_in()}
        self._by_lower = {path.lower(): path for path in self._specs}
        self._custom: dict[str, dict[str, Attribute]] = {}
        self._digest = ""
        self._attributes = {path: self._collect(path) for path in self._specs}
        self._concrete = self._descendants()
        self._inverses = dict(self._pairs())

    @property
    def digest(self) -> str:
        """32 hex digits that change with every change of the schema. rally.md §7 C/R."""
        if not self._digest:
            text = repr(sorted((path, sorted(map(repr, fields.values()))) for path, fields in self._attributes.items()))
            self._digest = hashlib.md5(f"{self._salt}{text}".encode(), usedforsecurity=False).hexdigest()
        return self._digest

    def find(self, path: str) -> TypeSpec | None:
        """Return the type of that path, whatever its case (rally.md §1 R), or None."""
        known = self._by_lower.get(path.lower())
        return self._specs[known] if known else None

    def spec(self, path: str) -> TypeSpec:
        """Return the type of exactly that path."""
        return self._specs[path]

    def specs(self) -> tuple[TypeSpec, ...]:
        """Return all types, ancestors first."""
        return tuple(self._specs.values())

    def lineage(self, path: str) -> tuple[str, ...]:
        """Return the type and its ancestors, nearest first."""
        chain: list[str] = []
        while path:
            chain.append(path)
            path = self._specs[path].parent
        return tuple(chain)

    def concrete(self, path: str) -> tuple[str, ...]:
        """Return the types that can have objects and are `path` or descend from it."""
        return self._concrete[path]

    def attributes(self, path: str) -> dict[str, Attribute]:
        """Return all attributes of a type, inherited first, custom last, by name."""
        return self._attributes[path]

    def attribute(self, path: str, name: str) -> Attribute | None:
        """Return one attribute, on the type itself or, for an abstract type, on any type below it."""
        found = self._attributes[path].get(name)
        if found is not None or not self._specs[path].can("a"):
            return found
        below = (self._attributes[lower].get(name) for lower in self._concrete[path])
        return next((attribute for attribute in below if attribute is not None), None)

    def inverse_of(self, path: str, field: str, target: str) -> str:
        """Return the collection on `target` that mirrors the reference `field` of `path`; "" when there is none."""
        return self._inverses.get((path, field, target), "")

    def custom(self, path: str) -> dict[str, Attribute]:
        """Return the custom fields declared on the type itself."""
        return self._custom.get(path, {})

    def put_custom(self, path: str, attribute: Attribute) -> None:
        """Add a custom field, or replace the one of that name."""
        self._custom.setdefault(path, {})[attribute.name] = attribute
        self._rebuild(path)

    def drop_custom(self, path: str, name: str) -> None:
        """Remove a custom field; KeyError if there is none."""
        del self._custom[path][name]
        self._rebuild(path)

    def _rebuild(self, path: str) -> None:
        for below in (path, *self._concrete[path]):
            self._attributes[below] = self._collect(below)
        self._digest = ""

    def _collect(self, path: str) -> dict[str, Attribute]:
        own: dict[str, Attribute] = {}
        custom: dict[str, Attribute] = {}
        for step in reversed(self.lineage(path)):
            own.update((attribute.name, attribute) for attribute in self._specs[step].own)
            custom.update(self._custom.get(step, {}))
        return {**own, **{name: custom[name] for name in sorted(custom)}}

    def _descendants(self) -> dict[str, tuple[str, ...]]:
        found: dict[str, list[str]] = {path: [] for path in self._specs}
        for spec in self._specs.values():
            for step in self.lineage(spec.path) if not spec.can("a") else ():
                found[step].append(spec.path)
        return {path: tuple(below) for path, below in found.items()}

    def _pairs(self) -> list[tuple[tuple[str, str, str], str]]:
        found = []
        for path in self._specs:
            for attribute in self._attributes[path].values():
                if attribute.kind == "inverse":
                    sources = {low for source in attribute.sources for low in self._concrete[source]}
                    found += [((low, attribute.other, path), attribute.name) for low in sources]
        return found
