"""Compiles filters and sort orders for one type: names meet the schema, literals meet their attribute. versionone.md §4."""

from __future__ import annotations

import operator
from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import partial
from typing import Any

from mirror.simulators.versionone.grammar import All, Compare, Condition, Either, Filled, Literal, Path, Variable
from mirror.simulators.versionone.literals import NOTHING, NUMBERS, Reference, Wanted, comparable, understand
from mirror.simulators.versionone.paths import Hop, Route, Test, result_of
from mirror.simulators.versionone.schema import Attribute
from mirror.simulators.versionone.state import RefusedError
from mirror.simulators.versionone.view import View

_ORDERED = ("Numeric", "Date", "Opaque", "LongInt")
_OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


class UnknownAttributeError(RefusedError):
    """A name that the schema does not have.

    Attributes:
        token: `Type.Name`.
        written: the name as the client wrote it.
    """

    def __init__(self, token: str, written: str) -> None:
        self.token = token
        self.written = written
        super().__init__(400, f"Unknown AttributeDefinition: {token}")


@dataclass(slots=True)
class Binder:
    """Binds paths and filters for one request.

    Attributes:
        view: for the schema, the switches and the time zone; the tests it makes take the view they look at.
        variables: values by name, as given with `with`.
    """

    view: View
    variables: Mapping[str, Sequence[Literal]] = field(default_factory=dict)

    def route(self, type_name: str, path: Path) -> Route:
        """Bind a path that begins at a type; a full token such as `Workitem.ToDo` names a type first. §4.1 R

        Raises:
            RefusedError: some name on it is unknown.
        """
        steps, owner, name = path.steps, type_name, path.text
        first = steps[0]
        schema = self.view.schema
        if len(steps) > 1 and schema.attribute(type_name, first.name) is None and schema.get(first.name) is not None:
            if first.downcast or first.condition is not None:  # these follow attributes only (§4.1 D)
                raise UnknownAttributeError(f"{type_name}.{first.name}", path.text)
            if not (schema.is_a(type_name, first.name) or schema.is_a(first.name, type_name)):
                raise UnknownAttributeError(f"{first.name}.{steps[1].name}", path.text)
            owner = type_name if schema.is_a(type_name, first.name) else first.name
            steps, name = steps[1:], path.text.partition(".")[2]
        hops: list[Hop] = []
        here = owner
        for step in steps:
            if not here:
                raise UnknownAttributeError(f"{hops[-1].attribute.token}.{step.name}", path.text)
            hops.append(self._hop(here, step.name, step.downcast, step.condition))
            here = step.downcast or hops[-1].attribute.related or ""
        return Route(name, owner, tuple(hops), path.aggregate, result_of(tuple(hops), path.aggregate))

    def _hop(self, type_name: str, name: str, downcast: str, condition: Condition | None) -> Hop:
        schema = self.view.schema
        attribute = schema.attribute(type_name, name)
        if attribute is None:
            raise UnknownAttributeError(f"{type_name}.{name}", name)
        if (downcast or condition is not None) and not attribute.is_relation:
            raise RefusedError(400, f"Not a relation: {attribute.token}")
        if downcast and schema.get(downcast) is None:
            raise RefusedError(400, f"Unknown AssetType: {downcast}")
        related = downcast or attribute.related or ""
        return Hop(attribute, downcast, self.test(related, condition) if condition is not None else None)

    def test(self, type_name: str, condition: Condition) -> Test:
        """Compile a filter for assets of a type.

        Raises:
            RefusedError: a name is unknown, a literal unreadable, or the operator does not fit.
        """
        match condition:
            case All(terms):
                return partial(_all, [self.test(type_name, term) for term in terms])
            case Either(terms):
                return partial(_either, [self.test(type_name, term) for term in terms])
            case Filled(path, wanted):
                return partial(_filled, self._filter_route(type_name, path), wanted)
            case Compare(path, sign, values):
                return self._comparison(self._filter_route(type_name, path), sign, values)

    def _filter_route(self, type_name: str, path: Path) -> Route:
        try:
            return self.route(type_name, path)
        except UnknownAttributeError as unknown:
            # The literal is versionone.md §3.4 L.
            raise RefusedError(400, f"Unknown token: {unknown.written}", (str(unknown),)) from None

    def _comparison(self, route: Route, sign: str, values: Sequence[Literal | Variable]) -> Test:
        attribute = route.attribute
        outer = any(isinstance(value, Variable) and not value.name for value in values)
        wanted = [understand(self.view, attribute, literal) for literal in self._literals(values)]
        if sign in ("=", "!="):
            if any(each is NOTHING for each in wanted):
                # C2 L: `!='128'` silently matches nothing either.
                return _never
            return partial(_equal if sign == "=" else _unequal, route, _Among(attribute, wanted, outer))
        check_ordered(self.view, route, sign)
        return partial(_ordered, route, _OPERATORS[sign], [_scalar(each) for each in wanted])

    def _literals(self, values: Sequence[Literal | Variable]) -> list[Literal]:
        found: list[Literal] = []
        for value in values:
            if isinstance(value, Literal):
                found.append(value)
            elif value.name and value.name not in self.variables:
                raise RefusedError(400, f"Unknown variable: ${value.name}")
            elif value.name:
                found.extend(self.variables[value.name])
        return found


