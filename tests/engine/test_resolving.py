"""Answers to what a push cannot decide: conflicts, refusals, and what was sent without an answer."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from mirror.engine.discarding import discard
from mirror.engine.edit import Assignment, Editor, How
from mirror.engine.finding import Found
from mirror.engine.lookup import Lookup
from mirror.engine.resolving import apply_policies, resolve, waiting
from mirror.engine.showing import ShownChange, show
from mirror.errors import UsageError
from mirror.model.change import Action, Change, End, Side, State
from mirror.model.layout import Layout
from mirror.store.store import Store
from tests.support.stage import rows_of, stage_class
from tests.support.stages.rally import TheStage

FEW = ("Defect", "Tag", "User", "Project")


@dataclass
class Mirrored:
    """A simulated Rally, and a mirror of some of its types."""

    stage: TheStage
    store: Store

    @property
    def layouts(self) -> dict[str, Layout]:
        return self.store.layouts("acme")

    @property
    def editor(self) -> Editor:
        return Editor(Lookup(self.store.finder, self.layouts), made_by="ann")

    @property
    def defect(self) -> int:
        return self.stage.ids("Defect")[0]

    def found(self, record_id: int) -> Found:
        return Found(self.layouts["Defect"], record_id, "it")

    def set(self, **values: object) -> None:
        """Edit the first defect."""
        wanted = [Assignment(name, value) for name, value in values.items()]
        self.store.queue.add(self.layouts, self.editor.set(self.found(self.defect), wanted))

    def new(self, **values: object) -> int:
        """Create a defect; return its temporary id."""
        record_id = self.store.queue.new_id("acme")
        wanted = [Assignment(name, value) for name, value in values.items()]
        self.store.queue.add(self.layouts, self.editor.new(self.layouts["Defect"], record_id, wanted))
        return record_id

    def change_there(self, **values: object) -> None:
        """Edit the first defect on the tracker, and sync."""
        self.stage.world.update(self.defect, values)
        self.stage.sync(self.store)

    def send(self, *changes: Change) -> None:
        """Have changes be on their way, with no answer to come."""
        ids = [each.id for each in changes]
        assert self.store.queue.mark_sent(ids, datetime.now(UTC)) is not None
        self.store.queue.put_back(ids, State.UNKNOWN, "no answer came")

    def shown(self, record_id: int | None = None) -> list[ShownChange]:
        wanted = self.defect if record_id is None else record_id
        return show(self.store, self.layouts, self.store.queue.open("acme", record=("Defect", wanted)))

    def answer(self, take: str, record_id: int | None = None) -> list[ShownChange]:
        return resolve(self.store, self.editor, waiting(self.shown(record_id)), take)

    def row(self, record_id: int | None = None) -> dict[str, Any]:
        return rows_of(self.store, "Defect")[self.defect if record_id is None else record_id]

    def ends(self) -> list[tuple[str, End]]:
        """Return field, or action, and outcome of each line of the log, oldest first."""
        log = reversed(self.store.queue.log("acme"))
        return [(each.change.field or each.change.action.value, each.end) for each in log]


@pytest.fixture
def mirrored(store: Store) -> Iterator[Mirrored]:
    with stage_class("rally")(records=60, seed=4, clock=None) as stage:
        assert isinstance(stage, TheStage)
        stage.allowed = FEW
        found = Mirrored(stage, store)
        stage.world.update(found.defect, {"Priority": "Normal", "Severity": "Minor Problem"})
        stage.sync(store)
        yield found


def test_taking_remote_shows_the_trackers_value_and_logs_both(mirrored: Mirrored) -> None:
    mirrored.set(Priority="Low")
    mirrored.change_there(Priority="High Attention")
    (answered,) = mirrored.answer("remote")
    assert (answered.base, answered.local, answered.remote) == ("Normal", "Low", "High Attention")
    assert (mirrored.row()["priority"], mirrored.row()["_dirty"], mirrored.shown()) == ("High Attention", False, [])
    (entry,) = mirrored.store.queue.log("acme")
    assert entry.end is End.OVERRULED
    assert (entry.change.value, entry.change.remote) == ({"priority": "Low"}, {"priority": "High Attention"})


def test_taking_local_makes_the_edit_wait_upon_the_trackers_value_and_logs_both(mirrored: Mirrored) -> None:
    mirrored.set(Priority="Low")
    mirrored.change_there(Priority="High Attention")
    mirrored.answer("local")
    (now,) = mirrored.shown()
    assert (now.change.state, now.base, now.local) == (State.READY, "High Attention", "Low")
    assert mirrored.row()["priority"] == "Low"
    (entry,) = mirrored.store.queue.log("acme")
    assert (entry.change.value, entry.change.remote) == ({"priority": "Low"}, {"priority": "High Attention"})


def test_a_third_value_takes_the_place_of_both(mirrored: Mirrored) -> None:
    mirrored.set(Priority="Low")
    mirrored.change_there(Priority="High Attention")
    mirrored.answer("resolve immediately")
    (now,) = mirrored.shown()
    assert (now.change.state, now.base, now.local) == (State.READY, "High Attention", "Resolve Immediately")
    assert mirrored.row()["priority"] == "Resolve Immediately"


def test_a_third_value_is_validated_and_nothing_changes_when_it_is_wrong(mirrored: Mirrored) -> None:
    mirrored.set(Priority="Low")
    mirrored.change_there(Priority="High Attention")
    before = mirrored.shown()
    with pytest.raises(UsageError, match=r"Priority cannot be 'Whenever'.*High Attention"):
        mirrored.answer("Whenever")
    assert mirrored.shown() == before


def test_a_value_for_several_fields_at_once_is_refused(mirrored: Mirrored) -> None:
    mirrored.set(Priority="Low", Severity="Cosmetic")
    mirrored.change_there(Priority="High Attention", Severity="Crash/Data Loss")
    with pytest.raises(UsageError, match="say which is to be 'Normal': Priority, Severity"):
        mirrored.answer("Normal")
    assert len(mirrored.answer("remote")) == 2
    assert mirrored.shown() == []


def test_only_conflicts_are_answered_while_there_are_some(mirrored: Mirrored) -> None:
    mirrored.set(Priority="Low", State="Fixed")
    mirrored.change_there(Priority="High Attention")
    assert [each.change.field for each in mirrored.answer("local")] == ["Priority"]
    assert {each.change.state for each in mirrored.shown()} == {State.READY}


def test_a_record_that_is_gone_takes_no_local_value(mirrored: Mirrored) -> None:
    mirrored.set(Priority="Low")
    defect = mirrored.defect
    mirrored.stage.delete(defect)
    mirrored.stage.sync(mirrored.store, allow_mass_delete=True)
    (gone,) = mirrored.shown(defect)
    assert (gone.is_gone, gone.label) == (True, "DE1")
    with pytest.raises(UsageError, match="DE1 is not on the tracker any more"):
        mirrored.answer("local", defect)
    mirrored.answer("remote", defect)
    assert mirrored.ends() == [("Priority", End.OVERRULED)]
    assert mirrored.shown(defect) == []


def test_a_deletion_of_a_record_that_was_changed_there_waits_for_an_answer(mirrored: Mirrored) -> None:
    defect = mirrored.defect
    mirrored.store.queue.add(mirrored.layouts, mirrored.editor.delete(mirrored.found(defect)))
    mirrored.change_there(Priority="Low")
    (shown,) = mirrored.shown()
    assert (shown.change.state, shown.label) == (State.CONFLICT, "DE1")
    apply_policies(mirrored.store, mirrored.layouts, "acme", {"*": Side.LOCAL})
    assert mirrored.shown()[0].change.state is State.CONFLICT
    mirrored.answer("remote")
    assert (mirrored.row(defect)["priority"], mirrored.shown()) == ("Low", [])


def test_a_refused_change_is_pushed_again_or_dropped(mirrored: Mirrored) -> None:
    for take, left in (("local", [State.READY]), ("remote", [])):
        mirrored.set(Priority="Low")
        (change,) = mirrored.store.queue.open("acme")
        assert mirrored.store.queue.mark_sent([change.id], datetime.now(UTC))
        mirrored.store.queue.put_back([change.id], State.REFUSED, "not today")
        mirrored.answer(take)
        assert [each.change.state for each in mirrored.shown()] == left
    assert mirrored.row()["priority"] == "Normal"


def test_a_refused_change_may_get_another_value(mirrored: Mirrored) -> None:
    mirrored.set(Priority="Low")
    (change,) = mirrored.store.queue.open("acme")
    assert mirrored.store.queue.mark_sent([change.id], datetime.now(UTC))
    mirrored.store.queue.put_back([change.id], State.REFUSED, "not today")
    mirrored.answer("High Attention")
    (now,) = mirrored.shown()
    assert (now.change.state, now.base, now.local, now.change.reason) == (State.READY, "Normal", "High Attention", "")


# policies


@pytest.mark.parametrize(
    ("policies", "state", "shown"),
    [
        ({"Defect.Priority": Side.REMOTE}, None, "High Attention"),
        ({"Defect.Priority": Side.LOCAL, "*": Side.REMOTE}, State.READY, "Low"),
        ({"Defect.State": Side.REMOTE}, State.CONFLICT, "Low"),
    ],
)
def test_policies_decide_what_they_name_in_the_sync_that_finds_it(
    mirrored: Mirrored, policies: dict[str, Side], state: State | None, shown: str
) -> None:
    mirrored.set(Priority="Low")
    mirrored.stage.world.update(mirrored.defect, {"Priority": "High Attention"})
    mirrored.stage.sync(mirrored.store, source=mirrored.stage.source(conflicts=policies))
    assert [each.change.state for each in mirrored.shown()] == ([] if state is None else [state])
    assert mirrored.row()["priority"] == shown


# what was sent without an answer


def by_hand(mirrored: Mirrored, name: str) -> int:
    """Create two equal defects on the tracker, so that nobody can tell which is ours; sync, and return the id of one."""
    record_id, _twin = (mirrored.stage.world.create("Defect", {"Name": name}) for _ in range(2))
    mirrored.stage.sync(mirrored.store)
    return record_id


def test_a_creation_that_may_have_arrived_adopts_the_record_that_is_named(mirrored: Mirrored) -> None:
    temporary = mirrored.new(Name="twice")
    mirrored.send(*mirrored.store.queue.open("acme"))
    real = by_hand(mirrored, "twice")
    mirrored.answer(str(real), temporary)
    assert mirrored.store.queue.open("acme") == []
    assert temporary not in rows_of(mirrored.store, "Defect")
    assert (mirrored.row(real)["name"], mirrored.row(real)["_dirty"]) == ("twice", False)
    assert ("create", End.ADOPTED) in mirrored.ends()
    assert mirrored.store.queue.real_id("acme", temporary) == ("Defect", real)


def test_what_the_adopted_record_lacks_still_waits(mirrored: Mirrored) -> None:
    temporary = mirrored.new(Name="once", Priority="Low")
    mirrored.send(*mirrored.store.queue.open("acme"))
    real = by_hand(mirrored, "once")
    mirrored.answer(mirrored.store.labels(mirrored.layouts["Defect"], [real])[real] or "", temporary)
    assert [(each.change.field, each.change.state) for each in mirrored.shown(real)] == [("Priority", State.CONFLICT)]


def test_a_creation_that_did_not_arrive_is_made_ready_with_its_values(mirrored: Mirrored) -> None:
    temporary = mirrored.new(Name="never")
    mirrored.send(*mirrored.store.queue.open("acme"))
    mirrored.answer("none", temporary)
    assert {each.change.state for each in mirrored.shown(temporary)} == {State.READY}


def test_a_creation_adopts_nothing_that_is_not_here_or_of_another_type(mirrored: Mirrored) -> None:
    temporary = mirrored.new(Name="lost")
    mirrored.send(*mirrored.store.queue.open("acme"))
    tag = mirrored.stage.ids("Tag")[0]
    for take, words in (("DE9999", "no record here is called"), (f"Tag/{tag}", "is no Defect that the tracker has")):
        with pytest.raises(UsageError, match=words):
            mirrored.answer(take, temporary)
    assert {each.change.state for each in mirrored.shown(temporary)} == {State.UNKNOWN}


def test_one_record_is_not_adopted_by_two_creations(mirrored: Mirrored) -> None:
    first, second = mirrored.new(Name="one"), mirrored.new(Name="one")
    for each in (first, second):
        mirrored.send(*mirrored.store.queue.open("acme", record=("Defect", each)))
    real = by_hand(mirrored, "one")
    mirrored.answer(str(real), first)
    with pytest.raises(UsageError, match="is what NEW-1 became"):
        mirrored.answer(str(real), second)


@pytest.mark.parametrize(("take", "left"), [("done", []), ("again", [State.READY])])
def test_a_comment_that_may_have_arrived_is_done_or_sent_again(mirrored: Mirrored, take: str, left: list[State]) -> None:
    mirrored.store.queue.add(mirrored.layouts, mirrored.editor.comment(mirrored.found(mirrored.defect), "well"))
    mirrored.send(*mirrored.store.queue.open("acme"))
    mirrored.answer(take)
    assert [each.change.state for each in mirrored.shown()] == left


def test_an_update_without_an_answer_is_left_to_the_push(mirrored: Mirrored) -> None:
    mirrored.set(Priority="Low")
    mirrored.send(*mirrored.store.queue.open("acme"))
    with pytest.raises(UsageError, match="`mirror push` reads the tracker and finds out about Priority by itself"):
        mirrored.answer("local")


# taking back


def test_a_creation_is_not_discarded_while_others_need_it(mirrored: Mirrored) -> None:
    temporary = mirrored.new(Name="needed")
    duplicates = Assignment("Duplicates", "NEW-1", How.ADD)
    mirrored.store.queue.add(mirrored.layouts, mirrored.editor.set(mirrored.found(mirrored.defect), [duplicates]))
    with pytest.raises(UsageError, match="DE1 needs NEW-1"):
        discard(mirrored.store, mirrored.layouts, mirrored.shown(temporary))
    discard(mirrored.store, mirrored.layouts, mirrored.shown())
    gone = discard(mirrored.store, mirrored.layouts, [mirrored.shown(temporary)[0]])
    assert [each.change.action for each in gone] == [Action.CREATE, Action.UPDATE]
    assert temporary not in rows_of(mirrored.store, "Defect")


def test_what_is_on_its_way_is_not_discarded(mirrored: Mirrored) -> None:
    mirrored.set(Priority="Low")
    (change,) = mirrored.store.queue.open("acme")
    mirrored.store.queue.mark_sent([change.id], datetime.now(UTC) - timedelta(seconds=1))
    with pytest.raises(UsageError, match="DE1: Priority is on its way to the tracker"):
        discard(mirrored.store, mirrored.layouts, mirrored.shown())
    assert mirrored.row()["priority"] == "Low"
