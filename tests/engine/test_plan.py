"""The order of a push, and what stops what: pure, over a small catalogue."""

from __future__ import annotations

from dataclasses import replace
from itertools import count
from typing import Any

import pytest

from mirror.engine.plan import Plan, limited, make_plan
from mirror.engine.protection import protected_by
from mirror.model.change import Action, Change, State
from mirror.model.layout import Layout, arrange
from mirror.model.schema import Field, Kind, RecordType, Tracking

STORY = RecordType(
    "Story",
    (
        Field("Name", Kind.TEXT),
        Field("Owner", Kind.REFERENCE, targets=("User",)),
        Field("Parent", Kind.REFERENCE, targets=("Story",)),
        Field("Scope", Kind.REFERENCE, targets=("Story",), required=True),
        Field("Tags", Kind.LINKS, targets=("Tag",)),
    ),
    Tracking.STAMP,
)
TASK = RecordType("Task", (Field("Name", Kind.TEXT), Field("Story", Kind.REFERENCE, targets=("Story",))), Tracking.STAMP)
TAG = RecordType("Tag", (Field("Name", Kind.TEXT),), Tracking.STAMP)


def laid_out(record_type: RecordType) -> Layout:
    return arrange("acme", "rally", record_type, table=record_type.name.lower())


LAYOUTS = {each.name: laid_out(each) for each in (STORY, TASK, TAG)}


class Queue:
    """Makes changes with ascending ids."""

    def __init__(self) -> None:
        self._ids = count(1)
        self.changes: list[Change] = []

    def add(self, record: tuple[str, int], action: Action, field: str = "", **more: Any) -> Change:
        change = replace(Change("acme", *record, action, field), id=next(self._ids), **more)
        self.changes.append(change)
        return change

    def new(self, type_name: str, record_id: int, **more: Any) -> Change:
        return self.add((type_name, record_id), Action.CREATE, **more)

    def name(self, record: tuple[str, int], **more: Any) -> Change:
        return self.add(record, Action.UPDATE, "Name", base={"name": None}, value={"name": "x"}, **more)

    def refer(self, record: tuple[str, int], field: str, to: int | None, *, base: int | None = None, **more: Any) -> Change:
        column = field.lower()
        cells = [{f"{column}_id": each, f"{column}_name": None} for each in (base, to)]
        return self.add(record, Action.UPDATE, field, base=cells[0], value=cells[1], **more)

    def plan(self, **options: Any) -> Plan:
        return make_plan(LAYOUTS, self.changes, **options)


@pytest.fixture
def queue() -> Queue:
    return Queue()


def shape(plan: Plan) -> list[tuple[str, tuple[str, int], list[int], tuple[int, ...]]]:
    """Return of each step: action, record, ids of its changes, and what it comes after."""
    return [(each.action.value, each.record, [one.id for one in each.changes], each.after) for each in plan.steps]


def test_edits_of_one_record_are_one_step_in_the_place_of_the_first(queue: Queue) -> None:
    queue.name(("Story", 1))
    queue.name(("Story", 2))
    queue.refer(("Story", 1), "Parent", 7)
    assert shape(queue.plan()) == [("update", ("Story", 1), [1, 3], ()), ("update", ("Story", 2), [2], ())]


def test_changes_of_other_kinds_keep_their_order(queue: Queue) -> None:
    queue.add(("Story", 1), Action.COMMENT, item="a", value={"text": "a"})
    queue.name(("Story", 1))
    queue.add(("Story", 1), Action.OPERATE, "Close", value={})
    queue.refer(("Story", 1), "Parent", 7)
    assert [(each[0], each[2], each[3]) for each in shape(queue.plan())] == [
        ("comment", [1], ()),
        ("update", [2], (0,)),
        ("operate", [3], (1,)),
        ("update", [4], (2,)),
    ]


def test_a_creation_takes_its_values_and_comes_before_what_refers_to_it(queue: Queue) -> None:
    queue.refer(("Task", 5), "Story", -1)
    queue.new("Task", -2)
    queue.refer(("Task", -2), "Story", -1)
    queue.new("Story", -1)
    queue.name(("Story", -1))
    assert shape(queue.plan()) == [
        ("create", ("Story", -1), [4, 5], ()),
        ("update", ("Task", 5), [1], (0,)),
        ("create", ("Task", -2), [2, 3], (0,)),
    ]


