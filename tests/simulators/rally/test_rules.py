"""What the tracker does by itself: derived fields, cascades, recycle bin, revisions, schema. rally.md §7, §9, §11."""

from __future__ import annotations

import re
from typing import Any

import pytest

from mirror.simulators import ManualClock
from mirror.simulators.rally import RallySimulator, RefusedError, Switches
from mirror.simulators.rally.world import World
from tests.simulators.rally.conftest import Client


def value(world: World, oid: int, name: str) -> Any:
    item = world.item(oid)
    return world.truth(item.type)[oid][name]


def story(world: World, **fields: Any) -> int:
    return world.create("HierarchicalRequirement", {"Name": "a story", **fields})


def texts(world: World, oid: int) -> list[str]:
    """Return the revision texts of an object, oldest first."""
    return [world.item(revision).values["Description"] for revision in world.item(oid).values["_Revisions"]]


# Roll-ups


def test_task_hours_roll_up_to_the_story_with_a_revision(world: World, clock: ManualClock) -> None:
    parent = story(world)
    task = world.create("Task", {"Name": "t", "WorkProduct": parent, "Estimate": 8, "ToDo": 8})
    version = world.item(parent).version
    clock.advance(10)
    world.update(task, {"ToDo": 3, "Actuals": 5})

    assert (value(world, parent, "TaskRemainingTotal"), value(world, parent, "TaskActualTotal")) == (3.0, 5.0)
    assert world.item(parent).version == version + 1
    assert value(world, parent, "LastUpdateDate") == "2025-06-02T12:00:10.000Z"
    assert texts(world, parent)[-1] == (
        "TASK ACTUAL TOTAL changed from [0.0] to [5.0], TASK REMAINING TOTAL changed from [8.0] to [3.0]"
    )


def test_iterations_add_up_their_work(world: World) -> None:
    project = world.landmarks.project
    fields = {"Name": "i", "StartDate": "2025-06-01", "EndDate": "2025-06-14", "Project": project}
    iteration = world.create("Iteration", fields)
    parent = story(world, Iteration=iteration, PlanEstimate=5)
    world.create("Task", {"Name": "t", "WorkProduct": parent, "Estimate": 8})

    assert (value(world, iteration, "PlanEstimate"), value(world, iteration, "TaskEstimateTotal")) == (5.0, 8.0)
    assert world.members(iteration, "WorkProducts") == [parent]
    assert len(texts(world, iteration)) == world.item(iteration).version == 3


@pytest.mark.parametrize(
    ("states", "expected"),
    [
        (["Defined", "Defined"], "Defined"),
        (["Completed", "Completed"], "Completed"),
        (["Defined", "Completed"], "In-Progress"),
        (["In-Progress"], "In-Progress"),
    ],
)
def test_task_states_move_the_story_where_the_project_wants_it(world: World, states: list[str], expected: str) -> None:
    project = world.create("Project", {"Name": "rolling", "TaskStateRollupEnabled": True})
    parent = story(world, Project=project)
    tasks = [world.create("Task", {"Name": "t", "WorkProduct": parent}) for _ in states]
    for task, state in zip(tasks, states, strict=True):
        world.update(task, {"State": state})
    assert value(world, parent, "ScheduleState") == expected


def test_without_roll_up_tasks_leave_the_story_alone(world: World) -> None:
    project = world.create("Project", {"Name": "manual"})
    parent = story(world, Project=project)
    world.create("Task", {"Name": "t", "WorkProduct": parent, "State": "Completed"})
    assert value(world, parent, "ScheduleState") == "Defined"
    assert value(world, parent, "TaskStatus") == "COMPLETED"


