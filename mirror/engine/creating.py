"""How to create records that were made here and refer to each other, perhaps in a circle. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from mirror.engine.referring import FIELD_ACTIONS, created, refers_to_itself
from mirror.model.change import Action, Change
from mirror.model.layout import Layout

_Edges = dict[int, dict[int, list[Change]]]
"""Temporary id -> temporary id that it refers to -> the changes by which it does."""


@dataclass(frozen=True, slots=True)
class Creations:
    """How to break circles.

    Attributes:
        later: ids of field changes that a record is created without, and updated with when all are there.
        stuck: ids of CREATE changes that wait for each other through fields that cannot come later, with the reason.
    """

    later: set[int] = field(default_factory=set)
    stuck: dict[int, str] = field(default_factory=dict)


def break_circles(layouts: Mapping[str, Layout], changes: Sequence[Change]) -> Creations:
    """Decide which fields wait until other records are there.

    Args:
        changes: all that may be pushed, by id.
    """
    found = Creations()
    makers = {each.record_id: each for each in changes if each.action is Action.CREATE}
    edges: _Edges = {one: {} for one in makers}
    for each in changes:
        if each.record_id not in makers or each.action not in FIELD_ACTIONS:
            continue
        if refers_to_itself(layouts[each.type_name], each):
            found.later.add(each.id)
        for other in created(layouts[each.type_name], each) & makers.keys():
            edges[each.record_id].setdefault(other, []).append(each)
    while edges:
        free = [one for one, others in edges.items() if not others]
        if free:
            _take_out(edges, free)
        elif not _loosen(layouts, edges, found):
            circle = [one for one in edges if _leads(edges, one, one)]
            for one in circle:
                names = ", ".join(f"NEW{other}" for other in edges[one])
                found.stuck[makers[one].id] = f"refers to {names} and the other way round, in fields that cannot come later"
            _take_out(edges, circle)
    return found


def _loosen(layouts: Mapping[str, Layout], edges: _Edges, found: Creations) -> bool:
    """Let the references of one record that close a circle come later; return whether there is such a record."""
    for each in sorted(edges, reverse=True):
        back = [other for other in edges[each] if _leads(edges, other, each)]
        closing = [change for other in back for change in edges[each][other]]
        if closing and all(_may_come_later(layouts[one.type_name], one) for one in closing):
            found.later.update(one.id for one in closing)
            for other in back:
                del edges[each][other]
            return True
    return False


def _may_come_later(layout: Layout, change: Change) -> bool:
    described = layout.type.field(change.field)
    return described is not None and not described.required and not described.create_only


def _leads(edges: _Edges, start: int, end: int) -> bool:
    """Return whether one record leads to another, in one step or several."""
    seen: set[int] = set()
    left = list(edges[start])
    while left:
        each = left.pop()
        if each == end:
            return True
        if each not in seen:
            seen.add(each)
            left += edges[each]
    return False


def _take_out(edges: _Edges, gone: Collection[int]) -> None:
    for each in gone:
        del edges[each]
    for others in edges.values():
        for each in gone:
            others.pop(each, None)
