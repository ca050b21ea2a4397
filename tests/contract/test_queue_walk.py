"""The commit queue under fire: random edits on both sides, faults and deaths. Nothing is lost, nothing is done twice.

Run the long ones with `make walk`; every run ends with the seeds, the number of steps and of deaths in pytest's summary.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from mirror.simulators.clock import ManualClock
from mirror.store.store import Store
from tests.conftest import open_seeded
from tests.contract.conftest import SetStage
from tests.support.queue_walk import QueueWalk

_STEPS = 50
_ROUNDS = 4
_ROUNDS_AT_ONCE = 1
_AT_ONCE = [("sqlite", 1), ("postgres", 2)]
_LONG = [("postgres" if seed % 5 == 0 else "sqlite", seed) for seed in range(3, 53)]


@pytest.fixture(
    params=[*_AT_ONCE, *(pytest.param(each, marks=[pytest.mark.slow, pytest.mark.walk]) for each in _LONG)],
    ids=lambda case: f"{case[0]}-{case[1]}",
)
def walked_store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Store, int]]:
    """A store and a seed: for each tracker two walks of fifty steps; among the long ones fifty of two hundred."""
    yield from open_seeded(request, tmp_path)


def test_whatever_happens_no_edit_is_lost_and_none_is_made_twice(
    walked_store: tuple[Store, int],
    set_stage: SetStage,
    clock: ManualClock,
    record_property: Callable[[str, object], None],
) -> None:
    store, seed = walked_store
    stage = set_stage(records=60)
    stage.allowed = stage.few
    walk = QueueWalk(stage, store, clock, seed)
    for _ in range(_ROUNDS_AT_ONCE if seed <= len(_AT_ONCE) else _ROUNDS):
        walk.steps(_STEPS)
        walk.rest()
    walk.drain()
    record_property("walk", (stage.kind, seed, walk.steps_done, dict(walk.deaths)))