def test_schedule_state_sets_and_clears_dates_and_moves_the_flow_state(world: World) -> None:
    oid = story(world)
    world.update(oid, {"ScheduleState": "Accepted"})
    assert value(world, oid, "AcceptedDate") == value(world, oid, "InProgressDate") == "2025-06-02T12:00:00.000Z"
    assert value(world, oid, "FlowState")["_refObjectName"] == "Accepted"
    assert value(world, oid, "ScheduleStatePrefix") == "A"

    world.update(oid, {"FlowState": world.find("FlowState", Name="Defined")})
    assert (value(world, oid, "ScheduleState"), value(world, oid, "AcceptedDate")) == ("Defined", None)
    assert value(world, oid, "InProgressDate") is None


def test_defect_dates_follow_its_state(world: World) -> None:
    oid = world.create("Defect", {"Name": "d"})
    world.update(oid, {"State": "Open"})
    world.update(oid, {"State": "Closed"})
    assert value(world, oid, "OpenedDate") == value(world, oid, "ClosedDate") == "2025-06-02T12:00:00.000Z"
    assert value(world, oid, "ScheduleState") == "Defined"


def test_a_parent_story_takes_its_values_from_its_children(world: World) -> None:
    parent = story(world)
    task = world.create("Task", {"Name": "t", "WorkProduct": parent, "Estimate": 2})
    first = story(world, Parent=parent, PlanEstimate=3, ScheduleState="Accepted")
    second = story(world, Parent=parent, PlanEstimate=5)

    assert world.item(task).values["WorkProduct"] == first
    assert [value(world, parent, name) for name in ("DirectChildrenCount", "PlanEstimate", "ScheduleState")] == [
        2,
        8.0,
        "In-Progress",
    ]
    assert value(world, second, "HasParent") is True
    with pytest.raises(RefusedError):
        world.create("Task", {"Name": "t", "WorkProduct": parent})
    with pytest.raises(RefusedError):
        world.update(parent, {"Release": world.ids("Release")[0]})
    with pytest.raises(RefusedError):
        world.update(parent, {"Parent": second})


def test_parent_and_portfolio_item_exclude_each_other_and_feature_is_inherited(world: World) -> None:
    feature = world.create("PortfolioItem/Feature", {"Name": "f"})
    parent = story(world, PortfolioItem=feature)
    child = story(world, Parent=parent)
    assert value(world, child, "Feature")["_refObjectName"] == "f"

    world.update(child, {"PortfolioItem": feature})
    assert value(world, child, "Parent") is None
    with pytest.raises(RefusedError):
        story(world, Parent=parent, PortfolioItem=feature)


def test_portfolio_items_roll_up_their_stories(world: World) -> None:
    theme = world.create("PortfolioItem/Theme", {"Name": "t"})
    initiative = world.create("PortfolioItem/Initiative", {"Name": "i", "Parent": theme})
    feature = world.create("PortfolioItem/Feature", {"Name": "f", "Parent": initiative})
    story(world, PortfolioItem=feature, PlanEstimate=3)
    story(world, PortfolioItem=feature, PlanEstimate=1, ScheduleState="Accepted")
    for oid in (feature, initiative, theme):
        assert [
            value(world, oid, name)
            for name in ("LeafStoryCount", "PercentDoneByStoryCount", "PercentDoneByStoryPlanEstimate")
        ] == [
            2,
            0.5,
            0.25,
        ]
        assert value(world, oid, "LastRollupDate") == "2025-06-02T12:00:00.000Z"


def test_test_results_show_on_the_test_case_and_its_story(world: World) -> None:
    parent = story(world)
    case = world.create("TestCase", {"Name": "c", "WorkProduct": parent})
    assert value(world, parent, "TestCaseStatus") == "NONE_RUN"
    world.create("TestCaseResult", {"TestCase": case, "Verdict": "Fail", "Date": "2025-01-01", "Build": "1"})
    world.create("TestCaseResult", {"TestCase": case, "Verdict": "Pass", "Date": "2025-01-02", "Build": "2"})
    world.create("TestCaseResult", {"TestCase": case, "Verdict": "Fail", "Date": "2024-01-01", "Build": "0"})

    assert (value(world, case, "LastVerdict"), value(world, case, "LastBuild")) == ("Pass", "2")
    assert (value(world, parent, "TestCaseStatus"), value(world, parent, "PassingTestCaseCount")) == (
        "ALL_RUN_ALL_PASSING",
        1,
    )


