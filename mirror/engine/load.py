"""The initial load: every record of a type, by key, several types and key ranges at once, continued after any stop.

Paging by an immutable key means that edits during the load cannot shift a record from one page to another. What changes
behind the place already read is found by the next run: the watermark is the tracker's time at the first page.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from mirror.engine.readers import Readers
from mirror.engine.run import Run
from mirror.model.event import Expected, Phase
from mirror.model.layout import Layout
from mirror.model.page import KeyRange, Page
from mirror.model.progress import Slice

_Ranges = Sequence[KeyRange]


@dataclass(slots=True)
class _Type:
    """Progress of one type in this run.

    Attributes:
        slices: those not finished, by their upper end, which never changes.
        started_at: the tracker's time when the load of this type began; None until its first page.
    """

    layout: Layout
    force: bool
    slices: dict[int | None, Slice] = field(default_factory=dict)
    started_at: datetime | None = None
    failed: bool = False


def load(run: Run, names: Sequence[str]) -> None:
    """Load the types completely, continuing slices that an earlier run left open."""
    types = {name: _resumed(run, name) for name in names}
    with Readers[tuple[str, int | None], Page | _Ranges](run.source.concurrency) as readers:
        for name, each in types.items():
            if each.slices:
                for part in each.slices.values():
                    if not part.done:
                        _submit(run, readers, each.layout, part)
                _finish(run, each)
            else:
                readers.submit((name, None), lambda layout=each.layout: _opening(run, layout))  # type: ignore[misc]
        for outcome in readers:
            name, until = outcome.key
            each = types[name]
            if outcome.failure:
                each.failed = True
                run.fail(name, Phase.LOAD, outcome.failure)
            elif isinstance(outcome.value, Page):
                _keep(run, each, until, outcome.value)
            elif outcome.value is not None:
                for part in _divide(run, each, outcome.value):
                    _submit(run, readers, each.layout, part)
            if outcome.value is None:
                _finish(run, each)


def _resumed(run: Run, name: str) -> _Type:
    layout = run.layouts[name]
    # Rows that are there already may hold an old layout's values under the same revision, so they are compared whole.
    force = run.store.count(layout, KeyRange()) > 0
    slices = {each.until: each for each in run.store.open_slices(run.source.name) if each.type_name == name}
    started_at = min((each.started_at for each in slices.values()), default=None)
    return _Type(layout, force, slices, started_at)


def _opening(run: Run, layout: Layout) -> Iterator[Page | _Ranges]:
    """Yield the first page, and when there is more the ranges for the rest."""
    page = run.connector.page(layout, KeyRange())
    yield page
    if page.after is not None:
        _, ranges = run.connector.split(layout, run.source.concurrency)
        rest = [each for each in ranges if each.until is None or each.until > page.after]
        yield [KeyRange(max(each.after, page.after), each.until) for each in rest]


def _submit(run: Run, readers: Readers[tuple[str, int | None], Page | _Ranges], layout: Layout, part: Slice) -> None:
    readers.submit((layout.type.name, part.until), lambda: _pages(run, layout, KeyRange(part.after, part.until)))


def _pages(run: Run, layout: Layout, keys: KeyRange) -> Iterator[Page]:
    after: int | None = keys.after
    while after is not None:
        page = run.connector.page(layout, KeyRange(after, keys.until))
        yield page
        after = page.after


def _keep(run: Run, each: _Type, until: int | None, page: Page) -> None:
    """Store a page and how far the slice has come, in one transaction."""
    name = each.layout.type.name
    if each.started_at is None:
        each.started_at = page.server_time
        if page.announced is not None:
            run.emit(Expected(run.source.name, name, Phase.LOAD, page.announced))
    known = each.slices.get(until) or Slice(run.source.name, name, 0, until, each.started_at)
    part = replace(known, after=known.after if page.after is None else page.after, done=page.after is None)
    each.slices[until] = part
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
    if each.failed or each.started_at is None or not all(part.done for part in each.slices.values()):
        return
    run.store.finish_load(run.source.name, each.layout.type.name, each.started_at, now=run.clock())
    run.store.index(each.layout)
