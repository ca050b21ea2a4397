"""Paths of a query meet the catalogue: what each name on them means, and the steps that lead to their end."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum, auto
from itertools import product

from mirror.connectors.language import LONGEST_PATH, TOO_LONG, Asked
from mirror.connectors.versionone import language_kinship as kinship
from mirror.connectors.versionone import language_names as names
from mirror.connectors.versionone.language_syntax import Hop, Node, PathText, Span, Word
from mirror.errors import QueryError
from mirror.model.layout import Layout
from mirror.model.part import Part
from mirror.model.schema import Field, Kind
from mirror.query.expr import NOTHING, OWN_ID, OWN_TYPE, Expr, Path, Step

CLOSURE_DEPTH = 10
"""So often a relation is followed for a closure such as ParentMeAndUp; trees of projects are not as deep."""


class Sort(Enum):
    """What is at the end of a path."""

    FIELD = auto()
    REFERENCE = auto()  # a field that refers to one record
    LINKS = auto()  # a field that refers to many
    REACHED = auto()  # the records that the steps lead to, themselves
    KEY = auto()  # their numbers
    TYPE = auto()  # the names of their types
    ALIVE = auto()  # IsDeleted, which is false for all that is mirrored


@dataclass(frozen=True, slots=True)
class End:
    """The end of a path.

    Attributes:
        field: for FIELD, REFERENCE and LINKS.
        part: the name, where that is what the tracker shows of a reference.
        kind: of the values of a field.
        native: the attributetype (§5.2).
        types: for relations and REACHED, the concrete types there; () when unknown.
        local: an instant is meant in the user's zone, though kept in UTC.
    """

    sort: Sort
    field: str = ""
    part: Part = Part.VALUE
    kind: Kind = Kind.TEXT
    native: str = ""
    types: tuple[str, ...] = ()
    local: bool = False


@dataclass(frozen=True, slots=True)
class Route:
    """A path that has met the catalogue.

    Attributes:
        ways: the steps to the records with the end; several for a closure.
        many: there may be many values.
        applies: False for an attribute of another type than the one that is asked about (§4.1 R).
        token: as the server calls the end, `Story.Estimate`.
    """

    ways: tuple[tuple[Step, ...], ...]
    end: End
    many: bool
    token: str
    span: Span
    aggregate: Word | None = None
    applies: bool = True

    @property
    def is_id(self) -> bool:
        """Whether it was written with `ID` at its end."""
        return self.token.rpartition(".")[2] == "ID"

    def paths(self) -> Iterator[Path]:
        """Yield the paths, one for each way."""
        for steps in self.ways:
            yield self.path(steps)

    def path(self, steps: tuple[Step, ...] = ()) -> Path:
        """Return the path to the end by these steps."""
        match self.end.sort:
            case Sort.REACHED | Sort.KEY | Sort.ALIVE:
                return Path(OWN_ID, steps)
            case Sort.TYPE:
                return Path(OWN_TYPE, steps)
            case Sort.REFERENCE:
                return Path(self.end.field, steps, Part.ID)
            case _:
                return Path(self.end.field, steps, self.end.part)


@dataclass(slots=True)
class Reading:
    """One text that is being read.

    Attributes:
        place: the parameter it came in, `WHERE`, `SEL`, `SORT`, `FINDIN`: the server's refusals say so.
        notes: what was understood otherwise than the server would have.
    """

    text: str
    asked: Asked
    place: str = "WHERE"
    notes: list[str] = field(default_factory=list)
    variables: Mapping[str, Sequence[Word]] = field(default_factory=dict)

    def refusal(self, span: Span, problem: str, near: tuple[str, ...] = ()) -> QueryError:
        """Return the error that underlines a place."""
        return QueryError(self.text, span.position, problem, length=span.length, near=near)

    def note(self, sentence: str) -> None:
        """Remember a sentence, once."""
        if sentence not in self.notes:
            self.notes.append(sentence)


@dataclass(frozen=True, slots=True)
class _Relation:
    """A relation on the way.

    Attributes:
        ways: the steps that it is; none for the record itself.
        types: of the records it leads to, mirrored or not; () when unknown.
        plain: the field by which it can be named without a step; None with a filter, a downcast, or from the other side.
    """

    ways: tuple[tuple[Step, ...], ...]
    types: tuple[str, ...]
    many: bool
    plain: Field | None = None


class Binder:
    """Binds the paths of one text.

    Args:
        where: makes the condition in brackets, for records of these types.
    """

    def __init__(self, reading: Reading, where: Callable[[Node, tuple[str, ...]], Expr]) -> None:
        self.reading = reading
        self._where = where
        self._layouts = reading.asked.layouts

    def bind(self, path: PathText, types: tuple[str, ...]) -> Route:
        """Return the route of a path that begins at a record of one of these types.

        Raises:
            QueryError: a name on it is unknown or ambiguous, or leads to what the mirror does not have.
        """
        if len(path.hops) > LONGEST_PATH:
            raise self.reading.refusal(path.span, TOO_LONG)
        hops, owner = path.hops, self._owner(path, types)
        if owner is None:
            return self._route(hops, types, path)
        there = kinship.concrete(owner.text, self._layouts)
        here = tuple(each for each in types if each in there)
        route = self._route(hops[1:], here or there, path)
        if here:
            return route
        self.reading.note(f"what is said about {owner.text} holds for no other type")
        return replace(route, applies=False)

    def _owner(self, path: PathText, types: tuple[str, ...]) -> Word | None:
        """Return the type in front of a full token such as `Workitem.ToDo` (§4.1 R); None when there is none."""
        first = path.hops[0]
        if len(path.hops) == 1 or first.downcast or first.condition or names.meant(first.name.text, types, self._layouts):
            return None
        return first.name if kinship.concrete(first.name.text, self._layouts) else None

    def _route(self, hops: Sequence[Hop], types: tuple[str, ...], path: PathText) -> Route:
        here, relations = types, list[_Relation]()
        for hop in hops[:-1]:
            relation = self._relation(here, hop)
            if relation is None:
                raise self._unknown_behind(hop, path)
            relations.append(relation)
            here = self._mirrored(relation, hop, hops[-1])
        return self._ended(relations, here, hops[-1], path)

    def _unknown_behind(self, hop: Hop, path: PathText) -> QueryError:
        whole = ".".join(each.name.text for each in path.hops)
        return self.reading.refusal(path.span, f"Unknown token: {whole}; {hop.name.text} is no relation")

    def _mirrored(self, relation: _Relation, hop: Hop, last: Hop) -> tuple[str, ...]:
        known = tuple(each for each in relation.types or sorted(self._layouts) if each in self._layouts)
        if known or (relation.plain is not None and last.name.text == "Name"):
            return known
        missing = ", ".join(relation.types) or hop.name.text
        raise self.reading.refusal(hop.name.span, f"{missing} is not mirrored, so nothing is known behind {hop.name.text}")

    # Relations

    def _relation(self, here: tuple[str, ...], hop: Hop) -> _Relation | None:
        """Return the relation that a hop is; None for a plain attribute."""
        name = self._name(here, hop)
        if name == "ID":
            return self._narrow(_Relation(((),), here, many=False), hop, here)
        closure = kinship.closure_in(name)
        if closure is not None and not self._fields(here, name):
            return self._closure(here, hop, closure)
        return self._step(here, hop, name)

    def _step(self, here: tuple[str, ...], hop: Hop, name: str) -> _Relation | None:
        fields = self._fields(here, name)
        if fields:
            if {each.kind for each in fields} - {Kind.REFERENCE, Kind.LINKS}:
                return None
            found = [kinship.targets(each, name, self._layouts) for each in here]
            types = tuple(sorted({one for some in found for one in some})) if all(found) else ()
            many = any(each.kind is Kind.LINKS for each in fields)
            return self._narrow(_Relation(((Step(name, types),),), types, many, fields[0]), hop, types)
        sides = [side for each in here if (side := kinship.other_side(each, name, self._layouts))]
        if not sides:
            return None
        types = tuple(sorted({one for side in sides for one in side.types}))
        return self._narrow(_Relation(((Step(sides[0].field, types, backward=True),),), types, many=True), hop, types)

    def _narrow(self, relation: _Relation, hop: Hop, types: tuple[str, ...]) -> _Relation:
        """Return the relation, only to records of the downcast's type and for which the condition holds."""
        if hop.downcast is None and hop.condition is None:
            return relation
        where: Expr | None = None
        if hop.downcast is not None:
            below = self.concrete(hop.downcast)
            types = tuple(each for each in below if not types or each in types)
            where = None if types else NOTHING
            types = types or below
        if hop.condition is not None:
            inner = self._where(hop.condition, tuple(each for each in types or sorted(self._layouts)))
            where = inner if where is None else where
        itself = (Step(OWN_ID),)  # a closure may lead to the asset itself as well
        every = [steps or itself for steps in relation.ways]
        ways = tuple((*steps[:-1], replace(steps[-1], targets=types, where=where)) for steps in every)
        return _Relation(ways, types, relation.many)

    def _closure(self, here: tuple[str, ...], hop: Hop, closure: kinship.Closure) -> _Relation:
        """Return a relation with a way for each number of times that it is followed."""
        ways: list[tuple[Step, ...]] = [()] if closure.with_self else []
        types = set(here if closure.with_self else ())
        prefix: tuple[Step, ...] = ()
        for _level in range(1 if closure.once else CLOSURE_DEPTH):
            here = tuple(each for each in here if names.meant(closure.relation, (each,), self._layouts))
            once = self._step(here, Hop(replace(hop.name, text=closure.relation)), closure.relation) if here else None
            if once is None:
                break
            [[step]] = once.ways
            ways.append((*prefix, step))
            types |= set(once.types)
            here = tuple(each for each in once.types if names.meant(closure.relation, (each,), self._layouts))
            prefix = (*prefix, replace(step, targets=here))
        else:
            if not closure.once:
                self.reading.note(f"{hop.name.text} is followed for {CLOSURE_DEPTH} levels")
        found = tuple(sorted(types))
        return self._narrow(_Relation(tuple(ways), found, many=True), hop, found)

    def concrete(self, word: Word) -> tuple[str, ...]:
        """Return the mirrored types of a name in the text; QueryError when there is no such type."""
        found = kinship.concrete(word.text, self._layouts)
        known = kinship.known_types(self._layouts)
        if not found and word.text not in known:
            raise self.reading.refusal(word.span, f"Unknown AssetType: {word.text}", names.near_type(word.text, known))
        return found

    # Ends

    def _ended(self, relations: list[_Relation], here: tuple[str, ...], hop: Hop, path: PathText) -> Route:
        last = relations[-1] if relations else None
        if last is not None and last.plain is not None and self._is_shown(here, hop):
            end = End(Sort.FIELD, last.plain.name, Part.NAME, Kind.TEXT, "Text")
            return self._made(relations[:-1], end, path, many=last.many)
        name = self._name(here, hop)
        if name == "ID" and last is not None and last.plain is not None and not hop.condition and not hop.downcast:
            return self._related(relations[:-1], last, path)
        relation = self._relation(here, hop)
        if relation is not None:
            return self._related(relations, relation, path)
        if hop.downcast is not None or hop.condition is not None:
            raise self.reading.refusal(hop.name.span, f"Not a relation: {here[0]}.{name}")
        end, many = self._end(here, hop, name)
        return self._made(relations, end, path, many=many)

    def _related(self, before: list[_Relation], relation: _Relation, path: PathText) -> Route:
        if relation.plain is None:
            return self._made([*before, relation], End(Sort.REACHED, types=relation.types), path, many=relation.many)
        sort = Sort.LINKS if relation.plain.kind is Kind.LINKS else Sort.REFERENCE
        end = End(sort, relation.plain.name, kind=Kind.INTEGER, native="Relation", types=relation.types)
        return self._made(before, end, path, many=relation.many)

    def _end(self, here: tuple[str, ...], hop: Hop, name: str) -> tuple[End, bool]:
        match name:
            case "Key":
                return End(Sort.KEY, kind=Kind.INTEGER, native="Opaque"), False
            case "AssetType":
                return End(Sort.TYPE, native="AssetType"), False
            case "IsDeleted":
                return End(Sort.ALIVE, kind=Kind.BOOLEAN, native="Boolean"), False
        twin = names.utc_twin(name, self._layouts[here[0]])
        fields = self._fields(here, twin or name)
        if len({each.kind for each in fields}) > 1:
            raise self._unknown(here, hop.name)
        first = fields[0]
        native = first.native_type or "Text"
        return End(Sort.FIELD, first.name, kind=first.kind, native=native, local=bool(twin)), first.kind is Kind.VALUES

    def _made(self, relations: Sequence[_Relation], end: End, path: PathText, *, many: bool) -> Route:
        ways = tuple(sum(way, start=()) for way in product(*(each.ways for each in relations)))
        several = many or any(each.many for each in relations)
        token = ".".join(hop.name.text for hop in path.hops)
        return Route(ways, end, several, token, path.span, path.aggregate)

    def _is_shown(self, here: tuple[str, ...], hop: Hop) -> bool:
        """Return whether the last name is the attribute that references show, which is kept with them."""
        if hop.downcast is not None or hop.condition is not None:
            return False
        shown = {self._layouts[each].type.name_field for each in here} or {"Name"}
        return shown == {hop.name.text}

    # Names

    def _fields(self, here: tuple[str, ...], name: str) -> list[Field]:
        found = [self._layouts[each].type.field(name) for each in here]
        return [each for each in found if each is not None] if all(found) else []

    def _name(self, here: tuple[str, ...], hop: Hop) -> str:
        """Return the exact name of the attribute that a word means for records of all these types.

        Raises:
            QueryError: it is unknown, or means several.
        """
        word = hop.name
        found = names.meant(word.text, here, self._layouts) if here else ()
        if len(found) > 1:
            raise self.reading.refusal(word.span, f"{word.text} may mean {' or '.join(found)}", found)
        if found:
            if found[0] != word.text:
                self.reading.note(f"{word.text} is read as {found[0]}; the server takes names exactly")
            return found[0]
        closure = kinship.closure_in(word.text)
        if closure is not None and names.meant(closure.relation, here, self._layouts) == (closure.relation,):
            return word.text
        raise self._unknown(here, word)

    def _unknown(self, here: tuple[str, ...], word: Word) -> QueryError:
        if word.text == "Moment":
            return self.reading.refusal(word.span, "Moment is kept as the revision of a record and cannot be asked for here")
        if word.text in names.KEPT_NOWHERE or word.text.startswith("Check"):
            problem = f"{word.text} is worked out by the server at each reading, so the mirror does not have it"
            return self.reading.refusal(word.span, problem)
        token = f"{here[0] if len(here) == 1 else '/'.join(here)}.{word.text}"
        problem = f"Unknown token: {word.text}"  # the literals are versionone.md §3.4 L
        if self.reading.place != "WHERE":
            problem = f"Invalid {self.reading.place} parameter: Unknown AttributeDefinition: {token}"
        some = [each for each in here if names.has(each, word.text, self._layouts)]
        if some:  # not all of them: then the server wants to be told which it is about (§4.1 D, downcasts)
            are = f"{', '.join(some)} {'has' if len(some) == 1 else 'have'}"
            return self.reading.refusal(
                word.span, f"{problem}; only {are} it, so name one in front: …:{some[0]}.{word.text}"
            )
        return self.reading.refusal(word.span, problem, names.near(word.text, here, self._layouts))


def own_layout(layout: Layout, asked: Asked) -> Asked:
    """Return what is asked with the layout of the query among the others, as that may be all there is."""
    if layout.type.name in asked.layouts:
        return asked
    return replace(asked, layouts={**asked.layouts, layout.type.name: layout})
