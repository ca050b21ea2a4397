"""Says for which records a query holds, and in which order they come, in Python: the same answers as the database gives."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal
from functools import cmp_to_key
from typing import Any, Protocol, TypeAlias

from mirror.model.part import Part
from mirror.model.schema import Field, Kind
from mirror.model.write import Item, Target
from mirror.query.expr import (
    OUTER_ID,
    OWN_ID,
    OWN_TYPE,
    Aggregate,
    All,
    AnyOf,
    Compare,
    Expr,
    Function,
    Missing,
    Not,
    Op,
    Order,
    Path,
    Query,
    Scalar,
    Some,
    Step,
    Term,
)
from mirror.query.reach import Layouts, leads, next_types
from mirror.query.values import (
    FAMILIES,
    TEXT_OPS,
    Family,
    average,
    fits,
    fold,
    like_pattern,
    number,
    numbered,
    text_of,
    total,
)

Key: TypeAlias = tuple[str, int]
"""Type name and id of a record."""

Known: TypeAlias = tuple[Kind, Any]
"""A value that is not null, and its kind."""


class Reading(Protocol):
    """Looks records up.

    Attributes:
        layouts: type name -> layout, of all types of the source.
    """

    layouts: Layouts

    def is_there(self, record: Key) -> bool:
        """Return whether there is such a record."""
        ...

    def cell(self, record: Key, field: str, part: Part) -> object:
        """Return a value of a scalar or reference field as a row has it; None is null."""
        ...

    def items(self, record: Key, field: str) -> Sequence[Item]:
        """Return what a many-valued field holds, in its order; type_name of a Target is "" where the row does not tell."""
        ...

    def referring(self, record: Key, type_name: str, field: str) -> Sequence[int]:
        """Return the ids of the records of a type whose reference or link `field` leads to `record`, ascending."""
        ...


class _About:
    """What looks records up for a query about one record."""

    def __init__(self, reading: Reading, outer: Key) -> None:
        self.outer = outer
        self.layouts, self.is_there = reading.layouts, reading.is_there
        self.cell, self.items, self.referring = reading.cell, reading.items, reading.referring


def _about(record: Key, reading: Reading) -> _About:
    """Return the reading of the query that is under way; one about `record` when none is."""
    return reading if isinstance(reading, _About) else _About(reading, record)


def holds(expr: Expr, record: Key, reading: Reading) -> bool:
    """Return whether `expr` is true of a record."""
    reading = _about(record, reading)
    match expr:
        case Compare():
            return _compares(expr, record, reading)
        case Missing():
            return not any(value != "" for _kind, value in values(expr.path, record, reading))
        case Some():
            return any(holds(expr.where, each, reading) for each in reached(expr.steps, record, reading))
        case Not():
            return not holds(expr.item, record, reading)
        case All():
            return all(holds(each, record, reading) for each in expr.items)
        case AnyOf():
            return any(holds(each, record, reading) for each in expr.items)


def reached(steps: Sequence[Step], record: Key, reading: Reading) -> Iterator[Key]:
    """Yield the records that `steps` lead to, in order; one that is reached in two ways comes twice."""
    reading = _about(record, reading)
    if not steps:
        yield record
        return
    for each in _next(steps[0], record, reading):
        if steps[0].where is None or holds(steps[0].where, each, reading):
            yield from reached(steps[1:], each, reading)


def values(path: Path, record: Key, reading: Reading) -> Iterator[Known]:
    """Yield the values at the end of a path, in order, without nulls."""
    reading = _about(record, reading)
    for each in reached(path.steps, record, reading):
        yield from _own_values(path, each, reading)


def term_value(term: Term, record: Key, reading: Reading) -> Known | None:
    """Return the one value of an aggregate, or of a path that has at most one; of many the least."""
    reading = _about(record, reading)
    if isinstance(term, Aggregate):
        return _aggregated(term, record, reading)
    return _chosen(min, list(values(term, record, reading)))


def in_order(queries: Sequence[Query], records: Sequence[Key], reading: Reading) -> list[Key]:
    """Return `records` in the order that the query about their type asks for."""
    by_type = {each.type_name: each for each in queries}
    keyed = [([_order_key(each, record, reading) for each in by_type[record[0]].order], record) for record in records]
    descends = [each.descending for each in max(queries, key=lambda each: len(each.order)).order] if queries else []

    def compare(some: tuple[Any, Key], other: tuple[Any, Key]) -> int:
        for mine, theirs, descending in zip(some[0], other[0], descends, strict=True):
            if mine != theirs:
                return -1 if (mine < theirs) is not descending else 1
        return -1 if (some[1][1], some[1][0]) < (other[1][1], other[1][0]) else 1

    return [record for _keys, record in sorted(keyed, key=cmp_to_key(compare))]


def _next(step: Step, record: Key, reading: Reading) -> Iterator[Key]:
    layouts = reading.layouts
    if step.field == OWN_ID:
        yield from [record] if record[0] in (step.targets or record) else []
        return
    if step.backward:
        for name in next_types(record[0], step, layouts):
            yield from ((name, each) for each in reading.referring(record, name, step.field))
        return
    field = layouts[record[0]].type.field(step.field)
    if field is None or field.kind not in (Kind.REFERENCE, Kind.LINKS):
        return
    for target_type, target_id in _pointed(field, record, reading):
        may_be = leads(field, layouts, step.targets)
        wanted = may_be.untold if not target_type else (target_type,) if target_type in may_be.told else ()
        yield from ((each, target_id) for each in sorted(wanted) if reading.is_there((each, target_id)))


def _pointed(field: Field, record: Key, reading: Reading) -> Iterator[Key]:
    if field.kind is Kind.LINKS:
        items = (each for each in reading.items(record, field.name) if isinstance(each, Target))
        yield from ((each.type_name, each.id) for each in items)
        return
    target = reading.cell(record, field.name, Part.ID)
    kind = reading.cell(record, field.name, Part.TYPE) if field.polymorphic else ""
    if isinstance(target, int) and isinstance(kind, str):
        yield kind, target


def _own_values(path: Path, record: Key, reading: _About) -> Iterator[Known]:
    if path.field == OWN_ID:
        yield Kind.INTEGER, record[1]
        return
    if path.field == OUTER_ID:
        yield Kind.INTEGER, reading.outer[1]
        return
    if path.field == OWN_TYPE:
        yield Kind.TEXT, record[0]
        return
    field = reading.layouts[record[0]].type.field(path.field)
    if field is None:
        return
    if field.kind in (Kind.LINKS, Kind.VALUES):
        yield from _item_values(reading.items(record, field.name), path.part)
        return
    kind, value = _cell(field, path.part, record, reading)
    if value is not None:
        yield kind, value


def _item_values(items: Sequence[Item], part: Part) -> Iterator[Known]:
    for each in items:
        if isinstance(each, str):
            yield Kind.TEXT, each
        elif part is Part.NAME:
            yield from [(Kind.TEXT, each.name)] if each.name is not None else []
        elif part is Part.TYPE:
            yield from [(Kind.TEXT, each.type_name)] if each.type_name else []
        else:
            yield Kind.INTEGER, each.id


def _cell(field: Field, part: Part, record: Key, reading: Reading) -> tuple[Kind, object]:
    if field.kind is not Kind.REFERENCE:
        return field.kind, reading.cell(record, field.name, Part.VALUE)
    if part is Part.NAME:
        return Kind.TEXT, reading.cell(record, field.name, Part.NAME)
    target = reading.cell(record, field.name, Part.ID)
    if part is not Part.TYPE:
        return Kind.INTEGER, target
    if field.polymorphic:
        return Kind.TEXT, reading.cell(record, field.name, Part.TYPE)
    return Kind.TEXT, field.targets[0] if target is not None and len(field.targets) == 1 else None


def _aggregated(term: Aggregate, record: Key, reading: _About) -> Known | None:
    ends = dict.fromkeys(each for path in term.paths for each in reached(path.steps, record, reading))
    found = [value for each in ends for value in _own_values(term.path, each, reading)]
    if term.function is Function.COUNT:
        return Kind.INTEGER, len(found)
    if term.function is Function.DISTINCT:
        return Kind.INTEGER, len(_different(found))
    if term.function in (Function.MIN, Function.MAX):
        return _chosen(min if term.function is Function.MIN else max, found)
    numbers = [number(value) for kind, value in found if FAMILIES[kind] is Family.NUMBER]
    result = total(numbers) if term.function is Function.SUM else average(numbers)
    return None if result is None else (Kind.NUMERIC, result)


def _different(found: Sequence[Known]) -> set[Any]:
    """Return what tells values apart; those of different kinds are compared as texts."""
    if {kind for kind, _value in found} <= {Kind.INTEGER, Kind.NUMERIC}:
        return {number(value) for _kind, value in found}
    return {text_of(value) for _kind, value in found}


def _chosen(choose: Callable[..., Known], found: Sequence[Known]) -> Known | None:
    """Return the least or the greatest; those of different families are compared as texts."""
    if len({FAMILIES[kind] for kind, _value in found}) > 1:
        found = [(Kind.TEXT, text_of(value)) for _kind, value in found]
    return choose(found, key=_sortable) if found else None


def _sortable(known: Known) -> tuple[str, Any]:
    kind, value = known
    family = FAMILIES[kind]
    return family, number(value) if family is Family.NUMBER else value


_COMPARISONS: dict[Op, Callable[[Any, Any], bool]] = {
    Op.EQ: operator.eq,
    Op.NE: operator.ne,
    Op.LT: operator.lt,
    Op.LE: operator.le,
    Op.GT: operator.gt,
    Op.GE: operator.ge,
    Op.CONTAINS: lambda text, part: part in text,
    Op.STARTS: str.startswith,
    Op.ENDS: str.endswith,
    Op.LIKE: lambda text, pattern: like_pattern(pattern).fullmatch(text) is not None,
}


def compares_constant(expr: Compare, constant: str, given: Scalar) -> bool:
    """Return whether a term whose value is always the text `constant` compares so with `given`."""
    return _is_so(expr, (Kind.TEXT, constant), (Kind.TEXT, given), given)


def _compares(expr: Compare, record: Key, reading: _About) -> bool:
    other = expr.value
    right = term_value(other, record, reading) if isinstance(other, Path) else (Kind.TEXT, other)
    if right is None:
        return False
    if isinstance(expr.term, Aggregate):
        only = _aggregated(expr.term, record, reading)
        found = [] if only is None else [only]
    else:
        found = list(values(expr.term, record, reading))
    given = None if isinstance(other, Path) else other
    return any(_is_so(expr, each, right, given) for each in found)


def _is_so(expr: Compare, left: Known, right: Known, given: Scalar | None) -> bool:
    is_alike = fits(left[0], given) if given is not None else FAMILIES[left[0]] is FAMILIES[right[0]]
    some, other = left[1], right[1]
    if expr.by_number:
        return _COMPARISONS[expr.op](numbered(text_of(some))[1], other)
    if not is_alike or expr.op in TEXT_OPS or FAMILIES[left[0]] is Family.TEXT:
        some, other = text_of(some), text_of(other)
        if expr.folds_case:
            some, other = fold(some), fold(other)
    elif FAMILIES[left[0]] is Family.NUMBER:
        some, other = number(some), number(other)
    return _COMPARISONS[expr.op](some, other)


def _order_key(order: Order, record: Key, reading: Reading) -> tuple[Any, ...]:
    """Return what is compared: () for null, which is less than anything."""
    known = term_value(order.term, record, reading)
    if known is None:
        return ()
    family, value = _sortable(known)
    if order.by_place:
        text = text_of(known[1])
        return (order.by_place.index(text) if text in order.by_place else len(order.by_place),)
    if family is not Family.TEXT:
        return (Decimal(value) if family in (Family.NUMBER, Family.BOOLEAN) else value,)
    text = fold(value) if order.folds_case else value
    return numbered(text) if order.by_number else (text,)
