"""Authentication objects of requests, and where what proves who we are does not go."""

from __future__ import annotations

import hashlib
import logging
import threading
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
import requests
from requests.auth import AuthBase, HTTPDigestAuth

from mirror.connectors.http import Answer, Patience, Request, Transport
from mirror.errors import AuthError, RemoteError, RetryableError

SECRET = "s3cret-of-a-test"
READ = Request("GET", "/")
WRITE = Request("POST", "/create", json=b"{}", repeatable=False)

Reply = tuple[int, dict[str, str], bytes]


@contextmanager
def serving(answer: Callable[[BaseHTTPRequestHandler], Reply]) -> Iterator[tuple[str, list[dict[str, str]]]]:
    """Serve on the loopback interface; yield the address and the headers of what came."""
    came: list[dict[str, str]] = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            came.append(dict(self.headers.items()))
            status, headers, body = answer(self)
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def do_POST(self) -> None:
            self.do_GET()

        def log_message(self, *_arguments: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", came
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def transport_to(url: str, signer: Callable[..., object] | None = None) -> Transport:
    made = Transport(url, patience=Patience(attempts=2, first_wait_seconds=0.01, timeout_seconds=(5, 5)))
    if signer is not None:
        made.sign_by(signer)
    return made


def status_of(transport: Transport, request: Request = READ) -> int:
    return transport.send(request, lambda answer: answer.status)


def well(_request: BaseHTTPRequestHandler) -> Reply:
    return 200, {}, b"{}"


def test_an_object_that_answers_a_challenge_is_used() -> None:
    """As kinds of it: Digest comes with requests, and looks at the first answer as NTLM and Kerberos do."""

    def digest(request: BaseHTTPRequestHandler) -> Reply:
        if "response=" not in request.headers.get("Authorization", ""):
            return 401, {"WWW-Authenticate": 'Digest realm="r", nonce="n", qop="auth"'}, b"who?"
        parts = dict(each.strip().split("=", 1) for each in request.headers["Authorization"][7:].split(","))
        said = {name: value.strip('"') for name, value in parts.items()}
        who = hashlib.md5(f"ann:r:{SECRET}".encode(), usedforsecurity=False).hexdigest()
        what = hashlib.md5(f"{request.command}:{request.path}".encode(), usedforsecurity=False).hexdigest()
        wanted = f"{who}:n:{said['nc']}:{said['cnonce']}:auth:{what}"
        good = hashlib.md5(wanted.encode(), usedforsecurity=False).hexdigest() == said["response"]
        return (200, {}, b"{}") if good else (401, {}, b"no")

    with serving(digest) as (url, came):
        transport = transport_to(url, HTTPDigestAuth("ann", SECRET))
        assert [status_of(transport), status_of(transport, WRITE)] == [200, 200]
        assert transport.requests_made == len(came)
        assert status_of(transport_to(url, HTTPDigestAuth("ann", "wrong"))) == 401


class Failing(AuthBase):
    """Fails before a request is sent, or at an answer."""

    def __init__(self, *, at_answer: bool) -> None:
        self._at_answer = at_answer

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        if not self._at_answer:
            raise ValueError(SECRET)
        request.register_hook("response", self._look)
        return request

    def _look(self, *_arguments: object, **_more: object) -> None:
        raise ValueError(SECRET)


@pytest.mark.parametrize("request_made", [READ, WRITE])
def test_an_object_that_fails_before_sending_is_told_and_nothing_is_sent(request_made: Request) -> None:
    with serving(well) as (url, came), pytest.raises(AuthError, match=r"before a request was sent.*ValueError") as caught:
        status_of(transport_to(url, Failing(at_answer=False)), request_made)
    assert not came
    assert SECRET not in str(caught.value)


def test_an_object_that_fails_at_the_answer_to_a_write_leaves_it_open() -> None:
    with serving(well) as (url, came):
        with pytest.raises(RetryableError, match="at an answer") as caught:
            status_of(transport_to(url, Failing(at_answer=True)), WRITE)
        assert not caught.value.is_unsent
        assert len(came) == 1
        with pytest.raises(AuthError, match="at an answer"):
            status_of(transport_to(url, Failing(at_answer=True)))


def test_an_object_that_forgets_to_return_the_request_is_told_so() -> None:
    with serving(well) as (url, _), pytest.raises(AuthError, match="does not return the request"):
        status_of(transport_to(url, lambda _request: None))


@pytest.mark.parametrize("way", ["basic", "object", "cookie"])
def test_a_redirect_takes_nothing_to_another_host(way: str) -> None:
    def bearer(request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {SECRET}"
        return request

    with serving(well) as (other, came_there):
        there = other.replace("127.0.0.1", "localhost")
        with serving(lambda _: (302, {"Location": there, "Set-Cookie": f"session={SECRET}; Path=/"}, b"")) as (url, came):
            transport = transport_to(url, bearer if way == "object" else None)
            if way == "basic":
                transport.sign_in("ann", SECRET)
            assert [status_of(transport), status_of(transport)] == [302, 302]
        assert came_there == []
        assert came[1]["Cookie"] == f"session={SECRET}"
        transport.url = there
        assert status_of(transport) == 200
        assert "Cookie" not in came_there[0]


def test_a_proxy_of_the_environment_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def passing_on(request: BaseHTTPRequestHandler) -> Reply:
        asked.append(request.path)
        return well(request)

    with serving(passing_on) as (url, _):
        monkeypatch.setenv("HTTP_PROXY", url)
        monkeypatch.setenv("http_proxy", url)
        assert status_of(transport_to("http://tracker.example")) == 200
    assert asked == ["http://tracker.example/"]


def test_no_secret_is_logged_or_told(caplog: pytest.LogCaptureFixture) -> None:
    def no(_request: BaseHTTPRequestHandler) -> Reply:
        return 503, {"Set-Cookie": f"session={SECRET}"}, SECRET.encode()

    caplog.set_level(logging.DEBUG)
    with serving(no) as (url, came):
        transport = transport_to(url)
        transport.sign_in("ann", SECRET)
        with pytest.raises(RemoteError) as caught:
            transport.send(READ, _refused)
    pair = b64encode(f"ann:{SECRET}".encode()).decode()
    assert came[0]["Authorization"] == f"Basic {pair}"
    for shown in (caplog.text, str(caught.value)):
        assert SECRET not in shown
        assert pair not in shown


def _refused(answer: Answer) -> Answer:
    raise AssertionError(f"status {answer.status} is not handed on")
