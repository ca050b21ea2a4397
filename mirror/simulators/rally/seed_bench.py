"""What every part of the sample data needs: picking, dating and filing objects."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mirror.simulators.rally import seed_texts
from mirror.simulators.rally.derived import PREFIXES
from mirror.simulators.rally.items import Fields, Item, stamp

if TYPE_CHECKING:
    from mirror.simulators.rally.seed import Seeder
    from mirror.simulators.rally.world import Landmarks

STATES = ("Defined", "In-Progress", "Completed", "Accepted")


class Bench:
    """Tools and materials for filling one workspace at a time."""

    def __init__(self, seeder: Seeder, landmarks: Landmarks) -> None:
        self._seeder = seeder
        self._random = seeder.random
        self._home = landmarks
        self._names = seed_texts.name_pool(self._random)
        self._texts = seed_texts.text_pool(self._random)
        self._ids: dict[str, list[int]] = {}
        self._flows: dict[str, int] = {}
        self._states: dict[str, list[int]] = {}
        self._leaves: list[int] = []
        self._projects: list[int] = []
        self._dates = 0

    def _start_workspace(self, workspace: int) -> None:
        state = self._seeder.state
        self._ids, self._flows, self._states, self._leaves = {}, {}, {}, []
        self._projects = [oid for oid in state.ids["Project"] if state.items[oid].values["Workspace"] == workspace]

    def _make(self, path: str, **values: Any) -> Item:
        item = self._seeder.make(path, values)
        self._ids.setdefault(path, []).append(item.oid)
        return item

    def _any(self, path: str, chance: float = 1.0) -> int | None:
        ids = self._ids.get(path)
        return self._random.choice(ids) if ids and self._random.random() < chance else None

    def _person(self, chance: float = 0.7) -> int | None:
        return self._random.choice(self._seeder.people) if self._random.random() < chance else None

    def _sometimes(self, value: Any, chance: float = 0.3) -> Any:
        return value if self._random.random() < chance else None

    def _definition(self, path: str) -> int:
        state = self._seeder.state
        here = self._seeder.place["Workspace"]
        for oid in state.ids["TypeDefinition"]:
            values = state.items[oid].values
            if values["TypePath"] == path and values["Workspace"] == here:
                return oid
        raise LookupError(path)

    def _date(self, share: float) -> str:
        """Return a date-only value: a date-time at local midnight of the workspace's zone. rally.md §5 R/D"""
        self._dates += 1
        if self._dates % 16 == 0:
            odd = seed_texts.OLD_DATES + seed_texts.FAR_DATES
            return odd[self._dates // 16 % len(odd)]
        return day_of(stamp(self._seeder.moment(share)))

    def _here(self) -> bool:
        return bool(self._seeder.place["Workspace"] == self._home.workspace)

    def _join(self, item: Item, name: str, member: int) -> None:
        attribute = self._seeder.state.schema_of(item).attributes(item.type)[name]
        if member != item.oid:
            self._seeder.join(item, attribute, member)

    def _in_project(self, path: str, project: int) -> int | None:
        if self._random.random() < 0.4:
            return None
        items = self._seeder.state.items
        candidate = self._random.choice(self._ids[path])
        return candidate if items[candidate].values["Project"] == project else None

    def _values_of(self, path: str, name: str) -> tuple[int, ...]:
        key = f"{path}.{name}"
        if key not in self._ids:
            state = self._seeder.state
            definition = state.items[self._definition(path)]
            attributes = (state.items[oid] for oid in definition.values["Attributes"])
            found = next(each for each in attributes if each.values["ElementName"] == name)
            self._ids[key] = list(found.values["AllowedValues"])
        return tuple(sorted(self._random.sample(self._ids[key], self._random.randint(1, 3))))

    def _common(self, chance: float = 0.5) -> Fields:
        random = self._random
        values: Fields = {
            "Name": random.choice(self._names),
            "Project": random.choice(self._projects),
            "Owner": self._person(),
            "Ready": random.random() < 0.1,
            "Expedite": random.random() < 0.03,
        }
        if random.random() < chance:
            values["Description"] = random.choice(self._texts if random.random() < 0.9 else self._texts[:20])
        if random.random() < 0.1:
            values["Notes"] = random.choice(self._texts[:20])
        if random.random() < 0.3:
            values["Tags"] = tuple(random.sample(self._ids["Tag"], random.randint(1, 3)))
        if random.random() < 0.05:
            values["Milestones"] = (random.choice(self._ids["Milestone"]),)
        return values

    def _schedule(self, values: Fields) -> Fields:
        state = self._random.choice(STATES)
        level = STATES.index(state)
        begun = stamp(self._seeder.moment(self._seeder.made / self._seeder.total))
        values |= {"ScheduleState": state, "ScheduleStatePrefix": PREFIXES[state], "FlowState": self._flows[state]}
        values |= {"InProgressDate": begun if level else None, "AcceptedDate": begun if level == 3 else None}
        values |= {
            "FlowStateChangedDate": begun,
            "PlanEstimate": self._sometimes(float(self._random.choice((1, 2, 3, 5, 8))), 0.7),
        }
        values |= {"Iteration": self._in_project("Iteration", values["Project"]), "Package": self._sometimes("core", 0.1)}
        values["Release"] = self._in_project("Release", values["Project"])
        return values


def day_of(text: str) -> str:
    """Return the date-only value for the day of an instant."""
    return f"{text[:10]}T07:00:00.000Z"
