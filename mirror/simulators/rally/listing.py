"""Answering a query: candidates, scope, order and page. rally.md §3."""

from __future__ import annotations

import random
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from mirror.simulators.rally.evaluate import Evaluator, Test, order_key
from mirror.simulators.rally.items import Item, RefusedError
from mirror.simulators.rally.query import Both, Query, Term, conjuncts
from mirror.simulators.rally.schema import Schema
from mirror.simulators.rally.state import View, number_of

STAMP_NAMES = ("LastUpdateDate", "LastUpdatedDate", "LastUpdated", "DeletionDate", "CreationDate")


@dataclass(frozen=True, slots=True)
class Wanted:
    """A listing as asked for.

    Attributes:
        types: concrete types, at least one.
        owner: the type the query speaks of; abstract when `types` are several.
        now: the present moment in the time zone of the user.
        workspace: ObjectID; None for everything in the subscription.
        projects: ObjectIDs in scope; None for the whole workspace.
        order: comma list as sent; "" leaves it to the server.
        start: 1-based.
        shuffle: seed of the order among equals; None leaves them by ObjectID.
    """

    types: tuple[str, ...]
    owner: str
    workspace: int | None
    now: datetime
    query: Query | None = None
    projects: frozenset[int] | None = None
    order: str = ""
    start: int = 1
    pagesize: int = 20
    shuffle: int | None = None
    ids: tuple[int, ...] | None = None
    hide_disabled: bool = False


@dataclass(frozen=True, slots=True)
class Page:
    """One page.

    Attributes:
        total: exact count of all rows the query has at this moment. rally.md §11 C/I
    """

    total: int
    items: Sequence[Item] = field(default_factory=list)


def list_page(view: View, schema: Schema, wanted: Wanted, *, shift: int = 0) -> Page:
    """Return one page of a listing.

    Args:
        shift: how many rows later than asked for the page begins.

    Raises:
        RefusedError: the query or the order cannot be understood.
    """
    evaluator = Evaluator(view, schema, wanted.owner, now=wanted.now)
    test = evaluator.test(wanted.query) if wanted.query is not None else None
    keys = _order(view, evaluator, wanted)
    if not keys and shift == 0 and _only_range(view, wanted):
        return _range_page(view, schema, wanted)
    found = _found(view, schema, wanted, test)
    offset = max(0, wanted.start - 1 + shift)
    if not keys and wanted.shuffle is None:
        return Page(len(found), found[offset : offset + wanted.pagesize])
    if wanted.shuffle is not None:
        random.Random(wanted.shuffle).shuffle(found)
    for key, descending in reversed(keys):
        found.sort(key=key, reverse=descending)
    return Page(len(found), found[offset : offset + wanted.pagesize])


def _only_range(view: View, wanted: Wanted) -> bool:
    """True if ids alone decide which rows are found: the case of a long sweep, which must not look at every row."""
    plain = len(wanted.types) == 1 and wanted.shuffle is None and not wanted.hide_disabled
    if not plain or wanted.projects is not None or wanted.ids is not None or view.past or view.state.hidden:
        return False
    return wanted.query is None or _is_range(wanted.query)


def _is_range(query: Query) -> bool:
    if isinstance(query, Both):
        return query.word == "AND" and _is_range(query.left) and _is_range(query.right)
    return query.path == "ObjectID" and query.operator in _BOUNDS and query.values[0].lstrip("-").isdigit()


def _range_page(view: View, schema: Schema, wanted: Wanted) -> Page:
    path = wanted.types[0]
    ids = view.state.ids.get(path, [])
    if wanted.workspace is not None and "Workspace" in schema.attributes(path):
        ids = view.state.placed.get((path, wanted.workspace), [])
    low, high = _bounds(ids, conjuncts(wanted.query))
    first = low + wanted.start - 1
    page = ids[first : min(high, first + wanted.pagesize)]
    return Page(max(0, high - low), [view.state.items[oid] for oid in page])


