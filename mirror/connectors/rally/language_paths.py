"""Rally's orders, and single names, as terms of an expression. Source: rally.md §3 (order), §10.3 (collections)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import NamedTuple

from mirror.connectors.language import Asked
from mirror.connectors.rally.language_build import ID, NAME, Builder, Segment, segments, step_to
from mirror.connectors.rally.language_compare import KEY
from mirror.connectors.rally.language_counts import COUNT
from mirror.connectors.rally.language_names import Inverse, element_of, targets_of
from mirror.connectors.rally.language_parse import Place
from mirror.errors import QueryError
from mirror.model.layout import Layout
from mirror.model.part import Part
from mirror.model.schema import Field, Kind
from mirror.query.expr import OWN_ID, OWN_TYPE, Aggregate, Function, Order, Path, Step, Term
from mirror.query.reach import is_many

_KEY_PART = re.compile(r"[^,]+")
_DIRECTION = re.compile(r"(.*\S)\s+(asc|desc)", re.IGNORECASE | re.DOTALL)
_NUMBERED = frozenset((KEY, "VersionId"))
_BY_CODE_POINT = frozenset(("DragAndDropRank", "ObjectUUID"))  # rally.md §5 R: a rank is compared as text


class _End(NamedTuple):
    """What a dotted name leads to.

    Attributes:
        layout: the type that has `meaning`; None when it is not mirrored and `meaning` is its name or id.
    """

    steps: tuple[Step, ...]
    layout: Layout | None
    meaning: Field | Inverse
    part: Part = Part.VALUE

    @property
    def is_collection(self) -> bool:
        return isinstance(self.meaning, Inverse) or self.meaning.kind is Kind.LINKS


def read_order(text: str, layout: Layout, asked: Asked) -> tuple[Order, ...]:
    """Return the keys of an order: `Priority,-LastUpdateDate`, `FormattedID desc`, `Owner.LastName`, `Rank ASC`.

    A leading minus is ours, not Rally's. FormattedIDs come by number, drop-downs by their list (rally.md §3 R, §4 C); a
    reference by the name of what it refers to, and texts without regard to case, which is not recorded.

    Raises:
        QueryError: there is no such field, or it has many values; in the server's words (rally.md §4 C).
    """
    return tuple(_key(text, each, layout, asked) for each in _KEY_PART.finditer(text) if each[0].strip())


def _key(text: str, found: re.Match[str], layout: Layout, asked: Asked) -> Order:
    written = found[0].strip()
    place = Place(found.start() + found[0].index(written), len(written))
    directed = _DIRECTION.fullmatch(written)
    name = directed[1] if directed else written
    minus = name.startswith("-")
    name = name[1:] if minus else name
    reader = _Reader(Builder(text, asked), name, Place(place.at + minus, len(name)))
    descends = directed is not None and directed[2].lower() == "desc"
    return reader.order(layout, descending=descends is not minus)


def read_term(text: str, layout: Layout, asked: Asked) -> Term:
    """Return what a name stands for.

    A reference alone is the name of what it refers to, a collection the ids of its members; `Tasks.Count` is how many
    there are. `_type` and `_refObjectName` are understood as on a row (rally.md §5 R).

    Raises:
        QueryError: nothing is called so.
    """
    written = text.strip()
    if written == "_type":
        return Path(OWN_TYPE)
    if written == "_refObjectName":
        return Path(layout.type.name_field or OWN_ID)
    place = Place(len(text) - len(text.lstrip()), max(1, len(written)))
    return _Reader(Builder(text, asked), written, place).term(layout)


@dataclass(frozen=True, slots=True)
class _Reader:
    """One dotted name."""

    builder: Builder
    name: str
    place: Place

    @property
    def path(self) -> tuple[Segment, ...]:
        return segments(self.builder.text, self.name, self.place)

    def order(self, layout: Layout, *, descending: bool) -> Order:
        try:
            end = self._end(layout, self.path)
        except QueryError as error:
            raise self._unsortable(error.near) from None
        meaning = end.meaning
        many = is_many(layout.type.name, self._value(end), self.builder.asked.layouts)
        if many or isinstance(meaning, Inverse) or meaning.kind is Kind.JSON:
            raise self._unsortable()
        if meaning.kind is Kind.REFERENCE:
            return Order(self._shown(end), descending, folds_case=True)
        return Order(
            self._value(end),
            descending,
            by_place=tuple(each for each in meaning.allowed_values if each) if meaning.kind is Kind.TEXT else (),
            by_number=meaning.name in _NUMBERED,
            folds_case=meaning.kind is Kind.TEXT and meaning.name not in _BY_CODE_POINT,
        )

    def _unsortable(self, near: tuple[str, ...] = ()) -> QueryError:
        return self.builder.error(f"Cannot sort using unknown attribute {self.name}", self.place, near)

    def term(self, layout: Layout) -> Term:
        path = self.path
        if len(path) > 1 and path[-1].name == COUNT:
            end = self._end(layout, path[:-1])
            if end.is_collection:
                return Aggregate(Function.COUNT, self._members(end))
        end = self._end(layout, path)
        if end.is_collection:
            return self._members(end)
        is_reference = isinstance(end.meaning, Field) and end.meaning.kind is Kind.REFERENCE
        return self._shown(end) if is_reference else self._value(end)

    # Following the dots

    def _end(self, layout: Layout, path: tuple[Segment, ...]) -> _End:
        if len(path) == 1 and path[0].name == NAME and layout.type.field(NAME) is None and layout.type.name_field:
            named = layout.type.field(layout.type.name_field)
            if named is not None:
                return _End((), layout, named)
        meaning = self.builder.look_up(layout, path[0], self.name).meaning
        if len(path) == 1:
            return _End((), layout, meaning)
        if isinstance(meaning, Inverse):
            return self._through_inverse(meaning, path)
        if meaning.kind not in (Kind.REFERENCE, Kind.LINKS):
            self.builder.unknown(path[0], element_of(layout.type.name), self.name)
        targets = targets_of(meaning, self.builder.asked.layouts)
        if not targets:
            return self._unmirrored(meaning, path)
        return self._through(step_to(meaning, targets), targets, path)

    def _through_inverse(self, meaning: Inverse, path: tuple[Segment, ...]) -> _End:
        found: list[_End] = []
        refusals: list[QueryError] = []
        for step in meaning.steps:
            try:
                found.append(self._through(step, step.targets, path))
            except QueryError as error:
                refusals.append(error)
        if not found:
            raise refusals[0]
        if len(found) > 1:
            raise self._several(meaning, path[0].place)
        return found[0]

    def _several(self, meaning: Inverse, place: Place) -> QueryError:
        types = ", ".join(element_of(source) for source, _ in meaning.sources)
        return self.builder.error(f"{meaning.name} holds records of several types: {types}; ask for one of them", place)

    def _through(self, step: Step, targets: tuple[str, ...], path: tuple[Segment, ...]) -> _End:
        """Return where the rest of the path leads from those targets that have such a name and mean the same by it."""
        ends: dict[tuple[tuple[Step, ...], str], list[tuple[str, _End]]] = {}
        refusals: list[QueryError] = []
        for name in targets:
            try:
                end = self._end(self.builder.asked.layouts[name], path[1:])
            except QueryError as error:
                refusals.append(error)
                continue
            ends.setdefault((end.steps, end.meaning.name), []).append((name, end))
        if not ends:
            raise refusals[0]
        alike = next(iter(ends.values()))
        names = tuple(name for name, _ in alike)
        taken = step if step.backward or names == targets else Step(step.field, names)
        return alike[0][1]._replace(steps=(taken, *alike[0][1].steps))

    def _unmirrored(self, meaning: Field, path: tuple[Segment, ...]) -> _End:
        if len(path) == 2 and path[1].name == ID:
            return _End((), None, Field(meaning.name, Kind.INTEGER), Part.ID)
        if len(path) == 2 and path[1].name in (NAME, "DisplayName", "StringValue"):
            return _End((), None, Field(meaning.name, Kind.TEXT), Part.NAME)
        types = ", ".join(map(element_of, meaning.targets)) or "what it leads to"
        raise self.builder.error(f"{types} is not mirrored, so {path[1].name} of it is not known", path[1].place)

    # What is at the end

    def _value(self, end: _End) -> Path:
        field = OWN_ID if end.meaning.name == ID and end.layout is not None else end.meaning.name
        return Path(field, end.steps, end.part)

    def _shown(self, end: _End) -> Path:
        return Path(end.meaning.name, end.steps, Part.NAME)

    def _members(self, end: _End) -> Path:
        if isinstance(end.meaning, Inverse):
            if len(end.meaning.steps) > 1:
                raise self._several(end.meaning, self.place)
            return Path(OWN_ID, (*end.steps, end.meaning.steps[0]))
        return Path(end.meaning.name, end.steps)
