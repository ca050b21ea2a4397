"""Whatever a tracker holds arrives unchanged: huge ids, long HTML, emoji, control characters, nulls, old dates."""

from __future__ import annotations

import json

import pytest

from mirror.simulators.rally import RallySimulator
from mirror.store.store import Store
from tests.support.rally import sync
from tests.support.rally_truth import differences, rows_of

TEXTS = {
    "long html": "<p>" + "ä&amp;✓<br/>" * 2500 + "</p>",
    "emoji": "👩‍👩‍👧‍👦 🏳️‍🌈 ok",
    "control characters": "a\tb\nc\u0001d\u001fe\u007ff\u0085g\u2028h",
    "quotes": 'it\'s "quoted" \\ back`tick; DROP TABLE x; -- %s %% :name',
    "right to left": "\u202eabc\u202c אבג",
    "blanks": "  leading and trailing  ",
}


@pytest.mark.parametrize("kind", TEXTS)
def test_text_arrives_unchanged(each_store: Store, kind: str) -> None:
    with RallySimulator(records=50, seed=1) as tracker:
        key = tracker.world.create("Defect", {"Name": "x", "Notes": TEXTS[kind]})
        sync(tracker, each_store)
        row = next(each for each in rows_of(each_store, each_store.layouts("acme")["Defect"]) if each["id"] == key)
        assert row["notes"] == TEXTS[kind]


def test_a_nul_character_is_kept_even_where_the_database_has_no_place_for_it(each_store: Store) -> None:
    with RallySimulator(records=50, seed=1) as tracker:
        key = tracker.world.create("Defect", {"Name": "x", "Notes": "a\u0000b"})
        assert sync(tracker, each_store).exit_code == 0
        row = next(each for each in rows_of(each_store, each_store.layouts("acme")["Defect"]) if each["id"] == key)
        extra = row["_extra"]
        kept = json.loads(extra) if isinstance(extra, str) else (extra or {})
        assert "a\u0000b" in (row["notes"], kept.get("Notes"))


def test_ids_above_two_to_the_53_and_dates_before_1970_are_exact(each_store: Store) -> None:
    with RallySimulator(records=300, seed=1) as tracker:
        key = tracker.world.create("Defect", {"Name": "old", "TargetDate": "1931-07-04T05:06:07.089Z"})
        assert key > 2**53
        sync(tracker, each_store)
        row = next(each for each in rows_of(each_store, each_store.layouts("acme")["Defect"]) if each["id"] == key)
        assert str(row["target_date"]).replace(" ", "T").startswith("1931-07-04T05:06:07.089")
        assert differences(each_store, "acme", tracker) == []


def test_everything_the_simulator_seeds_arrives_unchanged(each_store: Store) -> None:
    with RallySimulator(records=1500, seed=11) as tracker:
        report = sync(tracker, each_store)
        assert report.tally.quarantined == 0
        assert differences(each_store, "acme", tracker) == []