def check_ordered(view: View, route: Route, sign: str) -> None:
    """Refuse `<` and `>` where they do not work: other kinds, and those that a switch takes out. §4.1 S, §4.2

    Raises:
        RefusedError: it does not work here.
    """
    attribute, switches = route.attribute, view.switches
    allowed = attribute.kind in _ORDERED
    if attribute.name == "ID" and not route.aggregate:
        allowed = switches.id_filter
    elif attribute.name == "Key":
        allowed = switches.key_filter
    elif attribute.name == "Moment":
        allowed = switches.moment_filter
    elif attribute.name in ("ChangeDateUTC", "ChangeDate"):
        allowed = switches.change_date_filter
    if not allowed:
        raise RefusedError(400, f"Invalid QueryFilter2 token '{sign}' for {attribute.token}")


def _scalar(wanted: Wanted) -> Any:
    return wanted.asset if isinstance(wanted, Reference) else wanted


class _Among:
    """Is a value one of those wanted?"""

    def __init__(self, attribute: Attribute, wanted: Sequence[Wanted], outer: bool) -> None:
        self._attribute = attribute
        self._outer = outer
        self.empty = any(each is None or (isinstance(each, Reference) and each.asset is None) for each in wanted)
        self._types: dict[int, str] = {
            e.asset: e.type_name for e in wanted if isinstance(e, Reference) and e.asset is not None
        }
        self._codes = [each for each in wanted if attribute.kind == "State" and isinstance(each, Container)]
        self._plain = [each for each in wanted if each is not None and not isinstance(each, Reference)]

    def holds(self, view: View, value: Any, outer: int) -> bool:
        if self._attribute.is_relation:
            type_name = self._types.get(value)
            if type_name is not None:
                return view.schema.is_a(view.type_of(value), type_name)
            return self._outer and value == outer
        if self._codes:
            return any(operator.contains(codes, value) for codes in self._codes)
        return comparable(self._attribute, value) in self._plain


def _all(tests: list[Test], view: View, asset: int, outer: int) -> bool:
    return all(test(view, asset, outer) for test in tests)


def _either(tests: list[Test], view: View, asset: int, outer: int) -> bool:
    return any(test(view, asset, outer) for test in tests)


def _never(view: View, asset: int, outer: int) -> bool:
    return False


def _found(route: Route, view: View, asset: int, outer: int) -> list[Any]:
    if not route.applies(view, asset):
        return []
    return [value for value in route.values(view, asset, outer) if value != ""]


def _filled(route: Route, wanted: bool, view: View, asset: int, outer: int) -> bool:
    return route.applies(view, asset) and bool(_found(route, view, asset, outer)) == wanted


def _equal(route: Route, among: _Among, view: View, asset: int, outer: int) -> bool:
    found = _found(route, view, asset, outer)
    if not found:
        return among.empty and route.applies(view, asset)
    return any(among.holds(view, value, outer) for value in found)


def _unequal(route: Route, among: _Among, view: View, asset: int, outer: int) -> bool:
    if not route.applies(view, asset):
        return False
    found = _found(route, view, asset, outer)
    if not found:
        return view.switches.null_is_unequal and not among.empty
    return not any(among.holds(view, value, outer) for value in found)


def _ordered(
    route: Route, compare: Callable[[Any, Any], bool], wanted: list[Any], view: View, asset: int, outer: int
) -> bool:
    for value in _found(route, view, asset, outer):
        mine = comparable(route.attribute, value)
        if any(other is not None and compare(mine, other) for other in wanted):
            return True
    return False


# Sort orders

Key = Callable[[View, int], tuple[int, Any]]


def sort_key(binder: Binder, route: Route) -> Key:
    """Return a sort key; assets without a value come first.

    A relation sorts by the attribute that meta names as its OrderByAttribute. versionone.md §5.1 R
    """
    attribute = route.attribute
    behind: Key | None = None
    if attribute.is_relation and attribute.order_by and attribute.name != "ID":
        owner, _, name = attribute.order_by.partition(".")
        onward = binder.view.schema.attribute(owner, name)
        if onward is not None and not onward.is_relation:
            behind = partial(_key, Route(name, owner, (Hop(onward),), "", onward), None)
    return partial(_key, route, behind)


def _key(route: Route, behind: Key | None, view: View, asset: int) -> tuple[int, Any]:
    found = _found(route, view, asset, asset)  # an empty text is none, as it is for a filter (§4.1 S)
    if not found:
        return (0, 0)
    if behind is not None:
        return behind(view, found[0])
    return (1, _sortable(route.attribute, found[0]))


def _sortable(attribute: Attribute, value: Any) -> Any:
    if attribute.kind in NUMBERS:
        return comparable(attribute, value) or 0
    if isinstance(value, datetime):
        return value.timestamp()
    if isinstance(value, date):
        return value.toordinal()
    return value


def mentions(binder: Binder, type_name: str, condition: Condition | None, name: str) -> bool:
    """True if a filter speaks of an attribute of the queried type itself, brackets and other assets apart."""
    match condition:
        case All(terms) | Either(terms):
            return any(mentions(binder, type_name, term, name) for term in terms)
        case Compare(path=path) | Filled(path=path):
            return path.steps[-1].name == name and len(binder.route(type_name, path).hops) == 1
        case _:
            return False
