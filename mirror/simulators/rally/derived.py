"""Attributes that follow from others: totals, statuses, counts and roll-ups. rally.md §10.2 (r), §11.

`values_of` is pure and says what the derived attributes of one object should be; `derive` applies it inside a
transaction and names the objects to look at next.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any

from mirror.simulators.rally.items import Fields, Item
from mirror.simulators.rally.state import View

if TYPE_CHECKING:
    from mirror.simulators.rally.transaction import Transaction

ROLL_UPS = (
    "LeafStoryCount",
    "LeafStoryPlanEstimateTotal",
    "AcceptedLeafStoryCount",
    "AcceptedLeafStoryPlanEstimateTotal",
    "UnEstimatedLeafStoryCount",
    "PercentDoneByStoryCount",
    "PercentDoneByStoryPlanEstimate",
    "LastRollupDate",
    "ActualStartDate",
    "ActualEndDate",
)
"""What portfolio items compute from the stories below them; possibly late. rally.md §11 I."""

# An object's change concerns the targets of these references and the members of these collections.
_UPWARD: dict[str, tuple[str, ...]] = {
    "HierarchicalRequirement": ("Parent", "PortfolioItem", "Iteration", "Release"),
    "Defect": ("Requirement", "TestCase", "Iteration", "Release", "DefectSuites"),
    "Task": ("WorkProduct",),
    "TestCase": ("WorkProduct", "TestSets"),
    "TestCaseResult": ("TestCase", "TestSet"),
    "TestSet": ("Iteration", "Release"),
    "DefectSuite": ("Iteration", "Release"),
    "PortfolioItem/Feature": ("Parent",),
    "PortfolioItem/Initiative": ("Parent",),
    "TimeEntryValue": ("TimeEntryItem",),
    "TimeEntryItem": ("Task",),
    "Build": ("BuildDefinition",),
}
_DOWNWARD: dict[str, tuple[str, ...]] = {
    "HierarchicalRequirement": ("Children", "Tasks"),
    "Defect": ("Tasks",),
    "TestSet": ("Tasks",),
    "DefectSuite": ("Tasks",),
    "PortfolioItem/Feature": ("UserStories",),
}
_PASSED_DOWN = frozenset({"Project", "Iteration", "Release", "Feature", "PortfolioItem"})

_TOTALS = (("TaskEstimateTotal", "Estimate"), ("TaskRemainingTotal", "ToDo"), ("TaskActualTotal", "Actuals"))
_SCHEDULE = ("Defined", "In-Progress", "Completed", "Accepted")


def derive(tx: Transaction, item: Item) -> Iterator[int]:
    """Bring an object's derived attributes up to date; yield the objects that depend on it.

    Dependents are named on the first visit, for what the client changed, and later only if something derived
    changed; so this ends.
    """
    moved = _apply(tx, item)
    tx.pending.pop(item.oid, None)
    changed = set(moved) if item.oid in tx.visited else {*moved, *_primary(tx, item)}
    tx.visited.add(item.oid)
    if not changed:
        return
    yield from _neighbours(item, _UPWARD.get(item.type, ()))
    if changed & _PASSED_DOWN:
        yield from _neighbours(item, _DOWNWARD.get(item.type, ()))


def _apply(tx: Transaction, item: Item) -> list[str]:
    moved = []
    attributes = tx.state.schema_of(item).attributes(item.type)
    for name, value in values_of(tx.view, item, stamp=tx.stamp).items():
        if item.values.get(name, attributes[name].default) != value and _due(tx, item, name):
            tx.put(item.oid, name, value)
            moved.append(name)
    return moved


def _primary(tx: Transaction, item: Item) -> list[str]:
    return tx.changed(item.oid) if item.oid in tx.before else []


def _due(tx: Transaction, item: Item, name: str) -> bool:
    return not (tx.switches.late_roll_up and name in ROLL_UPS and item.type.startswith("PortfolioItem/"))


def _neighbours(item: Item, names: Iterable[str]) -> Iterator[int]:
    for name in names:
        value = item.values.get(name)
        if isinstance(value, tuple):
            yield from value
        elif value is not None:
            yield value


def values_of(view: View, item: Item, *, stamp: str) -> Fields:
    """Return what the derived attributes of an object should be now.

    Args:
        stamp: wire text for `LastRollupDate`, used only if a roll-up really changed.
    """
    rule = _RULES.get(item.type)
    if rule is None:
        return {}
    found = rule(view, item)
    rolled = found.keys() & set(ROLL_UPS)
    if rolled and any(item.values.get(name, _ZERO.get(name)) != found[name] for name in rolled):
        found["LastRollupDate"] = stamp
    return found


_ZERO: dict[str, Any] = {name: 0 for name in ROLL_UPS if not name.endswith("Date")}


def _all(view: View, item: Item, collection: str) -> list[Item]:
    found = (view.get(oid) for oid in item.values.get(collection, ()))
    return [member for member in found if member is not None]


def _sum(items: Iterable[Item], name: str) -> float:
    return float(sum(item.values.get(name) or 0 for item in items))


def _task_status(tasks: list[Item]) -> str:
    if not tasks:
        return "NONE"
    states = {task.values.get("State", "Defined") for task in tasks}
    blocked = "_BLOCKED" if any(task.values.get("Blocked") for task in tasks) else ""
    if states == {"Defined"}:
        return "DEFINED" if not blocked else "IN_PROGRESS_BLOCKED"
    return f"COMPLETED{blocked}" if states == {"Completed"} else f"IN_PROGRESS{blocked}"


def _defect_status(defects: list[Item]) -> str:
    if not defects:
        return "NONE"
    closed = sum(defect.values.get("State") == "Closed" for defect in defects)
    if closed == len(defects):
        return "ALL_CLOSED"
    return "SOME_CLOSED" if closed else "NONE_CLOSED"


def _tests(cases: list[Item]) -> Fields:
    run = sum(case.values.get("LastVerdict") is not None for case in cases)
    passing = sum(case.values.get("LastVerdict") == "Pass" for case in cases)
    return {
        "TestCaseStatus": _test_status(len(cases), run, passing),
        "TestCaseCount": len(cases),
        "PassingTestCaseCount": passing,
    }


def _test_status(count: int, run: int, passing: int) -> str:
    if not count:
        return "NONE"
    if not run:
        return "NONE_RUN"
    extent = "ALL_RUN" if run == count else "SOME_RUN"
    if passing == run:
        return f"{extent}_ALL_PASSING"
    return f"{extent}_SOME_NOT_PASSING" if passing else f"{extent}_NONE_PASSING"


def _work(view: View, item: Item) -> Fields:
    tasks = _all(view, item, "Tasks")
    found: Fields = {total: _sum(tasks, hours) for total, hours in _TOTALS}
    found["TaskStatus"] = _task_status(tasks)
    return found


def _story(view: View, item: Item) -> Fields:
    values = item.values
    children = _all(view, item, "Children")
    found = _parent_story(children) if children else _work(view, item)
    above = view.get(values.get("Parent") or 0)
    portfolio_item = values.get("PortfolioItem")
    found |= {
        "HasParent": above is not None or portfolio_item is not None,
        "DirectChildrenCount": len(children),
        "Feature": portfolio_item or (above.values.get("Feature") if above is not None else None),
        "DefectStatus": _defect_status(_all(view, item, "Defects")),
        **_tests(_all(view, item, "TestCases")),
    }
    return found


def _parent_story(children: list[Item]) -> Fields:
    # A story with children gets state, hours and estimate from them. rally.md §11 D
    estimates = [child.values["PlanEstimate"] for child in children if child.values.get("PlanEstimate") is not None]
    states = {child.values.get("ScheduleState", "Defined") for child in children}
    found: Fields = {total: _sum(children, total) for total, _ in _TOTALS}
    found["PlanEstimate"] = float(sum(estimates)) if estimates else None
    found["ScheduleState"] = rolled_state(states)
    found["ScheduleStatePrefix"] = PREFIXES.get(found["ScheduleState"], "D")
    statuses = {child.values.get("TaskStatus", "NONE") for child in children} - {"NONE"}
    found["TaskStatus"] = statuses.pop() if len(statuses) == 1 else "IN_PROGRESS" if statuses else "NONE"
    return found


PREFIXES = {"Defined": "D", "In-Progress": "P", "Completed": "C", "Accepted": "A"}
"""`ScheduleStatePrefix`: the first letter, but P for In-Progress. rally.md §10.4 R."""


def rolled_state(states: set[str]) -> str:
    """Return the state of a whole: that of its parts if they agree, Completed if all are done, else In-Progress."""
    if len(states) == 1:
        return next(iter(states))
    return "Completed" if states <= {"Completed", "Accepted"} else "In-Progress"


def _defect(view: View, item: Item) -> Fields:
    return {**_work(view, item), **_tests(_all(view, item, "TestCases"))}


def _task(view: View, item: Item) -> Fields:
    above = view.get(item.values.get("WorkProduct") or 0)
    entries = _all(view, item, "_TaskTimeEntries")
    spent = sum(_sum(_all(view, entry, "Values"), "Hours") for entry in entries)
    found: Fields = {"TimeSpent": spent if entries else None}
    if above is not None:
        # Task.Project/Iteration/Release follow the work product. rally.md §11 S
        found |= {name: above.values.get(name) for name in ("Project", "Iteration", "Release")}
    return found


def _test_case(view: View, item: Item) -> Fields:
    results = _all(view, item, "Results")
    newest = max(results, key=lambda result: (result.values.get("Date") or "", result.oid), default=None)
    values = newest.values if newest is not None else {}
    return {
        "LastVerdict": values.get("Verdict"),
        "LastRun": values.get("Date"),
        "LastBuild": values.get("Build"),
        "LastResult": newest.oid if newest is not None else None,
        "DefectStatus": _defect_status(_all(view, item, "Defects")),
    }


def _test_set(view: View, item: Item) -> Fields:
    return {**_work(view, item), **_tests(_all(view, item, "TestCases"))}


def _suite(view: View, item: Item) -> Fields:
    defects = _all(view, item, "Defects")
    closed = sum(defect.values.get("State") == "Closed" for defect in defects)
    return {**_work(view, item), "TotalDefectCount": len(defects), "ClosedDefectCount": closed}


def _iteration(view: View, item: Item) -> Fields:
    work = _all(view, item, "WorkProducts")
    found: Fields = {total: _sum(work, total) for total, _ in _TOTALS}
    found["PlanEstimate"] = _sum(work, "PlanEstimate") if work else None
    return found


def _release(view: View, item: Item) -> Fields:
    work = [each for each in _all(view, item, "_WorkProducts") if not each.type.startswith("PortfolioItem/")]
    return {"PlanEstimate": _sum(work, "PlanEstimate") if work else None}


def _leaves(view: View, stories: Iterable[Item]) -> Iterator[Item]:
    for story in stories:
        children = _all(view, story, "Children")
        if children:
            yield from _leaves(view, children)
        else:
            yield story


def _feature(view: View, item: Item) -> Fields:
    leaves = list(_leaves(view, _all(view, item, "UserStories")))
    accepted = [leaf for leaf in leaves if leaf.values.get("ScheduleState") == "Accepted"]
    begun = [leaf.values["InProgressDate"] for leaf in leaves if leaf.values.get("InProgressDate")]
    ended = [leaf.values["AcceptedDate"] for leaf in accepted if leaf.values.get("AcceptedDate")]
    found: Fields = {
        "LeafStoryCount": len(leaves),
        "LeafStoryPlanEstimateTotal": _sum(leaves, "PlanEstimate"),
        "AcceptedLeafStoryCount": len(accepted),
        "AcceptedLeafStoryPlanEstimateTotal": _sum(accepted, "PlanEstimate"),
        "UnEstimatedLeafStoryCount": sum(leaf.values.get("PlanEstimate") is None for leaf in leaves),
        "ActualStartDate": min(begun, default=None),
        "ActualEndDate": max(ended, default=None) if len(accepted) == len(leaves) else None,
    }
    return {**found, **_percentages(found), **_score(item)}


def _upper(view: View, item: Item) -> Fields:
    children = _all(view, item, "Children")
    found: Fields = {
        name: int(_sum(children, name)) for name in ROLL_UPS if name.endswith("StoryCount") and "By" not in name
    }
    found |= {name: _sum(children, name) for name in ROLL_UPS if name.endswith("EstimateTotal")}
    begun = [child.values["ActualStartDate"] for child in children if child.values.get("ActualStartDate")]
    ended = [child.values.get("ActualEndDate") for child in children]
    found["ActualStartDate"] = min(begun, default=None)
    found["ActualEndDate"] = max(filter(None, ended), default=None) if all(ended) else None
    return {**found, **_percentages(found), **_score(item)}


def _percentages(found: Fields) -> Fields:
    def share(part: float, whole: float) -> float:
        return round(part / whole, 4) if whole else 0.0

    return {
        "PercentDoneByStoryCount": share(found["AcceptedLeafStoryCount"], found["LeafStoryCount"]),
        "PercentDoneByStoryPlanEstimate": share(
            found["AcceptedLeafStoryPlanEstimateTotal"], found["LeafStoryPlanEstimateTotal"]
        ),
    }


def _score(item: Item) -> Fields:
    size = item.values.get("JobSize")
    value = sum(item.values.get(name) or 0 for name in ("UserBusinessValue", "TimeCriticality", "RROEValue"))
    return {"WSJFScore": round(value / size, 2) if size else None}


def _milestone(_view: View, item: Item) -> Fields:
    return {
        "TotalArtifactCount": len(item.values.get("Artifacts", ())),
        "TotalProjectCount": len(item.values.get("Projects", ())),
        "WorkspaceScoped": item.values.get("TargetProject") is None,
    }


def _tag(_view: View, item: Item) -> Fields:
    return {"UsageCount": len(item.values.get("_Tagged", ()))}


def _build_definition(_view: View, item: Item) -> Fields:
    return {"LastBuild": max(item.values.get("Builds", ()), default=None)}


_RULES: dict[str, Callable[[View, Item], Fields]] = {
    "HierarchicalRequirement": _story,
    "Defect": _defect,
    "Task": _task,
    "TestCase": _test_case,
    "TestSet": _test_set,
    "DefectSuite": _suite,
    "Iteration": _iteration,
    "Release": _release,
    "PortfolioItem/Feature": _feature,
    "PortfolioItem/Initiative": _upper,
    "PortfolioItem/Theme": _upper,
    "Milestone": _milestone,
    "Tag": _tag,
    "BuildDefinition": _build_definition,
}
