"""Whatever a tracker holds arrives unchanged: long HTML, emoji, control characters, blanks, everything that is seeded."""

from __future__ import annotations

import pytest

from mirror.store.store import Store
from tests.contract.conftest import SetStage
from tests.support.stage import Stage, rows_of

TEXTS = {
    "long html": "<p>" + "ä&amp;✓<br/>" * 2500 + "</p>",
    "emoji": "👩‍👩‍👧‍👦 🏳️‍🌈 ok",
    "control characters": "a\tb\nc\u0001d\u001fe\u007ff\u0085g\u2028h",
    "quotes": 'it\'s "quoted" \\ back`tick; DROP TABLE x; -- %s %% :name',
    "markup": "]]><!-- & &amp; &#10; </Attribute>",
    "json": '{"value": [null, true]}',
    "right to left": "\u202eabc\u202c אבג",
    "blanks": "  leading and trailing  ",
    "a number": "007.50",
    "a date": "2026-03-01T12:00:00",
    "nothing": "null",
    "star": "*",
}


def test_texts_arrive_as_the_tracker_holds_them(each_store: Store, set_stage: SetStage) -> None:
    stage = set_stage(records=50, few=True)
    ids = {word: stage.create(text) for word, text in TEXTS.items()}
    assert stage.sync(each_store).exit_code == 0
    layout = each_store.layouts("acme")[stage.busy]
    column = next(each.name for each in layout.columns if each.field == stage.text_field)
    rows = rows_of(each_store, stage.busy)
    wrong = {word for word, key in ids.items() if rows[key][column] != stage.text_of(key)}
    assert wrong == set()
    unkept = {word for word, key in ids.items() if stage.text_of(key) != TEXTS[word]}
    assert len(unkept) <= 2, "the stage holds something else than it was given"


def test_texts_that_change_arrive_by_a_further_sync(store: Store, set_stage: SetStage) -> None:
    stage = set_stage(records=50, few=True)
    ids = {word: stage.create() for word in TEXTS}
    stage.sync(store)
    for word, key in ids.items():
        stage.edit(key, TEXTS[word])
    assert stage.sync(store).exit_code == 0
    assert stage.differences(store) == []


@pytest.mark.parametrize("few", [True, pytest.param(False, marks=pytest.mark.slow)])
def test_everything_that_is_seeded_arrives_unchanged(each_store: Store, set_stage: SetStage, few: bool) -> None:
    stage = set_stage(records=600, seed=11, few=few)
    report = stage.sync(each_store)
    assert report.exit_code == 0, report.failed
    assert report.tally.quarantined == 0
    assert stage.differences(each_store) == []


def test_the_same_record_twice_in_a_sync_is_stored_once(store: Store, stage: Stage) -> None:
    stage.small_pages()
    stage.sync(store)
    assert sorted(rows_of(store, stage.busy)) == stage.ids(stage.busy)
    report = stage.sync(store, full=True)
    assert (report.tally.inserted, report.tally.updated) == (0, 0)
