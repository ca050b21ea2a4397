"""What RT takes a date for that is written in a query: absolute, relative, or nonsense.

RT reads dates with two lenient libraries, on the wall clock of the user's time zone (rt.md §5.3). The forms here are those
that were tried on RT 5.0.3; of the rest, such as `the day before yesterday`, RT understands most as little as we do.
"""

from __future__ import annotations

import re
from calendar import monthrange
from datetime import UTC, date, datetime, timedelta, tzinfo

_MONTHS = "jan feb mar apr may jun jul aug sep oct nov dec".split()
_WEEKDAYS = "monday tuesday wednesday thursday friday saturday sunday".split()
_DAYS = {"day": 1, "week": 7}
_SECONDS = {"sec": 1, "second": 1, "min": 60, "minute": 60, "hour": 3600}
_UNIT = "(second|sec|minute|min|hour|day|week|month|year)s?"

_MONTH = "|".join(_MONTHS)
_SHORT = "|".join(each[:3] for each in _WEEKDAYS)
_DAY = re.compile(
    r"(?P<year>\d{4})(?P<sign>[-/.])(?P<month>\d{1,2})(?P=sign)(?P<day>\d{1,2})"
    r"|(?P<d2>\d{1,2})(?P<sign2>[-/.])(?P<m2>\d{1,2})(?P=sign2)(?P<y2>\d{4}|\d{2}(?!\d))"
    rf"|(?P<d5>\d{{1,2}})(?P<sign5>[-/])(?P<m5>(?:{_MONTH})[a-z]*)(?P=sign5)(?P<y5>\d{{4}}|\d{{2}}(?!\d))"
    rf"|(?P<m6>(?:{_MONTH})[a-z]*)(?P<sign6>[-/])(?P<d6>\d{{1,2}})(?P=sign6)(?P<y6>\d{{4}})"
    r"|(?P<d7>\d{1,2})/(?P<m7>0?[1-9]|1[0-2])(?![-/.\d])"
    rf"|(?:(?:{_SHORT}), )?(?P<d3>\d{{1,2}})(?:st|nd|rd|th)?\s+(?P<m3>(?:{_MONTH})[a-z]*)(?:\s+(?P<y3>\d{{4}}))?"
    rf"|(?P<m4>(?:{_MONTH})[a-z]*)\s+(?P<d4>\d{{1,2}})(?:st|nd|rd|th)?(?:,?\s+(?P<y4>\d{{4}}))?(?!\d|:)"
)
_CLOCK = re.compile(
    r"(?P<hour>\d{1,2}):(?P<minute>\d\d)(?::(?P<second>\d\d)(?:\.\d+)?)?\s*(?P<half>am|pm)?"
    r"|(?P<only>\d{1,2})\s*(?P<half2>am|pm)|(?P<word>noon|midnight)"
)
_ZONE = re.compile(r"utc|gmt|z|(?P<sign>[+-])(?P<hours>\d\d):?(?P<minutes>\d\d)")
_AMOUNT = re.compile(rf"(?P<count>[+-]?\s*\d+)\s*{_UNIT}")
_ZULU = re.compile(r"(\d{4}-\d\d-\d\d)[t ]\d\d:\d\d:\d\d(?:\.\d+)?z")
_FOUR_DIGITS = re.compile(rf"(\d\d)(\d\d)(?:\s+{_UNIT}(?:\s+ago)?)?")
_NEXT = re.compile(rf"(?P<way>next|last)\s+(?P<what>week|month|year|{'|'.join(_WEEKDAYS)})")
_CENTURY_TURNS = 90  # of years in two digits; RT's library moves it on from year to year
_UNSURE = re.compile(
    rf"\b(?:{_MONTH}|{_SHORT})[a-z]*\b|\b{_UNIT}\b|\d[-/.]\w|\d\s*[dhmwy]\b|^\d{{1,3}}$"
    r"|\b(?:next|last|this|today|yesterday|tomorrow|noon|midnight|morning|evening|quarter)\b"
)
_MIDNIGHTS = {"next day": 1, "last day": -1}


