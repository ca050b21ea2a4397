"""A path that has met the schema: which attributes it follows, and the values at its end."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from mirror.simulators.versionone.schema import Attribute
from mirror.simulators.versionone.state import RefusedError, Value
from mirror.simulators.versionone.view import View

Test = Callable[[View, int, int], bool]
"""A filter, compiled: the view, the asset, and the asset that the outermost query looks at."""

_NUMERIC = ("Numeric", "LongInt", "Opaque", "Rank", "State")


@dataclass(frozen=True, slots=True)
class Hop:
    """One attribute on the way.

    Attributes:
        downcast: only related assets of this type; "" for all.
        test: only related assets that pass; None for all.
    """

    attribute: Attribute
    downcast: str = ""
    test: Test | None = None


@dataclass(frozen=True, slots=True)
class Route:
    """A path, bound to the type it begins at.

    Attributes:
        name: what answers call it: the path as written, without the type of a full token.
        owner: only assets of this type have the attribute.
        aggregate: computed from the values at the end, such as `Count`; "" for the values themselves.
        attribute: what the result is like; for aggregates derived from the last attribute.
    """

    name: str
    owner: str
    hops: tuple[Hop, ...]
    aggregate: str
    attribute: Attribute

    def applies(self, view: View, asset: int) -> bool:
        """True if the asset has the attribute at all; queries for abstract types mix them. versionone.md §4.1 R"""
        return view.schema.is_a(view.type_of(asset), self.owner)

    @property
    def is_direct(self) -> bool:
        """True for an attribute of the asset itself, untouched."""
        return len(self.hops) == 1 and not self.aggregate and not self.hops[0].downcast and self.hops[0].test is None

    def value(self, view: View, asset: int, outer: int) -> Value:
        """Return what is at the end: one value, or a list if some attribute on the way has several.

        Lists keep a None for each asset without the last attribute, so that sibling paths stay aligned (§3.1 L).
        """
        if self.is_direct:
            return view.value(asset, self.hops[0].attribute.name)
        reached: list[int | None] = [asset]
        for hop in self.hops[:-1]:
            reached = follow(view, hop, reached, outer)
        ends = self._ends(view, reached, outer)
        if self.aggregate:
            return summarize(self.aggregate, [each for each in ends if each is not None])
        if self.attribute.multi:
            return ends
        return ends[0] if ends else None

    def _ends(self, view: View, reached: list[int | None], outer: int) -> list[Any]:
        last = self.hops[-1]
        if last.attribute.is_relation:
            return [each for each in follow(view, last, reached, outer) if each is not None]
        found: list[Any] = []
        for asset in reached:
            value = view.value(asset, last.attribute.name) if asset is not None else None
            if isinstance(value, list):
                found.extend(value)
            else:
                found.append(value)
        return found

    def values(self, view: View, asset: int, outer: int) -> list[Any]:
        """Return all values at the end as a list, without those that are missing."""
        value = self.value(view, asset, outer)
        if isinstance(value, list):
            return [each for each in value if each is not None]
        return [] if value is None else [value]


def follow(view: View, hop: Hop, sources: list[int | None], outer: int) -> list[int | None]:
    """Return the assets that a relation leads to, in order; None where a single relation is empty."""
    name, several = hop.attribute.name, hop.attribute.multi
    found: list[int | None] = []
    for source in sources:
        value: Any = view.value(source, name) if source is not None else None
        targets = (value or []) if several else [value]
        found.extend(each for each in targets if each is None or _passes(view, hop, each, outer))
    return found


def _passes(view: View, hop: Hop, asset: int, outer: int) -> bool:
    if hop.downcast and not view.schema.is_a(view.type_of(asset), hop.downcast):
        return False
    return hop.test is None or hop.test(view, asset, outer)


def summarize(aggregate: str, values: list[Any]) -> Value:
    """Compute an aggregate; with nothing to sum it is None, but counts are 0. versionone.md §3.2"""
    if aggregate == "Count":
        return len(values)
    if aggregate == "DistinctCount":
        return len(set(values))
    if not values:
        return None
    found: Value
    if aggregate == "Sum":
        found = sum(values)
    elif aggregate in ("Min", "MinDate"):
        found = min(values)
    elif aggregate in ("Max", "MaxDate"):
        found = max(values)
    else:
        found = all(values) if aggregate == "And" else any(values)
    return found


def result_of(hops: tuple[Hop, ...], aggregate: str) -> Attribute:
    """Return what the result of a path is like: kind, and whether there are several.

    Raises:
        RefusedError: the aggregate does not go with the attribute.
    """
    last = hops[-1].attribute
    if not aggregate:
        return replace(last, multi=True) if any(hop.attribute.multi for hop in hops) and not last.multi else last
    if aggregate in ("Count", "DistinctCount"):
        return replace(last, kind="Numeric", related=None, multi=False)
    fitting = {"Sum": _NUMERIC, "MinDate": ("Date",), "MaxDate": ("Date",), "And": ("Boolean",), "Or": ("Boolean",)}
    if last.kind not in fitting.get(aggregate, (*_NUMERIC, "Date")):
        raise RefusedError(400, f"Invalid aggregate: {last.token}.@{aggregate}")
    return replace(last, multi=False)
