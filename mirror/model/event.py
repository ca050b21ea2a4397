"""Facts about a running sync, push or verification, for whoever draws its progress."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from mirror.model.change import Change


class Phase(StrEnum):
    """What is being done to a type."""

    DISCOVER = "discover"
    LOAD = "load"
    CHANGES = "changes"
    DELETIONS = "deletions"
    LINKS = "links"
    KEYS = "keys"  # verifying: identity and revision of every record
    RECORDS = "records"  # verifying: whole records
    REPAIR = "repair"


@dataclass(frozen=True, slots=True)
class Tally:
    """Rows by what happened to them."""

    inserted: int = 0
    updated: int = 0
    unchanged: int = 0
    tombstoned: int = 0
    quarantined: int = 0

    def __add__(self, other: Tally) -> Tally:
        return Tally(
            self.inserted + other.inserted,
            self.updated + other.updated,
            self.unchanged + other.unchanged,
            self.tombstoned + other.tombstoned,
            self.quarantined + other.quarantined,
        )


@dataclass(frozen=True, slots=True)
class SyncStarted:
    """A source begins."""

    source: str


@dataclass(frozen=True, slots=True)
class Expected:
    """So many records of a type are about to come; may be repeated with a better number."""

    source: str
    type_name: str
    phase: Phase
    count: int


@dataclass(frozen=True, slots=True)
class Stored:
    """A page is in the database."""

    source: str
    type_name: str
    phase: Phase
    received: int
    tally: Tally


@dataclass(frozen=True, slots=True)
class VerifyStarted:
    """The comparison of a source begins."""

    source: str


@dataclass(frozen=True, slots=True)
class Compared:
    """So many records of a type were compared with what is stored."""

    source: str
    type_name: str
    phase: Phase
    received: int


@dataclass(frozen=True, slots=True)
class PushStarted:
    """A push of a source begins; `count` changes are to be written."""

    source: str
    count: int


@dataclass(frozen=True, slots=True)
class Pushed:
    """A change that was sent ended, or got another state.

    Attributes:
        label: what people called the record when the push began.
        outcome: a word of model.change.End or State.
        words: what the tracker said, or why.
    """

    source: str
    label: str
    change: Change
    outcome: str
    words: str


@dataclass(frozen=True, slots=True)
class PushEnded:
    """A push of a source is over.

    Attributes:
        paused: why it ended before all was sent; "" when it did not.
    """

    source: str
    requests: int
    seconds: float
    paused: str = ""


@dataclass(frozen=True, slots=True)
class Waiting:
    """The credential is parked; nothing is sent for that long."""

    source: str
    seconds: float
    reason: str


@dataclass(frozen=True, slots=True)
class SliceFailed:
    """One slice is incomplete; its watermark was not moved and nothing was tombstoned on its account."""

    source: str
    type_name: str
    phase: Phase
    reason: str


@dataclass(frozen=True, slots=True)
class SyncEnded:
    """A source is done, wholly or in part."""

    source: str
    tally: Tally
    requests: int
    seconds: float
    failed: tuple[SliceFailed, ...] = ()


Event = (
    SyncStarted
    | VerifyStarted
    | PushStarted
    | Expected
    | Stored
    | Compared
    | Pushed
    | Waiting
    | SliceFailed
    | SyncEnded
    | PushEnded
)
