"""Makes of the changes of one step the write that a connector is asked for. Pure, but for names and files it is given."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from mirror.engine.plan import Step
from mirror.engine.referring import is_link, ranked_against, target_of
from mirror.model.cells import value_of
from mirror.model.change import Action, Change
from mirror.model.layout import Layout
from mirror.model.write import File, Item, Place, Target, Value, Write

NameOf = Callable[[Target], str | None]
"""Returns the name that others show a record by; None when it is not known."""

Content = Callable[[str], bytes]
"""Returns the content of a file by its digest."""


def nameless(_target: Target) -> None:
    """Know no names."""


def unread(_digest: str) -> bytes:
    """Leave files where they are; for whoever only shows a write."""
    return b""


def write_of(
    layout: Layout,
    step: Step,
    *,
    revision: str | None = None,
    since: datetime | None = None,
    name_of: NameOf = nameless,
    content: Content = unread,
) -> Write:
    """Return the write that does all changes of a step.

    Args:
        revision: of the record as it was read just before; None for a creation.
        since: the tracker's clock shortly before it is, or was, first sent.
    """
    first = step.changes[0]
    record_id = None if step.action is Action.CREATE else first.record_id
    write = Write(layout, step.action, record_id, revision=revision, since=since)
    if step.action in (Action.CREATE, Action.UPDATE):
        return _with_fields(write, step.changes, name_of)
    given = first.value or {}
    match step.action:
        case Action.COMMENT:
            return replace(write, text=given["text"], kind=given.get("kind") or "comment")
        case Action.ATTACH:
            return replace(write, file=File(given["name"], given["content_type"], content(given["digest"])))
        case Action.RANK:
            other = None if given.get("other") is None else _named(ranked_against(first), name_of)
            return replace(write, place=Place(given["to"]), other=other)
        case Action.OPERATE:
            named = {given["named"]: str(given["other"])} if given.get("named") else {}
            return replace(write, operation=first.field, arguments={**(given.get("arguments") or {}), **named})
        case _:
            return write


def _with_fields(write: Write, changes: Sequence[Change], name_of: NameOf) -> Write:
    values: dict[str, Value] = {}
    before: dict[str, Value] = {}
    added: dict[str, list[Item]] = {}
    removed: dict[str, list[Item]] = {}
    for each in changes:
        if each.action is Action.UPDATE:
            values[each.field] = _value(write.layout, each, each.value, name_of)
            before[each.field] = _value(write.layout, each, each.base, name_of)
        elif each.action in (Action.LINK, Action.UNLINK):
            items = added if each.action is Action.LINK else removed
            items.setdefault(each.field, []).append(_item(write.layout, each, name_of))
    if write.action is Action.CREATE:
        before = {}
    return replace(write, values=values, before=before, added=_tuples(added), removed=_tuples(removed))


def _value(layout: Layout, change: Change, cells: Mapping[str, object] | None, name_of: NameOf) -> Value:
    if not cells:
        return None
    value = value_of(layout, change.field, cells)
    return _named(value, name_of) if isinstance(value, Target) else value


def _item(layout: Layout, change: Change, name_of: NameOf) -> Item:
    if not is_link(layout, change.field):
        return change.item
    target = target_of(layout, change.field, change.item)
    return _named(replace(target, name=(change.value or {}).get("name")), name_of)


def _named(target: Target, name_of: NameOf) -> Target:
    return target if target.name is not None else replace(target, name=name_of(target))


def _tuples(found: Mapping[str, list[Item]]) -> dict[str, tuple[Item, ...]]:
    return {name: tuple(items) for name, items in found.items()}
