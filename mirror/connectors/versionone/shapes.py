"""Typed decoders for the rows of a selection, made from the kinds of its fields: query.v1's rows, and typed JSON's.

Source: versionone.md §3.3 R (typed JSON), §8.1 R (query.v1).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from mirror.connectors.versionone.question import Pick
from mirror.model.schema import Kind


class Ref(msgspec.Struct, gc=False):
    """A target in query.v1; without one the oid is NULL."""

    oid: str = msgspec.field(name="_oid")


class IdRef(msgspec.Struct, gc=False):
    """A target in typed JSON."""

    oid: str = msgspec.field(name="idref")


_SCALARS: Mapping[Kind, Any] = {
    Kind.INTEGER: int | None,
    Kind.NUMERIC: str | int | float | None,
    Kind.BOOLEAN: bool | None,
    Kind.TIMESTAMP: str | None,
    Kind.DATE: str | None,
    Kind.TEXT: str | None,
    Kind.VALUES: list[str | int | float | bool | None] | None,
}


class Shape:
    """How one selection comes in one form.

    Attributes:
        decoders: one for each request that a row took.
    """

    def __init__(self, decoders: Sequence[msgspec.json.Decoder[Any]], places: Mapping[str, str]) -> None:
        self.decoders = decoders
        self._places = places

    def place(self, token: str) -> str:
        """Return the expression for what was selected by `token`, over p0, p1, …; `None` when it was not selected."""
        return self._places.get(token, "None")


def flat_shape(picks: Sequence[Pick], kinds: Mapping[str, Kind]) -> Shape:
    """Return the shape of query.v1's rows."""
    fields: list[tuple[str, Any, Any]] = [("oid", str, msgspec.field(name="_oid"))]
    places = {"": "p0.oid"}
    for number, (token, wire_type) in enumerate(_flat_types(picks, kinds)):
        fields.append((f"f{number}", wire_type, msgspec.field(name=token, default=None)))
        places[token] = f"p0.f{number}"
    row = msgspec.defstruct("Row", fields, gc=False, kw_only=True)
    return Shape([msgspec.json.Decoder(row, strict=False)], places)


def _flat_types(picks: Sequence[Pick], kinds: Mapping[str, Kind]) -> list[tuple[str, Any]]:
    types: list[tuple[str, Any]] = []
    for each in picks:
        match kinds.get(each.name, Kind.TEXT):
            case Kind.LINKS:
                types.append((each.name, list[_member(each.shown)] | None))  # type: ignore[misc]
            case Kind.REFERENCE:
                types.append((each.name, Ref | None))
                if each.shown:
                    types.append((each.name_token, str | None))
            case kind:
                types.append((each.name, _SCALARS[kind]))
    return types


def _member(shown: str) -> type[msgspec.Struct]:
    """Return the type of a target in a nested selection, with its name when one is selected."""
    fields: list[tuple[str, Any, Any]] = [("oid", str, msgspec.field(name="_oid"))]
    name = msgspec.field(name=shown, default=None) if shown else None
    fields.append(("name", str | None, name))
    return msgspec.defstruct("Member", fields, gc=False)


def typed_shape(parts: Sequence[Sequence[str]], picks: Sequence[Pick], kinds: Mapping[str, Kind]) -> Shape:
    """Return the shape of typed JSON's rows.

    Args:
        parts: the tokens that each of a row's documents has.
    """
    types = _typed_types(picks, kinds)
    places = {"": "p0.id"}
    decoders = []
    for at, tokens in enumerate(parts):
        fields: list[tuple[str, Any, Any]] = []
        for number, token in enumerate(tokens):
            box = _box(types.get(token, str | None))
            fields.append((f"f{number}", box, msgspec.field(name=token, default_factory=box)))
            places.setdefault(token, f"p{at}.values.f{number}.value")
        values = msgspec.defstruct("Values", fields, gc=False, kw_only=True)
        asset = msgspec.defstruct(
            "Asset", [("id", str), ("values", values, msgspec.field(name="Attributes"))], gc=False, kw_only=True
        )
        decoders.append(msgspec.json.Decoder(asset, strict=False))
    return Shape(decoders, places)


def _typed_types(picks: Sequence[Pick], kinds: Mapping[str, Kind]) -> dict[str, Any]:
    types: dict[str, Any] = {}
    for each in picks:
        match kinds.get(each.name, Kind.TEXT):
            case Kind.LINKS:
                types[each.name] = list[IdRef] | None
                types[each.name_token] = list[str | None] | None
            case Kind.REFERENCE:
                types[each.name] = IdRef | None
                types[each.name_token] = str | None
            case kind:
                types[each.name] = _SCALARS[kind]
    return types


_BOXES: dict[Any, type[msgspec.Struct]] = {}


def _box(wire_type: Any) -> type[msgspec.Struct]:
    """Return the type of `{"value": …}` around a value; the same for the same, msgspec makes a decoder of each."""
    found = _BOXES.get(wire_type)
    if found is None:
        found = _BOXES[wire_type] = msgspec.defstruct("Box", [("value", wire_type, None)], gc=False)
    return found
