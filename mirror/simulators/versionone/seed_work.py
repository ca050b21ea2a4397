"""Sample work: portfolio items, stories, defects, test sets, tasks, tests, requests and issues, and what becomes of them."""

from __future__ import annotations

import uuid
from typing import Any

from mirror.simulators.versionone import seed_texts as texts
from mirror.simulators.versionone.seeding import Seeder
from mirror.simulators.versionone.world import Changed

_FINISHED = {
    "Story": "StoryStatus",
    "Defect": "StoryStatus",
    "TestSet": "StoryStatus",
    "Task": "TaskStatus",
    "Test": "TestStatus",
}


def plant_epic(seeder: Seeder) -> None:
    """Make a portfolio item, often below another one."""
    start = seeder.day()
    seeder.make(
        "Epic",
        Name=seeder.name(),
        Scope=seeder.any("Scope"),
        Super=seeder.any("Epic") if seeder.chance(0.6) else None,
        Description=seeder.text(),
        Category=seeder.choice("EpicCategory"),
        Status=seeder.choice("EpicStatus"),
        Priority=seeder.choice("EpicPriority"),
        Swag=seeder.number(),
        Value=seeder.number(),
        Risk=seeder.number(),
        PlannedStart=start,
        Owners=seeder.some("Member", 3),
        Goals=seeder.some("Goal", 2),
        StrategicThemes=seeder.some("StrategicTheme", 2),
        Dependencies=seeder.some("Epic", 1),
        Custom_Budget=seeder.number(),
    )


def _primary(seeder: Seeder) -> dict[str, Any]:
    return {
        "Name": seeder.name(),
        "Description": seeder.text(),
        "Scope": seeder.any("Scope"),
        "Timebox": seeder.any("Timebox") if seeder.chance(0.7) else None,
        "Team": seeder.any("Team") if seeder.chance(0.7) else None,
        "Super": seeder.any("Epic") if seeder.chance(0.6) else None,
        "Parent": seeder.any("Theme") if seeder.chance(0.3) else None,
        "Status": seeder.choice("StoryStatus"),
        "Priority": seeder.choice("WorkitemPriority"),
        "Source": seeder.choice("StorySource"),
        "Estimate": seeder.number(),
        "ToDo": seeder.number(),
        "DetailEstimate": seeder.number(),
        "Reference": seeder.random.choice((None, "", "EXT-17", "http://example.com/?q=1&r=2")),
        "Owners": seeder.some("Member", 5),
        "Goals": seeder.some("Goal", 2),
        "Issues": seeder.some("Issue", 1),
        "Requests": seeder.some("Request", 1),
        "ChangeSets": seeder.some("ChangeSet", 2),
        "Dependencies": seeder.some("Story", 2),
        "TaggedWith": seeder.random.sample(texts.TAGS, seeder.random.choice((0, 0, 1, 3))),
        "Ideas": [seeder.random.getrandbits(62)] if seeder.chance(0.05) else None,
        "Custom_CostCentre": "K-0042" if seeder.chance(0.3) else None,
    }


def plant_story(seeder: Seeder) -> None:
    """Make a story, sometimes with every custom field filled."""
    _story(seeder, **_primary(seeder))


def plant_awkward_stories(seeder: Seeder) -> None:
    """Make a story of every nasty name and every nasty text."""
    for place, name in enumerate(texts.NASTY_NAMES):
        text = texts.NASTY_TEXTS[place % len(texts.NASTY_TEXTS)]
        _story(seeder, **{**_primary(seeder), "Name": name, "Description": text})


def _story(seeder: Seeder, **values: Any) -> None:
    custom = _custom(seeder) if seeder.chance(0.3) else {}
    seeder.make(
        "Story",
        **values,
        Category=seeder.choice("StoryCategory"),
        Risk=seeder.choice("WorkitemRisk"),
        Customer=seeder.any("Member") if seeder.chance(0.2) else None,
        RequestedBy=seeder.random.choice((None, "", "Harbour master & son")),
        Value=seeder.number(),
        OriginalEstimate=seeder.number(),
        IdentifiedIn=seeder.any("Retrospective") if seeder.chance(0.1) else None,
        **custom,
    )


