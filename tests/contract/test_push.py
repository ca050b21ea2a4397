"""Every tracker is written to by the same rules: what was changed here is there once, and comes back as no news."""

from __future__ import annotations

import re
import threading
from pathlib import Path
from typing import Any

import pytest

from mirror.engine.pushing import SETTLE_SECONDS
from mirror.model.change import Action, Change, State
from mirror.simulators.clock import ManualClock
from mirror.simulators.traffic import Request
from mirror.store.store import Store
from tests.support.pushing import Desk, outcomes
from tests.support.stage import Stage

LOST = ["reset_after", "reset_midway", "truncate"]
WRITES = "POST|PUT|DELETE|PATCH"


@pytest.fixture
def desk(loaded: Store, stage: Stage) -> Desk:
    """Somebody who edits the mirror of a stage and pushes."""
    return Desk(stage, loaded)


def lose(desk: Desk, kind: str, **options: Any) -> None:
    """Have one write go wrong."""
    desk.stage.faults.add(kind=kind, method=WRITES, path=desk.stage.writes, times=1, **options)


def in_line(desk: Desk) -> list[str]:
    """Sync, and return what the mirror shows otherwise than the tracker."""
    assert desk.stage.sync(desk.store).exit_code == 0
    return desk.stage.differences(desk.store)


def finish(desk: Desk, clock: ManualClock) -> None:
    """Push until nothing waits; time passes between."""
    for _ in range(3):
        clock.advance(SETTLE_SECONDS + 1)
        if desk.push().exit_code == 0:
            break
    assert desk.open() == []
    assert in_line(desk) == []


def test_an_edit_is_written_and_comes_back_as_no_news(desk: Desk) -> None:
    record = desk.stage.ids(desk.stage.busy)[0]
    desk.write(record, "edited here")
    assert outcomes(desk.push()) == ["done"]
    assert desk.stage.text_of(record) == "edited here"
    assert in_line(desk) == []
    assert desk.open() == []


def test_a_conflict_waits_and_other_fields_go_out(desk: Desk) -> None:
    record = desk.stage.ids(desk.stage.busy)[0]
    desk.write(record, "here")
    desk.set(record, **{desk.stage.title_field: "renamed here"})
    desk.stage.edit(record, "there")
    report = desk.push()
    assert outcomes(report) == ["conflict", "done"]
    assert report.exit_code == 4
    assert desk.stage.text_of(record) == "there"
    assert "renamed here" in desk.stage.titles()


def test_a_record_created_here_is_there_once(desk: Desk) -> None:
    desk.create("made once")
    assert set(outcomes(desk.push())) == {"done"}
    assert desk.stage.titles().count("made once") == 1
    assert in_line(desk) == []


@pytest.mark.parametrize("kind_of_loss", LOST)
def test_a_creation_whose_answer_was_lost_is_there_once(desk: Desk, clock: ManualClock, kind_of_loss: str) -> None:
    desk.create("made once")
    lose(desk, kind_of_loss)
    desk.push()
    finish(desk, clock)
    assert desk.stage.titles().count("made once") == 1


def test_a_creation_that_never_arrived_is_there_once(desk: Desk, clock: ManualClock) -> None:
    desk.create("made once")
    lose(desk, "reset")
    assert set(outcomes(desk.push())) == {"unknown"}
    finish(desk, clock)
    assert desk.stage.titles().count("made once") == 1


@pytest.mark.parametrize("kind_of_loss", LOST)
def test_an_edit_whose_answer_was_lost_is_adopted(desk: Desk, kind_of_loss: str) -> None:
    record = desk.stage.ids(desk.stage.busy)[0]
    desk.write(record, "edited here")
    lose(desk, kind_of_loss)
    assert outcomes(desk.push()) == ["adopted"]
    assert in_line(desk) == []


