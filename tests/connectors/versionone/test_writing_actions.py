"""Deleting, operating and ranking (versionone.md §5.2, §6.2, §6.3)."""

from __future__ import annotations

import pytest

from mirror.errors import RefusedError, RetryableError
from mirror.model.change import Action
from mirror.model.page import Fate
from mirror.model.write import Place, Target, Write
from tests.support.versionone_desk import Desk


def operating(desk: Desk, type_name: str, record_id: int, operation: str, **arguments: str) -> Write:
    """Return an OPERATE."""
    return desk.write(Action.OPERATE, type_name, record_id, operation=operation, arguments=arguments, since=desk.now())


# Deleting


def test_a_deleted_record_is_deleted_there(desk: Desk) -> None:
    story = desk.open_story()
    desk.done(desk.write(Action.DELETE, "Story", story))
    assert desk.connector.fate(desk.layouts["Story"].type, story) is Fate.DELETED


def test_an_epic_with_children_is_not_deleted_and_the_server_says_why(desk: Desk) -> None:
    epic = desk.world.ids("Epic")[0]
    desk.world.update(desk.open_story(), {"Super": epic})
    error = desk.refusal(desk.write(Action.DELETE, "Epic", epic))
    assert isinstance(error, RefusedError)
    assert str(error) == "Violation'Invalid'Epic.Delete"


# Operating


def test_closing_a_story_and_opening_it_again_takes_effect_and_is_seen(desk: Desk) -> None:
    story = desk.open_story()
    close = operating(desk, "Story", story, "QuickClose")
    assert desk.connector.took_effect(close) is False
    desk.done(close)
    assert desk.connector.took_effect(close) is True
    assert desk.world.value(story, "IsClosed") is True
    again = operating(desk, "Story", story, "Reactivate")
    assert desk.connector.took_effect(again) is False
    desk.done(again)
    assert desk.connector.took_effect(again) is True
    # It was closed all the same, which its history tells.
    assert desk.connector.took_effect(close) is True


@pytest.mark.parametrize(("operation", "code"), [("Close", 128), ("MakeFuture", 0), ("Activate", 64)])
def test_the_states_of_a_sprint_are_set(desk: Desk, operation: str, code: int) -> None:
    sprint = next(each for each in desk.world.ids("Timebox") if desk.world.value(each, "AssetState") != code)
    write = operating(desk, "Timebox", sprint, operation)
    assert desk.connector.took_effect(write) is False
    desk.done(write)
    assert desk.world.value(sprint, "AssetState") == code
    assert desk.connector.took_effect(write) is True


def test_an_undeleted_record_is_back(desk: Desk) -> None:
    story = desk.open_story()
    write = operating(desk, "Story", story, "Undelete")
    desk.world.operate(story, "Delete")
    assert desk.connector.took_effect(write) is False
    desk.done(write)
    assert desk.connector.took_effect(write) is True
    assert story in desk.world.ids("Story")


def test_a_copy_is_named_in_words_and_nobody_can_tell_afterwards_whether_it_was_made(desk: Desk) -> None:
    story = desk.open_story()
    write = operating(desk, "Story", story, "Copy")
    (receipt,) = desk.done(write)
    copy = max(desk.world.ids("Story"))
    assert receipt.record_id == story
    assert receipt.words == (f"Copy made Story:{copy}",)
    assert desk.connector.took_effect(write) is None


def test_an_operation_that_the_state_forbids_is_refused(desk: Desk) -> None:
    story = desk.open_story()
    assert str(desk.refusal(operating(desk, "Story", story, "Reactivate"))) == "Violation'Invalid'Story.Reactivate"


def test_an_operation_that_the_type_does_not_have_is_not_sent(desk: Desk) -> None:
    story = desk.open_story()
    write = operating(desk, "Story", story, "Explode")
    desk.tracker.requests.clear()
    assert isinstance(desk.refusal(write), RefusedError)
    assert not desk.tracker.requests.select(method="POST", path="Data")


