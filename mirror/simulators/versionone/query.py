"""Runs one query over the world: candidates, filter, order, page. Used by rest-1, query.v1 and bulk alike."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from mirror.simulators.versionone.evaluate import Binder, UnknownAttributeError, mentions, sort_key
from mirror.simulators.versionone.grammar import All, Compare, Condition, Literal, Path, Step
from mirror.simulators.versionone.paths import Route, Test
from mirror.simulators.versionone.selection import Row, bind_selection, read_row
from mirror.simulators.versionone.state import RefusedError
from mirror.simulators.versionone.view import View

ALL_ROWS = 2147483647
"""What unpaged lists give as page size. versionone.md §3.1 R"""

Candidate = tuple[int, View, int | None]
"""An asset, the view to read it with, and its moment when it is a version."""


@dataclass(frozen=True, slots=True)
class Query:
    """What a client asks for.

    Attributes:
        asset: only this one; None for all of the type.
        selection: None for the basic attributes.
        order: (path, descending) pairs; ID ascending when empty.
        size: rows on a page; None for all.
        start: index of the first row, from 0.
        find: words to search for; "" for none.
        as_of: the state at that instant, aware, UTC; None for the present one.
        versions: every version instead of the present state.
    """

    type_name: str
    asset: int | None = None
    selection: Sequence[Path] | None = None
    condition: Condition | None = None
    order: Sequence[tuple[Path, bool]] = ()
    size: int | None = None
    start: int = 0
    find: str = ""
    find_in: Sequence[Path] = ()
    as_of: datetime | None = None
    versions: bool = False
    variables: Mapping[str, Sequence[Literal]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Found:
    """The answer to a query.

    Attributes:
        total: matches before paging.
        size: what was asked for, all rows being a very large number.
    """

    rows: list[Row]
    total: int
    size: int
    start: int


def run(view: View, query: Query, *, shift: int = 0, short: bool = False) -> Found:
    """Run a query.

    Args:
        shift: pages behind the first begin so many rows early, as if rows had come up in front. §4.2.2
        short: the page lacks its last row.

    Raises:
        RefusedError: a name or value in it does not make sense.
    """
    binder = Binder(view, query.variables)
    routes = bind_selection(binder, query.type_name, query.selection)
    matches = list(select(binder, query))
    start = max(0, query.start - shift) if query.start else 0
    size = page_size(view, query)
    page = matches[start : start + size]
    if short and query.size is not None and len(page) > 1:
        page.pop()
    rows = [read_row(at, asset, routes, moment=moment) for asset, at, moment in page]
    return Found(rows, len(matches), ALL_ROWS if query.size is None else query.size, query.start)


def page_size(view: View, query: Query) -> int:
    """Return how many rows a page may have; a cap, if there is one, works silently. versionone.md §9"""
    size = ALL_ROWS if query.size is None else query.size
    cap = view.switches.page_size_cap
    return min(size, cap) if cap else size


def select(binder: Binder, query: Query) -> list[Candidate]:
    """Return everything that matches, in order.

    Deleted assets only if the filter speaks of IsDeleted. versionone.md §4.2.1 D
    """
    condition = query.condition
    tests: list[Test] = [] if condition is None else [binder.test(query.type_name, condition)]
    if query.find:
        tests.append(_search(binder, query))
    with_deleted = mentions(binder, query.type_name, condition, "IsDeleted")
    found = [
        candidate
        for candidate in candidates(binder.view, query, with_deleted)
        if all(test(candidate[1], candidate[0], candidate[0]) for test in tests)
    ]
    return sort(binder, query, found)


def candidates(view: View, query: Query, with_deleted: bool) -> Iterator[Candidate]:
    """Yield the assets or versions a query looks at, by id, then by moment."""
    if query.versions and query.as_of is None:
        for asset in _ids(view, query, with_deleted=True):
            yield from _versions(view, asset, with_deleted)
        return
    if query.as_of is None:
        for asset in _ids(view, query, with_deleted):
            yield asset, view, None
        return
    moment = view.world.moment_at(query.as_of)
    past = view.as_of(moment if view.at is None else min(moment, view.at))
    for asset in _ids(past, query, with_deleted):
        yield asset, past, last_version(past, asset)


def last_version(view: View, asset: int) -> int:
    """Return the moment of the newest version that the view sees."""
    moments = view.world.moments(asset)
    if view.at is None:
        return moments[-1]
    return moments[bisect_right(moments, view.at) - 1]


def _versions(view: View, asset: int, with_deleted: bool) -> Iterator[Candidate]:
    for moment in view.world.moments(asset):
        if view.at is not None and moment > view.at:
            return
        past = view.as_of(moment)
        if with_deleted or not past.is_deleted(asset):
            yield asset, past, moment


def _ids(view: View, query: Query, with_deleted: bool) -> list[int]:
    ids = view.ids(query.type_name, deleted=None if with_deleted else False)
    if query.asset is not None:
        return [query.asset] if query.asset in ids else []
    return ids[_lower_bound(ids, query.condition) :]


def _lower_bound(ids: list[int], condition: Condition | None) -> int:
    """Return how many ids a keyset filter such as `Key>'1005'` skips; the filter itself still decides."""
    terms = condition.terms if isinstance(condition, All) else (condition,)
    first = 0
    for term in terms:
        if isinstance(term, Compare) and term.path.text in ("Key", "ID") and term.operator in (">", ">="):
            digits = [value.text.split(":")[-1] for value in term.values if isinstance(value, Literal)]
            if len(digits) == len(term.values) == 1 and digits[0].isdigit():
                first = max(first, bisect_left(ids, int(digits[0])))
    return first


def sort(binder: Binder, query: Query, found: list[Candidate]) -> list[Candidate]:
    """Sort candidates, which come by id: that is the default, and decides between equals. versionone.md §3.1 D

    Raises:
        RefusedError: an attribute to sort by is unknown.
    """
    for path, descending in reversed(query.order):
        try:
            key = sort_key(binder, binder.route(query.type_name, path))
        except UnknownAttributeError as unknown:
            raise RefusedError(400, f"Invalid SORT parameter: {unknown.message}") from None
        found = sorted(found, key=lambda candidate, key=key: key(candidate[1], candidate[0]), reverse=descending)  # type: ignore[misc]
    return found


def _search(binder: Binder, query: Query) -> Test:
    """Return a test for `find`: all words occur in one of the attributes. versionone.md §4 D/S

    Raises:
        RefusedError: `findin` names an unknown attribute.
    """
    paths = query.find_in or _searched(binder.view, query.type_name)
    try:
        routes = [binder.route(query.type_name, path) for path in paths]
    except UnknownAttributeError as unknown:
        raise RefusedError(400, f"Invalid FINDIN parameter: {unknown.message}") from None
    words = query.find.lower().replace("*", " ").split()
    late = binder.view.switches.find_lag_seconds

    def test(view: View, asset: int, outer: int) -> bool:
        indexed = view.delayed(late)
        if not indexed.world.exists(asset, at=indexed.at):
            return False
        text = " ".join(_text(route, indexed, asset) for route in routes).lower()
        return all(word in text for word in words)

    return test


def _searched(view: View, type_name: str) -> list[Path]:
    """Without `findin` a base set is searched. versionone.md §4 D"""
    known = view.schema.attributes(type_name)
    return [Path(name, (Step(name),)) for name in ("Name", "Description", "Number", "Reference") if name in known]


def _text(route: Route, view: View, asset: int) -> str:
    return " ".join(str(value) for value in route.values(view, asset, asset)) if route.applies(view, asset) else ""
