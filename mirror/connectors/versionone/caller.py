"""Who we are to the server, and the time zone in which it shows and reads our times.

Source: versionone.md §2 (IsSelf), §6.1 S (dates are written in the user's zone), §9 D.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from mirror.connectors.versionone.convert import stamp
from mirror.connectors.versionone.question import Flat, Pick, Question, flat
from mirror.connectors.versionone.server import Server

_TWINS = ("CreateDate", "ChangeDate")
_SAMPLES = 200
_DAYS_OF_YEAR = 366
_LARGEST_OFFSET = timedelta(hours=15)


@dataclass(frozen=True, slots=True)
class _Sample:
    """One instant that the server shows in UTC and in our zone."""

    utc: datetime
    offset: timedelta


class Caller:
    """The member that the credential belongs to; asked for once."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self._lock = threading.RLock()

    @property
    def oid(self) -> str:
        """`Member:20`; empty for a member who may not see itself."""
        with self._lock:
            return self._oid

    def local(self, instant: str) -> str | None:
        """Return an instant of a row, `YYYY-MM-DDTHH:MM:SS.mmmZ`, as clients write it: in our zone and without one.

        None when the server shows nothing that tells the zone.
        """
        at = datetime.fromisoformat(instant.removesuffix("Z"))
        offset = self._offset(at)
        return None if offset is None else (at + offset).isoformat(timespec="milliseconds")

    @property
    def zone(self) -> str:
        """The name of a zone whose clocks show our times as the server does, or its offset where that is always the same.

        Several zones may fit, which then differ only at times of which nothing is shown. "" when none does.
        """
        with self._lock:
            return _zone_of(self._samples)

    @cached_property
    def _oid(self) -> str:
        question = Question("Member", (Pick("Username"),), ("IsSelf='true'",), 1, proof=False)
        documents = self.server.form.send(question)().documents
        return str(flat(documents[0])["_oid"]) if documents else ""

    @cached_property
    def _samples(self) -> tuple[_Sample, ...]:
        names = [name for twin in _TWINS for name in (twin, f"{twin}UTC")]
        question = Question("Member", tuple(Pick(each) for each in names), (), _SAMPLES, proof=False)
        documents = self.server.form.send(question)().documents
        return tuple(each for document in documents for each in _samples_in(flat(document)))

    def _offset(self, at: datetime) -> timedelta | None:
        """Return how far our zone is ahead at an instant: what it was on a day nearest in the year, for summer time."""
        with self._lock:
            samples = self._samples
        if not samples:
            return None
        return min(samples, key=lambda each: (_days_apart(each.utc, at), abs(each.utc - at))).offset


def _zone_of(samples: Sequence[_Sample]) -> str:
    offsets = {each.offset for each in samples}
    if len(offsets) == 1:
        minutes = round(offsets.pop().total_seconds() / 60)
        return f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02}:{abs(minutes) % 60:02}"
    return next((name for name in sorted(available_timezones()) if samples and _fits(name, samples)), "")


def _fits(name: str, samples: Sequence[_Sample]) -> bool:
    try:
        zone = ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return all(each.utc.replace(tzinfo=UTC).astimezone(zone).utcoffset() == each.offset for each in samples)


def _samples_in(row: Flat) -> Iterator[_Sample]:
    for name in _TWINS:
        shown, utc = (stamp(_only(row.get(each))) for each in (name, f"{name}UTC"))
        if shown and utc:
            at = datetime.fromisoformat(utc[:-1])
            offset = datetime.fromisoformat(shown[:-1]) - at
            minutes = timedelta(minutes=round(offset.total_seconds() / 60))
            if abs(minutes) <= _LARGEST_OFFSET:
                yield _Sample(at, minutes)


def _only(value: object) -> str | None:
    found = value[0] if isinstance(value, list) and value else value
    return str(found) if found else None


def _days_apart(some: datetime, other: datetime) -> int:
    days = abs(some.timetuple().tm_yday - other.timetuple().tm_yday)
    return min(days, _DAYS_OF_YEAR - days)
