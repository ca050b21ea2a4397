"""Orders and select terms: versionone.md §4 D, §3.1 D (by id when nothing else is said)."""

from __future__ import annotations

from mirror.connectors.versionone.language_aggregates import aggregate
from mirror.connectors.versionone.language_filters import Filters
from mirror.connectors.versionone.language_paths import Reading, Route, Sort
from mirror.connectors.versionone.language_syntax import PathText, read_order, read_path
from mirror.model.part import Part
from mirror.model.schema import Kind
from mirror.query.expr import Aggregate, Order, Path, Step, Term

_RANK = "Order"
_ORDER_BY = {"Timebox": "BeginDate", "BuildRun": "Date", "State": "Code", "Actual": "Date", "Expression": "AuthoredAt"}
"""What meta names as OrderByAttribute of a type, where that is not its rank (§5.1 R; these are I)."""


def read_term(reading: Reading, type_name: str) -> Term:
    """Return what one select token stands for: of a single relation the name it shows, of a multi relation the ids.

    The server's own answer to `Scope` is an oid token; `Scope.ID` is the id here.

    Raises:
        QueryError: it is none, or the mirror does not have it.
    """
    route = _bound(reading, read_path(reading.text), type_name)
    term = _term(reading, route)
    if isinstance(term, Aggregate) or route.end.sort is not Sort.REFERENCE or route.is_id:
        return term
    return Path(term.field, term.steps, Part.NAME)


def read_orders(reading: Reading, type_name: str) -> tuple[Order, ...]:
    """Return the keys of an order.

    Raises:
        QueryError: one of them cannot be sorted by.
    """
    keys = read_order(reading.text)
    return tuple(Order(_sortable(reading, _bound(reading, each.path, type_name)), each.descending) for each in keys)


def _bound(reading: Reading, path: PathText, type_name: str) -> Route:
    route = Filters(reading).binder.bind(path, (type_name,))
    if not route.applies:
        raise reading.refusal(path.span, f"{route.token} is an attribute of another type than {type_name}")
    return route


def _term(reading: Reading, route: Route) -> Term:
    if route.aggregate is not None:
        return aggregate(reading, route, route.aggregate)
    if len(route.ways) != 1:
        raise reading.refusal(route.span, f"{route.token} follows a relation again and again, which only a filter can")
    if route.end.sort is Sort.ALIVE:
        raise reading.refusal(route.span, "the mirror has no deleted assets, so IsDeleted says nothing")
    return next(route.paths())


def _sortable(reading: Reading, route: Route) -> Term:
    """Return what is sorted by: of a relation, the attribute by which its type is ordered (§5.1 R).

    Of many values the least counts.
    """
    term = _term(reading, route)
    if isinstance(term, Aggregate):
        return term
    return _behind(reading, route, term) if route.end.sort in (Sort.REFERENCE, Sort.LINKS) else term


def _behind(reading: Reading, route: Route, path: Path) -> Path:
    layouts, types = reading.asked.layouts, route.end.types
    names = {_ORDER_BY.get(each, _RANK) for each in types}
    name = names.pop() if len(names) == 1 else ""
    fields = [layouts[each].type.field(name) if each in layouts else None for each in types]
    if not types or not all(each is not None and each.kind not in (Kind.REFERENCE, Kind.LINKS) for each in fields):
        return path
    return Path(name, (*path.steps, Step(path.field, types)), Part.VALUE)
