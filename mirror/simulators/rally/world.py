"""The tracker's world behind one lock: what HTTP writes and what tests do goes through the same rules."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from mirror.simulators.clock import Clock
from mirror.simulators.rally import catalog, derived, recycle
from mirror.simulators.rally.items import Item, RefusedError
from mirror.simulators.rally.shapes import Renderer, Scope
from mirror.simulators.rally.state import State, View
from mirror.simulators.rally.switches import Switches
from mirror.simulators.rally.transaction import Allocator, Transaction
from mirror.simulators.rally.writes import Context, Numbers, Writer


@dataclass(frozen=True, slots=True)
class Landmarks:
    """ObjectIDs everybody needs.

    Attributes:
        workspace: the user's default workspace.
        other_workspace: the one named "Other".
        project: the user's default project.
        user: who the credentials belong to.
    """

    subscription: int
    workspace: int
    other_workspace: int
    project: int
    user: int
    profile: int


class World:
    """All data of the simulated tracker.

    Every method takes the lock; hold `lock` yourself around several calls that belong together.

    Args:
        base: address that `_ref` values of `truth` begin with.
    """

    def __init__(self, state: State, landmarks: Landmarks, clock: Clock, *, allocator: Allocator, numbers: Numbers) -> None:
        self.lock = threading.RLock()
        self.state = state
        self.landmarks = landmarks
        self.switches = Switches()
        self.base = "http://127.0.0.1/slm/webservice/v2.0"
        self._clock = clock
        self._allocator = allocator
        self._numbers = numbers

    def now(self) -> datetime:
        """Return the tracker's own time, offset included."""
        return self._clock.now() + timedelta(seconds=self.switches.clock_offset_seconds)

    def view(self, *, lagging: bool = False) -> View:
        """Return the present state, or what a replica shows by now. Use it under the lock."""
        if lagging and self.switches.replica_lag_seconds > 0:
            moment = self.now() - timedelta(seconds=self.switches.replica_lag_seconds)
            return View(self.state, self.state.since(moment))
        return View(self.state)

    # What the tracker holds

    def types(self) -> list[str]:
        """Return the paths of all types that can be listed in the default workspace, abstract ones left out."""
        with self.lock:
            specs = self.state.schemas[self.landmarks.workspace].specs()
            return [spec.path for spec in specs if spec.can("q") and not spec.can("a")]

    def ids(self, type_path: str, *, workspace: int | None = None) -> list[int]:
        """Return the ObjectIDs of a type that a listing of the default workspace gives, ascending."""
        with self.lock:
            inside = workspace or self.landmarks.workspace
            scoped = "Workspace" in self.state.schemas[inside].attributes(type_path)
            found = self.view().every(type_path)
            return [item.oid for item in found if not scoped or item.values.get("Workspace") == inside]

    def truth(self, type_path: str) -> dict[int, dict[str, Any]]:
        """Return, by ObjectID, every field as the tracker would send it now in full form, without `_` keys.

        References are {"_ref", "_refObjectName", "_type"}; for collections see `members`. Ignores lag, honours visibility.
        """
        with self.lock:
            renderer = Renderer(self.view(), Scope(self.base, self.now()))
            return {oid: renderer.plain(self.state.items[oid]) for oid in self.ids(type_path)}

    def members(self, oid: int, collection: str) -> list[int]:
        """Return the ObjectIDs in a collection, ascending, those the reader cannot see left out."""
        with self.lock:
            view = self.view()
            item = view.get(oid)
            if item is None:
                return []
            return sorted(each for each in view.members(item, collection) if view.reachable(each) is not None)

    def find(self, type_path: str, **values: Any) -> int:
        """Return the ObjectID of the first object listed with these stored values; LookupError if there is none.

        Looks in the default workspace unless `Workspace` is among the values.
        """
        with self.lock:
            for oid in self.ids(type_path, workspace=values.get("Workspace")):
                stored = self.state.items[oid].values
                if all(stored.get(name) == value for name, value in values.items()):
                    return oid
        raise LookupError(f"no {type_path} with {values}")

    def item(self, oid: int) -> Item:
        """Return a copy of an object as stored; KeyError if it does not exist (any more)."""
        with self.lock:
            return self.state.items[oid].copy()

    # Changes

    @contextmanager
    def transaction(self, *, user: int | None = None) -> Iterator[Transaction]:
        """Run a change; it is committed at the end, or undone if it raises."""
        with self.lock:
            binned = dict(self.state.bin)
            tx = Transaction(self.state, self.switches, self._allocator, self.now(), user or self.landmarks.user)
            try:
                yield tx
                tx.settle(derived.derive)
                tx.commit()
            except BaseException:
                tx.roll_back()
                self.state.bin = binned
                raise

    def context(self, workspace: int | None = None, project: int | None = None) -> Context:
        """Return where new objects go: the given places, or the user's defaults."""
        place = workspace or self.landmarks.workspace
        default = self.landmarks.project if place == self.landmarks.workspace else None
        return Context(place, project or default, self.landmarks.subscription)

    def writer(self, tx: Transaction, context: Context | None = None) -> Writer:
        """Return the write rules for a transaction."""
        return Writer(tx, context or self.context(), self._numbers)

    def create(self, type_path: str, fields: dict[str, Any], *, workspace: int | None = None) -> int:
        """Create an object from fields as a client would send them; return its ObjectID."""
        with self.transaction() as tx:
            oid = self.writer(tx, self.context(workspace)).create(type_path, fields)
            if type_path == "Attachment":
                self.writer(tx).finish_attachment(oid)
            return oid

    def update(self, oid: int, fields: dict[str, Any]) -> None:
        """Change fields of an object."""
        with self.transaction() as tx:
            self._alive(oid)
            self.writer(tx).update(oid, fields)

    def delete(self, oid: int) -> None:
        """Delete an object, with all that goes along."""
        with self.transaction() as tx:
            recycle.delete(tx, self._alive(oid))

    def restore(self, oid: int) -> list[int]:
        """Bring a deleted object back, with what went along; return the ObjectIDs."""
        with self.transaction() as tx:
            return recycle.restore(tx, oid)

    def purge(self, oid: int) -> None:
        """Drop a deleted object from the recycle bin for ever; `oid` may be its own or its entry's."""
        with self.transaction() as tx:
            recycle.purge(tx, oid)

    def move(self, oid: int, project: int) -> None:
        """Move an object to another project."""
        self.update(oid, {"Project": project})

    def add(self, oid: int, collection: str, oids: list[int]) -> None:
        """Add objects to a collection."""
        self._collect(oid, collection, oids, add=True)

    def remove(self, oid: int, collection: str, oids: list[int]) -> None:
        """Remove objects from a collection."""
        self._collect(oid, collection, oids, add=False)

    def _collect(self, oid: int, collection: str, oids: list[int], *, add: bool) -> None:
        with self.transaction() as tx:
            self._alive(oid)
            self.writer(tx).change_collection(oid, collection, list(oids), add=add)

    def rank(self, oid: int, *, above: int | None = None, below: int | None = None, to: str = "") -> None:
        """Move an object in the ranking: above or below another one, or to TOP or BOTTOM."""
        with self.transaction() as tx:
            self.writer(tx).rank(self._alive(oid), above=above, below=below, to=to)

    def _alive(self, oid: int) -> Item:
        item = self.view().reachable(oid)
        if item is None:
            raise RefusedError("Cannot find object to read")
        return item

    def roll_up(self) -> int:
        """Bring the roll-ups of all portfolio items up to date, without new versions or stamps; return how many moved.

        Only of interest with the switch `late_roll_up`. rally.md §11 I
        """
        moved = 0
        with self.lock, self.transaction() as tx:
            for path in ("PortfolioItem/Feature", "PortfolioItem/Initiative", "PortfolioItem/Theme"):
                for item in list(self.view().every(path)):
                    moved += self._roll_up_one(tx, item)
        return moved

    def _roll_up_one(self, tx: Transaction, item: Item) -> bool:
        fresh = derived.values_of(tx.view, item, stamp=tx.stamp)
        attributes = self.state.schema_of(item).attributes(item.type)
        late = {
            name: value
            for name, value in fresh.items()
            if name in derived.ROLL_UPS and item.values.get(name, attributes[name].default) != value
        }
        for name, value in late.items():
            tx.put(item.oid, name, value)
        tx.freeze(item.oid)
        return bool(late)

    # Access

    def hide_project(self, oid: int) -> None:
        """Close a project off: it and all it holds vanish for the reader, without any trace."""
        with self.lock:
            self.state.hidden.add(oid)
            self.state.generation += 1

    def show_project(self, oid: int) -> None:
        """Open a project again."""
        with self.lock:
            self.state.hidden.discard(oid)
            self.state.generation += 1

    # Custom fields

    def add_field(self, type_path: str, name: str, kind: str, argument: str = "") -> None:
        """Add a custom field; the schema digest changes.

        Args:
            name: with or without the prefix `c_`.
            kind: string, text, integer, decimal, boolean, date, pick, multi, weblink or ref.
            argument: the allowed values joined by `|`, or the type a reference points to.
        """
        self._change_schema(lambda tx: catalog.add_field(tx, self.landmarks.workspace, (type_path, name, kind, argument)))

    def remove_field(self, type_path: str, name: str) -> None:
        """Remove a custom field with its values; the schema digest changes."""
        self._change_schema(lambda tx: catalog.remove_field(tx, self.landmarks.workspace, type_path, name))

    def retype_field(self, type_path: str, name: str, kind: str, argument: str = "") -> None:
        """Replace a custom field by one of the same name and another kind; its values are lost."""

        def change(tx: Transaction) -> None:
            catalog.remove_field(tx, self.landmarks.workspace, type_path, name)
            catalog.add_field(tx, self.landmarks.workspace, (type_path, name, kind, argument))

        self._change_schema(change)

    def _change_schema(self, change: Callable[[Transaction], None]) -> None:
        with self.transaction() as tx:
            change(tx)
            if self.switches.schema_change_moves_stamps:
                self._touch_holders(tx)

    def _touch_holders(self, tx: Transaction) -> None:
        tx.touch(self.landmarks.workspace)
        for item in list(tx.view.every("Project")):
            if item.values.get("Workspace") == self.landmarks.workspace:
                tx.touch(item.oid)
