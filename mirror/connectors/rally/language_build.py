"""A parsed Rally query about one type as an expression: follows dotted names through references and collections.

Source: rally.md §4. A condition behind a reference to nothing is false, unless it is one that absence meets (`!=`,
`!contains`, `= null`); a condition behind a collection holds when any member meets it (D/C).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple, NoReturn

from mirror.connectors.language import LONGEST_PATH, NOT_ME, TOO_LONG, Asked
from mirror.connectors.rally.language_compare import (
    KEY,
    Compared,
    UnfitOperatorError,
    UnfitValueError,
    compare,
    doubtful,
    is_negative,
    null_test,
)
from mirror.connectors.rally.language_counts import COUNT, counted, is_count
from mirror.connectors.rally.language_names import (
    AmbiguousNameError,
    Found,
    Inverse,
    UnknownNameError,
    element_of,
    look_up,
    targets_of,
)
from mirror.connectors.rally.language_parse import Comparison, Joined, Node, Place, Value, complaint
from mirror.connectors.rally.language_values import read_reference
from mirror.errors import QueryError
from mirror.model.layout import Layout
from mirror.model.part import Part
from mirror.model.schema import Field, Kind
from mirror.query.expr import EVERYTHING, OWN_ID, All, AnyOf, Compare, Expr, Not, Op, Path, Some, Step

NAME, ID = "Name", "ObjectID"
_NAME_WORDS = frozenset(("Name", "StringValue", "LocalizedStringValue"))
_LISTED_VALUE = "AllowedAttributeValue"  # rally.md §7 S: it has a StringValue
_MY_WORDS = frozenset(("me", "currentuser", "{user}"))
"""Our own user, in any case and without quotes. Rally has no word for it (rally.md §4 D: the right side is a literal)."""
_MEMBERSHIP = frozenset(("=", "!=", "contains", "!contains"))


class Segment(NamedTuple):
    """One name of a dotted path."""

    name: str
    place: Place


@dataclass(slots=True)
class Builder:
    """Turns one query into an expression.

    Attributes:
        text: the whole query.
        notes: what was understood otherwise than Rally would have; grows.
    """

    text: str
    asked: Asked
    notes: list[str] = field(default_factory=list)

    def build(self, node: Node, layout: Layout) -> Expr:
        """Return the expression of a tree about a type.

        Raises:
            QueryError: a name or value in it means nothing.
        """
        if isinstance(node, Joined):
            items = tuple(self.build(each, layout) for each in node.items)
            return All(items) if node.word == "AND" else AnyOf(items)
        if not node.values:
            comma = self.text.index(",", node.operator_place.at)
            raise complaint(self.text, ")", Place(comma, 1), "; a value is missing")
        simple = [self._single(each, layout) for each in spelt_out(node)]
        if len(simple) == 1:
            return simple[0]
        return AnyOf(tuple(simple)) if node.operator in ("in", "!between") else All(tuple(simple))

    def _single(self, it: Comparison, layout: Layout) -> Expr:
        try:
            return _Condition(self, it).on(layout, segments(self.text, it.path, it.path_place))
        except UnfitOperatorError as error:
            raise self.error(str(error), it.operator_place) from None
        except UnfitValueError as error:
            raise self.error(str(error), it.values[0].place) from None

    def look_up(self, layout: Layout, segment: Segment, whole: str) -> Found:
        """Return what a name means on a type, and note it when Rally would not have understood it.

        Raises:
            QueryError: nothing, in the server's words (rally.md §4 R); or several fields.
        """
        try:
            found = look_up(layout, segment.name, self.asked.layouts)
        except AmbiguousNameError as error:
            problem = f'"{segment.name}" may be any of {", ".join(error.near)} of {element_of(layout.type.name)}'
            raise self.error(problem, segment.place, error.near) from None
        except UnknownNameError as error:
            self.unknown(segment, element_of(layout.type.name), whole, error.near)
        if found.note is not None:
            self.notes.append(found.note)
        return found

    def unknown(self, segment: Segment, element: str, whole: str, near: tuple[str, ...] = ()) -> NoReturn:
        """Raise the server's complaint about a name (rally.md §4 R)."""
        raise self.error(
            f'Could not parse: Could not find attribute "{segment.name}" on type {element} in the query segment "{whole}"',
            segment.place,
            near,
        )

    def error(self, problem: str, place: Place, near: tuple[str, ...] = ()) -> QueryError:
        """Return the error that points at a place."""
        return QueryError(self.text, place.at, problem, length=place.length, near=near)


