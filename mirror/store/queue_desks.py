"""Hands out sheets of records of all types of a source, inside one transaction."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime

from sqlalchemy import Connection

from mirror.errors import UsageError
from mirror.model.change import Change
from mirror.model.layout import Layout
from mirror.store import catalogue
from mirror.store.queue_record import Desk
from mirror.store.queue_sheet import Sheet, open_sheet, open_sheets
from mirror.store.queue_writes import Writes
from mirror.store.record_tables import describe


class Desks:
    """The desks of all types, and the layouts they go by.

    Attributes:
        layouts: type name -> layout; those that the caller did not give are read when they are needed.
        writes: what the sheets have to write, for whoever handles many; to be flushed.
    """

    def __init__(self, connection: Connection, layouts: Mapping[str, Layout] | None, now: datetime) -> None:
        self.connection = connection
        self.now = now
        self.layouts = dict(layouts or {})
        self.writes = Writes(connection)

    def layout(self, source: str, type_name: str) -> Layout:
        """Return the layout of a type.

        Raises:
            UsageError: the source never offered it.
        """
        known = self.layouts.get(type_name)
        if known is None or known.source != source:
            known = catalogue.layouts(self.connection, source, [type_name], vanished=True).get(type_name)
            if known is None:
                raise UsageError(f"{source} has no {type_name}")
            self.layouts[type_name] = known
        return known

    def desk(self, source: str, type_name: str) -> Desk:
        """Return the desk of a type."""
        return Desk(self.connection, describe(self.layout(source, type_name)), self.now)

    def sheet(self, source: str, type_name: str, record_id: int) -> Sheet:
        """Return the sheet of a record, locked."""
        return open_sheet(self.desk(source, type_name), record_id)

    def sheets(self, found: Iterable[Change]) -> Iterator[tuple[Sheet, list[int]]]:
        """Yield the sheets, locked, of the records that these open changes are of, each with the ids of its changes."""
        ids: dict[tuple[str, str], dict[int, list[int]]] = {}
        for each in sorted(found, key=lambda one: (one.source, one.type_name, one.record_id, one.id)):
            ids.setdefault((each.source, each.type_name), {}).setdefault(each.record_id, []).append(each.id)
        for place, records in ids.items():
            for sheet in open_sheets(self.desk(*place), records):
                yield sheet, records[sheet.record_id]
