"""Who is there, and who is not any more: keys and counts of whole types compared with what is stored."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from mirror.connectors.base import Window
from mirror.engine.run import Run
from mirror.model.event import Phase
from mirror.model.layout import Layout
from mirror.model.page import Key, KeyPage, KeyRange
from mirror.model.schema import Tracking

_LISTED_PAGES = 4
"""Where windows come in batches: up to so many pages of keys a type with a stamp is compared key by key; a larger one by
counts of its key ranges first. Where each window costs a request: one page."""

_COUNTED_RANGES = 8
"""Into so many ranges a larger type, or a range whose count differs, is cut; where each costs a request, not before."""


@dataclass(slots=True)
class Findings:
    """What the census found, by type.

    Attributes:
        differing: by id, the keys that are unknown here or have another revision.
        absent: ids that are stored but were not in a complete listing.
        listed: how many keys the tracker showed.
        partial: types of which some listing was not complete.
    """

    differing: dict[str, dict[int, Key]] = field(default_factory=dict)
    absent: dict[str, set[int]] = field(default_factory=dict)
    listed: Counter[str] = field(default_factory=Counter)
    partial: set[str] = field(default_factory=set)


def take_census(
    run: Run,
    names: Sequence[str],
    *,
    exact: bool,
    phase: Phase = Phase.DELETIONS,
    tell: Callable[[str, int], None] = lambda _name, _count: None,
) -> Findings:
    """Compare the tracker's records of these types with the stored ones.

    Args:
        exact: compare every key, whatever the size of a type.
        phase: what a window that cannot be answered is reported under.
        tell: told the type and the number of keys of each window that was listed.
    """
    found = Findings()
    windows = [window for name in names for window in _windows(run, run.layouts[name], exact=exact)]
    while windows:
        again: list[Window] = []
        for window, page in zip(windows, run.connector.census(windows), strict=True):
            if page.failure:
                run.fail(window.type.name, phase, page.failure)
            elif window.count_only:
                again.extend(_recounted(run, window, page))
            else:
                _compare(run, window, page, found)
                tell(window.type.name, len(page.keys))
        windows = again
    return found


def _windows(run: Run, layout: Layout, *, exact: bool) -> Iterator[Window]:
    can = run.connector.capabilities
    known = run.store.count(layout, KeyRange())
    listed_count = can.page_size * (_LISTED_PAGES if can.batches else 1)
    if layout.type.tracking is Tracking.SWEEP or exact or known <= listed_count:
        ranges = run.store.boundaries(layout, can.page_size) if known > can.page_size else [KeyRange()]
        yield from (Window(layout.type, each) for each in ranges)
        return
    ranges = run.store.boundaries(layout, _counted_size(known, can.page_size)) if can.batches else [KeyRange()]
    *counted, tail = ranges
    yield from (Window(layout.type, each, count_only=True) for each in counted)
    if layout.type.tracking is Tracking.APPEND:
        newest = run.store.newest(layout)
        yield Window(layout.type, KeyRange(tail.after, newest), count_only=True)
        yield Window(layout.type, KeyRange(newest, None))
    else:
        yield Window(layout.type, tail, count_only=True)


def _counted_size(known: int, page_size: int) -> int:
    return max(page_size * _LISTED_PAGES, -(-known // _COUNTED_RANGES))


def _recounted(run: Run, window: Window, page: KeyPage) -> list[Window]:
    """Return the windows to ask next because a count differs."""
    layout = run.layouts[window.type.name]
    known = run.store.count(layout, window.keys)
    return [] if page.total in (known, None) else list(_narrowed(run, layout, window.keys, known))


def _compare(run: Run, window: Window, page: KeyPage, found: Findings) -> None:
    name = window.type.name
    stored = dict(run.store.keys(run.layouts[name], window.keys))
    listed = {each.id: each for each in page.keys}
    differing = {each.id: each for each in page.keys if stored.get(each.id) != each.revision}
    if differing:
        found.differing.setdefault(name, {}).update(differing)
    found.listed[name] += len(listed)
    if not page.complete:
        found.partial.add(name)
    elif absent := stored.keys() - listed.keys():
        found.absent.setdefault(name, set()).update(absent)


def _narrowed(run: Run, layout: Layout, keys: KeyRange, known: int) -> Iterator[Window]:
    """Cut a range whose count differs into smaller ones, counted again or, when small enough, listed."""
    size = run.connector.capabilities.page_size
    listed = known <= size * _LISTED_PAGES
    step = size if listed else _counted_size(known, size)
    for each in run.store.boundaries(layout, step, keys):
        yield Window(layout.type, each, count_only=not listed)
