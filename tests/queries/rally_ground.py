"""A simulated Rally, a mirror of it, and the same question put to both."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import requests

from mirror.connectors.language import Asked
from mirror.connectors.rally.language import RallyLanguage
from mirror.engine.account import account_of, asked_by
from mirror.errors import QueryError
from mirror.model.layout import Layout
from mirror.query.expr import Query
from mirror.simulators import ManualClock
from mirror.store.store import Store
from tests.queries.rally_scene import make_scene
from tests.support.stages.rally import TheStage

Keys = list[tuple[str, int]]


@dataclass(frozen=True)
class Answer:
    """What one side says.

    Attributes:
        keys: type and ObjectID, in order.
        refusal: why not; empty when the query was understood.
        notes: what the mirror understood otherwise than Rally would have.
    """

    keys: Keys
    refusal: str = ""
    notes: tuple[str, ...] = ()


class Ground:
    """Both sides."""

    def __init__(self, stage: TheStage, store: Store, scene: dict[int, str]) -> None:
        self.stage = stage
        self.store = store
        self.scene = scene
        self.language = RallyLanguage()
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.headers["ZSESSIONID"] = stage.tracker.api_key

    @cached_property
    def layouts(self) -> dict[str, Layout]:
        """Type name -> layout."""
        return dict(self.store.layouts("acme"))

    @property
    def asked(self) -> Asked:
        """What a query means at the simulator's present moment, to whom the sync has learned that we are."""
        return asked_by(account_of(self.store, "acme"), self.layouts, self.stage.world.now())

    def server(self, type_name: str, query: str, order: str = "") -> Answer:
        """Ask the simulator, over HTTP."""
        address = f"{self.stage.url}/slm/webservice/v2.0/{type_name}"
        asked = {"query": query, "order": order, "fetch": "ObjectID", "pagesize": "2000"}
        answer = self._session.get(address, params=asked, timeout=20).json()["QueryResult"]
        if answer["Errors"]:
            return Answer([], str(answer["Errors"][0]))
        assert answer["TotalResultCount"] == len(answer["Results"]) <= 2000
        return Answer([(row["_type"], row["ObjectID"]) for row in answer["Results"]])

    def mirror(self, type_name: str, query: str, order: str = "") -> Answer:
        """Ask the mirror."""
        asked = self.asked
        try:
            queries = [self._query(each, query, order, asked) for each in self.language.types(type_name, self.layouts)]
        except QueryError as error:
            assert error.text[error.position : error.position + error.length].strip() or error.position == len(error.text)
            return Answer([], str(error))
        found = self.store.search(self.layouts).ids(queries)
        return Answer(list(found), notes=tuple(dict.fromkeys(note for each in queries for note in each.notes)))

    def _query(self, type_name: str, query: str, order: str, asked: Asked) -> Query:
        layout = self.layouts[type_name]
        made = self.language.query(query, layout, asked)
        return Query(type_name, made.where, self.language.order(order, layout, asked), made.notes)

    def close(self) -> None:
        """Close the connection to the simulator."""
        self._session.close()


@contextmanager
def ground(folder: Path, *, records: int, seed: int) -> Iterator[Ground]:
    """Run a simulated Rally with a scene in it, and a mirror of it in `folder`."""
    stage = TheStage(records=records, seed=seed, clock=ManualClock())
    with stage, Store.open(f"sqlite:///{folder / 'mirror.db'}") as store:
        scene = make_scene(stage.world)
        report = stage.sync(store)
        assert report.exit_code == 0, report
        made = Ground(stage, store, scene)
        try:
            yield made
        finally:
            made.close()
