"""Who watches what, and what each is still to be told."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, and_, case, delete, func, insert, literal, select, update

from mirror.model.happening import Entry, Happening, Interest, WatcherStatus
from mirror.model.layout import Layout
from mirror.model.page import Fate
from mirror.store import queue_rows
from mirror.store.chunks import chunked
from mirror.store.database import Database
from mirror.store.record_tables import describe
from mirror.store.tables import journal, tombstone, watcher


@dataclass(frozen=True, slots=True)
class LastSeen:
    """A record that is gone, as it was last.

    Attributes:
        cells: column -> cell; instants and numbers may be written otherwise than in rows, see model.cells.canonical.
        links: name of the link table -> its rows behind the owner.
    """

    fate: Fate
    cells: Mapping[str, Any]
    links: Mapping[str, Sequence[Any]]


_LONGEST_SAID = 500  # characters; what failed may fail ten thousand times

ATTEMPTS = 10
"""So often something is told whose callback fails; then it waits until its watcher is registered anew."""


class Watchers:
    """The watchers of one database. Each method is one transaction, and raises StoreError when the database fails."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def register(
        self, name: str, interests: Collection[Interest], layouts: Mapping[tuple[str, str], Layout], *, now: datetime
    ) -> None:
        """Have `name` watch this and nothing else, from now on; what waits for him of it goes on waiting.

        What has failed so often that it was put aside is told again.

        Args:
            layouts: source and type name -> layout, of all interests.
        """
        with self._database.write() as connection:
            # No page is stored half before and half after this.
            queue_rows.hold(connection, {each.source for each in interests})
            known = {(row.source, row.type): row.since for row in connection.execute(_of(name))}
            wanted = {(each.source, each.type_name): each for each in interests}
            for place in known.keys() - wanted.keys():
                _drop(connection, name, place)
            connection.execute(delete(watcher).where(watcher.c.name == name))
            rows = [_row(name, each, known.get(place, now)) for place, each in wanted.items()]
            if rows:
                connection.execute(insert(watcher), rows)
            for place in wanted.keys() - known.keys():
                if wanted[place].since_start and Happening.CREATED in wanted[place].happenings:
                    _tell_all(connection, name, layouts[place], now)
            connection.execute(update(journal).where(journal.c.watcher == name).values(attempts=0, said=""))

    def forget(self, name: str) -> bool:
        """Register `name` no longer, and what he was to be told; return whether he was registered."""
        with self._database.write() as connection:
            connection.execute(delete(journal).where(journal.c.watcher == name))
            return connection.execute(delete(watcher).where(watcher.c.name == name)).rowcount > 0

    def knows(self, name: str) -> bool:
        """Return whether `name` is registered."""
        with self._database.read() as connection:
            return connection.execute(_of(name).limit(1)).first() is not None

    def all(self, source: str = "") -> list[WatcherStatus]:
        """Return all that are registered, by name.

        Args:
            source: only those that watch it, with what waits for them of it; of all sources when it is empty.
        """
        found = select(watcher).order_by(watcher.c.name, watcher.c.source, watcher.c.type)
        with self._database.read() as connection:
            rows = connection.execute(found.where(watcher.c.source == source) if source else found).all()
            waiting = _waiting(connection, source)
        return [
            WatcherStatus(
                name,
                tuple((each.source, each.type) for each in rows if each.name == name),
                min(each.since for each in rows if each.name == name),
                **waiting.get(name, {}),
            )
            for name in dict.fromkeys(each.name for each in rows)
        ]

    def waiting(self, name: str, *, after: int = 0, limit: int) -> list[Entry]:
        """Return what `name` is still to be told, as it happened, without what was put aside.

        Args:
            after: only lines with higher ids.
        """
        here = and_(journal.c.watcher == name, journal.c.id > after, journal.c.attempts < ATTEMPTS)
        with self._database.read() as connection:
            rows = connection.execute(select(journal).where(here).order_by(journal.c.id).limit(limit))
            return [_entry(each) for each in rows]

    def put_aside(self, name: str) -> set[tuple[str, str, int]]:
        """Return source, type name and id of the records of which something was put aside."""
        records = select(journal.c.source, journal.c.type, journal.c.record_id)
        with self._database.read() as connection:
            found = connection.execute(records.where(journal.c.watcher == name, journal.c.attempts >= ATTEMPTS))
            return {(row.source, row.type, row.record_id) for row in found}

    def told(self, ids: Collection[int]) -> None:
        """Remove lines: their watcher was told."""
        with self._database.write() as connection:
            for chunk in chunked(ids):
                connection.execute(delete(journal).where(journal.c.id.in_(chunk)))

    def failed(self, ids: Collection[int], said: str) -> None:
        """Note that the callback failed; they are told again."""
        values = {"attempts": journal.c.attempts + 1, "said": said[:_LONGEST_SAID]}
        with self._database.write() as connection:
            for chunk in chunked(ids):
                connection.execute(update(journal).where(journal.c.id.in_(chunk)).values(values))

    def last_seen(self, source: str, type_name: str, ids: Collection[int]) -> dict[int, LastSeen]:
        """Return id -> how it was last, of those of these records that are gone."""
        query = select(tombstone).where(tombstone.c.source == source, tombstone.c.type == type_name)
        found: dict[int, LastSeen] = {}
        with self._database.read() as connection:
            for chunk in chunked(ids):
                for row in connection.execute(query.where(tombstone.c.id.in_(chunk))):
                    cells, links = (queue_rows.parsed(each) or {} for each in (row.last_row, row.last_links))
                    found[row.id] = LastSeen(Fate(row.reason), cells, links)
        return found


