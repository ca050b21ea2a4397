"""A real RT for the tests of this folder: every module gets the seeded database anew."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from mirror.connectors.http import Transport
from mirror.connectors.rt import RTConnector
from mirror.model.source import Credential, Source
from tests.support.rt.client import Client
from tests.support.rt.configuration import PASSWORDS
from tests.support.rt.packages import HOW_TO_INSTALL, installed
from tests.support.rt.provision import provide
from tests.support.rt.server import RTServer

Connect = Callable[..., RTConnector]


@pytest.fixture(scope="session")
def rt_and_seed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[RTServer, Path]]:
    """A server of this process, not yet started, and the database it starts from."""
    if not installed():
        pytest.skip(HOW_TO_INSTALL)
    server, seeded = provide(tmp_path_factory.mktemp("rt"))
    yield server, seeded
    server.stop()


@pytest.fixture(scope="module")
def rt_server(rt_and_seed: tuple[RTServer, Path]) -> RTServer:
    """A running server with the seeded database as it was."""
    server, seeded = rt_and_seed
    server.stop()
    server.restore(seeded)
    server.start()
    return server


@pytest.fixture(scope="module")
def root(rt_server: RTServer) -> Iterator[Client]:
    """A superuser's bare client."""
    client = Client(rt_server.url)
    yield client
    client.close()


@pytest.fixture
def connect(rt_server: RTServer) -> Connect:
    """Make connectors: `connect()` for the superuser, `connect("limited")`, `connect(token="agent")`."""

    def made(
        user: str = "root",
        *,
        secret: str | None = None,
        token: str | None = None,
        queues: list[str] | None = None,
        per_page: int = 100,
    ) -> RTConnector:
        credential = Credential(rt_server.tokens[token]) if token else Credential(secret or PASSWORDS[user], user)
        scope = {"queues": queues} if queues else {}
        transport = Transport(rt_server.url, concurrency=4)
        return RTConnector(Source("acme", "rt", rt_server.url, credential, scope=scope), transport, per_page=per_page)

    return made
