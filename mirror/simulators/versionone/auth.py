"""Who is asking: access token, basic authentication or the ticket of a session. versionone.md §2."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field

from flask import Request

from mirror.simulators.versionone.switches import Switches

ADMIN = 20
"""The member `admin`, which is never purged. versionone.md §7.2 Q"""


class UnauthorizedError(Exception):
    """The request is answered with HTTP 401 and a challenge. versionone.md §2"""


@dataclass(frozen=True, slots=True)
class Credentials:
    """What the simulator accepts.

    Attributes:
        token: of a System Admin.
        limited_token: of the member `limited_member`, who does not see every project.
        user: name of the admin for basic authentication, with `password`.
    """

    token: str
    limited_token: str
    limited_member: int
    user: str
    password: str


@dataclass(slots=True)
class Gate:
    """Checks every request, and hands out tickets.

    Attributes:
        login_count: requests that had to log in because they brought no ticket; the server stores each (§2 Q).
    """

    credentials: Credentials
    cookie: str
    login_count: int = 0
    _tickets: dict[str, int] = field(default_factory=dict)
    _serial: itertools.count[int] = field(default_factory=itertools.count)

    def check(self, request: Request, switches: Switches) -> tuple[int, str]:
        """Return the member who asks, and a new ticket if one was made, else "".

        Raises:
            UnauthorizedError: nobody, or somebody unknown.
        """
        known = self._tickets.get(request.cookies.get(self.cookie, ""))
        member = self._member(request, switches)
        if member is None:
            if known is None:
                raise UnauthorizedError
            return known, ""
        if known == member:
            return member, ""
        self.login_count += 1
        return member, self._open(member) if switches.session_tickets else ""

    def _member(self, request: Request, switches: Switches) -> int | None:
        """Return who the Authorization header names; None without one."""
        header = request.headers.get("Authorization", "")
        scheme, _, rest = header.partition(" ")
        if not header:
            return None
        if scheme.lower() == "bearer":
            members = {self.credentials.token: ADMIN, self.credentials.limited_token: self.credentials.limited_member}
            if rest.strip() in members:
                return members[rest.strip()]
        given = request.authorization
        # Basic does not exist on hosted instances with single sign-on. versionone.md §2 D
        known = given is not None and (given.username, given.password) == (self.credentials.user, self.credentials.password)
        if scheme.lower() == "basic" and switches.auth == "basic" and known:
            return ADMIN
        raise UnauthorizedError

    def _open(self, member: int) -> str:
        ticket = f"ticket{next(self._serial):08d}"
        self._tickets[ticket] = member
        return ticket

    def expire(self) -> None:
        """Forget all tickets; clients have to log in again."""
        self._tickets.clear()


def challenge(switches: Switches) -> str:
    """Return the value of `WWW-Authenticate`. Clients of the sso profile get no Basic challenge. §2 T, §10.4"""
    return 'Basic realm="VersionOne"' if switches.auth == "basic" else 'Bearer realm="VersionOne"'
