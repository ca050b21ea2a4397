"""Authentication objects of `requests`: those that are made here, and how others' are kept from doing harm.

Source: RFC 4559 (SPNEGO over HTTP); versionone.md §2 D (Windows authentication).
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from importlib import import_module
from types import ModuleType
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.auth import AuthBase

from mirror.errors import AuthError, ConfigError, MirrorError
from mirror.model.source import Auth, Credential, Signer


class Signing(AuthBase):
    """Signs with an object that is not ours.

    Attributes:
        shows_key: the last request that was signed has the header `key_header`.
    """

    def __init__(self, signer: Signer, *, key_header: str = "") -> None:
        """Take an object.

        Args:
            key_header: no cookies go with a request that has this header afterwards.
        """
        self.shows_key = False
        self._signer = signer
        self._key_header = key_header
        self._looked_at = threading.local()

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Return the request, signed.

        Raises:
            AuthError: the object fails; nothing was sent.
        """
        try:
            signed = self._signer(request)
        except MirrorError:
            raise
        except Exception as error:  # noqa: BLE001 - others' code; its text may have the secret in it
            raise AuthError(f"the authentication object failed before a request was sent ({type(error).__name__})") from None
        if not isinstance(signed, requests.PreparedRequest):
            raise AuthError("the authentication object does not return the request that it is given")
        self.shows_key = bool(self._key_header) and self._key_header in signed.headers
        if self.shows_key:
            signed.headers.pop("Cookie", None)
        signed.hooks["response"].insert(0, self._note)
        return signed

    def close_answer(self) -> None:
        """Close the answer that the object failed at in this thread; nobody else has it."""
        response = getattr(self._looked_at, "response", None)
        if response is not None:
            response.close()

    def _note(self, response: requests.Response, **_options: object) -> None:
        self._looked_at.response = response


class _PerThread(AuthBase):
    """Signs with an object for each thread: these keep the state of a handshake between two answers."""

    def __init__(self, make: Callable[[], Any]) -> None:
        self._make = make
        self._mine = threading.local()

    def __call__(self, request: requests.PreparedRequest) -> Any:
        if not hasattr(self._mine, "signer"):
            self._mine.signer = self._make()
        return self._mine.signer(request)


def signer_of(credential: Credential) -> Signer | None:
    """Return the object that signs requests with this credential; None when the tracker's own ways do.

    Raises:
        ConfigError: the extra that makes it is not installed, or there is no object.
    """
    match credential.auth:
        case Auth.KERBEROS:
            return _kerberos()
        case Auth.NTLM:
            make = _needed("requests_ntlm", Auth.NTLM).HttpNtlmAuth
            return _PerThread(lambda: make(credential.user, credential.secret))
        case Auth.PYTHON:
            if credential.signer is None:
                raise ConfigError("no authentication object was given")
            return credential.signer
    return None


def _kerberos() -> Signer:
    """Return what shows a ticket with every request.

    It is shown unasked: else the body of each write would be sent first without, and again after the 401.
    """
    make = _needed("requests_gssapi", Auth.KERBEROS).HTTPSPNEGOAuth
    logging.getLogger("requests_gssapi").addHandler(logging.NullHandler())  # what it has to say is told by `_with_ticket`
    return _with_ticket(_PerThread(lambda: make(opportunistic_auth=True)))


def _with_ticket(sign: Signer) -> Signer:
    def signed(request: requests.PreparedRequest) -> requests.PreparedRequest:
        sign(request)
        if "Authorization" not in request.headers:  # the library logs why, and sends the request without
            host = urlsplit(request.url or "").hostname
            raise AuthError(
                f"there is no Kerberos ticket for HTTP/{host}; get one with kinit, or check the host's name in url"
            )
        return request

    return signed


def _needed(module: str, auth: Auth) -> ModuleType:
    try:
        return import_module(module)
    except ImportError:
        raise ConfigError(f"auth = \"{auth}\" needs the extra: pip install 'mirror-tracker[{auth}]'") from None
