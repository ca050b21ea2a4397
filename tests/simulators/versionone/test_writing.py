"""Writes over HTTP: payloads in XML and JSON, operations, New, attachments. versionone.md §6"""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
import requests

from mirror.simulators.versionone import Changed, VersionOneSimulator, World
from tests.simulators.versionone.conftest import Client


@pytest.fixture
def story(world: World) -> int:
    return world.create("Story", {"Name": "s", "Scope": world.landmarks.project, "Owners": [20], "Estimate": "3"})


def asset(*parts: str) -> str:
    return f"<Asset>{''.join(parts)}</Asset>"


def setting(name: str, text: str) -> str:
    return f'<Attribute name="{name}" act="set">{text}</Attribute>'


def test_create_answers_with_the_version_and_what_was_sent(client: Client, world: World) -> None:
    scope = '<Relation name="Scope" act="set"><Asset idref="Scope:0" /></Relation>'
    root = client.post("Data/Story", asset(setting("Name", "new"), scope), comment="'why'")
    made = int(root.get("id").split(":")[1])
    assert root.get("id") == f"Story:{made}:{world.moment}"
    assert root.get("href") == f"/Acme/rest-1.v1/Data/Story/{made}/{world.moment}"
    assert [(each.tag, each.get("name")) for each in root] == [("Attribute", "Name"), ("Relation", "Scope")]
    assert world.moment_row(world.moment).comment == "why"
    assert world.value(made, "CreatedBy") == 20


def test_json_creates_the_same(client: Client, world: World) -> None:
    attributes = {
        "Name": {"value": "new", "act": "set"},
        "Scope": {"value": "Scope:0", "act": "set"},
        "Owners": {"name": "Owners", "value": [{"idref": "Member:20", "act": "add"}]},
        "Goals": [],
        "Estimate": {"value": 2.5, "act": "set"},
    }
    url = f"{client.base}/rest-1.v1/Data/Story"
    answer = client.session.post(url, json={"Attributes": attributes}, headers={"Accept": "application/json"}, timeout=10)
    row = answer.json()
    made = int(row["id"].split(":")[1])
    assert row["id"].count(":") == 2
    assert row["Attributes"]["Owners"]["value"][0]["idref"] == "Member:20"
    values = [world.value(made, name) for name in ("Name", "Scope", "Owners", "Estimate")]
    assert values == ["new", 0, [20], Decimal("2.5")]


def test_update_is_one_version_for_all_its_attributes(client: Client, world: World, story: int) -> None:
    before = world.moment
    second = world.ids("Member")[-1]
    changes = f'<Asset idref="Member:{second}" act="add"/><Asset idref="Member:20" act="remove"/>'
    owners = f'<Relation name="Owners">{changes}</Relation>'
    tags = '<Attribute name="TaggedWith"><Value act="add">t</Value></Attribute>'
    root = client.post(
        f"Data/Story/{story}", asset(setting("Name", "x"), '<Attribute name="Estimate" act="set" />', owners, tags)
    )
    assert root.get("id") == f"Story:{story}:{before + 1}"
    assert world.moment == before + 1
    values = [world.value(story, name) for name in ("Name", "Estimate", "Owners", "TaggedWith")]
    assert values == ["x", None, [second], ["t"]]


