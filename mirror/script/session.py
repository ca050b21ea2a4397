"""The records that one script works with: each is one object, and what was read together is read on together."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, cast
from weakref import WeakValueDictionary

from mirror.engine.finding import Found, find
from mirror.errors import UnknownRecordError
from mirror.model.schema import Field
from mirror.model.write import Target
from mirror.script.edits import Edits, Place
from mirror.script.held import Held, Peers, Row
from mirror.script.home import Home
from mirror.script.pending import PendingFinder
from mirror.script.record import Record
from mirror.script.relating import relate
from mirror.script.shape import ID, Meaning, name_of
from mirror.store.finding import Finder

if TYPE_CHECKING:
    from mirror.script.watcher import Watcher
    from mirror.script.writing import Writer

_TEMPORARY = re.compile(r"([:/])-(\d+)$")
"""How `Record.oid` ends while it has no number of the tracker's."""


class Session:
    """All records that a script holds, as the mirror had them when they were read.

    Attributes:
        edits: what was changed in memory.
        epoch: goes up whenever this process has written to the database; what was read before is then read again.
        writer: makes changes.
        watch: has callbacks called, see `Mirror.watch`.
        read_again: reads a record, given its source, its type and its id, from its tracker.
        content: returns the bytes of a file.
        as_of: the instant as of which the records are; None for now.
        live: the session whose records are as of now.
        pasts: by source and instant, sessions of what was, as long as somebody holds records of theirs.
    """

    writer: Writer
    watch: Callable[..., Watcher]
    as_of: datetime | None = None

    def __init__(self, read_again: Callable[[str, str, int], None], content: Callable[[Held], bytes]) -> None:
        self.read_again = read_again
        self.content = content
        self.edits = Edits()
        self.epoch = 0
        self.live = self
        self.pasts: WeakValueDictionary[tuple[str, datetime], Session] = WeakValueDictionary()
        self._homes: dict[str, Home] = {}
        self._known: WeakValueDictionary[Place, Record] = WeakValueDictionary()

    def knows(self, source: str) -> bool:
        """Return whether a source was taken in."""
        return source in self._homes

    def enter(self, home: Home) -> None:
        """Take a source into the session."""
        self._homes[home.source] = home

    def home(self, source: str) -> Home:
        """Return a source that was taken in."""
        return self._homes[source]

    def finder(self, source: str) -> Finder:
        """Return what finds records of a source by what people call them, those as well that only memory knows."""
        return cast("Finder", PendingFinder(self.home(source).store.finder, self, source))

    def find(self, source: str, key: str) -> Record:
        """Return the record that people call `key`.

        Raises:
            UnknownRecordError: there is none, or there are several; says what to say instead.
        """
        wanted = _TEMPORARY.sub(r"\1NEW-\2", key)
        return self.record(find(self.finder(source), {source: self.home(source).layouts}, wanted))

    def record(self, found: Found) -> Record:
        """Return the record that a key has led to.

        Raises:
            UnknownRecordError: it is deleted.
        """
        type_name = found.layout.type.name
        records = self.records(found.source, [type_name], [found.record_id])
        if found.record_id not in records:
            raise UnknownRecordError(f"{found.label} is deleted; to have it back here: mirror discard {found.label}")
        return records[found.record_id]

    def pass_on(self) -> None:
        """Note that the database has been written to: whatever is looked at from now on is read again."""
        self.epoch += 1
        for each in self._homes.values():
            each.renew()
        for past in [*self.pasts.values()]:
            past.pass_on()

    # records

    def adopt(self, source: str, type_name: str, rows: Iterable[Row]) -> list[Record]:
        """Return the records of these rows, which become peers; those that a script holds already are brought up to date."""
        peers = Peers(self.home(source).shape(type_name), [], self.epoch)
        return [self._adopted(peers, source, type_name, row) for row in rows]

    def _adopted(self, peers: Peers, source: str, type_name: str, row: Row) -> Record:
        number: int = row[ID]
        peers.ids.append(number)
        known = self._known.get((source, type_name, number))
        if known is None:
            known = self._known[source, type_name, number] = Record(Held(self, peers, number, row))
            return known
        held = known._held
        if held.row != row or held.peers.epoch != self.epoch:
            held.row, held.is_here = row, True
            held.related.clear()
        held.peers = peers
        return known

    def create(self, source: str, type_name: str, record_id: int) -> Record:
        """Return a new record that only memory knows."""
        peers = Peers(self.home(source).shape(type_name), [record_id], self.epoch)
        made = self._known[source, type_name, record_id] = Record(Held(self, peers, record_id, None))
        return made

    def bury(self, source: str, type_name: str, row: Row) -> Record:
        """Return a record that is gone, with the row that it had last; one that a script holds already stays what it is."""
        known = self._known.get((source, type_name, row[ID]))
        if known is not None:
            return known
        peers = Peers(self.home(source).shape(type_name), [row[ID]], self.epoch)
        buried = self._known[source, type_name, row[ID]] = Record(Held(self, peers, row[ID], row, is_here=False))
        return buried

    def records(self, source: str, type_names: Sequence[str], ids: Collection[int]) -> dict[int, Record]:
        """Return the records with those ids, by id, looked for in these types in turn; they become peers."""
        found: dict[int, Record] = {}
        for type_name in type_names:
            missing = [each for each in ids if each not in found]
            if missing:
                found |= self._of_type(source, type_name, missing)
        return found

    def _of_type(self, source: str, type_name: str, ids: Collection[int]) -> dict[int, Record]:
        known = {each: self._known.get((source, type_name, each)) for each in ids}
        there = {number: each for number, each in known.items() if each is not None and self._is_fresh(each._held)}
        missing = [each for each in ids if each not in there]
        if missing:
            rows = self.home(source).searching.rows_of(type_name, missing)
            there |= {each.id: each for each in self.adopt(source, type_name, (row.values for row in rows))}
        there = {number: each for number, each in there.items() if each._held.is_here}
        self._join(there.values())
        return there

    def _is_fresh(self, held: Held) -> bool:
        return held.peers.epoch == self.epoch or self.edits.is_new(held)

    def _join(self, records: Collection[Record]) -> None:
        """Make peers of records that are reached together, but of none that has more of them already."""
        held = [each._held for each in records]
        if len({id(each.peers) for each in held}) < 2 or len({id(each.shape) for each in held}) > 1:
            return  # they are peers already, or the catalogue has changed in between
        peers = Peers(held[0].shape, [each.id for each in held], self.epoch)
        for each in held:
            if len(each.peers.ids) <= len(held):
                each.peers = peers

    def known(self, source: str, type_name: str, record_id: int) -> Record | None:
        """Return the object of a record when somebody holds it; None else."""
        return self._known.get((source, type_name, record_id))

    def fresh(self, source: str, type_name: str, record_id: int) -> Record | None:
        """Return a record that is here, as far as this process knows without asking; None when it does not know."""
        found = self.known(source, type_name, record_id)
        if found is None or not self._is_fresh(found._held) or not found._held.is_here:
            return None
        return found

    def forget_collections(self, held: Held, field: Field, targets: Sequence[Target]) -> None:
        """Forget what refers to these records, now that `field` of a record leads from one of them to another."""
        candidates = self.home(held.source).candidates(field)
        for target in targets:
            for type_name in [target.type_name] if target.type_name else candidates:
                owner = self.known(held.source, type_name, target.id)
                if owner is not None:
                    owner._held.forget_collections()

    def known_as(self, held: Held) -> Record:
        """Return the object of a record that is in use."""
        return self._known[held.source, held.type_name, held.id]

    # what they lead to

    def relate(self, asking: Held, meaning: Meaning) -> None:
        """Read what a name leads to, of a record and of all of its peers that somebody holds."""
        name = name_of(meaning)
        members = [each for each in self._members(asking.peers, asking) if name not in each.related]
        relate(self, members, meaning)

    def renew(self, peers: Peers, asking: Held) -> None:
        """Read the rows of records again."""
        members = self._members(peers, asking)
        source, type_name = asking.source, asking.type_name
        home = self.home(source)
        rows = {each.id: each.values for each in home.searching.rows_of(type_name, [each.id for each in members])}
        peers.shape, peers.epoch = home.shape(type_name), self.epoch
        for each in members:
            each.related.clear()
            row = rows.get(each.id)
            if row is not None:
                each.row, each.is_here = row, True
            elif not self.edits.is_new(each):
                self._lost(each)

    def _lost(self, held: Held) -> None:
        """Find a record again that was created here and has the tracker's number by now; else it is gone."""
        real = self.home(held.source).store.queue.real_id(held.source, held.id) if held.id < 0 else None
        rows: Mapping[int, Row] = {}
        if real is not None:
            found = self.home(held.source).searching.rows_of(held.type_name, [real[1]])
            rows = {each.id: each.values for each in found}
        if real is None or real[1] not in rows:
            held.is_here = False
            return
        record = self._known.pop((held.source, held.type_name, held.id))
        self._known[held.source, held.type_name, real[1]] = record
        held.id, held.row, held.is_here = real[1], rows[real[1]], True
        held.peers = Peers(held.shape, [held.id], self.epoch)

    def _members(self, peers: Peers, asking: Held) -> list[Held]:
        source, type_name = asking.source, asking.type_name
        known = [self._known.get((source, type_name, each)) for each in peers.ids]
        held = [each._held for each in known if each is not None and each._held.peers is peers]
        return held if asking in held else [*held, asking]
