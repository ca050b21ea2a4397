"""Versions: Hist, asof, addresses with a moment, and query.v1's `asof`. versionone.md §1, §3.2, §8.1"""

from __future__ import annotations

from typing import Any

import pytest

from mirror.simulators import ManualClock
from mirror.simulators.versionone import VersionOneSimulator, World
from tests.simulators.versionone.conftest import Client


@pytest.fixture
def story(world: World, clock: ManualClock) -> int:
    """A story with the names one, two and three, an hour apart, the first at noon."""
    made = world.create("Story", {"Name": "one", "Scope": 0})
    for name in ("two", "three"):
        clock.advance(3600)
        world.update(made, {"Name": name}, comment=f"to {name}")
    return made


def test_history_of_an_asset_is_its_versions(client: Client, world: World, story: int) -> None:
    root = client.xml(f"Hist/Story/{story}", sel="Name,ChangeComment,Moment")
    moments = world.moments(story)
    assert (root.tag, root.get("total"), len(moments)) == ("History", "3", 3)
    assert [each.get("id") for each in root] == [f"Story:{story}:{moment}" for moment in moments]
    assert [each.get("href") for each in root] == [f"/Acme/rest-1.v1/Data/Story/{story}/{moment}" for moment in moments]
    assert [each.findtext("Attribute[@name='Name']") for each in root] == ["one", "two", "three"]
    assert [each.findtext("Attribute[@name='ChangeComment']") for each in root] == ["", "to two", "to three"]
    assert [each.findtext("Attribute[@name='Moment']") for each in root] == [str(moment) for moment in moments]


def test_history_of_one_attribute(client: Client, story: int) -> None:
    rows = client.json(f"Hist/Story/{story}/Name")["Assets"]
    assert [row["Attributes"]["Name"]["value"] for row in rows] == ["one", "two", "three"]
    assert all(row["Attributes"].keys() == {"Name"} for row in rows)


def test_history_of_a_type_can_be_filtered_and_paged(client: Client, story: int) -> None:
    where = f"ID='Story:{story}';ChangeDateUTC>'2025-06-02T12:30:00'"
    rows = client.json("Hist/Story", sel="Name", where=where)["Assets"]
    assert [row["Attributes"]["Name"]["value"] for row in rows] == ["two", "three"]
    page = client.json("Hist/Story", sel="Name", where=where, page="1,1")
    assert [row["Attributes"]["Name"]["value"] for row in page["Assets"]] == ["three"]
    assert (page["_type"], page["total"]) == ("History", 2)


def test_one_version_has_an_address(client: Client, world: World, story: int) -> None:
    second = world.moments(story)[1]
    asset = client.xml(f"Data/Story/{story}/{second}", sel="Name")
    assert asset.get("id") == f"Story:{story}:{second}"
    assert asset.findtext("Attribute") == "two"
    assert client.xml(f"Data/Story/{story}/{second}/Name").text == "two"
    assert client.raw(f"rest-1.v1/Data/Story/{story}/1").status_code == 404


def test_asof_shows_the_state_of_an_instant(client: Client, world: World, story: int) -> None:
    asked: dict[str, Any] = {"sel": "Name", "where": f"ID='Story:{story}'", "asof": "2025-06-02T13:30:00"}
    [row] = client.json("Data/Story", **asked)["Assets"]
    assert row["id"] == f"Story:{story}:{world.moments(story)[1]}"
    assert row["Attributes"]["Name"]["value"] == "two"
    assert client.json("Hist/Story", **asked)["Assets"] == [row]
    asked["asof"] = "2025-06-02T11:59:59"
    assert client.json("Data/Story", **asked)["Assets"] == []


def test_asof_is_in_the_users_zone(client: Client, sim: VersionOneSimulator, story: int) -> None:
    sim.switches = sim.switches.with_changes({"user_zone_offset_minutes": 120})
    asset = client.xml(f"Data/Story/{story}", sel="Name", asof="2025-06-02T15:30:00")
    assert asset.findtext("Attribute") == "two"


def test_deleted_version_is_in_the_history_when_asked(client: Client, world: World, story: int) -> None:
    world.operate(story, "Delete")
    assert client.raw(f"rest-1.v1/Data/Story/{story}").status_code == 404
    assert len(client.xml(f"Hist/Story/{story}", sel="Name")) == 3
    rows = client.json(f"Hist/Story/{story}", sel="Name,ChangeReason", where="IsDeleted='true'")["Assets"]
    assert [row["Attributes"]["ChangeReason"]["value"] for row in rows] == ["Delete"]
    then = client.json("Data/Story", sel="Name", where=f"ID='Story:{story}'", asof="2025-06-02T13:30:00")["Assets"]
    assert len(then) == 1


def test_query_v1_lists_every_version_or_one_instant(client: Client, world: World, story: int) -> None:
    every, one = client.query(
        {"from": f"Story:{story}", "select": ["Name"], "asof": "All"},
        {"from": "Story", "select": ["Name"], "where": {"ID": f"Story:{story}"}, "asof": "2025-06-02T12:10:00"},
    )
    moments = world.moments(story)
    assert [row["_oid"] for row in every] == [f"Story:{story}:{moment}" for moment in moments]
    assert [row["Name"] for row in every] == ["one", "two", "three"]
    assert one == [{"_oid": f"Story:{story}:{moments[0]}", "Name": "one"}]


def test_hist_can_be_missing(client: Client, sim: VersionOneSimulator) -> None:
    sim.switches = sim.switches.with_changes({"hist": False})
    assert client.raw("rest-1.v1/Hist/Story").status_code == 404
