"""Takes edits into the queue that people make by command or script."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import groupby

from sqlalchemy import select

from mirror.errors import UsageError
from mirror.merge.fields import equal
from mirror.model.cells import cells_in, is_current
from mirror.model.change import Action, Change, End, State
from mirror.store import local_rows, lookups, queue_rows
from mirror.store.overlay import take_out
from mirror.store.queue_desks import Desks
from mirror.store.queue_ends import discard_creation
from mirror.store.queue_promote import real_id, show_name
from mirror.store.queue_refs import follow
from mirror.store.queue_sheet import Sheet, open_sheets
from mirror.store.queue_states import LINKING, is_captured, is_frozen
from mirror.store.tables import blob

_AT_ONCE = 200  # records whose rows are held in memory

Edits = tuple[tuple[str, str, int], list[Change]]
"""A record (source, type, id) and changes of it that follow each other."""


def add(desks: Desks, new: Sequence[Change]) -> list[Change]:
    """Make changes and return what is open for them; see Queue.add."""
    queue_rows.hold(desks.connection, {each.source for each in new})
    edits = [(record, list(group)) for record, group in groupby(new, key=_record)]
    if _is_plain(edits):
        chunks = (edits[first : first + _AT_ONCE] for first in range(0, len(edits), _AT_ONCE))
        return sorted((each for chunk in chunks for each in _add_fields(desks, chunk)), key=lambda each: each.id)
    return queue_rows.by_ids(desks.connection, {each for one in edits for each in _add_in_turn(desks, one)})


def _record(change: Change) -> tuple[str, str, int]:
    return change.source, change.type_name, change.record_id


def _is_plain(edits: Sequence[Edits]) -> bool:
    """Return whether these are edits of fields of several records that are there, so that none can matter to another."""
    records = {record for record, _changes in edits}
    is_field = all(each.action is Action.UPDATE for _record, changes in edits for each in changes)
    return is_field and 1 < len(records) == len(edits) and all(record[2] >= 0 for record in records)


def _add_fields(desks: Desks, edits: Sequence[Edits]) -> list[Change]:
    """Make plain edits, with few statements for all of them; return what is open for them."""
    sheets = {
        (*place, each.record_id): each
        for place, ids in _places(edits)
        for each in open_sheets(desks.desk(*place), ids, every=True)
    }
    for record, changes in edits:
        for each in changes:
            _add_one(desks, sheets[record], _fresh(desks, each))
        sheets[record].save(desks.writes)
    desks.writes.flush()
    stored = {
        (*place, record_id): changes
        for place, ids in _places(edits)
        for record_id, changes in queue_rows.of_records(desks.connection, place, ids).items()
    }
    now = {record: Sheet(each.desk, each.record_id, each.row, stored.get(record, ())) for record, each in sheets.items()}
    found = [each for record, changes in edits for one in changes for each in _open_for(now[record], one)]
    return list({each.id: each for each in found}.values())


def _places(edits: Sequence[Edits]) -> Iterator[tuple[tuple[str, str], list[int]]]:
    """Yield the source and the type of these records, each with the ids of those of it."""
    for place, records in groupby(sorted(record for record, _changes in edits), key=lambda each: each[:2]):
        yield place, [each[2] for each in records]


def _add_in_turn(desks: Desks, edits: Edits) -> set[int]:
    """Make changes of one record; return the ids of what is open for them."""
    record, changes = edits
    sheet = desks.sheet(*record)
    wanted = [_fresh(desks, each) for each in changes]
    for each in wanted:
        _add_one(desks, sheet, each)
    sheet.save()
    is_new = any(each.action is Action.CREATE for each in wanted)  # nothing can refer to it yet
    if sheet.record_id < 0 and not is_new and any(each.field == sheet.layout.type.name_field for each in wanted):
        show_name(desks, sheet)
    return {each.id for one in wanted for each in _open_for(sheet, one)}


def _fresh(desks: Desks, new: Change) -> Change:
    return replace(_followed(desks, new), made_at=new.made_at or desks.now, id=0)


def _followed(desks: Desks, new: Change) -> Change:
    def known(temporary_id: int) -> int | None:
        found = real_id(desks.connection, new.source, temporary_id)
        return None if found is None else found[1]

    return follow(desks, new, known)


def _open_for(sheet: Sheet, made: Change) -> list[Change]:
    if made.action is Action.UPDATE:
        return [each for each in sheet.chain(made.field)[-1:] if not is_captured(each)]
    if made.action in LINKING:
        return sheet.items(made.field, made.item)[-1:]
    alike = [each for each in sheet.changes if (each.action, each.field, each.item) == (made.action, made.field, made.item)]
    return alike[-1:]


def _add_one(desks: Desks, sheet: Sheet, new: Change) -> None:
    if new.action is Action.CREATE:
        _create(sheet, new)
        return
    if sheet.row is None and new.action is Action.DELETE and sheet.deletion() is not None:
        return
    if sheet.row is None:
        raise UsageError(f"{new.type_name} {sheet.label()} is not here, or is to be deleted: see mirror changes")
    new = replace(new, base=None, base_revision=sheet.revision, state=State.READY, remote=None)
    if new.action is Action.UPDATE:
        _update(sheet, new)
    elif new.action in LINKING:
        _link(sheet, _with_name(desks, sheet, new))
    elif new.action is Action.DELETE and sheet.record_id < 0:
        discard_creation(desks, sheet)
    elif new.action is Action.DELETE:
        take_out(sheet, sheet.add(new))
    else:
        _require_content(sheet, new)
        sheet.add(new)


def _create(sheet: Sheet, new: Change) -> None:
    if sheet.row is not None or sheet.record_id >= 0:
        raise UsageError(f"{new.type_name} {sheet.label()} is there already")
    local_rows.add_row(sheet.desk.connection, sheet.desk.target, sheet.record_id, sheet.desk.now)
    sheet.row = local_rows.read_rows(sheet.desk.connection, sheet.desk.target, [sheet.record_id])[sheet.record_id]
    sheet.add(replace(new, base=None, value=None, base_revision=None, state=State.READY, remote=None))


def _require_content(sheet: Sheet, new: Change) -> None:
    """Refuse to attach a file whose content is not in the database, or not any more."""
    digest = (new.value or {}).get("digest") if new.action is Action.ATTACH else None
    if digest is None:
        return
    if sheet.desk.connection.scalar(select(blob.c.digest).where(blob.c.digest == digest)) is None:
        raise UsageError(f"the content of {(new.value or {}).get('name')} is not stored: store it, and attach it again")


def _update(sheet: Sheet, new: Change) -> None:
    """Make an edit of one field upon what is shown; it takes the place of one before that may be altered.

    | before               | what happens                                                          |
    |----------------------|-----------------------------------------------------------------------|
    | nothing              | a change upon the row's value; none when it is the same               |
    | READY, REFUSED       | replaced, upon the same base; both vanish when the new value is that  |
    | CONFLICT             | replaced, still a CONFLICT; OVERRULED when the new value is remote's  |
    | in flight, CAPTURED  | a change behind it, upon its value; none when it is the same          |
    """
    field = new.field
    value = cells_in(new.value or {}, sheet.layout, field)
    if not value:
        raise UsageError(f"{new.type_name} has no field {field!r} with a single value")
    for each in sheet.outdated(field):
        sheet.end(each, End.DISCARDED, "the field was of another kind then")
    chain = sheet.chain(field)
    last = chain[-1] if chain else None
    if last is None or is_frozen(last):
        shown = sheet.cells(field)
        if not equal(sheet.layout, field, shown, value):
            sheet.add(replace(new, base=shown, value=value))
        return
    if equal(sheet.layout, field, last.value or {}, value) and last.state is State.READY:
        return
    if last.state is State.CONFLICT and equal(sheet.layout, field, last.remote or last.base or {}, value):
        sheet.end(last, End.OVERRULED, "set to what the tracker has")
        return
    conflict = last.state is State.CONFLICT
    if not conflict and equal(sheet.layout, field, last.base or {}, value):
        sheet.end(last, End.DISCARDED, "set back to what it was")
        return
    shown = sheet.cells(field)
    sheet.drop(last)
    sheet.add(
        replace(
            new,
            base={name: (last.base or {}).get(name, shown[name]) for name in value},
            value=value,
            base_revision=last.base_revision,
            state=State.CONFLICT if conflict else State.READY,
            reason=last.reason if conflict else "",
            remote=last.remote,
        )
    )


def refuse_outdated(desks: Desks, source: str) -> None:
    """Refuse the edits of fields that have got another kind; they are kept, and can be discarded or made again."""
    found = queue_rows.read(desks.connection, queue_rows.of_source(source))
    of_fields = [each for each in found if each.type_name in desks.layouts and not is_frozen(each)]
    outdated = [each for each in of_fields if not is_current(desks.layouts[each.type_name], each)]
    for sheet, _ in desks.sheets(outdated):
        sheet.save(desks.writes)
    desks.writes.flush()


def _link(sheet: Sheet, new: Change) -> None:
    """Put an item in or take it out, as shown now; an opposite change before, that may be altered, is taken back instead."""
    chain = sheet.items(new.field, new.item)
    wanted = sheet.item(new.field, new.item)
    shown = [each for each in sheet.links(new.field) if wanted.is_same(sheet.item_of(each))]
    if bool(shown) is (new.action is Action.LINK):
        return
    if chain and not is_frozen(chain[-1]):
        sheet.end(chain[-1], End.DISCARDED, "taken back by a later edit")
        return
    sheet.add(replace(new, base={"rows": shown} if new.action is Action.UNLINK else None))


def _with_name(desks: Desks, sheet: Sheet, new: Change) -> Change:
    """Return a LINK with the name and the type of its target, as far as they can be known."""
    if not any(each.field == new.field for each in sheet.layout.links):
        raise UsageError(f"{new.type_name} has no field {new.field!r} with several values")
    item = sheet.item(new.field, new.item)
    if new.action is not Action.LINK or item.id is None or new.value:
        return new
    described = sheet.layout.type.field(new.field)
    only = described.targets[0] if described is not None and len(described.targets) == 1 else None
    type_name = item.type_name or only
    name = None
    if type_name in desks.layouts:
        name = lookups.names(desks.connection, desks.layouts[type_name], [item.id]).get(item.id)
    return replace(new, value={"name": name, "type": type_name})
