"""The initial load: every record of a type, by key, several types and key ranges at once, continued after any stop.

Paging by an immutable key means that edits during the load cannot shift a record from one page to another. What changes
behind the place already read is found by the next run: the watermark is the tracker's time at the first page.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from mirror.engine.readers import Readers
from mirror.engine.run import Run
from mirror.errors import MirrorError, RetryableError
from mirror.model.event import Expected, Phase
from mirror.model.layout import Layout
from mirror.model.page import KeyRange, Page, Unread
from mirror.model.progress import Slice
from mirror.model.schema import Tracking

LOAD_BEGAN = "load_began_at"
"""Note: Run.load_began_at, kept until a run has followed all changes since."""

_NAMES_PENDING = "names_pending"
_READ_ATTEMPTS = 4
"""So often an answer that cannot be read is fetched again, beyond the repetitions of the request itself."""

_Ranges = tuple[KeyRange, ...]
_Found = Unread | Page | _Ranges
_Readers = Readers[tuple[str, int | None], _Found]


@dataclass(slots=True)
class _Type:
    """Progress of one type in this run.

    Attributes:
        slices: those not finished, by their upper end, which never changes.
        started_at: the tracker's time when the load of this type began; None until its first page.
        divided: whether it was decided in which ranges the type is read.
        unread_counts: how often the next page of a slice could not be read, by upper end.
    """

    layout: Layout
    force: bool
    slices: dict[int | None, Slice] = field(default_factory=dict)
    started_at: datetime | None = None
    divided: bool = False
    failed: bool = False
    finished: bool = False
    unread_counts: Counter[int | None] = field(default_factory=Counter)


def load_in_order(run: Run, names: Sequence[str], loaded: Collection[str]) -> None:
    """Load the types completely, those first whose renamed records could not be told by a stamp afterwards.

    Whatever is read after a record shows its name as it was then or later. So a type without a stamp comes before all that
    may refer to it. Where other types were there before, or a load was broken off, names are compared afterwards.

    Args:
        loaded: types that an earlier run has loaded.
    """
    source, store = run.source.name, run.store
    was_broken_off = bool(store.notes(source).get(_NAMES_PENDING))
    if not names and not was_broken_off:
        return
    store.note(source, _NAMES_PENDING, "1")
    named = [name for name in names if run.layouts[name].type.name_field]
    first = [name for name in named if run.layouts[name].type.tracking is not Tracking.STAMP]
    load(run, first)
    load(run, [name for name in names if name not in first])
    if was_broken_off:
        spread = dict.fromkeys(run.layouts, run.layouts)
    elif loaded:
        spread = dict.fromkeys(named, run.layouts)
    else:
        among = {name: run.layouts[name] for name in first}
        spread = dict.fromkeys(first, among)
    for name, owners in spread.items():
        store.spread_names(owners, name, None, now=run.clock())
    store.note(source, _NAMES_PENDING, "")


def load(run: Run, names: Sequence[str]) -> None:
    """Load the types completely, continuing slices that an earlier run left open.

    Threads fetch; this one decodes and stores. The next page of a slice is asked for once the present one is stored, so that
    a killed process has at most one page of each slice to read again; meanwhile the answers of other slices are stored.
    """
    types = {name: _resumed(run, name) for name in names}
    with _Readers(run.source.concurrency) as readers:
        for each in types.values():
            _begin(run, readers, each)
        for outcome in readers:
            name, until = outcome.key
            each = types[name]
            if outcome.failure:
                _fail(run, each, outcome.failure)
            elif isinstance(outcome.value, Page):
                _keep(run, each, until, outcome.value)
                _fetch_behind(run, readers, each, until, outcome.value)
            elif isinstance(outcome.value, tuple):
                for part in _divide(run, each, outcome.value):
                    _submit(run, readers, each, part)
            elif outcome.value is not None:
                _read(run, readers, each, until, outcome.value)
            else:
                _finish(run, each)


def _begin(run: Run, readers: _Readers, each: _Type) -> None:
    for part in each.slices.values():
        if not part.done:
            _submit(run, readers, each, part)
    if not each.slices:
        _submit(run, readers, each, Slice(run.source.name, each.layout.type.name, 0, None, run.clock()))
    _finish(run, each)


def _fail(run: Run, each: _Type, reason: MirrorError) -> None:
    each.failed = True
    run.fail(each.layout.type.name, Phase.LOAD, reason)


def _resumed(run: Run, name: str) -> _Type:
    layout = run.layouts[name]
    # Rows that are there already may hold an old layout's values under the same revision, so they are compared whole.
    force = run.store.count(layout, KeyRange()) > 0
    slices = {each.until: each for each in run.store.open_slices(run.source.name) if each.type_name == name}
    started_at = min((each.started_at for each in slices.values()), default=None)
    return _Type(layout, force, slices, started_at, divided=bool(slices))


def _submit(run: Run, readers: _Readers, each: _Type, part: Slice) -> None:
    keys = KeyRange(part.after, part.until)
    readers.submit((each.layout.type.name, part.until), lambda: iter([run.connector.fetch(each.layout, keys)]))


def _read(run: Run, readers: _Readers, each: _Type, until: int | None, unread: Unread) -> None:
    """Decode an answer and store it, or leave it to a thread to ask for its rest."""
    name = each.layout.type.name
    try:
        page = unread()
    except RetryableError as error:
        each.unread_counts[until] += 1
        if each.unread_counts[until] >= _READ_ATTEMPTS:
            _fail(run, each, error)
        else:
            part = each.slices.get(until) or Slice(run.source.name, name, 0, until, run.clock())
            _submit(run, readers, each, part)
        return
    except MirrorError as error:
        _fail(run, each, error)
        return
    each.unread_counts[until] = 0
    if page.rest is not None:
        rest = page.rest
        readers.submit((name, until), lambda: iter([rest()]))
        return
    _keep(run, each, until, page)
    _fetch_behind(run, readers, each, until, page)


def _fetch_behind(run: Run, readers: _Readers, each: _Type, until: int | None, page: Page) -> None:
    """Ask for what comes behind `page`: after the first page of a large type in several ranges, else the next page."""
    name, layout, after = each.layout.type.name, each.layout, page.after
    if after is None:
        return
    left = None if page.announced is None else page.announced - page.received
    if not each.divided and (left is None or left > page.received):
        readers.submit((name, None), lambda: iter([_ranges(run, layout, after, page.announced)]))
    else:
        _submit(run, readers, each, Slice(run.source.name, name, after, until, page.server_time))
    each.divided = True


def _ranges(run: Run, layout: Layout, after: int, count: int | None) -> _Ranges:
    """Return ranges for everything behind `after`."""
    ranges = run.connector.split(layout, run.source.concurrency, count)
    behind = [each for each in ranges if each.until is None or each.until > after]
    return tuple(KeyRange(max(each.after, after), each.until) for each in behind)


def _keep(run: Run, each: _Type, until: int | None, page: Page) -> None:
    """Store a page and how far the slice has come, in one transaction."""
    name = each.layout.type.name
    if each.started_at is None:
        each.started_at = page.server_time
        if run.load_began_at is None:
            run.load_began_at = page.server_time
            run.store.note(run.source.name, LOAD_BEGAN, page.server_time.isoformat())
        if page.announced is not None:
            run.emit(Expected(run.source.name, name, Phase.LOAD, page.announced))
    known = each.slices.get(until) or Slice(run.source.name, name, 0, until, each.started_at)
    part = replace(known, after=known.after if page.after is None else page.after, done=page.after is None)
    each.slices[until] = part
    if each.force:
        run.suspect_around(page)
    run.keep(page, Phase.LOAD, progress=part, force=each.force)


def _divide(run: Run, each: _Type, ranges: _Ranges) -> list[Slice]:
    """Replace the one open slice, which holds the first page, by several and return them."""
    name, opened = each.layout.type.name, each.slices[None]
    parts = [replace(opened, after=keys.after, until=keys.until) for keys in ranges]
    run.store.plan_load(run.source.name, name, parts)
    each.slices = {part.until: part for part in parts}
    return parts


def _finish(run: Run, each: _Type) -> None:
    """Set the watermark when the last slice is done."""
    if each.failed or each.finished or each.started_at is None or not all(part.done for part in each.slices.values()):
        return
    began_at = min(each.started_at, run.load_began_at or each.started_at)
    run.store.finish_load(run.source.name, each.layout.type.name, began_at, now=run.clock())
    run.store.index(each.layout)
    each.finished = True
