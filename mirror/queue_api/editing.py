"""Editing through the Python API: edits are checked against the mirrored catalogue and queued; nothing is sent."""

from __future__ import annotations

import mimetypes
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from mirror.engine.discarding import refuse_needed
from mirror.engine.edit import Assignment, Editor, How, Upload, assignments
from mirror.engine.finding import Found, find, find_type
from mirror.engine.protection import refuse_protected
from mirror.engine.showing import ShownChange, place_of, show
from mirror.errors import InvalidEditError, UsageError
from mirror.model.change import Action, Change
from mirror.model.layout import Layout
from mirror.model.write import Place
from mirror.queue_api.opened import Opened
from mirror.store.store import Store

Values = Mapping[str, object] | Sequence[str]
"""Field -> value, or texts: `Field=Value`, and for many-valued fields `Field+=Item` and `Field-=Item`."""

_ANY_CONTENT = "application/octet-stream"


@dataclass(frozen=True, slots=True)
class Edited:
    """A record, and what waits for it now.

    Attributes:
        label: what people call it: `DE17`, or `NEW-3` until it was pushed.
        changes: what is open after the edit; empty when it left everything as the tracker has it.
        had_changes: something was open before.
    """

    source: str
    type_name: str
    record_id: int
    label: str
    changes: Sequence[ShownChange]
    had_changes: bool = False


class Editing(Opened):
    """The part of `Mirror` that makes changes.

    A record is named as people name it: `US123`, `S-01005`, `ticket/17`, `Defect:17`, `NEW-3`, `source:KEY`. Whatever is
    wrong with an edit raises a UsageError that says what would be right, and then nothing of it is queued.
    """

    def set(self, key: str, values: Values) -> Edited:
        """Give fields of a record other values; None, or an empty text, clears a field.

        References take a name, a key or an id. A day, or an instant without a zone, is one of the zone in which the
        tracker would read it (`Language.written_in`).
        """
        return self.set_all([key], values)[0]

    def set_all(self, keys: Sequence[str], values: Values) -> list[Edited]:
        """Give the same fields of several records other values: all of them, or none."""
        desk = self._desk()
        wanted = _assignments(values)
        return desk.queue([(found, desk.editor(found).set(found, wanted)) for found in map(desk.find, keys)])

    def new(self, type_name: str, values: Values) -> Edited:
        """Create a record. Its temporary key, `NEW-3`, can be used at once, also as a reference.

        Args:
            type_name: as people call the type; `SOURCE:TYPE` where several sources have it.
        """
        desk = self._desk()
        layout = desk.find_type(type_name)
        refuse_protected(desk.protect[layout.source], layout.type.name, Action.CREATE)
        wanted = _assignments(values)
        draft = desk.editor(layout).new(layout, -1, wanted)  # checked before a number is used up
        record_id = desk.new_id(layout)
        found = Found(layout, record_id, f"NEW-{-record_id}")
        made = desk.queue([(found, [replace(each, record_id=record_id) for each in draft])])[0]
        return replace(made, label=desk.label(found))

    def delete(self, *keys: str) -> list[Edited]:
        """Delete records: all of them, or none. One that was created here and never pushed leaves no trace."""
        desk = self._desk()
        wanted = [(found, desk.editor(found).delete(found)) for found in map(desk.find, keys)]
        for source, layouts in desk.layouts.items():
            new = [found.record_id for found, _changes in wanted if found.source == source and found.record_id < 0]
            refuse_needed(desk.store, layouts, source, new)
        return desk.queue(wanted)

    def comment(self, key: str, text: str, *, reply: bool = False) -> Edited:
        """Add a comment to a record.

        Args:
            reply: to those who asked, where the tracker tells that from a comment.
        """
        desk = self._desk()
        found = desk.find(key)
        return desk.queue([(found, desk.editor(found).comment(found, text, "reply" if reply else "comment"))])[0]

    def attach(self, key: str, file: str | Path, *, name: str | None = None, content_type: str | None = None) -> Edited:
        """Attach a file to a record. Its content is kept in the database until it was pushed.

        Args:
            name: else the file's own.
            content_type: else what the name tells.
        """
        desk = self._desk()
        found = desk.find(key)
        editor = desk.editor(found)
        editor.check_attach(found)
        refuse_protected(desk.protect[found.source], found.layout.type.name, Action.ATTACH)
        content = _content(Path(file))
        called = name or Path(file).name
        guessed = content_type or mimetypes.guess_type(called)[0] or _ANY_CONTENT
        upload = Upload(called, guessed, self._filled_store().queue.put_blob(content), len(content))
        return desk.queue([(found, editor.attach(found, upload))])[0]

    def link(self, key: str, field: str, *items: object) -> Edited:
        """Add items to a many-valued field: records by name, key or id, or plain values."""
        return self._linked(key, field, How.ADD, items)

    def unlink(self, key: str, field: str, *items: object) -> Edited:
        """Take items out of a many-valued field."""
        return self._linked(key, field, How.REMOVE, items)

    def rank(self, key: str, place: Place | str, other: str | None = None) -> Edited:
        """Move a record in the order of its list.

        Args:
            place: above or below `other`; top or bottom.
        """
        desk = self._desk()
        found = desk.find(key)
        beside = desk.find(other) if other is not None else None
        return desk.queue([(found, desk.editor(found).rank(found, Place(place), beside))])[0]

    def do(self, key: str, operation: str, arguments: Mapping[str, str] | None = None) -> Edited:
        """Have the tracker do one of its own operations, such as Close or take, with a record."""
        desk = self._desk()
        found = desk.find(key)
        return desk.queue([(found, desk.editor(found).operate(found, operation, arguments or {}))])[0]

    def _linked(self, key: str, field: str, how: How, items: Sequence[object]) -> Edited:
        desk = self._desk()
        found = desk.find(key)
        if not items:
            raise InvalidEditError(f"say what to {'link' if how is How.ADD else 'unlink'}")
        return desk.queue([(found, desk.editor(found).set(found, [Assignment(field, each, how) for each in items]))])[0]

    def _desk(self) -> Desk:
        """Return what an edit works with, once what was edited by SQL is in the queue."""
        self._check_protect()
        layouts = self._catalogues()
        for source, own in layouts.items():
            self._take_in(source, own)
        editors = {source: self._editor(source, own) for source, own in layouts.items()}
        protect = {source: self._settings[source].protect for source in layouts}
        return Desk(self._filled_store(), layouts, editors, protect)


