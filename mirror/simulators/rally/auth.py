"""Who is asking: API key or basic authentication, security tokens, session cookies. rally.md §2."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field

from flask import Request

from mirror.simulators.rally.items import RefusedError

INVALID_KEY = "Not authorized to perform action: Invalid key"
_COOKIES = ("JSESSIONID", "ZSESSIONID", "SUBBUCKETID")


class UnauthorizedError(Exception):
    """The request is answered with HTTP 401 and an HTML page.

    Attributes:
        title: what the page says.
    """

    def __init__(self, title: str) -> None:
        self.title = title
        super().__init__(title)


BAD_PASSWORD = "The username or password you entered is incorrect."  # noqa: S105
NO_CREDENTIALS = "Full authentication is required to access this resource"
READ_ONLY = "This API key is read only"


@dataclass(frozen=True, slots=True)
class Credentials:
    """What the simulator accepts."""

    api_key: str
    read_only_api_key: str
    user: str
    password: str


@dataclass(slots=True)
class Gate:
    """Checks every request; keeps the sessions opened with basic authentication."""

    credentials: Credentials
    _tokens: dict[str, str] = field(default_factory=dict)
    _ended: set[str] = field(default_factory=set)

    def check(self, request: Request, *, refuses_ended: bool = False) -> None:
        """Let a request in.

        Args:
            refuses_ended: the cookie of a session that has ended is turned away, whatever comes beside it.

        Raises:
            UnauthorizedError: nobody, or somebody unknown. rally.md §6 R
        """
        key = request.headers.get("ZSESSIONID")
        if key is not None:
            if key not in (self.credentials.api_key, self.credentials.read_only_api_key):
                raise UnauthorizedError(NO_CREDENTIALS)
            if key == self.credentials.read_only_api_key and request.method != "GET":
                # A read-only key on a write normally gives 401. rally.md §2 D
                raise UnauthorizedError(READ_ONLY)
            return
        given = request.authorization
        if given is None or given.type != "basic":
            raise UnauthorizedError(NO_CREDENTIALS)
        if (given.username, given.password) != (self.credentials.user, self.credentials.password):
            raise UnauthorizedError(BAD_PASSWORD)
        if refuses_ended and request.cookies.get("JSESSIONID") in self._ended:
            raise UnauthorizedError(NO_CREDENTIALS)

    def check_write(self, request: Request) -> None:
        """Let a write in: an API key suffices, basic needs the token and the cookies of its session. rally.md §2 D

        Raises:
            RefusedError: the token is missing, wrong or of another session.
        """
        session = request.cookies.get("JSESSIONID", "")
        if request.headers.get("ZSESSIONID") is not None:
            # The key parameter is ignored; cookies of some other session are not. rally.md §2 D, T
            if session in self._tokens:
                raise RefusedError(INVALID_KEY)
            return
        token = self._tokens.get(session)
        if token is None or request.args.get("key") != token:
            raise RefusedError(INVALID_KEY)

    def open_session(self) -> tuple[str, dict[str, str]]:
        """Return a security token and the cookies it is tied to."""
        token = secrets.token_urlsafe(24)
        cookies = {name: secrets.token_hex(16) for name in _COOKIES}
        self._tokens[cookies["JSESSIONID"]] = token
        return token, cookies

    def expire(self) -> None:
        """End all sessions, as time does; their tokens are no good any more. rally.md §2 D"""
        self._ended.update(self._tokens)
        self._tokens.clear()
