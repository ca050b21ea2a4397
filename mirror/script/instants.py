"""Instants as scripts and people say them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime

from mirror.errors import UsageError

Instant = datetime | date | str
"""An aware datetime, a day, which begins at midnight UTC, or either of them as ISO 8601 text."""

Several = Iterable[datetime] | Iterable[date] | list[str] | tuple[str, ...]
"""Several of them, of one sort."""


def instant_of(given: Instant, now: datetime) -> datetime:
    """Return an instant in UTC, whole milliseconds.

    Raises:
        UsageError: it is none, has no time zone, or is yet to come.
    """
    at = _parsed(given) if isinstance(given, str) else given
    if not isinstance(at, datetime):
        at = datetime(at.year, at.month, at.day, tzinfo=UTC)
    if at.tzinfo is None:
        raise UsageError(
            f"{given} says no time zone; write it as in {at.isoformat()}Z, which is UTC, or {at.isoformat()}+01:00"
        )
    at = at.astimezone(UTC)
    if at > now:
        raise UsageError(f"{given} is yet to come: the mirror knows what was, up to now")
    return at.replace(microsecond=at.microsecond // 1000 * 1000)


def _parsed(text: str) -> datetime | date:
    try:
        if len(text.strip()) == len("2026-03-01"):
            return date.fromisoformat(text.strip())
        return datetime.fromisoformat(text.strip())
    except ValueError:
        raise UsageError(
            f"{text!r} is no instant; write one such as 2026-03-01T09:30:00Z, or a day such as 2026-03-01"
        ) from None
