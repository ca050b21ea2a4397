"""Random edits on both sides, pushes that fail and die, and what must hold whatever happened.

Every text that is written is one nobody else writes, so that wherever it turns up it is known whose edit it is, and an edit
that is nowhere any more has vanished.
"""

from __future__ import annotations

import json
import random
import re
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, ClassVar, Protocol

import psycopg

from mirror.connectors.base import Connector
from mirror.engine.discarding import discard
from mirror.engine.edit import Assignment, Editor, How
from mirror.engine.finding import Found
from mirror.engine.lookup import Lookup
from mirror.engine.push import PushOptions, PushReport, push_source
from mirror.engine.resolving import resolve, waiting
from mirror.engine.showing import place_of, show
from mirror.engine.sync import SyncReport
from mirror.engine.taking_in import take_in
from mirror.engine.validate import demanded
from mirror.errors import MirrorError, UsageError
from mirror.model.cells import canonical, value_of
from mirror.model.change import Action, Change, End, LogEntry, State
from mirror.model.layout import Layout
from mirror.model.schema import Field, Kind
from mirror.model.source import Source
from mirror.model.write import Target
from mirror.simulators.faults import FaultPlan
from mirror.simulators.traffic import Hook, Request
from mirror.store.store import Store
from tests.support import push_process
from tests.support.dying import POINTS, Death, mortal

THERE = (End.DONE, End.ADOPTED, End.ALREADY)
OVER = (State.REFUSED, State.CONFLICT)
LATER_SECONDS = 900
_FAULTS: tuple[dict[str, Any], ...] = (
    {"kind": "reset"},
    {"kind": "reset_after"},
    {"kind": "reset_midway"},
    {"kind": "truncate"},
    {"kind": "html"},
    {"kind": "status", "status": 503},
    {"kind": "status", "status": 502},
    {"kind": "status", "status": 429, "retry_after_seconds": 0},
    {"kind": "status", "status": 401},
    {"kind": "status", "status": 500},
)
_WEIGHTS = {
    "edit_text": 22,
    "edit_any": 10,
    "edit_by_sql": 9,
    "delete_by_sql": 1,
    "create": 5,
    "delete": 2,
    "comment": 4,
    "link": 5,
    "edit_there": 16,
    "create_there": 2,
    "delete_there": 1,
    "sync": 5,
    "push": 12,
    "discard": 3,
    "answer": 3,
}
_LOOKED_AFTER = ("push", "sync", "discard", "answer", "delete_by_sql")
_LOOK_EVERY = 5


class Passing(Protocol):
    """Time that can be made to pass."""

    def advance(self, seconds: float) -> None: ...


class Walked(Protocol):
    """What a walk needs of a tracker; see `Stage`."""

    kind: ClassVar[str]
    busy: ClassVar[str]
    text_field: ClassVar[str]
    title_field: ClassVar[str]
    writes: ClassVar[str]

    @property
    def faults(self) -> FaultPlan: ...

    def on_request(self, hook: Hook) -> Callable[[], None]: ...

    def source(self) -> Source: ...

    def connector(self, source: Source) -> Connector: ...

    def sync(self, store: Store, *, allow_mass_delete: bool = False) -> SyncReport: ...

    def ids(self, type_name: str) -> list[int]: ...

    def texts(self) -> dict[int, str]: ...

    def titles(self) -> list[str]: ...

    def comments(self) -> list[str]: ...

    def edit(self, record_id: int, text: str) -> None: ...

    def create(self, text: str) -> int: ...

    def delete(self, record_id: int) -> None: ...

    def differences(self, store: Store) -> list[str]: ...


