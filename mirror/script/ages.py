"""How old a mirror may be: `timedelta(minutes=15)`, seconds, or `15m`."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

from mirror.errors import UsageError
from mirror.store.store import Store

Age = timedelta | float | str

_OFFERED = "offered"
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_AGE = re.compile(r"\s*(\d+(?:\.\d+)?)\s*([smhd])\s*")


def age_of(given: Age) -> timedelta:
    """Return an age; a number is in seconds.

    Raises:
        UsageError: it is none.
    """
    if isinstance(given, str):
        match = _AGE.fullmatch(given.lower())
        if match is None:
            raise UsageError(f"{given!r} is no age; say 90s, 15m, 2h or 1d")
        return timedelta(**{_UNITS[match[2]]: float(match[1])})
    return given if isinstance(given, timedelta) else timedelta(seconds=given)


def is_fresh(store: Store, source: str, age: Age | None, now: datetime) -> bool:
    """Return whether all types of a source were brought up to date within that time; never when there is no such time.

    Args:
        now: our time, aware.
    """
    if age is None:
        return False
    types = [each for each in store.status(source) if each.state == _OFFERED]
    since = now - age_of(age)
    return bool(types) and all(each.complete_at is not None and each.complete_at >= since for each in types)
