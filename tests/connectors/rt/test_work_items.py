"""How the tickets of a real RT show in the view `work_item`."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from mirror.connectors.rt import RTConnector
from mirror.engine.sync import SyncOptions, sync_source
from mirror.store.store import Store
from tests.connectors.rt.conftest import Connect
from tests.store.samples import stored
from tests.support.rt.client import Client
from tests.support.rt.server import RTServer

STATUSES = {"new": "todo", "open": "doing", "stalled": "doing", "resolved": "done", "rejected": "done"}
QUIET_DATE = "1970-01-01T00:00:00Z"


@pytest.fixture
def mirror_store(tmp_path: Path) -> Iterator[Store]:
    """A store in a file; what differs between databases is tested with the store."""
    with Store.open(f"sqlite:///{tmp_path / 'mirror.db'}") as store:
        yield store


def sync(connector: RTConnector, store: Store) -> None:
    options = SyncOptions(types=("ticket",))
    source = connector._source
    report = sync_source(source, connector, store, options, clock=lambda: datetime.now(UTC), emit=lambda _event: None)
    assert report.exit_code == 0


def instant(value: str | None) -> str | None:
    return None if value in (None, QUIET_DATE) else str(value).replace("Z", ".000Z")


def test_every_ticket_shows_as_the_server_says(
    connect: Connect, root: Client, mirror_store: Store, rt_server: RTServer
) -> None:
    child, parent = root.create(TimeEstimated=90), root.create(Owner="agent")
    root.edit(child, Parent=parent)
    sync(connect(), mirror_store)
    rows = {row[3]: row for row in stored(mirror_store, "SELECT * FROM work_item")}
    assert len(rows) > 20
    for number, row in rows.items():
        ticket: dict[str, Any] = root.get(f"/ticket/{number}", **{"fields[Queue]": "Name"})
        above = sorted(int(each["id"]) for each in ticket["_hyperlinks"] if each["ref"] == "parent")
        owner = None if ticket["Owner"]["id"] == "Nobody" else ticket["Owner"]["id"]
        status = ticket["Status"]
        assert row[:7] == ("acme", "rt", "ticket", number, f"ticket/{number}", ticket["Subject"], status)
        assert row[7:12] == (STATUSES[status], owner, ticket["Queue"]["Name"], None, None)
        assert row[12] == int(ticket["TimeEstimated"])
        assert row[13] in {f"ticket/{each}" for each in above} or (not above and row[13] is None)
        assert row[14:16] == tuple(instant(ticket.get(name)) for name in ("Created", "LastUpdated"))
        assert row[16] == (instant(ticket["Resolved"]) if STATUSES[status] == "done" else None)
        assert row[17] == f"{rt_server.url}/Ticket/Display.html?id={number}"
    assert (rows[child][12], rows[child][13], rows[parent][8]) == (90, f"ticket/{parent}", "agent")
    assert {row[7] for row in rows.values()} == {"todo", "doing", "done"}


def test_a_reopened_ticket_is_being_done_again(connect: Connect, root: Client, mirror_store: Store) -> None:
    number = root.create()
    for status in ("resolved", "open"):
        root.edit(number, Status=status)
    sync(connect(), mirror_store)
    assert instant(root.get(f"/ticket/{number}")["Resolved"])
    asked = f"SELECT state_category, closed_at FROM work_item WHERE id = {number}"
    assert stored(mirror_store, asked) == [("doing", None)]
