"""A session that many requests share: opened by one thread while the others wait, and opened anew when it has ended."""

from __future__ import annotations

import threading
from collections.abc import Callable

from mirror.errors import RetryableError


class Renewal:
    """The sessions of one credential, one after the other."""

    def __init__(self, begin: Callable[[], None], *, is_open: bool = False) -> None:
        """Take what opens a session; it is never called twice at once, nor for the first one when that is open."""
        self._begin = begin
        self._lock = threading.Lock()
        self._count = 1 if is_open else 0

    def enter(self, ended: int = 0) -> int:
        """Return the number of the session to use: the present one, or a new one if that is still the one that ended.

        Args:
            ended: the number that `enter` gave for a request that was then turned away; 0 for none.

        Raises:
            RetryableError: it could not be opened; is_unsent, for what is to be sent in it was not.
        """
        with self._lock:
            if self._count <= ended:
                try:
                    self._begin()
                except RetryableError as error:
                    raise RetryableError(str(error), error.after_seconds, is_unsent=True) from error
                self._count += 1
            return self._count
