"""Creating, updating, deleting, ranking and collections over HTTP, with the tracker's own words. rally.md §2, §6, §8."""

from __future__ import annotations

import base64
from typing import Any

import pytest
import requests

from mirror.simulators import ManualClock
from mirror.simulators.rally import RallySimulator
from mirror.simulators.rally.auth import INVALID_KEY
from mirror.simulators.rally.world import World
from tests.simulators.rally.conftest import Client

CANNOT_FIND = "Cannot find object to read"
UNIT_OF_WORK = "Could not update: Could not write changes in Unit of work"


@pytest.fixture
def defect(world: World) -> int:
    return world.create("Defect", {"Name": "the one"})


@pytest.mark.parametrize("method", ["POST", "PUT"])
def test_both_verbs_create(client: Client, world: World, method: str) -> None:
    made = client.send(method, "defect/create", {"Defect": {"Name": "fresh"}})

    assert (made["Errors"], made["Warnings"]) == ([], [])
    assert made["Object"]["VersionId"] == "1"
    assert made["Object"]["Project"]["_refObjectName"] == "Web Shop"
    assert made["Object"]["LastUpdateDate"] == "2025-06-02T12:00:00.000Z"
    assert made["Object"]["CreationDate"] == "2025-06-02T11:59:59.970Z"
    assert made["Object"]["_type"] == "Defect"
    assert made["Object"]["ObjectID"] in world.ids("Defect")


@pytest.mark.parametrize("method", ["POST", "PUT"])
def test_both_verbs_update(client: Client, world: World, defect: int, method: str, clock: ManualClock) -> None:
    clock.advance(5)
    changed = client.send(method, f"defect/{defect}", {"Defect": {"Name": "changed", "ObjectID": 1, "FormattedID": "DE1"}})

    assert (changed["Errors"], changed["Warnings"]) == ([], [])
    assert (changed["Object"]["Name"], changed["Object"]["VersionId"]) == ("changed", "2")
    assert changed["Object"]["LastUpdateDate"] == "2025-06-02T12:00:05.000Z"
    assert changed["Object"]["ObjectID"] == defect


def test_an_update_that_changes_nothing_leaves_the_version(client: Client, world: World, defect: int) -> None:
    client.send("POST", f"defect/{defect}", {"Defect": {"Name": "the one", "Severity": "None", "Description": ""}})
    assert world.item(defect).version == 1


@pytest.mark.parametrize(
    ("path", "fields", "message"),
    [
        ("defect", {"Description": "x"}, "Validation error: Defect.Name should not be null"),
        ("testcaseresult", {"Verdict": "Pass"}, "Validation error: TestCaseResult.Test Case should not be null"),
        (
            "defect",
            {"Name": "x", "Notes": "n" * 32769},
            "Validation error: Defect.Notes length is greater than the maximum length of 32768",
        ),
        (
            "hierarchicalrequirement",
            {"Name": "<script>alert(1)</script>"},
            "Validation error: HierarchicalRequirement.Name contained invalid input. "
            "Search 'HTML Whitelist' at help.rallydev.com for details.",
        ),
        (
            "hierarchicalrequirement",
            {"Name": "x", "ScheduleState": "In Progress"},
            'Could not convert: "ScheduleState" must be a string : Conversion method name : '
            "com.f4tech.slm.convert.WorkProductConversion.getStateNamed : value to convert : In Progress : "
            "type to convert : class com.f4tech.slm.domain.State : valid set is : "
            "(Defined,In-Progress,Completed,Accepted)",
        ),
        ("defect", {"Name": "x", "c_RootCause": "Moon"}, "Validation error: Defect.Root Cause is an invalid value"),
        ("defect", {"Name": "x", "Project": "/project/1"}, "Could not read: Could not read referenced object /project/1"),
        ("defect", {"Name": "x", "TargetDate": "soon"}, UNIT_OF_WORK),
        ("attachmentcontent", {"Content": "QUJD\nREVG"}, "Could not convert:  : value to convert :"),
        ("portfolioitem", {"Name": "x"}, "Not authorized to create: PortfolioItem"),
        ("recyclebinentry", {"Name": "x"}, "Not authorized to create: RecycleBinEntry"),
    ],
)
def test_a_create_is_refused_with(client: Client, path: str, fields: dict[str, Any], message: str) -> None:
    answer = client.send("POST", f"{path}/create", {path: fields})
    assert answer["Errors"] == [message]
    assert "Object" not in answer


