"""query.v1 and the documents it takes. versionone.md §8.1"""

from __future__ import annotations

from typing import Any

import pytest

from mirror.simulators.versionone import VersionOneSimulator, World
from mirror.simulators.versionone.documents import DocumentError, read_documents
from tests.simulators.versionone.conftest import Client


@pytest.fixture
def story(world: World) -> int:
    made = world.create("Story", {"Name": "s", "Scope": world.landmarks.project, "Owners": [20], "Estimate": "3"})
    for name in ("b", "a"):
        world.create("Task", {"Name": name, "Parent": made, "DetailEstimate": "1.5"})
    world.create("Test", {"Name": "c", "Parent": made})
    return made


def only(client: Client, story: int, select: list[Any], **more: Any) -> dict[str, Any]:
    [[row]] = client.query({"from": f"Story:{story}", "select": select, **more})
    return row


def test_values_are_texts_and_relations_are_oids(client: Client, world: World, story: int) -> None:
    select = [
        "Name",
        "Estimate",
        "Owners.@Count",
        "Scope",
        "Super",
        "Owners",
        "Goals",
        "ChangeDateUTC",
        "IsClosed",
        "AssetState",
    ]
    assert only(client, story, select) == {
        "_oid": f"Story:{story}",
        "Name": "s",
        "Estimate": "3",
        "Owners.@Count": "1",
        "Scope": {"_oid": f"Scope:{world.landmarks.project}"},
        "Super": {"_oid": "NULL"},
        "Owners": [{"_oid": "Member:20"}],
        "Goals": [],
        "ChangeDateUTC": "2025-06-02T12:00:00.0000000Z",
        "IsClosed": False,
        "AssetState": "64",
    }


def test_selections_can_be_nested_filtered_and_sorted(client: Client, story: int) -> None:
    nested = {"from": "Children:Task", "select": ["Name"], "sort": ["-Name"]}
    row = only(client, story, [nested, {"from": "Children as Kids", "select": ["Name"], "where": {"Name": "c"}}])
    assert [each["Name"] for each in row["Children:Task"]] == ["b", "a"]
    assert [each["Name"] for each in row["Kids"]] == ["c"]
    row = only(
        client, story, [{"from": "Children", "select": ["Name"], "filter": ["Name>='a'"]}] * 0 + ["Owners.Name as Who"]
    )
    assert row["Who"] == ["Administrator"]


def test_where_filter_with_sort_and_page_work_together(client: Client, world: World, story: int) -> None:
    query = {
        "from": "Task",
        "select": ["Name"],
        "where": {"Parent": f"Story:{story}"},
        "filter": ["Name=$names", "DetailEstimate>'1'"],
        "with": {"$names": ["a", "b"]},
        "sort": ["-Name"],
    }
    [[first, second], page] = client.query(query, {**query, "page": {"start": 1, "size": 1}})
    assert ([first["Name"], second["Name"]], page) == (["b", "a"], [second])


def test_deleted_rows_need_to_be_asked_for(client: Client, world: World) -> None:
    gone = world.landmarks.deleted_story
    live, dead = client.query({"from": "Story"}, {"from": "Story", "where": {"IsDeleted": True}})
    assert {"_oid": f"Story:{gone}"} in dead
    assert {"_oid": f"Story:{gone}"} not in live


def test_groups_hold_their_rows(client: Client, world: World, story: int) -> None:
    where = {"Parent": f"Story:{story}"}
    [groups, named] = client.query(
        {"from": "Workitem", "select": ["Name"], "where": where, "group": "AssetType"},
        {"from": "Workitem", "select": ["Name"], "where": where, "group": [{"from": "Parent", "select": ["Name"]}]},
    )
    assert [(each["AssetType"], [row["Name"] for row in each["_children"]]) for each in groups] == [
        ("Task", ["b", "a"]),
        ("Test", ["c"]),
    ]
    assert [(each["_oid"], each["Name"], len(each["_children"])) for each in named] == [(f"Story:{story}", "s", 3)]


def test_yaml_documents_are_several_queries(client: Client, story: int) -> None:
    body = f"""
from: Story
select:
- Name            # the title
- from: Children:Task
  select: [ Name ]
filter:
  - "Name='s'"
page: {{ start: 0, size: 10 }}
---
from: Story:{story}
select:
  - Estimate
"""
    answer = client.raw("query.v1", "POST", body.encode())
    [[first], [second]] = answer.json()
    assert (first["Name"], len(first["Children:Task"]), second["Estimate"]) == ("s", 2, "3")


