"""One committed change: keeps both ends of links together, derives what follows, then bumps versions and writes revisions.

Either everything in it happens or nothing does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from mirror.simulators.rally import revisions
from mirror.simulators.rally.items import Fields, Item, stamp
from mirror.simulators.rally.schema import Attribute
from mirror.simulators.rally.state import Snapshots, State, View
from mirror.simulators.rally.switches import Switches

STAMPS = ("LastUpdateDate", "LastUpdatedDate", "LastUpdated")
"""Which attribute tells the last change; a type has at most one of them. rally.md §11 S."""

_NEVER = object()

_SILENT = frozenset((*STAMPS, "CreationDate", "ScheduleStatePrefix"))

# Between the two stamps of a new object lie tens of milliseconds. rally.md §11 R
_CREATION_LEAD = timedelta(milliseconds=30)


@dataclass(slots=True)
class Allocator:
    """Hands out ObjectIDs, always rising, with room for the revision history at artifact+1."""

    next_oid: int

    def take(self) -> int:
        """Return a new ObjectID."""
        oid = self.next_oid
        self.next_oid += 4
        return oid


@dataclass(slots=True)
class Transaction:
    """A change in progress.

    Attributes:
        user: ObjectID of the author of revisions.
        before: what the touched objects looked like; None for new ones.
        quiet: attributes that may change without a new version, per object.
        pending: objects whose derived attributes must be looked at again.
        warnings: lines for the `Warnings` of the answer.
    """

    state: State
    switches: Switches
    allocator: Allocator
    now: datetime
    user: int | None
    before: Snapshots = field(default_factory=dict)
    quiet: dict[int, set[str]] = field(default_factory=dict)
    pending: dict[int, None] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    still: set[int] = field(default_factory=set)
    visited: set[int] = field(default_factory=set)
    touched: set[int] = field(default_factory=set)

    @property
    def view(self) -> View:
        """The present state, this transaction's changes included."""
        return View(self.state)

    @property
    def stamp(self) -> str:
        """The commit time as wire text."""
        return stamp(self.now)

    def find(self, oid: int | None) -> Item | None:
        """Return an object of the present state, or None."""
        return self.state.items.get(oid) if oid is not None else None

    def edit(self, oid: int) -> Item:
        """Return an object for changing; remembers how it was."""
        item = self.state.items[oid]
        if oid not in self.before:
            self.before[oid] = item.copy()
        self.pending[oid] = None
        return item

    def insert(self, type_path: str, values: Fields, oid: int | None = None) -> Item:
        """Add a new object without links; put references afterwards."""
        item = Item(self.allocator.take() if oid is None else oid, type_path, values, version=0)
        self.before.setdefault(item.oid, None)
        values.setdefault("CreationDate", stamp(self.now - _CREATION_LEAD))
        self.state.insert(item)
        self.pending[item.oid] = None
        return item

    def remove(self, oid: int) -> Item:
        """Take an object out; its links must have been cut before."""
        self.before.setdefault(oid, self.state.items[oid].copy())
        self.pending.pop(oid, None)
        return self.state.remove(oid)

    def put(self, oid: int, name: str, value: Any) -> None:
        """Set a scalar or a reference, with the inverse collections on both the old and the new target."""
        item = self.edit(oid)
        old = item.values.get(name)
        attribute = self.state.schema_of(item).attribute(item.type, name)
        if attribute is not None and attribute.kind == "ref":
            self._hook(item, name, old, add=False)
            self._hook(item, name, value, add=True)
        if value == (attribute.default if attribute is not None else None):
            # Defaults are never stored, so that equal objects have equal values.
            item.values.pop(name, None)
        else:
            item.values[name] = value
        if name == "FormattedID":
            self.state.number(item)
        if name == "Workspace" and value is not None and item.oid in self.state.placed.get((item.type, 0), ()):
            self.state.replace_place(item, value)

    def _hook(self, item: Item, name: str, target_oid: int | None, *, add: bool) -> None:
        target = self.find(target_oid)
        if target is None:
            return
        collection = self.state.schema_of(item).inverse_of(item.type, name, target.type)
        if collection:
            self._change(target.oid, collection, item.oid, add=add)
        else:
            self.pending[target.oid] = None

    def _change(self, oid: int, collection: str, member: int, *, add: bool) -> bool:
        values = self.edit(oid).values
        members: tuple[int, ...] = values.get(collection, ())
        if (member in members) == add:
            return False
        left = (*members, member) if add else tuple(other for other in members if other != member)
        if left:
            values[collection] = left
        else:
            del values[collection]
        return True

    def link(self, oid: int, attribute: Attribute, member: int, *, add: bool = True) -> None:
        """Add to or remove from a many-to-many collection, at both ends. rally.md §10.3 S."""
        self._change(oid, attribute.name, member, add=add)
        if attribute.other and self.find(member) is not None:
            self._change(member, attribute.other, oid, add=add)
            if not self.switches.links_move_both_ends:
                self.hush(member, attribute.other, "UsageCount", "TotalArtifactCount", "TotalProjectCount")

    def hush(self, oid: int, *names: str) -> None:
        """Let these attributes of an object change without a new version or stamp."""
        self.quiet.setdefault(oid, set()).update(names)

    def freeze(self, oid: int) -> None:
        """Keep version and stamp of an object as they are, whatever changes in it."""
        self.still.add(oid)

    def touch(self, oid: int) -> None:
        """Count an object as changed although no attribute of its own did."""
        self.edit(oid)
        self.touched.add(oid)

    def settle(self, derive: Callable[[Transaction, Item], Iterator[int]]) -> None:
        """Recompute derived attributes until nothing changes; `derive` yields the objects affected next."""
        rounds = 0
        while self.pending:
            oid = next(iter(self.pending))
            del self.pending[oid]
            item = self.find(oid)
            if item is not None:
                for affected in list(derive(self, item)):
                    self.pending[affected] = None
            rounds += 1
            if rounds > 200_000:
                raise RuntimeError("derived attributes do not settle")

    def changed(self, oid: int) -> list[str]:
        """Return the attributes of an object that differ from before."""
        item, was = self.state.items[oid], self.before.get(oid)
        if was is None:
            return list(item.values)
        names = {*item.values, *was.values}
        return [name for name in names if item.values.get(name, _NEVER) != was.values.get(name, _NEVER)]

    def commit(self) -> None:
        """Bump versions, set stamps, write revisions, and make it part of the state."""
        for oid in list(self.before):
            if oid in self.state.items and oid not in self.still:
                self._bump(self.state.items[oid])
        self.state.record(self.now, self.before)

    def _bump(self, item: Item) -> None:
        names = [name for name in self.changed(item.oid) if self._counts(item, name)]
        if not names and item.version and item.oid not in self.touched:
            return
        item.version += 1
        attributes = self.state.schema_of(item).attributes(item.type)
        for name in STAMPS:
            if name in attributes:
                item.values[name] = self.stamp
        if self.state.schema_of(item).spec(item.type).can("h"):
            self._write_revision(item, names)

    def _counts(self, item: Item, name: str) -> bool:
        if name.startswith("_") or name in self.quiet.get(item.oid, ()):
            return False
        attribute = self.state.schema_of(item).attribute(item.type, name)
        return attribute is not None and attribute.kind != "inverse"

    def _write_revision(self, item: Item, names: list[str]) -> None:
        was = self.before.get(item.oid)
        names = [name for name in names if name not in _SILENT]
        text = revisions.describe(self.view, item, was, names) if was is not None else revisions.opening(item)
        kept = ("Workspace", "Subscription")
        values = {name: item.values[name] for name in kept if name in item.values}
        values |= {
            "CreationDate": self.stamp,
            "RevisionNumber": item.version - 1,
            "Description": text,
            "User": self.user,
            "RevisionHistory": item.oid + 1,
        }
        revision = Item(self.allocator.take(), "Revision", values)
        self.before.setdefault(revision.oid, None)
        self.state.insert(revision)
        item.values["_Revisions"] = (*item.values.get("_Revisions", ()), revision.oid)

    def roll_back(self) -> None:
        """Undo everything."""
        for oid, was in self.before.items():
            if oid in self.state.items:
                self.state.remove(oid)
            if was is not None:
                self.state.insert(was)
