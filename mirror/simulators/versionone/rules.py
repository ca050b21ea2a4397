"""What may be done to an asset, what a new one gets, and what follows from a change."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mirror.simulators.versionone.state import DELETED, Asset, State, targets
from mirror.simulators.versionone.versions import Getter, Reader

FUTURE, ACTIVE, CLOSED, TEMPLATE, BROKEN_DOWN = 0, 64, 128, 200, 208
"""Codes of AssetState (versionone.md §6.3 D); DELETED is in `state`."""

DEAD = 192
"""From here on an asset is dead (§6.3 S/Q)."""

SYSTEM, ADMIN = 0, 20
"""Well-known ids of the root project and of the first member (§7.2 Q)."""

STATE_OF_TIMEBOX = {100: FUTURE, 101: ACTIVE, 102: CLOSED}
"""Timebox.State (§6.3 S) -> AssetState."""

UNWRITABLE = frozenset({"Role", "State", "AssetType", "AttributeDefinition", "Operation"})
"""Types that come with the product: nothing can be created or changed."""

FOLLOWED = ("Scope", "Timebox", "Team", "Super")
"""What tasks and tests take from their parent (§6.4 R/D)."""

WORK = ("Story", "Defect", "TestSet")
CHILDREN = ("Task", "Test")

Rule = Callable[[Reader, Asset, int | None], bool]


def asset_state(asset: Asset, at: int | None = None) -> int:
    """Return the code; types without AssetState count as active."""
    code: int | None = asset.get("AssetState", at)
    return ACTIVE if code is None else code


def is_closed(code: int) -> bool:
    """True for the closed family (versionone.md §6.3 Q)."""
    return CLOSED <= code < DEAD


# What may be done


def _deletable(reader: Reader, asset: Asset, at: int | None) -> bool:
    if asset_state(asset, at) == DELETED or asset.id in (SYSTEM, ADMIN):
        return False
    # An epic with children is refused (§6.4 D); a project with anything alive in it as well (I).
    holding = {"Epic": ("Subs",), "Scope": ("Children", "Workitems")}.get(asset.type, ())
    attributes = reader.state.schema.attributes(asset.type)
    inside = (each for name in holding for each in reader.state.pointing(attributes[name], asset.id, at))
    return all(asset_state(reader.state.assets[each], at) == DELETED for each in inside)


def _live(reader: Reader, asset: Asset, at: int | None) -> bool:
    return asset_state(asset, at) < DEAD


def _open(reader: Reader, asset: Asset, at: int | None) -> bool:
    return asset_state(asset, at) < CLOSED


def _inactivatable(reader: Reader, asset: Asset, at: int | None) -> bool:
    return _open(reader, asset, at) and asset.id not in (SYSTEM, ADMIN)


def _closed(reader: Reader, asset: Asset, at: int | None) -> bool:
    return is_closed(asset_state(asset, at))


def _deleted(reader: Reader, asset: Asset, at: int | None) -> bool:
    return asset_state(asset, at) == DELETED


def _not_at(code: int) -> Rule:
    def rule(reader: Reader, asset: Asset, at: int | None) -> bool:
        return asset_state(asset, at) != code and asset_state(asset, at) < DEAD

    return rule


def _substory(reader: Reader, asset: Asset, at: int | None) -> bool:
    # Stories had stories below them only until epics became a type of their own (versionone.md §7.3 R).
    return asset.type == "Epic" and _open(reader, asset, at)


def _broken_down(reader: Reader, asset: Asset, at: int | None) -> bool:
    return asset_state(asset, at) == BROKEN_DOWN


RULES: dict[str, Rule] = {
    "Delete": _deletable,
    "Undelete": _deleted,
    "Inactivate": _inactivatable,
    "Reactivate": _closed,
    "QuickClose": _open,
    "QuickSignup": _open,
    "Activate": _not_at(ACTIVE),
    "Close": _not_at(CLOSED),
    "MakeFuture": _not_at(FUTURE),
    "GenerateSubStory": _substory,
    "GenerateSubEpic": _open,
    "Split": _open,
    "StoryToEpic": _open,
    "EpicToStory": _broken_down,
}
"""When an operation is accepted; all others are when the asset is not dead. versionone.md §6.2, §6.3."""


def may(reader: Reader, asset: Asset, operation: str, at: int | None = None) -> bool:
    """True if the operation would be accepted."""
    return RULES.get(operation, _live)(reader, asset, at)


def check(operation: str) -> Getter:
    """Return the attribute `Check<Operation>`."""
    rule = RULES.get(operation, _live)

    def get(reader: Reader, asset: Asset, at: int | None, viewer: int | None) -> bool:
        return rule(reader, asset, at)

    return get


# What a new asset gets


def defaults(state: State, type_name: str, values: dict[str, Any], by: int) -> dict[str, Any]:
    """Return what default rules fill in beside the values given; stored values, relations as ids.

    Source: versionone.md §6.1 (default rules), §6.4 (create; Actual), §6.3 R (a new sprint has State:100).
    """
    found: dict[str, Any] = {}
    for name, attribute in state.schema.attributes(type_name).items():
        if attribute.kind == "Boolean" and not attribute.custom and not attribute.read_only:
            found[name] = False
    if "AssetState" in state.schema.attributes(type_name):
        found["AssetState"] = ACTIVE
    if type_name == "Timebox":
        found |= {"State": 100, "AssetState": STATE_OF_TIMEBOX.get(values.get("State", 100), ACTIVE)}
    if type_name == "Expression":
        found["Author"] = by
    if type_name == "Actual":
        found |= _of_workitem(state, values)
    return found


def _of_workitem(state: State, values: dict[str, Any]) -> dict[str, Any]:
    workitem = state.assets.get(values.get("Workitem", -1))
    names = ("Scope", "Timebox", "Team")
    return {name: workitem.values[name] for name in names if name in workitem.values} if workitem else {}


# What follows


def followers(state: State, asset: Asset) -> list[Asset]:
    """Return the tasks and tests of a primary workitem, deleted ones as well."""
    if asset.type not in WORK:
        return []
    below = state.pointing(state.schema.attributes(asset.type)["Children"], asset.id)
    return [state.assets[each] for each in below if state.assets[each].type in CHILDREN]


def hangers_on(state: State, asset: Asset) -> list[Asset]:
    """Return the attachments and links of an asset."""
    attributes = state.schema.attributes(asset.type)
    names = [name for name in ("Attachments", "Links") if name in attributes]
    return [state.assets[each] for name in names for each in state.pointing(attributes[name], asset.id)]


def referrers(state: State, asset: Asset) -> list[Asset]:
    """Return every asset that has this one in a relation that has two sides."""
    pointing = {source for links in state.links.values() for source in links.now.get(asset.id, ())}
    attributes = state.schema.attributes(asset.type)
    for name, value in asset.values.items():
        attribute = attributes.get(name)
        if attribute is not None and attribute.multi and attribute.reciprocal is not None:
            pointing.update(targets(value))
    return [state.assets[each] for each in sorted(pointing) if each in state.assets]
