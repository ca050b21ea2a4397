"""What a further sync costs and finds: quiet ones, equal stamps, clocks that differ, replicas that lag, mass deletions."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from mirror.errors import MassDeleteError
from mirror.model.page import KeyRange
from mirror.model.schema import Tracking
from mirror.simulators.clock import ManualClock
from mirror.store.store import Store
from tests.contract.conftest import SetStage
from tests.support.stage import Stage, rows_of


def text_in_table(store: Store, stage: Stage, record_id: int) -> object:
    """Return what the mirror holds in `text_field`."""
    layout = store.layouts("acme")[stage.busy]
    column = next(each.name for each in layout.columns if each.field == stage.text_field)
    return rows_of(store, stage.busy)[record_id][column]


def test_a_quiet_sync_of_all_types_costs_few_requests_and_writes_no_row(store: Store, set_stage: SetStage) -> None:
    stage = set_stage()
    for _ in range(2):
        stage.sync(store)
    stage.requests.clear()
    report = stage.sync(store)
    asked = max(len(stage.requests), report.requests)
    types, batches = len(store.layouts("acme")), stage.connector().capabilities.batches
    assert asked <= (8 if batches else 3 * types)
    tally = report.tally
    assert (tally.inserted, tally.updated, tally.tombstoned) == (0, 0, 0)


@pytest.mark.parametrize("few_keys", [False, True], ids=["by keys", "by stamps"])
def test_the_second_sync_fetches_only_what_changed(loaded: Store, stage: Stage, few_keys: bool) -> None:
    chosen = stage.ids(stage.busy)[7]
    stage.edit(chosen, "only this one")
    report = stage.sync(loaded, few_keys=few_keys)
    assert text_in_table(loaded, stage, chosen) == stage.text_of(chosen)
    assert 1 <= report.tally.updated + report.tally.inserted <= 12  # with records that log the edit or count this one
    assert stage.differences(loaded) == []


def test_edits_that_share_a_stamp_are_all_found_by_stamp_alone(loaded: Store, stage: Stage, clock: ManualClock) -> None:
    instant = clock.now()
    for edited in stage.ids(stage.busy)[:3]:
        clock.set(instant)
        stage.edit(edited)
        stage.sync(loaded, few_keys=True)
    assert stage.differences(loaded) == []


def test_edits_behind_the_place_that_a_load_has_reached_are_found_by_stamp(store: Store, stage: Stage) -> None:
    stage.small_pages()
    edited = stage.ids(stage.busy)[:8]
    left = list(edited)

    def edit_what_was_read(_request: object) -> None:
        layout = store.layouts("acme").get(stage.busy)
        if layout is not None and left and store.revisions(layout, left[:1]):
            stage.edit(left.pop(0), "behind the reader")

    stop = stage.on_request(edit_what_was_read)
    stage.sync(store)
    stop()
    assert len(left) < len(edited)
    stage.sync(store, few_keys=True)
    assert [key for key in edited if text_in_table(store, stage, key) != stage.text_of(key) and key not in left] == []
    assert stage.differences(store) == []


def test_an_edit_that_shows_late_behind_a_newer_one_is_found(loaded: Store, stage: Stage, clock: ManualClock) -> None:
    overlap = stage.connector().capabilities.overlap.total_seconds()
    first, late = stage.ids(stage.busy)[:2]
    instant = clock.now()
    clock.advance(overlap / 2)
    stage.edit(first, "seen at once")
    stage.sync(loaded, few_keys=True, types=(stage.busy,))  # alone: no older watermark of another type helps out
    now = clock.now()
    clock.set(instant)
    stage.edit(late, "committed late, with the stamp of before")
    clock.set(now)
    stage.sync(loaded, few_keys=True, types=(stage.busy,))
    assert text_in_table(loaded, stage, late) == stage.text_of(late)
    stage.sync(loaded)
    assert stage.differences(loaded) == []


@pytest.mark.parametrize("hours", [-5, pytest.param(7, marks=pytest.mark.slow)])
def test_a_server_clock_that_differs_by_hours_changes_nothing(store: Store, stage: Stage, hours: int) -> None:
    stage.move_clock(hours * 3600.0)
    stage.sync(store)
    edited, deleted = stage.ids(stage.busy)[:2]
    stage.edit(edited)
    stage.delete(deleted)
    assert stage.sync(store, few_keys=True).exit_code == 0
    assert stage.differences(store) == []


@pytest.mark.parametrize("seconds", [-30.0, pytest.param(-3.0, marks=pytest.mark.slow)])
def test_a_server_clock_that_is_set_back_a_little_hides_no_edit(loaded: Store, stage: Stage, seconds: float) -> None:
    stage.edit(stage.ids(stage.busy)[0], "before")
    stage.sync(loaded, few_keys=True)
    stage.move_clock(seconds)
    stage.edit(stage.ids(stage.busy)[1], "after")
    assert stage.sync(loaded, few_keys=True).exit_code == 0
    assert stage.differences(loaded) == []


def test_a_record_whose_change_time_was_set_back_is_taken_by_the_second_sync(loaded: Store, stage: Stage) -> None:
    edited = stage.ids(stage.busy)[0]
    stage.edit(edited, "before")
    stage.sync(loaded, few_keys=True)
    stage.move_clock(-30.0)
    stage.edit(edited, "after")
    stage.sync(loaded, few_keys=True)
    stage.sync(loaded, few_keys=True)
    assert text_in_table(loaded, stage, edited) == stage.text_of(edited)
    assert stage.differences(loaded) == []


def test_what_a_lagging_replica_hides_is_found_once_it_shows(loaded: Store, stage: Stage, clock: ManualClock) -> None:
    stage.lag(8.0)
    clock.advance(60)
    for step, edited in enumerate(stage.ids(stage.busy)[:4]):
        stage.edit(edited, f"step {step}")
        clock.advance(5)
        stage.sync(loaded, few_keys=True)
    clock.advance(60)
    assert stage.sync(loaded, few_keys=True).exit_code == 0
    assert stage.differences(loaded) == []


def test_the_watermark_never_passes_an_edit_that_is_not_stored(loaded: Store, stage: Stage, clock: ManualClock) -> None:
    clock.advance(3600)
    overlap = stage.connector().capabilities.overlap
    ids, edited = iter(stage.ids(stage.busy)), dict[int, datetime]()

    def edit_between_requests(_request: object) -> None:
        record_id = next(ids, None)
        if record_id is not None:
            stage.edit(record_id, f"during the sync {record_id}")
            edited[record_id] = clock.now()
            clock.advance(2 * overlap.total_seconds())

    stop = stage.on_request(edit_between_requests)
    stage.sync(loaded, few_keys=True)
    stop()
    mark = loaded.watermarks("acme")[stage.busy].at
    unstored = [key for key in edited if text_in_table(loaded, stage, key) != stage.text_of(key)]
    assert unstored
    assert mark - overlap <= min(edited[key] for key in unstored)
    assert stage.sync(loaded, few_keys=True).exit_code == 0
    assert [key for key in edited if text_in_table(loaded, stage, key) != stage.text_of(key)] == []
    assert stage.differences(loaded) == []


def test_a_watermark_follows_the_tracker_and_never_runs_ahead_of_it(store: Store, stage: Stage, clock: ManualClock) -> None:
    for _ in range(3):
        stage.sync(store)
        marks = store.watermarks("acme")
        stamped = [name for name, each in store.layouts("acme").items() if each.type.tracking is Tracking.STAMP]
        assert max(marks[name].at for name in stamped) <= clock.now()
        clock.advance(3600)
    assert min(marks[name].at for name in stamped) > clock.now() - timedelta(hours=2)


def test_a_listing_that_comes_back_empty_deletes_nothing(loaded: Store, stage: Stage) -> None:
    layout = loaded.layouts("acme")[stage.busy]
    known = loaded.count(layout, KeyRange())
    stage.hide()
    report = stage.sync(loaded)
    assert report.exit_code == MassDeleteError.exit_code
    assert stage.busy in {each.type_name for each in report.refused}
    assert loaded.count(layout, KeyRange()) == known
    allowed = stage.sync(loaded, allow_mass_delete=True, full=True)  # without rights, some trackers do not even count
    assert allowed.tally.tombstoned >= known
    assert stage.differences(loaded) == []
    stage.show()
    assert stage.sync(loaded).exit_code == 0
    assert stage.differences(loaded) == []


@pytest.mark.parametrize("few_keys", [False, True], ids=["by keys", "by counts"])
def test_a_deleted_record_becomes_a_tombstone_and_comes_back_when_restored(
    loaded: Store, stage: Stage, few_keys: bool
) -> None:
    layout = loaded.layouts("acme")[stage.busy]
    deleted = stage.ids(stage.busy)[0]
    stage.delete(deleted)
    stage.sync(loaded, few_keys=few_keys)
    reasons = dict(loaded.tombstones("acme", stage.busy))
    assert deleted in reasons
    if stage.connector().capabilities.deletion_feed:
        assert str(reasons[deleted]) == "deleted"
    assert loaded.revisions(layout, [deleted]) == {}
    stage.restore(deleted)
    stage.sync(loaded, few_keys=few_keys)
    assert loaded.revisions(layout, [deleted])
    assert loaded.tombstones("acme", stage.busy) == []
    assert stage.differences(loaded) == []


def test_a_clean_up_of_a_third_is_refused_until_it_is_allowed(loaded: Store, stage: Stage) -> None:
    ids = stage.ids(stage.busy)
    feed = stage.connector().capabilities.deletion_feed
    for each in ids[: len(ids) // 3 + 6]:
        stage.delete(each)
    report = stage.sync(loaded)
    if feed:  # the tracker itself says that they were deleted
        assert report.exit_code == 0
    else:
        assert report.exit_code == MassDeleteError.exit_code
        assert stage.sync(loaded, allow_mass_delete=True).exit_code == 0
    assert stage.differences(loaded) == []
