"""Tickets a second from a real RT: `mirror` against a bare client that only asks; `python -m benchmarks.rt_rate`.

Both ask for the same tickets with the same fields, by session cookie, 100 a page. The bare client throws the answers
away; mirror converts and stores them. The server computes for far longer than either, so the ratio shows what mirror
adds. Needs the packages that tests.support.rt.install installs.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import requests

from mirror.connectors.http import Transport
from mirror.connectors.rt.connector import RTConnector
from mirror.engine.sync import SyncOptions, sync_source
from mirror.model.source import Credential, Source
from mirror.store.store import Store
from tests.support.rt.configuration import PASSWORDS
from tests.support.rt.packages import HOW_TO_INSTALL, installed
from tests.support.rt.provision import provide

TARGET = 0.9
PER_PAGE = 100
FIELDS = (
    "Subject,Status,Queue,Owner,Creator,LastUpdatedBy,Requestor,Cc,AdminCc,CustomFields,CustomRoles,Priority,"
    "InitialPriority,FinalPriority,Created,LastUpdated,Due,Starts,Started,Resolved,Told,TimeWorked,TimeLeft,"
    "TimeEstimated,Type,SLA,_hyperlinks"
)
EXPANDED = ("Owner", "Creator", "LastUpdatedBy", "Requestor", "Cc", "AdminCc", "Queue", "CustomRoles")


def bare_seconds(url: str, tickets: int, concurrency: int) -> float:
    """Return how long a client takes that asks for all tickets and reads nothing of the answers."""
    session = requests.Session()
    session.trust_env = False
    session.post(f"{url}/REST/1.0/", data={"user": "root", "pass": PASSWORDS["root"]}, timeout=60)
    wanted = {"fields": FIELDS, **{f"fields[{name}]": "id,Name" for name in EXPANDED}}

    def page(after: int) -> int:
        query = f"Type != '' AND id > {after} AND id <= {after + PER_PAGE}"
        form = {"query": query, "orderby": "id", "per_page": str(PER_PAGE), **wanted}
        answer = session.post(f"{url}/REST/2.0/tickets", data=form, timeout=300)
        answer.raise_for_status()
        return len(answer.content)

    began = time.monotonic()
    with ThreadPoolExecutor(concurrency) as pool:
        list(pool.map(page, range(0, tickets, PER_PAGE)))
    return time.monotonic() - began


def mirror_seconds(url: str, tickets: int, concurrency: int) -> float:
    """Return how long a first sync of the tickets into a new SQLite file takes."""
    credential = Credential(PASSWORDS["root"], "root")
    source = Source("acme", "rt", url, credential, types=("ticket",), concurrency=concurrency)
    with tempfile.TemporaryDirectory() as folder, Store.open(f"sqlite:///{folder}/mirror.db") as store:
        connector = RTConnector(source, Transport(url, concurrency=concurrency))
        began = time.monotonic()
        report = sync_source(
            source, connector, store, SyncOptions(), clock=lambda: datetime.now(UTC), emit=lambda _event: None
        )
        seconds = time.monotonic() - began
    if report.failed or report.tally.inserted != tickets:
        raise SystemExit(f"{report.tally.inserted} of {tickets} tickets arrived; failed: {report.failed}")
    return seconds


def main() -> int:
    """Measure and print one JSON line for each concurrency; 1 when a ratio misses the target."""
    parser = argparse.ArgumentParser(description="Measure mirror against a bare client on a real RT.")
    parser.add_argument("--tickets", type=int, default=2000, help="kept for the next run once made; about 10 a second")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--concurrency", type=int, nargs="*", default=[1, 2, 4])
    chosen = parser.parse_args()
    if not installed():
        raise SystemExit(HOW_TO_INSTALL)
    missed = 0
    with tempfile.TemporaryDirectory() as home:
        server, seeded = provide(Path(home) / "rt", chosen.tickets)
        server.restore(seeded)
        server.start()
        try:
            bare_seconds(server.url, min(chosen.tickets, 400), 2)  # so that RT has compiled its templates
            for concurrency in chosen.concurrency:
                missed += _measure(server.url, chosen.tickets, concurrency, chosen.runs)
        finally:
            server.stop()
    return 1 if missed else 0


def _measure(url: str, tickets: int, concurrency: int, runs: int) -> bool:
    pairs = [(bare_seconds(url, tickets, concurrency), mirror_seconds(url, tickets, concurrency)) for _ in range(runs)]
    ratio = statistics.median(bare / ours for bare, ours in pairs)
    bare, ours = (statistics.median(each) for each in zip(*pairs, strict=True))
    line = {
        "tickets": tickets,
        "concurrency": concurrency,
        "bare_per_second": round(tickets / bare, 1),
        "mirror_per_second": round(tickets / ours, 1),
        "ratio": round(ratio, 3),
        "target": TARGET,
    }
    print(json.dumps(line), flush=True)
    return ratio < TARGET


if __name__ == "__main__":
    sys.exit(main())
