"""Turns `where(Name=…)` into an Expr: every name equals its value; several names hold together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal

from mirror.engine.validate import zoned
from mirror.errors import QueryError
from mirror.model.cells import canonical
from mirror.model.layout import Layout
from mirror.model.part import Part
from mirror.model.schema import Field, Kind
from mirror.query.expr import OWN_ID, OWN_TYPE, All, AnyOf, Compare, Expr, Missing, Op, Path, Scalar, Some, Step, Term
from mirror.script.home import Home
from mirror.script.null import Null
from mirror.script.outside import Outside
from mirror.script.record import Record
from mirror.script.shape import Collection as Backward
from mirror.script.shape import Place, Shape


def where(home: Home, shape: Shape, equal: Mapping[str, object]) -> Expr:
    """Return what holds for the records whose fields have these values.

    Args:
        equal: name, also dotted, or with `__` for the dot -> value. None and Null mean that there is none; a list, a tuple
            or a set any of its items; a record, an id or a shown name what a reference leads to, or a collection has in it.

    Raises:
        QueryError: nothing is called so, or the field cannot have the value.
    """
    return All(tuple(_equals(home, shape, name, value) for name, value in equal.items()))


def _equals(home: Home, shape: Shape, name: str, value: object) -> Expr:
    if isinstance(value, list | tuple | set | frozenset):
        return AnyOf(tuple(_equals(home, shape, name, each) for each in value))
    try:
        meaning = shape.meaning(name.replace("__", "."))
        if isinstance(meaning, Backward):
            return _in_collection(home, (meaning.step,), value)
        if isinstance(meaning, Place):
            return _field_equals(home, meaning.field, value)
        return _term_equals(meaning.term, value)
    except ValueError as error:
        raise QueryError(name, 0, str(error), length=len(name)) from None


def _field_equals(home: Home, field: Field, value: object) -> Expr:
    match field.kind:
        case Kind.LINKS:
            return _in_collection(home, (Step(field.name, tuple(home.candidates(field))),), value)
        case Kind.REFERENCE:
            return _refers(field, value)
        case Kind.VALUES:
            return Missing(Path(field.name)) if _is_nothing(value) else Compare(Path(field.name), Op.EQ, str(value))
    if _is_nothing(value):
        return Missing(Path(field.name))
    if field.kind is Kind.TIMESTAMP:
        value = zoned(value, home.language.written_in(field, home.asked()))
    return Compare(Path(field.name), Op.EQ, _scalar(value, field.kind))


def _refers(field: Field, value: object) -> Expr:
    if _is_nothing(value):
        return Missing(Path(field.name, part=Part.ID))
    if isinstance(value, Record | Outside):
        is_it: Expr = Compare(Path(field.name, part=Part.ID), Op.EQ, value.id)
        if not field.polymorphic:
            return is_it
        return All((is_it, Compare(Path(field.name, part=Part.TYPE), Op.EQ, value.type_name)))
    if isinstance(value, int) and not isinstance(value, bool):
        return Compare(Path(field.name, part=Part.ID), Op.EQ, value)
    return Compare(Path(field.name, part=Part.NAME), Op.EQ, str(value))


def _in_collection(home: Home, steps: tuple[Step, ...], value: object) -> Expr:
    if _is_nothing(value):
        return Missing(Path(OWN_ID, steps))
    if isinstance(value, Record | Outside):
        is_it = (Compare(Path(OWN_ID), Op.EQ, value.id), Compare(Path(OWN_TYPE), Op.EQ, value.type_name))
        return Some(steps, All(is_it))
    if isinstance(value, int) and not isinstance(value, bool):
        return Some(steps, Compare(Path(OWN_ID), Op.EQ, value))
    *before, last = steps
    kinds = [home.layouts[each] for each in last.targets if each in home.layouts]
    by_type = (_called((*before, replace(last, targets=(each.type.name,))), each, str(value)) for each in kinds)
    return AnyOf(tuple(by_type))


def _called(steps: tuple[Step, ...], layout: Layout, text: str) -> Expr:
    """Return what holds where the steps lead to a record of that type with that name or key."""
    fields = dict.fromkeys(each for each in (layout.type.name_field, layout.type.key_field) if each is not None)
    return Some(steps, AnyOf(tuple(Compare(Path(each), Op.EQ, text) for each in fields)))


def _term_equals(term: Term, value: object) -> Expr:
    if _is_nothing(value):
        if not isinstance(term, Path):
            raise ValueError("what is counted or summed is never missing")
        return Missing(term)
    return Compare(term, Op.EQ, _scalar(value.id if isinstance(value, Record | Outside) else value))


def _scalar(value: object, kind: Kind | None = None) -> Scalar:
    """Return a value as columns keep it.

    Args:
        kind: of the column; None when only the value tells.
    """
    if isinstance(value, datetime):
        kind, value = Kind.TIMESTAMP, value.isoformat()
    elif isinstance(value, date):
        value = value.isoformat()
    if kind is not None:
        value = canonical(kind, value)
    if isinstance(value, float) or (kind is Kind.NUMERIC and not isinstance(value, Decimal)):
        return Decimal(str(value))
    return value if isinstance(value, str | int | Decimal) else str(value)


def _is_nothing(value: object) -> bool:
    return value is None or isinstance(value, Null) or value == ""
