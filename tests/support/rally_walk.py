"""Random things that people do on a simulated Rally, from a seed."""

from __future__ import annotations

import random
from collections.abc import Callable

from mirror.simulators.rally import RallySimulator
from mirror.simulators.rally.items import RefusedError

ARTIFACTS = ("HierarchicalRequirement", "Defect", "Task", "TestCase", "PortfolioItem/Feature")
OTHERS = ("Iteration", "Release", "Milestone", "Tag", "TestFolder", "TestSet", "DefectSuite", "ConversationPost")
COLLECTIONS = {
    "HierarchicalRequirement": ("Tags", "Milestones", "Predecessors", "Successors"),
    "Defect": ("Tags", "Milestones", "Duplicates", "DefectSuites"),
    "TestCase": ("Tags", "TestSets"),
    "TestSet": ("TestCases",),
    "DefectSuite": ("Defects",),
    "Milestone": ("Artifacts",),
}
_MEMBER_TYPES = {
    "Tags": "Tag",
    "Milestones": "Milestone",
    "Predecessors": "HierarchicalRequirement",
    "Successors": "HierarchicalRequirement",
    "Duplicates": "Defect",
    "DefectSuites": "DefectSuite",
    "TestSets": "TestSet",
    "TestCases": "TestCase",
    "Defects": "Defect",
    "Artifacts": "HierarchicalRequirement",
}
_KINDS = (("string", ""), ("text", ""), ("integer", ""), ("decimal", ""), ("boolean", ""), ("pick", "a|b|c"))
_VALUES = {"string": "x", "text": "<b>y</b>", "integer": 7, "decimal": 1.5, "boolean": True, "pick": "b"}


class Walk:
    """A person who does random things; the same seed on the same data does the same.

    Args:
        access: projects are closed off and opened again as well.

    Attributes:
        done: a line for each step, for the message of a failing test.
    """

    def __init__(self, tracker: RallySimulator, seed: int, *, access: bool = True) -> None:
        self.world = tracker.world
        self.random = random.Random(seed)
        self.done: list[str] = []
        self._binned: list[int] = []
        self._hidden: list[int] = []
        self._fields: dict[tuple[str, str], str] = {}
        self._steps: list[tuple[int, Callable[[], str]]] = [
            (8, self.create),
            (20, self.update),
            (6, self.delete),
            (3, self.restore),
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
            (2, self.roll_up),
        ]

    def steps(self, count: int) -> None:
        """Do `count` random things; those that the tracker's rules refuse count as well."""
        weights = [weight for weight, _ in self._steps]
        for _ in range(count):
            step = self.random.choices(self._steps, weights)[0][1]
            try:
                self.done.append(step())
            except (RefusedError, LookupError, ValueError) as error:
                self.done.append(f"{step.__name__}: refused, {error}")

    def _any(self, *types: str) -> tuple[str, int]:
        name = self.random.choice(types)
        return name, self.random.choice(self.world.ids(name))

    def create(self) -> str:
        name = self.random.choice((*ARTIFACTS, "Tag", "Milestone", "TestFolder"))
        fields: dict[str, object] = {"Name": f"new {self.random.random():.6f} ✓"}
        if name == "Task":
            fields["WorkProduct"] = self._any("HierarchicalRequirement")[1]
        return f"create {name} {self.world.create(name, fields)}"

    def update(self) -> str:
        name, key = self._any(*ARTIFACTS, "Iteration", "Release", "Milestone", "TestFolder", "TestCaseResult")
        change: dict[str, object] = {
            "Notes" if name not in ("Milestone", "TestFolder") else "Name": f"n{self.random.random():.6f}"
        }
        if name in ("HierarchicalRequirement", "Defect"):
            change["ScheduleState"] = self.random.choice(("Defined", "In-Progress", "Completed", "Accepted"))
            change["Owner"] = self._any("User")[1]
        if name == "Task":
            change |= {"State": self.random.choice(("Defined", "In-Progress", "Completed")), "ToDo": 1.5}
        self.world.update(key, change)
        return f"update {name} {key} {change}"

    def delete(self) -> str:
        name, key = self._any(*ARTIFACTS, *OTHERS, "TestCaseResult", "Attachment")
        self.world.delete(key)
        self._binned.append(key)
        return f"delete {name} {key}"

    def restore(self) -> str:
        key = self._binned.pop(self.random.randrange(len(self._binned)))
        return f"restore {key}: {self.world.restore(key)}"

    def purge(self) -> str:
        key = self._binned.pop(self.random.randrange(len(self._binned)))
        self.world.purge(key)
        return f"purge {key}"

    def move(self) -> str:
        name, key = self._any("HierarchicalRequirement", "Defect", "TestCase")
        project = self._any("Project")[1]
        self.world.move(key, project)
        return f"move {name} {key} to project {project}"

    def add(self) -> str:
        name, key = self._any(*COLLECTIONS)
        collection = self.random.choice(COLLECTIONS[name])
        member = self._any(_MEMBER_TYPES[collection])[1]
        self.world.add(key, collection, [member])
        return f"add {member} to {name} {key}.{collection}"

    def remove(self) -> str:
        name, key = self._any(*COLLECTIONS)
        collection = self.random.choice(COLLECTIONS[name])
        member = self.random.choice(self.world.members(key, collection))
        self.world.remove(key, collection, [member])
        return f"remove {member} from {name} {key}.{collection}"

    def rename(self) -> str:
        name, key = self._any("Project", "Iteration", "Release", "Tag", "User", "HierarchicalRequirement")
        field = "DisplayName" if name == "User" else "Name"
        self.world.update(key, {field: f"renamed {self.random.random():.5f}"})
        return f"rename {name} {key}"

    def hide(self) -> str:
        key = self.random.choice([each for each in self.world.ids("Project") if each != self.world.landmarks.project])
        self.world.hide_project(key)
        self._hidden.append(key)
        return f"hide project {key}"

    def show(self) -> str:
        key = self._hidden.pop()
        self.world.show_project(key)
        return f"show project {key}"

    def add_field(self) -> str:
        name, (kind, argument) = self.random.choice(ARTIFACTS[:4]), self.random.choice(_KINDS)
        field = f"c_Walk{self.random.randrange(1000)}"
        self.world.add_field(name, field, kind, argument)
        self._fields[name, field] = kind
        return f"add field {name}.{field} {kind}"

    def remove_field(self) -> str:
        (name, field), _ = self._fields.popitem()
        self.world.remove_field(name, field)
        return f"remove field {name}.{field}"

    def fill_field(self) -> str:
        (name, field), kind = self.random.choice(list(self._fields.items()))
        key = self._any(name)[1]
        self.world.update(key, {field: _VALUES[kind]})
        return f"fill {name} {key}.{field}"

    def roll_up(self) -> str:
        return f"roll up {self.world.roll_up()} portfolio items"