def test_a_refused_write_changes_nothing(client: Client, world: World, defect: int) -> None:
    before = (world.truth("Defect"), world.truth("Revision"))
    client.send("POST", f"defect/{defect}", {"Defect": {"Name": "half", "TargetDate": "soon"}})
    assert (world.truth("Defect"), world.truth("Revision")) == before


def test_unknown_fields_are_warned_about_and_the_rest_applied(client: Client, world: World, defect: int) -> None:
    answer = client.send("POST", f"defect/{defect}", {"Defect": {"c_DefectImpactedArea": 1, "Name": "still"}})
    assert answer["Warnings"] == ["Ignored JSON element defect.c_DefectImpactedArea during processing of this request."]
    assert world.item(defect).values["Name"] == "still"


def test_the_wrapper_is_matched_in_any_case_and_not_enforced(client: Client, world: World, defect: int) -> None:
    assert client.send("POST", f"defect/{defect}", {"dEfEcT": {"Name": "a"}})["Warnings"] == []
    assert client.send("POST", f"defect/{defect}", {"Content": {"Name": "b"}})["Warnings"] != []
    assert world.item(defect).values["Name"] == "b"


def test_references_are_taken_in_every_form(client: Client, world: World, defect: int) -> None:
    user = world.find("User", FirstName="Bo")
    for value in (f"user/{user}", f"/user/{user}", f"{client.base}/user/{user}", {"_ref": f"/user/{user}"}, user):
        client.send("POST", f"defect/{defect}", {"Defect": {"Owner": None}})
        client.send("POST", f"defect/{defect}", {"Defect": {"Owner": value}})
        assert world.item(defect).values["Owner"] == user


def test_a_whole_collection_can_be_replaced_and_a_text_fails(client: Client, world: World, defect: int) -> None:
    tags = [world.create("Tag", {"Name": name}) for name in "ab"]
    client.send("POST", f"defect/{defect}", {"Defect": {"Tags": [{"_ref": f"/tag/{tag}"} for tag in tags]}})
    client.send("POST", f"defect/{defect}", {"Defect": {"Tags": [{"_ref": f"/tag/{tags[1]}"}]}})
    assert world.members(defect, "Tags") == tags[1:]
    assert client.send("POST", f"defect/{defect}", {"Defect": {"Tags": "a"}})["Errors"] != []


def test_a_web_link_is_an_object_with_two_texts(client: Client, defect: int) -> None:
    link = {"LinkID": "7", "DisplayString": "seven"}
    answer = client.send("POST", f"defect/{defect}", {"Defect": {"c_Ticket": link}})
    assert answer["Object"]["c_Ticket"] == link
    assert client.send("POST", f"defect/{defect}", {"Defect": {"c_Ticket": None}})["Object"]["c_Ticket"] == {}


def test_creating_a_tag_that_exists_gives_the_existing_one(client: Client, world: World) -> None:
    first = client.send("POST", "tag/create", {"Tag": {"Name": "twice"}})["Object"]
    again = client.send("POST", "tag/create", {"Tag": {"Name": "twice"}})["Object"]
    assert (again["ObjectID"], again["VersionId"]) == (first["ObjectID"], "1")


def test_the_workspace_parameter_places_new_objects(client: Client, world: World) -> None:
    other = world.landmarks.other_workspace
    made = client.send("POST", "defect/create", {"Defect": {"Name": "there"}}, workspace=f"workspace/{other}")["Object"]
    assert made["Workspace"]["_refObjectName"] == "Other"
    assert made["Project"]["_refObjectName"] == "Other Site"
    assert "c_Legacy" in made
    assert "c_RootCause" not in made


def test_iterations_cannot_change_their_project(client: Client, world: World) -> None:
    iteration = world.ids("Iteration")[0]
    before = world.item(iteration).values["Project"]
    client.send("POST", f"iteration/{iteration}", {"Iteration": {"Project": world.find("Project", Name="Data")}})
    assert world.item(iteration).values["Project"] == before


