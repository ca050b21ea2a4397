"""Whole records compared with what is stored, and the note of what a verification found."""

from __future__ import annotations

from contextlib import closing
from datetime import timedelta
from typing import Any

from mirror.model.page import BadRecord, LinkRow, Page
from mirror.model.verification import Verification
from mirror.store.database import Database
from mirror.store.store import Store
from tests.store.samples import DEFECT, NOW, TAG, adopt, defects, page, row, stamp, stored

VALUES: dict[str, Any] = {
    "name": "é", "estimate": 0.5, "rank": 3, "blocked": True, "opened": stamp(7), "due": "2026-02-03", "shape": '{"a": 1}',
    "owner_id": 5, "owner_name": "ann",
}  # fmt: skip
LINKS: dict[str, list[LinkRow]] = {
    "Tags": [(1, 0, 10, "red", None), (1, 1, 11, "blue", "Tag")],
    "Words": [(1, 0, "one"), (1, 1, "two")],
}


def compared(store: Store, given: Page) -> dict[int, dict[str, tuple[object, object]]]:
    """Return id -> column or link table -> both values, of what differs."""
    found = store.compare(given, now=NOW).differing
    return {key: {one.name: (one.here, one.there) for one in some} for key, some in found.items()}


def test_what_was_stored_is_the_same(store: Store) -> None:
    layout = defects(store)
    given = page(layout, row(layout, 1, extra_json='{"x": 1}', **VALUES), row(layout, 2), links=LINKS)
    store.apply(given, now=NOW)
    found = store.compare(given, now=NOW + timedelta(hours=1))
    assert (found.unknown, found.differing, found.bad) == (frozenset(), {}, {})


def test_a_value_that_is_written_otherwise_is_the_same(store: Store) -> None:
    layout = defects(store)
    store.apply(page(layout, row(layout, 1, **VALUES)), now=NOW)
    same = {"estimate": "0.50", "rank": 3, "due": "2026-02-03", "blocked": bool(1), "shape": '{"a": 1}'}
    for column, value in same.items():
        assert compared(store, page(layout, row(layout, 1, **VALUES | {column: value}))) == {}, column


OTHERS: list[tuple[str, object]] = [
    ("name", "e"),
    ("name", None),
    ("estimate", 0.5001),
    ("rank", 2**62),
    ("blocked", False),
    ("opened", stamp(8)),
    ("due", "2026-02-04"),
    ("shape", '{"a": 2}'),
    ("owner_name", "anna"),
]


def test_another_value_is_told_with_the_stored_one(store: Store) -> None:
    layout = defects(store)
    store.apply(page(layout, row(layout, 1, **VALUES), row(layout, 2)), now=NOW)
    for column, other in OTHERS:
        found = compared(store, page(layout, row(layout, 1, **VALUES | {column: other}), row(layout, 2)))
        assert {key: list(cells) for key, cells in found.items()} == {1: [column]}, (column, other)
        here, there = found[1][column]
        assert here != there
        assert stored(store, f"SELECT {column} FROM rally_defect WHERE id = 1") == [(here,)]


OTHER_LINKS: list[tuple[str, list[LinkRow], list[str]]] = [
    ("Tags", [], []),
    ("Tags", [(1, 0, 11, "blue", "Tag"), (1, 1, 10, "red", None)], ["11 blue Tag", "10 red"]),
    ("Tags", [(1, 0, 10, "RED", None), (1, 1, 11, "blue", "Tag")], ["10 RED", "11 blue Tag"]),
    ("Words", [(1, 0, "one")], ["one"]),
]


def test_other_links_are_told_in_their_order(store: Store) -> None:
    layout = defects(store)
    store.apply(page(layout, row(layout, 1), links=LINKS), now=NOW)
    for field, rows, there in OTHER_LINKS:
        here = {"Tags": ["10 red", "11 blue Tag"], "Words": ["one", "two"]}[field]
        found = compared(store, page(layout, row(layout, 1), links=LINKS | {field: rows}))
        assert found == {1: {f"rally_defect__{field.lower()}": (here, there)}}, rows


def test_revision_stamp_and_what_has_no_column_are_compared_too(store: Store) -> None:
    layout = defects(store)
    store.apply(page(layout, row(layout, 1)), now=NOW)
    given = page(layout, row(layout, 1, "2", at=stamp(9), extra_json='{"x": 1}'))
    assert compared(store, given)[1] == {
        "_revision": ("1", "2"), "_changed_at": (stamp(0), stamp(9)), "_extra": (None, '{"x": 1}')
    }  # fmt: skip