@pytest.mark.parametrize("is_overwriting", [True, False])
def test_what_an_edit_without_an_answer_has_replaced_unseen_is_a_conflict(
    desk: Desk, stage: Stage, clock: ManualClock, tmp_path: Path, is_overwriting: bool
) -> None:
    record = stage.ids(stage.busy)[0]
    (change,) = desk.write(record, "edited here")
    desk.store.queue.mark_sent([change.id], clock.now())
    if is_overwriting:
        stage.edit(record, "edited there")
    with Store.open(f"sqlite:///{tmp_path / 'other.db'}") as store:
        assert stage.sync(store).exit_code == 0
        Desk(stage, store).write(record, "edited here")
        assert outcomes(Desk(stage, store).push()) == ["done"]  # as what was sent would have been done, with no answer
    report = desk.push()
    assert outcomes(report) == ["conflict" if is_overwriting else "adopted"]
    assert ("edited there" in report.changes[0].words) is is_overwriting


def test_an_edit_that_was_set_back_before_it_was_settled_is_not_sent_again(
    desk: Desk, stage: Stage, clock: ManualClock
) -> None:
    record = stage.ids(stage.busy)[0]
    stage.edit(record, "before")
    assert stage.sync(desk.store).exit_code == 0
    (change,) = desk.write(record, "edited here")
    desk.store.queue.mark_sent([change.id], clock.now())
    clock.advance(5)
    stage.edit(record, "edited here")  # as what was sent would have done it, with no answer
    clock.advance(5)
    stage.edit(record, "before")
    clock.advance(30)
    assert outcomes(desk.push()) == ["conflict"]
    assert stage.text_of(record) == "before"


def test_an_edit_on_which_the_tracker_fails_each_time_is_refused(desk: Desk, clock: ManualClock) -> None:
    desk.write(desk.stage.ids(desk.stage.busy)[0], "edited here")
    desk.stage.faults.add(kind="status", status=500, method=WRITES, path=desk.stage.writes)
    report = desk.push(sleep=clock.advance)
    assert outcomes(report) == ["refused"]
    assert "500" in report.changes[0].words or "failed" in report.changes[0].words


def test_a_comment_whose_answer_was_lost_is_there_once(desk: Desk, clock: ManualClock) -> None:
    desk.comment(desk.stage.ids(desk.stage.busy)[0], "said once")
    lose(desk, "reset_after")
    desk.push()
    finish(desk, clock)
    assert len([each for each in desk.stage.comments() if "said once" in each]) == 1


@pytest.mark.parametrize("is_renamed", [False, True])
def test_a_creation_that_another_has_edited_before_it_was_found_is_there_once(
    desk: Desk, stage: Stage, clock: ManualClock, tmp_path: Path, is_renamed: bool
) -> None:
    edited = stage.title_field if is_renamed else stage.text_field
    before = len(stage.ids(stage.busy))
    desk.set(desk.create("made once"), **{stage.text_field: "as it was sent"})
    desk.store.queue.mark_sent([each.id for each in desk.open()], clock.now())
    with Store.open(f"sqlite:///{tmp_path / 'other.db'}") as store:
        assert stage.sync(store).exit_code == 0
        other = Desk(stage, store)
        made = other.create("made once")
        other.set(made, **{stage.text_field: "as it was sent"})
        assert set(outcomes(other.push())) == {"done"}  # as what was sent would have been done, with no answer
        clock.advance(5)
        other.set(other.real_id(made), **{edited: "edited there"})
        assert outcomes(other.push()) == ["done"]
    ends: list[str] = []
    for _ in range(3):
        clock.advance(SETTLE_SECONDS + 1)
        ends += outcomes(desk.push())
    assert len(stage.ids(stage.busy)) == before + 1
    assert set(ends) == {"adopted", "conflict"}
    (left,) = desk.open()
    assert (left.field, left.state) == (edited, State.CONFLICT)


@pytest.mark.parametrize(("text", "seconds"), [("fixed it", 0), ("fixed it", 8), ("<b>fixed</b> it", 0)])
def test_a_comment_that_never_arrived_is_not_taken_for_one_that_looks_like_it(
    desk: Desk, stage: Stage, clock: ManualClock, text: str, seconds: int
) -> None:
    record = stage.ids(stage.busy)[0]
    desk.comment(record, "fixed it")
    stop = stage.on_request(lambda request: clock.advance(seconds if is_write(stage, request) else 0))
    assert outcomes(desk.push()) == ["done"]
    stop()
    desk.comment(record, text)
    stage.faults.add(kind="reset", method=WRITES, path=said_at(stage), times=1)
    assert outcomes(desk.push()) == ["unknown"]
    clock.advance(SETTLE_SECONDS + 1)
    assert "adopted" not in outcomes(desk.push())