@dataclass(frozen=True, slots=True)
class Desk:
    """What one edit works with.

    Attributes:
        layouts: source -> type name -> layout.
        editors: by source.
        protect: source -> what the settings protect from being changed.
    """

    store: Store
    layouts: Mapping[str, Mapping[str, Layout]]
    editors: Mapping[str, Editor]
    protect: Mapping[str, Sequence[str]]

    def find(self, key: str) -> Found:
        return find(self.store.finder, self.layouts, key)

    def find_type(self, name: str) -> Layout:
        return find_type(self.layouts, name)

    def editor(self, about: Found | Layout) -> Editor:
        return self.editors[about.source]

    def new_id(self, layout: Layout) -> int:
        return self.store.queue.new_id(layout.source)

    def label(self, new: Found) -> str:
        """Return the key of a record created here; with its source where another has one of the same number."""
        alone = len(self.store.finder.created(self.layouts, -new.record_id)) == 1
        return new.label if alone else f"{new.source}:{new.label}"

    def queue(self, edits: Sequence[tuple[Found, Sequence[Change]]]) -> list[Edited]:
        """Put the changes into the queue, those of each source at once; return what waits for each record then."""
        for each in [change for _found, own in edits for change in own]:
            action = Action.CREATE if each.record_id < 0 else each.action
            refuse_protected(self.protect[each.source], each.type_name, action, each.field)
        waiting: list[ShownChange] = []
        before = {place_of(each) for found, _own in edits for each in self._open(found)}
        for source, layouts in self.layouts.items():
            changes = [each for found, own in edits if found.source == source for each in own]
            if changes:
                waiting += show(self.store, layouts, self.store.queue.add(layouts, changes))
        made = [_edited(found, waiting) for found, _own in edits]
        return [replace(each, had_changes=(each.source, each.type_name, each.record_id) in before) for each in made]

    def _open(self, found: Found) -> Sequence[Change]:
        return self.store.queue.open(found.source, record=(found.layout.type.name, found.record_id))


def _edited(found: Found, waiting: Sequence[ShownChange]) -> Edited:
    place = (found.source, found.layout.type.name, found.record_id)
    own = [each for each in waiting if place_of(each.change) == place]
    return Edited(*place, found.label, own)


def _assignments(values: Values) -> list[Assignment]:
    if isinstance(values, Mapping):
        return [Assignment(name, value) for name, value in values.items()]
    return assignments(values)


def _content(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise UsageError(f"{file} cannot be read: {error.strerror}") from error
