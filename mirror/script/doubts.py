"""What a query names and nothing is called so, a queue, a user, a status: trackers find nothing then, without a word."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field

from mirror.engine.validate import listed, nearest
from mirror.model.layout import Layout
from mirror.model.part import Part
from mirror.query.expr import All, AnyOf, Compare, Expr, Missing, Not, Op, Path, Query, Some, Step
from mirror.query.reach import leads, next_types
from mirror.script.home import Home

_ACCOUNTS = frozenset(("username", "emailaddress", "email"))
_MOST = 20
"""Names of one query that are looked up."""
_ENOUGH = 2000
"""Records whose names are compared with one that is not there."""
_FEW = 3
"""Types that are all told."""

Names = dict[tuple[str, str], set["_Name"]]
"""A text, and the field of states that it is compared with or "", -> where it may stand as a name."""


@dataclass(frozen=True, slots=True, order=True)
class _Name:
    """A field that is compared with a text."""

    type_name: str
    field: str
    folds_case: bool


def doubts(home: Home, queries: Sequence[Query], written: str) -> list[str]:
    """Return a sentence for each name in these queries that nothing has in the mirror, with what may have been meant.

    Args:
        written: what the queries were made of; languages add conditions of their own, which are nobody's mistake.
    """
    asked = _Asked(home, [note for each in queries for note in each.notes])
    for each in queries:
        asked.walk(each.where, (each.type_name,), is_own=True)
    said = dict.fromkeys(asked.sentences)
    named = {key: sorted(names) for key, names in asked.names.items() if key[0].casefold() in written.casefold()}
    for (text, state), names in list(named.items())[:_MOST]:
        if (sentence := _doubt(home, names, text, state)) is not None:
            said[sentence] = None
    return list(said)


@dataclass(slots=True)
class _Asked:
    """What queries name.

    Attributes:
        noted: what the language itself said.
        sentences: about values that lists of the catalogue do not have.
    """

    home: Home
    noted: Sequence[str]
    names: Names = field(default_factory=dict)
    sentences: list[str] = field(default_factory=list)

    def walk(self, expr: Expr, types: tuple[str, ...], *, is_own: bool) -> None:
        """Look at a condition on records of these types.

        Args:
            is_own: the query is about these records themselves, which it may well not find by a name.
        """
        match expr:
            case All() | AnyOf():
                for each in expr.items:
                    self.walk(each, types, is_own=is_own)
            case Not():
                self.walk(expr.item, types, is_own=is_own)
            case Some():
                self.walk(expr.where, self._follow(types, expr.steps), is_own=False)
            case Compare(term=Path() as path, op=Op.EQ, value=str() as text):
                is_here = is_own and not path.steps
                for name in self._follow(types, path.steps):
                    self._compared(self.home.layouts[name], path, text, expr.folds_case, is_own=is_here)
            case Compare() | Missing():
                pass

    def _follow(self, types: tuple[str, ...], steps: Sequence[Step]) -> tuple[str, ...]:
        for step in steps:
            types = tuple(dict.fromkeys(name for each in types for name in next_types(each, step, self.home.layouts)))
            if step.where is not None:
                self.walk(step.where, types, is_own=False)
        return types

    def _compared(self, layout: Layout, path: Path, text: str, folds_case: bool, *, is_own: bool) -> None:
        described = layout.type.field(path.field)
        if described is None or not text:
            return
        if path.part is Part.NAME:
            targets = [self.home.layouts[each] for each in leads(described, self.home.layouts).all]
            places = [_Name(each.type.name, each.type.name_field, folds_case) for each in targets if each.type.name_field]
        elif described.allowed_values:
            self._listed(described.name, described.allowed_values, text, folds_case)
            return
        else:
            is_name = path.field in _states(layout) or (not is_own and path.field in _names(layout))
            places = [_Name(layout.type.name, path.field, folds_case)] if is_name else []
        if places:
            state = path.field if path.part is Part.VALUE and path.field in _states(layout) else ""
            self.names.setdefault((text, state), set()).update(places)

    def _listed(self, name: str, values: Sequence[str], text: str, folds_case: bool) -> None:
        known = {each.casefold() if folds_case else each for each in values}
        if (text.casefold() if folds_case else text) not in known:
            said = f'{name} has no value "{text}" today'
            near = nearest(text, [each for each in values if each])
            if not any(each.startswith(said) for each in self.noted):
                self.sentences.append(f"{said}{f'; did you mean {near[0]}?' if near else '.'}")


def _doubt(home: Home, names: Sequence[_Name], text: str, state: str) -> str | None:
    """Return what to say when no record is called `text`; None when one is, or when that cannot be known."""
    types = list(dict.fromkeys(each.type_name for each in names))
    if not all(map(home.knows, types)):
        return None
    alike: dict[str, list[Expr]] = {}
    for each in names:
        alike.setdefault(each.type_name, []).append(Compare(Path(each.field), Op.EQ, text, each.folds_case))
    if home.searching.ids([Query(name, AnyOf(tuple(items))) for name, items in alike.items()], limit=1):
        return None
    near = nearest(text, _values(home, names))
    kinds = f"No {listed(types)} here" if len(types) <= _FEW else "Nothing here"
    said = f"{kinds} has the {state}" if state else f"{kinds} is called"
    return f'{said} "{text}"{f"; did you mean {listed(near)}?" if near else "."}'


def _values(home: Home, names: Sequence[_Name]) -> list[str]:
    """Return what is in these fields; not all where there are very many records."""
    found: set[str] = set()
    for each in names:
        terms = {each.type_name: [Path(each.field)]}
        with closing(home.searching.rows([Query(each.type_name)], terms, limit=_ENOUGH)) as rows:
            found.update(str(row.values[0]) for row in rows if row.values[0])
    return sorted(found)


def _names(layout: Layout) -> set[str | None]:
    accounts = {each.name for each in layout.type.fields if each.name.lower() in _ACCOUNTS}
    return {layout.type.name_field, layout.type.key_field, *accounts}


def _states(layout: Layout) -> Sequence[str]:
    return layout.type.work_item.state if layout.type.work_item is not None else ()
