"""Which assets show, or did at first, exactly what a create has sent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mirror.connectors.versionone.discussing import words
from mirror.connectors.versionone.history import SURPRISES, Version, comparable, first_versions, shown
from mirror.connectors.versionone.question import id_in
from mirror.connectors.versionone.writers import Place
from mirror.model.cells import cells_of, same
from mirror.model.layout import HEAD, Layout
from mirror.model.page import Page, Row
from mirror.model.schema import Field, Kind
from mirror.model.write import Item, Target, Value, Write

_RICH = "LongText"


def odd_now(place: Place, write: Write, ids: Sequence[int]) -> dict[int, frozenset[str]]:
    """Return of each of these records that there is, wherever it is, the fields that show otherwise than the write."""
    if not ids:
        return {}
    page = place.anywhere(write.layout, ids)
    return {int(row[1]): odd_fields(write, page, row) for row in page.rows}


def odd_fields(write: Write, page: Page, row: Row) -> frozenset[str]:
    """Return the fields of a row of a page that do not have the value, or all items, of the write."""
    cells = dict(zip([each.name for each in write.layout.columns], row[len(HEAD) :], strict=True))
    values = {name for name, value in write.values.items() if not _is_same(write.layout, name, cells, value)}
    items = {name for name, some in write.added.items() if not _has_items(page.links.get(name, ()), row[1], some)}
    return frozenset(values | items)


def odd_then(place: Place, write: Write, ids: Sequence[int]) -> list[frozenset[str] | None]:
    """Return of each of these records the fields that its first version had otherwise; None where it cannot be read."""
    firsts = first_versions(place, write.layout.type.name, ids, [*write.values, *write.added])
    return [None if each is None else _odd_in(write, each) for each in firsts]


def _odd_in(write: Write, first: Version) -> frozenset[str] | None:
    try:
        values = {name for name, value in write.values.items() if not _was_same(write.layout, name, first, value)}
        items = {name for name, some in write.added.items() if not _had_items(first.row.get(name), some)}
    except SURPRISES:
        return None
    return frozenset(values | items)


def _was_same(layout: Layout, name: str, version: Version, value: Value) -> bool:
    field = layout.type.field(name)
    if field is None:
        return False
    there, here = shown(field, version.row), comparable(field, value)
    if field.kind is not Kind.TEXT:
        return there == here
    return _is_same_text(field, str(here or ""), str(there or ""))


def _had_items(found: Any, items: Sequence[Item]) -> bool:
    each_found = found if isinstance(found, list) else [] if found is None else [found]
    there = {id_in(each["_oid"]) if isinstance(each, Mapping) else each for each in each_found}
    return all((each.id if isinstance(each, Target) else each) in there for each in items)


def _is_same(layout: Layout, name: str, cells: Mapping[str, Any], value: Value) -> bool:
    sent = cells_of(layout, name, value)
    if same(layout, name, cells, sent):
        return True
    field = layout.type.field(name)
    if field is None or field.kind is not Kind.TEXT:
        return False
    here, there = ("" if each is None else str(each) for each in (*sent.values(), cells.get(next(iter(sent)))))
    return _is_same_text(field, here, there)


def _is_same_text(field: Field, here: str, there: str) -> bool:
    if field.native_type == _RICH:
        return words(here) == words(there)  # the server may write markup its own way
    return here.replace("\r\n", "\n") == there.replace("\r\n", "\n")


def _has_items(rows: Sequence[tuple[Any, ...]], owner: int, items: Sequence[Item]) -> bool:
    there = {row[2] for row in rows if row[0] == owner}
    return all((each.id if isinstance(each, Target) else each) in there for each in items)
