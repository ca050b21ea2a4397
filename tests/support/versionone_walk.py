"""Random things that people do on a simulated VersionOne, from a seed."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

from mirror.simulators.versionone import VersionOneSimulator
from mirror.simulators.versionone.schema import Attribute
from mirror.simulators.versionone.world import Changed, RefusedError

WORKITEMS = ("Story", "Defect", "Epic", "Task", "Test", "Theme")
BESIDE = ("Request", "Issue", "Goal", "Link", "Note", "Timebox", "Expression", "Actual", "StoryStatus", "ChangeSet", "Team")
_OPERATIONS = (
    *("QuickClose", "Inactivate", "Reactivate", "MakeTemplate", "Copy", "QuickSignup", "Split", "StoryToEpic", "Close"),
    *("Activate", "MakeFuture", "GenerateSubStory"),
)
_KINDS = (
    *("Text", "LongText", "Numeric", "Boolean", "Date:d", "Date", "Duration", "LongInt", "Rank", "Text:*"),
    *("Relation", "Relation:*"),
)
_VALUES = {
    "Text": "x'✓",
    "LongText": "<b>y</b>\n z",
    "Numeric": "12.50",
    "Boolean": True,
    "Date:d": "2026-02-03",
    "Date": "2026-02-03T04:05:06.789",
    "Duration": "3 Weeks",
    "LongInt": 9_007_199_254_740_993,
    "Rank": 17,
}


class Walk:
    """A person who does random things; the same seed on the same data does the same.

    Args:
        access: projects are closed off and opened again as well.

    Attributes:
        done: a line for each step, for the message of a failing test.
    """

    def __init__(self, tracker: VersionOneSimulator, seed: int, *, access: bool = True) -> None:
        self.world = tracker.world
        self.random = random.Random(seed)
        self.done: list[str] = []
        self._deleted: list[int] = []
        self._hidden: list[int] = []
        self._just_shown: set[int] = set()
        self._fields: dict[tuple[str, str], str] = {}
        self._steps: list[tuple[int, Callable[[], str]]] = [
            (8, self.create),
            (20, self.update),
            (8, self.operate),
            (6, self.delete),
            (3, self.undelete),
            (1, self.purge),
            (4, self.move),
            (8, self.add),
            (5, self.remove),
            (2, self.rename),
            (int(access), self.hide),
            (int(access), self.show),
            (1, self.add_field),
            (1, self.remove_field),
            (3, self.fill_field),
        ]

    def steps(self, count: int) -> None:
        """Do `count` random things; those that the tracker's rules refuse count as well."""
        self._just_shown = set()
        weights = [weight for weight, _ in self._steps]
        for _ in range(count):
            step = self.random.choices(self._steps, weights)[0][1]
            try:
                self.done.append(step())
            except (RefusedError, LookupError, ValueError) as error:
                self.done.append(f"{step.__name__}: refused, {error!r}")

    def _any(self, *types: str) -> tuple[str, int]:
        name = self.random.choice(types)
        return name, self.random.choice(self._seen(name))

    def _seen(self, name: str) -> list[int]:
        """Return records that can be seen: a link to a hidden one would show up later without any trace."""
        return self.world.ids(name, viewer=self.world.landmarks.admin)

    def _seen_of_all(self) -> set[int]:
        return {each for name in (*WORKITEMS, *BESIDE, "Attachment") for each in self._seen(name)}

    def create(self) -> str:
        name = self.random.choice((*WORKITEMS, "Request", "Issue", "Goal", "Link", "StoryStatus", "ChangeSet"))
        values: dict[str, Any] = {"Name": f"new {self.random.random():.6f} ✓"}
        if name in ("Task", "Test"):
            values["Parent"] = self._any("Story", "Defect")[1]
        elif name == "Link":
            values |= {"Asset": self._any(*WORKITEMS)[1], "URL": "https://example.test/"}
        elif name not in ("StoryStatus", "ChangeSet"):
            values["Scope"] = self._any("Scope")[1]
        return f"create {name} {self.world.create(name, values)}"

    def update(self) -> str:
        name, key = self._any(*WORKITEMS, *BESIDE)
        values: dict[str, Any] = {}
        attributes = self.world.schema.attributes(name)
        if "Name" in attributes:
            values["Name"] = f"n{self.random.random():.6f}"
        elif "Content" in attributes:
            values["Content"] = f"c{self.random.random():.6f}"
        if name in ("Story", "Defect"):
            values |= {"Status": self._any("StoryStatus")[1], "Estimate": self.random.randrange(99)}
        if name == "Story" and self.random.random() < 0.3:
            values["Super"] = self.random.choice([None, self._any("Epic")[1]])
        self.world.update(key, values)  # an Actual gets no values: a save that changes nothing
        return f"update {name} {key} {values}"

    def operate(self) -> str:
        name, key = self._any(*WORKITEMS, "Request", "Issue", "Timebox")
        operation = self.random.choice([each for each in _OPERATIONS if each in self.world.schema.operations(name)])
        return f"{operation} {name} {key}: {self.world.operate(key, operation)}"

    def delete(self) -> str:
        name, key = self._any(*WORKITEMS, *BESIDE, "Attachment")
        if key in self._just_shown:
            return f"delete {name} {key}: not yet, nobody could tell that it had been shown"
        self.world.operate(key, "Delete")
        self._deleted.append(key)
        return f"delete {name} {key}"

    def undelete(self) -> str:
        key = self._deleted.pop(self.random.randrange(len(self._deleted)))
        return f"undelete {key}: {self.world.operate(key, 'Undelete')}"

    def purge(self) -> str:
        # Links to a record that is deleted, known to be, and then purged would go without any trace that can be seen.
        key = self._any("Link", "Note", "Attachment")[1]
        self.world.purge(key)
        return f"purge {key}"

    def move(self) -> str:
        name, key = self._any("Story", "Defect", "Epic", "Request")
        scope = self._any("Scope")[1]
        self.world.update(key, {"Scope": scope})
        return f"move {name} {key} to {scope}"

    def _relation(self) -> tuple[str, int, Attribute]:
        name, key = self._any(*WORKITEMS, "Issue", "Request", "Goal", "Expression", "Scope", "ChangeSet", "Member")
        relations = [each for each in self.world.schema.attributes(name).values() if each.is_relation and each.multi]
        return name, key, self.random.choice([each for each in relations if not each.read_only])

    def add(self) -> str:
        name, key, relation = self._relation()
        target = self.random.choice(self._seen(relation.related or ""))
        self.world.update(key, {relation.name: Changed(add=(target,))})
        return f"add {target} to {name} {key}.{relation.name}"

    def remove(self) -> str:
        name, key, relation = self._relation()
        there = self.world.value(key, relation.name)
        target = self.random.choice(there if isinstance(there, list) else [])
        self.world.update(key, {relation.name: Changed(remove=(target,))})
        return f"remove {target} from {name} {key}.{relation.name}"

    def rename(self) -> str:
        name, key = self._any("Scope", "Timebox", "Member", "StoryStatus", "Goal", "Story", "Epic", "Team", "Custom_Region")
        self.world.update(key, {"Name": f"renamed {self.random.random():.5f}"})
        return f"rename {name} {key}"

    def hide(self) -> str:
        closed = {0, self.world.landmarks.project, *self._hidden}
        key = self.random.choice([each for each in self.world.ids("Scope") if each not in closed])
        self.world.hide(key)
        self._hidden.append(key)
        return f"hide {key}"

    def show(self) -> str:
        key, seen = self._hidden.pop(), self._seen_of_all()
        self.world.show(key)
        self._just_shown |= self._seen_of_all() - seen
        return f"show {key}"

    def add_field(self) -> str:
        name, kind = self.random.choice((*WORKITEMS[:4], "Workitem", "Issue")), self.random.choice(_KINDS)
        field = f"Walk{self.random.randrange(10_000)}"
        related = {"related": self.random.choice(("Member", "Custom_Region", "Workitem"))} if "Relation" in kind else {}
        self.world.add_field(name, field, kind, **related)
        self._fields[name, f"Custom_{field}"] = kind
        return f"add field {name}.{field} {kind} {related}"

    def remove_field(self) -> str:
        (name, field), _ = self._fields.popitem()
        self.world.remove_field(name, field)
        return f"remove field {name}.{field}"

    def fill_field(self) -> str:
        (name, field), kind = self.random.choice(list(self._fields.items()))
        key = self._any(name)[1]
        attribute = self.world.schema.attribute(name, field)
        value: Any = _VALUES.get(kind)
        if kind == "Text:*":
            value = Changed(add=(f"tag{self.random.randrange(5)}",))
        elif attribute is not None and attribute.kind == "Relation":
            target = self.random.choice(self._seen(attribute.related or ""))
            value = Changed(add=(target,)) if attribute.multi else target
        self.world.update(key, {field: value})
        return f"fill {name} {key}.{field}"
