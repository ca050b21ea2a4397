"""What a write changes besides its own record: Rally recomputes parents and iterations along with it.

Two transactions that touch one row conflict, so writes below one parent are not sent at once (rally.md §6 R/C, §11 R).
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping

from mirror.model.layout import HEAD, Layout
from mirror.model.page import Page
from mirror.model.part import Part
from mirror.model.write import Item, Target, Value, Write

_PLACES = frozenset(
    """User Project Workspace Subscription State FlowState PreliminaryEstimate TypeDefinition RevisionHistory Blocker
    AttachmentContent UserProfile WorkspaceConfiguration""".split()
)
"""Types whose records keep no sums over what refers to them; people and projects would put everything in one row."""

_PLAIN_ITEMS = frozenset({"Tag", "AllowedAttributeValue", "User", "Project"})
"""Types of items whose own record does not count who has them. A tag's count may; a conflict over it is sent again."""


_REMEMBERED = 20_000
"""Records whose parents are kept; a push reads a record just before it writes it."""


class Parents:
    """What the records that were read last refer to; a change of a task's hours touches a story that it does not name."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: dict[int, frozenset[int]] = {}

    def note(self, page: Page) -> None:
        """Remember the parents of the records of a page."""
        columns = enumerate(page.layout.columns, len(HEAD))
        places = [place for place, each in columns if each.part is Part.ID and _leads_up(page.layout, each.field)]
        found = {row[1]: frozenset(row[each] for each in places if row[each] is not None) for row in page.rows}
        with self._lock:
            self._known = self._known | found if len(self._known) < _REMEMBERED else found

    def touched(self, write: Write) -> frozenset[str]:
        """Return a word for each record that the write changes, its own included.

        An ObjectID is unique in all of Rally, so it alone is the word.
        """
        ids: set[int] = set()
        if write.record_id is not None:
            with self._lock:
                ids = {write.record_id, *self._known.get(write.record_id, ())}
        ids.update(_parents(write.layout, write.values))
        ids.update(_parents(write.layout, write.before))
        for items in (write.added, write.removed):
            ids.update(_counting_items(write.layout, items))
        return frozenset(f"object {each}" for each in ids)


def _leads_up(layout: Layout, name: str) -> bool:
    described = layout.type.field(name)
    return described is not None and not _PLACES.intersection(described.targets)


def _parents(layout: Layout, values: Mapping[str, Value]) -> Iterator[int]:
    for name, value in values.items():
        if isinstance(value, Target) and value.type_name not in _PLACES and _leads_up(layout, name):
            yield value.id


def _counting_items(layout: Layout, items: Mapping[str, tuple[Item, ...]]) -> Iterator[int]:
    """Yield the items whose own records change as well: a story that became somebody's predecessor."""
    for name, some in items.items():
        described = layout.type.field(name)
        if described is not None and not _PLAIN_ITEMS.intersection(described.targets):
            yield from (each.id for each in some if isinstance(each, Target))
