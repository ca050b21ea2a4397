"""A small layout for tests of the queue, edits of it, and what must hold after every step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mirror.model.cells import cells_of
from mirror.model.change import Action, Change, State
from mirror.model.layout import Layout
from mirror.model.page import LinkRow
from mirror.model.schema import Field, Kind, RecordType, Tracking
from mirror.model.write import Value
from mirror.store.store import Store
from tests.store.samples import NOW, USER, adopt, page, row, stored

STORY = RecordType(
    "Story",
    (
        Field("Name", Kind.TEXT, max_length=255),
        Field("Notes", Kind.TEXT),
        Field("State", Kind.TEXT, allowed_values=("Open", "Done")),
        Field("Points", Kind.NUMERIC),
        Field("Owner", Kind.REFERENCE, targets=("User",)),
        Field("Parent", Kind.REFERENCE, targets=("Story",)),
        Field("Tags", Kind.LINKS, targets=("Label",)),
        Field("Words", Kind.VALUES),
    ),
    Tracking.STAMP,
    name_field="Name",
)
LABEL = RecordType("Label", (Field("Name", Kind.TEXT),), Tracking.STAMP, name_field="Name")
TYPES = (STORY, LABEL, USER)


def layouts(store: Store) -> dict[str, Layout]:
    """Adopt the usual types and return their layouts."""
    return adopt(store, *TYPES)


def pull(store: Store, layout: Layout, record_id: int, revision: str = "1", /, **values: Any) -> None:
    """Store what the tracker shows of one record, as a push or a repair reads it."""
    links = values.pop("links", None)
    shown = page(layout, row(layout, record_id, revision, **values), links=links)
    store.apply(shown, now=NOW, force=True)


def edit(layout: Layout, record_id: int, field: str, value: Value) -> Change:
    """Return an edit of one field."""
    return Change(layout.source, layout.type.name, record_id, Action.UPDATE, field, value=cells_of(layout, field, value))


def act(layout: Layout, record_id: int, action: Action, **values: Any) -> Change:
    """Return another change."""
    return Change(layout.source, layout.type.name, record_id, action, **values)


def add(store: Store, known: Mapping[str, Layout], *changes: Change) -> list[Change]:
    """Queue changes."""
    return store.queue.add(known, changes)


def create(store: Store, known: Mapping[str, Layout], type_name: str = "Story", **values: Value) -> int:
    """Create a record here and return its temporary id."""
    layout = known[type_name]
    record_id = store.queue.new_id(layout.source)
    made = [act(layout, record_id, Action.CREATE), *(edit(layout, record_id, name, each) for name, each in values.items())]
    store.queue.add(known, made)
    return record_id


def opened(store: Store) -> list[Change]:
    """Return the whole queue."""
    return store.queue.open("acme")


def only(store: Store) -> Change:
    """Return the one change in the queue."""
    (found,) = opened(store)
    return found


def states(store: Store) -> list[State]:
    """Return the states of what is in the queue."""
    return [each.state for each in opened(store)]


def ends(store: Store) -> list[str]:
    """Return how changes ended, oldest first."""
    return [each.end.value for each in reversed(store.queue.log("acme"))]


def shown(store: Store, column: str, record_id: int = 1, table: str = "rally_story") -> Any:
    """Return a cell as people see it; `missing` without a row."""
    found = stored(store, f"SELECT {column} FROM {table} WHERE id = {record_id}")
    return found[0][0] if found else "missing"


def items(store: Store, table: str = "rally_story__tags", record_id: int = 1, column: str = "target_id") -> list[Any]:
    """Return the links of a record by position."""
    return [each for (each,) in stored(store, f"SELECT {column} FROM {table} WHERE id = {record_id} ORDER BY position")]


def tags(*ids: int, owner: int = 1) -> dict[str, Sequence[LinkRow]]:
    """Return links to labels."""
    return {"Tags": [(owner, position, each, f"tag {each}", None) for position, each in enumerate(ids)]}


def is_dirty(store: Store, record_id: int = 1) -> bool:
    """Return whether the row says that it has edits."""
    return bool(shown(store, "_dirty", record_id))
