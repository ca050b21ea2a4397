"""What a tracker's own query language is asked: to turn its text into queries that any database can answer.

A language is pure: it sees the catalogue and no data, and asks neither clock nor network. What needs the database, such as a
user by name, becomes a comparison inside the query. It keeps nothing but its grammar, and may be asked from several threads.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, tzinfo
from decimal import Decimal
from typing import Protocol

from mirror.model.layout import Layout
from mirror.model.schema import Field
from mirror.query.expr import Order, Query, Term

NOT_ME = "It is not known here who you are; mirror sync learns it"
"""What is said when a query speaks of our own user and `Asked.me` is None."""

LONGEST_PATH = 30
"""Names of one dotted path: each is a table or two in SQL, and SQLite joins 64."""

TOO_LONG = f"A path has at most {LONGEST_PATH} names"
"""What is said to longer ones."""

Plain = str | int | float | Decimal | bool | date | datetime | None
"""A value as scripts write it."""

Criteria = Mapping[str, Plain] | Sequence[str]
"""A query in the forms that clients take beside text: field -> value, or a list of conditions."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What a query means by "the types", "today" and "me".

    Attributes:
        layouts: type name -> layout, of all types of the source.
        now: aware, UTC.
        me: id of our own user; None when it is not known.
        time_zone: of days and times that a query writes without one.
    """

    layouts: Mapping[str, Layout]
    now: datetime
    me: int | None = None
    time_zone: tzinfo = UTC


class Language(Protocol):
    """One tracker's query language. All text that cannot be understood raises QueryError, with the place in that text."""

    def types(self, name: str, layouts: Mapping[str, Layout]) -> tuple[str, ...]:
        """Return the exact names of the concrete types that people mean by `name`; () when it is no type.

        Names and display names count in any case; an abstract name (`Artifact`, `PrimaryWorkitem`) means several types.
        """
        ...

    def written(self, criteria: Criteria) -> str:
        """Return the query text for records that have all these values, None for none, or meet all these conditions."""
        ...

    def query(self, text: str, layout: Layout, asked: Asked) -> Query:
        """Return the query about the records of `layout` that `text` is; "" is about all of them.

        Its order is the one that the text asks for, where the language has words for that, else the tracker's own; () is by
        id.
        """
        ...

    def order(self, text: str, layout: Layout, asked: Asked) -> tuple[Order, ...]:
        """Return the order that `text` is, such as `Priority,-LastUpdateDate`; () for ""."""
        ...

    def term(self, text: str, layout: Layout, asked: Asked) -> Term:
        """Return what one name, dotted or not, stands for: a field, a path, an aggregate.

        `Owner.Name`, `Super.Scope.Name`, `Tasks`, `Children.@Count`, `CF.{Notes}`; custom fields with or without `c_`, and
        display names. A name that may be two things is refused.
        """
        ...

    def written_in(self, field: Field, asked: Asked) -> tzinfo:
        """Return the zone, to the tracker, of days and times that are written without one into a field of instants."""
        ...
