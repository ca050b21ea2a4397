"""Finds records by what people call them: id, key, name; also those that only the queue still knows."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    Table,
    Text,
    and_,
    bindparam,
    cast,
    func,
    literal,
    literal_column,
    null,
    select,
    union_all,
)

from mirror.model.change import Action
from mirror.model.layout import Layout
from mirror.model.part import Part
from mirror.model.schema import Kind
from mirror.model.write import Target
from mirror.store.chunks import chunked
from mirror.store.database import Database
from mirror.store.record_tables import describe
from mirror.store.records import MAX_ID
from mirror.store.tables import change as changes
from mirror.store.tables import log, tombstone
from mirror.store.tables import source as sources

_ENOUGH = 20  # of equal names; nobody reads a longer list of candidates
_NEAR = 2000  # names that are compared with one that is not there
_ARMS = 200  # of one UNION ALL; SQLite takes 500

Layouts = Mapping[str, Mapping[str, Layout]]
"""Source -> type name -> layout."""


Places = tuple[tuple[Layout, str], ...]
"""Columns of text that a name is looked for in."""


class Likeness(Enum):
    """How alike a name must be, the closest first."""

    EXACT = "exact"
    VARIANT = "variant"  # all in upper or all in lower case: the next finds them too, but this by an index
    ANY_CASE = "any case"


@dataclass(frozen=True, slots=True)
class Hit:
    """One record that was found.

    Attributes:
        key: the value of its key field; None when the type has none.
        name: as others show it; None when the type has none.
    """

    layout: Layout
    id: int
    key: str | None = None
    name: str | None = None


_ADOPTION = select(sources.c.digest, sources.c.adopted_at).where(sources.c.name == bindparam("source"))


class Finder:
    """Looks into one database. Every method is one reading transaction and raises StoreError when the database fails."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def adoption(self, source: str) -> tuple[str, datetime] | None:
        """Return digest and time of the catalog that was adopted last; layouts stay as they are while these do."""
        with self._database.read() as connection:
            row = connection.execute(_ADOPTION, {"source": source}).first()
        return None if row is None else (row.digest, row.adopted_at)

    def by_id(self, layouts: Iterable[Layout], record_id: int) -> list[Hit]:
        """Return the records of these types that have that id."""
        if not _may_be_id(record_id):
            return []
        with self._database.read() as connection:
            return [hit for each in layouts for hit in _hits(connection, each, describe(each).table.c.id == record_id)]

    def by_key(self, layouts: Iterable[Layout], key: str) -> list[Hit]:
        """Return the records of these types whose key field says `key`, in whatever case if none says it exactly."""
        return self._by_column([(each, _key_column(each)) for each in layouts], key)

    def by_name(self, layouts: Iterable[Layout], name: str) -> list[Hit]:
        """Return the records of these types that others show as `name`, in whatever case if none is shown exactly so."""
        return self._by_column([(each, _name_column(each)) for each in layouts], name)

    def by_field(self, layouts: Iterable[Layout], names: Collection[str], text: str) -> list[Hit]:
        """Return the records that say `text` in one of these text fields, named in lower case; in any case as above."""
        return self._by_column(
            [
                (layout, each.name)
                for layout in layouts
                for each in layout.columns
                if each.kind is Kind.TEXT and each.part is Part.VALUE and each.field.lower() in names
            ],
            text,
        )

    def _by_column(self, places: Iterable[tuple[Layout, str | None]], text: str) -> list[Hit]:
        there = [(layout, name) for layout, name in places if name is not None]
        chunks = [tuple(there[start : start + _ARMS]) for start in range(0, len(there), _ARMS)]
        with self._database.read() as connection:
            for likeness in Likeness:
                found = [hit for each in chunks for hit in _matching(connection, each, likeness, text)]
                if found:
                    return found
        return []

    def near_keys(self, layouts: Iterable[Layout], beginning: str) -> list[str]:
        """Return some keys that begin so, in whatever case."""
        return self._near([(each, _key_column(each)) for each in layouts], beginning)

    def near_names(self, layouts: Iterable[Layout]) -> list[str]:
        """Return names of records of these types; not all where there are very many."""
        return self._near([(each, _name_column(each)) for each in layouts], "")

    def _near(self, places: Iterable[tuple[Layout, str | None]], beginning: str) -> list[str]:
        found: set[str] = set()
        with self._database.read() as connection:
            for layout, name in places:
                if name is None:
                    continue
                table = describe(layout).table
                begins = func.lower(table.c[name]).startswith(beginning.lower(), autoescape=True)
                query = select(table.c[name]).where(table.c.source == layout.source, begins).limit(_NEAR)
                found.update(str(each) for each in connection.scalars(query) if each)
        return sorted(found)

    def seen(self, layout: Layout, field: str, text: str) -> list[Target]:
        """Return what records of this type refer to in this field under the name `text`; in any case if not exactly.

        That finds records of types that are not mirrored themselves.
        """
        place = _pointing(layout, field)
        if place is None:
            return []
        table, target, name, kind = place
        with self._database.read() as connection:
            for condition in (name == text, func.lower(name) == func.lower(literal(text))):
                query = select(target, name, kind).where(table.c.source == layout.source, target.is_not(None), condition)
                rows = connection.execute(query.distinct().limit(_ENOUGH)).all()
                if rows:
                    return [Target(row[2] or "", int(row[0]), row[1]) for row in rows]
        return []

    def points_to(self, layout: Layout, field: str, type_name: str) -> bool:
        """Return whether records of this type refer to records of the type `type_name` in this field."""
        place = _pointing(layout, field)
        if place is None:
            return False
        table, target, _name, kind = place
        query = select(target).where(table.c.source == layout.source, target.is_not(None), kind == type_name).limit(1)
        with self._database.read() as connection:
            return connection.execute(query).first() is not None

    def row(self, layout: Layout, record_id: int) -> dict[str, Any] | None:
        """Return the local row of a record by column name; None when there is none."""
        return self.rows(layout, [record_id]).get(record_id)

    def rows(self, layout: Layout, ids: Collection[int]) -> dict[int, dict[str, Any]]:
        """Return id -> local row by column name, of those of these records that have one."""
        table = describe(layout).table
        query = select(table).where(table.c.source == layout.source)
        found: dict[int, dict[str, Any]] = {}
        with self._database.read() as connection:
            for chunk in chunked(ids):
                rows = connection.execute(query.where(table.c.id.in_(chunk))).mappings()
                found |= {row["id"]: dict(row) for row in rows}
        return found

    def items(self, layout: Layout, record_id: int, field: str) -> list[Target] | list[str]:
        """Return what a many-valued field of a record holds, in its order: records, or plain values."""
        table = describe(layout).links[field]
        query = select(table).where(table.c.source == layout.source, table.c.id == record_id).order_by(table.c.position)
        with self._database.read() as connection:
            rows = connection.execute(query).all()
        if "value" in table.c:
            return [str(row.value) for row in rows]
        return [Target(row.target_type or "", row.target_id, row.target_name) for row in rows if row.target_id is not None]

    def created(self, layouts: Layouts, number: int) -> list[Hit]:
        """Return the records that are or were called NEW-`number`: those that wait, and those that were pushed since."""
        if not _may_be_id(number):
            return []
        here = (changes.c.source, changes.c.type, changes.c.record_id)
        waiting = select(*here, changes.c.value).where(changes.c.action == Action.CREATE.value)
        pushed = select(log.c.source, log.c.type, log.c.record_id).where(
            log.c.action == Action.CREATE.value, log.c.temporary_id == -number, log.c.record_id > 0
        )
        with self._database.read() as connection:
            rows = {tuple(row) for row in connection.execute(pushed)}
            for row in connection.execute(waiting):
                if -number in (row.record_id, _read(row.value).get("temporary_id")):
                    rows.add((row.source, row.type, row.record_id))
            places = [(layouts[row[0]][row[1]], row[2]) for row in sorted(rows) if row[1] in layouts.get(row[0], {})]
            found = [(each, _hits(connection, each, describe(each).table.c.id == record_id)) for each, record_id in places]
        return [hit for _layout, hits in found for hit in hits]

    def absent(self, layouts: Layouts) -> list[Hit]:
        """Return the records that have open changes but no local row: deleted here, or gone on the tracker."""
        found: dict[tuple[str, str, int], Hit] = {}
        with self._database.read() as connection:
            for place in connection.execute(select(changes.c.source, changes.c.type).distinct()).all():
                layout = layouts.get(place[0], {}).get(place[1])
                if layout is None:
                    continue
                for row in connection.execute(_without_row(layout)):
                    is_deletion = row.action == Action.DELETE.value and row.base
                    last = _read(row.base)["row"] if is_deletion else _last_row(connection, layout, row.record_id)
                    found[*place, row.record_id] = _from_row(layout, row.record_id, last)
        return list(found.values())

    def buried(self, layouts: Iterable[Layout], record_id: int) -> list[Hit]:
        """Return the records with that id that have vanished from the tracker."""
        if not _may_be_id(record_id):
            return []
        found = []
        with self._database.read() as connection:
            for each in layouts:
                last = _last_row(connection, each, record_id)
                if last:
                    found.append(_from_row(each, record_id, last))
        return found


