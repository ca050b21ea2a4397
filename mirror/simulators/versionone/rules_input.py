"""Turns what a client wrote into a stored value, or refuses it (versionone.md §5.2, §6.1)."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

from mirror.simulators.versionone.schema import Attribute
from mirror.simulators.versionone.state import RefusedError, State, Stored
from mirror.simulators.versionone.switches import Switches

MAX_TEXT = 4000
"""Longest Text, in characters (versionone.md §5.2 D)."""

_OID = re.compile(r"([A-Za-z_]\w*):(-?\d+)(?::\d+)?")
_NUMBER = re.compile(r"[+-]?([0-9]{1,30}(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]{1,2})?")
_INTEGER = re.compile(r"[+-]?[0-9]{1,20}")
_MAX_INTEGER = 1 << 63
_DURATION = re.compile(r"\d+ (Days?|Weeks?|Months?)", re.IGNORECASE)
_DATE = re.compile(r"(\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d)?)?)(?:\.(\d{1,7}))?(Z|[+-]\d\d:\d\d)?")


@dataclass(frozen=True, slots=True)
class Changed:
    """A change of a multi-valued attribute: ids or `Type:id` tokens for relations, values for plain ones.

    Attributes:
        add: what comes in; what is there already stays as it is.
        remove: what goes; what is not there is no error.
    """

    add: tuple[Any, ...] = ()
    remove: tuple[Any, ...] = ()


Write = Any
"""What one attribute is set to: a value as in `Value`, wire text for any kind, None to clear, or `Changed`."""


class Input:
    """Reads values as clients write them.

    Args:
        type_name: the type that is written, for messages.
    """

    def __init__(self, state: State, switches: Switches, type_name: str) -> None:
        self._state = state
        self._zone = timezone(timedelta(minutes=switches.user_zone_offset_minutes))
        self._type = type_name

    def invalid(self, attribute: Attribute) -> RefusedError:
        """Return the refusal of a value; text as in versionone.md §3.4 S (`Violation'Invalid'Epic.Scope`)."""
        return RefusedError(400, f"Violation'Invalid'{self._type}.{attribute.name}")

    def one(self, attribute: Attribute, raw: Write) -> Stored:
        """Return one value, or one element of several, in stored form; None stays None."""
        if raw is None:
            return None
        if attribute.is_relation:
            return self.target(attribute, raw)
        if raw == "" and attribute.kind not in _TEXTS:
            # An empty scalar element clears a value (versionone.md §6.1 S).
            return None
        if attribute.kind == "Date":
            return self._date(attribute, raw)
        try:
            return _READ.get(attribute.kind, _text)(raw)
        except ValueError as error:
            raise self.invalid(attribute) from error

    def target(self, attribute: Attribute, raw: Write) -> int | None:
        """Return the id a relation is to name; refused unless it is a living asset of a fitting type."""
        if raw in ("", "NULL"):
            return None
        asset = self._state.assets.get(oid_of(raw))
        related = attribute.related or ""
        if asset is None or asset.is_deleted or not self._state.schema.is_a(asset.type, related):
            raise self.invalid(attribute)
        if isinstance(raw, str) and not self._state.schema.is_a(asset.type, raw.partition(":")[0]):
            raise self.invalid(attribute)
        return asset.id

    def _date(self, attribute: Attribute, raw: Write) -> Stored:
        try:
            read = raw if isinstance(raw, date) else parse_instant(str(raw))
        except ValueError as error:
            raise self.invalid(attribute) from error
        if attribute.date_only:
            # A day is the day that was written, whatever the zone.
            return read.date() if isinstance(read, datetime) else read
        if not isinstance(read, datetime):
            read = datetime(read.year, read.month, read.day)  # noqa: DTZ001
        aware = read if read.tzinfo else read.replace(tzinfo=UTC if attribute.utc else self._zone)
        return whole_milliseconds(aware.astimezone(UTC))


def parse_instant(text: str) -> datetime:
    """Return a date or date-time as clients send it (versionone.md §4.1, §6.1 S), without zone unless the text has one.

    Digits below the microsecond are cut off. ValueError for anything else.
    """
    matched = _DATE.fullmatch(text.strip())
    if matched is None:
        return datetime.strptime(text.strip(), "%m/%d/%Y %H:%M:%S" if ":" in text else "%m/%d/%Y")  # noqa: DTZ007
    base, digits, zone = matched.groups()
    read = datetime.fromisoformat(f"{base}{'+00:00' if zone == 'Z' else zone or ''}")
    return read.replace(microsecond=int((digits or "0").ljust(6, "0")[:6]))


def whole_milliseconds(instant: datetime) -> datetime:
    """Cut off what storage does not keep (three digits in every recording, versionone.md §3.1 R)."""
    return instant.replace(microsecond=instant.microsecond // 1000 * 1000)


def oid_of(raw: Write) -> int:
    """Return the id in `Type:id`, `Type:id:moment` or an id itself; `Invalid OID token` for anything else."""
    if isinstance(raw, int) and not isinstance(raw, bool):
        return raw
    matched = _OID.fullmatch(raw) if isinstance(raw, str) else None
    if matched is None:
        raise RefusedError(400, f"Invalid OID token: {raw}")
    return int(matched[2])


def _text(raw: Write) -> str:
    text = str(raw)
    if len(text) > MAX_TEXT:
        raise ValueError("too long")
    return text


def _number(raw: Write) -> Decimal:
    if isinstance(raw, bool):
        raise ValueError("not a number")  # noqa: TRY004 - refused like any other text
    text = str(raw).strip()
    if not _NUMBER.fullmatch(text):
        raise ValueError("not a number")
    return Decimal(f"{Decimal(text):f}")


def _boolean(raw: Write) -> bool:
    if isinstance(raw, bool):
        return raw
    # 'true', 'True' and 'False' are all accepted (versionone.md §4.1 S).
    word = str(raw).strip().lower()
    if word not in ("true", "false"):
        raise ValueError("not a boolean")
    return word == "true"


def _duration(raw: Write) -> str:
    if not _DURATION.fullmatch(str(raw)):
        raise ValueError("not a duration")
    return str(raw)


def _bytes(raw: Write) -> bytes:
    return raw if isinstance(raw, bytes) else base64.b64decode(str(raw), validate=True)


def _integer(raw: Write) -> int:
    if isinstance(raw, bool):
        raise ValueError("not an integer")  # noqa: TRY004 - refused like any other text
    number = int(str(raw).strip()) if _INTEGER.fullmatch(str(raw).strip()) else _MAX_INTEGER
    if not -_MAX_INTEGER <= number < _MAX_INTEGER:
        raise ValueError("not a 64-bit integer")
    return number


_TEXTS = frozenset({"Text", "LongText", "Blob", "Password"})
"""Kinds in which empty is a value of its own."""

_READ: Mapping[str, Callable[[Write], Stored]] = {
    "LongText": str,
    "Numeric": _number,
    "Boolean": _boolean,
    "Duration": _duration,
    "Blob": _bytes,
    "LongInt": _integer,
    "State": _integer,
    "Opaque": str,
}
