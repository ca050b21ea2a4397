"""How RT's tickets show in the view `work_item`.

RT does not show over REST which statuses of a lifecycle are initial, active or inactive, so the statuses of RT's own
lifecycles are known by name, and those of others by the dates that RT sets: Started when a ticket leaves its initial
statuses, Resolved when it comes to an inactive one.

Source: rt.md §3.3 (Nobody, minutes), §4.1 (fields), §6.7 (parents), §11.3; the statuses are those of RT 5.0.3's
lifecycles `default` and `approvals`.
"""

from __future__ import annotations

from mirror.model.work_item import Category, Rule, WorkItem

TICKET = WorkItem(
    title=("Subject",),
    state=("Status",),
    owner=("Owner",),
    project=("Queue",),
    estimate=("TimeEstimated",),
    parent=("Parents",),
    created=("Created",),
    closed=("Resolved",),
    unowned="Nobody",
    rules=(
        Rule("Status", Category.DONE, ("resolved", "rejected", "deleted")),
        Rule("Status", Category.DOING, ("open", "stalled")),
        Rule("Status", Category.TODO, ("new",)),
        Rule("Resolved", Category.DONE),
        Rule("Started", Category.DOING),
    ),
    address="/Ticket/Display.html?id={id}",
)
