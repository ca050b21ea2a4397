"""Who is there: keys and counts of key ranges, from what is already known where that is fresh."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from mirror.connectors.base import Window
from mirror.connectors.rt.collections import COLLECTIONS, front, keys_only
from mirror.connectors.rt.convert import key
from mirror.connectors.rt.paging import Pager
from mirror.connectors.rt.scope import Scope
from mirror.connectors.rt.search import Rows, Search
from mirror.errors import AuthError, RemoteError
from mirror.model.page import Key, KeyPage, KeyRange
from mirror.model.schema import RecordType

_FRESH = timedelta(seconds=60)  # half the overlap: what a listing of this age missed, the next sync still covers

_Items = Sequence[dict[str, Any]]


class Fronts:
    """First pages of types, the latest changed first, kept for as long as one sync may want them again."""

    def __init__(self, pager: Pager, scope: Scope, now: Callable[[], datetime]) -> None:
        self._pager = pager
        self._scope = scope
        self.now = now
        self._lock = threading.Lock()
        self._known: dict[str, Rows] = {}

    def keep(self, fronts: Mapping[str, Rows]) -> None:
        """Use these instead of asking again."""
        with self._lock:
            self._known.update(fronts)

    def known(self, type_name: str) -> Rows | None:
        """Return the front of a type if it is fresh."""
        with self._lock:
            found = self._known.get(type_name)
        return found if found is not None and self.now() - found.server_time <= _FRESH else None

    def fetch(self, record_type: RecordType) -> Rows:
        """Return the front of a type as it is now, or as it was when it was kept a moment ago."""
        found = self.known(record_type.name)
        if found is None:
            queues = self._scope.queues()
            search = front(record_type.name, keys_only(record_type, queues).fields, queues)
            found = self._pager.numbered(search, 1)
            self.keep({record_type.name: found})
        return found

    def forget(self) -> None:
        """Ask again."""
        with self._lock:
            self._known.clear()


class Census:
    """Answers windows one by one; RT cannot be asked for several at once."""

    def __init__(self, pager: Pager, scope: Scope, fronts: Fronts, *, sees_users: bool) -> None:
        self._pager = pager
        self._scope = scope
        self._fronts = fronts
        self._sees_users = sees_users
        self._everybody: tuple[_Items, datetime] | None = None

    def answer(self, window: Window) -> KeyPage:
        """Return the keys in a window, or their number where that is enough; a failure is told in the page."""
        try:
            return self._answer(window)
        except AuthError:
            raise
        except RemoteError as error:
            return KeyPage(window.type.name, (), complete=False, server_time=self._fronts.now(), failure=str(error))

    def _answer(self, window: Window) -> KeyPage:
        name = window.type.name
        known = self._fronts.known(name)
        if known is not None and known.is_whole and self._has_revisions(name):
            inside = [each for each in known.items if _is_inside(each, window.keys)]
            return self._listed(window, inside, known.server_time)
        if window.count_only and not self._scope.narrows(name):
            counted = self._counted(window, known)
            if counted is not None:
                return counted
        return self._listed(window, *self._items(window))

    def _counted(self, window: Window, known: Rows | None) -> KeyPage | None:
        """Return the number of keys alone; without it when RT does not count for this account.

        Users are counted all together or not at all: RT does not search them by number.
        """
        name, everything = window.type.name, window.keys == KeyRange()
        if everything and known is not None:
            return _number(name, known)
        if name == "user" and not everything:
            return None
        search = keys_only(window.type, self._scope.queues()).within(window.keys)
        return _number(name, self._pager.count(search)[1])

    def _items(self, window: Window) -> tuple[_Items, datetime]:
        search = self._search(window.type)
        if window.type.name == "user":
            if self._everybody is None:
                self._everybody = self._read(search)
            items, began = self._everybody
            return [each for each in items if _is_inside(each, window.keys)], began
        return self._read(search.within(window.keys), COLLECTIONS[window.type.name].depth)

    def _read(self, search: Search, depth: int = 1) -> tuple[_Items, datetime]:
        stretches = list(self._pager.all(search, empty_pages=depth))
        return [item for each in stretches for item in each.items], stretches[0].server_time

    def _search(self, record_type: RecordType) -> Search:
        return keys_only(record_type, self._scope.queues(), stamped=self._has_revisions(record_type.name))

    def _has_revisions(self, name: str) -> bool:
        """Return whether a listing of stamps is enough to tell revisions."""
        return name != "user" or self._sees_users

    def _listed(self, window: Window, items: _Items, began: datetime) -> KeyPage:
        name = window.type.name
        field = COLLECTIONS[name].stamp
        keys: list[Key] = [key(each, field, began) for each in self._scope.only(name, items)]
        return KeyPage(name, keys, complete=True, server_time=began, total=len(keys))


def _number(name: str, rows: Rows) -> KeyPage:
    return KeyPage(name, (), complete=rows.total == 0, server_time=rows.server_time, total=rows.total)


def _is_inside(item: Mapping[str, Any], keys: KeyRange) -> bool:
    return keys.after < int(item["id"]) and (keys.until is None or int(item["id"]) <= keys.until)
