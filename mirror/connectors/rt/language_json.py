"""RT's JSON searches: a list of conditions, each on one field. rt.md §4.3; seen on RT 5.0.3.

Conditions on different fields must all hold; those on one field are joined by OR, unless they say otherwise, and there AND
binds tighter. References are compared by number, instants as RT stores them, in UTC.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from json import JSONDecodeError

from mirror.connectors.rt.language_columns import hidden, object_of, truth
from mirror.connectors.rt.language_custom import custom
from mirror.connectors.rt.language_syntax import Condition, Place
from mirror.connectors.rt.language_values import PATTERNS, SIGNS, Question, exact, meets, near, number, positive, text
from mirror.model.part import Part
from mirror.model.schema import Field, Kind
from mirror.query.expr import EVERYTHING, NOTHING, OWN_ID, All, AnyOf, Compare, Expr, Missing, Not, Op, Path

_OPERATORS = (*SIGNS, *PATTERNS, *(f"NOT {each}" for each in PATTERNS), "IS", "IS NOT")
_CUSTOM = re.compile(r"(?:CF|CustomField)\.\{.*\}", re.IGNORECASE | re.DOTALL)
_STORED = re.compile(r"\d{4}-\d\d-\d\d(?: \d\d:\d\d:\d\d)?")
_JOINED_BY_AND = ("queue",)


def is_json(text: str) -> bool:
    """Return whether a query is a list of conditions."""
    return text.lstrip().startswith("[")


def listed(query: str, question: Question) -> Expr:
    """Return what a list of conditions asks of records of any type.

    Raises:
        QueryError: it is no such list, or a condition is about a field or an operator that there is not. RT drops such
            conditions without a word, and so finds more than was asked for.
    """
    try:
        given = json.loads(query)
    except JSONDecodeError as error:
        raise Place(query, error.pos, 1).wrong(f"This is no JSON: {error.msg}") from None
    if not given:
        question.note("RT finds nothing without a condition")
        return NOTHING
    found: dict[str, list[tuple[bool, Expr]]] = {}
    for each in given:
        if not isinstance(each, dict) or not isinstance(each.get("field"), str) or each.get("value") is None:
            raise Place(query, 0, len(query)).wrong(
                'A condition looks like {"field": "Name", "operator": "=", "value": "x"}'
            )
        key = each["field"] if not _CUSTOM.fullmatch(each["field"]) else f"{each['field']} {len(found)}"
        found.setdefault(key, []).append((_is_and(each, question), _condition(query, each, question)))
    shown = hidden(question, disabled_too="Disabled" in found)
    if question.layout.type.name == "ticket":
        shown.append(Not(Compare(Path("Status"), Op.EQ, "deleted")))
        shown += [] if "Type" in found else [Compare(Path("Type"), Op.EQ, "ticket")]
    return All((*shown, *(_joined(each) for each in found.values())))


def _is_and(given: Mapping[str, object], question: Question) -> bool:
    default = "AND" if question.layout.type.name in _JOINED_BY_AND else "OR"
    return str(given.get("entry_aggregator") or default).upper() == "AND"


def _joined(found: list[tuple[bool, Expr]]) -> Expr:
    """Join the conditions on one field as SQL reads them: AND binds tighter than OR."""
    alternatives: list[list[Expr]] = [[]]
    for at, (is_and, expr) in enumerate(found):
        if at and not is_and:
            alternatives.append([])
        alternatives[-1].append(expr)
    return AnyOf(tuple(All(tuple(each)) for each in alternatives))


def _condition(query: str, given: Mapping[str, object], question: Question) -> Expr:
    name, value = str(given["field"]), _text_of(given["value"])
    operator = str(given.get("operator") or "=").upper()
    if operator not in _OPERATORS:
        raise _place(query, str(given["operator"])).wrong(
            f"There is no operator {given['operator']}", near(operator, _OPERATORS)
        )
    place = _place(query, name)
    if operator.startswith("IS"):
        value = "NULL"
    condition = Condition(name, operator, value, place, _place(query, operator), _place(query, value))
    if _CUSTOM.fullmatch(name):
        return custom(condition, question)
    expr = _field(condition, question)
    return exact(expr) if str(given.get("case_sensitive") or "0") != "0" else expr


def _field(condition: Condition, question: Question) -> Expr:
    record_type, name = question.layout.type, condition.field
    if name == "id":
        return number(Path(OWN_ID), condition)
    if record_type.name == "transaction" and name in ("ObjectType", "ObjectId"):
        return object_of(name, condition)
    if record_type.name == "group" and name == "Domain":  # rt.md §6.9: others are not mirrored
        return EVERYTHING if (condition.operator, condition.value.lower()) == ("=", "userdefined") else NOTHING
    field = record_type.field(name)
    if field is None or field.kind in (Kind.LINKS, Kind.VALUES):
        known = ("id", *(each.name for each in record_type.fields if each.kind not in (Kind.LINKS, Kind.VALUES)))
        raise condition.at_field.wrong(f"There is no field {name} to search {record_type.name} by", near(name, known))
    return _compared(field, condition, question)


def _compared(field: Field, condition: Condition, question: Question) -> Expr:
    path = Path(field.name)
    if field.kind is Kind.REFERENCE:
        return _reference(field, condition, question)
    if field.kind is Kind.TIMESTAMP:
        return _instant(path, condition)
    if field.kind is Kind.BOOLEAN:
        return truth(path, condition)
    if field.kind is Kind.INTEGER:
        return number(path, condition, is_never_null=False)
    return text(path, condition.operator, condition.value)


def _reference(field: Field, condition: Condition, question: Question) -> Expr:
    path = Path(field.name, (), Part.ID)
    if condition.operator.startswith("IS"):
        return Missing(path) if condition.operator == "IS" else Not(Missing(path))
    if not condition.value.isdigit():
        question.note(f"{field.name} is compared with a number; RT finds nothing by a name")
        return Not(Missing(path)) if positive(condition.operator)[1] else NOTHING
    return number(path, condition, is_never_null=False)


def _instant(path: Path, condition: Condition) -> Expr:
    """Return the comparison of an instant as RT stores it; a day is less than every time on it, as texts are."""
    plain, is_negative = positive(condition.operator)
    if plain == "IS":
        return Not(Missing(path)) if is_negative else Missing(path)
    value = condition.value
    if not _STORED.fullmatch(value):
        raise condition.at_value.wrong("An instant is written as 2026-11-21 01:10:00, in UTC")
    stored = f"{value[:10]}T{value[11:]}.000Z" if len(value) > 10 else value
    found: Expr = Compare(path, SIGNS[plain], stored) if plain in SIGNS else meets(path, plain, stored)
    return All((Not(Missing(path)), Not(found))) if is_negative else found


def _text_of(value: object) -> str:
    if isinstance(value, bool):
        return "1" if value else "0"
    return str(value)


def _place(query: str, part: str) -> Place:
    """Return where a text stands in the list, the first time; the whole of it when it was written with escapes."""
    at = query.find(part) if part else -1
    return Place(query, at, len(part)) if at >= 0 else Place(query, 0, len(query))
