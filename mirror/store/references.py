"""Follows references backwards: which rows point to given records, and keeping the names they show up to date."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    ColumnClause,
    ColumnElement,
    Connection,
    ScalarSelect,
    TableClause,
    Text,
    and_,
    cast,
    column,
    or_,
    select,
    table,
    true,
    update,
)

from mirror.model.change import State
from mirror.model.layout import Layout
from mirror.model.part import Part
from mirror.model.schema import Field, Kind
from mirror.store.chunks import chunked
from mirror.store.record_tables import RecordTable, describe
from mirror.store.tables import change as changes


@dataclass(frozen=True, slots=True)
class Pointer:
    """One place that can point to records of the type in question.

    Attributes:
        owner: name of the type whose rows or link rows these are.
        target: the column with the id of what is pointed to.
        name: the column with the name shown for it.
        leads: the condition under which a row points to that type.
        certain: a matching id does belong to that type; else it may be another type's.
    """

    owner: str
    table: TableClause
    target: ColumnClause[Any]
    name: ColumnClause[Any]
    leads: ColumnElement[bool]
    certain: bool


def spread_names(connection: Connection, layouts: Mapping[str, Layout], type_name: str, ids: Collection[int] | None) -> int:
    """Copy the present names of these records to every column and link row that shows them; return how many changed.

    The rows keep their revision: on the tracker they have not changed. Only places whose target type is certain are
    touched, since ids of different types may be equal. A place without a name keeps none: the tracker shows none there,
    though the record has one (the objects of RT's transactions). A name that was edited here is not copied: on the tracker
    it is not shown yet.

    Args:
        ids: None means all records of the type.
    """
    changed = 0
    for each in outdated_names(layouts, type_name, ids):
        statement = update(each.pointer.table).where(*each.conditions).values({each.pointer.name.name: each.name})
        changed += connection.execute(statement).rowcount
    return changed


@dataclass(frozen=True, slots=True)
class Outdated:
    """Rows that show another name than the present one.

    Attributes:
        conditions: under which rows of the pointer's table do.
        name: the present name.
    """

    pointer: Pointer
    conditions: tuple[ColumnElement[bool], ...]
    name: ScalarSelect[Any]


def outdated_names(layouts: Mapping[str, Layout], type_name: str, ids: Collection[int] | None) -> Iterator[Outdated]:
    """Yield where names of these records are shown that are to be replaced, see `spread_names`."""
    renamed = describe(layouts[type_name])
    if renamed.name_column is None:
        return
    for pointer in pointers(layouts, type_name):
        if pointer.certain:
            for chunk in [None] if ids is None else chunked(ids):
                yield _outdated(pointer, renamed, _pointing(pointer, layouts, chunk))


def _outdated(pointer: Pointer, renamed: RecordTable, pointing: list[ColumnElement[bool]]) -> Outdated:
    name_column = renamed.name_column or ""
    now = _slim(renamed.table.name, "source", "id", name_column).alias("renamed")
    same = and_(now.c.source == renamed.layout.source, now.c.id == pointer.target)
    name = select(cast(now.c[name_column], Text)).where(same).scalar_subquery()
    # A record without a name is shown under another text, which only the tracker knows.
    there = select(now.c.id).where(same, now.c[name_column].is_not(None), ~_is_edited(renamed, now.c.id)).exists()
    return Outdated(pointer, (*pointing, there, pointer.name != name), name)


def _is_edited(renamed: RecordTable, record_id: ColumnElement[Any]) -> ColumnElement[bool]:
    """Return the condition under which the name of a record may not be what the tracker has."""
    layout = renamed.layout
    edits = or_(changes.c.field == layout.type.name_field, changes.c.state == State.CAPTURED.value)
    of_type = (changes.c.source == layout.source, changes.c.type == layout.type.name)
    return select(changes.c.id).where(*of_type, changes.c.record_id == record_id, edits).exists()


def _slim(name: str, *columns: str) -> TableClause:
    """Return a table of which only these columns are spoken of: it compiles several times as fast as with all of them."""
    return table(name, *(column(each) for each in columns))


def _pointing(pointer: Pointer, layouts: Mapping[str, Layout], ids: list[int] | None) -> list[ColumnElement[bool]]:
    here = [pointer.table.c.source == layouts[pointer.owner].source, pointer.leads]
    return here if ids is None else [*here, pointer.target.in_(ids)]


def pointers(layouts: Mapping[str, Layout], type_name: str) -> Iterator[Pointer]:
    """Yield every place in the tables of `layouts` that can point to records of `type_name`."""
    for owner, layout in layouts.items():
        links = {each.field: each.name for each in layout.links}
        for field in layout.type.fields:
            certain = _leads_to(field, type_name, layouts)
            if field.kind is Kind.REFERENCE:
                yield from _column_pointer(owner, layout, field, type_name, certain)
            elif field.kind is Kind.LINKS and certain is not False:
                yield from _link_pointers(owner, links[field.name], type_name, certain=certain is True)


def _leads_to(field: Field, type_name: str, layouts: Mapping[str, Layout]) -> bool | None:
    """Return whether `field` points to that type by its declaration; None when that cannot be told.

    A target that is no type of the source is an abstract one (`Artifact`), which says nothing.
    """
    if not field.targets or layouts.keys().isdisjoint(field.targets):
        return None
    if type_name not in field.targets:
        return False
    return True if len(field.targets) == 1 else None


def _column_pointer(owner: str, layout: Layout, field: Field, type_name: str, certain: bool | None) -> Iterator[Pointer]:
    names = {each.part: each.name for each in layout.columns if each.field == field.name}
    if Part.TYPE not in names and certain is False:
        return
    slim = _slim(layout.table, "source", "id", *names.values())
    leads: ColumnElement[bool] = true()
    if Part.TYPE in names:
        leads, certain = slim.c[names[Part.TYPE]] == type_name, True
    yield Pointer(owner, slim, slim.c[names[Part.ID]], slim.c[names[Part.NAME]], leads, certain is True)


def _link_pointers(owner: str, name: str, type_name: str, *, certain: bool) -> Iterator[Pointer]:
    """Yield the pointers of a link table: rows that say the type they point to, and rows that leave it open."""
    slim = _slim(name, "source", "id", "target_id", "target_name", "target_type")
    for leads, sure in ((slim.c.target_type == type_name, True), (slim.c.target_type.is_(None), certain)):
        yield Pointer(owner, slim, slim.c.target_id, slim.c.target_name, leads, sure)
