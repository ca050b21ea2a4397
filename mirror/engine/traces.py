"""What a push leaves behind in other records: parents count their tasks, and so get another revision.

Such traces of our own are no reason to hold back a deletion that waits.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mirror.engine.pushing import Pushing
from mirror.engine.referring import Record, record_of
from mirror.engine.seeing import Sight, look
from mirror.model.change import Action, Change, Side, State
from mirror.model.layout import Layout


def look_through(push: Pushing, records: set[Record]) -> Sight:
    """Read records as `look` does; deletions of those that only we ourselves have touched stay READY."""
    before = {each.id: each for each in push.open([State.READY]) if each.action is Action.DELETE}
    sight = look(push.run, push.pool, records)
    for each in push.open([State.CONFLICT]):
        known = before.get(each.id)
        if known is not None and record_of(each) in push.touched and _is_ours(push, known, each):
            push.queue.resolve(push.run.layouts, each.id, Side.LOCAL.value)
    return sight


def read_touched(push: Pushing) -> None:
    """Read again, once, what our writes have changed besides their own records, as far as it is mirrored."""
    wanted: set[Record] = set()
    for name, record_id in push.touched:
        layout = push.run.layouts.get(name)
        if layout is not None and record_id > 0 and push.run.store.revisions(layout, [record_id]):
            wanted.add((name, record_id))
    if wanted:
        look_through(push, wanted)


def _is_ours(push: Pushing, before: Change, now: Change) -> bool:
    """Return whether a record differs from before in nothing that people edit, but for links to what we wrote ourselves."""
    layout = push.layout(now)
    writable = {each.name for each in layout.type.fields if not each.read_only}
    if any(each.name in (now.remote or {}) for each in layout.columns if each.field in writable):
        return False
    ours = {record_id for _name, record_id in push.written}
    return all(each in ours for each in _links(layout, before) ^ _links(layout, now))


def _links(layout: Layout, deletion: Change) -> frozenset[Any]:
    """Return the targets, or values, of all links of a deleted record."""
    links: Mapping[str, Any] = (deletion.base or {}).get("links") or {}
    names = {each.name for each in layout.links}
    return frozenset(row[1] for name, rows in links.items() if name in names for row in rows)
