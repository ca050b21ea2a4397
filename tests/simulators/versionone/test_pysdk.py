"""The vendor's own Python client against the simulator: one test for each step of versionone.md Appendix A.

`K` logs in with a token, `B` with a password: then every call is sent twice, first without credentials.
"""

from __future__ import annotations

import gc
import itertools
import warnings
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import quote_plus

import pytest

from mirror.simulators import ManualClock
from mirror.simulators.traffic import Request
from mirror.simulators.versionone import Changed, Switches, VersionOneSimulator, World

with warnings.catch_warnings():
    # What the client is built on is older than the warnings.
    warnings.simplefilter("ignore", SyntaxWarning)
    warnings.simplefilter("ignore", DeprecationWarning)
    from v1pysdk import V1Meta
    from v1pysdk.client import V1AssetNotFoundError, V1Error

# The client leaves its sockets to the garbage collector, and logs with a method that is deprecated.
pytestmark = [
    pytest.mark.filterwarnings("ignore:The 'warn' method is deprecated:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]

Connect = Callable[[str], Any]
FAITHFUL = Switches().with_changes({"session_tickets": False, "meta_open": False})
"""As Appendix A was measured: no cookies, and meta asks for credentials."""

_serial = itertools.count(1)


@pytest.fixture(autouse=True)
def sockets() -> Iterator[None]:
    """Let the garbage collector close what the client left open while its complaints are still ignored."""
    yield
    gc.collect()


@pytest.fixture(scope="module")
def shared() -> Iterator[VersionOneSimulator]:
    with VersionOneSimulator(records=60, seed=3, clock=ManualClock(step_seconds=1), switches=FAITHFUL) as running:
        # The world is large; without it a collection takes a tenth of the time.
        gc.freeze()
        yield running
        gc.unfreeze()


@pytest.fixture
def sim(shared: VersionOneSimulator) -> Iterator[VersionOneSimulator]:
    """One simulator for the module; every test makes the assets it speaks of."""
    shared.requests.clear()
    yield shared
    shared.faults.clear()
    shared.switches = FAITHFUL


@pytest.fixture
def world(sim: VersionOneSimulator) -> World:
    return sim.world


@pytest.fixture
def connect(sim: VersionOneSimulator, monkeypatch: pytest.MonkeyPatch) -> Connect:
    for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)

    def open_client(form: str) -> Any:
        if form == "K":
            return V1Meta(instance_url=sim.url, password=sim.token, use_password_as_token=True)
        return V1Meta(instance_url=sim.url, username=sim.user, password=sim.password)

    return open_client


@pytest.fixture(params=["K", "B"])
def form(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def v(connect: Connect, form: str) -> Any:
    return connect(form)


@pytest.fixture
def name() -> str:
    return f"First {next(_serial)}"


@pytest.fixture
def story(world: World, name: str) -> int:
    """A story with an owner and a status."""
    done = world.find("StoryStatus", Name="Done")
    values = {"Name": name, "Scope": world.landmarks.project, "Owners": [20], "Status": done, "Estimate": "3"}
    return world.create("Story", values)


def line(request: Request) -> str:
    path = request.path.removeprefix("/Acme/")
    return f"{request.method} {path}?{request.query}" if request.query else f"{request.method} {path}"


def calls(sim: VersionOneSimulator, form: str) -> list[str]:
    """What was asked since the last time; in form B every call is first refused, then sent again, body and all."""
    seen = list(sim.requests)
    sim.requests.clear()
    if form == "B":
        first, again = seen[::2], seen[1::2]
        assert [each.status for each in first] == [401] * len(again)
        assert [(line(each), each.body) for each in first] == [(line(each), each.body) for each in again]
        seen = again
    return [line(each) for each in seen]


def bodies(sim: VersionOneSimulator) -> list[str]:
    return [each.body.decode() for each in sim.requests.select(method="POST") if each.status != 401]


def data(requests: list[str]) -> list[str]:
    return [each for each in requests if not each.startswith("GET meta.v1")]


def q(text: str) -> str:
    return quote_plus(text)


def named(name: str) -> str:
    """The filter for a name, encoded."""
    return q(f"Name='{name}'")


def test_01_connecting_asks_nothing(v: Any, sim: VersionOneSimulator) -> None:
    assert len(sim.requests) == 0


def test_02_first_attribute_reads_meta_the_asset_and_meta_of_related_types(
    v: Any, sim: VersionOneSimulator, form: str, story: int, name: str
) -> None:
    assert v.Story(story).Name == name
    related = ["GET meta.v1/Member", "GET meta.v1/Scope", "GET meta.v1/StoryStatus"]
    assert calls(sim, form) == ["GET meta.v1/Story", f"GET rest-1.v1/Data/Story/{story}", *related]


def test_03_second_attribute_asks_nothing(v: Any, sim: VersionOneSimulator, story: int) -> None:
    assert v.Story(story).Name
    sim.requests.clear()
    assert v.Story(story).Estimate == "3"
    assert v.Story(story).Number.startswith("S-")
    assert len(sim.requests) == 0


def test_04_attribute_of_a_related_asset_reads_that_asset(
    v: Any, sim: VersionOneSimulator, form: str, story: int, name: str, world: World
) -> None:
    found = v.Story.select("Scope").where(Name=name).first()
    calls(sim, form)
    project = world.landmarks.project
    assert found.Scope.Name == world.value(project, "Name")
    assert data(calls(sim, form)) == [f"GET rest-1.v1/Data/Scope/{project}"]


def test_04_name_of_a_related_asset_comes_with_the_basic_attributes(v: Any, sim: VersionOneSimulator, story: int) -> None:
    assert v.Story(story).Status.Name == "Done"
    sim.requests.clear()
    assert v.Story(story).Scope.Name
    assert len(sim.requests) == 0


def test_05_empty_single_relation_is_a_null_object(v: Any, sim: VersionOneSimulator, story: int) -> None:
    assert v.Story(story).Name
    sim.requests.clear()
    assert str(v.Story(story).Super.Name) == "None"
    assert not v.Story(story).Super
    assert len(sim.requests) == 0


def test_06_members_of_a_multi_relation_are_read_one_by_one(
    v: Any, sim: VersionOneSimulator, form: str, world: World, name: str
) -> None:
    second = world.ids("Member")[-1]
    values = {"Name": name, "Scope": world.landmarks.project, "Owners": [20, second]}
    world.create("Story", values)
    found = v.Story.select("Owners").where(Name=name).first()
    calls(sim, form)
    assert [owner.Name for owner in found.Owners] == [world.value(20, "Name"), world.value(second, "Name")]
    assert data(calls(sim, form)) == ["GET rest-1.v1/Data/Member/20", f"GET rest-1.v1/Data/Member/{second}"]


def test_07_attribute_that_is_not_basic_is_read_alone(v: Any, sim: VersionOneSimulator, form: str, story: int) -> None:
    assert v.Story(story).Name
    calls(sim, form)
    assert v.Story(story).LastVersion is None
    assert v.Story(story).CreatedBy.idref == "Member:20"
    assert data(calls(sim, form)) == [
        f"GET rest-1.v1/Data/Story/{story}/LastVersion",
        f"GET rest-1.v1/Data/Story/{story}/CreatedBy",
    ]


def test_08_listing_a_type_asks_once(v: Any, sim: VersionOneSimulator, form: str, world: World, story: int) -> None:
    assert [int(each.intid) for each in v.Story] == world.ids("Story")
    asked = calls(sim, form)
    assert asked[:2] == ["GET meta.v1/Story", "GET rest-1.v1/Data/Story"]
    assert data(asked) == ["GET rest-1.v1/Data/Story"]
    assert "GET meta.v1/Epic" in asked


def test_09_where_compares_for_equality(v: Any, sim: VersionOneSimulator, form: str, story: int, name: str) -> None:
    assert [int(each.intid) for each in v.Story.where(Name=name)] == [story]
    assert data(calls(sim, form)) == [f"GET rest-1.v1/Data/Story?where={named(name)}"]


def test_10_select_adds_the_relations_before_the_dots(
    v: Any, sim: VersionOneSimulator, form: str, story: int, name: str, world: World
) -> None:
    found = list(v.Story.select("Name", "Owners.Email", "Scope.Name").where(Name=name))
    assert [(each.Name, each.Owners[0].Email) for each in found] == [(name, "admin@example.com")]
    assert found[0].Scope.Name == world.value(world.landmarks.project, "Name")
    sel = q("Name,Owners,Owners.Email,Scope,Scope.Name")
    assert data(calls(sim, form)) == [f"GET rest-1.v1/Data/Story?sel={sel}&where={named(name)}"]


def test_11_filter_is_sent_as_it_is(v: Any, sim: VersionOneSimulator, form: str, world: World, story: int) -> None:
    tokens = "Estimate>'2';(Status.Name='Done'|-Status)"
    found = {int(each.intid) for each in v.Story.filter(tokens).select("Name")}
    done = world.find("StoryStatus", Name="Done")
    wanted = {
        each
        for each in world.ids("Story")
        if (world.value(each, "Estimate") or 0) > 2 and world.value(each, "Status") in (done, None)
    }
    assert story in found
    assert found == wanted
    assert data(calls(sim, form)) == [f"GET rest-1.v1/Data/Story?sel=Name&where={q(tokens)}"]


def test_12_sort_takes_several_attributes(v: Any, sim: VersionOneSimulator, form: str, world: World) -> None:
    found = [int(each.intid) for each in v.Story.select("Name").sort("-Estimate", "Name")]
    estimates = [world.value(each, "Estimate") for each in found]
    assert sorted(found) == world.ids("Story")
    assert estimates == sorted(estimates, key=lambda value: (value is not None, value or 0), reverse=True)
    assert data(calls(sim, form)) == [f"GET rest-1.v1/Data/Story?sel=Name&sort={q('-Estimate,Name')}"]


def test_13_page_has_a_size_and_perhaps_a_start(v: Any, sim: VersionOneSimulator, form: str, world: World) -> None:
    first, second = world.ids("Story")[:2]
    assert [int(each.intid) for each in v.Story.select("Name").page(size=1)] == [first]
    assert [int(each.intid) for each in v.Story.select("Name").page(size=1, start=1)] == [second]
    asked = ["GET rest-1.v1/Data/Story?sel=Name&page=1", "GET rest-1.v1/Data/Story?sel=Name&page=1%2C1"]
    assert data(calls(sim, form)) == asked


def test_13_length_of_a_page_comes_from_total_and_size(v: Any, world: World) -> None:
    count = len(world.ids("Story"))
    assert len(v.Story.select("Name").page(size=count - 1)) == count - 1
    assert len(v.Story.select("Name").page(size=count, start=2)) == count - 2


def test_14_find_searches_text(v: Any, sim: VersionOneSimulator, form: str, story: int, name: str) -> None:
    found = {int(each.intid): each.Name for each in v.Story.select("Name").find("Fir", "Name")}
    assert found[story] == name
    assert all("fir" in each.lower() for each in found.values())
    assert data(calls(sim, form)) == ["GET rest-1.v1/Data/Story?sel=Name&find=Fir&findIn=Name"]


def test_15_asof_reads_history(v: Any, sim: VersionOneSimulator, form: str, world: World, story: int, name: str) -> None:
    then = world.moment_row(world.moment).changed_at.strftime("%Y-%m-%dT%H:%M:%S.999")
    world.update(story, {"Name": "renamed"})
    found = [each for each in v.Story.select("Name").asof(then) if int(each.intid) == story]
    assert [(each.Name, each["AsOf"]) for each in found] == [(name, then)]
    assert data(calls(sim, form)) == [f"GET rest-1.v1/Hist/Story?sel=Name&asof={q(then)}"]


def test_16_several_instants_are_several_requests(v: Any, sim: VersionOneSimulator, form: str, world: World) -> None:
    before, after = "2001-01-01T00:00:00", "2040-01-01T00:00:00"
    found = list(v.Story.select("Name").asof(before, after))
    assert sorted(int(each.intid) for each in found) == world.ids("Story")
    assert data(calls(sim, form)) == [f"GET rest-1.v1/Hist/Story?sel=Name&asof={q(each)}" for each in (before, after)]


def test_17_query_with_a_filter_is_as_where(v: Any, sim: VersionOneSimulator, form: str, story: int, name: str) -> None:
    assert [int(each.intid) for each in v.Story.query(f"Name='{name}'")] == [story]
    assert data(calls(sim, form)) == [f"GET rest-1.v1/Data/Story?where={named(name)}"]


def test_18_attribute_of_a_query_is_selected(v: Any, sim: VersionOneSimulator, form: str, story: int, name: str) -> None:
    assert list(v.Story.where(Name=name).Name) == [name]
    assert data(calls(sim, form)) == [f"GET rest-1.v1/Data/Story?sel=Name&where={named(name)}"]


def test_19_everything_together(v: Any, sim: VersionOneSimulator, form: str, world: World) -> None:
    made = [world.create("Story", {"Name": f"Root {each}", "Scope": 0}) for each in range(3)]
    query = v.Story.where(AssetState=64).filter("Scope='Scope:0'").select("Name", "Number").sort("-ChangeDateUTC")
    found = [int(each.intid) for each in query.page(500, 1)]
    assert [each for each in found if each in made] == made[-2::-1]
    where = q("AssetState='64';Scope='Scope:0'")
    asked = f"GET rest-1.v1/Data/Story?sel=Name%2CNumber&where={where}&sort=-ChangeDateUTC&page=500%2C1"
    assert data(calls(sim, form)) == [asked]


def test_20_create_sends_attributes_and_relations(v: Any, sim: VersionOneSimulator, form: str, world: World) -> None:
    made = v.Story.create(Name="New", Scope=v.Scope(0))
    assert world.value(int(made.intid), "Name") == "New"
    assert bodies(sim) == [
        '<Asset><Attribute name="Name" act="set">New</Attribute>'
        '<Relation name="Scope" act="set"><Asset idref="Scope:0" /></Relation></Asset>'
    ]
    assert calls(sim, form) == ["GET meta.v1/Story", "GET meta.v1/Scope", "POST rest-1.v1/Data/Story"]


def test_21_create_adds_to_multi_relations(v: Any, sim: VersionOneSimulator, world: World) -> None:
    made = v.Story.create(Name="New", Scope=v.Scope(0), Owners=[v.Member(20)])
    assert world.value(int(made.intid), "Owners") == [20]
    owners = '<Relation name="Owners"><Asset idref="Member:20" act="add" /></Relation></Asset>'
    assert bodies(sim)[0].endswith(owners)


def test_22_create_without_a_name_is_an_error_with_the_body(v: Any, world: World) -> None:
    before = world.ids("Story")
    with pytest.raises(V1Error, match=r"Violation\\+'Required\\+'Story.Name"):
        v.Story.create(Scope=v.Scope(0))
    assert world.ids("Story") == before


def test_23_commit_sends_all_changes_of_an_asset_at_once(
    v: Any, sim: VersionOneSimulator, form: str, world: World, story: int
) -> None:
    epic = world.create("Epic", {"Name": "Above", "Scope": world.landmarks.project})
    world.update(story, {"Super": epic})
    second = world.ids("Member")[-1]
    asset, owner = v.Story(story), v.Member(second)
    calls(sim, form)
    asset.Name, asset.Estimate, asset.Super, asset.Owners = "A & <B>", 5, None, [owner]
    assert v.commit() == []
    assert bodies(sim) == [
        '<Asset><Attribute name="Name" act="set">A &amp; &lt;B&gt;</Attribute>'
        '<Attribute name="Estimate" act="set">5</Attribute><Relation name="Super" act="set" />'
        f'<Relation name="Owners"><Asset idref="Member:{second}" act="add" /></Relation></Asset>'
    ]
    assert calls(sim, form) == [f"POST rest-1.v1/Data/Story/{story}"]
    assert [world.value(story, each) for each in ("Name", "Estimate", "Super", "Owners")] == [
        "A & <B>",
        5,
        None,
        [20, second],
    ]


def test_24_leaving_the_block_commits(v: Any, sim: VersionOneSimulator, form: str, world: World, story: int) -> None:
    with v:
        v.Story(story).set(Name="ctx")
        assert data(calls(sim, form)) == []
    assert data(calls(sim, form)) == [f"POST rest-1.v1/Data/Story/{story}"]
    assert world.value(story, "Name") == "ctx"


def test_25_reading_after_a_commit_asks_again(v: Any, sim: VersionOneSimulator, form: str, story: int) -> None:
    asset = v.Story(story)
    asset.Name = "changed"
    v.commit()
    calls(sim, form)
    assert asset.Name == "changed"
    asked = calls(sim, form)
    assert asked[0] == f"GET rest-1.v1/Data/Story/{story}"
    assert asked[1:] == ["GET meta.v1/Member", "GET meta.v1/Scope", "GET meta.v1/StoryStatus"]


def test_26_one_refusal_does_not_keep_the_others_back(
    v: Any, sim: VersionOneSimulator, form: str, world: World, story: int
) -> None:
    gone = world.create("Story", {"Name": "gone", "Scope": 0})
    world.operate(gone, "Delete")
    v.Story(gone).set(Name="a")
    v.Story(story).set(Name="b")
    calls(sim, form)
    errors = v.commit()
    assert [type(each) for each in errors] == [V1AssetNotFoundError]
    assert calls(sim, form) == [f"POST rest-1.v1/Data/Story/{gone}", f"POST rest-1.v1/Data/Story/{story}"]
    assert world.value(story, "Name") == "b"


def test_27_operations_are_methods(v: Any, sim: VersionOneSimulator, form: str, world: World, story: int) -> None:
    task = world.create("Task", {"Name": "t", "Parent": story, "ToDo": "3"})
    asset = v.Story(story)
    calls(sim, form)
    assert asset.QuickClose() is None
    assert bodies(sim) == [""]
    assert calls(sim, form) == [f"POST rest-1.v1/Data/Story/{story}?op=QuickClose"]
    assert asset.IsClosed == "true"
    assert (world.value(task, "IsClosed"), world.value(task, "ToDo")) == (True, 0)
    asset.Reactivate()
    asset._v1_current_data.clear()
    assert asset.IsClosed == "false"


def test_28_deleted_asset_cannot_be_read(v: Any, sim: VersionOneSimulator, form: str, world: World, story: int) -> None:
    asset = v.Story(story)
    asset.Delete()
    assert data(calls(sim, form)) == [f"POST rest-1.v1/Data/Story/{story}?op=Delete"]
    with pytest.raises(V1AssetNotFoundError):
        asset.Name
    assert data(calls(sim, form)) == [f"GET rest-1.v1/Data/Story/{story}"]
    assert world.is_deleted(story)


@pytest.fixture
def attachment(world: World, story: int) -> int:
    given = {"Name": "a", "Filename": "a.txt", "ContentType": "text/plain", "Content": "", "Asset": story}
    return world.create("Attachment", given)


def test_29_body_of_an_attachment_is_raw(v: Any, sim: VersionOneSimulator, form: str, world: World, attachment: int) -> None:
    world.set_blob(attachment, b"\x00\x01\xff")
    assert v.Attachment(attachment).file_data == b"\x00\x01\xff"
    assert calls(sim, form) == ["GET meta.v1/Attachment", f"GET attachment.v1/{attachment}"]


@pytest.mark.parametrize("body", [b"\x00bytes", "gr\u00fc\u00dfe"])
def test_30_body_of_an_attachment_can_be_set(
    v: Any, sim: VersionOneSimulator, form: str, world: World, attachment: int, body: Any
) -> None:
    v.Attachment(attachment).file_data = body
    assert world.blob(attachment) == (body if isinstance(body, bytes) else body.encode())
    assert calls(sim, form) == ["GET meta.v1/Attachment", f"POST attachment.v1/{attachment}"]


def test_31_attachment_is_created_empty(v: Any, sim: VersionOneSimulator, world: World, story: int) -> None:
    given = {"Name": "a", "Content": "", "Filename": "f", "ContentType": "text/plain", "Asset": v.Story(story)}
    made = v.Attachment.create(**given)
    assert world.value(int(made.intid), "Asset") == story
    assert '<Attribute name="Content" act="set" />' in bodies(sim)[0]


def test_32_what_does_not_exist_is_not_found(v: Any, sim: VersionOneSimulator, form: str) -> None:
    with pytest.raises(V1AssetNotFoundError):
        v.Story(99999).Name
    with pytest.raises(V1AssetNotFoundError):
        v.Nope
    asked = ["GET meta.v1/Story", "GET rest-1.v1/Data/Story/99999", "GET meta.v1/Nope"]
    assert calls(sim, form) == asked


def test_33_address_of_an_asset_leads_to_a_page(v: Any, sim: VersionOneSimulator, form: str, story: int, name: str) -> None:
    url = v.Story(story).url
    assert url == f"{sim.url}/assetdetail.v1?oid=Story%3A{story}"
    calls(sim, form)
    with v.server.http_get(url) as page:
        assert name in page.read().decode()


def test_34_aggregate_is_asked_with_its_relation(
    v: Any, sim: VersionOneSimulator, form: str, world: World, story: int, name: str
) -> None:
    task = world.create("Task", {"Name": "t", "Parent": story})
    closed = world.create("Task", {"Name": "u", "Parent": story})
    world.operate(closed, "QuickClose")
    found = v.Story.select("Name", "Children:Task[AssetState='Active'].@Count").where(Name=name).first()
    [child] = found["Children:Task[AssetState='Active']"]
    assert (child.idref, child["@Count"]) == (f"Task:{task}", "1")
    sel = q("Name,Children:Task[AssetState='Active'],Children:Task[AssetState='Active'].@Count")
    assert data(calls(sim, form)) == [f"GET rest-1.v1/Data/Story?sel={sel}&where={named(name)}"]


# Sessions


def test_cookie_saves_the_second_challenge(connect: Connect, sim: VersionOneSimulator, story: int) -> None:
    sim.switches = FAITHFUL.with_changes({"session_tickets": True})
    before = sim.logins_without_cookie
    asset = connect("B").Story(story)
    assert asset.Name
    assert [each.status for each in sim.requests] == [401, 200, 200, 200, 200, 200]
    assert sim.logins_without_cookie == before + 1


def test_wrong_token_ends_in_a_value_error(connect: Connect, sim: VersionOneSimulator) -> None:
    sim.switches = Switches.profile("sso")
    refused = V1Meta(instance_url=sim.url, password="nonsense", use_password_as_token=True)
    connect("K")
    with pytest.raises(ValueError, match="AbstractBasicAuthHandler does not support"):
        refused.Story


# What is wrong with the client, by the letters of Appendix A


def test_defect_a_list_without_total_fails(v: Any, sim: VersionOneSimulator, form: str) -> None:
    sim.switches = FAITHFUL.with_changes({"total": "asked"})
    with pytest.raises(TypeError, match=r"int\(\) argument must be"):
        list(v.Story.select("Name"))
    assert data(calls(sim, form)) == ["GET rest-1.v1/Data/Story?sel=Name"] * 2


def test_defect_b_repeated_query_selects_nonsense(
    v: Any, sim: VersionOneSimulator, form: str, name: str, story: int
) -> None:
    query = v.Story.where(Name=name)
    query.queryAll()
    calls(sim, form)
    query.where(Name="other")
    with pytest.raises(V1Error, match=r"Unknown AttributeDefinition: Story\.sel_string"):
        query.reQueryAll()
    assert data(calls(sim, form)) == ["GET rest-1.v1/Data/Story?sel=sel_string&where=Name%3D%27other%27"]


def test_defect_c_query_with_a_selection_fails(v: Any, sim: VersionOneSimulator, form: str) -> None:
    with pytest.raises(TypeError):
        list(v.Story.query("Name='x'", "Name,Number"))
    assert data(calls(sim, form)) == []


def test_defect_d_greatest_length_is_always_zero(v: Any, story: int) -> None:
    query = v.Story.select("Name")
    assert query.length() > 0
    assert query.max_length() == 0


def test_defect_e_clearing_a_number_sends_a_relation(v: Any, sim: VersionOneSimulator, world: World, story: int) -> None:
    v.Story(story).Estimate = None
    [error] = v.commit()
    assert bodies(sim) == ['<Asset><Relation name="Estimate" act="set" /></Asset>']
    assert "Invalid" in str(error)
    assert world.value(story, "Estimate") == 3


def test_defect_f_only_the_first_of_several_plain_values_is_kept(v: Any, world: World, story: int, name: str) -> None:
    world.update(story, {"TaggedWith": Changed(add=("one", "two"))})
    found = v.Story.select("TaggedWith").where(Name=name).first()
    assert found.TaggedWith == "one"


def test_defect_g_quotes_in_values_are_not_escaped(v: Any, sim: VersionOneSimulator, form: str) -> None:
    with pytest.raises(V1Error, match="Invalid QueryFilter2 token"):
        list(v.Story.where(Name="O'Brien"))
    assert data(calls(sim, form))[0] == "GET rest-1.v1/Data/Story?where=Name%3D%27O%27Brien%27"


def test_defect_h_start_of_zero_is_dropped(v: Any, sim: VersionOneSimulator, form: str) -> None:
    list(v.Story.select("Name").page(size=2, start=0))
    assert data(calls(sim, form)) == ["GET rest-1.v1/Data/Story?sel=Name&page=2"]


def test_defect_i_assigning_a_multi_relation_never_removes(v: Any, world: World, story: int) -> None:
    second = world.ids("Member")[-1]
    v.Story(story).Owners = [v.Member(second)]
    v.commit()
    assert world.value(story, "Owners") == [20, second]


def test_defect_j_every_value_is_text(v: Any, story: int) -> None:
    asset = v.Story(story)
    assert (asset.Estimate, asset.AssetState, asset.IsDeleted, asset.Description) == ("3", "64", "false", None)


def test_defect_k_pages_of_html_are_no_errors_it_knows(v: Any, sim: VersionOneSimulator, story: int) -> None:
    sim.switches = FAITHFUL.with_changes({"html_errors": True})
    with pytest.raises(SyntaxError):
        list(v.Story.select("Nope"))


def test_defect_l_every_call_closes_its_connection(v: Any, sim: VersionOneSimulator, story: int) -> None:
    seen: list[Request] = []
    stop = sim.on_request(seen.append)
    sim.faults.add(kind="status", path="Data/Story", status=503, times=1)
    with pytest.raises(Exception, match="503"):
        v.Story(story).Name
    stop()
    assert len([each for each in seen if each.path.endswith(f"/Story/{story}")]) == 1


def test_defect_m_count_of_nothing_is_dropped(v: Any, story: int, name: str) -> None:
    found = v.Story.select("Name", "Children.@Count").where(Name=name).first()
    assert found["Children"] == []
    assert not [key for key in found.data if "@Count" in key]


def test_defect_n_undelete_is_no_method(v: Any, sim: VersionOneSimulator, form: str, story: int) -> None:
    with pytest.raises(AttributeError):
        v.Story(story).Undelete()
    with pytest.raises(AttributeError):
        v.Story(story).Custom_NotThere
    assert data(calls(sim, form)) == []
