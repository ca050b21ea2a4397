"""The stages: every registered tracker goes through every test in this folder."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from shutil import copyfile

import pytest

from mirror.connectors.registry import TRACKERS
from mirror.simulators.clock import ManualClock
from mirror.store.store import Store
from tests.conftest import MORE_CASES, open_seeded
from tests.support.blank import Blank
from tests.support.stage import Stage, stage_class

RECORDS = 150
"""Of all types together: enough for every type to have some, few enough for a load to take a second."""

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
_STEP_SECONDS = 0.01
"""How far each look at the tracker's clock moves it, so that time passes and yet every run of a test is the same."""

QUICK = 0
"""The seed of the walk that is no slow test; it has a few types mirrored where the number of types is not the point."""

SetStage = Callable[..., Stage]
Load = Callable[[str], Path]


@pytest.fixture(params=TRACKERS)
def kind(request: pytest.FixtureRequest) -> str:
    """A registered kind of tracker."""
    return str(request.param)


@pytest.fixture
def clock() -> ManualClock:
    """The tracker's time."""
    return ManualClock(NOON, step_seconds=_STEP_SECONDS)


@pytest.fixture
def set_stage(kind: str, clock: ManualClock) -> Iterator[SetStage]:
    """Make stages that differ from the usual one: `set_stage(seed=7)`; `few=True` has a few types mirrored, not all."""
    with ExitStack() as open_stages:

        def made(*, records: int = RECORDS, seed: int = 1, few: bool = False) -> Stage:
            stage = open_stages.enter_context(stage_class(kind)(records=records, seed=seed, clock=clock))
            if few:
                stage.allowed = stage.few
            return stage

        yield made


@pytest.fixture
def stage(set_stage: SetStage, clock: ManualClock) -> Stage:
    """A simulated tracker, once of each kind, of which a few types are mirrored; an hour has passed since it was loaded."""
    made = set_stage(few=True)
    clock.advance(3600)
    return made


@pytest.fixture
def store(tmp_path: Path, blank: Blank) -> Iterator[Store]:
    """An open store in an empty SQLite file; what differs between databases is tested with the store."""
    blank.lay(url := f"sqlite:///{tmp_path / 'mirror.db'}")
    with Store.open(url) as opened:
        yield opened


@pytest.fixture(scope="session")
def loads(tmp_path_factory: pytest.TempPathFactory) -> Load:
    """Give the file of a first load of the usual stage of a kind; it is made once for all tests of this process."""
    folder = tmp_path_factory.mktemp("loads")

    def load(kind: str) -> Path:
        path = folder / f"{kind}.db"
        if not path.exists():
            clock = ManualClock(NOON, step_seconds=_STEP_SECONDS)
            with stage_class(kind)(records=RECORDS, seed=1, clock=clock) as stage, Store.open(f"sqlite:///{path}") as opened:
                stage.allowed = stage.few
                assert stage.sync(opened).exit_code == 0
        return path

    return load


@pytest.fixture
def loaded(kind: str, loads: Load, tmp_path: Path) -> Iterator[Store]:
    """An open store in which `stage` is loaded; the first load takes most of the time of a test that is about a later one.

    Equal seeds give equal data at equal times, so a copy of what was read of another stage of the kind is as good.
    """
    copyfile(loads(kind), path := tmp_path / "loaded.db")
    with Store.open(f"sqlite:///{path}") as opened:
        yield opened


@pytest.fixture(
    params=[("sqlite", QUICK), *(pytest.param(each, marks=pytest.mark.slow) for each in [("postgres", 1), *MORE_CASES])],
    ids=lambda case: f"{case[0]}-{case[1]}",
)
def seeded_store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Store, int]]:
    """A store and a seed for a random walk: one at once for each tracker, many more among the slow tests."""
    yield from open_seeded(request, tmp_path)
