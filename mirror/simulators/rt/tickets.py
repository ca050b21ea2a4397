"""Creating and changing tickets by RT's rules: most refusals are only said, the rest is done. rt.md §6.2, §6.3"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mirror.simulators.rt import linking, messages, people, values
from mirror.simulators.rt.columns import NO_DATE, local_of, uri_of
from mirror.simulators.rt.dates import local_words, on_create
from mirror.simulators.rt.lifecycles import LIFECYCLES, Lifecycle
from mirror.simulators.rt.refs import CUSTOM_ROLE, roles_of
from mirror.simulators.rt.rights import Rights
from mirror.simulators.rt.state import Row
from mirror.simulators.rt.work import DENIED, NOBODY, RefusedError, Work

_DATES = ("Due", "Resolved", "Started", "Starts", "Told")
_NUMBERS = ("FinalPriority", "InitialPriority", "Priority", "TimeEstimated", "TimeLeft", "TimeWorked")
_ATTRIBUTES = sorted((*_DATES, *_NUMBERS, "Owner", "Queue", "SLA", "Status", "Subject", "Type"))
_PRIORITIES = {"low": 0, "medium": 50, "high": 100}
_SUBJECT_LENGTH = 200


def lifecycle_of(work: Work, queue: int) -> Lifecycle:
    """Return the lifecycle of a queue's tickets."""
    return LIFECYCLES[work.view.row("queue", queue)["Lifecycle"]]


def create(work: Work, given: dict[str, Any]) -> int:
    """Create a ticket and return its number.

    Raises:
        RefusedError: no queue, no right, or a status that a new ticket cannot have.
    """
    queue = _queue_for(work, given.get("Queue"))
    lifecycle = lifecycle_of(work, queue)
    status = str(given.get("Status") or "new").lower()
    if status not in lifecycle.statuses:
        raise RefusedError(400, f"Status '{status}' isn't a valid status for tickets in this queue.")
    if status not in lifecycle.born:
        raise RefusedError(400, f"New tickets can not have status '{status}' in this queue.")
    message = None
    if given.get("Content") is not None or given.get("Attachments") is not None:
        message = messages.message(given, subject=str(given.get("Subject") or ""))
    roles = _roles_for(work, given)
    number = work.insert("ticket", **_values(work, given, queue=queue, status=status, lifecycle=lifecycle))
    work.change("ticket", number, touch=False, EffectiveId=number)
    people.create_roles(work, "ticket", number, sorted(roles_of(work.view, "ticket", work.view.row("ticket", number))))
    _give_roles(work, number, roles)
    values.on_create(work, "ticket", number, given.get("CustomFields") or {})
    linking.on_create(work, "ticket", number, given)
    minutes = _number(given.get("TimeWorked")) or 0
    made = work.note("ticket", number, "Create", TimeTaken=minutes)
    if message is not None:
        messages.attach(work, made, message)
    messages.mail_on_create(work, number)
    return number


def update(work: Work, ticket: int, given: dict[str, Any]) -> list[str | None]:
    """Change what is given, as far as it can be changed, and return the messages."""
    said: list[str | None] = []
    for name in _ATTRIBUTES:
        value = given.get(name)
        if value is None or isinstance(value, list) or _is_so(work, ticket, name, _bare(value)):
            continue
        said.append(f"Ticket {ticket}: {_SETTERS.get(name, _set_text)(work, ticket, name, _bare(value))}")
    said += values.update(work, "ticket", ticket, given.get("CustomFields") or {})
    said += people.update_roles(work, "ticket", ticket, {**given, **custom_roles(work, given.get("CustomRoles"))})
    said += linking.update(work, "ticket", ticket, given)
    if given.get("MergeInto"):
        said.append(linking.merge(work, ticket, _bare(given["MergeInto"])))
    return said


def custom_roles(work: Work, given: object) -> dict[str, Any]:
    """Return what is given for custom roles by their wire names (they come by name or number too)."""
    found = {}
    for name, value in (given if isinstance(given, dict) else {}).items():
        number = None if name.startswith(CUSTOM_ROLE) else work.view.named("customrole", name)
        if number is not None or name.startswith(CUSTOM_ROLE):
            found[name if number is None else f"{CUSTOM_ROLE}{number}"] = value
    return found


