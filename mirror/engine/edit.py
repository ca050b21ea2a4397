"""Turns what people want into changes for the queue; nothing is written here.

Everything is checked against the mirrored catalogue first. When anything about an edit is wrong, none of it is returned.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, tzinfo
from enum import StrEnum
from typing import Any

from mirror.engine.finding import Found
from mirror.engine.lookup import Lookup, item_of
from mirror.engine.operations import Operation, check_arguments, operation_called
from mirror.engine.validate import (
    MANY,
    article,
    check_clearable,
    check_writable,
    demanded,
    field_called,
    is_cleared,
    is_storable,
    listed,
    scalar,
    text_item,
)
from mirror.errors import InvalidEditError
from mirror.model.cells import cells_of
from mirror.model.change import Action, Change, Via
from mirror.model.layout import Layout
from mirror.model.schema import Field, Kind
from mirror.model.write import Item, Place, Target, Value

_ASSIGNMENT = re.compile(r"([^=]*?)([+-]?)=(.*)", re.DOTALL)
_ACTIONS: Mapping[Action, str] = {
    Action.CREATE: "be created",
    Action.DELETE: "be deleted",
    Action.COMMENT: "take comments",
    Action.ATTACH: "take files",
    Action.RANK: "be ranked",
}


class How(StrEnum):
    """What an assignment does to its field."""

    SET = "="
    ADD = "+="
    REMOVE = "-="


@dataclass(frozen=True, slots=True)
class Assignment:
    """One thing to do to one field.

    Attributes:
        field: as people call it.
        value: text as people write it, or a value of Python's own types.
    """

    field: str
    value: object
    how: How = How.SET


@dataclass(frozen=True, slots=True)
class Upload:
    """A file to attach, whose content is stored already.

    Attributes:
        digest: SHA-256 of the content, hexadecimal.
        size: of the content, in bytes.
    """

    name: str
    content_type: str
    digest: str
    size: int


def assignments(texts: Iterable[str]) -> list[Assignment]:
    """Read `Field=Value`, `Field+=Item` and `Field-=Item`.

    Raises:
        InvalidEditError: one of them is none of these.
    """
    found, wrong = [], []
    for text in texts:
        match = _ASSIGNMENT.fullmatch(text)
        if match is None or not match[1].strip():
            wrong.append(f"{text!r} is not Field=Value")
        else:
            found.append(Assignment(match[1].strip(), match[3], How(f"{match[2]}=")))
    if wrong:
        raise InvalidEditError(*wrong)
    return found


@dataclass(frozen=True, slots=True)
class Editor:
    """Makes changes for the records of one source. They carry no base: the queue takes that from the local rows.

    Attributes:
        made_by: the user of the operating system.
        zone_of: the time zone of days and times that are written into a field without one.
    """

    lookup: Lookup
    via: Via = Via.API
    made_by: str = ""
    zone_of: Callable[[Field], tzinfo] = lambda _: UTC

    def set(self, found: Found, wanted: Sequence[Assignment]) -> list[Change]:
        """Return the changes that give fields of a record other values.

        Raises:
            InvalidEditError: one of them is not possible.
        """
        self._refuse_absent(found)
        if not wanted:
            raise InvalidEditError("nothing to set: say Field=Value")
        return self._assigned(found, wanted)

    def new(self, layout: Layout, record_id: int, wanted: Sequence[Assignment]) -> list[Change]:
        """Return the changes that create a record: its creation first, then one for each field.

        Args:
            record_id: the temporary id; negative.

        Raises:
            InvalidEditError: the type cannot be created, a required field is missing, or a value is not possible.
        """
        _refuse_unable(layout, Action.CREATE)
        found = Found(layout, record_id, f"NEW-{-record_id}")
        changes = [each for each in self._assigned(found, wanted) if not _says_nothing(each)]
        given = {each.field for each in changes}
        missing = [each for each in demanded(layout) if each.name not in given]
        if missing:
            raise InvalidEditError(f"a new {layout.type.name} needs {', '.join(_hinted(each) for each in missing)}")
        return [self._change(found, Action.CREATE), *changes]

    def delete(self, found: Found) -> list[Change]:
        """Return the change that deletes a record.

        Raises:
            InvalidEditError: its type cannot be deleted, or it is deleted already.
        """
        self._refuse_absent(found)
        if found.record_id > 0:
            _refuse_unable(found.layout, Action.DELETE)
        return [self._change(found, Action.DELETE)]

    def comment(self, found: Found, text: str, kind: str = "comment") -> list[Change]:
        """Return the change that adds a comment.

        Args:
            kind: comment, or reply where the tracker tells them apart.

        Raises:
            InvalidEditError: the type takes none, or the text is empty.
        """
        self._refuse_absent(found)
        _refuse_unable(found.layout, Action.COMMENT)
        if not text.strip():
            raise InvalidEditError("an empty comment says nothing")
        if not is_storable(text):
            raise InvalidEditError("the comment has characters that are no text")
        return [self._change(found, Action.COMMENT, item=_token(), value={"text": text, "kind": kind})]

    def attach(self, found: Found, upload: Upload) -> list[Change]:
        """Return the change that attaches a file; `check_attach` comes before its content is stored."""
        self.check_attach(found)
        value = {"name": upload.name, "digest": upload.digest, "size": upload.size, "content_type": upload.content_type}
        return [self._change(found, Action.ATTACH, item=_token(), value=value)]

    def check_attach(self, found: Found) -> None:
        """Refuse a record that takes no files.

        Raises:
            InvalidEditError: it takes none.
        """
        self._refuse_absent(found)
        _refuse_unable(found.layout, Action.ATTACH)

    def rank(self, found: Found, place: Place, other: Found | None = None) -> list[Change]:
        """Return the change that moves a record in the order of its list.

        Args:
            other: the record to go above or below of.

        Raises:
            InvalidEditError: one of them cannot be ranked, or they are the same, or of different sources.
        """
        self._refuse_absent(found)
        _refuse_unable(found.layout, Action.RANK)
        if (other is None) is (place in (Place.ABOVE, Place.BELOW)):
            raise InvalidEditError("say another record for above and below, and none for top and bottom")
        if other is not None:
            self._refuse_absent(other)
            _refuse_unable(other.layout, Action.RANK)
            if other.source != found.source:
                raise InvalidEditError(f"{found.label} and {other.label} are of different sources")
            if (other.layout.type.name, other.record_id) == (found.layout.type.name, found.record_id):
                raise InvalidEditError(f"{found.label} cannot be ranked against itself")
        near = {"other": other.record_id if other else None, "other_type": other.layout.type.name if other else None}
        return [self._change(found, Action.RANK, value={"to": place.value, **near})]

    def operate(self, found: Found, operation: str, arguments: Mapping[str, str]) -> list[Change]:
        """Return the change that has the tracker do one of its own operations.

        Args:
            operation: as the catalogue names it, in any case.
            arguments: by name; a record by what people call it, also one that was created here.

        Raises:
            InvalidEditError: the type has no such operation, or it does not take these arguments.
        """
        self._refuse_absent(found)
        try:
            known = operation_called(found.layout, operation)
            check_arguments(known, arguments)
            others = {name: self._argument(found, name, kind, arguments[name]) for name, kind in _kinds(known)}
        except ValueError as error:
            raise InvalidEditError(str(error)) from None
        value: dict[str, Any] = {"arguments": {**arguments, **{name: str(each.id) for name, each in others.items()}}}
        for name, each in others.items():
            value |= {"named": name, "other": each.id, "other_type": each.type_name}
        return [self._change(found, Action.OPERATE, known.name, value=value)]

    def _argument(self, found: Found, name: str, kind: str, text: str) -> Target:
        """Return the record that an argument of an operation names.

        Raises:
            ValueError: it names none, or the one that the operation is of.
        """
        layout = self.lookup.layouts.get(kind)
        if layout is None:
            if not text.isdecimal():
                raise ValueError(f"{name}: {kind} is not mirrored here, so {text!r} must be said by its id")
            return Target(kind, int(text))
        target = self.lookup.of_type(layout, text)
        if (target.type_name, target.id) == (found.layout.type.name, found.record_id):
            raise ValueError(f"{name}: {found.label} cannot be named for itself")
        return target

    # one record's fields

    def _assigned(self, found: Found, wanted: Sequence[Assignment]) -> list[Change]:
        changes: list[Change] = []
        problems: list[str] = []
        for each in wanted:
            try:
                change = self._one(found, each)
            except ValueError as error:
                problems.append(str(error))
                continue
            if change.action is Action.UPDATE and any(_is_same_field(change, other) for other in changes):
                problems.append(f"{change.field} is given twice")
            elif change not in changes:
                changes.append(change)
        if problems:
            raise InvalidEditError(*problems)
        return changes

    def _one(self, found: Found, wanted: Assignment) -> Change:
        layout = found.layout
        field = field_called(layout, wanted.field)
        check_writable(layout, field, is_new=found.record_id < 0)
        if field.kind in MANY:
            return self._many(found, field, wanted)
        if wanted.how is not How.SET:
            raise ValueError(f"{field.name} holds one value: say {field.name}=…, not {field.name}{wanted.how}…")
        value = self.value(layout, field, wanted.value)
        return self._change(found, Action.UPDATE, field.name, value=cells_of(layout, field.name, value))

    def value(self, layout: Layout, field: Field, given: object) -> Value:
        """Return the value of a field that is not many-valued; None clears it.

        Raises:
            ValueError: it is not possible.
        """
        if field.kind is not Kind.REFERENCE:
            return scalar(field, given, self.zone_of(field))
        if is_cleared(given):
            check_clearable(field)
            return None
        target = self.lookup.target(layout, field, given)
        if field.allowed_values and target.name is not None and target.name not in field.allowed_values:
            raise ValueError(
                f"{field.name} cannot be {target.name!r}; it is one of {listed(filter(None, field.allowed_values))}"
            )
        return target

    def _many(self, found: Found, field: Field, wanted: Assignment) -> Change:
        if wanted.how is How.SET:
            raise ValueError(
                f"{field.name} holds many: say {field.name}+=… or {field.name}-=…, or use mirror link and mirror unlink"
            )
        if wanted.how is How.ADD and field.kind is Kind.VALUES:
            return self._change(found, Action.LINK, field.name, item=text_item(field, wanted.value))
        if wanted.how is How.ADD:
            target = self.lookup.target(found.layout, field, wanted.value)
            shown = {"name": target.name, "type": target.type_name or None}
            return self._change(found, Action.LINK, field.name, item=item_of(target), value=shown)
        return self._change(found, Action.UNLINK, field.name, item=self._item_there(found, field, wanted.value))

    def _item_there(self, found: Found, field: Field, given: object) -> str:
        """Return the item of those that the field holds which `given` means.

        Raises:
            ValueError: it means none of them, or several.
        """
        there = {item_of(each): each for each in self.lookup.finder.items(found.layout, found.record_id, field.name)}
        wanted = str(given).strip()
        same = [item for item, each in there.items() if wanted in _spellings(each)]
        same = same or [item for item, each in there.items() if wanted.casefold() in map(str.casefold, _spellings(each))]
        if not same and field.kind is Kind.LINKS:
            same = [each for each in (item_of(self.lookup.target(found.layout, field, given)),) if each in there]
        if len(same) > 1:
            raise ValueError(f"{field.name}: {given!r} may be {listed(same)}: say which")
        if not same:
            holds = f"it holds {listed(_spellings(each)[0] for each in there.values())}" if there else "it holds none"
            raise ValueError(f"{field.name} of {found.label} does not hold {given!r}; {holds}")
        return same[0]

    # the rest

    def _change(self, found: Found, action: Action, field: str = "", **more: Any) -> Change:
        plain = Change(
            found.source, found.layout.type.name, found.record_id, action, field, via=self.via, made_by=self.made_by
        )
        return replace(plain, **more)

    def _refuse_absent(self, found: Found) -> None:
        if not found.is_here:
            raise InvalidEditError(f"{found.label} is deleted; to have it back here: mirror discard {found.label}")


def _refuse_unable(layout: Layout, action: Action) -> None:
    if action.value in layout.type.actions:
        return
    able = [words for each, words in _ACTIONS.items() if each.value in layout.type.actions]
    if any(not each.read_only for each in layout.type.fields):
        able.append("have fields set")
    instead = f"it can {listed(able)}" if able else "nothing about it can be written"
    raise InvalidEditError(f"{article(layout.type.name)} cannot {_ACTIONS[action]} through its tracker's API; {instead}")


def _hinted(field: Field) -> str:
    return f"{field.name}+=…" if field.kind in MANY else f"{field.name}=…"


def _is_same_field(some: Change, other: Change) -> bool:
    return other.action is Action.UPDATE and other.field == some.field


def _spellings(item: Item) -> tuple[str, ...]:
    """Return how people may write an item that is there; as they know it first."""
    if isinstance(item, str):
        return (item,)
    return (*filter(None, [item.name]), item_of(item), str(item.id))


def _kinds(operation: Operation) -> list[tuple[str, str]]:
    """Return the arguments of an operation that name records, each with the type."""
    return [(name, kind) for name, kind in (operation.arguments or {}).items() if kind]


def _says_nothing(change: Change) -> bool:
    """Return whether a field of a record that does not exist yet is set to what it is anyhow: nothing."""
    return change.action is Action.UPDATE and all(each is None for each in (change.value or {}).values())


def _token() -> str:
    """Return what tells one comment, or file, from another with the same content."""
    return secrets.token_hex(8)
