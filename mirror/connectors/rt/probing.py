"""What a creation, a comment or a file whose answer was lost has left on the tracker.

A creation may have dropped values without a word (rt.md §6.2), and RT's own rules or people may have changed others since:
a new record of ours is taken for the one that was sent unless it shows a value that neither explains.

What cannot be found: a comment by an account that may comment and not read comments.
"""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any

from mirror.connectors.base import Probed
from mirror.connectors.http import Answer, Request
from mirror.connectors.rt import history
from mirror.connectors.rt.account import Myself
from mirror.connectors.rt.catalog import Schema
from mirror.connectors.rt.clock import ServerClock
from mirror.connectors.rt.collections import COLLECTIONS, listing
from mirror.connectors.rt.dates import in_sql, seconds_back
from mirror.connectors.rt.drafting import Drafting
from mirror.connectors.rt.encode import NO_DATE
from mirror.connectors.rt.history import Entry
from mirror.connectors.rt.localtime import LocalTime, in_local_time
from mirror.connectors.rt.naming import Naming
from mirror.connectors.rt.paging import Pager
from mirror.connectors.rt.search import Condition, Search, Tongue, decoded, id_of, rows_of
from mirror.model.cells import cells_in, cells_of, same
from mirror.model.change import Action
from mirror.model.layout import HEAD, Layout
from mirror.model.page import Page
from mirror.model.part import Part
from mirror.model.write import Item, Target, Write

_KEPT = frozenset({"Subject", "Queue", "Name", "Status", "Type"})  # never dropped: refused, or there (rt.md §6.2)
_NAMES = frozenset({"Subject", "Name"})
_NOBODY = 6  # the number of Nobody in every RT
_NOTHING = frozenset({"", str(_NOBODY), NO_DATE})
_IN_HISTORY = {"Parents": "MemberOf", "Children": "HasMember"}
_SAID = {"comment": "Comment", "reply": "Correspond"}


