"""The limit: the fastest load one can reasonably write by hand in Python, for one type whose fields are known.

requests, typed structs, positional tuples, bare upserts, one transaction a page. No discovery, no retries, no
progress, no schema changes, nothing to restart from.

    python -m benchmarks.limit http://127.0.0.1:PORT sqlite:///PATH
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec

from benchmarks.loading import load
from benchmarks.shape import SERVED, Attribute, Column, Shape, columns, tag_attributes
from benchmarks.tables import SOURCE, Row


class Reference(msgspec.Struct, gc=False):
    """One reference."""

    ref: str = msgspec.field(name="_ref")
    name: str | None = msgspec.field(name="_refObjectName", default=None)


class Member(msgspec.Struct, gc=False):
    """One tag or milestone."""

    ref: str = msgspec.field(name="_ref")
    name: str = msgspec.field(name="Name")


class Tagged(msgspec.Struct, gc=False):
    """A collection that lists its members."""

    type: str = msgspec.field(name="_type")
    members: list[Member] = msgspec.field(name="_tagsNameArray")


_TYPES: Mapping[Shape, Any] = {
    "text": str | None,
    "html": str | None,
    "integer": int | None,
    "decimal": float | None,
    "boolean": bool | None,
    "instant": str | None,
    "link": msgspec.Raw,
    "reference": Reference | None,
    "tags": Tagged,
}


def id_of(ref: str) -> int:
    """Return the number at the end of a reference."""
    return int(ref[ref.rindex("/") + 1 :])


def json_text(raw: msgspec.Raw) -> str | None:
    """Return a structured value as text, None when it is empty."""
    text = bytes(raw).decode()
    return None if text in ("{}", "null") else text


def record_type() -> Any:
    """Return the struct type of a record."""
    return msgspec.defstruct("Record", [_field(each) for each in SERVED if each.shape in _TYPES], gc=False)


class Result(msgspec.Struct):
    """A listing, its records still text: decoded one by one they stay in the processor's cache, a fifth faster in all."""

    records: list[msgspec.Raw] = msgspec.field(name="Results")


class Answer(msgspec.Struct):
    """A whole answer."""

    result: Result = msgspec.field(name="QueryResult")


def _field(attribute: Attribute) -> tuple[str, Any]:
    return attribute.name, _TYPES[attribute.shape]


def row_of() -> Callable[[Any], Row]:
    """Return a function that makes the row of a record: one tuple expression over all columns."""
    cells = [repr(SOURCE), "r.ObjectID", "r.VersionId", "r.LastUpdateDate", *map(_cell, columns())]
    scope = {"id_of": id_of, "json_text": json_text}
    function: Callable[[Any], Row] = eval(f"lambda r: ({', '.join(cells)},)", scope)
    return function


def _cell(column: Column) -> str:
    value = f"r.{column.attribute.name}"
    if column.part == "id":
        return f"id_of({value}.ref)" if column.attribute.required else f"{value} and id_of({value}.ref)"
    if column.part == "name":
        return f"{value}.name" if column.attribute.required else f"{value} and {value}.name"
    return f"json_text({value})" if column.attribute.shape == "link" else value


def reader() -> Callable[[bytes], tuple[Sequence[Row], Mapping[str, Sequence[Row]]]]:
    """Return a function from the body of an answer to its rows and link rows."""
    answer, record = msgspec.json.Decoder(Answer).decode, msgspec.json.Decoder(record_type()).decode
    row = row_of()
    names = [each.name for each in tag_attributes()]

    def read(body: bytes) -> tuple[Sequence[Row], Mapping[str, Sequence[Row]]]:
        rows: list[Row] = []
        links: dict[str, list[Row]] = {name: [] for name in names}
        for text in answer(body).result.records:
            each = record(text)
            rows.append(row(each))
            for name in names:
                links[name].extend(_links(each.ObjectID, getattr(each, name)))
        return rows, links

    return read


def _links(owner: int, tagged: Tagged) -> list[Row]:
    return [
        (SOURCE, owner, position, id_of(member.ref), member.name, tagged.type)
        for position, member in enumerate(tagged.members)
    ]


if __name__ == "__main__":
    load(reader())
