"""An RT, real or simulated, a mirror of it, and the same question put to both."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

from mirror.connectors.language import Asked
from mirror.connectors.rt.language import RTLanguage
from mirror.engine.account import account_of, asked_by
from mirror.engine.sync import SyncOptions, sync_source
from mirror.errors import QueryError
from mirror.model.layout import Layout
from mirror.query.expr import Query
from mirror.store.store import Store
from tests.connectors.rt.conftest import Server, connected
from tests.queries.rt_scene import make_scene
from tests.support.rt.client import Client

_PLURALS = {"class": "classes"}


@dataclass(frozen=True)
class Answer:
    """What one side says.

    Attributes:
        ids: in order.
        refusal: why not; empty when the query was understood.
        notes: what the mirror understood otherwise than RT would have.
    """

    ids: list[int]
    refusal: str = ""
    notes: tuple[str, ...] = ()


class Ground:
    """Both sides."""

    def __init__(self, server: Server, store: Store) -> None:
        self.store = store
        self.language = RTLanguage()
        self._client = Client(server.url)
        self.me = self._client.user_id("root")

    @cached_property
    def layouts(self) -> dict[str, Layout]:
        """Type name -> layout."""
        return self.store.layouts("acme")

    @cached_property
    def _numbers(self) -> dict[str, int]:
        with self.store.read("SELECT name, id FROM rt_user") as found:
            return {str(name): int(number) for name, number in found.rows}

    @property
    def asked(self) -> Asked:
        """What a query means just now, to whom the sync has learned that we are."""
        return asked_by(account_of(self.store, "acme"), self.layouts, datetime.now(UTC))

    def server(self, type_name: str, query: str, order: str = "") -> Answer:
        """Ask RT, all pages."""
        keys = [each.strip() for each in order.split(",") if each.strip()] or ["id"]
        params: dict[str, Any] = {
            "per_page": 100,
            "orderby": [each.lstrip("-") for each in keys],
            "order": ["DESC" if each.startswith("-") else "ASC" for each in keys],
        }
        path = "/" + _PLURALS.get(type_name, f"{type_name}s")
        found: list[int] = []
        page = pages = 1
        while page <= pages:
            asked = {**params, "query": query, "page": page}
            if type_name == "ticket":
                answer = self._client.raw("POST", path, data=asked)
            else:
                answer = self._client.raw("GET", path, params=asked)
            document = answer.json()
            if answer.status_code != 200:
                return Answer([], str(document["message"]))
            found += [self._number(type_name, each["id"]) for each in document["items"]]
            page, pages = page + 1, int(document["pages"] or 1)
        return Answer(found)

    def _number(self, type_name: str, value: str) -> int:
        return self._numbers[value] if type_name == "user" else int(value)

    def mirror(self, type_name: str, query: str, order: str = "") -> Answer:
        """Ask the mirror."""
        asked, layout = self.asked, self.layouts[type_name]
        try:
            made = self.language.query(query, layout, asked)
            keys = self.language.order(order, layout, asked)
        except QueryError as error:
            assert error.text[error.position : error.position + error.length].strip() or error.position >= len(
                error.text.rstrip()
            )
            return Answer([], error.problem)
        found = self.store.search(self.layouts).ids([Query(type_name, made.where, keys, made.notes)])
        return Answer([number for _type, number in found], notes=made.notes)

    def close(self) -> None:
        """Close the connection to the server."""
        self._client.close()


@contextmanager
def ground(server: Server, database_url: str) -> Iterator[Ground]:
    """Make the scene on a running server, and a mirror of it in a database."""
    client = Client(server.url)
    make_scene(client)
    client.close()
    with Store.open(database_url) as store:
        connector = connected(server)
        report = sync_source(
            connector._source,
            connector,
            store,
            SyncOptions(),
            clock=lambda: datetime.now(UTC),
            emit=lambda _event: None,
        )
        assert report.failed == ()
        made = Ground(server, store)
        try:
            yield made
        finally:
            made.close()
