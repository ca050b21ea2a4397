"""Shapes of answers: XML, typed JSON, HAL and query.v1 say the same; pages, totals, single attributes, errors. §3"""

from __future__ import annotations

from decimal import Decimal
from typing import Any
from xml.etree import ElementTree

import pytest

from mirror.simulators.versionone import Changed, Switches, VersionOneSimulator, World
from tests.simulators.versionone.conftest import Client

UNPAGED = "2147483647"


def xml_values(asset: ElementTree.Element) -> dict[str, Any]:
    """Attributes of an asset: texts, lists of texts for several, Oids for relations."""
    found: dict[str, Any] = {}
    for element in asset:
        name = element.get("name", "")
        if element.tag == "Relation":
            found[name] = [each.get("idref") for each in element.findall("Asset")]
        elif element.find("Value") is not None:
            found[name] = [each.text for each in element.findall("Value")]
        else:
            found[name] = element.text
    return found


def json_values(asset: dict[str, Any]) -> dict[str, Any]:
    """The same from typed JSON."""
    found: dict[str, Any] = {}
    for name, each in asset["Attributes"].items():
        value = each["value"]
        if each["_type"] == "Relation":
            found[name] = [target["idref"] for target in ([value] if isinstance(value, dict) else value or [])]
        else:
            found[name] = [plain(one) for one in value] or None if isinstance(value, list) else plain(value)
    return found


def plain(value: Any) -> str | None:
    """A JSON scalar as XML would spell it."""
    if isinstance(value, bool):
        return str(value).lower()
    return None if value in (None, "") else str(value)


def test_xml_and_json_say_the_same_of_every_attribute(client: Client, world: World) -> None:
    for type_name in ("Story", "Defect", "Epic", "Member", "Timebox", "Scope", "Attachment", "Actual"):
        names = ",".join(world.schema.attributes(type_name))
        xml = {each.get("id"): xml_values(each) for each in client.xml(f"Data/{type_name}", sel=names, page="20")}
        answer = client.json(f"Data/{type_name}", sel=names, page="20")
        assert {each["id"]: json_values(each) for each in answer["Assets"]} == xml
        assert xml


def test_hal_and_query_v1_say_the_same_as_xml(client: Client, world: World) -> None:
    names = ["Name", "Estimate", "Scope", "Scope.Name", "Owners", "IsClosed", "Super", "ToDo"]
    rows = {row["_links"]["self"]["id"]: row for row in client.json("Data/Story", accept="haljson", sel=",".join(names))}
    [queried] = client.query({"from": "Story", "select": names})
    assets = client.xml("Data/Story", sel=",".join(names)).findall("Asset")
    assert len(assets) == len(queried) == len(rows) > 3
    for asset, row in zip(assets, queried, strict=True):
        said, hal = xml_values(asset), rows[asset.get("id")]
        assert row["_oid"] == asset.get("id")
        for name in ("Name", "Estimate", "Scope.Name", "IsClosed", "ToDo"):
            assert plain(row[name]) == plain(hal[name]) == said[name]
        for name in ("Scope", "Owners", "Super"):
            assert [link["idref"] for link in hal["_links"].get(name, [])] == said[name]
            told = row[name] if isinstance(row[name], list) else [row[name]]
            assert [each["_oid"] for each in told if each["_oid"] != "NULL"] == said[name]


def test_form_of_the_answer_is_asked_for_by_header_or_parameter(client: Client, sim: VersionOneSimulator) -> None:
    path = "rest-1.v1/Data/Member/20"
    assert client.raw(path).headers["Content-Type"].startswith("text/xml")
    assert client.raw(path, accept="application/json").json()["id"] == "Member:20"
    assert client.raw(path, accept="haljson").headers["Content-Type"] == "haljson; charset=utf-8"
    assert client.raw(path, acceptFormat="haljson").json()["_links"]["self"]["id"] == "Member:20"
    assert client.raw(path, accept="*/*", ACCEPT="text/json").json()["_type"] == "Asset"
    sim.switches = sim.switches.with_changes({"json": False})
    assert client.raw(path, accept="application/json").headers["Content-Type"].startswith("text/xml")


def test_unpaged_list_echoes_a_very_large_page(client: Client, world: World) -> None:
    root = client.xml("Data/Story", sel="")
    count = len(world.ids("Story"))
    assert (root.tag, root.get("total"), root.get("pageSize"), root.get("pageStart")) == ("Assets", str(count), UNPAGED, "0")
    assert [list(asset) for asset in root] == [[]] * count
    assert [asset.get("id") for asset in root] == [f"Story:{each}" for each in world.ids("Story")]
    assert root[0].get("href") == f"/Acme/rest-1.v1/Data/Story/{world.ids('Story')[0]}"


