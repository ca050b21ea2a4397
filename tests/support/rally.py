"""A source that points at a simulated Rally, and a sync of it as the engine runs it, for tests that need no stage."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from mirror.connectors.http import Patience, Transport
from mirror.connectors.rally.connector import RallyConnector
from mirror.engine.sync import SyncOptions, SyncReport, sync_source
from mirror.model.event import Event
from mirror.model.source import Credential, Source
from mirror.simulators.rally import RallySimulator
from mirror.store.store import Store
from tests.support.stage import IMPATIENT


def source_of(tracker: RallySimulator, **changes: Any) -> Source:
    """Return a source called acme for the default workspace of `tracker`."""
    options: dict[str, Any] = {
        "name": "acme",
        "tracker": "rally",
        "url": tracker.url,
        "credential": Credential(tracker.api_key),
        "scope": {"workspace": str(tracker.world.landmarks.workspace)},
        "concurrency": 4,
    }
    return Source(**(options | changes))


def sync(
    tracker: RallySimulator,
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
        RallyConnector(chosen, transport),
        store,
        SyncOptions(**options),
        clock=lambda: datetime.now(UTC),
        emit=events.append if events is not None else lambda _event: None,
    )