def _custom(seeder: Seeder) -> dict[str, Any]:
    return {
        "Custom_CustomerReference": seeder.random.choice(("C-1", "", "Ω")),
        "Custom_BusinessCase": seeder.text(),
        "Custom_Confidence": seeder.number(),
        "Custom_Compliance": seeder.chance(0.5),
        "Custom_PromisedDate": seeder.day(),
        "Custom_ReviewedAt": seeder.clock.now(),
        "Custom_LeadTime": seeder.random.choice(("3 Weeks", "1 Days", "2 Months")),
        "Custom_Region": seeder.choice("Custom_Region"),
        "Custom_Platforms": [each for _ in range(2) if (each := seeder.choice("Custom_Platform")) is not None],
        "Custom_Reviewer": seeder.any("Member"),
        "Custom_RelatedEpics": seeder.some("Epic", 2),
        "Custom_Votes": seeder.random.choice((0, 1, -5, 2**53 + 1, 2**62)),
        "Custom_ExternalId": str(uuid.UUID(int=seeder.random.getrandbits(128))),
        "Custom_Labels": seeder.random.sample(texts.TAGS, 2),
        "Custom_Secret": "never shown",
        "Custom_CustomRank": seeder.random.randint(1, 999),
        "Custom_Sketch": bytes(seeder.random.getrandbits(8) for _ in range(20)),
        "Custom_Phase": 64,
        "Custom_Legacy": "17",
        "Custom_Tag": "Tag'Night shift",
        "Custom_Kind": "Story",
    }


def plant_defect(seeder: Seeder) -> None:
    """Make a defect."""
    seeder.make(
        "Defect",
        **_primary(seeder),
        Type=seeder.choice("DefectType"),
        Environment=seeder.random.choice((None, "Staging", "Büro PC #3")),
        FoundBy=seeder.random.choice((None, "Night watch", "")),
        VersionAffected="1.0 & 1.1" if seeder.chance(0.3) else None,
        Resolution=seeder.text() if seeder.chance(0.3) else None,
        ResolutionReason=seeder.choice("DefectResolution") if seeder.chance(0.3) else None,
        VerifiedBy=seeder.any("Member") if seeder.chance(0.3) else None,
        DuplicateOf=seeder.any("Defect") if seeder.chance(0.1) else None,
        Versions=[each for _ in range(2) if (each := seeder.choice("VersionLabel")) is not None],
        AffectedPrimaryWorkitems=seeder.some("Story", 2),
        FoundInBuildRuns=seeder.some("BuildRun", 1),
        Custom_Regression=seeder.chance(0.5),
    )


def plant_test_set(seeder: Seeder) -> None:
    """Make a test set and fill it from its suite."""
    suite = seeder.any("RegressionSuite")
    if suite is not None:
        values = {**_primary(seeder), "RegressionSuite": suite, "Environment": seeder.any("Environment")}
        made = seeder.make("TestSet", **values)
        seeder.operate(made, "CopyAcceptanceTestsFromRegressionSuite")


def plant_task(seeder: Seeder) -> None:
    """Make a task of a story or a defect."""
    _below(
        seeder, "Task", Category=seeder.choice("TaskCategory"), Source=seeder.choice("TaskSource"), Estimate=seeder.number()
    )


def plant_test(seeder: Seeder) -> None:
    """Make an acceptance test of a story or a defect."""
    _below(
        seeder,
        "Test",
        Category=seeder.choice("TestCategory"),
        Steps=seeder.text(),
        Inputs="1\n2\n3" if seeder.chance(0.3) else None,
        ExpectedResults=seeder.text(),
        GeneratedFrom=seeder.any("RegressionTest") if seeder.chance(0.2) else None,
    )


def _below(seeder: Seeder, type_name: str, **more: Any) -> None:
    parent = seeder.any("Story", "Story", "Defect")
    if parent is not None:
        seeder.make(
            type_name,
            Name=seeder.name(),
            Parent=parent,
            Description=seeder.text(),
            Status=seeder.choice(f"{type_name}Status"),
            DetailEstimate=seeder.number(),
            ToDo=seeder.number(),
            Owners=seeder.some("Member", 2),
            **more,
        )


