"""The simulator as a whole: a world, a server, and everything between them."""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType

from mirror.simulators.base import Setting
from mirror.simulators.clock import Clock, SystemClock
from mirror.simulators.faults import Fault, FaultMiddleware, FaultPlan
from mirror.simulators.rt.app import Application
from mirror.simulators.rt.auth import Gate, token_of
from mirror.simulators.rt.bootstrap import PASSWORD
from mirror.simulators.rt.control import Controls
from mirror.simulators.rt.seed import LIMITED_USER, build_world
from mirror.simulators.rt.switches import Switches
from mirror.simulators.rt.work import ROOT
from mirror.simulators.rt.world import World
from mirror.simulators.server import LoopbackServer
from mirror.simulators.traffic import Hook, RequestLog, TrafficMiddleware

TOKEN = token_of(ROOT, "root")
USER = "root"

HOSTILE_FAULTS = (
    Fault("status", method="GET|POST", path="/REST/2.0", status=503, retry_after_seconds=0.1, after=10, every=23),
    Fault("html", method="GET", path="/REST/2.0", after=20, every=31),
    Fault("reset", method="GET", path="/REST/2.0", after=30, every=41),
)
"""What goes wrong by itself in the hostile profile. Writes are lost by a switch instead."""


class RTSimulator:
    """A Request Tracker on the loopback interface. Use it as a context manager, or call `start` and `stop`.

    Args:
        records: about how many records to begin with, tickets and their history together.
        seed: equal numbers give equal data.
        profile: `strict` or `hostile`; see `Switches`.
        clock: the tracker's time; the machine's own if None.
        switches: instead of a profile.
        world: instead of records, seed and clock.
        token: the superuser's.

    Attributes:
        world: the data, with helpers to change it by the rules.
        faults: what goes wrong on the way; empty at first in the strict profile.
        requests: what was asked so far. Controls are not counted.
    """

    def __init__(
        self,
        *,
        records: int = 300,
        seed: int = 1,
        profile: str = "strict",
        clock: Clock | None = None,
        switches: Switches | None = None,
        world: World | None = None,
        host: str = "127.0.0.1",
        port: int = 0,
        token: str = TOKEN,
    ) -> None:
        self.world = world or build_world(records, seed, clock or SystemClock())
        self.world.switches = switches or Switches.profile(profile)
        self.token = token
        self.world.work().change("user", ROOT, touch=False, Token=token)
        self.faults = FaultPlan(seed)
        if profile == "hostile" and switches is None:
            for fault in HOSTILE_FAULTS:
                self.faults.add(fault)
        self.requests = RequestLog()
        self.gate = Gate(port)
        app = Application(self.world, self.gate, Controls(self.world, self.requests, self.faults))
        self._traffic = TrafficMiddleware(FaultMiddleware(app, self.faults, now=self.world.now), self.requests)
        self._server = LoopbackServer(self._traffic, host, port)
        self.gate.cookie = self.gate.cookie.rpartition(".")[0] + f".{self._server.port}"
        self.world.base = f"{self.url}/REST/2.0"

    @property
    def url(self) -> str:
        """Root address, such as http://127.0.0.1:8080."""
        return self._server.url

    @property
    def secret(self) -> str:
        """What mirror.toml's `secret` leads to: the superuser's token."""
        return self.token

    @property
    def settings(self) -> dict[str, Setting]:
        """What leads here in mirror.toml, the secret apart."""
        return {"tracker": "rt", "url": self.url}

    @property
    def user(self) -> str:
        """The superuser's name."""
        return USER

    @property
    def password(self) -> str:
        """The superuser's password."""
        return PASSWORD

    @property
    def limited_user(self) -> str:
        """Name of the user who sees only a part, and no history of comments."""
        return LIMITED_USER

    @property
    def limited_token(self) -> str:
        """A token of that user."""
        return token_of(self.world.user(LIMITED_USER), LIMITED_USER)

    @property
    def switches(self) -> Switches:
        """How the server behaves; assign a new value to change that while it runs."""
        return self.world.switches

    @switches.setter
    def switches(self, value: Switches) -> None:
        with self.world.lock:
            self.world.switches = value

    def on_request(self, hook: Hook) -> Callable[[], None]:
        """Call `hook` with each request before it is answered, outside the world's lock.

        Returns:
            A function that ends this.
        """
        self._traffic.hooks.append(hook)
        return lambda: self._traffic.hooks.remove(hook)

    def log_out_everybody(self) -> None:
        """End all sessions, as their expiry would."""
        with self.world.lock:
            self.gate.log_out_everybody()

    def shred(self, ticket: int) -> None:
        """Remove a ticket without a trace, as an administrator can."""
        self.world.shred(ticket)

    def start(self) -> RTSimulator:
        """Answer requests in the background."""
        self._server.start()
        return self

    def wait(self) -> None:
        """Return when the server has stopped; signals interrupt this."""
        self._server.wait()

    def stop(self) -> None:
        """Stop answering and free the port."""
        self._server.stop()

    def __enter__(self) -> RTSimulator:
        return self.start()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stop()
