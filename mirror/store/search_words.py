"""How each database says what comparing needs: text, folding, parts of text, exact numbers, sums, lists."""

from __future__ import annotations

import json
import operator
import re
from collections.abc import Collection, Sequence
from decimal import Decimal
from math import floor
from typing import Any, Protocol, TypeAlias

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    ColumnElement,
    FromClause,
    Integer,
    Numeric,
    ScalarSelect,
    Select,
    Text,
    and_,
    any_,
    bindparam,
    case,
    cast,
    collate,
    false,
    func,
    literal,
    null,
    select,
)
from sqlalchemy.types import Double

from mirror.model.schema import Kind
from mirror.query.expr import Op, Scalar
from mirror.query.values import AVERAGE_PLACES, FAMILIES, Family
from mirror.store.column_types import column_type

Element = ColumnElement[Any]
Selected: TypeAlias = "Select[*tuple[Any, ...]]"
Condition = ColumnElement[bool]

IDS = "ids"
"""Name of the parameter with the ids of the records in question."""

_PARAMETERS = 5000
"""Values of one list that are a parameter each: SQLite takes 32,766 of them, Postgres 65,535."""

_SURROGATES = re.compile("[\ud800-\udfff]")
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_INSTANT_FORM = 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'
_DECIMALS = -int(AVERAGE_PLACES.as_tuple().exponent)
_MANY_DECIMALS = Decimal(f"1.{'0' * 40}")
_LARGEST = 2**63 - 1
_EXACT = 2**53
_ARITHMETIC: dict[Op, Any] = {
    Op.EQ: operator.eq,
    Op.NE: operator.ne,
    Op.LT: operator.lt,
    Op.LE: operator.le,
    Op.GT: operator.gt,
    Op.GE: operator.ge,
}


def compared(left: Element, op: Op, right: Element) -> Condition:
    """Return the comparison by one of the six operators of arithmetic."""
    condition: Condition = _ARITHMETIC[op](left, right)
    return condition


class Words(Protocol):
    """One database. Texts are expressions of type Text; null gives null everywhere.

    Attributes:
        gives_decimals: a NUMERIC is read as a Decimal, and not as rows have it.
    """

    gives_decimals: bool

    def text(self, kind: Kind, value: Element) -> Element:
        """Return a value of that kind as text, as query.values.text_of does."""
        ...

    def constant(self, text: str) -> Element:
        """Return a text of a query, with U+FFFD for what the database cannot store, as in columns."""
        ...

    def stored(self, value: Scalar) -> Scalar:
        """Return a scalar as columns keep it: a text with U+FFFD as above."""
        ...

    def one_of(self, value: Element, given: Sequence[Scalar]) -> Condition:
        """Return the condition that a text or a whole number is one of these of a query; there may be any number of them."""
        ...

    def typed(self, kind: Kind, text: str) -> Element:
        """Return an instant or a day of a query."""
        ...

    def folded(self, text: Element) -> Element:
        """Return what query.values.fold does."""
        ...

    def sorted(self, text: Element) -> Element:
        """Return a text that is compared and ordered by code points."""
        ...

    def like(self, text: Element, op: Op, other: Element | str) -> Condition:
        """Return a comparison by an operator on text; `other` is as it is compared, folded already."""
        ...

    def against_number(self, value: Element, op: Op, given: Decimal) -> Condition:
        """Return the exact comparison of an INTEGER or NUMERIC with a number; null may count as false."""
        ...

    def total(self, value: Element) -> Element:
        """Return the exact sum."""
        ...

    def average(self, value: Element) -> Element:
        """Return the average, rounded."""
        ...

    def least(self, kind: Kind, value: Element, *, greatest: bool = False) -> Element:
        """Return the least, or greatest, value of a group."""
        ...

    def number_behind(self, text: Element) -> tuple[Element, Element]:
        """Return the letters and the number of a key, as query.values.numbered does."""
        ...

    def listed(self, value: Element, rows: FromClause) -> ScalarSelect[Any]:
        """Return the values of `rows`, in their order, as JSON text of an array; null for none."""
        ...

    def among(self, record: Element) -> Condition:
        """Return the condition that an id is one of those in the parameter IDS, of which there may be any number."""
        ...

    def ids(self, ids: Collection[int]) -> object:
        """Return the value of the parameter IDS."""
        ...


