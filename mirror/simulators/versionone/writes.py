"""Creates and changes assets by the rules, with all that follows; one transaction has one moment."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from mirror.simulators.versionone import rules
from mirror.simulators.versionone.rules_input import Changed, Input, Write, oid_of
from mirror.simulators.versionone.schema import Attribute
from mirror.simulators.versionone.state import RANK_GAP, Asset, MomentRow, RefusedError, State, Stored, targets
from mirror.simulators.versionone.versions import Reader

Writes = dict[str, tuple[Attribute, Write]]
"""What a call changes: by attribute name, the attribute and what is written to it."""


@dataclass(slots=True)
class Transaction:
    """A change in progress. Its audit row is written with the first version.

    Attributes:
        by: id of the member who writes.
        stamp: ChangeDateUTC of everything in it.
        reason: name of the operation, None for plain writes.
    """

    state: State
    reader: Reader
    by: int
    stamp: datetime
    comment: str | None = None
    reason: str | None = None
    _moment: int = 0

    @property
    def moment(self) -> int:
        """The moment of everything in this transaction."""
        if not self._moment or self._moment > len(self.state.moments):
            self._moment = self.state.record(MomentRow(self.stamp, self.by, self.reason, self.comment))
        return self._moment

    def put(self, asset: Asset, name: str, value: Stored, *, unseen: bool = False) -> None:
        """Set a stored value; the asset gets a version of this moment unless the change goes `unseen`."""
        self.state.put(asset, name, value, self.moment)
        if not unseen:
            self.touch(asset)

    def touch(self, asset: Asset) -> None:
        """Give the asset a version of this moment."""
        self.state.bump(asset, self.moment)


class Writer:
    """The rules for creating and updating, for one transaction."""

    def __init__(self, tx: Transaction) -> None:
        self.tx = tx
        self._state = tx.state
        self._schema = tx.state.schema
        self._switches = tx.reader.switches

    # Creating

    def create(self, type_name: str, values: Mapping[str, Write], *, lenient: bool = False) -> Asset:
        """Create an asset; `lenient` asks for no required attributes (versionone.md §11 C11)."""
        self._creatable(type_name)
        writes = self._checked(type_name, values, lenient=lenient)
        own, others = self._split(writes)
        stored = {name: self._whole(type_name, attribute, write) for name, (attribute, write) in own.items()}
        filled = {**rules.defaults(self._state, type_name, stored, self.tx.by), **_given(stored)}
        if type_name == "Expression":
            filled.setdefault("AuthoredAt", self.tx.stamp)
        if not lenient:
            self._require(type_name, filled, given=writes)
        asset = self.insert(type_name, filled)
        for attribute, write in others.values():
            self._change_other_side(asset, attribute, write)
        self._follow(asset, filled)
        return asset

    def insert(self, type_name: str, values: Mapping[str, Stored], asset_id: int | None = None) -> Asset:
        """Add an asset with stored values that need no check; it gets its number, and its rank at the end."""
        asset = self._state.insert(type_name, self.tx.moment, asset_id)
        prefix = self._state.numbered(type_name)
        if prefix is not None:
            self._state.put(asset, "Number", self._state.next_number(prefix), self.tx.moment)
        order = self._schema.attribute(type_name, "Order")
        if order is not None and "Order" not in values:
            self._state.put(asset, "Order", self._state.last_rank(), self.tx.moment)
        for name, value in values.items():
            self._state.put(asset, name, value, self.tx.moment)
            if self._state.root(type_name, name) is not None:
                self._touch_far_ends(asset, name, targets(value))
        return asset

    def _creatable(self, type_name: str) -> None:
        asset_type = self._schema.get(type_name)
        if asset_type is None:
            raise RefusedError(404, f"Unknown AssetType: {type_name}")
        if asset_type.abstract or type_name in rules.UNWRITABLE:
            raise RefusedError(405, f"AssetType cannot be created: {type_name}")

    def _require(self, type_name: str, filled: Mapping[str, Stored], given: Mapping[str, Any]) -> None:
        missing = []
        for name, attribute in self._schema.attributes(type_name).items():
            # A body is uploaded later, so its attribute is sent empty (versionone.md §6.5 S).
            sent_empty = attribute.kind == "Blob" and name in given
            if attribute.required and not attribute.read_only and not sent_empty and filled.get(name) in (None, "", ()):
                missing.append(f"Violation'Required'{type_name}.{name}")
        if missing:
            raise RefusedError(400, missing[0], missing)

    # Updating

    def update(self, asset: Asset, values: Mapping[str, Write], *, lenient: bool = False) -> bool:
        """Change an asset and return whether anything differs; it gets a version in any case (versionone.md §6.1 Q).

        Args:
            lenient: other sides of many-to-one relations take additions and removals, as in bulk (§7.3 S).
        """
        if asset.type in rules.UNWRITABLE:
            raise RefusedError(405, f"AssetType cannot be updated: {asset.type}")
        writes = self._checked(asset.type, values, lenient=lenient)
        own, others = self._split(writes)
        fresh = {name: self._whole(asset.type, attribute, write, asset) for name, (attribute, write) in own.items()}
        for name, (attribute, _) in own.items():
            if attribute.required and fresh[name] in (None, "", ()) and attribute.kind != "Blob":
                raise RefusedError(400, f"Violation'Required'{asset.type}.{name}")
        generation = self._state.generation
        self.tx.touch(asset)
        for name, value in fresh.items():
            self.put(asset, name, value)
        for attribute, write in others.values():
            self._change_other_side(asset, attribute, write)
        self._follow(asset, fresh)
        return self._state.generation != generation

    def put(self, asset: Asset, name: str, value: Stored) -> None:
        """Set one stored value, and give versions to those at the far ends as the switches say (C14)."""
        before = set(targets(asset.values.get(name)))
        self.tx.put(asset, name, value)
        if self._state.root(asset.type, name) is not None:
            self._touch_far_ends(asset, name, before.symmetric_difference(targets(value)))

    def _touch_far_ends(self, asset: Asset, name: str, ends: Iterable[Any]) -> None:
        attribute = self._schema.attribute(asset.type, name)
        switches = self._switches
        multi = attribute is not None and attribute.multi
        if switches.many_to_many_moves_both_ends if multi else switches.reverse_moves_target:
            for each in ends:
                end = self._state.assets.get(each)
                if end is not None and end.type not in rules.UNWRITABLE:
                    self.tx.touch(end)

    def _checked(self, type_name: str, values: Mapping[str, Write], *, lenient: bool) -> Writes:
        found = {}
        for name, write in values.items():
            attribute = self._schema.attribute(type_name, name)
            if attribute is None:
                raise RefusedError(400, f"Unknown AttributeDefinition: {type_name}.{name}")
            reachable = lenient and attribute.forward is not None
            if attribute.read_only and not reachable:
                raise RefusedError(400, f"Violation'ReadOnly'{type_name}.{name}")
            if isinstance(write, Changed) and not attribute.multi:
                raise RefusedError(400, f"Violation'Invalid'{type_name}.{name}")
            found[name] = (attribute, write)
        return found

    @staticmethod
    def _split(writes: Writes) -> tuple[Writes, Writes]:
        """Return what is stored with the asset itself, and what is stored with those on the other side."""
        own = {name: pair for name, pair in writes.items() if pair[0].forward is None}
        return own, {name: pair for name, pair in writes.items() if name not in own}

    # Values

    def _whole(self, type_name: str, attribute: Attribute, write: Write, asset: Asset | None = None) -> Stored:
        """Return the whole stored value that a write leads to."""
        reading = Input(self._state, self._switches, type_name)
        if attribute.kind == "Rank":
            return self._rank(reading, attribute, write)
        if not attribute.multi:
            value = reading.one(attribute, write)
            self._allowed(reading, attribute, (value,), asset)
            return value
        before = asset.values.get(attribute.name, ()) if asset is not None else ()
        return self._several(reading, attribute, _as_change(write, before), before)

    def _several(self, reading: Input, attribute: Attribute, change: Changed, before: tuple[Any, ...]) -> Stored:
        added = [each for raw in change.add if (each := reading.one(attribute, raw)) is not None]
        self._allowed(reading, attribute, tuple(added), None)
        read = oid_of if attribute.is_relation else partial(reading.one, attribute)
        gone = {read(raw) for raw in change.remove}
        kept = [each for each in before if each not in gone]
        return tuple(dict.fromkeys([*kept, *added]))

    def _allowed(self, reading: Input, attribute: Attribute, values: tuple[Stored, ...], asset: Asset | None) -> None:
        """Refuse targets the writer cannot see, and loops in a tree."""
        if not attribute.is_relation:
            return
        for value in values:
            if value is None:
                continue
            if not self.tx.reader.visible(self._state.assets[value], self.tx.by):
                raise reading.invalid(attribute)
            if asset is not None and self._is_loop(asset, attribute.name, value):
                raise reading.invalid(attribute)

    def _is_loop(self, asset: Asset, name: str, target: int) -> bool:
        root = self._state.root(asset.type, name)
        above: Asset | None = self._state.assets[target]
        while above is not None and root is not None and self._state.root(above.type, name) == root:
            if above is asset:
                return True
            above = self._state.assets.get(above.values.get(name, -1))
        return False

    def _rank(self, reading: Input, attribute: Attribute, write: Write) -> Stored:
        """Return a rank; `123+` and `123-` are just after and before 123 (versionone.md §5.2 D)."""
        if write in (None, "") and attribute.custom:
            return None
        text = str(write)
        number = text.rstrip("+-")
        if not number.isdigit() or len(text) - len(number) > 1:
            raise reading.invalid(attribute)
        if text == number:
            return int(number)
        after = text.endswith("+")
        rank = self._state.rank_beside(int(number), after=after)
        if rank is None:
            moved = self._spread_ranks()
            rank = self._state.rank_beside(moved.get(int(number), int(number)), after=after)
        if rank is None:
            raise reading.invalid(attribute)
        return rank

    def _spread_ranks(self) -> dict[int, int]:
        """Give every asset a new rank in the old order, unseen, when there is no room between two; return old -> new."""
        ranked = [asset for asset in self._state.assets.values() if "Order" in asset.values]
        ranked.sort(key=lambda asset: asset.values["Order"])
        moved = {}
        self._state.ranks = [(place + 1) * RANK_GAP for place in range(len(ranked))]
        for asset, rank in zip(ranked, self._state.ranks, strict=True):
            moved[asset.values["Order"]] = rank
            self.tx.put(asset, "Order", rank, unseen=True)
        return moved

    # The other side of a relation

    def _change_other_side(self, asset: Asset, attribute: Attribute, write: Write) -> None:
        before = tuple(self._state.pointing(attribute, asset.id))
        change = _as_change(write, before)
        reading = Input(self._state, self._switches, asset.type)
        added = [reading.target(attribute, raw) for raw in change.add]
        self._allowed(reading, attribute, tuple(added), None)
        self.tx.touch(asset)
        for each in added:
            if each is not None and each not in before:
                self._point(self._state.assets[each], attribute, asset, add=True)
        for raw in change.remove:
            if oid_of(raw) in before and oid_of(raw) not in added:
                self._point(self._state.assets[oid_of(raw)], attribute, asset, add=False)

    def _point(self, source: Asset, attribute: Attribute, target: Asset, *, add: bool) -> None:
        name = attribute.forward or ""
        forward = self._schema.attributes(source.type)[name]
        if not forward.multi:
            self._repoint(source, forward, target, add=add)
            return
        before = source.values.get(name, ())
        after = (*before, target.id) if add else tuple(each for each in before if each != target.id)
        self.tx.put(source, name, after, unseen=not self._switches.many_to_many_moves_both_ends)

    def _repoint(self, source: Asset, forward: Attribute, target: Asset, *, add: bool) -> None:
        reading = Input(self._state, self._switches, source.type)
        value = reading.target(forward, target.id) if add else None
        looped = add and self._is_loop(source, forward.name, target.id)
        if forward.read_only or looped or (forward.required and not add):
            raise reading.invalid(forward)
        self.put(source, forward.name, value)
        self._follow(source, {forward.name: value})

    # What follows

    def _follow(self, asset: Asset, changed: Mapping[str, Stored]) -> None:
        """Carry on what other values depend on (versionone.md §6.4)."""
        if asset.type in rules.CHILDREN and "Parent" in changed:
            parent = self._state.assets.get(asset.values.get("Parent", -1))
            for name in rules.FOLLOWED if parent else ():
                self.tx.put(asset, name, parent.values.get(name) if parent else None)
        if asset.type in rules.WORK and not changed.keys().isdisjoint(rules.FOLLOWED):
            unseen = not self._switches.following_moves_children
            for child in rules.followers(self._state, asset):
                for name in rules.FOLLOWED:
                    if child.values.get(name) != asset.values.get(name):
                        self.tx.put(child, name, asset.values.get(name), unseen=unseen)
        if asset.type == "Timebox" and "State" in changed:
            self.tx.put(asset, "AssetState", rules.STATE_OF_TIMEBOX[changed["State"]])


def _given(stored: Mapping[str, Stored]) -> dict[str, Stored]:
    """Leave out what was sent empty, so that default rules fill it; empty text is a value."""
    return {name: value for name, value in stored.items() if value not in (None, ())}


def _as_change(write: Write, before: tuple[Any, ...]) -> Changed:
    """Return a write of a multi-valued attribute as removals and then additions; a bare list replaces what there was."""
    if isinstance(write, Changed):
        return write
    if write is None:
        return Changed(remove=before)
    return Changed(add=tuple(write) if isinstance(write, list | tuple) else (write,), remove=before)
