"""Conditions on tickets that are about their transactions, and about the files of these. rt.md §5.1; seen on RT 5.0.3."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from mirror.connectors.rt.language_people import with_my_id
from mirror.connectors.rt.language_syntax import Condition
from mirror.connectors.rt.language_values import SIGNS, Question, instant, positive, text, within_day
from mirror.model.part import Part
from mirror.query.expr import EVERYTHING, NOTHING, All, AnyOf, Compare, Expr, Not, Op, Path, Some, Step

_TRANSACTION = (Step("Object", ("transaction",), backward=True),)
_FILE = (Step("TransactionId", ("attachment",), backward=True),)


@dataclass(frozen=True, slots=True)
class OfFile:
    """What must be true of a file of a transaction.

    Attributes:
        or_none: a transaction without files meets it as well.
    """

    where: Expr
    or_none: bool


There = Expr | OfFile
"""What must be true of a transaction of the ticket."""


def of_transaction(condition: Condition, question: Question) -> There | None:
    """Return what a condition asks of a transaction; None when it is not about transactions.

    Raises:
        QueryError: RT refuses it, or transactions or files are not mirrored.
    """
    reader = _READERS.get(condition.field.partition(".")[0].lower())
    if reader is None:
        return None
    needed = ("transaction", "attachment") if reader is _of_file else ("transaction",)
    if any(each not in question.asked.layouts for each in needed):
        raise condition.at_field.wrong(f"{needed[-1].capitalize()}s are not mirrored here")
    return reader(condition, question)


def some_transaction(there: Sequence[There]) -> Expr:
    """Return whether a ticket has a transaction of which all of this is true; what is about files is about the same one."""
    own = [each for each in there if not isinstance(each, OfFile)]
    files = [each for each in there if isinstance(each, OfFile)]
    if files:
        found: Expr = Some(_FILE, All(tuple(each.where for each in files)))
        own.append(AnyOf((found, Not(Some(_FILE, EVERYTHING)))) if all(each.or_none for each in files) else found)
    return Some(_TRANSACTION, All(tuple(own)))


def _of_file(condition: Condition, _question: Question) -> OfFile:
    name = {"filename": "Filename", "contenttype": "ContentType"}[condition.field.lower()]
    if condition.is_null and not condition.operator.startswith("IS"):
        return OfFile(NOTHING, or_none=False)
    return OfFile(text(Path(name), condition.operator, condition.value), or_none=condition.operator == "IS")


def _updated(condition: Condition, question: Question) -> Expr:
    """Return the comparison of a transaction's date; != is another second."""
    path = Path("Created")
    plain, is_negative = positive(condition.operator)
    if plain == "IS":
        return EVERYTHING if is_negative else NOTHING
    if plain not in SIGNS:
        raise condition.at_operator.wrong(f"Invalid Date Op: {condition.operator}")
    moment = question.date(condition.value, condition.at_value)
    if moment is None:
        return EVERYTHING if plain in (">", ">=") or is_negative else NOTHING
    if plain == "=" and not is_negative:
        return within_day(path, moment, question.zone)
    return Compare(path, SIGNS[condition.operator], instant(moment))


def _updated_by(condition: Condition, question: Question) -> Expr:
    if condition.operator not in ("=", "!="):
        raise condition.at_operator.wrong(f"Invalid Operation: {condition.operator} for UpdatedBy")
    value = with_my_id(condition, question).value
    path = Path("Creator", (), Part.ID if value.isdigit() else Part.NAME)
    found = Compare(path, Op.EQ, int(value) if value.isdigit() else value, folds_case=not value.isdigit())
    return found if condition.operator == "=" else Not(found)


_READERS: Mapping[str, Callable[[Condition, Question], There]] = {
    "updated": _updated,
    "transactiondate": _updated,
    "updatedby": _updated_by,
    "filename": _of_file,
    "contenttype": _of_file,
}
