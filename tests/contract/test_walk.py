"""After anything that happens on the tracker, one further sync makes every table equal to it, field by field."""

from __future__ import annotations

from mirror.store.store import Store
from tests.contract.conftest import QUICK, SetStage
from tests.support.stage import Stage, Walk

STEPS = 40


def rounds_of(seed: int) -> int:
    """Return how often people do something and a sync follows: less often in the walk that is no slow test."""
    return 1 if seed == QUICK else 2


def expect_equal(store: Store, stage: Stage, walk: Walk) -> None:
    """Fail with the steps that led here when a table differs from the tracker."""
    found = stage.differences(store)
    assert not found, "\n".join(["differences:", *found[:20], "after:", *walk.done[-STEPS * 2 :]])


def test_one_sync_after_random_edits_makes_every_table_equal(set_stage: SetStage, seeded_store: tuple[Store, int]) -> None:
    store, seed = seeded_store
    stage = set_stage(seed=seed)
    walk = stage.walk(seed)
    assert stage.sync(store).exit_code == 0
    expect_equal(store, stage, walk)
    for _ in range(rounds_of(seed)):
        walk.steps(STEPS)
        report = stage.sync(store, allow_mass_delete=True)
        assert report.exit_code == 0, report.failed
        expect_equal(store, stage, walk)


def test_edits_between_the_pages_of_a_running_sync_are_found_by_the_next(
    set_stage: SetStage, seeded_store: tuple[Store, int]
) -> None:
    store, seed = seeded_store
    stage = set_stage(seed=seed, few=seed == QUICK)
    stage.small_pages()
    walk = stage.walk(100 + seed, access=False)
    stop = stage.on_request(lambda _request: walk.steps(1) if walk.random.random() < 0.3 else None)
    for _ in range(3):
        stage.sync(store, allow_mass_delete=True)
    stop()
    report = stage.sync(store, allow_mass_delete=True)
    assert report.exit_code == 0, report.failed
    expect_equal(store, stage, walk)


def test_every_open_question_answered_against_us_still_ends_equal(
    set_stage: SetStage, seeded_store: tuple[Store, int]
) -> None:
    store, seed = seeded_store
    stage = set_stage(seed=seed)
    stage.answer_against_us()
    walk = stage.walk(200 + seed)
    stage.sync(store)
    for _ in range(rounds_of(seed)):
        walk.steps(STEPS)
        report = stage.sync(store, allow_mass_delete=True)
        assert report.exit_code == 0, report.failed
        expect_equal(store, stage, walk)
