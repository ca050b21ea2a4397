"""Engine, store and a real RT together: after anything that happens there, one further sync makes every table equal."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from shutil import copyfile
from typing import Any

import pytest

from mirror.connectors.rt.connector import RTConnector
from mirror.engine.sync import SyncOptions, SyncReport, sync_source
from mirror.store.store import Store
from tests.connectors.rt.conftest import Connect, Server, connected
from tests.support.rt.client import Client
from tests.support.rt.reading import Truth, differences, every_record, stored
from tests.support.rt.walk import Walk


@pytest.fixture
def mirror_store(tmp_path: Path) -> Iterator[Store]:
    """A store in a file; what differs between databases is tested with the store."""
    with Store.open(f"sqlite:///{tmp_path / 'mirror.db'}") as store:
        yield store


@pytest.fixture(scope="module")
def first_load(rt_server: Server, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of a mirror that the superuser has loaded at some time before the test."""
    path = tmp_path_factory.mktemp("load") / "mirror.db"
    with Store.open(f"sqlite:///{path}") as store:
        assert sync(connected(rt_server), store).failed == ()
    return path


@pytest.fixture
def loaded(first_load: Path, tmp_path: Path) -> Iterator[Store]:
    """A copy of that mirror; what others did since is not in it."""
    copyfile(first_load, path := tmp_path / "loaded.db")
    with Store.open(f"sqlite:///{path}") as store:
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


@pytest.mark.parametrize(
    ("user", "rounds"),
    [("agent", 1), *(pytest.param(each, 3, marks=pytest.mark.slow) for each in ("root", "agent", "limited"))],
)
def test_one_sync_after_random_edits_makes_every_table_equal(
    connect: Connect, root: Client, mirror_store: Store, *, user: str, rounds: int
) -> None:
    tickets = sorted(every_record(connect(), "ticket")[1])
    walk = Walk(root, tickets, seed=len(user))
    assert sync(connect(user), mirror_store).failed == ()
    for _ in range(rounds):
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
    connect: Connect, root: Client, rt_server: Server, loaded: Store
) -> None:
    gone, merged, rejected = root.create(), root.create(), root.create()
    rt_server.pass_time(5)  # a row that was read within the second of its change waits for a later sync to change again
    sync(connect(), loaded)
    root.delete(gone)
    root.merge(merged, into=3)
    root.edit(rejected, Status="rejected")
    sync(connect(), loaded)
    with loaded.read(f"SELECT id, reason FROM mirror_tombstone WHERE type = 'ticket' AND id >= {gone}") as found:
        assert dict(map(tuple, found.rows)) == {gone: "deleted", merged: "merged"}
    assert stored(loaded, loaded.layouts("acme")["ticket"])[rejected]["status"] == "rejected"


def test_a_quiet_sync_is_cheap_and_writes_nothing(connect: Connect, rt_server: Server, loaded: Store) -> None:
    rt_server.pass_time(5)  # until the stamps of what other tests did are settled
    sync(connect(), loaded)
    sync(connect(), loaded)
    report = sync(connect(), loaded)
    assert (report.tally.inserted, report.tally.updated, report.tally.tombstoned) == (0, 0, 0)
    assert report.requests < 40
