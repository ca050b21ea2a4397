"""What was changed in memory and is not in the queue yet, in the order in which it must get there."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from itertools import count

from mirror.model.change import Action, Change
from mirror.script.held import Held
from mirror.script.record import Record

Place = tuple[str, str, int]
"""Source, type name and id of a record."""

_OF_A_FIELD = (Action.UPDATE, Action.LINK, Action.UNLINK)


class Edits:
    """The changes of one session. It keeps their records alive, so that nothing assigned is lost with its object."""

    def __init__(self) -> None:
        self._made: dict[int, Change] = {}
        self._numbers: dict[Place, list[int]] = {}
        self._records: dict[Place, Record] = {}
        self._count = count()

    def __bool__(self) -> bool:
        return bool(self._made)

    def __iter__(self) -> Iterator[Change]:
        return iter(self._made.values())

    def put(self, record: Record, change: Change) -> None:
        """Add a change. One of a field takes the place of an earlier one; adding and taking out one item come to nothing."""
        place = _place(change)
        for number in list(self._numbers.get(place, ())):
            earlier = self._made[number]
            if earlier.action not in _OF_A_FIELD or (earlier.field, earlier.item) != (change.field, change.item):
                continue
            if change.action in _OF_A_FIELD:
                self._drop(place, number)
                if earlier.action is not change.action:
                    return
        self._records[place] = record
        number = next(self._count)
        self._made[number] = change
        self._numbers.setdefault(place, []).append(number)

    def drop(self, held: Held, field: str) -> None:
        """Forget what was assigned to a field."""
        place = (held.source, held.type_name, held.id)
        for number in list(self._numbers.get(place, ())):
            if self._made[number].action is Action.UPDATE and self._made[number].field == field:
                self._drop(place, number)

    def forget(self, held: Held) -> None:
        """Forget everything about a record."""
        place = (held.source, held.type_name, held.id)
        for number in list(self._numbers.get(place, ())):
            self._drop(place, number)
        self._records.pop(place, None)

    def clear(self, source: str = "") -> list[Record]:
        """Forget everything, of one source or of all; return the records that it was about."""
        records = [each for place, each in self._records.items() if source in ("", place[0])]
        for record in records:
            self.forget(record._held)
        return records

    def of(self, held: Held) -> list[Change]:
        """Return the changes of a record."""
        return [self._made[each] for each in self._numbers.get((held.source, held.type_name, held.id), ())]

    def links(self, held: Held, field: str) -> list[Change]:
        """Return what was added to a many-valued field and taken out."""
        if not self._numbers:
            return []
        return [each for each in self.of(held) if each.field == field and each.action in (Action.LINK, Action.UNLINK)]

    def is_new(self, held: Held) -> bool:
        """Return whether a record was created in memory."""
        return any(each.action is Action.CREATE for each in self.of(held))

    def is_deleted(self, held: Held) -> bool:
        """Return whether a record was deleted in memory."""
        return any(each.action is Action.DELETE for each in self.of(held))

    def edited(self, source: str, type_names: Collection[str]) -> list[Held]:
        """Return the records of these types that have changes."""
        return [record._held for place, record in self._records.items() if place[0] == source and place[1] in type_names]

    def created(self, source: str) -> list[Record]:
        """Return the records of a source that were created in memory."""
        return [each for place, each in self._records.items() if place[0] == source and self.is_new(each._held)]

    def _drop(self, place: Place, number: int) -> None:
        del self._made[number]
        self._numbers[place].remove(number)
        if not self._numbers[place]:
            del self._numbers[place], self._records[place]


def _place(change: Change) -> Place:
    return change.source, change.type_name, change.record_id