def test_find_searches_text(client: Client, story: int) -> None:
    [found, other] = client.query(
        {"from": "Task", "select": ["Name"], "find": "b", "findin": ["Name"], "where": {"Parent": f"Story:{story}"}},
        {"from": "Task", "find": "nowhere to be found"},
    )
    assert ([row["Name"] for row in found], other) == (["b"], [])


@pytest.mark.parametrize("body", ["", "{", "[1]", '{"select": []}', "from: Story\nselect: [Name", "just words"])
def test_malformed_bodies_are_a_server_error(client: Client, body: str) -> None:
    answer = client.raw("query.v1", "POST", body)
    assert "Server Error" in answer.text
    assert answer.status_code == 500


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ({"from": "Animal"}, "Unknown AssetType: Animal"),
        ({"from": "Story", "select": ["Nope"]}, "Unknown AttributeDefinition: Story.Nope"),
        ({"from": "Story", "filter": ["Name="]}, "Invalid QueryFilter2 token"),
        ({"from": "Story", "where": {"ID": ["Story:1"]}}, 'Key "ID" must have corresponding scalar value'),
        ({"from": "Story", "page": 3}, "Invalid page"),
        ({"from": "Story", "page": {"size": "many"}}, "Invalid page"),
        ({"from": "Story", "with": {"$a": 1}, "filter": ["Name=$b"]}, "Unknown variable: $b"),
    ],
)
def test_queries_that_make_no_sense_are_refused(client: Client, query: dict[str, Any], message: str) -> None:
    answer = client.session.post(f"{client.base}/query.v1", json=query, timeout=10)
    assert answer.status_code == 400
    assert answer.json()["exceptions"][0]["message"].startswith(message)


def test_query_v1_can_be_missing_and_has_an_older_name(client: Client, sim: VersionOneSimulator) -> None:
    assert client.raw("query.legacy.v1", "POST", "from: Member:20").json() == [[{"_oid": "Member:20"}]]
    sim.switches = sim.switches.with_changes({"query_v1": False})
    assert client.raw("query.v1", "POST", "from: Story").status_code == 404


# Documents alone

DOCUMENTS = [
    ("a: 1", [{"a": 1}]),
    ("a: one two\nb: 'it''s'\nc: \"x\\ty\"", [{"a": "one two", "b": "it's", "c": "x\ty"}]),
    ("a: true\nb: null\nc: ~\nd: 1.5\ne: -3\nf:", [{"a": True, "b": None, "c": None, "d": 1.5, "e": -3, "f": None}]),
    ("a:\n- 1\n- two\nb: 2", [{"a": [1, "two"], "b": 2}]),
    ("a:\n  - 1\n  - b: 2\n    c: 3", [{"a": [1, {"b": 2, "c": 3}]}]),
    ("a:\n b:\n  c: 1\n d: 2", [{"a": {"b": {"c": 1}, "d": 2}}]),
    ("a: [1, 'x, y', {b: 2}]", [{"a": [1, "x, y", {"b": 2}]}]),
    ("a: {b: [1], 'Member:20': remove}", [{"a": {"b": [1], "Member:20": "remove"}}]),
    ("a: Workitems:Story", [{"a": "Workitems:Story"}]),
    ("a: Role.Name'Lead", [{"a": "Role.Name'Lead"}]),
    ("# nothing\na: 1 # one\n---\nb: x#y", [{"a": 1}, {"b": "x#y"}]),
    ("'Member:20': remove\n\"@x\":\n  a: 1", [{"Member:20": "remove", "@x": {"a": 1}}]),
    ("- a: 1\n- a: 2", [{"a": 1}, {"a": 2}]),
    ("-\n  a: 1", [{"a": 1}]),
    ('[{"a": 1}, {"b": "x"}]', [{"a": 1}, {"b": "x"}]),
    ('{"a": {"b": null}}', [{"a": {"b": None}}]),
    ("", []),
]


@pytest.mark.parametrize(("text", "wanted"), DOCUMENTS)
def test_document_is_read(text: str, wanted: list[Any]) -> None:
    assert read_documents(text.encode()) == wanted


@pytest.mark.parametrize("text", ["a: [1, 2", "a: {b: 1", "a: 1\n  b: 2\n c: 3", '{"a": ', 'a: "x', "a: [1] x"])
def test_document_that_cannot_be_read_is_refused(text: str) -> None:
    with pytest.raises(DocumentError):
        read_documents(text.encode())
