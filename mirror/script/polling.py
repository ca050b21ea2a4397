"""Again and again: how often, and what goes on when something went wrong."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta

from mirror.engine.sync import SyncReport
from mirror.errors import MirrorError, UsageError
from mirror.queue_api.summaries import Outcome
from mirror.script.ages import Age, age_of
from mirror.script.watching import Delivery

SHORTEST = timedelta(seconds=1)
QUICK = timedelta(seconds=30)
"""Below that trackers may begin to slow down or refuse whoever asks them."""


@dataclass(frozen=True, slots=True)
class Round:
    """What came of one round of `Mirror.poll`.

    Attributes:
        deliveries: what watchers were told, one for each.
        error: why there was nothing of it; None when there was.
    """

    outcomes: Sequence[Outcome[SyncReport]] = ()
    deliveries: Sequence[Delivery] = ()
    error: MirrorError | None = None


def warn_of(done: Round) -> None:
    """Make warnings of what went wrong in a round; callbacks that failed have been warned of."""
    found = [f"{each.source}: {'; '.join(_troubles(each))}" for each in done.outcomes if each.exit_code]
    for each in found if done.error is None else [str(done.error)]:
        warnings.warn(f"not up to date, tried again in the next round: {each}", RuntimeWarning, stacklevel=4)


def _troubles(outcome: Outcome[SyncReport]) -> list[str]:
    if outcome.error is not None:
        return [str(outcome.error)]
    report = outcome.report
    if report is None:
        return []
    failed = (f"{each.type_name}: {each.reason}" if each.type_name else each.reason for each in report.failed)
    return list(dict.fromkeys([*failed, *map(str, report.refused)]))


def interval_of(given: Age) -> timedelta:
    """Return how long to wait between one round and the next.

    Raises:
        UsageError: it is no time, or too short for any tracker.
    """
    interval = age_of(given)
    if interval < SHORTEST:
        raise UsageError(f"{given} is too short to ask a tracker again; say 30s, 5m or 1h")
    return interval


def ticks(every: Age, *, times: int | None, sleep: Callable[[float], None] = time.sleep) -> Iterator[int]:
    """Yield the number of each round, from 1, with the wait in between.

    Args:
        times: how many; None for ever.

    Raises:
        UsageError: `every` is no time, or too short.
    """
    interval = interval_of(every)
    number = 0
    while times is None or number < times:
        if number:
            sleep(interval.total_seconds())
        number += 1
        yield number
