"""What every fresh instance has: roles, states, list values, the root project and its administrator, under well-known ids.

Source: versionone.md §7.2 (ids of Scope, Member, Role, StoryStatus, TaskStatus, TestStatus, marks R/Q), §6.3 S (State).
"""

from __future__ import annotations

from mirror.simulators.versionone import rules, seed_meta
from mirror.simulators.versionone.definitions_around import LISTS
from mirror.simulators.versionone.seed_texts import ROLE_NAMES
from mirror.simulators.versionone.state import DELETED, Asset, Stored
from mirror.simulators.versionone.writes import Transaction, Writer

KNOWN = {
    "StoryStatus": {133: "Future", 134: "In Progress", 135: "Done", 137: "Accepted"},
    "TaskStatus": {123: "In Progress", 125: "Completed"},
    "TestStatus": {129: "Passed", 155: "Failed"},
    "WorkitemPriority": {138: "Low", 139: "Medium", 140: "High"},
}

_VALUES = {
    "StoryStatus": "Blocked at customs",
    "TaskStatus": "Waiting",
    "EpicStatus": "Idea,Understanding,Ready,Building,Landed",
    "ThemeStatus": "Open,Done",
    "RequestStatus": "Reviewed,Approved,Rejected",
    "ScopeStatus": "Proposed,Underway,Finished",
    "BuildStatus": "Passed,Failed,Cancelled",
    "RegressionTestStatus": "Ready,Outdated",
    "StoryCategory": "Feature,Chore,Spike & research",
    "TaskCategory": "Analysis,Design,Implementation,Test",
    "TestCategory": "Acceptance,Regression,Exploratory",
    "EpicCategory": "Epic,Feature,Initiative,Non-functional",
    "DefectType": "Crash,Wrong result,Cosmetic",
    "EpicPriority": "Low,Medium,High",
    "RequestPriority": "Low,Medium,High",
    "IssuePriority": "Low,Medium,High",
    "GoalPriority": "Low,Medium,High",
    "WorkitemRisk": "Low,Medium,High",
    "StorySource": "Customer,Harbour master's office,Development",
    "DefectResolution": "Fixed,Duplicate,Can't reproduce,Won't fix",
    "VersionLabel": "1.0,1.1,2.0-β",
    "Custom_Region": "Nord,Süd,West & Øst",
    "Custom_Platform": "Web,Phone,Kiosk",
}
"""Names beyond the well-known ones; types not here get three plain ones."""

_FIRST_FREE = 200


def plant(tx: Transaction) -> None:
    """Fill an empty world."""
    writer = Writer(tx)
    _insert(writer, "Scope", rules.SYSTEM, {"Name": "System (All Projects)"})
    _insert(writer, "Member", rules.ADMIN, {"Name": "Administrator", "Nickname": "Admin", "Username": "admin"})
    for place, name in enumerate(ROLE_NAMES, 1):
        writer.insert("Role", {"Name": f"Role.Name'{name}"}, place)
    for state, name, code in ((100, "Future", "FUTR"), (101, "Active", "ACTV"), (102, "Closed", "CLSD")):
        writer.insert("State", {"Name": f"State.Name'{name}", "Code": code}, state)
    tx.put(tx.state.assets[rules.ADMIN], "DefaultRole", 1)
    tx.put(tx.state.assets[rules.ADMIN], "Email", "admin@example.com")
    _plant_lists(writer)
    seed_meta.add_all(tx.state, tx.moment)


def _plant_lists(writer: Writer) -> None:
    free = _FIRST_FREE
    for type_name in LISTS:
        for known, name in KNOWN.get(type_name, {}).items():
            _insert(writer, type_name, known, {"Name": name})
        plain = "" if type_name in KNOWN else "First,Second,Third"
        for name in filter(None, [*_VALUES.get(type_name, plain).split(","), "Retired", "Dropped"]):
            asset = _insert(writer, type_name, free, {"Name": name})
            code = {"Retired": rules.CLOSED, "Dropped": DELETED}.get(name)
            if code is not None:
                writer.tx.put(asset, "AssetState", code)
            free += 1


def _insert(writer: Writer, type_name: str, asset_id: int, values: dict[str, Stored]) -> Asset:
    filled = {**rules.defaults(writer.tx.state, type_name, values, rules.ADMIN), **values}
    return writer.insert(type_name, filled, asset_id)
