"""A source that points at a simulated VersionOne, and a sync of it as the engine runs it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from mirror.connectors.http import Patience, Transport
from mirror.connectors.versionone.connector import VersionOneConnector
from mirror.engine.sync import SyncOptions, SyncReport, sync_source
from mirror.model.event import Event
from mirror.model.source import Credential, Source
from mirror.simulators.versionone import VersionOneSimulator
from mirror.store.store import Store

IMPATIENT = Patience(attempts=6, first_wait_seconds=0.01, timeout_seconds=(5.0, 20.0))


def source_of(tracker: VersionOneSimulator, **changes: Any) -> Source:
    """Return a source called acme for the whole of `tracker`."""
    options: dict[str, Any] = {
        "name": "acme",
        "tracker": "versionone",
        "url": tracker.url,
        "credential": Credential(tracker.token),
        "concurrency": 4,
    }
    return Source(**(options | changes))


def connector_to(tracker: VersionOneSimulator, **changes: Any) -> VersionOneConnector:
    """Return a new connector that gives up early."""
    source = source_of(tracker, **changes)
    return VersionOneConnector(source, Transport(source.url, concurrency=source.concurrency, patience=IMPATIENT))


def sync(
    tracker: VersionOneSimulator,
    store: Store,
    *,
    source: Source | None = None,
    events: list[Event] | None = None,
    patience: Patience = IMPATIENT,
    **options: Any,
) -> SyncReport:
    """Sync once, as a new process would: with a new connector."""
    chosen = source or source_of(tracker)
    transport = Transport(chosen.url, concurrency=chosen.concurrency, patience=patience)
    return sync_source(
        chosen,
        VersionOneConnector(chosen, transport),
        store,
        SyncOptions(**options),
        clock=lambda: datetime.now(UTC),
        emit=events.append if events is not None else lambda _event: None,
    )
