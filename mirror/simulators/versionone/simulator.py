"""The simulator as a whole: a world, a server, and everything between them."""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType

from mirror.simulators.base import Setting
from mirror.simulators.clock import Clock, SystemClock
from mirror.simulators.faults import Fault, FaultMiddleware, FaultPlan
from mirror.simulators.server import LoopbackServer
from mirror.simulators.traffic import Hook, RequestLog, TrafficMiddleware
from mirror.simulators.versionone.app import make_app
from mirror.simulators.versionone.auth import Credentials, Gate
from mirror.simulators.versionone.control import Controls
from mirror.simulators.versionone.seed import build_world
from mirror.simulators.versionone.switches import Switches
from mirror.simulators.versionone.world import World

INSTANCE = "/Acme"
TOKEN = "1.simulatoraccesstoken="  # noqa: S105
LIMITED_TOKEN = "1.simulatorlimitedtoken="  # noqa: S105
USER = "admin"
PASSWORD = "simulator"  # noqa: S105


HOSTILE_FAULTS = (
    Fault("status", method="GET", status=503, retry_after_seconds=0.1, after=10, every=23),
    Fault("html", method="GET", after=20, every=31),
    Fault("reset", method="GET", after=30, every=41),
)
"""What goes wrong by itself in the hostile profile. Writes are lost by a switch instead."""


class VersionOneSimulator:
    """A VersionOne on the loopback interface. Use it as a context manager, or call `start` and `stop`.

    Args:
        records: about how many assets to begin with.
        seed: equal numbers give equal data.
        profile: one of `switches.PROFILES`.
        clock: the tracker's time; the machine's own if None.
        switches: instead of a profile.
        world: instead of records, seed and clock.

    Attributes:
        world: the data, with helpers to change it by the rules.
        faults: what goes wrong on the way; empty at first in all profiles but hostile.
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
        limited = self.world.landmarks.limited
        self.credentials = Credentials(token, LIMITED_TOKEN, limited, USER, PASSWORD)
        self.faults = FaultPlan(seed)
        if profile == "hostile" and switches is None:
            for fault in HOSTILE_FAULTS:
                self.faults.add(fault)
        self.requests = RequestLog()
        self._gate = Gate(self.credentials, f".V1.Ticket.{INSTANCE.strip('/')}")
        controls = Controls(self.world, self.requests, self.faults, self._gate)
        app, self._answering = make_app(self.world, self._gate, INSTANCE, controls.install)
        self._traffic = TrafficMiddleware(FaultMiddleware(app.wsgi_app, self.faults, now=self.world.now), self.requests)
        self._server = LoopbackServer(self._traffic, host, port)
        self.world.base = self.url

    @property
    def url(self) -> str:
        """Root address with the instance, such as http://127.0.0.1:8080/Acme."""
        return f"{self._server.url}{INSTANCE}"

    @property
    def host(self) -> str:
        """The address it listens on."""
        return self._server.host

    @property
    def port(self) -> int:
        """The port it listens on."""
        return self._server.port

    @property
    def token(self) -> str:
        """An access token of a System Admin."""
        return self.credentials.token

    @property
    def secret(self) -> str:
        """What mirror.toml's `secret` leads to: the access token."""
        return self.token

    @property
    def settings(self) -> dict[str, Setting]:
        """What leads here in mirror.toml, the secret apart."""
        return {"tracker": "versionone", "url": self.url}

    @property
    def limited_token(self) -> str:
        """An access token of a member who does not see every project."""
        return self.credentials.limited_token

    @property
    def user(self) -> str:
        """User name for basic authentication."""
        return self.credentials.user

    @property
    def password(self) -> str:
        """Password for basic authentication."""
        return self.credentials.password

    @property
    def switches(self) -> Switches:
        """How open questions are answered; assign a new value to change them while running."""
        return self.world.switches

    @switches.setter
    def switches(self, value: Switches) -> None:
        self.world.switches = value

    @property
    def logins_without_cookie(self) -> int:
        """Requests so far that had to log in; the server stores a record of each. versionone.md §2 Q"""
        return self._gate.login_count

    @property
    def no_op_saves(self) -> int:
        """Updates so far that changed nothing and made a version all the same. versionone.md §6.1 Q"""
        return self.world.no_op_saves

    @property
    def full_scans(self) -> int:
        """Lists so far that had no filter at all, each counted at its first page. versionone.md §10.6"""
        return self._answering.turns.full_scans

    def expire_sessions(self) -> None:
        """Make all session tickets invalid, so that clients have to log in again. versionone.md §3.4"""
        self._gate.expire()

    def on_request(self, hook: Hook) -> Callable[[], None]:
        """Call `hook` with each request before it is answered, outside the world's lock.

        Returns:
            A function that ends this.
        """
        self._traffic.hooks.append(hook)
        return lambda: self._traffic.hooks.remove(hook)

    def start(self) -> VersionOneSimulator:
        """Answer requests in the background."""
        self._server.start()
        return self

    def wait(self) -> None:
        """Return when the server has stopped; signals interrupt this."""
        self._server.wait()

    def stop(self) -> None:
        """Stop answering and free the port."""
        self._server.stop()

    def __enter__(self) -> VersionOneSimulator:
        return self.start()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stop()
