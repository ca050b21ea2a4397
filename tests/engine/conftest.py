"""Stores for the engine's tests: SQLite for most, both databases where it matters which one it is."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from mirror.connectors.registry import TRACKERS
from mirror.store.store import Store
from tests.support.pushing import RallyDesk, load_rally, rally_desk
from tests.support.stage import stage_class

FEW_RECORDS = 60


@dataclass(frozen=True)
class Filled:
    """A database with trackers in it, and the store that is open on it."""

    store: Store
    url: str


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """An open store in an empty SQLite file."""
    with Store.open(f"sqlite:///{tmp_path / 'mirror.db'}") as opened:
        yield opened


@pytest.fixture(scope="session", params=["sqlite", "postgres"])
def open_mirrored(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Filled]:
    """A store with a few types of every tracker, each a source of the name of its kind; once of each kind of database."""
    with ExitStack() as stack:
        url = f"sqlite:///{tmp_path_factory.mktemp('mirrored') / 'mirror.db'}"
        if request.param == "postgres":
            url = stack.enter_context(request.getfixturevalue("postgres").fresh_url())
        fill(url)
        yield Filled(stack.enter_context(Store.open(url)), url)


@pytest.fixture
def mirrored(open_mirrored: Filled) -> Store:
    """That store; no test changes it."""
    return open_mirrored.store


@pytest.fixture
def filled(open_mirrored: Filled) -> Iterator[Filled]:
    """That store, for a test to edit; what is in the queue afterwards is discarded, and then all is as before."""
    yield open_mirrored
    queue = open_mirrored.store.queue
    for source in TRACKERS:
        queue.discard(open_mirrored.store.layouts(source), [each.id for each in queue.open(source)])
        assert queue.open(source) == []


def fill(url: str) -> None:
    """Sync a few types of simulated trackers of all kinds into the database at `url`."""
    with Store.open(url) as store:
        for kind in TRACKERS:
            with stage_class(kind)(records=FEW_RECORDS, seed=1, clock=None) as stage:
                stage.allowed = stage.few
                assert stage.sync(store, source=stage.source(name=kind)).exit_code == 0


@pytest.fixture(scope="session")
def rally_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file with a few types of a simulated Rally, as `rally_desk` wants it."""
    path = tmp_path_factory.mktemp("rally") / "mirror.db"
    load_rally(path)
    return path


@pytest.fixture
def desk(rally_file: Path, tmp_path: Path) -> Iterator[RallyDesk]:
    """Somebody who edits the mirror of a simulated Rally and pushes."""
    with rally_desk(tmp_path, rally_file) as opened:
        yield opened
