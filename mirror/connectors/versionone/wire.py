"""Requests of one credential: how they are signed, and what is done when a signed one is turned away.

Source: versionone.md §1 (addresses, content negotiation), §2 (authentication).
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import TypeVar
from urllib.parse import urlencode

from mirror.connectors.http import Answer, Request, Transport
from mirror.connectors.versionone.refusals import checked
from mirror.errors import AuthError
from mirror.model.source import Credential

T = TypeVar("T")

log = logging.getLogger(__name__)

DATA = "/rest-1.v1/Data"
HISTORY = "/rest-1.v1/Hist"
BULK = "/api/asset"
QUERY = "/query.v1"
META = "/meta.v1"


class Wire:
    """Sends requests with one credential; cookies are kept, so that a ticket saves the server a login (§2 Q)."""

    def __init__(self, transport: Transport, credential: Credential) -> None:
        self.transport = transport
        self._was_accepted = False
        transport.headers |= {"User-Agent": "mirror-tracker (offline mirror)", "Accept": "application/json"}
        if credential.user is None:
            transport.headers["Authorization"] = f"Bearer {credential.secret}"
        else:
            transport.sign_in(credential.user, credential.secret)

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
        try:
            result = self.transport.send(request, lambda answer: read(checked(answer)))
        except AuthError:
            if not self._was_accepted:
                raise
            log.info("signing in again after a refusal")
            self.transport.clear_cookies()  # an expired ticket beside a good credential (§3.4 D)
            result = self.transport.send(request, lambda answer: read(checked(answer)))
        self._was_accepted = True
        return result


def query_string(params: Mapping[str, str]) -> str:
    """Return `?name=value&…`, as short as the grammar allows: IIS counts the encoded characters (§4.2.4 I)."""
    return f"?{urlencode(params, safe=SAFE)}" if params else ""


SAFE = ",:;.'()$@"
"""Characters of the filter grammar that a query string may hold as they are (RFC 3986 section 3.4)."""


def asked_at(answer: Answer) -> datetime:
    """Return the server's time when the request left us: what changed before that is in the answer, replica lag apart."""
    return answer.server_time - timedelta(seconds=answer.elapsed_seconds)
