"""The simulator's nouns: one object, its identifiers, and how instants are written."""

from __future__ import annotations

import re
from datetime import UTC, datetime, tzinfo
from typing import Any

from mirror.errors import MirrorError

Fields = dict[str, Any]
"""Values by attribute name: text, numbers, instants as wire text, references as ObjectIDs, collections as tuples of them."""

_UUID = re.compile(r"([0-9a-f]{8})-([0-9a-f]{4})-4([0-9a-f]{3})-8([0-9a-f]{3})-([0-9a-f]{12})", re.IGNORECASE)

# An odd multiplier has an inverse modulo 2**64, so an ObjectUUID can be turned back without an index.
_SPREAD = 0x9E3779B97F4A7C15
_GATHER = pow(_SPREAD, -1, 1 << 64)
_MASK = (1 << 64) - 1


class RefusedError(MirrorError):
    """The tracker's rules forbid a write, or a request cannot be understood.

    Attributes:
        text: the line that goes into `Errors`.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        super().__init__(text)


class Item:
    """One object of the tracker, mutable, owned by `State`.

    Attributes:
        oid: ObjectID.
        type: path of its type, such as `PortfolioItem/Feature`.
        version: VersionId; 1 on create, one more with each committed change (rally.md §0.4 R).
        values: only what differs from the attribute's default.
    """

    __slots__ = ("oid", "type", "values", "version")

    def __init__(self, oid: int, type_path: str, values: Fields, version: int = 1) -> None:
        self.oid = oid
        self.type = type_path
        self.values = values
        self.version = version

    def copy(self) -> Item:
        """Return an independent copy; values are immutable, so one level is enough."""
        return Item(self.oid, self.type, dict(self.values), self.version)

    def __repr__(self) -> str:
        return f"<{self.type} {self.oid} v{self.version}>"


def uuid_of(oid: int) -> str:
    """Return the ObjectUUID that belongs to an ObjectID: always the same one, lower case (rally.md §5 R)."""
    digits = f"{(oid * _SPREAD) & _MASK:016x}"
    return f"{digits[:8]}-{digits[8:12]}-4{digits[12:15]}-8{digits[15]}52-000052616c6c"


def oid_of(uuid: str) -> int | None:
    """Return the ObjectID behind an ObjectUUID of ours, or None for any other text."""
    matched = _UUID.fullmatch(uuid)
    if matched is None:
        return None
    first, second, third, fourth, _ = matched.groups()
    oid = (int(first + second + third + fourth[0], 16) * _GATHER) & _MASK
    # Built-in attribute definitions have negative ids (rally.md §1 S).
    return oid - (1 << 64) if oid >> 63 else oid


def stamp(instant: datetime) -> str:
    """Write an instant as the wire does: three digits of milliseconds and Z (rally.md §5 R). Sorts as text."""
    return f"{instant.astimezone(UTC).replace(tzinfo=None).isoformat(timespec='milliseconds')}Z"


def instant(text: str) -> datetime:
    """Read what `stamp` wrote."""
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=UTC)


_DATE = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)(?:T(\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?)?(Z|[+-]\d\d:?\d\d)?",
)


def parse_date(text: str, zone: tzinfo = UTC) -> str | None:
    """Return the wire form of an ISO 8601 date or date-time, or None when it is neither. rally.md §4 D.

    A date without a time is midnight. Digits below the millisecond are cut off.

    Args:
        zone: of a text that names none.
    """
    if _DATE.fullmatch(text) is None:
        return None
    trimmed = re.sub(r"(\.\d{3})\d+", r"\1", text)
    try:
        read = datetime.fromisoformat(trimmed)
        return stamp(read if read.tzinfo else read.replace(tzinfo=zone))
    except (ValueError, OverflowError):
        return None
