"""How one credential is shown to Rally: an API key with every request, else a session whose token goes with writes.

Source: rally.md §2 (authentication), §6 (errors).
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping
from typing import TypeVar

from mirror.connectors.http import Answer, Request, Transport
from mirror.connectors.renewal import Renewal
from mirror.connectors.signing import Signing, signer_of
from mirror.errors import AuthError
from mirror.model.source import Auth, Credential

T = TypeVar("T")

log = logging.getLogger(__name__)

_KEY_HEADER = "ZSESSIONID"  # §2 R; no cookies go with it (§2 D)


class Login:
    """One credential on one transport.

    Attributes:
        auth: how the requests are signed.
    """

    def __init__(self, transport: Transport, credential: Credential, token: Callable[[], str]) -> None:
        """Take a credential; nothing is asked of the network.

        Args:
            token: asks for the security token of the session that its own answer opens.
        """
        self.auth = credential.auth or (Auth.APIKEY if credential.user is None else Auth.BASIC)
        self._transport = transport
        self._ask_token = token
        self._token: str | None = None
        self._lock = threading.Lock()
        self._session = Renewal(self._begin, is_open=True)
        self._was_accepted = False
        self._signing = self._sign(credential)

    def _sign(self, credential: Credential) -> Signing | None:
        signer = signer_of(credential)
        if signer is not None:
            return self._transport.sign_by(signer, key_header=_KEY_HEADER)
        if self.auth is Auth.APIKEY:
            self._transport.headers[_KEY_HEADER] = credential.secret
            self._transport.drop_cookies()
        else:
            self._transport.sign_in(credential.user or "", credential.secret)
        return None

    @property
    def shows_key(self) -> bool:
        """Whether an API key goes with every request; then there is no session, nor does a write need a token."""
        return self.auth is Auth.APIKEY or (self._signing is not None and self._signing.shows_key)

    def send(self, request: Request, read: Callable[[Answer], T]) -> T:
        """Send a GET, and once more in a new session when it is turned away after others were let in.

        Raises:
            AuthError: it is turned away.
        """
        if self.shows_key:
            return self._transport.send(request, read)
        session = self._session.enter()
        try:
            result = self._transport.send(request, read)
        except AuthError:
            if not self._was_accepted:
                raise
            log.info("signing in again after a refusal")
            self._session.enter(session)
            result = self._transport.send(request, read)
        self._was_accepted = True
        return result

    def key(self) -> dict[str, str]:
        """Return the parameter that a POST or DELETE needs beside the session's cookies; none beside an API key (§2 D).

        Raises:
            RemoteError: there is no token to be had; nothing was written.
        """
        if self.shows_key:
            return {}
        with self._lock:
            if self._token is None:
                self._transport.clear_cookies()  # of a session that may be over
                self._token = self._ask_token()
            return {} if self.shows_key else {"key": self._token}

    def forget_key(self, key: Mapping[str, str]) -> None:
        """Have the next call open a new session, unless another thread has done so since `key` was given out."""
        with self._lock:
            if key.get("key") == self._token:
                self._token = None
                self._transport.clear_cookies()

    def _begin(self) -> None:
        with self._lock:
            self._token = None
            self._transport.clear_cookies()
