"""The hand that plants sample data: draws by chance, moves time on, and writes by the rules."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any

from mirror.simulators.clock import ManualClock
from mirror.simulators.versionone import seed_texts as texts
from mirror.simulators.versionone.world import RefusedError, World

SPAN = timedelta(days=730)
"""How far back the oldest sample data lies."""

_NUMBERS = ("0", "0.5", "1", "2", "3", "5", "8", "13", "0.10", "2.125", "-1")
_HUGE_NUMBERS = ("99999999999999.99", "12345678901234567.125", "0.000001")
_AWKWARD_DAYS = (date(1753, 1, 1), date(1999, 12, 31), date(2038, 1, 20), date(9999, 12, 31), date(2024, 2, 29))


@dataclass(slots=True)
class Seeder:
    """Makes assets one after the other.

    Attributes:
        step: how far time moves on with every transaction, on average.
        end: the last instant; nothing is later.
        made: how many assets there are so far, lists and schema not counted.
        people: members who write.
        known: what was made so far, by type, and the list values that may be chosen.
    """

    world: World
    random: Random
    clock: ManualClock
    step: timedelta
    end: datetime
    made: int = 0
    people: list[int] = field(default_factory=list)
    known: dict[str, list[int]] = field(default_factory=dict)

    def tick(self) -> None:
        """Let some time pass; often none, as in bulk edits."""
        if self.random.random() < 0.9:
            later = self.clock.now() + self.step * (self.random.random() * 2)
            self.clock.set(min(later, self.end))

    def make(self, type_name: str, **values: Any) -> int:
        """Create an asset by somebody and return its id; values that are None are left out."""
        self.tick()
        given = {name: value for name, value in values.items() if value is not None}
        asset = self.world.create(type_name, given, by=self.author())
        self.made += 1
        self.known.setdefault(type_name, []).append(asset)
        return asset

    def edit(self, asset: int, **values: Any) -> None:
        """Change an asset by somebody; nothing happens if a rule forbids it."""
        self.tick()
        comment = "seen in review" if self.random.random() < 0.1 else None
        try:
            self.world.update(asset, values, by=self.author(), comment=comment)
        except RefusedError:
            return

    def operate(self, asset: int, operation: str) -> int | None:
        """Run an operation by somebody; None if a rule forbids it."""
        self.tick()
        try:
            return self.world.operate(asset, operation, by=self.author())
        except RefusedError:
            return None

    # Chance

    def author(self) -> int:
        """Return a member to write as."""
        return self.random.choice(self.people) if self.people else self.world.landmarks.admin

    def chance(self, share: float) -> bool:
        """True so often."""
        return self.random.random() < share

    def any(self, *type_names: str) -> int | None:
        """Return a living asset of one of these types, mostly a young one; None if there is none."""
        found = self.known.get(self.random.choice(type_names), ())
        for _ in range(4):
            asset = found[int(len(found) * self.random.random() ** 0.5)] if found else None
            if asset is not None and not self.world.is_deleted(asset):
                return asset
        return None

    def some(self, type_name: str, most: int) -> list[int]:
        """Return up to so many different living assets of a type; often none."""
        drawn = (self.any(type_name) for _ in range(self.random.randint(0, most)))
        return list(dict.fromkeys(asset for asset in drawn if asset is not None))

    def choice(self, list_type: str) -> int | None:
        """Return a value of a list type that may be chosen, or None."""
        if list_type not in self.known:
            active = [each for each in self.world.ids(list_type) if self.world.value(each, "AssetState") == 64]
            self.known[list_type] = active
        return self.random.choice(self.known[list_type]) if self.chance(0.8) else None

    def name(self) -> str:
        """Return a title."""
        return texts.name(self.random)

    def text(self) -> str | None:
        """Return a description."""
        return texts.rich_text(self.random)

    def number(self) -> Decimal | None:
        """Return an estimate: often none, mostly small, rarely huge."""
        if self.chance(0.2):
            return None
        return Decimal(self.random.choice(_HUGE_NUMBERS if self.chance(0.02) else _NUMBERS))

    def day(self, *, spread: int = 60) -> date:
        """Return a day around the present one; rarely one far away."""
        if self.chance(0.03):
            return self.random.choice(_AWKWARD_DAYS)
        return self.clock.now().date() + timedelta(days=self.random.randint(-spread, spread))
