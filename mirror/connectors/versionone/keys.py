"""Rows that carry identity and version only.

Source: versionone.md §1 (oids), §4.2.5 (Moment and ChangeDateUTC).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import msgspec

from mirror.connectors.versionone.catalog import STAMP
from mirror.connectors.versionone.convert import stamp
from mirror.connectors.versionone.decode import revision
from mirror.connectors.versionone.meta import MOMENT
from mirror.connectors.versionone.question import Reply, flat, id_in, type_in
from mirror.connectors.versionone.selection import PARENT_MOMENT
from mirror.errors import ProtocolError
from mirror.model.page import Key


@dataclass(frozen=True, slots=True)
class Found:
    """One row of a listing of keys.

    Attributes:
        moment: the highest that its revision is made of; 0 when it cannot be compared.
    """

    type_name: str
    key: Key
    moment: int


def found_in(reply: Reply) -> Iterator[Found]:
    """Yield the keys in a reply.

    Raises:
        ProtocolError: a row has no id or another shape, or they do not come by id; nothing unexpected may look like an
            absent record.
    """
    last = -1
    for document in reply.documents:
        try:
            row = flat(document)
            oid = row["_oid"]
            key = Key(id_in(oid), revision(row), stamp(row.get(STAMP)))
            if key.id <= last:
                raise ValueError(f"{oid} after {last}")
            last = key.id
            yield Found(type_in(oid), key, _moment([row.get(MOMENT), row.get(PARENT_MOMENT)]))
        except (msgspec.DecodeError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise ProtocolError(f"a listing of keys has an unexpected shape: {error}") from error


def _moment(values: Sequence[object]) -> int:
    return max((int(each) for each in map(str, values) if each.isdigit()), default=0)
