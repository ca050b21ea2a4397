"""Members of collections that a listing only counted: read in batches, only where there are any."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from mirror.connectors.rally.decode import Decoded, Ref, id_of
from mirror.connectors.rally.wire import Answered, Query, Wire
from mirror.errors import IncompleteError, ProtocolError
from mirror.model.layout import Layout

_PAGE_SIZE = 2000
_MEMBER = msgspec.json.Decoder(Ref)


def read_members(wire: Wire, layout: Layout, decoded: Decoded) -> None:
    """Add the link rows of every collection in `decoded.unread`.

    The number in a summary may exceed what the caller may list (rally.md §5 R), so the collection's own total is what
    must be complete.

    Raises:
        ProtocolError: a collection cannot be read.
        IncompleteError: a page of members is shorter than announced.
    """
    queries = [_members_query(layout, field, owner) for field, owner, _ in decoded.unread]
    for (field, owner, _), query, answered in zip(decoded.unread, queries, wire.queries(queries), strict=True):
        members = _members(wire, query, answered)
        decoded.links[field].extend(
            (owner, position, id_of(each.ref), each.name, each.type) for position, each in enumerate(members)
        )
    decoded.unread.clear()
    for rows in decoded.links.values():
        rows.sort(key=lambda row: (row[0], row[1]))


def _members_query(layout: Layout, field: str, owner: int, start: int = 1) -> Query:
    return Query(f"{layout.type.name}/{owner}/{field}", None, ("ObjectID",), _PAGE_SIZE, start=start)


def _members(wire: Wire, query: Query, answered: Answered) -> Sequence[Ref]:
    members: list[Ref] = []
    while True:
        if answered.failure:
            raise ProtocolError(f"{query.type_path}: {answered.failure}")
        rows = answered.result.rows
        members.extend(_MEMBER.decode(each) for each in rows)
        if len(members) >= answered.result.total:
            return sorted(members, key=lambda each: id_of(each.ref))
        if not rows:
            raise IncompleteError(query.type_path, answered.result.total, len(members))
        more = Query(query.type_path, None, query.names, query.page_size, start=len(members) + 1)
        answered = next(wire.queries([more]))
