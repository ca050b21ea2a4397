"""What changed since an instant, and what was deleted: keys only, with one request for many quiet types.

Nearly everything that changes in RT leaves a transaction. A superuser sees them all, so one page of the newest
transactions proves that most types are quiet (7 types checked on 5.0.3: user, queue, group, catalog, asset, article,
attachment); only the others, and those with a transaction, are asked for their own changes. Tickets are always asked
by time as well: scripts on the server can change them without a transaction.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from mirror.connectors.base import Deletion
from mirror.connectors.rt.catalog import OBJECT_TYPES
from mirror.connectors.rt.collections import COLLECTIONS, keys_only
from mirror.connectors.rt.convert import key
from mirror.connectors.rt.dates import in_sql, instant, seconds_back, stamp
from mirror.connectors.rt.paging import Pager
from mirror.connectors.rt.scope import Scope
from mirror.connectors.rt.search import Condition, Rows, Search, Tongue, id_of
from mirror.model.page import Fate, KeyPage, KeyRange
from mirror.model.schema import RecordType

_GATED = frozenset({"user", "queue", "group", "catalog", "asset", "article", "attachment"})
_FEED_PAGES = 3  # farther back, asking each type for its own changes is cheaper
_FEED = Search("/transactions", Tongue.JSON, fields={"fields": "id,ObjectType,Created"})
_FATES = Search(
    "/transactions",
    Tongue.JSON,
    (
        Condition("Field", "=", "Status"),
        Condition("Field", "=", "MergedInto"),
    ),  # on one field: OR (rt.md §4.3)
    {"fields": "id,ObjectType,ObjectId,Field,OldValue,NewValue,Created"},
)
_BUSY = frozenset({"ticket", "transaction", "attachment", "asset", "article"})
_MOMENT = timedelta(seconds=5)


@dataclass(frozen=True, slots=True)
class Feed:
    """The newest transactions of everything.

    Attributes:
        reaches: all transactions at or after this instant are in `items`.
        server_time: when it was read.
    """

    items: Sequence[dict[str, Any]]
    reaches: datetime
    server_time: datetime

    def is_quiet(self, type_name: str, since: datetime) -> bool:
        """Return whether it proves that no record of the type was changed at or after `since`."""
        if type_name not in _GATED or since < self.reaches:
            return False
        later = [each for each in self.items if (instant(str(each["Created"])) or since) >= since]
        if type_name == "attachment":  # each belongs to a transaction
            return not later
        return all(OBJECT_TYPES.get(str(each["ObjectType"])) != type_name for each in later)


class Changes:
    """Lists changed keys of one account."""

    def __init__(self, pager: Pager, scope: Scope, server_now: datetime, *, superuser: bool) -> None:
        """Start from what is known; `server_now` is the server's clock as far as we can tell."""
        self._pager = pager
        self._scope = scope
        self._now = server_now
        self._superuser = superuser

    def feed(self, types: Sequence[RecordType], since: Mapping[str, datetime]) -> Feed | None:
        """Return the newest transactions, back to the earliest `since` of the types they can speak for."""
        spoken_for = [since[each.name] for each in types if each.name in _GATED]
        if not self._superuser or len(spoken_for) < 2:
            return None
        reach = min(spoken_for)
        items: list[dict[str, Any]] = []
        began: datetime | None = None
        for number, rows in enumerate(self._pager.backwards(_FEED), start=1):
            began = began or rows.server_time
            items.extend(rows.items)
            last = instant(str(rows.items[-1]["Created"])) if rows.items else None
            if last is None or last < reach:
                return Feed(items, reach, began)
            if number == _FEED_PAGES:
                return Feed(items, last + timedelta(seconds=1), began)
        return Feed(items, reach, began or self._now)

    def of(self, record_type: RecordType, since: datetime, feed: Feed | None) -> Iterator[KeyPage]:
        """Yield the keys of records of a type that changed at or after `since`; the last page is complete."""
        if feed is not None and feed.is_quiet(record_type.name, since):
            yield KeyPage(record_type.name, (), complete=True, server_time=feed.server_time)
            return
        field = COLLECTIONS[record_type.name].stamp
        began: datetime | None = None
        for rows, last in _marked_last(self._rows(record_type, since)):
            began = began or rows.server_time  # the watermark may not pass what changed while we were paging
            items = self._scope.only(record_type.name, [each for each in rows.items if _is_since(each, field, since)])
            found = [key(each, field, rows.server_time) for each in items]
            yield KeyPage(record_type.name, found, complete=last, server_time=began)

    def deletions(self, since: datetime | None) -> Iterator[Deletion]:
        """Yield deleted and merged tickets and assets, the newest event first, each record once."""
        told: set[tuple[str, int, str]] = set()
        for rows in self._pager.backwards(_FATES):
            for item in rows.items:
                if not _is_since(item, "Created", since):
                    return
                event = (
                    OBJECT_TYPES.get(str(item["ObjectType"]), ""),
                    int(item["ObjectId"]),
                    str(item["Field"]),
                )
                if event not in told:  # an earlier deletion was undone by this
                    told.add(event)
                    yield from _deletion(event[:2], item)

    def _rows(self, record_type: RecordType, since: datetime) -> Iterator[Rows]:
        search = keys_only(record_type, self._scope.queues())
        name = record_type.name
        if name == "ticket":
            return self._tickets(search, since)
        if name == "user":
            return self._users(search, since)
        if COLLECTIONS[name].stamp == "Created":  # not by a condition: Created has no index, id has
            return self._until(search, "Created", since)
        condition = Condition("LastUpdated", ">=", in_sql(since))
        return self._pager.backwards(search.only(condition), empty_pages=3 if name in _BUSY else 1)

    def _until(self, search: Search, field: str, since: datetime) -> Iterator[Rows]:
        """Yield pages from the newest back to the first one that holds an older row.

        Numbers are given in the order of creation but for those that were made at the same time (rt.md §7.2 B).
        """
        for rows in self._pager.backwards(search):
            yield rows
            if any(not _is_since(each, field, since - _MOMENT) for each in rows.items):
                return

    def _users(self, search: Search, since: datetime) -> Iterator[Rows]:
        """Yield pages of users, the latest changed first: RT searches users by neither id nor LastUpdated."""
        number = 1
        ordered = Search(
            search.path,
            search.tongue,
            (),
            search.fields,
            descending=True,
            order="LastUpdated",
            disabled_too=True,
        )
        while True:
            rows = self._pager.numbered(ordered, number)
            yield rows
            if not rows.items or any(not _is_since(each, "LastUpdated", since) for each in rows.items):
                return
            number += 1

    def _tickets(self, search: Search, since: datetime) -> Iterator[Rows]:
        """Yield pages of tickets; each asks for the time that has passed until it is asked (rt.md §7.2 A)."""
        while True:
            rows = self._tickets_page(search, since)
            yield rows
            if not rows.items or rows.total == len(rows.items):
                return
            search = search.within(KeyRange(0, id_of(rows.items[-1]) - 1))

    def _tickets_page(self, search: Search, since: datetime) -> Rows:
        while True:
            seconds = seconds_back(since, self._now)
            condition = Condition("LastUpdated", ">", f"-{seconds} seconds")
            rows = self._pager.newest(search.only(condition), empty_pages=3)
            if seconds_back(since, rows.server_time) <= seconds:
                self._now = rows.server_time + _MOMENT
                return rows
            self._now = rows.server_time + _MOMENT  # the request had to wait for so long that its bound moved on


