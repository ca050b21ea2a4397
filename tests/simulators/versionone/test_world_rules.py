"""Creating and updating have the effects, and the refusals, that the contract states."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from mirror.simulators import ManualClock
from mirror.simulators.versionone.seed import build_world
from mirror.simulators.versionone.switches import Switches
from mirror.simulators.versionone.world import Changed, RefusedError, World
from tests.simulators.versionone.worlds import make, refusal, values


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def world(clock: ManualClock) -> World:
    return build_world(120, 4, clock)


class TestCreating:
    def test_a_new_asset_has_number_rank_state_stamps_and_one_moment(self, world: World, clock: ManualClock) -> None:
        last, moment = max(world.ids("BaseAsset", deleted=None)), world.moment
        first, second = make(world), make(world)
        assert (first, second) == (first, first + 1) and first > last
        assert values(world, first, "AssetState", "CreatedBy", "ChangedBy") == (64, 20, 20)
        assert world.value(first, "CreateDateUTC") == world.value(first, "ChangeDateUTC") == clock.now()
        assert values(world, first, "Moment") == (moment + 1,)
        assert world.moments(second) == [moment + 2]
        one, two = (str(world.value(each, "Number")) for each in (first, second))
        assert one.startswith("S-") and int(two[2:]) == int(one[2:]) + 1
        orders = [world.value(each, "Order") for each in world.ids("Workitem")]
        assert max(orders) == world.value(second, "Order")  # type: ignore[type-var]

    def test_required_attributes_are_asked_for_unless_lenient(self, world: World) -> None:
        assert refusal(world.create, "Story", {"Scope": 0}) == (400, "Violation'Required'Story.Name")
        assert refusal(world.create, "Story", {"Scope": 0, "Name": ""}) == (400, "Violation'Required'Story.Name")
        assert refusal(world.create, "Task", {"Name": "t"})[1] == "Violation'Required'Task.Parent"
        nameless = world.create("Story", {"Scope": 0}, lenient=True)
        assert world.value(nameless, "Name") is None

    def test_a_conversation_needs_nothing_and_an_expression_its_conversation(self, world: World, clock: ManualClock) -> None:
        conversation = world.create("Conversation", {})
        assert refusal(world.create, "Expression", {"Content": "hi"})[1] == "Violation'Required'Expression.BelongsTo"
        first = world.create("Expression", {"BelongsTo": conversation, "Content": "hi"})
        reply = world.create("Expression", {"BelongsTo": conversation, "InReplyTo": first})
        assert values(world, first, "Author", "AuthoredAt", "IsTopic") == (20, clock.now(), True)
        assert world.value(reply, "IsTopic") is False
        assert world.value(conversation, "ContainedExpressions") == [first, reply]
        assert world.value(first, "Replies") == [reply]

    def test_a_task_takes_project_sprint_team_and_portfolio_item_from_its_parent(self, world: World) -> None:
        story = make(world, Timebox=world.ids("Timebox")[0], Team=world.ids("Team")[0], Super=world.ids("Epic")[0])
        task = make(world, "Task", Parent=story)
        names = ("Scope", "Timebox", "Team", "Super")
        assert values(world, task, *names) == values(world, story, *names)
        assert task in (world.value(story, "Children") or [])  # type: ignore[operator]

    def test_effort_takes_its_place_from_the_workitem(self, world: World) -> None:
        story = make(world, Timebox=world.ids("Timebox")[0])
        effort = world.create("Actual", {"Workitem": story, "Member": 20, "Date": "2025-01-31", "Value": "1.5"})
        assert values(world, effort, "Scope", "Timebox", "Date", "Value") == (
            world.landmarks.project,
            world.ids("Timebox")[0],
            date(2025, 1, 31),
            Decimal("1.5"),
        )
        assert world.value(story, "Actuals") == [effort]

    def test_a_sprint_begins_in_the_future(self, world: World) -> None:
        dates = {"BeginDate": "2025-07-01", "EndDate": "2025-07-15"}
        sprint = world.create("Timebox", {"Name": "s", "Schedule": world.ids("Schedule")[0], **dates})
        assert values(world, sprint, "State", "AssetState") == (100, 0)
        running = world.create("Timebox", {"Name": "s", "Schedule": world.ids("Schedule")[0], "State": "State:101", **dates})
        assert world.value(running, "AssetState") == 64

    @pytest.mark.parametrize(
        ("type_name", "status", "message"),
        [
            ("Animal", 404, "Unknown AssetType: Animal"),
            ("Workitem", 405, "AssetType cannot be created: Workitem"),
            ("Role", 405, "AssetType cannot be created: Role"),
            ("AttributeDefinition", 405, "AssetType cannot be created: AttributeDefinition"),
        ],
    )
    def test_only_concrete_types_of_users_can_be_created(
        self, world: World, type_name: str, status: int, message: str
    ) -> None:
        assert refusal(world.create, type_name, {}) == (status, message)

    def test_a_template_suggests_defaults_and_the_context(self, world: World) -> None:
        story = world.ids("Story")[0]
        assert world.template("Task", story)["Parent"] == story
        assert world.template("Story", world.landmarks.project)["Scope"] == world.landmarks.project
        assert world.template("Timebox")["State"] == 100
        assert "Name" not in world.template("Story")


class TestUpdating:
    def test_a_save_that_changes_nothing_makes_a_version(self, world: World) -> None:
        story = make(world)
        moment, saves = world.moment, world.no_op_saves
        assert world.update(story, {"Name": "n"}, comment="again") == moment + 1
        assert world.update(story, {}) == moment + 2
        assert world.moments(story) == [moment, moment + 1, moment + 2]
        assert world.no_op_saves == saves + 2
        assert world.value(story, "ChangeComment", at=moment + 1) == "again"

    def test_old_versions_stay_as_they_were(self, world: World, clock: ManualClock) -> None:
        story, before = make(world, Estimate=1, Owners=[20]), world.moment
        clock.advance(60)
        world.update(story, {"Estimate": 2, "Owners": Changed(remove=(20,)), "Name": "new"}, by=world.landmarks.limited)
        assert values(world, story, "Estimate", "Owners", "Name", "ChangedBy", at=before) == (1, [20], "n", 20)
        assert values(world, story, "Estimate", "Owners", "Name", "ChangedBy") == (2, [], "new", world.landmarks.limited)
        assert story in world.value(20, "OwnedWorkitems", at=before)  # type: ignore[operator]
        assert story not in world.value(20, "OwnedWorkitems")  # type: ignore[operator]
        assert world.moment_at(clock.now()) == world.moment
        assert world.moment_at(clock.now() - timedelta(seconds=1)) == before
        assert not world.exists(story, at=before - 1)
        assert world.value(story, "Name", at=before - 1) is None
        assert values(world, story, "MyLastChangeMoment", viewer=20) == (before,)

    @pytest.mark.parametrize(
        ("changes", "message"),
        [
            ({"Colour": "red"}, "Unknown AttributeDefinition: Story.Colour"),
            ({"Number": "S-1"}, "Violation'ReadOnly'Story.Number"),
            ({"AssetState": 255}, "Violation'ReadOnly'Story.AssetState"),
            ({"Children": Changed(add=(20,))}, "Violation'ReadOnly'Story.Children"),
            ({"Estimate": "many"}, "Violation'Invalid'Story.Estimate"),
            ({"Estimate": "Infinity"}, "Violation'Invalid'Story.Estimate"),
            ({"Estimate": "1_000"}, "Violation'Invalid'Story.Estimate"),
            ({"Estimate": "1e400"}, "Violation'Invalid'Story.Estimate"),
            ({"Custom_Votes": "18446744073709551616"}, "Violation'Invalid'Story.Custom_Votes"),
            ({"Custom_Votes": "1.5"}, "Violation'Invalid'Story.Custom_Votes"),
            ({"Super": "Story:20"}, "Violation'Invalid'Story.Super"),
            ({"Super": 20}, "Violation'Invalid'Story.Super"),
            ({"Super": 999_999}, "Violation'Invalid'Story.Super"),
            ({"Super": "twenty"}, "Invalid OID token: twenty"),
            ({"Status": "TaskStatus:134"}, "Violation'Invalid'Story.Status"),
            ({"Name": "x" * 4001}, "Violation'Invalid'Story.Name"),
            ({"Scope": None}, "Violation'Required'Story.Scope"),
            ({"Estimate": Changed(add=(1,))}, "Violation'Invalid'Story.Estimate"),
            ({"Order": "first"}, "Violation'Invalid'Story.Order"),
            ({"Custom_LeadTime": "soon"}, "Violation'Invalid'Story.Custom_LeadTime"),
            ({"Custom_PromisedDate": "tomorrow"}, "Violation'Invalid'Story.Custom_PromisedDate"),
            ({"Custom_Compliance": "maybe"}, "Violation'Invalid'Story.Custom_Compliance"),
            ({"Custom_Sketch": "###"}, "Violation'Invalid'Story.Custom_Sketch"),
        ],
    )
    def test_bad_writes_are_refused_as_a_whole(self, world: World, changes: Mapping[str, Any], message: str) -> None:
        story = make(world)
        moment = world.moment
        assert refusal(world.update, story, {"Reference": "kept out", **changes}) == (400, message)
        assert world.moment == moment
        assert world.value(story, "Reference") is None

    @pytest.mark.parametrize(
        ("name", "text", "value"),
        [
            ("Estimate", "2.50", Decimal("2.50")),
            ("Estimate", " 1e2 ", Decimal(100)),
            ("Estimate", "", None),
            ("Reference", "", ""),
            ("Reference", None, None),
            ("Custom_Compliance", "True", True),
            ("Custom_Votes", "4611686018427387904", 2**62),
            ("Custom_PromisedDate", "2016-06-19T23:30:00", date(2016, 6, 19)),
            ("Custom_ReviewedAt", "2012-05-14T23:45:14.1249", datetime(2012, 5, 14, 23, 45, 14, 124000, UTC)),
            ("Custom_ReviewedAt", "2017-09-06T15:06:26.7530000Z", datetime(2017, 9, 6, 15, 6, 26, 753000, UTC)),
            ("Custom_ReviewedAt", "06/19/2016 12:30:00", datetime(2016, 6, 19, 12, 30, tzinfo=UTC)),
            ("Custom_Sketch", "AAEC", b"\x00\x01\x02"),
            ("Status", "StoryStatus:134", 134),
            ("Status", "StoryStatus:134:77", 134),
            ("Status", "NULL", None),
            ("Custom_Secret", "word", None),
        ],
    )
    def test_wire_text_becomes_a_typed_value(self, world: World, name: str, text: str | None, value: Any) -> None:
        story = make(world)
        world.update(story, {name: text})
        assert world.value(story, name) == value

    def test_dates_other_than_utc_are_read_in_the_users_zone(self, world: World) -> None:
        world.switches = Switches(user_zone_offset_minutes=120)
        story = make(world, Custom_ReviewedAt="2016-06-19T01:00:00")
        assert world.value(story, "Custom_ReviewedAt") == datetime(2016, 6, 18, 23, tzinfo=UTC)

    def test_several_plain_values_are_added_and_removed(self, world: World) -> None:
        story = make(world, TaggedWith=["a", "Story:5"], Ideas=[7])
        world.update(story, {"TaggedWith": Changed(add=("b", "a"), remove=("Story:5",)), "Ideas": Changed(remove=("7",))})
        assert values(world, story, "TaggedWith", "Ideas") == (["a", "b"], [])

    def test_a_bare_list_replaces_what_there_was(self, world: World) -> None:
        first, second = world.ids("Member")[:2]
        story = make(world, Owners=[first])
        world.update(story, {"Owners": [second, f"Member:{second}"]})
        assert world.value(story, "Owners") == [second]
        world.update(second, {"OwnedWorkitems": []})
        assert world.value(story, "Owners") == []

    def test_a_relation_cannot_be_made_a_loop(self, world: World) -> None:
        top = make(world, "Epic")
        below = make(world, "Epic", Super=top)
        assert refusal(world.update, top, {"Super": below}) == (400, "Violation'Invalid'Epic.Super")
        assert refusal(world.update, top, {"Super": top}) == (400, "Violation'Invalid'Epic.Super")
        assert values(world, below, "SuperAndUp", "SuperMeAndUp") == ([top], [top, below])
        assert values(world, top, "SubsAndDown", "SubsMeAndDown") == ([below], [top, below])

    def test_ranks_move_beside_others_for_ever(self, world: World) -> None:
        first, second, third = make(world), make(world), make(world)
        for _ in range(80):
            world.update(third, {"Order": f"{world.value(first, 'Order')}+"})
            world.update(second, {"Order": f"{world.value(third, 'Order')}-"})
            orders = values(world, first, "Order") + values(world, second, "Order") + values(world, third, "Order")
            assert orders == tuple(sorted(orders)) and len(set(orders)) == 3

    def test_other_sides_of_many_to_one_are_reachable_in_bulk_only(self, world: World) -> None:
        epic, story = make(world, "Epic"), make(world)
        change = {"Subs": Changed(add=(f"Story:{story}",))}
        assert refusal(world.update, epic, change)[1] == "Violation'ReadOnly'Epic.Subs"
        world.update(epic, change, lenient=True)
        assert world.value(story, "Super") == epic
        world.update(epic, {"Subs": Changed(remove=(story,))}, lenient=True)
        assert world.value(story, "Super") is None

    def test_tasks_follow_their_parent_and_cannot_leave_alone(self, world: World) -> None:
        story = make(world)
        task = make(world, "Task", Parent=story)
        assert refusal(world.update, task, {"Scope": 0})[1] == "Violation'ReadOnly'Task.Scope"
        sprint = world.ids("Timebox")[0]
        moment = world.update(story, {"Scope": 0, "Timebox": sprint})
        assert values(world, task, "Scope", "Timebox", "Moment") == (0, sprint, moment)
        world.switches = Switches(following_moves_children=False)
        world.update(story, {"Timebox": None})
        assert values(world, task, "Timebox", "Moment") == (None, moment)

    @pytest.mark.parametrize(("switch", "moves"), [(True, True), (False, False)])
    def test_many_to_many_moves_the_far_end_as_the_switch_says(self, world: World, switch: bool, moves: bool) -> None:
        world.switches = Switches(many_to_many_moves_both_ends=switch)
        story, member = make(world), make(world, "Member")
        moment = world.update(story, {"Owners": Changed(add=(member,))})
        assert (world.value(member, "Moment") == moment) == moves
        moment = world.update(member, {"OwnedWorkitems": Changed(remove=(story,))})
        assert (world.value(story, "Moment") == moment) == moves
        assert world.value(member, "Moment") == moment

    def test_a_bulk_shares_one_moment_and_a_failing_call_spoils_only_itself(self, world: World) -> None:
        first, second, moment = make(world), make(world), world.moment
        with world.transaction(comment="bulk"):
            world.update(first, {"Name": "a"})
            with pytest.raises(RefusedError):
                world.create("Story", {"Scope": 0, "Name": "x", "Estimate": "y"})
            world.update(second, {"Name": "b"})
        assert world.moment == moment + 1
        assert values(world, first, "Name", "Moment", "ChangeComment") == ("a", moment + 1, "bulk")
        assert values(world, second, "Name", "Moment") == ("b", moment + 1)

    def test_a_bulk_that_breaks_leaves_nothing(self, world: World) -> None:
        story, moment = make(world), world.moment
        with pytest.raises(ZeroDivisionError), world.transaction():
            world.update(story, {"Name": "a", "Owners": [20]})
            world.operate(story, "Delete")
            raise ZeroDivisionError
        assert values(world, story, "Name", "Owners", "IsDeleted", "Moment") == ("n", [], False, moment)
        assert world.moment == moment
