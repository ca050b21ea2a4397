"""VersionOne's query language offline: filters, orders, full text and select tokens of rest-1.

The same answers as the server wherever versionone.md §4 records them; the rest is told in docs/queries-versionone.md.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, tzinfo
from typing import TypeVar

from mirror.connectors.language import Asked, Criteria, Plain
from mirror.connectors.versionone import language_kinship as kinship
from mirror.connectors.versionone.language_filters import Filters
from mirror.connectors.versionone.language_parameters import Given, Parameters, from_parameters
from mirror.connectors.versionone.language_paths import Reading, Sort, own_layout
from mirror.connectors.versionone.language_syntax import read_filter, read_selection, read_variables
from mirror.connectors.versionone.language_terms import read_orders, read_term
from mirror.errors import QueryError
from mirror.model.layout import Layout
from mirror.model.schema import Field, Kind
from mirror.query.expr import EVERYTHING, All, AnyOf, Compare, Expr, Op, Order, Path, Query, Term

_SEARCHED = ("Name", "Description", "Number", "Reference")
"""Where `find` looks without `findin`: a base set, the contract says, and not which (§4 D)."""

_Found = TypeVar("_Found")


class VersionOneLanguage:
    """See mirror.connectors.language.Language."""

    def types(self, name: str, layouts: Mapping[str, Layout]) -> tuple[str, ...]:
        """Return the types that people mean: Story, story, `Backlog Item`; Workitem is seven of them (§7.1, §7.2)."""
        return kinship.named(name, layouts)

    def written(self, criteria: Criteria) -> str:
        """Return the filter for assets that have these values, or meet these filters."""
        if isinstance(criteria, Mapping):
            return ";".join(_equal(name, value) for name, value in criteria.items())
        return ";".join(f"({each})" for each in criteria if each.strip())

    def query(self, text: str, layout: Layout, asked: Asked) -> Query:
        """Return the query that a filter is, or that parameters are: `where=…&sort=…&find=…&findin=…&with=…&asof=…`.

        Raises:
            QueryError: it cannot be understood; or it has parameters that say something else than which records, in which
                order.
        """
        asked = own_layout(layout, asked)
        given = from_parameters(text)
        _refuse_others(text, given)
        notes: list[str] = []
        where = All(tuple(self._conditions(text, given, layout, asked, notes)))
        order = _placed(text, given.sort, lambda: self._order(given.sort.text, layout, asked, notes))
        held = where if len(where.items) != 1 else where.items[0]
        return Query(layout.type.name, held, order, tuple(notes), _as_of(text, given.as_of, asked))

    def order(self, text: str, layout: Layout, asked: Asked) -> tuple[Order, ...]:
        """Return the order that `-ChangeDateUTC,Order` is."""
        return self._order(text, layout, own_layout(layout, asked), [])

    def term(self, text: str, layout: Layout, asked: Asked) -> Term:
        """Return what a select token is: `Owners.Name`, `Children:Task[-Status].ToDo.@Sum`."""
        return read_term(Reading(text, own_layout(layout, asked), "SEL"), layout.type.name)

    def written_in(self, field: Field, asked: Asked) -> tzinfo:
        """Return UTC: the attributes that are kept as instants are those that are called so (versionone.md §9 D)."""
        return UTC

    def _order(self, text: str, layout: Layout, asked: Asked, notes: list[str]) -> tuple[Order, ...]:
        return read_orders(Reading(text, asked, "SORT", notes), layout.type.name)

    def _conditions(self, text: str, given: Parameters, layout: Layout, asked: Asked, notes: list[str]) -> list[Expr]:
        variables = _placed(text, given.variables, lambda: read_variables(given.variables.text))
        found: list[Expr] = []
        if given.where.text.strip():
            reading = Reading(given.where.text, asked, "WHERE", notes, variables)
            types = (layout.type.name,)
            found.append(_placed(text, given.where, lambda: Filters(reading).make(read_filter(reading.text), types)))
        if given.find.text.strip():
            reading = Reading(given.find_in.text, asked, "FINDIN", notes)
            found += _placed(text, given.find_in, lambda: _search(reading, given.find.text, layout))
        return found or [EVERYTHING]


def _equal(name: str, value: Plain) -> str:
    """Return the comparison of an attribute with a value; quotes are doubled, and instants in UTC (§4.1 S)."""
    if value is None:
        return f"-{name}"
    if isinstance(value, datetime):
        value = f"{value.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%f}Z"
    text = str(value).lower() if isinstance(value, bool) else str(value)
    quoted = text.replace("'", "''")
    return f"{name}='{quoted}'"


def _placed(whole: str, given: Given, read: Callable[[], _Found]) -> _Found:
    try:
        return read()
    except QueryError as error:
        raise given.refused(whole, error) from None


def _refuse_others(text: str, given: Parameters) -> None:
    for name, each in (("page", given.page), ("sel", given.select)):
        if each.text:
            problem = f"{name} does not belong to the condition here: what to show and how many are said apart"
            raise QueryError(text, each.offset or 0, problem, length=len(each.text))


def _as_of(text: str, given: Given, asked: Asked) -> datetime | None:
    """Return the instant of an asof; one without a zone is in the user's (versionone.md §4 D)."""
    if not given.text.strip():
        return None
    try:
        at = datetime.fromisoformat(given.text.strip())
    except ValueError:
        problem = "asof takes one instant, such as 2015-01-31T17:30:00"
        raise QueryError(text, given.offset or 0, problem, length=len(given.text)) from None
    return at if at.tzinfo is not None else at.replace(tzinfo=asked.time_zone)


def _search(reading: Reading, words: str, layout: Layout) -> list[Expr]:
    """Return that every word occurs in one of the attributes, in any case; `*` is a gap between words (§4 D)."""
    binder, own = Filters(reading).binder, (layout.type.name,)
    paths: list[Path] = []
    for each in read_selection(reading.text):
        route = binder.bind(each, own)
        if route.end.sort is not Sort.FIELD or route.end.kind not in (Kind.TEXT, Kind.VALUES) or each.aggregate:
            raise reading.refusal(each.span, f"{route.token} is no text to search in")
        paths += route.paths() if route.applies else ()
    if not reading.text.strip():
        paths = [Path(name) for name in _SEARCHED if layout.type.field(name) is not None]
    return [
        AnyOf(tuple(Compare(path, Op.CONTAINS, word, folds_case=True) for path in paths))
        for word in words.replace("*", " ").split()
    ]
