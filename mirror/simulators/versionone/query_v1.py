"""The service query.v1: many queries in one body, answers as plain JSON. versionone.md §8.1."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from mirror.simulators.versionone.documents import DocumentError, read_documents
from mirror.simulators.versionone.evaluate import Binder
from mirror.simulators.versionone.grammar import (
    All,
    Compare,
    Condition,
    GrammarError,
    Literal,
    Path,
    Step,
    Variable,
    parse_filter,
    parse_order,
    parse_path,
)
from mirror.simulators.versionone.literals import STATES, read_oid
from mirror.simulators.versionone.paths import Route
from mirror.simulators.versionone.query import Candidate, Query, page_size, select, sort
from mirror.simulators.versionone.schema import Attribute
from mirror.simulators.versionone.state import RefusedError, Value
from mirror.simulators.versionone.texts import query_text
from mirror.simulators.versionone.view import View, read_instant

Json = dict[str, Any]
NULL = {"_oid": "NULL"}
"""A relation without a target. §8.1 D"""


class MalformedError(Exception):
    """The body cannot be read; the answer is an HTML page that says `Server Error`. §8.1 S"""


@dataclass(frozen=True, slots=True)
class Selected:
    """One thing to select.

    Attributes:
        key: its name in the rows.
        path: what it is.
        inner: for nested selections, what is selected of each related asset; None for plain ones.
    """

    key: str
    path: Path
    inner: Sub | None = None


@dataclass(frozen=True, slots=True)
class Sub:
    """A nested selection."""

    selected: Sequence[Selected]
    order: Sequence[tuple[Path, bool]] = ()


@dataclass(frozen=True, slots=True)
class Command:
    """One query, read."""

    query: Query
    selected: Sequence[Selected]
    groups: Sequence[Selected] = field(default_factory=tuple)


def answer_queries(view: View, body: bytes) -> list[list[Json]]:
    """Answer all queries of a body, one list of rows each.

    Raises:
        MalformedError: the body cannot be read.
        RefusedError: one of the queries does not make sense.
    """
    try:
        documents = read_documents(body)
    except DocumentError as problem:
        raise MalformedError(str(problem)) from None
    if not documents or not all(isinstance(each, dict) and "from" in each for each in documents):
        raise MalformedError("a query needs `from`")
    return [answer_query(view, each) for each in documents]


def answer_query(view: View, document: Mapping[str, Any], *, named_states: bool = False) -> list[Json]:
    """Answer one query.

    Args:
        named_states: AssetState as a name, as in bulk answers. §8.2
    """
    command = read_command(view, document)
    binder = Binder(view, command.query.variables)
    start = command.query.start
    page = select(binder, command.query)[start : start + page_size(view, command.query)]
    writer = Rows(binder, named_states=named_states)
    return writer.grouped(command, page)


# Reading


def read_command(view: View, document: Mapping[str, Any]) -> Command:
    """Read one query document.

    Raises:
        RefusedError: something in it is unknown or unreadable.
    """
    type_name, asset = read_from(view, str(document["from"]))
    as_of = document.get("asof")
    every = isinstance(as_of, str) and as_of.lower() == "all"
    page = document.get("page") or {}
    if not isinstance(page, dict):
        raise RefusedError(400, "Invalid page")
    query = Query(
        type_name=type_name,
        asset=asset,
        condition=read_condition(document),
        order=_order(document.get("sort")),
        size=_count(page["size"]) if "size" in page else None,
        start=_count(page.get("start", 0)),
        find=str(document.get("find", "") or ""),
        find_in=[_guard(parse_path, str(each)) for each in _listed(document.get("findin", document.get("findIn")))],
        as_of=read_instant(str(as_of), view.zone) if as_of and not every else None,
        versions=every,
        variables=_variables(document.get("with")),
    )
    groups = [_selected(each) for each in _listed(document.get("group"))]
    return Command(query, [_selected(each) for each in _listed(document.get("select"))], groups)


def _count(value: Any) -> int:
    if not str(value).isdigit():
        raise RefusedError(400, "Invalid page")
    return int(value)


def read_from(view: View, text: str) -> tuple[str, int | None]:
    """Read a type name or an Oid. §8.1

    Raises:
        RefusedError: the type is unknown or the Oid unreadable.
    """
    if ":" in text:
        reference = read_oid(view, text)
        return reference.type_name, reference.asset
    if view.schema.get(text) is None:
        # The literal is versionone.md §3.4 S.
        raise RefusedError(400, f"Unknown AssetType: {text}")
    return text, None


def read_condition(document: Mapping[str, Any]) -> Condition | None:
    """Join `where`, a map of equalities, and `filter`, a list of tokens. §8.1

    Raises:
        RefusedError: one of them does not follow its notation.
    """
    where = document.get("where") or {}
    if not isinstance(where, dict):
        raise RefusedError(400, "Invalid where")
    terms: list[Condition] = []
    for name, value in where.items():
        if isinstance(value, list | dict):
            # The literal is what a 2020 release answers to a list here.
            raise RefusedError(400, f'Key "{name}" must have corresponding scalar value\r\nParameter name: {name}')
        text = literal_text(value)
        wanted = Variable(text[1:]) if text.startswith("$") else Literal(text)
        terms.append(Compare(_guard(parse_path, name), "=", (wanted,)))
    terms += [_guard(parse_filter, str(token)) for token in _listed(document.get("filter"))]
    return terms[0] if len(terms) == 1 else All(tuple(terms)) if terms else None


def literal_text(value: Any) -> str:
    """Return a JSON scalar as a filter or a write would spell it."""
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _guard(parse: Callable[[str], Any], text: str) -> Any:
    try:
        return parse(text)
    except GrammarError as problem:
        raise RefusedError(400, str(problem)) from None


def _listed(value: Any) -> list[Any]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def _order(value: Any) -> list[tuple[Path, bool]]:
    return [pair for each in _listed(value) for pair in _guard(parse_order, str(each))]


def _variables(value: Any) -> dict[str, list[Literal]]:
    given = value if isinstance(value, dict) else {}
    return {str(name).lstrip("$"): [Literal(literal_text(each)) for each in _listed(found)] for name, found in given.items()}


def _selected(given: Any) -> Selected:
    """Read a token, a token with an alias (`Author as Member`), or a nested selection. §8.1"""
    if not isinstance(given, dict):
        text, _, alias = str(given).partition(" as ")
        return Selected(alias.strip() or text.strip(), _guard(parse_path, text.strip()))
    text, _, alias = str(given.get("from", "")).partition(" as ")
    path: Path = _guard(parse_path, text.strip())
    condition = read_condition(given)
    if condition is not None:
        last = path.steps[-1]
        both = condition if last.condition is None else All((last.condition, condition))
        path = Path(path.text, (*path.steps[:-1], Step(last.name, last.downcast, both)))
    inner = Sub([_selected(each) for each in _listed(given.get("select"))], _order(given.get("sort")))
    return Selected(alias.strip() or text.strip(), path, inner)


# Writing rows


class Rows:
    """Writes rows as query.v1 does.

    Args:
        named_states: AssetState as a name. §8.2 S
    """

    def __init__(self, binder: Binder, *, named_states: bool = False) -> None:
        self._binder = binder
        self._named_states = named_states

    def grouped(self, command: Command, page: Sequence[Candidate]) -> list[Json]:
        """Return the rows, or groups that hold them as `_children`. §8.1"""
        return self._group(command, list(command.groups), page)

    def _group(self, command: Command, groups: list[Selected], page: Sequence[Candidate]) -> list[Json]:
        type_name = command.query.type_name
        if not groups:
            return self.rows(type_name, command.selected, page)
        first, *rest = groups
        route = self._binder.route(type_name, first.path)
        members: dict[Any, tuple[Json, list[Candidate]]] = {}
        for candidate in page:
            asset, view, _ = candidate
            value = route.value(view, asset, asset)
            key = tuple(value) if isinstance(value, list) else value
            members.setdefault(key, (self._head(view, route, first, value), []))[1].append(candidate)
        return [{**head, "_children": self._group(command, rest, inside)} for head, inside in members.values()]

    def _head(self, view: View, route: Route, group: Selected, value: Value) -> Json:
        if group.inner is not None and isinstance(value, int):
            related = group.path.steps[-1].downcast or route.attribute.related or ""
            return self.rows(related, group.inner.selected, [(value, view, None)])[0]
        return {group.key: self._value(view, route.attribute, value)}

    def rows(self, type_name: str, selected: Sequence[Selected], page: Sequence[Candidate]) -> list[Json]:
        """Return one row for each candidate."""
        bound = [(each, self._binder.route(type_name, each.path)) for each in selected]
        return [self._row(bound, candidate) for candidate in page]

    def _row(self, bound: Sequence[tuple[Selected, Route]], candidate: Candidate) -> Json:
        asset, view, moment = candidate
        oid = view.oid(asset)
        row: Json = {"_oid": oid if moment is None else f"{oid}:{moment}"}
        for each, route in bound:
            if not route.applies(view, asset):
                continue
            value = route.value(view, asset, asset)
            if each.inner is None:
                row[each.key] = self._value(view, route.attribute, value)
            else:
                row[each.key] = self._nested(view, route, each.inner, value)
        return row

    def _nested(self, view: View, route: Route, inner: Sub, value: Value) -> list[Json]:
        related = route.hops[-1].downcast or route.attribute.related or ""
        targets: list[Candidate] = [(each, view, None) for each in _listed(value)]
        ordered = sort(self._binder, Query(related, order=inner.order), targets)
        return self.rows(related, inner.selected, ordered)

    def _value(self, view: View, attribute: Attribute, value: Value) -> Any:
        if isinstance(value, list):
            return [self._one(view, attribute, each) for each in value]
        if value is None and attribute.multi:
            return []
        return self._one(view, attribute, value)

    def _one(self, view: View, attribute: Attribute, value: Any) -> Any:
        if attribute.is_relation:
            return NULL if value is None else {"_oid": view.oid(value)}
        if attribute.kind == "State" and self._named_states and isinstance(value, int):
            return state_name(value)
        return query_text(view, attribute, value)


def state_name(code: int) -> str:
    """Return the name of a state, the most particular one: `Deleted` rather than `Dead`."""
    fitting = [name for name, codes in STATES.items() if code in codes]
    return next((name for name in reversed(fitting)), str(code))
