"""What the names that scripts use stand for: the fields of a type, where their cells are in a row, and what lies beyond."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from mirror.connectors.language import Asked, Language
from mirror.engine.validate import field_called
from mirror.errors import QueryError
from mirror.model.layout import HEAD, Layout
from mirror.model.part import Part
from mirror.model.schema import Field, Kind
from mirror.query.expr import OWN_ID, Path, Step, Term

ID = HEAD.index("id")


@dataclass(frozen=True, slots=True)
class Place:
    """A field, and where it is in a row.

    Attributes:
        at: part -> position in the row; empty for a many-valued field.
    """

    field: Field
    at: Mapping[Part, int]


@dataclass(frozen=True, slots=True)
class Collection:
    """Records that the tracker does not list in a field of this type, but that refer to this one."""

    name: str
    step: Step


@dataclass(frozen=True, slots=True)
class Computed:
    """What only the tracker's language gives a name: a dotted path, an aggregate."""

    name: str
    term: Term


Meaning = Place | Collection | Computed


@dataclass(slots=True)
class Shape:
    """The names of one type, each looked up once.

    Attributes:
        asked: tells what names mean now.
        columns: of a row, by position.
        scalars: name -> position and kind, of the names of fields with one plain value that were looked up so far.
    """

    layout: Layout
    language: Language
    asked: Callable[[], Asked]
    columns: tuple[str, ...] = ()
    scalars: dict[str, tuple[int, Kind]] = field(default_factory=dict)
    _known: dict[str, Meaning] = field(default_factory=dict)
    _collections: dict[str, tuple[str, ...]] | None = None

    def __post_init__(self) -> None:
        self.columns = (*HEAD, *(each.name for each in self.layout.columns))

    def meaning(self, name: str) -> Meaning:
        """Return what `name` stands for: a field by any of its names, else whatever the tracker's language knows by it.

        Raises:
            ValueError: nothing, or several things, are called so; the message is for people.
        """
        found = self._known.get(name)
        if found is None:
            found = self._known[name] = self._meaning(name)
            if isinstance(found, Place) and Part.VALUE in found.at:
                self.scalars[name] = (found.at[Part.VALUE], found.field.kind)
        return found

    def has(self, name: str) -> bool:
        """Return whether `name` stands for anything."""
        try:
            self.meaning(name)
        except ValueError:
            return False
        return True

    def place(self, name: str) -> Place:
        """Return the field that `name` stands for.

        Raises:
            ValueError: it stands for no field of this type.
        """
        found = self.meaning(name)
        if not isinstance(found, Place):
            raise ValueError(f"{name} is no field of {self.layout.type.name}")  # noqa: TRY004 - all of these are one family
        return found

    def steps(self, name: str) -> tuple[str, str] | None:
        """Return the reference that a dotted name begins with, and the rest of it; None when it does not."""
        head, dot, rest = name.partition(".")
        if not dot or self.layout.type.field(name) is not None:
            return None
        try:
            found = self.meaning(head)
        except ValueError:
            return None
        return (head, rest) if isinstance(found, Place) and found.field.kind is Kind.REFERENCE else None

    def names(self) -> list[str]:
        """Return the names of all fields that may stand behind a dot, in the tracker's order."""
        names = (each.name for each in self.layout.type.fields)
        return [each for each in names if each.isidentifier()]

    def collections(self) -> Mapping[str, tuple[str, ...]]:
        """Return name -> types of collections that are no fields: what refers to such a record, by the plural of its type.

        The tracker's language may know more of them.
        """
        if self._collections is None:
            self._collections = {}
            layouts = self.asked().layouts
            leading = [each for each in layouts.values() if _leads_to(each, self.layout.type.name, layouts)]
            for name in dict.fromkeys(name for each in leading for name in _plurals(each)):
                try:
                    found = self.meaning(name)
                except ValueError:
                    continue
                if isinstance(found, Collection):
                    self._collections[name] = tuple(found.step.targets)
        return self._collections

    def _meaning(self, name: str) -> Meaning:
        try:
            found = field_called(self.layout, name)
        except ValueError as unknown:
            return self._beyond(name, unknown)
        at = {each.part: len(HEAD) + number for number, each in enumerate(self.layout.columns) if each.field == found.name}
        return Place(found, at)

    def _beyond(self, name: str, unknown: ValueError) -> Meaning:
        spaced = name.replace("_", " ")
        try:
            if spaced != name:
                return self._meaning(spaced)
        except ValueError:
            pass
        try:
            term = self.language.term(name, self.layout, self.asked())
        except QueryError:
            raise unknown from None
        if isinstance(term, Path) and term.field == OWN_ID and len(term.steps) == 1:
            return Collection(name, term.steps[0])
        if isinstance(term, Path) and not term.steps and self._is_alias(name, term.field):
            return self._meaning(term.field)
        return Computed(name, term)

    def _is_alias(self, name: str, field: str) -> bool:
        """Return whether a name is another one for a field, and not, as `Owners.Name`, for a part of what it leads to."""
        described = self.layout.type.field(field)
        if described is None:
            return False
        return described.kind not in (Kind.REFERENCE, Kind.LINKS) or "." not in name or "." in field


def is_many(described: Field) -> bool:
    """Return whether a field holds many records, or many plain values."""
    return described.kind in (Kind.LINKS, Kind.VALUES)


def name_of(meaning: Meaning) -> str:
    """Return under which name `Held.related` keeps what a name leads to."""
    match meaning:
        case Place():
            return meaning.field.name
        case Collection() | Computed():
            return meaning.name


def _plurals(layout: Layout) -> list[str]:
    """Return what collections of a type may be called: `Stories`, `UserStories`; and what those of its own kind are."""
    words = layout.type.display_name.split() or [""]
    names = (layout.type.name.rpartition("/")[2], "".join(words), words[-1])
    plurals = (f"{each[:-1]}ies" if each.endswith("y") else f"{each}s" for each in names if each.isidentifier())
    return [*plurals, "Children"]


def _leads_to(layout: Layout, type_name: str, layouts: Mapping[str, Layout]) -> bool:
    """Return whether a type may refer to another one: by name, as one of an abstract type, or as any record."""
    targets = (each.targets for each in layout.type.fields if each.kind in (Kind.REFERENCE, Kind.LINKS))
    return any(not each or type_name in each or any(name not in layouts for name in each) for each in targets)
