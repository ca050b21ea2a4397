"""Links between records, and merging. rt.md §6.7"""

from __future__ import annotations

import re
from typing import Any

from mirror.simulators.rt.columns import local_of, uri_of
from mirror.simulators.rt.hyperlinks import is_valid
from mirror.simulators.rt.people import put_role
from mirror.simulators.rt.refs import is_single, people, roles_of
from mirror.simulators.rt.state import Row
from mirror.simulators.rt.work import DENIED, Work

_NAMES = {
    "Child": ("Base", "MemberOf"),
    "Children": ("Base", "MemberOf"),
    "DependedOnBy": ("Base", "DependsOn"),
    "DependsOn": ("Target", "DependsOn"),
    "HasMember": ("Base", "MemberOf"),
    "Member": ("Base", "MemberOf"),
    "MemberOf": ("Target", "MemberOf"),
    "Members": ("Base", "MemberOf"),
    "Parent": ("Target", "MemberOf"),
    "Parents": ("Target", "MemberOf"),
    "ReferredToBy": ("Base", "RefersTo"),
    "RefersTo": ("Target", "RefersTo"),
}
"""What writes call a relation -> which end the other record is, and the kind. In the order in which they are done."""

_FIELDS = {
    ("DependsOn", "Base"): "DependsOn",
    ("DependsOn", "Target"): "DependedOnBy",
    ("MemberOf", "Base"): "MemberOf",
    ("MemberOf", "Target"): "HasMember",
    ("RefersTo", "Base"): "RefersTo",
    ("RefersTo", "Target"): "ReferredToBy",
    ("MergedInto", "Base"): "MergedInto",
    ("MergedInto", "Target"): "MergedInto",
}
_WORDS = {"DependsOn": "depends on", "MemberOf": "member of", "RefersTo": "refers to", "MergedInto": "merged into"}
_SHORT = re.compile(r"^(asset|a):(\d*)(.*)$")
_HIDDEN = "Permission Denied"
"""What RT links to in place of an article that the user may not see (seen on 5.0.3)."""

_SHORT_FOR = {"asset": "asset", "a": "article"}
_ADDRESS = re.compile(r"^[a-z][a-z0-9+.-]*:", re.IGNORECASE)
_OTHER = {"Base": "Target", "Target": "Base"}


def update(work: Work, table: str, number: int, given: dict[str, Any]) -> list[str | None]:
    """Replace, add and remove links as given and return the messages."""
    messages: list[str | None] = []
    for name, (end, kind) in _NAMES.items():
        if given.get(name) not in (None, "", 0, "0"):
            messages += _replace(work, table, number, end=end, kind=kind, wanted=_list(given[name]))
            continue
        for value in _list(given.get(f"Add{name}")):
            messages.append(add(work, table, number, end=end, kind=kind, other=value))
        for value in _list(given.get(f"Delete{name}")):
            messages.append(remove(work, table, number, end=end, kind=kind, other=value))
    return messages


def on_create(work: Work, table: str, number: int, given: dict[str, Any]) -> None:
    """Link a new record; only the other ends tell of it, and of a reminder not even they."""
    told = work.view.row(table, number).get("Type") != "reminder"
    for name, (end, kind) in _NAMES.items():
        for value in _list(given.get(name)):
            add(work, table, number, end=end, kind=kind, other=value, silent=True, told=told)


