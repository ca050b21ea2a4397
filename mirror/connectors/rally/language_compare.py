"""One field compared with one value, as an expression: what each operator of Rally means for each kind of field.

Source: rally.md §4. Whatever is not recorded there is told in docs/queries-rally.md.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

from mirror.connectors.language import Asked
from mirror.connectors.rally.language_parse import Value
from mirror.connectors.rally.language_values import numbered, read_instant, read_key, read_number, whole
from mirror.model.schema import Field, Kind
from mirror.query.expr import NOTHING, AnyOf, Compare, Expr, Missing, Not, Op, Path

OPERATORS = {
    "=": Op.EQ,
    "!=": Op.NE,
    "<": Op.LT,
    ">": Op.GT,
    "<=": Op.LE,
    ">=": Op.GE,
    "contains": Op.CONTAINS,
    "!contains": Op.CONTAINS,
}
_RANKING: dict[Op, Callable[[int, int], bool]] = {
    Op.LT: lambda place, wanted: place < wanted,
    Op.LE: lambda place, wanted: place <= wanted,
    Op.GT: lambda place, wanted: place > wanted,
    Op.GE: lambda place, wanted: place >= wanted,
}
KEY = "FormattedID"
_EQUALITY = frozenset((Op.EQ, Op.NE))


class UnfitOperatorError(Exception):
    """An operator cannot be used with a kind of field; the message is a sentence for people."""


class UnfitValueError(Exception):
    """A value is none for a kind of field; the message is a sentence for people."""


@dataclass(frozen=True, slots=True)
class Compared:
    """What is compared.

    Attributes:
        path: from the record that has the field.
        operator: as written, in lower case; not `in` and not `between`.
    """

    field: Field
    path: Path
    operator: str
    value: Value

    @property
    def op(self) -> Op:
        """The operator, without its negation if it is `!contains`."""
        return OPERATORS[self.operator]


def is_negative(operator: str, value: Value) -> bool:
    """Return whether a comparison holds where there is nothing to compare with: `!=`, `!contains` and `= null`."""
    if value.is_null:
        return operator == "="
    return operator in ("!=", "!contains")


def null_test(path: Path, operator: str) -> Expr:
    """Return a comparison with null, which tests absence (rally.md §4 D/C); an empty text is absent too, as §5 shows it.

    Nothing is less or greater than null, and nothing contains it.
    """
    if operator not in ("=", "!="):
        return NOTHING
    return Missing(path) if operator == "=" else Not(Missing(path))


def doubtful(field: Field, operator: str, value: Value) -> str | None:
    """Return a sentence about a value that may be a slip: in the wrong quotes, or none that a drop-down has; None else."""
    text = value.text
    if not value.is_quoted and len(text) > 1 and text[0] == text[-1] == "'":
        return f"Rally's quotes are double; in {text} they belong to the value."
    if text.lower() == "null" and not value.is_quoted and not value.is_null:
        return f"Rally's word for what is not there is null, in lower case; {text} is a text."
    allowed = [each for each in field.allowed_values if each]
    if operator in ("contains", "!contains") or value.is_null or not text or not allowed or text in allowed:
        return None
    near = difflib.get_close_matches(text.casefold(), {each.casefold(): each for each in allowed}, n=1)
    meant = next((each for each in allowed if near and each.casefold() == near[0]), "")
    return f'{field.name} has no value "{text}" today{f"; did you mean {meant}?" if meant else "."}'


def compare(it: Compared, asked: Asked) -> Expr:
    """Return the comparison of a scalar field.

    What has no value is unlike any value: `!=` and `!contains` hold for it.

    Raises:
        UnfitOperatorError: the operator does not go with that kind of field.
        UnfitValueError: the value is none for that kind of field.
    """
    if it.field.kind is Kind.JSON and not it.value.is_null:
        raise UnfitOperatorError(f"{it.field.name} can only be compared with null")
    if it.value.is_null:
        return null_test(it.path, it.operator)
    if it.operator in ("!=", "!contains"):
        positive = Compared(it.field, it.path, it.operator[1:], it.value)
        return Not(compare(positive, asked))
    return _KINDS[it.field.kind](it, asked)


def _text(it: Compared, _asked: Asked) -> Expr:
    text, op = it.value.text, it.op
    if op is Op.CONTAINS:  # in any case: rally.md §4 D, weak
        return Compare(it.path, op, text, folds_case=True)
    if it.field.name == KEY:
        return _key(it)
    if it.field.name == "VersionId":
        return _version(it)
    if it.field.name == "ObjectUUID":
        return Compare(it.path, op, text.lower())
    if it.field.allowed_values and op is not Op.EQ:
        return _ranked(it)
    return Missing(it.path) if op is Op.EQ and not text else Compare(it.path, op, text)


def _ranked(it: Compared) -> Expr:
    """Return the comparison by the list of allowed values, not the alphabet (rally.md §4 C).

    Nothing compares with a value that is not in the list, and no such value with anything.
    """
    values = [each for each in it.field.allowed_values if each]
    if it.value.text not in values:
        return NOTHING
    wanted, holds = values.index(it.value.text), _RANKING[it.op]
    return AnyOf(tuple(Compare(it.path, Op.EQ, each) for place, each in enumerate(values) if holds(place, wanted)))


def _key(it: Compared) -> Expr:
    """Return the comparison of a FormattedID: with its letters or without, `<` and `>` by number (rally.md §4 C/R)."""
    key = read_key(it.value.text)
    if it.op is not Op.EQ:
        if key is None:
            raise UnfitValueError(f'"{it.value.text}" has no number, as US12 and 12 have')
        return numbered(it.path, it.op, key.number)
    if key is not None and not key.letters:
        return numbered(it.path, Op.EQ, key.number)
    written = {it.value.text} if key is None else {f"{key.letters}{key.number}", it.value.text}
    return AnyOf(tuple(Compare(it.path, Op.EQ, each) for each in sorted(written)))


def _version(it: Compared) -> Expr:
    """Return the comparison of a number that is kept as its digits."""
    found = whole(it.op, _number(it))
    if isinstance(found, bool):
        return Not(Missing(it.path)) if found else NOTHING
    return numbered(it.path, *found)


def _number(it: Compared) -> Decimal:
    number = read_number(it.value.text)
    if number is None:
        raise UnfitValueError(f'Could not parse: Cannot convert "{it.value.text}" into a number for {it.field.name}')
    return number


def _numeric(it: Compared, _asked: Asked) -> Expr:
    _refuse_text_operator(it)
    return Compare(it.path, it.op, _number(it))


def _integer(it: Compared, _asked: Asked) -> Expr:
    _refuse_text_operator(it)
    found = whole(it.op, _number(it))
    if isinstance(found, bool):
        return Not(Missing(it.path)) if found else NOTHING
    return Compare(it.path, *found)


def _boolean(it: Compared, _asked: Asked) -> Expr:
    if it.op not in _EQUALITY:
        raise UnfitOperatorError(f"{it.field.name} is true or false, and can only be compared by = and !=")
    if it.value.text.lower() not in ("true", "false"):  # in any case: vendor help, "General rules": True or False
        raise UnfitValueError(f'{it.field.name} is true or false, not "{it.value.text}"')
    return Compare(it.path, it.op, it.value.text.lower() == "true")


def _instant(it: Compared, asked: Asked) -> Expr:
    _refuse_text_operator(it)
    instant = read_instant(it.value.text, asked.now, asked.time_zone)
    if instant is None:  # rally.md §4 R
        advice = "You must use the ISO8601 date+time format."
        if it.value.text[:1].isalpha():
            advice += " Other days are today, today-7 and today+1."
        raise UnfitValueError(f'Could not parse: Cannot convert "{it.value.text}" into a date.  {advice}')
    return Compare(it.path, it.op, instant)


def _refuse_text_operator(it: Compared) -> None:
    if it.op is Op.CONTAINS:
        raise UnfitOperatorError(f"{it.field.name} is no text, so {it.operator} cannot be asked of it")


_KINDS: dict[Kind, Callable[[Compared, Asked], Expr]] = {
    Kind.TEXT: _text,
    Kind.NUMERIC: _numeric,
    Kind.INTEGER: _integer,
    Kind.BOOLEAN: _boolean,
    Kind.TIMESTAMP: _instant,
}