def understood(text: str, zone: tzinfo, now: datetime) -> datetime | None:
    """Return the instant, aware, UTC, whole seconds; None for what RT takes for no date, that is for 1970.

    Args:
        zone: of the user, as RT's profile has it; offsets that a date carries count besides it, `UTC` and `Z` do not.
        now: aware.
    """
    wall = now.astimezone(zone).replace(tzinfo=None, microsecond=0)
    try:
        found = _on_wall(re.sub(r"\s+", " ", text.strip().lower()), wall)
        return None if found is None else found.replace(tzinfo=zone).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def is_unsure(text: str) -> bool:
    """Return whether RT may understand what `understood` does not: words of a date, or numbers like one, are in it."""
    return bool(_UNSURE.search(text.lower()))


def day_of(moment: datetime, zone: tzinfo) -> tuple[datetime, datetime]:
    """Return the beginning of the day in the zone, and that of the next one."""
    start = moment.astimezone(zone).replace(hour=0, minute=0, second=0, tzinfo=None)
    return start.replace(tzinfo=zone).astimezone(UTC), (start + timedelta(days=1)).replace(tzinfo=zone).astimezone(UTC)


def _on_wall(text: str, wall: datetime) -> datetime | None:
    zulu = _ZULU.fullmatch(text)
    if zulu:  # the time is lost (rt.md §1.1)
        return datetime.fromisoformat(zulu[1])
    four = _FOUR_DIGITS.fullmatch(text)
    if four:  # `1000 minutes ago` is ten o'clock (rt.md §5.3)
        return _midnight(wall) + timedelta(hours=int(four[1]), minutes=int(four[2])) if int(four[2]) < 60 else None
    day = _DAY.match(text)
    if day:
        start = _written_day(day, wall)
        return None if start is None else _with_clock(start, text[day.end() :])
    clock = _CLOCK.match(text)
    if clock and _clock(clock) is not None:
        rest = _word_of_day(text[clock.end() :].strip() or "today", wall)
        return None if rest is None else _midnight(rest) + (_clock(clock) or timedelta())
    return _relative(text, wall)


def _written_day(found: re.Match[str], wall: datetime) -> datetime | None:
    parts = {name: part for name, part in found.groupdict().items() if part is not None and not name.startswith("sign")}
    year = next((int(part) for name, part in parts.items() if name[0] == "y"), None)
    day = next(part for name, part in parts.items() if name[0] == "d")
    month = next(part for name, part in parts.items() if name[0] == "m")
    if year is not None and year < 100:
        year += 2000 if year < _CENTURY_TURNS else 1900
    if not month.isdigit():
        if not _is_month(month):
            return None
        month = str(_MONTHS.index(month[:3]) + 1)
    years, months = divmod(int(month) - 1, 12)  # 2026-02-30 is the second of March
    first = datetime.combine(date((year or wall.year) + years, months + 1, 1), datetime.min.time())
    return first + timedelta(days=int(day) - 1)


def _is_month(word: str) -> bool:
    whole = date(2000, _MONTHS.index(word[:3]) + 1, 1).strftime("%B").lower()
    return len(word) == 3 or word == whole


def _with_clock(start: datetime, rest: str) -> datetime | None:
    """Return the day with the time of day and the offset that follow it."""
    rest = rest.removeprefix("t").strip().removeprefix("at ").strip()
    clock = _CLOCK.match(rest)
    if clock:
        time = _clock(clock)
        if time is None:
            return None
        start, rest = start + time, rest[clock.end() :].strip()
    if not rest:
        return start
    zone = _ZONE.fullmatch(rest)
    if zone is None:
        return None
    offset = timedelta(hours=int(zone["hours"] or 0), minutes=int(zone["minutes"] or 0))
    return start + offset if zone["sign"] == "-" else start - offset


