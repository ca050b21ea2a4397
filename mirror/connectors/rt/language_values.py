"""How a value of a query is compared: text without regard to case, numbers, dates; what null is, and what an empty text."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from decimal import Decimal, InvalidOperation
from difflib import get_close_matches

from mirror.connectors.language import NOT_ME, Asked
from mirror.connectors.rt.language_dates import day_of, is_unsure, understood
from mirror.connectors.rt.language_syntax import Condition, Place
from mirror.model.layout import Layout
from mirror.query.expr import EVERYTHING, NOTHING, All, AnyOf, Compare, Expr, Missing, Not, Op, Path

SIGNS = {"=": Op.EQ, "!=": Op.NE, "<": Op.LT, "<=": Op.LE, ">": Op.GT, ">=": Op.GE}
PATTERNS = {"LIKE": Op.CONTAINS, "STARTSWITH": Op.STARTS, "ENDSWITH": Op.ENDS}
_EPOCH = datetime.fromtimestamp(0, UTC)
ME = "__CurrentUser__"
MY_NAME = "__CurrentUserName__"


@dataclass(frozen=True, slots=True)
class Question:
    """What one query is asked about, and what has been noticed while it was read.

    Attributes:
        notes: sentences about what RT itself would have taken otherwise.
    """

    layout: Layout
    asked: Asked
    notes: list[str] = field(default_factory=list)

    @property
    def zone(self) -> tzinfo:
        """The time zone of the user."""
        return self.asked.time_zone

    def note(self, sentence: str) -> None:
        """Keep a sentence, once."""
        if sentence not in self.notes:
            self.notes.append(sentence)

    def me(self, place: Place) -> int:
        """Return our own id.

        Raises:
            QueryError: it is not known.
        """
        if self.asked.me is None:
            raise place.wrong(NOT_ME)
        return self.asked.me

    def date(self, text: str, place: Place | None = None) -> datetime | None:
        """Return what RT takes a date for; None for 1970, with a note unless zero was meant.

        Raises:
            QueryError: it is no date that is known here, but RT may know it; with a place alone.
        """
        found = understood(text, self.zone, self.asked.now)
        if found is None and place is not None and is_unsure(text):
            raise place.wrong(f"What RT takes {text!r} for is not known here; write a day as 2027-03-14, or as -7 days")
        if found is None and text.strip() not in ("", "0"):
            self.note(f"{text!r} is no date; RT takes it for 1970")
        return found


def near(name: str, known: tuple[str, ...]) -> tuple[str, ...]:
    """Return at most three of the known names that `name` may have been meant to be."""
    by_lower = {each.lower(): each for each in known}
    return tuple(by_lower[each] for each in get_close_matches(name.lower(), by_lower, n=3, cutoff=0.6))


def positive(operator: str) -> tuple[str, bool]:
    """Return the operator without its negation, and whether it had one."""
    if operator in ("!=", "IS NOT"):
        return ("=" if operator == "!=" else "IS"), True
    return operator.removeprefix("NOT "), operator.startswith("NOT ")


def text(path: Path, operator: str, value: str, *, is_never_null: bool = False) -> Expr:
    """Return the comparison of a text, in which upper and lower case are the same (rt.md §5.1).

    Args:
        is_never_null: RT keeps an empty text where the mirror has null, so that it is compared as such.
    """
    plain, is_negative = positive(operator)
    if plain == "IS":
        found: Expr = NOTHING if is_never_null else Missing(path)
        return Not(found) if is_negative else found
    found = meets(path, plain, value)
    if is_never_null and is_met_by_empty(plain, value):
        found = AnyOf((Missing(path), found))
    if not is_negative:
        return found
    return Not(found) if is_never_null else All((Not(Missing(path)), Not(found)))


def meets(path: Path, operator: str, value: str) -> Expr:
    """Return a comparison by an operator without negation, of all values there are; `%` and `_` are wild (rt.md §1.11)."""
    if operator in SIGNS:
        return Compare(path, SIGNS[operator], value, folds_case=True)
    if not value.strip("%"):
        return AnyOf((Not(Missing(path)), Compare(path, Op.EQ, "")))
    if "%" not in value and "_" not in value:
        return Compare(path, PATTERNS[operator], value, folds_case=True)
    before, after = ("" if operator == "STARTSWITH" else "%"), ("" if operator == "ENDSWITH" else "%")
    return Compare(path, Op.LIKE, f"{before}{value}{after}", folds_case=True)


def exact(expr: Expr) -> Expr:
    """Return comparisons with upper and lower case told apart."""
    match expr:
        case Compare():
            return Compare(expr.term, expr.op, expr.value)
        case Not():
            return Not(exact(expr.item))
        case All():
            return All(tuple(exact(each) for each in expr.items))
        case AnyOf():
            return AnyOf(tuple(exact(each) for each in expr.items))
    return expr


def is_met_by_empty(operator: str, value: str) -> bool:
    """Return whether an empty text meets a comparison by an operator without negation."""
    match operator:
        case "=" | ">=":
            return value == ""
        case "<":
            return value != ""
        case "<=":
            return True
        case ">":
            return False
    return not value.strip("%")


def number(path: Path, condition: Condition, *, is_never_null: bool = True) -> Expr:
    """Return the comparison of a number; by LIKE, STARTSWITH and ENDSWITH that of its digits.

    Raises:
        QueryError: the value is no number. RT does not refuse that; what it answers depends on its database.
    """
    plain, is_negative = positive(condition.operator)
    if plain == "IS":
        found: Expr = NOTHING if is_never_null else Missing(path)
        return Not(found) if is_negative else found
    if plain in PATTERNS:
        found = meets(path, plain, condition.value)
        return All((Not(Missing(path)), Not(found))) if is_negative else found
    try:
        given = Decimal(condition.value.strip())
    except InvalidOperation:
        given = Decimal("NaN")
    if not given.is_finite():
        raise condition.at_value.wrong(f"{condition.field} is a number")
    return Compare(path, SIGNS[condition.operator], int(given) if given == given.to_integral_value() else given)


def instant(moment: datetime) -> str:
    """Return an instant as columns keep it."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z").rjust(24, "0")


