"""How the types of VersionOne hang together: what meta.v1 tells and the mirrored catalogue does not keep.

The catalogue has concrete types with the sides of relations that are stored. Queries also name abstract types, and the other
sides, which are read backwards. What is not in these tables cannot be asked for by its name from that side.

Source: versionone.md §7.1 R (inheritance), §7.2 and §7.3 R/Q (relations and their two sides), §5.4 R (closures).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from mirror.model.layout import Layout

BASE, LIST = "BaseAsset", "List"

_BELOW = {
    "PrimaryWorkitem": ("Story", "Defect", "TestSet"),
    "Workitem": ("Story", "Defect", "TestSet", "Epic", "Theme", "Task", "Test"),
}
"""What is below them; what is below BASE and LIST is told by the family of a type (see catalog.family_of)."""

_SIDES = """
Scope.Parent Scope.Children | Scope.Owner Member.OwnedScopes | Scope.Schedule Schedule.ScheduledScopes
Scope.Members Member.Scopes | Scope.Targets Goal.TargetedBy | Scope.ScopeLabels ScopeLabel.Scopes
Scope.BuildProjects BuildProject.Scopes
Timebox.Schedule Schedule.Timeboxes | Timebox.Owner Member.OwnedTimeboxes
Team.CapacityExcludedMembers Member.CapacityExcludedTeams
Member.DefaultRole Role.DefaultedMembers | Member.Manager Member.Reports | Member.MemberLabels MemberLabel.Members
Workitem.Scope Scope.Workitems | Workitem.Super Epic.Subs | Workitem.Parent Workitem.Children
Workitem.Team Team.Workitems | Workitem.Timebox Timebox.Workitems
Workitem.Owners Member.OwnedWorkitems | Workitem.Goals Goal.Workitems
PrimaryWorkitem.Release Release.PrimaryWorkitems | PrimaryWorkitem.SplitFrom PrimaryWorkitem.SplitTo
PrimaryWorkitem.Dependencies PrimaryWorkitem.Dependants | PrimaryWorkitem.Issues Issue.PrimaryWorkitems
PrimaryWorkitem.BlockingIssues Issue.BlockedPrimaryWorkitems | PrimaryWorkitem.Requests Request.PrimaryWorkitems
PrimaryWorkitem.ChangeSets ChangeSet.PrimaryWorkitems
PrimaryWorkitem.CompletedInBuildRuns BuildRun.CompletesPrimaryWorkitems
PrimaryWorkitem.AffectedByDefects Defect.AffectedPrimaryWorkitems
Story.Customer Member.CustomerStories | Story.IdentifiedIn Retrospective.IdentifiedStories
Defect.VerifiedBy Member.VerifiedDefects | Defect.DuplicateOf Defect.Duplicates | Defect.Versions VersionLabel.Defects
Defect.FoundInBuildRuns BuildRun.FoundDefects
TestSet.RegressionSuite RegressionSuite.TestSets | TestSet.Environment Environment.TestSets
Epic.MorphedFrom Story.MorphedInto | Epic.PlannedRelease Release.PlannedEpics | Epic.ValueStream ValueStream.Epics
Epic.BlockingIssues Issue.BlockedEpics | Epic.Issues Issue.Epics | Epic.Requests Request.Epics
Epic.Dependencies Epic.Dependants | Epic.StrategicThemes StrategicTheme.Epics
Theme.Customer Member.CustomerThemes | Task.Customer Member.CustomerTasks
Test.GeneratedFrom RegressionTest.GeneratedTests | RegressionTest.GeneratedFrom Test.GeneratedRegressionTests
Request.Scope Scope.Requests | Request.Owner Member.OwnedRequests | Request.SpurredBy Issue.SpurredRequests
Request.Issues Issue.Requests
Issue.Scope Scope.Issues | Issue.Owner Member.OwnedIssues | Issue.Team Team.Issues
Issue.Retrospectives Retrospective.Issues
Goal.Scope Scope.Goals | Goal.Team Team.Goals
Retrospective.Scope Scope.Retrospectives | Retrospective.FacilitatedBy Member.FacilitatedRetrospectives
Retrospective.Team Team.Retrospectives | Retrospective.Timebox Timebox.Retrospectives
Environment.Scope Scope.Environments | Milestone.Scope Scope.Milestones | Milestone.Owner Member.OwnedMilestones
Release.Scope Scope.Releases | ValueStream.Scope Scope.ValueStreams | ValueStream.Budget Budget.ValueStreams
StrategicTheme.Scope Scope.StrategicThemes | StrategicTheme.Parent StrategicTheme.Children
Roadmap.Scope Scope.Roadmaps | Budget.Scope Scope.Budgets | Budget.Parent Budget.Children
Allocation.Budget Budget.Allocations | Allocation.Epic Epic.Allocations
RegressionPlan.Scope Scope.RegressionPlans | RegressionPlan.Owner Member.OwnedRegressionPlans
RegressionSuite.RegressionPlan RegressionPlan.RegressionSuites | RegressionSuite.Owner Member.OwnedRegressionSuites
RegressionSuite.RegressionTests RegressionTest.RegressionSuites
RegressionTest.Scope Scope.RegressionTests | RegressionTest.Team Team.RegressionTests
RegressionTest.Owners Member.OwnedRegressionTests
BuildRun.BuildProject BuildProject.BuildRuns | BuildRun.ChangeSets ChangeSet.BuildRuns
Bundle.ChangeSets ChangeSet.Bundles
Actual.Member Member.Actuals | Actual.Scope Scope.Actuals | Actual.Workitem Workitem.Actuals
Actual.Timebox Timebox.Actuals | Actual.Team Team.Actuals
Capacity.Scope Scope.Capacities | Capacity.Timebox Timebox.Capacities | Capacity.Member Member.Capacities
Capacity.Team Team.Capacities
Attachment.Asset BaseAsset.Attachments | EmbeddedImage.Asset BaseAsset.EmbeddedImages | Link.Asset BaseAsset.Links
Note.Asset BaseAsset.Notes | Note.InResponseTo Note.Responses | Note.PersonalTo Member.PersonalNotes
Conversation.Participants Member.Conversations
Expression.Author Member.Expressions | Expression.InReplyTo Expression.Replies
Expression.BelongsTo Conversation.ContainedExpressions | Expression.Mentions BaseAsset.MentionedInExpressions
Message.RelatedAsset BaseAsset.Messages | Message.Recipients Member.ReceivedMessages
MessageReceipt.Message Message.Receipts | MessageReceipt.Recipient Member.MessageReceipts
Snapshot.Scope Scope.Snapshots | Grant.Member Member.Grants | Grant.Scope Scope.Grants | Grant.Role Role.Grants
"""

_NARROWED = {("Task", "Parent"): "PrimaryWorkitem", ("Test", "Parent"): "PrimaryWorkitem"}
"""Relations that a type leads elsewhere than its base does (§7.2 R)."""

_SPOKEN = {
    "project": "Scope",
    "sprint": "Timebox",
    "iteration": "Timebox",
    "backlog item": "Story",
    "portfolio item": "Epic",
    "feature group": "Theme",
    "acceptance test": "Test",
    "test set": "TestSet",
    "impediment": "Issue",
    "objective": "Goal",
    "effort": "Actual",
}
"""The words of the user interface (§7.2, second column)."""

_CLOSURES = ("MeAndUp", "MeAndDown", "AndUp", "AndDown", "AndMe")
"""Endings of names, longer ones first where one ends in the other."""


@dataclass(frozen=True, slots=True)
class OtherSide:
    """A collection that is stored on its other side.

    Attributes:
        types: of the records in it, those that have the field; mirrored ones only.
        field: of theirs, which refers back here.
    """

    types: tuple[str, ...]
    field: str


@dataclass(frozen=True, slots=True)
class Closure:
    """A relation followed again and again.

    Attributes:
        relation: its name, on either side.
        with_self: the record itself belongs to it.
        once: only one step is followed.
    """

    relation: str
    with_self: bool
    once: bool


def closure_in(name: str) -> Closure | None:
    """Return the closure that an attribute is by its name, `ParentMeAndUp`; None for others (§5.4 R)."""
    for ending in _CLOSURES:
        if name.endswith(ending) and len(name) > len(ending):
            return Closure(name.removesuffix(ending), with_self="Me" in ending, once=ending == "AndMe")
    return None


def concrete(name: str, layouts: Mapping[str, Layout]) -> tuple[str, ...]:
    """Return the mirrored types that are the type `name` or below it, in alphabetical order; names are exact."""
    if name in _BELOW:
        return tuple(sorted(each for each in _BELOW[name] if each in layouts))
    if name in layouts:
        return (name,)
    return tuple(sorted(each for each, layout in layouts.items() if name in lineage(each, layout)))


def lineage(name: str, layout: Layout | None) -> tuple[str, ...]:
    """Return the type and all that it is derived from, nearest first."""
    above = [abstract for abstract, below in _BELOW.items() if name in below]
    family = layout.type.family if layout is not None else ""
    if above or family in (BASE, LIST):
        return (name, *above, *([LIST] if family == LIST else []), BASE)
    return (name, family) if family else (name,)


def named(name: str, layouts: Mapping[str, Layout]) -> tuple[str, ...]:
    """Return the concrete types that people mean by `name`: exact, in any case, a display name, the word on the screen."""
    if found := concrete(name, layouts):
        return found
    folded = " ".join(name.casefold().split())
    for meant in (*layouts, *_abstract(layouts)):
        if meant.casefold() == folded:
            return concrete(meant, layouts)
    shown = tuple(sorted(each for each, layout in layouts.items() if layout.type.display_name.casefold() == folded))
    return shown or concrete(_SPOKEN.get(folded, _SPOKEN.get(folded.removesuffix("s"), "")), layouts)


def known_types(layouts: Mapping[str, Layout]) -> frozenset[str]:
    """Return every type's name that is heard of: mirrored, abstract, or referred to."""
    referred = {name for layout in layouts.values() for field in layout.type.fields for name in field.targets}
    sides = {owner for (owner, _) in _OTHERS}
    return frozenset({*layouts, *referred, *sides, *_abstract(layouts)})


