"""What the tracker knows: assets with every value they ever had, both sides of relations, and the audit rows.

Nothing here knows a rule; `writes.py` and `operations.py` do. Every change can be undone up to a savepoint.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from operator import itemgetter
from typing import Any, NamedTuple

from mirror.errors import MirrorError
from mirror.simulators.versionone.schema import Attribute, Schema

Value = None | str | int | Decimal | bool | date | datetime | bytes | list[Any]
"""A single relation is the target's id or None, a multi relation a list of ids, a multi plain attribute a list."""

Stored = Any
"""As `Value`, but several values are a tuple, so that what is past cannot change. None and () are not stored."""

DELETED = 255
"""AssetState of a deleted asset (versionone.md §6.3 D)."""

RANK_GAP = 1 << 32
"""Room between two ranks that were handed out at the end."""

_MOMENT = itemgetter(0)


class RefusedError(MirrorError):
    """The tracker's rules forbid what was asked for.

    Attributes:
        status: the HTTP status, 400, 404 or 405.
        message: the outer message (versionone.md §3.4).
        exceptions: inner messages, outermost first.
    """

    def __init__(self, status: int, message: str, exceptions: Iterable[str] = ()) -> None:
        self.status = status
        self.message = message
        self.exceptions = tuple(exceptions)
        super().__init__(message)


class MomentRow(NamedTuple):
    """One audit row: what all versions with this moment share (versionone.md §6.4 Q).

    Attributes:
        changed_at: aware, UTC.
        changed_by: id of the Member.
        reason: name of the operation, None for plain writes.
    """

    changed_at: datetime
    changed_by: int
    reason: str | None
    comment: str | None


@dataclass(slots=True, eq=False)
class Asset:
    """One asset, mutable, owned by `State`.

    Attributes:
        values: what it has now, by attribute name; only owning sides of relations, nothing that is computed.
        past: by attribute name, (moment of a change, value before it), oldest first.
        versions: moments of its versions, oldest first.
    """

    id: int
    type: str
    values: dict[str, Stored]
    past: dict[str, list[tuple[int, Stored]]]
    versions: list[int]

    def get(self, name: str, at: int | None = None) -> Stored:
        """Return a stored value, or the one it had at the end of moment `at`; None if there is none."""
        if at is not None and self.past:
            changes = self.past.get(name)
            if changes is not None:
                index = bisect_right(changes, at, key=_MOMENT)
                if index < len(changes):
                    return changes[index][1]
        return self.values.get(name)

    @property
    def is_deleted(self) -> bool:
        """True if it is deleted now."""
        return bool(self.values.get("AssetState") == DELETED)


class Links:
    """For one relation, by target, who points there now and who once did."""

    __slots__ = ("former", "now")

    def __init__(self) -> None:
        self.now: dict[int, dict[int, None]] = {}
        self.former: dict[int, set[int]] = {}

    def add(self, target: int, source: int) -> None:
        """Note that the source points to the target."""
        self.now.setdefault(target, {})[source] = None

    def drop(self, target: int, source: int) -> None:
        """Note that it does no longer."""
        sources = self.now.get(target)
        if sources is not None:
            sources.pop(source, None)
            self.former.setdefault(target, set()).add(source)

    def ever(self, target: int) -> set[int]:
        """Return all that point, or pointed, to the target."""
        return {*self.now.get(target, ()), *self.former.get(target, ())}


