"""Takes edits into the queue that people make by command or script."""

from __future__ import annotations

from collections.abc import Sequence
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
from mirror.store.queue_sheet import Sheet
from mirror.store.queue_states import LINKING, is_captured, is_frozen
from mirror.store.tables import blob


def add(desks: Desks, new: Sequence[Change]) -> list[Change]:
    """Make changes and return what is open for them; see Queue.add."""
    queue_rows.hold(desks.connection, {each.source for each in new})
    found: set[int] = set()
    for record, group in groupby(new, key=lambda each: (each.source, each.type_name, each.record_id)):
        sheet = desks.sheet(*record)
        wanted = [replace(_followed(desks, each), made_at=each.made_at or desks.now, id=0) for each in group]
        for each in wanted:
            _add_one(desks, sheet, each)
        sheet.save()
        is_new = any(each.action is Action.CREATE for each in wanted)  # nothing can refer to it yet
        if sheet.record_id < 0 and not is_new and any(each.field == sheet.layout.type.name_field for each in wanted):
            show_name(desks, sheet)
        found |= {each.id for one in wanted for each in _open_for(sheet, one)}
    return queue_rows.by_ids(desks.connection, found)


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
