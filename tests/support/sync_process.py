"""A sync in a process of its own, to be killed: `python -m tests.support.sync_process URL KEY WORKSPACE DATABASE`."""

from __future__ import annotations

import sys
from datetime import UTC, datetime

from mirror.connectors.http import Transport
from mirror.connectors.rally import RallyConnector
from mirror.engine.sync import SyncOptions, sync_source
from mirror.model.source import Credential, Source
from mirror.store.store import Store
from tests.support.rally import IMPATIENT


def main() -> int:
    """Sync once and return the exit code."""
    url, key, workspace, database = sys.argv[1:]
    source = Source("acme", "rally", url, Credential(key), {"workspace": workspace}, concurrency=2)
    connector = RallyConnector(source, Transport(url, concurrency=2, patience=IMPATIENT))
    with Store.open(database) as store, store.lease("test", datetime.now(UTC)):
        report = sync_source(
            source, connector, store, SyncOptions(), clock=lambda: datetime.now(UTC), emit=lambda _event: None
        )
    return report.exit_code


if __name__ == "__main__":
    sys.exit(main())