def test_refused_update_changes_nothing(client: Client, world: World, story: int) -> None:
    before = world.moment
    body = asset(setting("Name", "x"), setting("ChangeDate", "2020-01-01"))
    assert "ChangeDate" in client.error(f"rest-1.v1/Data/Story/{story}", method="POST", data=body)
    assert (world.value(story, "Name"), world.moment) == ("s", before)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("<Asset><Attribute", "Invalid XML"),
        ("", "Invalid XML"),
        ("<Story />", "Invalid payload"),
        (asset(setting("Nope", "x")), "Unknown AttributeDefinition: Story.Nope"),
        (
            asset('<Attribute name="Name">x</Attribute>', '<Relation name="Name" act="set" />'),
            "Violation'Invalid'Story.Name",
        ),
        (asset('<Relation name="Owners"><Asset idref="Member:20" act="append"/></Relation>'), "Invalid act: append"),
        (asset(setting("Estimate", "many")), "Violation'Invalid'Story.Estimate"),
        (asset(setting("Name", "")), "Violation'Required'Story.Name"),
        (asset('<Relation name="Super" act="set"><Asset idref="Member:20"/></Relation>'), "Violation'Invalid'Story.Super"),
        (asset('<Relation name="Super" act="set"><Asset idref="nine"/></Relation>'), "Invalid OID token: nine"),
        ('{"Attributes": {"Name": {"value": "x"}}}', "Invalid act"),
        ('{"Attributes": {"Owners": ["Member:20"]}}', "Invalid payload"),
        ('{"Name": "x"}', "Invalid payload"),
        ('{"Attributes": ', "Invalid JSON"),
    ],
)
def test_payload_that_does_not_fit_is_refused(client: Client, world: World, story: int, body: str, message: str) -> None:
    before = world.moment
    assert client.error(f"rest-1.v1/Data/Story/{story}", method="POST", data=body).startswith(message)
    assert world.moment == before


def test_operation_answers_with_a_bare_version(client: Client, world: World, story: int) -> None:
    root = client.post(f"Data/Story/{story}", "", op="QuickClose", comment="done with it")
    assert world.moment_row(world.moment).comment == "done with it"
    assert (root.tag, root.get("id"), len(root)) == ("Asset", f"Story:{story}:{world.moment}", 0)
    assert world.value(story, "IsClosed") is True
    error = client.error(f"rest-1.v1/Data/Story/{story}", method="POST", op="Explode")
    assert error == "Unknown Operation 'Story.Explode'"


def test_deleted_asset_takes_no_write_but_undelete(client: Client, world: World, story: int) -> None:
    client.post(f"Data/Story/{story}", "", op="Delete")
    path = f"rest-1.v1/Data/Story/{story}"
    assert client.raw(path, "POST", asset(setting("Name", "x"))).status_code == 404
    assert client.raw(path, "POST", op="QuickClose").status_code == 404
    client.post(f"Data/Story/{story}", "", op="Undelete")
    assert client.values(f"Story/{story}", "Name,AssetState") == {"Name": "s", "AssetState": 64}


def test_save_that_changes_nothing_is_a_version_and_counted(client: Client, sim: VersionOneSimulator, story: int) -> None:
    before, moments = sim.no_op_saves, sim.world.moments(story)
    client.post(f"Data/Story/{story}", asset(setting("Name", "s")))
    assert sim.no_op_saves == before + 1
    assert len(sim.world.moments(story)) == len(moments) + 1


def test_new_suggests_values_for_a_context(client: Client, world: World, story: int) -> None:
    root = client.xml("New/Task", ctx=f"Story:{story}")
    assert {each.get("act") for each in root} == {"set"}
    parent = root.find("Relation[@name='Parent']/Asset")
    assert parent.get("idref") == f"Story:{story}"
    told = client.json("New/Task", ctx=f"Story:{story}")["Attributes"]["Parent"]
    assert (told["act"], told["value"]["idref"]) == ("set", f"Story:{story}")


def test_create_in_a_context_needs_no_parent(client: Client, world: World, story: int) -> None:
    root = client.post("Data/Task", asset(setting("Name", "t")), ctx=f"Story:{story}")
    made = int(root.get("id").split(":")[1])
    assert (world.value(made, "Parent"), world.value(made, "Scope")) == (story, world.landmarks.project)


def test_answer_to_a_write_can_be_lost(client: Client, sim: VersionOneSimulator, story: int) -> None:
    sim.switches = sim.switches.with_changes({"lost_answer_every": 1})
    with pytest.raises(requests.ConnectionError):
        client.raw(f"rest-1.v1/Data/Story/{story}", "POST", asset(setting("Name", "kept")))
    assert sim.world.value(story, "Name") == "kept"
    assert sim.requests[-1].status == 0
    assert client.raw(f"rest-1.v1/Data/Story/{story}").status_code == 200