def test_a_circle_is_broken_at_a_field_that_may_come_later(queue: Queue) -> None:
    queue.new("Story", -1)
    queue.refer(("Story", -1), "Scope", -2)
    queue.new("Story", -2)
    queue.refer(("Story", -2), "Parent", -1)
    assert shape(queue.plan()) == [
        ("create", ("Story", -2), [3], ()),
        ("create", ("Story", -1), [1, 2], (0,)),
        ("update", ("Story", -2), [4], (0, 1)),
    ]


def test_a_record_that_refers_to_itself_is_created_first(queue: Queue) -> None:
    queue.new("Story", -1)
    queue.refer(("Story", -1), "Parent", -1)
    assert shape(queue.plan()) == [("create", ("Story", -1), [1], ()), ("update", ("Story", -1), [2], (0,))]


def test_a_circle_of_required_fields_is_told(queue: Queue) -> None:
    for one, other in ((-1, -2), (-2, -1)):
        queue.new("Story", one)
        queue.refer(("Story", one), "Scope", other)
    queue.new("Task", -3)
    queue.refer(("Task", -3), "Story", -1)
    plan = queue.plan()
    assert plan.steps == ()
    assert plan.blocked[1] == "refers to NEW-2 and the other way round, in fields that cannot come later"
    assert "NEW-1" in plan.blocked[5]


@pytest.mark.parametrize("state", [State.REFUSED, State.CONFLICT, State.UNKNOWN, State.SENT])
def test_a_creation_that_is_not_ready_stops_what_needs_it_and_nothing_else(queue: Queue, state: State) -> None:
    queue.new("Story", -1, state=state, reason="no")
    queue.name(("Story", -1))
    queue.new("Task", -2)
    queue.refer(("Task", -2), "Story", -1)
    queue.refer(("Task", 5), "Story", -1)
    queue.name(("Task", 5))
    plan = queue.plan()
    assert shape(plan) == [("update", ("Task", 5), [6], ())]
    assert set(plan.blocked) == {2, 3, 4, 5}
    assert all("NEW-1" in each for each in (plan.blocked[4], plan.blocked[5]))


def test_while_an_update_is_unknown_the_record_waits(queue: Queue) -> None:
    queue.name(("Story", 1), state=State.UNKNOWN)
    queue.refer(("Story", 1), "Parent", 7)
    queue.name(("Story", 2))
    plan = queue.plan()
    assert [each.record for each in plan.steps] == [("Story", 2)]
    assert "Name" in plan.blocked[2]


def test_while_a_comment_is_unknown_only_comments_of_the_record_wait(queue: Queue) -> None:
    queue.add(("Story", 1), Action.COMMENT, item="a", value={"text": "a"}, state=State.UNKNOWN)
    queue.add(("Story", 1), Action.COMMENT, item="b", value={"text": "b"})
    queue.name(("Story", 1))
    plan = queue.plan()
    assert [each[2] for each in shape(plan)] == [[3]]
    assert set(plan.blocked) == {2}


def test_a_conflict_stops_no_other_field_but_an_operation_after_it(queue: Queue) -> None:
    queue.name(("Story", 1), state=State.CONFLICT)
    queue.refer(("Story", 1), "Parent", 7)
    queue.add(("Story", 1), Action.OPERATE, "Close", value={})
    plan = queue.plan()
    assert [each[2] for each in shape(plan)] == [[2]]
    assert plan.blocked == {3: "waits for Name, which is in conflict with the tracker"}


def test_a_deletion_comes_after_what_leads_away_from_the_record(queue: Queue) -> None:
    queue.add(("Story", 1), Action.DELETE, base={"row": {"parent_id": 2, "parent_name": None}, "links": {}})
    queue.add(("Story", 2), Action.DELETE, base={"row": {"parent_id": None}, "links": {}})
    queue.refer(("Task", 5), "Story", 3, base=1)
    assert [(each[1], each[3]) for each in shape(queue.plan())] == [
        (("Task", 5), ()),
        (("Story", 1), (0,)),
        (("Story", 2), (1,)),
    ]


def test_a_deletion_waits_while_what_leads_away_from_the_record_waits(queue: Queue) -> None:
    queue.add(("Story", 1), Action.DELETE, base={"row": {}, "links": {}})
    queue.refer(("Task", 5), "Story", 3, base=1, state=State.REFUSED)
    plan = queue.plan()
    assert plan.steps == ()
    assert plan.blocked == {1: "waits for Story of Task/5, which was refused"}