def within_day(path: Path, moment: datetime, zone: tzinfo) -> Expr:
    """Return whether an instant is on the day of another, in the zone."""
    start, end = day_of(moment, zone)
    return All((Compare(path, Op.GE, instant(start)), Compare(path, Op.LT, instant(end))))


def date_field(path: Path, condition: Condition, question: Question, *, is_unset: Expr = NOTHING) -> Expr:
    """Return the comparison of a column with a date; `=` means the whole day (rt.md §5.1, §5.3).

    Args:
        is_unset: holds where RT keeps 1970, and not null, for a date that is not set.

    Raises:
        QueryError: an operator that dates do not take, or a number without quotes.
    """
    if condition.operator not in ("=", "<", ">", "<=", ">=", "IS", "IS NOT"):
        raise condition.at_operator.wrong(f"Invalid Date Op: {condition.operator}")
    if condition.operator.startswith("IS"):
        return Missing(path) if condition.operator == "IS" else Not(Missing(path))
    if condition.is_bare and condition.value != "0":
        raise condition.at_value.wrong("A date is written in quotes")
    moment = question.date(condition.value, condition.at_value) if condition.value != "0" else None
    if moment is None:
        return {"=": is_unset, "<": NOTHING, "<=": NOTHING}.get(condition.operator, Not(Missing(path)))
    if condition.operator == "=":
        start, end = day_of(moment, question.zone)
        found = within_day(path, moment, question.zone)
        return AnyOf((is_unset, found)) if start <= _EPOCH < end else found
    return Compare(path, SIGNS[condition.operator], instant(moment))


def of_null(condition: Condition) -> Expr:
    """Return what comparing with NULL by a sign gives: nothing, in SQL."""
    return EVERYTHING if condition.operator.startswith("IS NOT") else NOTHING