def test_values_that_had_to_be_made_storable_are_the_same(store: Store) -> None:
    layout = defects(store)
    rows = [row(layout, 1, name="nul \x00 \ud800"), row(layout, 2, rank=2**70), row(layout, 3, due="soon")]
    links: dict[str, list[LinkRow]] = {"Words": [(1, 0, "\x00"), (3, 0, "a"), (3, 0, "b")]}
    given = page(layout, *rows, row(layout, 4), links=links)
    store.apply(given, now=NOW)
    assert compared(store, given) == {}
    changed = page(layout, *rows, row(layout, 4, name="four"), links=links)
    assert compared(store, changed) == {4: {"name": (None, "four")}}


def test_records_that_are_not_stored_or_cannot_be_are_named(store: Store) -> None:
    layout = defects(store)
    store.apply(page(layout, row(layout, 1)), now=NOW)
    bad = BadRecord(3, "its name is a number", "{}")
    found = store.compare(page(layout, row(layout, 1), row(layout, 2), bad=[bad]), now=NOW)
    assert (found.unknown, found.differing, found.bad) == (frozenset({2}), {}, {3: bad.reason})


def test_comparing_writes_nothing(store: Store) -> None:
    layout = defects(store)
    store.apply(page(layout, row(layout, 1, **VALUES), row(layout, 2), links=LINKS), now=NOW)
    tables = ("rally_defect", "rally_defect__tags", "rally_defect__words", "mirror_quarantine", "mirror_type")
    before = [stored(store, f"SELECT * FROM {each} ORDER BY 1, 2, 3") for each in tables]
    store.compare(page(layout, row(layout, 1, "2", name="x"), row(layout, 3), row(layout, 4, name=object())), now=NOW)
    assert [stored(store, f"SELECT * FROM {each} ORDER BY 1, 2, 3") for each in tables] == before


def test_links_without_their_row_do_not_keep_a_record_out(store: Store, database_url: str) -> None:
    layout = defects(store)
    given = page(layout, row(layout, 1), row(layout, 2), links=LINKS)
    store.apply(given, now=NOW)
    # As the mirror itself does it: when others delete a row, the triggers take its links along.
    with closing(Database.connect(database_url)) as ours, ours.write() as connection:
        connection.exec_driver_sql("DELETE FROM rally_defect WHERE id = 1")
    assert store.compare(given, now=NOW).unknown == {1}
    assert store.apply(given, now=NOW).tally.inserted == 1
    assert compared(store, given) == {}


def test_what_people_call_a_record_is_its_key_field(store: Store) -> None:
    layouts = adopt(store, DEFECT, TAG)
    store.apply(page(layouts["Defect"], row(layouts["Defect"], 1, formatted_id="DE1"), row(layouts["Defect"], 2)), now=NOW)
    assert store.labels(layouts["Defect"], [1, 2, 3]) == {1: "DE1", 2: None}
    assert store.labels(layouts["Tag"], [1]) == {}


def test_the_last_verification_of_a_type_is_kept(store: Store) -> None:
    defects(store), defects(store, "beta")
    first = Verification("Defect", NOW, 10, missing=1, stale=2, surplus=3, sampled=4, differing=5, repaired=True)
    store.save_verifications("acme", [first, Verification("Tag", NOW, 0)])
    assert [each.verified for each in store.status("acme")] == [first, Verification("Tag", NOW, 0), None]
    second = Verification("Defect", NOW + timedelta(hours=1), 11)
    store.save_verifications("acme", [second])
    assert [each.verified for each in store.status("acme")] == [second, Verification("Tag", NOW, 0), None]
    assert [each.verified for each in store.status("beta")] == [None, None, None]


def test_a_type_is_as_fresh_as_its_newest_guarantee(store: Store) -> None:
    defects(store)
    later, latest = NOW + timedelta(hours=1), NOW + timedelta(hours=2)

    def fresh_at() -> object:
        return store.status("acme")[0].fresh_at

    assert fresh_at() is None
    store.set_complete("acme", ["Defect"], NOW)
    assert (fresh_at(), store.status("acme")[1].fresh_at) == (NOW, None)
    store.save_verifications("acme", [Verification("Defect", later, 10)])
    assert fresh_at() == later
    store.save_verifications("acme", [Verification("Defect", latest, 10, stale=1)])
    assert fresh_at() == NOW
    store.save_verifications("acme", [Verification("Defect", latest, 10, stale=1, repaired=True)])
    assert fresh_at() == latest
