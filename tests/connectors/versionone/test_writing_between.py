"""Others who write between our reading and our writing, answers that are lost, and reads that are behind
(versionone.md §6.1: no optimistic concurrency; §10.5)."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest

from mirror.connectors.base import Probed
from mirror.errors import AuthError, RefusedError, RetryableError
from mirror.model.change import Action
from mirror.model.write import Receipt, Target, Write
from mirror.simulators.traffic import Request
from mirror.simulators.versionone import VersionOneSimulator
from tests.support.versionone import world_of
from tests.support.versionone_desk import Desk

WAYS: dict[str, dict[str, Any]] = {
    "query.v1": {"bulk": False},
    "Hist": {"query_v1": False, "bulk": False},
    "Hist in XML, without moments to compare": {
        "query_v1": False,
        "bulk": False,
        "json": False,
        "moment_filter": False,
        "page_size_cap": 2,
        "total": "never",
        "equal_stamps": True,
        "many_to_many_moves_both_ends": False,
    },
}


@pytest.fixture(params=WAYS)
def desk(request: pytest.FixtureRequest) -> Iterator[Desk]:
    """A connector to a small simulator, for each way to read history."""
    with VersionOneSimulator(world=world_of(60, 3)) as tracker:
        tracker.switches = tracker.switches.with_changes(WAYS[request.param])
        yield Desk(tracker)


@pytest.fixture
def strict() -> Iterator[Desk]:
    """A connector to a small simulator that is written to one by one."""
    with VersionOneSimulator(world=world_of(60, 3)) as tracker:
        tracker.switches = tracker.switches.with_changes({"bulk": False})
        yield Desk(tracker)


def just_before(desk: Desk, path: str, act: Callable[[], object]) -> None:
    """Do something once, when a POST to `path` has arrived and before it is carried out."""
    acted: list[Request] = []

    def hook(request: Request) -> None:
        if request.method == "POST" and path in request.path and not acted:
            acted.append(request)
            act()

    desk.tracker.on_request(hook)


def _story(desk: Desk) -> int:
    return next(each for each in desk.world.ids("Story") if desk.world.value(each, "AssetState") == 64)


def _other(desk: Desk) -> int:
    known = {desk.world.landmarks.admin, desk.world.landmarks.limited}
    return next(each for each in desk.world.ids("Member") if each not in known)


def test_what_another_had_written_in_between_is_told_with_its_author(desk: Desk) -> None:
    story, other = _story(desk), _other(desk)
    desk.world.update(story, {"Status": 133})
    write = desk.update("Story", story, {"Name": "ours", "Estimate": 3, "Status": Target("StoryStatus", 134)})
    theirs = {"Name": "theirs", "Status": 135, "Reference": "R-1"}
    just_before(desk, f"Data/Story/{story}", lambda: desk.world.update(story, theirs, by=other))
    (receipt,) = desk.done(write)
    assert desk.world.value(story, "Name") == "ours"
    author, status = desk.world.value(other, "Name"), desk.world.value(135, "Name")
    assert receipt.overwritten.keys() == {"Name", "Status"}
    assert receipt.overwritten["Name"].startswith(f"'theirs', by {author} at 20")
    assert receipt.overwritten["Status"].startswith(f"'{status}', by {author} at 20")


def test_nothing_was_overwritten_where_another_wrote_other_fields_the_same_or_the_old_value(desk: Desk) -> None:
    story = _story(desk)
    name = desk.world.value(story, "Name")
    write = desk.update("Story", story, {"Name": "ours", "Estimate": 3})

    def others() -> None:
        desk.world.update(story, {"Reference": "R-2", "Estimate": 3, "Name": "for a moment"})
        desk.world.update(story, {"Name": name})

    just_before(desk, f"Data/Story/{story}", others)
    (receipt,) = desk.done(write)
    assert (receipt.overwritten, receipt.words) == ({}, ())


def test_a_long_history_hides_nobody(desk: Desk) -> None:
    story = _story(desk)
    for at in range(7):
        desk.world.update(story, {"Reference": f"before {at}"})
    write = desk.update("Story", story, {"Name": "ours"})

    def others() -> None:
        desk.world.update(story, {"Name": "theirs"})
        for at in range(5):
            desk.world.update(story, {"Reference": f"between {at}"})

    just_before(desk, f"Data/Story/{story}", others)
    (receipt,) = desk.done(write)
    assert receipt.overwritten.keys() == {"Name"}


def test_a_history_that_cannot_be_read_is_said_and_the_write_is_done(strict: Desk) -> None:
    strict.tracker.switches = strict.tracker.switches.with_changes({"query_v1": False, "bulk": False, "hist": False})
    desk = Desk(strict.tracker)
    story = _story(desk)
    (receipt,) = desk.done(desk.update("Story", story, {"Name": "ours"}))
    assert desk.world.value(story, "Name") == "ours"
    assert "history" in receipt.words[0]


def _sent_twice(desk: Desk) -> int:
    return len(desk.tracker.requests.select(method="POST", path="rest-1.v1/Data"))


def test_an_update_whose_answer_is_lost_is_sent_once_and_told_as_open(desk: Desk) -> None:
    story = _story(desk)
    write = desk.update("Story", story, {"Name": "ours"})
    desk.tracker.requests.clear()
    desk.tracker.faults.add(kind="reset_after", method="POST", path="Data/Story")
    error = desk.refusal(write)
    assert isinstance(error, RetryableError)
    assert not error.is_unsent
    assert _sent_twice(desk) == 1
    assert desk.world.value(story, "Name") == "ours"


FAULTS: Mapping[str, tuple[dict[str, Any], bool]] = {
    "an answer that is cut": ({"kind": "truncate"}, False),
    "a page with status 200": ({"kind": "html"}, False),
    "a page that reads like a refusal": ({"kind": "html", "title": "Violation'Invalid'Story.Name"}, False),
    "201": ({"kind": "status", "status": 201}, False),
    "202": ({"kind": "status", "status": 202}, False),
    "408": ({"kind": "status", "status": 408}, False),
    "500": ({"kind": "status", "status": 500}, False),
    "503": ({"kind": "status", "status": 503}, False),
    "429": ({"kind": "status", "status": 429}, True),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_an_answer_that_tells_nothing_leaves_it_open_and_is_not_repeated(strict: Desk, fault: str) -> None:
    options, is_unsent = FAULTS[fault]
    write = strict.update("Story", _story(strict), {"Name": "ours"})
    strict.tracker.requests.clear()
    strict.tracker.faults.add(method="POST", path="Data/Story", **options)
    error = strict.refusal(write)
    assert isinstance(error, RetryableError)
    assert error.is_unsent is is_unsent
    assert _sent_twice(strict) == 1


def test_a_server_that_cannot_be_reached_has_surely_done_nothing() -> None:
    with VersionOneSimulator(world=world_of(60, 3)) as tracker:
        desk = Desk(tracker)
        write = desk.update("Story", _story(desk), {"Name": "ours"})
    error = desk.refusal(write)
    assert isinstance(error, RetryableError)
    assert error.is_unsent


def test_a_fault_of_the_server_that_names_a_rule_is_a_refusal(strict: Desk) -> None:
    write = strict.update("Story", _story(strict), {"Name": "ours"})
    body = '{"exceptions":[{"message":"Violation\'Invalid\'Story.Name"}]}'
    strict.tracker.faults.add(kind="body", status=500, body=body, method="POST", path="Data/Story")
    error = strict.refusal(write)
    assert isinstance(error, RefusedError)
    assert str(error) == "Violation'Invalid'Story.Name"


def test_what_could_not_be_read_before_a_write_leaves_it_unsent(strict: Desk) -> None:
    strict.tracker.switches = strict.tracker.switches.with_changes({"query_v1": False})
    desk = Desk(strict.tracker)
    one, two = desk.world.ids("Story")[:2]
    write = desk.write(Action.RANK, "Story", one, place="above", other=Target("Story", two))
    desk.tracker.faults.add(kind="reset", method="GET", path="Data/Story")
    error = desk.refusal(write)
    assert isinstance(error, RetryableError)
    assert error.is_unsent


# Finding what was created


def test_a_creation_whose_answer_is_lost_is_found_by_its_values_time_and_author(desk: Desk) -> None:
    write = desk.story("twice", Estimate=2.5, Description="<p>one</p>\r\nline")
    other = _other(desk)
    desk.world.create("Story", {"Name": "twice", "Scope": desk.world.landmarks.project, "Estimate": "2.5"}, by=other)
    desk.world.create("Story", {"Name": "twice", "Scope": desk.world.landmarks.project, "Estimate": "3"})
    assert list(desk.connector.probe(write).found) == []
    desk.tracker.faults.add(kind="reset_after", method="POST", path="Data/Story")
    assert isinstance(desk.refusal(write), RetryableError)
    desk.tracker.faults.clear()
    made = max(desk.world.ids("Story"))
    assert list(desk.connector.probe(write).found) == [made]


def test_on_a_hostile_server_everything_is_made_once_and_what_is_open_is_found() -> None:
    with VersionOneSimulator(seed=3, world=world_of(60, 3), profile="hostile") as tracker:
        changes = {"lost_answer_every": 2, "replica_lag_seconds": 0.2}
        tracker.switches = tracker.switches.with_changes(changes)
        desk = Desk(tracker)
        writes = [desk.story(f"made {at}", Estimate=at) for at in range(6)]
        outcomes = [desk.send(each)[0] for each in writes]
        assert {type(each) for each in outcomes} == {Receipt, RetryableError}
        time.sleep(0.3)
        for write, outcome in zip(writes, outcomes, strict=True):
            made = [each for each in desk.world.ids("Story") if desk.world.value(each, "Name") == write.values["Name"]]
            assert list(desk.connector.probe(write).found) == made
            assert len(made) == 1
            assert not isinstance(outcome, Receipt) or [outcome.record_id] == made


def test_all_that_could_be_it_are_listed(desk: Desk) -> None:
    write = desk.story("twice")
    ids = [desk.done(write)[0].record_id for _ in range(3)]
    assert list(desk.connector.probe(write).found) == ids


def test_a_creation_that_somebody_has_edited_since_is_found_by_its_first_version(desk: Desk) -> None:
    write = desk.write(
        Action.CREATE,
        "Story",
        None,
        values={**desk.story("the one", Estimate=2.5, Description="<p>one</p>").values},
        added={"Owners": (Target("Member", desk.world.ids("Member")[1]),)},
        since=desk.now(),
    )
    desk.lose_answer("Data/Story")
    assert isinstance(desk.refusal(write), RetryableError)
    made, other = max(desk.world.ids("Story")), _other(desk)
    desk.world.update(made, {"Name": "another", "Description": "theirs"}, by=other)
    desk.world.update(made, {"Estimate": "3", "Owners": []}, by=other)
    odd = frozenset({"Name", "Description", "Estimate", "Owners"})
    assert desk.connector.probe(write) == Probed((made,), edited={made: odd})


def test_what_had_another_name_at_first_is_not_it_and_what_has_our_name_alone_is_in_doubt(desk: Desk) -> None:
    write = desk.story("the one", Estimate=1)
    named = desk.done(desk.story("the one", Estimate=2))[0].record_id
    renamed = desk.done(desk.story("another", Estimate=1))[0].record_id
    desk.world.update(renamed, {"Name": "a third"}, by=_other(desk))
    assert desk.connector.probe(write) == Probed(doubtful=(named,))


def test_what_was_created_before_the_write_is_not_it(strict: Desk) -> None:
    strict.tracker.switches = strict.tracker.switches.with_changes({"clock_offset_seconds": -100.0})
    desk = Desk(strict.tracker)
    desk.done(desk.story("as before"))
    desk.tracker.switches = desk.tracker.switches.with_changes({"clock_offset_seconds": 0.0})
    assert list(desk.connector.probe(desk.story("as before")).found) == []


def test_what_was_created_outside_of_the_mirrored_project_is_found(strict: Desk) -> None:
    hidden = strict.world.landmarks.hidden_project
    desk = Desk(strict.tracker, scope={"scope": f"Scope:{hidden}"})
    write = desk.story("elsewhere")
    made = desk.done(write)[0].record_id
    assert list(desk.connector.probe(write).found) == [made]


# Reads that are behind


@pytest.mark.parametrize("changes", [{}, {"query_v1": False, "bulk": False, "moment_filter": False}])
def test_a_write_returns_when_reads_show_it(strict: Desk, changes: dict[str, Any]) -> None:
    strict.tracker.switches = strict.tracker.switches.with_changes(changes)
    desk = Desk(strict.tracker)
    story, other = _story(desk), _other(desk)
    write, creation = desk.update("Story", story, {"Name": "ours"}), desk.story("new")
    desk.tracker.switches = desk.tracker.switches.with_changes({"replica_lag_seconds": 1.1})
    unknown = desk.connector.capabilities.lag
    assert unknown
    just_before(desk, f"Data/Story/{story}", lambda: desk.world.update(story, {"Name": "theirs"}, by=other))
    (receipt,) = desk.done(write)
    assert desk.value("Story", story, "Name") == "ours"
    assert receipt.overwritten.keys() == {"Name"}
    (created,) = desk.done(creation)
    assert desk.value("Story", created.record_id, "Name") == "new"
    gone = Write(desk.layouts["Story"], Action.DELETE, created.record_id)
    desk.done(gone)
    assert not desk.connector.records(desk.layouts["Story"], [created.record_id]).rows
    assert unknown < desk.connector.capabilities.lag
    assert 1.1 <= desk.connector.capabilities.lag.total_seconds() <= 8


def test_an_account_that_lost_its_rights_is_told_as_such_and_a_done_write_stays_done(strict: Desk) -> None:
    story = _story(strict)
    write = strict.update("Story", story, {"Name": "ours"})
    strict.tracker.faults.add(kind="status", status=401, path="query.v1")
    (receipt,) = strict.done(write)
    assert "history" in receipt.words[0]
    strict.tracker.faults.add(kind="status", status=401, method="POST", path="Data")
    assert isinstance(strict.refusal(write), AuthError)
