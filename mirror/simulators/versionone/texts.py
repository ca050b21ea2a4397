"""Values as text on the wire. versionone.md §3.1, §3.3, §8.1."""

from __future__ import annotations

import base64
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from mirror.simulators.versionone.schema import Attribute
from mirror.simulators.versionone.state import Value
from mirror.simulators.versionone.view import View


def text_of(view: View, attribute: Attribute, value: Value) -> str:
    """Return one value as rest-1 writes it; "" for None.

    Booleans in lower case, numbers invariant without grouping, dates without a zone (§3.1 R, C8).
    """
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Decimal):
        # Not with normalize(): that rounds to the precision of the context.
        digits = format(value, "f")
        return digits.rstrip("0").rstrip(".") if "." in digits else digits
    if isinstance(value, datetime):
        return _instant(view, attribute, value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    return str(value)


def _instant(view: View, attribute: Attribute, value: datetime) -> str:
    zone = UTC if attribute.utc else view.zone
    shown = value.astimezone(zone).replace(tzinfo=None)
    text = shown.isoformat(timespec="milliseconds" if shown.microsecond else "seconds")
    return text + view.switches.zone_suffix_in_rest if attribute.utc else text


def json_of(view: View, attribute: Attribute, value: Value) -> Any:
    """Return one value as typed JSON holds it; AssetState is a number, other numerics by switch. §3.3 L/I"""
    if value is None or isinstance(value, bool):
        return value
    if attribute.kind == "State":
        return value
    if attribute.kind in ("Numeric", "LongInt") and not view.switches.json_numbers_as_strings:
        return _number(value)
    return text_of(view, attribute, value)


def _number(value: Value) -> Any:
    """Keep decimals exact, and whole ones without a point."""
    return int(value) if isinstance(value, Decimal) and value == value.to_integral_value() else value


def query_text(view: View, attribute: Attribute, value: Value) -> Any:
    """Return one value as query.v1 writes it: numbers as strings, instants with seven digits, UTC ones with Z. §8.1"""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, datetime):
        shown = value.astimezone(UTC if attribute.utc else view.zone).replace(tzinfo=None)
        return f"{shown.isoformat(timespec='microseconds')}0{'Z' if attribute.utc else ''}"
    return text_of(view, attribute, value)
