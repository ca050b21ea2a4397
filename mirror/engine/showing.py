"""What people want to see of changes: labels for records, names for references, values for cells. Writes nothing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from mirror.engine.finding import Found, label_of
from mirror.engine.referring import Record, ranked_against, target_of
from mirror.errors import UsageError
from mirror.model.cells import columns_of, fits, is_current, value_of
from mirror.model.change import Action, Cells, Change, LogEntry, State
from mirror.model.layout import Layout
from mirror.model.part import Part
from mirror.model.schema import Kind
from mirror.model.write import Target, Value
from mirror.store.store import Store

Layouts = Mapping[str, Layout]

_NAME_OF_LINK = 2  # its place in a link row: position, target id, target name, target type


@dataclass(frozen=True, slots=True)
class ShownChange:
    """A change, with the words that people know things by.

    Attributes:
        label: what people call the record, and type as KEY: `DE17`, `NEW-3`, `ticket/17`.
        base, local, remote: what was there, what is wanted, and what the tracker has, of whatever the change is about; a
            Target carries the name that people know it by. None also where there is none.
        knows_remote: the tracker's value is known. Without it `remote` means nothing.
        is_gone: the record is not on the tracker any more.
    """

    change: Change
    label: str
    base: Value = None
    local: Value = None
    remote: Value = None
    knows_remote: bool = False
    is_gone: bool = False


@dataclass(frozen=True, slots=True)
class ShownEntry:
    """A line of the log, with the words that people know things by."""

    entry: LogEntry
    shown: ShownChange


def show(store: Store, layouts: Layouts, changes: Sequence[Change]) -> list[ShownChange]:
    """Return these changes of one source as people want to see them, in the same order."""
    words = _Words(store, layouts)
    words.learn(changes)
    return [words.shown(each) for each in changes]


def show_log(store: Store, layouts: Layouts, entries: Sequence[LogEntry]) -> list[ShownEntry]:
    """Return these lines of the log of one source as people want to see them, in the same order."""
    words = _Words(store, layouts)
    words.learn([each.change for each in entries])
    return [ShownEntry(each, words.shown(each.change, "" if each.label.isdecimal() else each.label)) for each in entries]


def about(shown: Iterable[ShownChange], record: Found) -> list[ShownChange]:
    """Return those that are about that record.

    Raises:
        UsageError: nothing waits for it.
    """
    place = (record.source, record.layout.type.name, record.record_id)
    found = [each for each in shown if place_of(each.change) == place]
    if not found:
        raise UsageError(f"nothing waits for {record.label}")
    return found


def place_of(change: Change) -> tuple[str, str, int]:
    """Return source, type name and id of the record that a change is about."""
    return change.source, change.type_name, change.record_id


def label_of_temporary(record_id: int) -> str:
    """Return what people call a record that was created here: `NEW-3` for the id -3."""
    return f"NEW{record_id}"


@dataclass(slots=True)
class _Words:
    """Labels and names of the records that some changes are about or refer to."""

    store: Store
    layouts: Layouts
    labels: dict[tuple[str, int], str] = field(default_factory=dict)
    names: dict[tuple[str, int], str] = field(default_factory=dict)

    def learn(self, changes: Sequence[Change]) -> None:
        """Look up whatever these changes need."""
        wanted = {(each.type_name, each.record_id) for each in changes}
        for name, ids in _by_type(wanted):
            self._learn_labels(name, ids)
        if any(key >= 0 and (name, key) not in self.labels for name, key in wanted):
            self._learn_absent()
        targets = [target for each in changes for target in self._targets(each)]
        for name, ids in _by_type((each.type_name, each.id) for each in targets):
            self._learn_names(name, ids)

    def _learn_absent(self) -> None:
        """Learn the labels of records that only the queue, or a tombstone, still knows."""
        for layout in list(self.layouts.values())[:1]:
            for each in self.store.finder.absent({layout.source: self.layouts}):
                self.labels.setdefault((each.layout.type.name, each.id), label_of(each))

    def _learn_labels(self, type_name: str, ids: set[int]) -> None:
        layout = self.layouts.get(type_name)
        found = self.store.labels(layout, ids) if layout is not None else {}
        self.labels |= {(type_name, key): label for key, label in found.items() if label and key >= 0}

    def _learn_names(self, type_name: str, ids: set[int]) -> None:
        self._learn_labels(type_name, ids)
        layout = self.layouts.get(type_name)
        found = self.store.names(layout, ids) if layout is not None else {}
        self.names |= {(type_name, key): name for key, name in found.items() if name}

    def label(self, type_name: str, record_id: int) -> str:
        """Return what people call a record; its type and id when nothing better is known."""
        if record_id < 0:
            return label_of_temporary(record_id)
        return self.labels.get((type_name, record_id), f"{type_name}/{record_id}")

    def shown(self, change: Change, label: str = "") -> ShownChange:
        """Return the change with all its words."""
        is_gone = change.state is State.CONFLICT and change.remote is not None and not change.remote
        knows_remote = change.action is Action.UPDATE and bool(change.remote)
        base, local, remote = (self._named(each) for each in self._values(change))
        return ShownChange(
            change,
            label or self.label(change.type_name, change.record_id),
            base,
            local,
            remote,
            knows_remote=knows_remote,
            is_gone=is_gone,
        )

    def _values(self, change: Change) -> tuple[Value, Value, Value]:
        match change.action:
            case Action.UPDATE:
                return (
                    self._cells(change, change.base),
                    self._cells(change, change.value),
                    self._cells(change, change.remote),
                )
            case Action.LINK:
                return None, self._item(change), None
            case Action.UNLINK:
                return self._item(change), None, None
            case Action.DELETE:
                return self._name_of_deleted(change), None, None
            case _:
                return None, self._wanted(change), None

    def _cells(self, change: Change, cells: Cells | None) -> Value:
        if not cells:
            return None
        layout = self.layouts.get(change.type_name)
        if layout is not None and fits(layout, change.field, cells):
            value = _in_form(layout, change.field, value_of(layout, change.field, cells))
            # A name that SQL wrote and that leads to nothing has no id.
            names = [each.name for part, each in columns_of(layout, change.field).items() if part is Part.NAME]
            return cells.get(names[0]) if value is None and names else value
        if len(cells) == 1:
            only: Value = next(iter(cells.values()))
            return only
        return ", ".join(f"{name} = {'nothing' if cell is None else cell}" for name, cell in cells.items())

    def _item(self, change: Change) -> Value:
        layout = self.layouts.get(change.type_name)
        described = layout.type.field(change.field) if layout is not None else None
        if layout is None or described is None or described.kind is not Kind.LINKS or not is_current(layout, change):
            return change.item
        told = (change.value or {}).get("name")
        there = [row[_NAME_OF_LINK] for row in (change.base or {}).get("rows", ()) if len(row) > _NAME_OF_LINK]
        return replace(target_of(layout, change.field, change.item), name=told or next(iter(there), None))

    def _name_of_deleted(self, change: Change) -> Value:
        layout = self.layouts.get(change.type_name)
        column = columns_of(layout, layout.type.name_field or "").get(Part.VALUE) if layout is not None else None
        row = (change.base or {}).get("row") or {}
        name: str | None = None if column is None else row.get(column.name)
        return name

    def _wanted(self, change: Change) -> Value:
        value = change.value or {}
        match change.action:
            case Action.COMMENT:
                return str(value.get("text", ""))
            case Action.ATTACH:
                return f"{value.get('name')} ({value.get('size')} bytes)"
            case Action.RANK:
                other = self._other(change)
                return str(value.get("to")) if other is None else f"{value.get('to')} {self.label(*other)}"
            case Action.OPERATE:
                named = self._other(change)
                arguments = dict(value.get("arguments") or {})
                if named is not None:
                    arguments[value["named"]] = self.label(*named)
                return ", ".join(f"{name}={text}" for name, text in arguments.items()) or None
            case _:
                return None

    def _targets(self, change: Change) -> Iterator[Target]:
        """Yield the records that it refers to, and whose names must be looked up."""
        for each in self._values(change):
            if isinstance(each, Target) and (each.name is None or each.id < 0):
                yield each
        other = self._other(change)
        if other is not None:
            yield Target(*other)

    def _other(self, change: Change) -> Record | None:
        """Return the record that a rank, or an argument of an operation, names."""
        is_named = change.action in (Action.RANK, Action.OPERATE) and (change.value or {}).get("other") is not None
        return (named.type_name, named.id) if is_named and (named := ranked_against(change)) else None

    def _named(self, value: Value) -> Value:
        """Return a value with the name that people know its target by."""
        if not isinstance(value, Target):
            return value
        name = value.name or self.names.get((value.type_name, value.id))
        if value.id < 0:
            label = label_of_temporary(value.id)
            return Target(value.type_name, value.id, f"{label} ({name})" if name else label)
        return Target(value.type_name, value.id, name or self.label(value.type_name, value.id))


def _in_form(layout: Layout, field_name: str, value: Value) -> Value:
    """Return a value as its kind is written, whatever SQL wrote for it: a boolean for 0 and 1."""
    described = layout.type.field(field_name)
    if described is None or described.kind is not Kind.BOOLEAN or value not in (0, 1):
        return value
    return bool(value)


def _by_type(pairs: Iterable[tuple[str, int]]) -> Iterator[tuple[str, set[int]]]:
    found: dict[str, set[int]] = {}
    for name, key in pairs:
        found.setdefault(name, set()).add(key)
    yield from found.items()
