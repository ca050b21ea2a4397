"""What a comparison of mirror and tracker finds: drift, record by record, and its numbers by type."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from mirror.model.page import Fate


class Drift(StrEnum):
    """How a stored record differs from the tracker's."""

    MISSING = "missing"  # there, but not here
    STALE = "stale"  # here in another revision
    SURPLUS = "surplus"  # here, but not there any more
    DIFFERING = "differing"  # the same revision, and yet another value; only whole records show it


@dataclass(frozen=True, slots=True)
class Difference:
    """One column or link table of a record that holds something else than the tracker.

    Attributes:
        name: of the column or the link table.
        here: as it is stored; of a link table the list of its targets or values, in order.
        there: as it would be stored.
    """

    name: str
    here: object
    there: object


@dataclass(frozen=True, slots=True)
class Drifted:
    """One record that is not as it is on the tracker.

    Attributes:
        key: what people call it (`DE17`); None when the type has no such field, or it is not known.
        changed_at: text timestamp of the tracker's record, or of its deletion; None when not known.
        is_new: it changed so late that the next sync asks for it anyhow; None when that cannot be told.
        fate: of a surplus record, what the tracker says became of it.
        differences: of a stale or differing record that was read, what differs; the stamp and the mirror's own columns last.
        note: why it cannot be stored, where that is so; else empty.
        repaired: it was brought in line afterwards.
    """

    type_name: str
    id: int
    drift: Drift
    key: str | None = None
    changed_at: str | None = None
    is_new: bool | None = None
    fate: Fate | None = None
    differences: tuple[Difference, ...] = ()
    note: str = ""
    repaired: bool = False


@dataclass(frozen=True, slots=True)
class Verification:
    """The numbers of the comparison of one type.

    Attributes:
        verified_at: when it began, our time, UTC, aware.
        records: how many the tracker listed; identity and revision of each were compared.
        sampled: how many of them were compared whole, value by value.
        repaired: something differed, and all of it was brought in line afterwards.
    """

    type_name: str
    verified_at: datetime
    records: int
    missing: int = 0
    stale: int = 0
    surplus: int = 0
    sampled: int = 0
    differing: int = 0
    repaired: bool = False

    @property
    def drift_count(self) -> int:
        """How many records differed in any way."""
        return self.missing + self.stale + self.surplus + self.differing