class Probing:
    """Looks for what writes of one account have left.

    Args:
        records: reads records as the engine does, at most `per_read` at once.
    """

    def __init__(
        self,
        send: Callable[[Request], Answer],
        pager: Pager,
        myself: Myself,
        clock: ServerClock,
        *,
        schema: Callable[[], Schema],
        records: Callable[[Layout, Sequence[int]], Page],
        per_read: int,
    ) -> None:
        self._send = send
        self._pager = pager
        self._myself = myself
        self._clock = clock
        self._schema = schema
        self._records = records
        self._per_read = per_read

    def probe(self, write: Write) -> Probed:
        """Return the records, transactions or attachments that the write may have made."""
        match write.action:
            case Action.CREATE:
                return self._made(write)
            case Action.COMMENT:
                said = self._said(write, _SAID[write.kind])
                return Probed(tuple(each for each in said if self._has_text(each, write.text)))
            case Action.ATTACH:
                return Probed(tuple(file for each in self._said(write, "Comment") for file in self._files(each, write)))
        return Probed()

    # Records

    def _made(self, write: Write) -> Probed:
        """Return new records of ours that show what was sent, or did once; one that shows its name only is in doubt."""
        edited: dict[int, frozenset[str]] = {}
        doubtful: list[int] = []
        for number, odd in self._odd(write):
            if not odd or self._did_show(write, number, odd):
                edited[number] = odd
            elif _NAMES & (write.values.keys() - odd):
                doubtful.append(number)
        return Probed(tuple(edited), tuple(doubtful), {number: odd for number, odd in edited.items() if odd})

    def _odd(self, write: Write) -> Iterator[tuple[int, frozenset[str]]]:
        """Yield the numbers of new records of ours, with the fields that show something else than was sent."""
        ids = self._new(write)
        for start in range(0, len(ids), self._per_read):
            page = self._records(write.layout, ids[start : start + self._per_read])
            columns = (*HEAD, *(each.name for each in write.layout.columns))
            for row in page.rows:
                links = {name: [each for each in rows if each[0] == row[1]] for name, rows in page.links.items()}
                cells = dict(zip(columns, row, strict=True))
                odd = [name for name in write.values if not self._explains(write, name, cells)]
                odd += [name for name, items in write.added.items() if not _shares(items, links.get(name, ()))]
                yield int(row[1]), frozenset(odd)

    def _new(self, write: Write) -> list[int]:
        """Return the ids of records that we have made since the write, in ascending order."""
        if write.since is None:
            return []
        name, fields = write.layout.type.name, {"fields": "id"}
        path = COLLECTIONS[name].path
        match COLLECTIONS[name].tongue:
            case Tongue.TICKETS:
                back = seconds_back(write.since, self._clock.now()) + 1
                base = f"Type != '' AND Creator = '__CurrentUser__' AND Created > '-{back} seconds'"
                search = Search(path, Tongue.TICKETS, base, fields)
            case Tongue.NONE:  # users are only found by their name, and nobody else can have that
                wanted = (Condition("Name", "=", str(write.values.get("Name"))),)
                search = Search(path, Tongue.JSON, wanted, fields, disabled_too=True)
            case _:
                since = Condition("Created", ">=", in_sql(write.since))
                ours = Condition("Creator", "=", str(self._myself.account().number))
                search = listing(name, fields).only(since).only(ours)
        return sorted(id_of(item) for stretch in self._pager.all(search) for item in stretch.items)

    def _did_show(self, write: Write, number: int, odd: Collection[str]) -> bool:
        """Return whether all these fields may have shown what was sent, before they were changed."""
        since = write.since or self._clock.now()
        entries = history.since(self._send, write.layout.type.name, number, since)
        drafting = Drafting(Naming.of(self._schema(), write.layout.type.name), LocalTime(None))
        told = drafting.creation(write).told
        return all(_was(name, told.get(name), entries, drafting.naming) for name in odd)

    def _explains(self, write: Write, name: str, row: Mapping[str, Any]) -> bool:
        """Return whether a field shows what was sent, or nothing, as where RT has dropped it."""
        layout, value = write.layout, write.values[name]
        shown = cells_in(row, layout, name)
        if value is None or same(layout, name, cells_of(layout, name, value), shown):
            return True
        if name in _KEPT:
            return False
        numbers = {column.part: shown[column.name] for column in layout.columns if column.field == name}
        if all(each is None for each in numbers.values()) or numbers.get(Part.ID) == _NOBODY:
            return True
        return in_local_time(layout, name) and self._myself.account().zone is None

    # Comments and files

    def _said(self, write: Write, kind: str) -> list[int]:
        """Return the transactions of that kind that we have added to a ticket since the write."""
        if write.since is None:
            return []
        me = self._myself.account().name.casefold()
        found = history.since(self._send, "ticket", write.record_id or 0, write.since)
        return [each.number for each in found if each.type == kind and each.creator.casefold() == me]

    def _has_text(self, transaction: int, text: str) -> bool:
        parts = self._parts(transaction)
        return any(not each.get("Filename") and str(each.get("Content") or "") == _kept(text) for each in parts)

    def _files(self, transaction: int, write: Write) -> list[int]:
        if write.file is None:
            return []
        named = [id_of(each) for each in self._parts(transaction) if each.get("Filename") == write.file.name]
        return [each for each in named if self._content(each) == write.file.content]

    def _parts(self, transaction: int) -> Sequence[Mapping[str, Any]]:
        path = f"/REST/2.0/transaction/{transaction}/attachments"
        params = {"fields": "Content,Filename", "orderby": "id", "per_page": "100"}
        return rows_of(self._send(Request("GET", path, params=params)), path).items

    def _content(self, attachment: int) -> bytes:
        found = decoded(self._send(Request("GET", f"/REST/2.0/attachment/{attachment}")), "attachment")
        return b64decode(str(found.get("Content") or ""))


def _was(name: str, told: str | None, entries: Sequence[Entry], naming: Naming) -> bool:
    """Return whether a field that shows something else now can have shown what was sent, or nothing, before it was changed.

    Args:
        told: what was sent, as transactions show it; None when that is not known, or of lists.
    """
    called = _IN_HISTORY.get(name, naming.in_history(name))
    first = next((each for each in entries if each.field == called), None)
    if first is None or told is None:
        return first is not None
    return first.old == told or (name not in _KEPT and first.old in _NOTHING)


def _shares(sent: Sequence[Item], rows: Sequence[Any]) -> bool:
    """Return whether a list shows something of what was sent, or nothing."""
    wanted = {each.id if isinstance(each, Target) else each for each in sent}
    shown = {value for each in rows for value in each[2:4]}
    return not rows or bool(wanted & shown)


def _kept(text: str) -> str:
    """Return a text as RT keeps it (seen on 5.0.3)."""
    return text.replace("\r\n", "\n")
