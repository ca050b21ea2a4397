"""What went over the wire: a log of requests, hooks before each answer, and compression of large answers."""

from __future__ import annotations

import gzip
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mirror.simulators.wsgi import HangUpError, collect

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment


HANG_UP = "simulator.hang_up"
"""An application that sets this in the environment has its answer lost in a connection reset."""


@dataclass(frozen=True, slots=True)
class Request:
    """One request as it was answered.

    Attributes:
        method: upper case.
        path: decoded, without the query string.
        query: the raw query string.
        status: what the client got; 0 when the connection was ended instead.
        body: the request body; empty when there was none.
    """

    method: str
    path: str
    query: str
    status: int = 0
    body: bytes = b""


class RequestLog:
    """All requests so far, in the order they were answered. Safe to use from several threads."""

    def __init__(self) -> None:
        self._requests: list[Request] = []
        self._lock = threading.Lock()

    def append(self, request: Request) -> None:
        """Add one request."""
        with self._lock:
            self._requests.append(request)

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._requests.clear()

    def select(self, *, method: str = "", path: str = "") -> list[Request]:
        """Return the requests of that method whose path contains `path`; empty arguments match all."""
        return [seen for seen in self if method in ("", seen.method) and path in seen.path]

    def __len__(self) -> int:
        with self._lock:
            return len(self._requests)

    def __iter__(self) -> Iterator[Request]:
        with self._lock:
            return iter(list(self._requests))

    def __getitem__(self, index: int) -> Request:
        with self._lock:
            return self._requests[index]


Hook = Callable[[Request], object]


class TrafficMiddleware:
    """The outermost layer: calls the hooks, logs the request, compresses the answer.

    Args:
        app: the application behind, faults included, so that a spoiled request is logged as the client saw it.
        log: receives every request except those to `unlogged`.
        unlogged: paths that begin so are neither logged nor announced to hooks.
    """

    def __init__(self, app: WSGIApplication, log: RequestLog, unlogged: str = "/simulator") -> None:
        self._app = app
        self._log = log
        self._unlogged = unlogged
        self.hooks: list[Hook] = []

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Any:
        if environ.get("PATH_INFO", "").startswith(self._unlogged):
            return self._app(environ, start_response)
        body = environ["wsgi.input"].read()
        environ["wsgi.input"].seek(0)
        request = (environ["REQUEST_METHOD"], environ["PATH_INFO"], environ.get("QUERY_STRING", ""))
        for hook in list(self.hooks):
            hook(Request(*request, body=body))
        try:
            status, headers, answer = collect(self._app, environ)
            if environ.get(HANG_UP):
                raise HangUpError
        except HangUpError:
            self._log.append(Request(*request, 0, body))
            raise
        self._log.append(Request(*request, int(status.split(" ", 1)[0]), body))
        if "gzip" in environ.get("HTTP_ACCEPT_ENCODING", "") and len(answer) > 1024:
            # Level 1: the answers are repetitive, and higher levels cost more time than the loopback saves.
            answer = gzip.compress(answer, compresslevel=1, mtime=0)
            headers = [pair for pair in headers if pair[0].lower() != "content-length"]
            headers += [("Content-Encoding", "gzip"), ("Content-Length", str(len(answer)))]
        start_response(status, headers)
        return [answer]
