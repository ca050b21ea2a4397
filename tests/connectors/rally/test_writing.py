"""Writing to Rally: every action and every kind of field, refusals in its own words, and batches."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from typing import Any

import pytest

from mirror.errors import AuthError, RefusedError, RetryableError, StaleError
from mirror.model.change import Action
from mirror.model.source import Credential
from mirror.model.write import File, Place, Receipt
from mirror.simulators.rally.auth import INVALID_KEY
from tests.connectors.rally.desk import Desk, to
from tests.support.stages.rally import TheStage


@pytest.fixture
def desk(stage: TheStage) -> Iterator[Desk]:
    yield Desk(stage)


def posts(desk: Desk, path: str = "") -> list[Any]:
    """Return the requests that wrote; a batch of reads is none."""
    sent = [each for each in desk.stage.requests.select(path=path) if each.method in ("POST", "PUT", "DELETE")]
    return [each for each in sent if b'"Method":"GET"' not in each.body]


def test_an_update_sends_only_its_fields_and_names_the_workspace(desk: Desk) -> None:
    defect = desk.defect(Notes="keep")
    receipt = desk.done(desk.update("Defect", defect, {"Name": "other"}))
    assert receipt == Receipt(defect)
    (request,) = posts(desk)
    assert json.loads(request.body) == {"Defect": {"Name": "other"}}
    assert f"workspace=%2Fworkspace%2F{desk.world.landmarks.workspace}" in request.query
    assert "key=" not in request.query
    row = desk.row("Defect", defect)
    assert (row["name"], row["notes"], row["_revision"]) == ("other", "keep", "2")


@pytest.mark.parametrize(
    ("type_name", "field", "value", "column"),
    [
        ("Defect", "Name", 'quotes " and <b>marks</b> \\ ü 漢', "name"),
        ("Defect", "Severity", "Minor Problem", "severity"),
        ("Defect", "ScheduleState", "In-Progress", "schedule_state"),
        ("Defect", "Blocked", True, "blocked"),
        ("Defect", "PlanEstimate", 2.5, "plan_estimate"),
        ("Defect", "TargetDate", "2031-07-04T05:06:07.089Z", "target_date"),
        ("Defect", "c_RootCause", "Design", "c_root_cause"),
        ("Defect", "c_Ticket", '{"DisplayString": "look", "LinkID": "77"}', "c_ticket"),
        ("Task", "TaskIndex", 2**40, "task_index"),
    ],
)
def test_a_value_of_each_kind_arrives_and_can_be_taken_away(
    desk: Desk, type_name: str, field: str, value: Any, column: str
) -> None:
    record = desk.world.ids(type_name)[0]
    desk.done(desk.update(type_name, record, {field: value}))
    shown = desk.row(type_name, record)[column]
    assert (json.loads(shown) if field == "c_Ticket" else shown) == (json.loads(value) if field == "c_Ticket" else value)
    if field in ("PlanEstimate", "TargetDate", "c_RootCause", "c_Ticket", "TaskIndex"):
        desk.done(desk.update(type_name, record, {field: None}))
        assert desk.row(type_name, record)[column] is None


def test_a_number_beyond_floats_is_sent_digit_by_digit(desk: Desk) -> None:
    story = desk.world.ids("HierarchicalRequirement")[0]
    desk.send(desk.update("HierarchicalRequirement", story, {"c_Confidence": "12345678901234567.25"}))
    (request,) = posts(desk)
    assert b'"c_Confidence":12345678901234567.25' in request.body


def test_references_are_set_and_cleared(desk: Desk) -> None:
    defect, user = desk.defect(), desk.world.ids("User")[1]
    story = desk.world.ids("HierarchicalRequirement")[0]
    desk.done(desk.update("Defect", defect, {"Owner": to("", user), "Requirement": to("HierarchicalRequirement", story)}))
    row = desk.row("Defect", defect)
    assert (row["owner_id"], row["requirement_id"]) == (user, story)
    desk.done(desk.update("Defect", defect, {"Owner": None}))
    assert desk.row("Defect", defect)["owner_id"] is None


def test_a_reference_to_any_type_names_the_type(desk: Desk) -> None:
    task, defect = desk.world.ids("Task")[0], desk.defect()
    desk.done(desk.update("Task", task, {"WorkProduct": to("Defect", defect)}))
    row = desk.row("Task", task)
    assert (row["work_product_id"], row["work_product_type"]) == (defect, "Defect")


def test_items_are_added_and_removed_and_never_replaced_as_a_whole(desk: Desk) -> None:
    first, second, third, theirs = (desk.world.create("Tag", {"Name": f"tag {each}"}) for each in range(4))
    defect = desk.defect(Tags=[{"_ref": f"/tag/{each}"} for each in (first, second)])
    write = desk.update(
        "Defect",
        defect,
        {"Name": "tagged"},
        added={"Tags": (to("Tag", third),)},
        removed={"Tags": (to("Tag", first),)},
    )
    desk.world.add(defect, "Tags", [theirs])
    receipt = desk.done(write)
    assert receipt.overwritten == {}
    assert desk.row("Defect", defect)["Tags"] == sorted([second, third, theirs])
    assert [each.path.rpartition("/")[2] for each in posts(desk)] == [str(defect), "add", "remove"]


def test_items_of_a_custom_choice_of_many_are_added(desk: Desk) -> None:
    defect = desk.defect()
    other = next(each for each in desk.world.ids("Defect") if desk.row("Defect", each)["c_Browsers"])
    value = desk.row("Defect", other)["c_Browsers"][0]
    desk.done(desk.update("Defect", defect, added={"c_Browsers": (to("AllowedAttributeValue", value),)}))
    assert desk.row("Defect", defect)["c_Browsers"] == [value]


def test_a_record_is_created_with_all_its_values_in_one_call(desk: Desk) -> None:
    tag, project = desk.world.ids("Tag")[0], desk.world.ids("Project")[1]
    values = {"Name": "fresh", "Priority": "Low", "Project": to("Project", project), "PlanEstimate": 3}
    receipt = desk.done(desk.create("Defect", values, added={"Tags": (to("Tag", tag),)}))
    row = desk.row("Defect", receipt.record_id)
    assert (row["name"], row["priority"], row["project_id"], row["plan_estimate"]) == ("fresh", "Low", project, 3)
    assert row["Tags"] == [tag]
    assert len(posts(desk)) == 1


def test_a_portfolio_item_is_created_and_updated(desk: Desk) -> None:
    made = desk.done(desk.create("PortfolioItem/Feature", {"Name": "wide"})).record_id
    desk.done(desk.update("PortfolioItem/Feature", made, {"Name": "wider"}))
    assert desk.row("PortfolioItem/Feature", made)["name"] == "wider"
    assert posts(desk)[0].path.endswith("/portfolioitem/feature/create")


def test_a_tag_whose_name_exists_is_the_one_that_exists(desk: Desk) -> None:
    tag = desk.world.ids("Tag")[0]
    receipt = desk.done(desk.create("Tag", {"Name": desk.world.item(tag).values["Name"]}))
    assert receipt.record_id == tag
    assert "of that name" in receipt.words[0]
    fresh = desk.done(desk.create("Tag", {"Name": "a name nobody has"}))
    assert fresh.words == ()


def test_a_comment_becomes_a_post_of_the_discussion(desk: Desk) -> None:
    defect = desk.defect()
    desk.done(desk.write(Action.COMMENT, "Defect", defect, text="looks <b>good</b>"))
    (post,) = desk.world.members(defect, "Discussion")
    values = desk.world.item(post).values
    assert (values["Text"], values["User"]) == ("looks <b>good</b>", desk.world.landmarks.user)


@pytest.mark.parametrize("type_name", ["Defect", "TestCaseResult"])
def test_a_file_is_attached_byte_by_byte(desk: Desk, type_name: str) -> None:
    record = desk.defect() if type_name == "Defect" else desk.world.ids("TestCaseResult")[0]
    before = set(desk.world.members(record, "Attachments"))
    content = bytes(range(256)) * 40
    write = desk.write(Action.ATTACH, type_name, record, file=File("a b.bin", "application/octet-stream", content))
    assert desk.done(write).record_id == record
    (made,) = set(desk.world.members(record, "Attachments")) - before
    values = desk.world.item(made).values
    assert (values["Name"], values["ContentType"], values["Size"]) == ("a b.bin", "application/octet-stream", len(content))
    _, root, _ = desk.connector.wire.get(f"attachmentcontent/{values['Content']}")  # type: ignore[attr-defined]
    assert base64.b64decode(json.loads(bytes(root))["Content"]) == content


def test_a_file_that_is_too_large_is_refused_before_it_is_sent(desk: Desk) -> None:
    write = desk.write(Action.ATTACH, "Defect", desk.defect(), file=File("huge", "text/plain", bytes(50_000_001)))
    assert "50000000 at most" in str(desk.send(write))
    assert posts(desk) == []


@pytest.mark.parametrize("place", list(Place))
def test_a_record_is_ranked(desk: Desk, place: Place) -> None:
    first, middle, last = desk.defect(), desk.defect(), desk.defect()
    mover = last if place in (Place.ABOVE, Place.TOP) else first
    other = to("Defect", middle) if place in (Place.ABOVE, Place.BELOW) else None
    write = desk.write(Action.RANK, "Defect", mover, place=place, other=other)
    assert desk.connector.took_effect(write) is False
    desk.done(write)
    ranks = {each: desk.world.item(each).values["DragAndDropRank"] for each in desk.world.ids("Defect")}
    if place is Place.TOP:
        assert min(ranks, key=lambda each: ranks[each]) == mover
    elif place is Place.BOTTOM:
        assert max(ranks, key=lambda each: ranks[each]) == mover
    else:
        assert (ranks[mover] < ranks[middle]) == (place is Place.ABOVE)
    assert desk.connector.took_effect(write) is True


def test_a_record_is_deleted(desk: Desk) -> None:
    defect = desk.defect()
    desk.done(desk.write(Action.DELETE, "Defect", defect))
    assert defect not in desk.world.ids("Defect")
    assert list(desk.connector.records(desk.layout("Defect"), [defect]).rows) == []


def test_an_operation_is_refused_for_rally_has_none(desk: Desk) -> None:
    refused = desk.send(desk.write(Action.OPERATE, "Defect", desk.defect(), operation="Close"))
    assert isinstance(refused, RefusedError)
    assert all(each.type.operations == () for each in desk.layouts.values())


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"ScheduleState": "In Progress"}, "valid set is : (Defined,In-Progress,Completed,Accepted)"),
        ({"Notes": "n" * 32769}, "Validation error: Defect.Notes length is greater than the maximum length of 32768"),
        ({"Name": None}, "Validation error: Defect.Name should not be null"),
        ({"Owner": to("User", 1)}, "Could not read: Could not read referenced object /user/1"),
        ({"c_RootCause": "Moon"}, "Defect.Root Cause is an invalid value"),
    ],
)
def test_a_refusal_is_in_the_trackers_own_words(desk: Desk, values: dict[str, Any], words: str) -> None:
    defect = desk.defect()
    refused = desk.send(desk.update("Defect", defect, values))
    assert isinstance(refused, RefusedError)
    assert words in str(refused)
    assert desk.row("Defect", defect)["_revision"] == "1"


def test_a_field_that_is_not_known_there_any_more_is_a_warning(desk: Desk, stage: TheStage) -> None:
    name = stage.add_field()
    fresh = Desk(stage)
    stage.remove_field(name)
    defect = fresh.defect()
    receipt = fresh.done(fresh.update("Defect", defect, {name: 3, "Name": "x"}))
    assert receipt.words == (f"Ignored JSON element defect.{name} during processing of this request.",)


def test_what_is_gone_must_be_read_again(desk: Desk) -> None:
    defect = desk.defect()
    update, delete = desk.update("Defect", defect, {"Name": "x"}), desk.write(Action.DELETE, "Defect", defect)
    desk.world.delete(defect)
    assert isinstance(desk.send(update), StaleError)
    assert isinstance(desk.send(delete), StaleError)


def test_a_project_that_was_closed_refuses(desk: Desk) -> None:
    defect = desk.defect()
    desk.world.update(desk.world.item(defect).values["Project"], {"State": "Closed"})
    refused = desk.send(desk.update("Defect", defect, {"Name": "x"}))
    assert isinstance(refused, RefusedError)
    assert f"Not authorized to update: Defect {defect}" in str(refused)


def test_writes_that_may_go_together_are_one_request_with_an_outcome_each(desk: Desk) -> None:
    first, second, tagged = desk.defect(), desk.defect(), desk.defect()
    tag = desk.world.ids("Tag")[0]
    writes = [
        desk.update("Defect", first, {"Name": "one"}),
        desk.update("Defect", second, {"ScheduleState": "never"}),
        desk.update("Defect", tagged, {"Name": "three"}, added={"Tags": (to("Tag", tag),)}),
        desk.create("Task", {"Name": "four", "WorkProduct": to("Defect", first)}),
        desk.create("Defect", {"Notes": "no name"}),
    ]
    results = desk.connector.send(writes)
    assert [type(each) for each in results] == [Receipt, RefusedError, Receipt, Receipt, RefusedError]
    assert len(posts(desk, "/batch")) == 1
    assert len(posts(desk)) == 3
    assert desk.row("Defect", first)["name"] == "one"
    assert desk.row("Defect", tagged)["Tags"] == [tag]
    assert isinstance(results[3], Receipt)
    assert desk.row("Task", results[3].record_id)["work_product_id"] == first
    assert "should not be null" in str(results[4])


@pytest.mark.parametrize("refusal", ["401", "405", "errors"])
def test_where_batches_are_refused_each_write_goes_alone(desk: Desk, stage: TheStage, refusal: str) -> None:
    stage.switch(batch_refused=refusal)
    defects = [desk.defect() for _ in range(3)]
    for name in ("x", "y"):
        results = desk.connector.send([desk.update("Defect", each, {"Name": name}) for each in defects])
        assert all(isinstance(each, Receipt) for each in results)
    assert len(posts(desk, "/batch")) == 1
    assert {desk.row("Defect", each)["name"] for each in defects} == {"y"}
    assert {desk.row("Defect", each)["_revision"] for each in defects} == {"3"}


def test_a_password_writes_with_a_token_and_with_a_new_one_when_the_session_is_over(stage: TheStage) -> None:
    desk = Desk(stage, stage.credentials()["password"])
    first, second = desk.defect(), desk.defect()
    desk.done(desk.update("Defect", first, {"Name": "signed"}))
    desk.connector.transport.clear_cookies()
    results = desk.connector.send([desk.update("Defect", each, {"Name": "again"}) for each in (first, second)])
    assert all(isinstance(each, Receipt) for each in results)
    assert desk.row("Defect", second)["name"] == "again"
    assert all("key=" in each.query for each in posts(desk))
    assert len(stage.requests.select(path="security/authorize")) == 2


def test_a_token_that_is_never_accepted_is_a_matter_of_the_credential(stage: TheStage) -> None:
    desk = Desk(stage, stage.credentials()["password"])
    defect = desk.defect()
    body = json.dumps({"OperationResult": {"Errors": [INVALID_KEY], "Warnings": []}})
    stage.faults.add(kind="body", status=200, body=body, method="POST")
    assert isinstance(desk.send(desk.update("Defect", defect, {"Name": "x"})), AuthError)


@pytest.mark.parametrize("credential", ["read-only key", "wrong"])
def test_who_may_not_write_is_told_so(stage: TheStage, credential: str) -> None:
    desk = Desk(stage)
    update = desk.update("Defect", desk.defect(), {"Name": "x"})
    chosen = stage.credentials().get(credential, Credential("_wrong"))
    connector = stage.connector(stage.source(credential=chosen))
    connector.workspace = desk.connector.workspace  # type: ignore[attr-defined]
    assert isinstance(connector.send([update])[0], AuthError)
    assert isinstance(connector.send([update, desk.create("Defect", {"Name": "y"})])[1], AuthError)


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        *((each, RefusedError) for each in (403, 404, 405)),
        *((each, RetryableError) for each in (201, 202, 204, 408, 500, 502, 503)),
    ],
)
def test_an_error_page_is_a_refusal_or_leaves_it_open(desk: Desk, status: int, kind: type[Exception]) -> None:
    update = desk.update("Defect", desk.defect(), {"Name": "x"})
    desk.stage.faults.add(kind="status", status=status, method="POST", title="not now")
    error = desk.send(update)
    assert type(error) is kind
    assert not getattr(error, "is_unsent", False)
    assert len(posts(desk)) == 1


def test_too_many_requests_means_that_nothing_was_done(desk: Desk) -> None:
    update = desk.update("Defect", desk.defect(), {"Name": "x"})
    desk.stage.faults.add(kind="status", status=429, retry_after_seconds=7, method="POST")
    error = desk.send(update)
    assert isinstance(error, RetryableError)
    assert (error.is_unsent, error.after_seconds) == (True, 7.0)


def test_a_plan_shows_the_calls_and_asks_nothing(desk: Desk) -> None:
    defect, tag = desk.defect(), desk.world.ids("Tag")[0]
    update = desk.update("Defect", defect, {"Notes": "n" * 500}, added={"Tags": (to("Tag", tag),)})
    rank = desk.write(Action.RANK, "Defect", defect, place=Place.TOP)
    file = desk.write(Action.ATTACH, "Defect", defect, file=File("a.txt", "text/plain", b"secret words"))
    desk.stage.requests.clear()
    lines = list(desk.connector.calls(update))
    assert lines[0].startswith(f'POST /defect/{defect} {{"Defect":{{"Notes":"nnn')
    assert len(lines[0]) < 200
    assert lines[1] == f'POST /defect/{defect}/Tags/add {{"CollectionItems":[{{"_ref":"/tag/{tag}"}}]}}'
    assert desk.connector.calls(rank)[0].startswith(f"POST /defect/{defect}?rankTo=TOP")
    assert "12 bytes" in desk.connector.calls(file)[0]
    assert len(desk.stage.requests) == 0
