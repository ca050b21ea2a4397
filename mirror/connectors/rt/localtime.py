"""Instants in custom DateTime fields, which RT reads in the time zone of whoever writes them (rt.md §6.3).

No form of a date carries its zone past RT: `Z` loses the time, and offsets are added to the user's own (rt.md §5.3). Where
the profile has a zone, that is used. Where it has none, RT's own holds, which nobody is shown: then the first guess is what
was right the last time, UTC at first, and what RT made of it is read back and set right.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from mirror.connectors.rt.naming import is_custom_field
from mirror.model.layout import Layout
from mirror.model.schema import Kind
from mirror.model.write import Write

_FARTHEST = timedelta(hours=26)  # between two zones of the world
_STEP = timedelta(minutes=15)
_FORM = "%Y-%m-%d %H:%M:%S"


class LocalTime:
    """The clock on the wall of one account, for one write.

    Attributes:
        is_known: whether its zone is; else what was written must be read back.
        offset: what the clock is believed to be ahead of UTC, where the zone is not known.
    """

    def __init__(self, zone: ZoneInfo | None, offset: timedelta = timedelta(0)) -> None:
        self._zone = zone
        self.is_known = zone is not None
        self.offset = offset

    def said(self, stamp: str) -> str:
        """Return what to write for an instant.

        Args:
            stamp: as in a row.

        Raises:
            ValueError: it lies in an hour that the clock shows twice, and RT takes the first of them (seen on 5.0.3).
        """
        instant = datetime.fromisoformat(stamp)
        if self._zone is None:
            return (instant + self.offset).strftime(_FORM)
        local = instant.astimezone(self._zone)
        if local.fold:
            raise ValueError(f"in {self._zone.key} the clock shows {local:%H:%M} twice that night; RT takes the first")
        return local.strftime(_FORM)

    def learn(self, wanted: str, shown: str) -> bool:
        """Take from an instant that came out otherwise than wanted how far the guess was off.

        Returns:
            False when no time zone explains it: then somebody else has written another instant.
        """
        error = datetime.fromisoformat(shown) - datetime.fromisoformat(wanted)
        if abs(error) > _FARTHEST or error % _STEP:
            return False
        self.offset -= error
        return True


def in_utc(stamp: str) -> str:
    """Return an instant as core dates are written and custom ones kept: `YYYY-MM-DD HH:MM:SS`, UTC (rt.md §6.3)."""
    return datetime.fromisoformat(stamp).astimezone(UTC).strftime(_FORM)


def is_local(write: Write) -> bool:
    """Return whether a write sends instants that RT reads in the user's zone."""
    names = [*(name for name, value in write.values.items() if value is not None), *write.added]
    return any(in_local_time(write.layout, name) for name in names)


def in_local_time(layout: Layout, name: str) -> bool:
    """Return whether a field takes instants in the user's zone."""
    field = layout.type.field(name)
    if field is None or not is_custom_field(field):
        return False
    return field.kind is Kind.TIMESTAMP or (field.kind is Kind.VALUES and field.native_type == "DateTime")
