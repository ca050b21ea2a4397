"""What a WSGI application and the server around it agree on; needs no library, so that faults can be named without one."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

Headers = list[tuple[str, str]]


class HangUpError(Exception):
    """Raised by an application that wants to end the connection in the middle of things.

    Attributes:
        raw: bytes to put on the wire first, status line and headers included; may be empty.
        reset: True ends with a TCP reset, False with an orderly close.
    """

    def __init__(self, raw: bytes = b"", *, reset: bool = True) -> None:
        self.raw = raw
        self.reset = reset
        super().__init__("the connection was ended on purpose")


def collect(app: WSGIApplication, environ: dict[str, Any]) -> tuple[str, Headers, bytes]:
    """Run a WSGI application to its end and return status line, headers and body."""
    started: list[tuple[str, Headers]] = []

    def start_response(status: str, headers: Headers, exc_info: object = None) -> Any:
        started.append((status, headers))
        return lambda _data: None

    chunks: Iterable[bytes] = app(environ, start_response)
    try:
        body = b"".join(chunks)
    finally:
        close = getattr(chunks, "close", None)
        if close is not None:
            close()
    status, headers = started[-1]
    return status, headers, body
