"""Reads records of a push from the tracker, stores them, and keeps what was seen for comparing."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import Executor, as_completed
from dataclasses import dataclass, field
from typing import Any

from mirror.engine.referring import Record, is_link
from mirror.engine.run import Run
from mirror.errors import AuthError, RemoteError, RetryableError
from mirror.merge.fields import equal
from mirror.merge.items import Item, is_already, parse_target
from mirror.model.cells import cells_in, value_of
from mirror.model.change import Action, Change
from mirror.model.layout import HEAD, Layout
from mirror.model.page import Echo, Page
from mirror.model.write import Target

_SHOWN = 60  # characters of a value in a sentence


@dataclass(frozen=True, slots=True)
class Seen:
    """One record as the tracker shows it.

    Attributes:
        cells: column -> cell.
        items: many-valued field -> its items.
    """

    layout: Layout
    revision: str
    cells: Mapping[str, Any]
    items: Mapping[str, Sequence[Item]]

    def shows(self, change: Change) -> bool:
        """Return whether a change of a field is there."""
        if change.action is Action.UPDATE:
            return equal(self.layout, change.field, self.cells, change.value or {})
        wanted = parse_target(change.item) if is_link(self.layout, change.field) else Item(text=change.item)
        return is_already(change.action, there=any(wanted.is_same(each) for each in self.items.get(change.field, ())))

    def is_as_before(self, change: Change) -> bool:
        """Return whether a field is as it was before a change of it."""
        if change.action is Action.UPDATE:
            return equal(self.layout, change.field, self.cells, change.base or {})
        return not self.shows(change)

    def remote(self, change: Change) -> Mapping[str, Any] | None:
        """Return the tracker's cells of the field that an UPDATE is about; None for other changes."""
        return cells_in(self.cells, self.layout, change.field) if change.action is Action.UPDATE else None

    def words(self, change: Change) -> str:
        """Return for people what the tracker shows in the place of what a change wants."""
        if change.action is not Action.UPDATE:
            return "no such item" if change.action is Action.LINK else "the item still"
        value = value_of(self.layout, change.field, self.cells)
        if isinstance(value, Target):
            value = value.name or f"{value.type_name}:{value.id}".lstrip(":")
        text = "nothing" if value is None else str(value)
        return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


@dataclass(slots=True)
class Sight:
    """What reading some records came to.

    Attributes:
        missing: not listed by the tracker.
        unreadable: records that could not be read, with the reason.
        failure: why nothing more can be read now; None when the tracker answers.
    """

    seen: dict[Record, Seen] = field(default_factory=dict)
    missing: set[Record] = field(default_factory=set)
    unreadable: dict[Record, str] = field(default_factory=dict)
    failure: RemoteError | None = None


def look(run: Run, pool: Executor, records: Collection[Record], *, keep: bool = True) -> Sight:
    """Read these records, all at once, and store them; edits that wait are merged with what is there.

    Args:
        keep: False only looks, and leaves tables and queue as they are.
    """
    sight = Sight()
    size = run.connector.capabilities.ids_per_read
    jobs = {
        pool.submit(_read, run, name, ids[first : first + size]): [(name, each) for each in ids[first : first + size]]
        for name, ids in _by_type(records).items()
        for first in range(0, len(ids), size)
    }
    for job in as_completed(jobs):
        try:
            page, echoes = job.result()
        except (AuthError, RetryableError) as error:
            sight.failure = error
            sight.unreadable |= dict.fromkeys(jobs[job], str(error))
        except RemoteError as error:
            sight.unreadable |= dict.fromkeys(jobs[job], str(error))
        else:
            if keep:
                _store(run, page, echoes)
            _sort(sight, page, jobs[job])
    return sight


def _read(run: Run, name: str, ids: Sequence[int]) -> tuple[Page, Sequence[Echo]]:
    page = run.connector.records(run.layouts[name], ids)
    if page.rest is not None:
        page = page.rest()
    return page, page.echoes() if page.echoes and page.rows else ()


def _store(run: Run, page: Page, echoes: Sequence[Echo]) -> None:
    run.suspect_around(page)
    run.store.suspect_echoes(run.layouts, page, echoes)
    run.store.apply(page, now=run.clock(), force=True)


def _sort(sight: Sight, page: Page, asked: Sequence[Record]) -> None:
    names = (*HEAD, *(each.name for each in page.layout.columns))
    name = page.layout.type.name
    items = {each.field: _items(page, each.field) for each in page.layout.links}
    for row in page.rows:
        cells = dict(zip(names, row, strict=True))
        own = {each: by_owner.get(row[1], ()) for each, by_owner in items.items()}
        sight.seen[name, row[1]] = Seen(page.layout, cells["_revision"], cells, own)
    sight.unreadable |= {(name, each.id): each.reason for each in page.bad if each.id is not None}
    sight.missing |= {each for each in asked if each not in sight.seen and each not in sight.unreadable}


def _items(page: Page, field_name: str) -> dict[int, list[Item]]:
    """Return owner -> items of a many-valued field."""
    found: dict[int, list[Item]] = {}
    for row in page.links.get(field_name, ()):
        item = Item(id=row[2], type_name=row[4]) if is_link(page.layout, field_name) else Item(text=str(row[2]))
        found.setdefault(row[0], []).append(item)
    return found


def _by_type(records: Collection[Record]) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for name, each in sorted(records):
        found.setdefault(name, []).append(each)
    return found
