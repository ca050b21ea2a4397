"""What a sheet knows of a record, and how changes come into it and leave it; the ground that fields and links stand on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from mirror.model.cells import is_current
from mirror.model.change import Action, Change, End, LogEntry
from mirror.model.part import Part
from mirror.store import suspects
from mirror.store.queue_states import LINKING, label_of, tracker_cells
from mirror.store.queue_writes import Writes
from mirror.store.record_tables import RecordTable


@dataclass(frozen=True, slots=True)
class Desk:
    """Where sheets of one record type are worked on: a transaction, and its time."""

    connection: Connection
    target: RecordTable
    now: datetime


class RecordSheet:
    """A record, its row as shown here, and its open changes.

    Attributes:
        row: column -> cell; None when it is not in its table.
        changes: in the order they were made; one that is not stored yet has the id 0 and comes last.
        tracker: column -> cell as the tracker has it, of all columns that changes touch or touched.
    """

    def __init__(self, desk: Desk, record_id: int, row: Mapping[str, Any] | None, changes: Iterable[Change]) -> None:
        self.desk = desk
        self.layout = desk.target.layout
        self.record_id = record_id
        self.row = row
        self.changes = list(changes)
        self.tracker = tracker_cells(self.changes)
        self._read = tuple(self.changes)
        self._stored = {each.id: each for each in self.changes}
        self._linked = {each.field for each in self.link_changes()}
        self._notes: list[LogEntry] = []
        self._suspected: set[str] = set()

    @property
    def revision(self) -> str | None:
        """The revision of the stored row."""
        return None if self.row is None else self.row["_revision"]

    def deletion(self) -> Change | None:
        """Return the open DELETE."""
        return next((each for each in self.changes if each.action is Action.DELETE), None)

    def link_changes(self, field: str = "") -> list[Change]:
        """Return the LINK and UNLINK changes, of all fields or of one; of fields that still are what they were."""
        found = [each for each in self.changes if each.action in LINKING and (not field or each.field == field)]
        return [each for each in found if is_current(self.layout, each)]

    def add(self, change: Change) -> Change:
        """Add a change that is not stored yet; what its columns hold without it becomes known as the tracker's."""
        if change.action is Action.UPDATE:
            for name, value in (change.base or {}).items():
                self.tracker.setdefault(name, value)
        if change.action in LINKING:
            self._linked.add(change.field)
        self.changes.append(change)
        return change

    def swap(self, change: Change, **values: Any) -> Change:
        """Put `change` with other values in its place."""
        new = replace(change, **values)
        self.changes[self.changes.index(change)] = new
        return new

    def drop(self, change: Change) -> None:
        """Take a change out without a trace: another one has taken it in."""
        self.changes.remove(change)

    def end(self, change: Change, end: End, words: str = "", revision: str | None = None) -> None:
        """Take a change out, and log how it ended."""
        self.changes.remove(change)
        self.note(change, end, words, revision)
        if change.action is Action.UPDATE and change.field == self.layout.type.name_field and self.record_id > 0:
            # Others show the name as it was; they follow when the next sync looks at them.
            self.suspect(suspects.NAME)

    def note(self, change: Change, end: End, words: str = "", revision: str | None = None) -> None:
        """Log, with `save`, how a change, or one attempt to send it, ended."""
        values = (each.value for each in self._read if each.action is Action.CREATE and each.value)
        temporary = next((each["temporary_id"] for each in values), None)
        self._notes.append(LogEntry(change, end, self.desk.now, words, self.label(), temporary, revision))

    def suspect(self, kind: str) -> None:
        """Have the record looked at again, see `suspects`."""
        self._suspected.add(kind)

    def _save_notes(self, writes: Writes) -> None:
        writes.note(self._notes)
        for each in self._suspected:
            writes.suspect(each, (self.layout.source, self.layout.type.name), self.record_id)
        self._notes, self._suspected = [], set()

    def label(self) -> str:
        """Return what people call the record, as far as known."""
        key = self.layout.type.key_field
        name = next((each.name for each in self.layout.columns if each.field == key and each.part is Part.VALUE), None)
        found = None if name is None or self.row is None else self.tracker.get(name, self.row.get(name))
        return label_of(self.record_id) if found is None else str(found)
