"""A real RT as a random walk over the commit queue needs it, with a proxy before it for faults and intruders."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from typing import Any

from mirror.connectors.base import Connector
from mirror.connectors.http import Transport
from mirror.connectors.rt.connector import RTConnector
from mirror.engine.sync import SyncOptions, SyncReport, sync_source
from mirror.model.source import Credential, Source
from mirror.simulators.faults import FaultPlan
from mirror.simulators.traffic import Hook
from mirror.store.store import Store
from tests.support.proxy import Proxy
from tests.support.rt.client import Client
from tests.support.rt.reading import differences
from tests.support.rt.server import RTServer
from tests.support.stage import IMPATIENT
from tests.support.stages import rt

_LONGEST_SECONDS = 1.2
_LISTED = "Type = 'ticket' AND Status != 'deleted' AND EffectiveId = id"


class WallClock:
    """Time that passes by itself; what a simulated tracker would wait for is waited for in a small part."""

    def advance(self, seconds: float) -> None:
        """Wait a little."""
        time.sleep(min(seconds / 750, _LONGEST_SECONDS))


class RealRT:
    """Tickets of a running RT, as its superuser sees them; somebody else edits them there.

    What is there is read from the database of the server itself.
    """

    kind = "a real rt"
    busy = rt.TheStage.busy
    text_field = rt.TheStage.text_field
    title_field = rt.TheStage.title_field
    writes = rt.TheStage.writes

    def __init__(self, server: RTServer, proxy: Proxy) -> None:
        self._server = server
        self._proxy = proxy
        self._somebody = Client(server.url, "agent")

    @property
    def faults(self) -> FaultPlan:
        """What goes wrong on the way."""
        return self._proxy.faults

    def on_request(self, hook: Hook) -> Callable[[], None]:
        """Call `hook` with each request of the mirror before it is passed on; return what ends this."""
        return self._proxy.on_request(hook)

    def close(self) -> None:
        """End the session of whoever edits there."""
        self._somebody.close()

    def source(self, **changes: Any) -> Source:
        """Return a source called acme."""
        credential = Credential(self._server.tokens["root"])
        options = {"types": rt.TheStage.few, "concurrency": 4} | changes
        return Source("acme", "rt", self._proxy.url, credential, **options)

    def connector(self, source: Source | None = None) -> Connector:
        """Return a new connector that knows nothing yet."""
        chosen = source or self.source()
        return RTConnector(chosen, Transport(chosen.url, concurrency=chosen.concurrency, patience=IMPATIENT))

    def sync(self, store: Store, **options: Any) -> SyncReport:
        """Sync once, as a new process would."""
        return sync_source(
            self.source(),
            self.connector(),
            store,
            SyncOptions(**options),
            clock=lambda: datetime.now(UTC),
            emit=lambda _event: None,
        )

    def ids(self, _type_name: str) -> list[int]:
        """Return the ids of the tickets that a search finds."""
        return [number for (number,) in self._rows(f"SELECT id FROM Tickets WHERE {_LISTED} ORDER BY id")]

    def texts(self) -> dict[int, str]:
        """Return the text field of all tickets that a search finds."""
        found = dict.fromkeys(self.ids("ticket"), "")
        rows = self._rows(
            "SELECT v.ObjectId, coalesce(v.LargeContent, v.Content) FROM ObjectCustomFieldValues v "
            "JOIN CustomFields f ON f.id = v.CustomField "
            "WHERE f.Name = 'Notes' AND v.ObjectType = 'RT::Ticket' AND v.Disabled = 0"
        )
        return found | {number: _text(value) for number, value in rows if number in found}

    def titles(self) -> list[str]:
        """Return the subjects of all tickets that a search finds."""
        return [_text(subject) for (subject,) in self._rows(f"SELECT Subject FROM Tickets WHERE {_LISTED}")]

    def comments(self) -> list[str]:
        """Return the texts of all comments on tickets, without their files."""
        rows = self._rows(
            "SELECT a.Content FROM Attachments a JOIN Transactions t ON t.id = a.TransactionId "
            "WHERE t.Type = 'Comment' AND t.ObjectType = 'RT::Ticket' AND a.ContentType = 'text/plain'"
        )
        return [_text(content) for (content,) in rows]

    def edit(self, record_id: int, text: str) -> None:
        """Change the text field of a ticket."""
        self._somebody.edit(record_id, CustomFields={"Notes": text})

    def create(self, text: str) -> int:
        """Create a ticket with a text."""
        return self._somebody.create(CustomFields={"Notes": text})

    def delete(self, record_id: int) -> None:
        """Delete a ticket."""
        self._somebody.edit(record_id, Status="deleted")

    def differences(self, store: Store) -> list[str]:
        """Return a sentence for each difference between the mirror and a fresh reading of everything."""
        return differences(store, RTConnector(self.source(), Transport(self._server.url)), sees_all_tickets=True)

    def _rows(self, statement: str) -> list[tuple[Any, ...]]:
        with closing(sqlite3.connect(self._server.home / "rt.sqlite")) as database:
            return database.execute(statement).fetchall()


def _text(value: object) -> str:
    return value.decode() if isinstance(value, bytes) else str(value or "")
