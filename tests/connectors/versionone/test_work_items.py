"""How workitems, requests and issues show in the view `work_item` (versionone.md §6.3, §7.2)."""

from __future__ import annotations

from typing import Any

import pytest

from mirror.store.store import Store
from tests.support.stages.versionone import TheStage
from tests.support.versionone import connector_to

FUTURE, IN_PROGRESS, DONE, ACCEPTED = 133, 134, 135, 137
TASK_COMPLETED = 125


def shown(store: Store, type_name: str) -> dict[int, dict[str, Any]]:
    """Return the view's rows of one type by id."""
    with store.read(f"SELECT * FROM work_item WHERE type = '{type_name}'") as result:
        rows = [dict(zip(result.columns, row, strict=True)) for row in result.rows]
    return {row["id"]: row for row in rows}


def test_every_kind_of_work_is_in_the_view_and_nothing_else(stage: TheStage) -> None:
    catalog = connector_to(stage.tracker).discover(None)
    assert catalog is not None
    work = {name for name, each in catalog.types.items() if each.work_item is not None}
    assert work == {"Story", "Defect", "TestSet", "Epic", "Theme", "Task", "Test", "Request", "Issue"}


def test_a_story_and_its_task_show_with_people_places_and_numbers(stage: TheStage, store: Store) -> None:
    world = stage.world
    members = [world.create("Member", {"Name": f"M{each}", "Nickname": f"m{each}", "DefaultRole": 1}) for each in "ab"]
    timebox = stage.ids("Timebox")[0]
    epic = world.create("Epic", {"Name": "above", "Scope": world.landmarks.project})
    story = stage.create()
    world.update(story, {"Owners": list(members), "Timebox": timebox, "Super": epic, "Estimate": 5, "Status": IN_PROGRESS})
    task = world.create("Task", {"Name": "part", "Parent": story, "DetailEstimate": 3})
    stage.sync(store)
    row = shown(store, "Story")[story]
    assert (row["key"], row["title"]) == (world.value(story, "Number"), "made by a test")
    assert (row["state"], row["state_category"]) == (world.value(IN_PROGRESS, "Name"), "doing")
    assert row["owner"] == "Ma, Mb"
    assert row["iteration"] == world.value(timebox, "Name")
    assert (float(row["estimate"]), row["parent_key"]) == (5.0, world.value(epic, "Number"))
    assert row["url"] == f"{stage.url}/assetdetail.v1?oid=Story%3A{story}"
    part = shown(store, "Task")[task]
    assert (part["parent_key"], float(part["estimate"])) == (row["key"], 3.0)
    assert part["iteration"] == row["iteration"]


@pytest.mark.parametrize(
    ("status", "category"),
    [(None, "todo"), (FUTURE, "todo"), (IN_PROGRESS, "doing"), (DONE, "done"), (ACCEPTED, "done")],
)
def test_the_status_decides_while_a_story_is_open(stage: TheStage, store: Store, status: int | None, category: str) -> None:
    story = stage.create()
    stage.world.update(story, {"Status": status})
    stage.sync(store, types=("Story", "StoryStatus"))
    assert shown(store, "Story")[story]["state_category"] == category


def test_closing_decides_before_the_status_and_templates_are_no_work(stage: TheStage, store: Store) -> None:
    world = stage.world
    closed, origin = stage.create(), stage.create()
    world.update(closed, {"Status": FUTURE})
    world.operate(closed, "QuickClose")
    template = world.operate(origin, "MakeTemplate")
    task = world.create("Task", {"Name": "done", "Parent": origin, "Status": TASK_COMPLETED})
    issue = world.create("Issue", {"Name": "open", "Scope": world.landmarks.project})
    stage.sync(store, types=("Story", "Task", "Issue"))
    stories = shown(store, "Story")
    assert stories[closed]["state_category"] == "done"
    assert origin in stories
    assert template not in stories
    assert shown(store, "Task")[task]["state_category"] == "done"
    assert shown(store, "Issue")[issue]["state_category"] == "todo"
