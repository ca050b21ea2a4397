"""Which assets show exactly what a create has sent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mirror.connectors.versionone.discussing import words
from mirror.connectors.versionone.writers import Place
from mirror.model.cells import cells_of, same
from mirror.model.layout import HEAD, Layout
from mirror.model.page import Page, Row
from mirror.model.schema import Kind
from mirror.model.write import Item, Target, Value, Write

_RICH = "LongText"


def shows(place: Place, write: Write, ids: Sequence[int]) -> list[int]:
    """Return which of these records have every value and item of the write, wherever they are."""
    if not ids:
        return []
    page = place.anywhere(write.layout, ids)
    return [int(row[1]) for row in page.rows if fits(write, page, row)]


def fits(write: Write, page: Page, row: Row) -> bool:
    """Return whether a row of a page has every value and item of the write."""
    cells = dict(zip([each.name for each in write.layout.columns], row[len(HEAD) :], strict=True))
    linked = all(_has_items(page.links.get(name, ()), row[1], items) for name, items in write.added.items())
    return linked and all(_is_same(write.layout, name, cells, value) for name, value in write.values.items())


def _is_same(layout: Layout, name: str, cells: Mapping[str, Any], value: Value) -> bool:
    sent = cells_of(layout, name, value)
    if same(layout, name, cells, sent):
        return True
    field = layout.type.field(name)
    if field is None or field.kind is not Kind.TEXT:
        return False
    here, there = ("" if each is None else str(each) for each in (*sent.values(), cells.get(next(iter(sent)))))
    if field.native_type == _RICH:
        return words(here) == words(there)  # the server may write markup its own way
    return here.replace("\r\n", "\n") == there.replace("\r\n", "\n")


def _has_items(rows: Sequence[tuple[Any, ...]], owner: int, items: Sequence[Item]) -> bool:
    there = {row[2] for row in rows if row[0] == owner}
    return all((each.id if isinstance(each, Target) else each) in there for each in items)
