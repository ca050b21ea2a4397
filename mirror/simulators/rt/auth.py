"""Who is asking: cookies, tokens and passwords. rt.md §2"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from mirror.simulators.rt.columns import RTNAME
from mirror.simulators.rt.state import View


@dataclass(frozen=True, slots=True)
class _Session:
    user: int
    opened: datetime


class Gate:
    """Knows the sessions that are open, and tells who a request comes from."""

    def __init__(self, port: int) -> None:
        self.cookie = f"RT_SID_{RTNAME}.{port}"
        self._sessions: dict[str, _Session] = {}
        self._count = 0

    def log_out_everybody(self) -> None:
        """End all sessions, as their expiry would."""
        self._sessions.clear()

    def open(self, user: int, moment: datetime) -> str:
        """Open a session and return the value of its cookie."""
        value = self.stranger(moment)
        self._sessions[value] = _Session(user, moment)
        return value

    def stranger(self, moment: datetime) -> str:
        """Return the value of a cookie that stands for nobody."""
        self._count += 1
        return hashlib.blake2s(f"{self._count} {moment}".encode(), digest_size=16).hexdigest()

    def close(self, value: str) -> None:
        """End one session."""
        self._sessions.pop(value, None)

    def by_session(self, value: str | None, moment: datetime, lasts_seconds: float) -> int | None:
        """Return whose session a cookie names, None when it has ended or never was."""
        found = self._sessions.get(value or "")
        if found is None:
            return None
        if lasts_seconds and (moment - found.opened).total_seconds() > lasts_seconds:
            self.close(value or "")
            return None
        return found.user


def token_of(number: int, name: str) -> str:
    """Return the token of a user; it depends on number and name alone."""
    return f"1-{number}-{hashlib.md5(f'token of {name}'.encode(), usedforsecurity=False).hexdigest()}"


def by_header(view: View, header: str) -> int | None:
    """Return who an `Authorization` header stands for, None when it is not accepted."""
    way, _, secret = header.partition(" ")
    if way.lower() == "token":
        return by_token(view, secret)
    if way.lower() != "basic":
        return None
    try:
        name, _, password = base64.b64decode(secret).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return None
    return by_password(view, name, password)


def by_token(view: View, token: str) -> int | None:
    """Return whose token it is, None when it is nobody's."""
    rows = (view.row("user", each) for each in view.ids("user"))
    return next((row["id"] for row in rows if token and row.get("Token") == token and not row["Disabled"]), None)


def by_password(view: View, name: str, password: str) -> int | None:
    """Return the user with that name and password, None when there is none or it is disabled."""
    number = view.user_named(name)
    row = None if number is None else view.row("user", number)
    if row is None or row["Disabled"] or not password or row.get("Password") != password:
        return None
    return number


def looks_like_a_browser(agent: str, cookies: Mapping[str, str]) -> bool:
    """Return whether RT redirects to its login page instead of answering 401 (rt.md §2.1)."""
    return bool(cookies) or "Mozilla" in agent
