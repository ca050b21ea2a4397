"""Finds the open changes that refer to a record by its temporary id, and has them refer to another."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from sqlalchemy import Text, cast, or_

from mirror.merge.items import Item, parse_target
from mirror.model.change import Action, Change
from mirror.model.layout import Layout
from mirror.model.part import Part
from mirror.model.schema import Kind
from mirror.store import queue_rows
from mirror.store.queue_desks import Desks
from mirror.store.queue_states import LINKING
from mirror.store.tables import change as changes

Turn = Callable[[int, str | None], tuple[int, str | None]]
"""What becomes of a target, given by its id and the name shown for it."""


def referring(desks: Desks, source: str, temporary_id: int) -> list[Change]:
    """Return the open changes of other records, and of the record itself, that refer to it."""
    return [each for each in _candidates(desks, source, temporary_id) if _turned(desks, each, temporary_id, _other) != each]


def refer_to(desks: Desks, source: str, temporary_id: int, turn: Turn) -> dict[str, set[int]]:
    """Have the open changes that refer to `temporary_id` refer to what `turn` makes of it.

    Returns:
        Type name -> ids of the records that they are of.
    """
    found = _candidates(desks, source, temporary_id)
    records: dict[str, set[int]] = {}
    turned = []
    for each in found:
        if _turned(desks, each, temporary_id, _other) != each:
            records.setdefault(each.type_name, set()).add(each.record_id)
            turned.append(_turned(desks, each, temporary_id, turn))
    queue_rows.set_(desks.connection, *turned)
    return records


def follow(desks: Desks, change: Change, real_id: Callable[[int], int | None]) -> Change:
    """Return a change that is about to be made with the tracker's ids in the place of temporary ones that are used no more.

    Between checking a change and making it here another process may have pushed what it refers to.
    """
    for each in _temporary_ids(desks.layout(change.source, change.type_name), change):
        known = real_id(each)
        if known is not None:
            change = _turned(desks, change, each, partial(_turn_to, known))
    return change


def _turn_to(known: int, _record_id: int, name: str | None) -> tuple[int, str | None]:
    return known, name


def _temporary_ids(layout: Layout, change: Change) -> set[int]:
    """Return the temporary ids of the records that a change wants to refer to."""
    value = change.value or {}
    if change.action is Action.UPDATE:
        found = [value.get(each.name) for each in layout.columns if each.part is Part.ID]
    elif change.action in LINKING:
        is_links = any(each.field == change.field and each.kind is Kind.LINKS for each in layout.links)
        found = [parse_target(change.item).id] if is_links else []
    else:
        found = [value.get("other")] if change.action in (Action.RANK, Action.OPERATE) else []
    return {each for each in found if isinstance(each, int) and each < 0}


def _other(record_id: int, name: str | None) -> tuple[int, str | None]:
    return record_id - 1, name


def _candidates(desks: Desks, source: str, temporary_id: int) -> list[Change]:
    """Return the open changes in which the number stands somewhere."""
    digits = str(temporary_id)
    places = [cast(each, Text).contains(digits) for each in (changes.c.base, changes.c.value, changes.c.remote)]
    query = queue_rows.of_source(source).where(or_(changes.c.item.contains(digits), *places))
    return queue_rows.read(desks.connection, query)


def _turned(desks: Desks, change: Change, temporary_id: int, turn: Turn) -> Change:
    layout = desks.layout(change.source, change.type_name)
    if change.action is Action.UPDATE:
        base, value, remote = (
            _cells(layout, each, temporary_id, turn) for each in (change.base, change.value, change.remote)
        )
        return replace(change, base=base, value=value, remote=remote)
    if change.action in LINKING:
        return _item(layout, change, temporary_id, turn)
    if change.action in (Action.RANK, Action.OPERATE) and (change.value or {}).get("other") == temporary_id:
        return replace(change, value={**(change.value or {}), "other": turn(temporary_id, None)[0]})
    return change


def _cells(layout: Layout, cells: Mapping[str, Any] | None, temporary_id: int, turn: Turn) -> dict[str, Any] | None:
    if cells is None:
        return None
    found = dict(cells)
    for each in layout.columns:
        if each.part is Part.ID and found.get(each.name) == temporary_id:
            name = next((one.name for one in layout.columns if one.field == each.field and one.part is Part.NAME), "")
            found[each.name], shown = turn(temporary_id, found.get(name))
            if name in found:
                found[name] = shown
    return found


def _item(layout: Layout, change: Change, temporary_id: int, turn: Turn) -> Change:
    kind = next((each.kind for each in layout.links if each.field == change.field), Kind.VALUES)
    item = Item() if kind is Kind.VALUES else parse_target(change.item)
    if item.id != temporary_id:
        return change
    value = change.value
    new, name = turn(temporary_id, (value or {}).get("name"))
    if value is not None and "name" in value:
        value = {**value, "name": name}
    base = change.base
    if base and "rows" in base:
        rows = [[each[0], new, name, *each[3:]] if each[1] == temporary_id else list(each) for each in base["rows"]]
        base = json.loads(json.dumps({"rows": rows}))
    return replace(change, item=f"{item.type_name}:{new}" if item.type_name else str(new), value=value, base=base)