def test_pages_count_from_zero_and_echo_what_was_asked(client: Client, world: World) -> None:
    ids = world.ids("Story")
    root = client.xml("Data/Story", sel="", page="2,3")
    assert (root.get("total"), root.get("pageSize"), root.get("pageStart")) == (str(len(ids)), "2", "3")
    assert [asset.get("id") for asset in root] == [f"Story:{each}" for each in ids[3:5]]
    assert len(client.xml("Data/Story", sel="", page=f"5,{len(ids)}")) == 0
    assert "PAGE" in client.error("rest-1.v1/Data/Story", page="many")


@pytest.mark.parametrize(
    ("total", "plain_one", "asked_one"), [("always", True, True), ("asked", False, True), ("never", False, False)]
)
def test_total_depends_on_the_release(
    client: Client, sim: VersionOneSimulator, total: str, plain_one: bool, asked_one: bool
) -> None:
    sim.switches = sim.switches.with_changes({"total": total})
    assert ("total" in client.xml("Data/Story", sel="", page="1").attrib) == plain_one
    assert ("total" in client.xml("Data/Story", sel="", page="1", needTotal="true").attrib) == asked_one
    assert ("total" in client.json("Data/Story", sel="", page="1")) == plain_one


def test_page_can_be_capped_shifted_and_short(client: Client, sim: VersionOneSimulator, world: World) -> None:
    ids = world.ids("Story")
    sim.switches = sim.switches.with_changes({"page_size_cap": 2})
    assert client.xml("Data/Story", sel="", page="4").get("pageSize") == "4"
    assert client.ids("Story", page="4") == ids[:2]
    sim.switches = Switches().with_changes({"page_size_cap": 2, "page_size_echo": "returned"})
    assert client.xml("Data/Story", sel="", page="4").get("pageSize") == "2"
    sim.switches = Switches().with_changes({"page_shift": 1})
    assert client.ids("Story", page="2") + client.ids("Story", page="2,2") == [*ids[:2], *ids[1:3]]
    sim.switches = Switches().with_changes({"short_page_every": 2})
    assert [len(client.ids("Story", page="3")) for _ in range(4)] == [3, 2, 3, 2]


def test_without_a_selection_the_basic_attributes_come(client: Client, world: World) -> None:
    asset = xml_values(client.xml("Data/Member/20"))
    for name in ("Name", "Nickname", "Description", "Email", "Phone", "Username", "AssetState", "IsLoginDisabled"):
        assert name in asset
    assert (asset["DefaultRole"], asset["AssetType"]) == (["Role:1"], "Member")
    assert "DefaultRole.Name" in asset
    basic = client.json("Data/AttributeDefinition", where="IsBasic='true';Asset.Name='Member'", sel="Name")["Assets"]
    own = {row["Attributes"]["Name"]["value"] for row in basic}
    assert own <= set(asset)
    assert "Password" not in asset


def test_lists_of_sibling_projections_stay_aligned(client: Client, world: World) -> None:
    one = world.create("Member", {"Name": "No Mail", "Nickname": "n", "DefaultRole": "Role:1"})
    story = world.create("Story", {"Name": "s", "Scope": 0, "Owners": [20, one]})
    values = xml_values(client.xml(f"Data/Story/{story}", sel="Owners.Name,Owners.Email"))
    assert values == {"Owners.Name": ["Administrator", "No Mail"], "Owners.Email": ["admin@example.com", None]}
    assert client.values(f"Story/{story}", "Owners.Email") == {"Owners.Email": ["admin@example.com", None]}


def test_missing_values_are_empty_null_or_an_empty_list(client: Client, world: World) -> None:
    story = world.create("Story", {"Name": "s", "Scope": 0})
    sel = "Estimate,Super,Owners,Owners.Name,TaggedWith,Super.Name"
    assert client.values(f"Story/{story}", sel) == {
        "Estimate": None,
        "Super": None,
        "Owners": [],
        "Owners.Name": [],
        "TaggedWith": [],
        "Super.Name": None,
    }
    tags = {each.tag for each in client.xml(f"Data/Story/{story}", sel=sel) if len(each) == 0 and each.text is None}
    assert tags == {"Attribute", "Relation"}


