"""Sample data is the same for the same seed, and has of everything."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from mirror.simulators import ManualClock
from mirror.simulators.versionone import truth
from mirror.simulators.versionone.seed import build_world
from mirror.simulators.versionone.world import World


@pytest.fixture(scope="module")
def world() -> World:
    return build_world(600, 3)


def test_equal_seeds_give_equal_worlds_and_others_do_not() -> None:
    first, second, third = build_world(150, 5), build_world(150, 5), build_world(150, 6)
    types = [each.name for each in first.schema.types() if not each.abstract]
    assert all(first.truth(name) == second.truth(name) for name in types)
    assert first.state.moments == second.state.moments
    assert any(first.truth(name) != third.truth(name) for name in types)


@pytest.mark.parametrize("records", [150, 1000])
def test_there_are_about_as_many_assets_as_asked_for(records: int) -> None:
    world = build_world(records)
    count = sum(1 for each in world.state.assets if each > 1000)
    assert records <= count <= records * 1.1 + 20


def test_every_type_that_can_have_assets_has_some(world: World) -> None:
    assert [each.name for each in world.schema.types() if not each.abstract and not world.ids(each.name, deleted=None)] == []


def test_well_known_ids_are_where_everybody_looks_for_them(world: World) -> None:
    assert world.type_of(0) == "Scope"
    assert world.value(0, "Name") == "System (All Projects)"
    assert (world.type_of(20), world.value(20, "Username")) == ("Member", "admin")
    assert world.value(1, "Name") == "Role.Name'System Admin"
    names = [world.value(each, "Name") for each in (133, 134, 135, 137, 123, 125, 129, 155)]
    assert names == ["Future", "In Progress", "Done", "Accepted", "In Progress", "Completed", "Passed", "Failed"]
    assert [world.type_of(each) for each in (100, 101, 102)] == ["State"] * 3


def test_every_state_of_an_asset_occurs(world: World) -> None:
    states = {world.value(each, "AssetState") for each in world.ids("BaseAsset", deleted=None)}
    assert states == {0, 64, 128, 200, 208, 255}
    assert {world.value(each, "AssetState") for each in world.ids("Timebox")} == {0, 64, 128}


def test_changes_spread_over_two_years_and_none_lies_in_the_future() -> None:
    clock = ManualClock()
    world = build_world(2000, clock=clock)
    stamps = [world.moment_row(moment).changed_at for moment in range(1, world.moment + 1)]
    assert stamps == sorted(stamps)
    assert stamps[0] == clock.now() - timedelta(days=730)
    assert timedelta(hours=1) <= clock.now() - stamps[-1] <= timedelta(days=90)
    assert stamps[len(stamps) // 2] - stamps[0] > timedelta(days=200)
    assert len(set(stamps)) < len(stamps)


def test_several_assets_share_one_moment(world: World) -> None:
    moments = [world.value(each, "Moment") for each in world.ids("Story")]
    assert len(set(moments)) < len(moments)


def test_values_are_awkward_enough() -> None:
    world = build_world(3000, 2)
    stories = world.truth("Story").values()
    names = [str(row["Name"]) for row in stories]
    assert any("\n" in name for name in names)
    assert any("&" in name and "'" not in name for name in names)
    assert any(not name.isascii() for name in names)
    assert any(len(name) == 4000 for name in names)
    assert any("<![CDATA[" in str(row["Description"]) for row in stories)
    assert {row["Description"] for row in stories} >= {"", None}
    assert any(isinstance(row["Estimate"], Decimal) and row["Estimate"] > 10**12 for row in stories)
    assert any(isinstance(row["Owners"], list) and len(row["Owners"]) > 3 for row in stories)
    assert any(row["TaggedWith"] for row in stories)
    assert any(row["Ideas"] for row in stories)


def test_names_of_sprints_repeat_across_schedules(world: World) -> None:
    pairs = {(row["Name"], row["Schedule"]) for row in world.truth("Timebox").values()}
    assert len({name for name, _ in pairs}) < len(pairs)


def test_trees_are_deep_and_conversations_have_replies(world: World) -> None:
    depths = [len(world.value(each, "ParentAndUp") or []) for each in world.ids("Scope")]  # type: ignore[arg-type]
    assert max(depths) >= 5
    replies = [row for row in world.truth("Expression").values() if row["InReplyTo"] is not None]
    assert replies
    assert sum(1 for row in replies if row["Mentions"]) < len(replies) / 5
    assert all(row["IsTopic"] == (row["InReplyTo"] is None) for row in world.truth("Expression").values())


def test_required_attributes_of_all_that_lives_are_filled(world: World) -> None:
    for asset_type in world.schema.types():
        required = [
            name
            for name, attribute in world.schema.attributes(asset_type.name).items()
            if attribute.required and attribute.kind not in ("Blob", "Password") and not attribute.read_only
        ]
        if not asset_type.abstract:
            for asset in world.ids(asset_type.name):
                missing = [name for name in required if world.value(asset, name) in (None, "")]
                assert not missing or asset == 0, (asset_type.name, asset, missing)


def test_relations_name_assets_of_fitting_types(world: World) -> None:
    for asset in world.state.assets.values():
        for name, attribute in world.schema.attributes(asset.type).items():
            if attribute.is_relation and truth.is_owned(attribute):
                value = world.value(asset.id, name)
                targets = value if isinstance(value, list) else [value] if value is not None else []
                assert all(world.schema.is_a(world.type_of(each) or "", attribute.related or "") for each in targets)