def test_blocking_makes_a_blocker_and_unblocking_clears_it(world: World) -> None:
    oid = story(world)
    world.update(oid, {"Blocked": True, "BlockedReason": "rain"})
    blocker = world.item(oid).values["Blocker"]
    assert world.item(blocker).values["WorkProduct"] == oid
    world.update(oid, {"Blocked": False})
    assert (value(world, oid, "BlockedReason"), value(world, oid, "Blocker")) == (None, None)
    assert blocker not in world.ids("Blocker")


def test_moving_a_story_takes_tasks_and_tests_along_and_maps_the_iteration(world: World) -> None:
    here, there = (world.create("Project", {"Name": name}) for name in ("here", "there"))
    dates = {"StartDate": "2025-06-01", "EndDate": "2025-06-14", "Name": "Sprint X"}
    old, new = (world.create("Iteration", {**dates, "Project": project}) for project in (here, there))
    oid = story(world, Project=here, Iteration=old)
    task = world.create("Task", {"Name": "t", "WorkProduct": oid})
    case = world.create("TestCase", {"Name": "c", "WorkProduct": oid, "Project": here})
    world.move(oid, there)

    assert world.item(oid).values["Iteration"] == new
    assert {world.item(each).values["Project"] for each in (oid, task, case)} == {there}
    assert world.item(task).values["Iteration"] == new
    world.move(oid, world.landmarks.project)
    assert value(world, oid, "Iteration") is None


def test_renaming_a_user_touches_no_artifact(world: World, client: Client) -> None:
    user = world.find("User", FirstName="Bo")
    oid = world.create("Defect", {"Name": "d", "Owner": user})
    world.update(user, {"DisplayName": "Somebody Else"})
    assert value(world, oid, "Owner")["_refObjectName"] == "Somebody Else"
    assert world.item(oid).version == 1


def test_tags_bump_version_and_stamp_of_the_owner(world: World, clock: ManualClock) -> None:
    oid, tag = world.create("Defect", {"Name": "d"}), world.create("Tag", {"Name": "t"})
    clock.advance(3)
    world.add(oid, "Tags", [tag])
    assert (world.item(oid).version, value(world, oid, "LastUpdateDate")) == (2, "2025-06-02T12:00:03.000Z")
    assert (value(world, tag, "UsageCount"), world.item(tag).version) == (1, 2)


def test_stamps_exist_only_where_the_contract_says(world: World) -> None:
    kinds = {
        path: {name for name in row if re.fullmatch("LastUpdate(d|Date|dDate)", name)}
        for path in world.types()
        for row in world.truth(path).values()
    }
    assert kinds["Project"] == {"LastUpdatedDate"}
    assert kinds["TimeEntryValue"] == {"LastUpdated"}
    for path in ("Defect", "Iteration", "Release", "Milestone", "ConversationPost", "PortfolioItem/Feature"):
        assert kinds[path] == {"LastUpdateDate"}
    for path in (
        "Workspace",
        "User",
        "Tag",
        "Attachment",
        "TestCaseResult",
        "TestCaseStep",
        "TestFolder",
        "FlowState",
        "Build",
    ):
        assert kinds[path] == set()


# Recycle bin


def family(world: World) -> dict[str, int]:
    root = story(world)
    child = story(world, Parent=root)
    task = world.create("Task", {"Name": "t", "WorkProduct": child})
    case = world.create("TestCase", {"Name": "c", "WorkProduct": root})
    step = world.create("TestCaseStep", {"TestCase": case, "StepIndex": 0, "Input": "press"})
    defect = world.create("Defect", {"Name": "d", "Requirement": root})
    post = world.create("ConversationPost", {"Artifact": root, "Text": "hello"})
    return {"root": root, "child": child, "task": task, "case": case, "step": step, "defect": defect, "post": post}


