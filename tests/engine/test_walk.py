"""After anything that happens on the tracker, one further sync makes every table equal to it, field by field."""

from __future__ import annotations

from mirror.simulators.rally import RallySimulator
from mirror.store.store import Store
from tests.support.rally import sync
from tests.support.rally_truth import differences
from tests.support.rally_walk import Walk

ROUNDS, STEPS = 4, 30
_AGAINST_US = {
    "links_move_both_ends": False,
    "restore_moves_stamp": False,
    "delete_moves_referrers": False,
    "bin_for_all": False,
    "late_roll_up": True,
    "schema_change_moves_stamps": False,
    "discussion_moves_artifact": False,
    "attachment_moves_artifact": False,
    "result_moves_test_case": False,
    "shuffled_order": True,
    "page_shift": 1,
    "page_size_cap": 20,
}


def expect_equal(store: Store, tracker: RallySimulator, walk: Walk) -> None:
    """Fail with the steps that led here when a table differs from the tracker."""
    found = differences(store, "acme", tracker)
    assert not found, "\n".join(["differences:", *found[:20], "after:", *walk.done[-STEPS * 2 :]])


def test_one_sync_after_random_edits_makes_every_table_equal(seeded_store: tuple[Store, int]) -> None:
    store, seed = seeded_store
    with RallySimulator(records=250, seed=seed) as tracker:
        walk = Walk(tracker, seed)
        assert sync(tracker, store).exit_code == 0
        expect_equal(store, tracker, walk)
        for _ in range(ROUNDS):
            walk.steps(STEPS)
            report = sync(tracker, store, allow_mass_delete=True)
            assert report.exit_code == 0, report.failed
            expect_equal(store, tracker, walk)


def test_edits_between_the_pages_of_a_running_sync_are_found_by_the_next(seeded_store: tuple[Store, int]) -> None:
    store, seed = seeded_store
    with RallySimulator(records=250, seed=seed) as tracker:
        tracker.switches = tracker.switches.with_changes({"page_size_cap": 20})
        walk = Walk(tracker, 100 + seed, access=False)
        stop = tracker.on_request(lambda _request: walk.steps(1) if walk.random.random() < 0.3 else None)
        for _ in range(3):
            sync(tracker, store, allow_mass_delete=True)
        stop()
        report = sync(tracker, store, allow_mass_delete=True)
        assert report.exit_code == 0, report.failed
        expect_equal(store, tracker, walk)


def test_every_open_question_answered_against_us_still_ends_equal(seeded_store: tuple[Store, int]) -> None:
    store, seed = seeded_store
    with RallySimulator(records=250, seed=seed) as tracker:
        tracker.switches = tracker.switches.with_changes(_AGAINST_US)
        walk = Walk(tracker, 200 + seed)
        sync(tracker, store)
        for _ in range(ROUNDS):
            walk.steps(STEPS)
            tracker.world.roll_up()
            report = sync(tracker, store, allow_mass_delete=True)
            assert report.exit_code == 0, report.failed
            expect_equal(store, tracker, walk)
