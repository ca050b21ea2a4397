"""What `mirror check` asks a VersionOne server.

Source: versionone.md §2 (authentication, rights), §4.2 (paging), §5 (meta), §9 (limits, time zone).
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Protocol

from mirror.connectors.base import Finding
from mirror.connectors.versionone.convert import stamp
from mirror.connectors.versionone.meta import Meta
from mirror.connectors.versionone.paging import KEY, OFFSET
from mirror.connectors.versionone.question import Pick, Question, flat
from mirror.connectors.versionone.scope import Project
from mirror.connectors.versionone.server import Server
from mirror.errors import MirrorError

_LARGEST_OFFSET_SECONDS = 5.0
_ADMIN_ROLE = "Role:1"  # System Admin (§7.2 R)


class _Place(Protocol):
    server: Server
    page_size: int

    def meta(self) -> Meta: ...

    def project(self) -> Project | None: ...


def check(place: _Place) -> Iterator[Finding]:
    """Yield a finding about authentication, and when that works about rights, meta data, form, clock, pages and scope."""
    question = Question(
        "Member",
        (Pick("Username"), Pick("DefaultRole", "Name"), Pick("ChangeDate"), Pick("ChangeDateUTC")),
        ("IsSelf='true'",),
        1,
    )
    try:
        reply = place.server.form.send(question)()
    except MirrorError as error:
        advice = "check url (with the instance's name in it), the token or password that `secret` names, and the network"
        yield Finding("authentication", False, str(error), advice)
        return
    me = flat(reply.documents[0]) if reply.documents else {}
    name = me.get("Username") or "a member who cannot see itself"
    yield Finding("authentication", True, f"signed in as {name}, by {place.server.wire.auth.words}")
    yield _rights(me)
    yield _meta(place)
    yield _form(place.server)
    yield _clock(reply.server_time)
    yield _zone(me)
    yield _pages(place)
    yield _scope(place)


def _rights(me: object) -> Finding:
    role = me.get("DefaultRole") if isinstance(me, dict) else None
    role = role[0] if isinstance(role, list) and role else role
    name = me.get("DefaultRole.Name") if isinstance(me, dict) else None
    if isinstance(role, dict) and role.get("_oid", role) == _ADMIN_ROLE:
        return Finding("rights", True, "System Admin: every project is visible")
    detail = f"the role is {name or 'unknown'}: what this member may not see is missing from the mirror, as if deleted"
    return Finding("rights", True, f"{detail}; use a token of a System Admin to mirror everything")


def _meta(place: _Place) -> Finding:
    try:
        types = list(place.meta().records())
    except MirrorError as error:
        return Finding("meta data", False, str(error), "open meta.v1 below the url in a browser; a proxy may block it")
    return Finding(
        "meta data", True, f"{len(types)} types of records, {sum(len(each.attributes) for each in types)} attributes"
    )


def _form(server: Server) -> Finding:
    try:
        form, ids, moments = server.form, server.ids_by, server.compares_moments
    except MirrorError as error:
        return Finding("queries", False, str(error), "try again later; if it stays, report the text above")
    paging = f"pages behind a {ids}" if ids == KEY else "pages by offset" if ids == OFFSET else "pages behind an oid"
    changes = "changes by moment" if moments else "changes by time"
    return Finding("queries", True, f"{form.name}, {paging}, {changes}")


def _clock(server_time: datetime) -> Finding:
    offset = (datetime.now(UTC) - server_time).total_seconds()
    detail = f"this machine is {abs(offset):.0f} s {'ahead of' if offset > 0 else 'behind'} the server"
    if abs(offset) <= _LARGEST_OFFSET_SECONDS:
        return Finding("clock", True, detail)
    return Finding("clock", True, f"{detail}; harmless, only the server's time is used")


def _zone(me: object) -> Finding:
    """Tell in which zone the server shows this member times that are not marked as UTC (§9 D)."""
    values = [me.get(name) for name in ("ChangeDate", "ChangeDateUTC")] if isinstance(me, dict) else []
    try:
        local, utc = (datetime.fromisoformat((stamp(str(each)) or "")[:-1]) for each in values)
    except ValueError:
        return Finding("time zone", True, "not told by the server; only instants in UTC are mirrored as instants")
    minutes = round((local - utc).total_seconds() / 60)
    shown = f"UTC{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02}:{abs(minutes) % 60:02}" if minutes else "UTC"
    return Finding("time zone", True, f"this member's is {shown}; columns are in UTC, days as the server shows them")


def _pages(place: _Place) -> Finding:
    question = Question("BaseAsset", (), size=place.page_size)
    try:
        reply = place.server.form.send(question)()
    except MirrorError as error:
        return Finding("page size", False, str(error), "try again later; if it stays, report the text above")
    received = len(reply.documents)
    if received == place.page_size or reply.complete:
        return Finding("page size", True, f"pages of {place.page_size} records")
    detail = f"asked for {place.page_size} records, {received} came"
    return Finding("page size", True, f"{detail}; a smaller cap of the server is respected, syncing takes more requests")


def _scope(place: _Place) -> Finding:
    try:
        project = place.project()
    except MirrorError as error:
        return Finding("scope", False, str(error), "set scope = … of this source to one of those, or leave it out")
    if project is None:
        return Finding("scope", True, "the whole instance")
    return Finding("scope", True, f"{project.name} ({project.oid}) and the projects below it")
