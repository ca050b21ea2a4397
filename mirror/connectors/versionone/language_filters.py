"""Filters become expressions: versionone.md §4.1 D, with the open points as the simulator's defaults answer them (§11).

A value that is missing is unlike every other (`Status!='…'` holds for what has no status), and of many values one is enough
for `=`, none may be there for `!=`: so `!=` is the opposite of `=`. §4.1 I
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import TypeVar

from mirror.connectors.versionone import language_kinship as kinship
from mirror.connectors.versionone import language_names as names
from mirror.connectors.versionone.language_aggregates import ALL_OR_ANY, COUNTS, aggregate, result
from mirror.connectors.versionone.language_paths import Binder, Reading, Route, Sort
from mirror.connectors.versionone.language_syntax import Both, Comparison, Either, Filled, Node, Word
from mirror.connectors.versionone.language_values import ORDERED, Bounds, UnfitError, boolean, bounds
from mirror.model.part import Part
from mirror.query.expr import (
    EVERYTHING,
    NOTHING,
    OUTER_ID,
    OWN_ID,
    OWN_TYPE,
    All,
    AnyOf,
    Compare,
    Expr,
    Missing,
    Not,
    Op,
    Path,
    Some,
    Step,
)

_IS_SELF = "IsSelf"  # an attribute of Member alone (§2)
_SIGNS = {"=": Op.EQ, "!=": Op.EQ, "<": Op.LT, "<=": Op.LE, ">": Op.GT, ">=": Op.GE}
_OID = re.compile(r"([A-Za-z_]\w*):(-?\d+)(?::\d+)?")
_LIKE_OID = re.compile(r"[A-Za-z_]\w*:\S*")
_Value = TypeVar("_Value")
_RELATIONS = (Sort.REFERENCE, Sort.LINKS, Sort.REACHED)


class Filters:
    """Makes expressions of the filters in one text."""

    def __init__(self, reading: Reading) -> None:
        self.reading = reading
        self.binder = Binder(reading, self.make)

    def make(self, node: Node, types: tuple[str, ...]) -> Expr:
        """Return what holds for those records of `types` that meet a filter.

        Raises:
            QueryError: it does not make sense; with the place.
        """
        match node:
            case Both(items):
                return All(tuple(self.make(each, types) for each in items))
            case Either(items):
                return AnyOf(tuple(self.make(each, types) for each in items))
            case Filled(path, wanted):
                route = self.binder.bind(path, types)
                found = self._filled(route) if route.applies else NOTHING
                return found if wanted or not route.applies else _opposite(found)
            case Comparison():
                return self._comparison(node, types)

    def _comparison(self, node: Comparison, types: tuple[str, ...]) -> Expr:
        route, op = self.binder.bind(node.path, types), _SIGNS[node.operator.text]
        words = [word for each in node.values for word in self._values(each)]
        if op is Op.EQ:
            found = _any([self._equal(route, each) for each in words])
        else:
            self._refuse_unordered(route, node.operator)
            found = _any([self._ordered(route, op, each) for each in words if each.text or each.kind == "VARIABLE"])
        if not route.applies:
            return NOTHING
        return _opposite(found) if node.operator.text == "!=" else found

    def _values(self, word: Word) -> Sequence[Word]:
        """Return the values of a variable, at the place where it is used; others and `$` are themselves."""
        if word.kind != "VARIABLE" or not word.text:
            return [word]
        if word.text not in self.reading.variables:
            near = tuple(f"${each}" for each in self.reading.variables)
            raise self.reading.refusal(word.span, f"Unknown variable: ${word.text}", near)
        return [Word(each.text, each.kind, word.span) for each in self.reading.variables[word.text]]

    # Presence

    def _filled(self, route: Route) -> Expr:
        """Return whether there is a value at the end."""
        result(self.reading, route)
        if route.aggregate is not None and route.aggregate.text in COUNTS:
            return EVERYTHING
        return _any([_present(route, steps) for steps in route.ways])

    # Equality

    def _equal(self, route: Route, word: Word) -> Expr:
        if word.kind == "VARIABLE":
            return self._is_outer(route, word)
        if not word.text:
            return _opposite(self._filled(route))
        if route.end.sort in _RELATIONS and route.aggregate is None:
            return self._refers(route, word)
        if route.aggregate is not None and route.aggregate.text in ALL_OR_ANY:
            result(self.reading, route)
            wanted = self._fitting(word, lambda: boolean(word.text))
            return _all_or_any(route, wanted, decisive=route.aggregate.text == "@Or")
        if route.end.sort is Sort.ALIVE:
            return self._alive(route, wanted=self._fitting(word, lambda: boolean(word.text)))
        if route.end.field == _IS_SELF and route.aggregate is None and self.reading.asked.me is not None:
            return self._is_self(route, self.reading.asked.me, wanted=self._fitting(word, lambda: boolean(word.text)))
        return self._ordered(route, Op.EQ, word)

    def _is_outer(self, route: Route, word: Word) -> Expr:
        """`$` is the asset that the outermost filter looks at (§4.1 S, D)."""
        if route.end.sort not in _RELATIONS or route.aggregate is not None:
            raise self.reading.refusal(word.span, f"$ is an asset, and {route.token} is no relation")
        return _any([Compare(each, Op.EQ, Path(OUTER_ID)) for each in route.paths()])

    def _alive(self, route: Route, *, wanted: bool) -> Expr:
        self.reading.note("the mirror has no deleted assets, so IsDeleted is false for all of them")
        return NOTHING if wanted else _any([_present(route, steps) for steps in route.ways])

    def _is_self(self, route: Route, me: int, *, wanted: bool) -> Expr:
        """Return whether a member is us, or another: what was stored is about whoever signed in when it was read last."""
        found: list[Expr] = [Compare(Path(OWN_ID, steps), Op.EQ if wanted else Op.NE, me) for steps in route.ways]
        return _any(found)

    def _refers(self, route: Route, word: Word) -> Expr:
        """Return whether a relation leads to the asset of an oid token (§1), or to one of that name."""
        if word.text == "NULL":
            return _opposite(self._filled(route))
        matched = _OID.fullmatch(word.text)
        if matched is None:
            return self._called(route, word)
        known = kinship.known_types(self.reading.asked.layouts)
        if matched[1] not in known:
            raise self.reading.refusal(word.span, f"Unknown AssetType: {matched[1]}", names.near_type(matched[1], known))
        number = int(matched[2])
        if not -(2**63) < number < 2**63:
            return NOTHING
        below = kinship.concrete(matched[1], self.reading.asked.layouts) or (matched[1],)
        types = route.end.types
        if types and not set(types) & set(below):
            return NOTHING
        if types and set(types) <= set(below):
            return _any([Compare(each, Op.EQ, number) for each in route.paths()])
        return _any([_refers_to(route, steps, number, below) for steps in route.ways])

    def _called(self, route: Route, word: Word) -> Expr:
        if _LIKE_OID.fullmatch(word.text):
            raise self.reading.refusal(word.span, f"Invalid OID token: {word.text}")
        if route.is_id and word.text.isdigit():
            example = f"{route.end.types[0] if route.end.types else 'Story'}:{word.text}"
            raise self.reading.refusal(word.span, f"Invalid OID token: {word.text}; an oid token has its type, as {example}")
        self.reading.note(f"{route.token}='{word.text}' is read as {route.token}.Name; the server wants an oid token there")
        if route.end.sort is not Sort.REACHED:
            paths = [Path(route.end.field, each.steps, Part.NAME) for each in route.paths()]
            return _any([Compare(each, Op.EQ, word.text) for each in paths])
        shown = {self.reading.asked.layouts[each].type.name_field for each in route.end.types}
        field = shown.pop() if len(shown) == 1 else None
        if not field:
            raise self.reading.refusal(word.span, f"Invalid OID token: {word.text}")
        return _any([Compare(Path(field, steps), Op.EQ, word.text) for steps in route.ways])

    # Order

    def _refuse_unordered(self, route: Route, sign: Word) -> None:
        end = result(self.reading, route)
        if end.native not in ORDERED and not (end.sort in _RELATIONS and route.is_id):
            raise self.reading.refusal(sign.span, f"Invalid QueryFilter2 token '{sign.text}' for {route.token}")

    def _ordered(self, route: Route, op: Op, word: Word) -> Expr:
        """Return whether a value, or an aggregate, compares so with a word; an empty word is above and below nothing."""
        if word.kind == "VARIABLE":
            raise self.reading.refusal(word.span, f"$ is an asset, and {route.token} is no relation")
        end = result(self.reading, route)
        if end.sort in _RELATIONS:
            return self._beyond(route, op, word)
        limits = self._fitting(word, lambda: bounds(op, end, word.text, self.reading.asked.time_zone))
        if limits is None:
            return NOTHING
        if route.aggregate is not None:
            term = aggregate(self.reading, route, route.aggregate)
            there = EVERYTHING if route.aggregate.text in COUNTS else self._filled(route)
            return All(tuple(Compare(term, each, value) for each, value in limits)) if limits else there
        return _any([_meets(route, steps, limits) for steps in route.ways])

    def _beyond(self, route: Route, op: Op, word: Word) -> Expr:
        """Return whether an id lies on one side of that of an oid token, for `ID>'Story:1005'`."""
        matched = _OID.fullmatch(word.text)
        if matched is None:
            raise self.reading.refusal(word.span, f"Invalid OID token: {word.text}")
        return _any([Compare(each, op, int(matched[2])) for each in route.paths()])

    def _fitting(self, word: Word, read: Callable[[], _Value]) -> _Value:
        try:
            return read()
        except UnfitError as unfit:
            raise self.reading.refusal(word.span, str(unfit)) from None


def _any(items: Sequence[Expr]) -> Expr:
    return items[0] if len(items) == 1 else AnyOf(tuple(items))


def _opposite(item: Expr) -> Expr:
    return item.item if isinstance(item, Not) else Not(item)


def _present(route: Route, steps: tuple[Step, ...]) -> Expr:
    """Return whether there is a value at the end of one way."""
    if route.end.sort in (Sort.FIELD, Sort.REFERENCE, Sort.LINKS):
        return Not(Missing(route.path(steps)))
    return Some(steps, EVERYTHING) if steps else EVERYTHING


def _all_or_any(route: Route, wanted: bool, *, decisive: bool) -> Expr:
    """Return whether the booleans at the end, taken together, are as wanted; with none there is no answer.

    Args:
        decisive: what one of them alone decides: False for `@And`, True for `@Or`.
    """
    found = _any([Compare(each, Op.EQ, decisive) for each in route.paths()])
    if wanted == decisive:
        return found
    return All((_any([Not(Missing(each)) for each in route.paths()]), Not(found)))


def _meets(route: Route, steps: tuple[Step, ...], limits: Bounds) -> Expr:
    """Return whether one and the same value meets all limits."""
    if len(limits) == 1 or not steps:
        compared = [Compare(route.path(steps), op, value) for op, value in limits]
        return All(tuple(compared)) if len(compared) > 1 else compared[0] if compared else _present(route, steps)
    return Some(steps, All(tuple(Compare(route.path(), op, value) for op, value in limits)) if limits else EVERYTHING)


def _refers_to(route: Route, steps: tuple[Step, ...], number: int, types: tuple[str, ...]) -> Expr:
    """Return whether a relation leads to the asset of that id and of one of these types."""
    end = route.end
    if end.sort is Sort.LINKS:
        return Compare(Path(OWN_ID, (*steps, Step(end.field, types))), Op.EQ, number)
    kind = Path(end.field, part=Part.TYPE) if end.sort is Sort.REFERENCE else Path(OWN_TYPE)
    both = All((Compare(route.path(), Op.EQ, number), _any([Compare(kind, Op.EQ, each) for each in types])))
    return Some(steps, both) if steps else both
