"""Makes changes of what scripts do to records: checked at once, kept in memory, and queued all together."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from mirror.engine.edit import Assignment, Editor, How
from mirror.engine.finding import Found
from mirror.engine.lookup import item_of
from mirror.engine.protection import refuse_protected
from mirror.errors import InvalidEditError
from mirror.model.cells import cells_in, same
from mirror.model.change import Action, Change
from mirror.model.layout import Layout
from mirror.model.schema import Field, Kind
from mirror.model.write import Place as Rank
from mirror.model.write import Target
from mirror.script.files import Files
from mirror.script.held import Held
from mirror.script.items import is_of
from mirror.script.null import Null
from mirror.script.outside import Outside
from mirror.script.record import Record
from mirror.script.session import Session
from mirror.script.shape import Collection, Place, is_many

Made = list[tuple[Record, Change]]
"""Changes that are checked and not kept yet, each with its record."""


@dataclass(frozen=True, slots=True)
class Hands:
    """What edits of one source are made with.

    Attributes:
        protect: what the settings protect from being changed.
        largest: how many bytes a file may have; None when no limit is known.
    """

    editor: Editor
    protect: Sequence[str]
    largest: int | None


class Writer:
    """Makes the changes of one session. Whatever is wrong with one raises, and then nothing of it is kept."""

    def __init__(self, session: Session, hands: Callable[[str], Hands]) -> None:
        self._session = session
        self._given = hands
        self._known: dict[str, tuple[object, Hands]] = {}
        self._files = Files()

    # fields

    def set(self, held: Held, fields: Mapping[str, object]) -> None:
        """Give fields other values; of a collection, say what it is to hold."""
        self._keep(self._set(held, fields))

    def set_many(self, records: Sequence[Record], fields: Mapping[str, object]) -> int:
        """Give fields of many records other values: of all, or of none."""
        self._keep([made for each in records for made in self._set(each._held, fields)])
        return len(records)

    def link(self, held: Held, meaning: Place | Collection, items: Sequence[object], how: How = How.ADD) -> None:
        """Add items to a collection, or take them out."""
        self._keep(self._linked(held, meaning, items, how))

    def relink(self, held: Held, meaning: Place | Collection, items: Sequence[object]) -> None:
        """Add and take out what is needed for a collection to hold these."""
        self._keep(self._relinked(held, meaning, items))

    # whole records

    def create(self, layout: Layout, fields: Mapping[str, object]) -> Record:
        """Create a record of a type."""
        return self.create_many(layout, [fields])[0]

    def create_many(self, layout: Layout, rows: Iterable[Mapping[str, object]]) -> list[Record]:
        """Create a record of each row of values: all, or none."""
        drafts = [self._draft(layout, each) for each in rows]  # checked before numbers are used up
        made = [self._created(layout, each) for each in drafts]
        for record, fields in made:
            self._keep(self._set(record._held, fields))
        return [record for record, _fields in made]

    def delete(self, held: Held) -> None:
        """Delete a record; of one that only memory knows nothing is left."""
        if self._session.edits.is_new(held):
            self._refuse_referred(held)
            self.forget(held)
        else:
            self._act(held, self._editor(held.source).delete(self._found(held)))
        held.is_here = False

    def comment(self, held: Held, text: str, kind: str) -> None:
        """Add a comment."""
        self._act(held, self._editor(held.source).comment(self._found(held), text, kind))

    def attach(self, held: Held, file: str | Path | bytes, *, name: str, content_type: str) -> None:
        """Attach a file, whose content is kept in memory until it is queued."""
        editor, found = self._editor(held.source), self._found(held)
        editor.check_attach(found)
        self._refuse_protected(held, Action.ATTACH)
        upload = self._files.take(file, name=name, content_type=content_type, largest=self._hands(held.source).largest)
        self._act(held, editor.attach(found, upload))

    def rank(self, held: Held, place: Rank, other: Record | str | None) -> None:
        """Move a record in the order of its list."""
        beside = self._found(other._held) if isinstance(other, Record) else None
        if isinstance(other, str):
            beside = self._found(self._other(held, other)._held)
        self._act(held, self._editor(held.source).rank(self._found(held), place, beside))

    def operate(self, held: Held, operation: str, arguments: Mapping[str, object]) -> None:
        """Have the tracker do one of its own operations."""
        texts = {name: _key(each) for name, each in arguments.items()}
        self._act(held, self._editor(held.source).operate(self._found(held), operation, texts))

    # all of them

    def forget(self, held: Held) -> None:
        """Take back what was done to a record in memory."""
        self._session.edits.forget(held)
        held.edited.clear()
        held.related.clear()
        held.is_here = held.row is not None

    def discard(self) -> None:
        """Take back everything that was done in memory."""
        for record in self._session.edits.clear():
            self.forget(record._held)
        self._files.clear()

    def queue(self) -> int:
        """Put everything into the queue, all changes of one source at once; return how many there were."""
        edits = self._session.edits
        if not edits:
            return 0
        changes = list(edits)
        for source in dict.fromkeys(each.source for each in changes):
            home = self._session.home(source)
            own = [replace(each, base=None) for each in changes if each.source == source]
            self._files.store(home.store.queue, own)
            home.store.queue.add(home.layouts, own)
            for record in edits.clear(source):  # what follows may fail, and is then still to be queued, and only that
                record._held.edited.clear()
            self._session.pass_on()
        self._files.clear()
        return len(changes)

    # what is made of it

    def _set(self, held: Held, fields: Mapping[str, object]) -> Made:
        held.refresh()
        wanted: list[Assignment] = []
        others: Made = []
        for name, value in fields.items():
            meaning = self._meaning(held, name)
            if is_of(value, held, meaning):
                continue  # `story.Tags += [tag]` has added it already
            if isinstance(meaning, Collection) or is_many(meaning.field):
                others += self._relinked(held, meaning, _listed(name, value))
            else:
                wanted.append(Assignment(meaning.field.name, _plain(value)))
        record = self._session.known_as(held)
        changes = self._editor(held.source).set(self._found(held), wanted) if wanted else []
        return [(record, each) for each in changes] + others

    def _linked(self, held: Held, meaning: Place | Collection, items: Sequence[object], how: How) -> Made:
        held.refresh()
        if isinstance(meaning, Collection):
            return [made for each in items for made in self._referred(held, meaning, each, how)]
        plain = _plain if how is How.ADD else _spelt
        wanted = [Assignment(meaning.field.name, plain(each), how) for each in items]
        record = self._session.known_as(held)
        return [(record, each) for each in self._editor(held.source).set(self._found(held), wanted)] if wanted else []

    def _relinked(self, held: Held, meaning: Place | Collection, items: Sequence[object]) -> Made:
        there = held.reached(meaning)
        wanted = [self._item(held, meaning, each) for each in items]
        extra = [each for each in there if each not in wanted]
        missing = [each for each in wanted if each not in there]
        return self._linked(held, meaning, extra, How.REMOVE) + self._linked(held, meaning, missing, How.ADD)

    def _item(self, held: Held, meaning: Place | Collection, given: object) -> object:
        """Return an item as it shows in a collection: a record, where a record is meant."""
        if isinstance(given, Record | Outside) or (isinstance(meaning, Place) and meaning.field.kind is Kind.VALUES):
            return given
        if isinstance(meaning, Place):
            try:
                target = self._editor(held.source).lookup.target(held.shape.layout, meaning.field, given)
            except ValueError as error:
                raise InvalidEditError(str(error)) from None
            found = self._session.records(held.source, [target.type_name], [target.id])
            return found.get(target.id) or Outside(held.source, target)
        return self._other(held, given)

    def _referred(self, held: Held, meaning: Collection, item: object, how: How) -> Made:
        """Return the change of the reference that puts a record into a collection, or takes it out."""
        record = item if isinstance(item, Record) else self._other(held, item)
        if how is How.REMOVE and record not in held.reached(meaning):
            raise InvalidEditError(f"{meaning.name} of {self._found(held).label} does not hold {record}")
        return self._set(record._held, {meaning.step.field: self._session.known_as(held) if how is How.ADD else None})

    def _other(self, held: Held, key: object) -> Record:
        """Return the record of the same source that people call so."""
        return self._session.find(held.source, str(key))

    def _draft(self, layout: Layout, fields: Mapping[str, object]) -> tuple[list[Change], dict[str, object]]:
        """Return the changes that create a record, without its id, and what else there is to set once it is there."""
        shape = self._session.home(layout.source).shape(layout.type.name)
        wanted: list[Assignment] = []
        later: dict[str, object] = {}
        for name, value in fields.items():
            try:
                meaning = shape.meaning(name)
            except ValueError as error:
                raise InvalidEditError(str(error)) from None
            if not isinstance(meaning, Place):
                later[name] = value
            elif is_many(meaning.field):
                wanted += [Assignment(meaning.field.name, _plain(each), How.ADD) for each in _listed(name, value)]
            else:
                wanted.append(Assignment(meaning.field.name, _plain(value)))
        changes = self._editor(layout.source).new(layout, -1, wanted)
        for each in changes:
            refuse_protected(self._hands(layout.source).protect, each.type_name, Action.CREATE, each.field)
        return changes, later

    def _created(self, layout: Layout, draft: tuple[list[Change], dict[str, object]]) -> tuple[Record, dict[str, object]]:
        changes, later = draft
        number = self._session.home(layout.source).store.queue.new_id(layout.source)
        record = self._session.create(layout.source, layout.type.name, number)
        self._keep([(record, replace(each, record_id=number)) for each in changes])
        return record, later

    # keeping it

    def _act(self, held: Held, changes: Sequence[Change]) -> None:
        self._keep([(self._session.known_as(held), each) for each in changes])

    def _keep(self, made: Made) -> None:
        for record, change in made:
            if change.action is not Action.CREATE and not self._session.edits.is_new(record._held):
                self._refuse_protected(record._held, change.action, change.field)
        for record, change in made:
            self._put(record, change)

    def _put(self, record: Record, change: Change) -> None:
        """Keep a change, and show it in the record."""
        held, edits = record._held, self._session.edits
        field = held.shape.layout.type.field(change.field)
        if change.action is Action.UPDATE and field is not None:
            self._assign(record, change, field)
            return
        edits.put(record, change)
        if change.action in (Action.LINK, Action.UNLINK):
            held.related.pop(change.field, None)

    def _assign(self, record: Record, change: Change, field: Field) -> None:
        held, value = record._held, change.value or {}
        before = held.target(held.shape.place(field.name)) if field.kind is Kind.REFERENCE else None
        base = cells_in(held.cells(), held.shape.layout, field.name)
        if held.row is not None and same(held.shape.layout, field.name, base, value):
            self._session.edits.drop(held, field.name)
            for name in value:
                held.edited.pop(name, None)
        else:
            self._session.edits.put(record, replace(change, base=base if held.row is not None else None))
            held.edited.update(value)
        held.related.pop(field.name, None)
        if field.kind is Kind.REFERENCE:
            after = held.target(held.shape.place(field.name))
            self._session.forget_collections(held, field, [each for each in (before, after) if each is not None])

    def _hands(self, source: str) -> Hands:
        """Return what edits of a source are made with; made anew when its catalogue is another."""
        layouts = self._session.home(source).layouts
        known = self._known.get(source)
        if known is None or known[0] is not layouts:
            known = self._known[source] = (layouts, self._given(source))
        return known[1]

    def _refuse_protected(self, held: Held, action: Action, field: str = "") -> None:
        refuse_protected(self._hands(held.source).protect, held.type_name, action, field)

    def _refuse_referred(self, held: Held) -> None:
        items = (str(held.id), f"{held.type_name}:{held.id}")
        for each in self._session.edits:
            is_other = each.source == held.source and each.record_id != held.id
            if is_other and (each.item in items or held.id in (each.value or {}).values()):
                other = f"NEW{each.record_id}" if each.record_id < 0 else f"{each.type_name}/{each.record_id}"
                raise InvalidEditError(f"NEW{held.id} is referred to by {each.field} of {other}")

    def _meaning(self, held: Held, name: str) -> Place | Collection:
        try:
            found = held.shape.meaning(name)
        except ValueError as error:
            raise InvalidEditError(str(error)) from None
        if not isinstance(found, Place | Collection):
            raise InvalidEditError(f"{name} is worked out, and cannot be set")
        return found

    def _editor(self, source: str) -> Editor:
        return self._hands(source).editor

    def _found(self, held: Held) -> Found:
        held.refresh()  # what was created here may have the tracker's number by now
        key = self._session.known_as(held).key
        is_deleted = not held.is_here and self._is_deleted(held)
        if not held.is_here and not is_deleted:
            raise InvalidEditError(
                f"{key} is not here any more: it was deleted, or can no longer be seen; nothing can be done to it"
            )
        return Found(held.shape.layout, held.id, key, is_here=not is_deleted)

    def _is_deleted(self, held: Held) -> bool:
        """Return whether a record waits to be deleted, and can be had back."""
        queued = self._session.home(held.source).store.queue.open(held.source)
        own = (held.type_name, held.id)
        return self._session.edits.is_deleted(held) or any(
            each.action is Action.DELETE and (each.type_name, each.record_id) == own for each in queued
        )


def _plain(value: object) -> object:
    """Return a value as an edit takes it."""
    if isinstance(value, Record | Outside):
        name = str(value) if isinstance(value, Outside) else value._held.text(value.layout.type.name_field)
        return Target(value.type_name, value.id, name)
    return None if isinstance(value, Null) else value


def _key(value: object) -> str:
    """Return a value as an argument of an operation has it; of a record what leads to it."""
    if isinstance(value, Record | Outside):
        return f"NEW{value.id}" if value.id < 0 else f"{value.type_name}:{value.id}"
    return str(value)


def _spelt(item: object) -> object:
    """Return an item as people write it: what is in a collection may be taken out of it though it is deleted itself."""
    return item_of(Target(item.type_name, item.id)) if isinstance(item, Record | Outside) else _plain(item)


def _listed(name: str, value: object) -> Sequence[object]:
    if value is None or isinstance(value, Null):
        return ()
    if isinstance(value, str) or not isinstance(value, Iterable):
        raise InvalidEditError(f"{name} holds many: say a list, or use add and drop")
    return list(value)
