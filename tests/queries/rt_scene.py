"""What queries are asked about: the seeded tickets of a private RT, and some more with all that searches are odd about.

It is made over REST alone, so that a real RT and a simulated one have the same.
"""

from __future__ import annotations

from typing import Any

from tests.support.rt.client import Client
from tests.support.rt.provision import SEEDED_TICKETS

FIRST = SEEDED_TICKETS + 1
"""Number of the first ticket of the scene; the others follow in the order of `_TICKETS`."""

_TICKETS: tuple[dict[str, Any], ...] = (
    {"Subject": "", "Queue": "General"},
    {"Subject": "Percent 100%_done", "CustomFields": {"Tags": ["x", "y"], "Notes": "L" * 300}},
    {
        "Subject": "percent 100 done",
        "Queue": "Infra",
        "CustomFields": {"Host": "HOST99.example.com", "External ID": "ext-2"},
    },
    {"Subject": "dated", "Due": "2027-03-14 12:00:00", "Starts": "2027-03-01 00:00:00", "TimeEstimated": 90},
    {"Subject": "Dated", "Due": "2027-03-14 23:59:59", "TimeLeft": 15, "Priority": 100, "FinalPriority": 50},
    {"Subject": "visited", "CustomFields": {"Visits": ["2027-03-14 00:00:00", "2027-04-01 10:00:00"]}},
    {"Subject": "seen", "CustomFields": {"Seen At": "2027-03-14 00:00:00", "Target Date": "2027-03-14"}},
    {
        "Subject": "watched",
        "Requestor": ["user01@example.com", "user02@example.com"],
        "AdminCc": ["agent"],
        "Cc": ["limited"],
    },
    {"Subject": "unasked", "Queue": "Support", "Owner": "agent"},
    {"Subject": "a reminder", "Type": "reminder", "RefersTo": 1},
    {"Subject": "merged away"},
    {"Subject": "deleted"},
    {"Subject": "linked", "DependsOn": [31, 32], "RefersTo": ["http://example.com/page?a=b"], "MemberOf": 33},
    {"Subject": 'quote\'s \\ "back"', "SLA": "gold"},
)


def make_scene(client: Client) -> None:
    """Make the scene on a server that has the seeded tickets and nothing else."""
    for at, ticket in enumerate(_TICKETS):
        queue = ticket.get("Queue", "General")
        values = {name: value for name, value in ticket.items() if name not in ("Queue", "Subject")}
        made = client.create(queue, ticket["Subject"], **values)
        assert made == FIRST + at, "the server had other tickets"
    numbers = {ticket["Subject"]: FIRST + at for at, ticket in enumerate(_TICKETS)}
    client.edit(FIRST, CustomFields={"External ID": ""})
    client.edit(numbers["dated"], TimeWorked=25, Status="open")
    client.edit(numbers["Dated"], Status="resolved")
    client.edit(numbers["watched"], CustomRoles={"Engineer": "agent", "Sales": ["user03", "agent"]})
    client.edit(numbers['quote\'s \\ "back"'], Status="stalled")
    client.comment(numbers["visited"], "hello", TimeTaken=7)
    client.merge(numbers["merged away"], numbers["percent 100 done"])
    client.delete(numbers["deleted"])
    _others(client)


def _others(client: Client) -> None:
    client("POST", "/queue", json={"Name": "Retired", "Description": "no more"})
    client("DELETE", "/queue/Retired")
    client("POST", "/asset", json={"Catalog": 1, "Name": "Desktop", "Description": "under the desk", "Status": "allocated"})
    client("POST", "/asset", json={"Catalog": 1, "Name": "lost", "Status": "new"})
    client.put("/asset/3", Status="deleted")
    client("POST", "/article", json={"Class": 1, "Name": "How not to", "Summary": "a list"})
    client.put("/user/user01", NickName="Wob", Organization="Acme", City="Paris")
    client.put("/user/user02", NickName="wobble")
