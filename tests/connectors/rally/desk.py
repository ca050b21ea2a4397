"""A connector to a simulated Rally, and writes to send with it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from mirror.connectors.base import Connector
from mirror.errors import RemoteError
from mirror.model.change import Action
from mirror.model.layout import HEAD, Layout
from mirror.model.source import Credential
from mirror.model.write import Receipt, Target, Write
from tests.support.stages.rally import TheStage


class Desk:
    """Somebody who reads a record, writes it and reads it back, as a push does."""

    def __init__(self, stage: TheStage, credential: Credential | None = None) -> None:
        self.stage = stage
        self.world = stage.world
        source = stage.source(**({"credential": credential} if credential else {}))
        self.connector: Connector = stage.connector(source)
        self.layouts = stage.layouts(self.connector)

    def layout(self, type_name: str) -> Layout:
        """Return the layout of a type."""
        return self.layouts[type_name]

    def row(self, type_name: str, record_id: int) -> dict[str, Any]:
        """Return a record by column, with the ids of its links by field."""
        layout = self.layouts[type_name]
        page = self.connector.records(layout, [record_id])
        names = (*HEAD, *(each.name for each in layout.columns))
        found = dict(zip(names, page.rows[0], strict=True))
        return found | {name: sorted(each[2] for each in rows) for name, rows in page.links.items()}

    def write(self, action: Action, type_name: str, record_id: int | None, **more: Any) -> Write:
        """Return a write; of a record that is there with the revision it has now."""
        revision = self.row(type_name, record_id)["_revision"] if record_id is not None else None
        options = {"revision": revision, "since": self.now()} | more
        return Write(self.layouts[type_name], action, record_id, **options)

    def now(self) -> datetime:
        """Return the tracker's time as the Date header of an answer just before gives it."""
        return self.world.now().astimezone(UTC).replace(microsecond=0) - timedelta(seconds=1)

    def update(self, type_name: str, record_id: int, values: dict[str, Any] | None = None, **more: Any) -> Write:
        """Return an update."""
        return self.write(Action.UPDATE, type_name, record_id, values=values or {}, **more)

    def create(self, type_name: str, values: dict[str, Any], **more: Any) -> Write:
        """Return a creation."""
        return self.write(Action.CREATE, type_name, None, values=values, **more)

    def send(self, write: Write) -> Receipt | RemoteError:
        """Send one write."""
        return self.connector.send([write])[0]

    def done(self, write: Write) -> Receipt:
        """Send one write that must be accepted."""
        receipt = self.send(write)
        assert isinstance(receipt, Receipt), repr(receipt)
        return receipt

    def defect(self, **fields: Any) -> int:
        """Make a defect on the tracker."""
        return self.world.create("Defect", {"Name": "the one"} | fields)

    def intrude(self, record_id: int, fields: dict[str, Any]) -> int:
        """Have somebody else change a record just before our next POST or PUT; return who."""
        other = next(each for each in self.world.ids("User") if each != self.world.landmarks.user)
        done: list[int] = []

        def strike(request: Any) -> None:
            if request.method in ("POST", "PUT") and not done:
                done.append(record_id)
                with self.world.transaction(user=other) as transaction:
                    self.world.writer(transaction).update(record_id, fields)

        self.stage.on_request(strike)
        return other


def to(type_name: str, record_id: int, name: str | None = None) -> Target:
    """Return a target."""
    return Target(type_name, record_id, name)