def _of(name: str) -> Any:
    return select(watcher).where(watcher.c.name == name)


def _waiting(connection: Connection, source: str) -> dict[str, dict[str, Any]]:
    """Return what WatcherStatus says of the lines of each watcher, by its name."""
    failing = func.sum(case((journal.c.attempts > 0, 1), else_=0))
    counts = select(journal.c.watcher, func.count(), failing, func.min(journal.c.noted_at)).group_by(journal.c.watcher)
    last = select(func.max(journal.c.id)).where(journal.c.attempts > 0).group_by(journal.c.watcher)
    if source:
        counts, last = (each.where(journal.c.source == source) for each in (counts, last))
    words = connection.execute(select(journal.c.watcher, journal.c.said).where(journal.c.id.in_(last)))
    said = {row.watcher: row.said for row in words}
    return {
        name: {"waiting": count, "failing": failed, "said": said.get(name, ""), "oldest": oldest}
        for name, count, failed, oldest in connection.execute(counts)
    }


def _drop(connection: Connection, name: str, place: tuple[str, str]) -> None:
    here = (journal.c.source == place[0], journal.c.type == place[1])
    connection.execute(delete(journal).where(journal.c.watcher == name, *here))


def _tell_all(connection: Connection, name: str, layout: Layout, now: datetime) -> None:
    """Note everything of a type that came from the tracker as created."""
    table = describe(layout).table
    columns = ("watcher", "source", "type", "record_id", "happening", "noted_at")
    constants = (literal(name), table.c.source, literal(layout.type.name), table.c.id, literal(Happening.CREATED.value))
    at = literal(now, journal.c.noted_at.type)
    rows = select(*constants, at).where(table.c.source == layout.source, table.c._revision.is_not(None))
    connection.execute(insert(journal).from_select(columns, rows.order_by(table.c.id)))


def _row(name: str, interest: Interest, since: datetime) -> dict[str, Any]:
    return {
        "name": name,
        "source": interest.source,
        "type": interest.type_name,
        **{each.value: each in interest.happenings for each in Happening},
        "own": interest.own,
        "since_start": interest.since_start,
        "since": since,
    }


def _entry(row: Row[Any]) -> Entry:
    return Entry(
        row.id,
        row.source,
        row.type,
        row.record_id,
        Happening(row.happening),
        row.noted_at,
        _changes(row.changes),
        row.attempts,
        row.said,
    )


def _changes(text: str | None) -> dict[str, Sequence[Any]]:
    return queue_rows.parsed(text) or {}
