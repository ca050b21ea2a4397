"""Time as RT tells and takes it: stamps, revisions, and how far back a search must reach.

A search of tickets cannot be given an instant: RT reads a date in the user's own time zone (rt.md §5.3). Only
`'-N seconds'` is safe, and that is an hour off when the clocks of the user's zone were changed within those seconds.
"""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from hashlib import blake2s
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from mirror.model.page import PROVISIONAL

NO_DATE = "1970-01-01T00:00:00Z"  # rt.md §3.3; also what a date reads as that the account may not see

_SETTLED_AFTER_SECONDS = 3  # one for the whole-second stamp, two for clocks of web servers that differ
_LONG = timedelta(days=20)  # a spring and an autumn change inside a long interval cancel out and would not be seen
_LONG_SLACK = timedelta(days=1)
_SPARE = timedelta(seconds=100)  # with an hour of summer time, the 3,700 s of rt.md §7.2


def stamp(text: str) -> str | None:
    """Return RT's `YYYY-MM-DDTHH:MM:SSZ` as `YYYY-MM-DDTHH:MM:SS.000Z`, None for "no date".

    Raises:
        ValueError: it is not such a text.
    """
    if text == NO_DATE:
        return None
    if len(text) != len(NO_DATE) or text[10] != "T" or text[-1] != "Z":
        raise ValueError(text)
    return text[:-1] + ".000Z"


def instant(text: str) -> datetime | None:
    """Return the instant of a stamp as RT writes it; None for "no date" or an unreadable one."""
    try:
        return None if text == NO_DATE else datetime.fromisoformat(text).astimezone(UTC)
    except ValueError:
        return None


def settled(changed_at: datetime, server_time: datetime) -> bool:
    """Return whether no further change can carry the stamp `changed_at`, judged by the server's own clock."""
    return (server_time - changed_at).total_seconds() >= _SETTLED_AFTER_SECONDS


def revision(text: str, server_time: datetime, *, listed: bool) -> str:
    """Return the revision of a record with that LastUpdated, read at `server_time`.

    Stamps have whole seconds (rt.md §1.6): a record read within the second of its change may change again under the
    same stamp. It gets a mark, one for rows and another for listed keys, so that the two never match and the record
    is read again.
    """
    changed_at = instant(text)
    if changed_at is not None and settled(changed_at, server_time):
        return text
    return text + ("?" if listed else PROVISIONAL)


def content_revision(document: bytes) -> str:
    """Return the revision of a record without a readable stamp: a digest of what it shows."""
    return blake2s(document, digest_size=12).hexdigest()


def in_sql(moment: datetime) -> str:
    """Return `moment` as JSON conditions compare it: `YYYY-MM-DD HH:MM:SS`, UTC (rt.md §4.3)."""
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")


def seconds_back(since: datetime, now: datetime) -> int:
    """Return N so that `LastUpdated > '-N seconds'`, evaluated at `now`, finds all that changed at or after `since`.

    Args:
        now: the server's clock.
    """
    back = max(now - since, timedelta(0)) + timedelta(seconds=1) + clock_change(since, now)
    return int(back.total_seconds()) + 1


def clock_change(since: datetime, now: datetime) -> timedelta:
    """Return how wrong an interval of local time from `since` to `now` can be, zero when no clock was changed.

    The user's zone is the profile's or else the server's, which nobody shows (rt.md §5.3); so any zone is possible. On
    eleven days of twelve no zone in the world changes its clocks.
    """
    if now - since > _LONG:
        return _LONG_SLACK
    first, last = since - timedelta(days=1), now + timedelta(days=1)
    largest = max((_shift(zone, first, last) for zone in _zones()), default=timedelta(hours=1))
    return largest + _SPARE if largest else timedelta(0)


def _shift(zone: ZoneInfo, first: datetime, last: datetime) -> timedelta:
    before, after = first.astimezone(zone).utcoffset(), last.astimezone(zone).utcoffset()
    return abs((after or timedelta(0)) - (before or timedelta(0)))


@lru_cache(maxsize=1)
def _zones() -> tuple[ZoneInfo, ...]:
    """Return every zone this machine has data of; none on a machine without."""
    found = []
    for name in sorted(available_timezones()):
        with suppress(ZoneInfoNotFoundError, ValueError, OSError):
            found.append(ZoneInfo(name))
    return tuple(found)
