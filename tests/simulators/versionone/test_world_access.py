"""Who sees what, what the switches turn, bodies of attachments, and purging."""

from __future__ import annotations

from datetime import timedelta

import pytest

from mirror.simulators import ManualClock
from mirror.simulators.versionone.seed import build_world
from mirror.simulators.versionone.switches import Switches
from mirror.simulators.versionone.world import Changed, World
from tests.simulators.versionone.worlds import make, refusal


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def world(clock: ManualClock) -> World:
    return build_world(120, 4, clock)


class TestAccess:
    def test_a_hidden_project_takes_all_below_with_it(self, world: World) -> None:
        limited, hidden = world.landmarks.limited, world.landmarks.hidden_project
        story = world.find("Story", Name="Hidden cargo")
        task = world.find("Task", Name="Hidden crate")
        note = world.create("Note", {"Name": "n", "Content": "c", "Asset": task})
        for asset in (hidden, story, task, note):
            type_name = world.type_of(asset) or ""
            assert asset in world.ids(type_name) and asset in world.ids(type_name, viewer=20)
            assert asset not in world.ids(type_name, viewer=limited)
            assert not world.visible(asset, viewer=limited)
        assert story in world.value(limited, "OwnedWorkitems")  # type: ignore[operator]
        assert story not in world.value(limited, "OwnedWorkitems", viewer=limited)  # type: ignore[operator]
        assert refusal(world.update, story, {"Name": "x"}, by=limited)[0] == 404
        assert refusal(world.update, limited, {"OwnedWorkitems": Changed(add=(story,))}, by=limited)[0] == 400

    def test_hiding_from_everybody_leaves_no_trace_and_can_be_taken_back(self, world: World) -> None:
        project, before, moment = world.landmarks.project, world.truth("Story"), world.moment
        world.hide(project)
        assert len(world.truth("Story")) < len(before)
        assert not any(row["Scope"] == project for row in world.truth("Story").values())
        world.show(project)
        assert (world.truth("Story"), world.moment) == (before, moment)

    def test_names_are_what_relations_show(self, world: World) -> None:
        story = make(world, Status=134)
        attributes = world.schema.attributes("Story")
        assert world.name(134, attributes["Status"]) == "In Progress"
        assert world.name(world.landmarks.project, attributes["Scope"]) == world.value(world.value(story, "Scope"), "Name")  # type: ignore[arg-type]
        conversation = world.ids("Conversation")[0]
        assert world.name(conversation, world.schema.attributes("Expression")["BelongsTo"]) is None


class TestSwitches:
    def test_equal_stamps_have_whole_seconds(self, world: World, clock: ManualClock) -> None:
        world.switches = Switches(equal_stamps=True)
        clock.advance(0.4)
        first = make(world)
        clock.advance(0.4)
        assert world.value(first, "ChangeDateUTC") == world.value(make(world), "ChangeDateUTC")

    def test_a_replica_shows_an_older_moment(self, world: World, clock: ManualClock) -> None:
        assert world.replica_moment() is None
        world.switches = Switches(replica_lag_seconds=5)
        clock.advance(60)
        story = make(world)
        at = world.replica_moment()
        assert at == world.moment - 1
        assert story not in world.ids("Story", at=at)
        clock.advance(6)
        assert world.replica_moment() == world.moment

    def test_the_servers_clock_may_be_off_and_set_back(self, world: World, clock: ManualClock) -> None:
        story = make(world)
        world.switches = Switches(clock_offset_seconds=-37)
        moment = world.update(story, {})
        assert world.value(story, "ChangeDateUTC") == clock.now() - timedelta(seconds=37)
        assert world.moment_at(clock.now() - timedelta(seconds=37)) == moment
        assert world.moment_at(clock.now()) == moment

    def test_localised_names_are_plain_text(self, world: World) -> None:
        assert world.value(4, "Name") == "Role.Name'Team Lead"
        world.switches = Switches(localised_names=True)
        assert world.value(4, "Name") == "Team Lead"

    def test_profiles_answer_as_the_contract_says(self) -> None:
        assert Switches.profile("classic") == Switches.profile("strict") == Switches()
        assert Switches.profile("2022").total == "asked"
        assert Switches.profile("strict26").asset_state_filter == "strict26"
        assert Switches.profile("sso").auth == "bearer_only"
        assert not Switches.profile("hostile").moment_filter
        with pytest.raises(ValueError, match="unknown profile 'kind'"):
            Switches.profile("kind")
        with pytest.raises(ValueError, match="unknown switch 'colour'"):
            Switches().with_changes({"colour": 1})


def test_bodies_are_kept_by_version(world: World) -> None:
    values_ = {"Name": "a", "Asset": world.ids("Story")[0], "Filename": "a.txt", "ContentType": "text/plain", "Content": ""}
    attachment = world.create("Attachment", values_)
    first = world.set_blob(attachment, b"\x00one")
    second = world.set_blob(attachment, b"two")
    assert (world.blob(attachment, at=first), world.blob(attachment)) == (b"\x00one", b"two")
    assert second == world.value(attachment, "Moment") == first + 1
    assert refusal(world.set_blob, world.ids("Story")[0], b"x")[0] == 404
    image = world.create("EmbeddedImage", {"Asset": world.ids("Story")[0], "ContentType": "image/png", "Content": ""})
    world.set_blob(image, b"abc")
    assert world.value(image, "ContentHash") == "a9993e364706816aba3e25717850c26c9cd0d89d"


def test_the_root_project_and_the_first_member_are_never_purged(world: World) -> None:
    for asset in (0, 20):
        with pytest.raises(ValueError, match="never purged"):
            world.purge(asset)
