"""A simulated VersionOne that is there quickly, a source that points at it, and a sync of it as the engine runs it."""

from __future__ import annotations

import pickle
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from mirror.connectors.http import Patience, Transport
from mirror.connectors.versionone.connector import VersionOneConnector
from mirror.engine.sync import SyncOptions, SyncReport, sync_source
from mirror.model.event import Event
from mirror.model.source import Credential, Source
from mirror.simulators.clock import Clock, ManualClock, SystemClock
from mirror.simulators.versionone import VersionOneSimulator
from mirror.simulators.versionone.definitions import built_in_schema
from mirror.simulators.versionone.seed import build_world
from mirror.simulators.versionone.state import State
from mirror.simulators.versionone.world import World
from mirror.store.store import Store

IMPATIENT = Patience(attempts=6, first_wait_seconds=0.01, timeout_seconds=(5.0, 20.0))


def world_of(records: int, seed: int, clock: Clock | None = None) -> World:
    """Return what `build_world` makes of these, in a third of the time where it is asked for again.

    Args:
        clock: the machine's own if None; sample data ends up to an hour earlier then.
    """
    now = (clock or SystemClock()).now()
    began = now if clock else now.replace(minute=0, second=0, microsecond=0)
    kept, landmarks, hidden = pickle.loads(_kept(records, seed, began))
    state = State(built_in_schema())
    vars(state).update(kept)
    world = World(state, clock or SystemClock(), landmarks)
    world.reader.hidden = hidden
    return world


@lru_cache(maxsize=32)
def _kept(records: int, seed: int, began: datetime) -> bytes:
    world = build_world(records, seed, ManualClock(began))
    kept = {name: value for name, value in vars(world.state).items() if name != "schema"}
    return pickle.dumps((kept, world.landmarks, world.reader.hidden))


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
