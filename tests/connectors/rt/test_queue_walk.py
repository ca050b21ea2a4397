"""The commit queue under fire against a real RT: random edits on both sides, faults and deaths."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from mirror.store.store import Store
from tests.connectors.rt.conftest import Machines
from tests.support.proxy import Proxy
from tests.support.queue_walk import QueueWalk
from tests.support.rt.packages import HOW_TO_INSTALL, installed
from tests.support.rt.walked import RealRT, WallClock

SETTLE_SECONDS = 0.5
_STEPS = 25
_LONG = [pytest.param(seed, 8, marks=[pytest.mark.slow, pytest.mark.walk]) for seed in range(1, 7)]


@pytest.fixture
def stage(machines: Machines) -> Iterator[RealRT]:
    """A real RT with a proxy before it."""
    if not installed():
        pytest.skip(HOW_TO_INSTALL)
    server = machines.real()
    with Proxy(server.url) as proxy:
        made = RealRT(server, proxy)
        yield made
        made.close()


@pytest.mark.parametrize(("seed", "rounds"), [(1, 1), *_LONG])
def test_whatever_happens_no_edit_is_lost_and_none_is_made_twice(
    stage: RealRT, tmp_path: Path, seed: int, rounds: int, record_property: Callable[[str, object], None]
) -> None:
    with Store.open(f"sqlite:///{tmp_path / 'mirror.db'}") as store:
        walk = QueueWalk(stage, store, WallClock(), seed, settle_seconds=SETTLE_SECONDS)
        for _ in range(rounds):
            walk.steps(_STEPS)
            walk.rest()
        walk.drain()
    record_property("walk", (stage.kind, seed, walk.steps_done, dict(walk.deaths)))
