"""How workitems, requests and issues show in the view `work_item`.

Source: versionone.md §6.3 (states), §7.1, §7.2 (types, attributes and well-known ids), §1 (deep links).
"""

from __future__ import annotations

from mirror.connectors.versionone.meta import Meta
from mirror.model.part import Part
from mirror.model.work_item import Category, Rule, WorkItem

_ROOTS = ("Workitem", "Request", "Issue")
_DONE = (135, 137, 125, 129, 155)  # StoryStatus Done, Accepted; TaskStatus Completed; TestStatus Passed, Failed (§7.2 R)
_FUTURE = (133,)
_RULES = (
    Rule("IsDead", None, (True,)),  # templates and what was broken down (§6.3 D)
    Rule("IsClosed", Category.DONE, (True,)),
    Rule("AssetState", Category.TODO, (0,)),
    Rule("Status", Category.DONE, _DONE, Part.ID),
    Rule("Status", Category.TODO, _FUTURE, Part.ID),
    Rule("Status", Category.DOING, (), Part.ID),
)


def work_item(meta: Meta, name: str) -> WorkItem | None:
    """Return the roles of a type's fields; None for types that are no work."""
    if not any(meta.is_a(name, root) for root in _ROOTS):
        return None
    # The parent of a task or test is the workitem it belongs to; of others, Parent is only the feature group (§7.3).
    is_part = meta.follows_parent(name)
    return WorkItem(
        title=("Name",),
        key="Number",
        state=("Status",),
        owner=("Owners", "Owner"),
        project=("Scope",),
        iteration=("Timebox",),
        release=("PlannedRelease", "Release"),
        estimate=("Estimate", "Swag", "DetailEstimate"),
        parent=("Parent", "Super") if is_part else ("Super", "Parent"),
        created=("CreateDateUTC",),
        closed=("ClosedDateUTC",),
        rules=_RULES,
        address=f"/assetdetail.v1?oid={name}%3A{{id}}",
    )