def _without_row(layout: Layout) -> Select[Any]:
    """Return the query for the open changes of records of a type that have no local row."""
    table = describe(layout).table
    here = select(table.c.id).where(table.c.source == layout.source, table.c.id == changes.c.record_id).exists()
    query = select(changes.c.record_id, changes.c.action, changes.c.base).order_by(changes.c.id)
    return query.where(changes.c.source == layout.source, changes.c.type == layout.type.name, ~here)


def _may_be_id(number: int) -> bool:
    """Return whether databases know the number as an id at all: it fits 64 bits."""
    return abs(number) <= MAX_ID


def _hits(connection: Connection, layout: Layout, *conditions: ColumnElement[bool]) -> list[Hit]:
    table = describe(layout).table
    shown = [null() if name is None else table.c[name] for name in (_key_column(layout), _name_column(layout))]
    query = select(table.c.id, *shown).where(table.c.source == layout.source, *conditions).limit(_ENOUGH)
    return [Hit(layout, row[0], row[1], row[2]) for row in connection.execute(query)]


def _matching(connection: Connection, places: Places, likeness: Likeness, text: str) -> list[Hit]:
    values = {"text": text, "upper": text.upper(), "lower": text.lower()}
    rows = connection.execute(_like(places, likeness), values).all()
    return [Hit(places[number][0], *rest) for number, *rest in sorted(rows, key=lambda row: int(row[0]))]


