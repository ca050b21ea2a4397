"""Random walks of pulls, pushes, edits, deletions and returns: as of every instant the mirror says what the tracker had."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

from mirror.model.change import Action
from mirror.model.page import Fate, KeyRange
from mirror.model.part import Part
from mirror.query.expr import Path, Query
from mirror.store.queue import Queue
from mirror.store.store import Store
from tests.store.samples import NOW, page, row
from tests.store.test_queue_walk import WEIGHTS, Remote, Walk, _plain

STEPS = 70
TERMS = {
    "name": Path("Name"),
    "notes": Path("Notes"),
    "points": Path("Points"),
    "owner_id": Path("Owner", part=Part.ID),
    "owner_name": Path("Owner", part=Part.NAME),
    "parent_id": Path("Parent", part=Part.ID),
    "tags": Path("Tags"),
}
CHECKED = 0.15  # of the steps; each asks as of several instants
MILLISECOND = timedelta(milliseconds=1)


@dataclass
class Version:
    """What the tracker had of a record from one instant to another; None while it has it."""

    begun: datetime
    ended: datetime | None
    cells: dict[str, Any]
    tags: tuple[int, ...]
    changed_at: datetime


def later(start: datetime, *instants: datetime | None) -> datetime:
    """Return the first of these instants that comes after `start`, else the next millisecond."""
    return next((each for each in instants if each is not None and each > start), start + MILLISECOND)


class HistoryWalk(Walk):
    """A walk in time, with all versions that the mirror has seen in memory."""

    def __init__(self, store: Store, url: str, seed: int) -> None:
        self.now = NOW
        self.versions: dict[int, list[Version]] = {}
        self.stamps: dict[int, tuple[int, datetime]] = {}
        self.told: dict[int, datetime] = {}
        self.gone: dict[int, Remote] = {}
        super().__init__(store, url, seed)
        store.queue = Queue(store._database, clock=lambda: self.now)
        store.history.keep("acme", self.known, ["Story"], now=self.now)

    def wait(self) -> None:
        self.now += timedelta(milliseconds=self.random.choice((0, 1, 7, 60_000)))

    def stamp(self, one: int) -> datetime:
        """Return the change time of the tracker's present version: some time since the one before, or the same."""
        revision, before = self.stamps.get(one, (0, NOW - timedelta(days=1)))
        if revision != self.tracker[one].revision:
            between = (self.now - before) // MILLISECOND
            at = before + self.random.choice((0, self.random.random(), 1)) * between * MILLISECOND
            self.stamps[one] = self.tracker[one].revision, at - timedelta(microseconds=at.microsecond % 1000)
        return self.stamps[one][1]

    def pull(self, record_id: int | None = None) -> None:
        one = record_id or self.random.choice([*self.tracker, 0])
        if one in self.tracker:
            self._store(one, force=self.random.random() < 0.5)

    def _read_back(self, record_id: int) -> None:
        self._store(record_id, force=True)

    def _store(self, one: int, *, force: bool) -> None:
        there, at = self.tracker[one], self.stamp(one)
        links = {"Tags": [(one, place, each, f"tag {each}", None) for place, each in enumerate(there.tags)]}
        changed = at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
        given = page(self.story, row(self.story, one, str(there.revision), at=changed, **there.cells), links=links)
        self.store.apply(given, now=self.now, force=force)
        known = self.pulled.get(one)
        if known is None or known.revision != there.revision:
            self._learn(one, at)
        self.pulled[one] = Remote(there.revision, dict(there.cells), there.tags)

    def _learn(self, one: int, at: datetime) -> None:
        own = self.versions.setdefault(one, [])
        new = Version(at, None, dict(self.tracker[one].cells), self.tracker[one].tags, at)
        if own and own[-1].ended is None and replace(own[-1], begun=at) == new:
            return  # another revision, and nothing else
        begun = at
        if own:
            begun = own[-1].ended = own[-1].ended or later(own[-1].begun, at, self.now)
            if begun != at and one not in self.pulled:
                begun = later(own[-1].ended, at, self.now)
        own.append(replace(new, begun=begun))

    def remote_delete(self) -> None:
        gone = [each for each in self.pulled if each not in self.tracker]
        if len(self.tracker) > 2:
            gone.append(self.random.choice(list(self.tracker)))
            self.gone[gone[-1]] = self.tracker.pop(gone[-1])
        for each in gone:
            own = self.versions.get(each)
            begun = own[-1].begun if own else NOW
            at = begun + (self.now - begun) // MILLISECOND * self.random.random() * MILLISECOND
            self.told[each] = at - timedelta(microseconds=at.microsecond % 1000)
            told = {each: self.told[each].isoformat()} if self.random.random() < 0.5 else {}
            if not told:
                del self.told[each]
            self.store.tombstone(self.story, [each], fate=Fate.DELETED, now=self.now, deleted_at=told)
            self.pulled.pop(each, None)

    def remote_restore(self) -> None:
        """Bring a record back, in a version that may have no other change time than before."""
        flying = {each.record_id for each in self.store.queue.open("acme") if each.action is Action.DELETE}
        back = [each for each in self.gone if each not in flying and each not in self.store_keys()]
        if back:
            one = self.random.choice(back)
            self.tracker[one] = self.gone.pop(one)

    def store_keys(self) -> set[int]:
        return {each for each, _ in self.store.keys(self.story, KeyRange())}

    def note_burials(self) -> None:
        here = self.store_keys()
        for one, own in self.versions.items():
            if one not in here and own and own[-1].ended is None:
                told = self.told.pop(one, None)
                own[-1].ended = later(own[-1].begun, told, self.now)

    # what must hold

    def instants(self) -> list[datetime]:
        edges = [at for own in self.versions.values() for each in own for at in (each.begun, each.ended) if at]
        some = self.random.sample(edges, min(3, len(edges)))
        return [*some, *(each - MILLISECOND for each in some), self.now]

    def check_past(self) -> None:
        for at in self.instants():
            found = self.store.search(self.known, at).rows([Query("Story")], {"Story": [*TERMS.values()]})
            rows = {each.id: dict(zip(TERMS, each.values, strict=True)) for each in found}
            expected = {one: each for one, own in self.versions.items() for each in own if _holds(each, at)}
            linked = {one: tuple(sorted(each.pop("tags"))) for one, each in rows.items()}
            assert linked == {one: tuple(sorted(each.tags)) for one, each in expected.items()}, at
            cells = {one: {name: each.cells.get(name) for name in TERMS if name != "tags"} for one, each in expected.items()}
            assert {one: _plain(each) for one, each in rows.items()} == {one: _plain(each) for one, each in cells.items()}, (
                at
            )

    def check_spans(self) -> None:
        query = "SELECT id, _valid_from, _valid_to FROM rally_story__history ORDER BY id, _valid_from"
        with self.store.read(query) as found:
            rows = [*found.rows]
        assert all(start < end for _, start, end in rows)
        assert all(one != other or end <= start for (one, _, end), (other, start, _) in pairwise(rows))


def _holds(version: Version, at: datetime) -> bool:
    return version.begun <= at and (version.ended is None or at < version.ended)


def test_as_of_is_what_the_tracker_had_then(seeded_store: tuple[Store, int]) -> None:
    store, seed = seeded_store
    walk = HistoryWalk(store, store._url, seed)
    weights = {**WEIGHTS, "remote_restore": 2, "remote_delete": 3, "wait": 12}
    for _ in range(STEPS):
        (step,) = walk.random.choices(list(weights), list(weights.values()))
        getattr(walk, step)()
        walk.note_burials()
        if walk.random.random() < CHECKED:
            walk.check_past()
    walk.check_past()
    walk.check_spans()
    walk.check()
