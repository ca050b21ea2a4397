"""A web server in front of a tracker that lets in whoever it knows, as IIS or Apache do: by NTLM, or by SPNEGO."""

from __future__ import annotations

import threading
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar, Protocol

import requests

_NOT_PASSED_ON = frozenset({"host", "authorization", "connection", "content-length", "accept-encoding"})
_PASSED_BACK = frozenset({"content-type", "set-cookie", "date", "etag"})


class Handshake(Protocol):
    """What a connection, or a request, goes through before it is passed on."""

    @property
    def complete(self) -> bool:
        """Whether the client is known by now."""
        ...

    def step(self, token: bytes) -> bytes | None:
        """Take what the client says, return what to say in return; raises when the client is not believed."""
        ...


class Guarded:
    """Passes the requests of those who are let in on to a tracker. Use it as a context manager.

    Attributes:
        url: root address.
        seen: method, path and scheme of Authorization of each request, those that were turned away too.
        passed: paths of those that were passed on.
    """

    def __init__(
        self, target: str, scheme: str, handshake: Callable[[], Handshake], *, headers: dict[str, str], each_request: bool
    ) -> None:
        """Guard a tracker.

        Args:
            headers: what the tracker is told of whoever was let in.
            each_request: a new handshake for each request; else one for a connection, as for NTLM.
        """
        self.target, self.scheme, self.handshake = target, scheme, handshake
        self.headers, self.each_request = headers, each_request
        self.seen: list[tuple[str, str, str]] = []
        self.passed: list[str] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), type("Guard", (_Handler,), {"guard": self}))
        self._server.daemon_threads = True
        self.url = f"http://localhost:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})

    def __enter__(self) -> Guarded:
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class _Handler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    guard: ClassVar[Guarded]
    present: Handshake | None = None

    def do_GET(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        scheme, _, token = self.headers.get("Authorization", "").partition(" ")
        self.guard.seen.append((self.command, self.path, scheme))
        if self.guard.each_request:
            self.present = None
        if self.present is not None and self.present.complete:
            self._pass_on(body)
        elif scheme != self.guard.scheme:
            self._turn_away("")
        else:
            self._shake_hands(b64decode(token), body)

    def do_POST(self) -> None:
        self.do_GET()

    def _shake_hands(self, token: bytes, body: bytes) -> None:
        self.present = self.present or self.guard.handshake()
        try:
            answer = self.present.step(token)
        except Exception:
            self.present = None
            self._turn_away("")
            return
        if self.present.complete:
            self._pass_on(body)
        else:
            self._turn_away(f" {b64encode(answer or b'').decode()}")

    def _turn_away(self, said: str) -> None:
        headers = [("WWW-Authenticate", self.guard.scheme + said), ("Content-Type", "text/html")]
        self._answer(401, [*headers, ("Date", self.date_time_string())], b"<title>Who are you?</title>")

    def _pass_on(self, body: bytes) -> None:
        self.guard.passed.append(self.path)
        kept = {name: value for name, value in self.headers.items() if name.lower() not in _NOT_PASSED_ON}
        with requests.Session() as session:
            session.trust_env = False
            found = session.request(
                self.command,
                self.guard.target + self.path,
                data=body,
                headers={**kept, **self.guard.headers, "Accept-Encoding": "identity"},
                allow_redirects=False,
                timeout=60,
            )
        headers = [(name, value) for name, value in found.raw.headers.items() if name.lower() in _PASSED_BACK]
        self._answer(found.status_code, headers, found.content)

    def _answer(self, status: int, headers: Iterable[tuple[str, str]], body: bytes) -> None:
        self.send_response_only(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_arguments: Any) -> None:
        """Say nothing."""
