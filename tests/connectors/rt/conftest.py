"""Two RTs for the tests of this folder, a real and a simulated one: every module gets the seeded database anew."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache, partial
from pathlib import Path

import pytest

from mirror.connectors.http import Transport
from mirror.connectors.rt.connector import RTConnector
from mirror.model.source import Auth, Credential, Source
from tests.support.rt.client import Client
from tests.support.rt.configuration import PASSWORDS
from tests.support.rt.packages import HOW_TO_INSTALL, installed
from tests.support.rt.provision import SEEDED_TICKETS, provide
from tests.support.rt.server import RTServer
from tests.support.rt.writing import Pen
from tests.support.rt_simulated import SimulatedServer, seeded_state, thawed

Connect = Callable[..., RTConnector]
Server = RTServer | SimulatedServer


class Machines:
    """The real server and the seed of the simulated one, made when first needed."""

    def __init__(self, home: Path) -> None:
        self._home = home
        self._real: tuple[RTServer, Path] | None = None
        self._state = b""

    def real(self, timezone: str = "UTC") -> RTServer:
        """Return the real server, running, with the seeded database as it was; stop one of another zone yourself."""
        if self._real is None:
            self._real = provide(self._home)
        server, seeded = self._real
        if timezone != "UTC":
            abroad = RTServer(server.home, timezone=timezone)
            server.stop()
            abroad.serve(seeded)
            return abroad
        server.serve(seeded)
        return server

    def simulated(self) -> SimulatedServer:
        """Return a simulator, running, that was seeded by the same code."""
        self._state = self._state or seeded_state(SEEDED_TICKETS)
        server = thawed(self._state)
        server.start()
        return server

    def close(self) -> None:
        """Stop the real server."""
        if self._real is not None:
            self._real[0].stop()


@pytest.fixture(scope="session")
def machines(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machines]:
    """The servers of this process, not yet started."""
    made = Machines(tmp_path_factory.mktemp("rt"))
    yield made
    made.close()


@pytest.fixture(scope="module", params=["real", "simulated"])
def rt_server(request: pytest.FixtureRequest, machines: Machines) -> Iterator[Server]:
    """A running server with the seeded database as it was: a real RT, and the simulated one, which must behave like it."""
    if request.param == "real":
        if not installed():
            pytest.skip(HOW_TO_INSTALL)
        yield machines.real()
        return
    server = machines.simulated()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def root(rt_server: Server) -> Iterator[Client]:
    """A superuser's bare client."""
    client = Client(rt_server.url)
    yield client
    client.close()


def connected(
    server: Server,
    user: str = "root",
    *,
    secret: str | None = None,
    token: str | None = None,
    queues: list[str] | None = None,
    per_page: int = 100,
    auth: Auth | None = None,
) -> RTConnector:
    """Return a connector of one account."""
    shown, name = (server.tokens[token], None) if token else (secret or PASSWORDS[user], user)
    credential = Credential(shown, name, auth)
    scope = {"queues": queues} if queues else {}
    transport = Transport(server.url, concurrency=4)
    return RTConnector(Source("acme", "rt", server.url, credential, scope=scope), transport, per_page=per_page)


@pytest.fixture
def connect(rt_server: Server) -> Connect:
    """Make connectors: `connect()` for the superuser, `connect("limited")`, `connect(token="agent")`."""
    return partial(connected, rt_server)


@pytest.fixture(scope="module")
def pens(rt_server: Server) -> Callable[[str], Pen]:
    """Return what writes tickets as one account; it is made once, so do not change its connector."""
    return cache(lambda user: Pen(connected(rt_server, user)))


@pytest.fixture
def pen(pens: Callable[[str], Pen]) -> Iterator[Pen]:
    """What writes tickets as the superuser; whatever a test does to its transport is undone."""
    found = pens("root")
    send = found.connector.transport.send
    yield found
    found.connector.transport.send = send  # type: ignore[method-assign]