def add(
    work: Work,
    table: str,
    number: int,
    *,
    end: str,
    kind: str,
    other: object,
    silent: bool = False,
    told: bool = True,
) -> str | None:
    """Add a link and return what is said about it.

    Args:
        end: which end `other` is, `Base` or `Target`.
        silent: the record itself tells nothing.
        told: the other end tells of it.
    """
    if not _may(work, table, number):
        return DENIED
    uri = _resolved(work, other)
    if uri is None:
        return f"Couldn't resolve '{other}' into a link."
    local = local_of(uri)
    if local is not None and _SHORT.match(str(other)) and not work.rights.sees(local[0], work.view.row(*local)):
        if local[0] == "asset":
            return "Permission denied"
        uri, local = _HIDDEN, None
    if local is not None and work.view.row(*local).get("Status") == "deleted":
        return f"Linking to a deleted {local[0]} is not allowed"
    own = uri_of(table, number)
    base, target = (own, uri) if end == "Target" else (uri, own)
    if _found(work, base, target, kind) is not None:
        return "Link already exists"
    if kind in ("DependsOn", "MemberOf") and local is not None and own != uri and base in _reachable(work, target, kind):
        return "Refused to add link which would create a circular relationship"
    if base == target:
        return f"Link could not be created: Can't link a {table} to itself"
    work.insert("link", Base=base, Target=target, Type=kind)
    if told:
        _tell(work, (table, number), uri, "AddLink", end=end, kind=kind, silent=silent)
    named = _words_by(uri, other)
    return f"{named.get(base) or _words(base)} {_WORDS[kind]} {named.get(target) or _words(target)}."


def remove(work: Work, table: str, number: int, *, end: str, kind: str, other: object) -> str | None:
    """Remove a link and return what is said about it."""
    if not _may(work, table, number):
        return DENIED
    uri = _resolved(work, other)
    if uri is None:
        return f"Couldn't resolve '{other}' into a link."
    own = uri_of(table, number)
    base, target = (own, uri) if end == "Target" else (uri, own)
    found = _found(work, base, target, kind)
    if found is None:
        return "Link not found"
    work.remove("link", found)
    _tell(work, (table, number), uri, "DeleteLink", end=end, kind=kind, silent=False)
    named = _words_by(uri, other)
    return f"{named.get(base) or _words(base)} no longer {_WORDS[kind]} {named.get(target) or _words(target)}."


def merge(work: Work, ticket: int, into: object) -> str:
    """Merge a ticket into another one and return what is said about it."""
    row = work.view.row("ticket", ticket)
    if not work.rights.may("ModifyTicket", row["Queue"]):
        return DENIED
    text = str(into)
    known = work.view.get("ticket", int(text)) if text.isdigit() else None
    target = work.view.effective(int(text)) if known is not None else 0
    if not target:
        return "New ticket doesn't exist"
    if target == ticket:
        return "Can't merge a ticket into itself"
    other = work.view.row("ticket", target)
    if (row["Type"], other["Type"]) != ("ticket", "ticket"):
        return "Only tickets can be merged"
    if not work.rights.may("ModifyTicket", other["Queue"]):
        return DENIED
    _merge(work, ticket, target)
    return "Merge Successful"


def _merge(work: Work, ticket: int, target: int) -> None:
    work.change("ticket", ticket, touch=False, EffectiveId=target, IsMerged=1)
    _move_links(work, uri_of("ticket", ticket), uri_of("ticket", target))
    row, other = work.view.row("ticket", ticket), work.view.row("ticket", target)
    sums: dict[str, Any] = {
        name: (row[name] or 0) + (other[name] or 0) for name in ("TimeEstimated", "TimeWorked", "TimeLeft")
    }
    work.change("ticket", target, **sums)
    for role in roles_of(work.view, "ticket", row):
        if not is_single(work.view, role):
            present, more = (people(work.view, "ticket", each, role) for each in (target, ticket))
            if more:
                put_role(work, "ticket", target, role, tuple(dict.fromkeys((*present, *more))))
    for mergee in list(work.view.merged_into(ticket)):
        work.change("ticket", mergee, touch=False, EffectiveId=target)
    own, uri = uri_of("ticket", ticket), uri_of("ticket", target)
    if other["Status"] == "deleted":
        return  # a deleted ticket cannot be linked to, and then nothing tells of the merge (seen on 5.0.3)
    work.insert("link", Base=own, Target=uri, Type="MergedInto")
    for each in (ticket, target):
        work.note("ticket", each, "AddLink", touch=each == target, Field="MergedInto", NewValue=uri)


