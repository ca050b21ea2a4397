"""How one credential is logged in: by session cookie where RT allows it, else with every request.

A request with a password or token costs the server one bcrypt, about 175 ms; one with a cookie 2 ms (rt.md §2.2).
"""

from __future__ import annotations

import re
import threading
from base64 import b64encode
from enum import StrEnum
from urllib.parse import quote

from mirror.connectors.http import Answer, Request, Transport
from mirror.errors import AuthError, ProtocolError, RetryableError
from mirror.model.source import Credential

_FIRST_LINE = re.compile(rb"RT/(\S+) (\d{3}) ")  # rt.md §1.13: REST 1.0 tells the status in the body
_TOKEN_OWNER = re.compile(r"1-(\d+)-")  # rt.md §2.1
_LOGGED_OUT = frozenset({302, 401})  # rt.md §2.1: beside a cookie the 401 of REST 2.0 becomes a redirect to /


class Way(StrEnum):
    """How requests prove who we are."""

    COOKIE = "session cookie"
    BASIC = "password with every request"
    TOKEN = "token with every request"  # noqa: S105 - a word, not a secret


class Login:
    """One credential on one transport, logged in when first needed and again when the session ends.

    Attributes:
        way: None before the first request.
        version: of the server as REST 1.0 shows it; empty when REST 1.0 is off.
    """

    def __init__(self, transport: Transport, credential: Credential) -> None:
        self.way: Way | None = None
        self.version = ""
        self._transport = transport
        self._credential = credential
        self._lock = threading.Lock()
        self._generation = 0

    def send(self, request: Request) -> Answer:
        """Return the answer to `request`, whatever its status, having logged in again if the session was over.

        Raises:
            AuthError: RT does not accept the credential.
            RetryableError: RT answered 500 every time, or cannot be reached; is_unsent when that was during the login.
        """
        generation = self._enter(0)
        answer = self._transport.send(request, _settled)
        if answer.status in _LOGGED_OUT and self.way is Way.COOKIE:
            self._enter(generation)
            answer = self._transport.send(request, _settled)
        if answer.status in _LOGGED_OUT:
            raise AuthError(self._refusal())
        return answer

    def _enter(self, stale: int) -> int:
        """Log in unless somebody did since generation `stale`; return the present generation."""
        with self._lock:
            if self._generation <= stale:
                try:
                    self._log_in()
                except RetryableError as error:
                    raise RetryableError(str(error), error.after_seconds, is_unsent=True) from error
                self._generation += 1
            return self._generation

    def _log_in(self) -> None:
        self._transport.clear_cookies()
        answer = self._transport.send(self._first_request(), _anything)
        first = _FIRST_LINE.match(answer.body)
        if first is None or answer.status != 200:  # an administrator may switch REST 1.0 off (rt.md §2.2)
            self._show_always()
            return
        self.version = first[1].decode("ascii", "replace")
        if first[2] == b"401":
            raise AuthError(self._refusal())
        if not answer.cookies:
            self._show_always()
            return
        self.way = Way.COOKIE

    def _first_request(self) -> Request:
        user, secret = self._credential.user, self._credential.secret
        if user is None:
            return Request("GET", "/REST/1.0/", headers={"Authorization": f"token {secret}"})
        return Request("POST", "/REST/1.0/", form={"user": user, "pass": secret})

    def _show_always(self) -> None:
        """Send the credential with each request from now on."""
        user, secret = self._credential.user, self._credential.secret
        self._transport.clear_cookies()
        if user is None:
            self.way = Way.TOKEN
            self._transport.headers["Authorization"] = f"token {secret}"
        else:
            self.way = Way.BASIC
            pair = b64encode(f"{user}:{secret}".encode()).decode("ascii")
            self._transport.headers["Authorization"] = f"Basic {pair}"

    def _refusal(self) -> str:
        url, user = self._transport.url, self._credential.user
        if user is None:
            return f"{url} does not accept the token; check that it is whole, not expired, and that its user is enabled"
        return f"{url} does not accept the password of user {user!r}; check both, and that the user is enabled"


def owner_of(credential: Credential) -> str | None:
    """Return the name, or of a token the number, of the user whose credential it is; None for a token of another make."""
    if credential.user is not None:
        return credential.user
    found = _TOKEN_OWNER.match(credential.secret)
    return found[1] if found else None


def quoted(name: str) -> str:
    """Return a record's name as one segment of a path."""
    return quote(name, safe="")


def _settled(answer: Answer) -> Answer:
    if answer.status == 500:  # also what a locked database or a dying worker answers (rt.md §3.4: body empty)
        raise RetryableError("RT answered 500 Internal Server Error", is_answered=True)
    if answer.status == 200 and answer.body.rstrip()[-1:] not in (b"}", b"]"):
        raise RetryableError("the answer of RT was cut short, or is a page of something in between")
    return answer


def _anything(answer: Answer) -> Answer:
    return answer


def checked(answer: Answer, what: str) -> bytes:
    """Return the body of a good answer.

    Raises:
        ProtocolError: any other status, with RT's own message.
    """
    if answer.status != 200:
        text = answer.body[:300].decode("utf-8", "replace").strip()
        raise ProtocolError(f"{what}: RT answered {answer.status} {text}")
    return answer.body