def set_status(work: Work, ticket: int, status: str) -> str:
    """Change a ticket's status if that is allowed and return what is said about it."""
    row = work.view.row("ticket", ticket)
    lifecycle, old = lifecycle_of(work, row["Queue"]), row["Status"]
    new = status.lower()
    if new not in lifecycle.statuses:
        return f"Status '{status}' isn't a valid status for this ticket."
    if not lifecycle.leads(old, new):
        return f"You can't change status from '{old}' to '{status}'."
    if not work.rights.may(lifecycle.right(new), row["Queue"]):
        return DENIED
    if new in lifecycle.inactive and old not in lifecycle.inactive and _waits(work, ticket):
        return "That ticket has unresolved dependencies"
    change: dict[str, Any] = {"Status": new}
    if old in lifecycle.initial and new not in lifecycle.initial and (row["Started"] or NO_DATE) == NO_DATE:
        change["Started"] = work.stamp
    if new in lifecycle.inactive:
        change["Resolved"] = work.stamp
    work.change("ticket", ticket, **change)
    work.note("ticket", ticket, "Status", Field="Status", OldValue=old, NewValue=new)
    if new == "resolved":
        messages.mail_on_resolve(work, ticket)
    return "Ticket deleted" if new == "deleted" else f"Status changed from '{old}' to '{new}'"


def set_owner(work: Work, ticket: int, name: object, *, kind: str = "Set") -> str:
    """Change a ticket's owner if that is allowed and return what is said about it."""
    row = work.view.row("ticket", ticket)
    old, new = row["Owner"], _user(work, name)
    if new is None:
        return "That user does not exist"
    refusal = _no_owner(work, row, new, kind)
    if refusal:
        return refusal
    work.change("ticket", ticket, Owner=new)
    people.put_role(work, "ticket", ticket, "Owner", (new,))
    work.note("ticket", ticket, "Set", Field="Owner", OldValue=str(old), NewValue=str(new))
    messages.mail_on_owner(work, ticket)
    work.note("ticket", ticket, "SetWatcher", Field="Owner", OldValue=str(old), NewValue=str(new))
    return f"Owner changed from {people.name_of(work, old)} to {people.name_of(work, new)}"


def _queue_for(work: Work, name: object) -> int:
    if not name:
        raise RefusedError(400, "Could not create ticket. Queue not set")
    shown = _bare(name)
    queue = work.view.named("queue", str(shown))
    if queue is None or work.view.row("queue", queue)["Disabled"] == 1 or not work.rights.may("CreateTicket", queue):
        raise RefusedError(403, f"No permission to create tickets in the queue '{shown}'")
    return queue


def _values(work: Work, given: dict[str, Any], *, queue: int, status: str, lifecycle: Lifecycle) -> Row:
    numbers = {name: _number(given.get(name)) for name in _NUMBERS}
    initial = numbers["InitialPriority"] or 0
    started = work.stamp if status not in lifecycle.initial else NO_DATE
    resolved = work.stamp if status in lifecycle.inactive else NO_DATE
    kind = str(given.get("Type") or "ticket")
    return {
        "EffectiveId": 0,
        "IsMerged": None,
        "Queue": queue,
        "Owner": NOBODY,
        "Type": kind.lower() if kind.lower() in ("ticket", "approval", "reminder") else kind,
        "Subject": str(given.get("Subject") or "").replace("\n", "")[:_SUBJECT_LENGTH],
        "Status": status,
        "SLA": given.get("SLA") if kind.lower() == "ticket" else None,
        **{name: value or 0 for name, value in numbers.items()},
        "Priority": initial if numbers["Priority"] is None else numbers["Priority"],
        "Told": None,
        "Due": on_create(str(given.get("Due") or "")),
        "Starts": on_create(str(given.get("Starts") or "")),
        "Started": on_create(str(given["Started"])) if given.get("Started") else started,
        "Resolved": on_create(str(given["Resolved"])) if given.get("Resolved") else resolved,
    }


