"""The ten script tasks with mirror, as docs/python.md would have them written.

    python -m benchmarks.script_mirror mirror.toml

opens the mirror, prints a line, and does tasks (see script_tasks.py); with `--first` it reads one story by its key instead,
with `--walk` it looks at so many artifacts, one after the other.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from collections.abc import Callable, Mapping

from sqlalchemy import Engine, event

import mirror
from benchmarks.script_tasks import LISTS, LOOPED, SORTED, TAGGED, UPDATED, Given, Row, Task, serve, told
from mirror.script.source import SourceView

SOURCE = "bench"


class Tasks:
    """The tasks, on one open mirror."""

    def __init__(self, m: mirror.Mirror) -> None:
        self._m = m
        self._acme: SourceView = m[SOURCE]

    def all(self) -> Mapping[str, Task]:
        """Return name -> task."""
        return {
            "key": self.key,
            "find": self.find,
            "count": self.count,
            "loop": self.loop,
            "sum": self.sum,
            "sprint": self.sprint,
            "sort": self.sort,
            "allowed": self.allowed,
            "tags": self.tags,
            "update": self.update,
            "push": self.push,
            "few": lambda given: self._statements(lambda: self._looped(LOOPED // 100)),
            "many": lambda given: self._statements(lambda: self._looped(LOOPED)),
        }

    def key(self, given: Given) -> list[Row]:
        stories = [self._acme.get(key) for key in given.keys]
        return [[story.FormattedID, story.Name, story.ScheduleState, story.Owner.DisplayName or ""] for story in stories]

    def find(self, given: Given) -> list[Row]:
        query = f'((Owner.DisplayName = "{given.owner}") AND (ScheduleState = "In-Progress"))'
        stories = self._acme.HierarchicalRequirement.find(query).order("ObjectID")
        return [[story.FormattedID, story.Name] for story in stories]

    def count(self, given: Given) -> list[Row]:
        return [[self._acme.Defect.find('(State = "Open")').count()]]

    def loop(self, given: Given) -> list[Row]:
        return self._looped(LOOPED)

    def _looped(self, stories: int) -> list[Row]:
        rows: list[Row] = []
        for story in self._acme.HierarchicalRequirement.order("ObjectID").limit(stories):
            tasks = sorted(task.Name for task in story.Tasks)
            rows.append([story.FormattedID, story.Project.Name, story.Owner.DisplayName or "", tasks])
        return rows

    def sum(self, given: Given) -> list[Row]:
        sums: dict[str, float] = defaultdict(float)
        for owner, estimate in self._acme.HierarchicalRequirement.select("Owner.DisplayName", "PlanEstimate").rows():
            sums[owner or ""] += estimate or 0
        return [*sorted(sums.items())]

    def sprint(self, given: Given) -> list[Row]:
        query = f'((Iteration.Name = "{given.iteration}") AND (State = "Open"))'
        defects = self._acme.Defect.find(query).order("Priority", "ObjectID")
        return [[defect.FormattedID, defect.Priority, defect.Owner.DisplayName or ""] for defect in defects]

    def sort(self, given: Given) -> list[Row]:
        defects = self._acme.Defect.order("Severity", "-CreationDate").limit(SORTED)
        return [[defect.FormattedID, defect.Name, defect.Severity] for defect in defects]

    def allowed(self, given: Given) -> list[Row]:
        return [self._acme.allowed_values(*field) for field in LISTS]

    def tags(self, given: Given) -> list[Row]:
        defects = self._acme.Defect.order("ObjectID").limit(TAGGED)
        return [[defect.FormattedID, sorted(tag.Name for tag in defect.Tags)] for defect in defects]

    def update(self, given: Given) -> list[Row]:
        """Change them and put that into the queue, where it is safe; nothing is sent."""
        rows: list[Row] = []
        for defect in self._acme.Defect.where(State=given.state).order("ObjectID").limit(UPDATED):
            defect.Notes = given.text
            rows.append([defect.FormattedID, defect.Notes])
        self._m.queue()
        return rows

    def push(self, given: Given) -> list[Row]:
        """Change them and write them to the tracker."""
        rows = self.update(given)
        done = [each for outcome in self._m.push() if outcome.report for each in outcome.report.changes]
        if [each.outcome for each in done] != ["done"] * len(rows):
            raise RuntimeError(f"not all were written: {done}")
        return rows

    def discard(self) -> None:
        """Take back what waits."""
        if self._m.changes():
            self._m.discard()

    def _statements(self, work: Callable[[], list[Row]]) -> list[Row]:
        """Return how many statements of SQL the work takes, beside those around transactions."""
        ran = 0

        def note(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
            nonlocal ran
            ran += not statement.startswith(("BEGIN", "PRAGMA"))

        event.listen(Engine, "before_cursor_execute", note)
        try:
            work()
        finally:
            event.remove(Engine, "before_cursor_execute", note)
        return [[ran]]


def walk(m: mirror.Mirror, artifacts: int) -> int:
    """Look at a field of so many artifacts of all types; return at how many there were."""
    return sum(each.FormattedID != "" for each in m[SOURCE].Artifact.limit(artifacts))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("settings")
    parser.add_argument("--first", help="key of a story")
    parser.add_argument("--walk", type=int, help="a number of artifacts")
    chosen = parser.parse_args()
    with mirror.open(chosen.settings) as m:
        if chosen.walk:
            print(walk(m, chosen.walk))
        elif chosen.first:
            print(told(Tasks(m).key(Given((chosen.first,)))))
        else:
            tasks = Tasks(m)
            serve(tasks.all(), tasks.discard)


if __name__ == "__main__":
    main()
