"""Random things that people do on a simulated RT, from a seed."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

from mirror.simulators.rt import RefusedError, RTSimulator

_LINKS = ("DependsOn", "RefersTo", "MemberOf")
_STATUSES = ("new", "open", "stalled", "resolved", "rejected")
_EDITS: tuple[dict[str, Any], ...] = (
    {"Priority": 42},
    {"Owner": "agent"},
    {"Owner": "Nobody"},
    {"Due": "2027-03-04 05:06:07"},
    {"Due": "1970-01-01 00:00:00"},
    {"Starts": "2027-01-01 00:00:00", "TimeEstimated": 90},
    {"TimeWorked": 25},
    {"Requestor": ["customer1", "new one <one@example.net>"]},
    {"Cc": []},
    {"AdminCc": ["agent", "customer3@example.org"]},
    {"CustomRoles": {"Engineer": "agent"}},
    {"CustomRoles": {"Sales": ["customer4", "agent"]}},
    {"Status": "bogus"},
)
_CUSTOM: tuple[dict[str, Any], ...] = (
    {"Severity": "critical"},
    {"Severity": None},
    {"Platforms": ["bsd", "linux"]},
    {"Tags": ["green", "with,comma", "日本語"]},
    {"Tags": []},
    {"External ID": ""},
    {"Target Date": "2027-05-06"},
    {"Target Date": None},
    {"Seen At": "2026-12-01 10:11:12"},
    {"Visits": ["2026-01-02 03:04:05", "2026-02-03 04:05:06"]},
    {"Notes": "n\nm"},
    {"Picture": {"FileName": "p.png", "FileType": "image/png", "FileContent": "AAEC"}},
    {"Host": "h.example.com"},
)


class Walk:
    """A person who does random things; the same seed on the same data does the same.

    Args:
        access: what the limited user may see changes as well.

    Attributes:
        done: a line for each step, for the message of a failing test.
    """

    def __init__(self, tracker: RTSimulator, seed: int, *, access: bool = True) -> None:
        self.world = tracker.world
        self.random = random.Random(seed)
        self.done: list[str] = []
        self._deleted: list[int] = []
        self._fields: list[int] = []
        self._steps: list[tuple[int, Callable[[], str]]] = [
            (8, self.create),
            (16, self.edit),
            (10, self.set_custom),
            (6, self.set_status),
            (6, self.link),
            (4, self.unlink),
            (6, self.say),
            (3, self.move),
            (3, self.delete),
            (2, self.restore),
            (2, self.merge),
            (1, self.shred),
            (2, self.rename),
            (2, self.change_others),
            (1, self.change_members),
            (int(access), self.hide),
            (int(access), self.show),
            (1, self.add_field),
            (1, self.change_field),
        ]

    def steps(self, count: int) -> None:
        """Do `count` random things; those that the tracker's rules refuse count as well."""
        weights = [weight for weight, _ in self._steps]
        for _ in range(count):
            step = self.random.choices(self._steps, weights)[0][1]
            try:
                self.done.append(step())
            except (RefusedError, LookupError, ValueError) as error:
                self.done.append(f"{step.__name__}: refused, {error!r}")

    def _any(self) -> int:
        return self.random.choice(self.world.ids("ticket"))

    def create(self) -> str:
        fields: dict[str, Any] = {
            "Queue": self.random.choice(self._queues()),
            "Subject": f"new {self.random.random():.6f} ✓",
            "Requestor": ["customer2"],
            "Content": "please",
            "CustomFields": self.random.choice(_CUSTOM),
        }
        return f"create {self.world.create(fields)}"

    def _queues(self) -> list[int]:
        view = self.world.view()
        return [each for each in self.world.ids("queue") if not view.row("queue", each)["Disabled"]]

    def edit(self) -> str:
        number, change = self._any(), {"Subject": f"edited {self.random.random():.6f}", **self.random.choice(_EDITS)}
        return f"edit {number} {change}: {self.world.update(number, change)}"

    def set_custom(self) -> str:
        number, change = self._any(), self.random.choice(_CUSTOM)
        return f"set {number} {change}: {self.world.update(number, {'CustomFields': change})}"

    def set_status(self) -> str:
        number, status = self._any(), self.random.choice(_STATUSES)
        return f"status {number} {status}: {self.world.update(number, {'Status': status})}"

    def link(self) -> str:
        number, kind = self._any(), self.random.choice(_LINKS)
        other: object = self._any() if self.random.random() < 0.8 else f"https://example.com/{self.random.randrange(5)}"
        return f"link {number} {kind} {other}: {self.world.link(number, kind, other)}"

    def unlink(self) -> str:
        state = self.world.state
        links = [each for each in state.ids["link"] if state.tables["link"][each]["Type"] in _LINKS]
        link = state.tables["link"][self.random.choice(links)]
        number = int(link["Base"].rpartition("/")[2])
        return f"unlink {number}: {self.world.unlink(number, link['Type'], link['Target'])}"

    def say(self) -> str:
        number, record = self._any(), self.random.choice((self.world.comment, self.world.reply))
        file = {"FileName": "a.txt", "FileType": "text/plain", "FileContent": "aGVsbG8="}
        files = [file] if self.random.random() < 0.2 else []
        return f"say on {number}: {record(number, 'well…', TimeTaken=self.random.choice((0, 5)), Attachments=files)}"

    def move(self) -> str:
        number, queue = self._any(), self.random.choice(self._queues())
        return f"move {number} to {queue}: {self.world.update(number, {'Queue': queue})}"

    def delete(self) -> str:
        number = self._any()
        said = self.world.delete(number)
        if number not in self.world.ids("ticket"):
            self._deleted.append(number)
        return f"delete {number}: {said}"

    def restore(self) -> str:
        number = self._deleted.pop(self.random.randrange(len(self._deleted)))
        return f"restore {number}: {self.world.restore(number)}"

    def merge(self) -> str:
        number, into = self._any(), self._any()
        return f"merge {number} into {into}: {self.world.merge(number, into)}"

    def shred(self) -> str:
        number = self._any()
        self.world.shred(number)
        return f"shred {number}"

    def rename(self) -> str:
        name = f"renamed {self.random.randrange(1000)}"
        if self.random.random() < 0.5:
            queue = self.random.choice(self._queues()[1:])
            return f"queue {queue}: {self.world.edit('queue', queue, {'Name': name, 'AdminCc': ['agent']})}"
        user = self.world.user(f"customer{self.random.randrange(5, 8)}")
        return f"user {user}: {self.world.edit('user', user, {'RealName': name, 'Disabled': self.random.randrange(2)})}"

    def change_others(self) -> str:
        text = f"at {self.random.random():.4f}"
        changes: tuple[tuple[str, int, dict[str, Any]], ...] = (
            ("asset", 1, {"Description": text, "HeldBy": ["agent"], "CustomFields": {"Serial": text}}),
            ("asset", 2, {"Status": self.random.choice(("allocated", "in-use", "deleted"))}),
            ("article", 1, {"Summary": text, "CustomFields": {"Content": text}}),
            ("catalog", 1, {"Description": text}),
            ("class", 1, {"Description": text}),
        )
        table, number, fields = self.random.choice(changes)
        return f"{table} {number} {fields}: {self.world.edit(table, number, fields)}"

    def change_members(self) -> str:
        group = self.world.ids("group")[-1]
        number = self.world.add_user(f"recruit{self.random.randrange(10_000)}", EmailAddress="")
        self.world.add_members(group, [number])
        return f"new member {number} of group {group}"

    def hide(self) -> str:
        self.world.hide(3)
        return "hide queue 3 from the limited user"

    def show(self) -> str:
        self.world.show(3)
        return "show queue 3 to the limited user"

    def add_field(self) -> str:
        kind, many = self.random.choice(("Freeform", "Date", "Text")), self.random.random() < 0.3
        self._fields.append(self.world.add_field(f"Walk {self.random.randrange(1000)}", kind, many=many))
        return f"add custom field {self._fields[-1]} {kind}"

    def change_field(self) -> str:
        number = self.random.choice(self._fields)
        change: dict[str, Any] = self.random.choice(({"Disabled": 1}, {"Disabled": 0}, {"Name": f"Again {number}"}))
        return f"custom field {number} {change}: {self.world.edit('customfield', number, change)}"
