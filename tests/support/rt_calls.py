"""Random requests to a Request Tracker, from a seed: what people and scripts ask and write."""

from __future__ import annotations

import base64
import json
import random
from collections.abc import Callable
from typing import Any

from tests.support.rt_requests import (
    COLLECTIONS,
    CONDITIONS,
    CUSTOM,
    EDITS,
    LARGE,
    LINKS,
    ORDERS,
    OTHERS,
    PEOPLE,
    QUEUES,
    TICKET_FIELDS,
    UPLOADS,
    USERS,
    WRONG,
)
from tests.support.rt_twins import Twins


class Calls:
    """Sends random requests to both of two servers."""

    def __init__(self, twins: Twins, tickets: int, seed: int) -> None:
        self._twins = twins
        self._random = random.Random(seed)
        self._newest = tickets
        self._steps: list[tuple[int, Callable[[], object]]] = [
            (5, self.search),
            (4, self.conditions),
            (3, self.single),
            (2, self.history),
            (3, self.create),
            (8, self.edit),
            (5, self.custom),
            (5, self.link),
            (3, self.say),
            (2, self.upload),
            (1, self.merge),
            (1, self.delete),
            (1, self.act),
            (1, self.guarded),
            (1, self.bulk),
            (3, self.others),
            (1, self.wrong),
        ]

    def steps(self, count: int) -> None:
        """Send so many."""
        weights = [weight for weight, _ in self._steps]
        for _ in range(count):
            self._random.choices(self._steps, weights)[0][1]()

    def _any(self) -> int:
        return self._random.randint(1, self._newest)

    def _user(self) -> str:
        return self._random.choice(USERS)

    def _writer(self) -> str:
        return self._random.choice(("root", "root", "agent", "agent-ny", "limited"))

    def _paging(self, orders: tuple[str, ...]) -> dict[str, Any]:
        params: dict[str, Any] = {"per_page": self._random.choice((1, 3, 7, 20, 100, 500, "x")), "orderby": ["id"]}
        if self._random.random() < 0.3:
            params["orderby"] = [self._random.choice(orders), "id"]
            params["order"] = [self._random.choice(("DESC", "asc")), self._random.choice(("DESC", "ASC"))]
        if self._random.random() < 0.4:
            params["page"] = self._random.choice((0, 1, 2, 3, 9))
        return params

    def search(self) -> None:
        parts = [self._random.choice(CONDITIONS) for _ in range(self._random.choice((1, 1, 2)))]
        query = " AND ".join(f"({each})" if len(parts) > 1 else each for each in parts).format(n=self._any(), m=self._any())
        params = {"query": query, **self._paging(ORDERS), "fields": self._random.choice((TICKET_FIELDS, "Subject", "id"))}
        for name in self._random.sample(("Queue", "Owner", "Requestor", "CustomRoles", "Creator"), 2):
            params[f"fields[{name}]"] = "id,Name"
        if self._random.random() < 0.5:
            self._twins.send("POST", "/tickets", user=self._user(), data=params)
        else:
            self._twins.send("GET", "/tickets", user=self._user(), params=params)

    def conditions(self) -> None:
        name = self._random.choice(list(COLLECTIONS))
        low, joined = self._random.randrange(400), self._random.choice(("AND", "OR"))
        query: list[dict[str, Any]] = [{"field": "id", "operator": ">", "value": low if name in LARGE else 0}]
        query += self._random.choice(
            (
                [],
                [{"field": "id", "operator": "<=", "value": low + 60, "entry_aggregator": "AND"}],
                [{"field": "Name", "operator": "LIKE", "value": "e", "entry_aggregator": joined}],
                [{"field": "Type", "value": "set"}, {"field": "Type", "value": "Create"}],
                [{"field": "Creator", "value": 14}],
                [{"field": "Bogus", "value": "x"}],
                [{"field": "Created", "operator": ">", "value": "2020-01-01 00:00:00"}],
                [{"field": "Field", "operator": "STARTSWITH", "value": "S", "case_sensitive": 1}],
            )
        )
        params = {**self._paging(("id",)), "fields": COLLECTIONS[name]}
        if self._random.random() < 0.5:
            params["find_disabled_rows"] = 1
        self._twins.send("POST", f"/{name}", user=self._user(), json=query, params=params)
        if self._random.random() < 0.2:
            sql = f"ObjectType = 'RT::Ticket' AND ObjectId = {self._any()} AND Type != 'Create'"
            self._twins.send("GET", "/transactions", user=self._user(), params={**params, "query": sql})

    def single(self) -> None:
        kinds = ("ticket", "ticket", "ticket", "queue", "customfield", "customrole", "asset", "article", "catalog", "class")
        kind = self._random.choice(kinds)
        number = self._any() if kind == "ticket" else self._random.randrange(1, 7)
        params = {f"fields[{name}]": "id,Name" for name in ("Queue", "Owner")} if self._random.random() < 0.5 else {}
        self._twins.send("GET", f"/{kind}/{number}", user=self._user(), params=params)
        name = self._random.choice(("root", "agent", "user03", "nope", "27", "14", "newcomer@example.net"))
        self._twins.send("GET", f"/{self._random.choice(('user', 'group', 'queue'))}/{name}", user=self._user())
        kind = self._random.choice(("transaction", "attachment"))
        self._twins.send("GET", f"/{kind}/{self._random.randrange(28, 360)}", user=self._random.choice(("root", "limited")))

    def history(self) -> None:
        number, user = self._any(), self._user()
        params = {**self._paging(("id", "Type")), "fields": COLLECTIONS["transactions"]}
        self._twins.send("GET", f"/ticket/{number}/history", user=user, params=params)
        query = json.dumps([{"field": "id", "operator": ">", "value": 200}])
        self._twins.send("GET", f"/ticket/{number}/history", user=user, params={**params, "query": query})
        params["fields"] = COLLECTIONS["attachments"] + ",Content"
        self._twins.send("GET", f"/ticket/{number}/attachments", user=user, params=params)

    def create(self) -> None:
        fields: dict[str, Any] = {"Queue": self._random.choice((*QUEUES, "Nope")), "Subject": "made by a test"}
        optional: dict[str, Any] = {
            "Requestor": self._random.sample(PEOPLE[:5], 2),
            "Owner": self._random.choice(PEOPLE),
            "Cc": "user05",
            "AdminCc": ["user06"],
            "Status": self._random.choice(("new", "open", "resolved", "stalled", "bogus")),
            "Priority": self._random.choice((3, "50", 100)),
            "InitialPriority": 5,
            "TimeWorked": 12,
            "Due": self._random.choice(("2027-01-02 03:04:05", "2027-01-02T03:04:05Z", "2027-01-02")),
            "Content": "first\nsecond ü",
            "CustomFields": dict([self._random.choice(CUSTOM)]),
            "RefersTo": [self._any()],
            "Bogus": "x",
            "Attachments": [_file("a.txt", b"hello"), _file("b.bin", bytes(range(200)))],
            "RT::CustomRole-2": ["user01"],
            "SLA": "fast",
            "Type": self._random.choice(("ticket", "reminder")),
        }
        for name in self._random.sample(list(optional), self._random.randrange(7)):
            fields[name] = optional[name]
        self._made(self._twins.send("POST", "/ticket", user=self._writer(), json=fields))

    def _made(self, document: Any) -> None:
        if isinstance(document, dict) and str(document.get("id", "")).isdigit():
            self._newest = max(self._newest, int(document["id"]))
            self._twins.send("GET", f"/ticket/{document['id']}")

    def edit(self) -> None:
        self._write(self._any(), self._random.choice(EDITS))

    def custom(self) -> None:
        self._write(self._any(), {"CustomFields": dict([self._random.choice(CUSTOM)])})

    def link(self) -> None:
        one = self._any()
        other: object = self._random.choice(
            (self._any(), [self._any(), self._any()], [], one, "https://e.org/x?a=1", 9999, "no no")
        )
        self._write(one, {self._random.choice(LINKS): other})

    def _write(self, ticket: int, fields: dict[str, Any]) -> None:
        self._twins.send("PUT", f"/ticket/{ticket}", user=self._writer(), json=fields)
        self._twins.send("GET", f"/ticket/{ticket}")

    def say(self) -> None:
        body: dict[str, Any] = {
            "Content": self._random.choice(("plain ü", "<p>html</p>", "", "two\r\nlines\n")),
            "ContentType": "text/html",
        }
        optional = {
            "Subject": "a subject",
            "TimeTaken": 15,
            "Status": self._random.choice(("open", "stalled")),
            "CustomFields": {"Severity": "critical"},
            "Attachments": [_file("c.png", b"\x89PNG\x00")],
        }
        for name in self._random.sample(list(optional), self._random.randrange(3)):
            body[name] = optional[name]
        ticket, kind = self._any(), self._random.choice(("comment", "correspond"))
        self._twins.send("POST", f"/ticket/{ticket}/{kind}", user=self._writer(), json=body)
        self._twins.send("GET", f"/ticket/{ticket}")

    def upload(self) -> None:
        name = self._random.choice(("größe 日本.bin", "a/b.txt", "x.txt", "x%41;y'z.html"))
        kind, content = self._random.choice(UPLOADS)
        described = (None, json.dumps({"Content": "", "ContentType": "text/plain"}), "application/json")
        files = [("JSON", described), ("Attachments", (name, content, kind))]
        ticket = self._any()
        self._twins.send("POST", f"/ticket/{ticket}/comment", user=self._writer(), files=files)
        params = {"fields": COLLECTIONS["attachments"] + ",Content", "orderby": "id", "per_page": 100}
        self._twins.send("GET", f"/ticket/{ticket}/attachments", params=params)

    def merge(self) -> None:
        one, into = self._any(), self._any()
        self._write(one, {"MergeInto": into})
        self._twins.send("GET", f"/ticket/{into}")

    def delete(self) -> None:
        ticket = self._any()
        self._twins.send("DELETE", f"/ticket/{ticket}", user=self._writer())
        self._twins.send("GET", f"/ticket/{ticket}", user="agent")

    def act(self) -> None:
        ticket, action = self._any(), self._random.choice(("take", "untake", "steal"))
        self._twins.send("PUT", f"/ticket/{ticket}/{action}", user=self._writer(), json={})

    def guarded(self) -> None:
        ticket = self._any()
        tag = self._random.choice((self._twins.etag(f"/ticket/{ticket}"), '"1"', "1", 'W/"1"', "*"))
        self._twins.send("PUT", f"/ticket/{ticket}", json={"Priority": 33}, headers={"If-Match": tag})
        self._twins.send("GET", f"/ticket/{ticket}", headers={"If-None-Match": tag})

    def bulk(self) -> None:
        found = self._twins.send("POST", "/tickets/bulk", json=[{"Queue": "Infra", "Subject": "one"}, {"Queue": "Nope"}])
        self._made(found[0])
        updates = [{"id": str(self._any()), "Subject": "bulk"}, {"id": 9999}]
        self._twins.send("PUT", "/tickets/bulk", json=updates)
        said = [{"id": str(self._any()), "Content": "all", "ContentType": "text/plain"}]
        self._twins.send("POST", "/tickets/bulk/comment", json=said)

    def others(self) -> None:
        path, changes = self._random.choice(OTHERS)
        self._twins.send("PUT", path, user=self._random.choice(("root", "root", "agent")), json=self._random.choice(changes))
        self._twins.send("GET", path)

    def wrong(self) -> None:
        method, path, more = self._random.choice(WRONG)
        self._twins.send(method, path, **more)


def _file(name: str, data: bytes) -> dict[str, str]:
    kind = "text/plain" if name.endswith(".txt") else "application/octet-stream"
    return {"FileName": name, "FileType": kind, "FileContent": base64.b64encode(data).decode()}
