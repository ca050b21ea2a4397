"""Answers to writes in which something is odd: nobody knows what was done then, and nothing breaks."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings

from mirror.errors import RetryableError
from mirror.model.change import Action
from mirror.model.write import File, Target, Write
from tests.connectors.rt.conftest import Machines, connected
from tests.support.odd_bodies import PLACE, odd_bodies
from tests.support.rt.writing import Pen, answering

SINGLE = [PLACE, '["?"]', '{"id": "?"}', '{"message": "?"}']
NOTHING_SAID = ["", "null", "[]", "{}", "[null]", '[{"id": 1}]', "7", '"done"', "["]
TOGETHER = [PLACE, '["?"]', '["?", "?"]', '[{"id": "?"}, {"id": "?"}]', '[{"id": "7"}, {"id": "7"}]', '[{}, {"id": "?"}]']


@pytest.fixture
def pen(machines: Machines) -> Iterator[Pen]:
    """What writes tickets of a simulated RT."""
    server = machines.simulated()
    yield Pen(connected(server))
    server.stop()


def test_an_odd_answer_to_something_new_leaves_it_open(pen: Pen) -> None:
    creation = pen.make({"Queue": Target("queue", 1, "General"), "Subject": "odd"})
    number = pen.done(creation).record_id
    comment = pen.act(Action.COMMENT, number, text="odd")
    file = pen.act(Action.ATTACH, number, file=File("odd.txt", "text/plain", b"odd"))
    send = pen.connector.transport.send

    def answered(body: str, *writes: Write) -> None:
        pen.connector.transport.send = send  # type: ignore[method-assign]
        answering(pen.connector, "POST", body.encode())
        outcomes = pen.connector.send(writes)
        assert all(isinstance(each, RetryableError) and not each.is_unsent for each in outcomes), (body, outcomes)

    @settings(max_examples=60, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(odd_bodies(SINGLE), odd_bodies(TOGETHER))
    def check(single: str, together: str) -> None:
        answered(single, creation)
        answered(together, creation, creation)

    check()
    for body in NOTHING_SAID:
        answered(body, comment)
        answered(body, file)