def _order(view: View, evaluator: Evaluator, wanted: Wanted) -> list[tuple[Test, bool]]:
    keys = []
    for part in filter(None, (each.strip() for each in wanted.order.split(","))):
        path, _, direction = part.partition(" ")
        if direction.strip().lower() not in ("", "asc", "desc"):
            raise RefusedError(f"Cannot sort using unknown attribute {part}")
        keys.append((order_key(view, evaluator, wanted.owner, path), direction.strip().lower() == "desc"))
    if len(wanted.types) == 1 and wanted.order.replace(" ASC", "") == "ObjectID" and wanted.shuffle is None:
        # Candidates come in this order anyway.
        return []
    return keys


def _found(view: View, schema: Schema, wanted: Wanted, test: Test | None) -> list[Item]:
    found: list[Item] = []
    for path in wanted.types:
        attributes = schema.attributes(path)
        workspace = wanted.workspace if "Workspace" in attributes else None
        projects = wanted.projects if "Project" in attributes or path == "Project" else None
        items = _candidates(view, wanted, path)
        found += _kept(view, items, test, (workspace, projects, wanted.hide_disabled))
    if len(wanted.types) > 1:
        found.sort(key=lambda item: item.oid)
    return found


def _kept(
    view: View, items: Iterable[Item], test: Test | None, scope: tuple[int | None, frozenset[int] | None, bool]
) -> list[Item]:
    workspace, projects, hide_disabled = scope
    hidden = bool(view.state.hidden)
    kept = []
    for item in items:
        values = item.values
        if workspace is not None and values.get("Workspace") != workspace:
            continue
        if projects is not None and (item.oid if item.type == "Project" else values.get("Project")) not in projects:
            continue
        if hide_disabled and values.get("Disabled"):
            continue
        if hidden and not view.visible(item):
            continue
        if test is None or test(item):
            kept.append(item)
    return kept


def _candidates(view: View, wanted: Wanted, path: str) -> Iterable[Item]:
    """Return the objects of a type that may satisfy the query, ascending by ObjectID, by index where one helps."""
    if wanted.ids is not None:
        found = (view.get(oid) for oid in wanted.ids)
        return [item for item in found if item is not None and item.type == path]
    terms = conjuncts(wanted.query)
    ids = _by_number(view, terms, path)
    if ids is None:
        ids = _by_stamp(view, terms, path, wanted)
    if ids is None:
        ids = _by_range(view, terms, path)
    found = (view.get(oid) for oid in ids)
    return [item for item in found if item is not None]


def _by_number(view: View, terms: list[Term], path: str) -> list[int] | None:
    for term in terms:
        if term.path == "FormattedID" and term.operator == "=":
            known = view.state.numbered(path, number_of(term.values[0]))
            return view.patched(path, [oid for oid in known if oid in view.state.items])
    return None


def _by_stamp(view: View, terms: list[Term], path: str, wanted: Wanted) -> list[int] | None:
    for term in terms:
        if term.path in STAMP_NAMES and term.operator in (">", ">=", "=") and _is_plain_date(term.values[0]):
            # One millisecond of text sorts below any longer writing of the same instant, so this never cuts too much.
            order = view.state.stamped(path, term.path)
            start = bisect_left(order, (term.values[0][:10], 0))
            return view.patched(path, sorted(oid for date, oid in order[start:] if date >= term.values[0][:19]))
    return None


def _is_plain_date(text: str) -> bool:
    return len(text) >= 19 and text[:4].isdigit() and text.endswith("Z")


_BOUNDS = ("=", ">", ">=", "<", "<=")


def _by_range(view: View, terms: list[Term], path: str) -> list[int]:
    ids = view.ids(path)
    low, high = _bounds(ids, terms)
    return ids[low:high]


def _bounds(ids: list[int], terms: list[Term]) -> tuple[int, int]:
    low, high = 0, len(ids)
    for term in terms:
        if term.path != "ObjectID" or not term.values[0].lstrip("-").isdigit():
            continue
        bound = int(term.values[0])
        if term.operator in (">", ">=", "="):
            low = max(low, bisect_right(ids, bound) if term.operator == ">" else bisect_left(ids, bound))
        if term.operator in ("<", "<=", "="):
            high = min(high, bisect_left(ids, bound) if term.operator == "<" else bisect_right(ids, bound))
    return low, high
