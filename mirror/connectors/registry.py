"""Which trackers there are: one line each, imported only when a source asks for it."""

from __future__ import annotations

from importlib import import_module
from typing import cast

from mirror.connectors.base import Connector
from mirror.connectors.http import Transport
from mirror.errors import ConfigError
from mirror.model.source import Source

TRACKERS = {
    "rally": "mirror.connectors.rally:RallyConnector",
    "rt": "mirror.connectors.rt:RTConnector",
}


def connect(source: Source, transport: Transport | None = None) -> Connector:
    """Return the connector of `source`; no request is made yet.

    Raises:
        ConfigError: no tracker of that kind.
    """
    try:
        module, name = TRACKERS[source.tracker].split(":")
    except KeyError:
        raise ConfigError(
            f"source {source.name!r}: tracker {source.tracker!r} is not known; one of: {', '.join(TRACKERS)}"
        ) from None
    connector = getattr(import_module(module), name)
    return cast("Connector", connector(source, transport or Transport(source.url, concurrency=source.concurrency)))