def test_deleting_a_story_takes_children_tasks_and_tests_but_not_defects(world: World, client: Client) -> None:
    made = family(world)
    world.delete(made["root"])

    gone = [name for name, oid in made.items() if oid not in world.state.items]
    assert gone == ["root", "child", "task", "case", "step", "post"]
    assert value(world, made["defect"], "Requirement") is None
    assert world.item(made["defect"]).version == 2
    rows = client.rows("recyclebinentry", fetch="ItemOID,ID,Name,Type,DeletedBy,DeletionDate", order="DeletionDate,ObjectID")
    assert {row["ItemOID"] for row in rows} == {made[name] for name in ("root", "child", "task", "case")}
    assert all(row["DeletionDate"] == "2025-06-02T12:00:00.000Z" for row in rows)
    entry = next(row for row in rows if row["ItemOID"] == made["root"])
    assert (entry["Name"], entry["ID"][:2]) == ("a story", "US")
    assert entry["Type"]["_refObjectName"] == "Hierarchical Requirement"


def test_bin_entries_can_be_polled_by_deletion_date(world: World, client: Client, clock: ManualClock) -> None:
    first, second = (world.create("Defect", {"Name": name}) for name in "ab")
    world.delete(first)
    clock.advance(60)
    world.delete(second)
    rows = client.rows("recyclebinentry", query='(DeletionDate > "2025-06-02T12:00:30.000Z")', fetch="ItemOID")
    assert [row["ItemOID"] for row in rows] == [second]


def test_restoring_brings_back_what_went_along_but_not_defect_links(world: World, client: Client) -> None:
    made = family(world)
    tag = world.create("Tag", {"Name": "kept"})
    world.add(made["root"], "Tags", [tag])
    formatted = value(world, made["root"], "FormattedID")
    world.delete(made["root"])
    version_of_defect = world.item(made["defect"]).version
    world.restore(made["root"])

    assert all(oid in world.state.items for oid in made.values())
    assert value(world, made["root"], "FormattedID") == formatted
    assert world.members(made["root"], "Children") == [made["child"]]
    assert world.members(made["child"], "Tasks") == [made["task"]]
    assert world.members(made["case"], "Steps") == [made["step"]]
    assert world.members(made["root"], "Tags") == [tag]
    assert world.members(made["root"], "Defects") == []
    assert world.item(made["defect"]).version == version_of_defect
    assert client.rows("recyclebinentry") == []
    assert len(client.rows(f"revisionhistory/{made['root'] + 1}/Revisions")) == world.item(made["root"]).version


def test_purging_is_for_ever(world: World, client: Client) -> None:
    oid = world.create("Defect", {"Name": "d"})
    world.delete(oid)
    entry = client.rows("recyclebinentry")[0]["_ref"].rpartition("/")[2]
    assert client.get(f"recyclebinentry/{entry}")["RecycleBinEntry"]["ItemOID"] == oid
    assert client.send("DELETE", f"recyclebinentry/{entry}")["Errors"] == []
    assert client.rows("recyclebinentry") == []
    with pytest.raises(RefusedError):
        world.restore(oid)


def test_time_entries_outlive_their_task_with_display_texts(world: World) -> None:
    task = world.create("Task", {"Name": "hard work", "WorkProduct": story(world)})
    entry = world.create("TimeEntryItem", {"WeekStartDate": "2025-06-01", "Task": task})
    world.create("TimeEntryValue", {"TimeEntryItem": entry, "DateVal": "2025-06-02", "Hours": 3})
    assert value(world, task, "TimeSpent") == 3.0
    world.delete(task)
    assert value(world, entry, "Task") is None
    assert value(world, entry, "TaskDisplayString").endswith(": hard work")


