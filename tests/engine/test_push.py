"""Pushing to a simulated Rally: what goes out, in which order, and what becomes of each change."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest
from sqlalchemy import Engine, event

from mirror.errors import SafetyError
from mirror.model.change import Side, State
from mirror.model.write import Place
from tests.support.pushing import RallyDesk, outcomes


def in_line(desk: RallyDesk) -> list[str]:
    """Sync, and return what the mirror shows otherwise than the tracker."""
    assert desk.stage.sync(desk.store).exit_code == 0
    return desk.stage.differences(desk.store)


@contextmanager
def commits() -> Iterator[list[object]]:
    """Note every transaction that is committed, by its connection."""
    seen: list[object] = []

    def note(connection: object) -> None:
        seen.append(connection)

    event.listen(Engine, "commit", note)
    try:
        yield seen
    finally:
        event.remove(Engine, "commit", note)


def test_an_edited_field_is_written_and_read_back(desk: RallyDesk) -> None:
    record = desk.stage.ids("Defect")[0]
    desk.write(record, "edited here")
    report = desk.push()
    assert outcomes(report) == ["done"], report.changes
    assert report.exit_code == 0
    assert desk.stage.text_of(record) == "edited here"
    assert desk.open() == []
    assert in_line(desk) == []


def test_a_push_of_nothing_sends_nothing(desk: RallyDesk) -> None:
    report = desk.push()
    assert (report.exit_code, report.changes) == (0, ())
    assert len(desk.stage.requests) == 0


def test_a_push_of_conflicts_alone_sends_nothing(desk: RallyDesk) -> None:
    record = desk.stage.ids("Defect")[0]
    desk.write(record, "here")
    desk.stage.edit(record, "there")
    assert desk.push().exit_code == 4
    desk.stage.requests.clear()
    report = desk.push()
    assert (outcomes(report), report.exit_code) == (["conflict"], 4)
    assert len(desk.stage.requests) == 0


def test_edits_of_one_record_go_out_in_one_write(desk: RallyDesk) -> None:
    record = desk.stage.ids("Defect")[0]
    desk.write(record, "edited here")
    desk.set(record, Name="renamed here")
    desk.set(record, Description="described here")
    assert set(outcomes(desk.push())) == {"done"}
    assert len(desk.written()) == 1
    assert in_line(desk) == []


def test_records_that_are_written_together_are_marked_and_settled_together(desk: RallyDesk) -> None:
    ended = {}
    for records in (desk.stage.ids("Defect")[:3], desk.stage.ids("Defect")[3:15]):
        for each in records:
            desk.write(each, f"edited with {len(records)}")
        with commits() as ended[len(records)]:
            assert outcomes(desk.push()) == ["done"] * len(records)
    assert len(ended[12]) - len(ended[3]) < 12 - 3
    assert in_line(desk) == []


def test_items_are_linked_and_unlinked(desk: RallyDesk) -> None:
    record = desk.stage.ids("Defect")[0]
    there = desk.store.finder.items(desk.layouts["Defect"], record, "Tags")
    other = next(each for each in desk.stage.ids("Tag") if each not in {getattr(one, "id", None) for one in there})
    desk.link(record, "Tags", other)
    assert outcomes(desk.push()) == ["done"]
    assert in_line(desk) == []
    desk.link(record, "Tags", other, add=False)
    assert outcomes(desk.push()) == ["done"]
    assert in_line(desk) == []


def test_our_own_push_coming_back_is_no_conflict_and_no_news(desk: RallyDesk) -> None:
    record = desk.stage.ids("Defect")[0]
    desk.write(record, "edited here")
    desk.push()
    report = desk.stage.sync(desk.store)
    assert report.exit_code == 0
    assert desk.stage.text_of(record) == "edited here"
    assert desk.open() == []


def test_what_others_changed_in_other_fields_stays(desk: RallyDesk) -> None:
    record = desk.stage.ids("Defect")[0]
    desk.set(record, Name="renamed here")
    desk.stage.edit(record, "edited there")
    assert outcomes(desk.push()) == ["done"]
    assert desk.stage.text_of(record) == "edited there"
    assert in_line(desk) == []


def test_a_field_changed_on_both_sides_waits_and_the_rest_goes_out(desk: RallyDesk) -> None:
    record = desk.stage.ids("Defect")[0]
    desk.write(record, "here")
    desk.set(record, Name="renamed here")
    desk.stage.edit(record, "there")
    report = desk.push()
    assert outcomes(report) == ["conflict", "done"]
    assert report.exit_code == 4
    assert desk.stage.text_of(record) == "there"
    assert [each.state for each in desk.open()] == [State.CONFLICT]


def test_a_record_that_is_gone_makes_its_edits_conflicts(desk: RallyDesk) -> None:
    record = desk.stage.ids("Defect")[0]
    desk.write(record, "here")
    desk.stage.delete(record)
    report = desk.push()
    assert outcomes(report) == ["conflict"]
    assert desk.open()[0].remote == {}
    assert desk.written() == []


def test_a_record_is_created_with_its_values(desk: RallyDesk) -> None:
    temporary = desk.new(Name="made here", Notes="all new")
    assert set(outcomes(desk.push())) == {"done"}
    assert desk.stage.text_of(desk.real_id(temporary)) == "all new"
    assert desk.stage.titles().count("made here") == 1
    assert len(desk.written()) == 1
    assert in_line(desk) == []


def test_what_refers_to_a_record_created_here_comes_after_it(desk: RallyDesk) -> None:
    story = desk.new("HierarchicalRequirement", Name="a story")
    child = desk.new("HierarchicalRequirement", Name="a child", Parent=f"NEW{story}")
    task = desk.new("Task", Name="its task", WorkProduct=f"NEW{child}")
    report = desk.push()
    assert set(outcomes(report)) == {"done"}, report.changes
    assert str(desk.real_id(child)) in str(desk.stage.world.item(desk.real_id(task)).values["WorkProduct"])
    assert str(desk.real_id(story)) in str(desk.stage.world.item(desk.real_id(child)).values["Parent"])
    assert in_line(desk) == []


def test_an_existing_record_may_refer_to_one_created_here(desk: RallyDesk) -> None:
    record = desk.stage.ids("Task")[0]
    story = desk.new("HierarchicalRequirement", Name="a story")
    desk.set(record, "Task", WorkProduct=f"NEW{story}")
    assert set(outcomes(desk.push())) == {"done"}
    assert str(desk.real_id(story)) in str(desk.stage.world.item(record).values["WorkProduct"])
    assert in_line(desk) == []


def test_a_refused_creation_stops_only_what_needs_it(desk: RallyDesk) -> None:
    records = desk.stage.ids("Task")[:2]
    iteration = desk.stage.ids("Iteration")[0]
    story = desk.new("HierarchicalRequirement", Name="a story", Iteration=str(iteration))
    desk.stage.world.delete(iteration)
    desk.set(records[0], "Task", WorkProduct=f"NEW{story}", Name="renamed")
    task = desk.new("Task", Name="its task", WorkProduct=f"NEW{story}")
    desk.set(records[1], "Task", Name="renamed too")
    report = desk.push()
    states = {(each.shown.change.record_id, each.shown.change.field): (each.outcome, each.words) for each in report.changes}
    assert states[story, ""][0] == "refused", states
    assert states[records[0], "WorkProduct"] == ("ready", f"waits for NEW{story}, which was refused: {states[story, ''][1]}")
    assert states[task, ""][0] == "ready"
    assert states[records[0], "Name"][0] == "done"
    assert states[records[1], "Name"][0] == "done"
    assert report.exit_code == 3
    desk.set(story, "HierarchicalRequirement", Iteration=None)
    assert set(outcomes(desk.push())) == {"done"}
    assert in_line(desk) == []


def test_a_refused_field_does_not_stop_the_others_of_its_record(desk: RallyDesk) -> None:
    record = desk.stage.ids("HierarchicalRequirement")[0]
    iteration = desk.stage.ids("Iteration")[0]
    desk.set(record, "HierarchicalRequirement", Name="renamed", Iteration=str(iteration), Notes="noted")
    desk.stage.world.delete(iteration)
    report = desk.push()
    assert sorted(outcomes(report)) == ["done", "done", "refused"], report.changes
    assert desk.stage.world.item(record).values["Name"] == "renamed"


def test_a_comment_and_a_file_are_added_once(desk: RallyDesk) -> None:
    record = desk.stage.ids("Defect")[0]
    desk.comment(record, "said here")
    desk.attach(record, "note.txt", b"some words")
    assert outcomes(desk.push()) == ["done", "done"]
    assert len([each for each in desk.stage.comments() if "said here" in each]) == 1
    assert in_line(desk) == []


def test_a_deletion_comes_after_what_leads_away_from_the_record(desk: RallyDesk) -> None:
    story = desk.new("HierarchicalRequirement", Name="to go")
    task = desk.new("Task", Name="to stay", WorkProduct=f"NEW{story}")
    other = desk.new("HierarchicalRequirement", Name="to stay too")
    assert desk.push().exit_code == 0
    desk.delete(desk.real_id(story), "HierarchicalRequirement")
    desk.set(desk.real_id(task), "Task", WorkProduct=str(desk.real_id(other)))
    assert set(outcomes(desk.push())) == {"done"}
    assert desk.real_id(task) in desk.stage.ids("Task")
    assert desk.real_id(story) not in desk.stage.ids("HierarchicalRequirement")
    assert in_line(desk) == []


def test_two_records_created_here_may_refer_to_each_other(desk: RallyDesk) -> None:
    first = desk.new(Name="first")
    second = desk.new(Name="second")
    desk.link(first, "Duplicates", f"NEW{second}")
    desk.link(second, "Duplicates", f"NEW{first}")
    report = desk.push()
    assert set(outcomes(report)) <= {"done", "already"}, report.changes  # a link between defects shows at both ends
    assert in_line(desk) == []


def test_only_named_records_and_what_they_need_are_pushed(desk: RallyDesk) -> None:
    records = desk.stage.ids("Defect")[:2]
    for each in records:
        desk.write(each, "edited here")
    story = desk.new("HierarchicalRequirement", Name="a story")
    task = desk.new("Task", Name="its task", WorkProduct=f"NEW{story}")
    report = desk.push(records=frozenset({("Defect", records[0]), ("Task", task)}))
    assert set(outcomes(report)) == {"done"}
    assert [each.record_id for each in desk.open()] == [records[1]]
    assert desk.real_id(task) in desk.stage.ids("Task")


def test_more_changes_than_the_cap_need_a_yes(desk: RallyDesk) -> None:
    records = desk.stage.ids("Defect")[:3]
    for each in records:
        desk.write(each, "edited here")
    capped = desk.stage.source(push_cap=2)
    with pytest.raises(SafetyError, match="3 changes"):
        desk.push(source=capped)
    assert desk.written() == []
    assert set(outcomes(desk.push(source=capped, yes=True))) == {"done"}


def test_protected_changes_stay_with_the_reason(desk: RallyDesk) -> None:
    record = desk.stage.ids("Defect")[0]
    desk.write(record, "edited here")
    desk.set(record, Name="renamed here")
    report = desk.push(source=desk.stage.source(protect=("Defect.Notes",)))
    assert [(each.outcome, "Defect.Notes" in each.words) for each in report.changes] == [("ready", True), ("done", False)]
    assert report.exit_code == 3


def test_a_record_is_ranked(desk: RallyDesk) -> None:
    first, second = desk.stage.ids("Defect")[:2]
    desk.rank(first, Place.ABOVE, second)
    assert outcomes(desk.push()) == ["done"]
    assert in_line(desk) == []


def test_a_dry_run_shows_calls_and_conflicts_and_writes_nothing(desk: RallyDesk) -> None:
    first, second = desk.stage.ids("Defect")[:2]
    desk.write(first, "here")
    desk.set(first, Name="renamed here")
    desk.stage.edit(first, "there")
    story = desk.new("HierarchicalRequirement", Name="a story")
    desk.new("Task", Name="its task", WorkProduct=f"NEW{story}")
    report = desk.push(dry_run=True)
    assert [(each.action, each.after) for each in report.plan] == [("update", ()), ("create", ()), ("create", (1,))]
    assert all(each.calls for each in report.plan)
    (waiting,) = [each for each in report.changes if each.outcome == "conflict"]
    assert (waiting.shown.change.field, waiting.words) == ("Notes", "changed on the tracker since: there it is there")
    assert report.exit_code == 4
    assert desk.written() == []
    assert second not in [each.record_id for each in desk.open()]


@pytest.mark.parametrize("side", [Side.LOCAL, Side.REMOTE])
def test_a_dry_run_leaves_the_queue_and_the_tables_as_they_are(desk: RallyDesk, side: Side) -> None:
    first, second, third = desk.stage.ids("Defect")[:3]
    for each in (first, second):
        desk.write(each, "here")
    desk.write(third, "the same")
    desk.delete(desk.stage.ids("Task")[0], "Task")
    desk.stage.edit(first, "there")
    desk.stage.edit(third, "the same")
    before = (
        desk.open(),
        desk.store.queue.log("acme"),
        desk.store.finder.rows(desk.layouts["Defect"], [first, second, third]),
    )
    source = replace(desk.stage.source(), conflicts={"Defect.Notes": side})
    report = desk.push(source=source, dry_run=True)
    after = (
        desk.open(),
        desk.store.queue.log("acme"),
        desk.store.finder.rows(desk.layouts["Defect"], [first, second, third]),
    )
    assert after == before
    told = {each.shown.change.record_id: each.outcome for each in report.changes}
    assert told[first] == ("ready" if side is Side.LOCAL else "overruled")
    assert (told[second], told[third]) == ("ready", "already")
    assert report.exit_code == 0


def test_a_dry_run_shows_how_large_a_file_is(desk: RallyDesk) -> None:
    desk.attach(desk.stage.ids("Defect")[0], "a.txt", b"x" * 122)
    assert "122" in " ".join(desk.push(dry_run=True).plan[0].calls)


def test_a_dry_run_tells_that_a_push_would_refuse_so_many(desk: RallyDesk) -> None:
    for each in desk.stage.ids("Defect")[:2]:
        desk.write(each, "here")
    source = replace(desk.stage.source(), push_cap=1)
    report = desk.push(source=source, dry_run=True)
    assert (report.exit_code, len(report.plan)) == (6, 2)
    assert "2 changes are more than push_cap = 1 in mirror.toml, so push refuses without --yes" in report.notes
    assert desk.push(source=source, dry_run=True, yes=True).exit_code == 0


def test_a_dry_run_plans_without_the_tracker(desk: RallyDesk) -> None:
    desk.write(desk.stage.ids("Defect")[0], "here")
    desk.stage.faults.add(kind="reset")
    report = desk.push(dry_run=True)
    assert len(report.plan) == 1
    assert "not reached" in report.notes[0]
    assert report.exit_code == 3
