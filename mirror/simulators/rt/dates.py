"""Time as RT reads and writes it: stored in UTC, searched in the user's own zone. rt.md §5.3, §6.3"""

from __future__ import annotations

import re
from calendar import monthrange
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from mirror.simulators.rt.columns import NO_DATE

_STORED = "%Y-%m-%d %H:%M:%S"
_UNITS = {"second": 1, "sec": 1, "minute": 60, "min": 60, "hour": 3600, "day": 86_400, "week": 604_800}
_MONTHS = {"month": 1, "year": 12}
_COUNTED = re.compile(
    rf"(?P<sign>[-+]?)\s*(?P<count>\d+)\s*(?P<unit>{'|'.join((*_UNITS, *_MONTHS))})s?(?P<ago>\s+ago)?(?:\s+from now)?", re.I
)
_NEXT = re.compile(r"(next|last)\s+(week|month|year)", re.I)
_OF_DAY = {"now": 0, "today": 0, "tomorrow": 86_400, "yesterday": -86_400}
_NAMED = re.compile(
    r"(?:(?P<day>\d{1,2})\s+(?P<month>[a-z]{3,9})|(?P<month2>[a-z]{3,9})\s+(?P<day2>\d{1,2}),?)\s+(?P<year>\d{4})", re.I
)
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
    text = re.sub(r"^(\d{4})[/.](\d\d)[/.](\d\d)", r"\1-\2-\3", text.strip())
    relative = _relative(text, now, zone)
    if relative is not None:
        return relative
    named = _NAMED.fullmatch(text)
    if named:
        return _named_day(named, zone)
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


def _relative(text: str, now: datetime, zone: ZoneInfo) -> str | None:
    """Return the moment that so much time away is, on the wall clock of the zone: so it misses changes of clocks."""
    wall = now.astimezone(zone).replace(tzinfo=None)
    coming = _NEXT.fullmatch(text)
    counted = _COUNTED.fullmatch(text if coming is None else f"{'+' if coming[1].lower() == 'next' else '-'}1 {coming[2]}")
    try:
        if text.lower() in _OF_DAY:
            wall += timedelta(seconds=_OF_DAY[text.lower()])
        elif counted is None:
            return None
        else:
            wall = _moved(wall, counted)
        return stored(wall.replace(tzinfo=zone))
    except (OverflowError, ValueError):
        return NO_DATE


def _moved(wall: datetime, counted: re.Match[str]) -> datetime:
    count, unit = int(counted["count"]), counted["unit"].lower()
    if not counted["sign"] and len(counted["count"]) == 4:  # `1000 minutes ago` is ten o'clock (rt.md §5.3)
        return wall.replace(hour=0, minute=0, second=0) + timedelta(hours=count // 100, minutes=count % 100)
    count = -count if counted["sign"] == "-" or counted["ago"] else count
    if unit in _UNITS:
        return wall + timedelta(seconds=count * _UNITS[unit])
    months = wall.year * 12 + wall.month - 1 + count * _MONTHS[unit]
    last = monthrange(months // 12, months % 12 + 1)[1]
    return wall.replace(year=months // 12, month=months % 12 + 1, day=min(wall.day, last))


def _named_day(found: re.Match[str], zone: ZoneInfo) -> str:
    word, day = (found["month"] or found["month2"])[:3], found["day"] or found["day2"]
    try:
        month = datetime.strptime(word, "%b").month  # noqa: DTZ007 - a month is no moment
    except ValueError:
        return NO_DATE
    return _in_zone(f"{found['year']}-{month:02d}-{int(day):02d} 00:00:00", zone)


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
