"""Terms as values of a SELECT: what is read of a record, compared as a whole, or ordered by."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import (
    CompoundSelect,
    FromClause,
    Text,
    case,
    cast,
    func,
    literal,
    literal_column,
    select,
    union,
    union_all,
)

from mirror.model.schema import Kind
from mirror.query.expr import Aggregate, Expr, Function, Order, Path, Step, Term
from mirror.query.reach import is_many
from mirror.query.values import FAMILIES, Family
from mirror.store.column_types import column_type
from mirror.store.search_places import Ground, Place, Value, Way
from mirror.store.search_words import Condition, Element, Selected

Holds = Callable[[Expr, Place], Condition]
_COUNTS = (Function.COUNT, Function.DISTINCT)
_NO_POSITION: Element = literal_column("0")


class Terms:
    """The terms of one query."""

    def __init__(self, ground: Ground, holds: Holds) -> None:
        """Begin.

        Args:
            holds: gives the condition that an Expr holds for a place.
        """
        self._ground = ground
        self._words = ground.words
        self._holds = holds

    def one(self, term: Term, place: Place) -> Value | None:
        """Return the one value of an aggregate, or of a path; of many values the least. None when there can be none."""
        if isinstance(term, Aggregate):
            return self._aggregate(term, place)
        ends = list(self._ends(term, place))
        if not ends:
            return None
        if len(ends) == 1 and not is_many(place.type_name, term, self._ground.layouts):
            return _only(*ends[0])
        kind, values = self._alike([value for _way, value in ends])
        ways = [way for way, _value in ends]
        rows = _union([_select(way, value) for way, value in zip(ways, values, strict=True)]).subquery()
        return Value(kind, _out_of(rows, self._words.least(kind, rows.c.v)))

    def many(self, term: Path, place: Place) -> Value | None:
        """Return all values of a path as JSON text of an array, in order; the kind is that of the items. None as above."""
        ends = list(self._ends(term, place))
        if not ends:
            return None
        kind, values = self._alike([value for _way, value in ends], as_json=True)
        most = max(len(way.positions) for way, _value in ends)
        selects = []
        for (way, _value), value in zip(ends, values, strict=True):
            missing = [_NO_POSITION] * (most - len(way.positions))
            selects.append(_select(way, value, *way.positions, *missing, self._words.sorted(_type_of(way))))
        rows = _union(selects).order_by(*(literal_column(str(each)) for each in range(2, most + 3))).subquery()
        return Value(kind, self._words.listed(rows.c.v, rows))

    def keys(self, order: Order, place: Place) -> list[Value]:
        """Return what a key of an order compares; [] when the type has no such thing, which counts as null."""
        value = self.one(order.term, place)
        if value is None:
            return []
        if order.by_place:
            return [self._rank(value, order.by_place)]
        if FAMILIES[value.kind] is not Family.TEXT:
            return [value]
        text = self._words.text(value.kind, value.element)
        text = self._words.folded(text) if order.folds_case else text
        if not order.by_number:
            return [Value(Kind.TEXT, text)]
        letters, number = self._words.number_behind(text)
        return [Value(Kind.TEXT, letters), Value(Kind.NUMERIC, number)]

    def _rank(self, value: Value, places: Sequence[str]) -> Value:
        text = self._words.text(value.kind, value.element)
        others = case((text.is_not(None), literal_column(str(len(places)))))
        ranks: list[tuple[Element, Element]] = [
            (self._words.constant(each), literal_column(str(rank))) for rank, each in enumerate(places)
        ]
        return Value(Kind.INTEGER, case(dict(ranks), value=text, else_=others))

    def _ends(self, path: Path, place: Place) -> Iterator[tuple[Way, Value]]:
        for way in self._ways(path.steps, place):
            found = self._ground.value(way.end, path)
            if found is not None:
                yield way.on(found[0]), found[1]

    def _ways(self, steps: Sequence[Step], place: Place) -> Iterator[Way]:
        """Yield every way along the steps, with one position for each step."""
        if not steps:
            yield Way(place)
            return
        for way in self._ground.ways(place, steps[0]):
            where = () if steps[0].where is None else (self._holds(steps[0].where, way.end),)
            for rest in self._ways(steps[1:], way.end):
                yield way.where(*where).on(rest)

    def _alike(self, values: Sequence[Value], *, as_json: bool = False) -> tuple[Kind, list[Element]]:
        """Return values as they can stand in one column, and of which kind they are then."""
        kinds = {each.kind for each in values}
        if len(kinds) == 1 and Kind.JSON not in kinds:
            kind = kinds.pop()
        else:
            kind = Kind.NUMERIC if kinds == {Kind.INTEGER, Kind.NUMERIC} else Kind.TEXT
        is_text = kind is Kind.TEXT or (as_json and FAMILIES[kind] not in (Family.NUMBER, Family.BOOLEAN))
        if is_text:
            return kind, [self._words.text(each.kind, each.element) for each in values]
        return kind, [each.element if each.kind is kind else cast(each.element, column_type(kind)) for each in values]

    def _aggregate(self, term: Aggregate, place: Place) -> Value | None:
        ends = [(way, value, len(path.steps)) for path in term.paths for way, value in self._ends(path, place)]
        if term.function in (Function.SUM, Function.AVERAGE):
            ends = [each for each in ends if FAMILIES[each[1].kind] is Family.NUMBER]
        if not ends:
            return Value(Kind.INTEGER, literal(0)) if term.function in _COUNTS else None
        kind, values = self._alike([value for _way, value, _steps in ends])
        selects = [_record(way, value, steps) for (way, _value, steps), value in zip(ends, values, strict=True)]
        rows = (selects[0].distinct() if len(selects) == 1 else union(*selects)).subquery()
        made = self._made(term.function, kind, rows.c.v)
        return Value(made.kind, _out_of(rows, made.element))

    def _made(self, function: Function, kind: Kind, value: Element) -> Value:
        match function:
            case Function.COUNT:
                return Value(Kind.INTEGER, func.count(value))
            case Function.DISTINCT:
                return Value(Kind.INTEGER, func.count(value.distinct()))
            case Function.SUM:
                return Value(Kind.NUMERIC, self._words.total(value))
            case Function.AVERAGE:
                return Value(Kind.NUMERIC, self._words.average(value))
            case Function.MIN | Function.MAX:
                return Value(kind, self._words.least(kind, value, greatest=function is Function.MAX))


def _only(way: Way, value: Value) -> Value:
    if not way.tables:
        return value
    return replace(value, element=way.selected(value.element).scalar_subquery())


def _select(way: Way, value: Element, *more: Element) -> Selected:
    """Return the values that are there, as `v`, with `more` behind them."""
    shown = [each.label(f"k{number}") for number, each in enumerate(more, start=1)]
    return way.where(value.is_not(None)).selected(value.label("v"), *shown)


def _record(way: Way, value: Element, steps: int) -> Selected:
    """Return values with what tells them apart, in whatever way they were reached: the record, and the place in its list."""
    place = way.positions[steps] if len(way.positions) > steps else _NO_POSITION
    return _select(way, value, _type_of(way), way.end.id, place)


def _type_of(way: Way) -> Element:
    return literal(way.end.type_name, Text())


def _union(selects: Sequence[Selected]) -> Selected | CompoundSelect[Any]:
    return selects[0] if len(selects) == 1 else union_all(*selects)


def _out_of(rows: FromClause, value: Element) -> Element:
    return select(value).select_from(rows).scalar_subquery()
