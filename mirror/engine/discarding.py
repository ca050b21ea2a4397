"""Takes back changes that were not pushed: what the tracker has is shown again. Never what may be on its way."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from mirror.engine.referring import created, record_of
from mirror.engine.showing import ShownChange, label_of_temporary, show
from mirror.errors import UsageError
from mirror.model.change import Action, Change, State
from mirror.model.layout import Layout
from mirror.store.store import Store

_WHERE_IT_IS = {
    State.SENT: "is on its way to the tracker",
    State.UNKNOWN: "was sent and may be on the tracker already; `mirror push` finds out",
}


def discard(store: Store, layouts: Mapping[str, Layout], wanted: Sequence[ShownChange]) -> list[ShownChange]:
    """Take back these changes of one source, in one step, and return them.

    With the creation of a record go all its other changes.

    Raises:
        UsageError: one of them may be on the tracker, or other changes refer to a record whose creation is among them.
            Nothing was taken back then.
    """
    source = wanted[0].change.source
    queue = show(store, layouts, store.queue.open(source))
    new = {record_of(each.change) for each in wanted if each.change.action is Action.CREATE}
    ids = {each.change.id for each in wanted}
    going = [each for each in queue if each.change.id in ids or record_of(each.change) in new]
    for shown in going:
        if shown.change.is_in_flight:
            raise UsageError(f"{shown.label}: {what(shown.change)} {_WHERE_IT_IS[shown.change.state]}")
    taken = {each.change.id for each in going}
    _refuse(layouts, {key for _name, key in new}, [each for each in queue if each.change.id not in taken])
    store.queue.discard(layouts, [each.change.id for each in going])
    return going


def refuse_needed(store: Store, layouts: Mapping[str, Layout], source: str, going: Collection[int]) -> None:
    """Refuse to take back the creation of these records, by their temporary ids, while changes of others refer to them.

    Raises:
        UsageError: one of them is referred to.
    """
    if going:
        staying = [each for each in store.queue.open(source) if each.record_id not in going]
        _refuse(layouts, going, show(store, layouts, staying))


def what(change: Change) -> str:
    """Return in a word or two what a change is about: its field, the operation, or what it does."""
    return change.field or {Action.CREATE: "the creation", Action.DELETE: "the deletion"}.get(
        change.action, f"the {change.action}"
    )


def _refuse(layouts: Mapping[str, Layout], going: Collection[int], staying: Sequence[ShownChange]) -> None:
    """Refuse to take back the creation of records, by their temporary ids, that changes which stay refer to."""
    needing: dict[int, list[str]] = {}
    for each in staying if going else ():
        layout = layouts.get(each.change.type_name)
        for key in created(layout, each.change) & set(going) if layout is not None else ():
            needing.setdefault(key, []).append(each.label)
    for key, labels in needing.items():
        who = ", ".join(dict.fromkeys(labels))
        raise UsageError(f"{who} needs {label_of_temporary(key)}; discard that first, or let it refer to another record")
