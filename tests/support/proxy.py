"""A way to a server that is not ours with everything on it that a simulator has: faults, hooks and a log of requests."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import requests

from mirror.simulators.faults import FaultMiddleware, FaultPlan
from mirror.simulators.server import LoopbackServer
from mirror.simulators.traffic import Hook, RequestLog, TrafficMiddleware

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

_OWN = frozenset({"connection", "content-encoding", "content-length", "keep-alive", "transfer-encoding", "host"})


class Proxy:
    """Passes requests on to a server and its answers back, unless something is to go wrong. Use it as a context manager.

    Attributes:
        faults: what goes wrong on the way.
        requests: what was asked so far.
        url: root address.
    """

    def __init__(self, target: str) -> None:
        self.faults = FaultPlan()
        self.requests = RequestLog()
        self._target = target
        spoiled = FaultMiddleware(self._pass_on, self.faults, now=lambda: datetime.now(UTC))
        self._traffic = TrafficMiddleware(spoiled, self.requests)
        self._server = LoopbackServer(self._traffic)
        self.url = self._server.url

    def on_request(self, hook: Hook) -> Callable[[], None]:
        """Call `hook` with each request before it is passed on; return what ends this."""
        self._traffic.hooks.append(hook)
        return lambda: self._traffic.hooks.remove(hook)

    def _pass_on(self, environ: WSGIEnvironment, start_response: StartResponse) -> Any:
        headers = {name[5:].replace("_", "-"): value for name, value in environ.items() if name.startswith("HTTP_")}
        headers["Content-Type"] = environ.get("CONTENT_TYPE", "")
        with requests.Session() as session:  # an idle connection would hold a worker of a small server
            session.trust_env = False
            answer = session.request(
                environ["REQUEST_METHOD"],
                self._target + environ["REQUEST_URI"],
                data=environ["wsgi.input"].read(),
                headers={name: value for name, value in headers.items() if name.lower() not in _OWN and value},
                allow_redirects=False,
                timeout=120,
            )
        kept = [(name, value) for name, value in answer.headers.items() if name.lower() not in _OWN]
        start_response(f"{answer.status_code} {answer.reason}", kept)
        return [answer.content]

    def __enter__(self) -> Proxy:
        self._server.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._server.stop()
