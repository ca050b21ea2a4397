"""What every step of one push needs: the run, the options, and what has been tried and decided so far."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from mirror.connectors.base import Window
from mirror.engine.plan import Plan, make_plan
from mirror.engine.referring import Record, all_targets, label_of, record_of
from mirror.engine.resolving import apply_policies
from mirror.engine.run import Run
from mirror.errors import AuthError, ProtocolError, RemoteError
from mirror.model.change import Cells, Change, End, State
from mirror.model.event import Pushed
from mirror.model.layout import Layout
from mirror.model.page import KeyRange
from mirror.store.queue import Queue, Settled

SETTLE_SECONDS = 360.0
"""How long after it was sent a creation that cannot be found may still arrive: a server works on a request for up to five
minutes (rally.md §6), and its clock is only known to the second."""

SLACK = timedelta(seconds=2)
"""How far a stamp of the tracker may lie before the answer that told its clock; servers behind one address differ a bit."""

TRIES = 3
"""How often one change is sent in one push, when each time the tracker surely did nothing with it.

One on which it failed every time, with status 500, is then refused."""


@dataclass(frozen=True, slots=True)
class PushOptions:
    """What one push is asked to do.

    Attributes:
        records: type name and id of the records to push, with what they cannot do without; None for all.
        dry_run: make the plan, with a look at the tracker, and write nothing to it.
        yes: push more changes than the settings' `push_cap`.
        settle_seconds: as SETTLE_SECONDS.
    """

    records: frozenset[Record] | None = None
    dry_run: bool = False
    yes: bool = False
    settle_seconds: float = SETTLE_SECONDS


@dataclass(frozen=True, slots=True)
class Ended:
    """How changes of one record that were sent ended; the rest as in Settled."""

    changes: Sequence[Change]
    end: End
    words: str = ""
    revision: str | None = None


@dataclass(slots=True)
class Pushing:
    """The state of one push of one source.

    Attributes:
        wanted: the records that may be written; None for all.
        labels: what people call records, as far as it was looked up.
        written: the records that this push has written to.
        touched: the records that were referred to before, or are now, by what this push has written.
        tries: how often a change was sent, or could not even be read, by id.
        lost: ids of changes that were sent by this push and not answered.
        failures: what the tracker said when it failed on a change, by id.
        apart: ids of field changes that are sent each alone, because together they were refused.
        wait_seconds: how long the tracker asks to wait before anything else is sent.
        paused: why nothing more is sent; "" while it goes on.
        interrupted: the user wants it to end.
    """

    run: Run
    options: PushOptions
    pool: ThreadPoolExecutor
    sleep: Callable[[float], None]
    wanted: set[Record] | None = None
    labels: dict[Record, str] = field(default_factory=dict)
    written: set[Record] = field(default_factory=set)
    touched: set[Record] = field(default_factory=set)
    tries: Counter[int] = field(default_factory=Counter)
    lost: set[int] = field(default_factory=set)
    failures: dict[int, str] = field(default_factory=dict)
    apart: set[int] = field(default_factory=set)
    wait_seconds: float = 0.0
    paused: str = ""
    interrupted: bool = False

    @property
    def queue(self) -> Queue:
        """The commit queue."""
        return self.run.store.queue

    @property
    def source(self) -> str:
        """The name of the source."""
        return self.run.source.name

    @property
    def is_over(self) -> bool:
        """Whether nothing more may be sent."""
        return bool(self.paused) or self.interrupted

    def layout(self, change: Change) -> Layout:
        """Return the layout of the type that a change is about."""
        return self.run.layouts[change.type_name]

    def may_write(self, record: Record) -> bool:
        """Return whether this push is about the record."""
        return self.wanted is None or record in self.wanted

    def open(self, states: Collection[State] | None = None) -> list[Change]:
        """Return what is in the queue now."""
        return self.queue.open(self.source, states=states)

    def plan(self) -> Plan:
        """Return the plan for what is in the queue now, of all records."""
        return make_plan(self.run.layouts, self.open(), protect=self.run.source.protect, apart=self.apart)

    def apply_policies(self) -> None:
        """Have the settings decide conflicts."""
        apply_policies(self.run.store, self.run.layouts, self.source, self.run.source.conflicts)

    def pause(self, error: RemoteError) -> None:
        """Send nothing more; everything that was not sent keeps waiting."""
        advice = (
            "check the secret with: mirror check" if isinstance(error, AuthError) else "push again when it can be reached"
        )
        self.paused = self.paused or f"{error}; {advice}"

    def tracker_time(self) -> datetime:
        """Return the tracker's clock as it was a moment ago; the tracker is asked if nothing was heard of it yet.

        Raises:
            RemoteError: it does not answer.
        """
        transport = self.run.connector.transport
        if transport.heard_at is None:
            layout = next(iter(self.run.layouts.values()))
            list(self.run.connector.census([Window(layout.type, KeyRange(), count_only=True)]))
        if transport.heard_at is None:
            raise ProtocolError("the tracker does not tell the time")
        return transport.heard_at

    # how changes end

    def settle(self, changes: Sequence[Change], end: End, words: str = "", revision: str | None = None) -> None:
        """Take changes of one record out of the queue."""
        self.settle_all([Ended(changes, end, words, revision)])

    def settle_all(self, ended: Sequence[Ended]) -> None:
        """Take changes of several records out of the queue, those of one type at once."""
        by_type: dict[str, list[Ended]] = {}
        for each in ended:
            if each.changes:
                by_type.setdefault(each.changes[0].type_name, []).append(each)
        for name, alike in by_type.items():
            endings = [Settled(one.id, each.end, each.words, each.revision) for each in alike for one in each.changes]
            self.queue.settle(self.run.layouts[name], endings)
            for each in alike:
                self._note_traces(each.changes)
                self.tell(each.changes, each.end.value, each.words)

    def _note_traces(self, changes: Sequence[Change]) -> None:
        for each in changes:
            self.written.add(record_of(each))
            self.touched |= {(one.type_name, one.id) for one in all_targets(self.layout(each), each)}

    def stay_unknown(self, changes: Sequence[Change], reason: str) -> None:
        """Leave it open whether changes arrived; nothing is logged when that is no news."""
        news = [each for each in changes if (each.state, each.reason) != (State.UNKNOWN, reason)]
        if news:
            self.queue.put_back([each.id for each in news], State.UNKNOWN, reason, lost_at=self.tracker_time())
            self.tell(news, State.UNKNOWN.value, reason)

    def put_back(self, changes: Sequence[Change], state: State, reason: str, remote: Cells | None = None) -> None:
        """Give changes that were sent another state."""
        if changes:
            self.queue.put_back([each.id for each in changes], state, reason, remote)
            self.tell(changes, state.value, reason)

    def tell(self, changes: Sequence[Change], outcome: str, words: str) -> None:
        """Tell whoever draws progress."""
        for each in changes:
            self.run.emit(Pushed(self.source, self.label(record_of(each)), each, outcome, words))

    def give_up(self, changes: Sequence[Change], reason: str) -> None:
        """Leave changes as they are for this push."""
        for each in changes:
            self.tries[each.id] = TRIES
        ready = [each.id for each in changes if each.state is State.READY]
        if ready:
            self.queue.put_back(ready, State.READY, reason)

    def promoted(self, old: Record, new: Record) -> None:
        """Go on with a record under the id that the tracker gave it."""
        self.labels[new] = self.label(old)
        if self.wanted is not None and old in self.wanted:
            self.wanted.add(new)

    def label(self, record: Record) -> str:
        """Return what people call a record."""
        return self.labels.get(record) or label_of(*record)

    def is_exhausted(self, changes: Sequence[Change]) -> bool:
        """Return whether one of these has been tried often enough."""
        return any(self.tries[each.id] >= TRIES for each in changes)


def records_of(changes: Sequence[Change]) -> set[Record]:
    """Return the records that changes are about."""
    return {record_of(each) for each in changes}
