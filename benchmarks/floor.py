"""The plain floor: what a careful script does. Dictionaries from a fast JSON parser, flattened, bare upserts.

python -m benchmarks.floor http://127.0.0.1:PORT sqlite:///PATH
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from benchmarks.loading import load
from benchmarks.shape import Column, columns, tag_attributes
from benchmarks.tables import SOURCE, Row

_COLUMNS = columns()
_TAGGED = tag_attributes()


def read(body: bytes) -> tuple[Sequence[Row], Mapping[str, Sequence[Row]]]:
    """Return the rows and link rows of an answer."""
    records = orjson.loads(body)["QueryResult"]["Results"]
    names = ["id", "_revision", "_changed_at", *(each.name for each in _COLUMNS)]
    rows = []
    for record in records:
        flat = flatten(record)
        rows.append((SOURCE, *(flat[name] for name in names)))
    return rows, {each.name: links(records, each.name) for each in _TAGGED}


def flatten(record: Mapping[str, Any]) -> dict[str, object]:
    """Return one level of column names and values."""
    head = {"id": record["ObjectID"], "_revision": record["VersionId"], "_changed_at": record["LastUpdateDate"]}
    return head | {each.name: _cell(each, record.get(each.attribute.name)) for each in _COLUMNS}


def _cell(column: Column, value: Any) -> object:
    if value is None:
        return None
    if column.part == "id":
        return int(value["_ref"].rsplit("/", 1)[1])
    if column.part == "name":
        return value.get("_refObjectName")
    if column.attribute.shape == "link":
        return orjson.dumps(value).decode() if value else None
    return value


def links(records: Sequence[Mapping[str, Any]], name: str) -> list[Row]:
    """Return the link rows of one many-to-many attribute: source, id, position, target id, name and type."""
    return [
        (SOURCE, record["ObjectID"], position, int(each["_ref"].rsplit("/", 1)[1]), each["Name"], record[name]["_type"])
        for record in records
        for position, each in enumerate(record[name]["_tagsNameArray"])
    ]


if __name__ == "__main__":
    load(read)
