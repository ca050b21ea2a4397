"""How far a load has come, and what is known about each mirrored type: facts the store keeps for the engine."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from mirror.model.verification import Verification


@dataclass(frozen=True, slots=True)
class Slice:
    """One key range of the first load of a type, and how much of it is stored.

    The slices of one type never overlap, so (source, type_name, until) identifies one while `after` moves up.

    Attributes:
        after: the highest id that is stored, or known to be absent; the next page starts behind it.
        until: the last id of the range; None means open to the end.
        started_at: the tracker's own time when the load of the type began, UTC, aware.
        done: nothing is left in the range.
    """

    source: str
    type_name: str
    after: int
    until: int | None
    started_at: datetime
    done: bool = False


@dataclass(frozen=True, slots=True)
class Watermark:
    """Up to where the changes of a type are stored.

    Attributes:
        at: the tracker's own time, UTC, aware.
        position: the highest of the tracker's own running numbers of changes that was listed; None when it has none.
    """

    at: datetime
    position: int | None = None


@dataclass(frozen=True, slots=True)
class Failure:
    """One thing that did not work in a run: the type, what was being done to it, and why in a sentence."""

    type_name: str
    phase: str
    reason: str


@dataclass(frozen=True, slots=True)
class TypeStatus:
    """What the mirror holds of one type of one source.

    Attributes:
        state: `offered`, or `vanished` when the tracker no longer lists the type.
        watermark: changes up to here are stored, tracker's time, UTC; None before the first load ended.
        synced_at: when something about the type was last stored, our time, UTC; None when never.
        complete_at: everything that had changed on the tracker before then is stored, our time, UTC; None before the first
            sync that left nothing of the type out.
        verified: what the last comparison with the tracker found; None when there was none.
    """

    type_name: str
    table: str
    rows: int
    tombstones: int
    quarantined: int
    watermark: datetime | None
    synced_at: datetime | None
    complete_at: datetime | None
    state: str
    verified: Verification | None = None

    @property
    def fresh_at(self) -> datetime | None:
        """What had changed on the tracker before then is here, our time, UTC: what a sync or a verification last ensured."""
        compared = self.verified
        is_sound = compared is not None and (compared.repaired or not compared.drift_count)
        verified_at = compared.verified_at if compared is not None and is_sound else None
        return max(filter(None, [self.complete_at, verified_at]), default=None)
