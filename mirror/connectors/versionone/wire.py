"""Requests of one credential: how they are signed, and what is done when a signed one is turned away.

Source: versionone.md §1 (addresses, content negotiation), §2 (authentication).
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import TypeVar
from urllib.parse import urlencode

from mirror.connectors.http import Answer, Request, Transport, basic
from mirror.connectors.pages import asks_to_sign_in
from mirror.connectors.renewal import Renewal
from mirror.connectors.signing import signer_of
from mirror.connectors.versionone.refusals import checked
from mirror.errors import AuthError, RetryableError
from mirror.model.source import Auth, Credential

T = TypeVar("T")

log = logging.getLogger(__name__)

DATA = "/rest-1.v1/Data"
HISTORY = "/rest-1.v1/Hist"
BULK = "/api/asset"
QUERY = "/query.v1"
META = "/meta.v1"
BODY = "/attachment.img"
WHO_AM_I = f"{DATA}/Member?where=IsSelf='true'&sel=Username"  # §2 S


class Wire:
    """Sends requests with one credential; cookies are kept, so that a ticket saves the server a login (§2 Q).

    Attributes:
        auth: how the requests are signed.
    """

    def __init__(self, transport: Transport, credential: Credential) -> None:
        self.transport = transport
        self.auth = credential.auth or (Auth.TOKEN if credential.user is None else Auth.BASIC)
        self._was_accepted = False
        self._credential = credential
        self._session = Renewal(self._begin, is_open=self.auth is not Auth.SESSION)
        transport.headers |= {"User-Agent": "mirror-tracker (offline mirror)", "Accept": "application/json"}
        signer = signer_of(credential)
        if signer is not None:
            transport.sign_by(signer)
        elif self.auth is not Auth.SESSION:
            transport.headers["Authorization"] = _authorization(credential)

    def _begin(self) -> None:
        """Drop a ticket that has expired; the next answer brings another one, or for Auth.SESSION this asks for it (§2 D).

        Raises:
            AuthError: the credential is not accepted, or no ticket is given for it.
        """
        self.transport.clear_cookies()
        if self.auth is not Auth.SESSION:
            return
        request = Request("GET", WHO_AM_I, headers={"Authorization": _authorization(self._credential)})
        answer = self.transport.send(request, lambda answer: _admitted(request, answer))
        if not answer.cookies:
            raise AuthError(
                'VersionOne accepts the credential and opens no session for it; leave auth = "session" out of the settings'
            )
        self._was_accepted = True

    def get(self, path: str, params: Mapping[str, str], read: Callable[[Answer], T]) -> T:
        """Return what `read` makes of the answer to a GET.

        Raises:
            AuthError, RefusedError, RetryableError: see `refusals.checked`; or whatever `read` raises.
        """
        return self._send(Request("GET", path + query_string(params)), read)

    def query(self, body: bytes, read: Callable[[Answer], T]) -> T:
        """Return what `read` makes of the answer to a query.v1, which only reads (§8.1) and so may be repeated."""
        return self._send(Request("POST", QUERY, json=body), read)

    def ask_bulk(self, body: bytes, read: Callable[[Answer], T]) -> T:
        """Return what `read` makes of the answer to commands for api/asset, of which none is carried out (§8.2)."""
        return self._send(Request("POST", BULK + query_string({"previewOnly": "true"}), json=body), read)

    def post(
        self,
        path: str,
        body: bytes,
        content_type: str,
        read: Callable[[Answer], T],
        *,
        params: Mapping[str, str] | None = None,
    ) -> T:
        """Return what `read` makes of the answer to a POST that writes; it is sent once, again only when it was turned away.

        Args:
            body: may be empty, as for operations.

        Raises:
            RetryableError: nobody knows whether it was done, unless `is_unsent`.
        """
        headers = {"Content-Type": content_type} if content_type else {}
        path += query_string(params or {})
        return self._send(Request("POST", path, json=body or None, headers=headers, repeatable=False), read)

    def _send(self, request: Request, read: Callable[[Answer], T]) -> T:
        """Send a request, and once more when it was turned away for a ticket that has expired beside a good credential.

        Then the server has not begun with it (§3.4 D: 401 is not authenticated, or an expired ticket), so that a write, too,
        is sent again.
        """
        session = self._session.enter()
        try:
            result = self.transport.send(request, lambda answer: read(_admitted(request, answer)))
        except AuthError:
            if not self._was_accepted:
                raise
            log.info("signing in again after a refusal")
            self._session.enter(session)
            result = self.transport.send(request, lambda answer: read(_admitted(request, answer)))
        self._was_accepted = True
        return result


def _authorization(credential: Credential) -> str:
    if credential.user is None:
        return f"Bearer {credential.secret}"
    return basic(credential.user, credential.secret)


def _admitted(request: Request, answer: Answer) -> Answer:
    """Return the answer when it is a result.

    Raises:
        AuthError: it is a page to sign in; see also `refusals.checked`.
        RetryableError: it is one and answers a write, and its status does not tell that nothing was done.
    """
    found = checked(answer)
    is_file = request.path.startswith(BODY)  # then it is whatever somebody has attached
    if not is_file and asks_to_sign_in(found):
        if not request.repeatable:
            raise RetryableError("VersionOne answered a write with a page to sign in; nobody knows whether it was done")
        raise AuthError("VersionOne answered with a page to sign in; check url and secret")
    return found


def query_string(params: Mapping[str, str]) -> str:
    """Return `?name=value&…`, as short as the grammar allows: IIS counts the encoded characters (§4.2.4 I)."""
    return f"?{urlencode(params, safe=SAFE)}" if params else ""


SAFE = ",:;.'()$@"
"""Characters of the filter grammar that a query string may hold as they are (RFC 3986 section 3.4)."""


def asked_at(answer: Answer) -> datetime:
    """Return the server's time when the request left us: what changed before that is in the answer, replica lag apart."""
    return answer.server_time - timedelta(seconds=answer.elapsed_seconds)
