"""How the tickets of a real RT show in the view `work_item`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest

from mirror.connectors.rt.connector import RTConnector
from mirror.engine.sync import SyncOptions, sync_source
from mirror.store.store import Store
from tests.connectors.rt.conftest import Server, connected
from tests.store.samples import stored
from tests.support.rt.client import Client

STATUSES = {"new": "todo", "open": "doing", "stalled": "doing", "resolved": "done", "rejected": "done"}
QUIET_DATE = "1970-01-01T00:00:00Z"


@dataclass(frozen=True)
class Made:
    """Tickets beside the seeded ones, and a mirror of all; no test changes either."""

    child: int
    parent: int
    reopened: int
    store: Store


@pytest.fixture(scope="module")
def made(root: Client, rt_server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Made]:
    """A few more tickets, mirrored once."""
    child, parent, reopened = root.create(TimeEstimated=90), root.create(Owner="agent"), root.create()
    root.edit(child, Parent=parent)
    for status in ("resolved", "open"):
        root.edit(reopened, Status=status)
    with Store.open(f"sqlite:///{tmp_path_factory.mktemp('made') / 'mirror.db'}") as store:
        sync(connected(rt_server), store)
        yield Made(child, parent, reopened, store)


def sync(connector: RTConnector, store: Store) -> None:
    options = SyncOptions(types=("ticket",))
    source = connector._source
    report = sync_source(source, connector, store, options, clock=lambda: datetime.now(UTC), emit=lambda _event: None)
    assert report.exit_code == 0


def instant(value: str | None) -> str | None:
    return None if value in (None, QUIET_DATE) else str(value).replace("Z", ".000Z")


def test_every_ticket_shows_as_the_server_says(root: Client, rt_server: Server, made: Made) -> None:
    child, parent = made.child, made.parent
    rows = {row[3]: row for row in stored(made.store, "SELECT * FROM work_item")}
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


def test_a_reopened_ticket_is_being_done_again(root: Client, made: Made) -> None:
    assert instant(root.get(f"/ticket/{made.reopened}")["Resolved"])
    asked = f"SELECT state_category, closed_at FROM work_item WHERE id = {made.reopened}"
    assert stored(made.store, asked) == [("doing", None)]
