"""Random changes keep the promises that every mirror builds on."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

import pytest

from mirror.simulators import ManualClock
from mirror.simulators.versionone import truth
from mirror.simulators.versionone.seed import build_world
from mirror.simulators.versionone.switches import Switches
from mirror.simulators.versionone.world import Changed, RefusedError, World

STEPS = 80
SEEDS = pytest.mark.parametrize("seed", [0, *(pytest.param(each, marks=pytest.mark.slow) for each in range(1, 4))])
Rows = dict[int, dict[str, Any]]


class Walk:
    """One kind of change after the other, drawn at random, deleting and failing ones among them."""

    def __init__(self, seed: int, switches: Switches | None = None, *, records: int = 120) -> None:
        self.random = Random(seed)
        self.clock = ManualClock()
        self.world = build_world(records, seed, self.clock)
        self.world.switches = switches or Switches()
        self.done: list[str] = []
        self.born: list[int] = []

    def step(self) -> None:
        self.clock.advance(self.random.choice((0, 0.001, 1, 60)))
        kinds: list[Callable[[], object]] = [
            self.create,
            *[self.change] * 4,
            *[self.link] * 3,
            *[self.operate] * 4,
            self.bulk,
        ]
        kind = self.random.choice(kinds)
        self.done.append(kind.__name__)
        try:
            kind()
        except RefusedError:
            self.done[-1] += " refused"

    def any(self, *types: str) -> int:
        return self.random.choice(self.world.ids(self.random.choice(types), deleted=None) or [self.world.landmarks.admin])

    def purge(self, *types: str) -> None:
        asset = self.any(*types)
        if asset not in (0, 20):
            self.world.purge(asset)

    def make(self, type_name: str, **values: Any) -> None:
        self.born.append(self.world.create(type_name, values, by=self.any("Member")))

    def create(self) -> None:
        self.random.choice(
            (
                lambda: self.make("Story", Name="n", Scope=self.any("Scope"), Owners=[self.any("Member")]),
                lambda: self.make("Story", Name="n"),
                lambda: self.make("Task", Name="n", Parent=self.any("Story", "Defect", "TestSet")),
                lambda: self.make("Epic", Name="n", Scope=0, Super=self.any("Epic")),
                lambda: self.make("Actual", Member=20, Date="2025-01-01", Value=1, Workitem=self.any("Task", "Story")),
                lambda: self.make("Link", Name="n", Asset=self.any("Story", "Member"), URL="x"),
                lambda: self.make("Expression", BelongsTo=self.any("Conversation"), Mentions=[self.any("Story")]),
                lambda: self.make(
                    "Timebox", Name="n", BeginDate="2025-01-01", EndDate="2025-02-01", Schedule=self.any("Schedule")
                ),
            )
        )()

    def change(self) -> None:
        type_name, values = self.random.choice(
            (
                ("Story", {"Name": f"renamed {len(self.done)}"}),
                ("Story", {"Scope": self.any("Scope")}),
                ("Story", {"Timebox": self.any("Timebox"), "Team": None}),
                ("Story", {"Super": self.any("Epic"), "Estimate": str(self.random.randint(0, 9))}),
                ("Story", {"Custom_Platforms": [self.any("Custom_Platform")], "Custom_Votes": 3}),
                ("Story", {"Order": f"{self.world.value(self.any('Story', 'Task'), 'Order')}{self.random.choice('+-')}"}),
                ("Story", {"TaggedWith": Changed(add=("x",), remove=("urgent",))}),
                ("Task", {"Parent": self.any("Story", "Defect")}),
                ("Epic", {"Super": self.any("Epic")}),
                ("Scope", {"Parent": self.any("Scope")}),
                ("Defect", {}),
                ("Defect", {"Name": None}),
                ("Member", {"Nickname": "Nick", "MemberLabels": self.world.ids("MemberLabel")}),
            )
        )
        self.world.update(self.any(type_name), values, by=self.any("Member"))

    def link(self) -> None:
        type_name, name, target = self.random.choice(
            (
                ("Story", "Owners", "Member"),
                ("Member", "OwnedWorkitems", "Story"),
                ("Goal", "Workitems", "Defect"),
                ("Story", "Dependencies", "Story"),
                ("Story", "Dependants", "Story"),
                ("Issue", "BlockedPrimaryWorkitems", "Story"),
                ("Scope", "Members", "Member"),
                ("ChangeSet", "PrimaryWorkitems", "Defect"),
            )
        )
        asset = self.any(type_name)
        there = self.world.value(asset, name)
        assert isinstance(there, list)
        remove = [self.random.choice(there)] if there and self.random.random() < 0.5 else []
        self.world.update(asset, {name: Changed(add=(self.any(target),), remove=tuple(remove))})

    def operate(self) -> None:
        asset = self.any(
            "Story", "Story", "Defect", "Task", "Epic", "TestSet", "Timebox", "Request", "Member", "StoryStatus"
        )
        operations = [*self.world.schema.operations(self.world.type_of(asset) or ""), "Undelete", "Delete"]
        self.world.operate(asset, self.random.choice(operations))

    def bulk(self) -> None:
        with self.world.transaction(comment="bulk"):
            self.change()
            if self.random.random() < 0.5:
                self.operate()
            self.link()


def snapshot(world: World, *, at: int | None = None) -> Rows:
    """Return every row as a mirror could hold it, deleted ones as well."""
    assets = (asset for asset in world.state.assets.values() if asset.id >= 0 and (at is None or asset.versions[0] <= at))
    return {asset.id: truth.row(world.reader, asset, at=at) for asset in assets}


def check_both_sides(world: World, at: int | None) -> None:
    """What one side of a relation says, the other one says, too."""
    told: dict[tuple[str, int], list[int]] = {}
    for asset in world.state.assets.values():
        if asset.id < 0 or (at is not None and asset.versions[0] > at):
            continue
        for name, attribute in world.schema.attributes(asset.type).items():
            if attribute.reciprocal is not None and attribute.forward is None:
                value = world.value(asset.id, name, at=at)
                for target in value if isinstance(value, list) else [value] if value is not None else []:
                    told.setdefault((world.schema.root(asset.type, name), target), []).append(asset.id)
    for asset in world.state.assets.values():
        for name, attribute in world.schema.attributes(asset.type).items():
            if attribute.forward is not None and asset.id >= 0 and (at is None or asset.versions[0] <= at):
                expected = sorted(told.pop((attribute.reciprocal or "", asset.id), []))
                assert world.value(asset.id, name, at=at) == expected, (asset, name, at)
    assert not told


def check_versions(world: World) -> None:
    """Versions grow, and every one of them has an audit row."""
    for asset in world.state.assets.values():
        assert asset.versions == sorted(set(asset.versions))
        assert 1 <= asset.versions[0] <= asset.versions[-1] <= world.moment
    stamps = [world.moment_row(number).changed_at for number in range(1, world.moment + 1)]
    assert stamps == sorted(stamps)


def check_numbers(world: World) -> None:
    """A number belongs to one asset of its pattern, and says which pattern that is."""
    seen: set[str] = set()
    for asset in world.state.assets.values():
        prefix = world.state.numbered(asset.type)
        if prefix is not None:
            number = asset.values["Number"]
            assert number.startswith(prefix)
            assert number not in seen
            seen.add(number)


@pytest.mark.parametrize("profile", ["strict", "hostile"])
@SEEDS
def test_both_sides_of_every_relation_agree_at_every_moment(seed: int, profile: str) -> None:
    walk = Walk(seed, Switches.profile(profile).with_changes({"relations_keep_deleted": True}))
    for _ in range(STEPS):
        walk.step()
    moments = {walk.random.randint(1, walk.world.moment) for _ in range(6)}
    for at in (None, walk.world.moment, *moments):
        check_both_sides(walk.world, at)


@pytest.mark.parametrize("profile", ["strict", "hostile"])
@SEEDS
def test_the_past_never_changes_and_was_once_the_present(seed: int, profile: str) -> None:
    walk = Walk(100 + seed, Switches.profile(profile))
    kept: dict[int, Rows] = {}
    for step in range(STEPS):
        walk.step()
        if step % 20 == 0:
            kept[walk.world.moment] = snapshot(walk.world)
    for moment, rows in kept.items():
        assert snapshot(walk.world, at=moment) == rows


@pytest.mark.parametrize("profile", ["strict", "hostile"])
def test_ids_are_never_used_twice_and_moments_only_grow(profile: str) -> None:
    walk = Walk(7, Switches.profile(profile))
    ever = {asset.id: asset for asset in walk.world.state.assets.values()}
    for _ in range(STEPS):
        before = walk.world.moment
        walk.step()
        grown = walk.world.moment - before
        assert grown == 0 if walk.done[-1].endswith("refused") else grown == 1, walk.done[-1]
        for asset in walk.world.state.assets.values():
            assert ever.setdefault(asset.id, asset) is asset
        if walk.random.random() < 0.2:
            walk.purge("Story", "Task", "Link")
    assert len(set(walk.born)) == len(walk.born) > 3
    check_versions(walk.world)
    check_numbers(walk.world)


@SEEDS
def test_in_the_strict_profile_nothing_a_mirror_owns_changes_without_a_version(seed: int) -> None:
    walk = Walk(200 + seed)
    world = walk.world
    before = snapshot(world)
    owned = {
        each.name: {
            name
            for name, attribute in world.schema.attributes(each.name).items()
            if truth.is_owned(attribute) or (attribute.forward is not None and not attribute.read_only)
        }
        for each in world.schema.types()
    }
    for _ in range(STEPS // 2):
        walk.step()
        after = snapshot(world)
        for asset, row in after.items():
            old = before.get(asset)
            names = owned[str(row["AssetType"])] - {"SecurityScope"}
            if old is not None and any(row[name] != old[name] for name in names):
                assert row["Moment"] == world.moment > old["Moment"], (walk.done[-1], asset)
        before = after


def test_in_the_hostile_profile_values_do_change_without_a_version() -> None:
    walk = Walk(3, Switches.hostile())
    world = walk.world
    task = world.find("Task", IsDeleted=False)
    story = world.create("Story", {"Name": "p", "Scope": walk.world.landmarks.project})
    world.update(task, {"Parent": story})
    moment = world.value(task, "Moment")
    world.update(story, {"Scope": 0})
    assert (world.value(task, "Scope"), world.value(task, "Moment")) == (0, moment)


@SEEDS
def test_a_refused_change_leaves_no_trace(seed: int) -> None:
    walk = Walk(300 + seed)
    refused = 0
    before = snapshot(walk.world)
    for _ in range(STEPS // 2):
        walk.step()
        after = snapshot(walk.world)
        if walk.done[-1].endswith("refused"):
            refused += 1
            assert after == before
        before = after
    assert refused > 0
    check_both_sides(walk.world, None)


def test_a_purged_asset_is_named_nowhere_any_more() -> None:
    walk = Walk(5)
    for _ in range(30):
        walk.purge("Story", "Member", "Epic", "Scope", "Task")
        walk.step()
    for asset in walk.world.state.assets.values():
        for name, attribute in walk.world.schema.attributes(asset.type).items():
            value = walk.world.value(asset.id, name) if attribute.is_relation and asset.id >= 0 else None
            targets = value if isinstance(value, list) else [value] if value is not None else []
            assert all(walk.world.exists(target) for target in targets), (asset, name)
    check_both_sides(walk.world, None)
