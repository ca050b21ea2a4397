"""Time as RT reads and writes it: stored in UTC, searched in the user's own zone. rt.md §5.3, §6.3"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from mirror.simulators.rt.columns import NO_DATE

_STORED = "%Y-%m-%d %H:%M:%S"
_UNITS = {"second": 1, "minute": 60, "hour": 3600, "day": 86_400, "week": 604_800}
_BACK = re.compile(r"^-\s*(\d+)\s*(second|minute|hour|day|week)s?$|^(\d+)\s*(second|hour|day|week)s? ago$", re.I)
_WRITTEN = re.compile(
    r"^(\d{4}-\d{2}-\d{2})(?:(?:\s+|T)(\d{2}:\d{2})(:\d{2})?)?(?:\s*(UTC|GMT|[+-]\d{2}:?\d{2}))?$", re.IGNORECASE
)
_ZULU = re.compile(r"^(\d{4}-\d{2}-\d{2})T\d{2}:\d{2}:\d{2}(?:\.\d+)?Z$|^(\d{4}-\d{2}-\d{2}) \d{2}:\d{2}:\d{2}(?:\.\d+)?Z$")
_SQL = re.compile(r"^(\d{4}-\d{2}-\d{2}) (\d{2}:\d{2}:\d{2})$")
_ISO = re.compile(r"^(\d{4}-\d{2}-\d{2})[ T](\d{2}:\d{2}:\d{2})Z?$")


def stored(moment: datetime) -> str:
    """Return an instant as it is stored."""
    return moment.astimezone(UTC).strftime(_STORED)


def shown(text: str | None) -> str:
    """Return a stored date as REST 2.0 shows it; what cannot be read is shown as no date (rt.md §6.3)."""
    if not text:
        text = NO_DATE
    found = _SQL.match(text)
    return f"{found[1]}T{found[2]}Z" if found else "1970-01-01T00:00:00Z"


def instant(text: str) -> datetime:
    """Return the instant of a stored date."""
    return datetime.strptime(text, _STORED).replace(tzinfo=UTC)


def zone_named(name: str | None, default: str) -> ZoneInfo:
    """Return a user's zone, or that of the server."""
    try:
        return ZoneInfo(name or default)
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo("UTC")


def understood(text: str, zone: ZoneInfo, now: datetime) -> str:
    """Return what RT takes a written date for, as it is stored (rt.md §5.3); nonsense is 1970."""
    text = text.strip()
    back = _BACK.match(text)
    if back:
        count, unit = (back[1], back[2]) if back[1] else (back[3], back[4])
        return _earlier(now, int(count) * _UNITS[unit.lower()], zone)
    if text.lower() in ("now", "today"):
        return stored(now)
    zulu = _ZULU.match(text)
    if zulu:
        return _in_zone(f"{zulu[1] or zulu[2]} 00:00:00", zone)
    written = _WRITTEN.match(text)
    if written is None:
        return NO_DATE
    clock = f"{written[2]}{written[3] or ':00'}" if written[2] else "00:00:00"
    return _in_zone(f"{written[1]} {clock}", zone, _offset(written[4]))


def on_create(text: str) -> str:
    """Return a date given to a new ticket: `YYYY-MM-DD[ T]HH:MM:SS[Z]`, anything else is lost (rt.md §6.3)."""
    found = _ISO.match(text)
    return f"{found[1]} {found[2]}" if found else NO_DATE


def day_of(text: str, zone: ZoneInfo) -> tuple[str, str]:
    """Return the stored bounds of the day, in the zone, that a stored date falls on; the second one is outside."""
    start = instant(text).astimezone(zone).replace(hour=0, minute=0, second=0)
    following = (start.replace(tzinfo=None) + timedelta(days=1)).replace(tzinfo=zone)
    return stored(start), stored(following)


def local_words(text: str, zone: ZoneInfo) -> str:
    """Return a stored date as messages write it, in the user's zone; `Not set` for no date."""
    if not text or text == NO_DATE or not _SQL.match(text):
        return "Not set"
    return f"{instant(text).astimezone(zone):%a %b %d %H:%M:%S %Y}"


def _earlier(now: datetime, seconds: int, zone: ZoneInfo) -> str:
    """Subtract on the wall clock of the zone: an hour wrong across a change of clocks (rt.md §5.3)."""
    try:
        wall = now.astimezone(zone).replace(tzinfo=None) - timedelta(seconds=seconds)
        return stored(wall.replace(tzinfo=zone))
    except OverflowError:
        return NO_DATE


def _in_zone(wall: str, zone: ZoneInfo, offset: timedelta = timedelta(0)) -> str:
    try:
        return stored((datetime.fromisoformat(wall) - offset).replace(tzinfo=zone))
    except (ValueError, OverflowError):
        return NO_DATE


def _offset(text: str | None) -> timedelta:
    if not text or text[0] not in "+-":
        return timedelta(0)
    digits = text[1:].replace(":", "")
    found = timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))
    return -found if text[0] == "-" else found
