"""The server's clock, as its answers show it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta


class ServerClock:
    """Tells the server's time between two answers."""

    def __init__(self, elapsed: Callable[[], float] = time.monotonic) -> None:
        self._elapsed = elapsed
        self._lock = threading.Lock()
        self._told: tuple[datetime, float] | None = None

    def note(self, server_time: datetime) -> None:
        """Remember what an answer said."""
        with self._lock:
            self._told = (server_time, self._elapsed())

    def now(self) -> datetime:
        """Return about the server's time, UTC; our own before the first answer."""
        with self._lock:
            told = self._told
        if told is None:
            return datetime.now(UTC)
        return told[0] + timedelta(seconds=self._elapsed() - told[1] + 1)