def test_deleting_an_iteration_clears_it_from_work(world: World) -> None:
    project = world.landmarks.project
    iteration = world.create(
        "Iteration", {"Name": "i", "StartDate": "2025-06-01", "EndDate": "2025-06-14", "Project": project}
    )
    oid = story(world, Iteration=iteration)
    task = world.create("Task", {"Name": "t", "WorkProduct": oid})
    world.delete(iteration)
    assert (value(world, oid, "Iteration"), value(world, task, "Iteration")) == (None, None)


def test_restorable_is_told_by_the_type_definition(client: Client) -> None:
    rows = client.rows("typedefinition", fetch="ElementName,Restorable", pagesize=200)
    restorable = {row["ElementName"] for row in rows if row["Restorable"]}
    assert restorable == {"HierarchicalRequirement", "Defect", "Task", "TestCase", "Theme", "Initiative", "Feature"}


# Revisions


def test_revisions_are_listed_newest_first_and_by_query(world: World, client: Client) -> None:
    oid = world.create("Defect", {"Name": "d"})
    world.update(oid, {"State": "Open"})
    world.update(oid, {"c_RootCause": "Code"})
    history = client.get(f"defect/{oid}")["Defect"]["RevisionHistory"]["_ref"]
    address = history.removeprefix(f"{client.base}/")
    assert client.session.get(history, timeout=10).json()["RevisionHistory"]["Revisions"]["Count"] == 3

    rows = client.rows(f"{address}/Revisions", fetch="RevisionNumber,Description,User")
    assert [row["RevisionNumber"] for row in rows] == [2, 1, 0]
    assert rows[2]["Description"] == "Original revision"
    assert (
        rows[1]["Description"]
        == "STATE changed from [Submitted] to [Open], OPENED DATE added [Mon Jun 02 06:00:00 MDT 2025]"
    )
    assert rows[0]["Description"] == "ROOTCAUSE added [Code]"
    assert rows[0]["User"]["_refObjectName"] == 'Ann "Ace" Adler'
    assert len(client.rows("revision", query=f'(RevisionHistory = "/{address}")')) == 3


@pytest.mark.parametrize(
    ("fields", "clause"),
    [
        ({"ScheduleState": "In-Progress"}, "SCHEDULE STATE changed from [Defined] to [In-Progress]"),
        ({"ScheduleState": "Accepted"}, "ACCEPTED DATE added [Mon Jun 02 06:00:00 MDT 2025]"),
        ({"Name": "new"}, "NAME changed from [a story] to [new]"),
        ({"c_KanbanState": "Done"}, "KANBANSTATE added [Done]"),
    ],
)
def test_revision_texts_follow_the_recorded_grammar(world: World, fields: dict[str, Any], clause: str) -> None:
    oid = story(world)
    world.update(oid, fields)
    assert clause in texts(world, oid)[-1].split(", ")


def test_ranks_and_tags_leave_revisions(world: World) -> None:
    oid = story(world)
    world.rank(oid, to="TOP")
    assert texts(world, oid)[-1] == "RANK moved up"
    world.rank(oid, to="BOTTOM")
    assert texts(world, oid)[-1] == "RANK moved down"
    world.add(oid, "Tags", [world.create("Tag", {"Name": "t"})])
    assert texts(world, oid)[-1] == "TAGS added [t]"


# Schema


def schema_of(client: Client, sim: RallySimulator) -> tuple[str, dict[str, Any]]:
    answer = client.session.get(f"{sim.url}/slm/schema/v2.0/workspace/{sim.world.landmarks.workspace}", timeout=10)
    return answer.url.rpartition("/")[2], {row["TypePath"]: row for row in answer.json()["QueryResult"]["Results"]}


