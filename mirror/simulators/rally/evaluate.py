"""A query tree as a test of objects. rally.md §4."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from mirror.simulators.rally.convert import reference_id
from mirror.simulators.rally.items import Item, RefusedError, parse_date, stamp, uuid_of
from mirror.simulators.rally.query import Both, Query, Term
from mirror.simulators.rally.schema import Attribute, Schema
from mirror.simulators.rally.state import View, name_of, number_of

Test = Callable[[Item], bool]
Reader = Callable[[Item], Any]

_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    ">": operator.gt,
    "<=": operator.le,
    ">=": operator.ge,
}
_ALIASES = {"Rank": "DragAndDropRank"}


class Evaluator:
    """Turns queries on one type into tests.

    Args:
        type_path: the type asked for; may be abstract.
        now: the present moment in the time zone of the user, whose days and times are meant where a query names no zone.
    """

    def __init__(self, view: View, schema: Schema, type_path: str, *, now: datetime) -> None:
        self._view = view
        self._schema = schema
        self._type = type_path
        self._now = now

    def test(self, query: Query) -> Test:
        """Return the test for a query.

        Raises:
            RefusedError: an attribute does not exist or a value cannot be read.
        """
        if isinstance(query, Both):
            left, right = self.test(query.left), self.test(query.right)
            if query.word == "AND":
                return lambda item: left(item) and right(item)
            return lambda item: left(item) or right(item)
        return self._term(query)

    def _term(self, term: Term) -> Test:
        names = term.path.split(".")
        self._common(names[0])
        return self._condition(term, self._type, names, lacking=_holds_for_nothing(term))

    def _condition(self, term: Term, owner: str, names: list[str], *, lacking: bool) -> Test:
        """Return the test of objects of type `owner`, from which `names` lead to what is compared.

        Args:
            lacking: what holds for objects of an abstract type's kinds that have no such attribute.
        """
        name = names[0]
        attribute = self.attribute(owner, name)
        if attribute is None or (len(names) > 1 and not attribute.target):
            raise self._unknown(term, name, owner)
        if attribute.name not in self._schema.attributes(owner):
            return self._by_kind(term, owner, names, lacking=lacking)
        if len(names) == 1:
            return self._comparison(term, attribute)
        negative = _holds_for_nothing(term)
        inner = self._condition(term, attribute.target, names[1:], lacking=negative and not attribute.is_collection)
        return self._through(attribute, inner, negative=negative)

    def _by_kind(self, term: Term, owner: str, names: list[str], *, lacking: bool) -> Test:
        """Return the test of an attribute that only some kinds of an abstract type have, each its own one."""
        tests: dict[str, Test] = {}
        refusals: list[RefusedError] = []
        for path in self._schema.concrete(owner):
            try:
                tests[path] = self._condition(term, path, names, lacking=lacking)
            except RefusedError as refusal:
                refusals.append(refusal)
        if not tests:
            raise refusals[0]
        return lambda item: tests[item.type](item) if item.type in tests else lacking

    def attribute(self, owner: str, name: str) -> Attribute | None:
        """Return an attribute that queries and orders may use, or None."""
        attribute = self._schema.attribute(owner, _ALIASES.get(name, name)) if owner else None
        return None if attribute is None or attribute.hidden else attribute

    def _unknown(self, term: Term, name: str, owner: str) -> RefusedError:
        # rally.md §4 R
        spec = self._schema.spec(owner or self._type)
        return RefusedError(
            f'Could not parse: Could not find attribute "{name}" on type {spec.element} in the query segment "{term.path}"'
        )

    def _common(self, name: str) -> None:
        # A field that some kinds of artifact lack cannot be asked of all. rally.md §4 R
        attribute = self.attribute(self._type, name)
        missing = attribute is not None and attribute.name not in self._schema.attributes("Artifact")
        if self._type == "Artifact" and missing:
            domain = "com.f4tech.slm.domain.Artifact"
            raise RefusedError(f"Could not read: could not read all instances of class {domain}")

    def _through(self, step: Attribute, inner: Test, *, negative: bool) -> Test:
        get, name = self._view.get, step.name
        if step.is_collection:
            # Any member satisfies the condition. rally.md §4 D/C
            def any_member(item: Item) -> bool:
                found = (get(oid) for oid in self._view.members(item, name))
                return any(member is not None and inner(member) for member in found)

            return any_member

        def behind(item: Item) -> bool:
            oid = reference_of(item, name)
            target = get(oid) if oid is not None else None
            return inner(target) if target is not None else negative

        return behind

    def _comparison(self, term: Term, attribute: Attribute) -> Test:
        if attribute.is_collection:
            return self._membership(term, attribute)
        if term.is_null:
            return self._null(term, attribute)
        _check_operator(term, attribute)
        if term.operator == "in":
            tests = [self._single(term, attribute, value) for value in term.values]
            if term.or_null:
                tests.append(self._null(Term(term.path, "=", ("null",)), attribute))
            return lambda item: any(test(item) for test in tests)
        return self._single(term, attribute, term.values[0])

    def _null(self, term: Term, attribute: Attribute) -> Test:
        read = reader(attribute)
        # Absence is what null tests, and an empty text shows the absence of one. rally.md §4 D/C, §5 R
        if term.operator == "!=":
            return lambda item: read(item) not in (None, "")
        if term.operator == "=":
            return lambda item: read(item) in (None, "")
        return lambda item: False

    def _membership(self, term: Term, attribute: Attribute) -> Test:
        members, name = self._view.members, attribute.name
        _check_operator(term, attribute)
        if term.is_null:
            return lambda item: (not members(item, name)) == (term.operator == "=")
        wanted = {reference_id(value) for value in term.values}
        if term.or_null:
            return lambda item: not members(item, name) or not wanted.isdisjoint(members(item, name))
        negative = term.operator in ("!=", "!contains")
        return lambda item: wanted.isdisjoint(members(item, name)) == negative

    def _single(self, term: Term, attribute: Attribute, value: str) -> Test:
        read = reader(attribute)
        if term.operator in ("contains", "!contains"):
            return _containing(read, value, negative=term.operator == "!contains")
        compare = _COMPARE["=" if term.operator == "in" else term.operator]
        if attribute.name == "FormattedID":
            return _formatted(read, value, compare)
        if attribute.kind in ("pick", "state") and term.operator not in ("=", "!=", "in"):
            return _ranked(read, attribute.values, value, compare)
        if value == "" and attribute.kind in _TEXTS and term.operator in ("=", "!=", "in"):
            return self._null(term, attribute) if term.operator == "!=" else lambda item: read(item) in (None, "")
        return _comparing(read, self.literal(attribute, value), compare, unequal=term.operator == "!=")

    def literal(self, attribute: Attribute, text: str) -> Any:
        """Return a value as stored objects hold it.

        Raises:
            RefusedError: it cannot be one.
        """
        if attribute.kind == "date":
            return self._date(text)
        if attribute.kind in ("integer", "decimal") or attribute.name == "VersionId":
            return _number(attribute, text)
        if attribute.kind == "boolean":
            return _boolean(attribute, text)
        if attribute.kind == "ref":
            return reference_id(text)
        return text.lower() if attribute.name == "ObjectUUID" else text

    def _date(self, text: str) -> str:
        relative = re.fullmatch(r"today(?:([+-]\d+))?", text)
        if relative is not None:
            return self._day(text, int(relative[1] or 0))
        parsed = parse_date(text, self._now.tzinfo or UTC)
        if parsed is None:
            raise _no_date(text)
        return parsed

    def _day(self, text: str, days: int) -> str:
        # `today` is the start of the present day. rally.md §4 D
        try:
            return stamp(self._now.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=days))
        except OverflowError:
            raise _no_date(text) from None


def _no_date(text: str) -> RefusedError:
    # rally.md §4 R
    advice = "You must use the ISO8601 date+time format."
    return RefusedError(f'Could not parse: Cannot convert "{text}" into a date.  {advice}')


def _number(attribute: Attribute, text: str) -> int | float:
    if re.fullmatch(r"[+-]?\d+", text, re.ASCII):
        return int(text)
    if re.fullmatch(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?", text, re.ASCII):
        return float(text)
    # No text is recorded for this case; it follows that of bad dates.
    raise RefusedError(f'Could not parse: Cannot convert "{text}" into a number for {attribute.name}')


def _boolean(attribute: Attribute, text: str) -> bool:
    # True or False, says the vendor's help; no text is recorded for anything else.
    if text.lower() not in ("true", "false"):
        raise RefusedError(f'Could not parse: Cannot convert "{text}" into a boolean for {attribute.name}')
    return text.lower() == "true"


def _holds_for_nothing(term: Term) -> bool:
    """True for the tests that an absent value passes. rally.md §4 D/C: null tests absence"""
    return term.operator == "=" if term.is_null else term.or_null or term.operator in ("!=", "!contains")


_TEXTS = ("string", "text", "raw", "pick", "state")


def _check_operator(term: Term, attribute: Attribute) -> None:
    """Refuse an operator that says nothing about a kind: each attribute has its AllowedQueryOperators. rally.md §7 S

    Which ones they are, and the text of the refusal, is not recorded.
    """
    null_only = ("=", "!=")
    if attribute.is_collection:
        allowed: tuple[str, ...] = null_only if term.is_null else (*null_only, "contains", "!contains", "in")
    elif attribute.kind in _TEXTS:
        allowed = (*_COMPARE, "contains", "!contains", "in")
    elif attribute.kind == "weblink":
        allowed = ()
    else:
        allowed = (*null_only, "in") if attribute.kind in ("boolean", "ref") else (*_COMPARE, "in")
    if term.operator not in allowed:
        raise RefusedError(f'Could not parse: Operator "{term.operator}" cannot be applied to {attribute.name}')


def reference_of(item: Item, name: str) -> int | None:
    """Return the ObjectID behind a reference, the revision history included."""
    if name == "RevisionHistory" and item.type != "Revision":
        return item.oid + 1
    oid: int | None = item.values.get(name)
    return oid


def reader(attribute: Attribute) -> Reader:
    """Return a function that reads an attribute in comparable form."""
    name, default = attribute.name, attribute.default
    special: dict[str, Reader] = {
        "ObjectID": lambda item: item.oid,
        "VersionId": lambda item: item.version,
        "ObjectUUID": lambda item: uuid_of(item.oid),
        "RevisionHistory": lambda item: reference_of(item, name),
    }
    return special.get(name) or (lambda item: item.values.get(name, default))


def _comparing(read: Reader, wanted: Any, compare: Callable[[Any, Any], bool], *, unequal: bool) -> Test:
    def test(item: Item) -> bool:
        value = read(item)
        if value is None:
            return unequal
        return compare(value, wanted) if wanted is not None else unequal

    return test


def _containing(read: Reader, text: str, *, negative: bool) -> Test:
    # Whether case counts is unsettled (rally.md §4 D, weak); the documentation's example suggests that it does not.
    wanted = text.lower()

    def test(item: Item) -> bool:
        value = read(item)
        return (value is not None and wanted in str(value).lower()) != negative

    return test


def _formatted(read: Reader, text: str, compare: Callable[[Any, Any], bool]) -> Test:
    """`US914` or `914`; comparisons look at the number. rally.md §4 C/R"""
    exact = compare in (operator.eq, operator.ne)
    if re.fullmatch(r"\D*\d+", text, re.ASCII) is None:
        if not exact:
            raise RefusedError(f'Could not parse: Cannot convert "{text}" into a number for FormattedID')
        return _comparing(read, text, compare, unequal=compare is operator.ne)
    wanted, prefix = number_of(text), re.sub(r"\d", "", text).upper()

    def test(item: Item) -> bool:
        value = read(item)
        if value is None:
            return compare is operator.ne
        if exact and prefix and re.sub(r"\d", "", value) != prefix:
            return compare is operator.ne
        return compare(number_of(value), wanted)

    return test


def _ranked(read: Reader, order: Iterable[str], text: str, compare: Callable[[Any, Any], bool]) -> Test:
    """`<` and `>` on drop-downs follow the list, not the alphabet. rally.md §4 C"""
    places = {value: index for index, value in enumerate(order)}
    wanted = places.get(text)
    if wanted is None:
        return lambda item: False
    return lambda item: read(item) in places and compare(places[read(item)], wanted)


def order_key(view: View, evaluator: Evaluator, owner: str, path: str) -> Reader:
    """Return a sort key for a (dotted) path; objects without a value come first.

    Raises:
        RefusedError: the path cannot be sorted by. rally.md §4 C
    """
    name, _, rest = path.partition(".")
    attribute = evaluator.attribute(owner, name)
    if attribute is None or attribute.is_collection or attribute.kind == "weblink":
        raise RefusedError(f"Cannot sort using unknown attribute {path}")
    if rest:
        return _key_behind(view, attribute.name, order_key(view, evaluator, attribute.target, rest))
    if attribute.kind == "ref":
        return _name_behind(view, attribute.name)
    return partial(_key, reader(attribute), _scale(attribute))


def _name_behind(view: View, name: str) -> Reader:
    """Return a key that orders by what `_refObjectName` shows of the object behind a reference. Not recorded."""

    def key(item: Item) -> Any:
        oid = reference_of(item, name)
        target = view.get(oid) if oid is not None else None
        shown = name_of(target) if target is not None else None
        return (0, 0) if shown is None else (1, shown.lower())

    return key


def _key_behind(view: View, name: str, inner: Reader) -> Reader:
    def key(item: Item) -> Any:
        oid = reference_of(item, name)
        target = view.get(oid) if oid is not None else None
        return inner(target) if target is not None else (0, 0)

    return key


def _scale(attribute: Attribute) -> Callable[[Any], Any]:
    if attribute.name == "FormattedID":
        # Sorted by number, not as text. rally.md §3 R
        return lambda value: (re.sub(r"\d", "", value), number_of(value))
    if attribute.kind in ("pick", "state"):
        places = {value: index for index, value in enumerate(attribute.values)}
        return lambda value: places.get(value, len(places))
    return lambda value: value.lower() if isinstance(value, str) and attribute.name != "DragAndDropRank" else value


def _key(read: Reader, scale: Callable[[Any], Any], item: Item) -> tuple[int, Any]:
    value = read(item)
    return (0, 0) if value is None else (1, scale(value))
