"""The other ends of many-to-many links, read where a record changed: the change may have been made there.

Source: versionone.md §7.3 (both ends can be written), C14 (whether both get a version is open).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from mirror.connectors.versionone.meta import Meta
from mirror.connectors.versionone.owning import is_stored
from mirror.connectors.versionone.question import Document, Pick, flat, id_in, type_in
from mirror.errors import ProtocolError
from mirror.model.page import Echo


@dataclass(frozen=True, slots=True)
class OtherEnd:
    """A relation that is mirrored at its other end.

    Attributes:
        name: of the attribute at this end.
        field: of the attribute at the other.
        owners: the types that have it.
    """

    name: str
    field: str
    owners: tuple[str, ...]


def other_ends(meta: Meta, type_name: str) -> Iterator[OtherEnd]:
    """Yield the many-to-many relations of a type that are stored with the records at the other end."""
    owner = meta.types.get(type_name)
    for each in owner.attributes.values() if owner else ():
        if each.kind != "Relation" or not each.multi or not each.reciprocal:
            continue
        other = meta.attribute(each.reciprocal)
        if owner and other is not None and other.multi and not is_stored(meta, owner, each):
            there, _, field = each.reciprocal.partition(".")
            yield OtherEnd(each.name, field, tuple(sorted(meta.concrete(there))))


def picks(ends: Sequence[OtherEnd]) -> tuple[Pick, ...]:
    """Return the selection of these ends, without names."""
    return tuple(Pick(each.name, multi=True) for each in ends)


def read_echoes(ends: Sequence[OtherEnd], documents: Sequence[Document]) -> list[Echo]:
    """Return the links that records show at these ends.

    Raises:
        ProtocolError: a row has another shape; a missing list must not look like an empty one.
    """
    try:
        rows = [(id_in(row["_oid"]), row) for row in map(flat, documents)]
        return [
            Echo(
                end.field,
                end.owners,
                frozenset(
                    (type_in(each["_oid"]), id_in(each["_oid"]), key) for key, row in rows for each in row[end.name] or ()
                ),
            )
            for end in ends
        ]
    except (ValueError, KeyError, TypeError) as error:
        raise ProtocolError(f"the other ends of links have an unexpected shape: {error}") from error
