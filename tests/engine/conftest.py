"""Stores for the engine's tests: SQLite for most, both databases where it matters which one it is."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from shutil import copyfile

import pytest

from mirror.connectors.registry import TRACKERS
from mirror.store.store import Store
from tests.support.blank import Blank
from tests.support.filling import fill
from tests.support.pushing import RallyDesk, rally_desk


@dataclass(frozen=True)
class Filled:
    """A database with trackers in it, and the store that is open on it."""

    store: Store
    url: str


@pytest.fixture
def store(tmp_path: Path, blank: Blank) -> Iterator[Store]:
    """An open store in an empty SQLite file."""
    blank.lay(url := f"sqlite:///{tmp_path / 'mirror.db'}")
    with Store.open(url) as opened:
        yield opened


@pytest.fixture(scope="session", params=["sqlite", "postgres"])
def open_mirrored(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Filled]:
    """A store with a few types of every tracker, each a source of the name of its kind; once of each kind of database."""
    with ExitStack() as stack:
        if request.param == "postgres":
            url = stack.enter_context(request.getfixturevalue("postgres").fresh_url())
            fill(url)
        else:
            path = tmp_path_factory.mktemp("mirrored") / "mirror.db"
            copyfile(request.getfixturevalue("trackers_file"), path)
            url = f"sqlite:///{path}"
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


@pytest.fixture
def desk(rally_file: Path, tmp_path: Path) -> Iterator[RallyDesk]:
    """Somebody who edits the mirror of a simulated Rally and pushes."""
    with rally_desk(tmp_path, rally_file) as opened:
        yield opened
