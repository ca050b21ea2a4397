"""Simulators to test, one fresh and small for each test, and a plain client for them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import requests

from mirror.simulators import ManualClock
from mirror.simulators.rt import RTSimulator, World


class Caller:
    """Speaks REST 2.0 as a script would, with a token on every request."""

    def __init__(self, tracker: RTSimulator, token: str | None = None) -> None:
        self._base = f"{tracker.url}/REST/2.0"
        self.session = requests.Session()
        self.session.trust_env = False
        self.session.headers["Authorization"] = f"token {token or tracker.token}"

    def raw(self, method: str, path: str, **more: Any) -> requests.Response:
        return self.session.request(method, self._base + path, timeout=10, allow_redirects=False, **more)

    def get(self, path: str, **params: Any) -> Any:
        return self.raw("GET", path, params=params).json()

    def put(self, path: str, **values: Any) -> Any:
        return self.raw("PUT", path, json=values).json()

    def listed(self, name: str, **params: Any) -> list[int]:
        query = [{"field": "id", "operator": ">", "value": 0}]
        params = {"per_page": 100, "orderby": "id", "fields": "id", **params}
        return [each["id"] for each in self.raw("POST", f"/{name}", json=query, params=params).json()["items"]]


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def tracker(clock: ManualClock) -> Iterator[RTSimulator]:
    with RTSimulator(records=100, seed=7, clock=clock) as running:
        yield running


@pytest.fixture
def world(tracker: RTSimulator) -> World:
    return tracker.world


@pytest.fixture
def caller(tracker: RTSimulator) -> Iterator[Caller]:
    made = Caller(tracker)
    yield made
    made.session.close()
