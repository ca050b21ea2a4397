"""The half of a sheet that is about many-valued fields: items that are put in and taken out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from mirror.merge.items import Item, is_already, parse_target
from mirror.model.cells import is_current
from mirror.model.change import Action, Change, End
from mirror.model.schema import Kind
from mirror.store import local_rows
from mirror.store.local_rows import LinkCells
from mirror.store.queue_record import Desk, RecordSheet
from mirror.store.queue_states import LINKING, is_captured, is_frozen


class LinkSheet(RecordSheet):
    """What of a sheet is about links."""

    def __init__(self, desk: Desk, record_id: int, row: Mapping[str, Any] | None, changes: Iterable[Change]) -> None:
        super().__init__(desk, record_id, row, changes)
        self._links: dict[str, list[LinkCells]] = {}
        self._tracker_links: dict[str, list[LinkCells]] = {}

    def items(self, field: str, item: str) -> list[Change]:
        """Return the LINK and UNLINK changes of one item."""
        changes = self.link_changes(field)
        wanted = self.item(field, item) if changes else None
        return [each for each in changes if wanted is not None and self.item(field, each.item).is_same(wanted)]

    def item(self, field: str, item: str) -> Item:
        """Return what `item` of a change names."""
        kind = next(each.kind for each in self.layout.links if each.field == field)
        return Item(text=item) if kind is Kind.VALUES else parse_target(item)

    def links(self, field: str) -> list[LinkCells]:
        """Return the links of a field that base and changes make, by position."""
        tracker = self.tracker_links(field)
        if field not in self._links:
            self._links[field] = self._stored_links(field)
        rows = list(tracker)
        position = 1 + max((each[0] for each in (*tracker, *self._links[field])), default=-1)
        for change in self.link_changes(field):
            if change is not self.items(field, change.item)[-1]:
                continue
            wanted = self.item(field, change.item)
            if change.action is Action.UNLINK:
                rows = [each for each in rows if not wanted.is_same(self.item_of(each))]
            elif not any(wanted.is_same(self.item_of(each)) for each in rows):
                before = [each for each in self._links[field] if wanted.is_same(self.item_of(each))]
                rows += before[:1] or [self._new_link(field, change, position)]
                position = max(position, rows[-1][0]) + 1
        return sorted(_distinct(rows), key=lambda each: each[0])

    def tracker_links(self, field: str) -> list[LinkCells]:
        """Return the links of a field as the tracker has them: what is stored, less the changes that were read with it."""
        if field not in self._tracker_links:
            links = self._stored_links(field)
            self.undo_links(field, links)
            deletion = self.deletion() if self.row is None else None
            if deletion is not None and not is_captured(deletion):
                self.set_tracker_links(field, links)
        return self._tracker_links[field]

    def _stored_links(self, field: str) -> list[LinkCells]:
        """Return what is in the link table, or what the open DELETE keeps of it."""
        deletion = self.deletion() if self.row is None else None
        if deletion is None:
            return local_rows.read_links(self.desk.connection, self.desk.target, field, self.record_id)
        kept = ((deletion.base or {}).get("links") or {}).get(self.desk.target.links[field].name, ())
        return [tuple(each) for each in kept]

    def undo_links(self, field: str, shown: Iterable[LinkCells]) -> None:
        """Take `shown` for the links of a field as base and changes make them, and find out what the tracker has."""
        self._links[field] = rows = list(shown)
        seen: list[Item] = []
        for change in (each for each in self._read if each.action in LINKING and each.field == field):
            if not is_current(self.layout, change):
                continue
            item = self.item(field, change.item)
            if any(item.is_same(each) for each in seen):
                continue
            seen.append(item)
            known = change.remote if change.remote and "rows" in change.remote else change.base
            rows = [each for each in rows if not item.is_same(self.item_of(each))]
            rows += [tuple(each) for each in (known or {}).get("rows", ())]
        self.set_tracker_links(field, rows)

    def set_tracker_links(self, field: str, rows: Iterable[LinkCells]) -> None:
        """Learn which links of a field the tracker has."""
        self._tracker_links[field] = sorted(_distinct(rows), key=lambda each: each[0])

    def take_remote_links(self, field: str) -> None:
        """Take the stored links of a field for the tracker's: they have just come from there."""
        self._links[field] = local_rows.read_links(self.desk.connection, self.desk.target, field, self.record_id)
        self.set_tracker_links(field, self._links[field])

    def rows_of(self, field: str, item: str) -> list[LinkCells]:
        """Return the tracker's link rows of one item."""
        wanted = self.item(field, item)
        return [each for each in self.tracker_links(field) if wanted.is_same(self.item_of(each))]

    def set_rows_of(self, field: str, item: str, rows: Iterable[LinkCells]) -> None:
        """Learn which link rows of one item the tracker has."""
        wanted = self.item(field, item)
        others = [each for each in self.tracker_links(field) if not wanted.is_same(self.item_of(each))]
        self.set_tracker_links(field, [*others, *rows])

    def new_row(self, change: Change) -> LinkCells:
        """Return the link row that a LINK stands for, as shown now or behind all others."""
        wanted = self.item(change.field, change.item)
        shown = [each for each in self.links(change.field) if wanted.is_same(self.item_of(each))]
        behind = 1 + max((each[0] for each in (*self.links(change.field), *self.tracker_links(change.field))), default=-1)
        return shown[0] if shown else self._new_link(change.field, change, behind)

    def join_item(self, field: str, item: str) -> None:
        """Make at most one change of those of an item and decide it; nothing while one may not be altered."""
        chain = self.items(field, item)
        if not chain or any(is_frozen(each) for each in chain):
            return
        for each in chain[:-1]:
            self.end(each, End.DISCARDED, "taken back by a later edit")
        rows = self.rows_of(field, item)
        last = chain[-1]
        if is_already(last.action, there=bool(rows)):
            taken_back = len(chain) > 1
            self.end(
                last, End.DISCARDED if taken_back else End.ALREADY, "as it was" if taken_back else "the tracker has it so"
            )
        else:
            self.swap(last, base={"rows": rows} if last.action is Action.UNLINK else None, remote=None)

    def item_of(self, row: LinkCells) -> Item:
        """Return the item of a link row."""
        return Item(text=row[1]) if len(row) == 2 else Item(id=row[1], type_name=row[3])

    def _new_link(self, field: str, change: Change, position: int) -> LinkCells:
        item, value = self.item(field, change.item), change.value or {}
        if item.id is None:
            return (position, item.text)
        described = self.layout.type.field(field)
        only = described.targets[0] if described is not None and len(described.targets) == 1 else None
        return (position, item.id, value.get("name"), value.get("type") or item.type_name or only)


def _distinct(rows: Iterable[LinkCells]) -> list[LinkCells]:
    """Return link rows with one for a position: a later one that meets another goes behind all."""
    found: dict[int, LinkCells] = {}
    for each in rows:
        position = each[0] if each[0] not in found else 1 + max(found)
        found[position] = (position, *each[1:])
    return list(found.values())
