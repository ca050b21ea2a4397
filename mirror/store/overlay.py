"""Where what comes from the tracker meets the queue: a pull never overwrites an edit, and never loses a remote one.

What the tracker has is in the tables when this begins, so rows are locked, and edits that a client was committing are seen.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime

from sqlalchemy import Connection

from mirror.model.cells import canonical, columns_of
from mirror.model.change import Action, Change, End, State
from mirror.model.schema import Kind
from mirror.store import local_rows, queue_rows
from mirror.store.queue_ends import put_row_back
from mirror.store.queue_record import Desk
from mirror.store.queue_sheet import Sheet, open_sheets
from mirror.store.queue_states import GONE, SINCE, is_captured, is_frozen, is_gone, tracker_cells
from mirror.store.queue_writes import Writes
from mirror.store.record_tables import RecordTable


def overlay(connection: Connection, target: RecordTable, ids: Collection[int], *, now: datetime) -> None:
    """Put the local values back over records that have just been written as the tracker has them; decide their changes.

    One indexed query when nothing waits for any of them.

    Args:
        ids: of records whose rows and links are what the tracker has, all of them. Their rows were locked before that was
            found out: what another program has written since is in the queue as well.
    """
    writes = Writes(connection)
    for sheet in _sheets(Desk(connection, target, now), ids):
        if sheet.row is None:
            continue
        sheet.tracker.update({name: value for name, value in sheet.row.items() if name in sheet.tracker})
        for field in {each.field for each in sheet.link_changes()}:
            sheet.take_remote_links(field)
        lay(sheet)
        sheet.save(writes)
    writes.flush()


def _sheets(desk: Desk, ids: Collection[int]) -> Iterable[Sheet]:
    """Yield the sheets of those of these records that have open changes."""
    layout = desk.target.layout
    return open_sheets(desk, queue_rows.waiting(desk.connection, (layout.source, layout.type.name), ids))


def lay(sheet: Sheet) -> None:
    """Decide the changes of a record by what its sheet knows of the tracker."""
    columns = {each.name: each.field for each in sheet.layout.columns}
    edited = [each for each in sheet.changes if each.action is Action.UPDATE and (is_captured(each) or each.field)]
    for field in dict.fromkeys(columns[name] for each in edited for name in each.base or {} if name in columns):
        _lay_field(sheet, field)
    for field, item in dict.fromkeys((each.field, each.item) for each in sheet.link_changes()):
        _lay_item(sheet, field, item)
    for each in list(sheet.changes):
        _lay_other(sheet, each)
    deletion = sheet.deletion()
    if deletion is not None:
        _lay_deletion(sheet, deletion)


def _lay_field(sheet: Sheet, field: str) -> None:
    chain = sheet.chain(field)
    first = chain[0] if chain else None
    if first is None:
        return
    names = [each.name for each in columns_of(sheet.layout, field).values() if each.name in (first.base or {})]
    remote = {name: sheet.tracker[name] for name in names}
    if any(is_frozen(each) for each in chain):
        others = {name: value for name, value in (first.remote or {}).items() if name not in remote}
        moved = any((first.base or {})[name] != value for name, value in remote.items())
        sheet.swap(first, remote={**others, **(remote if moved else {})} or None)
    else:
        sheet.judge(first, remote)


def _lay_item(sheet: Sheet, field: str, item: str) -> None:
    chain = sheet.items(field, item)
    if not chain:
        return
    if not any(is_frozen(each) for each in chain):
        if is_gone(chain[-1]):
            sheet.swap(chain[-1], state=State.READY, remote=None, reason="")
        sheet.join_item(field, item)
        return
    rows = sheet.rows_of(field, item)
    moved = bool(rows) is (chain[0].action is Action.LINK)
    sheet.swap(chain[0], remote={"rows": rows} if moved else None)


def _lay_other(sheet: Sheet, change: Change) -> None:
    """Let what waited for a record that was gone go on, and have everything that may be altered stand upon the new row."""
    if is_frozen(change) or change.action is Action.DELETE:
        return
    back = {"state": State.READY, "remote": None, "reason": ""} if is_gone(change) else {}
    sheet.swap(change, base_revision=sheet.revision, **back)


def _lay_deletion(sheet: Sheet, deletion: Change) -> None:
    """Take the row out again; the DELETE keeps it as it is now, and waits for a person when it is another version."""
    row, before = sheet.row or {}, (deletion.base or {}).get("row") or {}
    known = tracker_cells(sheet.changes)
    there = {name: sheet.tracker.get(name, known.get(name, value)) for name, value in row.items()}
    kinds = {each.name: each.kind for each in sheet.layout.columns}
    changed = {
        name: value
        for name, value in there.items()
        if name != "_dirty" and _form(kinds.get(name), before.get(name)) != _form(kinds.get(name), value)
    }
    revision = sheet.revision
    take_out(sheet, deletion)
    kept = next(each for each in sheet.changes if each.id == deletion.id)
    if is_frozen(kept):
        sheet.swap(kept, remote=None)
    else:
        moved = revision != kept.base_revision
        values = {"state": State.CONFLICT, "reason": SINCE, "remote": {**changed, "_revision": revision}} if moved else {}
        sheet.swap(kept, base_revision=revision, **values)


def _form(kind: Kind | None, value: object) -> object:
    """Return a cell so that equal values are equal: triggers write instants in another way than rows are read."""
    try:
        return value if kind is None else canonical(kind, value)
    except ValueError:
        return value


def take_out(sheet: Sheet, deletion: Change) -> None:
    """Take the row and its links out of their tables; the open DELETE keeps them as the tracker has them.

    One that SQL made keeps them as they were shown until it is taken in.
    """
    connection, target = sheet.desk.connection, sheet.desk.target
    cells, links_of = (sheet.shown(), sheet.links) if is_captured(deletion) else (sheet.tracker, sheet.tracker_links)
    row = local_rows.whole_rows(connection, target, [sheet.record_id])[sheet.record_id]
    row = {name: queue_rows.plain(value) for name, value in {**row, **cells, "_dirty": False}.items()}
    links = {target.links[each].name: links_of(each) for each in target.links}
    sheet.swap(deletion, base={"row": row, "links": {name: rows for name, rows in links.items() if rows}})
    local_rows.drop_rows(connection, target, [sheet.record_id])
    sheet.row = None


def lift(connection: Connection, target: RecordTable, ids: Collection[int], *, now: datetime) -> None:
    """Show these records as the tracker has them, as far as is known; their changes stay as they are.

    Only for a transaction that does not keep it.
    """
    local_rows.lock_rows(connection, target, ids)
    for sheet in _sheets(Desk(connection, target, now), ids):
        _lift(sheet)


def _lift(sheet: Sheet) -> None:
    deletion = sheet.deletion()
    if sheet.row is None and deletion is not None:
        put_row_back(sheet, deletion)
    if sheet.row is None:
        return
    connection, target = sheet.desk.connection, sheet.desk.target
    local_rows.write_cells(connection, target, {sheet.record_id: {**sheet.tracker, "_dirty": False}})
    for field in {each.field for each in sheet.link_changes()}:
        local_rows.write_links(connection, target, field, sheet.record_id, sheet.tracker_links(field))


def leave(connection: Connection, target: RecordTable, ids: Collection[int], *, now: datetime) -> None:
    """Before records that are gone on the tracker are buried, show them as it had them, and decide their changes.

    An open DELETE has what it wanted; everything else waits for a person, except what is in flight or not taken in: that is
    decided when it is no more.
    """
    local_rows.lock_rows(connection, target, ids)
    writes = Writes(connection)
    for sheet in _sheets(Desk(connection, target, now), ids):
        deletion = sheet.deletion()
        if deletion is None or not deletion.is_in_flight:
            _lift(sheet)
        for each in list(sheet.changes):
            if each.action is Action.DELETE and not each.is_in_flight:
                sheet.end(each, End.ALREADY, GONE)
            elif not is_frozen(each):
                sheet.swap(each, state=State.CONFLICT, remote={}, reason=GONE)
            else:
                sheet.swap(each, remote={} if each.action is Action.DELETE else None)
        sheet.row = None
        sheet.save(writes)
    writes.flush()
