"""Makes news of what waits for one watcher: finds the records, and asks his query about them, now and before."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

from mirror.model.change import Action
from mirror.model.happening import Entry, Happening
from mirror.model.layout import Layout
from mirror.query.evaluate import Key, holds
from mirror.query.expr import OWN_ID, All, AnyOf, Compare, Op, Path, Query
from mirror.script.changes import Changes
from mirror.script.earlier import Earlier, Version, before, cells_now, last
from mirror.script.home import Home
from mirror.script.record import Record
from mirror.script.records import Records
from mirror.script.session import Session
from mirror.store.watchers import LastSeen, Watchers

TOGETHER = 200  # lines of the journal that are looked up at once; each is a condition in one query


@dataclass(frozen=True, slots=True)
class Pending:
    """What happened to one record since its watcher was told of it last, as one.

    Attributes:
        ids: of the lines of the journal that are done with when it is told.
        changes: field -> [before, after].
        attempts: how often it was told in vain.
    """

    ids: tuple[int, ...]
    source: str
    type_name: str
    record_id: int
    happening: Happening
    changes: Mapping[str, Sequence[Any]]
    attempts: int


@dataclass(frozen=True, slots=True)
class News:
    """Something to be told.

    Attributes:
        reason: of a deletion: a word of model.page.Fate.
    """

    pending: Pending
    record: Record
    changes: Changes
    reason: str = ""


def joined(entries: Sequence[Entry]) -> list[Pending]:
    """Return lines of the journal, as they were written, with one for each record: what they come to.

    Whatever happened to a record before it was deleted is not told any more, nor what changed since it was created.
    """
    by_record: dict[tuple[str, str, int], list[Entry]] = {}
    for each in entries:
        by_record.setdefault(each.record, []).append(each)
    return [_joined(some) for some in by_record.values()]


def _joined(some: Sequence[Entry]) -> Pending:
    happened, latest = {each.happening for each in some}, some[-1]
    if latest.happening is Happening.DELETED:
        net = Happening.DELETED
    else:
        net = Happening.CREATED if Happening.CREATED in happened else latest.happening
    changes: dict[str, list[Any]] = {}
    for each in some:
        for name, (was, now) in each.changes.items():
            changes[name] = [changes[name][0] if name in changes else was, now]
    kept = {name: pair for name, pair in changes.items() if pair[0] != pair[1]} if net is Happening.CHANGED else {}
    ids, attempts = tuple(each.id for each in some), max(each.attempts for each in some)
    return Pending(ids, latest.source, latest.type_name, latest.record_id, net, kept, attempts)


@dataclass(slots=True)
class Delivering:
    """What waits for one watcher, made into news.

    Attributes:
        name: of the watcher.
        records: only what these queries find, or found before it happened; None for everything.
        passed: ids of lines that are no news to this watcher.
        held: records of which he was told in vain. What happened to them later waits with that; nothing overtakes it.
    """

    session: Session
    watchers: Watchers
    name: str
    records: Records | None
    passed: list[int] = field(default_factory=list)
    held: set[tuple[str, str, int]] = field(init=False)

    def __post_init__(self) -> None:
        self.held = self.watchers.put_aside(self.name)

    def news(self) -> Iterator[News]:
        """Yield everything that waits, as it happened; each line once, whatever becomes of it meanwhile."""
        after = 0
        while entries := self.watchers.waiting(self.name, after=after, limit=TOGETHER):
            after = entries[-1].id
            yield from self._news(joined([each for each in entries if each.record not in self.held]))
            if self.passed:
                self.watchers.told(self.passed)
                self.passed.clear()

    def failed(self, news: News, said: str) -> None:
        """Note that the callback failed."""
        self.watchers.failed(news.pending.ids, said)
        self.held.add((news.pending.source, news.pending.type_name, news.pending.record_id))

    def _news(self, pending: Sequence[Pending]) -> Iterator[News]:
        found: dict[tuple[int, ...], News] = {}
        ordered = sorted(pending, key=lambda each: (each.source, each.type_name))
        for (source, type_name), some in groupby(ordered, key=lambda each: (each.source, each.type_name)):
            home = self.session.home(source)
            if type_name in home.layouts:  # else it is not offered any more, and waits until it is, or is watched no more
                found |= {each.pending.ids: each for each in self._of_type(home, type_name, list(some))}
        yield from (found[each.ids] for each in pending if each.ids in found)

    def _of_type(self, home: Home, type_name: str, pending: Sequence[Pending]) -> Iterator[News]:
        ids = {each.record_id for each in pending}
        gone = [each.record_id for each in pending if each.happening is Happening.DELETED]
        seen = self.watchers.last_seen(home.source, type_name, gone)
        here = self.session.records(home.source, [type_name], ids.difference(gone))
        wanted = self._wanted(home, type_name, pending, seen)
        for each in pending:
            record = here.get(each.record_id) or self._buried(home, type_name, seen.get(each.record_id))
            if record is not None and each.record_id in wanted:
                reason = seen[each.record_id].fate.value if each.record_id in seen else ""
                yield News(each, record, Changes(record, each.changes), reason)
            elif record is not None or not self._is_hidden(each):
                self.passed += each.ids

    def _buried(self, home: Home, type_name: str, seen: LastSeen | None) -> Record | None:
        """Return a record that is gone as it was last."""
        if seen is None:
            return None
        shape = home.shape(type_name)
        version = last(shape.layout, seen)
        cells = {**version.cells, "source": home.source}
        return self.session.bury(home.source, type_name, tuple(cells.get(each) for each in shape.columns))

    def _is_hidden(self, pending: Pending) -> bool:
        """Return whether a record is deleted here and still on the tracker; what is told is known when that was pushed."""
        store, record = self.session.home(pending.source).store, (pending.type_name, pending.record_id)
        return any(each.action is Action.DELETE for each in store.queue.open(pending.source, record=record))

    # what the watcher's query finds

    def _wanted(
        self, home: Home, type_name: str, pending: Sequence[Pending], seen: Mapping[int, LastSeen]
    ) -> Collection[int]:
        ids = {each.record_id for each in pending}
        if self.records is None:
            return ids
        query = next((each for each in self.records._queries() if each.type_name == type_name), None)
        if query is None:
            return ()
        there = ids.difference(seen)
        found = {each for _name, each in home.searching.ids([_among(query, there)])} if there else set()
        layout = home.layouts[type_name]
        versions: dict[Key, Version] = {}
        for each in pending:
            if each.record_id not in found:
                version = self._version(home, layout, each, seen.get(each.record_id))
                if version is not None:
                    versions[type_name, each.record_id] = version
        earlier = Earlier(home, versions)
        return found | {key[1] for key in versions if holds(query.where, key, earlier)}

    def _version(self, home: Home, layout: Layout, pending: Pending, seen: LastSeen | None) -> Version | None:
        """Return a record as it was before what happened; None when it is not known to have been any different."""
        if seen is not None:
            return last(layout, seen)
        cells = cells_now(home, (pending.type_name, pending.record_id)) if pending.changes else None
        return None if cells is None else before(layout, cells, pending.changes)


def _among(query: Query, ids: Iterable[int]) -> Query:
    one_of = AnyOf(tuple(Compare(Path(OWN_ID), Op.EQ, each) for each in sorted(ids)))
    return Query(query.type_name, All((query.where, one_of)))