def test_formatted_ids_are_never_used_twice(client: Client, world: World) -> None:
    first = world.create("Defect", {"Name": "a"})
    number = world.item(first).values["FormattedID"]
    world.delete(first)
    world.purge(first)
    assert world.item(world.create("Defect", {"Name": "b"})).values["FormattedID"] != number


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("defect/this_is_not_valid", "Could not read object: Object not found for Object ID: this_is_not_valid"),
        ("defect/12345", "Object to delete cannot be null"),
    ],
)
def test_deleting_nothing_is_refused_with(client: Client, target: str, message: str) -> None:
    assert client.send("DELETE", target)["Errors"] == [message]


@pytest.mark.parametrize("path", ["Project", "Workspace", "UserProfile", "Revision"])
def test_some_types_cannot_be_deleted(client: Client, world: World, path: str) -> None:
    assert client.send("DELETE", f"{path}/{world.ids(path)[0]}")["Errors"][0].startswith("Not authorized to delete")


def test_a_deleted_object_is_gone_from_reads_queries_and_updates(client: Client, defect: int) -> None:
    answer = client.send("DELETE", f"defect/{defect}")

    assert answer["Errors"] == []
    assert "Object" not in answer
    assert client.rows("defect", query=f"(ObjectID = {defect})") == []
    assert client.get(f"defect/{defect}")["OperationResult"]["Errors"] == [CANNOT_FIND]
    assert client.send("POST", f"defect/{defect}", {"Defect": {"Name": "x"}})["Errors"] == [CANNOT_FIND]


def test_a_copy_has_the_writable_fields(client: Client, world: World, defect: int) -> None:
    made = client.send("POST", f"defect/{defect}/copy")["Object"]
    assert made["Name"] == "(Copy of) the one"
    assert made["ObjectID"] != defect


def test_collection_add_answers_the_full_members_and_remove_none(client: Client, world: World, defect: int) -> None:
    tags = [world.create("Tag", {"Name": name}) for name in ("by ref", "by name")]
    items = [{"_ref": f"/tag/{tags[0]}"}, {"Name": "by name"}]

    added = client.send("POST", f"defect/{defect}/Tags/add", {"CollectionItems": items})
    assert [row["Name"] for row in added["Results"]] == ["by ref", "by name"]
    assert added["Results"][0]["UsageCount"] == 1

    again = client.send("POST", f"Defect/{defect}/tags/add", {"Tags": items[:1]}, fetch="Name")
    assert again["Errors"] == []
    assert world.members(defect, "Tags") == tags

    removed = client.send("POST", f"defect/{defect}/Tags/remove", {"CollectionItems": items[:1]})
    assert "Results" not in removed
    assert world.members(defect, "Tags") == tags[1:]


def test_collections_read_full_objects_with_query_and_paging(client: Client, world: World) -> None:
    story = world.create("HierarchicalRequirement", {"Name": "s"})
    for index in range(5):
        world.create("Task", {"Name": f"task {index}", "WorkProduct": story})
    path = f"hierarchicalrequirement/{story}/Tasks"

    assert "TaskIndex" in client.rows(path)[0]
    assert client.names(path, query='(Name contains "3")') == ["task 3"]
    assert client.names(path, start=2, pagesize=2) == ["task 1", "task 2"]
    assert client.list(path, pagesize=2)["TotalResultCount"] == 5
    assert client.names(path, order="Name desc", pagesize=1) == ["task 4"]


def test_adding_to_either_end_of_a_link_shows_at_both(client: Client, world: World, defect: int) -> None:
    milestone = world.create("Milestone", {"Name": "m"})
    world.add(milestone, "Artifacts", [defect])
    assert world.members(defect, "Milestones") == [milestone]
    assert (world.item(defect).version, world.item(milestone).version) == (2, 2)

    stories = [world.create("HierarchicalRequirement", {"Name": name}) for name in "ab"]
    world.add(stories[0], "Successors", [stories[1]])
    assert world.members(stories[1], "Predecessors") == [stories[0]]


def test_inverse_collections_cannot_be_written(client: Client, world: World, defect: int) -> None:
    answer = client.send("POST", f"defect/{defect}/Tasks/add", {"CollectionItems": []})
    assert answer["Errors"] == ["Could not update: Defect.Tasks is read-only"]


