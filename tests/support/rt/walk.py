"""Random things that people do on a real RT, from a seed."""

from __future__ import annotations

import random
from collections.abc import Callable

from tests.support.rt.client import Client
from tests.support.rt.configuration import QUEUES

_LINKS = ("AddDependsOn", "AddRefersTo", "AddMemberOf", "DeleteDependsOn", "DeleteRefersTo", "DeleteMemberOf")
_PEOPLE = ("root", "agent", "user01@example.com", "user02@example.com", "user06@example.com")


class Walk:
    """A superuser who does random things.

    Attributes:
        done: a line for each step, for the message of a failing test.
    """

    def __init__(self, client: Client, tickets: list[int], seed: int) -> None:
        self.done: list[str] = []
        self._client = client
        self._random = random.Random(seed)
        self._tickets = tickets
        self._deleted: list[int] = []
        self._steps: list[tuple[int, Callable[[], str]]] = [
            (5, self.create),
            (10, self.edit),
            (4, self.set_fields),
            (6, self.link),
            (4, self.watch),
            (3, self.comment),
            (2, self.move),
            (2, self.delete),
            (1, self.restore),
            (2, self.merge),
            (1, self.rename_user),
            (1, self.rename_queue),
            (1, self.change_others),
        ]

    def steps(self, count: int) -> None:
        """Do `count` random things."""
        weights = [weight for weight, _ in self._steps]
        for _ in range(count):
            self.done.append(self._random.choices(self._steps, weights)[0][1]())

    def _any(self) -> int:
        return self._random.choice(self._tickets)

    def create(self) -> str:
        fields = {"Severity": self._random.choice(("low", "high")), "Tags": ["new", "with,comma"]}
        number = self._client.create("General", f"new {self._random.random():.6f} ✓", CustomFields=fields)
        self._tickets.append(number)
        return f"create {number}"

    def edit(self) -> str:
        number = self._any()
        change = {
            "Subject": f"edited {self._random.random():.6f}",
            "Priority": self._random.randrange(100),
            "Status": self._random.choice(("new", "open", "stalled", "resolved", "rejected")),
            "Owner": self._random.choice(("root", "agent", "Nobody")),
        }
        self._client.edit(number, **change)
        return f"edit {number} {change}"

    def set_fields(self) -> str:
        number = self._any()
        tags = self._random.sample(["red", "green", "blue"], self._random.randrange(3))
        self._client.edit(number, CustomFields={"Tags": tags, "Target Date": "2027-05-06", "Notes": f"n {len(self.done)}"})
        return f"set fields of {number}"

    def link(self) -> str:
        one, other, kind = self._any(), self._any(), self._random.choice(_LINKS)
        self._client.edit(one, **{kind: other})
        return f"{kind} {one} {other}"

    def watch(self) -> str:
        number, role = self._any(), self._random.choice(("Requestor", "Cc", "AdminCc"))
        self._client.edit(number, **{role: self._random.sample(_PEOPLE, self._random.randrange(3))})
        return f"watch {number} {role}"

    def comment(self) -> str:
        number = self._any()
        self._client.comment(number, TimeTaken=5)
        return f"comment {number}"

    def move(self) -> str:
        number, queue = self._any(), self._random.choice((1, 3, 4, 5))
        self._client.edit(number, Queue=queue)
        return f"move {number} to {queue}"

    def delete(self) -> str:
        number = self._tickets.pop(self._random.randrange(len(self._tickets)))
        self._client.edit(number, Status="deleted")
        self._deleted.append(number)
        return f"delete {number}"

    def restore(self) -> str:
        if not self._deleted:
            return "restore nothing"
        number = self._deleted.pop()
        self._client.edit(number, Status="open")
        self._tickets.append(number)
        return f"restore {number}"

    def merge(self) -> str:
        number = self._tickets.pop(self._random.randrange(len(self._tickets)))
        into = self._any()
        self._client.edit(number, MergeInto=into)
        return f"merge {number} into {into}"

    def rename_user(self) -> str:
        number = self._client.user_id("agent")
        self._client.put(f"/user/{number}", RealName=f"An Agent {self._random.random():.3f}", NickName="nick")
        other = self._client.get("/users", per_page=100, find_disabled_rows=1, fields="id,Name")["items"][-1]
        if other["Name"].startswith("user"):
            self._client.put(f"/user/{other['id']}", Name=f"user{self._random.random():.5f}")
        return f"rename users {number} {other['id']}"

    def rename_queue(self) -> str:
        name = f"Infra {self._random.random():.4f}"
        assert "Infra" in QUEUES
        self._client.put("/queue/4", Name=name, AdminCc=self._random.sample(["root", "agent"], 1))
        return f"rename queue 4 {name}"

    def change_others(self) -> str:
        name = f"thing {self._random.random():.4f}"
        self._client("POST", "/asset", json={"Catalog": 1, "Name": name, "HeldBy": ["agent"]})
        self._client.put("/article/1", Summary=name, CustomFields={"Content": name})
        self._client.put("/catalog/1", Description=name)
        return f"change others {name}"