def spelt_out(it: Comparison) -> Iterator[Comparison]:
    """Yield the comparisons of one value each that a comparison stands for; OR joins those of `in` and `!between`."""
    operators: Sequence[str]
    match it.operator:
        case "in" | "!in":
            operators = ["=" if it.operator == "in" else "!="] * len(it.values)
        case "between":
            operators = (">=", "<=")
        case "!between":
            operators = ("<", ">")
        case _:
            operators = (it.operator,)
    for operator, value in zip(operators, it.values, strict=True):
        yield replace(it, operator=operator, values=(value,))


def segments(text: str, path: str, place: Place) -> tuple[Segment, ...]:
    """Return the names of a dotted path with their places.

    Raises:
        QueryError: they are too many.
    """
    is_plain = text[place.at : place.at + place.length] == path
    found, at = [], place.at
    for name in path.split("."):
        found.append(Segment(name.strip(), Place(at, len(name)) if is_plain and name.strip() else place))
        at += len(name) + 1
    if len(found) > LONGEST_PATH:
        raise QueryError(text, place.at, TOO_LONG, length=place.length)
    return tuple(found)


@dataclass(frozen=True, slots=True)
class _Condition:
    """One comparison with one value."""

    builder: Builder
    it: Comparison

    @property
    def value(self) -> Value:
        return self.it.values[0]

    @property
    def is_negative(self) -> bool:
        return is_negative(self.it.operator, self.value)

    def on(self, layout: Layout, path: tuple[Segment, ...]) -> Expr:
        """Return the condition on a record of one type."""
        if len(path) == 1 and (names := self._names_of(layout, path[0])):
            return self._by_names(layout, names)
        found = self._look_up(layout, path[0])
        if len(path) > 1:
            return self._behind(layout, found.meaning, path)
        if isinstance(found.meaning, Inverse):
            return self._among(found.meaning)
        match found.meaning.kind:
            case Kind.LINKS:
                return self._linked(found.meaning)
            case Kind.REFERENCE:
                return self._referring(found.meaning)
            case _:
                own = OWN_ID if found.meaning.name == ID else found.meaning.name
                return self._scalar(found.meaning, Path(own))

    def _look_up(self, layout: Layout, segment: Segment) -> Found:
        whole, place = self.it.path, self.it.path_place
        if " " in whole and not self.builder.text.startswith('"', place.at):
            try:
                look_up(layout, segment.name, self.builder.asked.layouts)
            except UnknownNameError:  # of two words that are no name, the second one stands where an operator should
                raise complaint(self.builder.text, whole.split(" ")[1], place) from None
            except AmbiguousNameError:
                pass
        return self.builder.look_up(layout, segment, whole)

    def _scalar(self, described: Field, path: Path) -> Expr:
        if (doubt := doubtful(described, self.it.operator, self.value)) is not None:
            self.builder.notes.append(doubt)
        return compare(Compared(described, path, self.it.operator, self.value), self.builder.asked)

    # Names of users, which are no field of theirs

    def _names_of(self, layout: Layout, segment: Segment) -> tuple[Field, ...]:
        """Return the fields that are meant by the Name of a record that has none: of a user, what people compare it with."""
        type_ = layout.type
        if segment.name != NAME or type_.field(NAME) is not None or type_.name_field is None:
            return ()
        found = (type_.field(each) for each in dict.fromkeys(("UserName", type_.name_field)))
        return tuple(each for each in found if each is not None)

    def _by_names(self, layout: Layout, names: tuple[Field, ...]) -> Expr:
        told = " or ".join(each.name for each in names)
        self.builder.notes.append(f"{element_of(layout.type.name)} has no {NAME} in Rally's schema; it was read as {told}.")
        if self.value.is_null or self.it.operator not in _MEMBERSHIP:
            return self._scalar(names[-1], Path(names[-1].name))
        items = tuple(self._scalar(each, Path(each.name)) for each in names)
        return All(items) if self.is_negative else AnyOf(items)

    # Through references and collections

    def _behind(self, layout: Layout, meaning: Field | Inverse, path: tuple[Segment, ...]) -> Expr:
        """Return the condition on what a reference or collection leads to; `path` begins with the name of that."""
        if is_count(meaning, [each.name for each in path[1:]], self.builder.asked.layouts):
            self.builder.notes.append(f"Rally itself cannot be asked for {meaning.name}.{COUNT}; the members were counted.")
            return counted(meaning, self.it.operator, self.value)
        if isinstance(meaning, Inverse):
            reached = [(step, step.targets) for step in meaning.steps]
            return self._any_behind(reached, path, is_many=True)
        if meaning.kind not in (Kind.REFERENCE, Kind.LINKS):
            self.builder.unknown(path[0], element_of(layout.type.name), self.it.path)
        targets = targets_of(meaning, self.builder.asked.layouts)
        if not targets:
            return self._unmirrored(meaning, path)
        return self._any_behind([(step_to(meaning, targets), targets)], path, is_many=meaning.kind is Kind.LINKS)

    def _any_behind(self, reached: list[tuple[Step, tuple[str, ...]]], path: tuple[Segment, ...], *, is_many: bool) -> Expr:
        found: list[Expr] = []
        refusals: list[QueryError] = []
        for step, targets in reached:
            groups = self._by_condition(targets, path, refusals)
            for inner, names in groups.items():
                found.append(_some(_towards(step, names, targets), inner))
            if groups and self.is_negative and not is_many:
                known = tuple(name for names in groups.values() for name in names)
                found.insert(0, Not(Some((_towards(step, known, targets),), EVERYTHING)))
        if not found:
            raise refusals[0]
        return found[0] if len(found) == 1 else AnyOf(tuple(found))

    def _by_condition(
        self, targets: tuple[str, ...], path: tuple[Segment, ...], refusals: list[QueryError]
    ) -> dict[Expr, tuple[str, ...]]:
        """Return the conditions on the next records, each with the types for which it is that one.

        Args:
            refusals: gets what types said that the rest of the path means nothing to.
        """
        layouts = self.builder.asked.layouts
        groups: dict[Expr, tuple[str, ...]] = {}
        for name in targets:
            try:
                inner = self.on(layouts[name], path[1:])
            except QueryError as error:
                refusals.append(error)
                continue
            groups[inner] = (*groups.get(inner, ()), name)
        return groups

    def _unmirrored(self, meaning: Field, path: tuple[Segment, ...]) -> Expr:
        """Return the condition on a record whose type is not mirrored: its id and its name are known, no more."""
        path_to = Path(meaning.name, part=Part.ID)
        name = path[1].name
        is_named = name in _NAME_WORDS or (meaning.targets == ("User",) and name == "DisplayName")
        if len(path) > 2 or not (is_named or name == ID):
            types = ", ".join(map(element_of, meaning.targets)) or "what it leads to"
            raise self.builder.error(f"{types} is not mirrored, so {path[1].name} of it is not known", path[1].place)
        if name == NAME and meaning.targets == (_LISTED_VALUE,):
            self.builder.notes.append(f"Rally itself knows the {NAME} of {_LISTED_VALUE} only as StringValue.")
        if name == ID:
            return self._part(Field(ID, Kind.INTEGER), path_to, meaning)
        return self._part(Field(NAME, Kind.TEXT), replace(path_to, part=Part.NAME), meaning)

    def _part(self, described: Field, path: Path, meaning: Field) -> Expr:
        if meaning.kind is Kind.LINKS and self.it.operator == "!=" and not self.value.is_null:
            return Compare(path, Op.NE, self.value.text)
        return self._scalar(described, path)

    # References and collections themselves

    def _referring(self, meaning: Field) -> Expr:
        """Return the comparison of a reference with any form of reference (rally.md §4 C)."""
        path = Path(meaning.name, part=Part.ID)
        if self.value.is_null:
            return null_test(path, self.it.operator)
        if self.it.operator not in ("=", "!="):
            raise UnfitOperatorError(f"{meaning.name} is a reference, and can only be compared by = and !=")
        targets = targets_of(meaning, self.builder.asked.layouts)
        found = self._is_meant(path, [(step_to(meaning, targets), targets)], meaning)
        return Not(found) if self.it.operator == "!=" else found

    def _linked(self, meaning: Field) -> Expr:
        """Return the comparison of a collection: whether a record is among its members, or whether it has none."""
        path = Path(meaning.name)
        self._refuse_order(meaning.name)
        if self.value.is_null:
            return null_test(path, self.it.operator)
        targets = targets_of(meaning, self.builder.asked.layouts)
        found = self._is_meant(path, [(step_to(meaning, targets), targets)], meaning)
        return Not(found) if self.is_negative else found

    def _among(self, meaning: Inverse) -> Expr:
        self._refuse_order(meaning.name)
        if self.value.is_null:
            found: Expr = AnyOf(tuple(Some((each,), EVERYTHING) for each in meaning.steps))
            return Not(found) if self.it.operator == "=" else found
        found = self._is_meant(None, [(each, each.targets) for each in meaning.steps], meaning)
        return Not(found) if self.is_negative else found

    def _refuse_order(self, name: str) -> None:
        if self.it.operator not in _MEMBERSHIP or (self.value.is_null and self.it.operator not in ("=", "!=")):
            raise UnfitOperatorError(f"{name} is a collection, so {self.it.operator} cannot be asked of it")

    def _is_meant(self, ids: Path | None, reached: list[tuple[Step, tuple[str, ...]]], meaning: Field | Inverse) -> Expr:
        """Return whether what is referred to is the one that the value names.

        A text that is no reference is taken for a name or a FormattedID, with a note.

        Args:
            ids: where the ids of what is referred to are kept; None when they are nowhere but in the records reached.
        """
        name = meaning.name
        reference = self._me(name) if self._is_me(meaning) else read_reference(self.value.text)
        if isinstance(reference, int):
            if ids is not None:
                return Compare(ids, Op.EQ, reference)
            return AnyOf(tuple(Some((step,), Compare(Path(OWN_ID), Op.EQ, reference)) for step, _ in reached))
        layouts = self.builder.asked.layouts
        items: list[Expr] = []
        if reference is not None and not any(targets for _, targets in reached):
            raise UnfitValueError(f"What {name} refers to is not mirrored, so only its ObjectID is known")
        if reference is None:
            said = f'"{self.value.text}" was taken for a name.'
            if self.value.text.lower() in ("", "null"):
                said += " What is not there is asked for by null, in lower case and without quotes."
            self.builder.notes.append(f"Rally compares {name} with a reference; {said}")
            items += [Compare(replace(ids, part=Part.NAME), Op.EQ, self.value.text)] if ids is not None else []
        for step, targets in reached:
            groups: dict[Expr, tuple[str, ...]] = {}
            for each in targets:
                for inner in _called(layouts[each], self.value.text, reference, has_name=ids is None):
                    groups[inner] = (*groups.get(inner, ()), each)
            items += [Some((_towards(step, names, targets),), inner) for inner, names in groups.items()]
        return items[0] if len(items) == 1 else AnyOf(tuple(items))

    def _is_me(self, meaning: Field | Inverse) -> bool:
        targets = meaning.targets if isinstance(meaning, Field) else tuple(source for source, _ in meaning.sources)
        return "User" in targets and not self.value.is_quoted and self.value.text.lower() in _MY_WORDS

    def _me(self, name: str) -> int:
        me = self.builder.asked.me
        if me is None:
            raise UnfitValueError(NOT_ME)
        self.builder.notes.append(f"Rally compares {name} with a reference; {self.value.text} was read as our own user.")
        return me


def _called(layout: Layout, text: str, uuid: str | None, *, has_name: bool) -> Iterator[Expr]:
    """Yield what makes a record the one that a text names: its ObjectUUID, or else a name or key of it."""
    names: tuple[str | None, ...] = ("ObjectUUID",)
    if uuid is None:
        names = (KEY, "UserName", "EmailAddress", layout.type.name_field if has_name else None)
    for each in dict.fromkeys(names):
        if each is not None and layout.type.field(each) is not None:
            yield Compare(Path(each), Op.EQ, text.upper() if each == KEY else uuid or text)


def _towards(step: Step, names: tuple[str, ...], every: tuple[str, ...]) -> Step:
    """Return a step to records of some of the types that it may lead to."""
    return step if step.backward or names == every else replace(step, targets=names)


def step_to(reference: Field, targets: tuple[str, ...]) -> Step:
    """Return the step through a reference or collection; it names its targets where the catalogue does not."""
    return Step(reference.name, () if reference.targets else targets)


def _some(step: Step, inner: Expr) -> Expr:
    return Some((step, *inner.steps), inner.where) if isinstance(inner, Some) else Some((step,), inner)
