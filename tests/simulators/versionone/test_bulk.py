"""api/asset: creating, updating, executing and querying many at once. versionone.md §8.2"""

from __future__ import annotations

from typing import Any

import pytest

from mirror.simulators.versionone import VersionOneSimulator, World
from tests.simulators.versionone.conftest import Client


@pytest.fixture
def story(world: World) -> int:
    return world.create("Story", {"Name": "s", "Scope": world.landmarks.project, "Owners": [20], "Description": "a b a"})


def tokens(answer: dict[str, Any], name: str) -> list[str]:
    told = answer[name]
    assert told["count"] == len(told["oidTokens"])
    return told["oidTokens"]


def messages(answer: dict[str, Any]) -> list[tuple[int, str]]:
    told = answer["commandFailures"]
    assert told["count"] == len(told["commands"])
    return [(each["error"]["sourceCommandIndex"], each["error"]["message"]) for each in told["commands"]]


NESTED = """
AssetType: Scope
Name: Dock
Parent: Scope:0
BeginDate: 8/20/2017
Workitems:
- AssetType: Story
  Name: First
- '@second':
    AssetType: Story
    Name: Second
    Owners: Member:20
    Children:
    - AssetType: Task
      Name: t
---
from: '@second'
select: [Name, AssetState, Scope.Name, Children.@Count, Owners]
"""


def test_nested_assets_are_created_after_what_they_are_in(client: Client, world: World) -> None:
    before = world.moment
    answer = client.bulk(NESTED)
    assert messages(answer) == []
    created = tokens(answer, "assetsCreated")
    assert [each.split(":")[0] for each in created] == ["Scope", "Story", "Story", "Task"]
    scope, _, second, task = (int(each.split(":")[1]) for each in created)
    assert world.value(task, "Parent") == second
    assert answer["queryResult"] == {
        "results": [
            [
                {
                    "_oid": f"Story:{second}",
                    "Name": "Second",
                    "AssetState": "Active",
                    "Scope.Name": "Dock",
                    "Children.@Count": "1",
                    "Owners": [{"_oid": "Member:20"}],
                }
            ]
        ],
        "count": 1,
    }
    assert world.moment == before + 1
    assert {world.value(each, "Moment") for each in (scope, second, task)} == {world.moment}
    assert (answer["complete"], answer["processing"]) == (True, False)


def test_failing_commands_leave_nothing_and_the_others_go_on(client: Client, world: World, story: int) -> None:
    commands = [
        {"AssetType": "Story", "Name": "one", "Scope": "Scope:0"},
        {"@bad": {"AssetType": "Scope", "Name": "half", "Parent": "Scope:0", "Workitems": [{"AssetType": "Animal"}]}},
        {"from": "@bad", "execute": "Delete"},
        {"from": f"Story:{story}", "update": {"Name": "two", "Nope": 1}},
        {"from": f"Story:{story}", "execute": ["QuickClose", "Explode"]},
        {"from": "Scope", "select": ["MuddleBubble"]},
        {"from": f"Story:{story}", "update": {"Estimate": 5}},
        {"Name": "neither"},
    ]
    answer = client.bulk(commands)
    assert messages(answer) == [
        (1, "Unknown AssetType: Animal"),
        (2, "Depends on a failed command: @bad"),
        (3, "Unknown AttributeDefinition: Story.Nope"),
        (4, "Unknown Operation 'Story.Explode'"),
        (5, "Unknown AttributeDefinition: Scope.MuddleBubble"),
        (7, "Invalid command: it has neither AssetType nor from"),
    ]
    assert answer["commandFailures"]["commands"][0]["@bad"] == commands[1]["@bad"]
    assert [each.split(":")[0] for each in tokens(answer, "assetsCreated")] == ["Story"]
    assert tokens(answer, "assetsModified") == [f"Story:{story}"]
    assert tokens(answer, "assetsOperatedOn") == []
    assert answer["queryResult"] == {"results": [], "count": -1}
    values = [world.value(story, name) for name in ("Name", "Estimate", "IsClosed")]
    assert values == ["s", 5, False]
    assert not [each for each in world.ids("Scope") if world.value(each, "Name") == "half"]


def test_update_takes_all_that_match(client: Client, world: World) -> None:
    scope = world.create("Scope", {"Name": "Pier", "Parent": 0, "BeginDate": "2025-01-01"})
    made = [world.create("Story", {"Name": name, "Scope": scope}) for name in ("a", "b", "c")]
    command = {
        "from": "Story",
        "where": {"Scope": f"Scope:{scope}"},
        "filter": ["Name!='b'"],
        "update": {"Description": "same"},
    }
    answer = client.bulk(command)
    assert tokens(answer, "assetsModified") == [f"Story:{made[0]}", f"Story:{made[2]}"]
    assert [world.value(each, "Description") for each in made] == ["same", None, "same"]
    assert world.value(made[0], "Moment") == world.value(made[2], "Moment")


