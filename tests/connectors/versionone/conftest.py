"""A simulated VersionOne for what only VersionOne does; what every tracker must do is in tests/contract."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mirror.simulators.versionone import VersionOneSimulator
from mirror.store.store import Store
from tests.support.blank import Blank
from tests.support.stages.versionone import TheStage
from tests.support.versionone import world_of
from tests.support.versionone_desk import Desk

WAYS: dict[str, dict[str, Any]] = {
    "new": {},
    "old": {"query_v1": False, "bulk": False, "json": False, "moment_filter": False, "total": "never", "page_size_cap": 3},
}


@pytest.fixture
def stage() -> Iterator[TheStage]:
    """A simulated VersionOne of which a few types are mirrored."""
    with TheStage(records=200, seed=8, clock=None) as made:
        made.allowed = made.few
        yield made


@pytest.fixture
def store(tmp_path: Path, blank: Blank) -> Iterator[Store]:
    """An open store in an empty SQLite file."""
    blank.lay(url := f"sqlite:///{tmp_path / 'mirror.db'}")
    with Store.open(url) as opened:
        yield opened


@pytest.fixture(params=WAYS, scope="module")
def shared(request: pytest.FixtureRequest) -> Iterator[Desk]:
    """A connector to a simulator, of a new kind and of an old one."""
    with VersionOneSimulator(world=world_of(150, 3)) as tracker:
        tracker.switches = tracker.switches.with_changes(WAYS[request.param])
        yield Desk(tracker)


@pytest.fixture
def desk(shared: Desk) -> Iterator[Desk]:
    """The same for each test, without the faults and switches of others."""
    switches = shared.tracker.switches
    yield shared
    shared.tracker.faults.clear()
    shared.tracker.switches = switches
