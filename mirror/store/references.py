"""Follows references backwards: which places point to given records, and keeping the names they show up to date.

The statements are put together as text: a rename has one for each place, some hundreds, and SQLAlchemy takes a hundred times
as long to put one together and compile it as a database takes to find that it has nothing to do.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Connection, TextClause, bindparam, text

from mirror.model.change import State
from mirror.model.layout import Layout
from mirror.model.part import Part
from mirror.model.schema import Field, Kind
from mirror.store.chunks import chunked
from mirror.store.record_tables import RecordTable, describe


@dataclass(frozen=True, slots=True)
class Place:
    """One place that can point to records of the type in question.

    Attributes:
        owner: name of the type whose rows or link rows these are.
        target: the column with the id of what is pointed to.
        name: the column with the name shown for it.
        kind: the column with the type of what is pointed to; None where there is none.
        certain: a matching id does belong to that type; else it may be another type's.
        open: the rows meant are those that leave that type open, not those that say it is the one in question.
    """

    owner: str
    table: str
    target: str
    name: str
    kind: str | None
    certain: bool
    open: bool = False

    def words(self, connection: Connection) -> dict[str, str]:
        """Return what statements about this place are put together from, quoted; `leads`: which of its rows are meant.

        Such a statement takes the values `source` and `type`.
        """
        quote = connection.dialect.identifier_preparer.quote
        words = {"table": quote(self.table), "target": quote(self.target), "name": quote(self.name)}
        if self.kind is None:
            return words | {"leads": "1 = 1"}
        leads = "IS NULL" if self.open else "= :type"
        return words | {"leads": f"{words['table']}.{quote(self.kind)} {leads}"}


_NAME = """(
    SELECT CAST(renamed.{shown} AS TEXT) FROM {renamed} AS renamed
    WHERE renamed.source = :source AND renamed.id = {table}.{target}
)"""

_LISTED = "SELECT {table}.id FROM {table} WHERE "
_UPDATE = "UPDATE {table} SET {name} = {fresh} WHERE "
_OUTDATED = """
    {table}.source = :source AND {leads} AND {pointing} AND EXISTS (
        SELECT 1 FROM {renamed} AS renamed
        WHERE renamed.source = :source AND renamed.id = {table}.{target} AND renamed.{shown} IS NOT NULL AND NOT EXISTS (
            SELECT 1 FROM mirror_change AS edit
            WHERE edit.source = :source AND edit.type = :type AND edit.record_id = renamed.id
            AND (edit.field = :field OR edit.state = :captured)
        )
    ) AND {table}.{name} <> {fresh}"""
"""A record without a name is shown under another text, which only the tracker knows; one whose name was edited here has
another one there."""


def spread_names(connection: Connection, layouts: Mapping[str, Layout], type_name: str, ids: Collection[int] | None) -> int:
    """Copy the present names of these records to every column and link row that shows them; return how many changed.

    The rows keep their revision: on the tracker they have not changed. Only places whose target type is certain are
    touched, since ids of different types may be equal. A place without a name keeps none: the tracker shows none there,
    though the record has one (the objects of RT's transactions). A name that was edited here is not copied: on the tracker
    it is not shown yet.

    Args:
        ids: None means all records of the type.
    """
    return sum(
        connection.execute(each.update, each.values).rowcount for each in outdated_names(connection, layouts, type_name, ids)
    )


@dataclass(frozen=True, slots=True)
class Outdated:
    """Rows of one place that show another name than the present one.

    Attributes:
        owner: name of the type whose rows or link rows these are.
        listed: the query for the ids of these rows, or of the records they belong to.
        update: the statement that gives them the present name.
        values: what both are to be executed with.
    """

    owner: str
    listed: TextClause
    update: TextClause
    values: dict[str, Any]


def outdated_names(
    connection: Connection, layouts: Mapping[str, Layout], type_name: str, ids: Collection[int] | None
) -> Iterator[Outdated]:
    """Yield where names of these records are shown that are to be replaced, see `spread_names`."""
    renamed = describe(layouts[type_name])
    if renamed.name_column is None:
        return
    for place in places(layouts, type_name):
        if place.certain:
            for chunk in [None] if ids is None else chunked(ids):
                yield _outdated(connection, place, renamed, chunk)


def _outdated(connection: Connection, place: Place, renamed: RecordTable, ids: list[int] | None) -> Outdated:
    layout = renamed.layout
    quote = connection.dialect.identifier_preparer.quote
    words = place.words(connection) | {"renamed": quote(layout.table), "shown": quote(renamed.name_column or "")}
    words["pointing"] = "1 = 1" if ids is None else "{table}.{target} IN :ids".format_map(words)
    words["fresh"] = _NAME.format_map(words)
    values = {"source": layout.source, "type": layout.type.name, "field": layout.type.name_field}
    listed, update = (stated(each + _OUTDATED, words, ids) for each in (_LISTED, _UPDATE))
    return Outdated(place.owner, listed, update, values | {"captured": State.CAPTURED.value} | ({"ids": ids} if ids else {}))


def stated(template: str, words: Mapping[str, str], ids: list[int] | None) -> TextClause:
    """Return a statement about a place, or several, that takes a list called `ids` unless that is None."""
    made = text(template.format_map(words))
    return made if ids is None else made.bindparams(bindparam("ids", expanding=True))


def places(layouts: Mapping[str, Layout], type_name: str) -> Iterator[Place]:
    """Yield every place in the tables of `layouts` that can point to records of `type_name`."""
    for owner, layout in layouts.items():
        links = {each.field: each.name for each in layout.links}
        for field in layout.type.fields:
            certain = _leads_to(field, type_name, layouts)
            if field.kind is Kind.REFERENCE:
                yield from _column_place(owner, layout, field, certain)
            elif field.kind is Kind.LINKS and certain is not False:
                link = Place(owner, links[field.name], "target_id", "target_name", "target_type", True)
                yield from (link, replace(link, open=True, certain=certain is True))


def _leads_to(field: Field, type_name: str, layouts: Mapping[str, Layout]) -> bool | None:
    """Return whether `field` points to that type by its declaration; None when that cannot be told.

    A target that is no type of the source is an abstract one (`Artifact`), which says nothing.
    """
    if not field.targets or layouts.keys().isdisjoint(field.targets):
        return None
    if type_name not in field.targets:
        return False
    return True if len(field.targets) == 1 else None


def _column_place(owner: str, layout: Layout, field: Field, certain: bool | None) -> Iterator[Place]:
    names = {each.part: each.name for each in layout.columns if each.field == field.name}
    kind = names.get(Part.TYPE)
    if kind or certain is not False:
        yield Place(owner, layout.table, names[Part.ID], names[Part.NAME], kind, bool(kind or certain))
