"""Tickets for a private RT: the n-th has number n, and everything about it depends on n alone."""

from __future__ import annotations

import base64
import random

from tests.support.rt.client import Client
from tests.support.rt.configuration import QUEUES

_SEVERITIES = ("low", "normal", "high", "critical")
_PLATFORMS = ("linux", "windows", "macos", "bsd")
_TAGS = ("red", "green", "ä ö", "with,comma", "日本語")
_STATUSES = ("new", "open", "open", "stalled", "resolved", "rejected")
_WORDS = 'printer network café naïve übung 日本語 error slow quote\'s "quoted" back\\slash 100% a_b <tag> &amp;'.split()


def seed(client: Client, tickets: int) -> None:
    """Create `tickets` tickets with links, comments and attachments; on a fresh database their ids are 1, 2, 3, …"""
    for number in range(1, tickets + 1):
        made = client.create(**_ticket(number))
        assert made == number, "the database was not fresh"
        _later(client, number)


def seed_others(client: Client) -> None:
    """Create an asset, an article and a few watchers."""
    client("POST", "/asset", json={"Catalog": 1, "Name": "laptop", "HeldBy": ["user02"], "Contact": ["user01"]})
    client("POST", "/article", json={"Class": 1, "Name": "how to", "CustomFields": {"Content": "like this"}})
    client.put("/queue/1", AdminCc=["agent"])


def _ticket(number: int) -> dict[str, object]:
    chance = random.Random(f"ticket {number}")
    queue = QUEUES[number % len(QUEUES)]
    fields: dict[str, object] = {
        "Severity": chance.choice(_SEVERITIES),
        "Platforms": sorted(chance.sample(_PLATFORMS, chance.randrange(3))),
        "Tags": sorted(chance.sample(_TAGS, chance.randrange(4))),
        "External ID": f"EXT-{number:06d}",
    }
    if chance.random() < 0.5:
        fields["Target Date"] = f"2027-{chance.randrange(1, 13):02d}-{chance.randrange(1, 29):02d}"
    if chance.random() < 0.3:
        fields["Seen At"] = f"2026-0{chance.randrange(1, 10)}-11 {chance.randrange(24):02d}:30:15"
    if chance.random() < 0.3:
        fields["Notes"] = "first line\nsecond line ünï\n\nlast"
    if queue in ("Infra", "Support"):
        fields["Host"] = f"host{chance.randrange(50):02d}.example.com"
    ticket: dict[str, object] = {
        "queue": queue,
        "subject": f"[{number:05d}] " + " ".join(chance.sample(_WORDS, 5)),
        "Requestor": [f"user{chance.randrange(1, 7):02d}@example.com"],
        "Priority": chance.randrange(0, 100, 10),
        "Owner": chance.choice(("root", "agent", "Nobody")),
        "Content": f"Body of ticket {number}.\n\nSecond paragraph — with UTF-8.",
        "ContentType": "text/plain",
        "CustomFields": {name: value for name, value in fields.items() if value},
    }
    if chance.random() < 0.2:
        ticket["Due"] = f"2027-0{chance.randrange(1, 10)}-15 12:00:00"
    if chance.random() < 0.3:
        ticket["Cc"] = sorted({f"user{chance.randrange(1, 7):02d}@example.com" for _ in range(2)})
    return ticket


def _later(client: Client, number: int) -> None:
    chance = random.Random(f"later {number}")
    change: dict[str, object] = {}
    status = chance.choice(_STATUSES)
    if status != "new":  # rt.md §6.2: most statuses are refused at creation
        change["Status"] = status
    for link in ("AddDependsOn", "AddRefersTo", "AddMemberOf"):
        if number > 3 and chance.random() < 0.15:
            change[link] = chance.randrange(1, number)  # an earlier one, so there are no circles
    if chance.random() < 0.1:
        change["AddRefersTo"] = f"https://example.com/page/{number}?a=b&c=d"
    if change:
        client.edit(number, **change)
    if chance.random() < 0.3:
        client.comment(number, f"internal comment on {number}", TimeTaken=chance.choice((0, 5, 15)))
    if chance.random() < 0.1:
        data = base64.b64encode(bytes(chance.randrange(256) for _ in range(2000))).decode()
        file = {"FileName": f"data-{number}.bin", "FileType": "application/octet-stream", "FileContent": data}
        client.comment(number, "with a file", Attachments=[file])
