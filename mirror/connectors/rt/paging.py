"""Reading a collection to its end by key, whatever the account may see.

Three kinds of answers are told apart by what they show:
- a total: every row counts, and a page that is shorter than promised is an error;
- no total: RT cuts the page first and removes invisible rows afterwards (rt.md §4.2), so a short or empty page says
  nothing. Then the highest visible id is looked up first and the listing goes on until it has come by;
- users: RT drops conditions on their id, so pages are numbered, and the number is found by the key.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from mirror.connectors.http import Request
from mirror.connectors.rt.search import PER_PAGE, Rows, Search, Tongue, id_of
from mirror.errors import IncompleteError
from mirror.model.page import KeyRange

_ATTEMPTS_AT_A_SHORT_PAGE = 3  # rows and total are two statements on the server: a creation between them looks short
EMPTY_PAGES = 20  # without a total: so many pages of the newest rows may be invisible before we believe that all are


@dataclass(frozen=True, slots=True)
class Stretch:
    """Rows of a key range, ascending by id.

    Attributes:
        after: the highest id covered; None when the range is covered to its end.
        announced: rows in the range that were still to come, these included; None when the server does not count.
    """

    items: Sequence[dict[str, Any]]
    after: int | None
    announced: int | None
    server_time: datetime


class Pager:
    """Reads searches page by page.

    It keeps only hints of where something was found, which are checked when used: any call may be repeated.
    """

    def __init__(self, ask: Callable[[Request], Rows], per_page: int = PER_PAGE) -> None:
        self._ask = ask
        self._per_page = per_page
        self._lock = threading.Lock()
        self._numbers: dict[tuple[str, int], int] = {}
        self._highest: dict[tuple[str, str, int | None], int] = {}

    def stretch(self, search: Search, *, empty_pages: int = EMPTY_PAGES) -> Stretch:
        """Return the first rows of `search`, which is ascending by id; its keys say from where.

        Raises:
            IncompleteError: the server counts more rows than it gives, again and again.
        """
        if search.tongue is Tongue.NONE:
            return self._by_number(search)
        rows = self._ask(search.request(per_page=self._per_page))
        for _ in range(_ATTEMPTS_AT_A_SHORT_PAGE - 1):
            if not self._is_short(rows):
                break
            rows = self._ask(search.request(per_page=self._per_page))
        if search.ids:  # at most one page, so cutting it first loses nothing
            return Stretch(rows.items, None, rows.total, rows.server_time)
        if rows.total is None:
            return self._by_visible(search, rows, empty_pages)
        if self._is_short(rows):
            raise IncompleteError(search.path, min(rows.total, self._per_page), len(rows.items))
        done = rows.total <= len(rows.items)
        return Stretch(rows.items, None if done else id_of(rows.items[-1]), rows.total, rows.server_time)

    def all(self, search: Search, *, empty_pages: int = EMPTY_PAGES) -> Iterator[Stretch]:
        """Yield the stretches of `search` one behind the other; the last has after=None."""
        while True:
            stretch = self.stretch(search, empty_pages=empty_pages)
            yield stretch
            if stretch.after is None:
                return
            search = search.within(replace(search.keys, after=stretch.after))

    def newest(self, search: Search, *, empty_pages: int = EMPTY_PAGES) -> Rows:
        """Return the first page of the newest visible rows, newest first; empty when none is found.

        Rows that appear meanwhile only push others to later pages, so none is skipped.
        """
        search = search.newest_first()
        number = 1
        while True:
            rows = self._ask(search.request(page=number, per_page=self._per_page))
            if rows.items or rows.total is not None or rows.page != number or number >= empty_pages:
                return rows
            number += 1

    def backwards(self, search: Search, *, empty_pages: int = EMPTY_PAGES) -> Iterator[Rows]:
        """Yield pages of visible rows from the newest to the oldest; the caller stops when it has seen enough."""
        while True:
            rows = self.newest(search, empty_pages=empty_pages)
            yield rows
            lowest = id_of(rows.items[-1]) if rows.items else 0
            if lowest <= search.keys.after + 1 or rows.is_whole:
                return
            search = search.within(KeyRange(search.keys.after, lowest - 1))

    def numbered(self, search: Search, number: int) -> Rows:
        """Return page `number` of a listing in an order of its own."""
        return self._ask(search.request(page=number, per_page=self._per_page))

    def count(self, search: Search) -> tuple[int | None, Rows]:
        """Return how many rows match, None when the server does not count, and the answer with the newest one."""
        rows = self._ask(search.newest_first().request(per_page=1))
        return rows.total, rows

    def _is_short(self, rows: Rows) -> bool:
        return rows.total is not None and len(rows.items) < min(rows.total, self._per_page)

    def _by_visible(self, search: Search, rows: Rows, empty_pages: int) -> Stretch:
        """Go on from the first answer `rows` until something visible comes or the end is proved."""
        number = 1
        highest = self._known_highest(search)
        while not rows.items:
            if number % EMPTY_PAGES == 1:  # rights may be withdrawn, or rows shredded, while we look for them
                highest = self._seek_highest(search, empty_pages)
            if highest <= search.keys.after:
                return Stretch((), None, None, rows.server_time)
            number += 1
            rows = self._ask(search.request(page=number, per_page=self._per_page))
            if rows.page != number:  # rt.md §4.1 V: from 5.0.6 the last page is answered again
                return Stretch((), None, None, rows.server_time)
        last = id_of(rows.items[-1])
        if last >= highest:
            highest = self._seek_highest(search, empty_pages)
        return Stretch(rows.items, None if last >= highest else last, None, rows.server_time)

    def _known_highest(self, search: Search) -> int:
        """Return the highest visible id as last seen: rows up to it are ahead, and maybe more."""
        with self._lock:
            return self._highest.get(_listing(search), 0)

    def _seek_highest(self, search: Search, empty_pages: int) -> int:
        rows = self.newest(search, empty_pages=empty_pages)
        highest = id_of(rows.items[0]) if rows.items else 0
        with self._lock:
            self._highest[_listing(search)] = highest
        return highest

    def _by_number(self, search: Search) -> Stretch:
        """Return the page of a numbered listing that holds the first rows behind the key."""
        after, until = search.keys.after, search.keys.until
        number = self._number_of(search)
        rows = self._ask(search.request(page=number, per_page=self._per_page))
        items = [each for each in rows.items if id_of(each) > after and (until is None or id_of(each) <= until)]
        counted = rows.total or 0
        last = id_of(rows.items[-1]) if rows.items else None
        if last is None or number * self._per_page >= counted or (until is not None and last >= until):
            last = None
        else:
            with self._lock:
                self._numbers[search.path, last] = number + 1
        skipped = (number - 1) * self._per_page + len(rows.items) - len(items)
        announced = max(counted - skipped, len(items)) if until is None else None
        return Stretch(items, last, announced, rows.server_time)

    def _number_of(self, search: Search) -> int:
        """Return the number of the first page with an id above the key.

        Where a page began a moment ago is only a hint: rows that were shredded since have moved later ones up, so
        the page before must still end at or below the key.
        """
        after = search.keys.after
        if after == 0:
            return 1
        with self._lock:
            hint = self._numbers.get((search.path, after))
        if hint is not None and self._ends_by(search, hint - 1, after):
            return hint
        low, high = 1, self._last_page(search)
        while low < high:
            middle = (low + high) // 2
            if self._ends_by(search, middle, after):
                low = middle + 1
            else:
                high = middle
        return low

    def _ends_by(self, search: Search, number: int, after: int) -> bool:
        """Return whether page `number` holds no id above `after`."""
        rows = self._ask(search.request(page=number * self._per_page, per_page=1))
        return bool(rows.items) and id_of(rows.items[0]) <= after

    def _last_page(self, search: Search) -> int:
        total, _ = self.count(search)
        return max(1, -(-(total or 0) // self._per_page))


def _listing(search: Search) -> tuple[str, str, int | None]:
    return search.path, str(search.base), search.keys.until
