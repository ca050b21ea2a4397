"""Which requests go wrong, how, and how often. Knows HTTP and no tracker."""

from __future__ import annotations

import random
import re
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from email.utils import format_datetime
from typing import TYPE_CHECKING, Any

from mirror.simulators.wsgi import HangUpError, Headers, collect

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

KINDS = ("status", "html", "body", "reset", "reset_after", "reset_midway", "truncate", "delay")
"""What can happen to a request.

status: refused with `status` and an HTML page, `Retry-After` when given; the application never sees the request.
html: an HTML page with status 200 in place of the answer; the application never sees the request.
body: an answer of your own, with `status`, `body` and `content_type`; the application never sees the request.
reset: the connection is reset before the application sees the request.
reset_after: the application handles the request, then the answer is lost in a reset.
reset_midway: as before, but half of the answer gets through first.
truncate: `Content-Length` promises the whole body, half of it is sent, and the connection closes in order.
delay: the answer comes `seconds` late and is otherwise untouched.
"""

_REASONS = {
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    429: "Too Many Requests",
    500: "Internal Server Error",
    502: "Bad Gateway",
    503: "Service Unavailable",
    524: "A Timeout Occurred",
}


@dataclass(frozen=True, slots=True)
class Fault:
    """One rule. All conditions given must hold; the first rule that fires decides.

    Attributes:
        kind: one of `KINDS`.
        method: request method, or an expression such as `POST|PUT`; empty matches all.
        path: regular expression, searched for in path and query string together; empty matches all.
        after: let this many matching requests pass first.
        every: of the rest, hit each k-th, the first one included; 1 hits all.
        probability: hit with this chance, from the plan's seeded random numbers.
        times: stop after so many hits; None never stops.
        status: for `status` and `body`.
        title: for `status` and `html`, what the page says.
        body: for `body`.
        retry_after_seconds: sent as `Retry-After` when not None.
        seconds: for `delay`; with any other kind the wait before it.
    """

    kind: str
    method: str = ""
    path: str = ""
    after: int = 0
    every: int = 1
    probability: float = 1.0
    times: int | None = None
    status: int = 503
    retry_after_seconds: float | None = None
    seconds: float = 0.0
    title: str = ""
    body: str = ""
    content_type: str = "application/json"

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"unknown kind of fault {self.kind!r}; known: {', '.join(KINDS)}")

    def concerns(self, method: str, target: str) -> bool:
        """True if the rule is about this request; counts are the plan's affair."""
        if self.method and not re.fullmatch(self.method, method, re.IGNORECASE):
            return False
        return not self.path or re.search(self.path, target) is not None


@dataclass(slots=True)
class _Tally:
    fault: Fault
    seen: int = 0
    hits: int = 0


@dataclass(slots=True)
class FaultPlan:
    """The rules in force, with their counts. Safe to use from several threads."""

    seed: int = 0
    _tallies: list[_Tally] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _random: random.Random = field(default_factory=random.Random)

    def __post_init__(self) -> None:
        self._random.seed(self.seed)

    def add(self, fault: Fault | None = None, **options: Any) -> Fault:
        """Add a rule, given whole or by its attributes, and return it."""
        rule = fault if fault is not None else Fault(**options)
        with self._lock:
            self._tallies.append(_Tally(rule))
        return rule

    def clear(self) -> None:
        """Drop all rules."""
        with self._lock:
            self._tallies.clear()

    def rules(self) -> list[tuple[Fault, int]]:
        """Return the rules with the number of hits so far."""
        with self._lock:
            return [(tally.fault, tally.hits) for tally in self._tallies]

    def hit_count(self) -> int:
        """Return the number of requests that went wrong so far."""
        return sum(hits for _, hits in self.rules())

    def next(self, method: str, target: str) -> Fault | None:
        """Return the fault this request runs into, if any, and count it."""
        with self._lock:
            for tally in self._tallies:
                if self._fires(tally, method, target):
                    tally.hits += 1
                    return tally.fault
        return None

    def _fires(self, tally: _Tally, method: str, target: str) -> bool:
        fault = tally.fault
        if not fault.concerns(method, target):
            return False
        if fault.times is not None and tally.hits >= fault.times:
            return False
        tally.seen += 1
        turn = tally.seen - fault.after
        if turn < 1 or (turn - 1) % fault.every:
            return False
        return fault.probability >= 1.0 or self._random.random() < fault.probability


class FaultMiddleware:
    """Stands before an application and spoils what the plan says.

    Args:
        app: the application behind.
        plan: the rules; may change while requests run.
        now: the time shown in the Date header of invented pages; the server's own if None.
        spared: paths that begin so are never spoiled (the simulator's own controls).
    """

    def __init__(
        self,
        app: WSGIApplication,
        plan: FaultPlan,
        *,
        now: Callable[[], datetime] | None = None,
        spared: str = "/simulator",
    ) -> None:
        self._app = app
        self._plan = plan
        self._now = now
        self._spared = spared

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Any:
        path = environ.get("PATH_INFO", "")
        if path.startswith(self._spared):
            return self._app(environ, start_response)
        query = environ.get("QUERY_STRING", "")
        fault = self._plan.next(environ["REQUEST_METHOD"], f"{path}?{query}" if query else path)
        if fault is None:
            return self._app(environ, start_response)
        if fault.seconds:
            time.sleep(fault.seconds)
        return self._spoil(fault, environ, start_response)

    def _spoil(self, fault: Fault, environ: WSGIEnvironment, start_response: StartResponse) -> Any:
        if fault.kind == "delay":
            return self._app(environ, start_response)
        if fault.kind in ("status", "html", "body"):
            return self._page(replace(fault, status=200) if fault.kind == "html" else fault, start_response)
        if fault.kind == "reset":
            raise HangUpError
        status, headers, body = collect(self._app, environ)
        if fault.kind == "reset_after":
            raise HangUpError
        raw = head_bytes(status, headers, len(body)) + body[: len(body) // 2]
        raise HangUpError(raw, reset=fault.kind == "reset_midway")

    def _page(self, fault: Fault, start_response: StartResponse) -> list[bytes]:
        reason = _REASONS.get(fault.status, "OK")
        body = fault.body.encode() if fault.kind == "body" else _html(fault, reason)
        content_type = fault.content_type if fault.kind == "body" else "text/html;charset=utf-8"
        headers = [("Content-Type", content_type), ("Content-Length", str(len(body)))]
        if self._now is not None:
            headers.append(("Date", format_datetime(self._now(), usegmt=True)))
        if fault.retry_after_seconds is not None:
            headers.append(("Retry-After", f"{fault.retry_after_seconds:g}"))
        start_response(f"{fault.status} {reason}", headers)
        return [body]


def _html(fault: Fault, reason: str) -> bytes:
    title = fault.title or ("One moment please" if fault.status == 200 else f"Error {fault.status} {reason}")
    return f"<html><head><title>{title}</title></head><body><h1>{title}</h1></body></html>".encode()


def head_bytes(status: str, headers: Headers, length: int) -> bytes:
    """Return status line and headers as they go on the wire, announcing `length` bytes of body."""
    kept = [(name, value) for name, value in headers if name.lower() != "content-length"]
    lines = [f"HTTP/1.1 {status}", *(f"{name}: {value}" for name, value in kept), f"Content-Length: {length}"]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")
