"""One run of one source: what every step of it needs, and what it adds up to."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial

from mirror.connectors.base import Connector
from mirror.engine.readers import Readers
from mirror.errors import MassDeleteError, MirrorError
from mirror.model.event import Event, Phase, SliceFailed, Stored, Tally
from mirror.model.layout import HEAD, Layout
from mirror.model.page import Echo, Page
from mirror.model.progress import Slice
from mirror.model.source import Source
from mirror.store.store import LinkEnd, Store

_Read = tuple[Page, Sequence[Echo]]


@dataclass(slots=True)
class Run:
    """The state of one run.

    Attributes:
        layouts: of every type that the source offers and its allow-list lets through.
        failed: slices that are incomplete; nothing was tombstoned and no watermark moved on their account.
        load_began_at: the tracker's time when the first page of the loads was asked for that no complete run has followed;
            None when there is none. A name that another record shows may be as old as that.
        suspected_before: by type, the records that earlier runs left suspected.
        older: by type, records not among those that this run saw in an older state than is stored, from a replica that lags
            or a clock that was set back. The next run takes what the tracker shows then: by then a replica has caught up.
    """

    source: Source
    connector: Connector
    store: Store
    clock: Callable[[], datetime]
    emit: Callable[[Event], None]
    allow_mass_delete: bool = False
    layouts: Mapping[str, Layout] = field(default_factory=dict)
    tally: Tally = field(default_factory=Tally)
    failed: list[SliceFailed] = field(default_factory=list)
    refused: list[MassDeleteError] = field(default_factory=list)
    load_began_at: datetime | None = None
    suspected_before: Mapping[str, set[int]] = field(default_factory=dict)
    older: dict[str, set[int]] = field(default_factory=dict)

    def fail(self, type_name: str, phase: Phase, reason: MirrorError | str) -> None:
        """Record that a slice is incomplete, and go on."""
        failure = SliceFailed(self.source.name, type_name, phase, str(reason))
        self.failed.append(failure)
        self.emit(failure)

    def has_failed(self, type_name: str) -> bool:
        """Return whether any slice of the type is incomplete in this run."""
        return any(each.type_name == type_name for each in self.failed)

    def keep(self, page: Page, phase: Phase, *, progress: Slice | None = None, force: bool = False) -> None:
        """Store a page and tell about it."""
        applied = self.store.apply(page, now=self.clock(), progress=progress, force=force)
        name = page.layout.type.name
        self.older.setdefault(name, set()).update(set(applied.older) - self.suspected_before.get(name, set()))
        self.count(name, phase, page.received, applied.tally)

    def count(self, type_name: str, phase: Phase, received: int, tally: Tally) -> None:
        """Add to the totals and tell about it."""
        self.tally += tally
        self.emit(Stored(self.source.name, type_name, phase, received, tally))

    def read(self, wanted: Mapping[str, Sequence[int]], phase: Phase, *, force: bool = False) -> dict[str, set[int]]:
        """Fetch records by id and store them; return those that the tracker did not give, by type.

        A type of which some chunk failed is recorded as failed; the ids of that chunk are not among those returned.
        """
        missing: dict[str, set[int]] = {}
        size = self.connector.capabilities.ids_per_read
        with Readers[tuple[str, tuple[int, ...]], _Read](self.source.concurrency) as readers:
            for name, ids in wanted.items():
                ordered = sorted(ids)
                for first in range(0, len(ordered), size):
                    chunk = tuple(ordered[first : first + size])
                    job = partial(self._records, name, chunk, echoes=not force)
                    readers.submit((name, chunk), job)
            for outcome in readers:
                name, chunk = outcome.key
                if outcome.failure:
                    self.fail(name, phase, outcome.failure)
                elif outcome.value is not None:
                    page, echoes = outcome.value
                    self.suspect_around(page)
                    self.store.suspect_echoes(self.layouts, page, echoes)
                    self.keep(page, phase, force=force)
                    absent = set(chunk) - _ids(page)
                    if absent:
                        missing.setdefault(name, set()).update(absent)
        return missing

    def suspect_around(self, page: Page) -> None:
        """Before `page` is stored, suspect what may not match it any more though its own revision and stamp stay.

        Records at the other end of every link that it adds or removes show or count that link; whoever refers to a record
        shows its name.
        """
        layout, ids = page.layout, [row[1] for row in page.rows]
        self.store.recall_referrers(page)
        self._suspect_names(page)
        if layout.links:
            before = self.store.link_targets(layout, ids)
            now = {name: {(row[0], row[2], row[4]) for row in page.links.get(name, ())} for name in before}
            self._suspect(layout, {name: links ^ now[name] for name, links in before.items()})

    def _suspect_names(self, page: Page) -> None:
        """Suspect the names of records that are new or renamed."""
        layout = page.layout
        places = [at for at, each in enumerate(layout.columns) if each.field == layout.type.name_field]
        if places:
            at, stored = places[0] + len(HEAD), self.store.names(layout, [row[1] for row in page.rows])
            renamed = [row[1] for row in page.rows if row[1] not in stored or stored[row[1]] != row[at]]
            self.store.suspect(layout.source, {layout.type.name: renamed}, names=True)
            known = [row for row in page.rows if row[1] in stored]
            unlike = [row[1] for row in known if (row[at] is None) is not (stored[row[1]] is None)]
            if unlike:  # only the tracker knows what it shows instead of a name
                self.store.suspect_referrers(self.layouts, layout.type.name, unlike)

    def suspect_since_load(self, layout: Layout, ids: Sequence[int]) -> None:
        """Suspect what a record that changed during the load may have left behind in records that were read before it."""
        if layout.type.name_field:
            self.store.suspect(layout.source, {layout.type.name: ids}, names=True)
        self._suspect(layout, self.store.link_targets(layout, ids))

    def suspect_neighbours(self, layout: Layout, ids: Sequence[int]) -> None:
        """Suspect whatever refers to these records, which are about to go, or is linked from them."""
        self.store.suspect_referrers(self.layouts, layout.type.name, ids)
        self._suspect(layout, self.store.link_targets(layout, ids))

    def _suspect(self, layout: Layout, links: Mapping[str, set[LinkEnd]]) -> None:
        suspects: dict[str, set[int]] = {}
        for field_name, ends in links.items():
            described = layout.type.field(field_name)
            only = described.targets[0] if described and len(described.targets) == 1 else ""
            for _, target, target_type in ends:
                name = target_type or only
                if target is not None and name in self.layouts:
                    suspects.setdefault(name, set()).add(target)
        self.store.suspect(self.source.name, suspects)

    def _records(self, name: str, ids: tuple[int, ...], *, echoes: bool) -> Iterator[_Read]:
        """Yield the records, with the other ends of links to them; those are not asked for where a link led us here."""
        page = self.connector.records(self.layouts[name], ids)
        yield page, page.echoes() if echoes and page.echoes and page.rows else ()


def _ids(page: Page) -> set[int]:
    return {row[1] for row in page.rows} | {each.id for each in page.bad if each.id is not None}
