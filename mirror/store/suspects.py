"""Records that may differ from the tracker without their revision saying so, kept until they were read again.

They are stored before whatever makes them suspect, so a crash in between costs a needless read and never a difference.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from sqlalchemy import ColumnElement, Connection, Table, delete, literal, select
from sqlalchemy.dialects import postgresql, sqlite

from mirror.model.layout import Layout
from mirror.store.chunks import chunked
from mirror.store.references import Pointer, pointers
from mirror.store.tables import referrer, suspect

RECORD = "record"  # read it again
NAME = "name"  # others may show it under an older name


def add(connection: Connection, source: str, kind: str, ids: Mapping[str, Collection[int]]) -> None:
    """Suspect records, by type; those suspected already stay so."""
    rows = [{"source": source, "kind": kind, "type": name, "id": each} for name, some in ids.items() for each in some]
    if rows:
        connection.execute(_insert_new(connection, suspect), rows)


def listed(connection: Connection, source: str, kind: str) -> dict[str, set[int]]:
    """Return type name -> ids of all suspects of that kind."""
    found: dict[str, set[int]] = {}
    query = select(suspect.c.type, suspect.c.id).where(suspect.c.source == source, suspect.c.kind == kind)
    for name, each in connection.execute(query):
        found.setdefault(name, set()).add(each)
    return found


def clear(connection: Connection, source: str, kind: str, ids: Mapping[str, Collection[int]]) -> None:
    """Suspect these records no longer."""
    for name, some in ids.items():
        here = (suspect.c.source == source, suspect.c.kind == kind, suspect.c.type == name)
        for chunk in chunked(some):
            connection.execute(delete(suspect).where(*here, suspect.c.id.in_(chunk)))


def suspect_referrers(connection: Connection, layouts: Mapping[str, Layout], type_name: str, ids: Collection[int]) -> None:
    """Suspect whatever refers to these records, and remember it for the case that they come back."""
    source = layouts[type_name].source
    for pointer in pointers(layouts, type_name):
        for chunk in chunked(ids):
            pointing = select(
                literal(source), literal(type_name), pointer.target, literal(pointer.owner), pointer.table.c.id
            )
            remember = _insert_new(connection, referrer).from_select(
                [each.name for each in referrer.columns], pointing.where(*_conditions(pointer, source, chunk)).distinct()
            )
            connection.execute(remember)
    _suspect_remembered(connection, source, type_name, ids)


def recall(connection: Connection, source: str, type_name: str, ids: Collection[int]) -> None:
    """Suspect whatever referred to those of these records that had vanished, and forget about it."""
    _suspect_remembered(connection, source, type_name, ids)
    for chunk in chunked(ids):
        connection.execute(delete(referrer).where(*_remembered(source, type_name, chunk)))


def _suspect_remembered(connection: Connection, source: str, type_name: str, ids: Collection[int]) -> None:
    for chunk in chunked(ids):
        found = select(referrer.c.source, literal(RECORD), referrer.c.referrer_type, referrer.c.referrer_id)
        found = found.where(*_remembered(source, type_name, chunk)).distinct()
        connection.execute(_insert_new(connection, suspect).from_select(["source", "kind", "type", "id"], found))


def _remembered(source: str, type_name: str, ids: list[int]) -> tuple[ColumnElement[bool], ...]:
    return (referrer.c.source == source, referrer.c.type == type_name, referrer.c.id.in_(ids))


def _conditions(pointer: Pointer, source: str, ids: list[int]) -> tuple[ColumnElement[bool], ...]:
    return (pointer.table.c.source == source, pointer.leads, pointer.target.in_(ids))


def _insert_new(connection: Connection, table: Table) -> sqlite.Insert | postgresql.Insert:
    """Return an insert that leaves rows which are there already alone."""
    if connection.dialect.name == "sqlite":
        return sqlite.insert(table).on_conflict_do_nothing()
    return postgresql.insert(table).on_conflict_do_nothing()
