"""Rows that carry identity and version only, and the query terms that select ranges of them.

Source: rally.md §3 (paging by ObjectID), §4 (query grammar), §11 (roll-ups).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import msgspec

from mirror.connectors.rally.wire import Result, parsed
from mirror.errors import ProtocolError
from mirror.model.page import Key, KeyRange
from mirror.model.schema import RecordType


class _IdRow(msgspec.Struct):
    id: int | str = msgspec.field(name="ObjectID")


class KeyRow(msgspec.Struct):
    """One row of a listing of keys; `type` tells the types of an `/artifact` listing apart."""

    id: int = msgspec.field(name="ObjectID")
    version: str | int | None = msgspec.field(name="VersionId", default=None)
    type: str = msgspec.field(name="_type", default="")
    updated: str | None = msgspec.field(name="LastUpdateDate", default=None)
    updated_date: str | None = msgspec.field(name="LastUpdatedDate", default=None)
    last_updated: str | None = msgspec.field(name="LastUpdated", default=None)
    rolled_up: str | None = msgspec.field(name="LastRollupDate", default=None)


_KEY_ROW = msgspec.json.Decoder(KeyRow)


def key_rows(result: Result) -> list[KeyRow]:
    """Return the rows of a listing of keys.

    Raises:
        ProtocolError: one of them has no ObjectID, or another shape.
    """
    try:
        return [_KEY_ROW.decode(each) for each in result.rows]
    except msgspec.ValidationError as error:
        raise ProtocolError(f"a listing of keys has an unexpected shape: {error}") from error


def key_of(record_type: RecordType, row: KeyRow) -> Key:
    """Return the key of a row; the revision of a type with roll-ups holds their time too, as in a record's row."""
    version = str(row.version)
    if record_type.field("LastRollupDate"):
        version = f"{version} {row.rolled_up or ''}"
    return Key(row.id, version, row.updated or row.updated_date or row.last_updated)


def last_id(documents: Sequence[msgspec.Raw]) -> int:
    """Return the ObjectID of the last row, also of one that cannot be decoded as a record."""
    return int(parsed(documents[-1], _IdRow).id)


def range_terms(keys: KeyRange) -> list[str]:
    """Return the terms that select a range of ids."""
    terms = [f"(ObjectID > {keys.after})"] if keys.after else []
    return [*terms, f"(ObjectID <= {keys.until})"] if keys.until is not None else terms


def all_of(terms: Sequence[str]) -> str | None:
    """Join terms with AND, which takes exactly two groups at a time (rally.md §4 R); None for no term."""
    if not terms:
        return None
    joined = terms[0]
    for each in terms[1:]:
        joined = f"({joined} AND {each})"
    return joined


def iso(moment: datetime) -> str:
    """Return an instant, UTC, as Rally writes it: `2016-04-19T20:45:29.470Z`."""
    return moment.replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"