def test_deletions_of_records_that_refer_to_each_other_go_through(queue: Queue) -> None:
    for one, other in ((1, 2), (2, 1)):
        queue.add(("Story", one), Action.DELETE, base={"row": {"parent_id": other, "parent_name": None}, "links": {}})
    assert [each.record for each in queue.plan().steps] == [("Story", 1), ("Story", 2)]


def test_what_else_is_wanted_of_a_record_that_is_to_go_waits(queue: Queue) -> None:
    queue.name(("Story", 1))
    queue.add(("Story", 1), Action.DELETE, base={"row": {}, "links": {}})
    plan = queue.plan()
    assert [each.action for each in plan.steps] == [Action.DELETE]
    assert plan.blocked == {1: "its record is to be deleted"}


def test_what_is_set_apart_goes_alone(queue: Queue) -> None:
    queue.name(("Story", 1))
    queue.refer(("Story", 1), "Parent", 7)
    assert [each[2] for each in shape(queue.plan(apart={1, 2}))] == [[1], [2]]


def test_named_records_bring_what_they_cannot_do_without(queue: Queue) -> None:
    queue.new("Story", -1)
    queue.new("Story", -2)
    queue.refer(("Story", -2), "Parent", -1)
    queue.new("Task", -3)
    queue.refer(("Task", -3), "Story", -2)
    queue.name(("Story", 9))
    assert {each.record_id for each in limited(LAYOUTS, queue.changes, [("Task", -3)])} == {-1, -2, -3}


def test_protected_changes_are_no_step(queue: Queue) -> None:
    queue.name(("Story", 1))
    plan = queue.plan(protect=("story.name",))
    assert plan.steps == ()
    assert plan.blocked == {1: 'protected by protect = ["story.name"] in mirror.toml'}


@pytest.mark.parametrize(
    ("entry", "asked", "is_protected"),
    [
        ("Project", ("Project", Action.UPDATE, "Name"), True),
        ("Project", ("Story", Action.UPDATE, "Project"), False),
        ("*.delete", ("Story", Action.DELETE, ""), True),
        ("*.delete", ("Story", Action.UPDATE, "Name"), False),
        ("Story.Estimate", ("Story", Action.UPDATE, "estimate"), True),
        ("Story.Estimate", ("Task", Action.UPDATE, "Estimate"), False),
        ("ticket.merge", ("ticket", Action.OPERATE, "merge"), True),
        ("Story.*", ("Story", Action.COMMENT, ""), True),
        ("*", ("Story", Action.COMMENT, ""), True),
        ("PortfolioItem/Feature.create", ("PortfolioItem/Feature", Action.CREATE, "Name"), True),
        ("Story.update", ("Story", Action.CREATE, "Name"), False),
        ("ticket.CF.{Notes}", ("ticket", Action.UPDATE, "CF.{Notes}"), True),
    ],
)
def test_protection_names_types_actions_and_fields(entry: str, asked: tuple[str, Action, str], is_protected: bool) -> None:
    assert (protected_by(["Nothing.else", entry], *asked) == entry) is is_protected


def test_ranks_follow_each_other_whatever_they_are_of() -> None:
    queue = Queue()
    queue.add(("Story", 1), Action.RANK, value={"to": "top", "other": None})
    queue.add(("Task", 2), Action.RANK, value={"to": "top", "other": None})
    queue.add(("Story", 3), Action.RANK, value={"to": "top", "other": None})
    assert [each.after for each in make_plan(LAYOUTS, queue.changes).steps] == [(), (0,), (1,)]


def test_a_field_that_the_catalogue_does_not_have_any_more_waits() -> None:
    queue = Queue()
    change = queue.add(("Story", 1), Action.UPDATE, "Points", base={"points": 1}, value={"points": 2})
    plan = make_plan(LAYOUTS, queue.changes)
    assert plan.steps == ()
    assert plan.blocked == {change.id: "a Story has no field Points any more"}


def test_a_field_that_became_read_only_waits() -> None:
    queue = Queue()
    change = queue.name(("Tag", 1))
    fixed = replace(TAG, fields=(Field("Name", Kind.TEXT, read_only=True),))
    plan = make_plan(LAYOUTS | {"Tag": laid_out(fixed)}, queue.changes)
    assert plan.blocked == {change.id: "Name may not be changed any more"}
