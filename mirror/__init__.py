"""An offline mirror of your agile tracker, in SQL."""

import logging
from typing import TYPE_CHECKING, Any

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
from mirror.named import named

if TYPE_CHECKING:
    from mirror.api import Mirror
    from mirror.script import Change, Changes, File, Items, Null, Record, Records, Remark, SourceView, Watcher

    open = Mirror.open

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

_SCRIPTING = ("Change", "Changes", "File", "Items", "Null", "Record", "Records", "Remark", "SourceView", "Watcher")
_LATER = {"Mirror": "mirror.api:Mirror", "api": "mirror.api", "open": "mirror.api:Mirror.open"}
_LATER |= {name: f"mirror.script:{name}" for name in _SCRIPTING}
"""What is loaded when it is first asked for (PEP 562), with all that it stands on; each with its place."""

logging.getLogger(__name__).addHandler(logging.NullHandler())


def __getattr__(name: str) -> Any:
    if name not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = found = named(_LATER[name])
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *_LATER})