def test_ranking_moves_one_object_only(client: Client, world: World) -> None:
    first, second, third = (world.create("Defect", {"Name": name}) for name in "abc")

    def order() -> list[int]:
        return sorted((first, second, third), key=lambda oid: world.item(oid).values["DragAndDropRank"])

    assert order() == [first, second, third]
    body = {"defect": {"_ref": f"defect/{third}"}}
    client.send("POST", f"defect/{third}", body, rankAbove=f"defect/{second}")
    assert order() == [first, third, second]
    client.send("POST", f"defect/{first}", body, rankBelow=f"/defect/{second}")
    assert order() == [third, second, first]
    client.send("POST", f"defect/{first}", body, rankTo="TOP")
    assert order() == [first, third, second]
    assert world.item(second).version == 1
    assert all(len(world.item(oid).values["DragAndDropRank"]) == 64 for oid in order())


def test_a_rank_can_be_given_on_create_and_not_written_directly(client: Client, world: World, defect: int) -> None:
    made = client.send("POST", "defect/create", {"Defect": {"Name": "x"}}, rankAbove=f"defect/{defect}")["Object"]
    assert made["DragAndDropRank"] < world.item(defect).values["DragAndDropRank"]
    client.send("POST", f"defect/{defect}", {"Defect": {"DragAndDropRank": "!"}})
    assert len(world.item(defect).values["DragAndDropRank"]) == 64


def test_an_attachment_keeps_its_bytes_until_deleted(client: Client, world: World, defect: int, sim: RallySimulator) -> None:
    data = bytes(range(256))
    content = client.send(
        "POST", "attachmentcontent/create", {"AttachmentContent": {"Content": base64.b64encode(data).decode()}}
    )
    fields = {"Name": "b.bin", "ContentType": "x/y", "Content": content["Object"]["_ref"], "Artifact": defect, "Size": 1}
    made = client.send("POST", "attachment/create", {"Attachment": fields})["Object"]

    assert made["Size"] == 256
    assert made["User"]["_refObjectName"] == 'Ann "Ace" Adler'
    assert world.members(defect, "Attachments") == [made["ObjectID"]]
    read = client.get(f"attachmentcontent/{content['Object']['ObjectID']}")["AttachmentContent"]
    assert base64.b64decode(read["Content"]) == data
    file = client.session.get(f"{sim.url}/slm/attachment/{made['ObjectID']}/b.bin", timeout=10)
    assert (file.content, file.headers["Content-Type"]) == (data, "x/y")

    client.send("DELETE", f"attachment/{made['ObjectID']}")
    assert client.get(f"attachmentcontent/{content['Object']['ObjectID']}")["OperationResult"]["Errors"] == [CANNOT_FIND]


def test_posts_are_numbered_per_artifact(client: Client, defect: int) -> None:
    numbers = []
    for text in ("one", "two"):
        post = {"ConversationPost": {"Artifact": f"/defect/{defect}", "Text": text}}
        numbers.append(client.send("POST", "conversationpost/create", post)["Object"]["PostNumber"])
    assert numbers == [0, 1]


def test_a_write_on_an_unknown_path_answers_405(client: Client, defect: int) -> None:
    answer = client.raw(f"defect/{defect}/Nonsense/add", "POST", {"CollectionItems": []})
    assert answer.status_code == 405
    assert "using request method POST" in answer.text


def test_nothing_in_a_closed_project_can_be_written(client: Client, world: World) -> None:
    project = world.create("Project", {"Name": "over"})
    oid = world.create("PortfolioItem/Feature", {"Name": "f", "Project": project})
    world.update(project, {"State": "Closed"})
    refusal = [f"Not authorized to update: Feature {oid}"]
    assert client.send("POST", f"portfolioitem/feature/{oid}", {"Feature": {"Name": "x"}})["Errors"] == refusal
    assert client.send("POST", f"portfolioitem/feature/{oid}/Tags/add", {"CollectionItems": []})["Errors"] == refusal
    world.update(project, {"State": "Open"})
    assert client.send("POST", f"portfolioitem/feature/{oid}", {"Feature": {"Name": "x"}})["Errors"] == []


@pytest.mark.parametrize("path", ["defect", "defectsuite"])
def test_posting_where_only_reading_is_possible_answers_405(client: Client, path: str) -> None:
    answer = client.raw(path, "POST", {"Defect": {}})
    assert answer.status_code == 405
    assert answer.text.endswith("However a service does exist at that path using method(s) GET.")


# Authentication


def basic(sim: RallySimulator, password: str = "") -> requests.Session:
    session = requests.Session()
    session.trust_env = False
    session.auth = (sim.user, password or sim.password)
    return session


