"""The one door to the network: a gate per credential, timeouts, retries, and foreign errors made ours."""

from __future__ import annotations

import logging
import random
import ssl
import threading
import time
import zlib
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TypeVar

import requests
import urllib3
from requests.adapters import HTTPAdapter
from requests.cookies import RequestsCookieJar

from mirror.connectors.signing import Signing
from mirror.errors import AuthError, MirrorError, ProtocolError, RemoteError, RetryableError
from mirror.model.source import Signer

log = logging.getLogger(__name__)

T = TypeVar("T")

RETRIED_STATUSES = frozenset({429, 502, 503, 504, 524})
_LONGEST_WAIT_SECONDS = 300.0
_LARGEST_BUFFER = 64 * 1024 * 1024
_GZIP = 16 + zlib.MAX_WBITS  # zlib documentation: a gzip header and trailer are expected


@dataclass(frozen=True, slots=True)
class Request:
    """One request of a tracker's API.

    Attributes:
        path: below the transport's url, with a leading slash.
        params: query parameters, sent in this order.
        repeatable: sending it twice does no harm, so it is retried; every GET is, a POST only when it writes nothing.
    """

    method: str
    path: str
    params: Mapping[str, str] | tuple[tuple[str, str], ...] = ()
    json: bytes | None = None
    form: Mapping[str, str] | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    repeatable: bool = True


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back, whole.

    Attributes:
        packed: the body as it was sent, still compressed: several answers may wait at once for the one thread that reads.
        server_time: the Date header, UTC, whole seconds; on an error without one, our own clock.
        elapsed_seconds: from sending to the last byte; the server looked at its data at most that long before server_time.
        cookies: set by this answer.
    """

    status: int
    packed: bytes
    headers: Mapping[str, str]
    server_time: datetime
    elapsed_seconds: float = 0.0
    cookies: Mapping[str, str] = field(default_factory=dict)

    @property
    def body(self) -> bytes:
        """The body, unpacked anew at each call.

        Raises:
            RetryableError: it is not the gzip stream that its header says.
        """
        if self.headers.get("Content-Encoding", "").lower() not in ("gzip", "x-gzip") or not self.packed:
            return self.packed
        try:
            # The trailer tells the length (RFC 1952 section 2.3.1); a buffer that need not grow saves 10 ms on 14 MB.
            length = min(int.from_bytes(self.packed[-4:], "little"), _LARGEST_BUFFER)
            return zlib.decompress(self.packed, wbits=_GZIP, bufsize=max(length, 1))
        except zlib.error as error:
            raise RetryableError("the answer was cut short") from error


@dataclass(frozen=True, slots=True)
class Patience:
    """How hard to try.

    Attributes:
        attempts: in all, the first included.
        first_wait_seconds: doubled for each further attempt, with jitter of half.
        timeout_seconds: to connect, and between two bytes of an answer.
    """

    attempts: int = 6
    first_wait_seconds: float = 0.5
    timeout_seconds: tuple[float, float] = (
        20.0,
        330.0,
    )  # rally.md §6: the server cuts a request after 4 to 5 minutes


class _NoCookies(RequestsCookieJar):
    def set_cookie(self, cookie: object, *_args: object, **_kwargs: object) -> None:
        """Keep nothing: a session cookie beside an API key makes Rally refuse (rally.md §2 D)."""


class Transport:
    """All requests of one credential.

    Attributes:
        requests_made: how many requests were sent so far, retries and handshakes included.
        heard_at: the server's clock at its newest answer, UTC; None before the first, and after answers without a Date only.
        on_wait: told (seconds, reason) whenever the credential is parked; may be set by whoever draws progress.
    """

    def __init__(
        self,
        url: str,
        *,
        concurrency: int = 8,
        patience: Patience = Patience(),
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.url = url.rstrip("/")
        self.concurrency = concurrency
        self.patience = patience
        self.requests_made = 0
        self.heard_at: datetime | None = None
        self.on_wait: Callable[[float, str], None] = lambda _seconds, _reason: None
        self.headers: dict[str, str] = {"Accept-Encoding": "gzip"}
        self._signing: Signing | None = None
        self._sleep = sleep
        self._gate = threading.BoundedSemaphore(concurrency)
        self._lock = threading.Lock()
        self._parked_until = 0.0
        self._session = self._new_session()

    def _new_session(self) -> requests.Session:
        session = requests.Session()
        adapter = HTTPAdapter(pool_connections=2, pool_maxsize=self.concurrency, pool_block=False)
        session.mount("http://", adapter)
        session.mount("https://", adapter)
        return session

    def sign_in(self, user: str, password: str) -> None:
        """Send basic authentication with every request from now on."""
        self.headers["Authorization"] = basic(user, password)

    def sign_by(self, signer: Signer, *, key_header: str = "") -> Signing:
        """Have an object sign every request from now on; see `Signing`."""
        self._signing = signing = Signing(signer, key_header=key_header)
        return signing

    def drop_cookies(self) -> None:
        """Keep no cookie from now on."""
        self._session.cookies = _NoCookies()

    def clear_cookies(self) -> None:
        """Forget all cookies."""
        self._session.cookies.clear()

    def send(self, request: Request, read: Callable[[Answer], T]) -> T:
        """Send `request`, hand the answer to `read` and return what that returns.

        `read` may raise RetryableError to have the request tried again, as for a body that is cut or is not JSON.

        Raises:
            RetryableError: it failed every time; or the first time, when the request is not repeatable.
            RemoteError: whatever `read` raises.
        """
        for attempt in range(1, self.patience.attempts + 1):
            try:
                return read(self._once(request))
            except RetryableError as error:
                if not request.repeatable or attempt == self.patience.attempts:
                    raise
                self._wait(error, attempt)
        raise AssertionError("attempts is at least 1")

    def _once(self, request: Request) -> Answer:
        with self._turn():
            began = time.monotonic()
            try:
                response = self._session.request(
                    request.method,
                    self.url + request.path,
                    params=request.params,
                    data=request.json if request.json is not None else request.form,
                    headers={**self.headers, **_content_type(request), **request.headers},
                    auth=self._signing or _no_netrc,
                    timeout=self.patience.timeout_seconds,
                    allow_redirects=False,
                    stream=True,
                )
                with response:
                    answer = _answer(response, began)
            except (requests.RequestException, urllib3.exceptions.HTTPError) as error:
                log.info("request failed reason=%s", type(error).__name__)
                # Without its cause: that one's text has the whole address, and a security token may be part of it.
                raise _translated(error, self.url) from None
            except MirrorError:
                raise
            except Exception as error:
                if self._signing is None:
                    raise
                self._signing.close_answer()
                raise _failed_handshake(error, request) from None
            with self._lock:
                self.requests_made += len(response.history)
        if "Date" in answer.headers:
            self.heard_at = answer.server_time
        if answer.status in RETRIED_STATUSES:
            # Only 429 says that nothing was done (RFC 6585 section 4); a gateway may answer 503 for a server that went on.
            is_unsent = answer.status == 429
            raise RetryableError(f"{self.url} answered {answer.status}", _retry_after(answer), is_unsent=is_unsent)
        return answer

    @contextmanager
    def _turn(self) -> Iterator[None]:
        """Hold one of the credential's places, after any parking is over."""
        with self._gate:
            while (pause := self._parked_until - time.monotonic()) > 0:
                self._sleep(pause)
            with self._lock:
                self.requests_made += 1
            yield

    def _wait(self, error: RetryableError, attempt: int) -> None:
        backoff = self.patience.first_wait_seconds * 2 ** (attempt - 1) * random.uniform(0.5, 1.0)
        asked = error.after_seconds or 0.0
        if asked > _LONGEST_WAIT_SECONDS:
            raise RetryableError(
                f"{error}, and asks to wait for {asked:.0f} seconds; sync again after that", asked
            ) from error
        seconds = min(max(backoff, asked), _LONGEST_WAIT_SECONDS)
        log.info("request will be repeated attempt=%d wait_seconds=%.2f", attempt, seconds)
        self.on_wait(seconds, str(error))
        if error.after_seconds is None:
            self._sleep(seconds)
            return
        with self._lock:
            self._parked_until = max(self._parked_until, time.monotonic() + seconds)


