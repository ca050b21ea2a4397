"""The simulator's time: one source for stamps, for the Date header and for replica lag."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """Whatever can tell the time as an aware UTC datetime."""

    def now(self) -> datetime:
        """Return the present instant, aware, in UTC."""


class SystemClock:
    """The machine's own clock."""

    def now(self) -> datetime:
        """Return the present instant, aware, in UTC."""
        return datetime.now(UTC)


class ManualClock:
    """A clock that stands still until told otherwise, so that many writes can share one millisecond.

    Args:
        start: the first instant; midday of 2 June 2025 when not given, later than all seeded data.
        step_seconds: how far every call of `now` moves the clock; 0 keeps it frozen.
    """

    def __init__(self, start: datetime | None = None, *, step_seconds: float = 0.0) -> None:
        self._now = start or datetime(2025, 6, 2, 12, tzinfo=UTC)
        self._step = timedelta(seconds=step_seconds)
        self._lock = threading.Lock()

    def now(self) -> datetime:
        """Return the present instant and move on by the step."""
        with self._lock:
            present = self._now
            self._now = present + self._step
            return present

    def advance(self, seconds: float) -> datetime:
        """Move the clock (backwards when negative) and return the new instant."""
        with self._lock:
            self._now += timedelta(seconds=seconds)
            return self._now

    def set(self, instant: datetime) -> None:
        """Put the clock to `instant`, which must be aware."""
        with self._lock:
            self._now = instant