@pytest.mark.parametrize(
    ("owners", "wanted"),
    [
        ("Member:{second}", [20, "second"]),
        (["Member:{second}"], [20, "second"]),
        ({"add": ["Member:{second}"], "remove": "Member:20"}, ["second"]),
        ({"Member:20": "remove"}, []),
        ({"from": "Member", "filter": ["ID='Member:{second}'"]}, [20, "second"]),
    ],
)
def test_relations_are_changed_in_many_ways(
    client: Client, world: World, story: int, owners: Any, wanted: list[Any]
) -> None:
    second = world.ids("Member")[-1]

    def filled(value: Any) -> Any:
        if isinstance(value, str):
            return value.replace("{second}", str(second))
        if isinstance(value, dict):
            return {filled(name): filled(each) for name, each in value.items()}
        return [filled(each) for each in value]

    answer = client.bulk({"from": f"Story:{story}", "update": {"Owners": filled(owners)}})
    assert messages(answer) == []
    assert world.value(story, "Owners") == [second if each == "second" else each for each in wanted]


def test_texts_ranks_and_reverse_sides_can_be_updated(client: Client, world: World, story: int) -> None:
    first = world.ids("Story")[0]
    epic = world.create("Epic", {"Name": "e", "Scope": world.landmarks.project})
    changes = {"Description": {"find": "a", "replace": "x"}, "Order": {"Before": f"Story:{first}"}}
    answer = client.bulk(
        [{"from": f"Story:{story}", "update": changes}, {"from": f"Epic:{epic}", "update": {"Subs": f"Story:{story}"}}]
    )
    assert messages(answer) == []
    assert (world.value(story, "Description"), world.value(story, "Super")) == ("x b x", epic)
    orders = {each: world.value(each, "Order") for each in world.ids("Story")}
    ranked = sorted(orders, key=lambda each: orders[each])
    assert ranked.index(story) + 1 == ranked.index(first)


def test_assets_can_be_named_instead_of_numbered(client: Client, world: World) -> None:
    name = world.value(world.landmarks.project, "Name")
    answer = client.bulk({"AssetType": "Story", "Name": "n", "Scope": name})
    [oid] = tokens(answer, "assetsCreated")
    assert world.value(int(oid.split(":")[1]), "Scope") == world.landmarks.project
    assert messages(client.bulk({"AssetType": "Story", "Name": "n", "Scope": "no such project"}))


def test_deleted_assets_are_reached_when_asked_for(
    client: Client, sim: VersionOneSimulator, world: World, story: int
) -> None:
    world.operate(story, "Delete")
    update = {"from": f"Story:{story}", "where": {"IsDeleted": True}, "update": {"Name": "while deleted"}}
    assert tokens(client.bulk(update), "assetsModified") == [f"Story:{story}"]
    assert world.value(story, "Name") == "while deleted"
    assert tokens(client.bulk({**update, "where": {}}), "assetsModified") == []
    sim.switches = sim.switches.with_changes({"bulk_updates_deleted": False})
    assert len(messages(client.bulk(update))) == 1
    assert tokens(client.bulk({"from": f"Story:{story}", "execute": "Undelete"}), "assetsOperatedOn") == [f"Story:{story}"]
    assert not world.is_deleted(story)


def test_operations_take_arguments(client: Client, world: World) -> None:
    member = world.create("Member", {"Name": "m", "Nickname": "m", "DefaultRole": "Role:1"})
    role = {"from": "Role", "where": {"Name": "Role.Name'Project Lead"}}
    args = {"Scope": f"Scope:{world.landmarks.project}", "Role": role}
    answer = client.bulk({"from": f"Member:{member}", "execute": {"op": "AssignToScopeWithRole", "args": args}})
    assert messages(answer) == []
    assert member in world.value(world.landmarks.project, "Members")


def test_preview_takes_everything_back(client: Client, world: World, story: int) -> None:
    before = (world.moment, len(world.ids("Story")))
    answer = client.bulk([{"AssetType": "Story", "Name": "p", "Scope": "Scope:0"}], previewOnly="true")
    assert len(tokens(answer, "assetsCreated")) == 1
    assert (world.moment, len(world.ids("Story"))) == before


def test_required_attributes_are_not_required_here(client: Client, sim: VersionOneSimulator, world: World) -> None:
    command = {"AssetType": "Story", "Scope": "Scope:0"}
    assert messages(client.bulk(command)) == []
    sim.switches = sim.switches.with_changes({"bulk_skips_required": False})
    assert messages(client.bulk(command)) == [(0, "Violation'Required'Story.Name")]
    sim.switches = sim.switches.with_changes({"bulk": False})
    assert client.raw("api/asset", "POST", "{}").status_code == 404


def test_body_that_cannot_be_read_is_refused(client: Client) -> None:
    answer = client.raw("api/asset", "POST", "{")
    assert (answer.status_code, "exceptions" in answer.json()) == (400, True)