def basic(user: str, password: str) -> str:
    """Return the value of an Authorization header for basic authentication, UTF-8 encoded (RFC 7617)."""
    return f"Basic {b64encode(f'{user}:{password}'.encode()).decode('ascii')}"


def _no_netrc(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """Leave the request as it is; given as auth so that requests does not add a password from ~/.netrc."""
    return request


def _content_type(request: Request) -> dict[str, str]:
    return {"Content-Type": "application/json"} if request.json is not None else {}


def _answer(response: requests.Response, began: float) -> Answer:
    packed = response.raw.read(decode_content=False)
    return Answer(
        status=response.status_code,
        packed=packed,
        headers=response.headers,
        server_time=_server_time(response.headers, response.status_code),
        elapsed_seconds=time.monotonic() - began,
        cookies=response.cookies.get_dict(),
    )


def _server_time(headers: Mapping[str, str], status: int) -> datetime:
    """Return the Date header; an error page of a gateway may go without, a good answer may not.

    Raises:
        ProtocolError: nothing would say up to when the answer holds, and our own clock must not.
    """
    try:
        return parsedate_to_datetime(headers["Date"]).astimezone(UTC)
    except (KeyError, ValueError, TypeError):
        if status >= 400:
            return datetime.now(UTC)
        raise ProtocolError("the server's answer has no Date header; a proxy in between may remove it") from None


def _retry_after(answer: Answer) -> float | None:
    """Return the seconds of a Retry-After header, given as a number or a date; None without one.

    Source: RFC 9110 section 10.2.3.
    """
    text = answer.headers.get("Retry-After", "").strip()
    if not text:
        return None
    try:
        return max(0.0, float(text))
    except ValueError:
        pass
    try:
        return max(0.0, (parsedate_to_datetime(text) - answer.server_time).total_seconds())
    except (ValueError, TypeError):
        return None


def _failed_handshake(error: Exception, request: Request) -> RemoteError:
    """Return our error for one of an authentication object that looks at answers.

    It may be about the first answer, which turned the request away, or about the last, after a write was done.
    """
    text = f"the authentication object failed at an answer ({type(error).__name__})"
    return AuthError(text) if request.repeatable else RetryableError(text)


def _translated(error: Exception, url: str) -> RemoteError:
    """Return our error for one of requests'; its text may hold a request's address, so none of it is kept."""
    if isinstance(error, requests.exceptions.SSLError):
        if not _is_about_certificate(error):  # it may come when the whole request has long arrived
            return RetryableError(f"{url} broke the encrypted connection")
        return RemoteError(
            f"{url}: the server's certificate cannot be verified; check the address, or set REQUESTS_CA_BUNDLE"
        )
    if isinstance(error, requests.exceptions.ConnectTimeout):
        return RetryableError(f"{url} did not answer in time", is_unsent=True)
    if isinstance(error, requests.exceptions.Timeout | urllib3.exceptions.TimeoutError):
        return RetryableError(f"{url} did not answer in time")
    if isinstance(error, urllib3.exceptions.HTTPError):
        return RetryableError(f"{url}: the answer was cut short")
    if isinstance(error, requests.exceptions.ConnectionError):
        return RetryableError(f"{url} cannot be reached, or closed the connection", is_unsent=_never_connected(error))
    return ProtocolError(f"{url}: the request could not be made ({type(error).__name__})")


def _is_about_certificate(error: BaseException) -> bool:
    """Return whether the server was not believed to be itself, which is found out before a request is sent."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return True
    causes = (*error.args, getattr(error, "reason", None))
    return any(isinstance(each, BaseException) and _is_about_certificate(each) for each in causes)


def _never_connected(error: requests.exceptions.ConnectionError) -> bool:
    """Return whether no connection was made at all, so that no byte of the request has left."""
    reason = getattr(error.args[0], "reason", None) if error.args else None
    return isinstance(reason, urllib3.exceptions.NewConnectionError)
