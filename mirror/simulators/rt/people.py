"""Users and groups, and the roles they have on records. rt.md §6.3, §6.9"""

from __future__ import annotations

from collections.abc import Iterable
from email.utils import parseaddr
from typing import Any

from mirror.simulators.rt.columns import OBJECT_TYPES
from mirror.simulators.rt.refs import CUSTOM_ROLE, group_of, is_single, roles_of
from mirror.simulators.rt.shapes import BrokenError
from mirror.simulators.rt.work import NOBODY, Work

PRIVILEGED, UNPRIVILEGED, EVERYONE = 4, 5, 3
"""Numbers of the groups that RT comes with."""


def create_user(work: Work, name: str, *, number: int | None = None, **values: Any) -> int:
    """Create a user, privileged if `Privileged` says so, and return the number."""
    privileged = int(values.pop("Privileged", 0))
    number = work.insert("user", number=number, Name=name, Disabled=0, Privileged=privileged, **values)
    words = f"ACL equiv. for user {number}"
    create_group(work, "UserEquiv", domain="ACLEquivalence", instance=number, Description=words, Members=(number,))
    for group in (EVERYONE, PRIVILEGED if privileged else UNPRIVILEGED):
        _put_members(work, group, (*work.view.members(group), number))
    work.note("user", number, "Create", touch=False)
    return number


def create_group(work: Work, name: str, *, domain: str = "UserDefined", instance: int = 0, **values: Any) -> int:
    """Create a group and return its number."""
    members = values.pop("Members", ())
    number = work.insert("group", Name=name, Domain=domain, Instance=instance, Disabled=0, Members=members, **values)
    if domain != "ACLEquivalence":
        work.note("group", number, "Create", touch=False)
    return number


def add_member(work: Work, group: int, member: int) -> None:
    """Add a principal to a group."""
    _put_members(work, group, (*work.view.members(group), member))
    work.note(_kind(work, member), member, "AddMembership", Field=str(group))
    work.note("group", group, "AddMember", Field=str(member))


def remove_member(work: Work, group: int, member: int) -> None:
    """Remove a principal from a group."""
    _put_members(work, group, tuple(each for each in work.view.members(group) if each != member))
    work.note(_kind(work, member), member, "DeleteMembership", Field=str(group))
    work.note("group", group, "DeleteMember", Field=str(member))


def _kind(work: Work, number: int) -> str:
    return "user" if work.view.get("user", number) is not None else "group"


def set_privileged(work: Work, user: int, *, privileged: bool) -> None:
    """Move a user between the two groups of RT's own."""
    into, out = (PRIVILEGED, UNPRIVILEGED) if privileged else (UNPRIVILEGED, PRIVILEGED)
    _put_members(work, out, tuple(each for each in work.view.members(out) if each != user))
    _put_members(work, into, (*work.view.members(into), user))
    work.change("user", user, touch=False, Privileged=int(privileged))


def principal(work: Work, given: object) -> int | None:
    """Return the number of a user or group given by number, name or address; unknown addresses become users."""
    text = str(given.get("id", "") if isinstance(given, dict) else given).strip()
    if text.isdigit():
        number = int(text)
        known = work.view.get("user", number) is not None or work.view.get("group", number) is not None
        return number if known else None
    if "@" not in text:
        return work.view.user_named(text)
    return by_address(work, text)


def by_address(work: Work, text: str) -> int:
    """Return the user with an address, such as `Some One <one@example.com>`, made if there is none."""
    real, address = parseaddr(text)
    folded = address.lower()
    for number in work.view.ids("user"):
        row = work.view.row("user", number)
        if folded in ((row["EmailAddress"] or "").lower(), row["Name"].lower()):
            return number
    note = "Autocreated when added as a watcher"
    return create_user(work.system(), address, EmailAddress=address, RealName=real or None, Comments=note)


def create_roles(work: Work, table: str, number: int, names: Iterable[str]) -> list[int]:
    """Create the empty role groups of a new record and return their numbers."""
    made = []
    for name in names:
        members = (NOBODY,) if name == "Owner" or (name.startswith(CUSTOM_ROLE) and is_single(work.view, name)) else ()
        made.append(create_group(work, name, domain=f"{OBJECT_TYPES[table]}-Role", instance=number, Members=members))
    return made


