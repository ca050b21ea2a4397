"""What the tracker knows: objects by id, ordered ids per type, and a journal for looking a little back in time."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from mirror.simulators.rally.items import Item
from mirror.simulators.rally.ranks import ordinal_rank
from mirror.simulators.rally.schema import Schema

Snapshots = dict[int, "Item | None"]
"""Objects as they were before a transaction; None for those it created."""

_JOURNAL_SECONDS = 120.0


class StampIndex:
    """The ids of one type in the order of one date attribute, brought up to date when asked."""

    def __init__(self, attribute: str) -> None:
        self._attribute = attribute
        self._dates: dict[int, str] = {}
        self._order: list[tuple[str, int]] = []
        self._stale: set[int] = set()
        self._built = False

    def touch(self, oid: int) -> None:
        """Note that the object came, went or changed."""
        if self._built:
            self._stale.add(oid)

    def order(self, state: State, ids: Iterable[int]) -> list[tuple[str, int]]:
        """Return (date, id) pairs, ascending; objects without a date are left out."""
        if not self._built:
            self._build(state, ids)
        for oid in self._stale:
            self._refresh(state, oid)
        self._stale.clear()
        return self._order

    def _build(self, state: State, ids: Iterable[int]) -> None:
        name = self._attribute
        dated = ((oid, state.items[oid].values.get(name)) for oid in ids)
        self._dates = {oid: date for oid, date in dated if date is not None}
        self._order = sorted((date, oid) for oid, date in self._dates.items())
        self._built = True

    def _refresh(self, state: State, oid: int) -> None:
        known = self._dates.pop(oid, None)
        if known is not None:
            del self._order[bisect_left(self._order, (known, oid))]
        item = state.items.get(oid)
        date = item.values.get(self._attribute) if item is not None else None
        if date is not None:
            self._dates[oid] = date
            insort(self._order, (date, oid))


@dataclass(slots=True)
class Binned:
    """A deleted, restorable object with everything that went with it.

    Attributes:
        item: the object as it was.
        root: the object whose deletion took this one along; its own id if it was deleted by itself.
        kept: dependents that have no entry of their own (steps, posts, attachments, revisions).
    """

    item: Item
    root: int
    kept: list[Item]


class State:
    """All objects. Changed only by `Transaction` and by the seed."""

    def __init__(self) -> None:
        self.items: dict[int, Item] = {}
        self.ids: dict[str, list[int]] = {}
        self.placed: dict[tuple[str, int], list[int]] = {}
        self.schemas: dict[int, Schema] = {}
        self.bin: dict[int, Binned] = {}
        self.hidden: set[int] = set()
        self.generation = 0
        self.rank_bounds = (ordinal_rank(0), ordinal_rank(0))
        self._journal: deque[tuple[datetime, Snapshots]] = deque()
        self._stamps: dict[tuple[str, str], StampIndex] = {}
        self._numbers: dict[tuple[str, int], list[int]] = {}

    def schema_of(self, item: Item) -> Schema:
        """Return the schema of the object's workspace; any will do for objects that stand above workspaces."""
        schema = self.schemas.get(item.values.get("Workspace", 0))
        return schema if schema is not None else next(iter(self.schemas.values()))

    def insert(self, item: Item) -> None:
        """Add an object."""
        self.items[item.oid] = item
        place = (item.type, item.values.get("Workspace", 0))
        for ids in (self.ids.setdefault(item.type, []), self.placed.setdefault(place, [])):
            if not ids or ids[-1] < item.oid:
                ids.append(item.oid)
            else:
                insort(ids, item.oid)
        self.number(item)

    def number(self, item: Item) -> None:
        """File an object under the number in its FormattedID, if it has one by now."""
        formatted = item.values.get("FormattedID")
        if formatted is not None:
            known = self._numbers.setdefault((item.type, number_of(formatted)), [])
            if item.oid not in known:
                known.append(item.oid)

    def remove(self, oid: int) -> Item:
        """Take an object out and return it."""
        item = self.items.pop(oid)
        for ids in (self.ids[item.type], *self._places(item)):
            index = bisect_left(ids, oid)
            if index < len(ids) and ids[index] == oid:
                del ids[index]
        return item

    def _places(self, item: Item) -> Iterator[list[int]]:
        for (path, _), ids in self.placed.items():
            if path == item.type:
                yield ids

    def replace_place(self, item: Item, workspace: int) -> None:
        """File a fresh object under its workspace, which is set once and never changes."""
        ids = self.placed[(item.type, 0)]
        ids.remove(item.oid)
        insort(self.placed.setdefault((item.type, workspace), []), item.oid)

    def numbered(self, type_path: str, number: int) -> list[int]:
        """Return the ids of all objects, also deleted ones, whose FormattedID has that number."""
        return self._numbers.get((type_path, number), [])

    def stamped(self, type_path: str, attribute: str) -> list[tuple[str, int]]:
        """Return (date, id) of the objects of a type that have a date there, ascending."""
        index = self._stamps.setdefault((type_path, attribute), StampIndex(attribute))
        return index.order(self, self.ids.get(type_path, ()))

    def record(self, now: datetime, before: Snapshots) -> None:
        """Note a finished transaction."""
        self.generation += 1
        self._journal.append((now, before))
        horizon = now - timedelta(seconds=_JOURNAL_SECONDS)
        while self._journal and self._journal[0][0] < horizon:
            self._journal.popleft()
        for oid, was in before.items():
            self._touch_indexes(oid, was or self.items.get(oid))

    def _touch_indexes(self, oid: int, item: Item | None) -> None:
        for (type_path, _), index in self._stamps.items():
            if item is not None and item.type == type_path:
                index.touch(oid)

    def since(self, moment: datetime) -> Snapshots:
        """Return how objects looked at `moment`, for those that changed later. Looks back two minutes at most."""
        past: Snapshots = {}
        for at, before in reversed(self._journal):
            if at <= moment:
                break
            past.update(before)
        return past


