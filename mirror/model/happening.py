"""What happened to a record on its tracker, for those who watch: as data, noted by the store and told to scripts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any


class Happening(StrEnum):
    """What happened. Only what the tracker says counts; an edit made here happens once it was pushed."""

    CREATED = "created"  # or is back
    CHANGED = "changed"
    DELETED = "deleted"  # or cannot be seen any more


@dataclass(frozen=True, slots=True)
class Interest:
    """What one watcher wants to be told of the records of one type.

    Attributes:
        own: also what was pushed from here.
        since_start: also, as created, of all that is there when the interest is registered, and of what the first load of
            the type brings.
    """

    source: str
    type_name: str
    happenings: frozenset[Happening]
    own: bool = False
    since_start: bool = False


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the journal: something that one watcher is still to be told.

    Attributes:
        changes: of CHANGED: field -> (before, after) as the tracker had it. A scalar as its cell; a reference as
            [type name, id, shown name], None for none; a many-valued field as the list of such, or of texts. Else empty.
        attempts: how often it was told, and the callback failed.
        said: the last failure, in words.
    """

    id: int
    source: str
    type_name: str
    record_id: int
    happening: Happening
    noted_at: datetime
    changes: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    attempts: int = 0
    said: str = ""

    @property
    def record(self) -> tuple[str, str, int]:
        """Source, type name and id of the record."""
        return self.source, self.type_name, self.record_id


@dataclass(frozen=True, slots=True)
class WatcherStatus:
    """One registered watcher.

    Attributes:
        types: (source, type name) of what it watches.
        since: when the first of them was registered.
        waiting: how much it is still to be told.
        failing: how much of that was told before, and the callback failed.
        said: the last of these failures, in words; "" when there is none.
        oldest: when the first of what it is still to be told was found out; None when there is nothing.
    """

    name: str
    types: Sequence[tuple[str, str]]
    since: datetime
    waiting: int = 0
    failing: int = 0
    said: str = ""
    oldest: datetime | None = None
