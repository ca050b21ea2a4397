"""What the tracker does by itself when fields change. rally.md §11.

`check` refuses what may not be; `react` follows up on what was written. Totals and counts are in `derived.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mirror.simulators.rally.derived import PREFIXES, rolled_state
from mirror.simulators.rally.items import Fields, Item, RefusedError
from mirror.simulators.rally.transaction import Transaction

_ORDER = ("Defined", "In-Progress", "Completed", "Accepted")
_WORK = ("HierarchicalRequirement", "Defect", "DefectSuite", "TestSet")
_STORY = "HierarchicalRequirement"

# No wording is recorded for these refusals, only that they happen. rally.md §11 D/C
_NOT_ON_PARENT = "Validation error: HierarchicalRequirement.{} cannot be set on a story that has children"
_NO_TASK_HERE = "Validation error: Task.Work Product cannot be a story that has children"
_EXCLUSIVE = "Validation error: {}.{} and {} exclude each other"
_CIRCLE = "Validation error: {}.Parent would make the item its own ancestor"


def check(tx: Transaction, type_path: str, fields: Fields, item: Item | None) -> None:
    """Refuse combinations the tracker does not allow.

    Args:
        fields: converted values about to be written.
        item: the object to be changed; None on create.

    Raises:
        RefusedError: one of the rules forbids it.
    """
    values = {**(item.values if item is not None else {}), **fields}
    if type_path == _STORY:
        _check_story(fields, values, item)
    if type_path == "Defect" and values.get("Requirement") and values.get("TestCase"):
        _check_exclusive("Defect", "Requirement", "TestCase", fields)
    if type_path == "Task":
        above = tx.find(values.get("WorkProduct"))
        if above is not None and above.values.get("Children"):
            raise RefusedError(_NO_TASK_HERE)
    if fields.get("Parent") is not None and item is not None:
        _check_circle(tx, type_path, fields["Parent"], item.oid)


def _check_story(fields: Fields, values: Fields, item: Item | None) -> None:
    if values.get("Parent") and values.get("PortfolioItem"):
        _check_exclusive(_STORY, "Parent", "PortfolioItem", fields)
    if item is not None and item.values.get("Children"):
        for name in ("Iteration", "Release"):
            if fields.get(name) is not None:
                raise RefusedError(_NOT_ON_PARENT.format(name))
        for name in ("ScheduleState", "PlanEstimate"):
            # Derived on a parent story, so a value sent along is ignored.
            fields.pop(name, None)


def _check_exclusive(type_name: str, first: str, second: str, fields: Fields) -> None:
    if fields.get(first) and fields.get(second):
        raise RefusedError(_EXCLUSIVE.format(type_name, first, second))
    # Setting one of the two lets go of the other. rally.md §11 D, §10.3
    fields[second if fields.get(first) else first] = None


def _check_circle(tx: Transaction, type_path: str, parent: int, oid: int) -> None:
    above: int | None = parent
    while above is not None:
        if above == oid:
            raise RefusedError(_CIRCLE.format(type_path))
        step = tx.find(above)
        above = step.values.get("Parent") if step is not None else None


def react(tx: Transaction, item: Item) -> None:
    """Follow up on everything that changed in one object, in a fixed order."""
    changed = set(tx.changed(item.oid))
    was = tx.before.get(item.oid)
    old = was.values if was is not None else {}
    for names, types, rule in _REACTIONS:
        if changed.intersection(names) and (not types or item.type in types):
            rule(tx, item, old)


def _project_moved(tx: Transaction, item: Item, old: Fields) -> None:
    # Tasks and test cases follow; iteration and release are mapped to a namesake there, or cleared. rally.md §11 D
    if not old:
        return
    project = item.values.get("Project")
    for name in ("Iteration", "Release"):
        if item.values.get(name) is not None and item.values[name] == old.get(name):
            tx.put(item.oid, name, _namesake(tx, name, item.values[name], project))
    for oid in item.values.get("TestCases", ()):
        if item.type != "TestSet":
            tx.put(oid, "Project", project)


def _namesake(tx: Transaction, type_path: str, oid: int, project: Any) -> int | None:
    there = tx.find(oid)
    name = there.values.get("Name") if there is not None else None
    for candidate in tx.view.every(type_path):
        if candidate.values.get("Project") == project and candidate.values.get("Name") == name:
            return candidate.oid
    return None


def _schedule_moved(tx: Transaction, item: Item, old: Fields) -> None:
    state = item.values.get("ScheduleState", "Defined")
    tx.put(item.oid, "ScheduleStatePrefix", PREFIXES.get(state, state[:1]))
    _schedule_dates(tx, item, state)
    if item.values.get("FlowState") == old.get("FlowState"):
        flow = _flow_state(tx, state, item.values.get("Workspace"))
        if flow is not None and flow != item.values.get("FlowState"):
            tx.put(item.oid, "FlowState", flow)
            tx.put(item.oid, "FlowStateChangedDate", tx.stamp)


def _schedule_dates(tx: Transaction, item: Item, state: str) -> None:
    # Set on entering; going back removes them. rally.md §11 R
    level = _ORDER.index(state) if state in _ORDER else 0
    for name, from_level in (("InProgressDate", 1), ("AcceptedDate", 3)):
        if level < from_level:
            tx.put(item.oid, name, None)
        elif item.values.get(name) is None:
            tx.put(item.oid, name, tx.stamp)


def _flow_state(tx: Transaction, state: str, workspace: Any) -> int | None:
    for flow in tx.view.every("FlowState"):
        if flow.values.get("ScheduleStateMapping") == state and flow.values.get("Workspace") == workspace:
            return flow.oid
    return None


def _flow_moved(tx: Transaction, item: Item, old: Fields) -> None:
    # FlowState and ScheduleState move together by ScheduleStateMapping. rally.md §11 R/S
    flow = tx.find(item.values.get("FlowState"))
    if flow is None or item.values.get("FlowState") == old.get("FlowState"):
        return
    tx.put(item.oid, "FlowStateChangedDate", tx.stamp)
    state = flow.values.get("ScheduleStateMapping", "Defined")
    if state != item.values.get("ScheduleState", "Defined") and "ScheduleState" not in tx.changed(item.oid):
        tx.put(item.oid, "ScheduleState", state)
        tx.put(item.oid, "ScheduleStatePrefix", PREFIXES.get(state, state[:1]))
        _schedule_dates(tx, item, state)


def _defect_moved(tx: Transaction, item: Item, _old: Fields) -> None:
    # OpenedDate and ClosedDate are set on entering Open and Closed. rally.md §11 R/D
    state = item.values.get("State", "Submitted")
    if state == "Open":
        tx.put(item.oid, "OpenedDate", tx.stamp)
    tx.put(item.oid, "ClosedDate", tx.stamp if state == "Closed" else None)


def _blocking(tx: Transaction, item: Item, old: Fields) -> None:
    # Blocking creates a Blocker; unblocking clears it and the reason. rally.md §11 S/D
    blocked = bool(item.values.get("Blocked"))
    if blocked == bool(old.get("Blocked")):
        return
    if not blocked:
        tx.put(item.oid, "BlockedReason", None)
    if "Blocker" not in tx.state.schema_of(item).attributes(item.type):
        return
    known = item.values.get("Blocker")
    if blocked and known is None:
        values = _place(item, Name=f"{item.values.get('FormattedID')} is blocked", WorkProduct=item.oid, BlockedBy=tx.user)
        tx.put(item.oid, "Blocker", tx.insert("Blocker", values).oid)
    elif not blocked and known is not None:
        tx.put(item.oid, "Blocker", None)
        tx.remove(known)


def _place(item: Item, **values: Any) -> Fields:
    kept: Fields = {name: item.values[name] for name in ("Workspace", "Subscription") if name in item.values}
    return {**kept, **{name: value for name, value in values.items() if value is not None}}


def _task_moved(tx: Transaction, item: Item, old: Fields) -> None:
    # Roll-up of the work product's state from its tasks. rally.md §11 D
    above = tx.find(item.values.get("WorkProduct"))
    if above is None:
        return
    project = tx.find(above.values.get("Project"))
    if project is None or not project.values.get("TaskStateRollupEnabled"):
        return
    tasks = [task for oid in above.values.get("Tasks", ()) if (task := tx.find(oid)) is not None]
    states = {task.values.get("State", "Defined") for task in tasks}
    state = "In-Progress" if len(states) > 1 else rolled_state(states)
    current = above.values.get("ScheduleState", "Defined")
    if not old and current not in ("Completed", "Idea") and len(states) == 1 and state == "Defined":
        return
    if current not in (state, "Accepted"):
        tx.put(above.oid, "ScheduleState", state)
        _schedule_moved(tx, above, {"FlowState": above.values.get("FlowState")})


def _first_child(tx: Transaction, item: Item, _old: Fields) -> None:
    # The first child takes over the parent's tasks; a parent has no iteration or release. rally.md §11 D
    above = tx.find(item.values.get("Parent"))
    if above is None or len(above.values.get("Children", ())) != 1:
        return
    for task in above.values.get("Tasks", ()):
        tx.put(task, "WorkProduct", item.oid)
    tx.put(above.oid, "Iteration", None)
    tx.put(above.oid, "Release", None)


def _portfolio_state_moved(tx: Transaction, item: Item, _old: Fields) -> None:
    if item.type.startswith("PortfolioItem/"):
        tx.put(item.oid, "StateChangedDate", tx.stamp if item.values.get("State") is not None else None)


def _result_written(tx: Transaction, item: Item, old: Fields) -> None:
    case = tx.find(item.values.get("TestCase"))
    if case is None:
        return
    tx.put(item.oid, "WorkProduct", case.values.get("WorkProduct"))
    if not old and not tx.switches.result_moves_test_case:
        for oid in (case.oid, case.values.get("WorkProduct"), *case.values.get("TestSets", ())):
            if oid is not None:
                tx.freeze(oid)


def _post_written(tx: Transaction, item: Item, old: Fields) -> None:
    above = tx.find(item.values.get("Artifact"))
    if above is not None and not old:
        tx.put(item.oid, "PostNumber", len(above.values.get("Discussion", ())) - 1)
        if tx.switches.discussion_moves_artifact:
            tx.touch(above.oid)


def _attachment_written(tx: Transaction, item: Item, old: Fields) -> None:
    for name in ("Artifact", "TestCaseResult"):
        above = tx.find(item.values.get(name))
        if above is not None and not old and tx.switches.attachment_moves_artifact:
            tx.touch(above.oid)


_Rule = Callable[[Transaction, Item, Fields], None]

_REACTIONS: tuple[tuple[tuple[str, ...], tuple[str, ...], _Rule], ...] = (
    (("Project",), _WORK, _project_moved),
    (("Parent",), (_STORY,), _first_child),
    (("FlowState",), _WORK, _flow_moved),
    (("ScheduleState",), _WORK, _schedule_moved),
    (("State",), ("Defect",), _defect_moved),
    (("State",), (), _portfolio_state_moved),
    (("Blocked",), (), _blocking),
    (("State", "WorkProduct", "Estimate", "ToDo"), ("Task",), _task_moved),
    (("TestCase", "Verdict"), ("TestCaseResult",), _result_written),
    (("Artifact",), ("ConversationPost",), _post_written),
    (("Artifact", "TestCaseResult"), ("Attachment",), _attachment_written),
)
