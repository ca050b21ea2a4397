"""The view `work_item`: one set of columns over the types of all sources, as their roles, rules and settings tell."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest

from mirror.errors import StoreError
from mirror.model.part import Part
from mirror.model.schema import Catalog, Field, Kind, RecordType, Tracking
from mirror.model.work_item import Category, Rule, WorkItem
from mirror.store import work_items
from mirror.store.store import Store
from tests.store.samples import NOW, page, row, stamp, stored
from tests.support.databases import PostgresServer, execute, raw_rows

COLUMNS = (
    *("source", "tracker", "type", "id", "key", "title", "state", "state_category", "owner", "project", "iteration"),
    *("release", "estimate", "parent_key", "created_at", "changed_at", "closed_at", "url"),
)
URL = "https://tracker.example"

STORY_ROLES = WorkItem(
    title=("Name",),
    key="Number",
    state=("State",),
    owner=("Owner", "Team"),
    project=("Project",),
    iteration=("Sprint",),
    release=("Nowhere", "Release"),
    estimate=("Points", "Hours"),
    parent=("Epic", "Parent", "Above"),
    created=("Created", "Day"),
    closed=("Closed",),
    unowned="Nobody",
    rules=(Rule("State", Category.DONE, ("Done",)), Rule("State", Category.DOING, ("Doing",))),
    address="/show%20it?id={id}&x=1",
)
STORY = RecordType(
    "Story",
    (
        *(Field(name, Kind.TEXT) for name in ("Name", "Number", "State", "Sprint", "Release")),
        Field("Owner", Kind.LINKS, targets=("User",)),
        Field("Team", Kind.VALUES),
        Field("Project", Kind.REFERENCE, targets=("Project",)),
        Field("Points", Kind.NUMERIC),
        Field("Hours", Kind.INTEGER),
        Field("Epic", Kind.REFERENCE, targets=("Story",)),
        Field("Parent", Kind.REFERENCE, targets=("Anything",), polymorphic=True),
        Field("Above", Kind.LINKS, targets=("Story", "ticket", "User")),
        *(Field(name, Kind.TIMESTAMP) for name in ("Created", "Closed")),
        Field("Day", Kind.DATE),
        Field("Blocked", Kind.BOOLEAN),
        Field("Rank", Kind.INTEGER),
        Field("Phase", Kind.REFERENCE, targets=("Phase",)),
    ),
    Tracking.STAMP,
    name_field="Name",
    key_field="Number",
    stamp_field="Changed",
    work_item=STORY_ROLES,
)
TICKET = RecordType(
    "ticket",
    (Field("Subject", Kind.TEXT), Field("Status", Kind.TEXT), Field("Owner", Kind.REFERENCE, targets=("User",))),
    Tracking.STAMP,
    work_item=WorkItem(title=("Subject",), state=("Status",), owner=("Owner",), unowned="Nobody", address="/t/{id}"),
)
USER = RecordType("User", (Field("Name", Kind.TEXT),), Tracking.SWEEP, name_field="Name")
PHASE = RecordType("Phase", (Field("Name", Kind.TEXT), Field("Ends", Kind.BOOLEAN)), Tracking.SWEEP, name_field="Name")


def show(store: Store, source: str = "acme", **states: Category) -> bool:
    return store.show_work_items(source, url=URL, states=states)


def fill(
    store: Store,
    *types: RecordType,
    source: str = "acme",
    links: Mapping[str, list[tuple[Any, ...]]] | None = None,
    **rows: dict[int, dict[str, Any]],
) -> None:
    """Adopt these types, show them, and store `rows`: type name -> id -> values by column."""
    layouts = store.adopt(source, "rally", Catalog.of("1", types), now=NOW).layouts
    show(store, source)
    for name, values in rows.items():
        layout = layouts[name]
        own = {field: found for field, found in (links or {}).items() if layout.type.field(field)}
        store.apply(page(layout, *(row(layout, each, **values[each]) for each in values), links=own), now=NOW)


def items(store: Store, columns: str, where: str = "1 = 1") -> list[tuple[Any, ...]]:
    return stored(store, f"SELECT {columns} FROM work_item WHERE {where} ORDER BY source, type, id")


def with_rules(*rules: Rule) -> RecordType:
    return replace(STORY, work_item=replace(STORY_ROLES, rules=rules))


def test_without_work_items_the_view_is_empty_and_has_all_columns(store: Store) -> None:
    fill(store, USER, User={1: {"name": "Ann"}})
    with store.read("SELECT * FROM work_item") as found:
        assert (found.columns, list(found.rows)) == (COLUMNS, [])


def test_roles_become_columns(store: Store) -> None:
    told = {"name": "Pay", "number": "S1", "state": "Done", "sprint": "Sprint 2", "release": "R1", "points": 2.5, "hours": 9}
    told |= {"project_id": 7, "project_name": "Web", "created": stamp(1), "closed": stamp(3)}
    owners = {"Owner": [(1, 0, 8, "Zoe", "User"), (1, 1, 9, "Nobody", "User"), (1, 2, 10, "Ann", "User")]}
    fill(store, STORY, links=owners, Story={1: told})
    expected = ("acme", "rally", "Story", 1, "S1", "Pay", "Done", "done", "Zoe, Ann", "Web", "Sprint 2", "R1", 2.5, None)
    (found,) = items(store, "*")
    assert found == (*expected, stamp(1), stamp(0), stamp(3), f"{URL}/show%20it?id=1&x=1")


def test_only_what_is_done_is_closed(store: Store) -> None:
    stories = {1: {"state": "Done", "closed": stamp(3)}, 2: {"state": "Done"}, 3: {"state": "Doing", "closed": stamp(3)}}
    fill(store, STORY, Story=stories)
    assert items(store, "closed_at") == [(stamp(3),), (None,), (None,)]
    show(store, Doing=Category.DONE)
    assert items(store, "closed_at") == [(stamp(3),), (None,), (stamp(3),)]


def test_the_first_field_with_a_value_plays_the_role(store: Store) -> None:
    fill(
        store,
        STORY,
        links={"Team": [(1, 0, "Blue"), (1, 1, "Red")]},
        Story={1: {"hours": 3, "day": "2026-02-03"}, 2: {"hours": 3, "points": 1, "day": "2026-02-03", "created": stamp(5)}},
    )
    assert items(store, "owner, estimate, created_at") == [
        ("Blue, Red", 3, "2026-02-03T00:00:00.000Z"),
        (None, 1, stamp(5)),
    ]


def test_a_type_without_a_key_has_its_name_and_the_id(store: Store) -> None:
    fill(store, TICKET, ticket={17: {"subject": "Help", "owner_name": "Nobody"}, 18: {"owner_name": "Ann"}})
    expected = [("ticket/17", None, None, "todo", f"{URL}/t/17"), ("ticket/18", "Ann", None, "todo", f"{URL}/t/18")]
    assert items(store, "key, owner, parent_key, state_category, url") == expected


def test_without_the_address_of_the_tracker_there_is_no_url(store: Store) -> None:
    fill(store, TICKET, ticket={17: {}})
    store.show_work_items("acme", url="", states={})
    assert items(store, "url") == [(None,)]


def test_parents_are_found_through_references_and_links(store: Store) -> None:
    above = [(4, 0, 99, "gone", "Story"), (4, 1, 1, "user", "User"), (4, 2, 17, "t", "ticket"), (4, 3, 2, "s", "Story")]
    stories = {
        1: {"number": "S1"},
        2: {"number": "S2", "epic_id": 1},
        3: {"number": "S3", "epic_id": 99, "parent_id": 17, "parent_type": "ticket"},
        4: {"number": "S4", "parent_id": 1, "parent_type": "User"},
        5: {"number": None, "epic_id": 2},
        6: {"number": "S6", "epic_id": 5},
    }
    fill(store, STORY, TICKET, USER, links={"Above": above}, Story=stories, ticket={17: {}}, User={1: {"name": "Ann"}})
    parents = [None, "S1", "ticket/17", "ticket/17", "S2", None]
    assert [each for (each,) in items(store, "parent_key", "type = 'Story'")] == parents


def test_an_equal_id_in_another_source_is_no_parent(store: Store) -> None:
    fill(store, STORY, Story={2: {"number": "S2", "epic_id": 1}})
    fill(store, STORY, source="beta", Story={1: {"number": "S1"}, 3: {"number": "S3", "epic_id": 1}})
    assert items(store, "source, key, parent_key", "key <> 'S1'") == [("acme", "S2", None), ("beta", "S3", "S1")]


CASES: list[tuple[Rule, dict[str, Any], bool]] = [
    (Rule("State", Category.DONE, ("A", "B")), {"state": "B"}, True),
    (Rule("State", Category.DONE, ("A", "B")), {"state": "b"}, False),
    (Rule("State", Category.DONE, ("A",)), {}, False),
    (Rule("State", Category.DONE), {"state": "any"}, True),
    (Rule("State", Category.DONE), {}, False),
    (Rule("State", Category.DONE, (64,)), {"state": "64"}, True),
    (Rule("Rank", Category.DONE, (64, 128)), {"rank": 128}, True),
    (Rule("Rank", Category.DONE, ("128", "x")), {"rank": 128}, True),
    (Rule("Rank", Category.DONE, ("x",)), {"rank": 128}, False),
    (Rule("Blocked", Category.DONE, (True,)), {"blocked": True}, True),
    (Rule("Blocked", Category.DONE, (True,)), {"blocked": False}, False),
    (Rule("Blocked", Category.DONE, (False,)), {}, False),
    (Rule("Closed", Category.DONE), {"closed": stamp(1)}, True),
    (Rule("Closed", Category.DONE, ("2026",)), {"closed": stamp(1)}, False),
    (Rule("Project", Category.DONE, (7,), Part.ID), {"project_id": 7}, True),
    (Rule("Project", Category.DONE, ("Web",), Part.NAME), {"project_name": "Web"}, True),
    (Rule("Phase", Category.DONE, (True,), of="Ends"), {"phase_id": 1}, True),
    (Rule("Phase", Category.DONE, (True,), of="Ends"), {"phase_id": 2}, False),
    (Rule("Phase", Category.DONE, (True,), of="Begins"), {"phase_id": 1}, False),
    (Rule("Project", Category.DONE, (True,), of="Ends"), {"project_id": 1}, False),
    (Rule("Owner", Category.DONE), {}, False),
    (Rule("Nothing", Category.DONE), {}, False),
]


def test_a_rule_holds_when_its_field_has_one_of_the_values(store: Store) -> None:
    for record_id, (rule, values, holds) in enumerate(CASES, 1):
        fill(store, with_rules(rule), PHASE, Story={record_id: values}, Phase={1: {"ends": True}, 2: {"ends": False}})
        expected = [("done" if holds else "todo",)]
        assert items(store, "state_category", f"id = {record_id}") == expected, (rule, values)


def test_the_first_rule_that_holds_decides_and_may_leave_a_record_out(store: Store) -> None:
    rules = (
        Rule("State", Category.DOING, ("Kept",)),
        Rule("Blocked", None, (True,)),
        Rule("State", Category.DONE, ("Done",)),
        Rule("Rank", None, (0,)),
        Rule("State", Category.DOING),
    )
    stories = {
        1: {"state": "Kept", "blocked": True},
        2: {"state": "Done", "blocked": True},
        3: {"state": "Done", "rank": 0},
        4: {"state": "Else", "rank": 0},
        5: {"state": "Else", "rank": 1},
        6: {},
    }
    fill(store, with_rules(*rules), Story=stories)
    assert items(store, "id, state_category") == [(1, "doing"), (3, "done"), (5, "doing"), (6, "todo")]


def test_settings_win_over_rules_and_those_of_one_type_over_those_of_all(store: Store) -> None:
    stories = {number: {"state": state} for number, state in enumerate(("done", "READY for qa", "v1.0", "Doing"), 1)}
    fill(store, STORY, TICKET, Story=stories, ticket={1: {"status": "Done"}, 2: {"status": "Doing"}})
    told = {"Done": Category.DOING, "Ready for QA": Category.DOING, "v1.0": Category.DONE, "Nowhere.Doing": Category.DOING}
    assert show(store, **told, **{"story.DONE": Category.DONE, "Ticket.doing": Category.TODO})
    assert items(store, "state_category", "type = 'Story'") == [("done",), ("doing",), ("done",), ("doing",)]
    assert items(store, "state_category", "type = 'ticket'") == [("doing",), ("todo",)]


def test_changed_settings_and_addresses_take_effect_and_unchanged_ones_write_nothing(store: Store) -> None:
    fill(store, TICKET, ticket={1: {"status": "new"}})
    assert not show(store)
    assert show(store, new=Category.DOING)
    assert not show(store, new=Category.DOING)
    assert items(store, "state_category") == [("doing",)]
    assert not store.show_work_items("acme", url="https://other", states={"new": Category.DOING})  # it looks them up
    assert items(store, "url") == [("https://other/t/1",)]
    assert show(store)
    assert items(store, "state_category") == [("todo",)]


def test_settings_and_address_survive_a_new_catalog(store: Store) -> None:
    fill(store, TICKET, ticket={1: {"status": "new"}})
    show(store, new=Category.DOING)
    store.adopt("acme", "rally", Catalog.of("2", [TICKET, USER]), now=NOW)
    assert not show(store, new=Category.DOING)
    assert items(store, "state_category, url") == [("doing", f"{URL}/t/1")]


def test_sources_of_one_tracker_have_rules_of_their_own(store: Store) -> None:
    fill(store, STORY, Story={1: {"state": "Done"}})
    fill(store, with_rules(Rule("State", Category.DOING, ("Done",))), source="beta", Story={1: {"state": "Done"}})
    fill(store, replace(STORY, work_item=None), source="gamma", Story={1: {"state": "Done"}})
    assert items(store, "source, state_category") == [("acme", "done"), ("beta", "doing")]


def test_new_fields_and_vanished_types_are_followed(store: Store) -> None:
    fill(store, replace(STORY, fields=STORY.fields[:3]), TICKET, Story={1: {"name": "Pay"}}, ticket={1: {}})
    assert items(store, "title, estimate, owner") == [("Pay", None, None), (None, None, None)]
    fill(store, STORY, Story={2: {"name": "Buy", "points": 3}})
    assert items(store, "title, estimate") == [("Pay", None), ("Buy", 3)]
    fill(store, USER)
    assert items(store, "title") == []


def test_awkward_names_are_only_names(store: Store) -> None:
    name = 'it\'s 100% "done" \\ :x %s ß {id}'
    kind = RecordType(
        name,
        (Field(name, Kind.TEXT), Field("Above", Kind.REFERENCE, polymorphic=True)),
        Tracking.SWEEP,
        work_item=WorkItem((name,), key=name, state=(name,), parent=("Above",), address=f"/%25?{{id}}&{name}"),
    )
    kind = replace(kind, work_item=replace(kind.work_item, rules=(Rule(name, Category.DONE, (name,)),)))  # type: ignore[type-var]
    column = "it_s_100_done_x_s_id"
    values = {1: {column: name}, 2: {column: "x", "above_id": 1, "above_type": name}}
    fill(store, kind, source=name, **{name: values})
    found = items(store, "source, type, key, state_category, parent_key, url")
    url = f'{URL}/%25?1&it\'s 100% "done" \\ :x %s ß {{id}}'
    assert found == [
        (name, name, name, "done", None, url),
        (name, name, "x", "todo", name, url.replace("?1", "?2")),
    ]
    assert not show(store, name)
    assert show(store, name, **{name: Category.DOING})
    assert items(store, "state_category", "id = 1") == [("doing",)]


def test_more_types_than_one_select_may_join(store: Store) -> None:
    kinds = [replace(TICKET, name=f"Kind{number}", fields=TICKET.fields[:1]) for number in range(510)]
    fill(store, *kinds, Kind0={1: {"subject": "first"}}, Kind509={2: {"subject": "last"}})
    assert items(store, "type, title") == [("Kind0", "first"), ("Kind509", "last")]
    assert items(store, "title", "key = 'Kind509/2'") == [("last",)]


@pytest.mark.parametrize("made", ["TABLE work_item (mine integer)", "VIEW work_item AS SELECT 1 AS mine"])
def test_what_somebody_else_calls_work_item_is_left_alone(store: Store, database_url: str, made: str) -> None:
    execute(database_url, f"CREATE {made}")
    with pytest.raises(StoreError, match=r"something called work_item that mirror did not make.*rename it"):
        fill(store, TICKET)
    assert raw_rows(database_url, "SELECT count(mine) FROM work_item")


def test_a_view_that_somebody_dropped_comes_back(store: Store, database_url: str) -> None:
    fill(store, TICKET, ticket={1: {}})
    execute(database_url, "DROP VIEW work_item")
    assert show(store)
    assert items(store, "key") == [("ticket/1",)]


def test_views_that_people_made_of_it_and_their_rights_stay(store: Store, database_url: str) -> None:
    fill(store, TICKET, ticket={1: {"status": "new"}})
    execute(database_url, "CREATE VIEW mine AS SELECT key, state_category FROM work_item")
    show(store, new=Category.DONE)
    assert stored(store, "SELECT * FROM mine") == [("ticket/1", "done")]


def test_many_processes_may_show_at_once(store: Store, database_url: str) -> None:
    store.adopt("acme", "rally", Catalog.of("1", [STORY, TICKET]), now=NOW)

    def opened_and_shown(_number: int) -> bool:
        with Store.open(database_url) as other:
            return show(other)

    with ThreadPoolExecutor(6) as threads:
        assert sum(threads.map(opened_and_shown, range(6))) == 1
    assert items(store, "key") == []


def test_whoever_reads_the_view_is_not_disturbed(
    store: Store, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """On SQLite the reader keeps what it sees; on Postgres the new view waits for the next time."""
    monkeypatch.setattr(work_items, "_LOCK_MILLISECONDS", 50)
    fill(store, TICKET, ticket={number: {"status": "new"} for number in range(1, 2000)})
    with store.read("SELECT state_category FROM work_item") as reading, caplog.at_level(logging.WARNING):
        assert next(reading.rows) == ("todo",)
        replaced = show(store, new=Category.DONE)
        assert {each for (each,) in reading.rows} == {"todo"}
    assert replaced or "view not replaced" in caplog.text
    assert show(store, new=Category.DONE) is not replaced
    assert stored(store, "SELECT DISTINCT state_category FROM work_item") == [("done",)]


@pytest.mark.parametrize(("kind", "key"), [(STORY, "S7"), (TICKET, "ticket/7")], ids=["own", "numbered"])
def test_a_key_is_found_by_an_index(store: Store, database_url: str, kind: RecordType, key: str) -> None:
    layout = store.adopt("acme", "rally", Catalog.of("1", [kind]), now=NOW).layouts[kind.name]
    show(store)
    own = [{"number": f"S{number}"} if kind is STORY else {} for number in range(3000)]
    store.apply(page(layout, *(row(layout, number, **each) for number, each in enumerate(own))), now=NOW)
    store.index(layout)
    execute(database_url, f"ANALYZE {layout.table}")
    assert items(store, "id", f"key = '{key}'") == [(7,)]
    explain = "EXPLAIN QUERY PLAN" if database_url.startswith("sqlite") else "EXPLAIN"
    plan = " ".join(str(each[-1]) for each in stored(store, f"{explain} SELECT title FROM work_item WHERE key = '{key}'"))
    assert "(source=? AND " in plan or f"= '{key}'::text))" in plan
    assert "Index Scan" in plan or "USING INDEX" in plan


def test_only_the_tables_that_a_query_is_about_are_planned(postgres: PostgresServer) -> None:
    with postgres.fresh_url() as url, Store.open(url) as store:
        fill(store, STORY, TICKET, Story={1: {}}, ticket={1: {}})
        plan = str(stored(store, "EXPLAIN SELECT title FROM work_item WHERE type = 'ticket' AND source = 'acme'"))
    assert "rally_ticket" in plan
    assert "rally_story" not in plan


def test_indexes_are_made_once_for_all_sources_of_a_tracker(store: Store) -> None:
    for source in ("acme", "bolt", "acme"):
        for layout in store.adopt(source, "rally", Catalog.of("1", [TICKET, STORY]), now=NOW).layouts.values():
            store.index(layout)