def test_values_keep_their_types(client: Client, sim: VersionOneSimulator, world: World) -> None:
    given = {"Name": 'a <b> & \u00e4 "c"\n', "Scope": 0, "Estimate": "2.50", "TaggedWith": Changed(add=("x", "y z"))}
    story = world.create("Story", given)
    sel = "Name,Estimate,AssetState,IsClosed,TaggedWith,Order,ChangeDateUTC,Key"
    values = client.values(f"Story/{story}", sel)
    assert values["Name"] == given["Name"]
    assert (values["Estimate"], values["AssetState"], values["IsClosed"]) == (2.5, 64, False)
    assert (values["TaggedWith"], values["Key"]) == (["x", "y z"], str(story))
    assert values["ChangeDateUTC"] == "2025-06-02T12:00:00"
    said = xml_values(client.xml(f"Data/Story/{story}", sel=sel))
    assert (said["Name"], said["Estimate"], said["IsClosed"]) == (given["Name"], "2.5", "false")
    sim.switches = sim.switches.with_changes({"json_numbers_as_strings": True, "zone_suffix_in_rest": "Z"})
    values = client.values(f"Story/{story}", sel)
    assert (values["Estimate"], values["AssetState"], values["ChangeDateUTC"]) == ("2.5", 64, "2025-06-02T12:00:00Z")
    assert world.value(story, "Estimate") == Decimal("2.5")


def test_numbers_keep_all_their_digits(client: Client, world: World) -> None:
    exact = "12345678901234567890.123456789"
    story = world.create("Story", {"Name": "s", "Scope": 0, "Estimate": exact})
    assert xml_values(client.xml(f"Data/Story/{story}", sel="Estimate")) == {"Estimate": exact}
    assert f'"value":{exact}' in client.raw(f"rest-1.v1/Data/Story/{story}", sel="Estimate", accept="application/json").text


def test_single_attribute_may_be_a_projection_filter_cast_or_aggregate(client: Client, world: World) -> None:
    story = world.create("Story", {"Name": "s", "Scope": world.landmarks.project, "Owners": [20]})
    world.create("Task", {"Name": "t", "Parent": story, "DetailEstimate": "3"})
    world.create("Test", {"Name": "u", "Parent": story})

    def one(attribute: str) -> ElementTree.Element:
        return client.xml(f"Data/Story/{story}/{attribute}")

    assert (one("Name").tag, one("Name").get("name"), one("Name").text) == ("Attribute", "Name", "s")
    assert one("Name").get("href") == f"/Acme/rest-1.v1/Data/Story/{story}/Name"
    scope = one("Scope")
    assert (scope.tag, scope.get("name"), scope.get("of")) == ("Relation", "Scope", f"Story:{story}")
    assert [each.get("idref") for each in scope] == [f"Scope:{world.landmarks.project}"]
    assert [each.text for each in one("Owners.Name")] == ["Administrator"]
    assert len(one("Children")) == 2
    assert [each.get("idref").split(":")[0] for each in one("Children:Task")] == ["Task"]
    assert [each.get("idref").split(":")[0] for each in one("Children[Name='u']")] == ["Test"]
    assert one("Children:Task.DetailEstimate.@Sum").text == "3"
    assert (one("Children.@Count").text, one("Owners[Name='x'].@Count").text) == ("2", "0")
    assert one("Children:Test.DetailEstimate.@Sum").text is None
    assert client.json(f"Data/Story/{story}/Children.@Count")["value"] == 2


def test_one_unknown_attribute_refuses_the_whole_page(client: Client) -> None:
    error = client.error("rest-1.v1/Data/Defect", sel="Name,Category")
    assert error == "Invalid SEL parameter: Unknown AttributeDefinition: Defect.Category"


