"""One push of one source: what waits is planned, sent in waves, and settled; and what it reports.

A wave is what may be sent at the same time: nothing in it waits for anything else. After each the plan is made anew from the
queue, so a push that is broken off at any moment is continued by the next one.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime

from mirror.connectors.base import Connector
from mirror.engine.outcomes import PushedChange, outcomes
from mirror.engine.plan import limited
from mirror.engine.pushing import Pushing, PushOptions, records_of
from mirror.engine.referring import record_of
from mirror.engine.rehearsing import PlannedStep, Rehearsal, rehearse
from mirror.engine.run import Run
from mirror.engine.settling import settle_unknown
from mirror.engine.showing import show
from mirror.engine.sync import keep_learned, learned_before, same_place
from mirror.engine.taking_in import take_in
from mirror.engine.traces import read_touched
from mirror.engine.waves import run_wave, steps_of_wave
from mirror.errors import ConflictError, RemoteError, SafetyError
from mirror.model.change import Action, End, State
from mirror.model.event import Event, PushEnded, PushStarted, Waiting
from mirror.model.source import Source
from mirror.store.store import Store

__all__ = ["PlannedStep", "PushOptions", "PushReport", "PushedChange", "push_source"]


@dataclass(frozen=True, slots=True)
class PushReport:
    """What one push of one source did.

    Attributes:
        plan: of a dry run what would be done; else empty.
        changes: every change that this push was about, in the order they were made, with its outcome.
        paused: why it ended before all was sent; "" when it did not.
        notes: of a dry run what a reader of the plan must know.
        is_over_cap: of a dry run that a push refuses so many changes without being told yes.
    """

    source: str
    plan: tuple[PlannedStep, ...] = ()
    changes: tuple[PushedChange, ...] = ()
    requests: int = 0
    seconds: float = 0.0
    paused: str = ""
    notes: tuple[str, ...] = ()
    is_dry: bool = False
    is_over_cap: bool = False

    @property
    def exit_code(self) -> int:
        """The command's exit code: 3 if anything was refused, is unknown or not sent, 4 if only conflicts wait, else 0.

        Of a dry run that of the push as far as it can be foreseen: also 6 for more changes than the cap.
        """
        if self.is_over_cap:
            return SafetyError.exit_code
        left = [each.outcome for each in self.changes if each.outcome in tuple(State) and not self._is_to_be_sent(each)]
        if self.paused or any(each != State.CONFLICT for each in left):
            return RemoteError.exit_code
        return ConflictError.exit_code if left else 0

    def _is_to_be_sent(self, change: PushedChange) -> bool:
        return self.is_dry and change.outcome == State.READY and not change.words


def push_source(
    source: Source,
    connect: Callable[[Source], Connector],
    store: Store,
    options: PushOptions,
    *,
    clock: Callable[[], datetime],
    emit: Callable[[Event], None],
    sleep: Callable[[float], None] = time.sleep,
) -> PushReport:
    """Write to the tracker what was changed here. The caller holds the database's lease.

    When nothing waits, nothing is asked of the tracker.

    Args:
        connect: makes the connector.
        clock: our own time, UTC, aware; only for bookkeeping.

    Raises:
        SafetyError: more changes wait than one push makes without being asked again; nothing was sent.
        StoreError: the database failed.
        KeyboardInterrupt: after what was in flight has been settled.
    """
    began = time.monotonic()
    layouts = store.layouts(source.name)
    take_in(store, layouts, source.name, source.protect)
    connector = connect(source)
    with ThreadPoolExecutor(source.concurrency, thread_name_prefix="push") as pool:
        run = Run(source, connector, store, clock, emit, layouts=layouts)
        push = Pushing(run, options, pool, sleep)
        if not options.dry_run:
            _revive(push)
            push.apply_policies()
        if options.records is not None:
            push.wanted = records_of(limited(layouts, push.open(), options.records))
        before = [each for each in push.open() if push.may_write(record_of(each))]
        shown = show(store, layouts, before)
        push.labels |= {record_of(each.change): each.label for each in shown}
        run.connector.transport.on_wait = lambda seconds, reason: emit(Waiting(source.name, seconds, reason))
        run.connector.learned.update(learned_before(store, source.name))
        dry = rehearse(push, shown) if options.dry_run else Rehearsal()
        if not options.dry_run and _has_work(push):
            _work(push)
        changes = dry.changes if options.dry_run else outcomes(push, shown)
    seconds, requests = time.monotonic() - began, connector.transport.requests_made
    emit(PushEnded(source.name, requests, seconds, push.paused))
    if push.interrupted:
        raise KeyboardInterrupt
    return PushReport(
        source.name,
        plan=dry.plan,
        changes=changes,
        requests=requests,
        seconds=seconds,
        paused=push.paused or dry.unreached,
        notes=dry.notes,
        is_dry=options.dry_run,
        is_over_cap=dry.is_over_cap,
    )


def _has_work(push: Pushing) -> bool:
    """Return whether the tracker has to be asked anything."""
    if push.open([State.SENT, State.UNKNOWN]):
        return True
    return any(push.may_write(each.record) for each in push.plan().steps)


def _work(push: Pushing) -> None:
    """Push until nothing more can be sent, and say of what is left why it waits."""
    try:
        same_place(push.run)
        _push(push)
    except RemoteError as error:
        push.pause(error)
    _explain(push)
    keep_learned(push.run)


def _push(push: Pushing) -> None:
    settle_unknown(push)
    count = _count(push)
    if count > push.run.source.push_cap and not push.options.yes:
        raise SafetyError(
            f"{push.source}: {count} changes wait, and one push makes at most {push.run.source.push_cap} "
            "(push_cap in mirror.toml); look at them with mirror push --dry-run, then push with --yes"
        )
    push.run.emit(PushStarted(push.source, count))
    while not push.is_over and (steps := steps_of_wave(push)):
        run_wave(push, steps)
    if not push.is_over:
        read_touched(push)


def _count(push: Pushing) -> int:
    return sum(len(each.changes) for each in push.plan().steps if push.may_write(each.record))


def _revive(push: Pushing) -> None:
    """Have creations that were refused tried again when something of the record was edited since."""
    for each in push.open([State.REFUSED]):
        if each.action is not Action.CREATE:
            continue
        record = record_of(each)
        entries = push.queue.log(push.source, record=record)
        refused_at = next((one.settled_at for one in entries if one.change.id == each.id), None)
        others = push.queue.open(push.source, record=record)
        is_edited = any(refused_at and one.made_at and one.made_at > refused_at for one in others)
        if is_edited or (entries and entries[0].end is End.DISCARDED):  # a value was changed, or taken back
            push.queue.put_back([each.id], State.READY, "")


def _explain(push: Pushing) -> None:
    """Give what still waits the reason why."""
    plan = push.plan()
    reasons = dict(plan.blocked)
    for step in plan.steps:
        if step.after:
            first = plan.steps[step.after[0]]
            reasons |= dict.fromkeys(
                [one.id for one in step.changes], f"comes after {first.action} of {push.label(first.record)}"
            )
    grouped: dict[str, list[int]] = {}
    for each in push.open([State.READY]):
        if push.may_write(record_of(each)) and reasons.get(each.id, each.reason) != each.reason:
            grouped.setdefault(reasons[each.id], []).append(each.id)
    for reason, ids in grouped.items():
        push.queue.put_back(ids, State.READY, reason)