class State:
    """All assets. Changed only within a transaction of `World`."""

    def __init__(self, schema: Schema) -> None:
        self.schema = schema
        self.assets: dict[int, Asset] = {}
        self.by_type: dict[str, list[int]] = {each.name: [] for each in schema.types()}
        self.links: dict[str, Links] = {}
        self.moments: list[MomentRow] = []
        self.next_id = 1001
        self.numbers: dict[str, int] = {}
        self.ranks: list[int] = []
        self.generation = 0
        self._undo: list[Callable[[], object]] = []
        self._roots: dict[tuple[str, str], str | None] = {}
        self._roots_of = schema.generation

    # Reading

    def root(self, type_name: str, name: str) -> str | None:
        """Return the key of `links` for a stored relation that has an other side; None for all other attributes."""
        if self._roots_of != self.schema.generation:
            self._roots.clear()
            self._roots_of = self.schema.generation
        key = (type_name, name)
        if key not in self._roots:
            self._roots[key] = self._find_root(type_name, name)
        return self._roots[key]

    def _find_root(self, type_name: str, name: str) -> str | None:
        attribute = self.schema.attribute(type_name, name)
        linked = attribute is not None and attribute.reciprocal is not None and attribute.forward is None
        return self.schema.root(type_name, name) if linked else None

    def pointing(self, attribute: Attribute, target: int, at: int | None = None) -> list[int]:
        """Return who pointed to the target through the relation whose other side `attribute` is, ascending."""
        links = self.links.get(attribute.reciprocal or "")
        if links is None:
            return []
        if at is None:
            return sorted(links.now.get(target, ()))
        name = attribute.forward or ""
        return sorted(each for each in links.ever(target) if target in self._targets(each, name, at))

    def _targets(self, source: int, name: str, at: int) -> tuple[int, ...]:
        asset = self.assets.get(source)
        if asset is None or asset.versions[0] > at:
            return ()
        return targets(asset.get(name, at))

    def numbered(self, type_name: str) -> str | None:
        """Return the prefix of a type's numbers, None if it has none."""
        asset_type = self.schema.get(type_name)
        return asset_type.number_prefix if asset_type else None

    # Changing

    def savepoint(self) -> int:
        """Return a mark for `roll_back`."""
        return len(self._undo)

    def roll_back(self, savepoint: int) -> None:
        """Undo everything since the mark; ids and numbers given out stay used."""
        while len(self._undo) > savepoint:
            self._undo.pop()()
        self.generation += 1

    def forget_undo(self) -> None:
        """Make everything up to here final."""
        self._undo.clear()

    def record(self, row: MomentRow) -> int:
        """Add an audit row and return its moment."""
        self.moments.append(row)
        self._undo.append(self.moments.pop)
        return len(self.moments)

    def insert(self, type_name: str, moment: int, asset_id: int | None = None) -> Asset:
        """Add an asset without any values; its id is the next one if None."""
        if asset_id is None:
            asset_id, self.next_id = self.next_id, self.next_id + 1
        asset = Asset(asset_id, type_name, {}, {}, [moment])
        self.assets[asset_id] = asset
        ids = self.by_type[type_name]
        if ids and ids[-1] > asset_id:
            insort(ids, asset_id)
        else:
            ids.append(asset_id)
        self.generation += 1
        self._undo.append(lambda: self._take_out(asset))
        return asset

    def _take_out(self, asset: Asset) -> None:
        del self.assets[asset.id]
        ids = self.by_type[asset.type]
        del ids[bisect_left(ids, asset.id)]

    def bump(self, asset: Asset, moment: int) -> None:
        """Give the asset a version of that moment, unless it has one."""
        if asset.versions[-1] != moment:
            asset.versions.append(moment)
            self._undo.append(asset.versions.pop)

    def put(self, asset: Asset, name: str, value: Stored, moment: int) -> bool:
        """Set a stored value as of a moment, both sides of relations together; return whether it differs from before."""
        value = None if value == () else value
        old = asset.values.get(name)
        if old == value and type(old) is type(value):
            return False
        created = asset.versions[0] == moment
        changes = None if created else asset.past.setdefault(name, [])
        noted = changes is not None and not (changes and changes[-1][0] == moment)
        if changes is not None and noted:
            changes.append((moment, old))
        self._assign(asset, name, value)
        self._undo.append(lambda: self._restore(asset, name, old, changes if noted else None))
        return True

    def _restore(self, asset: Asset, name: str, old: Stored, changes: list[tuple[int, Stored]] | None) -> None:
        if changes is not None:
            changes.pop()
        self._assign(asset, name, old)

    def _assign(self, asset: Asset, name: str, value: Stored) -> None:
        root = self.root(asset.type, name)
        if root is not None:
            before, after = targets(asset.values.get(name)), targets(value)
            links = self.links.setdefault(root, Links())
            for target in set(before).difference(after):
                links.drop(target, asset.id)
            for target in set(after).difference(before):
                links.add(target, asset.id)
        if value is None:
            asset.values.pop(name, None)
        else:
            asset.values[name] = value
        self.generation += 1

    def purge(self, asset_id: int) -> None:
        """Take an asset out for good, with its history; what pointed to it points nowhere. Cannot be undone."""
        asset = self.assets[asset_id]
        for name in list(asset.values):
            self._assign(asset, name, None)
        self._take_out(asset)

    # Counters

    def next_number(self, prefix: str) -> str:
        """Return the next value of `Number` for a pattern; counters are separate per pattern (versionone.md §6.4)."""
        count = self.numbers.get(prefix, 1000) + 1
        self.numbers[prefix] = count
        return f"{prefix}{count:05d}"

    def last_rank(self) -> int:
        """Return a new rank behind all others."""
        rank = (self.ranks[-1] if self.ranks else 0) + RANK_GAP
        self.ranks.append(rank)
        return rank

    def rank_beside(self, rank: int, *, after: bool) -> int | None:
        """Return a new rank just after or before another one; None if there is no room left."""
        index = bisect_right(self.ranks, rank) if after else bisect_left(self.ranks, rank) - 1
        other = self.ranks[index] if 0 <= index < len(self.ranks) else rank + (RANK_GAP if after else -RANK_GAP)
        middle = (rank + other) // 2
        if middle in (rank, other):
            return None
        insort(self.ranks, middle)
        return middle


def targets(value: Stored) -> tuple[int, ...]:
    """Return the ids in a stored relation, single or multi."""
    if value is None:
        return ()
    return value if isinstance(value, tuple) else (value,)


def listed(value: Stored) -> Value:
    """Return a stored value as `Value`: several as a list."""
    found: Value = list(value) if isinstance(value, tuple) else value
    return found


def plain(values: Mapping[str, Stored]) -> dict[str, Value]:
    """Return stored values as `Value`."""
    return {name: listed(value) for name, value in values.items()}
