"""An offline mirror of your agile tracker, in SQL."""

import logging

from mirror.api import Mirror
from mirror.errors import (
    AuthError,
    ConfigError,
    ConflictError,
    DatabaseBusyError,
    IncompleteError,
    InvalidEditError,
    MassDeleteError,
    MirrorError,
    ProtocolError,
    QueryError,
    RefusedError,
    RemoteError,
    RetryableError,
    SafetyError,
    SchemaVersionError,
    StaleError,
    StoreError,
    UnknownRecordError,
    UnknownSourceError,
    UnknownTypeError,
    UsageError,
)
from mirror.script import Change, Changes, File, Items, Null, Record, Records, Remark, SourceView, Watcher

__version__ = "0.1.0"

__all__ = [
    "AuthError",
    "Change",
    "Changes",
    "ConfigError",
    "ConflictError",
    "DatabaseBusyError",
    "File",
    "IncompleteError",
    "InvalidEditError",
    "Items",
    "MassDeleteError",
    "Mirror",
    "MirrorError",
    "Null",
    "ProtocolError",
    "QueryError",
    "Record",
    "Records",
    "RefusedError",
    "Remark",
    "RemoteError",
    "RetryableError",
    "SafetyError",
    "SchemaVersionError",
    "SourceView",
    "StaleError",
    "StoreError",
    "UnknownRecordError",
    "UnknownSourceError",
    "UnknownTypeError",
    "UsageError",
    "Watcher",
    "open",
]

open = Mirror.open

logging.getLogger(__name__).addHandler(logging.NullHandler())
