"""The simulator as a whole: a world, a server, and everything between them."""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType

from mirror.simulators.base import Setting
from mirror.simulators.clock import Clock, SystemClock
from mirror.simulators.faults import Fault, FaultMiddleware, FaultPlan
from mirror.simulators.rally.app import make_app
from mirror.simulators.rally.auth import Credentials, Gate
from mirror.simulators.rally.control import Controls
from mirror.simulators.rally.seed import build_world
from mirror.simulators.rally.switches import Switches
from mirror.simulators.rally.world import World
from mirror.simulators.server import LoopbackServer
from mirror.simulators.traffic import Hook, RequestLog, TrafficMiddleware

API_KEY = "_simulatorkey0000000000000000000000000000000"
READ_ONLY_API_KEY = "_simulatorreadonly00000000000000000000000000"
USER = "admin@example.com"
PASSWORD = "simulator"  # noqa: S105
WORKSPACE = "Acme"
"""The name of the workspace that holds the records; see seed.py."""


HOSTILE_FAULTS = (
    Fault("status", method="GET", status=503, retry_after_seconds=0.1, after=10, every=23),
    Fault("html", method="GET", after=20, every=31),
    Fault("reset", method="GET", after=30, every=41),
)
"""What goes wrong by itself in the hostile profile. Writes are lost by a switch instead."""


class RallySimulator:
    """A Rally on the loopback interface. Use it as a context manager, or call `start` and `stop`.

    Args:
        records: about how many objects to begin with, revisions and schema not counted.
        seed: equal numbers give equal data.
        profile: `strict` or `hostile`; see `Switches`.
        clock: the tracker's time; the machine's own if None.
        switches: instead of a profile.
        world: instead of records, seed and clock.

    Attributes:
        world: the data, with helpers to change it by the rules.
        faults: what goes wrong on the way; empty at first in the strict profile.
        requests: what was asked so far; a batch is one request. Controls are not counted.
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
        api_key: str = API_KEY,
    ) -> None:
        self.world = world or build_world(records, seed, clock or SystemClock())
        self.world.switches = switches or Switches.profile(profile)
        self.credentials = Credentials(api_key, READ_ONLY_API_KEY, USER, PASSWORD)
        self.faults = FaultPlan(seed)
        if profile == "hostile" and switches is None:
            for fault in HOSTILE_FAULTS:
                self.faults.add(fault)
        self.requests = RequestLog()
        self._gate = Gate(self.credentials)
        controls = Controls(self.world, self.requests, self.faults, self._gate)
        app = make_app(self.world, self._gate, controls.install)
        self._traffic = TrafficMiddleware(FaultMiddleware(app.wsgi_app, self.faults, now=self.world.now), self.requests)
        self._server = LoopbackServer(self._traffic, host, port)
        self.world.base = f"{self.url}/slm/webservice/v2.0"

    @property
    def url(self) -> str:
        """Root address, such as http://127.0.0.1:8080."""
        return self._server.url

    @property
    def api_key(self) -> str:
        """A key that may read and write."""
        return self.credentials.api_key

    @property
    def secret(self) -> str:
        """What mirror.toml's `secret` leads to: the API key."""
        return self.api_key

    @property
    def settings(self) -> dict[str, Setting]:
        """What leads here in mirror.toml, the secret apart."""
        return {"tracker": "rally", "url": self.url, "workspace": WORKSPACE}

    @property
    def read_only_api_key(self) -> str:
        """A key that may only read."""
        return self.credentials.read_only_api_key

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
        with self.world.lock:
            self.world.switches = value
            self.world.state.generation += 1

    def on_request(self, hook: Hook) -> Callable[[], None]:
        """Call `hook` with each request before it is answered, outside the world's lock.

        Returns:
            A function that ends this.
        """
        self._traffic.hooks.append(hook)
        return lambda: self._traffic.hooks.remove(hook)

    def expire_sessions(self) -> None:
        """End all sessions that were opened with a password."""
        self._gate.expire()

    def start(self) -> RallySimulator:
        """Answer requests in the background."""
        self._server.start()
        return self

    def wait(self) -> None:
        """Return when the server has stopped; signals interrupt this."""
        self._server.wait()

    def stop(self) -> None:
        """Stop answering and free the port."""
        self._server.stop()

    def __enter__(self) -> RallySimulator:
        return self.start()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stop()