def _roles_for(work: Work, given: dict[str, Any]) -> dict[str, list[int]]:
    """Return the people given for each role; nobody by an unknown name, new users for unknown addresses."""
    given = {**given, **custom_roles(work, given.get("CustomRoles"))}
    names = [name for name in given if name in ("Requestor", "Cc", "AdminCc", "Owner") or name.startswith(CUSTOM_ROLE)]
    found = {}
    for name in names:
        principals = (people.principal(work, each) for each in people.named(given[name]))
        found[name] = list(dict.fromkeys(each for each in principals if each is not None))
    return found


def _give_roles(work: Work, ticket: int, roles: dict[str, list[int]]) -> None:
    row = work.view.row("ticket", ticket)
    offered = roles_of(work.view, "ticket", row)
    for role, members in roles.items():
        if role == "Owner":
            owner = members[0] if members else NOBODY
            if owner != NOBODY and _may_own(work, owner, row["Queue"]):
                work.change("ticket", ticket, Owner=owner)
                people.put_role(work, "ticket", ticket, "Owner", (owner,))
        elif members and role in offered:
            people.put_role(work, "ticket", ticket, role, tuple(members))


# Changing one attribute


def _is_so(work: Work, ticket: int, name: str, value: object) -> bool:
    """Return whether an attribute has a value already; then nothing is said."""
    row = work.view.row("ticket", ticket)
    present, text = row[name], str(value)
    if name in ("Owner", "Queue"):
        named = work.view.row(name.lower().replace("owner", "user"), present)["Name"]
        return text in (named, str(present))
    if name == "Subject":
        text = text[:_SUBJECT_LENGTH]
    shown = "" if present is None else str(present)
    return shown in (text, text or "0")


def _set_text(work: Work, ticket: int, name: str, value: object) -> str:
    text = str(value)
    if name == "Subject":
        text = text.replace("\n", "")[:_SUBJECT_LENGTH]
    return _set(work, ticket, name, text)


def _set(work: Work, ticket: int, name: str, new: Any, **note: Any) -> str:
    row = work.view.row("ticket", ticket)
    if not work.rights.may("ModifyTicket", row["Queue"]):
        return DENIED
    old = row[name]
    work.change("ticket", ticket, **{name: new})
    kind = "Told" if name == "Told" else "Set"
    work.note("ticket", ticket, kind, Field=name, OldValue=_noted(old), NewValue=_noted(new), **note)
    return f"{name} changed from {_quoted(old)} to {_quoted(new)}"


def _set_number(work: Work, ticket: int, name: str, value: object) -> str:
    number, old = _number(value) or 0, work.view.row("ticket", ticket)[name]
    if name == "TimeWorked":
        said = _set(work, ticket, name, number, TimeTaken=number - old)
        return said if said == DENIED else _worked(number - old)
    said = _set(work, ticket, name, number)
    if "Priority" in name and said != DENIED:
        return f"{name} changed from '{_priority_word(old)}' to '{_priority_word(number)}'"
    return said


def _set_date(work: Work, ticket: int, name: str, value: object) -> str:
    text = work.stamp if name == "Told" and value == "" else str(value)
    old = work.view.row("ticket", ticket)[name]
    said = _set(work, ticket, name, text)
    if said == DENIED or name == "Resolved":
        return said
    # messages understand the Z that the columns do not (rt.md §6.3)
    new = on_create(text) if "T" in text else text
    return f"{name} changed from {_date_words(work, old)} to {_date_words(work, new)}"


def _date_words(work: Work, text: str | None) -> str:
    return local_words(on_create(text) if text and "T" in text else text or "", work.zone)


def _set_queue(work: Work, ticket: int, _name: str, value: object) -> str:
    row = work.view.row("ticket", ticket)
    if not work.rights.may("ModifyTicket", row["Queue"]):
        return DENIED
    new, old = work.view.named("queue", str(value)), row["Queue"]
    if new is None:
        return f"Queue {value} does not exist"
    names = [work.view.row("queue", each)["Name"] for each in (old, new)]
    if work.view.row("queue", new)["Disabled"]:
        return f"Queue {names[0]} is disabled"
    if new == old:
        return f"Queue is already set to {names[0]}"
    if not work.rights.may("CreateTicket", new):
        return DENIED
    if work.view.row("queue", new)["Lifecycle"] != work.view.row("queue", old)["Lifecycle"]:
        kinds = [work.view.row("queue", each)["Lifecycle"] for each in (old, new)]
        return (
            f"There is no mapping for statuses between lifecycle {kinds[0]} and {kinds[1]}. "
            "Contact your system administrator."
        )
    _set(work, ticket, "Queue", new)
    owner = work.view.row("ticket", ticket)["Owner"]
    if owner != NOBODY and not _may_own(work, owner, new):
        set_owner(work.system(), ticket, NOBODY, kind="Force")
    return f"Queue changed from {names[0]} to {names[1]}"


