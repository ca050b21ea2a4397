"""The nodes of a query. Whoever makes one has resolved all names and spelt out all semantics; nothing here is ambiguous.

A query is about the records of one type. Truth has two values: a comparison with nothing is false, and Not of it is true.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import TypeAlias

from mirror.model.part import Part

OWN_ID = "$id"
"""In the place of a field: the id of the record itself, an INTEGER."""

OWN_TYPE = "$type"
"""In the place of a field: the name of the record's own type, a TEXT."""

OUTER_ID = "$outer"
"""In the place of a field: the id of the record that the whole query is about, wherever in the query that is said."""

Scalar: TypeAlias = str | int | Decimal | bool
"""A value as the columns of its kind keep it: instants as `YYYY-MM-DDTHH:MM:SS.mmmZ`, dates as `YYYY-MM-DD`."""


class Op(StrEnum):
    """How a value is compared."""

    EQ = "="
    NE = "!="  # there is a value, and it is another
    LT = "<"
    LE = "<="
    GT = ">"
    GE = ">="
    CONTAINS = "contains"
    STARTS = "starts"
    ENDS = "ends"
    LIKE = "like"  # `%` any text, `_` any character, and nothing escapes them


class Function(StrEnum):
    """What is made of many values."""

    COUNT = "count"
    DISTINCT = "distinct"  # how many different values
    SUM = "sum"
    MIN = "min"
    MAX = "max"
    AVERAGE = "average"


@dataclass(frozen=True, slots=True)
class Step:
    """From a record to those that one of its fields refers to: a REFERENCE leads to at most one, LINKS to any number.

    Attributes:
        field: OWN_ID leads to the record itself.
        targets: names of the types of which records count; empty for all that the field may refer to.
        where: only the records for which this holds.
        backward: to the records of the types `targets`, at least one, whose REFERENCE or LINKS field `field` refers to this
            record: for collections that the tracker does not list on this side. An INTEGER field refers by its number.
    """

    field: str
    targets: tuple[str, ...] = ()
    where: Expr | None = None
    backward: bool = False


@dataclass(frozen=True, slots=True)
class Path:
    """From the record of the query by some steps to a field of what is reached. Any step to many makes it many values.

    Attributes:
        field: the exact name of a field, OWN_ID, OWN_TYPE or OUTER_ID. A VALUES field gives many values.
        part: of a reference, which part of it; a plain field has VALUE alone. A LINKS field has the ids of its items.
    """

    field: str
    steps: tuple[Step, ...] = ()
    part: Part = Part.VALUE


@dataclass(frozen=True, slots=True)
class Aggregate:
    """One value made of all values at the end of a path; COUNT counts the records reached, SUM of none is null.

    A record that is reached in two ways counts once. AVERAGE is rounded to twelve decimals. What is no number adds nothing
    to SUM and AVERAGE.

    Attributes:
        path: its field is OWN_ID for COUNT; with another field COUNT counts its values.
        also: further paths to the same part of the same field, for what is reached in several ways.
    """

    function: Function
    path: Path
    also: tuple[Path, ...] = ()

    @property
    def paths(self) -> tuple[Path, ...]:
        """All of them."""
        return (self.path, *self.also)


Term: TypeAlias = Path | Aggregate


@dataclass(frozen=True, slots=True)
class Compare:
    """True when some value of `term` compares so with `value`. Of many values one is enough; of none it is false.

    Attributes:
        value: a scalar of the kind of the term, or a path from the record that `term` starts from, without a step to many.
            Values of different kinds are compared as texts; so is everything by the operators on text.
        folds_case: upper and lower case of any script are the same.
        by_number: of a key such as `US12` only the number at its end is compared, by one of the six operators of
            arithmetic, with `value`, which is an int then. A text without one counts as 0.
    """

    term: Term
    op: Op
    value: Scalar | Path
    folds_case: bool = False
    by_number: bool = False


@dataclass(frozen=True, slots=True)
class Missing:
    """True when a path leads to no value: null, an empty text, a reference to nothing, no item."""

    path: Path


@dataclass(frozen=True, slots=True)
class Some:
    """True when the steps lead to some record for which `where` holds; there is at least one step."""

    steps: tuple[Step, ...]
    where: Expr


@dataclass(frozen=True, slots=True)
class Not:
    """True when the item is false."""

    item: Expr


@dataclass(frozen=True, slots=True)
class All:
    """True when every item is; with no item, true."""

    items: tuple[Expr, ...] = ()


@dataclass(frozen=True, slots=True)
class AnyOf:
    """True when some item is; with no item, false."""

    items: tuple[Expr, ...] = ()


Expr: TypeAlias = Compare | Missing | Some | Not | All | AnyOf

EVERYTHING: Expr = All()
NOTHING: Expr = AnyOf()


@dataclass(frozen=True, slots=True)
class Order:
    """One key of an order. Nulls come first when ascending and last when descending, on every database.

    Attributes:
        term: of many values the least counts.
        by_place: the values are ordered as in this list, which is the tracker's own order; others come after.
        by_number: a key such as `US12` is ordered by its letters, then by its number.
        folds_case: upper and lower case of any script are the same; else texts are ordered by code points.
    """

    term: Term
    descending: bool = False
    by_place: tuple[str, ...] = ()
    by_number: bool = False
    folds_case: bool = False


@dataclass(frozen=True, slots=True)
class Query:
    """What is asked about the records of one type.

    Attributes:
        type_name: the exact name of a type that has a layout.
        order: whatever it leaves equal is ordered by id.
        notes: what was understood otherwise than the tracker itself would have, in sentences.
        as_of: the instant as of which it asks, aware, where the language has words for that; None for now.
    """

    type_name: str
    where: Expr = EVERYTHING
    order: tuple[Order, ...] = ()
    notes: tuple[str, ...] = ()
    as_of: datetime | None = None
