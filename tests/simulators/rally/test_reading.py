"""Paths, envelopes, fetch, paging and scope. rally.md §1, §3, §5."""

from __future__ import annotations

import re

import pytest

from mirror.simulators.rally import RallySimulator
from mirror.simulators.rally.items import uuid_of
from mirror.simulators.rally.world import World
from tests.simulators.rally.conftest import Client

API = {"_rallyAPIMajor": "2", "_rallyAPIMinor": "0"}


def test_a_query_without_fetch_gives_shells(client: Client, world: World) -> None:
    oid = world.ids("Defect")[0]
    row = client.rows("defect", pagesize=1)[0]

    assert list(row) == ["_rallyAPIMajor", "_rallyAPIMinor", "_ref", "_refObjectUUID", "_refObjectName", "_type"]
    assert row["_ref"] == f"{client.base}/defect/{oid}"
    assert row["_type"] == "Defect"


def test_an_answer_has_the_recorded_headers(client: Client) -> None:
    headers = client.raw("defect").headers

    assert headers["Content-Type"] == "application/json;  charset=utf-8"
    assert headers["ETag"].startswith('W/"')
    assert headers["Date"] == "Mon, 02 Jun 2025 12:00:00 GMT"
    assert headers["Vary"] == "Accept-Encoding"


def test_large_answers_are_compressed_when_asked(client: Client) -> None:
    assert client.raw("task", fetch="true").headers["Content-Encoding"] == "gzip"
    assert "Content-Encoding" not in client.raw("task", fetch="ObjectID", pagesize=1).headers


def test_less_than_signs_are_escaped_on_the_wire(client: Client, world: World) -> None:
    oid = world.create("Defect", {"Name": "html", "Description": "<b>bold</b>"})
    answer = client.raw(f"defect/{oid}")

    assert b"\\u003Cb>bold\\u003C/b>" in answer.content
    assert answer.json()["Defect"]["Description"] == "<b>bold</b>"


def test_read_one_is_full_without_a_type_and_with_errors(client: Client, world: World) -> None:
    oid = world.ids("Defect")[0]
    answer = client.get(f"defect/{oid}")
    row = answer["Defect"]

    assert list(answer) == ["Defect"]
    assert "_type" not in row
    assert (row["Errors"], row["Warnings"]) == ([], [])
    assert list(row)[:13] == [
        "_rallyAPIMajor",
        "_rallyAPIMinor",
        "_ref",
        "_refObjectUUID",
        "_objectVersion",
        "_refObjectName",
        "CreationDate",
        "_CreatedAt",
        "ObjectID",
        "ObjectUUID",
        "VersionId",
        "Subscription",
        "Workspace",
    ]
    assert row["VersionId"] == row["_objectVersion"] == str(world.item(oid).version)
    assert row["ObjectUUID"] == row["_refObjectUUID"] == uuid_of(oid)


def test_the_root_key_is_the_last_part_of_the_type(client: Client, world: World) -> None:
    oid = world.ids("PortfolioItem/Feature")[0]
    for path in (f"portfolioitem/feature/{oid}", f"PortfolioItem/Feature/{oid}.js", f"portfolioitem/{oid}"):
        assert list(client.get(path)) == ["Feature"]


def test_an_object_can_be_read_by_its_uuid(client: Client, world: World) -> None:
    oid = world.ids("Defect")[0]
    assert client.get(f"defect/{uuid_of(oid)}")["Defect"]["ObjectID"] == oid


def test_refs_echo_the_version_of_the_request(sim: RallySimulator, client: Client) -> None:
    client.base = client.base.replace("v2.0", "v2.x")
    assert "/v2.x/defect/" in client.rows("defect", pagesize=1)[0]["_ref"]


def test_user_and_subscription_are_singletons_and_their_plurals_lists(client: Client, world: World) -> None:
    assert client.get("user", fetch="UserName", pagesize=1000)["User"]["UserName"] == "admin@example.com"
    assert client.get("subscription", fetch="true")["Subscription"]["Name"] == "Acme Corporation"
    assert client.list("users")["TotalResultCount"] == len(world.ids("User")) - 2
    assert client.list("subscriptions")["TotalResultCount"] == 1


