"""What `mirror check` asks a Rally server."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Protocol

import msgspec

from mirror.connectors.base import Finding
from mirror.connectors.rally.scope import Workspace
from mirror.connectors.rally.wire import Query, Wire
from mirror.errors import MirrorError

_LARGEST_OFFSET_SECONDS = 5.0


class _Rally(Protocol):
    wire: Wire

    def workspace(self) -> Workspace: ...


class _User(msgspec.Struct):
    name: str | None = msgspec.field(name="UserName", default=None)


def check(rally: _Rally) -> Iterator[Finding]:
    """Yield a finding about authentication, and when that works about workspace, clock, page cap and batches."""
    try:
        _, root, server_time = rally.wire.get("user", {"fetch": "UserName"})
    except MirrorError as error:
        advice = "check url, the key or password that `secret` names, and that this network may reach the server"
        yield Finding("authentication", False, str(error), advice)
        return
    name = msgspec.json.decode(root, type=_User).name or "unknown"
    yield Finding("authentication", True, f"signed in as {name}, by {rally.wire.login.auth.words}")
    yield _clock(server_time)
    try:
        workspace = rally.workspace()
    except MirrorError as error:
        yield Finding("workspace", False, str(error), "set workspace = … of this source to one of those")
        return
    yield Finding("workspace", True, f"{workspace.name} ({workspace.id})")
    yield _page_cap(rally.wire)
    yield _batches(rally.wire)


def _clock(server_time: datetime) -> Finding:
    offset = (datetime.now(UTC) - server_time).total_seconds()
    detail = f"this machine is {abs(offset):.0f} s {'ahead of' if offset > 0 else 'behind'} the server"
    if abs(offset) <= _LARGEST_OFFSET_SECONDS:
        return Finding("clock", True, detail)
    return Finding("clock", True, f"{detail}; harmless, only the server's time is used")


def _page_cap(wire: Wire) -> Finding:
    try:
        result, _ = wire.query(Query("Project", None, ("ObjectID",), 2000))
    except MirrorError as error:
        return Finding("page size", False, str(error), "try again later; if it stays, report the text above")
    if len(result.rows) == min(2000, result.total):
        return Finding("page size", True, "pages of 2000 records")
    detail = f"asked for 2000 records, {result.total} are there, {len(result.rows)} came"
    return Finding("page size", True, f"{detail}; a smaller cap of the server is respected, syncing takes more requests")


def _batches(wire: Wire) -> Finding:
    probe = Query("Project", None, ("ObjectID",), 1)
    try:
        list(wire.queries([probe, probe]))
    except MirrorError as error:
        return Finding("batches", False, str(error), "check the credential")
    if wire.batches:
        return Finding("batches", True, "many queries go in one request")
    return Finding("batches", True, "refused with this credential; each query is a request of its own")
