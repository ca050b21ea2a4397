"""The face that every simulator shows to the command line, the demo and the tests, and what the demo plays on it."""

from __future__ import annotations

import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from mirror.simulators.faults import FaultPlan
from mirror.simulators.traffic import Hook, RequestLog

TIMEOUT_SECONDS = 30

Setting = str | int | list[str]


class Simulator(Protocol):
    """A tracker on the loopback interface, listening from construction on.

    Attributes:
        faults: what goes wrong on the way.
        requests: what was asked so far.
    """

    faults: FaultPlan
    requests: RequestLog

    @property
    def url(self) -> str:
        """Root address, as `url` in mirror.toml."""
        ...

    @property
    def settings(self) -> Mapping[str, Setting]:
        """What leads to it in mirror.toml: tracker, url, the tracker's own keys, user if it needs one; not the secret."""
        ...

    @property
    def secret(self) -> str:
        """The secret that goes with these settings; may read everything and write."""
        ...

    def on_request(self, hook: Hook) -> Callable[[], None]:
        """Call `hook` with each request before it is answered; return what ends this."""
        ...

    def start(self) -> object:
        """Answer requests in the background."""
        ...

    def wait(self) -> None:
        """Return when the server has stopped; signals interrupt this."""
        ...

    def stop(self) -> None:
        """Stop answering and free the port."""
        ...


@dataclass(frozen=True, slots=True)
class Scene:
    """What `mirror demo` shows of one tracker: somebody changes a record there, and SQL tells.

    Attributes:
        candidate: SQL over a mirror of it; the first row is the id and the key of a record to change.
        deed: what is done to that record, with `{key}` in it: `fixes {key}`.
        change: does that to the record of an id, through the tracker's own API. Raises RemoteError when it is refused.
        question: SQL whose answer shows the change.
        further: commands to try next, without `mirror` in front; they must work without the tracker.
    """

    candidate: str
    deed: str
    change: Callable[[Simulator, int], None]
    question: str
    further: tuple[str, ...]


def send(url: str, body: bytes, *, method: str = "POST", headers: Mapping[str, str]) -> bytes:
    """Send one request to a simulator, past any proxy, and return the body of the answer.

    Raises:
        urllib.error.HTTPError: the status is an error's.
    """
    request = urllib.request.Request(url, data=body, headers=dict(headers), method=method)  # noqa: S310 - our own server's
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(request, timeout=TIMEOUT_SECONDS) as answer:
        return bytes(answer.read())
