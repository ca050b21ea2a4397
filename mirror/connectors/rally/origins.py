"""What fields of a record held when it was made, as far as its revision history tells.

Source: rally.md §9.2 R (texts of revisions), I (not every attribute is written into them).
"""

from __future__ import annotations

from collections.abc import Sequence

from mirror.connectors.rally.overwriting import LONGEST_TEXT, REVISION_NAMES, Revision, clauses, set_from
from mirror.connectors.rally.wire import Query, Wire, parsed
from mirror.model.write import Target, Write

_MOST_REVISIONS = 200  # of a new record


def was_first(wire: Wire, write: Write, names: Sequence[str], history: int | None) -> dict[str, bool | None]:
    """Return for each of these fields whether it held the value of a CREATE before somebody changed it.

    None where that cannot be told: there is no history, or what it tells of the field has no form to compare.
    """
    if history is None:
        return dict.fromkeys(names)
    query = Query(f"RevisionHistory/{history}/Revisions", None, REVISION_NAMES, _MOST_REVISIONS, order="RevisionNumber")
    result, _ = wire.query(query)
    revisions = sorted((parsed(each, Revision) for each in result.rows), key=lambda each: each.number)
    return {name: _held(write, name, revisions) for name in names}


def _held(write: Write, name: str, revisions: Sequence[Revision]) -> bool | None:
    field = write.layout.type.field(name)
    if field is None:
        return None
    told = [clause for each in revisions for clause in clauses(field, each)]
    if not told:
        return None if any(len(each.text) >= LONGEST_TEXT for each in revisions) else False
    if name in write.added:
        return True  # somebody has put items in or taken some out
    value = write.values[name]
    if set_from(told[0], value):
        return True
    is_comparable = isinstance(value, str) and name == write.layout.type.name_field and "<" not in value
    return False if is_comparable and not isinstance(value, Target) else None