class View:
    """The state as one reader sees it: the present one, or that of a replica which lags behind."""

    def __init__(self, state: State, past: Snapshots | None = None) -> None:
        self.state = state
        self.past: Snapshots = past or {}

    def get(self, oid: int) -> Item | None:
        """Return an object whether or not the reader may see it; revision histories are made up on the spot."""
        item = self.past[oid] if oid in self.past else self.state.items.get(oid)
        return item if item is not None else self._history(oid)

    def zone(self, user: int | None) -> tzinfo:
        """Return the zone of a user's profile, in which days and times without one are meant (KB000047866); else UTC."""
        account = self.state.items.get(user or 0)
        profile = self.state.items.get(int(account.values.get("UserProfile") or 0)) if account is not None else None
        name = profile.values.get("TimeZone") if profile is not None else None
        try:
            return ZoneInfo(str(name)) if name else UTC
        except (ZoneInfoNotFoundError, ValueError, OSError):
            return UTC

    def _history(self, oid: int) -> Item | None:
        # A RevisionHistory's ObjectID was artifact+1 in most recordings. rally.md §5 R
        owner = self.past.get(oid - 1, self.state.items.get(oid - 1))
        if owner is None or not self.state.schema_of(owner).spec(owner.type).can("h"):
            return None
        kept = ("Workspace", "Subscription", "CreationDate")
        values = {name: owner.values[name] for name in kept if name in owner.values}
        return Item(oid, "RevisionHistory", values)

    def ids(self, type_path: str) -> list[int]:
        """Return the ids of one concrete type, ascending."""
        live = self.state.ids.get(type_path, [])
        if not self.past:
            return live
        return self.patched(type_path, live)

    def patched(self, type_path: str, live: Iterable[int]) -> list[int]:
        """Replace, in ids taken from the present, whatever looked different in the past; ascending."""
        kept = [oid for oid in live if oid not in self.past]
        kept += [oid for oid, item in self.past.items() if item is not None and item.type == type_path]
        kept.sort()
        return kept

    def members(self, item: Item, name: str) -> tuple[int, ...]:
        """Return the ObjectIDs in a collection, whether or not the reader may see them."""
        if item.type == "RevisionHistory":
            owner = self.get(item.oid - 1)
            return tuple(reversed(owner.values.get("_Revisions", ()))) if owner is not None else ()
        found: tuple[int, ...] = item.values.get(name, ())
        return found

    def visible(self, item: Item) -> bool:
        """False if the object belongs to a project that was closed off."""
        return not self.state.hidden or self.project_of(item) not in self.state.hidden

    def project_of(self, item: Item) -> int | None:
        """Return the project that decides about access: the object's own, or that of the object it hangs on."""
        if item.type == "Project":
            return item.oid
        project: int | None = item.values.get("Project")
        if project is not None or item.type == "RecycleBinEntry":
            return project
        for name in _OWNERS:
            owner = item.values.get(name)
            found = self.get(owner) if owner is not None else None
            if found is not None:
                return self.project_of(found)
        return self.project_of_history(item) if item.type == "Revision" else None

    def project_of_history(self, item: Item) -> int | None:
        """Return the project of the object a revision belongs to."""
        owner = self.get(item.values["RevisionHistory"] - 1)
        return self.project_of(owner) if owner is not None else None

    def reachable(self, oid: int) -> Item | None:
        """Return the object if it exists and the reader may see it."""
        item = self.get(oid)
        return item if item is not None and self.visible(item) else None

    def every(self, type_path: str) -> Iterator[Item]:
        """Yield the visible objects of one concrete type in ObjectID order."""
        for oid in self.ids(type_path):
            item = self.get(oid)
            if item is not None and self.visible(item):
                yield item


_OWNERS = ("Artifact", "TestCase", "TestCaseResult", "WorkProduct", "TimeEntryItem", "BuildDefinition", "Iteration")


def number_of(formatted: str) -> int:
    """Return the number in a FormattedID; never a type, because prefixes are configurable (rally.md §10.1)."""
    return int("".join(filter(str.isdigit, formatted)) or 0)


def name_of(item: Item) -> str | None:
    """Return what `_refObjectName` shows; None for types that have no name."""
    values = item.values
    found: str | None = values.get("Name") or values.get("DisplayName") or values.get("UserName")
    return found
