"""`kill -9` at any moment: the next run continues where the last one stored, and ends equal."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections import Counter

import pytest

from mirror.simulators.rally import RallySimulator
from mirror.store.store import Store
from tests.support.rally_truth import differences
from tests.support.rally_walk import Walk

_PAGE = 10


def start(tracker: RallySimulator, database_url: str) -> subprocess.Popen[bytes]:
    """Start a sync in a process of its own."""
    command = [sys.executable, "-m", "tests.support.sync_process", tracker.url, tracker.api_key]
    return subprocess.Popen([*command, str(tracker.world.landmarks.workspace), database_url], stderr=subprocess.PIPE)


def killed_at_request(tracker: RallySimulator, database_url: str, number: int) -> bool:
    """Start a sync and kill it while its request of that number is being answered; return whether it came so far."""
    ready, process, seen = threading.Event(), [], [0]

    def kill(_request: object) -> None:
        ready.wait(30)
        seen[0] += 1
        if seen[0] == number:
            process[0].kill()

    stop = tracker.on_request(kill)
    process.append(start(tracker, database_url))
    ready.set()
    _, errors = process[0].communicate(timeout=120)
    stop()
    assert process[0].returncode in (0, -9), errors.decode()
    return process[0].returncode == -9


def run_to_end(tracker: RallySimulator, database_url: str) -> None:
    """Sync and expect it to succeed."""
    process = start(tracker, database_url)
    _, errors = process.communicate(timeout=120)
    assert process.returncode == 0, errors.decode()


@pytest.mark.parametrize("number", [3, 30, 60, 100])
def test_a_load_that_is_killed_continues_and_reads_at_most_one_page_of_a_stream_twice(
    database_url: str, number: int
) -> None:
    with RallySimulator(records=300, seed=2) as tracker:
        tracker.switches = tracker.switches.with_changes({"page_size_cap": _PAGE})
        assert killed_at_request(tracker, database_url, number)
        first = pages(tracker)
        tracker.requests.clear()
        run_to_end(tracker, database_url)
        again = Counter(stream for stream, where in pages(tracker) if (stream, where) in first)
        assert all(count <= 1 for count in again.values()), again
        run_to_end(tracker, database_url)
        with Store.open(database_url) as store:
            assert differences(store, "acme", tracker) == []


@pytest.mark.parametrize("number", [4, 7, 10])
def test_an_incremental_sync_that_is_killed_loses_nothing(database_url: str, number: int) -> None:
    with RallySimulator(records=200, seed=4) as tracker:
        run_to_end(tracker, database_url)
        walk = Walk(tracker, 9)
        for _ in range(2):
            walk.steps(25)
            killed_at_request(tracker, database_url, number)
        run_to_end(tracker, database_url)
        with Store.open(database_url) as store:
            assert differences(store, "acme", tracker) == [], walk.done


def pages(tracker: RallySimulator) -> set[tuple[str, str]]:
    """Return (stream, condition) of every page of whole records that was asked for."""
    found = set()
    for request in tracker.requests:
        if "shallowFetch" in request.query:
            upper = request.query.split("ObjectID%20%3C%3D", 1)[-1] if "%3C%3D" in request.query else ""
            found.add((request.path + upper, request.query))
    return found