def test_the_schema_redirects_to_its_digest(client: Client, sim: RallySimulator, world: World) -> None:
    digest, types = schema_of(client, sim)
    assert re.fullmatch("[0-9a-f]{32}", digest)
    assert value(world, world.landmarks.workspace, "SchemaVersion") == digest
    assert value(world, world.landmarks.project, "SchemaVersion") == digest
    assert set(world.types()) <= set(types)
    attributes = {each["ElementName"]: each for each in types["Defect"]["Attributes"]}
    assert re.fullmatch(r"http://.*/AttributeDefinition/-\d+/AllowedValues", attributes["State"]["AllowedValues"]["_ref"])
    custom = attributes["c_RootCause"]
    facts = [custom[name] for name in ("AttributeType", "Constrained", "Custom", "Name", "RealAttributeType")]
    assert facts == ["STRING", True, True, "Root Cause", "DROP_DOWN"]
    assert attributes["c_Browsers"]["AttributeType"] == "COLLECTION"
    assert types["PortfolioItem/Feature"]["Parent"]["_refObjectName"] == "Portfolio Item"


def test_portfolio_types_are_found_by_their_parent(client: Client) -> None:
    rows = client.rows("typedefinition", query='(Parent.Name = "Portfolio Item")', fetch="Ordinal,Name", order="Ordinal")
    assert [(row["Ordinal"], row["Name"]) for row in rows] == [(0, "Feature"), (1, "Initiative"), (2, "Theme")]


def test_built_in_allowed_values_have_no_identity(client: Client, sim: RallySimulator) -> None:
    attributes = {each["ElementName"]: each for each in schema_of(client, sim)[1]["Defect"]["Attributes"]}
    address = attributes["Severity"]["AllowedValues"]["_ref"].removeprefix(f"{client.base}/")
    rows = client.rows(address)
    assert [row["StringValue"] for row in rows][:3] == ["", "None", "Crash/Data Loss"]
    assert (rows[1]["_ref"], rows[1]["ObjectID"]) == ("null", None)


@pytest.mark.parametrize(
    ("kind", "argument", "given", "sent"),
    [
        ("string", "", "text", "text"),
        ("text", "", "<p>x</p>", "<p>x</p>"),
        ("integer", "", 7, 7),
        ("decimal", "", 1.5, 1.5),
        ("boolean", "", True, True),
        ("date", "", "2025-01-02", "2025-01-02T07:00:00.000Z"),
        ("pick", "a|b", "b", "b"),
        ("weblink", "", {"LinkID": "1", "DisplayString": "x"}, {"LinkID": "1", "DisplayString": "x"}),
    ],
)
def test_a_custom_field_of_every_kind_can_be_added(
    client: Client, world: World, kind: str, argument: str, given: Any, sent: Any
) -> None:
    before = value(world, world.landmarks.workspace, "SchemaVersion")
    oid = world.ids("Task")[0]
    version = world.item(oid).version
    world.add_field("Task", "Added Field", kind, argument)

    assert "c_AddedField" in client.get(f"task/{oid}")["Task"]
    assert world.item(oid).version == version
    assert value(world, world.landmarks.workspace, "SchemaVersion") != before
    world.update(oid, {"c_AddedField": given})
    assert client.get(f"task/{oid}")["Task"]["c_AddedField"] == sent


def test_removing_and_retyping_fields_loses_values_but_no_versions(client: Client, world: World) -> None:
    oid = world.create("Defect", {"Name": "d", "c_RootCause": "Code"})
    world.retype_field("Defect", "c_RootCause", "integer")
    assert client.get(f"defect/{oid}")["Defect"]["c_RootCause"] is None
    world.update(oid, {"c_RootCause": 4})
    world.remove_field("Defect", "c_RootCause")
    assert "c_RootCause" not in client.get(f"defect/{oid}")["Defect"]
    assert world.item(oid).version == 2


def test_a_field_on_an_abstract_type_reaches_all_below(client: Client, world: World) -> None:
    world.add_field("Artifact", "c_Everywhere", "string")
    for path in ("defect", "portfolioitem/feature"):
        assert "c_Everywhere" in client.rows(path, fetch="true", pagesize=1)[0]
    assert client.rows("artifact", query="(c_Everywhere != null)") == []


def test_strict_switches_are_the_defaults() -> None:
    assert Switches.strict() == Switches()
