"""In which order what waits is to be pushed, and what cannot be pushed now, with the reason. Pure.

A step is one write to one record. Steps of one record follow each other as its changes were made; a record that refers to
one that was created here comes after that one's creation; a deletion comes last. A plan is made anew whenever something was
settled, so a step whose `after` is empty is one that may be sent now.
"""

from __future__ import annotations

import heapq
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

from mirror.engine import protection
from mirror.engine.blocking import Blocking
from mirror.engine.creating import break_circles
from mirror.engine.referring import FIELD_ACTIONS, Record, created, led_to, record_of
from mirror.model.change import Action, Change
from mirror.model.layout import Layout


@dataclass(frozen=True, slots=True)
class Step:
    """One write to one record.

    Attributes:
        action: of the write: CREATE with the values it is made with, UPDATE with all fields and links, or another one.
        changes: all of one record, in the order they were made; of a CREATE that one first.
        after: the places in the plan of the steps that must be settled before.
    """

    action: Action
    changes: tuple[Change, ...]
    after: tuple[int, ...] = ()

    @property
    def record(self) -> Record:
        """The record it is about."""
        return record_of(self.changes[0])


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be done.

    Attributes:
        steps: in an order in which each comes after all that it waits for.
        blocked: READY changes that cannot be pushed now, by id, with the reason.
    """

    steps: tuple[Step, ...] = ()
    blocked: Mapping[int, str] = field(default_factory=dict)


def make_plan(
    layouts: Mapping[str, Layout], changes: Sequence[Change], *, protect: Sequence[str] = (), apart: Collection[int] = ()
) -> Plan:
    """Return the plan for the open changes of one source.

    Args:
        changes: all that are open, by id.
        protect: as in Source.protect.
        apart: field changes that are to be sent each alone, by id.
    """
    blocking = Blocking(layouts, changes)
    for each in changes:
        entry = protection.forbids(protect, each)
        if entry is not None:
            blocking.block(each, protection.reason(entry))
    records = _by_record(changes)
    for open_ones in records.values():
        blocking.block_behind(open_ones)
    blocking.spread()
    creations = break_circles(layouts, [each for each in changes if blocking.may_go(each)])
    for change_id, reason in creations.stuck.items():
        blocking.reasons.setdefault(change_id, reason)
    blocking.spread()
    blocking.block_deletions()
    steps = [
        step
        for record, open_ones in records.items()
        for step in _steps(record, [each for each in open_ones if blocking.may_go(each)], creations.later, apart)
    ]
    return Plan(_ordered(layouts, steps), dict(blocking.reasons))


def limited(layouts: Mapping[str, Layout], changes: Sequence[Change], wanted: Collection[Record]) -> list[Change]:
    """Return the changes of these records, and of the records created here that they cannot do without."""
    records = set(wanted)
    makers = {each.record_id: record_of(each) for each in changes if each.action is Action.CREATE}
    while True:
        chosen = [each for each in changes if record_of(each) in records]
        needed = {one for each in chosen if each.type_name in layouts for one in created(layouts[each.type_name], each)}
        more = {makers[one] for one in needed if one in makers} - records
        if not more:
            return chosen
        records |= more


def _by_record(changes: Sequence[Change]) -> dict[Record, list[Change]]:
    found: dict[Record, list[Change]] = {}
    for each in sorted(changes, key=lambda one: one.id):
        found.setdefault(record_of(each), []).append(each)
    return found


def _steps(record: Record, changes: Sequence[Change], later: Collection[int], apart: Collection[int]) -> list[Step]:
    """Return the steps of one record, in order; field changes come together, but not across an operation."""
    creation = [each for each in changes if each.action is Action.CREATE]
    with_it = [each for each in changes if each.action in FIELD_ACTIONS and each.id not in later] if creation else []
    if record[1] < 0 and not creation:
        return []
    groups: list[list[Change]] = [[*creation, *with_it]] if creation else []
    gathering: list[Change] | None = None
    for each in changes:
        if each in creation or each in with_it:
            continue
        if each.action not in FIELD_ACTIONS or each.id in apart:
            groups.append([each])
            gathering = None if each.action is Action.OPERATE else gathering
        elif gathering is None:
            gathering = [each]
            groups.append(gathering)
        else:
            gathering.append(each)
    return [Step(_action(each[0]), tuple(each)) for each in groups]


def _action(first: Change) -> Action:
    return Action.UPDATE if first.action in FIELD_ACTIONS else first.action


def _ordered(layouts: Mapping[str, Layout], steps: Sequence[Step]) -> tuple[Step, ...]:
    """Return the steps with their `after`, each behind all that it waits for, else as their oldest changes were made."""
    waits = _waits(layouts, steps)
    followers: list[list[int]] = [[] for _ in steps]
    for at, others in enumerate(waits):
        for other in others:
            followers[other].append(at)
    left = [set(each) for each in waits]
    ages = [each.changes[0].id for each in steps]
    free = [(ages[at], at) for at in range(len(steps)) if not left[at]]
    heapq.heapify(free)
    places: dict[int, int] = {}
    while len(places) < len(steps):
        if not free:  # only deletions can wait for each other: of records that refer to each other
            heapq.heappush(free, min((ages[at], at) for at in range(len(steps)) if at not in places))
        _, at = heapq.heappop(free)
        places.setdefault(at, len(places))
        for each in followers[at]:
            left[each].discard(at)
            if not left[each] and each not in places:
                heapq.heappush(free, (ages[each], each))
    return tuple(_behind(steps[at], place, [places[each] for each in waits[at]]) for at, place in places.items())


def _behind(step: Step, place: int, waits: Sequence[int]) -> Step:
    return replace(step, after=tuple(sorted(each for each in waits if each < place)))


def _waits(layouts: Mapping[str, Layout], steps: Sequence[Step]) -> list[set[int]]:
    makers = {step.record[1]: at for at, step in enumerate(steps) if step.action is Action.CREATE}
    before: dict[Record, int] = {}
    found: list[set[int]] = []
    ranked: int | None = None
    for at, step in enumerate(steps):
        waits = {before[step.record]} if step.record in before else set()
        before[step.record] = at
        if step.action is Action.RANK:  # records of several types may stand in one list
            waits |= {ranked} if ranked is not None else set()
            ranked = at
        for each in step.changes:
            waits |= {makers[one] for one in created(layouts[each.type_name], each) if one in makers}
        found.append(waits)
    deletions = {step.record: at for at, step in enumerate(steps) if step.action is Action.DELETE}
    for at, step in enumerate(steps) if deletions else ():
        for record in _led_to(layouts, step) & deletions.keys() - {step.record}:
            found[deletions[record]].add(at)
    return found


def _led_to(layouts: Mapping[str, Layout], step: Step) -> set[Record]:
    """Return the records that a step refers to, or did before; their deletion comes after it."""
    return {record for each in step.changes for record in led_to(layouts, each)}
