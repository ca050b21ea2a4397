"""Operations have the effects, and the refusals, that the contract states."""

from __future__ import annotations

import pytest

from mirror.simulators import ManualClock
from mirror.simulators.versionone.seed import build_world
from mirror.simulators.versionone.switches import Switches
from mirror.simulators.versionone.world import World
from tests.simulators.versionone.worlds import make, refusal, values


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def world(clock: ManualClock) -> World:
    return build_world(120, 4, clock)


class TestOperations:
    def test_closing_closes_tasks_and_tests_and_empties_to_do(self, world: World) -> None:
        story = make(world, ToDo=5)
        task, test = make(world, "Task", Parent=story, ToDo="2.5"), make(world, "Test", Parent=story)
        world.operate(story, "QuickClose")
        assert [values(world, each, "IsClosed", "AssetState") for each in (story, task, test)] == [(True, 128)] * 3
        assert values(world, story, "ToDo") == values(world, task, "ToDo") == (0,)
        assert len({world.value(each, "Moment") for each in (story, task, test)}) == 1
        assert world.value(story, "ChangeReason") == "QuickClose"
        assert world.value(story, "ClosedDateUTC") == world.value(story, "ChangeDateUTC")
        assert values(world, story, "CheckQuickClose", "CheckReactivate") == (False, True)

    def test_reactivating_opens_only_the_one(self, world: World) -> None:
        story = make(world)
        task = make(world, "Task", Parent=story)
        world.operate(story, "Inactivate")
        world.operate(story, "Reactivate")
        assert values(world, story, "IsClosed", "ClosedDateUTC", "RetireDateUTC") == (False, None, None)
        assert world.value(task, "IsClosed") is True

    def test_deleting_takes_tasks_tests_attachments_and_links_along_and_undelete_brings_back_the_one(
        self, world: World
    ) -> None:
        story = make(world)
        task, link = make(world, "Task", Parent=story), make(world, "Link", Asset=story)
        effort = world.create("Actual", {"Workitem": task, "Member": 20, "Date": "2025-01-31", "Value": 1})
        number = world.value(story, "Number")
        world.operate(story, "Inactivate")
        world.operate(story, "Delete")
        assert all(values(world, each, "IsDeleted") == (True,) for each in (story, task, link))
        assert effort in world.ids("Actual")
        assert story not in world.ids("Story") and story in world.ids("Story", deleted=True)
        world.operate(story, "Undelete")
        assert values(world, story, "AssetState", "Number") == (128, number)
        assert values(world, task, "IsDeleted") == (True,)

    def test_a_deleted_asset_cannot_be_reached_but_for_undelete_and_bulk(self, world: World) -> None:
        story = make(world)
        world.operate(story, "Delete")
        assert refusal(world.update, story, {"Name": "x"})[0] == 404
        assert refusal(world.operate, story, "QuickClose")[0] == 404
        world.update(story, {"Name": "x"}, allow_deleted=True)
        world.operate(story, "Undelete")
        assert refusal(world.operate, story, "Undelete") == (400, "Violation'Invalid'Story.Undelete")

    def test_an_epic_with_children_cannot_be_deleted(self, world: World) -> None:
        epic = make(world, "Epic")
        story = make(world, Super=epic)
        assert world.value(epic, "IsDeletable") is False
        assert refusal(world.operate, epic, "Delete") == (400, "Violation'Invalid'Epic.Delete")
        world.operate(story, "Delete")
        assert world.value(epic, "IsDeletable") is True
        world.operate(epic, "Delete")

    def test_unknown_operations_are_named(self, world: World) -> None:
        assert refusal(world.operate, 0, "X") == (400, "Unknown Operation 'Scope.X'")
        effort = world.ids("Actual")[0]
        assert refusal(world.operate, effort, "Undelete") == (400, "Unknown Operation 'Actual.Undelete'")

    def test_sprints_change_state_and_relation_together(self, world: World) -> None:
        sprint = world.ids("Timebox")[-1]
        for operation, expected in (("Activate", (64, 101)), ("Close", (128, 102)), ("MakeFuture", (0, 100))):
            world.operate(sprint, operation)
            assert values(world, sprint, "AssetState", "State") == expected

    def test_a_template_is_a_dead_copy_with_children_and_a_number_of_its_own(self, world: World) -> None:
        story = make(world, Owners=[20])
        make(world, "Task", Parent=story)
        copy = world.operate(story, "MakeTemplate")
        assert values(world, copy, "AssetState", "IsDead", "Name", "Owners") == (200, True, "n", [20])
        assert world.value(copy, "Number") != world.value(story, "Number")
        children = world.value(copy, "Children")
        assert isinstance(children, list)
        assert [world.value(each, "AssetState") for each in children] == [200]
        shallow = world.operate(story, "ShallowCopy")
        assert world.value(shallow, "Children") == []

    def test_splitting_moves_open_tasks_and_remembers_the_origin(self, world: World) -> None:
        story = make(world)
        done, left = make(world, "Task", Parent=story), make(world, "Task", Parent=story)
        world.operate(done, "QuickClose")
        second = world.operate(story, "Split")
        assert values(world, story, "Children", "SplitTo") == ([done], [second])
        assert values(world, second, "Children", "SplitFrom", "SplitFromAndUp") == ([left], story, [story])

    def test_a_story_turned_into_an_epic_is_broken_down(self, world: World) -> None:
        story = make(world)
        epic = world.operate(story, "StoryToEpic")
        assert values(world, story, "AssetState", "MorphedInto") == (208, [epic])
        assert world.type_of(epic) == "Epic"
        assert world.operate(story, "EpicToStory") == story
        assert world.value(story, "AssetState") == 64
        assert refusal(world.operate, story, "GenerateSubStory")[0] == 400
        below = world.operate(epic, "GenerateSubStory")
        assert values(world, below, "Super", "Name") == (epic, "n")

    def test_signing_up_makes_the_caller_an_owner(self, world: World) -> None:
        story, member = make(world), world.landmarks.limited
        world.operate(story, "QuickSignup", by=member)
        assert world.value(story, "Owners") == [member]

    def test_tests_of_a_suite_are_copied_into_a_test_set(self, world: World) -> None:
        test = world.ids("RegressionTest")[0]
        suite = world.ids("RegressionSuite")[0]
        world.update(suite, {"RegressionTests": [test]})
        test_set = make(world, "TestSet", RegressionSuite=suite)
        world.operate(test_set, "CopyAcceptanceTestsFromRegressionSuite")
        made = world.value(test_set, "Children")
        assert isinstance(made, list)
        assert [values(world, each, "GeneratedFrom", "Scope") for each in made] == [(test, world.landmarks.project)]

    def test_roles_are_given_with_arguments(self, world: World) -> None:
        member = make(world, "Member")
        assert refusal(world.operate, world.landmarks.project, "AssignMemberWithRole")[0] == 400
        arguments = {"Member": f"Member:{member}", "Role": "Role:3"}
        world.operate(world.landmarks.project, "AssignMemberWithRole", arguments=arguments)
        assert world.value(member, "Scopes") == [world.landmarks.project]
        assert len(world.value(member, "Grants") or []) == 1  # type: ignore[arg-type]

    def test_sent_messages_arrive_at_every_recipient(self, world: World) -> None:
        message = world.create("Message", {"Name": "m", "Recipients": [20, world.landmarks.limited]})
        world.operate(message, "Send")
        receipts = world.value(message, "Receipts")
        assert isinstance(receipts, list) and len(receipts) == 2
        world.operate(receipts[0], "MarkAsRead")
        assert values(world, receipts[0], "IsRead", "IsArchived") == (True, False)

    def test_deleting_moves_referrers_only_by_the_switch(self, world: World) -> None:
        goal, other = make(world, "Goal"), make(world, "Goal")
        story = make(world, Goals=[goal, other])
        moment = world.value(story, "Moment")
        world.operate(goal, "Delete")
        assert values(world, story, "Moment", "Goals") == (moment, [goal, other])
        world.switches = Switches(relations_keep_deleted=False, delete_moves_referrers=True)
        assert world.value(story, "Goals") == [other]
        world.operate(other, "Delete")
        assert values(world, story, "Moment", "Goals") == (world.moment, [])

    def test_undeleting_may_leave_the_moment_alone(self, world: World) -> None:
        story = make(world)
        world.operate(story, "Delete")
        moment = world.value(story, "Moment")
        world.switches = Switches(undelete_moves_moment=False)
        world.operate(story, "Undelete")
        assert values(world, story, "IsDeleted", "Moment") == (False, moment)