def test_the_default_user_query_hides_disabled_users(client: Client, world: World) -> None:
    everybody = client.list("users", query="((Disabled = true) OR (Disabled = false))")
    assert everybody["TotalResultCount"] == len(world.ids("User"))
    assert client.list("user", query="(ObjectID > 0)")["TotalResultCount"] == len(world.ids("User")) - 2


@pytest.mark.parametrize("path", ["DEFECT", "defect", "Defect.js", "defect.js"])
def test_type_names_come_in_any_case_and_with_js(client: Client, world: World, path: str) -> None:
    assert client.list(path)["TotalResultCount"] == len(world.ids("Defect"))


def test_every_listed_row_equals_the_truth(client: Client, world: World) -> None:
    for path in world.types():
        query = "((Disabled = true) OR (Disabled = false))" if path == "User" else ""
        listed = "subscriptions" if path == "Subscription" else path
        rows = {row["ObjectID"]: row for row in client.rows(listed, fetch="true", query=query, pagesize=2000)}
        truth = world.truth(path)
        assert rows.keys() == truth.keys(), path
        for oid, fields in truth.items():
            for name, value in fields.items():
                sent = rows[oid][name]
                if isinstance(sent, dict) and "_ref" in sent and isinstance(value, dict):
                    sent = {key: sent.get(key) for key in value}
                assert sent == value, (path, oid, name)


def test_collection_summaries_have_count_and_tag_names(client: Client, world: World) -> None:
    tag = world.create("Tag", {"Name": "labelled"})
    milestone = world.create("Milestone", {"Name": "M", "TargetDate": "2025-01-02"})
    values = [row["_ref"] for row in client.rows(definition_of(world, "Defect", "c_Browsers") + "/AllowedValues")][:2]
    oid = world.create(
        "Defect", {"Name": "x", "Tags": [{"_ref": f"tag/{tag}"}], "Milestones": [{"_ref": f"milestone/{milestone}"}]}
    )
    world.update(oid, {"c_Browsers": [{"_ref": value} for value in values]})
    row = client.get(f"defect/{oid}")["Defect"]

    assert row["Tags"] == {
        **API,
        "_ref": f"{client.base}/Defect/{oid}/Tags",
        "_type": "Tag",
        "_tagsNameArray": [{"Name": "labelled", "_ref": f"/tag/{tag}"}],
        "Count": 1,
    }
    assert row["Milestones"]["_tagsNameArray"][0]["TargetDate"] == "2025-01-02T07:00:00.000Z"
    assert [(each["Name"], each["_type"]) for each in row["c_Browsers"]["_tagsNameArray"]] == [
        ("Chrome", "AllowedAttributeValue"),
        ("Firefox", "AllowedAttributeValue"),
    ]
    assert row["Tasks"] == {**API, "_ref": f"{client.base}/Defect/{oid}/Tasks", "_type": "Task", "Count": 0}


def definition_of(world: World, path: str, name: str) -> str:
    """Return the address of an attribute definition."""
    definition = world.item(world.find("TypeDefinition", TypePath=path, Workspace=world.landmarks.workspace))
    for oid in definition.values["Attributes"]:
        if world.item(oid).values["ElementName"] == name:
            return f"attributedefinition/{oid}"
    raise LookupError(name)


def test_unset_values_look_as_recorded(client: Client, world: World) -> None:
    row = client.get(f"defect/{world.create('Defect', {'Name': 'bare'})}")["Defect"]

    assert (row["State"], row["ScheduleState"], row["TaskStatus"]) == ("Submitted", "Defined", "NONE")
    assert [row[name] for name in ("Severity", "Priority", "Resolution", "Environment")] == ["None"] * 4
    assert (row["Description"], row["FoundInBuild"], row["c_RootCause"], row["Recycled"]) == ("", None, None, False)
    assert (row["c_Ticket"], row["TaskActualTotal"], row["DisplayColor"]) == ({}, 0.0, "#f9a814")
    assert list(row["RevisionHistory"]) == ["_rallyAPIMajor", "_rallyAPIMinor", "_ref", "_refObjectUUID", "_type"]


