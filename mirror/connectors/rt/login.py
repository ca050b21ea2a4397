"""How one credential is logged in: by session cookie where RT allows it, else with every request.

A request with a password or token costs the server one bcrypt, about 175 ms; one with a cookie 2 ms (rt.md §2.2).
"""

from __future__ import annotations

import re
from enum import StrEnum
from urllib.parse import quote

from mirror.connectors.http import Answer, Request, Transport
from mirror.connectors.pages import asks_to_sign_in
from mirror.connectors.renewal import Renewal
from mirror.connectors.signing import signer_of
from mirror.errors import AuthError, ProtocolError, RetryableError
from mirror.model.source import Auth, Credential

_FIRST_LINE = re.compile(rb"RT/(\S+) (\d{3}) ")  # rt.md §1.13: REST 1.0 tells the status in the body
_TOKEN_OWNER = re.compile(r"1-(\d+)-")  # rt.md §2.1
_LOGGED_OUT = frozenset({302, 401})  # rt.md §2.1: beside a cookie the 401 of REST 2.0 becomes a redirect to /
_FORM = "/NoAuth/Login.html"  # where people log in; it answers 200 with a cookie, whatever the password (seen on 5.0.3)


class Way(StrEnum):
    """How requests prove who we are."""

    COOKIE = "session cookie"
    BASIC = "password with every request"
    TOKEN = "token with every request"  # noqa: S105 - a word, not a secret
    KERBEROS = "Kerberos ticket with every request"
    NTLM = "NTLM"
    OBJECT = "authentication object of Python"


_SIGNED = {Auth.KERBEROS: Way.KERBEROS, Auth.NTLM: Way.NTLM, Auth.PYTHON: Way.OBJECT}


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
        self._session = Renewal(self._log_in)
        signer = signer_of(credential)
        if signer is not None:
            transport.sign_by(signer)

    def send(self, request: Request) -> Answer:
        """Return the answer to `request`, whatever its status, having logged in again once if the session was over.

        A write is sent again then: RT has turned it away before it looked at what it asks for (rt.md §2.1, §2.2).

        Raises:
            AuthError: RT does not accept the credential.
            RetryableError: RT answered 500 every time, or cannot be reached; is_unsent when that was during the login.
        """
        session = self._session.enter()
        answer = self._transport.send(request, _settled)
        if _is_turned_away(request, answer) and self.way is Way.COOKIE:
            self._session.enter(session)
            answer = self._transport.send(request, _settled)
        if _is_turned_away(request, answer):
            raise AuthError(self._refusal())
        return answer

    def _log_in(self) -> None:
        auth = self._credential.auth
        self._transport.clear_cookies()
        if auth in _SIGNED:
            self.way = _SIGNED[auth]
        elif auth in (Auth.BASIC, Auth.TOKEN):
            self._show_always()
        elif self._by_rest_1() or self._by_form():
            self.way = Way.COOKIE
        elif auth is Auth.SESSION:
            raise AuthError(f"{self._transport.url} opens no session, as REST 1.0 is off; leave auth out of the settings")
        else:
            self._show_always()

    def _by_rest_1(self) -> bool:
        """Open a session through REST 1.0; False where that is not to be had: it may be switched off (rt.md §2.2).

        Raises:
            AuthError: RT does not accept the credential.
        """
        answer = self._transport.send(self._first_request(), _anything)
        first = _FIRST_LINE.match(answer.body)
        if first is None or answer.status != 200:
            self._transport.clear_cookies()
            return False
        self.version = first[1].decode("ascii", "replace")
        if first[2] == b"401":
            raise AuthError(self._refusal())
        return bool(answer.cookies)

    def _by_form(self) -> bool:
        """Open a session through the page for people, which takes passwords only; False where it does not open one."""
        user, secret = self._credential.user, self._credential.secret
        if user is None:
            return False
        form = Request("POST", _FORM, form={"user": user, "pass": secret})
        if not self._transport.send(form, _anything).cookies:
            return False
        if self._transport.send(Request("GET", "/REST/2.0/rt"), _anything).status == 200:
            return True
        self._transport.clear_cookies()  # the password is wrong, or it is another page; the next request tells
        return False

    def _first_request(self) -> Request:
        user, secret = self._credential.user, self._credential.secret
        if user is None:
            return Request("GET", "/REST/1.0/", headers={"Authorization": f"token {secret}"})
        return Request("POST", "/REST/1.0/", form={"user": user, "pass": secret})

    def _show_always(self) -> None:
        """Send the credential with each request from now on."""
        user, secret = self._credential.user, self._credential.secret
        if user is None:
            self.way = Way.TOKEN
            self._transport.headers["Authorization"] = f"token {secret}"
        else:
            self.way = Way.BASIC
            self._transport.sign_in(user, secret)

    def _refusal(self) -> str:
        url, user = self._transport.url, self._credential.user
        if self.way in _SIGNED.values():
            return f"{url} does not accept the {self.way}; check that its web server takes it, and that RT has such a user"
        if user is None:
            return f"{url} does not accept the token; check that it is whole, not expired, and that its user is enabled"
        return f"{url} does not accept the password of user {user!r}; check both, and that the user is enabled"


def owner_of(credential: Credential) -> str | None:
    """Return the name, or of a token the number, of the user whose credential it is; None where nothing tells."""
    if credential.user is not None:
        return credential.user.rpartition("\\")[2] if credential.auth is Auth.NTLM else credential.user
    found = _TOKEN_OWNER.match(credential.secret)
    return found[1] if found else None


def quoted(name: str) -> str:
    """Return a record's name as one segment of a path."""
    return quote(name, safe="")


def _is_turned_away(request: Request, answer: Answer) -> bool:
    """Return whether nobody is logged in any more.

    Raises:
        RetryableError: a write was answered with a page to sign in, and no status that tells that it was not done.
    """
    if answer.status in _LOGGED_OUT:
        return True
    if answer.status != 200 or not asks_to_sign_in(answer):
        return False
    if not request.repeatable:
        raise RetryableError("RT answered a write with a page to sign in; nobody knows whether it was done")
    return True


def _settled(answer: Answer) -> Answer:
    if answer.status == 500:  # also what a locked database or a dying worker answers (rt.md §3.4: body empty)
        raise RetryableError("RT answered 500 Internal Server Error", is_answered=True)
    if answer.status == 200 and answer.body.rstrip()[-1:] not in (b"}", b"]") and not asks_to_sign_in(answer):
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
