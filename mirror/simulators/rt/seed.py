"""A world to begin with: an installation, people with rights, queues and fields, and the tickets of some months."""

from __future__ import annotations

import base64
import random
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from mirror.simulators.clock import Clock, ManualClock
from mirror.simulators.rt import linking, messages, others, people, seed_texts, tickets
from mirror.simulators.rt.bootstrap import installed
from mirror.simulators.rt.state import State
from mirror.simulators.rt.switches import Switches
from mirror.simulators.rt.work import ROOT, Work
from mirror.simulators.rt.world import World

LIMITED_USER = "limited"
AGENT_PASSWORD = "agent-pass"  # noqa: S105 - of people who do not exist
LIMITED_PASSWORD = "limited-pass"  # noqa: S105 - likewise

STAFF_RIGHTS = tuple(
    """
    SeeQueue ShowTicket ShowTicketComments ShowOutgoingEmail CreateTicket ModifyTicket OwnTicket TakeTicket StealTicket
    DeleteTicket CommentOnTicket ReplyToTicket Watch WatchAsAdminCc SeeCustomField ModifyCustomField SetInitialCustomField
    SeeGroup ModifySelf ManageAuthTokens
    """.split()
)
"""What those who work on tickets may do, everywhere."""

LIMITED_RIGHTS = ("SeeQueue", "ShowTicket", "ReplyToTicket")
"""What the limited user may do, in two queues."""

_DAYS = 120
_RECORDS_PER_TICKET = 5  # the ticket and what people did on it; role groups and outgoing mail come on top
_FEWEST = 12
_STATUSES = ("new", "open", "open", "stalled", "resolved", "resolved", "rejected")


