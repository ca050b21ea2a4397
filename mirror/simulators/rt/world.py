"""The tracker's world behind one lock: what HTTP writes and what tests do goes through the same rules."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta
from typing import Any

from mirror.simulators.clock import Clock
from mirror.simulators.rt import auth, linking, messages, others, people, tickets
from mirror.simulators.rt.columns import COLUMNS, LOOKUPS, OBJECT_TYPES, uri_of
from mirror.simulators.rt.dates import zone_named
from mirror.simulators.rt.refs import CUSTOM_ROLE, is_single
from mirror.simulators.rt.rights import EVERYTHING, Rights
from mirror.simulators.rt.search import Asker
from mirror.simulators.rt.shapes import Renderer
from mirror.simulators.rt.state import State, View
from mirror.simulators.rt.switches import Switches
from mirror.simulators.rt.work import ROOT, RT_SYSTEM, Work


class World:
    """All data of the simulated tracker.

    Every method takes the lock; hold `lock` yourself around several calls that belong together.

    Attributes:
        base: address of `/REST/2.0`, as configured.
    """

    def __init__(self, state: State, clock: Clock) -> None:
        self.lock = threading.RLock()
        self.state = state
        self.switches = Switches()
        self.base = "http://127.0.0.1/REST/2.0"
        self._clock = clock
        self._hidden: dict[tuple[int, str], set[tuple[int, str, int]]] = {}

    def now(self) -> datetime:
        """Return the tracker's own time, offset included."""
        return self._clock.now() + timedelta(seconds=self.switches.clock_offset_seconds)

    def view(self, *, lagging: bool = False) -> View:
        """Return the present state, or what a replica shows by now. Use it under the lock."""
        if lagging and self.switches.lag_seconds > 0:
            return View(self.state, self.state.before(self.now() - timedelta(seconds=self.switches.lag_seconds)))
        return View(self.state)

    def work(self, user: int | str = ROOT) -> Work:
        """Return what `user` does next. Use it under the lock."""
        number = self.state.names[user.lower()] if isinstance(user, str) else user
        return Work.of(self.state, number, self.now(), self.switches)

    def asker(self, user: int, *, lagging: bool = False) -> Asker:
        """Return who searches when and where. Use it under the lock."""
        view = self.view(lagging=lagging)
        row = self.view().row("user", user)
        zone = zone_named(row.get("Timezone"), self.switches.default_timezone)
        return Asker(view, Rights(self.view(), user), zone, self.now())

    # What the tracker holds

    def types(self) -> list[str]:
        """Return the names of all types that can be listed."""
        return [*OBJECT_TYPES, "attachment"]

    def ids(self, table: str, *, user: int | str = ROOT) -> list[int]:
        """Return the numbers of the records of a type that a user is shown, ascending.

        Deleted and merged tickets and deleted assets are left out, and of groups all that nobody made.
        """
        with self.lock:
            view = self.view()
            rights = Rights(view, self.state.names[user.lower()] if isinstance(user, str) else user)
            rows = ((each, view.row(table, each)) for each in view.ids(table))
            return [each for each, row in rows if _is_listed(table, row) and rights.sees(table, row)]

    def truth(self, table: str, *, user: int | str = ROOT) -> dict[int, dict[str, Any]]:
        """Return, by number, every field of a type as REST shows it to a user, with the record's links.

        References have names and numbers: `{"type", "id": number, "Name", …}`. Ignores lag.
        """
        with self.lock:
            number = self.state.names[user.lower()] if isinstance(user, str) else user
            asker = self.asker(number)
            expanded = {f"fields[{name}]": "id,Name" for name in (*COLUMNS[table], *_PEOPLE, "CustomRoles")}
            renderer = Renderer(asker.view, asker.rights, self.base, self.switches, expanded)
            names = [name for name in COLUMNS[table] if (table, name) not in _NEVER] + _further(table)
            found = {each: renderer.item(table, each, names) for each in self.ids(table, user=number)}
            if table in ("user", "group", "queue"):
                alone = {each: renderer.alone(table, asker.view.row(table, each)) for each in found}
                found = {each: shown | _only_alone(alone[each]) for each, shown in found.items()}
            return found

    def user(self, name: str) -> int:
        """Return a user's number."""
        with self.lock:
            return self.state.names[name.lower()]

    # Tickets

    def create(self, fields: dict[str, Any], *, user: int | str = ROOT) -> int:
        """Create a ticket, `fields` as REST takes them, and return its number."""
        with self.lock:
            return tickets.create(self.work(user), {"Queue": "General", **fields})

    def update(self, ticket: int, fields: dict[str, Any], *, user: int | str = ROOT) -> list[str | None]:
        """Change a ticket and return what RT says about it."""
        with self.lock:
            return tickets.update(self.work(user), self.view().effective(ticket), fields)

    def comment(self, ticket: int, text: str, *, user: int | str = ROOT, **more: Any) -> int:
        """Comment on a ticket and return the transaction."""
        with self.lock:
            given = {"Content": text, "ContentType": "text/plain", **more}
            return messages.comment(self.work(user), self.view().effective(ticket), given)

    def reply(self, ticket: int, text: str, *, user: int | str = ROOT, **more: Any) -> int:
        """Reply on a ticket and return the transaction."""
        with self.lock:
            given = {"Content": text, "ContentType": "text/plain", **more}
            return messages.reply(self.work(user), self.view().effective(ticket), given)

    def link(self, ticket: int, kind: str, other: object) -> str | None:
        """Add a link, `kind` being one of DependsOn, RefersTo and MemberOf, and return what RT says about it."""
        with self.lock:
            return linking.add(self.work(), "ticket", ticket, end="Target", kind=kind, other=other)

    def unlink(self, ticket: int, kind: str, other: object) -> str | None:
        """Remove a link and return what RT says about it."""
        with self.lock:
            return linking.remove(self.work(), "ticket", ticket, end="Target", kind=kind, other=other)

    def merge(self, ticket: int, into: int) -> str:
        """Merge a ticket into another one and return what RT says about it."""
        with self.lock:
            return linking.merge(self.work(), ticket, into)

    def delete(self, ticket: int) -> str:
        """Give a ticket the status `deleted` and return what RT says about it."""
        with self.lock:
            return tickets.set_status(self.work(), ticket, "deleted")

    def restore(self, ticket: int, status: str = "open") -> str:
        """Bring a deleted ticket back and return what RT says about it."""
        with self.lock:
            return tickets.set_status(self.work(), ticket, status)

    def shred(self, ticket: int) -> None:
        """Remove a ticket without a trace; those linked with it lose the link and are not touched (rt.md §6.7)."""
        with self.lock:
            work, view = self.work(RT_SYSTEM), self.view()
            for number in list(view.transactions_of("RT::Ticket", ticket)):
                for attachment in list(view.attachments_of(number)):
                    work.remove("attachment", attachment)
                work.remove("transaction", number)
            for link, _ in list(view.links_at(uri_of("ticket", ticket))):
                work.remove("link", link)
            for mergee in list(view.merged_into(ticket)):
                work.change("ticket", mergee, touch=False, EffectiveId=mergee)
            work.remove("ticket", ticket)

    # Everything else

    def add(self, table: str, fields: dict[str, Any], *, user: int | str = ROOT) -> int:
        """Create a record of another type, `fields` as REST takes them, and return its number."""
        with self.lock:
            return others.create(self.work(user), table, fields)

    def edit(self, table: str, number: int, fields: dict[str, Any]) -> list[str | None]:
        """Change a record of another type and return what RT says about it."""
        with self.lock:
            return others.update(self.work(), table, number, fields)

    def add_user(self, name: str, password: str = "", **fields: Any) -> int:
        """Create a privileged user with a password and a token and return the number."""
        with self.lock:
            work = self.work(RT_SYSTEM)
            number = people.create_user(work, name, **{"Privileged": 1, **fields})
            work.change("user", number, touch=False, Password=password, Token=auth.token_of(number, name))
            return number

    def add_group(self, name: str, members: list[int], description: str | None = None) -> int:
        """Create a group and return its number."""
        with self.lock:
            number = people.create_group(self.work(RT_SYSTEM), name, Description=description)
            self.add_members(number, members)
            return number

    def add_members(self, group: int, members: list[int]) -> None:
        """Add users or groups to a group."""
        with self.lock:
            for each in members:
                people.add_member(self.work(RT_SYSTEM), group, each)

    def add_field(
        self, name: str, kind: str, *, many: bool = False, table: str = "ticket", at: tuple[int, ...] = (0,), **more: Any
    ) -> int:
        """Create a custom field and return its number.

        Args:
            at: queues (or classes, …) that it applies to; 0 is all.
            more: `values`, the allowed ones of a Select field; further columns.
        """
        with self.lock:
            work = self.work(RT_SYSTEM)
            listed = more.pop("values", ())
            given = {"Name": name, "Type": kind, "MaxValues": 0 if many else 1, "LookupType": LOOKUPS[table], **more}
            number = others.create(work, "customfield", given)
            work.change("customfield", number, touch=False, Applies=at)
            for each in listed:
                others.add_value(work, number, {"Name": each})
            return number

    def add_role(self, name: str, queues: tuple[int, ...], *, many: bool = False) -> int:
        """Create a custom role for the tickets of some queues and return its number."""
        with self.lock:
            work = self.work(RT_SYSTEM)
            own: dict[str, Any] = {"Description": "", "EntryHint": "", "Disabled": 0}
            number = work.insert("customrole", Name=name, MaxValues=0 if many else 1, Applies=queues, **own)
            role = f"{CUSTOM_ROLE}{number}"
            members = (6,) if is_single(work.view, role) else ()
            people.create_group(work, role, domain="RT::System-Role", instance=1, Members=members)
            for queue in queues:
                people.create_roles(work, "queue", queue, [role])
            return number

    # Rights

    def grant(self, principal: int, *rights: str, queue: int = EVERYTHING) -> None:
        """Give rights to a user or group, everywhere or in one queue."""
        with self.lock:
            self.state.grants |= {(principal, right, queue) for right in rights}

    def revoke(self, principal: int, *rights: str, queue: int = EVERYTHING) -> None:
        """Take rights away."""
        with self.lock:
            self.state.grants -= {(principal, right, queue) for right in rights}

    def hide(self, queue: int, user: str = "limited") -> None:
        """Take away all that a user may do in a queue; its tickets vanish for that user without any trace."""
        with self.lock:
            number = self.state.names[user]
            taken = {each for each in self.state.grants if each[0] == number and each[2] == queue}
            self.state.grants -= taken
            self._hidden.setdefault((queue, user), set()).update(taken)

    def show(self, queue: int, user: str = "limited") -> None:
        """Give back what `hide` took away."""
        with self.lock:
            self.state.grants |= self._hidden.pop((queue, user), set())


_PEOPLE = ("Requestor", "Cc", "AdminCc", "Owner", "HeldBy", "Contact")
_NEVER = {("attachment", "Parent"), ("group", "Instance"), ("attachment", "Content")}


def _is_listed(table: str, row: dict[str, Any]) -> bool:
    match table:
        case "ticket":
            return bool(row["Status"] != "deleted" and row["EffectiveId"] == row["id"])
        case "asset":
            return bool(row["Status"] != "deleted")
        case "group":
            return bool(row["Domain"] == "UserDefined")
    return True


def _further(table: str) -> list[str]:
    own = {
        "ticket": ["Requestor", "Cc", "AdminCc", "CustomRoles"],
        "asset": ["Owner", "HeldBy", "Contact"],
        "attachment": ["ContentLength"],
    }
    return [*own.get(table, []), *(["CustomFields"] if table in LOOKUPS else []), "_hyperlinks"]


def _only_alone(shown: dict[str, Any]) -> dict[str, Any]:
    return {name: shown[name] for name in ("Disabled", "Privileged", "Members", "Cc", "AdminCc") if name in shown}
