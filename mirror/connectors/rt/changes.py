"""What changed since an instant, and what was deleted: keys only, one request for each quiet type.

The first page of a type, the latest changed first, is enough when it holds a record older than the instant: all that
changed stands before it. It also shows how many records there are, which the census wants to know. Only when more
than a page has changed is the type listed by time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
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

_MOMENT = timedelta(seconds=5)
_FATES = Search(
    "/transactions",
    Tongue.JSON,
    (  # conditions on one field are OR-ed, those on different fields AND-ed (rt.md §4.3)
        Condition("Field", "=", "Status"),
        Condition("Field", "=", "MergedInto"),
        Condition("NewValue", "=", "deleted"),
        Condition("NewValue", "STARTSWITH", "fsck.com-"),  # rt.md §6.6: how the target of a merge is written
    ),
    {"fields": "id,ObjectType,ObjectId,Field,NewValue,Created"},
)


class Changes:
    """Lists changed keys of one account."""

    def __init__(self, pager: Pager, scope: Scope, now: Callable[[], datetime]) -> None:
        """Prepare; `now` tells the server's clock as well as it is known."""
        self._pager = pager
        self._scope = scope
        self._now = now

    def of(self, record_type: RecordType, since: datetime, front: Rows) -> Iterator[KeyPage]:
        """Yield the keys of records of a type that changed at or after `since`; the last page is complete.

        Args:
            front: the first page of the type, the latest changed first.
        """
        field = COLLECTIONS[record_type.name].stamp
        # Of a page of the latest changes not one is visible: what may be behind them is left to the census. History is
        # looked for further back, since that is where an account with few rights has it.
        enough = _reaches(front, field, since) or (not front.items and field != "Created")
        began: datetime | None = None
        for rows, last in _marked_last(iter([front]) if enough else self._rows(record_type, since)):
            began = began or rows.server_time  # the watermark may not pass what changed while we were paging
            changed = [each for each in rows.items if not _is_before(each, field, since)]
            found = [key(each, field, rows.server_time) for each in self._scope.only(record_type.name, changed)]
            yield KeyPage(record_type.name, found, complete=last, server_time=began)

    def deletions(self, since: datetime | None) -> Iterator[Deletion]:
        """Yield deleted tickets and assets and merged tickets, the newest event first.

        Some of them may have been restored since; a look at the record tells.
        """
        for rows in self._pager.backwards(_FATES, empty_pages=1):  # the census finds what this account is not shown
            for item in rows.items:
                if since is not None and _is_before(item, "Created", since):
                    return
                yield from _deletion(item)

    def _rows(self, record_type: RecordType, since: datetime) -> Iterator[Rows]:
        search, name = keys_only(record_type, self._scope.queues()), record_type.name
        depth = COLLECTIONS[name].depth
        if name == "ticket":
            return self._tickets(search, since)
        if name == "user":
            return self._users(search, since)
        if COLLECTIONS[name].stamp == "Created":  # not by a condition: RT has no index on the date, on the id it has
            return self._until(search, since, depth)
        return self._pager.backwards(search.only(Condition("LastUpdated", ">=", in_sql(since))), empty_pages=depth)

    def _until(self, search: Search, since: datetime, depth: int) -> Iterator[Rows]:
        """Yield pages from the newest id back to the first page that holds an older row.

        Ids are in the order of creation but for those that were made at the same time (rt.md §7.2 B).
        """
        for rows in self._pager.backwards(search, empty_pages=depth):
            yield rows
            if any(_is_before(each, "Created", since - _MOMENT) for each in rows.items):
                return

    def _users(self, search: Search, since: datetime) -> Iterator[Rows]:
        """Yield pages of users, the latest changed first: RT searches them by neither id nor LastUpdated.

        A change meanwhile only moves a user to the front and others to later pages.
        """
        number, ordered = 1, search.latest_first("LastUpdated")
        while True:
            rows = self._pager.numbered(ordered, number)
            yield rows
            if not rows.items or _reaches(rows, "LastUpdated", since):
                return
            number += 1

    def _tickets(self, search: Search, since: datetime) -> Iterator[Rows]:
        """Yield pages of tickets; each asks for the time that has passed until it is asked (rt.md §7.2 A)."""
        while True:
            rows = self._tickets_page(search, since)
            yield rows
            if not rows.items or rows.is_whole:
                return
            search = search.within(KeyRange(0, id_of(rows.items[-1]) - 1))

    def _tickets_page(self, search: Search, since: datetime) -> Rows:
        now = self._now()
        while True:
            seconds = seconds_back(since, now)
            condition = Condition("LastUpdated", ">", f"-{seconds} seconds")
            rows = self._pager.newest(search.only(condition), empty_pages=COLLECTIONS["ticket"].depth)
            if seconds_back(since, rows.answered_at) <= seconds:
                return rows
            now = rows.answered_at + _MOMENT  # the request had to wait for so long that its bound moved on


def _marked_last(pages: Iterator[Rows]) -> Iterator[tuple[Rows, bool]]:
    """Yield each page and whether it is the last one."""
    held: Rows | None = None
    for rows in pages:
        if held is not None:
            yield held, False
        held = rows
    if held is not None:
        yield held, True


def _reaches(rows: Rows, field: str, since: datetime) -> bool:
    """Return whether a page, the latest first, shows everything that has changed at or after `since`."""
    margin = _MOMENT if field == "Created" else timedelta(0)
    return rows.is_whole or any(_is_before(each, field, since - margin) for each in rows.items)


def _is_before(item: Mapping[str, Any], field: str, moment: datetime) -> bool:
    """Return whether an item's stamp is before `moment`; one without a readable stamp is not."""
    changed_at = instant(str(item.get(field) or ""))
    return changed_at is not None and changed_at < moment.replace(microsecond=0)


def _deletion(item: Mapping[str, Any]) -> Iterator[Deletion]:
    name, number = OBJECT_TYPES.get(str(item["ObjectType"]), ""), int(item["ObjectId"])
    moment = stamp(str(item["Created"]))
    if item["Field"] == "Status":
        yield Deletion(name, number, Fate.DELETED, moment)
        return
    _, _, target = str(item["NewValue"]).rpartition("/ticket/")
    if target.isdigit() and int(target) != number:  # told by both ends
        yield Deletion(name, number, Fate.MERGED, moment, int(target))
