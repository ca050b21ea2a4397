"""What survives between runs: slices, watermarks, notes, runs and their failures, and the state of each type."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, timezone

import pytest

from mirror.model.event import Tally
from mirror.model.page import BadRecord, Fate, KeyRange
from mirror.model.progress import Failure, Slice, Watermark
from mirror.store.store import Store
from tests.store.samples import NOW, defects, page, row, stored


def part(after: int, until: int | None, *, type_name: str = "Defect", done: bool = False) -> Slice:
    return Slice("acme", type_name, after, until, NOW, done)


def test_slices_are_found_again_until_the_load_is_finished(store: Store, database_url: str) -> None:
    defects(store)
    plan = [part(0, 100), part(100, 2**60), part(2**60, None)]
    store.plan_load("acme", "Defect", plan)
    store.plan_load("acme", "Tag", [part(0, None, type_name="Tag")])
    with Store.open(database_url) as other:
        assert other.open_slices("acme") == [*plan, part(0, None, type_name="Tag")]
    store.finish_load("acme", "Defect", NOW)
    assert store.open_slices("acme") == [part(0, None, type_name="Tag")]
    assert store.open_slices("beta") == []


def test_a_slice_moves_on_with_its_pages_and_stays_listed_when_done(store: Store) -> None:
    layout = defects(store)
    store.plan_load("acme", "Defect", [part(0, 10), part(10, None)])
    store.apply(page(layout, row(layout, 5)), now=NOW, progress=part(5, 10))
    store.apply(page(layout, row(layout, 50)), now=NOW, progress=part(50, None, done=True))
    assert store.open_slices("acme") == [part(5, 10), part(50, None, done=True)]


def test_a_new_plan_replaces_the_old(store: Store) -> None:
    store.plan_load("acme", "Defect", [part(0, 10), part(10, None)])
    store.plan_load("acme", "Defect", [part(3, None)])
    assert store.open_slices("acme") == [part(3, None)]


@pytest.mark.parametrize("watermark", [NOW, None])
def test_a_finished_load_counts_as_loaded(store: Store, watermark: datetime | None) -> None:
    defects(store)
    assert store.loaded_types("acme") == set()
    store.finish_load("acme", "Defect", watermark)
    assert store.loaded_types("acme") == {"Defect"}
    assert store.watermarks("acme") == ({"Defect": Watermark(watermark)} if watermark else {})


def test_watermarks_are_instants_wherever_they_were_told(store: Store) -> None:
    store.set_watermarks("acme", {"Defect": Watermark(datetime(2026, 7, 1, 2, 30, tzinfo=timezone(timedelta(hours=2))), 7)})
    store.set_watermarks("acme", {"Tag": Watermark(datetime(1969, 1, 1, tzinfo=UTC))})
    store.set_watermarks("beta", {"Defect": Watermark(NOW)})
    expected = {
        "Defect": Watermark(datetime(2026, 7, 1, 0, 30, tzinfo=UTC), 7),
        "Tag": Watermark(datetime(1969, 1, 1, tzinfo=UTC)),
    }
    assert store.watermarks("acme") == expected
    assert all(each.at.utcoffset() == timedelta(0) for each in store.watermarks("acme").values())


def test_a_watermark_is_never_rounded_up(store: Store) -> None:
    store.set_watermarks("acme", {"Defect": Watermark(NOW.replace(microsecond=999_999))})
    assert store.watermarks("acme")["Defect"].at == NOW.replace(microsecond=999_000)


def test_notes_are_replaced_by_key(store: Store) -> None:
    store.note("acme", "a", "1")
    store.note("acme", "a", "ü\n2")
    store.note("beta", "a", "3")
    assert store.notes("acme") == {"a": "ü\n2"}


def test_failures_are_those_of_the_last_run_that_ended(store: Store) -> None:
    failures = [Failure("Defect", "load", "gave up"), Failure("Tag", "changes", "no answer")]
    first = store.begin_run("acme", NOW)
    store.end_run(first, NOW, tally=Tally(1, 2, 3, 4, 5), requests=6, outcome="incomplete", failures=failures)
    store.begin_run("acme", NOW)
    other = store.begin_run("beta", NOW)
    store.end_run(other, NOW, tally=Tally(), requests=0, outcome="done", failures=[])
    assert store.failures("acme") == failures
    query = "SELECT inserted, updated, unchanged, tombstoned, quarantined, requests, outcome FROM mirror_run WHERE id = "
    assert stored(store, f"{query}{first}") == [(1, 2, 3, 4, 5, 6, "incomplete")]
    last = store.begin_run("acme", NOW)
    store.end_run(last, NOW, tally=Tally(), requests=1, outcome="done", failures=[])
    assert store.failures("acme") == []


def test_the_state_of_each_type_is_told(store: Store) -> None:
    layout = defects(store)
    store.apply(page(layout, *(row(layout, each) for each in (1, 2, 3)), bad=[BadRecord(9, "odd", "{}")]), now=NOW)
    store.tombstone(layout, [3], fate=Fate.DELETED, now=NOW)
    store.finish_load("acme", "Defect", NOW)
    defect, tag, user = store.status("acme")
    assert (defect.type_name, defect.table, defect.rows, defect.tombstones) == ("Defect", "rally_defect", 2, 1)
    assert (defect.quarantined, defect.watermark, defect.synced_at, defect.state) == (1, NOW, NOW, "offered")
    assert (tag.rows, tag.watermark, tag.synced_at, user.type_name) == (0, None, None, "User")


def test_a_quiet_sync_shows_in_the_state_too(store: Store) -> None:
    defects(store)
    store.set_watermarks("acme", {"Defect": Watermark(NOW)}, now=NOW + timedelta(minutes=5))
    assert store.status("acme")[0].synced_at == NOW + timedelta(minutes=5)


def test_keys_are_listed_in_order_within_a_range(store: Store) -> None:
    layout = defects(store)
    store.apply(page(layout, *(row(layout, each, f"r{each}") for each in (5, 1, 2**60, 9))), now=NOW)
    assert store.keys(layout, KeyRange()) == [(1, "r1"), (5, "r5"), (9, "r9"), (2**60, f"r{2**60}")]
    assert store.keys(layout, KeyRange(1, 9)) == [(5, "r5"), (9, "r9")]
    assert store.count(layout, KeyRange(1, 9)) == 2
    assert store.newest(layout) == 2**60
    assert store.revisions(layout, [1, 2, 9]) == {1: "r1", 9: "r9"}


RANGES: list[tuple[Sequence[int], KeyRange, list[tuple[int, int | None]]]] = [
    ([], KeyRange(), [(0, None)]),
    ([7], KeyRange(), [(0, None)]),
    (range(1, 4), KeyRange(), [(0, None)]),
    (range(1, 5), KeyRange(), [(0, 3), (3, None)]),
    (range(1, 7), KeyRange(), [(0, 3), (3, None)]),
    (range(10, 80, 10), KeyRange(), [(0, 30), (30, 60), (60, None)]),
    (range(10, 80, 10), KeyRange(10, 65), [(10, 40), (40, 65)]),
    (range(10, 80, 10), KeyRange(500, 600), [(500, 600)]),
]


def test_ranges_hold_as_many_ids_as_asked_and_cover_everything(store: Store) -> None:
    layout = defects(store)
    for ids, within, expected in RANGES:
        store.tombstone(layout, [key for key, _ in store.keys(layout, KeyRange())], fate=Fate.DELETED, now=NOW)
        store.apply(page(layout, *(row(layout, each) for each in ids)), now=NOW)
        assert store.boundaries(layout, 3, within) == [KeyRange(*each) for each in expected], (ids, within)


def test_ends_of_links_are_listed_by_field(store: Store) -> None:
    layout = defects(store)
    links = {"Tags": [(1, 0, 10, "a", None), (2, 0, 11, "b", "Tag")], "Words": [(1, 0, "w")]}
    store.apply(page(layout, row(layout, 1), row(layout, 2), links=links), now=NOW)
    assert store.link_targets(layout, [1]) == {"Tags": {(1, 10, None)}, "Related": set()}
    assert store.link_targets(layout, [1, 2, 3])["Tags"] == {(1, 10, None), (2, 11, "Tag")}
