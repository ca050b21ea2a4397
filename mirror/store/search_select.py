"""Whole SELECTs for queries: the ids in order, the number, the rows or terms, and what a step leads to."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sqlalchemy import Text, UnaryExpression, cast, false, func, literal, literal_column, null, select, union_all

from mirror.model.cells import canonical
from mirror.model.layout import HEAD, Layout
from mirror.model.part import Part
from mirror.model.schema import Kind
from mirror.query.expr import Aggregate, All, AnyOf, Compare, Expr, Op, Order, Path, Query, Step, Term
from mirror.query.normal import flattened
from mirror.query.reach import fields_of, is_many, leads
from mirror.query.values import FAMILIES, Family
from mirror.store.column_types import column_type
from mirror.store.history_past import Past
from mirror.store.search_conditions import Conditions
from mirror.store.search_places import Ground, Joined, Place, Value, Way
from mirror.store.search_words import Element, Selected, Words

Decode = Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class Shown:
    """A SELECT of records.

    Attributes:
        select: the id comes first, then the values.
        id: the column of the id.
        decoders: position among the values -> what makes of it what a row has.
    """

    type_name: str
    select: Selected
    id: Element
    decoders: Mapping[int, Decode]

    def among(self, words: Words) -> Selected:
        """Return the SELECT of those that have one of the ids in the parameter IDS."""
        return self.select.where(words.among(self.id))


@dataclass(frozen=True, slots=True)
class Selecting:
    """Makes SELECTs about one source.

    Attributes:
        layouts: type name -> layout, of all types of the source.
        past: what the records were at some instant; None for what they are.
    """

    layouts: Mapping[str, Layout]
    words: Words
    past: Past | None = None

    def ids(self, queries: Sequence[Query]) -> Selected:
        """Return type name and id of the records that meet the queries, in order; there is at least one query."""
        if len(queries) == 1:
            place, conditions, found = self._found(queries[0])
            shown = found.with_only_columns(literal(place.type_name, Text()).label("type"), place.id)
            return shown.order_by(*self._order(queries[0], place, conditions))
        return self._together(queries)

    def count(self, query: Query) -> Selected:
        """Return how many records meet a query."""
        return self._found(Query(query.type_name, query.where))[2].with_only_columns(func.count())

    def rows(self, query: Query, terms: Sequence[Term | None] | None, *, ordered: bool = True) -> Shown:
        """Return the records that meet a query, with the values of the terms, or with their rows when these are None."""
        place, conditions, found = self._found(query, terms)
        if terms is None:
            names = [*HEAD, *(each.name for each in place.layout.columns)]
            shown: list[Element] = [place.rows.c[each] for each in names]
            kinds = [*[Kind.TEXT] * len(HEAD), *(each.kind for each in place.layout.columns)]
            decoders = {at: decoder for at, kind in enumerate(kinds) if (decoder := self._decoder(kind))}
        else:
            values = [self._value(each, place, conditions) for each in terms]
            shown = [each.element.label(f"v{at}") for at, (each, _many) in enumerate(values)]
            decoders = {at: made for at, (each, many) in enumerate(values) if (made := self._decoder(each.kind, many=many))}
        found = found.with_only_columns(place.id.label("record"), *shown)
        if ordered:
            found = found.order_by(*self._order(query, place, conditions))
        return Shown(place.type_name, found, place.id, decoders)

    def _decoder(self, kind: Kind, *, many: bool = False) -> Decode | None:
        """Return what makes a cell of what the database gives; None where that is the same."""
        if many:
            return lambda text: (
                () if text is None else tuple(canonical(kind, each) for each in json.loads(text, parse_float=Decimal))
            )
        return _number if kind is Kind.NUMERIC and self.words.gives_decimals else None

    def _found(self, query: Query, terms: Sequence[Term | None] | None = ()) -> tuple[Place, Conditions, Selected]:
        spoken = set(fields_of(query.where))
        for each in (*(order.term for order in query.order), *(term for term in terms or () if term is not None)):
            spoken |= set(fields_of(each))
        layout = self.layouts[query.type_name]
        ground = Ground(self.layouts, self.words, frozenset({*spoken, layout.type.key_field or ""}), self.past)
        conditions = Conditions(ground)
        place = ground.place(layout, whole=terms is None)
        where = conditions.of(query.where, place)
        return place, conditions, select(place.id).select_from(place.rows).where(place.of_source, where)

    def _value(self, term: Term | None, place: Place, conditions: Conditions) -> tuple[Value, bool]:
        """Return a term as one column, and whether that holds many values."""
        nothing = Value(Kind.TEXT, null())
        if term is None:
            return nothing, False
        if not isinstance(term, Aggregate) and is_many(place.type_name, term, self.layouts):
            return conditions.terms.many(term, place) or nothing, True
        return conditions.terms.one(term, place) or nothing, False

    # order

    def _order(self, query: Query, place: Place, conditions: Conditions) -> Iterator[Element]:
        for order in query.order:
            yield from (self._directed(each, order) for each in conditions.terms.keys(order, place))
        # Left to itself, SQLite prefers the index that gives this order to the one that finds the few records there are.
        yield place.id + literal_column("0") if _picks(flattened(query.where), place.layout) else place.id

    def _directed(self, key: Value, order: Order) -> UnaryExpression[Any]:
        element = self.words.sorted(key.element) if FAMILIES[key.kind] is Family.TEXT else key.element
        return element.desc().nulls_last() if order.descending else element.asc().nulls_first()

    def _together(self, queries: Sequence[Query]) -> Selected:
        found = [self._found(each) for each in queries]
        directions = max((each.order for each in queries), key=len)
        keyed: list[list[Value]] = [[] for _ in queries]
        orders: list[Order] = []
        for at, order in enumerate(directions):
            several = [
                conditions.terms.keys(query.order[at], place) if at < len(query.order) else []
                for query, (place, conditions, _select) in zip(queries, found, strict=True)
            ]
            keyed = [[*own, *more] for own, more in zip(keyed, self._alike(several), strict=True)]
            orders += [order] * (len(keyed[0]) - len(orders))
        selects = [
            each.with_only_columns(
                literal(place.type_name, Text()).label("type"),
                place.id.label("id"),
                *(value.element.label(f"k{number}") for number, value in enumerate(values)),
            )
            for (place, _conditions, each), values in zip(found, keyed, strict=True)
        ]
        rows = union_all(*selects).subquery()
        keys = [Value(value.kind, rows.c[f"k{number}"]) for number, value in enumerate(keyed[0])]
        directed = [self._directed(key, order) for key, order in zip(keys, orders, strict=True)]
        return select(rows.c.type, rows.c.id).order_by(*directed, rows.c.id, self.words.sorted(rows.c.type))

    def _alike(self, several: Sequence[list[Value]]) -> list[list[Value]]:
        """Return the keys of each query, as many for each and each of one kind throughout; null where there was none."""
        made: list[list[Value]] = [[] for _ in several]
        for number in range(max(map(len, several))):
            present = {values[number].kind for values in several if number < len(values)}
            kind = _common(present)
            for own, values in zip(made, several, strict=True):
                own.append(Value(kind, self._cast(values[number] if number < len(values) else None, kind)))
        return made

    def _cast(self, value: Value | None, kind: Kind) -> Element:
        if value is None:
            return cast(null(), column_type(kind))
        if value.kind is kind:
            return value.element
        return self.words.text(value.kind, value.element) if kind is Kind.TEXT else cast(value.element, column_type(kind))

    # steps

    def reached(self, type_name: str, step: Step) -> Selected:
        """Return what a step leads to from the records with the ids in the parameter IDS, in the order of the list.

        Columns: the id of the start, then type, id and shown name of what is reached.
        """
        layout = self.layouts[type_name]
        field = layout.type.field(step.field)
        named = frozenset({step.field, *(() if step.where is None else fields_of(step.where))})
        ground = Ground(self.layouts, self.words, named, self.past)
        start = ground.place(layout)
        if step.backward or step.targets or step.where is not None or field is None:
            return self._followed(ground, start, step)
        only = leads(field, self.layouts).untold
        told = literal(only[0], Text()) if len(only) == 1 else null()
        if field.kind is Kind.LINKS:
            links = ground.links(layout, step.field)
            shown = (func.coalesce(links.c.target_type, told), links.c.target_id, links.c.target_name)
            found = select(links.c.id, *shown).where(links.c.source == layout.source, links.c.target_id.is_not(None))
            return found.where(self.words.among(links.c.id)).order_by(links.c.id, links.c.position)
        target, name, kind = (start.part(step.field, each) for each in (Part.ID, Part.NAME, Part.TYPE))
        if target is None or name is None:
            return select(start.id).where(false(), self.words.among(start.id))
        of_type = told if kind is None else kind.element
        found = select(start.id, of_type, target.element, name.element).where(start.of_source, target.element.is_not(None))
        return found.where(self.words.among(start.id)).order_by(start.id)

    def _followed(self, ground: Ground, start: Place, step: Step) -> Selected:
        conditions = Conditions(ground)
        selects = []
        for way in ground.ways(start, step):
            where = () if step.where is None else (conditions.of(step.where, way.end),)
            shown = (literal(way.end.type_name, Text()).label("type"), way.end.id.label("target"))
            columns = (start.id.label("id"), *shown, way.positions[0].label("position"))
            begun = Way(start, (Joined(start.rows, start.of_source),)).on(way).where(*where, self.words.among(start.id))
            selects.append(begun.selected(*columns))
        if not selects:
            return select(start.id).where(false(), self.words.among(start.id))
        rows = union_all(*selects).subquery()
        order = (rows.c.id, rows.c.position, self.words.sorted(rows.c.type))
        name = cast(null(), Text())
        return select(rows.c.id, rows.c.type, rows.c.target, name).order_by(*order)


def _picks(expr: Expr, layout: Layout) -> bool:
    """Return whether only records with certain keys, or references, meet a condition; these have indexes."""
    match expr:
        case Compare(term=Path(field=name, steps=()), op=Op.EQ):
            field = layout.type.field(name)
            return name == layout.type.key_field or (field is not None and field.kind is Kind.REFERENCE)
        case All():
            return any(_picks(each, layout) for each in expr.items)
        case AnyOf():
            return bool(expr.items) and all(_picks(each, layout) for each in expr.items)
    return False


def _common(kinds: Collection[Kind]) -> Kind:
    if len(kinds) == 1:
        return next(iter(kinds))
    return Kind.NUMERIC if set(kinds) == {Kind.INTEGER, Kind.NUMERIC} else Kind.TEXT


def _number(value: Any) -> Any:
    """Return a NUMERIC as a row has it."""
    return canonical(Kind.NUMERIC, value) if isinstance(value, Decimal) else value
