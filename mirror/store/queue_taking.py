"""Puts what SQL made into the queue proper, once it was looked at: all of a record at once, on one sheet."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from mirror.errors import UsageError
from mirror.model.cells import columns_of
from mirror.model.change import Action, Change, End, State
from mirror.store import local_rows, queue_rows
from mirror.store.queue_desks import Desks
from mirror.store.queue_ends import discard_creation, put_row_back
from mirror.store.queue_sheet import Sheet
from mirror.store.queue_states import is_captured


@dataclass(frozen=True, slots=True)
class Taken:
    """Edits of one record that SQL made one right after the other, and what takes their place.

    Attributes:
        captured: at least one; with several, all are updates.
        made: one change for each field, or the DELETE; READY, or REFUSED with the reason. What a field held before is known
            to the queue, whatever their base says. Columns of which none is made are shown as the tracker has them again.
    """

    captured: tuple[Change, ...]
    made: Sequence[Change]

    @property
    def record(self) -> tuple[str, str, int]:
        """Source, type name and id of the record."""
        first = self.captured[0]
        return first.source, first.type_name, first.record_id


def merged(captured: Iterable[Change]) -> dict[str, Any]:
    """Return the cells that are there after these edits."""
    found: dict[str, Any] = {}
    for each in captured:
        found |= each.value or {}
    return found


def by_record(taken: Iterable[Taken]) -> list[list[Taken]]:
    """Return what is of one record together, in the order given."""
    found: dict[tuple[str, str, int], list[Taken]] = {}
    for each in taken:
        found.setdefault(each.record, []).append(each)
    return list(found.values())


def take_in(desks: Desks, taken: Sequence[Taken]) -> int:
    """Put changes in the place of captured ones and return of how many; see Queue.take_in."""
    queue_rows.hold(desks.connection, {each.record[0] for each in taken})
    parts = {each[0].record: each for each in by_record(taken)}
    free = _free(desks, parts)
    done = 0
    for sheet, _ in desks.sheets([one for record in free for each in parts[record] for one in each.captured]):
        part = parts[sheet.layout.source, sheet.layout.type.name, sheet.record_id]
        if _is_whole(sheet, part):
            _take_in(desks, sheet, part)
            done += sum(len(each.captured) for each in part)
    desks.writes.flush()
    return done


def _free(desks: Desks, records: Iterable[tuple[str, str, int]]) -> list[tuple[str, str, int]]:
    """Return the records of which nobody else holds the row; their edits can wait, and everybody would wait for them."""
    places: dict[tuple[str, str], set[int]] = {}
    for source, type_name, record_id in records:
        places.setdefault((source, type_name), set()).add(record_id)
    return [
        (*place, each)
        for place, ids in places.items()
        for each in sorted(ids - local_rows.held_by_others(desks.connection, desks.desk(*place).target, ids))
    ]


def _is_whole(sheet: Sheet, part: Sequence[Taken]) -> bool:
    """Return whether these are all the updates that SQL made of the record; a later one would stand before the new ids."""
    there = {each.id: each.action for each in sheet.changes if is_captured(each)}
    known = {one.id for each in part for one in each.captured}
    return known <= there.keys() and not any(there[each] is Action.UPDATE for each in there.keys() - known)


def _take_in(desks: Desks, sheet: Sheet, part: Sequence[Taken]) -> None:
    """Take in the edits of a record, the last first: what a field held before an edit is read off what comes after it."""
    deletion = next((each for each in part if each.captured[0].action is Action.DELETE), None)
    if deletion is not None and sheet.record_id < 0:
        deletion = _taken_back(desks, sheet, deletion)
        if deletion is None:
            return
    for each in reversed(part):
        if each.captured[0].action is Action.UPDATE:
            _take_in_cells(sheet, _joined(sheet, {one.id for one in each.captured}), each.made)
    if deletion is not None:
        _take_in_deletion(sheet, _joined(sheet, {deletion.captured[0].id}), deletion.made)
    sheet.save(desks.writes)


def _joined(sheet: Sheet, ids: Collection[int]) -> Change:
    """Return the captured change of that id; of several, which follow each other, one for all in the place of the last."""
    found = [each for each in sheet.changes if each.id in ids]
    if len(found) == 1:
        return found[0]
    base: dict[str, Any] = {}
    remote: dict[str, Any] = {}
    for each in found:
        base = {**(each.base or {}), **base}
        remote = {**(each.remote or {}), **remote}
    for each in found[:-1]:
        sheet.drop(each)
    revision = found[0].base_revision
    return sheet.swap(found[-1], base=base, value=merged(found), remote=remote or None, base_revision=revision)


def _taken_back(desks: Desks, sheet: Sheet, deletion: Taken) -> Taken | None:
    """Take back the creation of a record that SQL deleted; return the deletion, refused, where others prevent that."""
    if not deletion.made or deletion.made[0].state is State.REFUSED:
        return deletion
    try:
        discard_creation(desks, sheet)
    except UsageError as error:
        refused = replace(deletion.made[0], state=State.REFUSED, reason=str(error))
        return Taken(deletion.captured, [refused])
    return None


def _take_in_deletion(sheet: Sheet, captured: Change, made: Sequence[Change]) -> None:
    base = captured.base or {}
    if not made:
        put_row_back(sheet, captured)
        sheet.end(captured, End.REFUSED, "not taken in")
        return
    links = dict(base.get("links") or {})
    for field in {each.field for each in sheet.link_changes()}:
        links[sheet.desk.target.links[field].name] = sheet.tracker_links(field)
    new = made[0]
    base = {"row": {**base["row"], **sheet.tracker, "_dirty": False}, "links": links}
    sheet.swap(captured, base=base, state=new.state, reason=new.reason, made_by=new.made_by or captured.made_by)


def _take_in_cells(sheet: Sheet, captured: Change, made: Iterable[Change]) -> None:
    """Put one change for each field in the place of the captured one, each with its part of what that knew.

    Where a later one touches the field already, that takes over the part: what was wanted before it matters no more.
    """
    made = [replace(each, made_at=each.made_at or captured.made_at, id=0) for each in made]
    was = {each.field: _before(sheet, captured, each.field) for each in made}
    for each in made:
        cells = was[each.field]
        seen = {name: value for name, value in (captured.remote or {}).items() if name in cells} or None
        chain = [one for one in sheet.chain(each.field) if one is not captured]
        later = next((one for one in chain if sheet.changes.index(one) > sheet.changes.index(captured)), None)
        if later is None:
            sheet.changes.insert(
                sheet.changes.index(captured), replace(each, base=cells, remote=seen, base_revision=captured.base_revision)
            )
            for name, value in cells.items():
                sheet.tracker.setdefault(name, value)
        else:
            value = {**(each.value or {}), **(later.value or {})}
            sheet.swap(later, base={**(later.base or {}), **cells}, value=value, remote=later.remote or seen)
    sheet.leave(captured, has_it=False, except_for=was)
    fields = sheet.fields_of(captured)
    if was:
        sheet.drop(captured)
    else:
        sheet.end(captured, End.DISCARDED, "it changes nothing")
    for field in fields | was.keys():
        sheet.join(field)


def _before(sheet: Sheet, captured: Change, field: str) -> dict[str, object]:
    """Return the cells of a field as they were shown before the captured change."""
    later = sheet.changes[sheet.changes.index(captured) + 1 :]
    deletion = sheet.deletion()
    gone = (deletion.base or {}).get("row", {}) if deletion is not None else {}
    row = gone if sheet.row is None else sheet.row
    # The column of a field that has vanished stands for the field; without a field, what was captured stays together.
    columns = [each.name for each in columns_of(sheet.layout, field).values()]
    names = columns or ([field] if field else list(captured.base or {}))
    found = {name: row.get(name) for name in names}
    for each in (*reversed(later), captured):
        if each.action is Action.UPDATE:
            found |= {name: value for name, value in (each.base or {}).items() if name in found}
    return found
