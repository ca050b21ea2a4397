"""Gives a record that was created here the id that the tracker gave it, wherever the temporary one stands."""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy import Connection, select, update

from mirror.model.change import Action, Change
from mirror.model.layout import Layout
from mirror.model.part import Part
from mirror.store import local_rows, queue_rows
from mirror.store.chunks import chunked
from mirror.store.overlay import lay
from mirror.store.queue_desks import Desks
from mirror.store.queue_refs import Turn, refer_to
from mirror.store.queue_sheet import Sheet, open_sheet
from mirror.store.record_tables import RecordTable
from mirror.store.tables import change as changes
from mirror.store.tables import log


def real_id(connection: Connection, source: str, temporary_id: int) -> tuple[str, int] | None:
    """Return type name and id of a record that had that temporary id; see Queue.real_id."""
    query = select(log.c.type, log.c.record_id).where(log.c.source == source, log.c.temporary_id == temporary_id)
    known = connection.execute(query.limit(1)).first()
    if known is not None:
        return str(known[0]), int(known[1])
    created = queue_rows.of_source(source).where(changes.c.action == Action.CREATE.value, changes.c.record_id >= 0)
    found = (each for each in queue_rows.read(connection, created) if (each.value or {}).get("temporary_id") == temporary_id)
    return next(((each.type_name, each.record_id) for each in found), None)


def promote(desks: Desks, layout: Layout, temporary_id: int, new_id: int) -> None:
    """Rewrite a temporary id; see Queue.promote."""
    source, type_name = layout.source, layout.type.name
    queue_rows.hold(desks.connection, [source])
    desk = desks.desk(source, type_name)
    old, new = open_sheet(desk, temporary_id), open_sheet(desk, new_id)
    if old.row is None and not old.changes:
        return
    _log_real_id(desks.connection, (source, type_name), temporary_id, new_id)
    _move_changes(desks.connection, old.changes, temporary_id, new_id)
    if new.row is None and new.deletion() is None:
        _move_row(desks.connection, desk.target, temporary_id, new_id)
        open_sheet(desk, new_id).save()
    else:
        local_rows.drop_rows(desks.connection, desk.target, [temporary_id])
        _meet(open_sheet(desk, new_id), new)
    shown = open_sheet(desk, new_id)
    name = desk.target.name_column
    label = None if name is None or shown.row is None else shown.row.get(name)
    _repoint(desks, source, temporary_id, lambda _, known: (new_id, known if label is None else str(label)))


def show_name(desks: Desks, sheet: Sheet) -> None:
    """Show the present name of a record that the tracker does not have yet wherever something refers to it."""
    name = sheet.desk.target.name_column
    if name is None or sheet.row is None:
        return
    shown = sheet.row.get(name)
    label = None if shown is None else str(shown)
    _repoint(desks, sheet.layout.source, sheet.record_id, lambda same, _: (same, label))


def _log_real_id(connection: Connection, place: tuple[str, str], temporary_id: int, new_id: int) -> None:
    this = (log.c.source == place[0], log.c.type == place[1], log.c.record_id == temporary_id)
    connection.execute(update(log).where(*this).values(record_id=new_id, temporary_id=temporary_id))


def _move_changes(connection: Connection, moving: list[Change], temporary_id: int, new_id: int) -> None:
    for each in moving:
        moved = replace(each, record_id=new_id)
        if each.action is Action.CREATE:
            moved = replace(moved, value={"temporary_id": temporary_id})
        queue_rows.set_(connection, moved)


def _move_row(connection: Connection, target: RecordTable, temporary_id: int, new_id: int) -> None:
    for each in (target.table, *target.links.values()):
        this = (each.c.source == target.layout.source, each.c.id == temporary_id)
        connection.execute(update(each).where(*this).values(id=new_id))


def _meet(sheet: Sheet, before: Sheet) -> None:
    """Show the changes of the record that was created here on the row that has come from the tracker.

    Args:
        before: the sheet of that row alone: what the tracker has.
    """
    if sheet.row is None:  # somebody deletes it already; what was created with it waits behind that
        sheet.save()
        return
    for name in list(sheet.tracker):
        sheet.tracker[name] = before.tracker.get(name, (before.row or {}).get(name))
    for field in sheet.desk.target.links:
        sheet.set_tracker_links(field, before.tracker_links(field))
    lay(sheet)
    sheet.save()


def _repoint(desks: Desks, source: str, temporary_id: int, turn: Turn) -> None:
    """Have every row, link and open change that refers to a temporary id refer to what `turn` makes of it.

    Negative ids are given out once for a whole source, so no look at the types referred to is needed. Rows show one only
    while an open change of theirs has it.
    """
    for type_name, ids in refer_to(desks, source, temporary_id, turn).items():
        target = desks.desk(source, type_name).target
        for chunk in chunked(sorted(ids)):
            _repoint_rows(desks.connection, target, chunk, temporary_id, turn)


def _repoint_rows(connection: Connection, target: RecordTable, ids: list[int], temporary_id: int, turn: Turn) -> None:
    layout, table = target.layout, target.table
    for each in layout.columns:
        if each.part is not Part.ID:
            continue
        name = next(one.name for one in layout.columns if one.field == each.field and one.part is Part.NAME)
        this = (table.c.source == layout.source, table.c.id.in_(ids), table.c[each.name] == temporary_id)
        for known in connection.scalars(select(table.c[name]).where(*this).distinct()).all():
            new, label = turn(temporary_id, known)
            here = (*this, table.c[name].is_not_distinct_from(known))
            connection.execute(update(table).where(*here).values({each.name: new, name: label}))
    for link in target.links.values():
        if "target_id" not in link.c:
            continue
        this = (link.c.source == layout.source, link.c.id.in_(ids), link.c.target_id == temporary_id)
        for known in connection.scalars(select(link.c.target_name).where(*this).distinct()).all():
            new, label = turn(temporary_id, known)
            here = (*this, link.c.target_name.is_not_distinct_from(known))
            connection.execute(update(link).where(*here).values(target_id=new, target_name=label))
