"""Reads records from their tracker, now: the only thing about a record that needs the network."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from datetime import datetime

from mirror.connectors.base import Connector
from mirror.engine.run import Run
from mirror.errors import RemoteError, UnknownRecordError
from mirror.model.event import Phase
from mirror.model.layout import Layout
from mirror.model.source import Source
from mirror.store.store import Store


def read_again(
    source: Source,
    connector: Connector,
    store: Store,
    layouts: Mapping[str, Layout],
    *,
    wanted: Mapping[str, Collection[int]],
    clock: Callable[[], datetime],
) -> None:
    """Read records from the tracker and store them as a sync would. The caller holds the database's lease.

    Args:
        wanted: type name -> ids.

    Raises:
        UnknownRecordError: the tracker does not list one of them any more; those that it lists are stored.
        RemoteError: it cannot be asked.
    """
    run = Run(source, connector, store, clock, lambda _event: None, layouts=layouts)
    missing = run.read({name: sorted(ids) for name, ids in wanted.items()}, Phase.RECORDS)
    if run.failed:
        raise RemoteError(run.failed[0].reason)
    gone = tuple(f"{name}:{each}" for name, ids in missing.items() for each in sorted(ids))
    if gone:
        raise UnknownRecordError(f"the tracker does not list {', '.join(gone)} any more; to learn why, run: mirror sync")
