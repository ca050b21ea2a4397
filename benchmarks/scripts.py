"""Scenario: ten script tasks on the same records with pyral, with mirror, and with SQL by hand.

pyral is given its best case: a tracker on the loopback interface in a process of its own, a connection that is open, and
pages of 2,000; and once more a tracker that takes no time at all, as it has every answer ready (replay.py), but for what is
written. No time is believed before all programs have given the same answer.
"""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.arena import Arena, WrongResultError
from benchmarks.contestants import SECRET, Tracker, mirror_sync
from benchmarks.processes import FailedRunError, Outcome, ask, module, run, served
from benchmarks.script_tasks import LOOPED, TASKS, Given
from benchmarks.trackers import Place, replay

NAME = "scripts"
READY = "scripts, pyral with every answer ready: it waits for no tracker"
BY_HAND = "scripts, mirror's time by that of SQL by hand"
READING = tuple(each for each in TASKS if each != "update")
TARGET = 1.0
KEYS = 20
SECONDS = 0.5
"""For the repetitions of one task in one round."""

MIRROR = "mirror"
FLOOR = "SQL by hand"
PYRAL = "pyral"
LIVE = "pyral, on the simulator"

Answer = Mapping[str, Any]


@dataclass(slots=True)
class Cast:
    """The programs, each in a process of its own, and what they took.

    Attributes:
        seconds: program and task -> the seconds of each round, by the clock on the wall.
        cpu_seconds: the same in the program's own processor time.
    """

    arena: Arena
    given: Given
    children: Mapping[str, subprocess.Popen[str]]
    seconds: dict[tuple[str, str], list[float]] = field(default_factory=dict)
    cpu_seconds: dict[tuple[str, str], list[float]] = field(default_factory=dict)

    def ask(self, program: str, task: str, given: Given, *, budget: float = 0.0) -> Answer:
        """Have a program do a task.

        Raises:
            FailedRunError: it cannot.
        """
        asked = {"task": task, "given": asdict(given), "seconds": budget}
        answer: Answer = ask(self.children[program], asked)
        if "error" in answer:
            raise FailedRunError(f"{program} failed at '{task}': {answer['error']}")
        self.arena.notebook.runs.append({"scenario": NAME, "program": program, "task": task, **answer})
        return answer

    def measure(self, program: str, task: str, given: Given, *, budget: float = SECONDS) -> None:
        """Have a program do a task, and keep what it took."""
        answer = self.ask(program, task, given, budget=budget)
        self.seconds.setdefault((program, task), []).append(answer["seconds"])
        self.cpu_seconds.setdefault((program, task), []).append(answer["cpu_seconds"])

    def usual(self, program: str, task: str) -> float:
        """Return the usual seconds of a task."""
        return median(self.seconds[program, task])

    def ratio(self, slow: tuple[str, str], fast: tuple[str, str]) -> float:
        """Return how many times as long one took as the other, round by round."""
        return median(one / other for one, other in zip(self.seconds[slow], self.seconds[fast], strict=True))


def scripts(arena: Arena, *, records: int, runs: int) -> None:
    """Measure the ten tasks, then starting, and the memory of a long loop."""
    with arena.fresh_folder() as folder, replay("rally", "*", records) as place:
        tracker = Tracker({**place.tracker.settings, "url": place.behind}, place.tracker.secret)
        mirror_sync(folder, f"sqlite:///{folder / 'mirror.db'}", tracker)
        shutil.copyfile(folder / "mirror.db", folder / "floor.db")
        given = _given(folder / "mirror.db")
        asking = (tracker.secret, str(tracker.settings["workspace"]), _topmost(folder / "mirror.db"))
        with _children(folder, asking, place) as children:
            cast = Cast(arena, given, children)
            requests = {task: _agreed(cast, task) for task in TASKS}
            _rounds(cast, runs)
            _tell(cast, requests)
            _statements(cast)
        _starting(arena, folder, (place.url, *asking), given.keys[0], runs)
        _memory(arena, folder)
        _tell_more(cast)


