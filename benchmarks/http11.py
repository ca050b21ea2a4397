"""Just enough of an HTTP/1.1 server to hand out prepared answers: connections kept alive, requests answered in order."""

from __future__ import annotations

import asyncio
import contextlib
import re
import socket
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence

Parts = Sequence[memoryview | bytes]


class Connection(asyncio.Protocol, ABC):
    """One connection."""

    def __init__(self) -> None:
        self._received = b""
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def data_received(self, data: bytes) -> None:
        self._received += data
        while (end := self._received.find(b"\r\n\r\n")) >= 0:
            head = self._received[:end].decode("latin-1")
            length = re.search(r"(?im)^content-length:\s*(\d+)", head)
            whole = end + 4 + (int(length[1]) if length else 0)
            if len(self._received) < whole:
                return
            body, self._received = self._received[end + 4 : whole], self._received[whole:]
            self.respond(head, body)

    @abstractmethod
    def respond(self, head: str, body: bytes) -> None:
        """Answer a request: `head` is its first line and its headers."""

    def send(self, parts: Parts) -> None:
        """Put a whole answer on the wire; a client that went away is none of our business."""
        with contextlib.suppress(ConnectionError):
            self._transport.writelines(parts)


async def serve(connection: Callable[[], Connection], announce: Callable[[str], None]) -> None:
    """Listen on a free loopback port, announce the address, and answer until the process ends."""
    server = await asyncio.get_running_loop().create_server(connection, "127.0.0.1", 0)
    announce(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}")
    await server.serve_forever()
