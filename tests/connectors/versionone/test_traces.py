"""Changes that the records concerned have no new version of (versionone.md §6.4, §7.3, C14)."""

from __future__ import annotations

import pytest

from mirror.simulators.versionone.world import Changed
from mirror.store.store import Store
from tests.support.stage import rows_of
from tests.support.stages.versionone import TheStage


@pytest.fixture
def quiet(stage: TheStage) -> TheStage:
    """A server on which nothing has a version but what was written."""
    stage.switch(
        many_to_many_moves_both_ends=False,
        following_moves_children=False,
        relations_keep_deleted=False,
        undelete_moves_moment=False,
    )
    return stage


def expect_equal_after_sync(stage: TheStage, store: Store) -> None:
    """Sync and fail where a table differs."""
    assert stage.sync(store, allow_mass_delete=True).exit_code == 0
    assert stage.differences(store) == []


def test_a_link_that_was_changed_at_its_other_end_is_found_there(quiet: TheStage, store: Store) -> None:
    world = quiet.world
    issue, story = world.ids("Issue")[0], world.ids("Story")[0]
    quiet.sync(store)
    world.update(story, {"BlockingIssues": Changed(add=(issue,))})  # Issue.BlockedPrimaryWorkitems is what is stored
    expect_equal_after_sync(quiet, store)
    world.update(story, {"BlockingIssues": Changed(remove=(issue,))})
    expect_equal_after_sync(quiet, store)


def test_tasks_follow_their_story_to_another_project(quiet: TheStage, store: Store) -> None:
    world = quiet.world
    task = world.ids("Task")[0]
    story = world.value(task, "Parent")
    quiet.sync(store)
    assert isinstance(story, int)
    scope = next(each for each in world.ids("Scope") if each != world.value(story, "Scope"))
    world.update(story, {"Scope": scope})
    moment = rows_of(store, "Task")[task]["_revision"].split()[0]
    assert moment == str(world.value(task, "Moment"))
    expect_equal_after_sync(quiet, store)
    assert rows_of(store, "Task")[task]["scope_id"] == scope


def test_a_reference_comes_back_with_a_record_that_was_undeleted(quiet: TheStage, store: Store) -> None:
    world = quiet.world
    theme = world.create("Theme", {"Name": "goes and comes", "Scope": world.landmarks.project})
    story = quiet.create()
    world.update(story, {"Parent": theme})
    quiet.sync(store)
    world.operate(theme, "Delete")
    quiet.edit(story)  # so the story is read again before the theme is known to be gone
    expect_equal_after_sync(quiet, store)
    assert rows_of(store, "Story")[story]["parent_id"] is None
    world.operate(theme, "Undelete")
    expect_equal_after_sync(quiet, store)
    assert rows_of(store, "Story")[story]["parent_id"] == theme


def test_a_reference_comes_back_between_records_that_were_hidden_together_and_shown_one_after_the_other(
    quiet: TheStage, store: Store
) -> None:
    world = quiet.world
    first, second = world.create("Scope", _scope("first")), world.create("Scope", _scope("second"))
    epic = world.create("Epic", {"Name": "in one project", "Scope": first})
    story = world.create("Story", {"Name": "in another", "Scope": second, "Super": epic})
    quiet.sync(store)
    world.hide(first)
    world.hide(second)
    expect_equal_after_sync(quiet, store)
    world.show(second)
    expect_equal_after_sync(quiet, store)
    world.show(first)
    expect_equal_after_sync(quiet, store)
    assert rows_of(store, "Story")[story]["super_id"] == epic


def _scope(name: str) -> dict[str, object]:
    return {"Name": name, "Parent": 0, "BeginDate": "2026-01-01"}


def test_templates_closed_and_broken_down_records_can_be_told_apart(stage: TheStage, store: Store) -> None:
    world = stage.world
    open_one, closed, broken = stage.create("a"), stage.create("b"), stage.create("c")
    world.operate(closed, "QuickClose")
    template = world.operate(open_one, "MakeTemplate")
    world.operate(broken, "StoryToEpic")
    expect_equal_after_sync(stage, store)
    rows = rows_of(store, "Story")
    assert [(rows[each]["asset_state"], rows[each]["is_closed"], rows[each]["is_dead"]) for each in (open_one, closed)] == [
        (64, 0, 0),
        (128, 1, 0),
    ]
    assert [(rows[each]["asset_state"], rows[each]["is_dead"]) for each in (template, broken)] == [(200, 1), (208, 1)]
