"""Reads any attribute of any asset, now or as of a moment, for whoever looks; decides who sees what."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime

from mirror.simulators.versionone.schema import Attribute
from mirror.simulators.versionone.state import Asset, State, Value, listed, targets
from mirror.simulators.versionone.switches import Switches

Getter = Callable[["Reader", Asset, int | None, int | None], Value]
"""Reads one attribute: (reader, asset, as of which moment or None for now, viewer or None for one who sees all)."""

SECURED_BY = {
    "Attachment": "Asset",
    "EmbeddedImage": "Asset",
    "Link": "Asset",
    "Note": "Asset",
    "Message": "RelatedAsset",
    "RegressionSuite": "RegressionPlan",
    "Allocation": "Budget",
    "Expression": "Mentions",
}
"""Where the project that decides about access comes from, for types without one of their own. versionone.md §5.3 R."""


class Reader:
    """Values of assets.

    Args:
        table: computed attributes, by name, or by `Type.Name` where a type has its own way.
        check: gives, for an operation, the attribute that says whether it would be accepted.
        now: tells the tracker's time.

    Attributes:
        hidden: by member, or None for all members, the roots of the project trees they cannot see.
    """

    def __init__(
        self,
        state: State,
        table: Mapping[str, Getter],
        check: Callable[[str], Getter],
        now: Callable[[], datetime],
    ) -> None:
        self.state = state
        self.now = now
        self.switches = Switches()
        self.hidden: dict[int | None, set[int]] = {}
        self._table = table
        self._check = check
        self._plans: dict[str, dict[str, Getter]] = {}
        self._plans_of = state.schema.generation
        self._closed: dict[int, frozenset[int]] = {}
        self._closed_of = -1

    def read(self, asset: Asset, name: str, at: int | None = None, viewer: int | None = None) -> Value:
        """Return the value of any attribute; KeyError if the type has none of that name."""
        return self.plan(asset.type)[name](self, asset, at, viewer)

    def plan(self, type_name: str) -> dict[str, Getter]:
        """Return how each attribute of a type is read."""
        if self._plans_of != self.state.schema.generation:
            self._plans.clear()
            self._plans_of = self.state.schema.generation
        plan = self._plans.get(type_name)
        if plan is None:
            attributes = self.state.schema.attributes(type_name)
            plan = {name: self._getter(type_name, attribute) for name, attribute in attributes.items()}
            self._plans[type_name] = plan
        return plan

    def _getter(self, type_name: str, attribute: Attribute) -> Getter:
        for step in self.state.schema.lineage(type_name):
            special = self._table.get(f"{step}.{attribute.name}")
            if special is not None:
                return special
        if attribute.closure is not None:
            return _closure(attribute)
        if attribute.read_only and attribute.forward is None and attribute.name in self._table:
            return self._table[attribute.name]
        if attribute.read_only and attribute.name.startswith("Check"):
            return self._check(attribute.name.removeprefix("Check"))
        return _stored(self._instant_of(type_name, attribute))

    def _instant_of(self, type_name: str, attribute: Attribute) -> Attribute:
        """Return the date that a read-only one called UTC shows: the same instant in another zone (versionone.md §9 D)."""
        twin = self.state.schema.attribute(type_name, attribute.name.removesuffix("UTC"))
        return twin if attribute.read_only and attribute.utc and twin is not None and twin.kind == "Date" else attribute

    # Time

    def exists(self, asset_id: int, at: int | None = None) -> bool:
        """True if there is such an asset, deleted or not, now or at the end of moment `at`."""
        asset = self.state.assets.get(asset_id)
        return asset is not None and (at is None or asset.versions[0] <= at)

    def version(self, asset: Asset, at: int | None = None) -> int:
        """Return the moment of the version that was in force at `at`; of the first one if there was none yet."""
        if at is None or asset.versions[-1] <= at:
            return asset.versions[-1]
        return asset.versions[max(0, bisect_right(asset.versions, at) - 1)]

    def latest(self, instant: datetime) -> int:
        """Return the last moment on or before an instant; 0 if there was none."""
        rows = self.state.moments
        if rows and rows[-1].changed_at <= instant:
            return len(rows)
        # Searched from the end, because a server's clock may have been set back.
        return next((number for number in range(len(rows), 0, -1) if rows[number - 1].changed_at <= instant), 0)

    # Access

    def sees(self, asset_id: int, at: int | None = None, viewer: int | None = None) -> bool:
        """True if a relation names the asset to the viewer."""
        asset = self.state.assets.get(asset_id)
        if asset is None or (not self.switches.relations_keep_deleted and asset.get("AssetState", at) == 255):
            return False
        return not self.hidden or viewer is None or self.visible(asset, viewer)

    def visible(self, asset: Asset, viewer: int | None) -> bool:
        """False if the asset belongs to a project that is closed to the viewer now, whatever moment is looked at."""
        closed = self._closed_to(viewer)
        return not closed or self.security_scope(asset) not in closed

    def _closed_to(self, viewer: int | None) -> frozenset[int]:
        if viewer is None or not self.hidden:
            return frozenset()
        if self._closed_of != self.state.generation:
            self._closed.clear()
            self._closed_of = self.state.generation
        if viewer not in self._closed:
            roots = self.hidden.get(None, set()) | self.hidden.get(viewer, set())
            self._closed[viewer] = frozenset(self._below(roots))
        return self._closed[viewer]

    def _below(self, roots: set[int]) -> Iterator[int]:
        below = self.state.schema.attributes("Scope")["Children"]
        waiting = list(roots)
        while waiting:
            scope = waiting.pop()
            yield scope
            waiting += self.state.pointing(below, scope)

    def security_scope(self, asset: Asset, at: int | None = None) -> int | None:
        """Return the project that decides who sees the asset; None if everybody does."""
        seen = 0
        while asset.type != "Scope" and asset.get("Scope", at) is None:
            following = targets(asset.get(SECURED_BY.get(asset.type, ""), at)) or targets(asset.get("InReplyTo", at))
            above = self.state.assets.get(following[0]) if following else None
            seen += 1
            if above is None or seen > 50:
                return None
            asset = above
        scope: int | None = asset.id if asset.type == "Scope" else asset.get("Scope", at)
        return scope


def _stored(attribute: Attribute) -> Getter:
    if attribute.kind == "Password":
        return _nothing
    if attribute.kind == "LocalizerTag":
        return _localised(attribute.name)
    if attribute.forward is not None:
        return _other_side(attribute)
    if attribute.is_relation:
        return _many(attribute.name) if attribute.multi else _single(attribute.name)
    return _several(attribute.name) if attribute.multi else _plain(attribute.name)


def _nothing(reader: Reader, asset: Asset, at: int | None, viewer: int | None) -> Value:
    # A Password is write-only (versionone.md §5.2).
    return None


def _plain(name: str) -> Getter:
    def get(reader: Reader, asset: Asset, at: int | None, viewer: int | None) -> Value:
        found: Value = asset.values.get(name) if at is None else asset.get(name, at)
        return found

    return get


def _localised(name: str) -> Getter:
    def get(reader: Reader, asset: Asset, at: int | None, viewer: int | None) -> Value:
        # Keys look like Role.Name'Team Lead (versionone.md §3.1 R).
        key: str | None = asset.get(name, at)
        return key.rpartition("'")[2] if key and reader.switches.localised_names else key

    return get


def _several(name: str) -> Getter:
    def get(reader: Reader, asset: Asset, at: int | None, viewer: int | None) -> Value:
        return listed(asset.get(name, at) or ())

    return get


def _single(name: str) -> Getter:
    def get(reader: Reader, asset: Asset, at: int | None, viewer: int | None) -> Value:
        target: int | None = asset.values.get(name) if at is None else asset.get(name, at)
        return target if target is not None and reader.sees(target, at, viewer) else None

    return get


def _many(name: str) -> Getter:
    def get(reader: Reader, asset: Asset, at: int | None, viewer: int | None) -> Value:
        return [target for target in asset.get(name, at) or () if reader.sees(target, at, viewer)]

    return get


def _other_side(attribute: Attribute) -> Getter:
    def get(reader: Reader, asset: Asset, at: int | None, viewer: int | None) -> Value:
        found = reader.state.pointing(attribute, asset.id, at)
        return [source for source in found if reader.sees(source, at, viewer)]

    return get


def _closure(attribute: Attribute) -> Getter:
    relation, *how = (attribute.closure or "").split()

    def get(reader: Reader, asset: Asset, at: int | None, viewer: int | None) -> Value:
        found = {asset.id: None} if "me" in how else {}
        waiting = [asset]
        while waiting:
            for target in targets(_tuple(reader, waiting.pop(), relation, at, viewer)):
                if target not in found:
                    found[target] = None
                    if "one" not in how:
                        waiting.append(reader.state.assets[target])
        return sorted(found)

    return get


def _tuple(reader: Reader, asset: Asset, name: str, at: int | None, viewer: int | None) -> tuple[int, ...] | int | None:
    getter = reader.plan(asset.type).get(name)
    value = getter(reader, asset, at, viewer) if getter is not None else None
    return tuple(value) if isinstance(value, list) else value if isinstance(value, int) else None
