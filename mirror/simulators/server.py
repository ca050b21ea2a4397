"""An HTTP/1.1 server on the loopback interface for any WSGI application, quiet and quickly stopped.

Knows nothing about trackers. Werkzeug's handler closes the connection after each answer; this one keeps it
open, because clients under test measure how well they reuse connections.
"""

from __future__ import annotations

import io
import socket
import struct
import threading
from types import TracebackType
from typing import TYPE_CHECKING, Any

from werkzeug.serving import BaseWSGIServer, ThreadedWSGIServer, WSGIRequestHandler

from mirror.simulators.wsgi import HangUpError, Headers, collect

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication


class _Handler(WSGIRequestHandler):
    """Runs one connection; several requests may follow each other on it."""

    protocol_version = "HTTP/1.1"
    # Small answers would wait 40 ms for the client's delayed acknowledgement otherwise.
    disable_nagle_algorithm = True

    def run_wsgi(self) -> None:
        """Answer one request in a single write."""
        environ = self.make_environ()
        # Reading the whole body first leaves the connection clean for the next request, whatever the application does.
        environ["wsgi.input"] = io.BytesIO(self._body(environ))
        try:
            status, headers, body = collect(self.server.app, environ)
        except HangUpError as ending:
            self._hang_up(ending)
            return
        self._send(status, headers, b"" if self.command == "HEAD" else body)

    def _body(self, environ: dict[str, Any]) -> bytes:
        if environ.get("wsgi.input_terminated"):
            return bytes(environ["wsgi.input"].read())
        length = int(environ.get("CONTENT_LENGTH") or 0)
        return self.rfile.read(length) if length else b""

    def _send(self, status: str, headers: Headers, body: bytes) -> None:
        code, _, reason = status.partition(" ")
        self.send_response_only(int(code), reason)
        names = {name.lower() for name, _ in headers}
        for name, value in headers:
            self.send_header(name, value)
        if "date" not in names:
            self.send_header("Date", self.date_time_string())
        if "content-length" not in names:
            self.send_header("Content-Length", str(len(body)))
        self._flush(body)

    def _flush(self, body: bytes) -> None:
        buffered: list[bytes] = getattr(self, "_headers_buffer", [])
        head = b"".join([*buffered, b"\r\n"])
        self._headers_buffer: list[bytes] = []
        try:
            self.wfile.write(head + body)
        except OSError:
            self.close_connection = True

    def _hang_up(self, ending: HangUpError) -> None:
        self.close_connection = True
        try:
            if ending.raw:
                self.wfile.write(ending.raw)
            if ending.reset:
                # Zero linger time turns the close that follows into a reset.
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        except OSError:
            return

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Say nothing."""

    def log(self, type: str, message: str, *args: Any) -> None:
        """Say nothing."""


class _Server(ThreadedWSGIServer):
    """Remembers its open connections, so that stopping does not wait for idle clients."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, *args: Any, **options: Any) -> None:
        self._open: set[socket.socket] = set()
        self._open_lock = threading.Lock()
        super().__init__(*args, **options)

    def process_request(self, request: Any, client_address: Any) -> None:
        with self._open_lock:
            self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        with self._open_lock:
            self._open.discard(request)
        super().shutdown_request(request)

    def log(self, type: str, message: str, *args: Any) -> None:
        """Say nothing."""

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is none of our business."""

    def hang_up_all(self) -> None:
        with self._open_lock:
            connections = list(self._open)
        for connection in connections:
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue


class LoopbackServer:
    """One WSGI application, listening from construction on.

    Args:
        app: the application.
        host: address to bind; a loopback address.
        port: 0 takes any free port.
    """

    def __init__(self, app: WSGIApplication, host: str = "127.0.0.1", port: int = 0) -> None:
        self._server: BaseWSGIServer = _Server(host, port, app, handler=_Handler)
        self._thread: threading.Thread | None = None
        self.host = host

    @property
    def port(self) -> int:
        """The port really bound."""
        return int(self._server.server_port)

    @property
    def url(self) -> str:
        """Root address, without a final slash."""
        return f"http://{self.host}:{self.port}"

    def start(self) -> None:
        """Answer requests in a background thread until `stop`."""
        self._thread = threading.Thread(target=self.serve_forever, name="simulator", daemon=True)
        self._thread.start()

    def serve_forever(self) -> None:
        """Answer requests in this thread until `stop` is called from another one."""
        # The short poll keeps `stop` quick; it costs nothing measurable.
        super(BaseWSGIServer, self._server).serve_forever(poll_interval=0.02)

    def wait(self) -> None:
        """Return when the background thread has ended. Wakes up often, so that signals are noticed."""
        while self._thread is not None and self._thread.is_alive():
            self._thread.join(timeout=0.2)

    def stop(self) -> None:
        """Stop answering, end open connections and free the port."""
        if self._thread is not None:  # one that never served would be waited for without end
            self._server.shutdown()
            self._thread.join(timeout=5)
        if isinstance(self._server, _Server):
            self._server.hang_up_all()
        self._server.server_close()

    def __enter__(self) -> LoopbackServer:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stop()
