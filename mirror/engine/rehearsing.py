"""The dry run of a push: what it would do, and what it would meet on the tracker. Nothing is written, there or here."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

from mirror.engine.meeting import Met, meet
from mirror.engine.outcomes import PushedChange
from mirror.engine.plan import Plan, Step, make_plan
from mirror.engine.pushing import Pushing
from mirror.engine.referring import Record
from mirror.engine.seeing import Sight, look
from mirror.engine.showing import ShownChange, show
from mirror.engine.sync import same_place
from mirror.engine.writing import write_of
from mirror.errors import RemoteError
from mirror.model.change import Action, Change, State


@dataclass(frozen=True, slots=True)
class PlannedStep:
    """One write that a push is going to make.

    Attributes:
        label: what people call the record.
        calls: what is asked of the tracker, for people.
        after: the places in the plan, from 0, of the steps that come before it.
    """

    label: str
    type_name: str
    action: Action
    changes: tuple[ShownChange, ...]
    calls: tuple[str, ...]
    after: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """What a push would do.

    Attributes:
        changes: what waits, with what is to be expected of it; READY without words is sent.
        unreached: why the tracker could not be looked at; "" when it was.
        is_over_cap: more would be sent than one push may without being told so.
    """

    plan: tuple[PlannedStep, ...] = ()
    changes: tuple[PushedChange, ...] = ()
    notes: tuple[str, ...] = ()
    unreached: str = ""
    is_over_cap: bool = False


def rehearse(push: Pushing, shown: Sequence[ShownChange]) -> Rehearsal:
    """Return what a push would do with these changes."""
    before = push.open()
    plan = _plan(push, before)
    records = {each.record for each in plan.steps if push.may_write(each.record) and each.record[1] > 0}
    sight = _looked_at(push, records) if records else Sight()
    met = {each.id: each for each in (meet(push.run.layouts, one, sight, push.run.source.conflicts) for one in before)}
    left = [each.change for each in met.values() if each.change is not None]
    plan = _plan(push, left)
    count = sum(len(each.changes) for each in plan.steps if push.may_write(each.record))
    unreached = str(sight.failure) if sight.failure is not None else ""
    return Rehearsal(
        _planned(push, plan, lambda record: sight.seen[record].revision if record in sight.seen else None),
        tuple(_expected(each, met[each.change.id], plan.blocked) for each in shown if each.change.id in met),
        tuple(_notes(push, shown, met, unreached, count)),
        unreached,
        is_over_cap=count > push.run.source.push_cap and not push.options.yes,
    )


def _plan(push: Pushing, changes: Sequence[Change]) -> Plan:
    return make_plan(push.run.layouts, changes, protect=push.run.source.protect, apart=push.apart)


def _looked_at(push: Pushing, records: Collection[Record]) -> Sight:
    try:
        same_place(push.run)
        return look(push.run, push.pool, records, keep=False)
    except RemoteError as error:
        return Sight(failure=error)


def _notes(push: Pushing, shown: Sequence[ShownChange], met: Mapping[int, Met], unreached: str, count: int) -> list[str]:
    found = [f"planned from what is mirrored, since the tracker was not reached: {unreached}"] if unreached else []
    unknown = len(push.open([State.SENT, State.UNKNOWN]))
    if unknown:
        found.append(f"{unknown} changes were sent before and are to be settled first, which may change the plan")
    cap = push.run.source.push_cap
    if count > cap:
        told = "as --yes allows" if push.options.yes else "so push refuses without --yes"
        found.append(f"{count} changes are more than push_cap = {cap} in mirror.toml, {told}")
    for each in shown:
        note = met[each.change.id].note if each.change.id in met else ""
        if note and not _is_conflict(met[each.change.id]):
            found.append(f"{each.label} {each.change.field or each.change.action}: {note}")
    return found


def _is_conflict(met: Met) -> bool:
    """Return whether a change is told as a conflict among those that stay."""
    return met.change is not None and met.change.state is State.CONFLICT


def _expected(shown: ShownChange, met: Met, blocked: Mapping[int, str]) -> PushedChange:
    if met.change is None or met.end is not None:
        return PushedChange(shown, met.end.value if met.end is not None else "", met.note)
    words = met.change.reason if met.change.state is not State.READY else blocked.get(met.change.id, "")
    return PushedChange(shown, met.change.state.value, words)


def _planned(push: Pushing, plan: Plan, revision_of: Callable[[Record], str | None]) -> tuple[PlannedStep, ...]:
    chosen = [at for at, each in enumerate(plan.steps) if push.may_write(each.record)]
    places = {at: place for place, at in enumerate(chosen)}
    changes = {each.change.id: each for each in show(push.run.store, push.run.layouts, _of(plan, chosen))}
    found = []
    for at in chosen:
        step = plan.steps[at]
        own = tuple(changes[each.id] for each in step.changes)
        after = tuple(places[each] for each in step.after if each in places)
        calls = _calls(push, step, revision_of(step.record))
        found.append(PlannedStep(own[0].label, step.record[0], step.action, own, calls, after))
    return tuple(found)


def _of(plan: Plan, chosen: Sequence[int]) -> list[Change]:
    return [each for at in chosen for each in plan.steps[at].changes]


def _calls(push: Pushing, step: Step, seen: str | None) -> tuple[str, ...]:
    layout = push.layout(step.changes[0])
    revision = seen or push.run.store.revisions(layout, [step.record[1]]).get(step.record[1])
    write = write_of(layout, step, revision=revision, content=push.queue.blob)
    return tuple(push.run.connector.calls(write))