@lru_cache(maxsize=64)
def _like(places: Places, likeness: Likeness) -> Select[Any]:
    """Return the query for the number of the place, id, key and name of what is called so in one of these columns."""
    arms = []
    for number, (layout, name) in enumerate(places):
        table = describe(layout).table
        key, shown = (
            cast(null(), Text()) if each is None else table.c[each] for each in (_key_column(layout), _name_column(layout))
        )
        place: ColumnElement[Any] = literal_column(str(number)).label("place")
        found = select(place, table.c.id.label("id"), key.label("key"), shown.label("name"))
        arms.append(found.where(table.c.source == layout.source, _is_like(table.c[name], likeness)))
    return select(union_all(*arms).subquery()).limit(_ENOUGH)


def _is_like(column: ColumnElement[Any], likeness: Likeness) -> ColumnElement[bool]:
    match likeness:
        case Likeness.EXACT:
            return column == bindparam("text", type_=Text())
        case Likeness.VARIANT:
            return column.in_((bindparam("upper", type_=Text()), bindparam("lower", type_=Text())))
        case Likeness.ANY_CASE:
            return func.lower(column) == func.lower(bindparam("text", type_=Text()))


def _key_column(layout: Layout) -> str | None:
    return _text_column(layout, layout.type.key_field)


def _name_column(layout: Layout) -> str | None:
    return _text_column(layout, layout.type.name_field)


def _text_column(layout: Layout, field: str | None) -> str | None:
    return next((each.name for each in layout.columns if each.field == field and each.kind is Kind.TEXT), None)


def _pointing(layout: Layout, field: str) -> tuple[Table, Any, Any, Any] | None:
    """Return the table that holds the references of a field, and its columns of id, name and type."""
    described = describe(layout)
    link = next((each for each in layout.links if each.field == field and each.kind is Kind.LINKS), None)
    if link is not None:
        table = described.links[field]
        return table, table.c.target_id, table.c.target_name, table.c.target_type
    parts = {each.part: each.name for each in layout.columns if each.field == field}
    if Part.ID not in parts or Part.NAME not in parts:
        return None
    table = described.table
    kind = table.c[parts[Part.TYPE]] if Part.TYPE in parts else null()
    return table, table.c[parts[Part.ID]], table.c[parts[Part.NAME]], kind


def _last_row(connection: Connection, layout: Layout, record_id: int) -> Mapping[str, Any]:
    this = and_(tombstone.c.source == layout.source, tombstone.c.type == layout.type.name, tombstone.c.id == record_id)
    return _read(connection.scalar(select(tombstone.c.last_row).where(this)))


def _from_row(layout: Layout, record_id: int, row: Mapping[str, Any]) -> Hit:
    key, name = (None if each is None else row.get(each) for each in (_key_column(layout), _name_column(layout)))
    return Hit(layout, record_id, key, name)


def _read(value: Any) -> Mapping[str, Any]:
    """Return a JSON object of the database; empty for null."""
    found: Mapping[str, Any] = json.loads(value) if isinstance(value, str) else value or {}
    return found
