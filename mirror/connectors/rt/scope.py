"""Which queues a source is narrowed to, and what lies in them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from mirror.connectors.http import Request
from mirror.connectors.rt.search import PER_PAGE, Condition, Rows, Search, Tongue, either, id_of
from mirror.errors import ConfigError
from mirror.model.source import Source

_Items = Sequence[dict[str, Any]]


class Scope:
    """The setting `queues` of a source: a list of names; without it everything is in scope."""

    def __init__(self, source: Source, ask: Callable[[Request], Rows]) -> None:
        self._source = source
        self._ask = ask
        self._lock = threading.Lock()
        self._known: tuple[int, ...] | None = None
        self._names = _names(source)

    def forget(self) -> None:
        """Look the names up again when they are next needed."""
        with self._lock:
            self._known = None

    def queues(self) -> tuple[int, ...]:
        """Return the ids of the queues, empty when there is no such setting.

        Raises:
            ConfigError: RT shows this account no queue of one of the names.
        """
        if not self._names:
            return ()
        with self._lock:
            known = self._known
        if known is None:
            known = self._look_up()
            with self._lock:
                self._known = known
        return known

    def narrows(self, type_name: str) -> bool:
        """Return whether rows of the type must be looked at one by one: attachments know no queue."""
        return type_name == "attachment" and bool(self._names)

    def only(self, type_name: str, items: _Items) -> _Items:
        """Return those of at most a page of `items` that are in scope."""
        if not items or not self.narrows(type_name):
            return items
        ids = tuple(sorted({int(each["TransactionId"]) for each in items}))
        base = f"ObjectType = 'RT::Ticket' AND {either('TicketQueue', self.queues())}"
        inside: set[int] = set()
        for start in range(0, len(ids), PER_PAGE):
            search = Search("/transactions", Tongue.TRANSACTIONS, base, ids=ids[start : start + PER_PAGE])
            inside.update(id_of(each) for each in self._ask(search.request()).items)
        return [each for each in items if int(each["TransactionId"]) in inside]

    def holds(self, ticket: Mapping[str, Any]) -> bool:
        """Return whether a ticket's queue is in scope."""
        return not self._names or int(ticket["Queue"]["id"]) in self.queues()

    def _look_up(self) -> tuple[int, ...]:
        conditions = tuple(Condition("Name", "=", each) for each in self._names)
        search = Search("/queues", Tongue.JSON, conditions, {"fields": "id,Name"}, disabled_too=True)
        found = {str(each["Name"]).casefold(): id_of(each) for each in self._ask(search.request()).items}
        missing = [each for each in self._names if each.casefold() not in found]
        if missing:
            raise ConfigError(
                f"source {self._source.name!r}: no queue called {', '.join(map(repr, missing))} is visible to this account"
            )
        return tuple(sorted(found.values()))


def _names(source: Source) -> tuple[str, ...]:
    queues = source.scope.get("queues", ())
    if isinstance(queues, str):
        return (queues,)
    if not isinstance(queues, list | tuple):
        raise ConfigError(f"source {source.name!r}: queues must be a list of names")
    return tuple(str(each) for each in queues)