def _marked_last(pages: Iterator[Rows]) -> Iterator[tuple[Rows, bool]]:
    """Yield each page and whether it is the last one."""
    held: Rows | None = None
    for rows in pages:
        if held is not None:
            yield held, False
        held = rows
    if held is not None:
        yield held, True


def _is_since(item: Mapping[str, Any], field: str, since: datetime | None) -> bool:
    """Return whether an item's stamp is at or after `since`; one without a readable stamp counts as later."""
    moment = instant(str(item.get(field) or ""))
    return since is None or moment is None or moment >= since.replace(microsecond=0)


def _merge_target(item: Mapping[str, Any]) -> int | None:
    """Return the number at the end of `fsck.com-rt://organisation/ticket/9` (rt.md §6.6)."""
    head, _, tail = str(item.get("NewValue") or "").rpartition("/ticket/")
    return int(tail) if head and tail.isdigit() else None


def _deletion(record: tuple[str, int], item: Mapping[str, Any]) -> Iterator[Deletion]:
    moment = stamp(str(item["Created"]))
    target = _merge_target(item)
    if item["Field"] == "MergedInto":
        if target != record[1]:  # told by both ends
            yield Deletion(*record, Fate.MERGED, moment, target)
    elif item["NewValue"] == "deleted":
        yield Deletion(*record, Fate.DELETED, moment)
