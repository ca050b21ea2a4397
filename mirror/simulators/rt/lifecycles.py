"""Statuses and the ways between them. Source: the lifecycles that RT 5.0.3 comes with."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Action:
    """A change of status that the interface offers."""

    source: str
    target: str
    label: str
    update: str = ""


@dataclass(frozen=True, slots=True)
class Lifecycle:
    """One lifecycle.

    Attributes:
        kind: `ticket` or `asset`.
        born: statuses that a new record may have.
        ways: statuses by status; None when each leads to every other.
    """

    kind: str
    initial: tuple[str, ...]
    active: tuple[str, ...]
    inactive: tuple[str, ...]
    born: tuple[str, ...]
    actions: tuple[Action, ...]
    ways: Mapping[str, tuple[str, ...]] | None = None

    @property
    def statuses(self) -> tuple[str, ...]:
        return (*self.initial, *self.active, *self.inactive)

    def leads(self, old: str, new: str) -> bool:
        """Return whether `new` may follow on `old`."""
        return old != new and (self.ways is None or new in self.ways[old])

    def offered(self, status: str) -> Iterator[Action]:
        """Yield the actions offered in a status, in their order."""
        for each in self.actions:
            if each.source in (status, "*") and self.leads(status, each.target):
                yield each

    def right(self, new: str) -> str:
        """Return the right that a change of status takes."""
        if self.kind == "asset":
            return "ModifyAsset"
        return "DeleteTicket" if new == "deleted" else "ModifyTicket"


_TICKET_ACTIONS = (
    Action("new", "open", "Open It", "Respond"),
    Action("new", "resolved", "Resolve", "Comment"),
    Action("new", "rejected", "Reject", "Respond"),
    Action("new", "deleted", "Delete"),
    Action("open", "stalled", "Stall", "Comment"),
    Action("open", "resolved", "Resolve", "Comment"),
    Action("open", "rejected", "Reject", "Respond"),
    Action("stalled", "open", "Open It"),
    Action("resolved", "open", "Re-open", "Comment"),
    Action("rejected", "open", "Re-open", "Comment"),
    Action("deleted", "open", "Undelete"),
)
_TICKETS = Lifecycle(
    "ticket",
    ("new",),
    ("open", "stalled"),
    ("resolved", "rejected", "deleted"),
    ("new", "open", "resolved"),
    _TICKET_ACTIONS,
)
_ASSETS = Lifecycle(
    "asset",
    ("new",),
    ("allocated", "in-use"),
    ("recycled", "stolen", "deleted"),
    ("new", "allocated", "in-use"),
    (
        Action("*", "allocated", "Allocate"),
        Action("*", "in-use", "Now in-use"),
        Action("*", "recycled", "Recycle"),
        Action("*", "stolen", "Report stolen"),
    ),
    {
        "new": ("allocated", "in-use", "stolen", "deleted"),
        "allocated": ("in-use", "recycled", "stolen", "deleted"),
        "in-use": ("allocated", "recycled", "stolen", "deleted"),
        "recycled": ("allocated",),
        "stolen": ("allocated",),
        "deleted": ("allocated",),
    },
)
LIFECYCLES: Mapping[str, Lifecycle] = {"default": _TICKETS, "approvals": _TICKETS, "assets": _ASSETS}
