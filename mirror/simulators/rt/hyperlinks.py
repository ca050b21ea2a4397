"""The `_hyperlinks` of records: links to others, custom fields and roles, and what may be done next. rt.md §6.1"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from mirror.simulators.rt import fields
from mirror.simulators.rt.columns import HOLDERS, local_of, uri_of
from mirror.simulators.rt.lifecycles import LIFECYCLES
from mirror.simulators.rt.refs import CUSTOM_ROLE, Refs, custom_roles
from mirror.simulators.rt.rights import Rights
from mirror.simulators.rt.state import Row, View

Entry = dict[str, Any]

_REFS = {
    ("DependsOn", "Base"): "depends-on",
    ("DependsOn", "Target"): "depended-on-by",
    ("MemberOf", "Base"): "parent",
    ("MemberOf", "Target"): "child",
    ("RefersTo", "Base"): "refers-to",
    ("RefersTo", "Target"): "referred-to-by",
}
"""What an end calls the other one, by the kind of the link and which end it is itself. rt.md §6.7"""

_SUFFIXES = {"Respond": "/correspond", "Comment": "/comment", "": ""}


def of(view: View, rights: Rights, refs: Refs, *, table: str, row: Row) -> list[Entry]:
    """Return all links of a record."""
    url = f"{refs.base}/{table}/{row['id']}"
    found: list[Entry] = [{"ref": "self", "type": table, "id": row["id"], "_url": url}]
    if table in ("ticket", "asset", "article"):
        found += _relations(view, refs, uri_of(table, row["id"]))
    for number in fields.applicable(view, rights, table, row):
        name = view.row("customfield", number)["Name"]
        found.append({**refs.to("customfield", number), "ref": "customfield", "name": name})
    if table in ("ticket", "queue"):
        for number in custom_roles(view, row["Queue"] if table == "ticket" else row["id"]):
            group = f"{CUSTOM_ROLE}{number}"
            found.append({**refs.to("customrole", number), "ref": "customrole", "group_type": group})
    found += _further(view, rights, refs, table=table, row=row)
    return found


def _relations(view: View, refs: Refs, uri: str) -> Iterator[Entry]:
    """Yield links to others."""
    for _, link in view.links_at(uri):
        if not is_valid(view, link):
            continue
        for own, other in (("Base", "Target"), ("Target", "Base")):
            ref = _REFS.get((link["Type"], own))
            if link[own] != uri or ref is None:
                continue
            local = local_of(link[other])
            if local is None:
                yield {"type": "external", "_url": link[other], "ref": ref}
            elif view.get(*local) is not None:
                yield {**refs.to(*local), "ref": ref}


def is_valid(view: View, link: Row) -> bool:
    """Return whether RT knows of a link: not where the target is a record of RT's and one of both ends a deleted ticket.

    rt.md §6.7, and 5.0.3 itself: a deleted ticket still refers to an address, yet no address depends on it.
    """
    ends = [local_of(link["Target"]), local_of(link["Base"])]
    if ends[0] is None:
        return True
    rows = [view.get(*each) for each in ends if each is not None and each[0] == "ticket"]
    return not any(row is not None and row["Status"] == "deleted" for row in rows)


def _further(view: View, rights: Rights, refs: Refs, *, table: str, row: Row) -> Iterator[Entry]:
    url = f"{refs.base}/{table}/{row['id']}"
    history = {"ref": "history", "_url": f"{url}/history"}
    match table:
        case "ticket" | "asset":
            yield history
            if table == "ticket":
                yield from _messages(rights, url, row["Queue"])
            yield from _actions(view, rights, url, table=table, row=row)
        case "article":
            yield history
        case "queue":
            yield history
            if rights.may("CreateTicket", row["id"]):
                yield {"ref": "create", "type": "ticket", "_url": f"{refs.base}/ticket?Queue={row['id']}"}
        case "catalog" | "class":
            yield from _create(rights, refs, table, row["id"])
        case "user":
            yield from _of_user(rights, url, row["id"])
        case "group":
            yield history
            yield {"ref": "members", "_url": f"{url}/members"}
        case "customfield" if row["Type"] == "Select":
            yield {"ref": "customfieldvalues", "_url": f"{url}/values"}
        case "transaction":
            for number in view.attachments_of(row["id"]):
                yield {"ref": "attachment", "_url": f"{refs.base}/attachment/{number}"}


def _of_user(rights: Rights, url: str, number: int) -> Iterator[Entry]:
    if rights.may("AdminUsers") or rights.may("ShowUserHistory") or rights.user == number:
        yield {"ref": "history", "_url": f"{url}/history"}
    if rights.may("AdminGroupMembership"):
        yield {"ref": "memberships", "_url": f"{url}/groups"}


def _create(rights: Rights, refs: Refs, table: str, number: int) -> Iterator[Entry]:
    kind, right, holder = (
        ("asset", "CreateAsset", "Catalog") if table == "catalog" else ("article", "CreateArticle", "Class")
    )
    if rights.may(right):
        yield {"ref": "create", "type": kind, "_url": f"{refs.base}/{kind}?{holder}={number}"}


def _messages(rights: Rights, url: str, queue: int) -> Iterator[Entry]:
    if rights.may("ReplyToTicket", queue):
        yield {"ref": "correspond", "_url": f"{url}/correspond"}
    if rights.may("CommentOnTicket", queue):
        yield {"ref": "comment", "_url": f"{url}/comment"}


def _actions(view: View, rights: Rights, url: str, *, table: str, row: Row) -> Iterator[Entry]:
    holder = HOLDERS[table]
    lifecycle = LIFECYCLES[view.row(holder.lower(), row[holder])["Lifecycle"]]
    queue = row["Queue"] if table == "ticket" else 0
    for action in lifecycle.offered(row["Status"]):
        if rights.may(lifecycle.right(action.target), queue):
            entry = {"ref": "lifecycle", "from": action.source, "to": action.target, "label": action.label}
            if action.update:
                entry["update"] = action.update
            yield {**entry, "_url": url + _SUFFIXES[action.update]}