@dataclass
class QueueWalk:
    """One walk over one tracker and one database; the same seed does the same, up to the order of threads.

    Attributes:
        done: a line for each step, for the message of a failing test.
        deaths: how often the process died where.
        settle_seconds: as in PushOptions.
        moved: (record, before, after) of every text that changed on the tracker by our writing.
    """

    stage: Walked
    store: Store
    clock: Passing
    seed: int
    settle_seconds: float = LATER_SECONDS / 2
    done: list[str] = field(default_factory=list)
    steps_done: int = 0
    deaths: Counter[str] = field(default_factory=Counter)
    outcomes: Counter[str] = field(default_factory=Counter)
    moved: list[tuple[int, str, str]] = field(default_factory=list)
    created: dict[int, str] = field(default_factory=dict)
    comments: list[str] = field(default_factory=list)
    _number: int = 0
    _tokens: dict[str, str] = field(default_factory=dict)  # token -> what was edited; those that may not vanish
    _texts: dict[int, str] = field(default_factory=dict)
    _intrude: float = 0.0

    def __post_init__(self) -> None:
        self.random = random.Random(self.seed)
        self.stage.sync(self.store)
        self.layouts = self.store.layouts("acme")
        self.layout = self.layouts[self.stage.busy]
        self._texts = self.stage.texts()
        self.stage.on_request(self._watch)

    # the steps

    def steps(self, count: int) -> None:
        """Do `count` random things, and look every few whether all holds."""
        names, weights = list(_WEIGHTS), list(_WEIGHTS.values())
        for _ in range(count):
            name = self.random.choices(names, weights)[0]
            self.done.append(f"{self.steps_done} {name}")
            self.clock.advance(self.random.choice((0.01, 1.5, 40)))
            getattr(self, f"_{name}")()
            self.steps_done += 1
            if self.steps_done % _LOOK_EVERY == 0 or name in _LOOKED_AFTER:
                self.check()

    def _edit_text(self) -> None:
        found = self._any_record()
        self._set(found, self.stage.text_field, self._new_text(found))

    def _edit_any(self) -> None:
        found = self._any_record()
        field = self.random.choice([each for each in self.layout.type.fields if _is_plain(each) and not self._is_own(each)])
        value = self._any_value(field)
        if value is not None:
            self._set(found, field.name, value)

    def _set(self, found: Found, name: str, value: object) -> None:
        self.done[-1] += f" {found.label} {name}={value!r}"
        try:
            changes = self._editor().set(found, [Assignment(name, value)])
        except UsageError as error:
            self.done[-1] += f": {error}"
            return
        self.store.queue.add(self.layouts, changes)
        if isinstance(value, str) and name == self.stage.text_field:
            self._remember(value, found)

    def _edit_by_sql(self) -> None:
        found, text = self._any_record(), f"L{self._next()}"
        column = next(each.name for each in self.layout.columns if each.field == self.stage.text_field)
        self._foreign(f"UPDATE {self.layout.table} SET {column} = '{text}' WHERE source = 'acme' AND id = {found.record_id}")
        self.done[-1] += f" {found.label} {text}"
        self._remember(text, found)

    def _delete_by_sql(self) -> None:
        found = self._any_record(temporary=False)
        self.done[-1] += f" {found.label}"
        self._foreign(f"DELETE FROM {self.layout.table} WHERE source = 'acme' AND id = {found.record_id}")

    def _create(self) -> None:
        title, record_id = f"N{self._next()}", self.store.queue.new_id("acme")
        wanted = [Assignment(self.stage.title_field, title), Assignment(self.stage.text_field, f"L{self._next()}")]
        for each in demanded(self.layout):
            if each.name not in (self.stage.title_field, self.stage.text_field):
                wanted.append(Assignment(each.name, self._any_value(each)))
        self.store.queue.add(self.layouts, self._editor().new(self.layout, record_id, wanted))
        self.created[record_id] = title
        self.done[-1] += f" {record_id} {title}"

    def _delete(self) -> None:
        found = self._any_record()
        self.done[-1] += f" {found.label}"
        with suppress(UsageError):
            self.store.queue.add(self.layouts, self._editor().delete(found))

    def _comment(self) -> None:
        found, text = self._any_record(), f"C{self._next()}"
        try:
            changes = self._editor().comment(found, text, "comment")
        except UsageError:
            return
        self.store.queue.add(self.layouts, changes)
        self.comments.append(text)
        self.done[-1] += f" {found.label} {text}"

    def _link(self) -> None:
        fields = [each for each in self.layout.type.fields if each.kind is Kind.LINKS and not each.read_only]
        found = self._any_record()
        field, how = self.random.choice(fields), self.random.choice((How.ADD, How.REMOVE))
        value = self._any_target(field)
        if value is None:
            return
        self.done[-1] += f" {found.label} {field.name}{how}{value.type_name}:{value.id}"
        with suppress(UsageError):
            self.store.queue.add(self.layouts, self._editor().set(found, [Assignment(field.name, value, how)]))

    def _edit_there(self) -> None:
        record_id = self.random.choice(self.stage.ids(self.stage.busy))
        text = f"R{self._next()}"
        if self.random.random() < 0.2:
            text = f"{self.stage.texts().get(record_id, '')}\nR{self._next()}"
        self.done[-1] += f" {record_id} {text!r}"
        self._there(lambda: self.stage.edit(record_id, text))

    def _create_there(self) -> None:
        self._there(lambda: self.stage.create(f"R{self._next()}"))

    def _delete_there(self) -> None:
        record_id = self.random.choice(self.stage.ids(self.stage.busy))
        self.done[-1] += f" {record_id}"
        self._there(lambda: self.stage.delete(record_id))

    def _sync(self) -> None:
        with self._spoiled(0.1, writes=False):
            self.stage.sync(self.store, allow_mass_delete=True)

    def _push(self) -> None:
        with self._spoiled(0.4, writes=True):
            self._intrude = self.random.choice((0.0, 0.0, 0.3))
            death = Death(self.random.choice(POINTS), self.random.randint(1, 12), self.deaths)
            if self.random.random() < 0.7:
                death.number = 10**9
            is_real = death.number < 10**9 and "commit" in death.point and self.random.random() < 0.5
            self.done[-1] += f" {death.point} {death.number}{' kill -9' if is_real else ''}"
            self._kill(death) if is_real else self.push(death)
            self._intrude = 0.0

    def _kill(self, death: Death) -> None:
        """Push in a process of its own, which kills itself at a commit."""
        when = {"kill_before" if death.point == "before commit" else "kill_after": death.number}
        ended = push_process.run(self.stage.source(), self.store._url, settle_seconds=self.settle_seconds, **when)
        assert ended.is_killed or ended.exit_code != UsageError.exit_code, self._told(
            "the database is still held by a dead process"
        )
        self.deaths[f"by kill -9 {death.point}"] += ended.is_killed

    def push(self, death: Death | None = None) -> PushReport | None:
        """Push, perhaps to the death; return the report of one who lived."""
        source = self.stage.source()
        connector = self.stage.connector(source)
        options = PushOptions(settle_seconds=self.settle_seconds, yes=True)
        with mortal(self.store, connector, death or Death("never", 1, self.deaths)):
            return push_source(
                source,
                lambda _source: connector,
                self.store,
                options,
                clock=lambda: datetime.now(UTC),
                emit=lambda _event: None,
                sleep=self.clock.advance,
            )
        return None

    def _discard(self) -> None:
        shown = show(self.store, self.layouts, self.store.queue.open("acme"))
        if shown:
            chosen = self.random.choice(shown)
            self.done[-1] += f" {chosen.label} {chosen.change.field or chosen.change.action}"
            with suppress(UsageError):
                discard(self.store, self.layouts, [chosen])

    def _answer(self) -> None:
        take_in(self.store, self.layouts, "acme")
        shown = show(self.store, self.layouts, self.store.queue.open("acme", states=[*OVER, State.UNKNOWN]))
        if shown:
            chosen = self.random.choice(shown)
            answer = self.random.choice(("local", "remote"))
            self.done[-1] += f" {chosen.label} {chosen.change.field or chosen.change.action} {answer}"
            with suppress(UsageError):
                resolve(self.store, self.layouts, [chosen], answer)

    # rest

    def rest(self) -> None:
        """Let everything come to rest: no faults, time enough, and a person who answers what waits for one."""
        self.stage.faults.clear()
        self.done.append("rest")
        for _ in range(3):
            self.clock.advance(LATER_SECONDS)
            self.stage.sync(self.store, allow_mass_delete=True)
            self.push()
        self._answer_unknown()
        self.push()
        self.check()
        left = [each for each in self.store.queue.open("acme") if each.state not in OVER and not self._hangs(each)]
        assert left == [], self._told(f"not at rest: {left}")
        self.check_tracker()

    def drain(self) -> None:
        """Discard whatever waits for a person; then the mirror must be equal to the tracker."""
        take_in(self.store, self.layouts, "acme")
        for _ in range(3):
            for each in reversed(show(self.store, self.layouts, self.store.queue.open("acme"))):
                with suppress(UsageError):
                    discard(self.store, self.layouts, [each])
        assert self.store.queue.open("acme") == [], self._told("not drained")
        self.stage.sync(self.store, allow_mass_delete=True)
        self.stage.sync(self.store, allow_mass_delete=True)
        self.check()
        found = self.stage.differences(self.store)
        assert found == [], self._told("\n".join(found[:20]))

    def _answer_unknown(self) -> None:
        for _ in range(20):
            shown = show(self.store, self.layouts, self.store.queue.open("acme", states=[State.UNKNOWN]))
            if not shown:
                return
            same = [each for each in shown if place_of(each.change) == place_of(shown[0].change)]
            is_asked = shown[0].change.action in (Action.RANK, Action.OPERATE)
            with suppress(UsageError):
                resolve(self.store, self.layouts, waiting(same), "again" if is_asked else "none")

    def _hangs(self, change: Change) -> bool:
        """Whether a change waits for another one of its record, or for a creation, that waits for a person."""
        return bool(change.reason) or any(
            each.state in OVER for each in self.store.queue.open("acme", record=(change.type_name, change.record_id))
        )

    # what must hold

    def check(self) -> None:
        """Look at what must hold after every step."""
        changes, entries = self.store.queue.open("acme"), self.store.queue.log("acme")
        self._check_rows(changes)
        self._check_nothing_vanished(changes, entries)
        self._check_nothing_lost_there(changes, entries)

    def _check_rows(self, changes: list[Change]) -> None:
        """base + open changes = local, and `_dirty` tells where."""
        rows = self._rows(self.layout)
        kinds = {each.name: each.kind for each in self.layout.columns}
        dirty: set[int] = set()
        deleted: set[int] = set()
        last: dict[tuple[int, str], Any] = {}
        for each in changes:
            if each.type_name != self.stage.busy:
                continue
            if each.action in (Action.UPDATE, Action.LINK, Action.UNLINK, Action.CREATE):
                dirty.add(each.record_id)
            if each.action is Action.DELETE:
                deleted.add(each.record_id)
            if each.action is Action.UPDATE and each.value is not None:
                last.update({(each.record_id, name): value for name, value in each.value.items() if name in kinds})
        assert not deleted & rows.keys(), self._told(f"deleted here, and there is a row: {deleted & rows.keys()}")
        shown = {key for key, row in rows.items() if row["_dirty"]}
        assert shown == dirty & rows.keys(), self._told(f"dirty: {shown ^ (dirty & rows.keys())}")
        for (record_id, name), value in last.items():
            if record_id in rows and not name.endswith("_name"):
                here, wanted = (canonical(kinds[name], each) for each in (rows[record_id][name], value))
                assert here == wanted, self._told(f"{record_id}.{name}: row {here!r}, change {wanted!r}")

    def _check_nothing_vanished(self, changes: list[Change], entries: list[LogEntry]) -> None:
        """Every edit is in the queue, or in the log, or was taken back or replaced by the user."""
        known = [json.dumps(each.value) for each in changes if each.value]
        known += [json.dumps(each.change.value) for each in entries if each.change.value]
        text = "\n".join(known)
        present = set(re.findall(r"[LC]\d+", text))
        for token, where in list(self._tokens.items()):
            assert token in present, self._told(f"{token} of {where} has vanished")

    def _check_nothing_lost_there(self, changes: list[Change], entries: list[LogEntry]) -> None:
        """Whatever our writing replaced on the tracker was known before, or is told as a conflict once that is settled."""
        self._look()
        if not self.moved:
            return
        known: list[str] = []
        for each in [*changes, *(entry.change for entry in entries)]:
            known += [json.dumps(each.base), json.dumps(each.remote), json.dumps(each.reason)]
        known += [json.dumps(entry.words) for entry in entries]
        told = "\n".join(known)
        in_flight = {each.record_id for each in changes if each.is_in_flight}
        settled = [each for each in self.moved if each[0] not in in_flight]
        self.moved = [each for each in self.moved if each[0] in in_flight]
        for record_id, before, after in settled:
            for token in set(re.findall(r"[LR]\d+", before)) - set(re.findall(r"[LR]\d+", after)):
                is_told = re.search(rf"{token}\b", told)
                assert is_told, self._told(f"{record_id}: {before!r} was replaced by {after!r} unseen")

    def check_tracker(self) -> None:
        """Every creation and every comment exists as often as the log says: once or not at all."""
        entries, changes = self.store.queue.log("acme"), self.store.queue.open("acme")
        titles = Counter(self.stage.titles())
        made = {each.temporary_id for each in entries if each.end in THERE and each.change.action is Action.CREATE}
        untitled = [each for each in entries if each.change.field == self.stage.title_field and each.end not in THERE]
        renamed = {each.temporary_id or each.change.record_id for each in untitled}
        ids = {each.temporary_id: each.change.record_id for each in entries if each.temporary_id is not None}
        alive = set(self.stage.ids(self.stage.busy))
        for record_id, title in self.created.items():
            if record_id in renamed:
                continue
            expected = 1 if record_id in made and ids[record_id] in alive else 0
            assert titles[title] <= 1, self._told(f"{title} was created {titles[title]} times")
            assert titles[title] == expected, self._told(f"{title}: there {titles[title]}, the log says {expected}")
        told = Counter(re.findall(r"C\d+", "\n".join(self.stage.comments())))
        done = {each.change.value["text"] for each in entries if each.end in THERE and _is_comment(each.change)}
        waits = {each.value["text"] for each in changes if _is_comment(each) and each.value}
        for text in self.comments:
            assert told[text] <= 1, self._told(f"{text} is there {told[text]} times")
            if text not in waits:
                assert told[text] == (text in done) or text in done, self._told(f"{text}: there {told[text]}")

    # helpers

    def _told(self, what: str) -> str:
        return f"seed {self.seed}, step {self.steps_done}: {what}\n" + "\n".join(self.done[-25:])

    def _remember(self, text: str, found: Found) -> None:
        """From now on this edit may not vanish; an older one of the same field may."""
        where = f"{found.record_id}"
        self._tokens = {token: place for token, place in self._tokens.items() if place != where}
        if found.record_id > 0:
            self._tokens[re.findall(r"L\d+", text)[-1]] = where

    def _next(self) -> int:
        self._number += 1
        return self._number

    def _new_text(self, found: Found) -> str:
        if self.random.random() < 0.25:
            column = next(each.name for each in self.layout.columns if each.field == self.stage.text_field)
            before = self._rows(self.layout)[found.record_id][column] or ""
            return f"L{self._next()}\n{before}"
        return f"L{self._next()}"

    def _rows(self, layout: Layout) -> dict[int, dict[str, Any]]:
        """Return the rows of a type by id; the catalog is not read anew for it."""
        with self.store.read(f"SELECT * FROM {layout.table} WHERE source = 'acme'") as result:
            listed = [dict(zip(result.columns, row, strict=True)) for row in result.rows]
        return {row["id"]: row for row in listed}

    def _editor(self) -> Editor:
        return Editor(Lookup(self.store.finder, self.layouts))

    def _any_record(self, *, temporary: bool = True) -> Found:
        ids = sorted(each for each in self._rows(self.layout) if temporary or each > 0)
        dirty = sorted({each.record_id for each in self.store.queue.open("acme")} & set(ids))
        record_id = self.random.choice(dirty if dirty and self.random.random() < 0.4 else ids)
        return Found(self.layout, record_id, str(record_id))

    def _is_own(self, field: Field) -> bool:
        return field.name in (self.stage.text_field, self.stage.title_field)

    def _any_value(self, field: Field) -> object:
        """Return a value that some record has: it may still be refused."""
        if field.allowed_values:
            return self.random.choice(field.allowed_values)
        rows = self._rows(self.layout)
        found = [value_of(self.layout, field.name, row) for key, row in sorted(rows.items()) if key > 0]
        known = [each for each in found if each is not None and each != ""]
        return self.random.choice(known) if known else None

    def _any_target(self, field: Field) -> Target | None:
        for name in self.random.sample(field.targets, len(field.targets)):
            if name in self.layouts:
                ids = sorted(each for each in self._rows(self.layouts[name]) if each > 0)
                if ids:
                    return Target(name, self.random.choice(ids))
        return None

    def _there(self, deed: Callable[[], object]) -> None:
        """Do something on the tracker as somebody else."""
        self._look()
        with suppress(AssertionError, MirrorError):
            deed()
        self._texts = self.stage.texts()

    def _look(self) -> None:
        """Note what our own writing has changed on the tracker since the last look."""
        before, now = self._texts, self.stage.texts()
        self.moved += [(key, before[key], now[key]) for key in now.keys() & before.keys() if before[key] != now[key]]
        self._texts = now

    def _watch(self, request: Request) -> None:
        """Before each write is answered: look, and perhaps get in between."""
        if request.method == "GET" or not re.search(self.stage.writes, request.path):
            return
        self._look()
        if self._intrude and self.random.random() < self._intrude:
            ids = {each.record_id for each in self.store.queue.open("acme", states=[State.SENT])}
            victims = sorted(ids & set(self.stage.ids(self.stage.busy)))
            if victims:
                record_id = self.random.choice(victims)
                self.done[-1] += f" intruder at {record_id}"
                self._there(lambda: self.stage.edit(record_id, f"R{self._next()}"))

    @contextmanager
    def _spoiled(self, probability: float, *, writes: bool) -> Iterator[None]:
        if self.random.random() < probability:
            fault = dict(self.random.choice(_FAULTS))
            where = {"method": "POST|PUT|DELETE", "path": self.stage.writes} if writes else {}
            self.stage.faults.add(**fault, **where, after=self.random.randint(0, 4), times=self.random.choice((1, 1, 3)))
            self.done[-1] += f" {fault}"
        yield
        self.stage.faults.clear()

    def _foreign(self, statement: str) -> None:
        """Run SQL as a client that knows nothing of mirror."""
        if self.store._url.startswith("sqlite"):
            with closing(sqlite3.connect(self.store._url.removeprefix("sqlite:///"))) as client, client:
                client.execute(statement)
            return
        with psycopg.connect(self.store._url.replace("+psycopg", "")) as client:
            client.execute(statement)  # type: ignore[call-overload]


def _is_plain(field: Field) -> bool:
    return not field.read_only and not field.create_only and field.kind not in (Kind.LINKS, Kind.VALUES, Kind.JSON)


def _is_comment(change: Change) -> bool:
    return change.action is Action.COMMENT
