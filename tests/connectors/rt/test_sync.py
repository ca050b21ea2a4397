"""Engine, store and a real RT together: after anything that happens there, one further sync makes every table equal."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from mirror.connectors.rt import RTConnector
from mirror.engine.sync import SyncOptions, SyncReport, sync_source
from mirror.store.store import Store
from tests.connectors.rt.conftest import Connect
from tests.support.rt.client import Client
from tests.support.rt.reading import Truth, differences, every_record, stored
from tests.support.rt.walk import Walk


@pytest.fixture
def mirror_store(tmp_path: Path) -> Iterator[Store]:
    """A store in a file; what differs between databases is tested with the store."""
    with Store.open(f"sqlite:///{tmp_path / 'mirror.db'}") as store:
        yield store


def sync(connector: RTConnector, store: Store, **options: Any) -> SyncReport:
    """Sync once."""
    return sync_source(
        connector._source,
        connector,
        store,
        SyncOptions(**options),
        clock=lambda: datetime.now(UTC),
        emit=lambda _event: None,
    )


@pytest.mark.parametrize("user", ["root", "agent", "limited"])
def test_one_sync_after_random_edits_makes_every_table_equal(
    connect: Connect, root: Client, mirror_store: Store, user: str
) -> None:
    tickets = sorted(every_record(connect(), "ticket")[1])
    walk = Walk(root, tickets, seed=len(user))
    assert sync(connect(user), mirror_store).failed == ()
    for _ in range(3):
        walk.steps(15)
        report = sync(connect(user), mirror_store, allow_mass_delete=True)
        assert report.failed == ()
        found = differences(mirror_store, connect(user), sees_all_tickets=user != "limited")
        assert not found, "\n".join([*found[:20], "after:", *walk.done[-30:]])


def test_tickets_in_the_table_equal_those_read_one_by_one(connect: Connect, root: Client, mirror_store: Store) -> None:
    sync(connect(), mirror_store, types=("ticket",))
    truth = Truth(root)
    table = stored(mirror_store, mirror_store.layouts("acme")["ticket"])
    assert len(table) > 20
    for number, row in table.items():
        expected = truth.ticket(number)
        assert {name: row[name] for name in expected} == expected


def test_deleted_and_merged_tickets_leave_tombstones_with_their_reasons(
    connect: Connect, root: Client, mirror_store: Store
) -> None:
    gone, merged, rejected = root.create(), root.create(), root.create()
    sync(connect(), mirror_store)
    time.sleep(1.1)  # a row that was read within the second of its change waits for a later sync to change again
    root.delete(gone)
    root.merge(merged, into=3)
    root.edit(rejected, Status="rejected")
    sync(connect(), mirror_store)
    with mirror_store.read("SELECT id, reason FROM mirror_tombstone WHERE type = 'ticket'") as found:
        assert dict(map(tuple, found.rows)) == {gone: "deleted", merged: "merged"}
    assert stored(mirror_store, mirror_store.layouts("acme")["ticket"])[rejected]["status"] == "rejected"


def test_a_quiet_sync_is_cheap_and_writes_nothing(connect: Connect, mirror_store: Store) -> None:
    time.sleep(3.1)  # until the stamps of what other tests did are settled
    sync(connect(), mirror_store)
    sync(connect(), mirror_store)
    report = sync(connect(), mirror_store)
    assert (report.tally.inserted, report.tally.updated, report.tally.tombstoned) == (0, 0, 0)
    assert report.requests < 40
