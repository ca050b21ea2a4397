"""The dry run of a push: what it would do, and what it would meet on the tracker."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from mirror.engine.plan import Step
from mirror.engine.pushing import Pushing
from mirror.engine.referring import Record
from mirror.engine.showing import ShownChange, show
from mirror.engine.sync import same_place
from mirror.engine.waves import look_before
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


def rehearse(push: Pushing) -> tuple[tuple[PlannedStep, ...], tuple[str, ...]]:
    """Return what a push would do; nothing is written to the tracker."""
    before = push.open()
    notes = _looked_at(push, {each.record for each in push.plan().steps if push.may_write(each.record)})
    unknown = len(push.open([State.SENT, State.UNKNOWN]))
    if unknown:
        notes.append(f"{unknown} changes were sent before and are to be settled first, which may change the plan")
    after = {each.id: each for each in push.open()}
    changed = [each for each in before if after.get(each.id) != each]
    for each in show(push.run.store, push.run.layouts, changed):
        if note := _meeting(each, after.get(each.change.id)):
            notes.append(f"{each.label} {each.change.field or each.change.action}: {note}")
    return _planned(push), tuple(notes)


def _looked_at(push: Pushing, records: Collection[Record]) -> list[str]:
    try:
        same_place(push.run)
        failure: RemoteError | None = look_before(push, {each for each in records if each[1] > 0}).failure
    except RemoteError as error:
        failure = error
    return [f"planned from what is mirrored, since the tracker was not reached: {failure}"] if failure else []


def _meeting(before: ShownChange, now: Change | None) -> str:
    """Return what became of a change when it met what the tracker has; "" when nothing did."""
    if now is None:
        return "the tracker has it already"
    if now.state is State.CONFLICT and before.change.state is not State.CONFLICT:
        return now.reason or "changed on the tracker since"
    return "merged with what was changed on the tracker since" if now.value != before.change.value else ""


def _planned(push: Pushing) -> tuple[PlannedStep, ...]:
    plan = push.plan()
    chosen = [at for at, each in enumerate(plan.steps) if push.may_write(each.record)]
    places = {at: place for place, at in enumerate(chosen)}
    found = []
    for at in chosen:
        step = plan.steps[at]
        changes = tuple(show(push.run.store, push.run.layouts, step.changes))
        after = tuple(places[each] for each in step.after if each in places)
        found.append(PlannedStep(changes[0].label, step.record[0], step.action, changes, _calls(push, step), after))
    return tuple(found)


def _calls(push: Pushing, step: Step) -> tuple[str, ...]:
    layout = push.layout(step.changes[0])
    revision = push.run.store.revisions(layout, [step.record[1]]).get(step.record[1])
    return tuple(push.run.connector.calls(write_of(layout, step, revision=revision)))
