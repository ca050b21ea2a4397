"""Who we are: the user whose credential it is, and the time zone in which RT reads that user's dates."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from mirror.connectors.http import Answer, Request
from mirror.connectors.rt.login import owner_of, quoted
from mirror.connectors.rt.people import number_in
from mirror.connectors.rt.search import decoded
from mirror.errors import ProtocolError
from mirror.model.source import Credential


@dataclass(frozen=True, slots=True)
class Account:
    """A user.

    Attributes:
        zone: of the profile; None when that has none, and RT takes its own, which it shows nobody (rt.md §5.3).
    """

    name: str
    number: int
    zone: ZoneInfo | None


class Myself:
    """The account of one credential, asked for once."""

    def __init__(self, credential: Credential, send: Callable[[Request], Answer]) -> None:
        self._credential = credential
        self._send = send
        self._lock = threading.Lock()
        self._known: Account | None = None

    def account(self) -> Account:
        """Return it.

        Raises:
            ProtocolError: RT does not show this account its own user.
        """
        with self._lock:
            known = self._known
        if known is None:
            known = self._look()
            with self._lock:
                self._known = known
        return known

    def _look(self) -> Account:
        owner = owner_of(self._credential)
        if owner is None:
            raise ProtocolError("nothing tells RT's name of the user who signs in here; set user = … of this source")
        user = decoded(self._send(Request("GET", f"/REST/2.0/user/{quoted(owner)}")), "user")
        number = number_in(user)
        if number is None or not user.get("Name"):
            raise ProtocolError(f"RT does not show user {owner!r} their own record")
        return Account(str(user["Name"]), number, _zone(str(user.get("Timezone") or "")))


def _zone(name: str) -> ZoneInfo | None:
    try:
        return ZoneInfo(name) if name else None
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None