def _abstract(layouts: Mapping[str, Layout]) -> Iterator[str]:
    yield from (*_BELOW, BASE, LIST)
    yield from dict.fromkeys(layout.type.family for layout in layouts.values() if layout.type.family)


def targets(owner: str, field: str, layouts: Mapping[str, Layout]) -> tuple[str, ...]:
    """Return the mirrored types that a relation leads to; () when nothing is known about that."""
    described = layouts[owner].type.field(field)
    if described is not None and described.targets:
        return described.targets
    narrowed = _NARROWED.get((owner, field))
    if narrowed:
        return concrete(narrowed, layouts)
    for step in lineage(owner, layouts[owner]):
        if (step, field) in _OTHERS:
            return concrete(_OTHERS[step, field][0], layouts)
    return ()


def other_side(owner: str, name: str, layouts: Mapping[str, Layout]) -> OtherSide | None:
    """Return the collection that a type has under a name and that is stored with the records in it."""
    for step in lineage(owner, layouts.get(owner)):
        if (step, name) in _OTHERS:
            far, field = _OTHERS[step, name]
            having = tuple(each for each in concrete(far, layouts) if layouts[each].type.field(field) is not None)
            leading = tuple(each for each in having if _leads(each, field, owner, layouts))
            return OtherSide(leading or having, field) if having else None
    return None


