"""The one interface that every tracker is spoken to through.

A connector turns wire answers into pages and keys. It owns no tables, keeps no progress and decides nothing about
what is stored; everything it needs to be told comes in as an argument, so any call can be repeated.
Its methods are called from several threads at once.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Protocol

from mirror.errors import RemoteError
from mirror.model.layout import Layout
from mirror.model.page import Fate, KeyPage, KeyRange, Page, Unread
from mirror.model.progress import Watermark
from mirror.model.schema import Catalog, RecordType
from mirror.model.source import Source
from mirror.model.write import Receipt, Write

if TYPE_CHECKING:
    from mirror.connectors.http import Transport


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a tracker can do; the engine asks here and never tries and catches.

    Attributes:
        page_size: records in one page of a listing.
        ids_per_read: how many ids one `records` call may be given.
        overlap: how far behind the watermark a listing of changes starts, to cover replica lag and equal stamps.
        deletion_feed: the tracker lists its deletions; `deletions` may be called.
        batches: many windows of a census cost about one request; else each costs one of its own, and fewer are asked.
        lag: how long after somebody's write reads may still show what was there before; zero where they surely never do,
            a few seconds where nothing is known. After a write of its own a connector may wait itself.
        writes_at_once: how many writes one `send` may be given; 1 where each costs a request anyway.
    """

    page_size: int
    ids_per_read: int
    overlap: timedelta
    deletion_feed: bool
    batches: bool
    writes_at_once: int = 1
    lag: timedelta = timedelta(0)


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of `mirror check`.

    Attributes:
        advice: what to do; empty when ok.
    """

    subject: str
    ok: bool
    detail: str
    advice: str = ""


@dataclass(frozen=True, slots=True)
class Account:
    """Who the credential stands for.

    Attributes:
        user_id: the id of our own user; None when the tracker does not show it to us.
        time_zone: the one in which the tracker reads days and times of our queries that name none: `Europe/Berlin` or
            `+05:30`; "" when that is not known.
    """

    user_id: int | None
    time_zone: str = ""


@dataclass(frozen=True, slots=True)
class Window:
    """A question of the census: which records of a type lie in a range of ids.

    Attributes:
        count_only: only the number is wanted; the answer has no keys and complete=False then. A total of None, where the
            tracker does not count for this account, teaches nothing.
    """

    type: RecordType
    keys: KeyRange
    count_only: bool = False


@dataclass(frozen=True, slots=True)
class Deletion:
    """One entry of the tracker's own list of deletions.

    Attributes:
        deleted_at: text timestamp; None when the tracker does not say.
        into: the id of the record it was merged into, for Fate.MERGED.
    """

    type_name: str
    id: int
    fate: Fate
    deleted_at: str | None = None
    into: int | None = None


@dataclass(frozen=True, slots=True)
class Probed:
    """What a write without an answer may have made.

    Attributes:
        found: ids of what is, or was when it was made, exactly what was sent.
        doubtful: ids of what we made since then and may be it, although it shows otherwise: a person decides.
        edited: of `found`, id -> the fields that have been changed since, as far as that can be told.
    """

    found: tuple[int, ...] = ()
    doubtful: tuple[int, ...] = ()
    edited: Mapping[int, frozenset[str]] = field(default_factory=dict)


class Connector(Protocol):
    """One tracker's API.

    Every method may raise AuthError, RetryableError (after all retries), ProtocolError or IncompleteError.

    Attributes:
        learned: what it found out about the server that the next run need not find out again, by a key of its own. Filled
            with what earlier runs learned before the first request, stored when a run ends.
    """

    capabilities: Capabilities
    transport: Transport
    learned: dict[str, str]

    def __init__(self, source: Source, transport: Transport) -> None: ...

    def check(self) -> Iterator[Finding]:
        """Yield a finding each about authentication, scope, clock offset and page cap; refusals are findings, not raised."""
        ...

    def identity(self) -> str:
        """Return what tells this place from every other, whatever the settings call it; "" when nothing does."""
        ...

    def account(self) -> Account:
        """Ask who we are, for what our queries call "me" and "today"; what the tracker does not tell is not known then."""
        ...

    def discover(self, known_digest: str | None) -> Catalog | None:
        """Return what the source offers, or None when its digest is still `known_digest`.

        All types of the tracker are listed; the engine applies the allow-list.
        """
        ...

    def fetch(self, layout: Layout, keys: KeyRange) -> Unread:
        """Ask for the first records of the range, by ascending id, and return the answer for somebody else to read.

        Network and decoding are apart so that one thread decodes and stores while others wait for the network. Reading may
        raise RetryableError when the answer is cut or short of what it announced; then it is fetched again.
        """
        ...

    def split(self, layout: Layout, parts: int, count: int | None) -> Sequence[KeyRange]:
        """Return at most `parts` ranges of about equal size that together cover all ids.

        Args:
            count: how many records there are, as an answer has said just now; None when it did not.

        The last range is open (until=None). One open range is always a right answer.
        """
        ...

    def records(self, layout: Layout, ids: Sequence[int]) -> Page:
        """Return the records with those ids (at most capabilities.ids_per_read); ids that are not listed are left out.

        `Page.after` is None.
        """
        ...

    def changes(self, types: Sequence[RecordType], since: Mapping[str, Watermark]) -> Iterator[KeyPage]:
        """Yield the keys of records of `types` changed at or after `since[type].at`, or behind its position if it has one.

        Types that the tracker can list together are asked for together. Only types with Tracking.STAMP are given. All pages
        of one type are yielded before the caller may believe it finished; the last page of each type has complete=True,
        and a type with no changes yields one empty complete page. A type that cannot be listed yields one with `failure`,
        and the others go on.
        """
        ...

    def census(self, windows: Sequence[Window]) -> Iterator[KeyPage]:
        """Answer each window, in order, with as few requests as the tracker allows.

        A window's keys must all be listed before its answer has complete=True; one that cannot be answered has `failure`.
        """
        ...

    def deletions(self, since: datetime | None) -> Iterator[Deletion]:
        """Yield what the tracker says was deleted at or after `since` (None: all it still knows).

        Records that were restored since may be among them: each is looked for before it is believed to be gone.

        Only called when capabilities.deletion_feed.
        """
        ...

    def fate(self, record_type: RecordType, record_id: int) -> Fate:
        """Read one record directly and return what became of it; Fate.UNKNOWN when the tracker does not tell."""
        ...

    def calls(self, write: Write) -> Sequence[str]:
        """Return the calls that `send` would make for it, in order and as text for people; nothing is asked of the network.

        A secret is never in it; long values are cut.
        """
        ...

    def send(self, writes: Sequence[Write]) -> Sequence[Receipt | RemoteError]:
        """Do what is asked, each once and none twice, and return for each what came of it, in the same order.

        Nothing is repeated on a lost answer. An error is returned, not raised, for the write it is about: RefusedError with
        the tracker's words; StaleError; AuthError; RetryableError, with is_unsent only where the server surely did nothing.

        Args:
            writes: at most capabilities.writes_at_once, of different records.
        """
        ...

    def probe(self, write: Write) -> Probed:
        """Return the records that a CREATE may have made since `write.since`; comments or files for these.

        Exact enough to tell it from what others made: every value that was sent is compared, the author too, and what others
        have changed since is not held against it: compare what it was when it was made, or call it doubtful. What is not
        returned is sent again. Nothing is written.
        """
        ...

    def took_effect(self, write: Write) -> bool | None:
        """Read whether a RANK or OPERATE that was sent without an answer has been done; None when that cannot be told."""
        ...

    def overwritten(self, write: Write) -> Mapping[str, str]:
        """Return what an UPDATE that took effect without an answer has replaced that was not seen: as `Receipt.overwritten`.

        Only asked for fields that show what the write put there. What others had put into them between `write.revision` and
        our writing counts, in words; empty when nobody was in between, when another has written the same value and nothing
        came of ours, or when it cannot be known. Where the tracker tells that there was somebody and not in which field,
        every field is named.
        """
        ...

    def touches(self, write: Write) -> frozenset[str]:
        """Return words for what the write changes besides its own record; writes that share one are never sent at once."""
        ...
