"""Rally Web Services API v2.0."""

from mirror.connectors.rally.connector import RallyConnector

__all__ = ["RallyConnector"]
