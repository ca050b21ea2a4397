"""Edits and pushes for tests: what people do to a mirror, against a stage."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from shutil import copyfile
from typing import Any

from mirror.engine.edit import Assignment, Editor, How, Upload
from mirror.engine.finding import Found
from mirror.engine.lookup import Lookup
from mirror.engine.push import PushOptions, PushReport, push_source
from mirror.engine.validate import demanded
from mirror.model.cells import value_of
from mirror.model.change import Change, State
from mirror.model.event import Event
from mirror.model.layout import Layout
from mirror.model.source import Source
from mirror.model.write import Place
from mirror.simulators.clock import ManualClock
from mirror.store.store import Store
from tests.support.stage import Stage
from tests.support.stages.rally import TheStage

RECORDS = 120
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


@dataclass
class Desk:
    """Somebody who edits the mirror of a stage and pushes.

    Attributes:
        slept: how long each wait of a push was; none of them is waited for.
    """

    stage: Stage
    store: Store
    slept: list[float] = field(default_factory=list)

    @property
    def layouts(self) -> dict[str, Layout]:
        """The layouts of the source."""
        return self.store.layouts("acme")

    @property
    def _editor(self) -> Editor:
        return Editor(Lookup(self.store.finder, self.layouts))

    def _found(self, type_name: str, record_id: int) -> Found:
        return Found(self.layouts[type_name], record_id, f"{type_name}/{record_id}")

    def _add(self, changes: list[Change]) -> list[Change]:
        return self.store.queue.add(self.layouts, changes)

    def set(self, record_id: int, type_name: str = "", **values: object) -> list[Change]:
        """Give fields of a record, of the busy type unless another is named, other values."""
        wanted = [Assignment(name, value) for name, value in values.items()]
        return self._add(self._editor.set(self._found(type_name or self.stage.busy, record_id), wanted))

    def write(self, record_id: int, text: str) -> list[Change]:
        """Give the text field of a record of the busy type another value."""
        return self.set(record_id, **{self.stage.text_field: text})

    def link(self, record_id: int, field_name: str, item: object, *, type_name: str = "", add: bool = True) -> list[Change]:
        """Put an item into a many-valued field, or take it out."""
        how = How.ADD if add else How.REMOVE
        found = self._found(type_name or self.stage.busy, record_id)
        return self._add(self._editor.set(found, [Assignment(field_name, item, how)]))

    def new(self, type_name: str = "", **values: object) -> int:
        """Create a record; return its temporary id."""
        layout = self.layouts[type_name or self.stage.busy]
        record_id = self.store.queue.new_id("acme")
        wanted = [Assignment(name, value) for name, value in values.items()]
        self._add(self._editor.new(layout, record_id, wanted))
        return record_id

    def create(self, title: str) -> int:
        """Create a record of the busy type, with whatever it cannot be without taken from another one."""
        stage = self.stage
        layout = self.layouts[stage.busy]
        row = self.store.finder.row(layout, stage.ids(stage.busy)[0]) or {}
        needed: dict[str, Any] = {each.name: value_of(layout, each.name, row) for each in demanded(layout)}
        return self.new(**(needed | {stage.title_field: title}))

    def comment(self, record_id: int, text: str, type_name: str = "") -> list[Change]:
        """Comment on a record."""
        return self._add(self._editor.comment(self._found(type_name or self.stage.busy, record_id), text))

    def attach(self, record_id: int, name: str, content: bytes, type_name: str = "") -> list[Change]:
        """Attach a file to a record."""
        upload = Upload(name, "text/plain", self.store.queue.put_blob(content), len(content))
        return self._add(self._editor.attach(self._found(type_name or self.stage.busy, record_id), upload))

    def delete(self, record_id: int, type_name: str = "") -> list[Change]:
        """Delete a record."""
        return self._add(self._editor.delete(self._found(type_name or self.stage.busy, record_id)))

    def rank(self, record_id: int, place: Place, other: int | None = None, type_name: str = "") -> list[Change]:
        """Move a record in its list."""
        name = type_name or self.stage.busy
        near = None if other is None else self._found(name, other)
        return self._add(self._editor.rank(self._found(name, record_id), place, near))

    def open(self, *states: State) -> list[Change]:
        """Return what is in the queue."""
        return self.store.queue.open("acme", states=states or None)

    def real_id(self, temporary_id: int) -> int:
        """Return the id that the tracker gave to a record which was created here."""
        found = self.store.queue.real_id("acme", temporary_id)
        assert found is not None
        return found[1]

    def push(
        self,
        *,
        source: Source | None = None,
        events: list[Event] | None = None,
        emit: Callable[[Event], None] | None = None,
        sleep: Callable[[float], None] | None = None,
        **options: Any,
    ) -> PushReport:
        """Push once, as a new process would: with a new connector.

        Args:
            sleep: what to do in place of waiting; None only notes it.
        """
        told: Callable[[Event], None] = emit or (events.append if events is not None else lambda _event: None)
        return push_source(
            source or self.stage.source(),
            self.stage.connector,
            self.store,
            PushOptions(**options),
            clock=lambda: datetime.now(UTC),
            emit=told,
            sleep=sleep or self.slept.append,
        )

    def written(self) -> list[str]:
        """Return the requests that wrote, in order."""
        return [f"{each.method} {each.path}" for each in self.stage.requests if each.method in ("POST", "PUT", "DELETE")]


@dataclass
class RallyDesk(Desk):
    """A desk on a simulated Rally.

    Attributes:
        clock: the tracker's time.
    """

    stage: TheStage
    clock: ManualClock = field(default_factory=lambda: ManualClock(NOON))


@contextmanager
def rally_desk(folder: Path, loaded: Path) -> Iterator[RallyDesk]:
    """Open a desk on a simulated Rally, an hour after it was loaded.

    Args:
        loaded: a file that `load_rally` made; it is copied into the folder.
    """
    copyfile(loaded, folder / "mirror.db")
    clock = ManualClock(NOON, step_seconds=0.01)
    with _rally(clock) as stage, Store.open(f"sqlite:///{folder / 'mirror.db'}") as store:
        clock.advance(3600)
        yield RallyDesk(stage, store, clock=clock)


def load_rally(path: Path) -> None:
    """Fill a SQLite file with a few types of a simulated Rally. Equal seeds give equal data at equal times."""
    with _rally(ManualClock(NOON, step_seconds=0.01)) as stage, Store.open(f"sqlite:///{path}") as store:
        assert stage.sync(store).exit_code == 0


@contextmanager
def _rally(clock: ManualClock) -> Iterator[TheStage]:
    with TheStage(records=RECORDS, seed=1, clock=clock) as stage:
        stage.allowed = stage.few
        yield stage


def outcomes(report: PushReport) -> list[str]:
    """Return the outcome of each change, in the order they were made."""
    return [each.outcome for each in report.changes]
