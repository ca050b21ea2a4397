"""Instants in custom fields, written to a server in New York by a user whose profile has no time zone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from mirror.errors import RefusedError
from mirror.model.write import Target
from tests.connectors.rt.conftest import Machines, Server, connected
from tests.support.rt.client import Client
from tests.support.rt.packages import HOW_TO_INSTALL, installed
from tests.support.rt.writing import Pen

ABROAD = "America/New_York"
JULY, AUGUST, JANUARY = (f"2027-{month}-01T10:00:00.000Z" for month in ("07", "08", "01"))


@pytest.fixture(scope="module", params=["real", "simulated"])
def rt_server(request: pytest.FixtureRequest, machines: Machines) -> Iterator[Server]:
    """A server in New York."""
    server: Server
    if request.param == "real":
        if not installed():
            pytest.skip(HOW_TO_INSTALL)
        server = machines.real(ABROAD)
    else:
        simulated = machines.simulated()
        world = simulated.simulator.world
        world.switches = replace(world.switches, default_timezone=ABROAD)
        server = simulated
    yield server
    server.stop()


@pytest.fixture
def pen(rt_server: Server) -> Pen:
    """What knows nothing of the zone yet."""
    return Pen(connected(rt_server))


def test_an_instant_comes_out_right_in_summer_and_in_winter(pen: Pen, root: Client) -> None:
    number = root.create()
    for wanted in (JULY, JANUARY, AUGUST, None):
        pen.done(pen.edit(number, {"CF.{Seen At}": wanted, "Priority": 1 + len(str(wanted))}))
        assert pen.value(number, "CF.{Seen At}") == wanted


def test_a_guess_that_was_right_is_written_but_once(pen: Pen, root: Client) -> None:
    number = root.create()
    pen.done(pen.edit(number, {"CF.{Seen At}": JULY}))
    write = pen.edit(number, {"CF.{Seen At}": AUGUST})
    assert len(pen.done(write).words) == 1
    assert pen.value(number, "CF.{Seen At}") == AUGUST


def test_many_instants_come_out_right(pen: Pen, root: Client) -> None:
    number = root.create()
    pen.done(pen.edit(number, add={"CF.{Visits}": [JULY, AUGUST]}))
    assert pen.items(number, "CF.{Visits}") == {JULY, AUGUST}
    pen.done(pen.edit(number, add={"CF.{Visits}": [JANUARY]}, remove={"CF.{Visits}": [JULY]}))
    assert pen.items(number, "CF.{Visits}") == {JANUARY, AUGUST}


def test_a_new_ticket_has_the_right_instants(pen: Pen) -> None:
    values = {"Queue": Target("queue", 1), "Subject": "far away", "CF.{Seen At}": JANUARY}
    number = pen.done(pen.make(values, add={"CF.{Visits}": [JULY]})).record_id
    assert pen.value(number, "CF.{Seen At}") == JANUARY
    assert pen.items(number, "CF.{Visits}") == {JULY}


def test_an_hour_that_the_clock_shows_twice_is_refused(rt_server: Server, root: Client) -> None:
    pen, number = Pen(connected(rt_server, "agent-ny")), root.create()
    pen.done(pen.edit(number, {"CF.{Seen At}": "2027-11-07T05:30:00.000Z"}))
    assert pen.value(number, "CF.{Seen At}") == "2027-11-07T05:30:00.000Z"
    outcome = pen.send(pen.edit(number, {"CF.{Seen At}": "2027-11-07T06:30:00.000Z"}))
    assert isinstance(outcome, RefusedError)
    assert "01:30 twice" in str(outcome)


def test_a_new_instant_that_rt_would_take_for_another_is_refused(rt_server: Server, root: Client) -> None:
    pen, number = Pen(connected(rt_server, "agent-ny")), root.create()
    pen.done(pen.edit(number, add={"CF.{Visits}": [JULY]}))
    same_on_the_wall = "2027-07-01T14:00:00.000Z"
    outcome = pen.send(pen.edit(number, add={"CF.{Visits}": [same_on_the_wall]}))
    assert isinstance(outcome, RefusedError)
    assert pen.items(number, "CF.{Visits}") == {JULY}
