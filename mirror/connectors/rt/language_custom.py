"""Custom fields in a query: `CF.{Name}`, `CF.Queue.{Name}`, and comparisons of columns with each other.

A value that is there and empty meets nothing but IS NOT NULL; a field without values meets every negative condition. RT
looks dates up in the time zone of the user, whatever the operator. All seen on 5.0.3.
"""

from __future__ import annotations

import re
from dataclasses import replace

from mirror.connectors.rt.language_syntax import Condition
from mirror.connectors.rt.language_values import (
    SIGNS,
    Question,
    instant,
    is_met_by_empty,
    meets,
    near,
    positive,
    within_day,
)
from mirror.model.part import Part
from mirror.model.schema import Field, Kind
from mirror.query.expr import EVERYTHING, NOTHING, OWN_ID, All, AnyOf, Compare, Expr, Missing, Not, Op, Path

CUSTOM = ("cf", "customfield", "customfieldvalue")
"""Words that a custom field is named by, in lower case."""

_WITH_HOLDER = re.compile(r"(?:(?P<holder>.+?)\.)?\{(?P<name>.+)\}(?:\.(?:Content|LargeContent))?", re.DOTALL)
_BARE = re.compile(r"(?P<name>\w+?)(?:\.(?:Content|LargeContent))?")
_VALUE = re.compile(r"CF\.(?:\{(?P<name>.*)\}|(?P<bare>.*?))(?:\.(?:Content|LargeContent))?", re.IGNORECASE | re.DOTALL)
_DAY_WORDS = re.compile(r"\s*(?:today|tomorrow|yesterday)\s*", re.IGNORECASE)
_TIME = re.compile(r"midnight|\d+:\d+:\d+", re.IGNORECASE)
_NUMBERS = (Kind.INTEGER, Kind.NUMERIC, Kind.BOOLEAN)


def custom(condition: Condition, question: Question) -> Expr:
    """Return the comparison of a custom field.

    Raises:
        QueryError: RT refuses it, or it needs what is not mirrored.
    """
    _, _, rest = condition.field.partition(".")
    if not rest:
        raise condition.at_field.wrong("No field specified")
    found = _WITH_HOLDER.fullmatch(rest) or _BARE.fullmatch(rest)
    name = found["name"] if found else rest
    if name.isdigit():
        raise condition.at_field.wrong("Custom fields are known here by their names, not by their numbers")
    fields = fields_called(name, question)
    if not fields:
        return _unknown(name, condition, question)
    holder = found.groupdict().get("holder") if found else None
    return _compared(fields, holder.strip("{}") if holder and len(fields) > 1 else "", condition, question)


def fields_called(name: str, question: Question) -> list[Field]:
    """Return the custom fields with that name in any case; RT allows several."""
    return [each for each in _fields(question) if each.display_name.lower() == name.lower()]


def _fields(question: Question) -> list[Field]:
    return [each for each in question.layout.type.fields if each.name.startswith("CF.")]


def _unknown(name: str, condition: Condition, question: Question) -> Expr:
    """RT finds no value of such a field, and no error in it (rt.md §5.1)."""
    close = near(name, tuple(each.display_name for each in _fields(question)))
    hint = f"; did you mean {', '.join(close)}?" if close else ""
    question.note(f"There is no custom field called {name!r}{hint}")
    plain, is_negative = positive(condition.operator)
    return EVERYTHING if is_negative and plain != "IS" else NOTHING


def _compared(fields: list[Field], holder: str, condition: Condition, question: Question) -> Expr:
    """Return the comparison of a field, or of several of one name, of which the queue `holder` has the right one."""
    plain, is_negative = positive(condition.operator)
    if condition.is_null:
        plain, is_negative = "IS" if is_negative and fields[0].kind is not Kind.VALUES else plain, False
        if plain != "IS":
            return EVERYTHING if condition.operator == "!=" else NOTHING
    if plain == "IS":
        some: Expr = AnyOf(tuple(Not(_is_absent(each)) for each in fields))
        some = All((_in_queue(holder), some)) if holder else some
        return some if is_negative else Not(some)
    if is_negative and len(fields) > 1 and not holder:  # one of them has no value of the other (seen on 5.0.3)
        question.note(f"There are several custom fields called {fields[0].display_name!r}; RT takes all tickets for others")
        return EVERYTHING
    found: Expr = AnyOf(tuple(_meets(each, replace(condition, operator=plain), question, is_negative) for each in fields))
    found = All((_in_queue(holder), found)) if holder else found
    if not is_negative:
        return found
    return All((Not(found), *(Not(_is_empty(each)) for each in fields if each.kind is Kind.TEXT)))


