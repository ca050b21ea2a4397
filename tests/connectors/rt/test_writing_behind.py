"""Reads that come from a copy which is behind."""

from __future__ import annotations

from dataclasses import replace

from mirror.model.change import Action
from mirror.model.write import Target
from tests.connectors.rt.conftest import Machines, connected
from tests.support.rt.writing import Pen

LAG_SECONDS = 0.8


def test_what_was_done_is_not_called_refused_while_reads_are_behind(machines: Machines) -> None:
    server = machines.simulated()
    try:
        pen = Pen(connected(server))
        number = pen.done(pen.make({"Queue": Target("queue", 1, "General"), "Subject": "behind"})).record_id
        taking = pen.act(Action.OPERATE, number, operation="take")
        simulator = server.simulator
        simulator.switches = replace(simulator.switches, lag_seconds=LAG_SECONDS)
        assert pen.connector.capabilities.lag.total_seconds() > LAG_SECONDS
        pen.done(taking)
        pen.done(pen.act(Action.DELETE, number))
    finally:
        server.stop()
