"""A random walk over everything that can happen to a few records, against a model in plain Python.

The model knows what the tracker has and what every open change is, by its id; after each step the database must show exactly
base + changes, row by row and link by link, and `_dirty` exactly where something waits.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from random import Random
from typing import Any

from mirror.errors import UsageError
from mirror.model.change import Action, Change, End, State
from mirror.model.layout import Layout
from mirror.model.page import Fate, KeyRange
from mirror.model.write import Target
from mirror.store.store import Settled, Store, Taken
from tests.store.queue_samples import act, edit, layouts
from tests.store.samples import NOW, page, row, stored
from tests.support.databases import execute

STEPS = 100
NAMES = ("a b c d e f", "X b c d e f", "a b c d e Y", "X b c d e Y", "q")
CHANGES = {
    "Name": ("a", "b", "c"),
    "Notes": (*NAMES, None),
    "Points": (1, 2.5, None),
    "Owner": (Target("User", 3, "Ann"), Target("User", 4, "Bob"), None),
}
LABELS = (5, 6, 7)


@dataclass
class Remote:
    """A record as the tracker has it."""

    revision: int = 1
    cells: dict[str, Any] = field(default_factory=dict)
    tags: tuple[int, ...] = ()


class Walk:
    """The walk: a tracker in memory beside the store under test."""

    def __init__(self, store: Store, url: str, seed: int) -> None:
        self.store, self.url, self.random = store, url, Random(seed)
        self.known = layouts(store)
        self.story: Layout = self.known["Story"]
        self.tracker: dict[int, Remote] = {}
        self.pulled: dict[int, Remote] = {}
        self.seen: set[int] = set()
        self.next_id = 1
        for _ in range(3):
            self.remote_create()
            self.pull(self.next_id - 1)

    # the tracker's side

    def remote_create(self) -> int:
        self.tracker[self.next_id] = Remote(cells={"name": "n", "notes": NAMES[0], "points": None, **_owner(None)})
        self.next_id += 1
        return self.next_id - 1

    def remote_edit(self) -> None:
        if not self.tracker:
            return
        one = self.tracker[self.random.choice(list(self.tracker))]
        name = self.random.choice(list(CHANGES))
        one.cells = {**one.cells, **self.cells(name, self.random.choice(CHANGES[name]))}
        if self.random.random() < 0.4:
            one.tags = tuple(sorted(set(one.tags) ^ {self.random.choice(LABELS)}))
        one.revision += 1

    def remote_delete(self) -> None:
        gone = [each for each in self.pulled if each not in self.tracker]
        if len(self.tracker) > 2:
            gone.append(self.random.choice(list(self.tracker)))
            del self.tracker[gone[-1]]
        for each in gone:
            self.store.tombstone(self.story, [each], fate=Fate.DELETED, now=NOW)
            self.pulled.pop(each, None)

    def pull(self, record_id: int | None = None) -> None:
        if not self.tracker:
            return
        one = record_id or self.random.choice(list(self.tracker))
        if one not in self.tracker:
            return
        there = self.tracker[one]
        links = {"Tags": [(one, place, each, f"tag {each}", None) for place, each in enumerate(there.tags)]}
        given = page(self.story, row(self.story, one, str(there.revision), **there.cells), links=links)
        self.store.apply(given, now=NOW, force=self.random.random() < 0.7)
        self.pulled[one] = Remote(there.revision, dict(there.cells), there.tags)

    # our side

    def cells(self, name: str, value: Any) -> dict[str, Any]:
        return dict(edit(self.story, 1, name, value).value or {})

    def records(self) -> list[int]:
        return [each for (each,) in stored(self.store, "SELECT id FROM rally_story ORDER BY id")]

    def local_edit(self) -> None:
        if here := self.records():
            one, name = self.random.choice(here), self.random.choice(list(CHANGES))
            self.add(edit(self.story, one, name, self.random.choice(CHANGES[name])))

    def local_reference(self) -> None:
        here = self.records()
        new = [each for each in here if each < 0]
        if new:
            self.add(edit(self.story, self.random.choice(here), "Parent", Target("Story", self.random.choice(new), None)))

    def local_link(self) -> None:
        if here := self.records():
            action = self.random.choice((Action.LINK, Action.UNLINK))
            self.add(act(self.story, self.random.choice(here), action, field="Tags", item=str(self.random.choice(LABELS))))

    def local_create(self) -> None:
        if sum(each < 0 for each in self.records()) < 3:
            one = self.store.queue.new_id("acme")
            self.add(act(self.story, one, Action.CREATE), edit(self.story, one, "Name", "new"))

    def local_delete(self) -> None:
        if here := self.records():
            self.add(act(self.story, self.random.choice(here), Action.DELETE))

    def add(self, *changes: Change) -> None:
        try:
            self.store.queue.add(self.known, changes)
        except UsageError as error:
            assert "refer" in str(error) or "on its way" in str(error)

    def captured(self) -> None:
        here = [each for each in self.records() if each >= 0]
        if here:
            name = self.random.choice(("name", "notes"))
            execute(
                self.url,
                f"UPDATE rally_story SET {name} = 'sql {self.random.randrange(3)}' WHERE id = {self.random.choice(here)}",
            )

    def captured_delete(self) -> None:
        if here := self.records():
            execute(self.url, f"DELETE FROM rally_story WHERE id = {self.random.choice(here)}")

    def take_in(self) -> None:
        found = [self._taken(each) for each in self.store.queue.open("acme", states=[State.CAPTURED])]
        self.store.queue.take_in(self.known, found)

    def _taken(self, each: Change) -> Taken:
        """Return a captured change with what is to take its place, as somebody decides it."""
        state = self.random.choice((State.READY, State.REFUSED))
        if each.action is Action.DELETE:
            made = [act(self.story, each.record_id, Action.DELETE, state=state)]
        else:
            fields = {"name": "Name", "notes": "Notes"}
            made = [edit(self.story, each.record_id, fields[name], value) for name, value in (each.value or {}).items()]
            made = [_with(one, state) for one in made]
        return Taken((each,), made if self.random.random() < 0.8 else [])

    # pushing

    def push(self) -> None:
        """Send what is ready of one record; the answer comes, is lost, or says no."""
        ready = self.store.queue.open("acme", states=[State.READY])
        sendable = [each for each in ready if each.remote is None]
        if not sendable:
            return
        one = self.random.choice(sendable)
        of_record = [each for each in sendable if each.record_id == one.record_id]
        deletion = [each for each in of_record if each.action is Action.DELETE]
        deleting = any(
            each.action is Action.DELETE for each in self.store.queue.open("acme", record=("Story", one.record_id))
        )
        going = deletion or ([] if deleting else of_record)
        in_flight = {
            (each.field, each.item)
            for each in self.store.queue.open("acme", states=[State.SENT, State.UNKNOWN])
            if each.record_id == one.record_id
        }
        going = [each for each in going if (each.field, each.item) not in in_flight]
        if one.record_id < 0 and not any(each.action is Action.CREATE for each in going):
            return
        if not going or any(_refers_to_new(each) for each in going):
            return
        if self.store.queue.mark_sent([each.id for each in going], NOW) is None:
            return
        if self.random.random() < 0.4:
            self.store.queue.put_back([each.id for each in going], State.UNKNOWN, "no answer")

    def settle(self) -> None:
        """Have the tracker do, or not do, what is in flight for one record, read it back, and settle it."""
        flying = self.store.queue.open("acme", states=[State.SENT, State.UNKNOWN])
        if not flying:
            return
        attempt = self.random.choice(flying).attempt
        group = [each for each in flying if each.attempt == attempt]
        record_id = group[0].record_id
        outcome = self.random.choice(("done", "done", "refused", "again"))
        if outcome == "done":
            self._do(group, record_id)
        elif outcome == "refused":
            self.store.queue.put_back([each.id for each in group], State.REFUSED, "no")
        else:
            self.store.queue.put_back([each.id for each in group], State.READY)

    def _do(self, group: list[Change], record_id: int) -> None:
        ids = [each.id for each in group]
        if record_id < 0:
            record_id = self.remote_create()
            self.tracker[record_id].cells.update({"name": None, "notes": None})
        if record_id not in self.tracker:
            if group[0].action is Action.DELETE:
                self.store.queue.settle(self.story, [Settled(each, End.ADOPTED) for each in ids])
                self.pulled.pop(record_id, None)
            else:
                self.store.queue.put_back(ids, State.CONFLICT, "gone", remote={})
            return
        there = self.tracker[record_id]
        for each in group:
            if each.action is Action.UPDATE:
                there.cells.update(each.value or {})
            elif each.action is Action.LINK:
                there.tags = tuple(sorted({*there.tags, int(each.item)}))
            elif each.action is Action.UNLINK:
                there.tags = tuple(sorted({*there.tags} - {int(each.item)}))
        there.revision += 1
        if group[0].action is Action.DELETE:
            del self.tracker[record_id]
            self.store.queue.settle(self.story, [Settled(each, End.DONE) for each in ids])
            self.pulled.pop(record_id, None)
            return
        early = self.random.random() < 0.5
        if group[0].record_id < 0 and early:
            self.store.queue.promote(self.known, self.story, group[0].record_id, record_id)
        self._read_back(record_id)
        if group[0].record_id < 0 and not early:
            self.store.queue.promote(self.known, self.story, group[0].record_id, record_id)
        self.store.queue.settle(self.story, [Settled(each, End.DONE, "", str(there.revision)) for each in ids])

    def _read_back(self, record_id: int) -> None:
        there = self.tracker[record_id]
        links = {"Tags": [(record_id, place, each, f"tag {each}", None) for place, each in enumerate(there.tags)]}
        given = page(self.story, row(self.story, record_id, str(there.revision), **there.cells), links=links)
        self.store.apply(given, now=NOW, force=True)
        self.pulled[record_id] = Remote(there.revision, dict(there.cells), there.tags)

    # people's decisions

    def discard(self) -> None:
        if waiting := self.store.queue.open("acme"):
            try:
                self.store.queue.discard(self.known, [self.random.choice(waiting).id])
            except UsageError as error:
                assert "refer" in str(error) or "on its way" in str(error)

    def resolve(self) -> None:
        stuck = self.store.queue.open("acme", states=[State.CONFLICT, State.REFUSED])
        if stuck:
            one = self.random.choice(stuck)
            takes: list[Any] = ["local", "remote"]
            if one.action is Action.UPDATE and one.field in CHANGES:
                takes.append(self.cells(one.field, self.random.choice(CHANGES[one.field])))
            try:
                self.store.queue.resolve(self.known, one.id, self.random.choice(takes))
            except UsageError as error:
                assert "gone on the tracker" in str(error) or "refer" in str(error)

    # what must hold

    def check(self) -> None:
        waiting = self.store.queue.open("acme")
        names = [each.name for each in self.story.columns]
        rows = {each[0]: each for each in stored(self.store, f"SELECT id, _dirty, {', '.join(names)} FROM rally_story")}
        links: dict[int, list[int]] = {}
        for owner, target in stored(self.store, "SELECT id, target_id FROM rally_story__tags"):
            links.setdefault(owner, []).append(target)
        deleted = {each.record_id for each in waiting if each.action is Action.DELETE}
        created = {each.record_id for each in waiting if each.action is Action.CREATE and each.record_id < 0}
        assert rows.keys() == (self.pulled.keys() - deleted) | (created - deleted)
        for record_id, (_, dirty, *values) in rows.items():
            mine = [each for each in waiting if each.record_id == record_id]
            self.check_row(record_id, mine, dict(zip(names, values, strict=True)))
            touching = [each for each in mine if each.action in (Action.CREATE, Action.UPDATE, Action.LINK, Action.UNLINK)]
            assert bool(dirty) is bool(touching), mine
            self.check_links(record_id, mine, links.get(record_id, []))
        counted = self.store.keys(self.story, KeyRange())
        assert {each for each, _ in counted} == self.pulled.keys() | {each for each in deleted if each >= 0}
        self.check_nothing_vanished(waiting)
        assert all(each >= 0 for some in self.store.suspects("acme").values() for each in some)

    def check_row(self, record_id: int, mine: list[Change], shown: dict[str, Any]) -> None:
        there = self.pulled[record_id].cells if record_id in self.pulled else {}
        wanted = {name: there.get(name) for name in shown}
        for each in mine:
            if each.action is Action.UPDATE:
                wanted |= each.value or {}
        assert _plain(shown) == _plain(wanted), mine
        self.check_bases(record_id, mine, there)

    def check_bases(self, record_id: int, mine: list[Change], there: dict[str, Any]) -> None:
        """The first change of a column knows what the tracker has; the next stands upon it."""
        before: dict[str, Any] = {}
        for each in mine:
            if each.action is not Action.UPDATE:
                continue
            for name, value in (each.base or {}).items():
                if name in before:
                    assert before[name] == value, mine
                elif record_id in self.pulled:
                    known = each.remote[name] if each.remote and name in each.remote else value
                    assert _plain({name: known}) == _plain({name: there.get(name)}), mine
                before[name] = (each.value or {})[name]
        if not any(each.state is State.CAPTURED for each in mine):
            fields = [each.field for each in mine if each.action is Action.UPDATE and each.state in _FREE]
            assert len(fields) == len(set(fields)), mine

    def check_links(self, record_id: int, mine: list[Change], found: list[int]) -> None:
        wanted = set(self.pulled[record_id].tags if record_id in self.pulled else ())
        for each in mine:
            if each.action is Action.LINK:
                wanted.add(int(each.item))
            elif each.action is Action.UNLINK:
                wanted.discard(int(each.item))
        assert sorted(found) == sorted(wanted), mine

    def check_nothing_vanished(self, waiting: list[Change]) -> None:
        """Every change that was sent is open still, or in the log."""
        self.seen |= {each.id for each in waiting if each.is_in_flight}
        ended = {each.change.id for each in self.store.queue.log("acme")}
        assert self.seen <= {each.id for each in waiting} | ended


_FREE = (State.READY, State.REFUSED, State.CONFLICT)


def _owner(target: Target | None) -> dict[str, Any]:
    return {"owner_id": None if target is None else target.id, "owner_name": None if target is None else target.name}


def _with(change: Change, state: State) -> Change:
    return replace(change, state=state, reason="not valid" if state is State.REFUSED else "")


def _refers_to_new(change: Change) -> bool:
    return change.field == "Parent" and ((change.value or {}).get("parent_id") or 0) < 0


def _plain(cells: dict[str, Any]) -> dict[str, Any]:
    """Return cells in one form; the name shown for a parent follows it and is not compared."""
    return {
        name: float(value) if name == "points" and value is not None else value
        for name, value in cells.items()
        if name != "parent_name"
    }


WEIGHTS = {
    "remote_edit": 6,
    "remote_delete": 1,
    "pull": 8,
    "local_edit": 10,
    "local_reference": 2,
    "local_link": 5,
    "local_create": 2,
    "local_delete": 1,
    "captured": 3,
    "captured_delete": 1,
    "take_in": 3,
    "push": 7,
    "settle": 8,
    "discard": 3,
    "resolve": 4,
}


def test_base_and_changes_are_local_after_every_step(seeded_store: tuple[Store, int]) -> None:
    store, seed = seeded_store
    walk = Walk(store, store._url, seed)
    for _ in range(STEPS):
        (step,) = walk.random.choices(list(WEIGHTS), list(WEIGHTS.values()))
        getattr(walk, step)()
        walk.check()
