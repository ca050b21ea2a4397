"""What `select` is about: names, the terms behind them for each type, and the kind of value each gives."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mirror.connectors.language import Asked
from mirror.errors import QueryError
from mirror.model.layout import Layout
from mirror.model.part import Part
from mirror.model.schema import Field, Kind
from mirror.query.expr import OWN_ID, OWN_TYPE, Function, Path, Step, Term
from mirror.script.home import Home
from mirror.script.values import to_python


@dataclass(frozen=True, slots=True)
class Selection:
    """What is read of records.

    Attributes:
        names: as they were asked for, each once.
        kinds: of the values, by name; None where a value is a list, or differs from type to type.
        terms: type name -> as many terms as there are names; None where the type has no such thing.
    """

    names: tuple[str, ...]
    kinds: tuple[Kind | None, ...]
    terms: Mapping[str, Sequence[Term | None]]

    def values(self, cells: Sequence[Any]) -> tuple[Any, ...]:
        """Return cells as scripts see them; of many values a list."""
        return tuple(_value(kind, cell) for kind, cell in zip(self.kinds, cells, strict=True))


def selection(home: Home, layouts: Sequence[Layout], asked: Sequence[str]) -> Selection:
    """Return what these texts select of these types; without any the id and all fields with one value each.

    Raises:
        QueryError: a text cannot be understood.
    """
    if asked:
        names = tuple(dict.fromkeys(asked))
        meaning = home.asked()
        terms: dict[str, list[Term | None]] = {each.type.name: [None] * len(names) for each in layouts}
        for number, name in enumerate(names):
            for type_name, term in _understood(home, layouts, name, meaning).items():
                terms[type_name][number] = term
    else:
        fields = [_single_fields(each) for each in layouts]
        names = tuple(dict.fromkeys(name for each in fields for name in each))
        terms = {each.type.name: [own.get(name) for name in names] for each, own in zip(layouts, fields, strict=True)}
    return Selection(names, tuple(_common_kind(home, terms, number) for number in range(len(names))), terms)


def _understood(home: Home, layouts: Sequence[Layout], name: str, asked: Asked) -> dict[str, Term]:
    """Return type name -> what a name stands for there, for the types where it stands for anything.

    Raises:
        QueryError: there is none.
    """
    found: dict[str, Term] = {}
    refused: list[QueryError] = []
    for each in layouts:
        try:
            found[each.type.name] = home.language.term(name, each, asked)
        except QueryError as error:
            refused.append(error)
    if refused and not found:
        raise refused[0]
    return found


def kind_of(home: Home, type_names: Sequence[str], term: Term) -> Kind | None:
    """Return the kind of the value of a term about records of these types; None when it has many, or several kinds."""
    if not isinstance(term, Path):
        if term.function is Function.COUNT:
            return Kind.INTEGER
        return (
            Kind.NUMERIC if term.function in (Function.SUM, Function.AVERAGE) else kind_of_end(home, type_names, term.path)
        )
    if any(_is_many(home, type_names, term.steps[:place], each) for place, each in enumerate(term.steps)):
        return None
    return kind_of_end(home, type_names, term)


def kind_of_end(home: Home, type_names: Sequence[str], path: Path) -> Kind | None:
    """Return the kind of the field at the end of a path; None for one with many values, or of several kinds."""
    if path.field in (OWN_ID, OWN_TYPE):
        return Kind.INTEGER if path.field == OWN_ID else Kind.TEXT
    kinds = {_column_kind(each, path.part) for each in _fields(home, _reached(home, type_names, path.steps), path.field)}
    return kinds.pop() if len(kinds) == 1 else None


def _single_fields(layout: Layout) -> dict[str, Term]:
    found: dict[str, Term] = {"id": Path(OWN_ID)}
    for each in layout.columns:
        if each.part in (Part.VALUE, Part.NAME):
            found[each.field] = Path(each.field, part=each.part)
    return found


def _common_kind(home: Home, terms: Mapping[str, Sequence[Term | None]], number: int) -> Kind | None:
    own = [(name, each[number]) for name, each in terms.items()]
    kinds = {kind_of(home, [name], term) for name, term in own if term is not None}
    return kinds.pop() if len(kinds) == 1 else None


def _reached(home: Home, type_names: Sequence[str], steps: Sequence[Step]) -> list[str]:
    found = list(type_names)
    for each in steps:
        if each.targets:
            found = [name for name in each.targets if name in home.layouts]
        else:
            fields = _fields(home, found, each.field)
            found = list(dict.fromkeys(name for field in fields for name in home.candidates(field)))
    return found


def _is_many(home: Home, type_names: Sequence[str], before: Sequence[Step], step: Step) -> bool:
    fields = _fields(home, _reached(home, type_names, before), step.field)
    return step.backward or any(each.kind is Kind.LINKS for each in fields)


def _fields(home: Home, type_names: Sequence[str], name: str) -> list[Field]:
    found = (home.layouts[each].type.field(name) for each in type_names if each in home.layouts)
    return [each for each in found if each is not None]


def _column_kind(described: Field, part: Part) -> Kind | None:
    if described.kind in (Kind.LINKS, Kind.VALUES):
        return None
    if described.kind is not Kind.REFERENCE:
        return described.kind
    return Kind.INTEGER if part is Part.ID else Kind.TEXT


def _value(kind: Kind | None, cell: Any) -> Any:
    if isinstance(cell, tuple):
        return list(cell)
    return cell if kind is None else to_python(kind, cell)
