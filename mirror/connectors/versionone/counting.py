"""How many rows there are where no answer tells: found between offsets that hold a row and offsets that do not.

Source: versionone.md C1 (`total` may be missing), §8.1 (query.v1 never has one).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from mirror.connectors.versionone.question import Form, Question, Reply

_LARGEST = 1 << 24
_PROBES = 8
"""Offsets tried at once for each question where many go in one request; else one, which halves."""


@dataclass(slots=True)
class _Bounds:
    """There are at least `known` rows, and at most `beyond`."""

    known: int = 0
    beyond: int = _LARGEST
    failed: bool = False

    def offsets(self, probes: int) -> list[int]:
        """Return where to look next, ascending; nothing once the number is found."""
        if self.failed or self.known >= self.beyond:
            return []
        if self.beyond < _LARGEST:
            width = self.beyond - self.known
            return sorted({self.known + width * each // (probes + 1) for each in range(1, probes + 1)})
        if probes == 1:
            return [2 * self.known]
        return [0, *(1 << power for power in range(_LARGEST.bit_length() - 1))]

    def learn(self, offset: int, reply: Reply) -> None:
        """Take in what was at an offset."""
        if reply.failure:
            self.failed = True
        elif reply.documents:
            self.known = max(self.known, offset + 1)
        else:
            self.beyond = min(self.beyond, offset)


def counts(form: Form, questions: Sequence[Question]) -> list[int | None]:
    """Return how many rows each question has; None for one that is refused."""
    bounds = [_Bounds() for _ in questions]
    probes = _PROBES if form.batches else 1
    while wanted := [(at, offset) for at, each in enumerate(bounds) for offset in each.offsets(probes)]:
        asked = [replace(questions[at], picks=(), start=offset, size=1, proof=False) for at, offset in wanted]
        for (at, offset), reply in zip(wanted, form.ask(asked), strict=True):
            bounds[at].learn(offset, reply)
    return [None if each.failed else each.known for each in bounds]