def other_sides(owner: str, layouts: Mapping[str, Layout]) -> tuple[str, ...]:
    """Return the names of all such collections of a type."""
    steps = lineage(owner, layouts.get(owner))
    names = [name for (step, name) in _OTHERS if step in steps and layouts[owner].type.field(name) is None]
    return tuple(sorted(each for each in dict.fromkeys(names) if other_side(owner, each, layouts)))


def _leads(far: str, field: str, owner: str, layouts: Mapping[str, Layout]) -> bool:
    """Return whether `field` of the type `far` may refer to a record of type `owner`."""
    found = targets(far, field, layouts)
    return not found or owner in found


def _read_sides() -> dict[tuple[str, str], tuple[str, str]]:
    found: dict[tuple[str, str], tuple[str, str]] = {}
    for pair in _pairs(_SIDES.replace("\n", "|").split("|")):
        (owner, name), (far, other) = pair
        found[owner, name] = (far, other)
        found[far, other] = (owner, name)
    return found


def _pairs(texts: Iterable[str]) -> Iterator[tuple[tuple[str, str], tuple[str, str]]]:
    for text in filter(str.strip, texts):
        one, other = text.split()
        owner, _, name = one.partition(".")
        far, _, back = other.partition(".")
        yield (owner, name), (far, back)


_OTHERS = _read_sides()
