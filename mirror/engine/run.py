"""One run of one source: what every step of it needs, and what it adds up to."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from mirror.connectors.base import Connector
from mirror.engine.readers import Readers
from mirror.errors import MassDeleteError, MirrorError
from mirror.model.event import Event, Phase, SliceFailed, Stored, Tally
from mirror.model.layout import Layout
from mirror.model.page import Page
from mirror.model.progress import Slice
from mirror.model.source import Source
from mirror.store.store import Store


@dataclass(slots=True)
class Run:
    """The state of one run.

    Attributes:
        layouts: of every type that the source offers and its allow-list lets through.
        failed: slices that are incomplete; nothing was tombstoned and no watermark moved on their account.
        fresh: type -> ids that were stored under a new name, or for the first time; who refers to them is brought in line.
        gone: type -> ids that were tombstoned; who refers to them is read again.
        suspects: type -> ids at the other end of links that changed; their own stamp may not have moved.
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
    fresh: dict[str, set[int]] = field(default_factory=dict)
    gone: dict[str, set[int]] = field(default_factory=dict)
    suspects: dict[str, set[int]] = field(default_factory=dict)

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
        if applied.renamed:
            self.fresh.setdefault(name, set()).update(applied.renamed)
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
        with Readers[tuple[str, tuple[int, ...]], Page](self.source.concurrency) as readers:
            for name, ids in wanted.items():
                ordered = sorted(ids)
                for first in range(0, len(ordered), size):
                    chunk = tuple(ordered[first : first + size])
                    readers.submit((name, chunk), lambda name=name, chunk=chunk: self._records(name, chunk))  # type: ignore[misc]
            for outcome in readers:
                name, chunk = outcome.key
                if outcome.failure:
                    self.fail(name, phase, outcome.failure)
                elif outcome.value is not None:
                    self.suspect_changed(outcome.value)
                    self.keep(outcome.value, phase, force=force)
                    absent = set(chunk) - _ids(outcome.value)
                    if absent:
                        missing.setdefault(name, set()).update(absent)
        return missing

    def suspect_changed(self, page: Page) -> None:
        """Suspect the records at the other end of every link that the page adds or removes.

        They may show the same link, or count it, without their own revision or stamp having moved.
        """
        layout = page.layout
        if not layout.links:
            return
        before = self.store.link_targets(layout, [row[1] for row in page.rows])
        for name, links in before.items():
            now = {(row[0], row[2], row[4]) for row in page.links.get(name, ())}
            self.suspect(layout, name, links ^ now)

    def suspect_all(self, layout: Layout, ids: Sequence[int]) -> None:
        """Suspect whatever these records link to, counts kept over there included."""
        for name, links in self.store.link_targets(layout, ids).items():
            self.suspect(layout, name, links)

    def suspect(self, layout: Layout, field_name: str, links: set[tuple[int, int | None, str | None]]) -> None:
        """Suspect the targets of `links`: (owner id, target id, target type)."""
        described = layout.type.field(field_name)
        only = described.targets[0] if described and len(described.targets) == 1 else None
        for _, target, target_type in links:
            name = target_type or only
            if target is not None and name is not None and name in self.layouts:
                self.suspects.setdefault(name, set()).add(target)

    def _records(self, name: str, ids: tuple[int, ...]) -> Iterator[Page]:
        yield self.connector.records(self.layouts[name], ids)


def _ids(page: Page) -> set[int]:
    return {row[1] for row in page.rows} | {each.id for each in page.bad if each.id is not None}