_SETTERS: dict[str, Callable[[Work, int, str, object], str]] = {
    **dict.fromkeys(_DATES, _set_date),
    **dict.fromkeys(_NUMBERS, _set_number),
    "Queue": _set_queue,
    "Owner": lambda work, ticket, _name, value: set_owner(work, ticket, value),
    "Status": lambda work, ticket, _name, value: set_status(work, ticket, str(value)),
}


def _no_owner(work: Work, row: Row, new: int, kind: str) -> str:
    """Return why a user may not become the owner, empty if nothing speaks against it."""
    if new != NOBODY and not _may_own(work, new, row["Queue"]):
        return "That user may not own tickets in that queue"
    if new == row["Owner"]:
        return "That user already owns that ticket"
    queue = row["Queue"]
    if work.rights.may("ReassignTicket", queue) and kind not in ("Take", "Steal"):
        return ""
    if row["Owner"] == NOBODY:
        if kind == "Steal":
            return "You can only steal a ticket owned by someone else"
        rights = ("ModifyTicket", "ReassignTicket", *(("TakeTicket",) if new == work.user else ()))
        return "" if any(work.rights.may(each, queue) for each in rights) else DENIED
    if row["Owner"] != work.user:
        if not any(work.rights.may(each, queue) for each in ("ModifyTicket", "ReassignTicket", "StealTicket")):
            return DENIED
        if kind in ("Steal", "Force"):
            return "" if work.rights.may("OwnTicket", queue) else DENIED
        if kind == "Take" or new == work.user:
            return "You can only take tickets that are unowned"
        allowed = work.rights.may("ReassignTicket", queue)
        return "" if allowed else "You can only reassign tickets that you own or that are unowned"
    return "" if work.rights.may("ModifyTicket", queue) else DENIED


def _may_own(work: Work, user: int, queue: int) -> bool:
    return Rights(work.view, user).may("OwnTicket", queue)


def _user(work: Work, name: object) -> int | None:
    text = str(_bare(name))
    return work.view.named("user", text)


def _waits(work: Work, ticket: int) -> bool:
    """Return whether something that a ticket depends on is still to be done."""
    own = uri_of("ticket", ticket)
    for _, link in work.view.links_at(own):
        local = local_of(link["Target"])
        if link["Type"] == "DependsOn" and link["Base"] == own and local is not None and local[0] == "ticket":
            row = work.view.row("ticket", local[1])
            if row["Status"] not in lifecycle_of(work, row["Queue"]).inactive:
                return True
    return False


def _worked(minutes: int) -> str:
    unit = "minute" if abs(minutes) == 1 else "minutes"
    if minutes < 0:
        return f"Adjusted time worked by {minutes} {unit}"
    if minutes < 60:
        return f"Worked {minutes} {unit}"
    hours = f"{minutes / 60:.2f}"
    return f"Worked {hours} {'hour' if float(hours) == 1 else 'hours'} ({minutes} {unit})"


def _priority_word(value: int) -> str:
    return "High" if value >= 100 else "Medium" if value >= 50 else "Low"


def _number(value: object) -> int | None:
    if value is None:
        return None
    text = str(value).strip()
    if text.lower() in _PRIORITIES:
        return _PRIORITIES[text.lower()]
    return int(text) if text.lstrip("-").isdigit() else 0


def _noted(value: object) -> str | None:
    return None if value is None else str(value)


def _quoted(value: object) -> str:
    return f"'{value}'" if value not in (None, "", 0, "0") else "(no value)"


def _bare(value: Any) -> Any:
    """Return what a value means that may be a reference."""
    return value.get("id") if isinstance(value, dict) else value
