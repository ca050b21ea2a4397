"""Aggregates at the end of a path: `Children.ToDo.@Sum`, `Owners.@Count`. versionone.md §4.1 D.

The contract does not say whether an asset that is reached in two ways counts twice; here it counts once.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from mirror.connectors.versionone.language_paths import End, Reading, Route, Sort
from mirror.connectors.versionone.language_syntax import Word
from mirror.model.schema import Kind
from mirror.query.expr import OWN_ID, Aggregate, Function, Path, Step

ALL_OR_ANY = ("@And", "@Or")
COUNTS = ("@Count", "@DistinctCount")

_NUMBERS = ("Numeric", "LongInt", "Opaque", "Rank", "State")
_FUNCTIONS = {
    "@Sum": (Function.SUM, _NUMBERS),
    "@Min": (Function.MIN, (*_NUMBERS, "Date")),
    "@Max": (Function.MAX, (*_NUMBERS, "Date")),
    "@MinDate": (Function.MIN, ("Date",)),
    "@MaxDate": (Function.MAX, ("Date",)),
}
"""What each is for, by attributetype."""

AGGREGATES = (*COUNTS, *_FUNCTIONS, *ALL_OR_ANY)


def result(reading: Reading, route: Route) -> End:
    """Return what a route ends in: with an aggregate, what that gives.

    Raises:
        QueryError: there is no such aggregate, or not of such values.
    """
    word = route.aggregate
    if word is None:
        return route.end
    if word.text not in AGGREGATES:
        near = tuple(each for each in AGGREGATES if each.casefold() == word.text.casefold()) or AGGREGATES
        raise reading.refusal(word.span, f"Invalid QueryFilter2 token '{word.text}': no aggregate is called so", near)
    if word.text in COUNTS:
        return End(Sort.FIELD, kind=Kind.INTEGER, native="Numeric")
    fitting = ("Boolean",) if word.text in ALL_OR_ANY else _FUNCTIONS[word.text][1]
    kept_as_text = route.end.kind in (Kind.TEXT, Kind.VALUES)
    if route.end.native not in fitting or kept_as_text:
        raise reading.refusal(word.span, f"Invalid aggregate: {route.token}.{word.text}")
    return replace(route.end, sort=Sort.FIELD)


def aggregate(reading: Reading, route: Route, word: Word) -> Aggregate:
    """Return the term of a route with the aggregate `word`.

    Raises:
        QueryError: no database can be asked for it.
    """
    result(reading, route)
    if word.text in ALL_OR_ANY:
        return _over(Function.MIN if word.text == "@And" else Function.MAX, route.paths())
    if word.text == "@DistinctCount":
        return _distinct(route)
    return _over(Function.COUNT if word.text in COUNTS else _FUNCTIONS[word.text][0], route.paths())


def _distinct(route: Route) -> Aggregate:
    """Return how many different values there are; of relations, how many different assets."""
    if route.end.sort in (Sort.REACHED, Sort.KEY):
        return _over(Function.COUNT, route.paths())
    if route.end.sort in (Sort.REFERENCE, Sort.LINKS):
        step = Step(route.end.field, route.end.types)
        return _over(Function.COUNT, (Path(OWN_ID, (*each.steps, step)) for each in route.paths()))
    return _over(Function.DISTINCT, route.paths())


def _over(function: Function, paths: Iterable[Path]) -> Aggregate:
    first, *others = paths
    return Aggregate(function, first, tuple(others))