def test_rows_of_an_abstract_type_have_what_applies(client: Client, world: World) -> None:
    story = world.create("Story", {"Name": "s", "Scope": 0, "Estimate": "1"})
    task = world.create("Task", {"Name": "t", "Parent": story})
    where = f"ID='Story:{story}','Task:{task}'"
    first, second = client.xml("Data/Workitem", sel="Story.Estimate,Task.Status,Workitem.Name", where=where)
    assert xml_values(first) == {"Estimate": "1", "Name": "s"}
    assert xml_values(second) == {"Status": [], "Name": "t"}


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "rest-1.v1/Data/Story/99999", 404),
        ("GET", "rest-1.v1/Data/Defect/20", 404),
        ("GET", "rest-1.v1/Data/Story/abc", 404),
        ("GET", "rest-1.v1/Data/Animal", 404),
        ("GET", "rest-1.v1/Data/Member/20/Nope", 404),
        ("GET", "rest-1.v1/Data", 404),
        ("GET", "rest-1.v1/Other/Story", 404),
        ("GET", "hist-1.v1/Story", 404),
        ("GET", "meta.v1/Animal", 404),
        ("GET", "meta.v1/Story/Nope", 404),
        ("POST", "rest-1.v1/Hist/Story", 405),
        ("POST", "rest-1.v1/Data/Member/20/Name", 405),
        ("POST", "meta.v1/Story", 405),
        ("PUT", "rest-1.v1/Data/Member/20", 405),
        ("DELETE", "rest-1.v1/Data/Member/20", 405),
        ("PATCH", "meta.v1/Story", 405),
        ("OPTIONS", "rest-1.v1/Data/Member/20", 405),
        ("HEAD", "rest-1.v1/Data/Member/20", 405),
        ("POST", "rest-1.v1/Data/PrimaryWorkitem", 405),
        ("GET", "api/asset", 405),
        ("GET", "query.v1", 405),
        ("GET", "api/other", 404),
    ],
)
def test_statuses_of_refusals(client: Client, method: str, path: str, status: int) -> None:
    assert client.raw(path, method, "<Asset />" if method == "POST" else None).status_code == status


def test_errors_have_the_form_of_the_answer(client: Client, sim: VersionOneSimulator) -> None:
    wanted = "Invalid SEL parameter: Unknown AttributeDefinition: Story.Nope"
    root = ElementTree.fromstring(client.raw("rest-1.v1/Data/Story", sel="Nope").content)
    assert (root.tag, root.findtext("Message")) == ("Error", wanted)
    assert root.findtext("Exception/Message") == wanted
    answer = client.raw("rest-1.v1/Data/Story", sel="Nope", accept="application/json")
    assert (answer.status_code, answer.json()) == (400, {"exceptions": [{"message": wanted}]})
    sim.switches = sim.switches.with_changes({"html_errors": True})
    answer = client.raw("rest-1.v1/Data/Story", sel="Nope")
    assert (answer.status_code, answer.headers["Content-Type"]) == (400, "text/html; charset=utf-8")
    with pytest.raises(ElementTree.ParseError):
        ElementTree.fromstring(answer.content)


def test_deleted_asset_is_not_found(client: Client, world: World) -> None:
    gone = world.landmarks.deleted_story
    assert client.raw(f"rest-1.v1/Data/Story/{gone}").status_code == 404
    assert gone in client.ids("Story", "IsDeleted='true'")
    assert gone not in client.ids("Story")


def test_too_long_query_strings_are_refused_by_the_web_server(client: Client, sim: VersionOneSimulator) -> None:
    sim.switches = sim.switches.with_changes({"query_string_limit": 100})
    assert client.raw("rest-1.v1/Data/Story", sel="Name").status_code == 200
    answer = client.raw("rest-1.v1/Data/Story", sel=",".join(["Name"] * 40))
    assert (answer.status_code, answer.headers["Content-Type"]) == (404, "text/html; charset=utf-8")


def test_reads_can_lag_behind(client: Client, sim: VersionOneSimulator, world: World, clock: Any) -> None:
    sim.switches = sim.switches.with_changes({"replica_lag_seconds": 5.0})
    clock.advance(10)
    story = world.create("Story", {"Name": "late", "Scope": 0})
    assert client.raw(f"rest-1.v1/Data/Story/{story}").status_code == 404
    assert story not in client.ids("Story")
    answer = client.post(f"Data/Story/{story}", '<Asset><Attribute name="Name" act="set">x</Attribute></Asset>')
    assert answer.find("Attribute").text == "x"
    clock.advance(6)
    assert client.values(f"Story/{story}", "Name") == {"Name": "x"}


def test_search_index_can_lag_behind(client: Client, sim: VersionOneSimulator, world: World, clock: Any) -> None:
    sim.switches = sim.switches.with_changes({"find_lag_seconds": 10.0})
    clock.advance(60)
    story = world.create("Story", {"Name": "Lighthouse keeper", "Scope": 0})
    assert (story in client.ids("Story"), client.ids("Story", find="keeper lighthouse")) == (True, [])
    clock.advance(11)
    assert client.ids("Story", find="keeper lighthouse") == [story]


def test_full_scans_are_counted_at_their_first_page(client: Client, sim: VersionOneSimulator) -> None:
    before = sim.full_scans
    client.ids("Story", page="2")
    client.ids("Story", page="2,2")
    client.ids("Story", "Moment>'3'")
    assert sim.full_scans == before + 1
