"""What becomes of changes that were made: sent, put back, settled, discarded, resolved."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

from sqlalchemy import Connection, delete

from mirror.errors import UsageError
from mirror.merge.fields import equal
from mirror.model.cells import cells_in, is_current
from mirror.model.change import Action, Cells, Change, End, Side, State
from mirror.model.layout import Layout
from mirror.model.page import Fate
from mirror.model.part import Part
from mirror.store import local_rows, queue_rows, suspects, tombstones
from mirror.store.queue_desks import Desks
from mirror.store.queue_refs import referring
from mirror.store.queue_sheet import Sheet
from mirror.store.queue_states import GONE, LINKING, OF_TRACKER, SINCE, is_captured, is_gone
from mirror.store.tables import blob
from mirror.store.tombstones import Reason

_ATTEMPTS = {
    State.READY: End.UNSENT,
    State.REFUSED: End.REFUSED,
    State.CONFLICT: End.CONFLICT,
    State.UNKNOWN: End.UNKNOWN,
}


class Ending(Protocol):
    """How a change that was sent ended, see queue.Settled."""

    @property
    def change_id(self) -> int: ...
    @property
    def end(self) -> End: ...
    @property
    def words(self) -> str: ...
    @property
    def revision(self) -> str | None: ...


def mark_sent(desks: Desks, attempts: Sequence[Collection[int]], sent_at: datetime) -> list[int | None]:
    """Mark changes as on their way; see Queue.mark_each_sent."""
    place_of = {each: place for place, ids in enumerate(attempts) for each in ids}
    found: list[list[tuple[Sheet, Change]]] = [[] for _ in attempts]
    for sheet, wanted in _sheets(desks, place_of.keys()):
        for change in [each for each in sheet.changes if each.id in wanted]:
            found[place_of[change.id]].append((sheet, change))
    numbers: list[int | None] = [None for _ in attempts]
    going = [place for place, ids in enumerate(attempts) if _may_all_go(found[place], ids)]
    if going:
        source = found[going[0]][0][1].source
        first = queue_rows.next_number(desks.connection, source, queue_rows.ATTEMPT, count=len(going))
        for number, place in enumerate(going, first):
            numbers[place] = number
            for sheet, change in found[place]:
                sheet.swap(change, state=State.SENT, attempt=number, sent_at=sent_at, reason="")
                sheet.save(desks.writes)
        desks.writes.flush()
    return numbers


def _may_all_go(found: Sequence[tuple[Sheet, Change]], ids: Collection[int]) -> bool:
    return bool(found) and len(found) == len(set(ids)) and all(_may_go(*each, ids) for each in found)


def _may_go(sheet: Sheet, change: Change, ids: Collection[int]) -> bool:
    """Return whether a change may be sent: nobody else has it, nothing stands before it, nothing deletes its record."""
    if change.state is not State.READY or change.remote is not None or not is_current(sheet.layout, change):
        return False
    deletion = sheet.deletion()
    if deletion is not None and deletion.id not in ids:
        return False
    if change.action is Action.UPDATE:
        return sheet.chain(change.field)[0] is change
    return change.action not in LINKING or sheet.items(change.field, change.item)[0] is change


def _sheets(desks: Desks, ids: Collection[int]) -> Iterable[tuple[Sheet, list[int]]]:
    """Yield the sheets of the records of those changes that are open, with the ids of these, in the order they were made."""
    queue_rows.hold(desks.connection, queue_rows.sources(desks.connection, ids))
    yield from desks.sheets(queue_rows.by_ids(desks.connection, ids))


def _present(sheet: Sheet, change_id: int) -> Change | None:
    return next((each for each in sheet.changes if each.id == change_id), None)


# put back


def put_back(
    desks: Desks,
    ids: Collection[int],
    state: State,
    *,
    reason: str = "",
    remote: Cells | None = None,
    lost_at: datetime | None = None,
) -> None:
    """Give changes another state; see Queue.put_back."""
    for sheet, wanted in _sheets(desks, ids):
        put = [each for one in wanted if (each := _present(sheet, one)) is not None]
        for each in put:
            if each not in sheet.changes:
                continue
            if each.is_in_flight and each.state is not state:
                sheet.note(each, _ATTEMPTS[state], reason)
            if each.action is Action.DELETE and each.remote == {} and state is not State.UNKNOWN:
                sheet.end(each, End.ALREADY, GONE)  # it was seen to be gone while this was on its way
                bury(sheet, each)
                continue
            values = _put(sheet, each, state, reason, remote)
            sheet.swap(each, **values, lost_at=(each.lost_at or lost_at) if state is State.UNKNOWN else None)
        if state is not State.UNKNOWN:
            _rejoin(sheet, put)
        sheet.save(desks.writes)
    desks.writes.flush()


def _put(sheet: Sheet, change: Change, state: State, reason: str, remote: Cells | None) -> dict[str, Any]:
    """Return what `change` gets in its new state."""
    if state is State.UNKNOWN:
        return {"state": state, "reason": reason}
    values: dict[str, Any] = {"state": state, "reason": reason, "attempt": None, "sent_at": None}
    if remote == {}:
        return {**values, "state": State.CONFLICT, "remote": {}, "reason": reason or GONE}
    if change.action is Action.DELETE:
        return {**values, **_put_deletion(change, state)}
    if change.action is not Action.UPDATE:
        return {**values, "remote": change.remote if change.action in LINKING else None}
    given = None if remote is None else {name: value for name, value in remote.items() if name in (change.base or {})}
    if state is State.CONFLICT:
        # Without cells the tracker has ours by now, and what it overwrote is known in words only.
        base = change.base if given is not None else {**(change.base or {}), **(change.remote or {})}
        return {**values, "base": base, "remote": given}
    if state is State.REFUSED and given is not None:
        sheet.tracker.update(given)
        return {**values, "base": {**(change.base or {}), **given}, "remote": None, "base_revision": sheet.revision}
    return {**values, "remote": given or change.remote, "base_revision": sheet.revision}


def _put_deletion(change: Change, state: State) -> dict[str, Any]:
    revision = ((change.base or {}).get("row") or {}).get("_revision")
    if state is State.READY and revision != change.base_revision:
        return {"state": State.CONFLICT, "reason": SINCE, "base_revision": revision, "remote": {"_revision": revision}}
    return {}


def _rejoin(sheet: Sheet, put: Iterable[Change]) -> None:
    for each in put:
        if each.action is Action.UPDATE:
            sheet.join(each.field)
        elif each.action in LINKING and is_current(sheet.layout, each):
            sheet.join_item(each.field, each.item)


# settle


def settle(desks: Desks, layout: Layout, ends: Sequence[Ending]) -> None:
    """Take changes out of the queue; see Queue.settle."""
    wanted = {each.change_id: each for each in ends}
    digests: set[str] = set()
    for sheet, ids in _sheets(desks, wanted.keys()):
        for each in ids:
            change = _present(sheet, each)
            if change is not None and change.type_name == layout.type.name:
                digests |= _digests(sheet.changes if change.action is Action.DELETE else [change])
                _settle(sheet, change, wanted[each])
        sheet.save(desks.writes)
    desks.writes.flush()
    forget_blobs(desks.connection, digests)


def _settle(sheet: Sheet, change: Change, ending: Ending) -> None:
    if change.action is Action.DELETE and ending.end in OF_TRACKER:
        sheet.end(change, ending.end, ending.words, ending.revision)
        bury(sheet, change, own=ending.end is not End.ALREADY)
        return
    if change.action is Action.UPDATE:
        sheet.leave(change, has_it=ending.end in OF_TRACKER)
    elif change.action in LINKING and ending.end in OF_TRACKER and is_current(sheet.layout, change):
        _learn_item(sheet, change)
    sheet.end(change, ending.end, ending.words, ending.revision)
    _rejoin(sheet, [change])


def _learn_item(sheet: Sheet, change: Change) -> None:
    rows = (change.remote or {}).get("rows") or [sheet.new_row(change)] if change.action is Action.LINK else []
    sheet.set_rows_of(change.field, change.item, [tuple(each) for each in rows])


def bury(sheet: Sheet, deletion: Change, *, own: bool = False) -> None:
    """Move a record that is deleted on the tracker as well to the tombstones; what else waited for it is discarded.

    Args:
        own: it was a push from here that deleted it.
    """
    for each in [each for each in sheet.changes if not each.is_in_flight]:
        sheet.end(each, End.DISCARDED, "the record was deleted")
    if sheet.row is None:
        put_row_back(sheet, deletion)
    desk, reason = sheet.desk, Reason(Fate.DELETED, {}, {})
    tombstones.bury(desk.connection, desk.target, [sheet.record_id], reason, now=desk.now, own=own)
    sheet.row = None


def put_row_back(sheet: Sheet, deletion: Change) -> None:
    """Put row and links that a DELETE keeps back into their tables; `save` shows the changes of the record on them."""
    connection, target, base = sheet.desk.connection, sheet.desk.target, deletion.base or {}
    local_rows.put_in(connection, target, base["row"], base.get("links") or {})
    sheet.row = local_rows.read_rows(connection, target, [sheet.record_id])[sheet.record_id]
    if not is_captured(deletion):
        sheet.tracker.update({name: sheet.row[name] for name in sheet.tracker})
    for field in target.links:
        sheet.undo_links(field, local_rows.read_links(connection, target, field, sheet.record_id))
        if not is_captured(deletion):
            sheet.take_remote_links(field)


# discard


def discard(desks: Desks, ids: Collection[int]) -> None:
    """Take changes back; see Queue.discard."""
    found = queue_rows.wanted(desks.connection, ids)
    creations = [each for each in found if each.action is Action.CREATE and each.record_id < 0]
    created = {(each.type_name, each.record_id) for each in creations}
    going = [each for each in found if (each.type_name, each.record_id) not in created]
    for each in going:
        _refuse_in_flight(each)
    for sheet, wanted in _sheets(desks, [each.id for each in going]):
        for one in wanted:
            change = _present(sheet, one)
            if change is not None:
                _discard(sheet, change)
        sheet.save(desks.writes)
    desks.writes.flush()
    for record in sorted(_record(each) for each in creations):
        discard_creation(desks, desks.sheet(*record), created)
    forget_blobs(desks.connection, _digests(found))


def _record(change: Change) -> tuple[str, str, int]:
    return change.source, change.type_name, change.record_id


def _refuse_in_flight(change: Change) -> None:
    if change.is_in_flight:
        what = f"{change.action} of {change.type_name} {change.record_id}"
        raise UsageError(f"{what} may be on its way to the tracker, so it cannot be discarded: settle it with mirror push")


def _discard(sheet: Sheet, change: Change, end: End = End.DISCARDED, words: str = "") -> None:
    if change.action is Action.DELETE:
        sheet.end(change, end, words)
        if sheet.row is None and not is_gone(change):
            put_row_back(sheet, change)
        return
    fields = sheet.fields_of(change)
    if change.action is Action.UPDATE:
        _suspect_names(sheet, fields)
        sheet.leave(change, has_it=False)
    sheet.end(change, end, words)
    for field in fields if change.action is Action.UPDATE else ():
        sheet.join(field)
    if change.action in LINKING and is_current(sheet.layout, change):
        sheet.join_item(change.field, change.item)


def _suspect_names(sheet: Sheet, fields: Collection[str]) -> None:
    """Have records read again whose references get the names back that they had when they were edited."""
    references = {each.field for each in sheet.layout.columns if each.part is Part.NAME}
    if sheet.record_id >= 0 and references.intersection(fields):
        sheet.suspect(suspects.RECORD)


def discard_creation(desks: Desks, sheet: Sheet, also: Collection[tuple[str, int]] = ()) -> None:
    """Take back the creation of a record, with all that was done to it.

    Args:
        also: records, by type name and id, whose creation is taken back too, so that they may refer to it.

    Raises:
        UsageError: something of it is on its way, or others refer to it.
    """
    for each in sheet.changes:
        _refuse_in_flight(each)
    others = referring(desks, sheet.layout.source, sheet.record_id)
    mine = (sheet.layout.type.name, sheet.record_id)
    kept = [each for each in others if (each.type_name, each.record_id) not in {mine, *also}]
    if kept:
        named = ", ".join(sorted({f"{each.type_name} {each.record_id} {each.field}".strip() for each in kept}))
        raise UsageError(
            f"{sheet.label()} cannot be discarded while others refer to it: {named}; change or discard these first"
        )
    digests = _digests(sheet.changes)
    for each in list(sheet.changes):
        sheet.end(each, End.DISCARDED, "its creation was discarded" if each.action is not Action.CREATE else "")
    local_rows.drop_rows(desks.connection, sheet.desk.target, [sheet.record_id])
    sheet.row = None
    sheet.save()
    forget_blobs(desks.connection, digests)


# resolve


def resolve(desks: Desks, change_id: int, take: str | Cells) -> None:
    """Answer a conflict; see Queue.resolve."""
    source, type_name, record_id = _record(queue_rows.wanted(desks.connection, [change_id])[0])
    sheet = desks.sheet(source, type_name, record_id)
    change = _present(sheet, change_id)
    if change is None or change.state not in (State.CONFLICT, State.REFUSED):
        raise UsageError(f"change {change_id} is no conflict; see: mirror conflicts")
    if record_id < 0 and (take, change.action) in ((Side.REMOTE, Action.CREATE), (Side.LOCAL, Action.DELETE)):
        discard_creation(desks, sheet)
    elif take == Side.REMOTE:
        _discard(sheet, change, End.OVERRULED, "the tracker's value was taken")
    elif is_gone(change):
        raise UsageError(
            f"{type_name} {sheet.label()} is gone on the tracker, so nothing can be written to it: discard the change"
        )
    elif take == Side.LOCAL:
        _take_local(sheet, change)
    elif isinstance(take, Mapping) and change.action is Action.UPDATE:
        value = cells_in(take, sheet.layout, change.field)
        if equal(sheet.layout, change.field, value, change.remote or change.base or {}):
            _discard(sheet, change, End.OVERRULED, "the tracker's value was taken")
        else:
            _take_local(sheet, change, value)
    else:
        raise UsageError(f"a conflict of {change.action} is resolved for local or remote")
    sheet.save()


def _take_local(sheet: Sheet, change: Change, value: Cells | None = None) -> None:
    """Have the change wait upon what the tracker has; both values stay on record."""
    if change.state is State.CONFLICT:
        sheet.note(change, End.CONFLICT, "resolved for another value" if value else "resolved for the local value")
    values: dict[str, Any] = {"state": State.READY, "reason": "", "remote": None}
    if sheet.row is not None:
        values["base_revision"] = sheet.revision
    if change.action is not Action.UPDATE:
        sheet.swap(change, **values)
        return
    wanted = value or change.value or {}
    base = {**(change.base or {}), **(change.remote or {})}
    new = sheet.swap(change, **values, base=base, value=wanted)
    behind = next(iter(sheet.chain(change.field)[sheet.chain(change.field).index(new) + 1 :]), None)
    if behind is not None:
        shown = {name: cell for name, cell in wanted.items() if name in (behind.base or {})}
        sheet.swap(behind, base={**(behind.base or {}), **shown})
    elif equal(sheet.layout, change.field, base, wanted):
        sheet.end(new, End.ALREADY, "the tracker has the same value", sheet.revision)


# files


def _digests(ended: Iterable[Change]) -> set[str]:
    found = {(each.value or {}).get("digest") for each in ended if each.action is Action.ATTACH}
    return {str(each) for each in found if each}


def forget_blobs(connection: Connection, digests: Collection[str]) -> None:
    """Remove those of these contents that no open change names."""
    for each in digests:
        if not queue_rows.names_digest(connection, each):
            connection.execute(delete(blob).where(blob.c.digest == each))
