"""Records as they were before something happened to them, for queries to be asked about that."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from mirror.model.cells import canonical, cells_of, columns_of
from mirror.model.layout import Layout
from mirror.model.part import Part
from mirror.model.schema import Kind
from mirror.model.write import Item, Target
from mirror.query.evaluate import Key
from mirror.query.expr import Step
from mirror.script.home import Home
from mirror.store.watchers import LastSeen


@dataclass(frozen=True, slots=True)
class Version:
    """One version of a record.

    Attributes:
        cells: column -> cell, as rows have them.
        items: many-valued field -> its items, of those that are known to have been others than now.
    """

    cells: Mapping[str, Any]
    items: Mapping[str, Sequence[Item]] = field(default_factory=dict)


@dataclass(slots=True)
class Earlier:
    """Answers what a query asks about records: of some as they were, of all others as they are. See query.evaluate.Reading.

    Attributes:
        versions: of the records that are to be seen as they were.
    """

    home: Home
    versions: Mapping[Key, Version]
    layouts: Mapping[str, Layout] = field(init=False)
    _rows: dict[Key, Mapping[str, Any] | None] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.layouts = self.home.layouts

    def is_there(self, record: Key) -> bool:
        """Return whether there is such a record."""
        return self._cells(record) is not None

    def cell(self, record: Key, field: str, part: Part) -> object:
        """Return a value of a scalar or reference field; None is null."""
        column = columns_of(self.layouts[record[0]], field).get(part)
        return None if column is None else (self._cells(record) or {}).get(column.name)

    def items(self, record: Key, field: str) -> Sequence[Item]:
        """Return what a many-valued field holds."""
        version = self.versions.get(record)
        if version is not None and field in version.items:
            return version.items[field]
        return self.home.store.finder.items(self.layouts[record[0]], record[1], field)

    def referring(self, record: Key, type_name: str, field: str) -> Sequence[int]:
        """Return the ids of the records of a type that refer to `record` now, ascending."""
        step = Step(field, (type_name,), backward=True)
        return sorted({each.target_id for each in self.home.searching.reached(record[0], [record[1]], step)})

    def _cells(self, record: Key) -> Mapping[str, Any] | None:
        version = self.versions.get(record)
        if version is not None:
            return version.cells
        if record not in self._rows:
            self._rows[record] = cells_now(self.home, record)
        return self._rows[record]


def cells_now(home: Home, record: Key) -> Mapping[str, Any] | None:
    """Return column -> cell of a record; None when it is not here."""
    row = next(iter(home.searching.rows_of(record[0], [record[1]])), None)
    return None if row is None else dict(zip(home.shape(record[0]).columns, row.values, strict=True))


def before(layout: Layout, cells: Mapping[str, Any], changes: Mapping[str, Sequence[Any]]) -> Version:
    """Return a record as it was before these changes.

    Args:
        cells: as it is now.
        changes: see model.happening.Entry.
    """
    was, items = dict(cells), dict[str, Sequence[Item]]()
    for name, (value, _after) in changes.items():
        described = layout.type.field(name)
        if described is None:
            continue
        if described.kind in (Kind.LINKS, Kind.VALUES):
            items[name] = [each if isinstance(each, str) else Target(*each) for each in value or ()]
        else:
            was |= cells_of(layout, name, Target(*value) if isinstance(value, list) else value)
    return Version(was, items)


def last(layout: Layout, seen: LastSeen) -> Version:
    """Return a record as it was when it went."""
    kinds = {each.name: each.kind for each in layout.columns} | {"_changed_at": Kind.TIMESTAMP}
    cells = {name: _cell(kinds.get(name), value) for name, value in seen.cells.items()}
    items = {each.field: [_item(row) for row in seen.links.get(each.name, ())] for each in layout.links}
    return Version(cells, items)


def _cell(kind: Kind | None, value: Any) -> Any:
    try:
        return value if kind is None else canonical(kind, value)
    except ValueError:
        return value


def _item(row: Sequence[Any]) -> Item:
    """Return the item of a link row without its owner: position, then target or value."""
    return str(row[1]) if len(row) == 2 else Target(row[3] or "", row[1], row[2])
