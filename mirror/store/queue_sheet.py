"""One record and its open changes under the pen: base + changes = local is kept here, and nowhere else.

A sheet is read with the row locked, altered in memory, and written back by `save`. What the row is to show follows from what
the tracker has and from the changes; nobody writes it directly.

Changes of one field, in the order they were made, are a chain: what the first was made upon is the base, what the last
wants is shown. A change that is in flight, or that SQL made and nobody has looked at, is never altered. While a chain has
one, nothing of it is decided, and what the tracker shows meanwhile is kept as `remote` of its first change; as soon as it
has none, it is joined to one change, which is decided by the three-way rule.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from mirror.merge.fields import Verdict, decide, equal
from mirror.model.cells import check_sendable, columns_of, is_current
from mirror.model.change import Action, Cells, Change, End, State
from mirror.store import local_rows, queue_rows
from mirror.store.chunks import chunked
from mirror.store.queue_links import LinkSheet
from mirror.store.queue_record import Desk
from mirror.store.queue_states import SINCE, TOUCHING, is_captured, is_frozen, is_gone
from mirror.store.queue_writes import Writes


def open_sheet(desk: Desk, record_id: int) -> Sheet:
    """Return the sheet of one record with its row and its changes locked.

    The row first, so that the changes of whoever was editing it by SQL meanwhile are seen.
    """
    row = local_rows.read_rows(desk.connection, desk.target, [record_id]).get(record_id)
    layout = desk.target.layout
    return Sheet(desk, record_id, row, queue_rows.of_record(desk.connection, (layout.source, layout.type.name, record_id)))


def open_sheets(desk: Desk, ids: Collection[int], *, every: bool = False) -> Iterator[Sheet]:
    """Yield the sheets of those of these records that have open changes, or of every one, as `open_sheet` does, by id."""
    layout = desk.target.layout
    for chunk in chunked(sorted(ids)):
        rows = local_rows.read_rows(desk.connection, desk.target, chunk)
        changes = queue_rows.of_records(desk.connection, (layout.source, layout.type.name), chunk)
        for each in sorted(chunk if every else changes):
            yield Sheet(desk, each, rows.get(each), changes.get(each, ()))


class Sheet(LinkSheet):
    """A record under the pen: its fields, on top of what it knows and of its links."""

    def __init__(self, desk: Desk, record_id: int, row: Mapping[str, Any] | None, changes: Iterable[Change]) -> None:
        super().__init__(desk, record_id, row, changes)
        self._put: list[Change] = []

    def chain(self, field: str) -> list[Change]:
        """Return the changes that touch the columns of a field."""
        names = {each.name for each in columns_of(self.layout, field).values()}
        updates = [each for each in self.changes if each.action is Action.UPDATE]
        # A field that has vanished has its name alone; of one that got another kind, earlier changes are of other columns.
        return [each for each in updates if (names.intersection(each.value or {}) if names else each.field == field)]

    def outdated(self, field: str) -> list[Change]:
        """Return the changes of a field from when it was of another kind, that may be altered."""
        found = [each for each in self.changes if each.action is Action.UPDATE and each.field == field]
        return [each for each in found if not is_frozen(each) and not is_current(self.layout, each)]

    def cells(self, field: str) -> dict[str, Any]:
        """Return the cells of a field as they are shown now."""
        names = [each.name for each in columns_of(self.layout, field).values()]
        shown = self.shown()
        row = self.row or {}
        return {name: shown[name] if name in shown else row.get(name) for name in names}

    def shown(self) -> dict[str, Any]:
        """Return the cells that base and changes make, of every column that is or was touched."""
        found = dict(self.tracker)
        for each in self.changes:
            if each.action is Action.UPDATE:
                found |= each.value or {}
        return found

    def leave(self, change: Change, *, has_it: bool, except_for: Collection[str] = ()) -> None:
        """Have the next change of each field that `change` touches stand upon what is there without it.

        Args:
            has_it: the tracker has its value; else it is as if the change had never been.
            except_for: fields to be left alone.
        """
        known = {**(change.value or {}), **(change.remote or {})} if has_it else dict(change.base or {})
        for field in self.fields_of(change) - frozenset(except_for):
            chain = self.chain(field)
            part = {each.name: known[each.name] for each in columns_of(self.layout, field).values() if each.name in known}
            if has_it and chain[0] is change:
                self.tracker.update(part)
            behind = next(iter(chain[chain.index(change) + 1 :]), None)
            if behind is None:
                continue
            seen = {} if has_it else {name: value for name, value in (change.remote or {}).items() if name in part}
            revision = behind.base_revision if is_captured(behind) else self.revision
            base, remote = {**(behind.base or {}), **part}, seen or behind.remote
            self.swap(behind, base=base, remote=remote, base_revision=revision)

    def fields_of(self, change: Change) -> set[str]:
        """Return the fields whose columns an UPDATE touches."""
        return {each.field for each in self.layout.columns if each.name in (change.base or {})}

    def join(self, field: str) -> None:
        """Make one change of those of a field that follow each other, and decide it, unless one may not be altered."""
        last: Change | None = None
        for each in self.chain(field):
            if last is None or is_frozen(last) or is_frozen(each):
                last = each
            else:
                self.drop(last)
                last = self._joined(last, each)
        chain = self.chain(field)
        if last is None or any(is_frozen(each) for each in chain):
            return
        if last.remote:
            self.judge(last, last.remote)
        elif equal(self.layout, field, last.base or {}, last.value or {}) and last.state is not State.CONFLICT:
            self.end(last, End.DISCARDED, "set back to what it was")

    def _joined(self, first: Change, last: Change) -> Change:
        told = first if first.state is State.CONFLICT and not is_gone(last) else last
        return self.swap(
            last,
            base=first.base,
            base_revision=first.base_revision,
            remote=last.remote if is_gone(last) else first.remote,
            state=told.state,
            reason=told.reason,
        )

    def judge(self, change: Change, remote: Cells) -> None:
        """Decide a change of one field by what the tracker has; its state and base follow, or it ends.

        A conflict without remote cells was found by the tracker's answer to our own write: it had our value then, so nothing
        that it shows can settle it; only what a discard would restore follows.
        """
        if change.state is State.CONFLICT and change.remote is None:
            self.swap(change, base={**(change.base or {}), **remote}, base_revision=self.revision)
            return
        decision = decide(self.layout, change.field, change.base or {}, change.value or {}, remote)
        if decision.verdict is Verdict.ALREADY:
            self.tracker.update(remote)
            self.end(change, End.ALREADY, "the tracker has the same value", self.revision)
        elif decision.verdict is Verdict.CONFLICT:
            self.swap(change, state=State.CONFLICT, remote=remote, reason=SINCE, base_revision=self.revision)
        else:
            ready = change.state is State.CONFLICT
            self.swap(
                change,
                base=remote,
                value=decision.value,
                remote=None,
                state=State.READY if ready else change.state,
                reason="" if ready else change.reason,
                base_revision=self.revision,
            )

    # writing back

    def save(self, writes: Writes | None = None) -> None:
        """Write row, links and changes as they are now.

        Args:
            writes: what collects all but the links; it must be flushed, and changes that are new do not get their ids here.
        """
        own = Writes(self.desk.connection)
        self._save(own if writes is None else writes, give_ids=writes is None)
        own.flush()

    def _save(self, writes: Writes, *, give_ids: bool) -> None:
        for each in list(self.changes):
            self._check(each)
        deletion = self.deletion()
        if self.row is None and deletion is not None:
            self.swap(deletion, base=self._kept(deletion))
        self._save_changes(writes, give_ids=give_ids)
        self._save_notes(writes)
        if self.row is None:
            return
        touches = any(each.action in TOUCHING for each in self.changes)
        cells = {name: each for name, each in self.shown().items() if name not in self.row or self.row[name] != each}
        if cells or bool(self.row["_dirty"]) is not touches:
            writes.cells(self.desk.target, self.record_id, {**cells, "_dirty": touches})
            self.row = {**self.row, **cells, "_dirty": touches}
        for field in self._linked:
            links = self.links(field)
            if links != self._links[field]:
                local_rows.write_links(self.desk.connection, self.desk.target, field, self.record_id, links)
                self._links[field] = links

    def _kept(self, deletion: Change) -> dict[str, Any]:
        """Return what a DELETE keeps of the record: as the tracker has it, or while it is not taken in, as it was shown."""
        base = deletion.base or {}
        cells, links_of = (self.shown(), self.links) if is_captured(deletion) else (self.tracker, self.tracker_links)
        links = dict(base.get("links") or {})
        links |= {self.desk.target.links[each].name: links_of(each) for each in self._linked}
        return {"row": {**(base.get("row") or {}), **cells}, "links": {name: rows for name, rows in links.items() if rows}}

    def _check(self, change: Change) -> None:
        """Refuse what is READY, or a conflict, and cannot be sent as it is: to be called before anything is written."""
        if change.state not in (State.READY, State.CONFLICT) or is_gone(change):
            return
        fields = {each.field for each in self.layout.columns} | {each.field for each in self.layout.links}
        if change.field in fields and not is_current(self.layout, change):
            reason = f"{change.field} is of another kind now: set it again"
            self.swap(change, state=State.REFUSED, reason=reason, remote=None)
        elif change.state is State.READY and change.action is Action.UPDATE:
            try:
                check_sendable(self.layout, change.field, change.value or {})
            except ValueError as error:
                self.swap(change, state=State.REFUSED, reason=str(error), remote=None)

    def _save_changes(self, writes: Writes, *, give_ids: bool) -> None:
        kept = {each.id for each in self.changes}
        writes.drop(each for each in self._stored if each not in kept)
        for place, each in enumerate(self.changes):
            if each.id == 0 and give_ids:
                self.changes[place] = replace(each, id=queue_rows.put(self.desk.connection, each))
            elif each.id == 0 and each not in self._put:
                writes.put(each)
                self._put.append(each)
            elif each.id != 0 and each != self._stored[each.id]:
                writes.change(each)
        self._stored = {each.id: each for each in self.changes if each.id}
