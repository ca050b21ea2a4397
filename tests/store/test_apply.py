"""Pages become rows: what is written, what is left alone, and what goes with it."""

from __future__ import annotations

import threading
from datetime import timedelta
from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mirror.model.event import Tally
from mirror.model.layout import Layout
from mirror.model.page import BadRecord, Fate, KeyRange
from mirror.model.progress import Slice
from mirror.store.store import Store
from tests.store.samples import NOW, defects, page, row, stamp, stored, value

LATER = NOW + timedelta(hours=1)
NUMBERS = count(1)


def everything(store: Store) -> list[list[tuple[Any, ...]]]:
    """Return all rows of the record and link tables."""
    tables = ("rally_defect", "rally_defect__tags", "rally_defect__related", "rally_defect__words", "mirror_quarantine")
    return [sorted(stored(store, f"SELECT * FROM {table}"), key=repr) for table in tables]


def test_a_page_applied_twice_changes_nothing(store: Store) -> None:
    layout = defects(store)
    links = {"Tags": [(1, 0, 10, "red", None), (1, 1, 11, "blue", None)], "Words": [(2, 0, "a")]}
    given_page = page(layout, row(layout, 1, name="one"), row(layout, 2), links=links, bad=[BadRecord(9, "odd", "{}")])
    assert store.apply(given_page, now=NOW).tally == Tally(inserted=2, quarantined=1)
    before = everything(store)
    assert store.apply(given_page, now=NOW).tally == Tally(unchanged=2, quarantined=1)
    assert store.apply(given_page, now=NOW, force=True).tally == Tally(unchanged=2, quarantined=1)
    assert everything(store) == before


def test_unchanged_rows_keep_the_time_they_were_stored(store: Store) -> None:
    layout = defects(store)
    store.apply(page(layout, row(layout, 1), row(layout, 2)), now=NOW)
    store.apply(page(layout, row(layout, 1), row(layout, 2, "2")), now=LATER)
    times = stored(store, "SELECT _synced_at FROM rally_defect ORDER BY id")
    assert times == [("2026-03-01T12:00:00.123Z",), ("2026-03-01T13:00:00.123Z",)]


def test_a_row_wins_with_another_revision_and_no_older_change(store: Store) -> None:
    layout = defects(store)
    newcomers = [("1", 10, False), ("1", 20, False), ("2", 9, False), ("2", 10, True), ("2", 11, True), ("0", 11, True)]
    for record_id, (revision, minutes, wins) in enumerate(newcomers, 1):
        store.apply(page(layout, row(layout, record_id, "1", at=stamp(10), name="old")), now=NOW)
        newer = row(layout, record_id, revision, at=stamp(minutes), name="new")
        tally = store.apply(page(layout, newer), now=NOW).tally
        expected = ("new", Tally(updated=1)) if wins else ("old", Tally(unchanged=1))
        assert (value(store, "name", record_id), tally) == expected, (revision, minutes)


def test_force_writes_what_differs_even_when_it_is_older(store: Store) -> None:
    layout = defects(store)
    store.apply(page(layout, row(layout, 1, at=stamp(10), name="old"), row(layout, 2, name="same")), now=NOW)
    older = page(layout, row(layout, 1, at=stamp(5), name="new"), row(layout, 2, name="same"))
    assert store.apply(older, now=NOW, force=True).tally == Tally(updated=1, unchanged=1)
    assert value(store, "name", 1) == "new"


DIFFERENCES: list[tuple[str, Any, Any]] = [
    ("name", "a", "b"), ("name", "a", None), ("name", None, ""), ("estimate", 1, 1.5), ("rank", 2**60, 2**60 + 1),
    ("blocked", True, False), ("blocked", False, None), ("opened", stamp(1), stamp(2)),
    ("due", "2026-01-01", "1970-01-01"),
    ("shape", '{"a":1}', '{"a":2}'), ("owner_id", 7, None), ("parent_type", "Defect", "Story"),
]  # fmt: skip


def test_force_sees_a_difference_in_any_kind_of_column(store: Store) -> None:
    layout = defects(store)
    for record_id, (column, before, after) in enumerate(DIFFERENCES, 1):
        old, new = (page(layout, row(layout, record_id, **{column: each})) for each in (before, after))
        store.apply(old, now=NOW)
        assert store.apply(old, now=NOW, force=True).tally == Tally(unchanged=1), (column, before)
        assert store.apply(new, now=NOW, force=True).tally == Tally(updated=1), (column, before, after)
        assert value(store, column, record_id) == after, (column, before)