@contextmanager
def _children(folder: Path, asking: Sequence[str], place: Place) -> Iterator[Mapping[str, subprocess.Popen[str]]]:
    programs = {
        MIRROR: ("benchmarks.script_mirror", str(folder / "mirror.toml")),
        PYRAL: ("benchmarks.script_pyral", place.url, *asking),
        LIVE: ("benchmarks.script_pyral", place.behind, *asking),
        FLOOR: ("benchmarks.script_floor", str(folder / "floor.db")),
    }
    with ExitStack() as stack:
        environment = {SECRET: place.tracker.secret}
        yield {name: stack.enter_context(served(*command, environment=environment))[0] for name, command in programs.items()}


def _given(database: Path) -> Given:
    """Choose what the tasks are about: what there is plenty of."""
    one = partial(_one, database)
    story = "rally_hierarchical_requirement"
    step = max(1, int(one(f"SELECT count(*) FROM {story}")) // KEYS)
    keys = [one(f"SELECT formatted_id FROM {story} ORDER BY id LIMIT 1 OFFSET {number * step}") for number in range(KEYS)]
    owner = f"SELECT owner_name FROM {story} WHERE schedule_state = 'In-Progress' AND owner_name NOT LIKE '%\"%'"
    sprint = "SELECT iteration_name FROM rally_defect WHERE state = 'Open' AND iteration_id IS NOT NULL"
    most = "GROUP BY 1 ORDER BY count(*) DESC, 1 LIMIT 1"
    return Given(tuple(keys), one(f"{owner} {most}"), one(f"{sprint} {most}"), "Open")


def _topmost(database: Path) -> str:
    """Return the project that all others lie below."""
    return _one(database, "SELECT name FROM rally_project WHERE parent_id IS NULL ORDER BY id LIMIT 1")


def _one(database: Path, query: str) -> str:
    with closing(sqlite3.connect(database)) as connection:
        return str(connection.execute(query).fetchone()[0])


def _agreed(cast: Cast, task: str) -> int:
    """Have all programs do a task, which also warms them up; return how many requests that were for pyral.

    Raises:
        WrongResultError: the answers differ.
    """
    given = replace(cast.given, text="first")
    programs = [MIRROR, FLOOR, LIVE, *([PYRAL] if task in READING else [])]
    before = _requests(cast)
    answers = {program: cast.ask(program, task, given) for program in programs}
    sent = _requests(cast) - before
    if task == "loop":
        answers |= {f"{program}, joined": cast.ask(program, "joined", given) for program in (PYRAL, LIVE)}
    if len({answer["digest"] for answer in answers.values()}) != 1:
        told = "; ".join(f"{name}: {each['rows']} rows, {each['first']}" for name, each in answers.items())
        raise WrongResultError(f"the answers to '{task}' differ: {told}")
    return sent


def _requests(cast: Cast) -> int:
    """Return how many requests pyral has sent to the simulator so far."""
    sent: int = cast.ask(LIVE, "requests", cast.given)["first"][0][0]
    return sent


def _rounds(cast: Cast, runs: int) -> None:
    for number in range(runs):
        given = replace(cast.given, text=f"round {number}")
        for task in TASKS:
            turn = [MIRROR, FLOOR, LIVE, *([PYRAL] if task in READING else [])]
            for program in reversed(turn) if number % 2 else turn:
                cast.measure(program, task, given, budget=SECONDS if task in READING else 0.0)
        for program in (PYRAL, LIVE):
            cast.measure(program, "joined", given)
        cast.measure(MIRROR, "push", replace(given, state="Fixed"), budget=0.0)


def _tell(cast: Cast, requests: Mapping[str, int]) -> None:
    notebook = cast.arena.notebook
    for task, title in TASKS.items():
        note = f"{_times(cast, (MIRROR, task), (LIVE, task))}; requests of pyral: {requests[task]:,}"
        notebook.at_least(NAME, title, cast.ratio((LIVE, task), (MIRROR, task)), TARGET, note)
    _tell_joined(cast, NAME, LIVE)
    pushed = f"{_times(cast, (MIRROR, 'push'), (LIVE, 'update'))}; queued, checked against the tracker, written"
    notebook.tell(NAME, "the same change, mirror with the push", cast.ratio((LIVE, "update"), (MIRROR, "push")), "x", pushed)


def _tell_more(cast: Cast) -> None:
    """Tell the ratios to a tracker that takes no time, and to SQL by hand."""
    notebook = cast.arena.notebook
    for task in READING:
        note = _times(cast, (MIRROR, task), (PYRAL, task))
        notebook.tell(READY, TASKS[task], cast.ratio((PYRAL, task), (MIRROR, task)), "x", note)
    _tell_joined(cast, READY, PYRAL)
    for task, title in TASKS.items():
        ours, theirs = ((program, task) for program in (MIRROR, FLOOR))
        pairs = zip(cast.cpu_seconds[ours], cast.cpu_seconds[theirs], strict=True)
        cpu = median(one / max(other, 1e-9) for one, other in pairs)
        note = f"{_times(cast, ours, theirs)}; in processor time {cpu:,.2f} x"
        notebook.tell(BY_HAND, title, cast.ratio(ours, theirs), "x", note)


def _tell_joined(cast: Cast, scenario: str, program: str) -> None:
    ours, theirs = (MIRROR, "loop"), (program, "joined")
    name = "the same stories, pyral with two listings joined by hand"
    cast.arena.notebook.tell(scenario, name, cast.ratio(theirs, ours), "x", _times(cast, ours, theirs))


def _times(cast: Cast, ours: tuple[str, str], theirs: tuple[str, str]) -> str:
    return f"{_time(cast.usual(*ours))} against {_time(cast.usual(*theirs))}"


def _time(seconds: float) -> str:
    if seconds >= 1:
        return f"{seconds:.2f} s"
    return f"{seconds * 1000:.1f} ms" if seconds >= 0.0001 else f"{seconds * 1_000_000:.1f} µs"


def _statements(cast: Cast) -> None:
    """Tell how many statements of SQL the loop over stories costs, and over a hundredth of them."""
    for task, stories in (("few", LOOPED // 100), ("many", LOOPED)):
        ran = cast.ask(MIRROR, task, cast.given)["first"][0][0]
        cast.arena.notebook.tell(NAME, f"statements of SQL for {stories:,} stories", ran, "")


def _starting(arena: Arena, folder: Path, asking: Sequence[str], key: str, runs: int) -> None:
    """Measure whole processes that read one story."""
    programs = {
        MIRROR: module("benchmarks.script_mirror", str(folder / "mirror.toml"), "--first", key),
        PYRAL: module("benchmarks.script_pyral", *asking, "--first", key),
        FLOOR: module("benchmarks.script_floor", str(folder / "floor.db"), "--first", key),
    }
    outcomes: dict[str, list[Outcome]] = {name: [] for name in programs}
    for number in range(runs + 1):
        for name in sorted(programs, reverse=bool(number % 2)):
            outcomes[name].append(run(programs[name]))
            arena.notebook.run(NAME, name, outcomes[name][-1], task="start")
    if len({each.output for several in outcomes.values() for each in several}) != 1:
        raise WrongResultError("the programs read different stories")
    took = {name: [each.seconds for each in several[1:]] for name, several in outcomes.items()}  # the first one warms up
    note = ", ".join(f"{name} {_time(median(each))}" for name, each in took.items())
    ratio = median(their / our for their, our in zip(took[PYRAL], took[MIRROR], strict=True))
    arena.notebook.tell(NAME, "start, connect or open, read one story, end", ratio, "x", note)


def _memory(arena: Arena, folder: Path) -> None:
    """Tell the peak of a process that looks at some artifacts, and of one that looks at all."""
    for artifacts, name in ((LOOPED, f"{LOOPED:,} artifacts"), (sys.maxsize, "all")):
        outcome = run(module("benchmarks.script_mirror", str(folder / "mirror.toml"), "--walk", str(artifacts)))
        arena.notebook.run(NAME, MIRROR, outcome, task="walk")
        note = f"{int(outcome.output):,} of them in {outcome.seconds:.1f} s"
        arena.notebook.tell(NAME, f"peak memory of a loop over {name}", outcome.peak_mb, "MB", note)