def _move_links(work: Work, old: str, new: str) -> None:
    """Hang the links of one record on another; those that it has already, or that join the two, go."""
    for number, link in list(work.view.links_at(old)):
        if link["Type"] == "MergedInto":
            continue
        moved = {end: new if link[end] == old else link[end] for end in ("Base", "Target")}
        if moved["Base"] == moved["Target"] or _found(work, moved["Base"], moved["Target"], link["Type"]) is not None:
            work.remove("link", number)
        else:
            work.change("link", number, touch=False, **moved)


def _replace(work: Work, table: str, number: int, *, end: str, kind: str, wanted: list[object]) -> list[str | None]:
    own = uri_of(table, number)
    present: dict[str, str] = {}
    for _, link in work.view.links_at(own):
        if link["Type"] == kind and link[_OTHER[end]] == own and is_valid(work.view, link):
            local = local_of(link[end])
            present[link[end] if local is None else str(local[1])] = link[end]
    messages: list[str | None] = []
    for value in wanted:
        if present.pop(str(value), None) is None:
            messages.append(add(work, table, number, end=end, kind=kind, other=value))
    for value in sorted(present):
        messages.append(remove(work, table, number, end=end, kind=kind, other=present[value]))
    return messages


def _tell(work: Work, own: tuple[str, int], uri: str, change: str, *, end: str, kind: str, silent: bool) -> None:
    value = "NewValue" if change == "AddLink" else "OldValue"
    told_to: dict[str, Any] = {value: uri}
    if not silent:
        work.note(*own, change, Field=_FIELDS[kind, _OTHER[end]], **told_to)
    local = local_of(uri)
    if local is not None and local[0] != "article":  # whose history tells nothing of links (seen on 5.0.3)
        told_of: dict[str, Any] = {value: uri_of(*own)}
        work.note(*local, change, Field=_FIELDS[kind, end], **told_of)


def _resolved(work: Work, other: object) -> str | None:
    """Return the URI of a link's other end: a ticket's number, or an address; None when it is neither."""
    text = str(other.get("id") if isinstance(other, dict) else other).strip()
    if text.isdigit():
        number = work.view.effective(int(text))
        return uri_of("ticket", number) if work.view.get("ticket", number) is not None else None
    short = _SHORT.match(text)
    if short is not None and (not short[2] or short[3]):
        return None
    local = local_of(text) if short is None else (_SHORT_FOR[short[1]], int(short[2]))
    if local is not None:
        return uri_of(*local) if work.view.get(*local) is not None else None
    return text if _ADDRESS.match(text) else None


def _found(work: Work, base: str, target: str, kind: str) -> int | None:
    for number, link in work.view.links_at(base):
        if (link["Base"], link["Target"], link["Type"]) == (base, target, kind):
            return number
    return None


def _reachable(work: Work, start: str, kind: str) -> set[str]:
    """Return everything that one comes to from `start` along links of a kind."""
    found: set[str] = set()
    waiting = [start]
    while waiting:
        uri = waiting.pop()
        if uri not in found:
            found.add(uri)
            waiting += [link["Target"] for _, link in _from(work, uri, kind)]
    return found


def _from(work: Work, uri: str, kind: str) -> list[tuple[int, Row]]:
    return [(n, link) for n, link in work.view.links_at(uri) if link["Base"] == uri and link["Type"] == kind]


def _words_by(uri: str, other: object) -> dict[str, str]:
    """Return what messages call an end that was named in short, by its address; RT repeats the short name."""
    return {uri: f"URI {other}"} if isinstance(other, str) and _SHORT.match(other) else {}


def _words(uri: str) -> str:
    local = local_of(uri)
    return f"Ticket {local[1]}" if local is not None and local[0] == "ticket" else f"URI {uri}"


def _may(work: Work, table: str, number: int) -> bool:
    if table == "ticket":
        return work.rights.may("ModifyTicket", work.view.row("ticket", number)["Queue"])
    return work.rights.may("ModifyAsset" if table == "asset" else "ModifyArticle")


def _list(value: object) -> list[object]:
    if value is None or value == "":
        return []
    return value if isinstance(value, list) else [value]
