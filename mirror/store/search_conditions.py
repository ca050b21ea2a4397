"""Expr as the condition of a SELECT. Null in it counts as false, so that Not is only ever put around whole comparisons."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from itertools import product

from sqlalchemy import BigInteger, Exists, and_, exists, false, literal, literal_column, or_, true

from mirror.model.schema import Kind
from mirror.query.evaluate import compares_constant
from mirror.query.expr import All, AnyOf, Compare, Expr, Missing, Not, Op, Path, Scalar, Some, Step
from mirror.query.normal import flattened
from mirror.query.values import FAMILIES, TEXT_OPS, Family, fits, fold, text_of
from mirror.store.search_places import Ground, Place, Value, Way
from mirror.store.search_terms import Terms
from mirror.store.search_words import Condition, Element, compared

_ITEMS_AT_ONCE = 200  # SQLite takes expressions up to a depth of 1000, and `a OR b OR c` is two deep
_MOST_VARIANTS = 64  # of upper and lower case, to look up in an index

Test = Callable[[Value], Condition]


class Conditions:
    """The conditions of one query."""

    def __init__(self, ground: Ground) -> None:
        self._ground = ground
        self._words = ground.words
        self._terms = Terms(ground, self.of)

    @property
    def terms(self) -> Terms:
        """The terms of the same query."""
        return self._terms

    def of(self, expr: Expr, place: Place) -> Condition:
        """Return the condition that `expr` holds for the record at `place`; true, or else false or null."""
        return self._flat(flattened(expr), place)

    def _flat(self, expr: Expr, place: Place) -> Condition:
        match expr:
            case Compare():
                return self._compare(expr, place)
            case Missing():
                return _not(self._some_value(expr.path, place, _has_content))
            case Some():
                return self._some_record(expr.steps, place, lambda end: self.of(expr.where, end))
            case Not(Missing() as missing):
                return self._some_value(missing.path, place, _has_content)
            case Not():
                return _not(self._flat(expr.item, place))
            case All():
                return _grouped([self._flat(each, place) for each in expr.items], is_all=True)
            case AnyOf():
                items = [self._flat(each, place) for each in _without_lists(expr.items)]
                return _grouped(items + [self._among(each, place) for each in _lists(expr.items)], is_all=False)

    def _some_record(self, steps: Sequence[Step], place: Place, test: Callable[[Place], Condition]) -> Condition:
        if not steps:
            return test(place)
        found = []
        for first in self._ground.ways(place, steps[0]):
            way, left = self._straight_on(first, steps)
            further = self._some_record(left, way.end, test)
            if not further.compare(false()):
                found.append(exists(way.where(further).selected(literal_column("1"))))
        return or_(false(), *found)

    def _straight_on(self, first: Way, steps: Sequence[Step]) -> tuple[Way, Sequence[Step]]:
        """Return the way as far as it does not fork, with what holds on it, and the steps that are left.

        One EXISTS for each step would soon be too deep for SQLite, which takes eight within each other.
        """
        whole, left = self._such(first, steps[0]), steps[1:]
        while left and len(ways := list(self._ground.ways(whole.end, left[0]))) == 1:
            whole, left = whole.on(self._such(ways[0], left[0])), left[1:]
        return whole, left

    def _such(self, way: Way, step: Step) -> Way:
        """Return a way only to records that meet the condition of its step."""
        return way if step.where is None else way.where(self.of(step.where, way.end))

    def _some_value(self, path: Path, place: Place, test: Test) -> Condition:
        def holds(end: Place) -> Condition:
            found = self._ground.value(end, path)
            if found is None:
                return false()
            way, value = found
            return exists(way.where(test(value)).selected(literal_column("1"))) if way.tables else test(value)

        return self._some_record(path.steps, place, holds)

    # comparisons

    def _compare(self, expr: Compare, place: Place) -> Condition:
        def test(value: Value) -> Condition:
            if isinstance(other, Value):
                return self._with_value(expr, value, other)
            return self._with_scalar(expr, value, other)

        found = self._terms.one(expr.value, place) if isinstance(expr.value, Path) else expr.value
        if found is None:
            return false()
        other: Scalar | Value = found
        if isinstance(expr.term, Path):
            if isinstance(expr.value, str) and self._is_key(expr, place):
                return self._by_key(expr.value, self._own(expr.term, place))
            return self._some_value(expr.term, place, test)
        value = self._terms.one(expr.term, place)
        return false() if value is None else test(value)

    def _with_scalar(self, expr: Compare, value: Value, given: Scalar) -> Condition:
        if value.constant is not None:
            return true() if compares_constant(expr, value.constant, given) else false()
        if expr.by_number:
            number = self._words.number_behind(self._words.text(value.kind, value.element))[1]
            return compared(number, expr.op, literal(int(given), BigInteger()))
        if expr.op in TEXT_OPS or not fits(value.kind, given):
            return self._texts(expr, self._words.text(value.kind, value.element), text_of(given))
        match FAMILIES[value.kind]:
            case Family.NUMBER if not isinstance(given, str):
                return self._words.against_number(value.element, expr.op, Decimal(given))
            case Family.BOOLEAN:
                return compared(value.element, expr.op, literal(bool(given)))
            case Family.TEXT:
                return self._texts(expr, self._words.text(value.kind, value.element), str(given))
            case _:
                return compared(value.element, expr.op, self._words.typed(value.kind, str(given)))

    def _with_value(self, expr: Compare, value: Value, other: Value) -> Condition:
        is_alike = FAMILIES[value.kind] is FAMILIES[other.kind]
        if is_alike and FAMILIES[value.kind] is not Family.TEXT and expr.op not in TEXT_OPS:
            return compared(value.element, expr.op, other.element)
        left = self._words.text(value.kind, value.element)
        return self._texts(expr, left, self._words.text(other.kind, other.element))

    def _texts(self, expr: Compare, left: Element, right: Element | str) -> Condition:
        if expr.folds_case:
            left = self._words.folded(left)
            right = fold(right) if isinstance(right, str) else self._words.folded(right)
        if expr.op in TEXT_OPS:
            return self._words.like(left, expr.op, right)
        other = self._words.constant(right) if isinstance(right, str) else right
        if expr.op in (Op.EQ, Op.NE):  # the same in every collation, and an index is of the default one
            return compared(left, expr.op, other)
        return compared(self._words.sorted(left), expr.op, self._words.sorted(other))

    # what an index finds

    def _own(self, path: Path, place: Place) -> Element:
        found = self._ground.value(place, path)
        if found is None:
            raise ValueError(f"{place.type_name} has no field {path.field}")
        return found[1].element

    def _is_key(self, expr: Compare, place: Place) -> bool:
        """Return whether this looks a record up by its key, in any case, and there are few ways to write that key."""
        is_own = isinstance(expr.term, Path) and not expr.term.steps and expr.term.field == place.layout.type.key_field
        if not (is_own and expr.folds_case and expr.op is Op.EQ and isinstance(expr.value, str)):
            return False
        field = place.layout.type.field(place.layout.type.key_field or "")
        return field is not None and field.kind is Kind.TEXT and 0 < len(_variants(expr.value)) <= _MOST_VARIANTS

    def _by_key(self, given: str, column: Element) -> Condition:
        return column.in_(_variants(given))

    def _among(self, items: Sequence[Compare], place: Place) -> Condition:
        """Return the condition that one of these comparisons for equality holds: all of one path, and alike in case."""
        folds = items[0].folds_case
        if all(self._is_key(each, place) for each in items):
            variants = dict.fromkeys(one for each in items for one in _variants(str(each.value)))
            return or_(*(self._words.one_of(self._own(path, place), tuple(variants)) for path in _paths(items[:1])))

        def test(value: Value) -> Condition:
            is_plain = [value.constant is None and _is_plain(value.kind, each) for each in given]
            fitting = [fold(str(each)) if folds else each for each, fits in zip(given, is_plain, strict=True) if fits]
            others = [
                self._with_scalar(one, value, each)
                for one, each, fits in zip(items, given, is_plain, strict=True)
                if not fits
            ]
            element = self._words.folded(value.element) if folds else value.element
            listed = [self._words.one_of(element, fitting)] if fitting else []
            return _grouped([*listed, *others], is_all=False)

        given = [each.value for each in items if not isinstance(each.value, Path)]
        return or_(*(self._some_value(path, place, test) for path in _paths(items[:1])))


def _paths(items: Iterable[Compare]) -> Iterable[Path]:
    return (each.term for each in items if isinstance(each.term, Path))


def _is_plain(kind: Kind, value: Scalar) -> bool:
    """Return whether values of that kind are equal when they are equal as they are stored."""
    is_whole = isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**63
    return (kind is Kind.TEXT and isinstance(value, str)) or (kind is Kind.INTEGER and is_whole)


def _lists(items: Iterable[Expr]) -> list[list[Compare]]:
    """Return the comparisons for equality with constants, by path, where there are several for one.

    Where case does not matter, those with texts alone.
    """
    found: dict[tuple[Path, bool], list[Compare]] = {}
    for each in items:
        if not isinstance(each, Compare) or each.op is not Op.EQ or each.by_number:
            continue
        is_listed = isinstance(each.value, str) if each.folds_case else not isinstance(each.value, Path)
        if isinstance(each.term, Path) and is_listed:
            found.setdefault((each.term, each.folds_case), []).append(each)
    return [each for each in found.values() if len(each) > 1]


def _without_lists(items: Sequence[Expr]) -> list[Expr]:
    listed = {id(each) for several in _lists(items) for each in several}
    return [each for each in items if id(each) not in listed]


def _not(condition: Condition) -> Condition:
    return ~condition if isinstance(condition, Exists) else condition.is_not(true())


def _grouped(items: Sequence[Condition], *, is_all: bool) -> Condition:
    """Join conditions, in groups where there are so many that SQLite would find them too deep."""
    join, neutral = (and_, true()) if is_all else (or_, false())
    while len(items) > _ITEMS_AT_ONCE:
        chunks = [items[start : start + _ITEMS_AT_ONCE] for start in range(0, len(items), _ITEMS_AT_ONCE)]
        items = [join(neutral, *chunk).is_(true()) for chunk in chunks]
    return join(neutral, *items)


def _has_content(value: Value) -> Condition:
    if value.constant is not None:
        return true()
    if FAMILIES[value.kind] is Family.TEXT and value.kind is not Kind.JSON:
        return value.element != ""
    return value.element.is_not(None)


def _variants(text: str) -> list[str]:
    """Return all texts that fold to what `text` folds to, as far as its letters are ASCII; none where others are in it.

    Two letters of other scripts fold to ASCII: the Kelvin sign, and the dotted I.
    """
    folded = fold(text)
    if not folded.isascii() or sum(each.isalpha() for each in folded) > 5:
        return []
    more = {"k": ("\u212a",), "i": ("\u0130", "i\u0307", "I\u0307", "\u0130\u0307")}
    choices = [dict.fromkeys((each, each.upper(), *more.get(each, ()))) for each in folded]
    return ["".join(each) for each in product(*choices)]
