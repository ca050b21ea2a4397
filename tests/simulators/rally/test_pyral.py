"""The vendor's own client against the simulator: one test for each row of rally.md Appendix A, and Appendix B item 7."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from mirror.simulators import Fault, ManualClock
from mirror.simulators.rally import RallySimulator

with warnings.catch_warnings():
    # The client's own modules have invalid escapes in their texts.
    warnings.simplefilter("ignore", SyntaxWarning)
    warnings.simplefilter("ignore", DeprecationWarning)
    import pyral
    import pyral.context
    import pyral.entity
    import pyral.rallyresp
    import pyral.restapi

# The client leaves its sockets to the garbage collector.
pytestmark = [
    pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]

Connect = Callable[..., Any]


@pytest.fixture(scope="module")
def shared() -> Iterator[RallySimulator]:
    with RallySimulator(records=150, seed=3, clock=ManualClock()) as running:
        yield running


@pytest.fixture
def sim(shared: RallySimulator) -> RallySimulator:
    """One simulator for the module: the client reads the whole schema whenever it connects."""
    shared.requests.clear()
    shared.faults.clear()
    return shared


@pytest.fixture
def connect(sim: RallySimulator, monkeypatch: pytest.MonkeyPatch) -> Iterator[Connect]:
    # There is no setting for plain HTTP. rally.md Appendix B item 2
    monkeypatch.setattr(pyral.restapi, "PROTOCOL", "http")
    for name in ("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy"):
        monkeypatch.delenv(name, raising=False)
    opened: list[Any] = []

    def open_client(**options: Any) -> Any:
        credentials = {"apikey": sim.api_key} if "user" not in options else {}
        client = pyral.Rally(server=sim.url.removeprefix("http://"), **credentials, **options)
        client.session.trust_env = False
        opened.append(client)
        return client

    yield open_client
    for client in opened:
        client.session.close()
    pyral.entity._rally_schema.clear()


@pytest.fixture
def rally(connect: Connect, sim: RallySimulator) -> Any:
    client = connect()
    sim.requests.clear()
    return client


def paths(sim: RallySimulator, method: str = "") -> list[str]:
    return [request.path.removeprefix("/slm/webservice/v2.0") for request in sim.requests if method in ("", request.method)]


def test_connecting_with_an_api_key_makes_the_recorded_calls(connect: Connect, sim: RallySimulator) -> None:
    client = connect()

    asked = [path.rstrip("0123456789") for path in paths(sim)]
    assert asked[:8] == [
        "/User",
        "/Subscription",
        "/UserProfile/",
        f"/subscription/{sim.world.landmarks.subscription}/Workspaces",
        f"/subscription/{sim.world.landmarks.subscription}/Workspaces",
        "/workspace/",
        f"/Workspace/{sim.world.landmarks.workspace}/Projects",
        "/Project",
    ]
    assert f"/slm/schema/v2.0/workspace/{sim.world.landmarks.workspace}" in [request.path for request in sim.requests]
    assert client.getWorkspace().Name == "Acme"
    assert client.getProject().Name == "Web Shop"


def test_connecting_with_a_password_asks_for_the_user_by_name(connect: Connect, sim: RallySimulator) -> None:
    client = connect(user=sim.user, password=sim.password)

    first = sim.requests[0]
    assert first.path.endswith("/User")
    assert "UserName%20%3D%20%22" in first.query
    assert client.subscriptionName() == "Acme Corporation"


def test_connecting_with_a_wrong_password_fails(connect: Connect, sim: RallySimulator) -> None:
    with pytest.raises(pyral.context.RallyRESTAPIError, match="Invalid credentials"):
        connect(user=sim.user, password="wrong")


def test_an_isolated_workspace_saves_one_call(connect: Connect, sim: RallySimulator) -> None:
    connect(isolated_workspace=True)

    assert sum(path.endswith("/Workspaces") for path in paths(sim)) == 1


def test_connecting_to_the_other_workspace_uses_its_projects(connect: Connect) -> None:
    client = connect(workspace="Other", project="Other Lab")

    assert client.getWorkspace().Name == "Other"
    assert client.getProject().Name == "Other Lab"


def test_the_first_basic_write_fetches_a_token_and_later_ones_reuse_it(connect: Connect, sim: RallySimulator) -> None:
    client = connect(user=sim.user, password=sim.password)
    sim.requests.clear()

    first = client.create("Defect", {"Name": "written with a token"})
    client.update("Defect", {"ObjectID": first.ObjectID, "Priority": "Low"})

    assert paths(sim).count("/security/authorize") == 1
    assert sim.world.item(first.ObjectID).values["Priority"] == "Low"


def test_get_with_fetch_query_and_order_gives_hydrated_rows(rally: Any, sim: RallySimulator) -> None:
    response = rally.get(
        "Defect", fetch="FormattedID,Name,State", query='State != "Closed"', order="FormattedID", project=None
    )
    found = [(defect.FormattedID, defect.State) for defect in response]

    expected = {row["FormattedID"] for row in sim.world.truth("Defect").values() if row["State"] != "Closed"}
    assert {formatted for formatted, _ in found} == expected
    assert [int(formatted[2:]) for formatted, _ in found] == sorted(int(formatted[2:]) for formatted in expected)


def test_get_without_fetch_reads_attributes_one_object_at_a_time(rally: Any, sim: RallySimulator) -> None:
    defect = rally.get("Defect", project=None, pagesize=2).next()
    sim.requests.clear()

    assert defect.FormattedID == sim.world.truth("Defect")[defect.oid]["FormattedID"]
    assert paths(sim) == [f"/defect/{defect.oid}"]


def test_project_none_drops_the_project_parameters(rally: Any, sim: RallySimulator) -> None:
    response = rally.get("Defect", fetch="Name", project=None)

    assert "project=" not in sim.requests[-1].query
    assert "workspace=" in sim.requests[-1].query
    assert response.resultCount == len(sim.world.truth("Defect"))


def test_workspace_none_drops_all_scope_parameters(rally: Any, sim: RallySimulator) -> None:
    response = rally.get("Defect", fetch="Name", workspace=None)

    assert not any(name in sim.requests[-1].query for name in ("workspace=", "project=", "projectScope"))
    assert response.resultCount == len(sim.world.truth("Defect"))


def test_the_default_scope_is_one_project(rally: Any, sim: RallySimulator) -> None:
    response = rally.get("Defect", fetch="Project")

    expected = [row for row in sim.world.truth("Defect").values() if row["Project"]["_refObjectName"] == "Web Shop"]
    assert response.resultCount == len(expected)


def test_project_scope_down_includes_child_projects(rally: Any, sim: RallySimulator) -> None:
    response = rally.get("Defect", fetch="Project", projectScopeDown=True)

    inside = {"Web Shop", "Checkout", "Catalogue"}
    expected = [row for row in sim.world.truth("Defect").values() if row["Project"]["_refObjectName"] in inside]
    assert response.resultCount == len(expected)


def test_paging_walks_to_the_end(rally: Any, sim: RallySimulator) -> None:
    found = [story.oid for story in rally.get("Story", fetch="ObjectID", project=None, pagesize=7)]

    starts = [request.query.rpartition("start=")[2] for request in sim.requests]
    assert starts[:3] == ["1", "8", "15"]
    assert sorted(found) == sim.world.ids("HierarchicalRequirement")


def test_pages_may_be_read_on_several_threads(connect: Connect, sim: RallySimulator) -> None:
    with RallySimulator(records=6000, seed=2, clock=ManualClock()) as large:
        client = pyral.Rally(server=large.url.removeprefix("http://"), apikey=large.api_key)
        found = [story.oid for story in client.get("Story", fetch="ObjectID", project=None, pagesize=100)]
        client.session.close()

        assert sorted(found) == large.world.ids("HierarchicalRequirement")


@pytest.mark.parametrize(
    ("kind", "path"),
    [("Defect", "Defect"), ("Story", "HierarchicalRequirement"), ("PortfolioItem/Feature", "PortfolioItem/Feature")],
)
def test_create_puts_and_reads_back(rally: Any, sim: RallySimulator, kind: str, path: str) -> None:
    made = rally.create(kind, {"Name": f"a new {kind}"})

    assert paths(sim, "PUT") == [f"/{path.lower()}/create"]
    assert paths(sim)[-1] == f"/{path}/{made.oid}"
    assert sim.world.item(made.oid).type == path
    assert made.Name == f"a new {kind}"
    assert made.FormattedID == sim.world.item(made.oid).values["FormattedID"]


def test_update_by_formatted_id_looks_it_up_first(rally: Any, sim: RallySimulator) -> None:
    made = rally.create("Defect", {"Name": "to be updated"})
    sim.requests.clear()

    updated = rally.update("Defect", {"FormattedID": made.FormattedID, "Name": "updated"})

    assert paths(sim) == ["/Defect", f"/defect/{made.oid}", f"/Defect/{made.oid}"]
    assert updated.Name == "updated"
    assert sim.world.item(made.oid).version == 2


def test_update_by_object_id_needs_no_lookup(rally: Any, sim: RallySimulator) -> None:
    made = rally.create("Defect", {"Name": "to be updated"})
    sim.requests.clear()

    rally.update("Defect", {"ObjectID": made.oid, "Severity": "Cosmetic"})

    assert [request.method for request in sim.requests] == ["POST", "GET"]
    assert sim.world.item(made.oid).values["Severity"] == "Cosmetic"


def test_update_replaces_a_collection(rally: Any, sim: RallySimulator) -> None:
    tag = rally.create("Tag", {"Name": "urgent"})
    made = rally.create("Defect", {"Name": "tagged", "Tags": [tag]})

    assert sim.world.members(made.oid, "Tags") == [tag.oid]
    assert [each.Name for each in made.Tags] == ["urgent"]


def test_delete_by_formatted_id_is_true_and_then_gone(rally: Any, sim: RallySimulator) -> None:
    made = rally.create("Defect", {"Name": "doomed"})

    assert rally.delete("Defect", made.FormattedID) is True
    assert made.oid not in sim.world.ids("Defect")
    assert rally.delete("Defect", made.oid) is False


def test_deleting_an_unknown_formatted_id_stops_the_iteration(rally: Any) -> None:
    with pytest.raises(StopIteration):
        rally.delete("Defect", "DE99999")


def test_collection_items_are_added_and_dropped(rally: Any, sim: RallySimulator) -> None:
    defect = rally.create("Defect", {"Name": "with tags"})
    tag = rally.create("Tag", {"Name": "collected"})

    assert rally.addCollectionItems(defect, [tag]) == ["collected"]
    assert sim.world.members(defect.oid, "Tags") == [tag.oid]

    rally.dropCollectionItems(defect, [tag])
    assert sim.world.members(defect.oid, "Tags") == []


def test_an_attachment_is_added_and_read_back(rally: Any, sim: RallySimulator, tmp_path: Path) -> None:
    defect = rally.create("Defect", {"Name": "with a file"})
    file = tmp_path / "note.txt"
    file.write_bytes(b"some \x00 bytes")

    made = rally.addAttachment(defect.FormattedID, str(file))
    read = rally.getAttachment(defect.FormattedID, "note.txt")

    assert paths(sim, "PUT")[-2:] == ["/attachmentcontent/create", "/attachment/create"]
    assert made.Size == 12
    assert read.Content == b"some \x00 bytes"


def test_an_attachment_for_a_portfolio_prefix_is_a_key_error(rally: Any, tmp_path: Path) -> None:
    file = tmp_path / "note.txt"
    file.write_text("x")

    with pytest.raises(KeyError):
        rally.addAttachment("F1", str(file))


def test_rank_above_moves_only_the_target(rally: Any, sim: RallySimulator) -> None:
    first = rally.create("Defect", {"Name": "first"})
    second = rally.create("Defect", {"Name": "second"})

    rally.rankAbove(first, second)

    assert "?&rankAbove=" not in sim.requests[-1].path
    assert sim.requests[-1].query.startswith("&rankAbove=defect/")
    ranks = [sim.world.item(each.oid).values["DragAndDropRank"] for each in (second, first)]
    assert ranks == sorted(ranks)
    assert sim.world.item(first.oid).version == 1


def test_rank_below_puts_it_behind(rally: Any, sim: RallySimulator) -> None:
    first = rally.create("Defect", {"Name": "first"})
    second = rally.create("Defect", {"Name": "second"})

    rally.rankBelow(second, first)

    ranks = [sim.world.item(each.oid).values["DragAndDropRank"] for each in (second, first)]
    assert ranks == sorted(ranks)


def test_rank_to_top_and_bottom_reach_the_ends(rally: Any, sim: RallySimulator) -> None:
    made = rally.create("Defect", {"Name": "ranked"})
    everything = [row["DragAndDropRank"] for row in sim.world.truth("Defect").values()]

    rally.rankToTop(made)
    assert sim.world.item(made.oid).values["DragAndDropRank"] < min(everything)

    rally.rankToBottom(made)
    assert sim.world.item(made.oid).values["DragAndDropRank"] > max(everything)


def test_typedef_comes_from_the_schema(rally: Any, sim: RallySimulator) -> None:
    rally.contextHelper.getSchemaItem("Defect").completed = True
    definition = rally.typedef("Defect")

    assert len(sim.requests) == 0
    assert definition.IDPrefix == "DE"
    assert "c_RootCause" in {attribute.ElementName for attribute in definition.Attributes}


def test_allowed_values_are_read_in_one_burst_per_type(rally: Any, sim: RallySimulator) -> None:
    values = rally.getAllowedValues("Defect", "State")
    burst = len(sim.requests)
    rally.getAllowedValues("Defect", "Severity")

    assert values == ["Submitted", "Open", "Fixed", "Closed"]
    assert burst > 3
    assert all(path.endswith("/AllowedValues") for path in paths(sim))
    assert len(sim.requests) == burst


def test_allowed_values_of_custom_fields_are_known(rally: Any) -> None:
    assert rally.getAllowedValues("Defect", "RootCause") == ["Code", "Design", "Requirement", "Environment"]
    assert rally.getAllowedValues("Defect", "Browsers") == ["Chrome", "Firefox", "Safari", "Edge"]


def test_a_create_triggers_the_allowed_values_burst_once(rally: Any, sim: RallySimulator) -> None:
    rally.create("Task", {"Name": "one", "WorkProduct": f"defect/{sim.world.ids('Defect')[0]}"})
    assert any(path.endswith("/AllowedValues") for path in paths(sim))
    sim.requests.clear()

    rally.create("Task", {"Name": "two", "WorkProduct": f"defect/{sim.world.ids('Defect')[0]}"})
    assert not any(path.endswith("/AllowedValues") for path in paths(sim))


def test_states_of_a_portfolio_type_are_listed(rally: Any) -> None:
    assert [state.Name for state in rally.getStates("Feature")] == ["Discovering", "Developing", "Measuring", "Done"]
    assert rally.getStates("Defect") == []


def test_all_users_include_disabled_ones(rally: Any, sim: RallySimulator) -> None:
    users = rally.getAllUsers()

    assert sorted(user.oid for user in users) == sim.world.ids("User")
    assert any(user.Disabled for user in users)


def test_all_users_of_an_administrator_carry_profiles(connect: Connect, sim: RallySimulator) -> None:
    users = connect(user=sim.user, password=sim.password).getAllUsers()

    assert all(user.UserProfile.TimeZone == "America/Denver" for user in users)


def test_workspaces_and_projects_are_known_from_connecting(rally: Any, sim: RallySimulator) -> None:
    workspaces = [workspace.Name for workspace in rally.getWorkspaces()]
    sim.requests.clear()
    projects = [project.Name for project in rally.getProjects(workspace="Acme")]

    assert workspaces == ["Acme", "Other"]
    assert projects == sorted(row["Name"] for row in sim.world.truth("Project").values())
    assert len(sim.requests) == 0


def test_lazy_references_and_revisions_can_be_followed(rally: Any, sim: RallySimulator) -> None:
    made = rally.create("Defect", {"Name": "with a past"})
    rally.update("Defect", {"ObjectID": made.oid, "State": "Open"})

    defect = rally.get("Defect", fetch=True, query=f"ObjectID = {made.oid}", project=None).next()

    assert defect.Workspace.Name == "Acme"
    texts = [revision.Description for revision in defect.RevisionHistory.Revisions]
    assert texts[-1] == "Original revision"
    assert "STATE changed from [Submitted] to [Open]" in texts[0]


def test_every_queryable_type_can_be_hydrated(rally: Any, sim: RallySimulator) -> None:
    for path in sim.world.types():
        rows = list(rally.get(path, fetch=True, project=None, pagesize=20, limit=20))
        # Without a query /User is the current user alone. rally.md §1 R
        count = 1 if path == "User" else len(sim.world.ids(path))
        assert len(rows) == min(20, count), path


def test_a_bad_query_arrives_as_local_status_422(rally: Any) -> None:
    response = rally.get("Defect", fetch="Name", query="Nonsense = 1")

    assert response.status_code == 422
    assert response.errors == [
        'Could not parse: Could not find attribute "Nonsense" on type Defect in the query segment "Nonsense"'
    ]


def test_an_unknown_field_in_a_create_never_leaves_the_client(rally: Any, sim: RallySimulator) -> None:
    with pytest.raises(pyral.restapi.RallyAttributeNameError):
        rally.create("Defect", {"Name": "x", "NoSuchField": 1})
    assert paths(sim, "PUT") == []


def test_a_refused_write_names_the_tracker_error(rally: Any, sim: RallySimulator) -> None:
    with pytest.raises(pyral.RallyRESTAPIError, match=r"Defect\.Name should not be null"):
        rally.create("Defect", {"Name": None})


def test_a_get_that_fails_has_no_result_count(rally: Any, sim: RallySimulator) -> None:
    sim.faults.add(Fault("status", path="/Defect", status=502, times=1))

    response = rally.get("Defect", fetch="Name")

    assert response.status_code == 502
    with pytest.raises(AttributeError):
        _ = response.resultCount


def test_a_write_answered_with_html_is_not_json(rally: Any, sim: RallySimulator) -> None:
    defect = sim.world.ids("Defect")[0]
    rally.typedef("Defect")
    sim.faults.add(Fault("status", method="POST", status=500, times=1))

    with pytest.raises(pyral.rallyresp.RallyResponseError, match="not JSON"):
        rally.update("Defect", {"ObjectID": defect, "Name": "x"})


def test_html_on_a_later_page_breaks_the_client(rally: Any, sim: RallySimulator) -> None:
    sim.faults.add(Fault("html", path="start=6"))

    with pytest.raises(ValueError, match="Expecting value"):
        list(rally.get("Defect", fetch="Name", project=None, pagesize=5))


def test_errors_on_a_later_page_truncate_silently(rally: Any, sim: RallySimulator) -> None:
    before = sim.switches
    sim.switches = before.with_changes({"errors_on_page_every": 1})
    try:
        found = list(rally.get("Defect", fetch="Name", project=None, pagesize=5))
    finally:
        sim.switches = before

    assert len(found) == 5


def test_a_short_page_stops_the_client_early(rally: Any, sim: RallySimulator, monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    monkeypatch.setattr(pyral.rallyresp, "errout", said.append)
    before = sim.switches
    sim.switches = before.with_changes({"short_page_every": 1})
    try:
        found = list(rally.get("Defect", fetch="Name", project=None, pagesize=6))
    finally:
        sim.switches = before

    assert len(found) == 3
    assert "Unable to access item" in said[0]
