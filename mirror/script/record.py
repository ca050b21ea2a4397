"""One record, with its fields under the tracker's own names. Whatever is looked up in it is read from the mirror."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from typing_extensions import TypeVar

from mirror.errors import InvalidEditError, UnknownRecordError, UsageError
from mirror.model.layout import Layout
from mirror.model.write import Place
from mirror.script.elsewhere import RECORD, here
from mirror.script.held import Held
from mirror.script.items import Items
from mirror.script.null import Null
from mirror.script.outside import Outside

PLACES = tuple(each.value for each in Place)
_OWN = frozenset({"_held"})


class Record:
    """One record of a source. Within a session the same record is always the same object.

    Fields are attributes by the tracker's names, their display names, with or without the mark of custom fields:
    `defect.FormattedID`, `defect.KanbanState`; `defect["Kanban State"]` and `defect["Owner.Name"]` for what is no word. A
    reference gives a Record, or Null, which is falsy and can be looked into as well; a collection gives Items. Instants are
    aware datetimes in UTC, days are dates.

    To assign is to edit: it is checked at once, and queued when the `with` block of the mirror ends well.
    """

    __slots__ = ("__weakref__", "_held")
    _held: Held

    def __init__(self, held: Held) -> None:
        object.__setattr__(self, "_held", held)

    # what it is

    @property
    def id(self) -> int:
        """The tracker's own number; negative for a record that was created here and not pushed yet."""
        if self._held.id < 0:
            self._held.refresh()  # it may have been pushed since
        return self._held.id

    @property
    def type_name(self) -> str:
        """The tracker's name of its type."""
        return self._held.type_name

    @property
    def source(self) -> str:
        """The name of its source."""
        return self._held.source

    @property
    def layout(self) -> Layout:
        """Its type: fields, columns and table."""
        return self._held.shape.layout

    @property
    def key(self) -> str:
        """What people call it: `DE17`, `ticket/17`; `NEW-3` until it was pushed."""
        if self.id < 0:
            return f"NEW{self.id}"
        return self._held.text(self.layout.type.key_field) or f"{self.type_name}/{self.id}"

    @property
    def oid(self) -> str:
        """Its type and number: `Story:1005`."""
        return f"{self.type_name}:{self.id}"

    @property
    def url(self) -> str | None:
        """The address of its page for people; None before it was pushed, and for what is no work item."""
        shown = self.layout.type.work_item
        if shown is None or not shown.address or self.id < 0:
            return None
        return self._held.session.home(self.source).url + shown.address.replace("{id}", str(self.id))

    @property
    def is_here(self) -> bool:
        """Whether it is in the mirror: not deleted, neither here nor on the tracker."""
        self._held.refresh()
        return self._held.is_here

    @property
    def as_of(self) -> datetime | None:
        """The instant as of which this is what the tracker had, UTC; None for the record as it is now."""
        return self._held.session.as_of

    @property
    def is_dirty(self) -> bool:
        """Whether it has changes that are not queued yet."""
        return bool(self._held.session.edits.of(self._held))

    # its fields

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or name in _OWN:
            raise AttributeError(name)
        try:
            return self._held.value(name)
        except ValueError as error:
            raise AttributeError(f"{error}{self._hint(name)}", name=name, obj=self) from None

    def _hint(self, name: str) -> str:
        """Return what to say, behind the message, of a name that is no field."""
        if name in (each.partition(" ")[0] for each in self.layout.type.operations):
            return f"; it is one of the tracker's operations: do({name!r})"
        return here(RECORD, name)

    def __getitem__(self, name: str) -> Any:
        """Return a field, or what a dotted name leads to: `Owner.Name`, `Children.@Count`.

        Raises:
            KeyError: the type has nothing of that name.
        """
        if not isinstance(name, str):
            raise KeyError(f"{name!r} is no name of a field")
        try:
            steps = self._held.shape.steps(name)
            return self._held.referred(steps[0])[steps[1]] if steps else self._held.value(name)
        except ValueError as error:
            raise KeyError(str(error)) from None

    def __setattr__(self, name: str, value: object) -> None:
        self._held.session.writer.set(self._held, {name: value})

    def __setitem__(self, name: str, value: object) -> None:
        self._held.session.writer.set(self._held, {name: value})

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *self._held.shape.names(), *self._held.shape.collections()]

    def walk(self, name: str) -> Iterator[Record]:
        """Yield this record, what `name` leads to from it, what it leads to from there, and so on; none of them twice.

        `project.walk("Children")` is a project with all below it, `story.walk("Parent")` a story with all above it. What is
        equally far away is read at once.

        Raises, when it is looked at:
            KeyError: a type has nothing of that name.
            UsageError: it leads to no records.
        """
        level: list[Any] = [self]
        seen = set(level)
        while level:
            yield from level
            reached = (each for record in level for each in _followed(record, name))
            level = [each for each in dict.fromkeys(reached) if each not in seen]
            seen.update(level)

    def data(self) -> dict[str, Any]:
        """Return the fields with one value each, by name; of a reference the name that others show for it."""
        return self._held.data()

    def refresh(self) -> Record:
        """Read it from its tracker, now. Nothing else about a record asks the network.

        Raises:
            UnknownRecordError: it is not there yet, or not any more.
            RemoteError: the tracker cannot be asked.
        """
        if self.id < 0:
            raise UnknownRecordError(f"{self.key} is not on the tracker yet; run: mirror push")
        self._held.session.read_again(self.source, self.type_name, self.id)
        return self

    def content(self) -> bytes:
        """Return the bytes of a file. They are asked of its tracker the first time, and kept in the database.

        Raises:
            UsageError: it is no file.
            RemoteError: the tracker does not give them.
        """
        return self._held.session.content(self._held)

    # what can be done to it

    def update(self, fields: Mapping[str, object] | None = None, /, **more: object) -> Record:
        """Give several fields other values: all, or none.

        Raises:
            InvalidEditError: one of them is not possible.
        """
        self._held.session.writer.set(self._held, {**(fields or {}), **more})
        return self

    def delete(self) -> None:
        """Delete it; one that was created here and never pushed leaves no trace."""
        self._held.session.writer.delete(self._held)

    def comment(self, text: str, *, reply: bool = False) -> None:
        """Add a comment.

        Args:
            reply: to those who asked, where the tracker tells that from a comment.
        """
        self._held.session.writer.comment(self._held, text, "reply" if reply else "comment")

    def attach(self, file: str | Path | bytes, *, name: str = "", content_type: str = "") -> None:
        """Attach a file, or bytes, which need a name.

        Args:
            name: else the file's own.
            content_type: else what the name tells.
        """
        self._held.session.writer.attach(self._held, file, name=name, content_type=content_type)

    def rank(self, place: Place | str, other: Record | str | None = None) -> None:
        """Move it in the order of its list: above or below `other`; top or bottom."""
        try:
            there = Place(place)
        except ValueError:
            raise InvalidEditError(f"rank takes {', '.join(PLACES[:-1])} or {PLACES[-1]}, not {place!r}") from None
        self._held.session.writer.rank(self._held, there, other)

    def do(self, operation: str, **arguments: object) -> None:
        """Have the tracker do one of its own operations, such as Close or take.

        Args:
            arguments: by name; a record by itself, its key or its id.

        Raises:
            InvalidEditError: its type has no such operation, or it takes other arguments.
        """
        self._held.session.writer.operate(self._held, operation, arguments)

    def discard(self) -> None:
        """Take back what was done to it in memory; what is queued already stays queued."""
        self._held.session.writer.forget(self._held)

    def __repr__(self) -> str:
        shown = self._held.text(self.layout.type.name_field)
        return f"<{self.type_name} {self.key}{f' {shown!r}' if shown else ''}>"

    def __str__(self) -> str:
        """Return its key, or of a type without keys its name."""
        type_ = self.layout.type
        return self.key if type_.key_field or self.id < 0 else self._held.text(type_.name_field) or self.key


R_co = TypeVar("R_co", bound=Record, default=Record, covariant=True)
"""The records of one type, where somebody has described it, see `script.stubs`."""


def _followed(record: Record | Outside, name: str) -> list[Record | Outside]:
    """Return the records that a name leads to."""
    found = record[name]
    if not isinstance(found, Items | Record | Outside | Null):
        raise UsageError(f"{name} of {record} leads to no records")
    reached = found if isinstance(found, Items) else [found]
    return [each for each in reached if isinstance(each, Record | Outside)]
