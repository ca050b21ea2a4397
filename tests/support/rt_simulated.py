"""A simulated RT with the people, queues and fields of the private real one, so that one test can run on both."""

from __future__ import annotations

import pickle
from datetime import UTC, datetime, timedelta

from mirror.simulators import ManualClock
from mirror.simulators.rt import RTSimulator, Switches, World
from mirror.simulators.rt.auth import token_of
from mirror.simulators.rt.bootstrap import installed
from mirror.simulators.rt.seed import LIMITED_RIGHTS, STAFF_RIGHTS
from tests.support.rt.client import Client
from tests.support.rt.configuration import PASSWORDS, QUEUES
from tests.support.rt.seed import seed, seed_others


class LeadingClock:
    """The machine's own clock, put forward."""

    def __init__(self) -> None:
        self._lead = timedelta()

    def now(self) -> datetime:
        """Return the present instant, aware, in UTC."""
        return datetime.now(UTC) + self._lead

    def advance(self, seconds: float) -> None:
        """Put it further forward."""
        self._lead += timedelta(seconds=seconds)


class SimulatedServer:
    """A simulator that tests use like the real server; see `RTServer`."""

    def __init__(self, world: World, clock: LeadingClock | None = None) -> None:
        self._clock = clock or LeadingClock()
        self.simulator = RTSimulator(world=world, switches=Switches())
        self.url = self.simulator.url
        self.tokens = {name: token_of(world.user(name), name) for name in PASSWORDS}

    def start(self) -> None:
        """Start serving."""
        self.simulator.start()

    def stop(self) -> None:
        """Stop serving."""
        self.simulator.stop()

    def now(self) -> datetime:
        """Return the server's time, UTC."""
        return self._clock.now()

    def pass_time(self, seconds: float) -> None:
        """Let time pass."""
        self._clock.advance(seconds)

    def shred(self, ticket: int) -> None:
        """Remove a ticket without a trace, as an administrator can."""
        self.simulator.shred(ticket)

    def log_out_everybody(self) -> None:
        """End all sessions, as their expiry would."""
        self.simulator.log_out_everybody()


def unseeded() -> World:
    """Return a world with people, queues and fields, but no tickets; its clock goes slowly, some hours ago."""
    clock = ManualClock(datetime.now(UTC) - timedelta(hours=6), step_seconds=0.005)
    world = World(installed(clock.now()), clock)
    staff = world.add_group("Staff", [], "may do everything with tickets")
    others = world.add_group("Everyone else", [])
    zones = {"agent-ny": "America/New_York"}
    names = {"agent": "An Agent", "agent-ny": "Agent in New York", "limited": "Sees General", "norights": "Sees nothing"}
    for name, real in names.items():
        user = {"EmailAddress": f"{name}@example.com", "RealName": real, "Timezone": zones.get(name)}
        world.add_user(name, PASSWORDS[name], **user)
    for number in range(1, 7):
        name = f"user{number:02d}"
        user = {"EmailAddress": f"{name}@example.com", "RealName": f"User Ünïque {number}", "Organization": "Users & Sons"}
        world.add_user(name, **user)
    for name in QUEUES[1:]:
        world.add("queue", {"Name": name, "Description": f"the queue {name}"}, user="RT_System")
    _fields(world)
    world.add_role("Engineer", (1, 4))
    world.add_role("Sales", (1,), many=True)
    world.add_members(staff, [world.user("agent"), world.user("agent-ny")])
    world.add_members(others, [staff, world.user("user01")])
    world.grant(staff, *STAFF_RIGHTS)
    world.grant(world.user("limited"), *LIMITED_RIGHTS, queue=1)
    return world


def seeded_state(tickets: int) -> bytes:
    """Return a world with the tickets of the real server's seed, made over HTTP by the same code, to be thawed."""
    server = SimulatedServer(unseeded())
    server.start()
    try:
        client = Client(server.url)
        seed_others(client)
        seed(client, tickets)
        client.close()
    finally:
        server.stop()
    return pickle.dumps(server.simulator.world.state)


def thawed(state: bytes) -> SimulatedServer:
    """Return a server, not yet started, of a world with a state of its own."""
    clock = LeadingClock()
    return SimulatedServer(World(pickle.loads(state), clock), clock)


def _fields(world: World) -> None:
    world.add_field("Severity", "Select", values=("low", "normal", "high", "critical"))
    world.add_field("Platforms", "Select", many=True, values=("linux", "windows", "macos", "bsd"))
    world.add_field("Tags", "Freeform", many=True)
    world.add_field("External ID", "Freeform")
    world.add_field("Target Date", "Date")
    world.add_field("Seen At", "DateTime")
    world.add_field("Visits", "DateTime", many=True)
    world.add_field("Notes", "Text")
    world.add_field("Picture", "Image")
    world.add_field("Host", "Freeform", at=(4,))
    world.add_field("Host", "Freeform", at=(3,))
    world.add_field("Shoe Size", "Freeform", table="user")