class SqliteWords:
    """SQLite, with our functions where it has none."""

    gives_decimals = False

    def text(self, kind: Kind, value: Element) -> Element:
        if kind is Kind.BOOLEAN:
            return case((value.is_(True), "true"), (value.is_(False), "false"))
        if kind is Kind.NUMERIC:
            return func.mirror_text(value, type_=Text())
        return cast(value, Text) if kind is Kind.INTEGER else value

    def constant(self, text: str) -> Element:
        return literal(self.stored(text), Text())

    def stored(self, value: Scalar) -> Scalar:
        return _SURROGATES.sub("\ufffd", value) if isinstance(value, str) else value

    def one_of(self, value: Element, given: Sequence[Scalar]) -> Condition:
        stored = [self.stored(each) for each in given]
        if len(stored) <= _PARAMETERS:
            return value.in_(stored)
        return value.in_(select(func.json_each(literal(json.dumps(stored), Text())).table_valued("value").c.value))

    def typed(self, kind: Kind, text: str) -> Element:
        return literal(text, Text())

    def folded(self, text: Element) -> Element:
        return func.mirror_fold(text, type_=Text())

    def sorted(self, text: Element) -> Element:
        return text

    def like(self, text: Element, op: Op, other: Element | str) -> Condition:
        """GLOB and not LIKE, which takes upper for lower case, and which an index cannot help."""
        if op is Op.CONTAINS:
            return func.instr(text, self._element(other), type_=Integer()) > 0
        if isinstance(other, str) and "\x00" in other:
            return false()  # a NUL ends the pattern, which would match far more
        if isinstance(other, str):
            return text.op("GLOB", is_comparison=True, return_type=Boolean())(self.constant(_glob(op, other)))
        if op is Op.LIKE:
            return text.op("GLOB", is_comparison=True, return_type=Boolean())(_glob_of(other))
        return _at_an_end(text, op, other)

    def _element(self, other: Element | str) -> Element:
        return self.constant(other) if isinstance(other, str) else other

    def against_number(self, value: Element, op: Op, given: Decimal) -> Condition:
        """A REAL stands for its shortest decimal; between two of these lies no other, so a bound can be moved to one."""
        if given == int(given) and abs(given) <= _LARGEST:
            return compared(value, op, literal(int(given), BigInteger()))
        real = float(given)
        shown = Decimal(repr(real))
        if shown == given:
            return compared(value, op, literal(real, Double()))
        if op in (Op.EQ, Op.NE):
            return false() if op is Op.EQ else value.is_not(null())
        is_below = op in (Op.LT, Op.LE)
        if _EXACT <= abs(given) <= _LARGEST:  # between two REALs of this size there are integers
            bound = literal(floor(given), BigInteger())
            return value <= bound if is_below else value > bound
        bound = literal(real, Double())
        if is_below:
            return value <= bound if shown < given else value < bound
        return value >= bound if shown > given else value > bound

    def total(self, value: Element) -> Element:
        return func.mirror_total(value, type_=column_type(Kind.NUMERIC))

    def average(self, value: Element) -> Element:
        return func.mirror_average(value, type_=column_type(Kind.NUMERIC))

    def least(self, kind: Kind, value: Element, *, greatest: bool = False) -> Element:
        kind_of = column_type(kind)
        return func.max(value, type_=kind_of) if greatest else func.min(value, type_=kind_of)

    def number_behind(self, text: Element) -> tuple[Element, Element]:
        letters = func.rtrim(text, "0123456789", type_=Text())
        digits = func.substr(text, func.length(letters) + 1, type_=Text())
        return letters, cast(digits, BigInteger)

    def listed(self, value: Element, rows: FromClause) -> ScalarSelect[Any]:
        many = func.json_group_array(value, type_=Text())
        return select(case((func.count(type_=Integer()) > 0, many))).select_from(rows).scalar_subquery()

    def among(self, record: Element) -> Condition:
        return record.in_(select(func.json_each(bindparam(IDS, type_=Text())).table_valued("value").c.value))

    def ids(self, ids: Collection[int]) -> object:
        return json.dumps(list(ids))


