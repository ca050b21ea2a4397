"""Takes in what was edited by SQL: checks it as any edit, splits it by field, and makes it ready or refuses it.

A refused edit is kept with the reason, and the cells stay as the user wrote them, until it is discarded. What one edit is
like never keeps others waiting.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from mirror.engine.edit import Editor
from mirror.engine.lookup import Lookup
from mirror.engine.protection import forbids, reason
from mirror.engine.validate import article, check_writable, is_storable
from mirror.model.cells import canonical, cells_of, columns_of, is_current
from mirror.model.change import Action, Cells, Change, State, Via
from mirror.model.layout import Layout
from mirror.model.part import Part
from mirror.model.schema import Field, Kind
from mirror.model.write import Target, Value
from mirror.store.store import Store, Taken

_AT_ONCE = 500  # records that are taken in by one transaction
_ROUNDS = 5  # after which edits of a program that writes faster than this wait for the next time

Record = tuple[str, int]
"""Type name and id."""


def take_in(store: Store, layouts: Mapping[str, Layout], source: str, protect: Sequence[str] = ()) -> int:
    """Take in every edit of `source` that was made by SQL and not looked at yet; return how many there were.

    What waits on: edits of rows that another program holds, and deletions while it is not known what can be deleted, as the
    catalogue was not read since the mirror learnt about that.

    Args:
        layouts: type name -> layout, of the source.
        protect: what the settings protect from being changed.
    """
    taken = 0
    for _ in range(_ROUNDS):
        if not store.queue.open(source, states=(State.CAPTURED,)):
            break
        check = _Check(store, layouts, protect)
        done = sum(store.queue.take_in(layouts, each) for each in _taken(check, source))
        taken += done
        if not done:
            break
    return taken


def checked(store: Store, layouts: Mapping[str, Layout], change: Change) -> Change:
    """Return a change as it would be taken in now, had SQL just made it: READY, or REFUSED with the reason."""
    layout = layouts.get(change.type_name)
    check = _Check(store, layouts)
    if layout is None or change.action is Action.DELETE:
        return _Edits(check, (change,)).made({})[0]
    if change.action is not Action.UPDATE:
        return replace(change, state=State.READY)
    if not change.field or not is_current(layout, change):
        return _refused(change, f"{change.field or 'this'} is not what it was any more: set it again, or discard it")
    written = {name: cell for name, cell in (change.value or {}).items() if not _is_left_out(layout, change, name)}
    return _Edits(check, (replace(change, value=written),)).made(change.value or {})[0]


def _is_left_out(layout: Layout, change: Change, name: str) -> bool:
    """Return whether a cell is the missing id of a reference that has a name: then it is the name that was written."""
    parts = {part: each.name for part, each in columns_of(layout, change.field).items()}
    value = change.value or {}
    return name == parts.get(Part.ID) and value.get(name) is None and value.get(parts[Part.NAME]) is not None


def _taken(check: _Check, source: str) -> Iterator[list[Taken]]:
    """Yield what is to be taken in, some records at a time."""
    records: dict[Record, list[Change]] = {}
    for each in check.store.queue.open(source):
        records.setdefault((each.type_name, each.record_id), []).append(each)
    waiting = {record: changes for record, changes in records.items() if any(map(_is_captured, changes))}
    is_read = check.store.digest(source) != ""
    keys = list(waiting)
    for start in range(0, len(keys), _AT_ONCE):
        chunk = {key: waiting[key] for key in keys[start : start + _AT_ONCE]}
        local = _local_rows(check, chunk)
        runs = [(key, run) for key, changes in chunk.items() for run in _runs(changes) if is_read or not _is_deletion(run)]
        if runs:
            yield [Taken(tuple(run), _Edits(check, tuple(run)).made(local.get(key, {}))) for key, run in runs]


def _is_captured(change: Change) -> bool:
    return change.state is State.CAPTURED


def _is_deletion(run: Sequence[Change]) -> bool:
    return run[0].action is Action.DELETE


def _runs(changes: Sequence[Change]) -> list[list[Change]]:
    """Return the captured changes of a record, those together that follow each other and are of the same maker."""
    runs: list[list[Change]] = []
    before: Change | None = None
    for each in changes:
        is_next = before is not None and _is_captured(before) and before.action is each.action is Action.UPDATE
        if _is_captured(each) and is_next and before is not None and before.made_by == each.made_by:
            runs[-1].append(each)
        elif _is_captured(each):
            runs.append([each])
        before = each
    return runs


def _local_rows(check: _Check, records: Mapping[Record, Sequence[Change]]) -> dict[Record, Cells]:
    """Return the rows of records as they are here; of those that were deleted meanwhile, as they were then."""
    ids: dict[str, set[int]] = {}
    for type_name, record_id in records:
        ids.setdefault(type_name, set()).add(record_id)
    found: dict[Record, Cells] = {}
    for key, changes in records.items():
        deletion = next((each for each in changes if each.action is Action.DELETE and each.base), None)
        found[key] = (deletion.base or {})["row"] if deletion is not None else {}
    for type_name in ids.keys() & check.layouts.keys():
        rows = check.store.finder.rows(check.layouts[type_name], ids[type_name])
        found |= {(type_name, record_id): row for record_id, row in rows.items()}
    return found


@dataclass(slots=True)
class _Check:
    """What edits are held against, and what was found out about references already."""

    store: Store
    layouts: Mapping[str, Layout]
    protect: Sequence[str] = ()
    known: dict[tuple[str, str, object], Value | ValueError] = field(default_factory=dict)

    def value(self, layout: Layout, described: Field, given: object) -> Value:
        """Return the value of a field that `given` means.

        Raises:
            ValueError: it means none.
        """
        if described.kind is not Kind.REFERENCE:
            return self._looked_up(layout, described, given)
        key = (layout.type.name, described.name, given)
        if key not in self.known:
            try:
                self.known[key] = self._looked_up(layout, described, given)
            except ValueError as error:
                self.known[key] = error
        found = self.known[key]
        if isinstance(found, ValueError):
            raise found
        return found

    def _looked_up(self, layout: Layout, described: Field, given: object) -> Value:
        return Editor(Lookup(self.store.finder, self.layouts), Via.SQL).value(layout, described, given)


@dataclass(frozen=True, slots=True)
class _Edits:
    """Captured changes of one record that follow each other, and what they are held against."""

    check: _Check
    captured: tuple[Change, ...]

    @property
    def last(self) -> Change:
        return self.captured[-1]

    def made(self, local: Cells) -> list[Change]:
        """Return what takes their place.

        Args:
            local: the record's row as it is here.
        """
        layout = self.check.layouts.get(self.last.type_name)
        if layout is None:
            cells = {name: cell for each in self.captured for name, cell in (each.value or {}).items()}
            gone = f"{self.last.source} offers no {self.last.type_name} any more"
            return [_refused(replace(self.last, id=0, value=cells or None), gone)]
        if self.last.action is Action.DELETE:
            return [self._deletion(layout)]
        return [self._edit(layout, name, cells, local) for name, cells in self._by_field(layout).items()]

    def _deletion(self, layout: Layout) -> Change:
        made = replace(self.last, id=0)
        if self.last.record_id > 0 and Action.DELETE.value not in layout.type.actions:
            return _refused(made, f"{article(layout.type.name)} cannot be deleted through its tracker's API")
        if entry := forbids(self.check.protect, made):
            return _refused(made, reason(entry))
        return replace(made, state=State.READY)

    def _by_field(self, layout: Layout) -> dict[str, Cells]:
        """Return the cells by field that were written last; a column that no field has any more by its own name.

        What a statement wrote of a field before the last one that wrote any of it does not count: whoever writes an id and
        then a name means the name.
        """
        fields = {each.name: each.field for each in layout.columns}
        found: dict[str, Cells] = {}
        for change in self.captured:
            written: dict[str, dict[str, Any]] = {}
            for column, value in (change.value or {}).items():
                written.setdefault(fields.get(column, column), {})[column] = value
            found |= written
        return found

    def _edit(self, layout: Layout, name: str, cells: Cells, local: Cells) -> Change:
        """Return the change of one field, or the refusal of it."""
        columns = [each.name for each in columns_of(layout, name).values()] or list(cells)
        raw = {each: cells[each] if each in cells else local.get(each) for each in columns}
        made = replace(self.last, id=0, field=name, base=None, value=raw, remote=None)
        described = layout.type.field(name)
        if described is None:
            return _refused(made, f"{layout.type.name} has no field for {name} any more")
        if entry := forbids(self.check.protect, made):
            return _refused(made, reason(entry))
        try:
            return replace(made, value=self._checked(layout, described, cells, raw), state=State.READY)
        except (ValueError, TypeError, ArithmeticError) as error:
            why = str(error) or f"{name}: it is no value of its kind"
            return _refused(replace(made, value=_as_written(layout, name, cells, raw)), why)

    def _checked(self, layout: Layout, described: Field, cells: Cells, raw: Cells) -> Mapping[str, Any]:
        """Return the cells that the field is to have.

        Raises:
            ValueError: it cannot have what was written.
        """
        check_writable(layout, described, is_new=self.last.record_id < 0)
        is_reference = described.kind is Kind.REFERENCE
        given = _reference(layout, described, cells, raw) if is_reference else next(iter(raw.values()))
        if isinstance(given, str) and not is_storable(given):
            raise ValueError(f"{described.name} takes text, and this has characters that are none")
        return cells_of(layout, described.name, self.check.value(layout, described, given))


def _as_written(layout: Layout, name: str, cells: Cells, raw: Cells) -> Cells:
    """Return the cells of what is refused; of a reference that was given a name alone, without the id of what was there.

    What a program wrote for a text, and is none, is shown with marks in its place.
    """
    names = {part: each.name for part, each in columns_of(layout, name).items()}
    shown = {each: _readable(value) for each, value in raw.items()}
    if Part.ID not in names or names[Part.ID] in cells:
        return shown
    return {**shown, names[Part.ID]: None}


def _readable(value: object) -> object:
    return value.encode(errors="replace").decode() if isinstance(value, str) else value


def _refused(change: Change, why: str) -> Change:
    return replace(change, state=State.REFUSED, reason=why)


def _reference(layout: Layout, described: Field, cells: Cells, raw: Cells) -> Target | str | None:
    """Return what a reference was set to: by its id if that was written, else by its name; None to clear it."""
    names = {part: each.name for part, each in columns_of(layout, described.name).items()}
    if names[Part.ID] not in cells and names[Part.NAME] in cells:
        name = cells[names[Part.NAME]]
        return None if name in (None, "") else str(name)
    number = raw[names[Part.ID]]
    if number is None:
        return None
    kind = raw.get(names[Part.TYPE]) if Part.TYPE in names else None
    try:
        return Target(str(kind or ""), canonical(Kind.INTEGER, number), cells.get(names[Part.NAME]))
    except ValueError:
        raise ValueError(f"{described.name}: {number!r} is no id") from None
