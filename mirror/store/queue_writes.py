"""What sheets have to write, kept until there is enough of it: many records then need few statements."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import Connection

from mirror.model.change import Change, LogEntry
from mirror.store import local_rows, queue_rows, suspects
from mirror.store.record_tables import RecordTable


class Writes:
    """The writes of one transaction to queue, log, suspects and cells of rows; nothing is in the database before `flush`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._new: list[Change] = []
        self._changed: list[Change] = []
        self._dropped: list[int] = []
        self._entries: list[LogEntry] = []
        self._suspects: dict[tuple[str, str], dict[str, set[int]]] = {}
        self._cells: dict[tuple[str, frozenset[str]], tuple[RecordTable, dict[int, Mapping[str, Any]]]] = {}

    def put(self, change: Change) -> None:
        """Store a change; ids are given in the order of these calls."""
        self._new.append(change)

    def change(self, change: Change) -> None:
        """Store a change that is stored already as it is now."""
        self._changed.append(change)

    def drop(self, ids: Iterable[int]) -> None:
        """Take changes out of the queue."""
        self._dropped += ids

    def note(self, entries: Iterable[LogEntry]) -> None:
        """Add to the audit trail."""
        self._entries += entries

    def suspect(self, kind: str, place: tuple[str, str], record_id: int) -> None:
        """Have a record looked at again.

        Args:
            place: source and type name.
        """
        self._suspects.setdefault((place[0], kind), {}).setdefault(place[1], set()).add(record_id)

    def cells(self, target: RecordTable, record_id: int, cells: Mapping[str, Any]) -> None:
        """Put cells into a row that is stored."""
        key = (target.table.name + "/" + target.layout.source, frozenset(cells))
        self._cells.setdefault(key, (target, {}))[1][record_id] = cells

    def flush(self) -> None:
        """Write all of it."""
        connection = self._connection
        queue_rows.drop(connection, self._dropped)
        queue_rows.set_(connection, *self._changed)
        queue_rows.put_all(connection, self._new)
        queue_rows.write_log(connection, self._entries)
        for (source, kind), ids in self._suspects.items():
            suspects.add(connection, source, kind, ids)
        for target, rows in self._cells.values():
            local_rows.write_cells(connection, target, rows)
        for each in (self._new, self._changed, self._dropped, self._entries, self._suspects, self._cells):
            each.clear()