# Attachments

PLACES = ("attachment.img", "attachment.v1", "attachments.img", "attachment.oauth.img")


def upload(client: Client, story: int) -> int:
    texts = {"Name": "a", "Filename": "a.png", "ContentType": "image/png", "Content": ""}
    relation = f'<Relation name="Asset" act="set"><Asset idref="Story:{story}" /></Relation>'
    root = client.post("Data/Attachment", asset(*(setting(*pair) for pair in texts.items()), relation))
    return int(root.get("id").split(":")[1])


@pytest.mark.parametrize("place", PLACES)
def test_body_of_an_attachment_has_several_addresses(client: Client, story: int, place: str) -> None:
    made = upload(client, story)
    assert client.raw(f"{place}/{made}").status_code == 404
    body = b"\x89PNG\x00\xff" * 50
    assert client.raw(f"{place}/{made}", "POST", body).status_code == 200
    for each in PLACES:
        answer = client.raw(f"{each}/{made}")
        assert (answer.content, answer.headers["Content-Type"]) == (body, "image/png")


def test_attachment_can_be_sent_as_a_form(client: Client, story: int) -> None:
    made = upload(client, story)
    files = {"file": ("a.png", b"\r\n--x\x00", "image/png")}
    answer = client.session.post(f"{client.base}/attachments.img/{made}", files=files, timeout=10)
    assert answer.status_code == 200
    assert client.raw(f"attachment.img/{made}").content == b"\r\n--x\x00"


def test_body_of_an_attachment_is_base64_as_an_attribute(client: Client, world: World, story: int) -> None:
    made = upload(client, story)
    world.set_blob(made, b"abc")
    assert client.values(f"Attachment/{made}", "Content") == {"Content": "YWJj"}


def test_embedded_image_is_also_found_by_its_hash(client: Client, world: World, story: int) -> None:
    given: dict[str, Any] = {"Asset": story, "ContentType": "image/png", "Content": ""}
    made = world.create("EmbeddedImage", given)
    assert client.raw(f"embedded.img/{made}", "POST", b"picture").status_code == 200
    digest = world.value(made, "ContentHash")
    assert len(str(digest)) == 40
    assert client.raw(f"downloadblob.img/{digest}").content == b"picture"
    assert client.raw(f"embedded.oauth.img/{made}").content == b"picture"
    assert client.raw(f"attachment.img/{made}").status_code == 404


def test_attachment_of_a_deleted_story_is_gone(client: Client, world: World, story: int) -> None:
    made = upload(client, story)
    world.set_blob(made, b"abc")
    world.operate(story, "Delete")
    assert client.raw(f"attachment.img/{made}").status_code == 404
    assert client.raw(f"attachment.img/{made}", "POST", b"x").status_code == 404


def test_same_service_answers_under_the_oauth_name(client: Client, story: int) -> None:
    root = client.raw(f"rest-1.oauth.v1/Data/Story/{story}", accept="application/json").json()
    assert root["href"] == f"/Acme/rest-1.oauth.v1/Data/Story/{story}"
    body = json.dumps({"Attributes": {"Name": {"value": "y", "act": "set"}}})
    assert client.raw(f"rest-1.oauth.v1/Data/Story/{story}", "POST", body).status_code == 200
    assert client.values(f"Story/{story}", "Name") == {"Name": "y"}


def test_plain_list_values_are_added_and_removed(client: Client, world: World, story: int) -> None:
    world.update(story, {"TaggedWith": Changed(add=("a", "b"))})
    body = {"Attributes": {"TaggedWith": {"value": [{"value": "a", "act": "remove"}, {"value": "c", "act": "add"}]}}}
    assert client.raw(f"rest-1.v1/Data/Story/{story}", "POST", json.dumps(body)).status_code == 200
    assert world.value(story, "TaggedWith") == ["b", "c"]
