"""Takes in what was edited by SQL: checks it as any edit, splits it by field, and makes it ready or refuses it.

A refused edit is kept with the reason, and the cells stay as the user wrote them, until it is discarded.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from mirror.engine.edit import Editor
from mirror.engine.lookup import Lookup
from mirror.engine.protection import forbids, reason
from mirror.engine.validate import article, check_writable
from mirror.model.cells import canonical, cells_of, columns_of
from mirror.model.change import Action, Cells, Change, State, Via
from mirror.model.layout import Layout
from mirror.model.part import Part
from mirror.model.schema import Field, Kind
from mirror.model.write import Target
from mirror.store.store import Store


def take_in(store: Store, layouts: Mapping[str, Layout], source: str, protect: Sequence[str] = ()) -> int:
    """Take in every edit of `source` that was made by SQL and not looked at yet; return how many there were.

    Args:
        layouts: type name -> layout, of the source.
        protect: what the settings protect from being changed.
    """
    captured = store.queue.open(source, states=(State.CAPTURED,))
    for each in captured:
        store.queue.take_in(layouts, each, _TakingIn(store, layouts, each, protect).made())
    return len(captured)


@dataclass(frozen=True, slots=True)
class _TakingIn:
    """One captured change, and what it is held against."""

    store: Store
    layouts: Mapping[str, Layout]
    captured: Change
    protect: Sequence[str]

    def made(self) -> list[Change]:
        """Return what takes its place."""
        layout = self.layouts.get(self.captured.type_name)
        if layout is None:
            gone = f"{self.captured.source} offers no {self.captured.type_name} any more"
            return [_refused(replace(self.captured, id=0), gone)]
        if self.captured.action is Action.DELETE:
            return [self._deletion(layout)]
        fields = dict(self._by_field(layout))
        is_whole = all(each.name in cells for name, cells in fields.items() for each in columns_of(layout, name).values())
        local: Cells = {} if is_whole else self._local(layout)
        return [self._edit(layout, name, cells, local) for name, cells in fields.items()]

    def _deletion(self, layout: Layout) -> Change:
        made = replace(self.captured, id=0)
        if self.captured.record_id > 0 and Action.DELETE.value not in layout.type.actions:
            return _refused(made, f"{article(layout.type.name)} cannot be deleted through its tracker's API")
        if entry := forbids(self.protect, made):
            return _refused(made, reason(entry))
        return replace(made, state=State.READY)

    def _by_field(self, layout: Layout) -> Iterator[tuple[str, Cells]]:
        """Yield the captured cells by field; a column that no field has any more by its own name."""
        fields = {each.name: each.field for each in layout.columns}
        found: dict[str, dict[str, Any]] = {}
        for column, value in (self.captured.value or {}).items():
            found.setdefault(fields.get(column, column), {})[column] = value
        yield from found.items()

    def _local(self, layout: Layout) -> Cells:
        """Return the record's row as it is here; of one that was deleted meanwhile, as it was then."""
        row = self.store.finder.row(layout, self.captured.record_id)
        if row is not None:
            return row
        record = (self.captured.type_name, self.captured.record_id)
        changes = self.store.queue.open(self.captured.source, record=record)
        return next((each.base["row"] for each in changes if each.action is Action.DELETE and each.base), {})

    def _edit(self, layout: Layout, name: str, cells: Cells, local: Cells) -> Change:
        """Return the change of one field, or the refusal of it; with what a sync has brought of it since the edit."""
        columns = [each.name for each in columns_of(layout, name).values()] or list(cells)
        whole = {each: local.get(each) for each in columns}
        base, raw, remote = (
            {**whole, **{each: told[each] for each in columns if each in told}}
            for told in (self.captured.base or {}, cells, self.captured.remote or {})
        )
        is_known = not set(columns).isdisjoint(self.captured.remote or ())
        made = replace(self.captured, id=0, field=name, base=base, value=raw, remote=remote if is_known else None)
        field = layout.type.field(name)
        if field is None:
            return _refused(made, f"{layout.type.name} has no field for {name} any more")
        if entry := forbids(self.protect, made):
            return _refused(made, reason(entry))
        try:
            return replace(made, value=self._checked(layout, field, cells, raw), state=State.READY)
        except ValueError as error:
            return _refused(replace(made, value=_as_written(layout, name, cells, raw)), str(error))

    def _checked(self, layout: Layout, field: Field, cells: Cells, raw: Cells) -> Mapping[str, Any]:
        """Return the cells that the field is to have.

        Raises:
            ValueError: it cannot have what was written.
        """
        check_writable(layout, field, is_new=self.captured.record_id < 0)
        given = _reference(layout, field, cells, raw) if field.kind is Kind.REFERENCE else next(iter(raw.values()))
        value = Editor(Lookup(self.store.finder, self.layouts), Via.SQL).value(layout, field, given)
        return cells_of(layout, field.name, value)


def _as_written(layout: Layout, field: str, cells: Cells, raw: Cells) -> Cells:
    """Return the cells of what is refused; of a reference that was given a name alone, without the id of what was there."""
    names = {part: each.name for part, each in columns_of(layout, field).items()}
    if Part.ID not in names or names[Part.ID] in cells:
        return raw
    return {**raw, names[Part.ID]: None}


def _refused(change: Change, reason: str) -> Change:
    return replace(change, state=State.REFUSED, reason=reason)


def _reference(layout: Layout, field: Field, cells: Cells, raw: Cells) -> Target | str | None:
    """Return what a reference was set to: by its id if that was written, else by its name; None to clear it."""
    names = {part: each.name for part, each in columns_of(layout, field.name).items()}
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
        raise ValueError(f"{field.name}: {number!r} is no id") from None