def test_a_fetch_list_applies_to_references_as_well(client: Client, world: World) -> None:
    oid = next(oid for oid, row in world.truth("Defect").items() if row["Owner"])
    row = client.rows("defect", query=f"(ObjectID = {oid})", fetch="Name,Project,Owner,Nonsense")[0]

    assert list(row)[-1] == "_type"
    assert row["Project"]["Name"] == row["Project"]["_refObjectName"]
    assert "_objectVersion" in row["Project"]
    assert row["Project"]["Owner"]["_type"] == "User"
    assert "Nonsense" not in row


def test_a_shallow_fetch_stops_at_the_object_but_for_brackets(client: Client) -> None:
    row = client.rows("defect", shallowFetch="Name,Project", pagesize=1)[0]
    assert "Name" not in row["Project"]
    row = client.rows("defect", shallowFetch="Name,Project[Name;State]", pagesize=1)[0]
    assert row["Project"]["State"] == "Open"
    assert "Parent" not in row["Project"]


def test_formatted_id_of_a_story_brings_its_children_count(client: Client) -> None:
    row = client.rows("hierarchicalrequirement", fetch="FormattedID", pagesize=1)[0]
    assert {name for name in row if not name.startswith("_")} == {"FormattedID", "DirectChildrenCount"}


def test_quotes_around_a_fetch_list_are_ignored(client: Client) -> None:
    assert {"ObjectID", "Name"} <= set(client.rows("project", fetch='"ObjectID,Name,State"')[0])


def test_summaries_count_inside_a_collection(client: Client, world: World) -> None:
    story = world.create("HierarchicalRequirement", {"Name": "s"})
    for state in ("Defined", "Completed", "Completed"):
        world.create("Task", {"Name": "t", "WorkProduct": story, "State": state})
    row = client.rows("hierarchicalrequirement", query=f"(ObjectID = {story})", fetch="Tasks:summary[State]")[0]
    assert row["Tasks"]["State"] == {"Defined": 1, "Completed": 2}


def test_pages_are_one_based_with_twenty_by_default(client: Client, world: World) -> None:
    first = client.list("task")
    assert (first["StartIndex"], first["PageSize"], len(first["Results"])) == (1, 20, 20)
    rows = client.rows("task", start=21, pagesize=3, fetch="ObjectID")
    assert [row["ObjectID"] for row in rows] == world.ids("Task")[20:23]


def test_page_sizes_are_clamped_and_a_start_beyond_the_end_is_empty(client: Client, world: World) -> None:
    assert client.list("task", pagesize=5000)["PageSize"] == 2000
    beyond = client.list("task", start=100000)
    assert (beyond["TotalResultCount"], beyond["Results"], beyond["Errors"]) == (len(world.ids("Task")), [], [])


def test_permissions_are_added_on_request(client: Client) -> None:
    row = client.rows("defect", fetch="Name", includePermissions="true", pagesize=1)[0]
    assert row["_p"] == "7"


def test_composite_permission_ids_can_be_read(client: Client) -> None:
    ref = client.rows("projectpermission", fetch="true", pagesize=1)[0]["_ref"]
    assert re.search(r"/projectpermission/\d+u\d+p1$", ref)
    assert client.session.get(ref, timeout=10).json()["ProjectPermission"]["Role"] == "Editor"


def test_abstract_types_can_be_queried_and_read(client: Client, world: World) -> None:
    levels = ("Theme", "Initiative", "Feature")
    expected = sorted(oid for level in levels for oid in world.ids(f"PortfolioItem/{level}"))
    assert [row["ObjectID"] for row in client.rows("portfolioitem", fetch="ObjectID", pagesize=200)] == expected


def test_artifacts_are_listed_across_types(client: Client, world: World) -> None:
    rows = client.rows("artifact", types="Defect,Task", fetch="ObjectID", pagesize=2000)
    assert [row["ObjectID"] for row in rows] == sorted(world.ids("Defect") + world.ids("Task"))
    assert {row["_type"] for row in rows} == {"Defect", "Task"}


