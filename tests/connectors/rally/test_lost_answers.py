"""Others at the same moment, answers that get lost, replicas that lag: nothing is overwritten in silence or sent twice."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from mirror.connectors.base import Probed
from mirror.errors import RefusedError, RetryableError
from mirror.model.change import Action
from mirror.model.write import File, Place, Receipt, Write
from tests.connectors.rally.desk import Desk, to
from tests.support.stages.rally import TheStage

LOST = ("reset_after", "reset_midway", "truncate", "html")


@pytest.fixture
def desk(stage: TheStage) -> Iterator[Desk]:
    yield Desk(stage)


def lost(desk: Desk, write: Write, kind: str = "reset_after", path: str = "/defect/") -> RetryableError:
    """Send a write whose answer does not arrive."""
    desk.stage.faults.add(kind=kind, method="POST|DELETE", path=path, times=1)
    error = desk.send(write)
    desk.stage.faults.clear()
    assert isinstance(error, RetryableError), repr(error)
    assert not error.is_unsent
    return error


# Others in between


def test_a_field_that_somebody_else_changed_in_between_is_reported(desk: Desk) -> None:
    defect = desk.defect(Severity="Cosmetic")
    write = desk.update("Defect", defect, {"Severity": "Major Problem", "Name": "ours"})
    other = desk.intrude(defect, {"Severity": "Minor Problem", "Notes": "theirs"})
    receipt = desk.done(write)
    assert set(receipt.overwritten) == {"Severity"}
    words = receipt.overwritten["Severity"]
    assert "SEVERITY changed from [Cosmetic] to [Minor Problem]" in words
    assert "NOTES" not in words
    name = desk.world.truth("User")[other]["DisplayName"]
    assert words.startswith(f"{name}, 20")
    assert desk.row("Defect", defect)["notes"] == "theirs"


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ({"Name": "ours"}, {"Severity": "Minor Problem"}),
        ({"Name": "ours", "Severity": "Minor Problem"}, {"Severity": "Minor Problem"}),
        ({"Name": "ours", "PlanEstimate": 2}, {"PlanEstimate": 2.0}),
        ({"Name": "ours", "Blocked": True}, {"Blocked": True}),
        ({"Name": "ours", "Package": None}, {"Package": None}),
    ],
    ids=["another field", "same text", "same number", "same answer", "nothing as well"],
)
def test_what_takes_nothing_away_is_only_told(desk: Desk, ours: dict[str, Any], theirs: dict[str, Any]) -> None:
    defect = desk.defect(Package="there")
    write = desk.update("Defect", defect, ours)
    desk.intrude(defect, theirs)
    receipt = desk.done(write)
    assert receipt.overwritten == {}
    assert "wrote in between" in receipt.words[0]


def test_the_same_person_put_there_by_both_takes_nothing_away(desk: Desk) -> None:
    defect, user = desk.defect(), desk.world.ids("User")[1]
    name = desk.world.truth("User")[user]["DisplayName"]
    write = desk.update("Defect", defect, {"Owner": to("User", user, name), "Name": "ours"})
    desk.intrude(defect, {"Owner": user})
    assert desk.done(write).overwritten == {}


def test_the_last_of_several_in_between_counts(desk: Desk) -> None:
    defect = desk.defect()
    write = desk.update("Defect", defect, {"Severity": "Cosmetic"})
    for value in ("Cosmetic", "Minor Problem"):
        desk.world.update(defect, {"Severity": value})
    assert "from [Cosmetic] to [Minor Problem]" in desk.done(write).overwritten["Severity"]


def test_more_changes_than_the_history_gives_at_once_leave_it_in_doubt(desk: Desk) -> None:
    defect = desk.defect()
    write = desk.update("Defect", defect, {"Severity": "Cosmetic"})
    for number in range(8):
        desk.world.update(defect, {"Name": f"name {number}"})
    desk.stage.switch(page_size_cap=5)
    assert "more than 5 changes" in desk.done(write).overwritten["Severity"]


@pytest.mark.parametrize("is_overwriting", [True, False])
def test_a_refusal_of_a_later_call_does_not_hide_what_the_first_has_overwritten(desk: Desk, is_overwriting: bool) -> None:
    defect = desk.defect()
    write = desk.update("Defect", defect, {"Name": "ours"}, added={"Tags": (to("Tag", 1),)})
    if is_overwriting:
        desk.intrude(defect, {"Name": "theirs"})
    outcome = desk.send(write)
    if is_overwriting:
        assert isinstance(outcome, Receipt)
        assert "to [theirs]" in outcome.overwritten["Name"]
        assert "referenced object /tag/1" in outcome.words[-1]
    else:
        assert isinstance(outcome, RefusedError)
    assert desk.row("Defect", defect)["name"] == "ours"


def test_nobody_in_between_asks_for_no_history(desk: Desk) -> None:
    defect = desk.defect()
    receipt = desk.done(desk.update("Defect", defect, {"Name": "ours"}))
    assert receipt == Receipt(defect)
    assert desk.stage.requests.select(path="/Revisions") == []


def test_a_custom_field_and_a_reference_are_recognised_in_the_history(desk: Desk) -> None:
    defect, users = desk.defect(), desk.world.ids("User")
    write = desk.update("Defect", defect, {"c_RootCause": "Code", "Owner": to("User", users[0])})
    desk.intrude(defect, {"c_RootCause": "Design", "Owner": users[1]})
    assert set(desk.done(write).overwritten) == {"c_RootCause", "Owner"}


def test_a_type_without_history_leaves_every_field_in_doubt(desk: Desk) -> None:
    step = desk.world.create("TestCaseStep", {"TestCase": desk.world.ids("TestCase")[0], "Input": "a"})
    layouts = desk.layouts | desk.stage.layouts(desk.connector)
    write = Write(layouts["TestCaseStep"], Action.UPDATE, step, values={"Input": "ours"}, revision="1")
    desk.intrude(step, {"ExpectedResult": "theirs"})
    receipt = desk.done(write)
    assert set(receipt.overwritten) == {"Input"}
    assert "no history" in receipt.overwritten["Input"]


def test_a_revision_that_was_cut_leaves_every_field_in_doubt(desk: Desk) -> None:
    defect = desk.defect()
    write = desk.update("Defect", defect, {"Name": "ours"})
    desk.intrude(defect, {"Description": "long " * 2000})
    assert "more than a revision can tell" in desk.done(write).overwritten["Name"]


def test_in_a_batch_each_record_is_looked_at(desk: Desk) -> None:
    first, second = desk.defect(), desk.defect()
    writes = [desk.update("Defect", each, {"Name": "ours"}) for each in (first, second)]
    desk.intrude(second, {"Name": "theirs"})
    results = desk.connector.send(writes)
    found = [each.overwritten for each in results if isinstance(each, Receipt)]
    assert found[0] == {}
    assert "to [theirs]" in found[1]["Name"]


def test_a_replica_that_lags_is_waited_for_before_the_history_is_believed(desk: Desk) -> None:
    defect = desk.defect()
    write = desk.update("Defect", defect, {"Name": "ours"})
    desk.stage.lag(1.2)
    desk.intrude(defect, {"Name": "theirs"})
    assert "to [theirs]" in desk.done(write).overwritten["Name"]


# Conflicts


def test_a_concurrency_conflict_has_done_nothing(desk: Desk) -> None:
    defect = desk.defect()
    write = desk.update("Defect", defect, {"Name": "ours"})
    desk.stage.switch(conflict_every=1)
    error = desk.send(write)
    assert isinstance(error, RetryableError)
    assert error.is_unsent
    assert "Modified since read on update" in str(error)
    desk.stage.switch(conflict_every=0)
    assert desk.row("Defect", defect)["_revision"] == "1"


def test_a_conflict_behind_the_first_call_is_met_again_and_the_first_is_not_repeated(desk: Desk) -> None:
    defect, tag = desk.defect(), desk.world.ids("Tag")[0]
    conflict = json.dumps({"OperationResult": {"Errors": ["Concurrency conflict: [x]"], "Warnings": []}})
    desk.stage.faults.add(kind="body", status=200, body=conflict, path="/Tags/add", times=2)
    desk.done(desk.update("Defect", defect, {"Name": "ours"}, added={"Tags": (to("Tag", tag),)}))
    row = desk.row("Defect", defect)
    assert (row["Tags"], row["_revision"]) == ([tag], "3")


def test_a_write_that_has_begun_is_never_told_to_have_done_nothing(desk: Desk) -> None:
    defect, tag = desk.defect(), desk.world.ids("Tag")[0]
    write = desk.update("Defect", defect, {"Name": "ours"}, added={"Tags": (to("Tag", tag),)})
    error = lost(desk, write, "reset_after", "/Tags/add")
    assert not error.is_unsent
    assert desk.row("Defect", defect)["name"] == "ours"


# Answers that get lost


@pytest.mark.parametrize("kind", LOST)
def test_a_lost_answer_leaves_it_open_and_nothing_is_sent_twice(desk: Desk, kind: str) -> None:
    defect = desk.defect()
    lost(desk, desk.update("Defect", defect, {"Name": "ours"}), kind)
    sent = [each for each in desk.stage.requests.select(path=f"/defect/{defect}") if each.method == "POST"]
    assert len(sent) == 1
    assert desk.world.item(defect).version == (1 if kind == "html" else 2)


def test_a_server_that_cannot_be_reached_was_sent_nothing(desk: Desk) -> None:
    write = desk.update("Defect", desk.defect(), {"Name": "x"})
    desk.stage.tracker.stop()
    desk.connector.transport.url = "http://127.0.0.1:1"
    error = desk.send(write)
    assert isinstance(error, RetryableError)
    assert error.is_unsent


def test_a_lost_batch_leaves_all_of_it_open(desk: Desk) -> None:
    writes = [desk.update("Defect", desk.defect(), {"Name": "ours"}) for _ in range(2)]
    desk.stage.faults.add(kind="reset_after", path="/batch", times=1)
    assert all(isinstance(each, RetryableError) and not each.is_unsent for each in desk.connector.send(writes))


def test_a_creation_without_an_answer_is_found(desk: Desk) -> None:
    tag, user = desk.world.ids("Tag")[0], desk.world.ids("User")[1]
    values = {
        "Name": "quotes ' and ü",
        "Notes": "<b>rich</b> &amp; text",
        "Owner": to("User", user),
        "PlanEstimate": 2.5,
        "TargetDate": "2031-07-04T05:06:07.089Z",
        "Blocked": False,
    }
    write = desk.create("Defect", values, added={"Tags": (to("Tag", tag),)})
    assert list(desk.connector.probe(write).found) == []
    lost(desk, write)
    (found,) = desk.connector.probe(write).found
    assert desk.row("Defect", found)["notes"] == "<b>rich</b> &amp; text"


@pytest.mark.parametrize("name", ['with " in it', "back\\slash", "  blanks  ", "line\nbreak"])
def test_a_name_that_cannot_be_asked_for_is_compared_all_the_same(desk: Desk, name: str) -> None:
    write = desk.create("Defect", {"Name": name})
    desk.defect()
    lost(desk, write)
    (found,) = desk.connector.probe(write).found
    assert desk.world.item(found).values["Name"] == name


def test_what_others_made_is_not_taken_for_ours(desk: Desk) -> None:
    write = desk.create("Defect", {"Name": "the one"})
    other = next(each for each in desk.world.ids("User") if each != desk.world.landmarks.user)
    with desk.world.transaction(user=other) as transaction:
        desk.world.writer(transaction).create("Defect", {"Name": "the one"})
    assert list(desk.connector.probe(write).found) == []


def test_the_first_revision_tells_who_made_a_release(desk: Desk) -> None:
    dates = {"ReleaseStartDate": "2031-07-01T00:00:00.000Z", "ReleaseDate": "2031-07-30T00:00:00.000Z"}
    write = desk.create("Release", {"Name": "R 1", "State": "Planning"} | dates)
    other = next(each for each in desk.world.ids("User") if each != desk.world.landmarks.user)
    with desk.world.transaction(user=other) as transaction:
        desk.world.writer(transaction).create("Release", {"Name": "R 1", "State": "Planning"} | dates)
    assert list(desk.connector.probe(write).found) == []
    lost(desk, write, path="/release/")
    assert len(desk.connector.probe(write).found) == 1


def test_several_that_could_be_it_are_all_named(desk: Desk) -> None:
    write = desk.create("Defect", {"Name": "the one"})
    both = [desk.defect(), desk.defect()]
    assert list(desk.connector.probe(write).found) == both


def test_one_that_is_almost_it_is_left_to_a_person(desk: Desk) -> None:
    write = desk.create("Defect", {"Name": "the one", "Severity": "Cosmetic"})
    made = desk.defect(Severity="Minor Problem")
    assert desk.connector.probe(write) == Probed(doubtful=(made,))


def test_a_creation_that_somebody_has_edited_since_is_found_by_its_history(desk: Desk) -> None:
    write = desk.create("Defect", {"Name": "the one", "Severity": "Cosmetic", "Blocked": False})
    lost(desk, write)
    (made,) = desk.connector.probe(write).found
    for fields in ({"Name": "another", "Severity": "Minor Problem"}, {"Name": "a third", "Notes": "theirs"}):
        desk.world.update(made, fields)
        assert desk.connector.probe(write) == Probed((made,), edited={made: frozenset({"Name", "Severity"})})


def test_what_was_renamed_and_had_another_name_at_first_is_not_it(desk: Desk) -> None:
    write = desk.create("Defect", {"Name": "the one"})
    desk.world.update(desk.defect(Name="another"), {"Name": "a third"})
    assert desk.connector.probe(write) == Probed()


def test_an_edited_record_without_a_history_is_left_to_a_person(desk: Desk) -> None:
    case = desk.world.create("TestCase", {"Name": "case"})
    write = desk.create("TestCaseStep", {"TestCase": to("TestCase", case), "Input": "the one", "StepIndex": 0})
    lost(desk, write, path="/testcasestep/")
    (made,) = desk.connector.probe(write).found
    desk.world.update(made, {"Input": "another"})
    assert desk.connector.probe(write) == Probed(doubtful=(made,))


def test_a_file_of_the_same_name_and_size_is_told_by_its_bytes(desk: Desk) -> None:
    defect = desk.defect()
    write = desk.write(Action.ATTACH, "Defect", defect, file=File("log.txt", "text/plain", b"12345"))
    desk.done(desk.write(Action.ATTACH, "Defect", defect, file=File("log.txt", "text/plain", b"54321")))
    assert desk.connector.probe(write) == Probed()
    lost(desk, write, path="/attachment/")
    assert len(desk.connector.probe(write).found) == 1


def test_a_tag_is_found_by_its_name_however_old_it_is(desk: Desk) -> None:
    tag = desk.world.ids("Tag")[0]
    write = desk.create("Tag", {"Name": desk.world.item(tag).values["Name"]})
    assert list(desk.connector.probe(write).found) == [tag]


def test_a_comment_and_a_file_without_an_answer_are_found(desk: Desk) -> None:
    defect, other = desk.defect(), desk.defect()
    comment = desk.write(Action.COMMENT, "Defect", defect, text="Is <i>this</i> it?")
    file = desk.write(Action.ATTACH, "Defect", defect, file=File("log.txt", "text/plain", b"12345"))
    for write in (comment, file):
        assert list(desk.connector.probe(write).found) == []
    desk.done(desk.write(Action.COMMENT, "Defect", other, text="Is <i>this</i> it?"))
    desk.done(desk.write(Action.COMMENT, "Defect", defect, text="That is it."))
    desk.done(desk.write(Action.ATTACH, "Defect", defect, file=File("log.txt", "text/plain", b"longer")))
    lost(desk, comment, path="/conversationpost/")
    lost(desk, file, path="/attachment/")
    (post,), (made,) = desk.connector.probe(comment).found, desk.connector.probe(file).found
    assert desk.world.item(post).values["Artifact"] == defect
    assert desk.world.item(made).values["Size"] == 5


def test_a_file_whose_bytes_alone_arrived_is_not_there(desk: Desk) -> None:
    write = desk.write(Action.ATTACH, "Defect", desk.defect(), file=File("log.txt", "text/plain", b"12345"))
    lost(desk, write, path="/attachmentcontent/")
    assert list(desk.connector.probe(write).found) == []


@pytest.mark.parametrize("place", [Place.ABOVE, Place.TOP])
def test_a_rank_without_an_answer_is_looked_up(desk: Desk, place: Place) -> None:
    first, second = desk.defect(), desk.defect()
    other = to("", first) if place is Place.ABOVE else None
    write = desk.write(Action.RANK, "Defect", second, place=place, other=other)
    lost(desk, write)
    assert desk.connector.took_effect(write) is True
    desk.world.delete(second)
    assert desk.connector.took_effect(write) is None


# Lag


def test_what_was_just_written_is_read_back_although_a_replica_lags(desk: Desk) -> None:
    first, second, tag = desk.defect(), desk.defect(), desk.world.ids("Tag")[0]
    update = desk.update("Defect", first, added={"Tags": (to("Tag", tag),)})
    delete = desk.write(Action.DELETE, "Defect", second)
    desk.stage.lag(1.0)
    desk.done(update)
    desk.done(delete)
    made = desk.done(desk.create("Defect", {"Name": "fresh"})).record_id
    page = desk.connector.records(desk.layout("Defect"), [first, second, made])
    assert [row[1] for row in page.rows] == [first, made]
    assert [(row[0], row[2]) for row in page.links["Tags"]] == [(first, tag)]


# What is touched


def test_writes_below_one_parent_share_a_word(desk: Desk) -> None:
    story, other = desk.world.ids("HierarchicalRequirement")[:2]
    tasks = [desk.world.create("Task", {"Name": "t", "WorkProduct": story}) for _ in range(2)]
    create = desk.create("Task", {"Name": "new", "WorkProduct": to("HierarchicalRequirement", story)})
    update = desk.update("Task", tasks[0], {"State": "Completed"})
    touches = desk.connector.touches
    assert touches(create) & touches(update) == {f"object {story}"}
    assert f"object {tasks[0]}" in touches(update)
    moved = desk.update(
        "Task",
        tasks[1],
        {"WorkProduct": to("HierarchicalRequirement", other)},
        before={"WorkProduct": to("HierarchicalRequirement", story)},
    )
    assert {f"object {each}" for each in (story, other, tasks[1])} <= touches(moved)


def test_writes_of_different_people_and_projects_touch_nothing_in_common(desk: Desk) -> None:
    user, tag = desk.world.ids("User")[0], desk.world.ids("Tag")[0]
    updates = [
        desk.update("Defect", desk.defect(), {"Owner": to("User", user)}, added={"Tags": (to("Tag", tag),)})
        for _ in range(2)
    ]
    assert not desk.connector.touches(updates[0]) & desk.connector.touches(updates[1])
    linked = desk.update("Defect", desk.defect(), added={"Duplicates": (to("Defect", updates[0].record_id or 0),)})
    assert desk.connector.touches(linked) & desk.connector.touches(updates[0])
