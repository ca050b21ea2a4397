"""What happened to records on the tracker, noted for those who watch, in the transaction that stores it.

Each watcher has lines of its own, which go when he was told: nobody's waits for anybody else's, and no order between
transactions matters. Nobody watches, nothing is written.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, insert, select

from mirror.model.happening import Happening
from mirror.model.layout import Layout
from mirror.store.queue_rows import dumped
from mirror.store.tables import journal, watcher
from mirror.store.tables import record_type as types

Place = tuple[str, str]
"""Source and type name."""


@dataclass(frozen=True, slots=True)
class Watching:
    """Who watches a type.

    Attributes:
        name: of the watcher.
        own: is told as well of what was pushed from here.
    """

    name: str
    happenings: frozenset[Happening]
    own: bool


@dataclass(frozen=True, slots=True)
class Happened:
    """What happened to one record.

    Attributes:
        changes: field -> [before, after], see model.happening.Entry; None unless it was changed.
        is_own: all that people can see of it was pushed from here.
    """

    record_id: int
    happening: Happening
    changes: Mapping[str, Sequence[Any]] | None = None
    is_own: bool = False


def watching(connection: Connection, place: Place, *, loading: bool = False) -> list[Watching]:
    """Return who watches a type.

    Args:
        loading: the type is being loaded. What its first load brings is told only to those who want to know from the start.
    """
    here = (watcher.c.source == place[0], watcher.c.type == place[1])
    found = connection.execute(select(watcher).where(*here)).all()
    if found and loading and not _is_loaded(connection, place):
        found = [each for each in found if each.since_start]
    return [Watching(each.name, frozenset(one for one in Happening if getattr(each, one.value)), each.own) for each in found]


def _is_loaded(connection: Connection, place: Place) -> bool:
    return bool(connection.scalar(select(types.c.loaded).where(types.c.source == place[0], types.c.type == place[1])))


def is_growing(connection: Connection, place: Place) -> bool:
    """Return whether a type has fields that its stored rows were read without, and is to be read again for these."""
    return bool(connection.scalar(select(types.c.grown).where(types.c.source == place[0], types.c.type == place[1])))


def note(
    connection: Connection, place: Place, watchers: Iterable[Watching], happened: Iterable[Happened], *, now: datetime
) -> None:
    """Write a line for each watcher and each thing that happened and that he wants to be told."""
    some = list(happened)
    rows = [
        {
            "watcher": each.name,
            "source": place[0],
            "type": place[1],
            "record_id": one.record_id,
            "happening": one.happening.value,
            "changes": dumped(one.changes),
            "noted_at": now,
        }
        for each in watchers
        for one in some
        if one.happening in each.happenings and (each.own or not one.is_own)
    ]
    if rows:
        connection.execute(insert(journal), rows)


def note_deleted(connection: Connection, layout: Layout, ids: Iterable[int], *, now: datetime, own: bool = False) -> None:
    """Note that records have gone.

    Args:
        own: they were deleted by a push from here.
    """
    place = (layout.source, layout.type.name)
    watchers = watching(connection, place)
    if watchers:
        gone = [Happened(each, Happening.DELETED, is_own=own) for each in ids]
        note(connection, place, watchers, gone, now=now)
