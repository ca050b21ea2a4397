"""The ten script tasks, and how a program that does them is asked: a line of JSON in, a line of JSON out.

    {"task": "count", "given": {…}, "seconds": 0.3}

is answered with how long the task took, the median of as many repetitions as fit into those seconds, and with what came out
of it: the number of rows, a digest of them, and the first.
"""

from __future__ import annotations

import hashlib
import json
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from statistics import median

TASKS = {
    "key": "20 stories, each by its key",
    "find": "find: stories of an owner in a state",
    "count": "count the open defects",
    "loop": "10,000 stories with owner, project, tasks",
    "sum": "sum of the estimates of all stories, by owner",
    "sprint": "open defects of an iteration, by priority",
    "sort": "sort all defects by two keys, take 50",
    "allowed": "allowed values of four fields",
    "tags": "the tags of 1,000 defects",
    "update": "change a field of 100 defects",
}
"""Name -> what it is, in the order in which they run. `update` comes last, since it alone changes anything."""

LOOPED = 10_000
TAGGED = 1_000
SORTED = 50
UPDATED = 100
LISTS = (
    ("Defect", "State"),
    ("Defect", "Severity"),
    ("Defect", "Priority"),
    ("HierarchicalRequirement", "ScheduleState"),
)
"""Type and field, of those whose allowed values are asked for."""


@dataclass(frozen=True, slots=True)
class Given:
    """What the tasks are about.

    Attributes:
        keys: of stories.
        owner: shown name of somebody who owns stories.
        iteration: name of one that has open defects.
        state: of the defects that are changed.
        text: that their notes become.
    """

    keys: tuple[str, ...]
    owner: str = ""
    iteration: str = ""
    state: str = ""
    text: str = ""


Row = Sequence[object]
Task = Callable[[Given], "list[Row]"]


def serve(tasks: Mapping[str, Task], clean: Callable[[], object] = lambda: None) -> None:
    """Answer questions until stdin ends.

    Args:
        clean: called after each answer, outside the time.
    """
    print("ready", flush=True)
    for line in sys.stdin:
        asked = json.loads(line)
        try:
            work = partial(tasks[asked["task"]], Given(**asked["given"]))
            took, rows = _timed(work, asked["seconds"])
            answer = {**asdict(took), **told(rows)}
            clean()
        except Exception as error:  # it is told, and the others go on
            answer = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), flush=True)


@dataclass(frozen=True, slots=True)
class Took:
    """What a task took.

    Attributes:
        seconds: by the clock on the wall.
        cpu_seconds: of the program itself; what a server does for it is not in it.
    """

    seconds: float
    cpu_seconds: float


def _timed(work: Callable[[], list[Row]], budget: float) -> tuple[Took, list[Row]]:
    found: list[float] = []
    cpu: list[float] = []
    rows: list[Row] = []
    while not found or sum(found) + max(found) < budget:
        del rows
        started, begun = time.perf_counter(), time.process_time()
        rows = work()
        found.append(time.perf_counter() - started)
        cpu.append(time.process_time() - begun)
    return Took(median(found), median(cpu)), rows


def told(rows: Sequence[Row]) -> dict[str, object]:
    """Return the number of rows, a digest of them, and the first."""
    plain = [[_plain(each) for each in row] for row in rows]
    digest = hashlib.sha256(json.dumps(plain).encode()).hexdigest()
    return {"rows": len(plain), "digest": digest, "first": plain[:1]}


def _plain(value: object) -> object:
    """Return a value in the one form that all programs agree on: 3.0 is 3, and nothing is null."""
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value if isinstance(value, str | int | float) and value != "" else None
