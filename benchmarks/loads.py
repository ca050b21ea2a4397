"""Scenario: full loads into one kind of database, by mirror, the limit, the floor and the peers, interleaved.

Rates are records per second of the whole process less a run on no records at all: starting Python, importing, discovering
and creating tables are not in them. What is compared are medians over the rounds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import median

from benchmarks.arena import Arena
from benchmarks.contestants import ALL, FLOOR, LIMIT, MIRROR, PEERS, Contestant
from benchmarks.processes import Outcome

PEER_ROUNDS = 2
PEER_TARGETS = {"dlt flat": 8, "dlt arrow": 3, "dlt rest_api": 12}
LIMIT_TARGET = 0.80


@dataclass(slots=True)
class Series:
    """The runs of one program.

    Attributes:
        empty: runs on no records.
    """

    records: int
    full: list[Outcome] = field(default_factory=list)
    empty: list[Outcome] = field(default_factory=list)

    @property
    def start_seconds(self) -> float:
        return median(each.seconds for each in self.empty)

    @property
    def whole_seconds(self) -> float:
        return median(each.seconds for each in self.full)

    @property
    def rate(self) -> float:
        """Records per second, the empty run taken off."""
        return self.records / (self.whole_seconds - self.start_seconds)

    @property
    def whole_rate(self) -> float:
        """Records per second of the whole process."""
        return self.records / self.whole_seconds

    @property
    def cpu_rate(self) -> float:
        """Records per second of processor time, the empty run taken off."""
        start = median(each.cpu_seconds for each in self.empty)
        return self.records / (median(each.cpu_seconds for each in self.full) - start)

    @property
    def peak_mb(self) -> float:
        return max(each.peak_mb for each in self.full)


def full_loads(arena: Arena, kind: str, *, records: int, runs: int) -> None:
    """Measure all programs and note ratios."""
    series = {each.name: Series(records // each.share) for each in ALL}
    _once(arena, kind, LIMIT, records)  # the feed joins its pages once; nobody should wait for that
    _once(arena, kind, MIRROR, records)
    for number in range(runs):
        for each in _turned(ALL, number):
            if each not in PEERS or number < PEER_ROUNDS:
                _round(arena, kind, each, series[each.name])
    _note(arena, kind, series)


def _turned(contestants: Sequence[Contestant], number: int) -> list[Contestant]:
    """Return the programs in another order each round, so that none always runs behind the same other."""
    turn = number % len(contestants)
    return [*contestants[turn:], *contestants[:turn]]


def _round(arena: Arena, kind: str, contestant: Contestant, series: Series) -> None:
    for records, outcomes in ((0, series.empty), (series.records, series.full)):
        outcome = _once(arena, kind, contestant, records)
        outcomes.append(outcome)
        arena.notebook.run(f"load {kind}", contestant.name, outcome, records=records)


def _once(arena: Arena, kind: str, contestant: Contestant, records: int) -> Outcome:
    arena.feed.set(records=records)
    with arena.fresh_folder() as folder:
        database = arena.fresh_database(kind, folder)
        outcome = contestant.start(arena.feed.url, database, folder)
        if records:
            arena.expect(database, contestant.table[kind], records)
    return outcome


def _note(arena: Arena, kind: str, series: dict[str, Series]) -> None:
    notebook, scenario = arena.notebook, f"load {kind}"
    ours, limit = series[MIRROR.name], series[LIMIT.name]
    for name, each in series.items():
        notebook.tell(scenario, f"{name}: rows a second", each.rate, "/s", _beside(each, limit))
    notebook.at_least(scenario, "mirror against the limit", ours.rate / limit.rate, LIMIT_TARGET)
    notebook.tell(scenario, "mirror against the floor", ours.rate / series[FLOOR.name].rate, "x")
    for name, wanted in PEER_TARGETS.items():
        notebook.at_least(scenario, f"mirror against {name}", ours.rate / series[name].rate, wanted)


def _beside(each: Series, limit: Series) -> str:
    """Return what else is worth knowing about a program, in one line."""
    ratios = f"{each.rate / limit.rate:.2f} of the limit (whole process {each.whole_rate / limit.whole_rate:.2f}"
    rest = f"processor time {each.cpu_rate / limit.cpu_rate:.2f}); start {each.start_seconds:.2f} s"
    return f"{ratios}, {rest}; peak {each.peak_mb:.0f} MB"
