"""What a running sync or verification has done and what is left of it, added up from its events. Draws nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from mirror.model.event import Compared, Event, Expected, Phase, Stored


@dataclass(slots=True)
class PhasePace:
    """One phase of one source.

    Attributes:
        expected: records by type, as announced.
        received: records by type.
        started_at: in seconds of the clock in use, when the phase was first heard of.
        type_name: the type heard of last.
    """

    started_at: float
    expected: dict[str, int] = field(default_factory=dict)
    received: dict[str, int] = field(default_factory=dict)
    type_name: str = ""

    @property
    def done(self) -> int:
        """Records received so far."""
        return sum(self.received.values())

    @property
    def total(self) -> int | None:
        """Records in all, as far as announced; None when nothing was."""
        if not self.expected:
            return None
        names = self.expected.keys() | self.received.keys()
        return sum(max(self.expected.get(name, 0), self.received.get(name, 0)) for name in names)

    def rate(self, now: float) -> float:
        """Records per second since the phase began."""
        return self.done / max(now - self.started_at, 0.001)

    def seconds_left(self, now: float) -> float | None:
        """Return how long the rest takes at this rate; None when that cannot be said."""
        if self.total is None or self.done == 0:
            return None
        return (self.total - self.done) / self.rate(now)

    def finished(self, type_name: str) -> bool:
        """Return whether all that was announced of the type has come."""
        return type_name in self.expected and self.received.get(type_name, 0) >= self.expected[type_name]


class Pace:
    """All phases of a run.

    Args:
        clock: monotonic seconds.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self.phases: dict[tuple[str, Phase], PhasePace] = {}

    def now(self) -> float:
        """Return the clock's seconds."""
        return self._clock()

    def add(self, event: Event) -> PhasePace | None:
        """Take account of `event` and return the phase it belongs to, if it moves one."""
        if not isinstance(event, Expected | Stored | Compared):
            return None
        phase = self.phases.setdefault((event.source, event.phase), PhasePace(self._clock()))
        phase.type_name = event.type_name
        if isinstance(event, Expected):
            phase.expected[event.type_name] = event.count
        else:
            phase.received[event.type_name] = phase.received.get(event.type_name, 0) + event.received
        return phase


def subject(type_name: str) -> str:
    """Return what a failure is about: a type, or when it has no name everything of the source."""
    return type_name or "all types"


def duration(seconds: float) -> str:
    """Return seconds for people: `0.4 s`, `42 s`, `3 min 05 s`, `2 h 10 min`."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


def ago(at: datetime, now: datetime) -> str:
    """Return how long before `now` an instant was: `42 s ago`, `2 h 10 min ago`, `3 days ago`."""
    seconds = max((now - at).total_seconds(), 0.0)
    days = int(seconds // 86_400)
    return f"{days} days ago" if days > 1 else f"{duration(seconds)} ago"