def _clock(found: re.Match[str]) -> timedelta | None:
    if found["word"]:
        return timedelta(hours=12 if found["word"] == "noon" else 0)
    hour, half = int(found["hour"] or found["only"]), found["half"] or found["half2"]
    minute, second = int(found["minute"] or 0), int(found["second"] or 0)
    if half:
        if not 1 <= hour <= 12:
            return None
        hour = hour % 12 + (12 if half == "pm" else 0)
    return timedelta(hours=hour, minutes=minute, seconds=second) if hour <= 24 and minute < 60 and second < 60 else None


def _relative(text: str, wall: datetime) -> datetime | None:
    if text in _MIDNIGHTS:
        return _midnight(wall) + timedelta(days=_MIDNIGHTS[text])
    if (found := _of_this(text, wall)) is not None:
        return found
    clock = next((each for each in _CLOCK.finditer(text) if each.end() == len(text)), None)
    if clock is None:
        return _word_of_day(text, wall)
    words = text[: clock.start()].strip().removesuffix(" at")
    named = _of_this(words, wall) if words.removeprefix("this ") in _WEEKDAYS else None
    day = named if named is not None and clock["word"] is None else _word_of_day(words, wall)
    time = _clock(clock)
    return None if day is None or time is None else _midnight(day) + time


def _of_this(text: str, wall: datetime) -> datetime | None:
    """Return a day of this week, or the beginning of this month or year, or of a month of this year."""
    name, today = text.removeprefix("this "), _midnight(wall)
    if name in _WEEKDAYS:
        return today + timedelta(days=_WEEKDAYS.index(name) - today.weekday())
    if text in ("this month", "this year"):
        return today.replace(day=1, month=1 if name == "year" else today.month)
    if text[:3] in _MONTHS and _is_month(text):
        return today.replace(day=1, month=_MONTHS.index(text[:3]) + 1)
    return None


def _word_of_day(text: str, wall: datetime) -> datetime | None:
    """Return a moment at the present time of day, unless hours or less are counted."""
    if text in ("now", "today", "yesterday", "tomorrow"):
        return wall + timedelta(days={"yesterday": -1, "tomorrow": 1}.get(text, 0))
    named = _NEXT.fullmatch(text)
    if named:
        return _next(named["what"], wall, 1 if named["way"] == "next" else -1)
    sign = -1 if text.endswith(" ago") else 1
    rest = text.removesuffix(" ago").removesuffix(" from now").removeprefix("in ").strip()
    amounts = list(_AMOUNT.finditer(rest))
    if not amounts or _AMOUNT.sub("", rest).strip():
        return None
    counts = [(sign * int(each["count"].replace(" ", "")), each[2]) for each in amounts]
    return _counted(counts, wall)


def _counted(counts: list[tuple[int, str]], wall: datetime) -> datetime | None:
    """Return the moment so many days, and then so many hours or less, away; RT gets more than that wrong."""
    units = [unit in _SECONDS for _count, unit in counts]
    if units not in ([True], [False], [False, True]) or (len(units) == 2 and counts[0][1] not in _DAYS):
        return None
    for count, unit in counts:
        if unit in _SECONDS:
            wall += timedelta(seconds=count * _SECONDS[unit])
        elif unit in _DAYS:
            wall += timedelta(days=count * _DAYS[unit])
        else:
            wall = _months_later(wall, count * (12 if unit == "year" else 1))
    return wall


def _next(what: str, wall: datetime, way: int) -> datetime:
    if what == "week":
        return wall + timedelta(days=7 * way)
    if what not in _WEEKDAYS:
        return _months_later(wall, way * (12 if what == "year" else 1))
    days = (_WEEKDAYS.index(what) - wall.weekday()) * way % 7 or 7
    return wall + timedelta(days=days * way)


def _months_later(wall: datetime, count: int) -> datetime:
    """Return the same day of another month, or its last day where that month is shorter."""
    years, month = divmod(wall.month - 1 + count, 12)
    year = wall.year + years
    return wall.replace(year=year, month=month + 1, day=min(wall.day, monthrange(year, month + 1)[1]))


def _midnight(wall: datetime) -> datetime:
    return wall.replace(hour=0, minute=0, second=0)