def plant_request(seeder: Seeder) -> None:
    """Make a request."""
    seeder.make(
        "Request",
        Name=seeder.name(),
        Scope=seeder.any("Scope"),
        Description=seeder.text(),
        Owner=seeder.any("Member") if seeder.chance(0.7) else None,
        Category=seeder.choice("RequestCategory"),
        Priority=seeder.choice("RequestPriority"),
        Status=seeder.choice("RequestStatus"),
        RequestedBy="Pilot's office",
        Issues=seeder.some("Issue", 2),
        SpurredBy=seeder.any("Issue") if seeder.chance(0.2) else None,
    )


def plant_issue(seeder: Seeder) -> None:
    """Make an issue that may block work."""
    seeder.make(
        "Issue",
        Name=seeder.name(),
        Scope=seeder.any("Scope"),
        Description=seeder.text(),
        TargetDate=seeder.day() if seeder.chance(0.6) else None,
        Owner=seeder.any("Member"),
        Team=seeder.any("Team"),
        Category=seeder.choice("IssueCategory"),
        Priority=seeder.choice("IssuePriority"),
        BlockedPrimaryWorkitems=seeder.some("Story", 2),
        Epics=seeder.some("Epic", 1),
        BlockedEpics=seeder.some("Epic", 1),
        Retrospectives=seeder.some("Retrospective", 1),
    )


def change_something(seeder: Seeder) -> None:
    """Let somebody do one thing to existing work: rename, estimate, move, relink, close, delete, copy."""
    asset = seeder.any("Story", "Story", "Defect", "Task", "Task", "Test", "Epic", "Request", "Issue")
    if asset is None:
        return
    kind = seeder.world.type_of(asset) or ""
    drawn = seeder.random.random()
    if drawn < 0.04:
        _edit_several(seeder)
    elif drawn < 0.55:
        seeder.edit(asset, **_edit(seeder, kind))
    elif drawn < 0.8:
        seeder.operate(asset, seeder.random.choice(("QuickClose", "Inactivate", "Inactivate", "Reactivate", "QuickSignup")))
    elif drawn < 0.87:
        _delete(seeder, asset)
    elif drawn < 0.92:
        _copy(seeder, asset, seeder.random.choice(("MakeTemplate", "Copy", "Split", "StoryToEpic", "GenerateSubStory")))


def _edit_several(seeder: Seeder) -> None:
    """Change several stories at once; they share one moment (versionone.md §6.4 Q)."""
    seeder.tick()
    with seeder.world.transaction(by=seeder.author(), comment="bulk"):
        for story in seeder.some("Story", 5):
            seeder.world.update(story, {"Status": seeder.choice("StoryStatus")})


def _edit(seeder: Seeder, kind: str) -> dict[str, Any]:
    edits: list[dict[str, Any]] = [{"Name": seeder.name()}, {"Description": seeder.text()}, {"Reference": "EXT-2"}, {}]
    if kind in _FINISHED:
        owners = Changed(add=tuple(seeder.some("Member", 2)), remove=tuple(seeder.some("Member", 2)))
        edits += [{"Status": seeder.choice(_FINISHED[kind])}, {"Owners": owners}, {"ToDo": seeder.number()}]
    if kind in ("Story", "Defect"):
        edits += [{"Estimate": seeder.number()}, {"Timebox": seeder.any("Timebox")}, {"Scope": seeder.any("Scope")}]
        edits += [{"Super": seeder.any("Epic")}, {"BlockingIssues": Changed(add=tuple(seeder.some("Issue", 1)))}]
    if kind == "Task":
        edits.append({"Parent": seeder.any("Story")})
    if kind == "Request":
        edits = [{"Name": seeder.name()}, {"Resolution": seeder.text()}]
    return {name: value for name, value in seeder.random.choice(edits).items() if name not in ("Scope", "Parent") or value}


def _delete(seeder: Seeder, asset: int) -> None:
    if seeder.operate(asset, "Delete") is not None and seeder.chance(0.2):
        seeder.operate(asset, "Undelete")


def _copy(seeder: Seeder, asset: int, operation: str) -> None:
    made = seeder.operate(asset, operation)
    if made is not None:
        seeder.made += 1
        seeder.known.setdefault(seeder.world.type_of(made) or "", []).append(made)
