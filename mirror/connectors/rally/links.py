"""Members of collections that a listing only counted: read in batches, only where there are any."""

from __future__ import annotations

from collections.abc import Sequence

from mirror.connectors.rally.decode import Decoded, Ref, id_of
from mirror.connectors.rally.wire import Answered, Query, Wire, parsed
from mirror.errors import IncompleteError, ProtocolError
from mirror.model.layout import Layout

_PAGE_SIZE = 2000
_GONE = "Cannot find object to read"  # rally.md §6 R


def read_members(wire: Wire, layout: Layout, decoded: Decoded) -> None:
    """Add the link rows of every collection in `decoded.unread`.

    The number in a summary may exceed what the caller may list (rally.md §5 R), so the collection's own total is what
    must be complete. An owner that was deleted since it was listed is left out, with its row.

    Raises:
        ProtocolError: a collection cannot be read.
        IncompleteError: a page of members is shorter than announced.
    """
    queries = [_members_query(layout, field, owner) for field, owner, _ in decoded.unread]
    gone: set[int] = set()
    for (field, owner, _), query, answered in zip(decoded.unread, queries, wire.queries(queries), strict=True):
        if _GONE in answered.failure:
            gone.add(owner)
            continue
        members = _members(wire, query, answered)
        decoded.links[field].extend(
            (owner, position, id_of(each.ref), each.name, each.type) for position, each in enumerate(members)
        )
    decoded.unread.clear()
    decoded.rows[:] = [row for row in decoded.rows if row[1] not in gone]
    for name, rows in decoded.links.items():
        decoded.links[name] = sorted(each for each in rows if each[0] not in gone)


def _members_query(layout: Layout, field: str, owner: int, start: int = 1) -> Query:
    return Query(f"{layout.type.name}/{owner}/{field}", None, ("ObjectID",), _PAGE_SIZE, start=start)


def _members(wire: Wire, query: Query, answered: Answered) -> Sequence[Ref]:
    members: list[Ref] = []
    while True:
        if answered.failure:
            raise ProtocolError(f"{query.type_path}: {answered.failure}")
        rows = answered.result.rows
        members.extend(parsed(each, Ref) for each in rows)
        if len(members) >= answered.result.total:
            return sorted(members, key=lambda each: id_of(each.ref))
        if not rows:
            raise IncompleteError(query.type_path, answered.result.total, len(members))
        more = Query(query.type_path, None, query.names, query.page_size, start=len(members) + 1)
        answered = next(wire.queries([more]))
