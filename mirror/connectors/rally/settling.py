"""Whether a write whose answer was lost took place: looked for by what was sent, by whom and when.

Who made a record is told by `CreatedBy` of an artifact, by `User` of a post or a file, and by the first revision of what
has a history (rally.md §10.1, §10.2, §9.2). Of other types (TestCaseStep, TestCaseResult and so on) Rally does not tell it,
so nobody's is excluded there.

Source: rally.md §4 (queries), §8 (writing).
"""

from __future__ import annotations

import html
import re
from base64 import b64decode
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import msgspec

from mirror.connectors.base import Probed
from mirror.connectors.rally.decode import Ref, id_of
from mirror.connectors.rally.encode import reference
from mirror.connectors.rally.keys import all_of, iso
from mirror.connectors.rally.origins import was_first
from mirror.connectors.rally.overwriting import version_of
from mirror.connectors.rally.wire import Query, Wire, parsed
from mirror.model.cells import cells_of, columns_of, same
from mirror.model.change import Action
from mirror.model.layout import HEAD, Layout
from mirror.model.page import Page
from mirror.model.part import Part
from mirror.model.schema import Field, Kind
from mirror.model.write import Place, Target, Write

_PAGE_SIZE = 2000
_IDS_PER_READ = 150
_WITH_USER = frozenset({"ConversationPost", "Attachment", "TimeEntryItem"})
_QUOTABLE = re.compile(r'[^"\\\x00-\x1f]{1,200}')  # how to escape within quotes is not documented (rally.md §4 C)
_ROUNDED = 0.005  # decimals are kept with two digits (AttributeDefinition.MaxFractionalDigits)
_TAG = re.compile(r"<[^>]*>")

Cells = Mapping[str, Any]


class _Rally(Protocol):
    wire: Wire

    def me(self) -> int: ...

    def records(self, layout: Layout, ids: Sequence[int]) -> Page: ...


class _Found(msgspec.Struct):
    """A post, a file, or a record of which only the id and the rank are asked for."""

    id: int = msgspec.field(name="ObjectID")
    version: str | None = msgspec.field(name="VersionId", default=None)
    rank: str | None = msgspec.field(name="DragAndDropRank", default=None)
    name: str | None = msgspec.field(name="Name", default=None)
    text: str | None = msgspec.field(name="Text", default=None)
    size: int | None = msgspec.field(name="Size", default=None)
    user: Ref | None = msgspec.field(name="User", default=None)
    content: Ref | None = msgspec.field(name="Content", default=None)