def _in_queue(holder: str) -> Expr:
    if holder.isdigit():
        return Compare(Path("Queue", (), Part.ID), Op.EQ, int(holder))
    return Compare(Path("Queue", (), Part.NAME), Op.EQ, holder, folds_case=True)


def _is_empty(field: Field) -> Expr:
    return Compare(Path(field.name), Op.EQ, "")


def _is_absent(field: Field) -> Expr:
    """Return whether the field has no value, not even an empty one."""
    missing = Missing(Path(field.name))
    return All((missing, Not(_is_empty(field)))) if field.kind in (Kind.TEXT, Kind.VALUES) else missing


def _meets(field: Field, condition: Condition, question: Question, is_negated: bool) -> Expr:
    """Return whether some value of the field meets an operator without negation, which it may have had.

    `=` with a day means all of that day, and `!=` that no value is written like that day.
    """
    path, operator, value = Path(field.name), condition.operator, condition.value
    if condition.is_column:
        return columns(path, condition, question)
    if field.kind is Kind.JSON:
        raise condition.at_field.wrong("Of a custom field with files only IS NULL and IS NOT NULL can be asked here")
    if field.native_type in ("Date", "DateTime"):
        return _dates(field, operator, value, question, is_equality=operator == "=" and not is_negated)
    found = meets(path, operator, value)
    return All((found, Not(_is_empty(field)))) if is_met_by_empty(operator, value) else found


def _dates(field: Field, operator: str, value: str, question: Question, *, is_equality: bool) -> Expr:
    """Return the comparison with a date, as text: `2026-05-11` is less than every time on that day."""
    path, moment = Path(field.name), question.date(value)
    if moment is None or moment.timestamp() == 0:
        question.notes[:] = [each for each in question.notes if not each.startswith(repr(value))]
        question.note(f"{value!r} is no date; RT compares it as text")
        return meets(path, operator, value)
    local = moment.astimezone(question.zone)
    is_day = bool(_DAY_WORDS.fullmatch(value)) or (not _TIME.search(value) and f"{local:%H%M%S}" == "000000")
    if field.native_type == "Date" or is_day:
        day = f"{local:%Y-%m-%d}"
        if field.native_type == "DateTime" and is_equality:
            is_utc = field.kind is Kind.VALUES and f"{moment:%H%M%S}" == "000000"  # all of a day is one part of the text
            return Compare(path, Op.STARTS, instant(moment)[:10]) if is_utc else within_day(path, moment, question.zone)
        return Compare(path, SIGNS[operator], day) if operator in SIGNS else meets(path, operator, day)
    text = instant(moment)
    return Compare(path, SIGNS[operator], text) if operator in SIGNS else meets(path, operator, text)


def columns(path: Path, condition: Condition, question: Question) -> Expr:
    """Return the comparison of a field with another field of the same record (rt.md §5.1, "A bare word is a column").

    Raises:
        QueryError: there is no such column, or the two cannot be compared here.
    """
    plain, is_negative = positive(condition.operator)
    if is_negative and plain == "=":
        plain, is_negative = "!=", False
    other = _column(condition, question)
    kinds = (_kind(path.field, question), _kind(other.field, question))
    if plain not in SIGNS or Kind.VALUES in kinds or (kinds[0] in _NUMBERS) is not (kinds[1] in _NUMBERS):
        raise condition.at_value.wrong("These two cannot be compared here")
    return Compare(path, SIGNS[plain], other, folds_case=True)


def _column(condition: Condition, question: Question) -> Path:
    found = _VALUE.fullmatch(condition.value)
    name = condition.value
    if found:
        fields = fields_called(found["name"] or found["bare"] or "", question)
        if len(fields) == 1:
            return Path(fields[0].name)
    elif name == "id" or question.layout.type.field(name) is not None:
        path = Path(OWN_ID if name == "id" else name)
        if _kind(path.field, question) not in (Kind.REFERENCE, Kind.LINKS):
            return path
    raise condition.at_value.wrong(f"Wrong query, no such column '{name}'; a text is written in quotes")


def _kind(name: str, question: Question) -> Kind:
    field = question.layout.type.field(name)
    return Kind.INTEGER if field is None else field.kind