def test_nobody_and_strangers_get_401_as_html(client: Client, sim: RallySimulator) -> None:
    plain = requests.get(f"{client.base}/defect", timeout=10)
    assert plain.status_code == 401
    assert "Full authentication is required to access this resource" in plain.text
    with basic(sim, "wrong") as session:
        wrong = session.get(f"{client.base}/defect", timeout=10)
    assert "Error 401 The username or password you entered is incorrect." in wrong.text
    assert wrong.headers["WWW-Authenticate"] == 'Basic realm="Rally ALM"'
    client.session.headers["ZSESSIONID"] = sim.api_key.removeprefix("_")
    assert client.raw("defect").status_code == 401


def test_a_read_only_key_reads_but_does_not_write(client: Client, sim: RallySimulator, defect: int) -> None:
    client.session.headers["ZSESSIONID"] = sim.read_only_api_key
    assert client.raw("defect").status_code == 200
    assert client.raw(f"defect/{defect}", "POST", {"Defect": {}}).status_code == 401


def test_the_key_parameter_is_ignored_with_an_api_key(client: Client, defect: int) -> None:
    assert client.send("POST", f"defect/{defect}", {"Defect": {"Name": "x"}}, key="None")["Errors"] == []


def test_basic_writes_need_the_token_and_its_cookies(client: Client, sim: RallySimulator, defect: int) -> None:
    body = {"Defect": {"Name": "basic"}}
    with basic(sim) as session, basic(sim) as cookieless:
        token = session.get(f"{client.base}/security/authorize", timeout=10).json()["OperationResult"]["SecurityToken"]
        assert {"JSESSIONID", "ZSESSIONID", "SUBBUCKETID"} <= set(session.cookies.keys())

        def write(sender: requests.Session, key: str) -> list[str]:
            url = f"{client.base}/defect/{defect}?key={key}"
            return sender.post(url, json=body, timeout=10).json()["OperationResult"]["Errors"]

        assert session.get(f"{client.base}/defect", timeout=10).status_code == 200
        assert write(session, "None") == [INVALID_KEY]
        assert write(cookieless, token) == [INVALID_KEY]
        assert write(session, token) == []


def test_an_api_key_with_cookies_of_another_session_is_refused_writes(
    client: Client, sim: RallySimulator, defect: int
) -> None:
    with basic(sim) as session:
        session.get(f"{client.base}/security/authorize", timeout=10)
        client.session.cookies.update(session.cookies)
    assert client.send("POST", f"defect/{defect}", {"Defect": {"Name": "x"}})["Errors"] == [INVALID_KEY]


# Batch


def test_a_batch_answers_each_entry_in_order(client: Client, world: World, defect: int, sim: RallySimulator) -> None:
    entries = [
        {"Entry": {"Path": "/defect/create", "Method": "POST", "Body": {"defect": {"Name": "in a batch"}}}},
        {"Entry": {"Path": f"/defect/{defect}", "Method": "PUT", "Body": {"defect": {"Name": "renamed"}}}},
        {"Entry": {"Path": "/defect/1", "Method": "PUT", "Body": {"defect": {"Name": "nobody"}}}},
        {"Entry": {"Path": f"/defect?query=(ObjectID%20%3D%20{defect})&fetch=Name&pagesize=5", "Method": "GET"}},
        {"Entry": {"Path": f"/defect/{defect}?fetch=Name", "Method": "GET"}},
        {"Entry": {"Path": f"{client.base}/defect/{defect}", "Method": "DELETE"}},
    ]
    sim.requests.clear()
    answer = client.send("POST", "batch", {"Batch": entries})
    created, updated, failed, query, one, deleted = answer["Results"]

    assert (answer["Errors"], len(sim.requests)) == ([], 1)
    assert (created["Object"]["Name"], updated["Object"]["Name"]) == ("in a batch", "renamed")
    assert failed["Errors"] == [CANNOT_FIND]
    assert (query["TotalResultCount"], query["PageSize"], query["Results"][0]["Name"]) == (1, 5, "renamed")
    assert one["Object"]["Name"] == "renamed"
    assert (deleted["Errors"], defect in world.ids("Defect")) == ([], False)


def test_a_batch_may_be_a_bare_array(client: Client, defect: int) -> None:
    answer = client.send("POST", "batch", [{"Entry": {"Path": f"/defect/{defect}", "Method": "GET"}}])
    assert answer["Results"][0]["Object"]["ObjectID"] == defect
