"""Which attribute a name means: exactly, in any case, without `Custom_`, or by the name that people see."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence

from mirror.connectors.versionone.language_kinship import other_side, other_sides
from mirror.model.layout import Layout

CUSTOM = "Custom_"
HEADS = ("ID", "Key", "AssetType", "IsDeleted")
"""What every record's head tells, which therefore is no field (§5.4 R)."""

KEPT_NOWHERE = frozenset(
    """Now History Prior Is Days Viewers CanUpdate IsReadOnly IsDeletable SecurityScope FakeAssetState
    EffectiveAssetState MyLastChangeDate MyLastChangeDateUTC MyLastChangeMoment MyLastChangeReason
    MyLastChangeComment""".split()
)
"""Worked out by the server at each reading, so the mirror does not have it (§5.4 R)."""


def meant(name: str, types: Sequence[str], layouts: Mapping[str, Layout]) -> tuple[str, ...]:
    """Return the attributes of all of `types` that `name` may mean: one, none, or several when it is ambiguous.

    The exact name always wins. What only some of the types have is not found.
    """
    if name in HEADS or all(has(each, name, layouts) for each in types):
        return (name,)
    found: list[set[str]] = [set(_loosely(name, each, layouts)) for each in types]
    return tuple(sorted(set.intersection(*found))) if found else ()


def near(name: str, types: Iterable[str], layouts: Mapping[str, Layout]) -> tuple[str, ...]:
    """Return names of attributes that are written much like this one, best first."""
    every: dict[str, str] = {}
    for each in types:
        for known in _names(each, layouts):
            every.setdefault(known.casefold(), known)
    found = difflib.get_close_matches(name.casefold(), list(every), n=3, cutoff=0.7)
    return tuple(every[each] for each in found)


def near_type(name: str, known: Iterable[str]) -> tuple[str, ...]:
    """Return names of types that are written much like this one."""
    folded = {each.casefold(): each for each in sorted(known)}
    return tuple(folded[each] for each in difflib.get_close_matches(name.casefold(), list(folded), n=3, cutoff=0.7))


def utc_twin(name: str, layout: Layout) -> str:
    """Return the attribute with the same instant in UTC, which is the one mirrored; empty when there is none (§9 D)."""
    return f"{name}UTC" if layout.type.field(name) is None and layout.type.field(f"{name}UTC") is not None else ""


def has(type_name: str, name: str, layouts: Mapping[str, Layout]) -> bool:
    """Return whether assets of a type have an attribute, or another side, of that exact name."""
    layout = layouts[type_name]
    return bool(layout.type.field(name) or utc_twin(name, layout) or other_side(type_name, name, layouts))


def _loosely(name: str, type_name: str, layouts: Mapping[str, Layout]) -> list[str]:
    folded = " ".join(name.casefold().split())
    spellings = {folded, f"{CUSTOM}{folded}".casefold()}
    known = _names(type_name, layouts)
    return [each for each in known if each.casefold() in spellings] or [
        each.name for each in layouts[type_name].type.fields if " ".join(each.display_name.casefold().split()) == folded
    ]


def _names(type_name: str, layouts: Mapping[str, Layout]) -> list[str]:
    fields = [each.name for each in layouts[type_name].type.fields]
    twins = [each.removesuffix("UTC") for each in fields if each.endswith("UTC") and each.removesuffix("UTC") not in fields]
    return [*HEADS, *fields, *twins, *other_sides(type_name, layouts)]
