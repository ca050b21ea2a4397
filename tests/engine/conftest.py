"""Stores for the engine's tests: SQLite for most, both databases where it matters which one it is."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from mirror.store.store import Store
from tests.support.databases import PostgresServer

CASES = [("sqlite", 0), ("sqlite", 1), ("sqlite", 2), ("postgres", 3)]
MORE_CASES = [(kind, seed) for seed in range(10, 30) for kind in ("sqlite", "postgres")]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """An open store in an empty SQLite file."""
    with Store.open(f"sqlite:///{tmp_path / 'mirror.db'}") as opened:
        yield opened


@pytest.fixture
def each_store(database_url: str) -> Iterator[Store]:
    """An open store in an empty database, once of each kind."""
    with Store.open(database_url) as opened:
        yield opened


@pytest.fixture(
    params=[*CASES, *(pytest.param(each, marks=pytest.mark.slow) for each in MORE_CASES)],
    ids=lambda case: f"{case[0]}-{case[1]}",
)
def seeded_store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Store, int]]:
    """A store and a seed for a random walk: a few at once, many more among the slow tests."""
    kind, seed = request.param
    if kind == "sqlite":
        with Store.open(f"sqlite:///{tmp_path / 'mirror.db'}") as opened:
            yield opened, seed
        return
    server: PostgresServer = request.getfixturevalue("postgres")
    with server.fresh_url() as url, Store.open(url) as opened:
        yield opened, seed