def put_role(work: Work, table: str, number: int, role: str, members: tuple[int, ...]) -> None:
    """Set who has a role, without a transaction."""
    group = group_of(work.view, table, number, role)
    if group is None:
        (group,) = create_roles(work, table, number, [role])
    _put_members(work, group, members)


def named(given: object) -> list[object]:
    """Return the people given for a role: a list, or one."""
    if given is None or given == "":
        return []
    return list(given) if isinstance(given, list) else [given]


def update_roles(work: Work, table: str, number: int, given: dict[str, Any]) -> list[str | None]:
    """Set the roles that are given, which replaces their members, and return the messages."""
    messages: list[str | None] = []
    row = work.view.row(table, number)
    for role in roles_of(work.view, table, row):
        if role not in given or (table == "ticket" and role == "Owner"):
            continue
        if is_single(work.view, role):
            messages += _set_single(work, table, number, role, given[role])
        else:
            messages += _set_many(work, table, number, role, given[role])
    return messages


def label(work: Work, role: str) -> str:
    """Return how messages call a role."""
    if role.startswith(CUSTOM_ROLE):
        return str(work.view.row("customrole", int(role.removeprefix(CUSTOM_ROLE)))["Name"])
    return role


def name_of(work: Work, number: int) -> str:
    """Return the name of a user or group."""
    row = work.view.get("user", number) or work.view.row("group", number)
    return str(row["Name"])


def _set_single(work: Work, table: str, number: int, role: str, given: object) -> list[str | None]:
    wanted = principal(work, given[0] if isinstance(given, list) and given else given)
    if wanted is None:
        return ["Couldn't find principal"]
    if not _may_watch(work, table, number):
        return ["Permission denied"]
    group = group_of(work.view, table, number, role)
    old = (*work.view.members(group), NOBODY)[0]
    if old == wanted:
        return []
    put_role(work, table, number, role, (wanted,))
    work.note(table, number, "SetWatcher", Field=role, OldValue=str(old), NewValue=str(wanted))
    if table == "asset":
        return [f"{label(work, role)} set to {name_of(work, wanted)}"]
    return [f"{label(work, role)} changed from {name_of(work, old)} to {name_of(work, wanted)}"]


def _set_many(work: Work, table: str, number: int, role: str, given: object) -> list[str | None]:
    wanted: list[int] = []
    for each in named(given):
        found = principal(work, each)
        if found is None:
            raise BrokenError  # seen on 5.0.3: a name that nobody has
        if found not in wanted:
            wanted.append(found)
    present = work.view.members(group_of(work.view, table, number, role))
    messages = [_add(work, table, number, role, each) for each in wanted if each not in present]
    gone = sorted((each for each in present if each not in wanted), key=str)
    return [*messages, *(_drop(work, table, number, role, each) for each in gone)]


def _add(work: Work, table: str, number: int, role: str, member: int) -> str | None:
    if not _may_watch(work, table, number):
        return "Permission denied"
    put_role(work, table, number, role, (*work.view.members(group_of(work.view, table, number, role)), member))
    work.note(table, number, "AddWatcher", Field=role, NewValue=str(member))
    if table == "asset":
        return f"Member added: {name_of(work, member)}"
    return f"Added {name_of(work, member)} as {label(work, role)} for this {table}"


def _drop(work: Work, table: str, number: int, role: str, member: int) -> str | None:
    if not _may_watch(work, table, number):
        return "Permission denied"
    members = work.view.members(group_of(work.view, table, number, role))
    put_role(work, table, number, role, tuple(each for each in members if each != member))
    work.note(table, number, "DelWatcher", Field=role, OldValue=str(member))
    return (
        "Member deleted"
        if table == "asset"
        else f"{name_of(work, member)} is no longer {label(work, role)} for this {table}"
    )


def _may_watch(work: Work, table: str, number: int) -> bool:
    match table:
        case "ticket":
            return work.rights.may("ModifyTicket", work.view.row("ticket", number)["Queue"])
        case "queue":
            return work.rights.may("ModifyQueueWatchers", number)
        case "asset":
            return work.rights.may("ModifyAsset")
    return work.rights.may("AdminCatalog")


def _put_members(work: Work, group: int, members: tuple[int, ...]) -> None:
    work.change("group", group, touch=False, Members=members)
