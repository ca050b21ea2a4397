"""Simulators to test, one fresh and small for each test, and a plain client for them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from xml.etree import ElementTree

import pytest
import requests

from mirror.simulators import ManualClock
from mirror.simulators.versionone import VersionOneSimulator, World


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def sim(clock: ManualClock) -> Iterator[VersionOneSimulator]:
    with VersionOneSimulator(records=60, seed=7, clock=clock) as running:
        yield running


@pytest.fixture
def world(sim: VersionOneSimulator) -> World:
    return sim.world


class Client:
    """Speaks HTTP as a script would."""

    def __init__(self, sim: VersionOneSimulator) -> None:
        self.base = sim.url
        self.session = requests.Session()
        self.session.trust_env = False
        self.session.headers["Authorization"] = f"Bearer {sim.token}"

    def raw(self, path: str, method: str = "GET", data: Any = None, *, accept: str = "", **params: Any) -> requests.Response:
        headers = {"Accept": accept} if accept else {}
        return self.session.request(method, f"{self.base}/{path}", params=params, data=data, headers=headers, timeout=10)

    def xml(self, path: str, **params: Any) -> ElementTree.Element:
        answer = self.raw(f"rest-1.v1/{path}", **params)
        assert answer.status_code == 200, answer.text
        assert answer.headers["Content-Type"].startswith("text/xml")
        return ElementTree.fromstring(answer.content)

    def json(self, path: str, *, accept: str = "application/json", **params: Any) -> Any:
        answer = self.raw(f"rest-1.v1/{path}", accept=accept, **params)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def ids(self, type_name: str, where: str = "", **params: Any) -> list[int]:
        """Ids in the order of the answer."""
        given = {"where": where} if where else {}
        rows = self.json(f"Data/{type_name}", sel="", **given, **params)["Assets"]
        return [int(row["id"].split(":")[1]) for row in rows]

    def values(self, asset: str, sel: str) -> dict[str, Any]:
        """Selected attributes of one asset such as `Story/1005`."""
        row = self.json(f"Data/{asset}", sel=sel)
        return {name: each["value"] for name, each in row["Attributes"].items()}

    def error(self, path: str, status: int = 400, *, method: str = "GET", data: Any = None, **params: Any) -> str:
        """The innermost message of an XML error."""
        answer = self.raw(path, method, data, **params)
        assert answer.status_code == status, answer.text
        root = ElementTree.fromstring(answer.content)
        assert root.find("Message") is not None
        return root.findall(".//Message")[-1].text or ""

    def post(self, path: str, body: str, **params: Any) -> ElementTree.Element:
        answer = self.raw(f"rest-1.v1/{path}", "POST", body.encode(), **params)
        assert answer.status_code == 200, answer.text
        return ElementTree.fromstring(answer.content)

    def query(self, *documents: dict[str, Any]) -> list[list[dict[str, Any]]]:
        answer = self.session.post(f"{self.base}/query.v1", json=list(documents), timeout=10)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def bulk(self, commands: Any, **params: Any) -> dict[str, Any]:
        if isinstance(commands, str):
            answer = self.raw("api/asset", "POST", commands.encode(), **params)
        else:
            answer = self.session.post(f"{self.base}/api/asset", json=commands, params=params, timeout=10)
        assert answer.status_code == 200, answer.text
        return answer.json()


@pytest.fixture
def client(sim: VersionOneSimulator) -> Iterator[Client]:
    made = Client(sim)
    yield made
    made.session.close()
