"""What changed about a record, for those who watch: field -> before and after, as scripts see values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from mirror.model.schema import Kind
from mirror.model.write import Target
from mirror.script.null import NULL
from mirror.script.relating import resolved
from mirror.script.shape import Place
from mirror.script.values import to_python

if TYPE_CHECKING:
    from mirror.script.record import Record


class Change(NamedTuple):
    """A field before and after: values as a record shows them. A reference is a record or Null, a collection a list."""

    before: Any
    after: Any


class Changes(Mapping[str, Change]):
    """What the tracker says has changed, by the tracker's names of the fields; any name that the record knows finds it.

    `"State" in changes`, `changes["State"].before`, `before, after = changes["Kanban State"]`.
    """

    __slots__ = ("_raw", "_record")

    def __init__(self, record: Record, raw: Mapping[str, Sequence[Any]]) -> None:
        shape = record._held.shape
        self._record = record
        self._raw = {name: each for name, each in raw.items() if shape.layout.type.field(name) is not None}

    def __getitem__(self, name: str) -> Change:
        place = self._place(name)
        before, after = self._raw[place.field.name]
        return Change(self._value(place, before), self._value(place, after))

    def __iter__(self) -> Iterator[str]:
        return iter(self._raw)

    def __len__(self) -> int:
        return len(self._raw)

    def __repr__(self) -> str:
        return repr({name: tuple(each) for name, each in self.items()})

    def _place(self, name: str) -> Place:
        """Return the field that `name` stands for.

        Raises:
            KeyError: for none, or for one that has not changed.
        """
        try:
            place = self._record._held.shape.place(name)
        except ValueError as error:
            raise KeyError(str(error)) from None
        if place.field.name not in self._raw:
            raise KeyError(name)
        return place

    def _value(self, place: Place, raw: Any) -> Any:
        kind = place.field.kind
        if kind is Kind.REFERENCE:
            return NULL if raw is None else self._records(place, [raw])[0]
        if kind is Kind.LINKS:
            return self._records(place, raw or ())
        return to_python(kind, raw)

    def _records(self, place: Place, raw: Sequence[Any]) -> list[Any]:
        held = self._record._held
        targets = [Target(*each) for each in raw]
        found = resolved(held.session, held.source, place, targets)
        return [found[each.type_name, each.id] for each in targets]