def test_force_sees_differences_in_revision_extra_and_links(store: Store) -> None:
    layout = defects(store)
    links = {"Tags": [(1, 0, 10, "red", None)]}
    store.apply(page(layout, row(layout, 1), links=links), now=NOW)
    steps = [
        (page(layout, row(layout, 1, "2"), links=links), True),
        (page(layout, row(layout, 1, "2", extra_json='{"a": 1}'), links=links), True),
        (page(layout, row(layout, 1, "2", extra_json='{"a": 1}'), links={"Tags": [(1, 0, 10, "rot", None)]}), True),
        (page(layout, row(layout, 1, "2", extra_json='{"a": 1}'), links={"Tags": [(1, 0, 10, "rot", None)]}), False),
        (page(layout, row(layout, 1, "2", extra_json='{"a": 1}')), True),
    ]
    for given_page, differs in steps:
        assert store.apply(given_page, now=NOW, force=True).tally == (Tally(updated=1) if differs else Tally(unchanged=1))


def test_links_of_changed_owners_are_replaced_and_others_stay(store: Store) -> None:
    layout = defects(store)
    first = {"Tags": [(1, 0, 10, "red", None), (1, 1, 11, "blue", None), (2, 0, 10, "red", None)], "Words": [(1, 0, "w")]}
    store.apply(page(layout, row(layout, 1), row(layout, 2), links=first), now=NOW)
    second = {"Tags": [(1, 0, 12, "green", "Tag"), (2, 0, 99, "ignored", None)]}
    store.apply(page(layout, row(layout, 1, "2"), row(layout, 2), links=second), now=NOW)
    query = "SELECT id, position, target_id, target_name, target_type FROM rally_defect__tags ORDER BY id, position"
    assert stored(store, query) == [(1, 0, 12, "green", "Tag"), (2, 0, 10, "red", None)]
    assert stored(store, "SELECT * FROM rally_defect__words") == []


def test_of_rows_with_one_id_the_one_changed_last_is_stored(store: Store) -> None:
    layout = defects(store)
    rows = [row(layout, 1, "3", at=stamp(3), name="last"), row(layout, 1, "1", at=stamp(1)), row(layout, 2), row(layout, 2)]
    assert store.apply(page(layout, *rows), now=NOW).tally == Tally(inserted=2)
    assert value(store, "name", 1) == "last"


def test_names_that_changed_are_told(store: Store) -> None:
    layout = defects(store)
    store.apply(page(layout, *(row(layout, each, name=f"n{each}") for each in (1, 2, 3))), now=NOW)
    changes = [row(layout, 1, "2", name="new"), row(layout, 2, "2", name="n2", rank=5), row(layout, 3, "1", name="x")]
    applied = store.apply(page(layout, *changes, row(layout, 4, name="n4")), now=NOW)
    assert applied.renamed == (1,)


def test_ids_far_apart_are_found(store: Store) -> None:
    layout = defects(store)
    store.apply(page(layout, *(row(layout, each) for each in range(1, 500))), now=NOW)
    spread = [row(layout, 1, "2"), row(layout, 250), row(layout, 499, "2"), row(layout, 2**62)]
    assert store.apply(page(layout, *spread), now=NOW).tally == Tally(inserted=1, updated=2, unchanged=1)


def test_progress_is_stored_with_the_page(store: Store) -> None:
    layout = defects(store)
    part = Slice("acme", "Defect", 0, 100, NOW)
    store.plan_load("acme", "Defect", [part, Slice("acme", "Defect", 100, None, NOW)])
    moved = Slice("acme", "Defect", 1, 100, NOW)
    store.apply(page(layout, row(layout, 1)), now=NOW, progress=moved)
    assert store.open_slices("acme") == [moved, Slice("acme", "Defect", 100, None, NOW)]


def test_an_empty_page_is_stored_with_its_progress(store: Store) -> None:
    layout = defects(store)
    done = Slice("acme", "Defect", 0, None, NOW, done=True)
    assert store.apply(page(layout), now=NOW, progress=done).tally == Tally()
    assert store.open_slices("acme") == [done]


def test_rows_of_another_source_are_not_touched(store: Store) -> None:
    one, two = defects(store), defects(store, "beta")
    store.apply(page(one, row(one, 1, name="one"), links={"Tags": [(1, 0, 5, "t", None)]}), now=NOW)
    store.apply(page(two, row(two, 1, name="two"), links={"Tags": [(1, 0, 6, "u", None)]}), now=NOW)
    store.apply(page(two, row(two, 1, "2", name="three")), now=NOW)
    assert stored(store, "SELECT source, name FROM rally_defect ORDER BY source") == [("acme", "one"), ("beta", "three")]
    assert stored(store, "SELECT source, target_id FROM rally_defect__tags") == [("acme", 5)]


