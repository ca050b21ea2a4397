"""Bad networks, servers and credentials: nothing is sent twice, nothing is lost, and each change says what became of it."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import Any

from mirror.engine.pushing import SETTLE_SECONDS
from mirror.model.change import State
from mirror.model.event import Event, Pushed, PushEnded
from mirror.model.write import Place
from mirror.simulators.traffic import Request
from mirror.store.store import Store
from tests.support.pushing import Desk, RallyDesk, outcomes

LOST = ("reset_after", "reset_midway", "truncate")
WRITES = "POST|PUT|DELETE"


def lose(desk: RallyDesk, kind: str, **options: Any) -> None:
    """Have one write go wrong."""
    desk.stage.faults.add(kind=kind, method=WRITES, path=desk.stage.writes, times=1, **options)


def fail_on(desk: RallyDesk, request: Request, content: bytes) -> None:
    """Have the tracker fail on every write that carries some content."""
    if request.method == "POST" and content in request.body:
        desk.stage.faults.add(kind="status", status=500, method=WRITES, path=desk.stage.writes, times=1)


def intrude(desk: RallyDesk, record: int, request: Request) -> None:
    """Have somebody else edit a record just before each write."""
    if request.method == "POST":
        desk.stage.edit(record, "edited there")


def done_by(desk: RallyDesk) -> None:
    """Push until nothing waits; time passes between."""
    for _ in range(3):
        desk.clock.advance(SETTLE_SECONDS + 1)
        if desk.push().exit_code == 0:
            break
    assert desk.open() == []
    assert desk.stage.sync(desk.store).exit_code == 0
    assert desk.stage.differences(desk.store) == []


def test_an_update_whose_answer_was_lost_is_adopted_and_not_sent_again(desk: RallyDesk) -> None:
    for kind, record in zip(LOST, desk.stage.ids("Defect"), strict=False):
        desk.write(record, "edited here")
        lose(desk, kind)
        desk.stage.requests.clear()
        assert outcomes(desk.push()) == ["adopted"], kind
        assert len(desk.written()) == 1, kind
        assert desk.stage.text_of(record) == "edited here"


def test_an_update_that_never_arrived_is_sent_again_when_it_cannot_arrive_any_more(desk: RallyDesk) -> None:
    record = desk.stage.ids("Defect")[0]
    desk.write(record, "edited here")
    lose(desk, "reset")
    report = desk.push()
    assert outcomes(report) == ["unknown"]
    assert report.exit_code == 3
    assert desk.stage.world.item(record).values.get("Notes") != "edited here"
    desk.clock.advance(11)
    assert outcomes(desk.push()) == ["done"]
    assert desk.stage.text_of(record) == "edited here"


def test_an_update_on_which_the_tracker_fails_each_time_is_refused_and_others_go_on(desk: RallyDesk) -> None:
    bad, good = desk.stage.ids("Defect")[:2]
    desk.write(bad, "never to be")
    desk.set(bad, Name="renamed here")
    desk.write(good, "edited here")
    stop = desk.stage.on_request(lambda each: fail_on(desk, each, b"never to be"))
    report = desk.push(source=desk.stage.source(concurrency=1), sleep=desk.clock.advance)
    stop()
    assert outcomes(report) == ["refused", "done", "done"]
    assert report.changes[0].words.startswith("the tracker failed each time: ")
    assert desk.stage.text_of(good) == "edited here"
    assert "renamed here" in desk.stage.titles()


def test_a_creation_on_which_the_tracker_fails_each_time_is_refused_and_made_when_it_is_mended(desk: RallyDesk) -> None:
    temporary = desk.new(Name="made once")
    desk.stage.faults.add(kind="status", status=500, method=WRITES, path=desk.stage.writes)
    assert outcomes(desk.push(sleep=desk.clock.advance))[0] == "refused"
    desk.stage.faults.clear()
    desk.clock.advance(60)
    desk.set(temporary, Name="made at last")
    assert set(outcomes(desk.push())) == {"done"}
    assert desk.stage.titles().count("made at last") == 1


def test_what_an_update_without_an_answer_has_replaced_unseen_is_a_conflict(desk: RallyDesk) -> None:
    for kind, record in zip(LOST, desk.stage.ids("Defect"), strict=False):
        desk.write(record, "edited here")
        lose(desk, kind)
        stop = desk.stage.on_request(partial(intrude, desk, record))
        report = desk.push()
        stop()
        assert outcomes(report) == ["conflict"], kind
        assert "edited there" in report.changes[0].words, kind
        assert outcomes(desk.push()) == ["conflict"], kind
        desk.store.queue.discard(desk.layouts, [each.id for each in desk.open()])


def test_a_creation_whose_answer_was_lost_is_found_and_not_made_twice(desk: RallyDesk) -> None:
    for kind in LOST:
        temporary = desk.new(Name=f"made once, {kind}", Notes="all new")
        lose(desk, kind)
        assert set(outcomes(desk.push())) == {"adopted"}, kind
        assert desk.stage.titles().count(f"made once, {kind}") == 1
        assert desk.stage.text_of(desk.real_id(temporary)) == "all new"
    done_by(desk)


def test_a_creation_that_did_not_arrive_is_made_once_when_it_cannot_arrive_any_more(desk: RallyDesk) -> None:
    desk.new(Name="made once")
    lose(desk, "reset")
    report = desk.push()
    assert set(outcomes(report)) == {"unknown"}
    assert "may still arrive" in report.changes[0].words
    assert set(outcomes(desk.push())) == {"unknown"}
    assert desk.stage.titles().count("made once") == 0
    desk.clock.advance(SETTLE_SECONDS + 1)
    assert set(outcomes(desk.push())) == {"done"}
    assert desk.stage.titles().count("made once") == 1


def test_two_equal_creations_make_two_records_though_answers_are_lost(desk: RallyDesk) -> None:
    for _ in range(2):
        desk.new(Name="made twice")
    desk.stage.faults.add(kind="reset_after", method=WRITES, path=desk.stage.writes, times=1, after=1)
    desk.push(source=desk.stage.source(concurrency=1))
    done_by(desk)
    assert desk.stage.titles().count("made twice") == 2


def test_several_records_that_could_be_the_one_are_put_to_a_person(desk: RallyDesk) -> None:
    temporary = desk.new(Name="made here")
    lose(desk, "reset_after")
    stop = desk.stage.on_request(
        lambda each: each.method == "POST" and desk.stage.world.create("Defect", {"Name": "made here"})
    )
    report = desk.push()
    stop()
    assert set(outcomes(report)) == {"unknown"}
    assert f"mirror resolve NEW{temporary}" in report.changes[0].words
    assert set(outcomes(desk.push())) == {"unknown"}
    assert desk.stage.titles().count("made here") == 2


def test_a_comment_whose_answer_was_lost_is_there_once(desk: RallyDesk) -> None:
    for kind in LOST:
        desk.comment(desk.stage.ids("Defect")[0], f"said once, {kind}")
        lose(desk, kind)
        assert outcomes(desk.push()) == ["adopted"], kind
        assert len([each for each in desk.stage.comments() if f"said once, {kind}" in each]) == 1


def test_a_deletion_whose_answer_was_lost_is_adopted(desk: RallyDesk) -> None:
    for kind, record in zip(LOST, desk.stage.ids("Defect"), strict=False):
        desk.delete(record)
        lose(desk, kind)
        assert outcomes(desk.push()) == ["adopted"], kind
        assert record not in desk.stage.ids("Defect")
    done_by(desk)


def test_an_overloaded_tracker_is_given_the_time_it_asks_for(desk: RallyDesk) -> None:
    desk.write(desk.stage.ids("Defect")[0], "edited here")
    lose(desk, "status", status=429, retry_after_seconds=7)
    assert outcomes(desk.push()) == ["done"]
    assert 7 in desk.slept


def test_a_tracker_that_stays_overloaded_is_left_alone_and_everything_is_kept(desk: RallyDesk) -> None:
    for each in desk.stage.ids("Defect")[:3]:
        desk.write(each, "edited here")
    desk.stage.faults.add(kind="status", status=429, method=WRITES, path=desk.stage.writes)
    report = desk.push()
    assert set(outcomes(report)) == {"ready"}
    assert report.paused
    assert report.exit_code == 3
    desk.stage.faults.clear()
    assert set(outcomes(desk.push())) == {"done"}


def test_a_gateway_error_is_settled_by_reading(desk: RallyDesk) -> None:
    record = desk.stage.ids("Defect")[0]
    desk.write(record, "edited here")
    lose(desk, "status", status=503)
    assert outcomes(desk.push()) == ["unknown"]
    done_by(desk)
    assert desk.stage.text_of(record) == "edited here"


def test_a_refused_credential_pauses_all_and_drops_nothing(desk: RallyDesk) -> None:
    records = desk.stage.ids("Defect")[:6]
    for each in records:
        desk.write(each, "edited here")
    desk.stage.faults.add(kind="status", status=401, method=WRITES, path=desk.stage.writes, after=1)
    events: list[Event] = []
    report = desk.push(source=desk.stage.source(concurrency=1), events=events)
    assert report.exit_code == 3
    assert "mirror check" in report.paused
    assert isinstance(events[-1], PushEnded)
    assert events[-1].paused == report.paused
    assert set(outcomes(report)) <= {"done", "ready"}
    desk.stage.faults.clear()
    assert desk.push().exit_code == 0
    assert {desk.stage.text_of(each) for each in records} == {"edited here"}


def test_a_wrong_secret_sends_no_write(desk: RallyDesk) -> None:
    desk.write(desk.stage.ids("Defect")[0], "edited here")
    report = desk.push(source=desk.stage.source(credential=desk.stage.wrong_credential()))
    assert outcomes(report) == ["ready"]
    assert report.exit_code == 3
    assert desk.written() == []


def test_a_tracker_that_cannot_be_reached_keeps_everything_ready(desk: RallyDesk) -> None:
    desk.write(desk.stage.ids("Defect")[0], "edited here")
    desk.stage.faults.add(kind="reset")
    report = desk.push()
    assert outcomes(report) == ["ready"]
    assert report.exit_code == 3
    assert [each.state for each in desk.open()] == [State.READY]


def test_what_was_accepted_and_cannot_be_read_back_is_settled_later(desk: RallyDesk) -> None:
    record = desk.stage.ids("Defect")[0]
    desk.write(record, "edited here")
    temporary = desk.new(Name="made once")
    stop = desk.stage.on_request(lambda each: each.method == "POST" and desk.stage.faults.add(kind="reset", method="GET"))
    report = desk.push()
    stop()
    assert set(outcomes(report)) <= {"unknown", "done", "ready"}
    desk.stage.faults.clear()
    done_by(desk)
    assert desk.stage.text_of(record) == "edited here"
    assert desk.stage.titles().count("made once") == 1
    assert desk.real_id(temporary) > 0


def test_progress_names_each_change(desk: RallyDesk) -> None:
    record = desk.stage.ids("Defect")[0]
    desk.write(record, "edited here")
    events: list[Event] = []
    desk.push(events=events)
    told = [each for each in events if isinstance(each, Pushed)]
    assert [(each.change.record_id, each.outcome) for each in told] == [(record, "done")]
    assert told[0].label.startswith("DE")


def test_a_sync_settles_what_a_push_left_open(desk: RallyDesk) -> None:
    record = desk.stage.ids("Defect")[0]
    desk.write(record, "edited here")
    (change,) = desk.open()
    desk.store.queue.mark_sent([change.id], desk.clock.now())
    desk.stage.edit(record, "edited here")
    assert desk.stage.sync(desk.store).exit_code == 0
    assert desk.open() == []
    assert desk.stage.differences(desk.store) == []


def test_a_lagging_replica_makes_nothing_refused(desk: RallyDesk) -> None:
    desk.write(desk.stage.ids("Defect")[0], "edited here")
    desk.stage.lag(0.05)
    assert outcomes(desk.push()) == ["done"]


def test_an_update_that_was_set_back_before_it_was_settled_is_not_sent_again(desk: RallyDesk) -> None:
    record = desk.stage.ids("Defect")[0]
    desk.stage.edit(record, "before")
    assert desk.stage.sync(desk.store).exit_code == 0
    (change,) = desk.write(record, "edited here")
    desk.store.queue.mark_sent([change.id], desk.clock.now())
    desk.stage.edit(record, "edited here")  # as what was sent would have done it, with no answer
    desk.stage.edit(record, "before")
    desk.clock.advance(30)
    assert outcomes(desk.push()) == ["conflict"]
    assert desk.stage.text_of(record) == "before"


def test_a_creation_sent_after_a_long_wait_is_not_sent_again_too_early(desk: RallyDesk) -> None:
    desk.new(Name="made once")
    lose(desk, "status", status=429, retry_after_seconds=250)
    lose(desk, "reset")
    assert set(outcomes(desk.push(sleep=desk.clock.advance))) == {"unknown"}
    sent = len(desk.written())
    desk.clock.advance(150)
    assert set(outcomes(desk.push(sleep=desk.clock.advance))) == {"unknown"}
    assert len(desk.written()) == sent
    desk.clock.advance(SETTLE_SECONDS)
    assert set(outcomes(desk.push(sleep=desk.clock.advance))) == {"done"}


def test_of_two_creations_without_an_answer_the_fuller_one_has_the_record_that_says_more(
    desk: RallyDesk, tmp_path: Path
) -> None:
    short, full = desk.create("twin"), desk.create("twin")
    desk.set(full, Description="only the second has this")
    for each in (short, full):
        own = [one.id for one in desk.open() if one.record_id == each]
        desk.store.queue.mark_sent(own, desk.clock.now())
    with Store.open(f"sqlite:///{tmp_path / 'other.db'}") as store:
        assert desk.stage.sync(store).exit_code == 0
        other = Desk(desk.stage, store)
        made = other.create("twin")
        other.set(made, Description="only the second has this")
        assert set(outcomes(other.push())) == {"done"}  # as the second would have been made, with no answer
        there = other.real_id(made)
    desk.push()
    assert desk.store.queue.real_id("acme", short) is None
    assert desk.real_id(full) == there


def test_a_refused_credential_is_not_tried_on_every_write_of_a_chunk(desk: RallyDesk) -> None:
    for each in desk.stage.ids("Defect")[:12]:
        desk.comment(each, "said here")
    desk.stage.faults.add(kind="status", status=401, method=WRITES, path=desk.stage.writes)
    assert set(outcomes(desk.push(source=desk.stage.source(concurrency=1)))) == {"ready"}
    assert len(desk.written()) <= 2


def test_a_tracker_that_asks_for_time_is_not_written_to_by_the_rest_of_a_chunk(desk: RallyDesk) -> None:
    for each in desk.stage.ids("Defect")[:12]:
        desk.comment(each, "said here")
    desk.stage.faults.add(kind="status", status=429, retry_after_seconds=0, method=WRITES, path=desk.stage.writes)
    desk.push(source=desk.stage.source(concurrency=1))
    assert len(desk.written()) < 12


def test_one_record_that_is_always_busy_stops_no_other(desk: RallyDesk) -> None:
    words = "Concurrency conflict: [Object has been modified since being read for update] - ConcurrencyConflictException"
    body = json.dumps({"OperationResult": {"Errors": [words], "Warnings": []}})
    first, *others = desk.stage.ids("Defect")[:60]
    desk.write(first, "never to be")
    for each in others:
        desk.comment(each, "said here")
    desk.stage.faults.add(kind="body", status=200, body=body, method=WRITES, path=f"defect/{first}")
    told = outcomes(desk.push(source=desk.stage.source(concurrency=1)))
    assert (told[0], set(told[1:])) == ("ready", {"done"})


def test_ranks_keep_their_order_though_the_first_has_to_wait(desk: RallyDesk) -> None:
    first, second = desk.stage.ids("Defect")[:2]
    desk.rank(first, Place.TOP)
    desk.rank(second, Place.TOP)
    lose(desk, "status", status=429, retry_after_seconds=1)
    assert outcomes(desk.push()) == ["done", "done"]
    ranks = [str(desk.stage.world.item(each).values["DragAndDropRank"]) for each in (first, second)]
    assert ranks[1] < ranks[0]
