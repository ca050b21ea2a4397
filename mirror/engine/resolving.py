"""Answers what a push cannot decide: conflicts, by a person or by the settings, and what was sent and never answered.

Whatever is not taken stays in the log.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from mirror.engine.discarding import what
from mirror.engine.edit import Editor
from mirror.engine.finding import find
from mirror.engine.showing import Layouts, ShownChange, label_of_temporary
from mirror.engine.taking_in import checked
from mirror.errors import InvalidEditError, UsageError
from mirror.merge.policy import winner
from mirror.model.cells import cells_of
from mirror.model.change import Action, Cells, End, Side, State, Via
from mirror.store.store import Settled, Store

NONE, DONE, AGAIN = "none", "done", "again"

_WAITING = (State.CONFLICT, State.UNKNOWN, State.REFUSED)
_PROBED = (Action.CREATE, Action.COMMENT, Action.ATTACH)
_ASKED = (Action.RANK, Action.OPERATE)
_BY_PERSON = "said by a person"


def waiting(shown: Sequence[ShownChange]) -> list[ShownChange]:
    """Return those of these changes of one record that are to be answered next: conflicts, else unknown, else refused."""
    for state in _WAITING:
        found = [each for each in shown if each.change.state is state]
        if found:
            return found
    return []


def resolve(store: Store, editor: Editor, answered: Sequence[ShownChange], take: str) -> list[ShownChange]:
    """Answer changes of one record that are in one state, and return them as they were.

    Args:
        editor: of the source; it checks values.
        take: of a conflict or a refused change `local` (push it, again), `remote` (drop it) or another value of its field;
            of an unknown one the key of the record it became, `none`, `done` or `again`.

    Raises:
        UsageError: that is no answer to this; nothing was changed.
    """
    layouts = store.layouts(answered[0].change.source)
    if answered[0].change.state is State.UNKNOWN:
        return _settle(store, layouts, answered, take)
    side = next((each for each in Side if each.value == take.lower()), None)
    if side is None:
        _give(store, editor, answered, take)
    else:
        values = [_checked(store, layouts, each) if side is Side.LOCAL else None for each in answered]
        for each, value in zip(answered, values, strict=True):
            _choose(store, layouts, each, value or side)
    return list(answered)


def apply_policies(store: Store, layouts: Layouts, source: str, policies: Mapping[str, Side]) -> int:
    """Resolve the conflicts that the settings decide; return how many.

    Only fields that were changed on both sides are decided so: a record that is gone, or was deleted here and changed there,
    waits for a person.
    """
    decided = 0
    for each in store.queue.open(source, states=[State.CONFLICT]) if policies else ():
        side = winner(policies, each.type_name, each.field)
        if side is None or each.action is not Action.UPDATE or not each.remote:
            continue
        is_possible = each.via is not Via.SQL or checked(store, layouts, each).state is not State.REFUSED
        if side is Side.REMOTE or is_possible:
            store.queue.resolve(layouts, each.id, side.value)
            decided += 1
    return decided


def _checked(store: Store, layouts: Layouts, answered: ShownChange) -> Cells | None:
    """Check a change that the tracker is to be sent after all; return the cells of its field where they become others.

    Raises:
        InvalidEditError: it is nothing that could be set: SQL wrote it, and it was never sent.
    """
    change = answered.change
    if answered.is_gone or (change.state is not State.REFUSED and change.via is not Via.SQL):
        return None
    found = checked(store, layouts, change)
    if found.state is State.REFUSED:
        raise InvalidEditError(f"{answered.label}: {found.reason}; give it another value, or discard it")
    return None if found.value == change.value else found.value


def _choose(store: Store, layouts: Layouts, answered: ShownChange, side: Side | Cells) -> None:
    change = answered.change
    if answered.is_gone and side is Side.LOCAL:
        raise UsageError(
            f"{answered.label} is not on the tracker any more, so nothing can be written to it; restore it there and run "
            "`mirror sync`, or drop the edit with --take remote"
        )
    if side is not Side.REMOTE or change.state is State.CONFLICT:
        store.queue.resolve(layouts, change.id, side.value if isinstance(side, Side) else side)
    else:
        store.queue.discard(layouts, [change.id])


def _give(store: Store, editor: Editor, answered: Sequence[ShownChange], take: str) -> None:
    """Give the field that waits a third value."""
    first, change = answered[0], answered[0].change
    if len(answered) > 1:
        fields = ", ".join(what(each.change) for each in answered)
        raise UsageError(f"{first.label}: several wait, so say which is to be {take!r}: {fields}")
    layouts = store.layouts(change.source)
    layout = layouts[change.type_name]
    field = layout.type.field(change.field)
    if change.action is not Action.UPDATE or field is None or first.is_gone:
        raise UsageError(f"{first.label}: {what(change)} cannot be given a value; --take local or remote")
    try:
        cells = cells_of(layout, field.name, editor.value(layout, field, take))
    except ValueError as error:
        raise InvalidEditError(str(error)) from None
    if change.state is State.CONFLICT:
        store.queue.resolve(layouts, change.id, cells)
    else:
        store.queue.add(layouts, [replace(change, value=cells, id=0)])


def _settle(store: Store, layouts: Layouts, answered: Sequence[ShownChange], take: str) -> list[ShownChange]:
    """Settle the oldest change that was sent and never answered, with all that was sent together with it."""
    first = next((each for each in answered if each.change.action is Action.CREATE), answered[0])
    change, word = first.change, take.lower()
    together = [each for each in answered if each.change.attempt == change.attempt]
    if change.action not in (*_PROBED, *_ASKED):
        raise UsageError(f"{first.label}: `mirror push` reads the tracker and finds out about {what(change)} by itself")
    if word in (NONE, AGAIN):
        store.queue.put_back([each.change.id for each in together], State.READY, _BY_PERSON)
    elif change.action is Action.CREATE:
        _adopt(store, layouts, together, take)
    elif word == DONE or (word.isdecimal() and change.action in _PROBED):
        layout = layouts[change.type_name]
        store.queue.settle(layout, [Settled(each.change.id, End.ADOPTED, _BY_PERSON, None) for each in together])
    else:
        expected = "ID or none" if change.action in _PROBED else "done or again"
        raise UsageError(f"{first.label}: {what(change)} was sent and never answered; --take {expected}")
    return together


def _adopt(store: Store, layouts: Layouts, together: Sequence[ShownChange], take: str) -> None:
    """Take a record of the tracker for the one that a creation made; what was sent with it is compared by the next push."""
    change = together[0].change
    found = find(store.finder, {change.source: layouts}, take if not take.isdecimal() else f"{change.type_name}/{take}")
    layout = layouts[change.type_name]
    if found.layout.type.name != change.type_name or found.record_id < 0:
        raise UsageError(f"{found.label} is no {change.type_name} that the tracker has")
    record = (change.type_name, found.record_id)
    for each in store.queue.log(change.source, record=record):
        if each.temporary_id is not None:
            raise UsageError(f"{found.label} is what {label_of_temporary(each.temporary_id)} became")
    if any(each.action is Action.CREATE for each in store.queue.open(change.source, record=record)):
        raise UsageError(f"{found.label} is what another creation made; `mirror push` finds out about that by itself")
    others = [each.change.id for each in together[1:]]
    store.queue.promote(layouts, layout, change.record_id, found.record_id)
    store.queue.settle(layout, [Settled(change.id, End.ADOPTED, _BY_PERSON, None)])
    store.queue.put_back(others, State.READY)
