"""A simulated tracker with a memory: what was asked once is answered from memory, so that only the reader is measured.

The simulators of mirror compute every answer, which takes longer than reading it. Here the first run of a program fills
the memory, and the measured ones read from it, at about a tenth of a millisecond an answer. Nothing is written meanwhile,
so an answer stays right; only its Date header is made anew.

    python -m benchmarks.replay rally --records 20000

prints one line of JSON when it answers: the settings that lead to it, the secret, and where the simulator itself is.
`GET /replay` returns how many requests were answered from memory, and how many had to be computed.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import http.client
import json
from dataclasses import dataclass, field
from email.utils import formatdate
from urllib.parse import urlsplit

from benchmarks.http11 import Connection, serve
from mirror.simulators.base import Simulator
from mirror.simulators.registry import create

# Of what the client says, this decides what the answer is; who it is matters only for whether it is anybody.
_DECIDING = ("accept", "accept-encoding", "content-type")
_IDENTIFYING = ("authorization", "cookie", "zsessionid")
_OURS = ("date", "content-length", "connection", "server")

Key = tuple[str, bytes, tuple[str, ...], tuple[bool, ...]]


@dataclass(slots=True)
class Memory:
    """Answers by request: status line and headers without the date, and the body."""

    simulator: Simulator
    answers: dict[Key, tuple[bytes, bytes]] = field(default_factory=dict)
    computed: int = 0
    remembered: int = 0

    def answer(self, head: str, body: bytes) -> tuple[bytes, bytes]:
        """Return head (without the date) and body of the answer."""
        line, *rest = head.split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (each.partition(":") for each in rest)}
        key = (
            line,
            body,
            tuple(headers.get(name, "") for name in _DECIDING),
            tuple(name in headers for name in _IDENTIFYING),
        )
        if key in self.answers:
            self.remembered += 1
        else:
            self.computed += 1
            self.answers[key] = self._asked(line, headers, body)
        return self.answers[key]

    def _asked(self, line: str, headers: dict[str, str], body: bytes) -> tuple[bytes, bytes]:
        method, target, _ = line.split(" ")
        connection = http.client.HTTPConnection(urlsplit(self.simulator.url).netloc, timeout=600)
        with contextlib.closing(connection):
            # The Host header goes through, so that addresses in the answer lead here.
            connection.request(method, target, body or None, {**headers, "connection": "close"})
            answer = connection.getresponse()
            content = answer.read()
            kept = [f"{name}: {value}" for name, value in answer.getheaders() if name.lower() not in _OURS]
        lines = [f"HTTP/1.1 {answer.status} {answer.reason}", *kept, f"Content-Length: {len(content)}"]
        return "\r\n".join(lines).encode("latin-1"), content


class ReplayConnection(Connection):
    """One connection to a memory."""

    def __init__(self, memory: Memory) -> None:
        super().__init__()
        self._memory = memory

    def respond(self, head: str, body: bytes) -> None:
        if head.startswith("GET /replay "):
            told = {"computed": self._memory.computed, "remembered": self._memory.remembered}
            content = json.dumps(told).encode()
            lines = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(content)}".encode()
        else:
            lines, content = self._memory.answer(head, body)
        self.send([lines, f"\r\nDate: {formatdate(usegmt=True)}\r\n\r\n".encode(), content])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tracker")
    parser.add_argument("--records", type=int, default=2000)
    chosen = parser.parse_args()
    simulator = create(chosen.tracker, records=chosen.records, seed=1)
    simulator.start()
    memory = Memory(simulator)

    def announce(address: str) -> None:
        place = urlsplit(simulator.url)
        settings = {**simulator.settings, "url": address + place.path, "secret": simulator.secret, "behind": simulator.url}
        print(json.dumps(settings), flush=True)

    try:
        with contextlib.suppress(KeyboardInterrupt):
            asyncio.run(serve(lambda: ReplayConnection(memory), announce))
    finally:
        simulator.stop()


if __name__ == "__main__":
    main()
