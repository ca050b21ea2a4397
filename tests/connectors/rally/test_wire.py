"""How answers of Rally and of what stands before it are taken: nothing unexpected may look like an empty listing."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from mirror.connectors.http import Answer, Patience, Request, Transport
from mirror.connectors.rally.wire import Query, Wire
from mirror.errors import ProtocolError, RetryableError
from mirror.model.source import Credential
from mirror.simulators.rally import RallySimulator

PROJECTS = Query("Project", None, ("ObjectID",), 2000)
TAGS = Query("Tag", None, ("ObjectID",), 2000)


@pytest.fixture
def tracker() -> Iterator[RallySimulator]:
    with RallySimulator(records=50, seed=1) as simulator:
        yield simulator


def wire_to(tracker: RallySimulator, *, attempts: int = 2) -> Wire:
    """Return a wire to the default workspace."""
    patience = Patience(attempts=attempts, first_wait_seconds=0.01)
    wire = Wire(Transport(tracker.url, concurrency=2, patience=patience), Credential(tracker.api_key))
    wire.workspace = f"/workspace/{tracker.world.landmarks.workspace}"
    return wire


@pytest.mark.parametrize(
    "entry",
    [
        {"Errors": [], "Warnings": [], "Object": {}},
        {"Errors": [], "Warnings": []},
        {"QueryResult": {"Errors": [], "Warnings": []}},
        {"Errors": [], "Warnings": [], "TotalResultCount": 3},
    ],
)
def test_a_batch_entry_without_results_is_never_taken_for_an_empty_one(
    tracker: RallySimulator, entry: dict[str, object]
) -> None:
    answer = {"BatchResult": {"Errors": [], "Warnings": [], "Results": [entry, entry]}}
    tracker.faults.add(kind="body", status=200, body=json.dumps(answer), path="/batch")
    wire = wire_to(tracker)
    projects, tags = wire.queries([PROJECTS, TAGS])
    assert not wire.batches
    assert len(projects.result.rows) == len(tracker.world.ids("Project"))
    assert len(tags.result.rows) == len(tracker.world.ids("Tag"))


def test_a_batch_that_always_runs_into_the_gateway_is_asked_singly(tracker: RallySimulator) -> None:
    tracker.faults.add(kind="status", status=502, path="/batch")
    answers = list(wire_to(tracker).queries([PROJECTS, TAGS]))
    assert [each.failure for each in answers] == ["", ""]


def test_waiting_zero_seconds_as_told_still_waits(tracker: RallySimulator) -> None:
    tracker.faults.add(kind="status", status=429, retry_after_seconds=0, times=1)
    wire, waits = wire_to(tracker), []
    wire.transport.on_wait = lambda seconds, _reason: waits.append(seconds)
    wire.query(PROJECTS)
    assert len(waits) == 1
    assert waits[0] > 0


def test_a_wait_of_an_hour_is_told_instead_of_waited_for(tracker: RallySimulator) -> None:
    tracker.faults.add(kind="status", status=503, retry_after_seconds=3600)
    with pytest.raises(RetryableError, match="3600 seconds"):
        wire_to(tracker).query(PROJECTS)
    assert len(tracker.requests) == 1


def test_no_part_of_an_address_is_left_in_an_error(tracker: RallySimulator) -> None:
    tracker.faults.add(kind="reset")
    transport = wire_to(tracker).transport
    with pytest.raises(RetryableError) as caught:
        transport.send(Request("GET", "/slm/webservice/v2.0/defect", {"key": "token-in-address"}), lambda answer: answer)
    chain = [caught.value, caught.value.__cause__]
    assert all("token-in-address" not in repr(each) for each in chain)


class _Dateless(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response_only(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *_args: object) -> None:
        """Say nothing."""


def test_an_answer_without_a_date_is_refused_rather_than_dated_by_our_clock() -> None:
    server = HTTPServer(("127.0.0.1", 0), _Dateless)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        transport = Transport(f"http://127.0.0.1:{server.server_port}")
        with pytest.raises(ProtocolError, match="Date"):
            transport.send(Request("GET", "/"), _status)
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _status(answer: Answer) -> int:
    return answer.status
