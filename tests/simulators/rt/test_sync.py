"""A mirror of the simulator equals it, whatever people do there and however the server behaves."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from mirror.connectors.http import Patience, Transport
from mirror.connectors.rt.connector import RTConnector
from mirror.engine.sync import SyncOptions, SyncReport, sync_source
from mirror.model.source import Credential, Source
from mirror.simulators import ManualClock
from mirror.simulators.rt import RTSimulator
from mirror.store.store import Store
from tests.support.rt_truth import differences
from tests.support.rt_walk import Walk

PATIENCE = Patience(attempts=8, first_wait_seconds=0.01, timeout_seconds=(5.0, 20.0))


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(f"sqlite:///{tmp_path / 'mirror.db'}") as opened:
        yield opened


def sync(tracker: RTSimulator, store: Store, clock: ManualClock, **options: Any) -> SyncReport:
    """Sync once, some time after whatever happened last."""
    clock.advance(10)
    source = Source("acme", "rt", tracker.url, Credential(tracker.password, tracker.user))
    connector = RTConnector(source, Transport(tracker.url, concurrency=4, patience=PATIENCE))
    report = sync_source(
        source,
        connector,
        store,
        SyncOptions(**options),
        clock=lambda: datetime.now(UTC),
        emit=lambda _event: None,
    )
    clock.advance(10)
    return report


@pytest.mark.parametrize("seed", [0, *(pytest.param(each, marks=pytest.mark.slow) for each in range(1, 6))])
def test_one_sync_after_random_edits_makes_every_table_equal(
    tracker: RTSimulator, store: Store, clock: ManualClock, seed: int
) -> None:
    walk = Walk(tracker, seed)
    assert sync(tracker, store, clock).failed == ()
    assert differences(store, "acme", tracker) == []
    for _ in range(2):
        walk.steps(40)
        assert sync(tracker, store, clock, allow_mass_delete=True).failed == ()
        found = differences(store, "acme", tracker)
        assert not found, "\n".join([*found[:20], "after:", *walk.done[-60:]])


def test_a_quiet_sync_writes_nothing(tracker: RTSimulator, store: Store, clock: ManualClock) -> None:
    sync(tracker, store, clock)
    sync(tracker, store, clock)
    report = sync(tracker, store, clock)
    assert (report.tally.inserted, report.tally.updated, report.tally.tombstoned) == (0, 0, 0)
    assert report.requests < 40


def test_a_hostile_server_is_mirrored_in_the_end(store: Store) -> None:
    clock = ManualClock(step_seconds=0.01)
    with RTSimulator(records=100, seed=2, profile="hostile", clock=clock) as tracker:
        walk = Walk(tracker, 2)
        for _ in range(3):
            sync(tracker, store, clock, allow_mass_delete=True)
            walk.steps(10)
        tracker.faults.clear()
        tracker.switches = tracker.switches.with_changes({"error_every": 0, "session_seconds": 0.0})
        assert sync(tracker, store, clock, allow_mass_delete=True).failed == ()
        assert differences(store, "acme", tracker) == []
