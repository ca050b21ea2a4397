"""The tracker's world behind one lock: what HTTP writes and what tests do goes through the same rules."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from mirror.simulators.clock import Clock
from mirror.simulators.versionone import operations, rules, rules_values, seed_meta, truth
from mirror.simulators.versionone.definitions import make_attribute
from mirror.simulators.versionone.rules_input import Changed, Write, whole_milliseconds
from mirror.simulators.versionone.schema import Attribute, Schema
from mirror.simulators.versionone.state import Asset, MomentRow, RefusedError, State, Value, plain
from mirror.simulators.versionone.switches import Switches
from mirror.simulators.versionone.versions import Reader
from mirror.simulators.versionone.writes import Transaction, Writer

_CONTEXTS = "Parent Super Scope Timebox Asset Workitem RegressionSuite RegressionPlan BelongsTo".split()
"""Relations that the context of a new asset goes into; the first that fits."""

__all__ = ["Changed", "Landmarks", "RefusedError", "Value", "World"]


@dataclass(frozen=True, slots=True)
class Landmarks:
    """Ids everybody needs.

    Attributes:
        scope: the root project, `Scope:0`.
        admin: the default credential's member, `Member:20`, a System Admin.
        limited: a member who cannot see `hidden_project` and what is below.
        project: a project with work in it.
        hidden_project: a project with work in it and projects below.
        deleted_story: a story that was deleted.
    """

    scope: int = rules.SYSTEM
    admin: int = rules.ADMIN
    limited: int = rules.ADMIN
    project: int = rules.SYSTEM
    hidden_project: int = rules.SYSTEM
    deleted_story: int = 0


class World:
    """All data of the simulated tracker.

    Every method takes the lock; hold `lock` yourself around several calls that belong together.

    Attributes:
        base: root address including the instance, such as `/Acme`.
        clock: the machine's time behind `now`.
        no_op_saves: how many updates changed nothing; they make a version all the same (versionone.md §6.1 Q).
    """

    def __init__(self, state: State, clock: Clock, landmarks: Landmarks | None = None) -> None:
        self.lock = threading.RLock()
        self.state = state
        self.clock = clock
        self.landmarks = landmarks or Landmarks()
        self.base = "http://127.0.0.1/Acme"
        self.reader = Reader(state, rules_values.TABLE, rules.check, self.now)
        self.no_op_saves = 0
        self._tx: Transaction | None = None

    @property
    def schema(self) -> Schema:
        """All types and attributes."""
        return self.state.schema

    @property
    def switches(self) -> Switches:
        """How the tracker behaves where that is open; may be set at any time."""
        return self.reader.switches

    @switches.setter
    def switches(self, switches: Switches) -> None:
        with self.lock:
            self.reader.switches = switches

    @property
    def moment(self) -> int:
        """The newest moment."""
        return len(self.state.moments)

    def now(self) -> datetime:
        """Return the tracker's own time in UTC, offset included."""
        return self.clock.now() + timedelta(seconds=self.reader.switches.clock_offset_seconds)

    # Reading. `at`: as of the end of that moment, None for now. `viewer`: whose rights apply, None for one who sees all.

    def exists(self, asset_id: int, *, at: int | None = None) -> bool:
        """True if there is, or was by then, such an asset, deleted or not."""
        with self.lock:
            return self.reader.exists(asset_id, at)

    def type_of(self, asset_id: int) -> str | None:
        """Return the type's name, None if there is no such asset."""
        asset = self.state.assets.get(asset_id)
        return asset.type if asset is not None else None

    def visible(self, asset_id: int, *, viewer: int | None = None) -> bool:
        """True if the asset exists, deleted or not, and the viewer may see it."""
        with self.lock:
            asset = self.state.assets.get(asset_id)
            return asset is not None and self.reader.visible(asset, viewer)

    def is_deleted(self, asset_id: int, *, at: int | None = None) -> bool:
        """True if the asset is, or was by then, deleted; KeyError if there is none."""
        with self.lock:
            return rules.asset_state(self.state.assets[asset_id], at) == 255

    def ids(
        self,
        type_name: str,
        *,
        deleted: bool | None = False,
        at: int | None = None,
        viewer: int | None = None,
    ) -> list[int]:
        """Return the ids of a type, which may be abstract, ascending; KeyError for an unknown type.

        Args:
            deleted: True for deleted assets only, None for all.
        """
        with self.lock:
            names = self.schema.concrete(type_name)
            every = [each for name in names for each in self.state.by_type[name]]
            found = [each for each in every if self._counts(self.state.assets[each], deleted, at, viewer)]
            return found if len(names) == 1 else sorted(found)

    def _counts(self, asset: Asset, deleted: bool | None, at: int | None, viewer: int | None) -> bool:
        if at is not None and asset.versions[0] > at:
            return False
        if deleted is not None and (rules.asset_state(asset, at) == 255) != deleted:
            return False
        return self.reader.visible(asset, viewer)

    def value(self, asset_id: int, name: str, *, at: int | None = None, viewer: int | None = None) -> Value:
        """Return the value of any attribute, stored, of the other side, or computed.

        None as well if the asset did not exist by then; KeyError for an unknown asset or attribute.
        """
        with self.lock:
            asset = self.state.assets[asset_id]
            if at is not None and asset.versions[0] > at:
                return None
            return self.reader.read(asset, name, at, viewer)

    def moments(self, asset_id: int) -> list[int]:
        """Return the moments of an asset's versions, oldest first; KeyError if there is none."""
        with self.lock:
            return list(self.state.assets[asset_id].versions)

    def moment_at(self, instant: datetime) -> int:
        """Return the last moment on or before an aware instant, 0 if there was none."""
        with self.lock:
            return self.reader.latest(instant)

    def moment_row(self, moment: int) -> MomentRow:
        """Return (changed_at, changed_by, reason, comment) of a moment, 1 or higher."""
        if not 1 <= moment <= len(self.state.moments):
            raise KeyError(moment)
        return self.state.moments[moment - 1]

    def replica_moment(self) -> int | None:
        """Return the moment that reads show by the switch `replica_lag_seconds`, None for the present."""
        lag = self.switches.replica_lag_seconds
        return self.moment_at(self.now() - timedelta(seconds=lag)) if lag > 0 else None

    def blob(self, asset_id: int, *, at: int | None = None) -> bytes | None:
        """Return the body of an attachment or image, None if there is none; KeyError for an unknown asset."""
        with self.lock:
            content: bytes | None = self.state.assets[asset_id].get("Content", at)
            return content

    # Writing

    @contextmanager
    def transaction(self, *, by: int = rules.ADMIN, comment: str | None = None) -> Iterator[Transaction]:
        """Let several calls share one moment; all or nothing.

        A call that raises within is undone alone; if the error leaves the block, everything is. Inside another transaction
        the outer one's member and comment stay.
        """
        with self.lock:
            outer, savepoint = self._tx, self.state.savepoint()
            tx = outer or Transaction(self.state, self.reader, by, self._stamp(), comment)
            self._tx = tx
            try:
                yield tx
            except BaseException:
                self.state.roll_back(savepoint)
                raise
            finally:
                self._tx = outer
                if outer is None:
                    self.state.forget_undo()

    def _stamp(self) -> datetime:
        stamp = whole_milliseconds(self.now())
        return stamp.replace(microsecond=0) if self.switches.equal_stamps else stamp

    def create(
        self,
        type_name: str,
        values: Mapping[str, Write],
        *,
        by: int = rules.ADMIN,
        comment: str | None = None,
        lenient: bool = False,
    ) -> int:
        """Create an asset and return its id.

        Args:
            values: by attribute name: typed values or wire text; `Changed` or a list for multi-valued ones.
            lenient: required attributes may be missing.

        Raises:
            RefusedError: by a rule.
        """
        with self.transaction(by=by, comment=comment) as tx:
            return Writer(tx).create(type_name, values, lenient=lenient).id

    def update(
        self,
        asset_id: int,
        values: Mapping[str, Write],
        *,
        by: int = rules.ADMIN,
        comment: str | None = None,
        allow_deleted: bool = False,
        lenient: bool = False,
    ) -> int:
        """Change an asset, even if nothing differs, and return the moment.

        Args:
            allow_deleted: a deleted asset is changed too, as by bulk (versionone.md §11 C4).
            lenient: other sides of many-to-one relations take additions and removals, as in bulk (§7.3 S).
        """
        with self.transaction(by=by, comment=comment) as tx:
            asset = self._reachable(asset_id, by, allow_deleted=allow_deleted)
            self.no_op_saves += not Writer(tx).update(asset, values, lenient=lenient)
            return tx.moment

    def operate(
        self, asset_id: int, operation: str, *, by: int = rules.ADMIN, arguments: Mapping[str, Any] | None = None
    ) -> int:
        """Run an operation and return the id of the asset its answer names: the copy's, for one that copies."""
        with self.transaction(by=by) as tx:
            asset = self._reachable(asset_id, by, allow_deleted=True)
            return operations.operate(tx, asset, operation, arguments).id

    def set_blob(self, asset_id: int, content: bytes, *, by: int = rules.ADMIN) -> int:
        """Store the body of an attachment or image and return the moment; the hash follows (versionone.md §6.5, §1 Q)."""
        with self.transaction(by=by) as tx:
            asset = self._reachable(asset_id, by, allow_deleted=False)
            if self.schema.attribute(asset.type, "Content") is None or asset.type in ("Note", "Expression"):
                raise RefusedError(404, f"Not found: {asset.type}:{asset.id}")
            tx.put(asset, "Content", content)
            if self.schema.attribute(asset.type, "ContentHash") is not None:
                tx.put(asset, "ContentHash", hashlib.sha1(content, usedforsecurity=False).hexdigest())
            return tx.moment

    def _reachable(self, asset_id: int, by: int, *, allow_deleted: bool) -> Asset:
        asset = self.state.assets.get(asset_id)
        if asset is None or not self.reader.visible(asset, by) or (asset.is_deleted and not allow_deleted):
            raise RefusedError(404, f"Not found: {asset_id if asset is None else f'{asset.type}:{asset_id}'}")
        return asset

    def template(self, type_name: str, ctx: int | None = None) -> Mapping[str, Value]:
        """Return the values suggested for a new asset, those of default rules and of the context (versionone.md §1, §6.1 D).

        Args:
            ctx: an asset to make it in or under: a project, a sprint, a workitem, a suite; ignored where it does not fit.
        """
        with self.lock:
            if self.schema.get(type_name) is None:
                raise RefusedError(404, f"Unknown AssetType: {type_name}")
            given = self._from_context(type_name, self.state.assets.get(-1 if ctx is None else ctx))
            suggested = {**rules.defaults(self.state, type_name, given, rules.ADMIN), **given}
            return plain({name: value for name, value in suggested.items() if value is not None})

    def _from_context(self, type_name: str, ctx: Asset | None) -> dict[str, Any]:
        if ctx is None or ctx.is_deleted:
            return {}
        attributes = self.schema.attributes(type_name)
        given = {name: ctx.values.get(name) for name in ("Scope", "Timebox", "Team") if name in attributes}
        for name in _CONTEXTS:
            attribute = attributes.get(name)
            if attribute is not None and self.schema.is_a(ctx.type, attribute.related or ""):
                given[name] = ctx.id
                break
        return {name: value for name, value in given.items() if value is not None}

    # For tests

    def truth(self, type_name: str) -> dict[int, dict[str, Value]]:
        """Return, by id, every row of a type that the default credential sees, deleted ones left out.

        A row has every attribute that a mirror can hold (see `truth.is_kept`); for the names of relations see `name`.
        """
        with self.lock:
            viewer = self.landmarks.admin
            found = self.ids(type_name, viewer=viewer)
            return {each: truth.row(self.reader, self.state.assets[each], viewer=viewer) for each in found}

    def name(self, asset_id: int, relation: Attribute) -> str | None:
        """Return what a relation shows for its target `asset_id` (its display attribute), None if it has nothing to show."""
        with self.lock:
            asset = self.state.assets.get(asset_id)
            display = (relation.display_by or "").rpartition(".")[2]
            if asset is None or display not in self.reader.plan(asset.type):
                return None
            shown = self.reader.read(asset, display)
            return None if shown is None else str(shown)

    def find(self, type_name: str, **values: Value) -> int:
        """Return the first living asset of a type with these values; LookupError if there is none."""
        with self.lock:
            for each in self.ids(type_name):
                if all(self.value(each, name) == value for name, value in values.items()):
                    return each
        raise LookupError(f"no {type_name} with {values}")

    def hide(self, scope_id: int, *, member: int | None = None) -> None:
        """Close a project and all below it to one member, or to every viewer: its assets vanish for them, without trace."""
        with self.lock:
            self.reader.hidden.setdefault(member, set()).add(scope_id)
            self.state.generation += 1

    def show(self, scope_id: int, *, member: int | None = None) -> None:
        """Open a project again, for those it was closed to by the same call of `hide`."""
        with self.lock:
            self.reader.hidden.get(member, set()).discard(scope_id)
            self.state.generation += 1

    def purge(self, asset_id: int) -> None:
        """Remove an asset's row and history for good, as the vendor's maintenance scripts do (Q); KeyError if there is none.

        ValueError for the root project and the first member, which are never purged (versionone.md §7.2 Q).
        No moment is written, nothing else changes but that relations no longer name it. Its id is never used again.
        """
        with self.lock:
            if self._tx is not None:
                raise RuntimeError("purging cannot be undone, so it is no part of a transaction")
            if asset_id in (rules.SYSTEM, rules.ADMIN):
                raise ValueError(f"{asset_id} is never purged")
            self.state.purge(asset_id)

    def add_field(self, type_name: str, name: str, kind: str, **more: Any) -> Attribute:
        """Add a custom field `Custom_<name>` and return it.

        Args:
            kind: an attributetype, with flags as in `definitions.py` (`Text:*`).
            more: `related` for a relation; any other field of `Attribute`.
        """
        with self.lock, self.transaction() as tx:
            full = f"Custom_{name.removeprefix('Custom_')}"
            attribute = make_attribute(type_name, full, kind, more.pop("related", ""), **more)
            self.schema.add_attribute(type_name, attribute)
            seed_meta.add_attribute(self.state, attribute, tx.moment)
            return attribute

    def remove_field(self, type_name: str, name: str) -> None:
        """Remove a custom field from the type that declares it; KeyError if it does not. Its values stay in storage."""
        with self.lock:
            full = f"Custom_{name.removeprefix('Custom_')}"
            self.schema.remove_attribute(type_name, full)
            self.state.purge(seed_meta.row_of(self.state, f"{type_name}.{full}"))
