"""Readings that are older than our own last write of a record.

Reads may come from replicas that lag by up to about 8 seconds (rally.md §6 C). A record that is read back too early would
look as if the write had been ignored; so for a while it is remembered what must be seen.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from mirror.connectors.rally.overwriting import version_of
from mirror.model.change import Action
from mirror.model.page import Page
from mirror.model.write import Item, Target, Write

LAG = timedelta(seconds=10)
_PAUSES = (0.1, 0.2, 0.4, 0.8)


@dataclass(frozen=True, slots=True)
class _Expected:
    """What a reading of one record must show.

    Attributes:
        until: of `clock`; a replica that still lags then is believed.
        version: at least this VersionId; None when it was not told.
        gone: it was deleted.
        present, absent: field -> ids of items.
    """

    until: float
    version: int | None = None
    gone: bool = False
    present: Mapping[str, frozenset[int]] = field(default_factory=dict)
    absent: Mapping[str, frozenset[int]] = field(default_factory=dict)


class Replica:
    """Knows what was written with this connector in the last seconds."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic, sleep: Callable[[float], None] = time.sleep) -> None:
        self._clock = clock
        self._sleep = sleep
        self._lock = threading.Lock()
        self._expected: dict[int, _Expected] = {}

    def wrote(self, write: Write, record_id: int, version: int | None) -> None:
        """Note that a write was accepted."""
        if write.action not in (Action.CREATE, Action.UPDATE, Action.DELETE, Action.RANK):
            return
        until = self._clock() + LAG.total_seconds()
        gone = write.action is Action.DELETE
        expected = _Expected(until, version, gone, _ids(write.added), _ids(write.removed))
        with self._lock:
            self._expected = {key: each for key, each in self._expected.items() if each.until > self._clock()}
            self._expected[record_id] = expected

    def read(self, ids: Sequence[int], ask: Callable[[], Page]) -> Page:
        """Return a page of those records that shows what was written, or after ten seconds what it shows."""
        page, pauses = ask(), self._pauses()
        while self._is_stale(ids, page):
            self._sleep(next(pauses))
            page = ask()
        return page

    def _pauses(self) -> Iterator[float]:
        yield from _PAUSES
        while True:
            yield 1.0

    def _is_stale(self, ids: Sequence[int], page: Page) -> bool:
        with self._lock:
            now = self._clock()
            expected = {key: each for key in ids if (each := self._expected.get(key)) is not None and each.until > now}
        if not expected:
            return False
        shown = {row[1]: version_of(row[2]) for row in page.rows}
        return any(_misses(page, shown, key, each) for key, each in expected.items())


def _misses(page: Page, shown: Mapping[int, int | None], key: int, expected: _Expected) -> bool:
    if expected.gone or key not in shown:
        return expected.gone == (key in shown)
    version = shown[key]
    if expected.version is not None and version is not None and version < expected.version:
        return True
    for name in {*expected.present, *expected.absent}:
        members = {row[2] for row in page.links.get(name, ()) if row[0] == key}
        if not expected.present.get(name, frozenset()) <= members or expected.absent.get(name, frozenset()) & members:
            return True
    return False


def _ids(items: Mapping[str, tuple[Item, ...]]) -> dict[str, frozenset[int]]:
    return {name: frozenset(each.id for each in some if isinstance(each, Target)) for name, some in items.items()}