class _Bytes(msgspec.Struct):
    content: str = msgspec.field(name="Content", default="")


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A record of ours that a CREATE may have made.

    Attributes:
        version: its VersionId; 1 when nobody has changed it. None when it is not told.
        odd: the fields that show otherwise than they were sent.
        history: the ObjectID of its revision history; None when it has none.
    """

    id: int
    version: int | None
    odd: frozenset[str]
    history: int | None


def probe(rally: _Rally, write: Write) -> Probed:
    """Return what a CREATE, COMMENT or ATTACH may have made.

    A tag is looked for by its name alone: sent again, the same would be given, whoever made it (§8.1 R).
    """
    match write.action:
        case Action.CREATE:
            return _tagged(rally, write) if write.layout.type.name == "Tag" else _created(rally, write)
        case Action.COMMENT:
            posts = _beside(rally, write, "ConversationPost", "Artifact")
            return Probed(tuple(each.id for each in posts if _says(each, write.text)))
        case Action.ATTACH:
            owner = "TestCaseResult" if write.layout.type.name == "TestCaseResult" else "Artifact"
            return Probed(
                tuple(each.id for each in _beside(rally, write, "Attachment", owner) if _holds(rally, each, write))
            )
    return Probed()


def took_effect(rally: _Rally, write: Write) -> bool | None:
    """Return whether a record went where a RANK wanted it; None for anything else, or when it is not there to be read.

    A rank is a text that compares as such, smaller ones come first (rally.md §5 R). A version that has not moved says that
    nothing was done, for a new rank is a change like any other (§9.2 R: `RANK moved up`).
    """
    if write.action is not Action.RANK or write.record_id is None:
        return None
    own = _ranked(rally, write.layout.type.name, f"(ObjectID = {write.record_id})")
    if own is None:
        return None
    if write.revision is not None and version_of(own.version) == version_of(write.revision):
        return False
    if write.place in (Place.TOP, Place.BOTTOM):
        order = "DragAndDropRank" if write.place is Place.TOP else "DragAndDropRank desc"
        first = _ranked(rally, write.layout.type.name, None, order=order)
        return first is not None and first.id == own.id
    other = write.other
    beside = _ranked(rally, other.type_name or write.layout.type.name, f"(ObjectID = {other.id})") if other else None
    if beside is None or own.rank is None or beside.rank is None:
        return None
    return own.rank < beside.rank if write.place is Place.ABOVE else own.rank > beside.rank


def _ranked(rally: _Rally, type_name: str, where: str | None, *, order: str = "ObjectID") -> _Found | None:
    names = ("ObjectID", "VersionId", "DragAndDropRank")
    result, _ = rally.wire.query(Query(type_name, where, names, 1, order=order))
    return parsed(result.rows[0], _Found) if result.rows else None


def _tagged(rally: _Rally, write: Write) -> Probed:
    ids = _ids(rally, "Tag", _identity_terms(write))
    return Probed(tuple(each.id for each in _made(rally, write, ids) if "Name" not in each.odd))


def _created(rally: _Rally, write: Write) -> Probed:
    """Look among our records made since, by name first; where none fits, among those that others have edited as well.

    One with our name and other values is in doubt, for Rally may change what it is sent.
    """
    since = [] if write.since is None else [f'(CreationDate >= "{iso(write.since)}")']
    ids = _ids(rally, write.layout.type.name, [*since, *_identity_terms(write)])
    probed = _judged(rally, write, _made(rally, write, ids))
    if probed.found:
        return Probed(probed.found, (), probed.edited)
    others = set(_ids(rally, write.layout.type.name, since)) - set(ids) if write.since is not None else set()
    more = _judged(rally, write, _made(rally, write, sorted(others), edited_only=True))
    return Probed(more.found, () if more.found else (*probed.doubtful, *more.doubtful), more.edited)


def _made(rally: _Rally, write: Write, ids: Sequence[int], *, edited_only: bool = False) -> Iterator[_Candidate]:
    """Yield what these records, as far as they are ours, show otherwise than they were sent."""
    layout = write.layout
    for first in range(0, len(ids), _IDS_PER_READ):
        page = rally.records(layout, ids[first : first + _IDS_PER_READ])
        for row in page.rows:
            cells = dict(zip((*HEAD, *(each.name for each in layout.columns)), row, strict=True))
            version = version_of(cells["_revision"])
            if edited_only and version == 1:
                continue
            if layout.type.name == "Tag" or _is_ours(rally, layout, cells):
                odd = [name for name in write.values if not _shows(write, name, cells)]
                odd += [] if _has_items(write, page, cells["id"]) else list(write.added)
                history = _reference(layout, "RevisionHistory", cells)
                yield _Candidate(cells["id"], version, frozenset(odd), history)


def _judged(rally: _Rally, write: Write, candidates: Iterable[_Candidate]) -> Probed:
    found: dict[int, frozenset[str]] = {}
    doubtful: list[int] = []
    for each in candidates:
        is_it = _is_it(rally, write, each)
        if is_it:
            found[each.id] = each.odd
        elif is_it is None:
            doubtful.append(each.id)
    return Probed(tuple(found), tuple(doubtful), {key: odd for key, odd in found.items() if odd})


def _is_it(rally: _Rally, write: Write, made: _Candidate) -> bool | None:
    """Return whether a record of ours was made by the write; None where that cannot be told.

    Every value must be there, or the history must say that it was before somebody changed it. What names the record decides
    whether it comes into question at all.
    """
    if not made.odd:
        return True
    named = frozenset(_identity(write))
    was: dict[str, bool | None] = dict.fromkeys(made.odd, False)
    if made.version != 1:
        was = was_first(rally.wire, write, sorted(made.odd), made.history)
    if all(was.values()):
        return True
    if named:
        return False if any(was.get(each) is False for each in named) else None
    return False if any(each is False for each in was.values()) else None


def _ids(rally: _Rally, type_name: str, terms: Sequence[str]) -> list[int]:
    return [each.id for each in _all(rally, type_name, terms, ("ObjectID",))]


def _all(rally: _Rally, type_name: str, terms: Sequence[str], names: tuple[str, ...]) -> list[_Found]:
    """Return all records that the terms select, by ascending id."""
    found: list[_Found] = []
    while True:
        behind = [f"(ObjectID > {found[-1].id})"] if found else []
        result, _ = rally.wire.query(Query(type_name, all_of([*terms, *behind]), names, _PAGE_SIZE))
        found += [parsed(each, _Found) for each in result.rows]
        if len(result.rows) >= result.total:
            return found


def _identity_terms(write: Write) -> list[str]:
    """Return terms for what names the record: its name, and records that it cannot be without."""
    terms = []
    for name in _identity(write):
        value, field = write.values[name], write.layout.type.field(name)
        if isinstance(value, Target):
            terms.append(f'({name} = "{reference(value, field)}")')
        elif isinstance(value, str) and _QUOTABLE.fullmatch(value) and value == " ".join(value.split()):
            terms.append(f'({name} = "{value}")')
    return terms


def _identity(write: Write) -> list[str]:
    return [
        name for name in write.values if name == write.layout.type.name_field or _is_needed(write.layout.type.field(name))
    ]


def _is_needed(field: Field | None) -> bool:
    return field is not None and field.required and field.kind is Kind.REFERENCE


def _shows(write: Write, name: str, cells: Cells) -> bool:
    """Return whether a record shows a value that was sent; null was no value, the server may have put a default there.

    Of rich text the markup and the blanks do not count, for the server cleans them (rally.md §6 R, HTML whitelist).
    """
    value, columns = write.values[name], columns_of(write.layout, name)
    if value is None or not columns:
        return True
    if isinstance(value, Target):
        return bool(cells[columns[Part.ID].name] == value.id)
    column = columns[Part.VALUE]
    shown = cells[column.name]
    if column.kind is Kind.TEXT:
        return _plain(str(value)) == _plain(shown or "")
    if column.kind is Kind.NUMERIC:
        return shown is not None and abs(float(shown) - float(value)) <= _ROUNDED
    return same(write.layout, name, cells_of(write.layout, name, value), cells)


def _has_items(write: Write, page: Page, record_id: int) -> bool:
    for name, items in write.added.items():
        members = {row[2] for row in page.links.get(name, ()) if row[0] == record_id}
        if not {each.id for each in items if isinstance(each, Target)} <= members:
            return False
    return True


def _is_ours(rally: _Rally, layout: Layout, cells: Cells) -> bool:
    author = _author(rally, layout, cells)
    return author is None or author == rally.me()


def _author(rally: _Rally, layout: Layout, cells: Cells) -> int | None:
    """Return the ObjectID of who made a record; None where Rally does not tell."""
    name = "User" if layout.type.name in _WITH_USER else "CreatedBy"
    told = _reference(layout, name, cells)
    history = _reference(layout, "RevisionHistory", cells)
    if told is not None or history is None:
        return told
    query = Query(f"RevisionHistory/{history}/Revisions", None, ("ObjectID", "User"), 1, order="RevisionNumber")
    result, _ = rally.wire.query(query)
    return _user(parsed(result.rows[0], _Found)) if result.rows else None


def _reference(layout: Layout, name: str, cells: Cells) -> int | None:
    column = columns_of(layout, name).get(Part.ID)
    return None if column is None else cells[column.name]


def _beside(rally: _Rally, write: Write, type_name: str, owner: str) -> list[_Found]:
    """Return the posts or files of a record that we made since it was sent."""
    record = Target(write.layout.type.name, write.record_id or 0)
    terms = [f'({owner} = "{reference(record, None)}")']
    if write.since is not None:
        terms.append(f'(CreationDate >= "{iso(write.since)}")')
    names = (
        ("ObjectID", "User", "Text") if type_name == "ConversationPost" else ("ObjectID", "User", "Name", "Size", "Content")
    )
    me = rally.me()
    return [each for each in _all(rally, type_name, terms, names) if _user(each) in (None, me)]


def _user(found: _Found) -> int | None:
    return id_of(found.user.ref) if found.user is not None else None


def _says(found: _Found, text: str) -> bool:
    return _plain(found.text or "") == _plain(text)


def _holds(rally: _Rally, found: _Found, write: Write) -> bool:
    """Return whether an attachment is the file; of the same name and size, by its bytes."""
    file = write.file
    if file is None or found.name != file.name or found.size != len(file.content):
        return False
    if found.content is None:
        return not file.content
    params = {"workspace": rally.wire.workspace, "fetch": "Content"}
    _, root, _ = rally.wire.get(f"attachmentcontent/{id_of(found.content.ref)}", params)
    try:
        return b64decode(parsed(root, _Bytes).content) == file.content
    except ValueError:
        return False


def _plain(text: str) -> str:
    """Return text without markup, with single blanks; text that is nothing but markup as it is."""
    bare = " ".join(html.unescape(_TAG.sub(" ", text)).split())
    return bare or text.strip()
