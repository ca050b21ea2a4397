"""The queue of what was changed here and is not on the tracker yet, as far as is known.

base + open changes = local, for every record, at every commit. What may follow from what is decided in `queue_sheet`.

Several processes may edit while one syncs. Every method is one transaction that holds the queue of its source (on Postgres
by an advisory lock; SQLite has one writer anyhow), and whoever stores a page holds it together with others who do, so that
none of ours meets another half-way. SQL of other clients takes no such lock. So the row of a record is locked before its
changes are read: a client's edit is either seen whole, or waits until we have committed and is made upon what we wrote.

A change of a field is never altered by a later edit: that takes its place under a new id. So an id that somebody has looked
at means the same value until it is gone, and `mark_sent` claims exactly what was looked at. Only a pull may merge into it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TypeVar

from sqlalchemy import or_, select

from mirror.errors import StoreError
from mirror.model.change import Cells, Change, End, LogEntry, State
from mirror.model.layout import Layout
from mirror.store import queue_edits, queue_ends, queue_promote, queue_rows, queue_taking
from mirror.store.database import Database, is_data_error, words
from mirror.store.dialects import insert_new
from mirror.store.queue_desks import Desks
from mirror.store.queue_taking import Taken, by_record, merged
from mirror.store.tables import blob, log
from mirror.store.tables import change as changes

Layouts = Mapping[str, Layout]
_Found = TypeVar("_Found")
_NOT_TAKEN = (StoreError, ValueError, ArithmeticError, TypeError)


@dataclass(frozen=True, slots=True)
class Settled:
    """How a change that was sent ended.

    Attributes:
        words: what the tracker said.
        revision: of the record afterwards; None when it is not known.
    """

    change_id: int
    end: End
    words: str = ""
    revision: str | None = None


def _clock() -> datetime:
    return datetime.now(UTC)


class Queue:
    """The queue of one database. Every method raises StoreError when the database fails."""

    def __init__(self, database: Database, clock: Callable[[], datetime] = _clock) -> None:
        self._database = database
        self._clock = clock

    # editing

    def new_id(self, source: str) -> int:
        """Return a temporary id for a record to be created here: negative, ever descending, never given out again."""
        return -self._database.transact(lambda each: queue_rows.next_number(each, source, queue_rows.TEMPORARY_ID))

    def add(self, layouts: Layouts, new: Sequence[Change]) -> list[Change]:
        """Make changes, and show them in the local rows; return what is open for them now.

        Base and base_revision are taken from the local rows here. An UPDATE takes the place of an earlier one of the field,
        or waits behind it while that is in flight, or was made by SQL and not taken in; one whose value is the base makes
        the earlier one vanish, as LINK and UNLINK of one item do to each other. DELETE takes the row out; other changes of
        the record stay in the queue, not to be sent before the DELETE is discarded. DELETE of a record that was created
        here discards its creation.

        Args:
            layouts: type name -> layout, of all types of the source.
            new: in the order in which they were made. A LINK may say {"name", "type"} of its target as value; they are
                looked up else.

        Raises:
            UsageError: the record is not here, or the creation to be discarded is referred to, or is on its way.
        """
        return self._edit(layouts, lambda desks: queue_edits.add(desks, new))

    def take_in(self, layouts: Layouts, taken: Sequence[Taken]) -> int:
        """Put changes in the place of those that SQL made, and return how many of these there were.

        All of a record are taken in at once, or none: they are left alone while another program holds its row, or has
        written to it again. What cannot be taken in is refused, with the reason, and keeps nothing else waiting.
        """
        try:
            return self._take_in(layouts, taken)
        except _NOT_TAKEN as error:
            if not _is_about_values(error):
                raise
        return sum(self._take_in_or_refuse(layouts, each) for each in by_record(taken))

    def _take_in(self, layouts: Layouts, taken: Sequence[Taken]) -> int:
        return self._edit(layouts, lambda desks: queue_taking.take_in(desks, taken))

    def _take_in_or_refuse(self, layouts: Layouts, taken: Sequence[Taken]) -> int:
        try:
            return self._take_in(layouts, taken)
        except _NOT_TAKEN as error:
            if not _is_about_values(error):
                raise
            refused = [_refused(each, f"it cannot be taken in: {words(error)}") for each in taken]
        with suppress(StoreError, ValueError, ArithmeticError, TypeError):
            return self._take_in(layouts, refused)
        return 0

    def put_blob(self, content: bytes) -> str:
        """Store the content of a file to be attached; return its digest."""
        digest = hashlib.sha256(content).hexdigest()
        with self._database.write() as connection:
            connection.execute(insert_new(connection, blob).values(digest=digest, content=content))
        return digest

    def blob(self, digest: str) -> bytes:
        """Return the content of a file that waits to be attached.

        Raises:
            StoreError: it is not there.
        """
        with self._database.read() as connection:
            content = connection.scalar(select(blob.c.content).where(blob.c.digest == digest))
        if content is None:
            raise StoreError(f"{self._database.label}: the file with the digest {digest} is not here")
        return bytes(content)

    # looking

    def open(
        self, source: str, *, record: tuple[str, int] | None = None, states: Collection[State] | None = None
    ) -> list[Change]:
        """Return what is in the queue, in the order it was made.

        Args:
            record: type name and id; None for all.
            states: None for all.
        """
        query = queue_rows.of_source(source)
        if record is not None:
            query = query.where(changes.c.type == record[0], changes.c.record_id == record[1])
        if states is not None:
            query = query.where(changes.c.state.in_([each.value for each in states]))
        with self._database.read() as connection:
            return queue_rows.read(connection, query)

    def log(self, source: str, *, record: tuple[str, int] | None = None, limit: int | None = None) -> list[LogEntry]:
        """Return the audit trail, newest first.

        Args:
            record: type name and id, which may be the temporary one it had; None for all.
            limit: how many entries; None for all.
        """
        query = select(log).where(log.c.source == source).limit(limit)
        if record is not None:
            query = query.where(log.c.type == record[0], or_(log.c.record_id == record[1], log.c.temporary_id == record[1]))
        with self._database.read() as connection:
            return queue_rows.entries(connection, query)

    def real_id(self, source: str, temporary_id: int) -> tuple[str, int] | None:
        """Return type name and id of a record that had that temporary id; None when it has it still, or never came to be."""
        with self._database.read() as connection:
            return queue_promote.real_id(connection, source, temporary_id)

    # pushing

    def mark_sent(self, ids: Collection[int], sent_at: datetime) -> int | None:
        """Mark changes of one source as on their way, under one attempt number, which is returned.

        Args:
            sent_at: the tracker's clock, aware.

        Returns:
            None when one of them is not READY any more, is not decided, stands behind another one of its field, or its
            record is to be deleted otherwise; nothing is changed then.
        """
        return self.mark_each_sent(None, [ids], sent_at)[0]

    def mark_each_sent(
        self, layouts: Layouts | None, attempts: Sequence[Collection[int]], sent_at: datetime
    ) -> list[int | None]:
        """Do that for several attempts at once, each with changes of records that no other one is about.

        Args:
            layouts: type name -> layout, of the types concerned; read from the database when None.

        Returns:
            For each attempt its number, or None; that one may not go keeps no other from going.
        """
        return self._edit(layouts, lambda desks: queue_ends.mark_sent(desks, attempts, sent_at))

    def put_back(
        self,
        ids: Collection[int],
        state: State,
        reason: str = "",
        remote: Cells | None = None,
        *,
        lost_at: datetime | None = None,
    ) -> None:
        """Give changes another state; an attempt to send one is logged. Those that are not open are left out.

        A change behind it takes it in. To READY, and to REFUSED without `remote`: by what the tracker showed meanwhile it
        may end ALREADY, be merged, or be a CONFLICT. To REFUSED with `remote`: that is its base from now on. To CONFLICT
        without `remote`: what another wrote is known in words only, and the tracker has our value by now; nothing but
        `resolve` or `discard` ends it.

        Args:
            state: READY, UNKNOWN, REFUSED or CONFLICT.
            remote: the tracker's cells of the columns concerned, more of them do not matter; {} when the record is gone.
            lost_at: to UNKNOWN: as in Change; what is known already stays.
        """
        self._edit(None, lambda desks: queue_ends.put_back(desks, ids, state, reason=reason, remote=remote, lost_at=lost_at))

    def settle(self, layout: Layout, ends: Sequence[Settled]) -> None:
        """Take changes of records of one type out of the queue and log how they ended; those that are gone are left out.

        After DONE, ADOPTED and ALREADY the tracker has what was wanted; the row shows what was read back, if it was. A
        deleted record moves to the tombstones, and what else waited for it is discarded.
        """
        self._edit({layout.type.name: layout}, lambda desks: queue_ends.settle(desks, layout, ends))

    def promote(self, layouts: Layouts, layout: Layout, temporary_id: int, real_id: int) -> None:
        """Give a record that was created here the id it has on the tracker, wherever the temporary one stands.

        Its row becomes the real one, or goes where that was stored already; what still waits for it shows there. Nothing
        happens when it has been done.

        Args:
            layouts: type name -> layout, of all types of the source.
        """
        self._edit(layouts, lambda desks: queue_promote.promote(desks, layout, temporary_id, real_id))

    # people's decisions

    def discard(self, layouts: Layouts, ids: Collection[int]) -> None:
        """Take changes back: what the tracker has is shown again. That of a CREATE takes all of the record with it.

        Raises:
            UsageError: one is not open any more, or is on its way; or others refer to the record that was created here.
        """
        self._edit(layouts, lambda desks: queue_ends.discard(desks, ids))

    def resolve(self, layouts: Layouts, change_id: int, take: str | Cells) -> None:
        """Answer a conflict.

        Args:
            take: "local" makes it READY upon the tracker's value; so it does with one that was refused. "remote" ends it.
                Cells of the field are a third value.

        Raises:
            UsageError: it is not open, no conflict, or cannot be resolved that way.
        """
        self._edit(layouts, lambda desks: queue_ends.resolve(desks, change_id, take))

    def _edit(self, layouts: Layouts | None, work: Callable[[Desks], _Found]) -> _Found:
        """Run one transaction of the queue."""
        return self._database.transact(lambda connection: work(Desks(connection, layouts, self._clock())))


def _refused(taken: Taken, reason: str) -> Taken:
    """Return edits that cannot be taken in as refused: whole, as nothing is known about their fields."""
    last = taken.captured[-1]
    return Taken(taken.captured, [replace(last, value=merged(taken.captured) or None, state=State.REFUSED, reason=reason)])


def _is_about_values(error: Exception) -> bool:
    """Return whether an error is about what was written, so that other edits may well be taken in."""
    return not isinstance(error, StoreError) or is_data_error(error)
