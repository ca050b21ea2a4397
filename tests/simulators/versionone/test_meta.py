"""meta.v1 in both forms, and what is around it. versionone.md §5, §1"""

from __future__ import annotations

from typing import Any
from xml.etree import ElementTree

from mirror.simulators.versionone import VersionOneSimulator, World
from tests.simulators.versionone.conftest import Client


def meta(client: Client, path: str = "") -> ElementTree.Element:
    answer = client.raw(f"meta.v1/{path}")
    assert answer.status_code == 200
    return ElementTree.fromstring(answer.content)


def meta_json(client: Client, path: str = "") -> dict[str, Any]:
    return client.raw(f"meta.v1/{path}", accept="application/json").json()


def test_type_lists_inherited_attributes_and_operations(client: Client, world: World) -> None:
    root = meta(client, "Story")
    assert (root.tag, root.get("version"), root.get("abstract")) == ("AssetType", world.schema.version, "False")
    assert root.find("Base").get("nameref") == "PrimaryWorkitem"
    assert root.find("DefaultOrderBy").get("tokenref") == "Story.Order"
    assert root.find("ShortName").get("tokenref") == "Story.Number"
    attributes = {each.get("name"): each for each in root.findall("AttributeDefinition")}
    assert attributes.keys() == world.schema.attributes("Story").keys()
    assert {each.get("name") for each in root.findall("Operation")} == world.schema.operations("Story").keys()
    assert root.find("Operation[@name='Delete']/Validator").get("tokenref") == "Story.IsDeletable"


def test_attribute_carries_the_recorded_words(client: Client) -> None:
    scope = meta(client, "Story/Scope")
    flags = {"isreadonly": "False", "isrequired": "True", "ismultivalue": "False", "iscanned": "True", "iscustom": "False"}
    assert scope.attrib.items() >= flags.items()
    assert scope.get("displayname") == "AttributeDefinition'Scope'Workitem"
    assert (scope.get("token"), scope.get("attributetype"), scope.get("of")) == ("Story.Scope", "Relation", "Story")
    assert scope.find("Base").get("tokenref") == "Workitem.Scope"
    assert scope.find("ReciprocalRelation").get("tokenref") == "Scope.Workitems"
    assert scope.find("DisplayByAttribute").get("tokenref") == "Scope.Name"
    assert scope.find("RelatedAsset").attrib == {"nameref": "Scope", "href": "/Acme/meta.v1/Scope"}


def test_operation_has_an_address_of_its_own(client: Client) -> None:
    root = meta(client, "Story/QuickClose")
    assert (root.tag, root.get("name")) == ("Operation", "QuickClose")
    assert root.find("Validator").get("tokenref") == "Story.CheckQuickClose"


def test_json_says_the_same_as_xml(client: Client) -> None:
    everything, root = meta_json(client), meta(client)
    assert root.tag == "Meta"
    assert everything["AssetTypes"].keys() == {each.get("name") for each in root}
    for element in root:
        told = everything["AssetTypes"][element.get("name")]
        assert told["Abstract"] == (element.get("abstract") == "True")
        for definition in element.findall("AttributeDefinition"):
            attribute = told["Attributes"][definition.get("token")]
            assert attribute["AttributeType"] == definition.get("attributetype")
            flags = ("IsReadOnly", "IsRequired", "IsMultivalue", "IsCanned", "IsCustom")
            assert [attribute[flag] for flag in flags] == [definition.get(flag.lower()) == "True" for flag in flags]
            related = definition.find("RelatedAsset")
            assert attribute.get("RelatedAsset", {}).get("nameref") == (None if related is None else related.get("nameref"))
        assert told["Operations"].keys() == {each.get("name") for each in element.findall("Operation")}


def test_one_type_in_json_has_address_and_version(client: Client, world: World) -> None:
    told = meta_json(client, "Story")
    assert (told["HREF"], told["Version"], told["Token"]) == ("/Acme/meta.v1/Story", world.schema.version, "Story")
    assert told["Attributes"]["Story.Name"]["IsRequired"] is True
    assert told["Base"] == {"nameref": "PrimaryWorkitem", "href": "/Acme/meta.v1/PrimaryWorkitem"}


def test_custom_field_appears_and_disappears_while_it_runs(client: Client, world: World) -> None:
    assert meta(client, "Story").find("AttributeDefinition[@name='Custom_Tide']") is None
    world.add_field("Story", "Tide", "Numeric")
    assert meta(client, "Story/Custom_Tide").get("iscustom") == "True"
    story = world.create("Story", {"Name": "s", "Scope": 0, "Custom_Tide": "3"})
    assert client.values(f"Story/{story}", "Custom_Tide") == {"Custom_Tide": 3}
    world.remove_field("Story", "Tide")
    assert client.raw("meta.v1/Story/Custom_Tide").status_code == 404
    assert "Custom_Tide" in client.error("rest-1.v1/Data/Story", sel="Custom_Tide")


def test_older_releases_do_not_say_what_is_custom(client: Client, sim: VersionOneSimulator) -> None:
    sim.switches = sim.switches.with_changes({"iscustom_in_meta": False})
    assert "iscustom" not in meta(client, "Story/Name").attrib
    assert "IsCustom" not in meta_json(client, "Story/Name")


def test_api_page_is_for_people(client: Client) -> None:
    answer = client.raw("meta.v1", xsl="api.xsl")
    assert answer.headers["Content-Type"].startswith("text/html")
    assert "PrimaryWorkitem" in answer.text


def test_services_beside_the_data(client: Client, world: World) -> None:
    assert client.raw("loc.v1/?AttributeDefinition'OwnedBy'Workitem").text == "Owned By"
    assert client.raw("loc-2.v1/?[AssetType'Story,AssetType'Epic]").json() == {
        "AssetType'Story": "Story",
        "AssetType'Epic": "Epic",
    }
    root = ElementTree.fromstring(client.raw("config.v1/").content)
    assert root.get("version") == world.schema.version
    assert {each.get("key") for each in root} == {"EffortTracking", "StoryTrackingLevel", "DefectTrackingLevel"}


def test_deep_links_take_an_oid_or_a_number(client: Client, world: World) -> None:
    story = world.ids("Story")[0]
    number = world.value(story, "Number")
    assert str(number) in client.raw("assetdetail.v1", oid=f"Story:{story}").text
    assert str(number) in client.raw("assetdetail.v1", number=number).text
    assert client.raw("assetdetail.v1", number="S-99999").status_code == 404
