"""What a failure of the encrypted connection tells about a request that writes."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
import trustme

from mirror.connectors.http import Answer, Patience, Request, Transport
from mirror.connectors.rally.sending import knowing_what
from mirror.connectors.versionone.posting import outcome
from mirror.errors import RemoteError, RetryableError

BROKEN = {
    "nothing": b"",
    "no record": b"HTTP/1.1 502 Bad Gateway\r\n\r\n",
    "an alert": bytes([21, 3, 3, 0, 2, 2, 80]),
}
WRITE = Request("POST", "/create", json=b"{}", repeatable=False)


@contextmanager
def served(authority: trustme.CA, ending: bytes) -> Iterator[tuple[str, list[bytes]]]:
    """Serve one connection that takes a whole request and then ends so, in the clear; yield the address and what came."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    came: list[bytes] = []

    def serve() -> None:
        with suppress(OSError):
            plain, _ = listener.accept()
            below = plain.dup()
            with below, context.wrap_socket(plain, server_side=True) as connection:
                received = b""
                while not received.endswith(b"{}"):
                    received += connection.recv(65536)
                came.append(received)
                below.sendall(ending)
                below.shutdown(socket.SHUT_RDWR)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve)
        thread.start()
        yield f"https://localhost:{listener.getsockname()[1]}", came
        thread.join()


def failure(url: str) -> RemoteError:
    """Send a write that must fail, and return how."""
    transport = Transport(url, patience=Patience(attempts=1, timeout_seconds=(5, 5)))
    with pytest.raises(RemoteError) as caught:
        transport.send(WRITE, _unread)
    return caught.value


def _unread(answer: Answer) -> Answer:
    return answer


@pytest.mark.parametrize("ending", BROKEN)
def test_a_write_that_arrived_before_the_encryption_broke_may_have_been_done(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, ending: str
) -> None:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "authority.pem"))
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "authority.pem"))
    with served(authority, BROKEN[ending]) as (url, came):
        error = failure(url)
    assert came
    with pytest.raises(RetryableError) as on_rally:
        knowing_what(lambda: _raise(error))
    for each in (error, on_rally.value, outcome(error)):
        assert isinstance(each, RetryableError)
        assert not each.is_unsent


def test_a_write_to_a_server_that_is_not_believed_was_never_sent() -> None:
    with served(trustme.CA(), b"") as (url, came):
        error = failure(url)
    assert not came
    assert type(error) is RemoteError
    assert "certificate" in str(error)
    with pytest.raises(RetryableError) as on_rally:
        knowing_what(lambda: _raise(error))
    on_versionone = outcome(error)
    assert isinstance(on_versionone, RetryableError)
    assert on_rally.value.is_unsent
    assert on_versionone.is_unsent


def _raise(error: RemoteError) -> None:
    raise error
