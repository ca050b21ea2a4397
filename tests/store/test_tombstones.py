"""Records that vanish keep their last row, and come back without a trace."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

from mirror.model.page import Fate, KeyRange
from mirror.store.store import Store
from tests.store.samples import DEFECT, NOW, adopt, defects, page, row, stamp, stored


def test_the_whole_last_row_and_its_links_are_kept(store: Store) -> None:
    layout = defects(store)
    values = {
        "name": "gone \ud7ff", "estimate": 0.25, "rank": 2**62, "blocked": True, "opened": stamp(7), "due": "2026-02-03",
        "shape": '{"a": 1}', "owner_id": 5, "owner_name": "ann",
    }  # fmt: skip
    links = {"Tags": [(1, 0, 10, "red", None), (1, 1, 11, "blue", "Tag")], "Words": [(1, 0, "w"), (2, 0, "other")]}
    store.apply(page(layout, row(layout, 1, extra_json='{"x": 1}', **values), row(layout, 2), links=links), now=NOW)
    at = {1: "2026-02-01T10:00:00.500Z"}
    assert store.tombstone(layout, [1, 77], fate=Fate.MERGED, now=NOW, deleted_at=at, into={1: 2}) == 1
    query = "SELECT reason, deleted_at, merged_into, tombstoned_at, last_row, last_links FROM mirror_tombstone"
    [(reason, deleted_at, into, buried_at, last_row, last_links)] = stored(store, query)
    assert (reason, deleted_at, into, buried_at) == ("merged", at[1], 2, "2026-03-01T12:00:00.123Z")
    kept = json.loads(last_row)
    assert kept.items() >= (values | {"id": 1, "source": "acme", "_revision": "1", "_extra": '{"x": 1}'}).items()
    assert kept["_changed_at"] == stamp(0)
    assert json.loads(last_links) == {
        "rally_defect__tags": [[0, 10, "red", None], [1, 11, "blue", "Tag"]],
        "rally_defect__words": [[0, "w"]],
    }
    assert stored(store, "SELECT id FROM rally_defect") == [(2,)]
    assert stored(store, "SELECT id FROM rally_defect__words") == [(2,)]
    assert stored(store, "SELECT id FROM rally_defect__tags") == []


def test_values_of_vanished_fields_are_kept_too(store: Store) -> None:
    layout = defects(store)
    store.apply(page(layout, row(layout, 1, estimate=3)), now=NOW)
    fewer = replace(DEFECT, fields=tuple(each for each in DEFECT.fields if each.name != "Estimate"))
    store.tombstone(adopt(store, fewer, digest="2")["Defect"], [1], fate=Fate.DELETED, now=NOW)
    [(last_row,)] = stored(store, "SELECT last_row FROM mirror_tombstone")
    assert json.loads(last_row)["estimate"] == 3


def test_a_record_that_is_back_has_no_tombstone(store: Store) -> None:
    layout = defects(store)
    store.apply(page(layout, *(row(layout, each) for each in (1, 2, 3))), now=NOW)
    store.tombstone(layout, [1, 2], fate=Fate.UNKNOWN, now=NOW)
    assert store.apply(page(layout, row(layout, 2, "2"), row(layout, 3)), now=NOW).tally.inserted == 1
    assert store.tombstones("acme", "Defect") == [(1, Fate.UNKNOWN)]
    assert store.count(layout, KeyRange()) == 2


def test_a_record_can_vanish_twice(store: Store) -> None:
    layout = defects(store)
    for revision in ("1", "2"):
        store.apply(page(layout, row(layout, 1, revision)), now=NOW)
        assert store.tombstone(layout, [1], fate=Fate.DELETED, now=NOW) == 1
    [(last_row,)] = stored(store, "SELECT last_row FROM mirror_tombstone")
    assert json.loads(last_row)["_revision"] == "2"


def test_reasons_can_be_listed_and_amended(store: Store) -> None:
    layout = defects(store)
    store.apply(page(layout, *(row(layout, each) for each in range(1, 5))), now=NOW)
    store.tombstone(layout, [1, 2], fate=Fate.UNKNOWN, now=NOW)
    store.tombstone(layout, [3], fate=Fate.NO_ACCESS, now=NOW)
    assert store.set_reason(layout, [1, 4], Fate.MERGED, now=NOW, into={1: 9}, deleted_at={1: stamp(5)}) == 1
    assert store.tombstones("acme", "Defect") == [(1, Fate.MERGED), (2, Fate.UNKNOWN), (3, Fate.NO_ACCESS)]
    assert store.tombstones("acme", "Defect", Fate.NO_ACCESS) == [(3, Fate.NO_ACCESS)]
    query = "SELECT merged_into, deleted_at FROM mirror_tombstone WHERE id = 1"
    assert stored(store, query) == [(9, stamp(5))]


def test_other_types_and_sources_keep_their_rows(store: Store) -> None:
    layout, other = defects(store), defects(store, "beta")
    for each in (layout, other):
        store.apply(page(each, row(each, 1), links={"Tags": [(1, 0, 5, "t", None)]}), now=NOW)
    store.tombstone(layout, [1], fate=Fate.DELETED, now=NOW)
    assert stored(store, "SELECT source FROM rally_defect") == [("beta",)]
    assert stored(store, "SELECT source FROM rally_defect__tags") == [("beta",)]
    assert store.tombstones("beta", "Defect") == []


def test_thousands_vanish_in_one_step(store: Store) -> None:
    layout = defects(store)
    ids = range(1, 7_001)
    store.apply(page(layout, *(row(layout, each) for each in ids)), now=NOW)
    assert store.tombstone(layout, ids, fate=Fate.OUT_OF_SCOPE, now=NOW + timedelta(hours=1)) == 7_000
    assert store.count(layout, KeyRange()) == 0
