"""A sync in a process of its own, to be killed.

`python -m tests.support.sync_process SOURCE DATABASE LOG`: SOURCE is a source as JSON; LOG gets a line for each page that is
asked for, written before the request is sent: type, upper end of the slice, and where the page begins.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

from mirror.connectors.http import Transport
from mirror.connectors.registry import connect
from mirror.engine.sync import SyncOptions, sync_source
from mirror.model.layout import Layout
from mirror.model.page import KeyRange, Unread
from mirror.model.source import Credential, Source
from mirror.store.store import Store
from tests.support.stage import IMPATIENT

Fetch = Callable[[Layout, KeyRange], Unread]


def start(source: Source, database: str, log: Path) -> subprocess.Popen[bytes]:
    """Start a sync of `source`."""
    command = [sys.executable, "-m", "tests.support.sync_process", json.dumps(asdict(source)), database, str(log)]
    return subprocess.Popen(command, stderr=subprocess.PIPE)


def pages(log: Path) -> list[tuple[str, str]]:
    """Return (slice, where the page begins) of every page that was asked for."""
    lines = log.read_text().splitlines() if log.exists() else []
    return [(name, after) for name, _, after in (line.rpartition(" ") for line in lines)]


def _logged(fetch: Fetch, log: Path) -> Fetch:
    def fetched(layout: Layout, keys: KeyRange) -> Unread:
        with log.open("a") as lines:
            lines.write(f"{layout.type.name} {keys.until} {keys.after}\n")
        return fetch(layout, keys)

    return fetched


def main() -> int:
    """Sync once and return the exit code."""
    document, database, log = sys.argv[1:]
    given = json.loads(document)
    source = Source(**(given | {"credential": Credential(**given["credential"]), "types": tuple(given["types"])}))
    connector = connect(source, Transport(source.url, concurrency=source.concurrency, patience=IMPATIENT))
    connector.fetch = _logged(connector.fetch, Path(log))  # type: ignore[method-assign]
    with Store.open(database) as store, store.lease("test", datetime.now(UTC)):
        report = sync_source(
            source, connector, store, SyncOptions(), clock=lambda: datetime.now(UTC), emit=lambda _event: None
        )
    return report.exit_code


if __name__ == "__main__":
    sys.exit(main())
