"""What `Mirror` tells of sources and types, and of what became of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from mirror.engine.push import PushReport
from mirror.engine.sync import SyncReport
from mirror.engine.verify import VerifyReport
from mirror.errors import MirrorError
from mirror.model.change import State
from mirror.model.happening import WatcherStatus
from mirror.model.progress import Failure, TypeStatus

Report = TypeVar("Report", SyncReport, VerifyReport, PushReport)


@dataclass(frozen=True, slots=True)
class Outcome(Generic[Report]):
    """What became of one source in a sync, a push or a verification: a report, or the error that kept it from making one."""

    source: str
    report: Report | None = None
    error: MirrorError | None = None

    @property
    def exit_code(self) -> int:
        """0 when complete, else the code of the error's family."""
        if self.error is not None:
            return self.error.exit_code
        return self.report.exit_code if self.report is not None else 0


@dataclass(frozen=True, slots=True)
class TypeSummary:
    """One record type of one source.

    Attributes:
        rows: None when the source was never synced; the type is then as the tracker described it just now.
    """

    source: str
    name: str
    display_name: str
    table: str
    tracking: str
    field_count: int
    rows: int | None


@dataclass(frozen=True, slots=True)
class SourceStatus:
    """What the mirror holds of one source, what of its last run did not work, and how many changes are in which state.

    Attributes:
        watchers: who watches it, with what each is still to be told of it.
    """

    name: str
    failures: Sequence[Failure]
    types: Sequence[TypeStatus]
    waiting: Mapping[State, int] = field(default_factory=dict)
    watchers: Sequence[WatcherStatus] = ()