def test_arguments_go_through_api_asset_and_need_it(desk: Desk) -> None:
    project, member = desk.world.landmarks.project, desk.world.ids("Member")[-1]
    role = desk.world.ids("Role")[0]
    arguments = {"Member": f"Member:{member}", "Role": f"Role:{role}"}
    write = operating(desk, "Scope", project, "AssignMemberWithRole", **arguments)
    if desk.tracker.switches.bulk:
        desk.done(write)
        assert member in desk.world.value(project, "Members")  # type: ignore[operator]
        assert desk.connector.calls(write) == (
            f'POST api/asset Scope:{project} execute AssignMemberWithRole Member="Member:{member}" Role="Role:{role}"',
        )
    else:
        assert "api/asset" in str(desk.refusal(write))


def test_an_operation_whose_answer_was_lost_is_found_done(desk: Desk) -> None:
    story = desk.open_story()
    write = operating(desk, "Story", story, "QuickClose")
    desk.lose_answer("op=QuickClose")
    error = desk.refusal(write)
    assert isinstance(error, RetryableError)
    assert not error.is_unsent
    assert desk.connector.took_effect(write) is True


# Ranking


def _order(desk: Desk, ids: list[int]) -> list[int]:
    return sorted(ids, key=lambda each: int(str(desk.world.value(each, "Order"))))


def test_a_record_goes_above_and_below_another(desk: Desk) -> None:
    project = desk.world.landmarks.project
    made = [desk.world.create("Story", {"Name": f"s{at}", "Scope": project}) for at in range(4)]
    first, second, third, fourth = made
    above = desk.write(Action.RANK, "Story", fourth, place=Place.ABOVE, other=Target("Story", second), since=desk.now())
    assert desk.connector.took_effect(above) is False
    desk.done(above)
    assert _order(desk, made) == [first, fourth, second, third]
    assert desk.connector.took_effect(above) is True
    desk.done(desk.write(Action.RANK, "Story", first, place=Place.BELOW, other=Target("", third)))
    assert _order(desk, made) == [fourth, second, third, first]


@pytest.mark.parametrize(("place", "at"), [(Place.TOP, 0), (Place.BOTTOM, -1)])
def test_a_record_goes_to_an_end_of_the_list_of_its_project(desk: Desk, place: Place, at: int) -> None:
    project = desk.world.landmarks.project
    made = [desk.world.create("Story", {"Name": f"s{at}", "Scope": project}) for at in range(3)]
    listed = [each for each in desk.world.ids("PrimaryWorkitem") if desk.world.value(each, "Scope") == project]
    write = desk.write(Action.RANK, "Story", made[1], place=place)
    desk.done(write)
    assert _order(desk, listed)[at] == made[1]
    again = desk.write(Action.RANK, "Story", made[1], place=place)
    desk.tracker.requests.clear()
    (receipt,) = desk.done(again)
    assert receipt.words
    assert not desk.tracker.requests.select(method="POST", path="Data")


def test_a_task_goes_to_the_top_of_those_of_its_parent(desk: Desk) -> None:
    story = desk.open_story()
    made = [desk.world.create("Task", {"Name": f"t{at}", "Parent": story}) for at in range(3)]
    desk.done(desk.write(Action.RANK, "Task", made[2], place=Place.TOP))
    siblings = [each for each in desk.world.ids("Workitem") if desk.world.value(each, "Parent") == story]
    assert _order(desk, siblings)[0] == made[2]


def test_a_record_is_not_ranked_beside_one_that_is_gone(desk: Desk) -> None:
    story, other = desk.world.ids("Story")[:2]
    write = desk.write(Action.RANK, "Story", story, place=Place.ABOVE, other=Target("Story", other))
    desk.world.operate(other, "Delete")
    assert f"Story:{other}" in str(desk.refusal(write))


def test_the_catalog_says_what_can_be_done_to_which_type(desk: Desk) -> None:
    story, actual, role = (desk.layouts[name].type for name in ("Story", "Actual", "Role"))
    assert set(story.actions) == {"create", "delete", "comment", "attach", "rank"}
    assert {"QuickClose", "Reactivate", "Undelete", "Copy"} <= set(story.operations)
    assert "Delete" not in story.operations
    assert (actual.actions, actual.operations) == (("create",), ())
    assert (role.actions, role.operations) == ((), ())
    assert "create" not in desk.layouts["Attachment"].type.actions  # its body comes from `attach`
