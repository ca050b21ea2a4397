"""Records inside a query: their tables under names of their own, their values, and the way to what they refer to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache, reduce
from itertools import count
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnClause,
    FromClause,
    Integer,
    Text,
    and_,
    case,
    column,
    literal,
    literal_column,
    or_,
    select,
    table,
    union_all,
)

from mirror.model.layout import HEAD, Layout
from mirror.model.part import Part
from mirror.model.schema import Field, Kind
from mirror.query.expr import OUTER_ID, OWN_ID, OWN_TYPE, Path, Step
from mirror.query.reach import goes_to_many, has_field, leads, next_types
from mirror.store.column_types import column_type
from mirror.store.history_past import Past
from mirror.store.search_words import Condition, Element, Selected, Words


@dataclass(frozen=True, slots=True)
class Value:
    """A value in a query.

    Attributes:
        kind: a scalar kind.
        constant: the text that it is for every record of the place; None when it differs.
    """

    kind: Kind
    element: Element
    constant: str | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """A record of one type inside a query.

    Attributes:
        rows: the record table under a name of its own.
    """

    layout: Layout
    rows: FromClause

    @property
    def type_name(self) -> str:
        """The name of its type."""
        return self.layout.type.name

    @property
    def id(self) -> Element:
        """Its id."""
        return self.rows.c.id

    @property
    def of_source(self) -> Condition:
        """That it is of the source in question."""
        return self.rows.c.source == self.layout.source

    def part(self, field: str, part: Part) -> Value | None:
        """Return the column of a field; None when there is none."""
        found = next((each for each in self.layout.columns if each.field == field and each.part is part), None)
        return None if found is None else Value(found.kind, self.rows.c[found.name])


@dataclass(frozen=True, slots=True)
class Joined:
    """A table on the way, under a name of its own, and how its rows belong to what stands before."""

    rows: FromClause
    on: Condition


@dataclass(frozen=True, slots=True)
class Way:
    """One way from a record to another, or to one of its values.

    Attributes:
        end: the record at the end.
        conditions: what else must be so.
        positions: whole numbers, in whose order people see what is reached.
    """

    end: Place
    tables: tuple[Joined, ...] = ()
    conditions: tuple[Condition, ...] = ()
    positions: tuple[Element, ...] = ()

    def on(self, further: Way) -> Way:
        """Return this way with another behind it, which begins at its end."""
        return Way(
            further.end,
            (*self.tables, *further.tables),
            (*self.conditions, *further.conditions),
            (*self.positions, *further.positions),
        )

    def where(self, *conditions: Condition) -> Way:
        """Return this way under further conditions."""
        return replace(self, conditions=(*self.conditions, *conditions))

    def selected(self, *columns: Element) -> Selected:
        """Return the SELECT of these columns of what is reached; it stands inside one that has where the way begins."""
        if not self.tables:
            return select(*columns).where(*self.conditions).correlate_except()
        first, *others = self.tables
        joined = reduce(lambda before, each: before.join(each.rows, each.on), others, first.rows)
        found = select(*columns).select_from(joined).where(first.on, *self.conditions)
        return found.correlate_except(*(each.rows for each in self.tables))


class Ground:
    """What a query stands on: the types of the source, the database's words, and names for tables that are not taken yet.

    Attributes:
        outer: the record that the whole query is about: the first place.
    """

    def __init__(
        self, layouts: Mapping[str, Layout], words: Words, fields: frozenset[str], past: Past | None = None
    ) -> None:
        """Begin a query.

        Args:
            fields: names of all fields that it speaks of; tables have only those columns, which compiles much faster.
            past: what the records were; None for what they are.
        """
        self.layouts = layouts
        self.words = words
        self._fields = fields
        self._past = past
        self._numbers = count(1)
        self.outer: Place | None = None

    def place(self, layout: Layout, *, whole: bool = False) -> Place:
        """Return a new place for records of `layout`.

        Args:
            whole: with all columns of a row.
        """
        name = f"r{next(self._numbers)}"
        if whole and self._past is None:
            return self._placed(Place(layout, _whole_rows(layout, name)))
        columns: list[ColumnClause[Any]] = [column("source", Text()), column("id", BigInteger())]
        columns += [column(each, Text()) for each in ("_revision", "_changed_at", "_extra") if whole]
        wanted = (each for each in layout.columns if whole or each.field in self._fields)
        columns += [column(each.name, column_type(each.kind)) for each in wanted]
        if self._past is not None:
            return self._placed(Place(layout, union_all(*self._past.rows(layout, columns)).subquery(name)))
        return self._placed(Place(layout, table(layout.table, *columns).alias(name)))

    def _placed(self, place: Place) -> Place:
        self.outer = self.outer or place
        return place

    def links(self, layout: Layout, field: str) -> FromClause:
        """Return the link table of a field under a new name."""
        link = next(each for each in layout.links if each.field == field)
        columns: list[ColumnClause[Any]] = [column("source", Text()), column("id", BigInteger())]
        columns.append(column("position", Integer()))
        if link.kind is Kind.VALUES:
            columns.append(column("value", Text()))
        else:
            columns += [column("target_id", BigInteger()), column("target_name", Text()), column("target_type", Text())]
        name = f"l{next(self._numbers)}"
        if self._past is not None:
            return union_all(*self._past.links(layout, field, columns)).subquery(name)
        return table(link.name, *columns).alias(name)

    def ways(self, start: Place, step: Step) -> Iterator[Way]:
        """Yield a way to each type that a step can lead to."""
        for name in next_types(start.type_name, step, self.layouts):
            if step.field == OWN_ID:
                yield Way(start, positions=(literal_column("0"),))
                continue
            end = self.place(self.layouts[name])
            if step.backward:
                yield self._backward(start, end, step)
            elif goes_to_many(start.type_name, step, self.layouts):
                yield self._along_links(start, end, step)
            else:
                yield self._along_reference(start, end, step)

    def _along_reference(self, start: Place, end: Place, step: Step) -> Way:
        field = _field(start.layout, step.field)
        on = and_(end.of_source, self._refers(start, field, end))
        return Way(end, (Joined(end.rows, on),), positions=(literal_column("0"),))

    def _refers(self, start: Place, field: Field, end: Place) -> Condition:
        reference, kind = start.part(field.name, Part.ID), start.part(field.name, Part.TYPE)
        if reference is None:
            raise ValueError(f"{start.type_name}.{field.name} is no reference")
        same = end.id == reference.element
        return same if kind is None else and_(same, kind.element == end.type_name)

    def _along_links(self, start: Place, end: Place, step: Step) -> Way:
        links = self.links(start.layout, step.field)
        says = self._says(links, _field(start.layout, step.field), end.type_name, step.targets)
        own = and_(links.c.source == start.layout.source, links.c.id == start.id, says)
        there = and_(end.of_source, end.id == links.c.target_id)
        return Way(end, (Joined(links, own), Joined(end.rows, there)), positions=(links.c.position,))

    def _says(self, links: FromClause, field: Field, type_name: str, targets: tuple[str, ...] = ()) -> Condition:
        """Return the condition under which link rows lead to that type."""
        may_be = leads(field, self.layouts, targets)
        told = [links.c.target_type == type_name] if type_name in may_be.told else []
        untold = [links.c.target_type.is_(None)] if type_name in may_be.untold else []
        return or_(*told, *untold)

    def _backward(self, start: Place, end: Place, step: Step) -> Way:
        field = _field(end.layout, step.field)
        number = end.part(field.name, Part.VALUE)
        if number is not None:
            return Way(end, (Joined(end.rows, and_(end.of_source, number.element == start.id)),), positions=(end.id,))
        if field.kind is Kind.REFERENCE:
            on = and_(end.of_source, self._refers(end, field, start))
            return Way(end, (Joined(end.rows, on),), positions=(end.id,))
        links = self.links(end.layout, step.field)
        says = self._says(links, field, start.type_name)
        own = and_(links.c.source == start.layout.source, links.c.target_id == start.id, says)
        there = and_(end.of_source, end.id == links.c.id)
        return Way(end, (Joined(links, own), Joined(end.rows, there)), positions=(end.id,))

    def value(self, place: Place, path: Path) -> tuple[Way, Value] | None:
        """Return the value at the end of a path, of which `place` is the last record, and the way to it from there.

        The way is empty but for fields with many values. None when the type has no such field.
        """
        here = Way(place)
        if not has_field(place.layout, path.field):
            return None
        if path.field == OWN_ID:
            return here, Value(Kind.INTEGER, place.id)
        if path.field == OUTER_ID:
            return here, Value(Kind.INTEGER, (self.outer or place).id)
        if path.field == OWN_TYPE:
            return here, Value(Kind.TEXT, literal(place.type_name, Text()), place.type_name)
        field = _field(place.layout, path.field)
        if field.kind in (Kind.LINKS, Kind.VALUES):
            return self._item(place, field, path.part)
        if field.kind is not Kind.REFERENCE:
            value = place.part(field.name, Part.VALUE)
        else:
            value = self._referred(place, field, path.part)
        return None if value is None else (here, value)

    def _item(self, place: Place, field: Field, part: Part) -> tuple[Way, Value]:
        links = self.links(place.layout, field.name)
        own = and_(links.c.source == place.layout.source, links.c.id == place.id)
        way = Way(place, (Joined(links, own),), positions=(links.c.position,))
        if field.kind is Kind.VALUES:
            return way, Value(Kind.TEXT, links.c.value)
        there = way.where(links.c.target_id.is_not(None))
        match part:
            case Part.NAME:
                return way, Value(Kind.TEXT, links.c.target_name)  # an address elsewhere has no id
            case Part.TYPE:
                return there, Value(Kind.TEXT, links.c.target_type)
            case _:
                return there, Value(Kind.INTEGER, links.c.target_id)

    def _referred(self, place: Place, field: Field, part: Part) -> Value | None:
        if part is Part.NAME:
            return place.part(field.name, Part.NAME)
        reference = place.part(field.name, Part.ID)
        if part is not Part.TYPE or reference is None:
            return reference
        if field.polymorphic:
            return place.part(field.name, Part.TYPE)
        if len(field.targets) != 1:
            return None
        return Value(Kind.TEXT, case((reference.element.is_not(None), literal(field.targets[0], Text()))))


@lru_cache(maxsize=512)
def _whole_rows(layout: Layout, name: str) -> FromClause:
    """Return a record table with all columns of a row; to make it takes as long as all else about a small query."""
    columns: list[ColumnClause[Any]] = [column(each, BigInteger() if each == "id" else Text()) for each in HEAD]
    columns += [column(each.name, column_type(each.kind)) for each in layout.columns]
    return table(layout.table, *columns).alias(name)


def _field(layout: Layout, name: str) -> Field:
    found = layout.type.field(name)
    if found is None:
        raise ValueError(f"{layout.type.name} has no field {name}")
    return found
