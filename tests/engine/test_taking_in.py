"""Edits made by SQL, through the driver alone, become changes like all others, or are refused and kept."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import psycopg
import pytest

from mirror.engine.edit import Editor, assignments
from mirror.engine.finding import find
from mirror.engine.lookup import Lookup
from mirror.engine.resolving import resolve
from mirror.engine.showing import show
from mirror.engine.taking_in import take_in
from mirror.errors import InvalidEditError
from mirror.model.change import Action, Change, State, Via
from mirror.model.layout import Layout
from mirror.model.page import Page
from mirror.store.store import Store, Taken
from tests.engine.conftest import Filled
from tests.store.foreign import client, is_sqlite
from tests.store.samples import DEFECT, NOW, USER, adopt, defects, page, row, stored, value
from tests.support.databases import execute, raw_rows

STATES = {State.READY, State.REFUSED, State.CONFLICT}


def write(filled: Filled, *statements: str) -> list[Change]:
    """Run these statements as any client would, take them in, and return what is in the queue then."""
    for each in statements:
        execute(filled.url, each)
    return taken_in(filled)


def taken_in(filled: Filled, protect: tuple[str, ...] = ()) -> list[Change]:
    take_in(filled.store, filled.store.layouts("rally"), "rally", protect)
    changes = filled.store.queue.open("rally")
    assert {each.state for each in changes} <= STATES
    return changes


def cells(filled: Filled, columns: str, key: str = "DE1") -> tuple[Any, ...]:
    return stored(filled.store, f"SELECT {columns} FROM rally_defect WHERE formatted_id = '{key}'")[0]


def one_user(filled: Filled) -> tuple[int, str]:
    """Return id and name of a user who does not own DE1 and whose name no other has."""
    query = (
        "SELECT min(id), display_name FROM rally_user GROUP BY display_name HAVING count(*) = 1 AND display_name NOT IN "
        "(SELECT owner_name FROM rally_defect WHERE formatted_id = 'DE1') ORDER BY display_name LIMIT 1"
    )
    found: tuple[int, str] = stored(filled.store, query)[0]
    return found


def update(assigned: str, key: str = "DE1") -> str:
    return f"UPDATE rally_defect SET {assigned} WHERE formatted_id = '{key}'"


def test_a_statement_becomes_one_change_for_each_field(filled: Filled) -> None:
    before = cells(filled, "notes, plan_estimate")
    changes = write(
        filled, update("notes = 'by SQL', plan_estimate = 21, ready = true, target_date = '2026-03-01T09:30:00Z'")
    )
    assert {each.field: each.value for each in changes} == {
        "Notes": {"notes": "by SQL"},
        "PlanEstimate": {"plan_estimate": 21},
        "Ready": {"ready": True},
        "TargetDate": {"target_date": "2026-03-01T09:30:00.000Z"},
    }
    assert {(each.action, each.state, each.via) for each in changes} == {(Action.UPDATE, State.READY, Via.SQL)}
    assert {each.field: each.base for each in changes if each.field in ("Notes", "PlanEstimate")} == {
        "Notes": {"notes": before[0]},
        "PlanEstimate": {"plan_estimate": before[1]},
    }
    assert cells(filled, "notes, plan_estimate") == ("by SQL", 21)


def test_a_value_is_corrected_to_the_spelling_of_the_catalogue(filled: Filled) -> None:
    (change,) = write(filled, update("state = 'cLoSeD'"))
    assert (change.value, change.state) == ({"state": "Closed"}, State.READY)
    assert cells(filled, "state") == ("Closed",)


@pytest.mark.parametrize(
    ("assigned", "field", "words"),
    [
        ("state = 'Bogus'", "State", "State cannot be 'Bogus'; it is one of Submitted, Open, Fixed or Closed"),
        ("name = NULL", "Name", "Name is required and cannot be empty"),
        ("formatted_id = 'DE1', task_status = 'x'", "TaskStatus", "TaskStatus of a Defect is read-only"),
        ("owner_name = 'Nobody at all'", "Owner", "Owner takes a User, and none is called 'Nobody at all'"),
        ("owner_id = 12", "Owner", "there is no User with the id 12"),
        ("iteration_name = 'Sprint 1'", "Iteration", "Iteration: 'Sprint 1' may be Iteration:"),
        ("resolution = 'nothing of the kind'", "Resolution", "Resolution cannot be 'nothing of the kind'"),
    ],
)
def test_what_is_wrong_is_refused_and_stays_as_it_was_written(filled: Filled, assigned: str, field: str, words: str) -> None:
    column = assigned.rpartition(", ")[2].partition(" =")[0]
    (change,) = write(filled, update(assigned))
    assert change.field == field
    assert change.state is State.REFUSED
    assert words in change.reason
    assert cells(filled, column) == ((change.value or {})[column],)


@pytest.mark.parametrize(
    ("assigned", "words"),
    [
        ("owner_id = 'abc'", "Owner: 'abc' is no id"),
        ("owner_id = 1.5", "Owner: 1.5 is no id"),
        ("plan_estimate = 'much'", "PlanEstimate takes a number such as 2.5, not 'much'"),
        ("ready = 'maybe'", "Ready takes yes or no, not 'maybe'"),
        ("target_date = 'soon'", "TargetDate takes an instant such as"),
        ("c_ticket = '{'", "c_Ticket takes JSON such as"),
    ],
)
def test_what_is_no_value_of_its_column_is_refused_by_the_database_or_by_us(
    filled: Filled, assigned: str, words: str
) -> None:
    if filled.url.startswith("postgresql") and assigned != "owner_id = 1.5":  # which it rounds
        with pytest.raises(psycopg.Error):
            execute(filled.url, update(assigned))
        return
    before = cells(filled, "*")
    (change,) = write(filled, update(assigned))
    assert change.state is State.REFUSED
    assert words in change.reason or filled.url.startswith("postgresql")
    (shown,) = show(filled.store, filled.store.layouts("rally"), [change])
    assert shown.local != shown.base
    filled.store.queue.discard(filled.store.layouts("rally"), [change.id])
    assert cells(filled, "*") == before


def test_a_refused_edit_holds_up_no_other_of_the_same_statement(filled: Filled) -> None:
    changes = write(filled, update("state = 'Bogus', notes = 'fine'"))
    assert {each.field: each.state for each in changes} == {"State": State.REFUSED, "Notes": State.READY}


def test_discarding_a_refused_edit_brings_back_what_the_tracker_has(filled: Filled) -> None:
    before = cells(filled, "owner_id, owner_name, _dirty")
    (change,) = write(filled, update("owner_name = 'Nobody at all'"))
    filled.store.queue.discard(filled.store.layouts("rally"), [change.id])
    assert cells(filled, "owner_id, owner_name, _dirty") == before


def test_a_reference_set_by_its_name_gets_its_id(filled: Filled) -> None:
    user_id, name = one_user(filled)
    (change,) = write(filled, update(f"owner_name = '{name}'"))
    assert (change.field, change.value) == ("Owner", {"owner_id": user_id, "owner_name": name})
    assert cells(filled, "owner_id, owner_name") == (user_id, name)


def test_a_reference_set_by_its_id_gets_its_name(filled: Filled) -> None:
    user_id, name = one_user(filled)
    before = cells(filled, "owner_id, owner_name")
    (change,) = write(filled, update(f"owner_id = {user_id}"))
    assert change.value == {"owner_id": user_id, "owner_name": name}
    assert change.base == {"owner_id": before[0], "owner_name": before[1]}
    assert cells(filled, "owner_id, owner_name") == (user_id, name)


@pytest.mark.parametrize("assigned", ["owner_id = NULL", "owner_name = NULL", "owner_id = NULL, owner_name = NULL"])
def test_a_reference_is_cleared_by_either_column(filled: Filled, assigned: str) -> None:
    write(filled, update("owner_name = (SELECT min(display_name) FROM rally_user)"))
    (change,) = write(filled, update(assigned))
    assert change.value == {"owner_id": None, "owner_name": None}
    assert cells(filled, "owner_id, owner_name") == (None, None)


def test_several_statements_about_a_record_make_one_change_a_field(filled: Filled) -> None:
    user_id, name = one_user(filled)
    before, owner = cells(filled, "notes, owner_id")
    changes = write(
        filled,
        update("notes = 'first', state = 'Bogus'"),
        update(f"notes = 'second', owner_id = {user_id}"),
        update(f"state = 'Closed', owner_name = '{name}'"),
    )
    assert {each.field: (each.value, each.state) for each in changes} == {
        "Notes": ({"notes": "second"}, State.READY),
        "State": ({"state": "Closed"}, State.READY),
        "Owner": ({"owner_id": user_id, "owner_name": name}, State.READY),
    }
    bases = {each.field: each.base or {} for each in changes}
    assert (bases["Notes"]["notes"], bases["Owner"]["owner_id"]) == (before, owner)
    assert cells(filled, "notes, state, owner_name") == ("second", "Closed", name)


def test_sql_on_top_of_an_edit_keeps_its_base(filled: Filled) -> None:
    store, layouts = filled.store, filled.store.layouts("rally")
    (before,) = cells(filled, "notes")
    editor = Editor(Lookup(store.finder, layouts))
    store.queue.add(layouts, editor.set(find(store.finder, {"rally": layouts}, "DE1"), assignments(["Notes=by command"])))
    (change,) = write(filled, update("notes = 'by SQL'"))
    assert ((change.base or {})["notes"], (change.value or {})["notes"]) == (before, "by SQL")


def test_setting_back_leaves_nothing_in_the_queue(filled: Filled) -> None:
    before = cells(filled, "fixed_in_build, _dirty")
    assert before == (None, False)
    assert len(write(filled, update("fixed_in_build = '7'"))) == 1
    assert write(filled, update("fixed_in_build = NULL")) == []
    assert cells(filled, "fixed_in_build, _dirty") == before


def test_one_statement_over_many_rows_becomes_a_change_for_each(filled: Filled) -> None:
    changes = write(filled, "UPDATE rally_defect SET blocked_reason = 'all of them'")
    ((count,),) = stored(filled.store, "SELECT count(*) FROM rally_defect")
    assert len(changes) == count > 3
    assert {each.state for each in changes} == {State.READY}


def test_a_deletion_waits_to_be_pushed(filled: Filled) -> None:
    (change,) = write(filled, "DELETE FROM rally_defect WHERE formatted_id = 'DE1'")
    assert (change.action, change.state, change.via) == (Action.DELETE, State.READY, Via.SQL)
    found = find(filled.store.finder, {"rally": filled.store.layouts("rally")}, "DE1")
    assert (found.record_id, found.is_here) == (change.record_id, False)


def test_a_deletion_of_what_cannot_be_deleted_is_refused_and_can_be_taken_back(filled: Filled) -> None:
    ((project, name),) = stored(filled.store, "SELECT id, name FROM rally_project ORDER BY id LIMIT 1")
    (change,) = write(filled, f"DELETE FROM rally_project WHERE id = {project}")
    assert change.state is State.REFUSED
    assert change.reason == "a Project cannot be deleted through its tracker's API"
    filled.store.queue.discard(filled.store.layouts("rally"), [change.id])
    assert raw_rows(filled.url, f"SELECT name FROM rally_project WHERE id = {project}") == [(name,)]


def test_an_edit_and_a_deletion_in_one_go_are_both_taken_in(filled: Filled) -> None:
    user_id, _name = one_user(filled)
    before = cells(filled, "owner_id, owner_name, _dirty")
    changes = write(filled, update(f"owner_id = {user_id}"), "DELETE FROM rally_defect WHERE formatted_id = 'DE1'")
    assert {each.action: each.state for each in changes} == {Action.UPDATE: State.READY, Action.DELETE: State.READY}
    filled.store.queue.discard(filled.store.layouts("rally"), [each.id for each in changes])
    assert cells(filled, "owner_id, owner_name, _dirty") == before


def test_what_the_settings_protect_is_refused(filled: Filled) -> None:
    execute(filled.url, update("state = 'Closed', notes = 'fine'"))
    execute(filled.url, "DELETE FROM rally_defect WHERE formatted_id = 'DE2'")
    changes = taken_in(filled, ("Defect.State", "*.delete"))
    refused = {each.field or each.action: each.reason for each in changes if each.state is State.REFUSED}
    assert refused == {
        "State": 'protected by protect = ["Defect.State"] in mirror.toml',
        "delete": 'protected by protect = ["*.delete"] in mirror.toml',
    }


def test_taking_in_again_changes_nothing(filled: Filled) -> None:
    first = write(filled, update("state = 'Bogus', notes = 'fine'"))
    assert taken_in(filled) == first


def test_what_a_sync_brought_meanwhile_makes_a_conflict(filled: Filled) -> None:
    execute(filled.url, update("blocked_reason = 'here', package = 'here'"))
    layout = filled.store.layouts("rally")["Defect"]
    local = filled.store.finder.row(layout, cells(filled, "id")[0])
    assert local is not None
    remote = {**local, "blocked_reason": "there", "package": None, "_revision": "999"}
    names = ["source", "id", "_revision", "_changed_at", "_extra", *(each.name for each in layout.columns)]
    filled.store.apply(Page(layout, [tuple(remote[name] for name in names)], None, 1, NOW), now=NOW, force=True)
    changes = {each.field: each for each in taken_in(filled)}
    assert changes["Package"].state is State.READY
    assert changes["BlockedReason"].state is State.CONFLICT
    assert (changes["BlockedReason"].remote or {})["blocked_reason"] == "there"
    assert cells(filled, "blocked_reason, package") == ("here", "here")


# what the catalogue says no more


def test_an_edit_of_a_field_that_has_vanished_is_refused_and_can_be_taken_back(each_store: Store, database_url: str) -> None:
    layout = defects(each_store)
    each_store.apply(page(layout, row(layout, 1, name="a", estimate=3)), now=NOW)
    kept = tuple(each for each in DEFECT.fields if each.name != "Estimate")
    layouts = adopt(each_store, replace(DEFECT, fields=kept), digest="2")
    execute(database_url, "UPDATE rally_defect SET estimate = 5, name = 'b' WHERE id = 1")
    take_in(each_store, layouts, "acme")
    changes = {each.field: each for each in each_store.queue.open("acme")}
    assert changes["Name"].state is State.READY
    assert changes["estimate"].state is State.REFUSED
    assert changes["estimate"].reason == "Defect has no field for estimate any more"
    assert value(each_store, "estimate", 1) == 5
    each_store.queue.discard(layouts, [each.id for each in changes.values()])
    assert (value(each_store, "estimate", 1), value(each_store, "name", 1)) == (3, "a")


def test_an_edit_of_a_type_that_has_vanished_is_refused(each_store: Store, database_url: str) -> None:
    layout = defects(each_store)
    each_store.apply(page(layout, row(layout, 1, name="a")), now=NOW)
    layouts = adopt(each_store, USER, digest="2")
    execute(database_url, "UPDATE rally_defect SET name = 'b' WHERE id = 1")
    take_in(each_store, layouts, "acme")
    (change,) = each_store.queue.open("acme")
    assert (change.state, change.reason) == (State.REFUSED, "acme offers no Defect any more")
    assert value(each_store, "name", 1) == "b"


# what no check had foreseen


def only_users(store: Store) -> dict[str, Layout]:
    """Store two people and a defect, and return the layouts."""
    layouts = adopt(store, DEFECT, USER, digest="1")
    people = (row(layouts["User"], each, user_name=name) for each, name in ((7, "Ann"), (8, "Bob")))
    store.apply(page(layouts["User"], *people), now=NOW)
    store.apply(page(layouts["Defect"], row(layouts["Defect"], 1, name="a", estimate=1, shape="{}")), now=NOW)
    return layouts


NOTHING = {
    "owner_name = '99999999999999999999999'": "none is called '99999999999999999999999'",
    "owner_name = 'User:99999999999999999999999'": "none is called 'User:99999999999999999999999'",
    "owner_name = 'NEW-99999999999999999999999'": "none is called 'NEW-99999999999999999999999'",
    "shape = '{\"a\": 1e400}'": "Shape takes JSON",
}
NOTHING_ON_SQLITE = {  # Postgres itself refuses them
    "estimate = 1e300 * 1e300": "Estimate takes a number",
    "name = CAST(x'e9' AS TEXT)": "Name takes text",
}


def test_an_edit_that_nothing_can_be_made_of_is_refused_and_keeps_no_other_waiting(
    each_store: Store, database_url: str
) -> None:
    layouts = only_users(each_store)
    for assigned, words in (NOTHING | (NOTHING_ON_SQLITE if is_sqlite(database_url) else {})).items():
        execute(database_url, f"UPDATE rally_defect SET {assigned}, due = '2026-03-01' WHERE id = 1")
        assert take_in(each_store, layouts, "acme") == 1, assigned
        changes = {each.field: each for each in each_store.queue.open("acme")}
        (refused,) = (each for each in changes.values() if each.state is State.REFUSED)
        assert (words in refused.reason, changes["Due"].state) == (True, State.READY), (assigned, refused.reason)
        assert len(show(each_store, layouts, list(changes.values()))) == 2
        each_store.queue.discard(layouts, [each.id for each in changes.values()])
        assert stored(each_store, "SELECT name, estimate, shape, owner_name, _dirty FROM rally_defect") == [
            ("a", 1, "{}", None, False)
        ], assigned


def test_a_name_written_after_an_id_is_what_is_meant_wherever_the_process_dies(each_store: Store, database_url: str) -> None:
    layouts = only_users(each_store)
    execute(database_url, "UPDATE rally_defect SET owner_id = 7 WHERE id = 1")
    execute(database_url, "UPDATE rally_defect SET owner_name = 'Bob' WHERE id = 1")
    first = each_store.queue.open("acme")[0]
    ann = {"owner_id": 7, "owner_name": "Ann"}
    made = replace(first, field="Owner", value=ann, state=State.READY)
    assert each_store.queue.take_in(layouts, [Taken((first,), [made])]) == 0  # all of a record, or none
    assert take_in(each_store, layouts, "acme") == 2
    (change,) = each_store.queue.open("acme")
    assert (change.value, change.base) == ({"owner_id": 8, "owner_name": "Bob"}, {"owner_id": None, "owner_name": None})
    assert stored(each_store, "SELECT owner_id, owner_name FROM rally_defect") == [(8, "Bob")]


def test_a_script_that_saves_a_record_over_and_over_makes_one_change(each_store: Store, database_url: str) -> None:
    layouts = only_users(each_store)
    with client(database_url) as other:
        for turn in range(500):
            other.execute(f"UPDATE rally_defect SET name = 'turn {turn}' WHERE id = 1")
        other.commit()
    assert take_in(each_store, layouts, "acme") == 500
    (change,) = each_store.queue.open("acme")
    assert (change.base, change.value, change.state) == ({"name": "a"}, {"name": "turn 499"}, State.READY)


def test_a_deletion_waits_until_it_is_known_what_can_be_deleted(each_store: Store, database_url: str) -> None:
    layouts = only_users(each_store)
    layouts = adopt(each_store, replace(DEFECT, actions=()), USER, digest="")
    execute(database_url, "DELETE FROM rally_defect WHERE id = 1")
    assert take_in(each_store, layouts, "acme") == 0
    assert [each.state for each in each_store.queue.open("acme")] == [State.CAPTURED]
    layouts = adopt(each_store, replace(DEFECT, actions=("delete",)), USER, digest="2")
    assert take_in(each_store, layouts, "acme") == 1
    assert [each.state for each in each_store.queue.open("acme")] == [State.READY]


def test_what_sql_did_to_a_type_that_has_vanished_is_taken_back_whole(each_store: Store, database_url: str) -> None:
    only_users(each_store)
    layouts = adopt(each_store, USER, digest="2")
    execute(database_url, "UPDATE rally_defect SET name = 'b', estimate = 4 WHERE id = 1")
    take_in(each_store, layouts, "acme")
    each_store.queue.discard(layouts, [each.id for each in each_store.queue.open("acme")])
    assert stored(each_store, "SELECT name, estimate, _dirty FROM rally_defect") == [("a", 1, False)]


# a refused edit that is to be pushed all the same


def test_a_refused_edit_is_not_pushed_as_it_is(each_store: Store, database_url: str) -> None:
    layouts = only_users(each_store)
    injected = ['shape = \'"}, "Injected": {"a": 1\''] if is_sqlite(database_url) else []  # Postgres itself refuses it
    for assigned in ("owner_name = 'Nobody'", "owner_id = 12", *injected):
        execute(database_url, f"UPDATE rally_defect SET {assigned} WHERE id = 1")
        take_in(each_store, layouts, "acme")
        shown = show(each_store, layouts, each_store.queue.open("acme"))
        with pytest.raises(InvalidEditError, match="give it another value, or discard it"):
            resolve(each_store, Editor(Lookup(each_store.finder, layouts)), shown, "local")
        assert each_store.queue.open("acme") == [each.change for each in shown] != [], assigned
        each_store.queue.discard(layouts, [each.change.id for each in shown])


def test_a_refused_edit_is_pushed_once_what_it_names_is_here(each_store: Store, database_url: str) -> None:
    layouts = only_users(each_store)
    execute(database_url, "UPDATE rally_defect SET owner_name = 'Eve' WHERE id = 1")
    take_in(each_store, layouts, "acme")
    each_store.apply(page(layouts["User"], row(layouts["User"], 9, user_name="Eve")), now=NOW)
    shown = show(each_store, layouts, each_store.queue.open("acme"))
    resolve(each_store, Editor(Lookup(each_store.finder, layouts)), shown, "local")
    (change,) = each_store.queue.open("acme")
    assert (change.state, change.value) == (State.READY, {"owner_id": 9, "owner_name": "Eve"})


def test_what_is_no_value_of_its_column_is_ready_by_no_way_at_all(each_store: Store, database_url: str) -> None:
    layouts = only_users(each_store)
    defect = layouts["Defect"]
    execute(database_url, "UPDATE rally_defect SET owner_name = 'Nobody' WHERE id = 1")
    take_in(each_store, layouts, "acme")
    (refused,) = each_store.queue.open("acme")
    each_store.queue.resolve(layouts, refused.id, "local")
    assert [each.state for each in each_store.queue.open("acme")] == [State.REFUSED]
    for revision, owner in (("2", (7, "Ann")), ("3", (None, None))):  # changed on the tracker, and back again
        shown = row(defect, 1, revision, name="a", estimate=1, shape="{}", owner_id=owner[0], owner_name=owner[1])
        each_store.apply(page(defect, shown), now=NOW, force=True)
    (change,) = each_store.queue.open("acme")
    assert (change.state, "leads to no record" in change.reason) == (State.REFUSED, True)
