"""Notes what a page makes of records that somebody watches: rows as the tracker had them are compared with what it has now.

Edits that wait in the queue are looked through on both sides, so that nothing is told that only happened here.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from mirror.model.cells import fits, same, value_of
from mirror.model.change import Action, Change
from mirror.model.happening import Happening
from mirror.model.layout import Layout
from mirror.model.write import Target
from mirror.store import local_rows, queue_rows
from mirror.store.chunks import chunked
from mirror.store.journal import Happened, Watching, is_growing, note, watching
from mirror.store.queue_record import Desk
from mirror.store.queue_sheet import Sheet, open_sheets
from mirror.store.queue_states import LINKING
from mirror.store.record_tables import RecordTable

_INCIDENTAL = (Action.COMMENT, Action.ATTACH)  # whatever they add to a record shows in a collection of it


@dataclass(frozen=True, slots=True)
class _State:
    """A record as the tracker has it.

    Attributes:
        cells: column -> cell, the revision included.
        links: name of the link table -> its rows behind the owner, by position.
    """

    cells: Mapping[str, Any]
    links: Mapping[str, list[Any]]


@dataclass(frozen=True, slots=True)
class Noting:
    """Notes what happens to the rows of one layout in one transaction.

    Attributes:
        growing: the type has got fields that its rows were read without; such a field, which was empty in the same revision,
            is no news.
    """

    connection: Connection
    target: RecordTable
    now: datetime
    watchers: tuple[Watching, ...] = ()
    growing: bool = False

    @classmethod
    def of(cls, connection: Connection, target: RecordTable, *, now: datetime, loading: bool) -> Noting:
        """Return what notes for those who watch the type now."""
        place = (target.layout.source, target.layout.type.name)
        watchers = watching(connection, place, loading=loading)
        return cls(connection, target, now, tuple(watchers), bool(watchers) and is_growing(connection, place))

    @contextmanager
    def around(self, inserted: Collection[int], updated: Collection[int]) -> Iterator[None]:
        """Note what the block makes of these records; it writes their rows and links as the tracker has them.

        Args:
            inserted: they have no row yet.
            updated: their rows are to be replaced.
        """
        if not self.watchers or not (inserted or updated):
            yield
            return
        sheets = self._sheets([*inserted, *updated])
        before = self._before(updated, sheets)
        yield
        self._note(inserted, before, sheets)

    def _note(self, inserted: Collection[int], before: Mapping[int, _State], sheets: Mapping[int, Sheet]) -> None:
        layout = self.target.layout
        after = self._states(before)
        happened = [self._created(each, sheets.get(each)) for each in inserted if each not in before]
        for key, state in before.items():
            found = self._compared(key, state, after[key], sheets.get(key)) if key in after else None
            happened += [found] if found is not None else []
        note(self.connection, (layout.source, layout.type.name), self.watchers, happened, now=self.now)

    def _sheets(self, ids: Collection[int]) -> dict[int, Sheet]:
        """Return id -> the record under the pen, of those that have open changes."""
        layout = self.target.layout
        waiting = queue_rows.waiting(self.connection, (layout.source, layout.type.name), ids)
        return {each.record_id: each for each in open_sheets(Desk(self.connection, self.target, self.now), waiting)}

    def _before(self, updated: Collection[int], sheets: Mapping[int, Sheet]) -> dict[int, _State]:
        """Return what the tracker had, as far as is known, of records that are here, or only deleted here."""
        found = self._states(updated)
        for key, sheet in sheets.items():
            state = found.get(key) or self._hidden(sheet)
            if state is not None:
                own = {each.field for each in sheet.link_changes()}
                links = {self.target.links[each].name: [list(row) for row in sheet.tracker_links(each)] for each in own}
                found[key] = _State({**state.cells, **sheet.tracker}, {**state.links, **links})
        return found

    def _hidden(self, sheet: Sheet) -> _State | None:
        """Return the record that an open DELETE keeps."""
        deletion = sheet.deletion()
        base = deletion.base or {} if deletion is not None else {}
        return _State(base["row"], base.get("links") or {}) if "row" in base else None

    def _states(self, ids: Collection[int]) -> dict[int, _State]:
        rows = local_rows.read_rows(self.connection, self.target, ids, lock=False)
        links: dict[int, dict[str, list[Any]]] = {}
        for chunk in chunked(rows.keys()):
            links |= local_rows.whole_links(self.connection, self.target, chunk)
        return {key: _State(row, links.get(key, {})) for key, row in rows.items()}

    # what happened

    def _created(self, record_id: int, sheet: Sheet | None) -> Happened:
        is_own = sheet is not None and any(each.action is Action.CREATE for each in sheet.changes)
        return Happened(record_id, Happening.CREATED, is_own=is_own)

    def _compared(self, record_id: int, before: _State, after: _State, sheet: Sheet | None) -> Happened | None:
        """Return what happened to a record that was here; None when that is no news."""
        if before.cells.get("_revision") is None:  # it was made here, and has only now been seen on the tracker
            return Happened(record_id, Happening.CREATED, is_own=True)
        changes = differences(self.target, before.cells, after.cells) | self._other_links(before, after)
        if self.growing and before.cells["_revision"] == after.cells["_revision"]:
            changes = {field: pair for field, pair in changes.items() if pair[0] not in (None, [])}
        if not changes:  # another revision alone may only say that we know the record better now
            return None
        flying = [each for each in sheet.changes if each.is_in_flight] if sheet is not None else []
        is_own = bool(flying) and all(_is_ours(self.target.layout, each, after.cells, flying) for each in changes)
        return Happened(record_id, Happening.CHANGED, changes, is_own)

    def _other_links(self, before: _State, after: _State) -> dict[str, list[Any]]:
        found: dict[str, list[Any]] = {}
        for field, table in self.target.links.items():
            was, now = (_items(each.links.get(table.name, ())) for each in (before, after))
            if [_identity(each) for each in was] != [_identity(each) for each in now]:
                found[field] = [was, now]
        return found


def differences(target: RecordTable, before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, list[Any]]:
    """Return field -> [before, after] of the scalar and reference fields that differ by more than a shown name."""
    layout = target.layout
    columns = [each for each in layout.columns if before.get(each.name) != after.get(each.name)]
    found: dict[str, list[Any]] = {}
    for field in dict.fromkeys(each.field for each in columns):
        if not _is_same(layout, field, before, after):
            found[field] = [_shown(layout, field, before), _shown(layout, field, after)]
    return found


def _is_same(layout: Layout, field: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> bool:
    try:
        return same(layout, field, before, after)
    except ValueError:  # what SQL wrote there is no such value
        return False


def _shown(layout: Layout, field: str, cells: Mapping[str, Any]) -> Any:
    if not fits(layout, field, cells):
        return None
    value = value_of(layout, field, cells)
    return [value.type_name, value.id, value.name] if isinstance(value, Target) else value


def _items(rows: Collection[Any]) -> list[Any]:
    """Return the items of link rows: [type name, id, shown name], or texts."""
    return [row[1] if len(row) == 2 else [row[3] or "", row[1], row[2]] for row in rows]


def _identity(item: Any) -> Any:
    return tuple(item[:2]) if isinstance(item, list) else item


def _is_ours(layout: Layout, field: str, after: Mapping[str, Any], flying: Collection[Change]) -> bool:
    """Return whether what is on its way to the tracker accounts for the change of a field."""
    described = layout.type.field(field)
    if described is None or described.read_only:
        return True
    if any(field == each.field for each in layout.links):
        return any(each.action in _INCIDENTAL or (each.action in LINKING and each.field == field) for each in flying)
    values = [each.value or {} for each in flying if each.action is Action.UPDATE]
    return any(fits(layout, field, each) and _is_same(layout, field, each, after) for each in values)
