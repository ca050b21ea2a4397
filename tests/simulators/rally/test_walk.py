"""Random changes keep the promises that every mirror builds on."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

import pytest

from mirror.simulators import ManualClock
from mirror.simulators.rally import RefusedError
from mirror.simulators.rally.derived import derive
from mirror.simulators.rally.seed import build_world
from mirror.simulators.rally.switches import Switches
from mirror.simulators.rally.transaction import STAMPS
from mirror.simulators.rally.world import World

Rows = dict[int, tuple[str, dict[str, Any]]]
STEPS = 80
SEEDS = pytest.mark.parametrize("seed", [0, *(pytest.param(each, marks=pytest.mark.slow) for each in range(1, 4))])


class Walk:
    """One kind of change after the other, drawn at random."""

    def __init__(self, seed: int, switches: Switches) -> None:
        self.random = Random(seed)
        self.clock = ManualClock()
        self.world = build_world(80, seed, self.clock)
        self.world.switches = switches
        self.deleted: list[int] = []
        self.done: list[str] = []

    def step(self) -> None:
        self.clock.advance(self.random.choice((0, 0.001, 1, 60)))
        kinds: list[Callable[[], object]] = [
            self.create,
            *[self.change] * 4,
            *[self.link] * 2,
            self.remove,
            self.restore,
            self.move,
            self.rank,
            self.say,
        ]
        kind = self.random.choice(kinds)
        self.done.append(kind.__name__)
        try:
            kind()
        except (RefusedError, LookupError):
            self.done[-1] += " refused"

    def any(self, *paths: str) -> int:
        return self.random.choice(self.world.ids(self.random.choice(paths)))

    def create(self) -> None:
        path = self.random.choice(("Defect", "HierarchicalRequirement", "Task", "TestCase", "Tag", "Milestone"))
        fields: dict[str, Any] = {"Name": f"made {len(self.done)}"}
        if path == "Task":
            fields |= {"WorkProduct": self.any("Defect", "HierarchicalRequirement"), "Estimate": 3, "ToDo": 2}
        if path == "HierarchicalRequirement":
            fields |= self.random.choice(
                ({}, {"Parent": self.any(path)}, {"PortfolioItem": self.any("PortfolioItem/Feature")})
            )
        if path == "TestCase":
            fields["WorkProduct"] = self.any("HierarchicalRequirement")
        self.world.create(path, fields)

    def change(self) -> None:
        path, fields = self.random.choice(
            (
                ("Defect", {"State": self.random.choice(("Open", "Fixed", "Closed"))}),
                ("Defect", {"Requirement": self.any("HierarchicalRequirement")}),
                (
                    "Task",
                    {
                        "State": self.random.choice(("Defined", "In-Progress", "Completed")),
                        "ToDo": self.random.randint(0, 4),
                    },
                ),
                ("Task", {"WorkProduct": self.any("Defect", "HierarchicalRequirement")}),
                ("HierarchicalRequirement", {"PlanEstimate": self.random.randint(1, 9)}),
                ("HierarchicalRequirement", {"ScheduleState": self.random.choice(("Defined", "Completed", "Accepted"))}),
                ("HierarchicalRequirement", {"Blocked": self.random.random() < 0.5}),
                ("HierarchicalRequirement", {"Parent": self.any("HierarchicalRequirement")}),
                ("HierarchicalRequirement", {"Iteration": self.any("Iteration"), "Release": self.any("Release")}),
                ("PortfolioItem/Feature", {"Parent": self.any("PortfolioItem/Initiative"), "JobSize": 3}),
                ("Project", {"Description": f"<p>{len(self.done)}</p>"}),
            )
        )
        self.world.update(self.any(path), fields)

    def link(self) -> None:
        path, collection, target = self.random.choice(
            (
                ("Defect", "Tags", "Tag"),
                ("Milestone", "Artifacts", "Defect"),
                ("HierarchicalRequirement", "Predecessors", "HierarchicalRequirement"),
                ("Defect", "Duplicates", "Defect"),
                ("TestSet", "TestCases", "TestCase"),
            )
        )
        change = self.random.choice((self.world.add, self.world.add, self.world.remove))
        change(self.any(path), collection, [self.any(target)])

    def remove(self) -> None:
        oid = self.any("Defect", "HierarchicalRequirement", "Task", "TestCase", "Tag", "Milestone", "Iteration")
        self.world.delete(oid)
        self.deleted.append(oid)

    def restore(self) -> None:
        if self.deleted:
            self.world.restore(self.deleted.pop(self.random.randrange(len(self.deleted))))

    def move(self) -> None:
        self.world.move(self.any("HierarchicalRequirement", "Defect"), self.any("Project"))

    def rank(self) -> None:
        self.world.rank(self.any("Defect", "Task"), above=self.any("HierarchicalRequirement"))

    def say(self) -> None:
        self.world.create("ConversationPost", {"Artifact": self.any("Defect"), "Text": "aha"})


def snapshot(world: World) -> Rows:
    return {oid: (path, row) for path in world.types() for oid, row in world.truth(path).items()}


def comparable(world: World, path: str, row: dict[str, Any]) -> dict[str, Any]:
    """Leave out what may change unseen: read-only collections, and names behind references."""
    attributes = world.state.schemas[world.landmarks.workspace].attributes(path)
    kept = {name: value for name, value in row.items() if attributes[name].kind != "inverse"}
    return {
        name: value.get("_ref") if attributes[name].kind == "ref" and isinstance(value, dict) else value
        for name, value in kept.items()
        if name not in ("VersionId", *STAMPS)
    }


def check_links(world: World) -> None:
    """Both ends of every link agree, and nothing points to what is gone."""
    state = world.state
    for item in state.items.values():
        schema = state.schema_of(item)
        for name, attribute in schema.attributes(item.type).items():
            value = item.values.get(name)
            if attribute.kind == "ref" and value is not None and attribute.target != "RevisionHistory":
                target = state.items[value]
                inverse = schema.inverse_of(item.type, name, target.type)
                assert not inverse or item.oid in target.values[inverse], (item, name)
            elif attribute.kind == "many":
                for member in value or ():
                    assert not attribute.other or item.oid in state.items[member].values[attribute.other], (item, name)
            elif attribute.kind == "inverse":
                for member in value or ():
                    assert state.items[member].values.get(attribute.other) == item.oid, (item, name)


def check_indexes(world: World) -> None:
    """Every list of ids is sorted and complete."""
    for path, ids in world.state.ids.items():
        assert ids == sorted(oid for oid, item in world.state.items.items() if item.type == path)
    for (path, workspace), ids in world.state.placed.items():
        inside = (item for item in world.state.items.values() if item.type == path)
        assert ids == sorted(item.oid for item in inside if item.values.get("Workspace", 0) == workspace), path


@SEEDS
def test_in_the_strict_profile_no_value_changes_without_version_and_stamp(seed: int) -> None:
    walk = Walk(seed, Switches.strict())
    before = snapshot(walk.world)
    for _ in range(STEPS):
        walk.step()
        after = snapshot(walk.world)
        for oid, (path, row) in after.items():
            if oid not in before:
                continue
            old = before[oid][1]
            if comparable(walk.world, path, row) != comparable(walk.world, path, old):
                assert int(row["VersionId"]) == int(old["VersionId"]) + 1, (walk.done[-1], path, oid)
                for name in STAMPS:
                    assert name not in row or row[name] >= old[name], (walk.done[-1], path, oid)
                    assert name not in row or row[name] == walk.world.now().isoformat(timespec="milliseconds").replace(
                        "+00:00", "Z"
                    )
            elif row["VersionId"] != old["VersionId"]:
                assert int(row["VersionId"]) == int(old["VersionId"]) + 1
        before = after


@pytest.mark.parametrize("profile", ["strict", "hostile"])
@SEEDS
def test_links_indexes_and_derived_values_stay_consistent(seed: int, profile: str) -> None:
    walk = Walk(100 + seed, Switches.profile(profile))
    for _ in range(STEPS):
        walk.step()
    check_links(walk.world)
    check_indexes(walk.world)
    walk.world.roll_up()
    before = snapshot(walk.world)
    with walk.world.transaction() as tx:
        for path in walk.world.types():
            tx.pending.update(dict.fromkeys(walk.world.ids(path)))
        tx.settle(derive)
    assert snapshot(walk.world) == before


@SEEDS
def test_a_lagging_view_equals_the_world_of_that_moment(seed: int) -> None:
    walk = Walk(200 + seed, Switches(replica_lag_seconds=30.0))
    states: list[tuple[Any, list[tuple[int, int]]]] = []
    for _ in range(40):
        walk.clock.advance(1)
        walk.step()
        states.append((walk.clock.now(), versions(walk.world, lagging=False)))
    moment = walk.clock.now().timestamp() - 30.0
    visible = [listed for at, listed in states if at.timestamp() <= moment]
    assert versions(walk.world, lagging=True) == (visible[-1] if visible else states[0][1])


def versions(world: World, *, lagging: bool) -> list[tuple[int, int]]:
    view = world.view(lagging=lagging)
    found = [(item.oid, item.version) for path in world.types() for item in view.every(path)]
    return sorted(found)


@SEEDS
def test_a_refused_change_leaves_no_trace(seed: int) -> None:
    walk = Walk(300 + seed, Switches.strict())
    refused = 0
    for _ in range(STEPS):
        before = snapshot(walk.world)
        walk.step()
        if walk.done[-1].endswith("refused"):
            refused += 1
            assert snapshot(walk.world) == before
    assert refused > 0
    check_indexes(walk.world)
