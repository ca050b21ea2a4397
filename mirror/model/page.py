"""What travels from a connector to the store: rows, keys, and the ranges they were asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from mirror.model.layout import Layout

Row = tuple[Any, ...]
"""HEAD (source, id, revision, changed_at, extra) and then the layout's columns.

Timestamps are text `YYYY-MM-DDTHH:MM:SS.mmmZ`, dates text `YYYY-MM-DD`, `extra` is JSON text or None.
"""

LinkRow = tuple[Any, ...]
"""(owner id, position, target id, target name, target type) for links, (owner id, position, value) for values."""


PROVISIONAL = "~"


def main_part(revision: str) -> str:
    """Return what in a stored revision tells one version of the record itself from another, without what is behind it."""
    return revision.partition(PROVISIONAL)[0].partition(" ")[0]


@dataclass(frozen=True, slots=True)
class KeyRange:
    """Ids with after < id <= until, in ascending order; no id is negative.

    Attributes:
        after: 0 means from the first, also where that has the id 0.
        until: None means to the last.
    """

    after: int = 0
    until: int | None = None


@dataclass(frozen=True, slots=True)
class BadRecord:
    """A record that could not be made into a row.

    Attributes:
        id: None when not even that could be read.
        document: what the tracker sent, as JSON text.
    """

    id: int | None
    reason: str
    document: str


@dataclass(frozen=True, slots=True)
class Echo:
    """Links of one field as the records that they lead to show them, all links to all those records.

    Only their owners' side is stored. A tracker may let a link be changed at either end and tell a new version at that end
    alone.

    Attributes:
        field: the link field of the owners.
        owners: the types that may own such links.
        links: (owner type, owner id, target id).
    """

    field: str
    owners: tuple[str, ...]
    links: frozenset[tuple[str, int, int]]


@dataclass(frozen=True, slots=True)
class Page:
    """One answer of a listing of one record type.

    Attributes:
        rows: ascending by id.
        links: link field name -> its rows; every owner in `rows` is covered, one without targets has no link row.
        after: the highest id that this answer covers; the next page starts behind it. None when it covers to the end.
        announced: how many records the tracker said remain in the range, this page included; None when it did not say.
        received: how many it gave, bad ones included.
        server_time: the tracker's clock when it was asked, or a little before, UTC, aware; earlier changes are in here.
        rest: asks the tracker for what the answer left out and returns the whole page; None when the page is whole.
        echoes: asks the tracker for the other ends of links to these records; None when they have none.
    """

    layout: Layout
    rows: Sequence[Row]
    after: int | None
    received: int
    server_time: datetime
    announced: int | None = None
    links: Mapping[str, Sequence[LinkRow]] = field(default_factory=dict)
    bad: Sequence[BadRecord] = ()
    rest: Callable[[], Page] | None = None
    echoes: Callable[[], Sequence[Echo]] | None = None


Unread = Callable[[], Page]
"""An answer that came and is not read yet: calling it does the work of decoding and asks nothing of the network."""


@dataclass(frozen=True, slots=True)
class Key:
    """Identity and version of one record, without its values.

    Attributes:
        revision: the tracker's token for this version; equal tokens mean equal records. Behind PROVISIONAL stands what tells
            versions apart that the tracker may still give the same token.
        changed_at: text timestamp as in a row; None for types without one.
    """

    id: int
    revision: str
    changed_at: str | None = None


@dataclass(frozen=True, slots=True)
class KeyPage:
    """Keys of one record type.

    Attributes:
        complete: every key of the range asked for is in `keys`. Only then does absence mean anything.
        total: how many records the tracker counts in the range; None when it did not say.
        position: of a listing of changes that is complete, the position of its newest; None when the tracker has none.
        failure: why there is no answer; then nothing else of the page means anything. Empty when there is one.
    """

    type_name: str
    keys: Sequence[Key]
    complete: bool
    server_time: datetime
    total: int | None = None
    position: int | None = None
    failure: str = ""


class Fate(StrEnum):
    """What became of a record that a listing no longer shows."""

    PRESENT = "present"  # it is there after all
    DELETED = "deleted"
    MERGED = "merged"
    NO_ACCESS = "no_access"
    OUT_OF_SCOPE = "out_of_scope"
    UNKNOWN = "unknown"
