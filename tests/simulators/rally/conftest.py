"""Simulators to test, one fresh and small for each test, and a plain client for them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import requests

from mirror.simulators import ManualClock
from mirror.simulators.rally import RallySimulator
from mirror.simulators.rally.world import World


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def sim(clock: ManualClock) -> Iterator[RallySimulator]:
    with RallySimulator(records=120, seed=7, clock=clock) as running:
        yield running


@pytest.fixture
def world(sim: RallySimulator) -> World:
    return sim.world


class Client:
    """Speaks WSAPI as a script would."""

    def __init__(self, sim: RallySimulator) -> None:
        self.base = f"{sim.url}/slm/webservice/v2.0"
        self.session = requests.Session()
        self.session.trust_env = False
        self.session.headers["ZSESSIONID"] = sim.api_key

    def raw(self, path: str, method: str = "GET", json: Any = None, **params: Any) -> requests.Response:
        return self.session.request(method, f"{self.base}/{path}", params=params, json=json, timeout=10)

    def get(self, path: str, **params: Any) -> dict[str, Any]:
        return self.raw(path, **params).json()

    def list(self, path: str, **params: Any) -> dict[str, Any]:
        return self.get(path, **params)["QueryResult"]

    def rows(self, path: str, **params: Any) -> list[dict[str, Any]]:
        answer = self.list(path, **params)
        assert answer["Errors"] == []
        return answer["Results"]

    def names(self, path: str, **params: Any) -> list[str]:
        return [row["Name"] for row in self.rows(path, fetch="Name", **params)]

    def error(self, path: str, **params: Any) -> str:
        answer = self.list(path, **params)
        assert (answer["TotalResultCount"], answer["StartIndex"], answer["PageSize"], answer["Results"]) == (0, 0, 0, [])
        return answer["Errors"][0]

    def send(self, method: str, path: str, json: Any = None, **params: Any) -> dict[str, Any]:
        answer = self.raw(path, method, json, **params).json()
        return next(iter(answer.values()))


@pytest.fixture
def client(sim: RallySimulator) -> Iterator[Client]:
    made = Client(sim)
    yield made
    made.session.close()
