"""What the view `work_item` selects: one branch for each record type of each source that shows its records as work items.

A branch names its source and type as constants, so that a database leaves out of account whatever a query does not ask
for, and finds a record by its key through the index that tables have on it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import (
    BigInteger,
    CompoundSelect,
    DateTime,
    FromClause,
    Select,
    Text,
    and_,
    case,
    cast,
    column,
    false,
    func,
    literal,
    null,
    or_,
    select,
    table,
    true,
    union_all,
)
from sqlalchemy.sql.elements import ColumnElement
from sqlalchemy.types import TypeEngine

from mirror.model.layout import Layout
from mirror.model.part import Part
from mirror.model.schema import Field, Kind
from mirror.model.work_item import Category, Rule, WorkItem
from mirror.store.column_types import PlainNumeric, StampText, column_type

_BRANCHES_AT_ONCE = 400  # SQLite takes 500 in one compound select (https://sqlite.org/limits.html)
_TEXTS = (Kind.TEXT, Kind.INTEGER, Kind.NUMERIC)

Element = ColumnElement[Any]


@dataclass(frozen=True, slots=True)
class Shown:
    """One source, as far as its work items go.

    Attributes:
        states: name of a state, or `Type.State` for one type only -> category; they win over the rules.
        offered: names of all types of the source.
        layouts: type name -> layout, of the types that are work items.
        looked_up: type name -> layout, of the types that rules look at through a reference.
    """

    name: str
    tracker: str
    states: Mapping[str, Category] = field(hash=False)
    offered: frozenset[str]
    layouts: Mapping[str, Layout] = field(hash=False)
    looked_up: Mapping[str, Layout] = field(hash=False)


def work_items(sources: Iterable[Shown], *, is_sqlite: bool) -> Select[Any] | CompoundSelect[Any]:
    """Return the select over all work items; one without rows when there are no types of that kind."""
    branches = [
        _Branch(each, layout, is_sqlite=is_sqlite).selected() for each in sources for layout in each.layouts.values()
    ]
    if not branches:
        return _nothing()
    chunks = [branches[start : start + _BRANCHES_AT_ONCE] for start in range(0, len(branches), _BRANCHES_AT_ONCE)]
    parts = [union_all(*chunk) if len(chunk) > 1 else chunk[0] for chunk in chunks]
    return parts[0] if len(parts) == 1 else union_all(*(select(part.subquery()) for part in parts))


_TYPES: Mapping[str, TypeEngine[Any]] = {
    **{name: Text() for name in ("source", "tracker", "type")},
    "id": BigInteger(),
    **{name: Text() for name in ("key", "title", "state", "state_category", "owner", "project", "iteration", "release")},
    "estimate": PlainNumeric(),
    "parent_key": Text(),
    **{name: StampText() for name in ("created_at", "changed_at", "closed_at")},
    "url": Text(),
}
"""The columns of the view. Postgres merges the branches of a query only when all have exactly these types."""


def _nothing() -> Select[Any]:
    return select(*(cast(null(), kind).label(name) for name, kind in _TYPES.items())).where(false())


def _slim(layout: Layout, alias: str, *, only: str | None = None) -> FromClause:
    """Return the record table with the columns that this layout knows, or with one of them: that compiles much quicker."""
    own = (column(each.name, column_type(each.kind)) for each in layout.columns if only in (None, each.name))
    head = (column("source", Text()), column("id", BigInteger()), column("_changed_at", StampText()))
    return table(layout.table, *head, *own).alias(alias)


def numbered_key(layout: Layout, record_id: Element) -> Element | None:
    """Return the key of records that are known by type and id, `ticket/17`; None where they have one of their own."""
    if _key_column(layout):
        return None
    return literal(f"{layout.type.name}/").concat(cast(record_id, Text))


def _key_column(layout: Layout) -> str:
    key = _roles(layout).key
    return next((each.name for each in layout.columns if each.field == key and each.part is Part.VALUE), "")


def _key(layout: Layout, rows: FromClause) -> Element:
    """Return what people call a record of `layout`: the value of its key field, or type and id."""
    numbered = numbered_key(layout, rows.c.id)
    return rows.c[_key_column(layout)] if numbered is None else numbered


def _roles(layout: Layout) -> WorkItem:
    if layout.type.work_item is None:
        raise ValueError(f"{layout.type.name} has no work item roles")
    return layout.type.work_item


def _first(found: Sequence[Element], kind: TypeEngine[Any]) -> Element:
    """Return the first of these that has a value."""
    if not found:
        return cast(null(), kind)
    return found[0] if len(found) == 1 else func.coalesce(*found, type_=kind)


class _Branch:
    """The work items of one type of one source."""

    def __init__(self, shown: Shown, layout: Layout, *, is_sqlite: bool) -> None:
        self._shown = shown
        self._layout = layout
        self._roles = _roles(layout)
        self._is_sqlite = is_sqlite
        self._rows = _slim(layout, "item")
        self._links = {each.field: each for each in layout.links}

    def selected(self) -> Select[Any]:
        """Return the select."""
        found = self._columns()
        here = [self._rows.c.source == self._shown.name, *self._shown_at_all()]
        return select(*(found[name].label(name) for name in _TYPES)).where(*here)

    def _columns(self) -> dict[str, Element]:
        roles, texts = self._roles, self._texts
        owner = texts(roles.owner, besides=roles.unowned)
        state = texts(roles.state)
        category = self._category(state)
        closed = case((category == Category.DONE.value, self._instant(roles.closed)))
        return {
            "source": cast(literal(self._shown.name), Text),
            "tracker": cast(literal(self._shown.tracker), Text),
            "type": cast(literal(self._layout.type.name), Text),
            "id": self._rows.c.id,
            "key": _key(self._layout, self._rows),
            "title": texts(roles.title),
            "state": state,
            "state_category": category,
            "owner": owner,
            "project": texts(roles.project),
            "iteration": texts(roles.iteration),
            "release": texts(roles.release),
            "estimate": _first([each for name in roles.estimate for each in self._number(name)], PlainNumeric()),
            "parent_key": _first([each for name in roles.parent for each in self._parent(name)], Text()),
            "created_at": self._instant(roles.created),
            "changed_at": self._rows.c._changed_at,
            "closed_at": closed
            if roles.closed
            else cast(null(), StampText()),  # a record that was reopened may keep its date
            "url": self._address(),
        }

    # values of this record

    def _column(self, field: str, *parts: Part) -> tuple[Element, Kind] | None:
        """Return the column that holds the first of `parts` that the field has, and its kind."""
        own = {each.part: each for each in self._layout.columns if each.field == field}
        found = next((own[part] for part in parts if part in own), None)
        return None if found is None else (self._rows.c[found.name], found.kind)

    def _texts(self, fields: Sequence[str], *, besides: str | None = None) -> Element:
        """Return the first of the fields that has a value, as text; one that is `besides` counts as having none."""
        return _first([each for name in fields for each in self._text(name, besides)], Text())

    def _text(self, field: str, besides: str | None) -> list[Element]:
        if field in self._links:
            return [self._joined(field, besides)]
        found = self._column(field, Part.VALUE, Part.NAME)
        if found is None or found[1] not in _TEXTS:
            return []
        value = found[0] if found[1] is Kind.TEXT else cast(found[0], Text)
        return [value if besides is None else func.nullif(value, besides, type_=Text())]

    def _joined(self, field: str, besides: str | None) -> Element:
        """Return all names of a link table in its order, joined by a comma; null when there is none."""
        link = self._links[field]
        name = "target_name" if link.kind is Kind.LINKS else "value"
        rows = table(link.name, *map(column, ("source", "id", "position")), column(name, Text())).alias("link")
        here = [rows.c.source == self._shown.name, rows.c.id == self._rows.c.id]
        if besides is not None:
            here.append(rows.c[name] != besides)
        ordered = select(rows.c[name]).where(*here).order_by(rows.c.position).correlate(self._rows).subquery("ordered")
        return select(func.aggregate_strings(ordered.c[name], ", ")).scalar_subquery()

    def _number(self, field: str) -> list[Element]:
        found = self._column(field, Part.VALUE)
        if found is None or found[1] not in (Kind.INTEGER, Kind.NUMERIC):
            return []
        return [found[0] if found[1] is Kind.NUMERIC else cast(found[0], PlainNumeric())]

    def _instant(self, fields: Sequence[str]) -> Element:
        columns = [each for each in (self._column(name, Part.VALUE) for name in fields) if each is not None]
        found = [self._midnight(value) if kind is Kind.DATE else value for value, kind in columns if kind in _INSTANTS]
        return _first(found, StampText())

    def _midnight(self, day: Element) -> Element:
        """Return a calendar day as the instant it begins in UTC."""
        if self._is_sqlite:
            return day.concat("T00:00:00.000Z")
        return func.timezone("UTC", cast(day, DateTime()), type_=StampText())

    def _address(self) -> Element:
        """Return the page of the record: below the tracker's root address, and null where that is not known."""
        before, mark, after = self._roles.address.partition("{id}")
        if not mark:
            return cast(null(), Text)
        place = table("mirror_source", column("name", Text()), column("url", Text())).alias("place")
        root = select(func.nullif(place.c.url, "", type_=Text())).where(place.c.name == self._shown.name)
        parts = [literal(before), cast(self._rows.c.id, Text), literal(after)]
        address: Element = root.scalar_subquery()
        for each in parts[: 3 if after else 2]:
            address = address.concat(each)
        return address

    # what the state means

    def _category(self, state: Element) -> Element:
        """Return the category: as the settings say, else as the first rule that holds."""
        told = [(_says(state, names), literal(category.value)) for names, category in self._told()]
        ruled = [(each, literal(rule.category.value)) for rule, each in self._conditions() if rule.category]
        whens = [*told, *ruled]
        return case(*whens, else_=literal(Category.TODO.value)) if whens else cast(literal(Category.TODO.value), Text)

    def _told(self) -> list[tuple[list[str], Category]]:
        """Return the settings that are about this type, those for it alone first."""
        types = {each.lower() for each in self._shown.offered}
        own: dict[Category, list[str]] = {}
        general: dict[Category, list[str]] = {}
        for name, category in self._shown.states.items():
            type_name, dot, state = name.partition(".")
            if not dot or type_name.lower() not in types:
                general.setdefault(category, []).append(name)
            elif type_name.lower() == self._layout.type.name.lower():
                own.setdefault(category, []).append(state)
        return [(names, category) for told in (own, general) for category, names in told.items()]

    def _shown_at_all(self) -> list[Element]:
        """Return the condition that leaves out records whose first rule that holds says that they are no work."""
        conditions = self._conditions()
        last = max((place for place, (rule, _) in enumerate(conditions) if rule.category is None), default=-1)
        if last < 0:
            return []
        whens = [(each, false() if rule.category is None else true()) for rule, each in conditions[: last + 1]]
        return [case(*whens, else_=true())]

    def _conditions(self) -> list[tuple[Rule, Element]]:
        found = []
        for rule in self._roles.rules:
            place = self._looked_up(rule) if rule.of else self._column(rule.field, rule.part, Part.NAME)
            condition = None if place is None else _holds(rule, *place)
            if condition is not None:
                found.append((rule, condition))
        return found

    def _looked_up(self, rule: Rule) -> tuple[Element, Kind] | None:
        """Return the value of a field of the record that a reference leads to, and its kind."""
        declared, pointer = self._layout.type.field(rule.field), self._column(rule.field, Part.ID)
        target = self._shown.looked_up.get(declared.targets[0]) if declared and len(declared.targets) == 1 else None
        if target is None or pointer is None:
            return None
        found = next((each for each in target.columns if each.field == rule.of and each.part is Part.VALUE), None)
        if found is None:
            return None
        rows = _slim(target, "told_by")
        told = select(rows.c[found.name]).where(rows.c.source == self._shown.name, rows.c.id == pointer[0])
        return told.correlate(self._rows).scalar_subquery(), found.kind

    # parents

    def _parent(self, field: str) -> list[Element]:
        """Return lookups, by primary key, of the keys of the records that this field points to."""
        declared = self._layout.type.field(field)
        if declared is None:
            return []
        targets = self._targets(declared)
        if field in self._links:
            return [self._linked_key(field, targets)] if targets and declared.kind is Kind.LINKS else []
        pointer, types = self._column(field, Part.ID), self._column(field, Part.TYPE)
        if pointer is None or not targets:
            return []
        keys = {each.type.name: self._key_of(each, pointer[0]) for each in targets}
        return [case(keys, value=types[0])] if types is not None else list(keys.values())

    def _targets(self, field: Field) -> list[Layout]:
        """Return the types of work items that a field may lead to; one that is declared for an abstract type, to all."""
        if self._shown.offered.isdisjoint(field.targets):
            return list(self._shown.layouts.values())
        return [layout for name, layout in self._shown.layouts.items() if name in field.targets]

    def _key_of(self, target: Layout, record_id: Element) -> Element:
        rows = _slim(target, "parent", only=_key_column(target))
        found = select(_key(target, rows)).where(rows.c.source == self._shown.name, rows.c.id == record_id)
        return found.correlate(self._rows).scalar_subquery()

    def _linked_key(self, field: str, targets: Sequence[Layout]) -> Element:
        found = [self._linked_keys(field, each) for each in targets]
        keys = (found[0] if len(found) == 1 else union_all(*found)).subquery("parents")
        return select(keys.c.key).order_by(keys.c.position).limit(1).scalar_subquery()

    def _linked_keys(self, field: str, target: Layout) -> Select[Any]:
        names = ("source", "id", "position", "target_id", "target_type")
        link = table(self._links[field].name, *map(column, names)).alias("link")
        rows = _slim(target, "parent", only=_key_column(target))
        key = _key(target, rows)
        here = and_(link.c.source == self._shown.name, link.c.id == self._rows.c.id)
        of_type = or_(link.c.target_type == target.type.name, link.c.target_type.is_(None))
        there = and_(rows.c.source == self._shown.name, rows.c.id == link.c.target_id)
        found = select(link.c.position, key.label("key")).select_from(link.join(rows, there))
        return found.where(here, of_type, key.is_not(None)).correlate(self._rows)


_INSTANTS = (Kind.TIMESTAMP, Kind.DATE)


def _says(state: Element, names: Sequence[str]) -> Element:
    """Return whether a state has one of these names, in upper or lower case."""
    return func.lower(state).in_([func.lower(name) for name in names])


def _holds(rule: Rule, value: Element, kind: Kind) -> Element | None:
    """Return the condition of a rule; None when it can never hold."""
    if not rule.values:
        return value.is_not(None)
    if kind is Kind.TEXT:
        return value.in_([str(each) for each in rule.values])
    if kind is Kind.BOOLEAN:
        return or_(*(value.is_(bool(each)) for each in rule.values))
    numbers = [int(each) for each in rule.values if isinstance(each, int) or each.lstrip("-").isdecimal()]
    return value.in_(numbers) if numbers and kind in (Kind.INTEGER, Kind.NUMERIC) else None
