"""Reads what records lead to, for all of them at once: one statement for a field, and one for each type behind it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from mirror.model.change import Action, Change
from mirror.model.schema import Kind
from mirror.model.write import Target
from mirror.query.expr import Path, Step
from mirror.script.beyond import Beyond
from mirror.script.held import Held
from mirror.script.null import NULL
from mirror.script.outside import Outside
from mirror.script.record import Record
from mirror.script.shape import Collection, Computed, Meaning, Place

if TYPE_CHECKING:
    from mirror.script.session import Session

Link = tuple[int, Target]
"""Id of the record that a link starts from, and where it leads."""


def relate(session: Session, members: Sequence[Held], meaning: Meaning) -> None:
    """Put into `related` of these records of one type what a name leads to."""
    match meaning:
        case Computed():
            _compute(session, members, meaning)
        case Collection():
            _collect(session, members, meaning)
        case Place() if meaning.field.kind is Kind.REFERENCE:
            _refer(session, members, meaning)
        case Place() if meaning.field.kind is Kind.LINKS:
            _link(session, members, meaning)
        case Place():
            _list_values(session, members, meaning)


def _refer(session: Session, members: Sequence[Held], place: Place) -> None:
    targets = {held.id: held.target(place) for held in members}
    found = resolved(session, members[0].source, place, filter(None, targets.values()))
    for held in members:
        target = targets[held.id]
        held.related[place.field.name] = NULL if target is None else found[target.type_name, target.id]


def _link(session: Session, members: Sequence[Held], place: Place) -> None:
    reached = _reached(session, members, Step(place.field.name))
    links = _with_edits(session, members, place, reached)
    found = resolved(session, members[0].source, place, (target for _id, target in links))
    _share(members, place.field.name, ((owner, found[each.type_name, each.id]) for owner, each in links))


def _collect(session: Session, members: Sequence[Held], meaning: Collection) -> None:
    links = _reached(session, members, meaning.step)
    found = resolved(session, members[0].source, None, (target for _id, target in links))
    shared = [(owner, found[each.type_name, each.id]) for owner, each in links]
    _share(members, meaning.name, _moved(session, members, meaning.step, shared))


def _list_values(session: Session, members: Sequence[Held], place: Place) -> None:
    name = place.field.name
    rows = session.home(members[0].source).searching.rows_of(members[0].type_name, _stored(members), [Path(name)])
    held_by = {each.id: [str(value) for value in each.values[0] or ()] for each in rows}
    for held in members:
        values = held_by.get(held.id, [])
        for change in session.edits.links(held, name):
            if change.action is Action.LINK:
                values.append(change.item)
            elif change.item in values:
                values.remove(change.item)
        held.related[name] = values


def _compute(session: Session, members: Sequence[Held], meaning: Computed) -> None:
    rows = session.home(members[0].source).searching.rows_of(members[0].type_name, _stored(members), [meaning.term])
    found: Mapping[int, Any] = {each.id: each.values[0] for each in rows}
    for held in members:
        value = found.get(held.id)
        held.related[meaning.name] = list(value) if isinstance(value, tuple) else value


def _reached(session: Session, members: Sequence[Held], step: Step) -> list[Link]:
    """Return where a step leads to from these records, each in the tracker's order."""
    searching = session.home(members[0].source).searching
    only = step.targets[0] if len(step.targets) == 1 else ""
    return [
        (each.id, Target(each.type_name or only, each.target_id, each.name))
        for each in searching.reached(members[0].type_name, _stored(members), step)
    ]


def resolved(
    session: Session, source: str, place: Place | None, targets: Iterable[Target]
) -> dict[tuple[str, int], Record | Outside]:
    """Return the records of these targets, by what each target says of its type and id."""
    wanted: dict[str, dict[int, Target]] = {}
    for each in targets:
        wanted.setdefault(each.type_name, {})[each.id] = each
    found: dict[tuple[str, int], Record | Outside] = {}
    for type_name, ids in wanted.items():
        known = session.records(source, _kinds(session, source, place, type_name), ids)
        beyond = Beyond(session, source, [each for number, each in ids.items() if number not in known])
        for number, target in ids.items():
            found[type_name, number] = known.get(number) or Outside(source, target, beyond)
    return found


def _kinds(session: Session, source: str, place: Place | None, type_name: str) -> list[str]:
    """Return the types to look into for a target that says this of its type."""
    if type_name in session.home(source).layouts:
        return [type_name]
    return session.home(source).candidates(place.field) if place is not None else []


def _with_edits(session: Session, members: Sequence[Held], place: Place, links: Sequence[Link]) -> list[Link]:
    """Return the links with those that were added and taken out in memory."""
    found = list(links)
    for held in members:
        for change in session.edits.links(held, place.field.name):
            target = target_of(change, place)
            if change.action is Action.LINK:
                found.append((held.id, target))
            else:
                found = [each for each in found if each[0] != held.id or not _is_same(each[1], target)]
    return found


def target_of(change: Change, place: Place) -> Target:
    """Return what an item of a collection of records says, `17` or `Defect:17`."""
    type_name, _colon, number = change.item.rpartition(":")
    shown = change.value or {}
    only = place.field.targets[0] if len(place.field.targets) == 1 else ""
    return Target(type_name or only, int(number), shown.get("name"))


def _is_same(some: Target, other: Target) -> bool:
    is_kind = not some.type_name or not other.type_name or some.type_name == other.type_name
    return is_kind and some.id == other.id


def _moved(
    session: Session, members: Sequence[Held], step: Step, shared: list[tuple[int, Record | Outside]]
) -> list[tuple[int, Record | Outside]]:
    """Return what refers to these records, with the references that were assigned in memory."""
    owners = {held.id for held in members}
    for held in session.edits.edited(members[0].source, step.targets):
        place = held.shape.place(step.field)
        if held.cells_edited(place):
            record = session.known_as(held)
            shared = [each for each in shared if each[1] is not record]
            target = held.target(place)
            if target is not None and target.id in owners and target.type_name in ("", members[0].type_name):
                shared.append((target.id, record))
    return shared


def _stored(members: Sequence[Held]) -> list[int]:
    """Return the ids of those records that the database has."""
    return [held.id for held in members if held.row is not None]


def _share(members: Sequence[Held], name: str, shared: Iterable[tuple[int, object]]) -> None:
    lists: dict[int, list[object]] = {held.id: [] for held in members}
    for owner, each in shared:
        lists[owner].append(each)
    for held in members:
        held.related[name] = lists[held.id]
