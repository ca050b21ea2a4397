"""An RT as it is after installation: its own users, groups, queues and rights, and nothing else.

Source: what a new RT 5.0.3 shows, number by number.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from mirror.simulators.rt import auth, others, people
from mirror.simulators.rt.rights import EVERYTHING, Rights
from mirror.simulators.rt.state import State, View
from mirror.simulators.rt.switches import Switches
from mirror.simulators.rt.work import NOBODY, ROOT, RT_SYSTEM, Work

PASSWORD = "password"  # noqa: S105 - what a test installation has
_PSEUDO = "Pseudogroup for internal use"
_KEEP = "Do not delete or modify this user. It is integral to RT's internal "


def installed(moment: datetime) -> State:
    """Return a fresh installation, made at `moment`."""
    state = State()
    _system_user(state, moment)
    work = Work.of(state, RT_SYSTEM, moment, Switches())
    for name in ("Everyone", "Privileged", "Unprivileged"):
        people.create_group(work, name, domain="SystemInternal", Description=_PSEUDO)
    nobody = {"EmailAddress": "", "RealName": "Nobody in particular", "Comments": _KEEP + "data structures"}
    people.create_user(work, "Nobody", number=NOBODY, **nobody)
    for name in ("Owner", "Requestor", "Cc", "AdminCc", "HeldBy", "Contact"):
        members = (NOBODY,) if name == "Owner" else ()
        people.create_group(work, name, domain="RT::System-Role", instance=1, Members=members)
    root = {"EmailAddress": "root@localhost", "RealName": "Enoch Root", "Comments": "SuperUser", "Gecos": "root"}
    people.create_user(work, "root", number=ROOT, Privileged=1, Password=PASSWORD, **root)
    work.change("user", ROOT, touch=False, Token=auth.token_of(ROOT, "root"))
    for user in (RT_SYSTEM, ROOT):
        state.grants.add((user, "SuperUser", EVERYTHING))
    _records(Work.of(state, RT_SYSTEM, moment, Switches()))
    return state


def _system_user(state: State, moment: datetime) -> None:
    """Create the user that everything else is created by; it is in no group and has no history."""
    state.grants.add((RT_SYSTEM, "SuperUser", EVERYTHING))
    work = Work(state, RT_SYSTEM, moment, Switches(), View(state), Rights(View(state), RT_SYSTEM))
    own = {"RealName": "The RT System itself", "Comments": _KEEP + "database structures"}
    work.insert("user", number=RT_SYSTEM, Name="RT_System", Disabled=0, Privileged=0, **own)
    words = f"ACL equiv. for user {RT_SYSTEM}"
    own_group = {"Description": words, "Members": (RT_SYSTEM,), "Creator": 0, "LastUpdatedBy": 0}
    people.create_group(work, "UserEquiv", domain="ACLEquivalence", instance=RT_SYSTEM, **own_group)


def _records(work: Work) -> None:
    others.create(work, "queue", {"Name": "General", "Description": "The default queue"})
    approvals = {
        "Name": "___Approvals",
        "Description": "A system-internal queue for the approvals system",
        "Disabled": 2,
        "Lifecycle": "approvals",
    }
    others.create(work, "queue", approvals)
    others.create(work, "catalog", {"Name": "General assets", "Description": "The default catalog"})
    _dashboard(work)
    others.create(work, "class", {"Name": "General", "Description": "The default class"})
    content = {"Name": "Content", "Type": "Text", "MaxValues": 1, "LookupType": "RT::Class-RT::Article", "Queue": 0}
    others.create(work, "customfield", {**content, "Description": "Content"})


def _dashboard(work: Work) -> None:
    """Leave the history of the first dashboard: of an object that REST does not show, with a structure as its value."""
    panes = {"Panes": {"body": [{"pane": "body", "portlet_type": "search", "description": "Saved Search: My Tickets"}]}}
    content: dict[str, Any] = {"Field": "Content", "ReferenceType": "RT::Attribute", "OldValue": {"Panes": None}}
    no_content: dict[str, Any] = {}
    for kind, change in (("Create", no_content), ("Set", content | {"NewValue": panes})):
        work.insert("transaction", ObjectType="RT::Attribute", ObjectId=8, Type=kind, TimeTaken=0, **change)
