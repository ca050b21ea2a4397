"""References to records, and the roles that people have on them. rt.md §3.3"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from mirror.simulators.rt.columns import OBJECT_TYPES
from mirror.simulators.rt.state import Row, View

_ROLES = {
    "ticket": ("Owner", "Requestor", "Cc", "AdminCc"),
    "queue": ("Cc", "AdminCc"),
    "asset": ("Owner", "HeldBy", "Contact"),
    "catalog": ("HeldBy", "Contact"),
}
CUSTOM_ROLE = "RT::CustomRole-"


@dataclass(frozen=True, slots=True)
class Refs:
    """Makes references with addresses below `base`."""

    view: View
    base: str

    def bare(self, table: str, name: object) -> dict[str, Any]:
        """Return a reference; `name` is what it says as `id`."""
        return {"type": table, "id": str(name), "_url": f"{self.base}/{table}/{name}"}

    def to(self, table: str, number: int) -> dict[str, Any]:
        """Return a reference to a record; users are named (rt.md §3.3)."""
        user = self.view.get("user", number) if table == "user" else None
        return self.bare(table, number if user is None else user["Name"])

    def principal(self, number: int) -> dict[str, Any]:
        """Return a reference to a user or group."""
        return self.to(self.kind_of(number), number)

    def kind_of(self, number: int) -> str:
        """Return whether a principal is a user or a group."""
        return "user" if self.view.get("user", number) is not None else "group"


def is_single(view: View, role: str) -> bool:
    """Return whether a role has one member at most."""
    if role.startswith(CUSTOM_ROLE):
        return bool(view.row("customrole", int(role.removeprefix(CUSTOM_ROLE)))["MaxValues"] == 1)
    return role == "Owner"


def custom_roles(view: View, queue: int) -> list[int]:
    """Return the custom roles of a queue's tickets."""
    rows = ((each, view.row("customrole", each)) for each in view.ids("customrole"))
    return [each for each, row in rows if queue in row["Applies"] and not row["Disabled"]]


def roles_of(view: View, table: str, row: Row) -> list[str]:
    """Return the roles that a record has; queues have no custom roles for a single person."""
    names = list(_ROLES.get(table, ()))
    if table in ("ticket", "queue"):
        custom = custom_roles(view, row["Queue"] if table == "ticket" else row["id"])
        wanted = (f"{CUSTOM_ROLE}{each}" for each in custom)
        names += [each for each in wanted if table == "ticket" or not is_single(view, each)]
    return names


def group_of(view: View, table: str, number: int, role: str) -> int | None:
    """Return the group that holds a role on a record, None when nobody ever had it."""
    return view.role(f"{OBJECT_TYPES[table]}-Role", number, role)


def people(view: View, table: str, number: int, role: str) -> tuple[int, ...]:
    """Return who has a role on a record, in the order of adding."""
    return view.members(group_of(view, table, number, role))