def build_world(records: int, seed: int, clock: Clock) -> World:
    """Return a world of about `records` records; equal arguments give equal worlds.

    The past of a few months ends an hour before the clock's present.
    """
    end = clock.now() - timedelta(hours=1)
    start = end - timedelta(days=_DAYS)
    past = ManualClock(start.replace(microsecond=0))
    state = installed(past.now())
    _people_and_queues(World(state, past))
    count = max(_FEWEST, records // _RECORDS_PER_TICKET)
    story = _Story(state, random.Random(seed), start, (end - start) / count)
    for number in range(count):
        story.ticket(number)
    story.aftermath()
    return World(state, clock)


def _people_and_queues(world: World) -> None:
    staff = [
        world.add_user(
            name, AGENT_PASSWORD, RealName=real, EmailAddress=f"{name.replace(chr(39), '')}@example.com", Timezone=zone
        )
        for name, real, zone in seed_texts.STAFF
    ]
    agent = world.add_user("agent", AGENT_PASSWORD, RealName="An Agent", EmailAddress="agent@example.com")
    limited = world.add_user(LIMITED_USER, LIMITED_PASSWORD, RealName="Sees a part", EmailAddress="limited@example.com")
    for at, name in enumerate(seed_texts.REQUESTORS):
        company = seed_texts.COMPANIES[at % len(seed_texts.COMPANIES)]
        world.add_user(
            f"customer{at + 1}", RealName=name, EmailAddress=f"customer{at + 1}@example.org", Organization=company
        )
    group = world.add_group("Staff", [*staff, agent], "may do everything with tickets")
    world.add_group("Everyone else", [group, limited])
    world.grant(group, *STAFF_RIGHTS)
    for name, description in (("Support", "Questions & answers"), ("Infra", None), ("Développement, été", "Travaux d'été")):
        world.add("queue", {"Name": name, "Description": description})
    world.edit("queue", 1, {"AdminCc": ["agent"]})
    for queue in (1, 3):
        world.grant(limited, *LIMITED_RIGHTS, queue=queue)
    _fields(world)
    world.add_role("Engineer", (1, 4))
    world.add_role("Sales", (1, 3), many=True)


def _fields(world: World) -> None:
    world.add_field("Severity", "Select", values=("low", "normal", "high", "critical"))
    world.add_field("Platforms", "Select", many=True, values=("linux", "windows", "macos", "bsd"))
    world.add_field("Tags", "Freeform", many=True)
    world.add_field("External ID", "Freeform")
    world.add_field("Target Date", "Date")
    world.add_field("Seen At", "DateTime")
    world.add_field("Visits", "DateTime", many=True)
    world.add_field("Notes", "Text")
    world.add_field("Wiki", "Wikitext")
    world.add_field("Picture", "Image")
    world.add_field("Host", "Freeform", at=(4,))
    world.add_field("Host", "Freeform", at=(3,))
    world.add_field("Shoe Size", "Freeform", table="user")
    world.add_field("Cost Centre", "Freeform", table="queue")
    world.add_field("Serial", "Freeform", table="asset")


class _Story:
    """Lets people do things, one after the other."""

    def __init__(self, state: State, chance: random.Random, start: datetime, pace: timedelta) -> None:
        self._state = state
        self._chance = chance
        self._now = start
        self._pace = pace
        self._made: list[int] = []
        self._staff = [state.names[name] for name, _, _ in seed_texts.STAFF] + [ROOT]

    def ticket(self, number: int) -> None:
        """Let somebody ask for something, and let it be worked on."""
        self._pass(0.2)
        ticket = tickets.create(self._work(self._chance.choice(self._staff)), self._fields(number))
        self._made.append(ticket)
        steps: list[tuple[float, Callable[[int], None]]] = [
            (0.7, self._talk),
            (0.7, self._move_on),
            (0.3, self._link),
            (0.2, self._talk),
            (0.1, self._file),
            (0.3, self._change),
        ]
        for likelihood, step in steps:
            self._pass(0.8 / len(steps))
            if self._chance.random() < likelihood:
                step(ticket)

    def aftermath(self) -> None:
        """Delete and merge a few tickets, and make what is no ticket."""
        work = self._work(ROOT)
        for at, ticket in enumerate(self._made):
            if at % 23 == 7:
                tickets.set_status(work, ticket, "deleted")
            elif at % 29 == 11:
                linking.merge(work, ticket, self._made[at - 1])
            elif at % 31 == 13:
                tickets.update(work, ticket, {"Type": "reminder"})
        approval = {
            "Queue": "___Approvals",
            "Type": "approval",
            "Subject": "May we buy it?",
            "DependedOnBy": [self._made[0]],
        }
        tickets.create(work, approval)
        for name in ("laptop", "Drucker „Süd“"):
            fields = {"Catalog": 1, "Name": name, "HeldBy": ["customer1"], "Contact": ["agent"]}
            others.create(work, "asset", {**fields, "CustomFields": {"Serial": f"SN-{name}"}})
        article = {"Class": 1, "Name": "How to ask", "Summary": "politely", "CustomFields": {"Content": "Say please.\n"}}
        others.create(work, "article", article)

    def _pass(self, share: float) -> None:
        self._now += self._pace * share

    def _work(self, user: int) -> Work:
        return Work.of(self._state, user, self._now, Switches())

    def _any(self) -> int:
        view = self._work(ROOT).view
        return view.effective(self._chance.choice(self._made))

    def _fields(self, number: int) -> dict[str, Any]:
        chance = self._chance
        queue = chance.choice(("General", "General", "Support", "Infra", "Développement, été"))
        custom: dict[str, Any] = {
            "Severity": chance.choice(("low", "normal", "high", "critical")),
            "Platforms": chance.sample(("linux", "windows", "macos", "bsd"), chance.randrange(3)),
            "Tags": chance.sample(seed_texts.TAGS, chance.randrange(4)),
            "External ID": f"EXT-{number:06d}",
            "Notes": seed_texts.paragraph(chance) if chance.random() < 0.3 else None,
            "Wiki": "= Title =\n * point" if chance.random() < 0.1 else None,
            "Target Date": f"2027-{chance.randrange(1, 13):02d}-{chance.randrange(1, 29):02d}"
            if chance.random() < 0.4
            else None,
            "Seen At": f"2026-0{chance.randrange(1, 10)}-11 {chance.randrange(24):02d}:30:15"
            if chance.random() < 0.3
            else None,
            "Visits": [f"2026-01-0{day} 08:00:00" for day in range(1, chance.randrange(1, 4))],
        }
        fields: dict[str, Any] = {
            "Queue": queue,
            "Subject": seed_texts.subject(chance),
            "Requestor": [f"customer{chance.randrange(1, len(seed_texts.REQUESTORS) + 1)}@example.org"],
            "Priority": chance.randrange(0, 110, 10),
            "Owner": chance.choice((*(name for name, _, _ in seed_texts.STAFF), "Nobody", "Nobody")),
            "Content": seed_texts.HTML if chance.random() < 0.2 else seed_texts.paragraph(chance),
            "CustomFields": {name: value for name, value in custom.items() if value},
        }
        fields["ContentType"] = "text/html" if fields["Content"] == seed_texts.HTML else "text/plain"
        if chance.random() < 0.3:
            fields["Due"] = f"2027-0{chance.randrange(1, 10)}-15 12:00:00"
        if chance.random() < 0.3:
            fields["Cc"] = chance.sample(["customer1", "customer2", "stranger@example.net"], chance.randrange(1, 3))
        if queue == "General" and chance.random() < 0.4:
            fields["CustomRoles"] = {"Engineer": "agent", "Sales": ["customer2", "customer3"]}
        return fields

    def _talk(self, ticket: int) -> None:
        staff = self._chance.random() < 0.6
        given = {"Content": seed_texts.paragraph(self._chance), "ContentType": "text/plain"}
        if self._chance.random() < 0.2:
            given |= {"Content": seed_texts.HTML, "ContentType": "text/html"}
        work = self._work(self._chance.choice(self._staff))
        record = messages.comment if staff else messages.reply
        record(work, work.view.effective(ticket), {**given, "TimeTaken": self._chance.choice((0, 0, 5, 15, 60))})

    def _file(self, ticket: int) -> None:
        data = bytes(self._chance.randrange(256) for _ in range(self._chance.randrange(20, 400)))
        file = {"FileName": "screen.png", "FileType": "image/png", "FileContent": base64.b64encode(data).decode()}
        messages.comment(self._work(ROOT), ticket, {"Content": "see the picture", "Attachments": [file]})

    def _move_on(self, ticket: int) -> None:
        status = self._chance.choice(_STATUSES)
        if status != "new":
            tickets.set_status(self._work(self._chance.choice(self._staff)), ticket, status)

    def _link(self, ticket: int) -> None:
        kind = self._chance.choice(("DependsOn", "RefersTo", "MemberOf"))
        other: object = self._any()
        if self._chance.random() < 0.2:
            kind, other = "RefersTo", f"https://example.com/page/{ticket}?a=b&c=d"
        linking.add(self._work(ROOT), "ticket", ticket, end="Target", kind=kind, other=other)

    def _change(self, ticket: int) -> None:
        work = self._work(self._chance.choice(self._staff))
        change = {"Priority": self._chance.randrange(100), "CustomFields": {"Severity": "high", "Tags": ["red", "changed"]}}
        tickets.update(work, ticket, change)
        if self._chance.random() < 0.3:
            people.update_roles(work, "ticket", ticket, {"AdminCc": ["agent"]})
