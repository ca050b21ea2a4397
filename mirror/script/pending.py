"""Finds records as the store's finder does, and those as well that were only created in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from mirror.model.change import Action
from mirror.model.layout import Layout
from mirror.model.schema import Kind
from mirror.model.write import Target
from mirror.script.record import Record
from mirror.script.relating import target_of
from mirror.store.finding import Finder, Hit, Layouts

if TYPE_CHECKING:
    from mirror.script.session import Session


class PendingFinder:
    """A finder of one source that sees what a session has made. What is not here is the finder's own."""

    def __init__(self, finder: Finder, session: Session, source: str) -> None:
        self._finder = finder
        self._session = session
        self._source = source

    def __getattr__(self, name: str) -> Callable[..., Any]:
        found: Callable[..., Any] = getattr(self._finder, name)
        return found

    def by_id(self, layouts: Iterable[Layout], record_id: int) -> list[Hit]:
        """Return the records of these types that have that id. One that the session knows is not asked for again."""
        kinds = list(layouts)
        if record_id < 0 or len(kinds) == 1:
            known = [self._session.fresh(self._source, each.type.name, record_id) for each in kinds]
            hits = [_hit(each) for each in known if each is not None]
            if hits:
                return hits
        return [self._as_edited(each) for each in self._finder.by_id(kinds, record_id)]

    def created(self, layouts: Layouts, number: int) -> list[Hit]:
        """Return the records that are or were called NEW-`number`."""
        made = [_hit(each) for each in self._session.edits.created(self._source) if each.id == -number]
        return made or self._finder.created(layouts, number)

    def _as_edited(self, hit: Hit) -> Hit:
        """Return a record under the name that it was given in memory."""
        record = self._session.known(self._source, hit.layout.type.name, hit.id)
        return _hit(record) if record is not None and record._held.edited else hit

    def items(self, layout: Layout, record_id: int, field: str) -> list[Any]:
        """Return what a many-valued field of a record holds, with what was added and taken out in memory."""
        found: list[Any] = list(self._finder.items(layout, record_id, field))
        record = self._session.known(self._source, layout.type.name, record_id)
        for change in self._session.edits.links(record._held, field) if record is not None else ():
            place = record._held.shape.place(field) if record is not None else None
            is_value = place is None or place.field.kind is Kind.VALUES
            item: Target | str = change.item if is_value or place is None else target_of(change, place)
            if change.action is Action.LINK:
                found.append(item)
            else:
                found = [each for each in found if _key(each) != _key(item)]
        return found


def _key(item: Target | str) -> object:
    return item.id if isinstance(item, Target) else item


def _hit(record: Record) -> Hit:
    layout = record.layout
    held = record._held
    return Hit(layout, record.id, held.text(layout.type.key_field), held.text(layout.type.name_field))
