"""Scenario: for every tracker, a full sync of its busiest type by mirror against a plain client, on the same answers.

Rates are records per second of the whole process less a run on next to no records, so that starting Python, importing,
discovering and creating tables are not in them. What is compared is the median of the rounds' ratios.
"""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from benchmarks.arena import SQLITE, Arena, WrongResultError
from benchmarks.contestants import Tracker, mirror_sync
from benchmarks.processes import FailedRunError, Outcome, module, run, served

FEW_RECORDS = 60
PLAIN_TABLE = "records"
TARGET = 1.0


@dataclass(frozen=True, slots=True)
class Busy:
    """The type that is loaded from a tracker: its name there and its table here."""

    type: str
    table: str


BUSIEST = {
    "rally": Busy("HierarchicalRequirement", "rally_hierarchical_requirement"),
    "versionone": Busy("Story", "versionone_story"),
    "rt": Busy("ticket", "rt_ticket"),
}


@dataclass(frozen=True, slots=True)
class Place:
    """A tracker that answers from memory.

    Attributes:
        behind: where the one is that computes the answers.
    """

    tracker: Tracker
    url: str
    behind: str

    def computed(self) -> int:
        """Return how many requests were not answered from memory so far."""
        root = "/".join(self.url.split("/")[:3])
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(f"{root}/replay", timeout=60) as answer:
            return int(json.load(answer)["computed"])


@dataclass(slots=True)
class Runs:
    """The runs of one program, each with the number of rows it left: on few records, and on all."""

    few: list[tuple[int, Outcome]] = field(default_factory=list)
    all: list[tuple[int, Outcome]] = field(default_factory=list)

    def rates(self, *, cpu: bool = False) -> list[float]:
        """Return the records per second of each round, the usual run on few records taken off.

        Args:
            cpu: per second of the process's own processor time, the steadier figure on a busy machine.
        """
        start = median(_seconds(outcome, cpu=cpu) for _, outcome in self.few)
        few = self.few[0][0]
        return [(rows - few) / max(_seconds(outcome, cpu=cpu) - start, 0.001) for rows, outcome in self.all]


def _seconds(outcome: Outcome, *, cpu: bool) -> float:
    return outcome.cpu_seconds if cpu else outcome.seconds


Program = Callable[[Arena, Place], tuple[int, Outcome]]


def trackers(arena: Arena, *, records: int, runs: int) -> None:
    """Measure every tracker; one that cannot be measured does not stop the others."""
    for kind in BUSIEST:
        try:
            _measure(arena, kind, records, runs)
        except (FailedRunError, WrongResultError) as error:
            arena.notebook.tell("trackers", kind, None, "", str(error).strip().splitlines()[-1])


def _measure(arena: Arena, kind: str, records: int, runs: int) -> None:
    busy = BUSIEST[kind]
    programs: dict[str, Program] = {
        "mirror": lambda arena, place: _mirror(arena, place, busy),
        "plain client": lambda arena, place: _plain(arena, place, kind),
    }
    series = {name: Runs() for name in programs}
    with ExitStack() as stack:
        few, all_ = (stack.enter_context(replay(kind, busy.type, size)) for size in (FEW_RECORDS, records))
        for place in (few, all_):
            for program in programs.values():
                program(arena, place)  # fills the memory
        computed = all_.computed()
        for number in range(runs):
            for name in sorted(programs, reverse=bool(number % 2)):
                for place, kept in ((few, series[name].few), (all_, series[name].all)):
                    kept.append(programs[name](arena, place))
                    arena.notebook.run(f"trackers {kind}", name, kept[-1][1], records=kept[-1][0])
        late = all_.computed() - computed
    _note(arena, kind, series, late)


def _note(arena: Arena, kind: str, series: dict[str, Runs], late: int) -> None:
    counts = {name: {rows for rows, _ in each.all} for name, each in series.items()}
    if len(set().union(*counts.values())) != 1:
        raise WrongResultError(f"the programs left different numbers of rows: {counts}")
    notebook, scenario = arena.notebook, "trackers"
    for name, each in series.items():
        start = median(outcome.seconds for _, outcome in each.few)
        peak = max(outcome.peak_mb for _, outcome in each.all)
        note = f"{each.all[0][0]:,} {BUSIEST[kind].type}; start {start:.2f} s; peak {peak:.0f} MB"
        notebook.tell(scenario, f"{kind}, {name}: rows a second", median(each.rates()), "/s", note)
    notebook.at_least(scenario, f"{kind}: mirror against the plain client", _ratio(series), TARGET)
    notebook.tell(scenario, f"{kind}: the same in processor time", _ratio(series, cpu=True), "x")
    if late:
        notebook.tell(
            scenario, f"{kind}: answers computed while measuring", late, "", "they make the slower program look worse"
        )


def _ratio(series: dict[str, Runs], *, cpu: bool = False) -> float:
    ours, theirs = series["mirror"].rates(cpu=cpu), series["plain client"].rates(cpu=cpu)
    return median(our / their for our, their in zip(ours, theirs, strict=True))


@contextmanager
def replay(kind: str, types: str, records: int) -> Iterator[Place]:
    """Start a simulated tracker with a memory; yield it.

    Args:
        types: what mirror is to load from it.
    """
    with served("benchmarks.replay", kind, "--records", str(records)) as (_, said):
        settings = json.loads(said)
        secret, behind = settings.pop("secret"), settings.pop("behind")
        yield Place(Tracker(settings, secret, types), settings["url"], behind)


def _mirror(arena: Arena, place: Place, busy: Busy) -> tuple[int, Outcome]:
    with arena.fresh_folder() as folder:
        database = arena.fresh_database(SQLITE, folder)
        outcome = mirror_sync(folder, database, place.tracker)
        return arena.count(database, [busy.table])[0], outcome


def _plain(arena: Arena, place: Place, kind: str) -> tuple[int, Outcome]:
    with arena.fresh_folder() as folder:
        path: Path = folder / "plain.db"
        outcome = run(module("benchmarks.plain", kind, place.url, place.tracker.secret, str(path)))
        return arena.count(f"sqlite:///{path}", [PLAIN_TABLE])[0], outcome
