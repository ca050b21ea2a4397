"""Turns `where(Name=…)` into an Expr: every name equals its value; several names hold together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal

from mirror.engine.finding import reference, typed
from mirror.engine.lookup import ACCOUNTS, ADDRESSES
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
            or a set any of its items. What a reference leads to, or a collection has in it, is a record, an id, a shown
            name, a key, the address of a person, or a reference as trackers write it.

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
            return _refers(home, field, value)
        case Kind.VALUES:
            return Missing(Path(field.name)) if _is_nothing(value) else Compare(Path(field.name), Op.EQ, str(value))
    if _is_nothing(value):
        return Missing(Path(field.name))
    if field.kind is Kind.TIMESTAMP:
        value = zoned(value, home.language.written_in(field, home.asked()))
    return Compare(Path(field.name), Op.EQ, _scalar(value, field.kind))


def _refers(home: Home, field: Field, value: object) -> Expr:
    if _is_nothing(value):
        return Missing(Path(field.name, part=Part.ID))
    if isinstance(value, Record | Outside):
        return _leads_to(field, value.type_name, value.id)
    if isinstance(value, int) and not isinstance(value, bool):
        return Compare(Path(field.name, part=Part.ID), Op.EQ, value)
    shown = Compare(Path(field.name, part=Part.NAME), Op.EQ, str(value))
    kinds = home.candidates(field) or list(home.layouts)  # a field that declares no types takes any
    there = [_leads_to(field, *each) for each in _pointed(home, kinds, str(value))]
    ways = [each for name in kinds for each in _known_as(field, home.layouts[name], str(value))]
    return AnyOf((shown, *there, *ways)) if there or ways else shown


def _leads_to(field: Field, type_name: str, record_id: int) -> Expr:
    is_it: Expr = Compare(Path(field.name, part=Part.ID), Op.EQ, record_id)
    if not field.polymorphic:
        return is_it
    return All((is_it, Compare(Path(field.name, part=Part.TYPE), Op.EQ, type_name)))


def _pointed(home: Home, kinds: Sequence[str], text: str) -> list[tuple[str, int]]:
    """Return type and id of what `Defect:123`, `/defect/123` or an address that ends so leads to, if it is of these."""
    layouts = home.layouts.values()
    found = typed(layouts, reference(layouts, text) if text.startswith(ADDRESSES) else text)
    if found is None or not found[1].isdecimal():
        return []
    return [(each.type.name, int(found[1])) for each in found[0] if each.type.name in kinds]


def _known_as(field: Field, layout: Layout, text: str) -> list[Expr]:
    """Return what holds where a reference leads to a record of that type with that key; of a person, with that address."""
    steps = (Step(field.name, (layout.type.name,)),)
    names = [layout.type.key_field] if layout.type.key_field and any(map(str.isdigit, text)) else []
    if "@" in text:
        names += [each.name for each in layout.type.fields if each.name.lower() in ACCOUNTS]
    return [Some(steps, Compare(Path(each), Op.EQ, text)) for each in names]


def _in_collection(home: Home, steps: tuple[Step, ...], value: object) -> Expr:
    if _is_nothing(value):
        return Missing(Path(OWN_ID, steps))
    if isinstance(value, Record | Outside):
        return Some(steps, _is(value.type_name, value.id))
    if isinstance(value, int) and not isinstance(value, bool):
        return Some(steps, Compare(Path(OWN_ID), Op.EQ, value))
    *before, last = steps
    kinds = [home.layouts[each] for each in last.targets if each in home.layouts]
    pointed = _pointed(home, last.targets, str(value))
    there = (
        Some(steps, All((Compare(Path(OWN_ID), Op.EQ, id_), Compare(Path(OWN_TYPE), Op.EQ, name)))) for name, id_ in pointed
    )
    by_type = (_called((*before, replace(last, targets=(each.type.name,))), each, str(value)) for each in kinds)
    return AnyOf((*by_type, *there))


def _is(type_name: str, record_id: int) -> Expr:
    return All((Compare(Path(OWN_ID), Op.EQ, record_id), Compare(Path(OWN_TYPE), Op.EQ, type_name)))


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
