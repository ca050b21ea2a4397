"""What a session knows of one record: its row, what was changed in memory, and what it leads to as far as that was asked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from mirror.model.part import Part
from mirror.model.schema import Field, Kind
from mirror.model.write import Target
from mirror.script.items import Items
from mirror.script.null import Null
from mirror.script.shape import Collection, Meaning, Place, Shape, name_of
from mirror.script.values import to_python

if TYPE_CHECKING:
    from mirror.script.record import Record
    from mirror.script.session import Session

Row = tuple[Any, ...]
"""HEAD, then the columns of the layout, in its order."""


@dataclass(slots=True, eq=False)
class Peers:
    """Records of one type that were read together: what one of them leads to is read for all of them.

    Attributes:
        ids: of the records; those that nobody holds any more are passed over.
        epoch: of the session, when their rows were read.
    """

    shape: Shape
    ids: list[int]
    epoch: int


@dataclass(slots=True, eq=False)
class Held:
    """The state behind one Record.

    Attributes:
        id: negative while it was never pushed.
        row: as it was last read; None for a record that is not in the database yet.
        is_here: it is in the database, or waits to be put there.
        edited: column -> cell, of what was assigned and is not queued yet.
        related: name of a field or a collection -> what it leads to: a Record or Null, or a list of records or texts.
    """

    session: Session
    peers: Peers
    id: int
    row: Row | None
    is_here: bool = True
    edited: dict[str, Any] = field(default_factory=dict)
    related: dict[str, Any] = field(default_factory=dict)

    @property
    def shape(self) -> Shape:
        """The names of its type."""
        return self.peers.shape

    @property
    def type_name(self) -> str:
        """The name of its type."""
        return self.peers.shape.layout.type.name

    @property
    def source(self) -> str:
        """The name of its source."""
        return self.peers.shape.layout.source

    def refresh(self) -> None:
        """Read the row again when something has been written to the database since."""
        if self.peers.epoch != self.session.epoch:
            self.session.renew(self.peers, self)

    def value(self, name: str) -> Any:
        """Return what `name` stands for, as scripts see it.

        Raises:
            ValueError: the type has nothing of that name.
        """
        self.refresh()
        shape = self.peers.shape
        scalar = shape.scalars.get(name)
        if scalar is not None:
            return to_python(scalar[1], self.cell(scalar[0]))
        meaning = shape.meaning(name)
        if isinstance(meaning, Place) and Part.VALUE in meaning.at:
            return to_python(meaning.field.kind, self.cell(meaning.at[Part.VALUE]))
        if isinstance(meaning, Place) and meaning.field.kind is Kind.REFERENCE:
            return self.reached(meaning)
        if isinstance(meaning, Place | Collection):
            return Items(self, meaning)
        return self.reached(meaning)

    def reached(self, meaning: Meaning) -> Any:
        """Return what a name leads to; what was not asked yet is read for all peers."""
        name = name_of(meaning)
        if name not in self.related:
            self.session.relate(self, meaning)
        return self.related[name]

    def referred(self, name: str) -> Record | Null:
        """Return the record that a reference leads to; Null when it leads to none."""
        found: Record | Null = self.reached(self.shape.place(name))
        return found

    def cell(self, position: int) -> Any:
        """Return the cell at that position of the row, with what was assigned since."""
        if self.edited:
            name = self.shape.columns[position]
            if name in self.edited:
                return self.edited[name]
        return None if self.row is None else self.row[position]

    def target(self, place: Place) -> Target | None:
        """Return what a reference says; the type name is "" where it does not tell."""
        at = place.at
        number = self.cell(at[Part.ID]) if Part.ID in at else None
        if number is None:
            return None
        kind = self.cell(at[Part.TYPE]) if Part.TYPE in at else None
        name = self.cell(at[Part.NAME]) if Part.NAME in at else None
        return Target(kind or _only(place.field), number, name)

    def forget_collections(self) -> None:
        """Forget which records refer to this one: one of them has been changed."""
        for name in [each for each in self.related if not isinstance(self.shape.meaning(each), Place)]:
            del self.related[name]

    def cells_edited(self, place: Place) -> bool:
        """Return whether a field was assigned and is not queued yet."""
        return any(self.shape.columns[each] in self.edited for each in place.at.values())

    def data(self) -> dict[str, Any]:
        """Return name -> value of the fields with one value each; of a reference its shown name."""
        self.refresh()
        found = {}
        for each in self.shape.layout.columns:
            if each.part in (Part.VALUE, Part.NAME):
                place = self.shape.place(each.field)
                found[each.field] = to_python(each.kind, self.cell(place.at[each.part]))
        return found

    def cells(self) -> Mapping[str, Any]:
        """Return column -> cell of the row as it is in the database; empty for a record that is not there yet."""
        return {} if self.row is None else dict(zip(self.shape.columns, self.row, strict=True))

    def text(self, name: str | None) -> str | None:
        """Return the text of a field by its exact name; None when it has none."""
        if name is None:
            return None
        self.refresh()
        place = self.shape.place(name)
        position = place.at.get(Part.VALUE, place.at.get(Part.NAME))
        found = None if position is None else self.cell(position)
        return None if found is None else str(found)


def _only(described: Field) -> str:
    return described.targets[0] if len(described.targets) == 1 else ""
