"""Writing through a connector as the engine does: read the record, send what differs, read back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from mirror.connectors.http import Answer, Request
from mirror.connectors.rt.connector import RTConnector
from mirror.errors import RemoteError, RetryableError
from mirror.model.cells import cells_in, value_of
from mirror.model.change import Action
from mirror.model.layout import HEAD
from mirror.model.write import Item, Receipt, Target, Value, Write
from tests.support.rt.reading import layout_of

Many = Mapping[str, Sequence[Item]]
NONE: Many = {}


class Pen:
    """Writes records of one type."""

    def __init__(self, connector: RTConnector, type_name: str = "ticket") -> None:
        self.connector = connector
        self.layout = layout_of(connector, type_name)

    def row(self, number: int) -> dict[str, Any]:
        """Return the cells of a record as the engine reads it."""
        page = self.connector.records(self.layout, [number])
        assert len(page.rows) == 1, f"{number} is not listed"
        return dict(zip((*HEAD, *(each.name for each in self.layout.columns)), page.rows[0], strict=True))

    def value(self, number: int, name: str) -> Value:
        """Return the value of a scalar or reference field."""
        row = self.row(number)
        return value_of(self.layout, name, cells_in(row, self.layout, name))

    def items(self, number: int, name: str) -> set[Any]:
        """Return the items of a many-valued field: values, addresses, or (type, number)."""
        page = self.connector.records(self.layout, [number])
        rows = [row[2:] for row in page.links[name] if row[0] == number]
        return {row[0] if len(row) == 1 else row[1] if row[0] is None else (row[2], row[0]) for row in rows}

    def edit(
        self, number: int, values: Mapping[str, Value] | None = None, *, add: Many = NONE, remove: Many = NONE
    ) -> Write:
        """Return an update of a record as it is now."""
        row, values = self.row(number), values or {}
        before = {name: value_of(self.layout, name, cells_in(row, self.layout, name)) for name in values}
        return Write(
            self.layout, Action.UPDATE, number, dict(values), before, _tuples(add), _tuples(remove), str(row["_revision"])
        )

    def make(self, values: Mapping[str, Value], *, add: Many = NONE) -> Write:
        """Return the creation of a record."""
        return Write(self.layout, Action.CREATE, None, dict(values), added=_tuples(add), since=now())

    def act(self, action: Action, number: int, **more: Any) -> Write:
        """Return anything else that is done to a record as it is now."""
        return Write(self.layout, action, number, revision=str(self.row(number)["_revision"]), since=now(), **more)

    def send(self, write: Write) -> Receipt | RemoteError:
        """Send one write and return what came of it."""
        outcomes = self.connector.send([write])
        assert len(outcomes) == 1
        return outcomes[0]

    def done(self, write: Write) -> Receipt:
        """Send one write, which must be accepted."""
        outcome = self.send(write)
        assert isinstance(outcome, Receipt), repr(outcome)
        return outcome


def now() -> datetime:
    """Return the present; the servers of the tests share our clock."""
    return datetime.now(UTC)


def between(connector: RTConnector, method: str, path: str, act: Any) -> None:
    """Have `act` called once just before the first request of that method whose path begins so."""
    transport, waiting = connector.transport, [act]
    send = transport.send

    def intruding(request: Request, read: Any) -> Any:
        if waiting and request.method == method and request.path.startswith(path):
            waiting.pop()()
        return send(request, read)

    transport.send = intruding  # type: ignore[method-assign]


def without_precondition(connector: RTConnector) -> None:
    """Send writes without If-Match: as if RT had checked it just before somebody else wrote (rt.md §1.3)."""
    transport = connector.transport
    send = transport.send

    def unguarded(request: Request, read: Any) -> Any:
        headers = {name: value for name, value in request.headers.items() if name != "If-Match"}
        return send(replace(request, headers=headers), read)

    transport.send = unguarded  # type: ignore[method-assign]


def losing(connector: RTConnector, method: str) -> None:
    """Lose the answer of the next request of a method: the server has handled it."""
    transport, waiting = connector.transport, [True]
    send = transport.send

    def lost(request: Request, read: Any) -> Any:
        if waiting and request.method == method and "/REST/2.0/" in request.path and not request.repeatable:
            waiting.pop()
            return send(request, _lose)
        return send(request, read)

    transport.send = lost  # type: ignore[method-assign]


def answering(connector: RTConnector, method: str, body: bytes, *, status: int = 201, from_number: int = 1) -> None:
    """Have writes of a method answered so, from the given one on; the server never sees them."""
    transport, seen = connector.transport, [0]
    send = transport.send

    def answered(request: Request, read: Any) -> Any:
        if request.method != method or request.repeatable:
            return send(request, read)
        seen[0] += 1
        return read(Answer(status, body, {}, now())) if seen[0] >= from_number else send(request, read)

    transport.send = answered  # type: ignore[method-assign]


def _lose(answer: Answer) -> Answer:
    raise RetryableError(f"the answer with status {answer.status} was lost")


def person(number: int, name: str | None = None) -> Target:
    """Return a user."""
    return Target("user", number, name)


def _tuples(many: Many) -> dict[str, tuple[Item, ...]]:
    return {name: tuple(items) for name, items in many.items()}