class PostgresWords:
    """Postgres.

    Args:
        folding: the collation that knows upper and lower case of all scripts; "" for that of the database.
    """

    gives_decimals = True

    def __init__(self, folding: str) -> None:
        self._folding = folding

    def text(self, kind: Kind, value: Element) -> Element:
        if kind is Kind.BOOLEAN:
            return case((value.is_(True), "true"), (value.is_(False), "false"))
        if kind is Kind.NUMERIC:
            return cast(func.trim_scale(value), Text)
        if kind is Kind.TIMESTAMP:
            return func.to_char(value, _INSTANT_FORM, type_=Text())
        if kind is Kind.DATE:
            return func.to_char(value, "YYYY-MM-DD", type_=Text())
        return value if kind is Kind.TEXT else cast(value, Text)

    def constant(self, text: str) -> Element:
        return literal(self.stored(text), Text())

    def stored(self, value: Scalar) -> Scalar:
        return _UNSTORABLE.sub("\ufffd", value) if isinstance(value, str) else value

    def one_of(self, value: Element, given: Sequence[Scalar]) -> Condition:
        stored = [self.stored(each) for each in given]
        if len(stored) <= _PARAMETERS:
            return value.in_(stored)
        return value == any_(literal(stored, ARRAY(Text() if isinstance(stored[0], str) else BigInteger())))

    def typed(self, kind: Kind, text: str) -> Element:
        return cast(literal(text, Text()), column_type(kind))

    def folded(self, text: Element) -> Element:
        """Databases differ in the lower case of what depends on its context; see query.values.fold."""
        lower = func.lower(collate(text, self._folding) if self._folding else text, type_=Text())
        without_sigma = func.replace(lower, "\u03c2", "\u03c3", type_=Text())
        return func.replace(without_sigma, "i\u0307", "i", type_=Text())

    def sorted(self, text: Element) -> Element:
        return collate(text, "C")

    def like(self, text: Element, op: Op, other: Element | str) -> Condition:
        right = self.constant(other) if isinstance(other, str) else other
        if op is Op.CONTAINS:
            return func.strpos(text, right, type_=Integer()) > 0
        if op is Op.STARTS:
            return func.starts_with(text, right, type_=Boolean())
        if op is Op.ENDS:
            return func.right(text, func.length(right), type_=Text()) == right
        return text.like(right, escape="")

    def against_number(self, value: Element, op: Op, given: Decimal) -> Condition:
        if given == int(given) and abs(given) <= _LARGEST:
            return compared(value, op, literal(int(given), BigInteger()))
        return compared(value, op, literal(given, Numeric()))

    def total(self, value: Element) -> Element:
        return func.sum(cast(value, Numeric), type_=column_type(Kind.NUMERIC))

    def average(self, value: Element) -> Element:
        """The sum is given decimals: a quotient has as many as its parts, and sixteen digits at least."""
        exact = func.sum(cast(value, Numeric)) * literal(_MANY_DECIMALS, Numeric()) / func.nullif(func.count(value), 0)
        return func.round(exact, _DECIMALS, type_=column_type(Kind.NUMERIC))

    def least(self, kind: Kind, value: Element, *, greatest: bool = False) -> Element:
        if kind is Kind.BOOLEAN:
            return func.bool_or(value, type_=Boolean()) if greatest else func.bool_and(value, type_=Boolean())
        if FAMILIES[kind] is Family.TEXT:
            value = self.sorted(self.text(kind, value))
        kind_of = column_type(kind)
        return func.max(value, type_=kind_of) if greatest else func.min(value, type_=kind_of)

    def number_behind(self, text: Element) -> tuple[Element, Element]:
        letters = func.rtrim(text, "0123456789", type_=Text())
        digits = func.substr(text, func.length(letters) + 1, type_=Text())
        number = func.coalesce(cast(func.nullif(digits, ""), Numeric), 0)
        return letters, case((text.is_not(null()), func.least(number, literal(_LARGEST, BigInteger()))))

    def listed(self, value: Element, rows: FromClause) -> ScalarSelect[Any]:
        many = cast(func.json_agg(value), Text)
        return select(many).select_from(rows).scalar_subquery()

    def among(self, record: Element) -> Condition:
        return record == any_(bindparam(IDS, type_=ARRAY(BigInteger())))

    def ids(self, ids: Collection[int]) -> object:
        return list(ids)


def _glob(op: Op, text: str) -> str:
    """Return the pattern of GLOB for STARTS, ENDS or LIKE with `text`."""
    escaped = "".join(f"[{each}]" if each in "*?[" else each for each in text)
    if op is Op.LIKE:
        return escaped.replace("%", "*").replace("_", "?")
    return f"{escaped}*" if op is Op.STARTS else f"*{escaped}"


def _glob_of(pattern: Element) -> Element:
    found = pattern
    for each, instead in (("[", "[[]"), ("*", "[*]"), ("?", "[?]"), ("%", "*"), ("_", "?")):
        found = func.replace(found, each, instead, type_=Text())
    return found


def _at_an_end(text: Element, op: Op, part: Element) -> Condition:
    if op is Op.STARTS:
        return func.substr(text, 1, func.length(part), type_=Text()) == part
    longer = func.length(text, type_=Integer()) - func.length(part, type_=Integer())
    return and_(longer >= 0, func.substr(text, longer + 1, type_=Text()) == part)
