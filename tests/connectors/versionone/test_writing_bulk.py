"""Several writes in one POST to api/asset, and what came of each (versionone.md §8.2)."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from mirror.errors import RefusedError, RetryableError, StaleError
from mirror.model.change import Action
from mirror.model.write import Receipt, Target
from mirror.simulators.traffic import Request
from mirror.simulators.versionone import VersionOneSimulator
from tests.support.versionone import world_of
from tests.support.versionone_desk import Desk


@pytest.fixture
def desk() -> Iterator[Desk]:
    """A connector to a small simulator with api/asset."""
    with VersionOneSimulator(world=world_of(60, 3)) as tracker:
        made = Desk(tracker)
        assert made.connector.capabilities.writes_at_once > 1
        yield made


def _posts(desk: Desk) -> list[str]:
    return [each.path.rpartition("/Acme/")[2] for each in desk.tracker.requests.select(method="POST") if _writes(each)]


def _writes(request: Request) -> bool:
    return "query.v1" not in request.path


def test_updates_of_several_records_are_one_post_and_one_moment(desk: Desk) -> None:
    stories, owner = desk.world.ids("Story")[:5], desk.world.ids("Member")[1]
    writes = [
        desk.update("Story", each, {"Name": f"n{each}", "Estimate": 1.5, "Status": Target("StoryStatus", 134)})
        for each in stories[:4]
    ]
    writes.append(desk.update("Story", stories[4], added={"Owners": [Target("Member", owner)]}))
    desk.tracker.requests.clear()
    receipts = desk.done(*writes)
    assert _posts(desk) == ["api/asset"]
    assert [each.record_id for each in receipts] == stories
    assert [desk.world.value(each, "Name") for each in stories[:4]] == [f"n{each}" for each in stories[:4]]
    assert owner in desk.world.value(stories[4], "Owners")  # type: ignore[operator]
    assert len({desk.world.moments(each)[-1] for each in stories}) == 1
    assert not any(each.overwritten for each in receipts)


def test_a_server_without_it_is_written_to_one_by_one(desk: Desk) -> None:
    desk.tracker.switches = desk.tracker.switches.with_changes({"bulk": False})
    plain = Desk(desk.tracker)
    assert plain.connector.capabilities.writes_at_once == 1
    assert plain.connector.learned["bulk"] == "no"
    stories = plain.world.ids("Story")[:2]
    writes = [plain.update("Story", each, {"Name": "plain"}) for each in stories]
    plain.tracker.requests.clear()
    plain.done(*writes)
    assert sorted(_posts(plain)) == [f"rest-1.v1/Data/Story/{each}" for each in stories]


def test_one_refusal_is_that_of_its_write_and_the_others_are_done(desk: Desk) -> None:
    one, two, three = desk.world.ids("Story")[:3]
    writes = [
        desk.update("Story", one, {"Name": "first"}),
        desk.update("Story", two, {"Status": Target("StoryStatus", 9_999_999)}),
        desk.update("Story", three, {"Name": "third"}),
        desk.story("made", Status=Target("StoryStatus", 9_999_999)),
        desk.story("made as well"),
    ]
    desk.tracker.requests.clear()
    found = desk.send(*writes)
    assert _posts(desk) == ["api/asset"]
    assert [type(each) for each in found] == [Receipt, RefusedError, Receipt, RefusedError, Receipt]
    assert str(found[1]) == "Violation'Invalid'Story.Status"
    assert [desk.world.value(each, "Name") for each in (one, three)] == ["first", "third"]
    assert isinstance(found[4], Receipt)
    assert desk.world.value(found[4].record_id, "Name") == "made as well"


def test_a_record_that_changed_since_it_was_read_is_left_alone(desk: Desk) -> None:
    one, two = desk.world.ids("Story")[:2]
    writes = [desk.update("Story", each, {"Name": "ours"}) for each in (one, two)]
    desk.world.update(two, {"Name": "theirs"})
    found = desk.send(*writes)
    assert [type(each) for each in found] == [Receipt, StaleError]
    assert [desk.world.value(each, "Name") for each in (one, two)] == ["ours", "theirs"]


def test_a_single_update_overwrites_nobody_who_writes_in_between(desk: Desk) -> None:
    story = desk.world.ids("Story")[0]
    write = desk.update("Story", story, {"Name": "ours"})
    (call,) = desk.connector.calls(write)
    assert call == f'POST api/asset Story:{story} if Moment is still {write.revision}: Name="ours"'

    def intrude(request: Request) -> None:
        if "api/asset" in request.path:
            desk.world.update(story, {"Name": "theirs"})

    end = desk.tracker.on_request(intrude)
    assert isinstance(desk.refusal(write), StaleError)
    end()
    assert desk.world.value(story, "Name") == "theirs"
    desk.tracker.requests.clear()
    desk.done(desk.update("Story", story, {"Name": "ours"}))
    assert _posts(desk) == ["api/asset"]
    assert desk.world.value(story, "Name") == "ours"


def test_a_single_creation_is_answered_with_its_id(desk: Desk) -> None:
    write = desk.story("alone")
    desk.tracker.requests.clear()
    desk.done(write)
    assert _posts(desk) == ["rest-1.v1/Data/Story"]


@pytest.mark.parametrize(("status", "is_done"), [(404, True), (400, True), (500, False)])
def test_a_server_that_stops_taking_commands_is_written_to_one_by_one(desk: Desk, status: int, *, is_done: bool) -> None:
    story = desk.world.ids("Story")[0]
    write = desk.update("Story", story, {"Name": "ours"})
    desk.tracker.faults.add(kind="status", status=status, title="Invalid payload", path="api/asset")
    (found,) = desk.send(write)
    assert isinstance(found, Receipt) is is_done
    assert (desk.world.value(story, "Name") == "ours") is is_done


def test_an_answer_that_is_not_final_leaves_it_open(desk: Desk) -> None:
    write = desk.update("Story", desk.world.ids("Story")[0], {"Name": "ours"})
    desk.tracker.faults.add(kind="body", status=200, body='{"complete":false,"processing":true}', path="api/asset")
    error = desk.refusal(write)
    assert isinstance(error, RetryableError)
    assert not error.is_unsent


def test_a_record_that_is_gone_is_told_as_changed(desk: Desk) -> None:
    one, two = desk.world.ids("Story")[:2]
    writes = [desk.update("Story", each, {"Name": "ours"}) for each in (one, two)]
    desk.world.operate(two, "Delete")
    assert [type(each) for each in desk.send(*writes)] == [Receipt, StaleError]


def test_each_creation_gets_the_id_of_what_it_made(desk: Desk) -> None:
    parent = desk.world.ids("Story")[0]
    writes = [desk.story(f"made {at}", Estimate=at + 0.5) for at in range(4)]
    task = {"Name": "a task", "Parent": Target("Story", parent)}
    writes.insert(2, desk.write(Action.CREATE, "Task", None, values=task, since=desk.now()))
    desk.tracker.requests.clear()
    receipts = desk.done(*writes)
    assert _posts(desk) == ["api/asset"]
    assert [desk.world.value(each.record_id, "Name") for each in receipts] == [
        "made 0",
        "made 1",
        "a task",
        "made 2",
        "made 3",
    ]


def test_equal_creations_get_an_id_each(desk: Desk) -> None:
    receipts = desk.done(*[desk.story("the same") for _ in range(3)])
    assert len({each.record_id for each in receipts}) == 3
    assert {desk.world.value(each.record_id, "Name") for each in receipts} == {"the same"}


def test_what_a_bulk_command_is_not_known_to_say_goes_alone(desk: Desk) -> None:
    stories = desk.world.ids("Story")[:6]
    values = [
        {"Name": "@alias"},
        {"Estimate": None},
        {"Custom_PromisedDate": "2026-02-28"},
        {"Name": "together"},
        {"Name": "both"},
    ]
    writes = [desk.update("Story", each, some) for each, some in zip(stories, values, strict=False)]
    writes.append(desk.update("Story", stories[5], added={"TaggedWith": ["tag"]}))
    desk.tracker.requests.clear()
    desk.done(*writes)
    alone = {f"rest-1.v1/Data/Story/{each}" for each in (*stories[:3], stories[5])}
    together, *others = _posts(desk)
    assert (together, set(others), len(others)) == ("api/asset", alone, 4)
    assert [desk.world.value(each, "Name") for each in stories[:5]][3:] == ["together", "both"]
    assert desk.world.value(stories[0], "Name") == "@alias"


def test_writes_of_other_kinds_go_alone(desk: Desk) -> None:
    one, two, three = desk.world.ids("Story")[:3]
    writes = [
        desk.update("Story", one, {"Name": "first"}),
        desk.write(Action.DELETE, "Story", two),
        desk.update("Story", three, {"Name": "third"}),
    ]
    desk.tracker.requests.clear()
    desk.done(*writes)
    assert _posts(desk) == ["api/asset", f"rest-1.v1/Data/Story/{two}"]
    assert two not in desk.world.ids("Story")


@pytest.mark.parametrize("kind", ["reset_after", "truncate", "reset_midway"])
def test_a_lost_answer_leaves_every_write_in_it_open(desk: Desk, kind: str) -> None:
    one, two = desk.world.ids("Story")[:2]
    updates = [desk.update("Story", each, {"Name": "ours"}) for each in (one, two)]
    creation = desk.story("made once")
    desk.tracker.requests.clear()
    desk.tracker.faults.add(kind=kind, path="api/asset")
    found = desk.send(*updates, creation)
    assert [type(each) for each in found] == [RetryableError] * 3
    assert not any(each.is_unsent for each in found if isinstance(each, RetryableError))
    assert _posts(desk) == ["api/asset"]
    desk.tracker.faults.clear()
    assert desk.world.value(one, "Name") == "ours"
    assert [desk.world.value(each, "Name") for each in desk.connector.probe(creation).found] == ["made once"]


def test_created_records_are_waited_for_where_reads_are_behind(desk: Desk) -> None:
    writes = [desk.story(f"made {at}") for at in range(3)]
    story = desk.world.ids("Story")[0]
    writes.append(desk.update("Story", story, {"Name": "changed"}))
    desk.tracker.switches = desk.tracker.switches.with_changes({"replica_lag_seconds": 0.4})
    receipts = desk.done(*writes)
    assert [desk.value("Story", each.record_id, "Name") for each in receipts] == ["made 0", "made 1", "made 2", "changed"]


def test_where_a_moment_does_not_select_the_record_each_is_written_alone(desk: Desk) -> None:
    one, two = desk.world.ids("Story")[:2]
    writes = [desk.update("Story", each, {"Name": "ours"}) for each in (one, two)]
    body = (
        '{"assetsCreated":{"oidTokens":[],"count":0},"assetsModified":{"oidTokens":[],"count":0},'
        '"assetsOperatedOn":{"oidTokens":[],"count":0},"complete":true,"commandFailures":{"commands":[],"count":0},'
        '"queryResult":{"results":[],"count":-1}}'
    )
    desk.tracker.faults.add(kind="body", status=200, body=body, path="api/asset")
    desk.done(*writes)
    assert [desk.world.value(each, "Name") for each in (one, two)] == ["ours", "ours"]
