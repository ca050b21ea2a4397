"""Forgets what was long ago: versions that ended before an instant, with their items."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, column, delete, table, update

from mirror.model.layout import Layout, LinkTable
from mirror.store.catalogue import stored_columns
from mirror.store.column_types import StampText, instant_text
from mirror.store.history_tables import history_name
from mirror.store.record_tables import present_tables
from mirror.store.tables import record_type as types


def prune(connection: Connection, layout: Layout, before: datetime) -> int:
    """Forget the versions of a type that ended before an instant, aware; return how many there were.

    The history of the type then begins at that instant, where it is kept: of before, no more is known than of the time
    before it was switched on. What was at that instant and later stays known.
    """
    known = stored_columns(connection, layout.source, layout.type.name)  # with the link tables of vanished fields
    taken = {each.name for each in layout.links}
    names = [
        history_name(each, taken) for each in (layout.table, *(one.name for one in known if isinstance(one, LinkTable)))
    ]
    present = present_tables(connection, names)
    forgotten = [_forget(connection, layout.source, each, before) if each in present else 0 for each in names]
    this = (types.c.source == layout.source, types.c.type == layout.type.name, types.c.history_since < before)
    connection.execute(update(types).where(*this).values(history_since=before))
    return forgotten[0]


def _forget(connection: Connection, source: str, name: str, before: datetime) -> int:
    kept = table(name, column("source"), column("_valid_to", StampText()))
    ended = kept.c._valid_to <= instant_text(before)
    return connection.execute(delete(kept).where(kept.c.source == source, ended)).rowcount