def test_a_file_that_never_arrived_is_not_taken_for_another_of_its_name_and_size(
    desk: Desk, stage: Stage, clock: ManualClock
) -> None:
    record = stage.ids(stage.busy)[0]
    desk.attach(record, "log.txt", b"first")
    assert outcomes(desk.push()) == ["done"]
    desk.attach(record, "log.txt", b"other")
    lose(desk, "reset")
    assert outcomes(desk.push()) == ["unknown"]
    clock.advance(SETTLE_SECONDS + 1)
    assert outcomes(desk.push()) == ["done"]


def test_equal_comments_without_an_answer_are_each_found(desk: Desk, stage: Stage, clock: ManualClock) -> None:
    record = stage.ids(stage.busy)[0]
    for _ in range(2):
        desk.comment(record, "the same again")
        stage.faults.add(kind="reset_after", method=WRITES, path=said_at(stage), times=1)
        assert outcomes(desk.push()) == ["adopted"]
        clock.advance(1)


def said_at(stage: Stage) -> str:
    """Return the path of what says something; VersionOne opens a conversation for it first."""
    return "Data/Expression" if stage.kind == "versionone" else stage.writes


def is_write(stage: Stage, request: Request) -> bool:
    """Return whether a request writes what a push was asked for."""
    return request.method in WRITES.split("|") and re.search(stage.writes, f"{request.path}?{request.query}") is not None


def test_a_deletion_whose_answer_was_lost_is_adopted(desk: Desk, clock: ManualClock) -> None:
    temporary = desk.create("to go")
    desk.push()
    record = desk.real_id(temporary)
    desk.delete(record)
    lose(desk, "reset_after")
    desk.push()
    finish(desk, clock)
    assert record not in desk.stage.ids(desk.stage.busy)


def test_a_wrong_secret_sends_no_write_and_keeps_everything(desk: Desk) -> None:
    desk.write(desk.stage.ids(desk.stage.busy)[0], "edited here")
    desk.stage.requests.clear()
    report = desk.push(source=desk.stage.source(credential=desk.stage.wrong_credential()))
    assert (outcomes(report), report.exit_code) == (["ready"], 3)
    assert [each.state for each in desk.open()] == [State.READY]


def test_independent_records_are_written_together_or_at_the_same_time(desk: Desk) -> None:
    for each in desk.stage.ids(desk.stage.busy)[:2]:
        desk.set(each, **{desk.stage.title_field: f"renamed {each}"})
    together = desk.stage.connector().capabilities.writes_at_once > 1
    both = threading.Barrier(1 if together else 2, timeout=20)

    def meet(request: Request) -> None:
        if request.method in WRITES and re.search(desk.stage.writes, f"{request.path}?{request.query}"):
            both.wait()

    stop = desk.stage.on_request(meet)
    assert set(outcomes(desk.push())) == {"done"}
    stop()


def test_a_push_of_nothing_asks_nothing(desk: Desk) -> None:
    desk.stage.requests.clear()
    assert desk.push().exit_code == 0
    assert len(desk.stage.requests) == 0


def test_a_merge_of_tickets_without_an_answer_is_found_done(desk: Desk, stage: Stage) -> None:
    if not any(each.startswith("merge ") for each in desk.layouts[stage.busy].type.operations):
        pytest.skip("only RT merges")
    one, other = stage.ids(stage.busy)[:2]
    change = Change("acme", stage.busy, one, Action.OPERATE, field="merge", value={"arguments": {"into": str(other)}})
    desk.store.queue.add(desk.layouts, [change])
    lose(desk, "reset_after")
    assert outcomes(desk.push()) == ["adopted"]
