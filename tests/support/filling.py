"""Mirrors of all trackers, for tests that only look at them or edit a copy."""

from __future__ import annotations

from mirror.connectors.registry import TRACKERS
from mirror.store.store import Store
from tests.support.stage import stage_class

FEW_RECORDS = 60


def fill(url: str) -> None:
    """Sync a few types of simulated trackers of all kinds into the database at `url`."""
    with Store.open(url) as store:
        for kind in TRACKERS:
            with stage_class(kind)(records=FEW_RECORDS, seed=1, clock=None) as stage:
                stage.allowed = stage.few
                assert stage.sync(store, source=stage.source(name=kind)).exit_code == 0