@pytest.mark.parametrize("path", ["attachmentcontent", "revisionhistory", "attributedefinition", "allowedattributevalue"])
def test_some_types_have_no_listing(client: Client, path: str) -> None:
    assert client.list(path)["TotalResultCount"] == 0


def test_an_unknown_sub_path_answers_405(client: Client, world: World) -> None:
    answer = client.raw(f"defect/{world.ids('Defect')[0]}/Nonsense")
    assert answer.status_code == 405
    assert answer.text.startswith("Could not find web service for /defect/")


def test_a_missing_object_cannot_be_found(client: Client, world: World) -> None:
    assert client.get("defect/12345")["OperationResult"]["Errors"] == ["Cannot find object to read"]
    assert client.get(f"task/{world.ids('Defect')[0]}")["OperationResult"]["Errors"] == ["Cannot find object to read"]


def test_without_a_workspace_the_default_one_is_meant(client: Client, world: World) -> None:
    other = world.landmarks.other_workspace
    elsewhere = world.ids("Defect", workspace=other)
    assert elsewhere
    assert client.rows("defect", query=f"(ObjectID = {elsewhere[0]})") == []
    rows = client.rows("defect", workspace=f"/workspace/{other}", fetch="ObjectID", pagesize=200)
    assert [row["ObjectID"] for row in rows] == elsewhere
    assert client.get(f"defect/{elsewhere[0]}")["Defect"]["ObjectID"] == elsewhere[0]


def test_collections_are_scoped_to_the_default_workspace_too(client: Client, world: World) -> None:
    other = world.landmarks.other_workspace
    assert client.rows(f"workspace/{other}/Projects") == []
    assert client.names(f"workspace/{other}/Projects", workspace=f"workspace/{other}") == ["Other Site", "Other Lab"]


def test_project_scope_includes_relatives_unless_told_otherwise(client: Client, world: World) -> None:
    shop = world.find("Project", Name="Web Shop")
    below = [world.find("Project", Name=name) for name in ("Checkout", "Catalogue")]
    root = world.find("Project", Name="Acme Products")

    def projects(**scope: str) -> set[int]:
        rows = client.rows("task", project=f"/project/{shop}", fetch="Project,ObjectID", pagesize=2000, **scope)
        return {row["Project"]["ObjectID"] for row in rows}

    for project in (shop, root, *below):
        world.create("Task", {"Name": "t", "WorkProduct": world.create("Defect", {"Name": "d", "Project": project})})
    assert projects() == {shop, root, *below}
    assert projects(projectScopeUp="false") == {shop, *below}
    assert projects(projectScopeDown="false") == {shop, root}
    assert projects(projectScopeUp="false", projectScopeDown="false") == {shop}


def test_project_null_means_the_whole_workspace(client: Client, world: World) -> None:
    assert client.list("defect", project="null")["TotalResultCount"] == len(world.ids("Defect"))


def test_a_closed_off_project_leaves_no_trace(client: Client, world: World) -> None:
    project = world.create("Project", {"Name": "Secret"})
    defect = world.create("Defect", {"Name": "d", "Project": project})
    post = world.create("ConversationPost", {"Artifact": defect, "Text": "hush"})
    world.hide_project(project)

    for path, oid in (("defect", defect), ("project", project), ("conversationpost", post)):
        assert client.rows(path, query=f"(ObjectID = {oid})") == []
        assert client.get(f"{path}/{oid}")["OperationResult"]["Errors"] == ["Cannot find object to read"]
    assert defect not in world.truth("Defect")

    world.show_project(project)
    assert client.get(f"defect/{defect}")["Defect"]["Name"] == "d"


def test_counts_may_exceed_what_can_be_listed(client: Client, world: World) -> None:
    workspace = world.landmarks.workspace
    world.hide_project(world.find("Project", Name="Legacy"))
    count = client.get(f"workspace/{workspace}")["Workspace"]["Projects"]["Count"]
    assert len(client.rows(f"workspace/{workspace}/Projects")) == count - 1
