"""Scenario: full loads into one kind of database, by mirror, the limit, the floor and the peers, interleaved.

Rates are records per second of the whole process less a run on no records at all: starting Python, importing, discovering
and creating tables are not in them. What is compared is the median of the rounds' ratios.
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
    def peak_mb(self) -> float:
        return max(each.peak_mb for each in self.full)

    def rates(self) -> list[float]:
        """Return the records per second of each round, the empty run taken off."""
        return [self.records / (each.seconds - self.start_seconds) for each in self.full]

    def whole_rates(self) -> list[float]:
        """Return the records per second of the whole process, by round."""
        return [self.records / each.seconds for each in self.full]

    def cpu_rates(self) -> list[float]:
        """Return the records per second of the process's own processor time, by round, the empty run taken off."""
        start = median(each.cpu_seconds for each in self.empty)
        return [self.records / (each.cpu_seconds - start) for each in self.full]


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
    ours, limit = series[MIRROR.name].rates(), series[LIMIT.name]
    for name, each in series.items():
        notebook.tell(scenario, f"{name}: rows a second", median(each.rates()), "/s", _beside(each, limit))
    notebook.at_least(scenario, "mirror against the limit", _ratio(ours, limit.rates()), LIMIT_TARGET)
    notebook.tell(scenario, "mirror against the floor", _ratio(ours, series[FLOOR.name].rates()), "x")
    for name, wanted in PEER_TARGETS.items():
        notebook.at_least(scenario, f"mirror against {name}", _ratio(ours, series[name].rates()), wanted)


def _ratio(ours: Sequence[float], theirs: Sequence[float]) -> float:
    """Return the median over the rounds; a machine that slows down for a while slows both sides of a round."""
    return median(our / their for our, their in zip(ours, theirs, strict=False))


def _beside(each: Series, limit: Series) -> str:
    """Return what else is worth knowing about a program, in one line."""
    whole, cpu = _ratio(each.whole_rates(), limit.whole_rates()), _ratio(each.cpu_rates(), limit.cpu_rates())
    ratios = f"{_ratio(each.rates(), limit.rates()):.2f} of the limit (whole process {whole:.2f}, processor time {cpu:.2f})"
    return f"{ratios}; start {each.start_seconds:.2f} s; peak {each.peak_mb:.0f} MB"