def test_a_source_may_have_any_name(store: Store) -> None:
    layout = defects(store, 'it\'s 100% ?:x @synced_at@ "q"')
    store.apply(page(layout, row(layout, 1), links={"Tags": [(1, 0, 5, "t", None)]}), now=NOW)
    store.apply(page(layout, row(layout, 1, "2"), links={"Tags": [(1, 0, 6, "t", None)]}), now=NOW)
    assert stored(store, "SELECT source FROM rally_defect__tags") == [(layout.source,)]


def test_pages_may_be_stored_from_several_threads(store: Store) -> None:
    layout = defects(store)
    failures: list[BaseException] = []

    def load(first: int) -> None:
        try:
            for start in range(first, first + 200, 20):
                store.apply(page(layout, *(row(layout, each) for each in range(start, start + 20))), now=NOW)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=load, args=(first,)) for first in (1, 1001, 2001, 3001)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert failures == []
    assert store.count(layout, KeyRange()) == 800


IDS = st.integers(1, 8)
ROWS = st.tuples(
    IDS, st.sampled_from("123"), st.integers(0, 5), st.sampled_from([None, "a", "b"]), st.lists(IDS, max_size=3)
)
PAGES = st.tuples(st.just("page"), st.lists(ROWS, max_size=5, unique_by=lambda each: each[0]), st.booleans())
BURIALS = st.tuples(st.just("bury"), st.lists(IDS, max_size=3), st.just(False))
WALKS = st.lists(st.one_of(PAGES, PAGES, BURIALS), max_size=12)
SHARED_STORE = [HealthCheck.function_scoped_fixture]  # every walk has ids of its own


@settings(max_examples=25, deadline=None, suppress_health_check=SHARED_STORE)
@given(steps=WALKS)
def test_any_sequence_of_pages_and_tombstones_equals_a_dictionary(store: Store, steps: list[tuple[str, Any, bool]]) -> None:
    walk(store, steps)


@pytest.mark.slow
@settings(max_examples=500, deadline=None, suppress_health_check=SHARED_STORE)
@given(steps=WALKS)
def test_many_sequences_of_pages_and_tombstones_equal_a_dictionary(store: Store, steps: list[tuple[str, Any, bool]]) -> None:
    walk(store, steps)


def walk(store: Store, steps: list[tuple[str, Any, bool]]) -> None:
    """Apply the steps to the store and to a dictionary, and compare."""
    layout = store.layouts("acme").get("Defect") or defects(store)
    first = 100 * next(NUMBERS)
    model: dict[int, tuple[Any, ...]] = {}
    graves: set[int] = set()
    for kind, items, force in steps:
        if kind == "bury":
            ids = {first + each for each in items}
            assert store.tombstone(layout, ids, fate=Fate.DELETED, now=NOW) == len(ids & model.keys())
            graves |= ids & model.keys()
            model = {key: each for key, each in model.items() if key not in ids}
        else:
            shifted = [(first + key, *rest) for key, *rest in items]
            assert _apply(store, layout, shifted, force=force) == _expected(model, shifted, force=force)
            graves -= model.keys()
    here = f"BETWEEN {first} AND {first + 99}"
    found = stored(store, f"SELECT id, _revision, _changed_at, name FROM rally_defect WHERE id {here}")
    assert {key: tuple(rest) for key, *rest in found} == {key: each[:3] for key, each in model.items()}
    links = stored(store, f"SELECT id, target_id FROM rally_defect__tags WHERE id {here}")
    assert sorted(links) == sorted((key, target) for key, each in model.items() for target in each[3])
    assert {key for key, _ in store.tombstones("acme", "Defect") if first <= key < first + 100} == graves


def _apply(store: Store, layout: Layout, items: list[Any], *, force: bool) -> Tally:
    rows = [row(layout, key, revision, at=stamp(minute), name=name) for key, revision, minute, name, _ in items]
    links = [(key, place, target, None, None) for key, _, _, _, targets in items for place, target in enumerate(targets)]
    return store.apply(page(layout, *rows, links={"Tags": links}), now=NOW, force=force).tally


def _expected(model: dict[int, tuple[Any, ...]], items: list[Any], *, force: bool) -> Tally:
    """Apply the rows to the dictionary by the rules, in the plainest way."""
    tally = Tally()
    for key, revision, minute, name, targets in items:
        new = (revision, stamp(minute), name, tuple(targets))
        old = model.get(key)
        if old is None:
            tally += Tally(inserted=1)
        elif (new != old) if force else (new[0] != old[0] and new[1] >= old[1]):
            tally += Tally(updated=1)
        else:
            tally += Tally(unchanged=1)
            continue
        model[key] = new
    return tally
