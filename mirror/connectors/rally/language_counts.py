"""How many members a collection has, as a condition: `(Tasks.Count > 3)`.

A summary of a collection shows the number (rally.md §5 R), but it is no attribute that Rally's queries know (§4 R).
"""

from __future__ import annotations

from collections.abc import Sequence

from mirror.connectors.rally.language_compare import OPERATORS, UnfitOperatorError, UnfitValueError
from mirror.connectors.rally.language_names import Inverse, Layouts, targets_of
from mirror.connectors.rally.language_parse import Value
from mirror.connectors.rally.language_values import read_number, whole
from mirror.model.schema import Field, Kind
from mirror.query.expr import EVERYTHING, NOTHING, OWN_ID, Aggregate, Compare, Expr, Function, Not, Path

COUNT = "Count"
"""What a summary of a collection calls the number of its members (rally.md §5 R)."""


def is_count(meaning: Field | Inverse, names: Sequence[str], layouts: Layouts) -> bool:
    """Return whether `names`, behind a field, ask how many members it has: no member has a field that is called so."""
    if list(names) != [COUNT]:
        return False
    if isinstance(meaning, Inverse):
        return not any(layouts[source].type.field(COUNT) for source, _ in meaning.sources)
    return meaning.kind is Kind.LINKS and not any(layouts[each].type.field(COUNT) for each in targets_of(meaning, layouts))


def counted(meaning: Field | Inverse, operator: str, value: Value) -> Expr:
    """Return the comparison of the number of members.

    Raises:
        UnfitOperatorError: numbers are not compared so.
        UnfitValueError: the value is no number.
    """
    number = None if value.is_null else read_number(value.text)
    if operator in ("contains", "!contains"):
        raise UnfitOperatorError(f"{meaning.name}.{COUNT} is no text, so {operator} cannot be asked of it")
    if number is None:
        raise UnfitValueError(f'{meaning.name}.{COUNT} is a number, not "{value.text}"')
    found = whole(OPERATORS["=" if operator == "!=" else operator], number)
    if isinstance(found, bool):
        held = EVERYTHING if found else NOTHING
    else:
        held = Compare(_members(meaning), *found)
    return Not(held) if operator == "!=" else held


def _members(meaning: Field | Inverse) -> Aggregate:
    if isinstance(meaning, Field):
        return Aggregate(Function.COUNT, Path(meaning.name))
    first, *others = (Path(OWN_ID, (step,)) for step in meaning.steps)
    return Aggregate(Function.COUNT, first, tuple(others))
