"""What `?op=` does, one function per operation, in a table (versionone.md §6.2, §6.3, §6.4)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from mirror.simulators.versionone import rules
from mirror.simulators.versionone.rules_input import Changed, oid_of
from mirror.simulators.versionone.state import DELETED, Asset, RefusedError, Stored
from mirror.simulators.versionone.writes import Transaction, Writer

Operation = Callable[[Writer, Asset, Mapping[str, Any]], Asset]
"""Does the operation and returns the asset that the answer names."""

_NOT_COPIED = frozenset({"Number", "Order", "AssetState", "SplitFrom", "MorphedFrom", "_Before"})

_BEFORE = "_Before"
"""Where a deleted asset keeps the state it had, for Undelete (versionone.md §6.3)."""

_REST = ("Dependencies", "ChangeSets", "CompletedInBuildRuns", "AffectedByDefects", "BlockingIssues", "Issues", "Requests")
"""Links of a workitem that belong to its own history, so that a copy does not have them (I)."""


def operate(tx: Transaction, asset: Asset, operation: str, arguments: Mapping[str, Any] | None = None) -> Asset:
    """Run an operation by the rules and return the asset that the answer names.

    Raises:
        RefusedError: 400 for an unknown operation (`Unknown Operation 'Scope.X'`, versionone.md §3.4 S), and for one
            that its validator forbids; 404 for a deleted asset.
    """
    known = tx.state.schema.operations(asset.type)
    undelete = operation == "Undelete" and "Delete" in known
    if operation not in known and not undelete:
        raise RefusedError(400, f"Unknown Operation '{asset.type}.{operation}'")
    if asset.is_deleted and not undelete:
        raise RefusedError(404, f"Not found: {asset.type}:{asset.id}")
    if not rules.may(tx.reader, asset, operation):
        raise RefusedError(400, f"Violation'Invalid'{asset.type}.{operation}")
    tx.reason = tx.reason or operation
    return _OPERATIONS[operation](Writer(tx), asset, arguments or {})


def _set_state(writer: Writer, asset: Asset, code: int) -> Asset:
    writer.tx.put(asset, "AssetState", code)
    if asset.type == "Timebox":
        state = next(each for each, meant in rules.STATE_OF_TIMEBOX.items() if meant == code)
        writer.put(asset, "State", state)
    return asset


# Deleting


def _delete(writer: Writer, asset: Asset, arguments: Mapping[str, Any]) -> Asset:
    """Delete, with tasks, tests, attachments and links (§6.4 D); effort stays (§6.4 D)."""
    state = writer.tx.state
    for each in _along(writer, asset):
        if not each.is_deleted:
            writer.tx.put(each, _BEFORE, rules.asset_state(each))
            writer.tx.put(each, "AssetState", DELETED)
            for referrer in rules.referrers(state, each) if writer.tx.reader.switches.delete_moves_referrers else ():
                writer.tx.touch(referrer)
    return asset


def _along(writer: Writer, asset: Asset) -> Iterable[Asset]:
    state = writer.tx.state
    family = [asset, *rules.followers(state, asset)]
    return [*family, *(each for member in family for each in rules.hangers_on(state, member))]


def _undelete(writer: Writer, asset: Asset, arguments: Mapping[str, Any]) -> Asset:
    """Bring back the asset alone, in the state it had, under its id and Number (§6.3 I, §6.4 D)."""
    unseen = not writer.tx.reader.switches.undelete_moves_moment
    writer.tx.put(asset, "AssetState", asset.values.get(_BEFORE, rules.ACTIVE), unseen=unseen)
    writer.tx.put(asset, _BEFORE, None, unseen=unseen)
    return asset


# Closing


def _close(writer: Writer, asset: Asset, arguments: Mapping[str, Any]) -> Asset:
    """Close, with open tasks and tests; ToDo of each becomes 0 (§6.4 D)."""
    for each in (asset, *rules.followers(writer.tx.state, asset)):
        if each is asset or rules.asset_state(each) < rules.CLOSED:
            _set_state(writer, each, rules.CLOSED)
            if writer.tx.state.schema.attribute(each.type, "ToDo") is not None and "ToDo" in each.values:
                writer.tx.put(each, "ToDo", type(each.values["ToDo"])(0))
    return asset


def _activate(writer: Writer, asset: Asset, arguments: Mapping[str, Any]) -> Asset:
    """Open again; only that asset (§6.4 I)."""
    return _set_state(writer, asset, rules.ACTIVE)


def _make_future(writer: Writer, asset: Asset, arguments: Mapping[str, Any]) -> Asset:
    return _set_state(writer, asset, rules.FUTURE)


def _sign_up(writer: Writer, asset: Asset, arguments: Mapping[str, Any]) -> Asset:
    """Make the caller an owner, or the owner where there is only one (I)."""
    owner = "Owners" if writer.tx.state.schema.attribute(asset.type, "Owners") else "Owner"
    write = Changed(add=(writer.tx.by,)) if owner == "Owners" else writer.tx.by
    writer.update(asset, {owner: write})
    return asset


# Copying


def _copied(asset: Asset, *, without: Iterable[str] = ()) -> dict[str, Stored]:
    left_out = {*_NOT_COPIED, *without}
    return {name: value for name, value in asset.values.items() if name not in left_out}


def _copy(writer: Writer, asset: Asset, arguments: Mapping[str, Any], *, deep: bool = True, code: int = 64) -> Asset:
    made = writer.insert(asset.type, {**_copied(asset, without=_REST), "AssetState": code})
    for child in rules.followers(writer.tx.state, asset) if deep else ():
        if not child.is_deleted:
            writer.insert(child.type, {**_copied(child), "Parent": made.id, "AssetState": code})
    return made


def _shallow_copy(writer: Writer, asset: Asset, arguments: Mapping[str, Any]) -> Asset:
    return _copy(writer, asset, arguments, deep=False)


def _make_template(writer: Writer, asset: Asset, arguments: Mapping[str, Any]) -> Asset:
    """Make a copy that is a template (§6.3 I)."""
    return _copy(writer, asset, arguments, code=rules.TEMPLATE)


def _split(writer: Writer, asset: Asset, arguments: Mapping[str, Any]) -> Asset:
    """Make a second one that takes over the open tasks and tests (I)."""
    origin: dict[str, Stored] = {"SplitFrom": asset.id} if asset.type in rules.WORK else {}
    made = writer.insert(asset.type, {**_copied(asset, without=_REST), **origin, "AssetState": rules.ACTIVE})
    for child in rules.followers(writer.tx.state, asset):
        if rules.asset_state(child) < rules.CLOSED:
            writer.put(child, "Parent", made.id)
    writer.tx.touch(asset)
    return made


# Turning one into another


def _below_epic(type_name: str) -> Operation:
    def generate(writer: Writer, asset: Asset, arguments: Mapping[str, Any]) -> Asset:
        names = ("Name", "Scope", "Team", "Parent")
        kept: dict[str, Stored] = {name: asset.values[name] for name in names if name in asset.values}
        return writer.insert(type_name, {**kept, "Super": asset.id, "AssetState": rules.ACTIVE})

    return generate


def _story_to_epic(writer: Writer, asset: Asset, arguments: Mapping[str, Any]) -> Asset:
    """Break a story down: it is dead from now on (§6.3 D), an epic takes its place (I)."""
    kept = ("Name", "Description", "Scope", "Super", "Parent", "Team", "Owners", "Goals", "Value", "RequestedBy")
    values = {name: asset.values[name] for name in kept if name in asset.values}
    made = writer.insert("Epic", {**values, "MorphedFrom": asset.id, "AssetState": rules.ACTIVE})
    writer.tx.put(asset, "AssetState", rules.BROKEN_DOWN)
    return made


def _copy_tests(writer: Writer, asset: Asset, arguments: Mapping[str, Any]) -> Asset:
    """Make an acceptance test of every regression test in the suite (I)."""
    state = writer.tx.state
    suite = state.assets[asset.values["RegressionSuite"]]
    place = {name: asset.values[name] for name in rules.FOLLOWED if name in asset.values}
    kept = ("Name", "Description", "Setup", "Steps", "Inputs", "ExpectedResults", "Category", "Owners")
    for each in suite.values.get("RegressionTests", ()):
        test = state.assets.get(each)
        if test is not None and not test.is_deleted:
            values = {name: test.values[name] for name in kept if name in test.values}
            links = {"Parent": asset.id, "GeneratedFrom": test.id, "AssetState": rules.ACTIVE}
            writer.insert("Test", {**values, **place, **links})
    writer.tx.touch(asset)
    return asset


def _convert_to_team(writer: Writer, asset: Asset, arguments: Mapping[str, Any]) -> Asset:
    return writer.insert("Team", {**_copied_name(asset), "AssetState": rules.ACTIVE})


def _copied_name(asset: Asset) -> dict[str, Stored]:
    return {name: asset.values[name] for name in ("Name", "Description") if name in asset.values}


def _assign(scope_first: bool) -> Operation:
    """Return the operation that gives a member a role in a project; arguments as in bulk (§8.2 S), by name (I)."""

    def assign(writer: Writer, asset: Asset, arguments: Mapping[str, Any]) -> Asset:
        other = writer.tx.state.assets.get(oid_of(arguments.get("Member" if scope_first else "Scope", -1)))
        role = writer.tx.state.assets.get(oid_of(arguments.get("Role", -1)))
        if other is None or role is None or (other.type, role.type) != ("Member" if scope_first else "Scope", "Role"):
            raise RefusedError(400, f"Violation'Invalid'{asset.type}")
        scope, member = (asset, other) if scope_first else (other, asset)
        writer.update(scope, {"Members": Changed(add=(member.id,))})
        writer.insert("Grant", {"Scope": scope.id, "Member": member.id, "Role": role.id})
        return asset

    return assign


# Messages


def _send(writer: Writer, asset: Asset, arguments: Mapping[str, Any]) -> Asset:
    """Give every recipient a receipt (§6.2 S)."""
    writer.tx.put(asset, "SentAt", writer.tx.stamp)
    for recipient in asset.values.get("Recipients", ()):
        unread = {"IsRead": False, "IsArchived": False, "AssetState": rules.ACTIVE}
        writer.insert("MessageReceipt", {"Message": asset.id, "Recipient": recipient, **unread})
    return asset


def _mark(name: str, value: bool) -> Operation:
    def mark(writer: Writer, asset: Asset, arguments: Mapping[str, Any]) -> Asset:
        writer.tx.put(asset, name, value)
        return asset

    return mark


_OPERATIONS: dict[str, Operation] = {
    "Delete": _delete,
    "Undelete": _undelete,
    "Inactivate": _close,
    "QuickClose": _close,
    "Close": _close,
    "Reactivate": _activate,
    "Activate": _activate,
    "MakeFuture": _make_future,
    "QuickSignup": _sign_up,
    "Copy": _copy,
    "DeepCopy": _copy,
    "ShallowCopy": _shallow_copy,
    "MakeTemplate": _make_template,
    "Split": _split,
    "GenerateSubStory": _below_epic("Story"),
    "GenerateSubEpic": _below_epic("Epic"),
    "StoryToEpic": _story_to_epic,
    "EpicToStory": _activate,
    "CopyAcceptanceTestsFromRegressionSuite": _copy_tests,
    "ConvertToTeam": _convert_to_team,
    "AssignMemberWithRole": _assign(scope_first=True),
    "AssignToScopeWithRole": _assign(scope_first=False),
    "Send": _send,
    "MarkAsRead": _mark("IsRead", value=True),
    "MarkAsUnread": _mark("IsRead", value=False),
    "MarkAsArchived": _mark("IsArchived", value=True),
    "MarkAsUnarchived": _mark("IsArchived", value=False),
}
