"""Lengths of time as people write them, `timedelta`, seconds or `15m`: how old a mirror may be, how long to wait."""

from __future__ import annotations

import re
from collections.abc import Collection
from datetime import datetime, timedelta

from mirror.errors import UsageError
from mirror.store.store import Store

Age = timedelta | float | str

_OFFERED = "offered"
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_AGE = re.compile(r"\s*(\d+(?:\.\d+)?)\s*([smhd])\s*", re.ASCII)


def age_of(given: Age) -> timedelta:
    """Return a length of time; a number is in seconds.

    Raises:
        UsageError: it is none.
    """
    match = _AGE.fullmatch(given.lower()) if isinstance(given, str) else None
    try:
        if match is not None:
            return timedelta(**{_UNITS[match[2]]: float(match[1])})
        if not isinstance(given, str):
            return given if isinstance(given, timedelta) else timedelta(seconds=given)
    except (ValueError, OverflowError):  # not a number, or more than a timedelta holds
        pass
    raise UsageError(f"{given!r} is no length of time; say 90s, 15m, 2h or 1d")


def is_fresh(store: Store, source: str, age: Age | None, now: datetime, *, types: Collection[str] = ()) -> bool:
    """Return whether a source was brought up to date within that time; never when there is no such time.

    Args:
        now: our time, aware. What claims to be newer was noted when the clock was wrong, and counts for nothing.
        types: only these, in whatever case; all that it offers when there are none.
    """
    if age is None:
        return False
    names, since = {each.lower() for each in types}, now - age_of(age)
    there = [each for each in store.status(source) if each.state == _OFFERED]
    asked = [each for each in there if not names or each.type_name.lower() in names]
    is_known = len(asked) == len(names) if names else bool(asked)
    return is_known and all(each.complete_at is not None and since <= each.complete_at <= now for each in asked)
