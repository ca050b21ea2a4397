"""References followed backwards: who points to a record, and the names shown for it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

import pytest

from mirror.model.layout import Layout
from mirror.model.page import KeyRange
from mirror.model.schema import Field, Kind, RecordType, Tracking
from mirror.store.store import Store
from tests.store.samples import DEFECT, NOW, TAG, USER, adopt, page, row, stored

STORY = RecordType(
    "Story",
    (
        Field("Name", Kind.TEXT),
        Field("Owner", Kind.REFERENCE, targets=("User",)),
        Field("Anything", Kind.REFERENCE),
        Field("Either", Kind.REFERENCE, targets=("User", "Tag")),
    ),
    Tracking.STAMP,
    name_field="Name",
)


@pytest.fixture
def layouts(store: Store) -> dict[str, Layout]:
    """Defects, stories, users and tags that point to each other."""
    found = adopt(store, DEFECT, STORY, USER, TAG)
    defect, story, user, tag = (found[name] for name in ("Defect", "Story", "User", "Tag"))
    store.apply(page(user, row(user, 1, user_name="ann"), row(user, 2, user_name="ben")), now=NOW)
    store.apply(page(tag, row(tag, 1, name="red"), row(tag, 9, name="blue")), now=NOW)
    rows = [
        row(defect, 10, name="ten", owner_id=1, owner_name="ann", parent_id=1, parent_name="a story", parent_type="Story"),
        row(defect, 11, name="eleven", owner_id=2, owner_name="ben", parent_id=10, parent_name="ten", parent_type="Defect"),
        row(defect, 12, name="twelve"),
    ]
    links = {
        "Tags": [(10, 0, 1, "red", None), (10, 1, 9, "blue", None), (12, 0, 1, "red", None)],
        "Related": [(12, 0, 10, "ten", "Defect"), (11, 0, 1, "a story", "Story")],
    }
    store.apply(page(defect, *rows, links=links), now=NOW)
    stories = [
        row(story, 1, name="a story", owner_id=2, owner_name="ben", anything_id=1, anything_name="?"),
        row(story, 10, either_id=1, either_name="?"),
    ]
    store.apply(page(story, *stories), now=NOW)
    return found


def referrers(store: Store, layouts: dict[str, Layout], type_name: str, ids: Collection[int]) -> dict[str, list[int]]:
    """Return type name -> ids, ascending, of whatever refers to these records: it is suspected on their account."""
    store.suspect_referrers(layouts, type_name, ids)
    source = layouts[type_name].source
    found = store.suspects(source)
    store.clear_suspects(source, found)
    return {name: sorted(found[name]) for name in sorted(found)}


REFERRERS: list[tuple[str, list[int], dict[str, list[int]]]] = [
    ("User", [1], {"Defect": [10], "Story": [1, 10]}),
    ("User", [2], {"Defect": [11], "Story": [1]}),
    ("User", [1, 2], {"Defect": [10, 11], "Story": [1, 10]}),
    ("Tag", [1], {"Defect": [10, 12], "Story": [1, 10]}),
    ("Tag", [9], {"Defect": [10]}),
    ("Defect", [10], {"Defect": [11, 12]}),
    ("Story", [1], {"Defect": [10, 11], "Story": [1]}),
    ("Story", [77], {}),
    ("Story", [], {}),
]


def test_who_points_to_a_record_is_found(store: Store, layouts: dict[str, Layout]) -> None:
    for type_name, ids, expected in REFERRERS:
        assert referrers(store, layouts, type_name, ids) == expected, (type_name, ids)


def test_an_abstract_target_may_be_any_type(store: Store) -> None:
    vague = replace(DEFECT, fields=(Field("Needs", Kind.REFERENCE, targets=("Artifact",)),), name_field=None, key_field=None)
    found = adopt(store, vague, USER)
    store.apply(page(found["Defect"], row(found["Defect"], 1, needs_id=5)), now=NOW)
    assert referrers(store, found, "User", [5]) == {"Defect": [1]}


def test_a_new_name_spreads_to_columns_and_links_and_nowhere_else(store: Store, layouts: dict[str, Layout]) -> None:
    user, tag, defect = layouts["User"], layouts["Tag"], layouts["Defect"]
    store.apply(page(user, row(user, 1, "2", user_name="Anna")), now=NOW)
    store.apply(page(tag, row(tag, 1, "2", name="crimson")), now=NOW)
    store.apply(page(defect, row(defect, 10, "2", name="TEN", owner_id=1, owner_name="ann")), now=NOW)
    assert store.spread_names(layouts, "User", [1], now=NOW) == 1
    assert store.spread_names(layouts, "Tag", [1], now=NOW) == 1
    assert store.spread_names(layouts, "Defect", [10], now=NOW) == 2
    query = "SELECT id, _revision, owner_name, parent_name FROM rally_defect ORDER BY id"
    assert stored(store, query) == [(10, "2", "Anna", None), (11, "1", "ben", "TEN"), (12, "1", None, None)]
    assert stored(store, "SELECT id, target_name FROM rally_defect__tags ORDER BY id") == [(12, "crimson")]
    related = stored(store, "SELECT id, target_name FROM rally_defect__related ORDER BY id")
    assert related == [(11, "a story"), (12, "TEN")]
    assert stored(store, "SELECT anything_name, either_name FROM rally_story ORDER BY id") == [("?", None), (None, "?")]


def test_a_place_where_the_tracker_shows_no_name_gets_none(store: Store, layouts: dict[str, Layout]) -> None:
    user, defect = layouts["User"], layouts["Defect"]
    links = {"Tags": [(30, 0, 1, None, None)]}
    store.apply(page(defect, row(defect, 30, owner_id=1, owner_name=None), links=links), now=NOW)
    store.apply(page(user, row(user, 1, "2", user_name="Anna")), now=NOW)
    assert store.spread_names(layouts, "User", None, now=NOW) == 1
    assert store.spread_names(layouts, "Tag", None, now=NOW) == 0
    assert stored(store, "SELECT id, owner_name FROM rally_defect WHERE owner_id = 1 ORDER BY id") == [
        (10, "Anna"),
        (30, None),
    ]


def test_spreading_names_that_are_right_changes_nothing(store: Store, layouts: dict[str, Layout]) -> None:
    assert [store.spread_names(layouts, name, None, now=NOW) for name in layouts] == [0, 0, 0, 0]


def test_all_names_of_a_type_can_be_spread_at_once(store: Store, layouts: dict[str, Layout]) -> None:
    user = layouts["User"]
    store.apply(page(user, row(user, 1, "2", user_name="Anna"), row(user, 2, "2", user_name=None)), now=NOW)
    assert store.spread_names(layouts, "User", None, now=NOW) == 1
    assert stored(store, "SELECT owner_name FROM rally_defect ORDER BY id") == [("Anna",), ("ben",), (None,)]


def test_names_of_records_that_are_not_stored_stay(store: Store, layouts: dict[str, Layout]) -> None:
    defect = layouts["Defect"]
    store.apply(page(defect, row(defect, 20, owner_id=404, owner_name="gone")), now=NOW)
    assert store.spread_names(layouts, "User", [404], now=NOW) == 0
    assert store.spread_names(layouts, "User", None, now=NOW) == 0
    assert stored(store, "SELECT owner_name FROM rally_defect WHERE id = 20") == [("gone",)]


def test_other_sources_are_not_touched(store: Store, layouts: dict[str, Layout]) -> None:
    other = adopt(store, DEFECT, USER, TAG, source="beta")
    store.apply(page(other["Defect"], row(other["Defect"], 10, owner_id=1, owner_name="theirs")), now=NOW)
    user = layouts["User"]
    store.apply(page(user, row(user, 1, "2", user_name="Anna")), now=NOW)
    store.spread_names(layouts, "User", [1], now=NOW)
    assert stored(store, "SELECT owner_name FROM rally_defect WHERE source = 'beta'") == [("theirs",)]
    assert referrers(store, other, "User", [1]) == {"Defect": [10]}


def test_thousands_of_ids_are_taken(store: Store, layouts: dict[str, Layout]) -> None:
    many = range(1, 12_001)
    user = layouts["User"]
    assert referrers(store, layouts, "User", many) == {"Defect": [10, 11], "Story": [1, 10]}
    assert store.spread_names(layouts, "User", many, now=NOW) == 0
    assert store.revisions(user, many) == {1: "1", 2: "1"}
    assert store.count(user, KeyRange()) == 2
