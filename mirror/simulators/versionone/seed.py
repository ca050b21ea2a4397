"""Sample data: the same for the same (records, seed, time), of every type, made by the rules at instants over two years."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from random import Random

from mirror.simulators.clock import Clock, ManualClock
from mirror.simulators.versionone import seed_around as around
from mirror.simulators.versionone import seed_lists, seed_places
from mirror.simulators.versionone import seed_work as work
from mirror.simulators.versionone.definitions import built_in_schema
from mirror.simulators.versionone.seeding import SPAN, Seeder
from mirror.simulators.versionone.state import State
from mirror.simulators.versionone.world import Landmarks, World

_MIX: tuple[tuple[int, Callable[[Seeder], None]], ...] = (
    (2, work.plant_epic),
    (20, work.plant_story),
    (11, work.plant_defect),
    (1, work.plant_test_set),
    (20, work.plant_task),
    (9, work.plant_test),
    (4, work.plant_request),
    (4, work.plant_issue),
    (5, around.plant_conversation),
    (3, around.plant_attachment),
    (1, around.plant_image),
    (3, around.plant_link),
    (3, around.plant_note),
    (10, around.plant_effort),
    (1, around.plant_message),
    (1, around.plant_retrospective),
    (1, around.plant_allocation),
    (45, work.change_something),
)
"""How often each kind of thing happens, relative to each other; each happens at least once."""

_WRITES_PER_RECORD = 1.33
"""Measured for worlds of 300 to 20,000 records: transactions for each asset that there is in the end."""


def build_world(records: int = 300, seed: int = 1, clock: Clock | None = None) -> World:
    """Return a world with about so many assets; lists, schema and the well-known ones are not counted.

    Args:
        records: from some 150 on there is one of every type.
        seed: equal numbers give equal data at equal times of the clock.
        clock: the tracker's time from now on; sample data ends an hour before. A clock that stands still if None.
    """
    clock = clock or ManualClock()
    past = ManualClock(clock.now() - SPAN)
    world = World(State(built_in_schema()), past)
    with world.transaction() as tx:
        seed_lists.plant(tx)
    step = (SPAN - timedelta(hours=1)) / max(100.0, records * _WRITES_PER_RECORD)
    seeder = Seeder(world, Random(seed), past, step, clock.now() - timedelta(hours=1))
    world.landmarks = _plant(seeder, records)
    world.clock = clock
    return world


def _plant(seeder: Seeder, records: int) -> Landmarks:
    seed_places.plant_people(seeder, max(6, records // 50))
    main, hidden = seed_places.plant_projects(seeder, records // 60)
    seed_places.plant_sprints(seeder, records // 40)
    seed_places.plant_plans(seeder, max(1, records // 150))
    for _, plant in _MIX[:-1]:
        plant(seeder)
    work.plant_awkward_stories(seeder)
    weights = [weight for weight, _ in _MIX]
    while seeder.made < records:
        seeder.random.choices(_MIX, weights)[0][1](seeder)
    return _finish(seeder, main, hidden)


def _finish(seeder: Seeder, main: int, hidden: int) -> Landmarks:
    """Make what tests rely on: every state of an asset, running sprints, work in the hidden project, a limited member."""
    members = seeder.known["Member"]
    for operation, place in (("Inactivate", -1), ("Inactivate", -2), ("Delete", -3)):
        seeder.operate(members[place], operation)
    _run_sprints(seeder)
    story = seeder.make("Story", Name="Hidden cargo", Scope=hidden, Owners=[members[0]])
    seeder.make("Task", Name="Hidden crate", Parent=story)
    for operation in ("MakeTemplate", "StoryToEpic", "Inactivate", "Delete"):
        last = seeder.make("Story", Name=f"{operation} me", Scope=main, Super=seeder.any("Epic"), ToDo="3")
        seeder.operate(last, operation)
    limited = members[0]
    seeder.world.hide(hidden, member=limited)
    return Landmarks(limited=limited, project=main, hidden_project=hidden, deleted_story=last)


def _run_sprints(seeder: Seeder) -> None:
    today = seeder.clock.now().date()
    for timebox in seeder.known["Timebox"]:
        begin, end = seeder.world.value(timebox, "BeginDate"), seeder.world.value(timebox, "EndDate")
        if str(end) <= str(today):
            seeder.operate(timebox, "Close")
        elif str(begin) <= str(today):
            seeder.operate(timebox, "Activate")
