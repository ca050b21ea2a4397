"""Faults, the server and the traffic log, on an application that knows no tracker."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
import requests
from flask import Flask, Response, request

from mirror.simulators import Fault, FaultPlan
from mirror.simulators.faults import FaultMiddleware
from mirror.simulators.server import LoopbackServer
from mirror.simulators.traffic import Request, RequestLog, TrafficMiddleware


class House:
    """A served application that counts what reaches it."""

    def __init__(self) -> None:
        self.reached: list[str] = []
        self.ports: set[int] = set()
        self.plan = FaultPlan(seed=5)
        self.log = RequestLog()
        app = Flask("house")

        def answer(path: str) -> Response:
            self.ports.add(request.environ["REMOTE_PORT"])
            self.reached.append(f"{request.method} {path} {request.get_data().decode()}".strip())
            return Response("x" * int(request.args.get("size", 20)), content_type="text/plain")

        app.add_url_rule("/<path:path>", "answer", answer, methods=["GET", "POST"])
        self.traffic = TrafficMiddleware(FaultMiddleware(app.wsgi_app, self.plan), self.log)
        self.server = LoopbackServer(self.traffic)
        self.session = requests.Session()
        self.session.trust_env = False

    def get(self, path: str, **params: object) -> requests.Response:
        return self.session.get(f"{self.server.url}/{path}", params=params, timeout=5)


@pytest.fixture
def house() -> Iterator[House]:
    made = House()
    with made.server:
        yield made
        made.session.close()


def test_several_requests_share_one_connection(house: House) -> None:
    for index in range(5):
        house.session.post(f"{house.server.url}/a", data=f"body {index}", timeout=5)
    assert len(house.ports) == 1
    assert house.reached[-1] == "POST a body 4"


def test_answers_do_not_wait_for_delayed_acknowledgements(house: House) -> None:
    house.get("warm")
    spent = []
    for _ in range(20):
        begin = time.perf_counter()
        house.get("a")
        spent.append(time.perf_counter() - begin)
    # Forty milliseconds for each and every one would be the mark of a missing TCP_NODELAY.
    assert min(spent) < 0.03


@pytest.mark.parametrize("status", [401, 403, 404, 429, 500, 502, 503, 524])
def test_a_status_fault_answers_html_and_spares_the_application(house: House, status: int) -> None:
    house.plan.add(kind="status", status=status, retry_after_seconds=2, times=1)
    answer = house.get("a")
    assert (answer.status_code, answer.headers["Retry-After"]) == (status, "2")
    assert answer.headers["Content-Type"].startswith("text/html")
    assert house.reached == []
    assert house.get("a").status_code == 200


def test_an_html_fault_comes_with_status_200(house: House) -> None:
    house.plan.add(kind="html")
    answer = house.get("a")
    assert (answer.status_code, answer.text[:6]) == (200, "<html>")


@pytest.mark.parametrize(("kind", "reached"), [("reset", 0), ("reset_after", 1), ("reset_midway", 1)])
def test_a_reset_is_seen_as_a_broken_connection(house: House, kind: str, reached: int) -> None:
    house.plan.add(kind=kind, times=1)
    with pytest.raises((requests.ConnectionError, requests.exceptions.ChunkedEncodingError)):
        house.get("a", size=100000)
    assert len(house.reached) == reached
    assert house.log[0].status == 0
    assert house.get("a").status_code == 200


def test_a_truncated_body_is_shorter_than_announced(house: House) -> None:
    house.plan.add(kind="truncate")
    house.session.headers["Accept-Encoding"] = "identity"
    with pytest.raises((requests.ConnectionError, requests.exceptions.ChunkedEncodingError), match="IncompleteRead"):
        house.get("a", size=5000)


def test_a_delay_leaves_the_answer_alone(house: House) -> None:
    house.plan.add(kind="delay", seconds=0.05)
    begin = time.perf_counter()
    assert house.get("a").text == "x" * 20
    assert time.perf_counter() - begin >= 0.05


def test_an_answer_of_ones_own_replaces_the_right_one(house: House) -> None:
    house.plan.add(kind="body", status=200, body='{"Errors": ["no"]}')
    answer = house.get("a")
    assert (answer.status_code, answer.json(), house.reached) == (200, {"Errors": ["no"]}, [])


def test_a_page_can_have_a_title_of_its_own(house: House) -> None:
    house.plan.add(kind="status", status=404, title="Error 404 Your IP address is not within the allowed range")
    assert "<title>Error 404 Your IP address" in house.get("a").text


def outcomes(plan: FaultPlan, count: int, target: str = "/a", method: str = "GET") -> list[bool]:
    return [plan.next(method, target) is not None for _ in range(count)]


def test_rules_count_matching_requests_only() -> None:
    plan = FaultPlan()
    plan.add(kind="reset", method="POST|PUT", path="/defect.*page=2", after=1, every=2, times=2)
    assert outcomes(plan, 3, "/defect?page=2", "GET") == [False] * 3
    assert outcomes(plan, 3, "/defect?page=1", "POST") == [False] * 3
    assert outcomes(plan, 7, "/defect?page=2", "put") == [False, True, False, True, False, False, False]
    assert plan.hit_count() == 2


def test_chances_repeat_with_the_same_seed() -> None:
    runs = []
    for _ in range(2):
        plan = FaultPlan(seed=9)
        plan.add(kind="reset", probability=0.5)
        runs.append(outcomes(plan, 20))
    assert runs[0] == runs[1]
    assert 0 < sum(runs[0]) < 20


def test_the_first_rule_that_fires_decides() -> None:
    plan = FaultPlan()
    plan.add(kind="reset", times=1)
    plan.add(kind="html")
    assert [fault.kind for _ in range(2) if (fault := plan.next("GET", "/a"))] == ["reset", "html"]


def test_unknown_kinds_are_refused() -> None:
    with pytest.raises(ValueError, match="unknown kind of fault 'explode'"):
        Fault("explode")


def test_hooks_see_each_request_before_it_is_answered(house: House) -> None:
    seen: list[tuple[Request, int]] = []
    house.traffic.hooks.append(lambda asked: seen.append((asked, len(house.reached))))
    house.get("a", b="c")
    house.get("a")
    assert [(asked.path, asked.query, reached) for asked, reached in seen] == [("/a", "b=c", 0), ("/a", "", 1)]


def test_stopping_does_not_wait_for_idle_clients(house: House) -> None:
    house.get("a")
    begin = time.perf_counter()
    house.server.stop()
    assert time.perf_counter() - begin < 3
    with pytest.raises(requests.ConnectionError):
        house.get("a")
    house.server = LoopbackServer(house.traffic)
    house.server.start()


def test_a_server_that_never_served_stops_at_once() -> None:
    house = House()
    house.server.stop()
    LoopbackServer(house.traffic, port=house.server.port).stop()
