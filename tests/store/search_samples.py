"""A small tracker of every kind of field, random records of it, random queries about them, and the records in Python."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from functools import cache

from hypothesis import strategies as st

from mirror.model.layout import Layout, arrange
from mirror.model.page import Page
from mirror.model.part import Part
from mirror.model.schema import Field, Kind, RecordType, Tracking
from mirror.model.write import Item, Target
from mirror.query.evaluate import Key
from mirror.query.expr import (
    OUTER_ID,
    OWN_ID,
    OWN_TYPE,
    Aggregate,
    All,
    AnyOf,
    Compare,
    Expr,
    Function,
    Missing,
    Not,
    Op,
    Order,
    Path,
    Query,
    Scalar,
    Some,
    Step,
    Term,
)
from mirror.query.reach import leads, next_types
from mirror.query.values import TEXT_OPS
from mirror.store.store import Store
from tests.store.samples import NOW, page, row

SCALARS = (
    Field("Name", Kind.TEXT),
    Field("Key", Kind.TEXT),
    Field("Rank", Kind.INTEGER),
    Field("Points", Kind.NUMERIC),
    Field("Blocked", Kind.BOOLEAN),
    Field("Opened", Kind.TIMESTAMP),
    Field("Due", Kind.DATE),
    Field("Shape", Kind.JSON),
)
TYPES = (
    RecordType(
        "Story",
        (
            *SCALARS,
            Field("Owner", Kind.REFERENCE, targets=("User",)),
            Field("Parent", Kind.REFERENCE, targets=("Artifact",), polymorphic=True),
            Field("Place", Kind.REFERENCE, targets=("Sprint", "User")),
            Field("Nowhere", Kind.REFERENCE, targets=("Planet",)),
            Field("Tags", Kind.LINKS, targets=("Tag",)),
            Field("Related", Kind.LINKS),
            Field("Words", Kind.VALUES),
            Field("Odd", Kind.INTEGER),
        ),
        Tracking.STAMP,
        name_field="Name",
        key_field="Key",
    ),
    RecordType(
        "Task",
        (
            *SCALARS,
            Field("Owner", Kind.REFERENCE, targets=("User",)),
            Field("Parent", Kind.REFERENCE, targets=("Story", "Task"), polymorphic=True),
            Field("Related", Kind.LINKS, targets=("Story", "Task")),
            Field("Odd", Kind.TEXT),
        ),
        Tracking.STAMP,
        name_field="Name",
        key_field="Key",
    ),
    RecordType("User", (Field("Name", Kind.TEXT), Field("Rank", Kind.INTEGER)), Tracking.SWEEP, name_field="Name"),
    RecordType("Sprint", (Field("Name", Kind.TEXT), Field("Due", Kind.DATE), Field("Odd", Kind.BOOLEAN)), Tracking.SWEEP),
    RecordType("Tag", (Field("Name", Kind.TEXT), Field("Points", Kind.NUMERIC)), Tracking.SWEEP, name_field="Name"),
)
NAMES = tuple(each.name for each in TYPES)

LETTERS = "aAbBkKiIßẞσΣςİıéÉжЖ\u212a%_*?[]\\'\" \t0129.-:\U0001f600\ufffd"
TEXTS = st.text(alphabet=LETTERS, max_size=4)
KEYS = st.builds("{}{}".format, st.sampled_from(["US", "us", "S-", "Ki", ""]), st.sampled_from(["", "1", "2", "10", "007"]))
IDS = st.integers(-1, 5)
NUMBERS = st.sampled_from([0, 1, -1, 3, 2**53 + 1, 0.1, 0.2, 0.3, -2.5, 1e-7, 12345.675])
INSTANTS = st.sampled_from([f"2026-0{month}-28T23:59:59.{fraction}Z" for month in (1, 2) for fraction in ("000", "999")])
DAYS = st.sampled_from(["2026-01-31", "2026-02-28", "1999-12-31"])
CELLS: Mapping[Kind, st.SearchStrategy[object]] = {
    Kind.TEXT: TEXTS | KEYS,
    Kind.INTEGER: IDS,
    Kind.NUMERIC: NUMBERS,
    Kind.BOOLEAN: st.booleans(),
    Kind.TIMESTAMP: INSTANTS,
    Kind.DATE: DAYS,
    Kind.JSON: st.sampled_from(["[]", '{"a": 1}', '"x"']),
}
SCALAR_VALUES: st.SearchStrategy[Scalar] = st.one_of(
    TEXTS,
    KEYS,
    IDS,
    NUMBERS.map(lambda each: Decimal(str(each))),
    st.sampled_from([Decimal("0.25"), Decimal("0.30000000000000001"), Decimal("1e400"), Decimal("9007199254740993.5")]),
    st.booleans(),
    INSTANTS,
    DAYS,
    st.sampled_from([*NAMES, "true", "3", "0.1"]),
)


@dataclass
class World:
    """Records in Python; what the queries are also asked of.

    Attributes:
        cells: record -> (field, part) -> value.
        lists: record -> field -> items.
    """

    layouts: Mapping[str, Layout]
    cells: dict[Key, dict[tuple[str, Part], object]] = field(default_factory=dict)
    lists: dict[Key, dict[str, list[Item]]] = field(default_factory=dict)

    def is_there(self, record: Key) -> bool:
        return record in self.cells

    def cell(self, record: Key, field: str, part: Part) -> object:
        return self.cells[record].get((field, part))

    def items(self, record: Key, field: str) -> Sequence[Item]:
        return self.lists[record].get(field, [])

    def referring(self, record: Key, type_name: str, field: str) -> Sequence[int]:
        described = self.layouts[type_name].type.field(field)
        assert described is not None
        found = [each for each in self.cells if each[0] == type_name]
        if described.kind is Kind.INTEGER:
            return sorted(each[1] for each in found if self.cell(each, field, Part.VALUE) == record[1])
        may_be = leads(described, self.layouts)
        if described.kind is Kind.LINKS:
            ends = [(each[1], item) for each in found for item in self.items(each, field) if isinstance(item, Target)]
            hits = [
                owner
                for owner, item in ends
                if item.id == record[1]
                and (item.type_name == record[0] if item.type_name else record[0] in may_be.untold)
                and (not item.type_name or record[0] in may_be.told)
            ]
            return sorted(hits)
        return sorted(
            each[1]
            for each in found
            if self.cell(each, field, Part.ID) == record[1]
            and (not described.polymorphic or self.cell(each, field, Part.TYPE) == record[0])
        )


Drawn = Mapping[str, Mapping[int, Mapping[str, object]]]
"""Type name -> id -> field -> a cell, a Target, or a list of items."""


def fill(store: Store, layouts: Mapping[str, Layout], rows: Drawn) -> World:
    """Store these records, and return them."""
    world = World(layouts)
    for name, layout in layouts.items():
        for record_id, values in rows.get(name, {}).items():
            world.cells[name, record_id], world.lists[name, record_id] = _known(layout, values)
        store.apply(_page(world, layout), now=NOW)
    return world


def _known(layout: Layout, values: Mapping[str, object]) -> tuple[dict[tuple[str, Part], object], dict[str, list[Item]]]:
    cells: dict[tuple[str, Part], object] = {}
    lists: dict[str, list[Item]] = {}
    for each in layout.type.fields:
        value = values.get(each.name)
        if isinstance(value, list):
            lists[each.name] = value
        elif isinstance(value, Target):
            cells |= {(each.name, Part.ID): value.id, (each.name, Part.NAME): value.name}
            cells |= {(each.name, Part.TYPE): value.type_name} if each.polymorphic else {}
        else:
            cells[each.name, Part.VALUE] = value
    return cells, lists


def _page(world: World, layout: Layout) -> Page:
    own = {record[1]: cells for record, cells in world.cells.items() if record[0] == layout.type.name}
    rows = [
        row(layout, each, **{column.name: cells.get((column.field, column.part)) for column in layout.columns})
        for each, cells in own.items()
    ]
    links = {
        link.field: [
            (each, at, item) if isinstance(item, str) else (each, at, item.id, item.name, item.type_name or None)
            for each in own
            for at, item in enumerate(world.lists[layout.type.name, each].get(link.field, []))
        ]
        for link in layout.links
    }
    return page(layout, *rows, links=links)


@st.composite
def records(draw: st.DrawFn) -> dict[str, dict[int, dict[str, object]]]:
    """Draw a few records of each type; ids of different types are often equal, and some references lead nowhere."""
    return {
        each.name: {
            record_id: {each_field.name: draw(_values(each_field)) for each_field in each.fields}
            for record_id in draw(st.lists(st.sampled_from([-1, 1, 2, 3, 4]), unique=True, min_size=2, max_size=4))
        }
        for each in TYPES
    }


@cache
def _values(described: Field) -> st.SearchStrategy[object]:
    names = st.none() | TEXTS
    types = st.sampled_from([each for each in described.targets if each in NAMES] or NAMES) | st.sampled_from(NAMES)
    if described.kind is Kind.REFERENCE:
        return st.builds(Target, types, IDS, names) | st.builds(Target, types, IDS, names) | st.none()
    if described.kind is Kind.VALUES:
        return st.lists(TEXTS, max_size=3)
    if described.kind is Kind.LINKS:
        items = st.builds(Target, types | st.just(""), IDS, names)
        return st.lists(items, max_size=3, unique_by=lambda each: each.id)
    return CELLS[described.kind] | CELLS[described.kind] | st.none()


LAYOUTS = {each.name: arrange("acme", "rally", each, table=each.name.lower()) for each in TYPES}
ALIKE = ("Name", "Key", "Rank", "Points", "Blocked", "Opened", "Due", "Shape", OWN_ID)
"""Of one kind in every type that has them."""


def _fields(type_name: str, *kinds: Kind) -> list[str]:
    return [each.name for each in LAYOUTS[type_name].type.fields if not kinds or each.kind in kinds]


@cache
def _ways(type_name: str, *, single: bool) -> tuple[tuple[Step, str], ...]:
    """Return the steps that lead somewhere from a type, and where to; with `single` only those to one record."""
    found = [Step(each) for each in (*_fields(type_name, Kind.REFERENCE, *(() if single else (Kind.LINKS,))), OWN_ID)]
    if not single:
        pointing = ((each.name, _fields(each.name, Kind.REFERENCE, Kind.LINKS, Kind.INTEGER)) for each in TYPES)
        found += [Step(field, (owner,), backward=True) for owner, fields in pointing for field in fields]
    return tuple((step, end) for step in found for end in next_types(type_name, step, LAYOUTS))


@st.composite
def _walks(
    draw: st.DrawFn, type_name: str, depth: int, *, longest: int, single: bool = False
) -> tuple[tuple[Step, ...], str]:
    """Draw some steps from a type, and a type that they lead to; with `depth` above 0 they may have conditions."""
    found: list[Step] = []
    for _ in range(draw(st.integers(0, longest))):
        ways = _ways(type_name, single=single)
        if not ways:
            break
        step, type_name = draw(st.sampled_from(ways))
        if not step.backward:
            targets = draw(st.just(()) | st.just((type_name,)) | st.permutations(NAMES).map(lambda each: tuple(each[:3])))
            step = replace(step, targets=targets)
        where = draw(expressions(type_name, depth - 1)) if depth > 0 and draw(st.integers(0, 3)) == 0 else None
        found.append(replace(step, where=where))
    return tuple(found), type_name


@st.composite
def steps(draw: st.DrawFn, type_name: str, depth: int) -> Step:
    """Draw one step from a type."""
    found, _end = draw(_walks(type_name, depth, longest=1).filter(lambda each: bool(each[0])))
    return found[0]


@st.composite
def paths(draw: st.DrawFn, type_name: str, depth: int = 1, fields: tuple[str, ...] = ()) -> Path:
    """Draw a path from a type, most often to a field that is there at its end."""
    found, end = draw(_walks(type_name, depth, longest=2))
    there = [each for each in (*_fields(end), OWN_ID, OWN_TYPE) if not fields or each in fields] or [OWN_ID]
    name = draw(st.sampled_from(there))
    described = LAYOUTS[end].type.field(name)
    is_reference = described is not None and described.kind in (Kind.REFERENCE, Kind.LINKS)
    return Path(name, found, draw(st.sampled_from(Part)) if is_reference else Part.VALUE)


@st.composite
def single_paths(draw: st.DrawFn, type_name: str) -> Path:
    """Draw a path without a step to many, to a field of one kind in every type."""
    found, end = draw(_walks(type_name, 0, longest=1, single=True))
    return Path(draw(st.sampled_from([each for each in (*_fields(end), OWN_ID) if each in ALIKE])), found)


@cache
def aggregates(type_name: str, depth: int = 1) -> st.SearchStrategy[Aggregate]:
    """Draw an aggregate of what has the same kind in every type."""
    named = ("Name", "Rank", "Points", "Due", "Blocked", "Opened")
    others = (Function.DISTINCT, Function.SUM, Function.MIN, Function.MAX, Function.AVERAGE)
    alike = [(Function.COUNT, (OWN_ID,)), (Function.COUNT, ("Words", "Tags")), *((each, named) for each in others)]
    return st.one_of(*(_aggregates(type_name, depth, function, fields) for function, fields in alike))


@st.composite
def _aggregates(draw: st.DrawFn, type_name: str, depth: int, function: Function, fields: tuple[str, ...]) -> Aggregate:
    path = draw(paths(type_name, depth, fields))
    also = draw(st.lists(paths(type_name, 0, (path.field,)).filter(lambda each: each.field == path.field), max_size=1))
    also = [replace(each, part=path.part) for each in also]
    return Aggregate(function, path, tuple(also) if draw(st.integers(0, 3)) == 0 else ())


@cache
def terms(type_name: str, depth: int = 1) -> st.SearchStrategy[Term]:
    """Draw a path or an aggregate."""
    return paths(type_name, depth, (*ALIKE, "Owner", "Parent", "Tags", "Related")) | aggregates(type_name, depth)


def _kind_of(type_name: str, term: Term) -> Kind | None:
    """Return the kind of the values of a term; None where it cannot be told at once."""
    if isinstance(term, Aggregate):
        return Kind.INTEGER if term.function in (Function.COUNT, Function.DISTINCT) else Kind.NUMERIC
    if term.field == OWN_ID:
        return Kind.INTEGER
    kinds = {field.kind for each in TYPES if (field := LAYOUTS[each.name].type.field(term.field)) is not None}
    if kinds & {Kind.REFERENCE, Kind.LINKS}:
        return Kind.TEXT if term.part in (Part.NAME, Part.TYPE) else Kind.INTEGER
    return kinds.pop() if len(kinds) == 1 and not kinds & {Kind.VALUES} else Kind.TEXT


@st.composite
def comparisons(draw: st.DrawFn, type_name: str, depth: int) -> Compare:
    """Draw a comparison, most often with a value of the kind that is there."""
    term = draw(paths(type_name, depth) | paths(type_name, 0) | aggregates(type_name, depth))
    kind = _kind_of(type_name, term)
    value: Scalar | Path
    if draw(st.integers(0, 9)) == 0:
        six = [each for each in Op if each not in TEXT_OPS]
        return Compare(term, draw(st.sampled_from(six)), draw(st.integers(-1, 11)), by_number=True)
    if draw(st.integers(0, 9)) == 0:
        value = Path(OUTER_ID)
    elif kind is None or draw(st.integers(0, 4)) == 0:
        value = draw(SCALAR_VALUES | single_paths(type_name))
    else:
        value = draw(CELLS[kind].map(lambda each: Decimal(str(each)) if isinstance(each, float) else each))
    return Compare(term, draw(st.sampled_from(Op)), value, draw(st.booleans()))


@cache
def expressions(type_name: str, depth: int = 2) -> st.SearchStrategy[Expr]:
    """Draw a condition about a type."""
    leaves: st.SearchStrategy[Expr] = comparisons(type_name, depth) | st.builds(Missing, paths(type_name, depth))
    if depth <= 0:
        return leaves
    inner = st.deferred(lambda: expressions(type_name, depth - 1))
    several = st.lists(inner, max_size=3).map(tuple)
    return (
        leaves
        | leaves
        | _somes(type_name, depth)
        | st.builds(Not, inner)
        | st.builds(All, several)
        | st.builds(AnyOf, several)
    )


@st.composite
def _somes(draw: st.DrawFn, type_name: str, depth: int) -> Expr:
    walked, end = draw(_walks(type_name, depth - 1, longest=2))
    inner = draw(expressions(end, depth - 1))
    return Some(walked, inner) if walked else inner


def orders(type_name: str) -> st.SearchStrategy[Order]:
    """Draw a key of an order; the same kind of value in every type that has it."""
    places = st.just(()) | st.lists(TEXTS | KEYS, max_size=3, unique=True).map(tuple)
    return st.builds(Order, terms(type_name, 0), st.booleans(), places, st.booleans(), st.booleans())


@cache
@st.composite
def queries(draw: st.DrawFn, most: int = 1) -> list[Query]:
    """Draw queries about different types, with the same order; most often about those with many fields."""
    chances = st.sampled_from(["Story", "Story", "Task", "Task", "User", "Tag", "Sprint"])
    names = draw(st.lists(chances, min_size=1, max_size=most, unique=True))
    keys = tuple(draw(st.lists(orders(names[0]), max_size=2)))
    return [Query(each, draw(expressions(each)), keys) for each in names]
