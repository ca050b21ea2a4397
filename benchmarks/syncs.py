"""Scenarios about mirror alone: slow answers, memory, a quiet sync, and few changes in a large mirror."""

from __future__ import annotations

import json
import subprocess

from benchmarks.arena import SQLITE, Arena
from benchmarks.contestants import IN_FLIGHT, Tracker, feed_at, mirror_sync
from benchmarks.processes import Outcome, served
from benchmarks.tables import TABLE

DELAY_SECONDS = 0.5
LATENCY_PAGE, LARGEST_PAGE = 500, 2000
LATENCY_TARGET = 6
LARGEST_PEAK_MB = 150
LARGEST_GROWTH = 1.10  # "the same" memory at any size, the noise of an allocator allowed for
SAME_TIME = 1.5  # "the same" time, in a mirror five times as large
SMALL = 20_000
QUIET_REQUESTS = {"rally": 8, "versionone": 8, "rt": 20}  # RT cannot be asked for several types at once
_WRITTEN = ("inserted", "updated", "tombstoned", "quarantined")


def slow_answers(arena: Arena, *, records: int) -> None:
    """Load with every answer half a second late, one request in flight and eight.

    Pages have 500 records, as a server may decide: with 2,000, a slow machine would take as long to store eight pages as
    the tracker takes to send them, and that is what `load` measures.
    """
    _load(arena, records)  # prepares the feed
    arena.feed.set(delay=DELAY_SECONDS, largest_page=LATENCY_PAGE)
    net = {}
    for concurrency in (1, IN_FLIGHT):
        empty, full = (_load(arena, size, concurrency=concurrency) for size in (0, records))
        for size, outcome in ((0, empty), (records, full)):
            arena.notebook.run("latency", "mirror", outcome, records=size, concurrency=concurrency)
        net[concurrency] = full.seconds - empty.seconds
        note = f"{records:,} records; whole process {full.seconds:.2f} s"
        arena.notebook.tell("latency", f"{concurrency} in flight", net[concurrency], "s", note)
    arena.feed.set(delay=0, largest_page=LARGEST_PAGE)
    arena.notebook.at_least("latency", "eight requests against one", net[1] / net[IN_FLIGHT], LATENCY_TARGET)


def memory(arena: Arena, *, records: int) -> None:
    """Load a small and a large number of records and compare the peaks."""
    peaks = {}
    for size in (SMALL, records):
        outcome = _load(arena, size)
        arena.notebook.run("memory", "mirror", outcome, records=size)
        peaks[size] = outcome.peak_mb
        arena.notebook.at_most("memory", f"peak at {size:,} records", outcome.peak_mb, LARGEST_PEAK_MB, "MB")
    arena.notebook.at_most("memory", "growth from small to large", peaks[records] / peaks[SMALL], LARGEST_GROWTH, "x")


def quiet(arena: Arena) -> None:
    """Sync a whole simulated tracker of each kind twice; the second time nothing has changed."""
    for kind, wanted in QUIET_REQUESTS.items():
        _quiet(arena, kind, wanted)


def _quiet(arena: Arena, kind: str, wanted: int) -> None:
    with served("mirror", "simulate", kind, "--json") as (child, opening), arena.fresh_folder() as folder:
        told = _whole_json(child, opening)
        secret = told.pop("secret")
        tracker = Tracker(told, secret)
        database = arena.fresh_database(SQLITE, folder)
        first, second = (mirror_sync(folder, database, tracker, "--json") for _ in range(2))
        types = arena.count(database, ["mirror_type"])[0]
    for outcome in (first, second):
        arena.notebook.run("quiet", f"mirror on {kind}", outcome)
    report = json.loads(second.output)[0]
    written = sum(report[each] for each in _WRITTEN)
    arena.notebook.at_most("quiet", f"{kind}: requests", report["requests"], wanted, "", f"{types} types")
    arena.notebook.at_most("quiet", f"{kind}: rows written", written, 0, "")
    arena.notebook.tell("quiet", f"{kind}: whole process", second.seconds, "s", f"first sync {first.seconds:.2f} s")


def incremental(arena: Arena, *, records: int) -> None:
    """Change the same number of records, and the same share, in a small and a large mirror."""
    few, many = records // 500, records // 100
    costs = {}
    for size, changed in ((records // 5, few), (records, few), (records, many)):
        full, again, asked = _change(arena, size, changed)
        costs[size, changed] = again.seconds
        note = f"{asked['requests']} requests, {asked['records_sent']} records read; full load {full.seconds:.2f} s"
        arena.notebook.tell("incremental", f"{changed:,} of {size:,} changed", again.seconds, "s", note)
        arena.notebook.tell("incremental", "  of the full load's time", again.seconds / full.seconds, "x")
    growth = costs[records, few] / costs[records // 5, few]
    arena.notebook.at_most("incremental", "same changes, mirror five times as large", growth, SAME_TIME, "x")


def _change(arena: Arena, records: int, changed: int) -> tuple[Outcome, Outcome, dict[str, int]]:
    """Load, sync once more, change some records, sync; return the first and last run and what the last one asked."""
    arena.feed.set(records=records, changed=0)
    with arena.fresh_folder() as folder:
        database, tracker = arena.fresh_database(SQLITE, folder), feed_at(arena.feed.url)
        full = mirror_sync(folder, database, tracker)
        arena.expect(database, TABLE, records)
        mirror_sync(folder, database, tracker)  # the first one behind a load has work of its own
        arena.feed.set(changed=changed)
        again = mirror_sync(folder, database, tracker)
        asked = arena.feed.counters()
        arena.expect(database, f"{TABLE} WHERE _revision = '2'", changed)
    arena.feed.set(changed=0)
    for outcome in (full, again):
        arena.notebook.run("incremental", "mirror", outcome, records=records, changed=changed)
    return full, again, asked


def _load(arena: Arena, records: int, *, concurrency: int = IN_FLIGHT) -> Outcome:
    arena.feed.set(records=records)
    with arena.fresh_folder() as folder:
        database = arena.fresh_database(SQLITE, folder)
        outcome = mirror_sync(folder, database, feed_at(arena.feed.url), concurrency=concurrency)
        if records:
            arena.expect(database, TABLE, records)
    return outcome


def _whole_json(child: subprocess.Popen[str], opening: str) -> dict[str, str]:
    """Return the JSON document that begins with the line `opening`, read to its end."""
    assert child.stdout is not None
    text = opening
    while True:
        try:
            document: dict[str, str] = json.loads(text)
        except ValueError:
            text += child.stdout.readline()
        else:
            return document
