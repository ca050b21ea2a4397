"""One writer for each database, across processes; the system frees the lease of one that dies. Readers never wait."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest

from mirror.errors import DatabaseBusyError
from mirror.store.store import Store
from tests.store.samples import NOW, defects, page, row, stored

HOLDER = """
import sys, time
from datetime import datetime, UTC
from mirror.store.store import Store
with Store.open(sys.argv[1]) as store, store.lease("the other one", datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)):
    print("held", flush=True)
    time.sleep(60)
"""


@contextmanager
def holder(url: str) -> Iterator[subprocess.Popen[str]]:
    """Run a process that holds the lease."""
    with subprocess.Popen([sys.executable, "-c", HOLDER, url], stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "held\n"
            yield process
        finally:
            process.kill()


def test_a_second_process_is_told_at_once_who_holds_it_and_since_when(database_url: str) -> None:
    with Store.open(database_url) as store, holder(database_url):
        began = time.monotonic()
        with pytest.raises(DatabaseBusyError, match="the other one since 2026-01-02T03:04:05"), store.lease("me", NOW):
            pass
        assert time.monotonic() - began < 2


def test_a_killed_holder_leaves_nothing_in_the_way(database_url: str) -> None:
    with Store.open(database_url) as store:
        with holder(database_url) as process:
            process.send_signal(signal.SIGKILL)
            process.wait()
        taken = False
        for _ in range(100):  # a Postgres server needs a moment to notice
            with suppress(DatabaseBusyError), store.lease("me", NOW):
                taken = True
                break
            time.sleep(0.05)
        assert taken


def test_the_lease_of_one_process_is_single_too(store: Store) -> None:
    with store.lease("first", NOW), pytest.raises(DatabaseBusyError, match="first"), store.lease("second", NOW):
        pass
    with store.lease("third", NOW):
        assert stored(store, "SELECT holder FROM mirror_lease") == [("third",)]
    assert stored(store, "SELECT * FROM mirror_lease") == []


def test_a_fault_inside_the_block_frees_the_lease_and_comes_through(store: Store) -> None:
    with pytest.raises(ZeroDivisionError), store.lease("first", NOW):
        raise ZeroDivisionError
    with store.lease("second", NOW):
        pass


def test_rows_are_stored_while_the_lease_is_held(store: Store) -> None:
    with store.lease("me", NOW):
        layout = defects(store)
        assert store.apply(page(layout, row(layout, 1)), now=NOW).tally.inserted == 1


def test_readers_are_not_blocked_by_a_writer_and_see_the_state_before_it(store: Store, database_url: str) -> None:
    layout = defects(store)
    store.apply(page(layout, row(layout, 1)), now=NOW)
    with Store.open(database_url) as other, store._database.write() as connection:
        connection.exec_driver_sql("DELETE FROM rally_defect")
        began = time.monotonic()
        assert stored(other, "SELECT id FROM rally_defect") == [(1,)]
        assert other.layouts("acme")["Defect"] == layout
        assert [each.rows for each in other.status("acme") if each.type_name == "Defect"] == [1]
        assert time.monotonic() - began < 2
    assert stored(store, "SELECT id FROM rally_defect") == []


def test_a_writer_is_not_blocked_by_a_slow_reader(store: Store) -> None:
    layout = defects(store)
    store.apply(page(layout, *(row(layout, each) for each in range(1, 2000))), now=NOW)
    with store.read("SELECT id FROM rally_defect ORDER BY id") as result:
        assert next(result.rows) == (1,)
        store.apply(page(layout, row(layout, 5000)), now=NOW)
        assert sum(1 for _ in result.rows) == 1998
