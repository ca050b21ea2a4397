"""The ten script tasks with pyral, as its documentation would have them written, in the largest pages it may ask for.

    python -m benchmarks.script_pyral http://127.0.0.1:8080 SECRET Acme "Acme Products"

connects, prints a line, and does tasks (see script_tasks.py); with `--first` it reads one story by its key instead.
"""

from __future__ import annotations

import argparse
import warnings
from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from benchmarks.script_tasks import LISTS, LOOPED, SORTED, TAGGED, UPDATED, Given, Row, Task, serve, told

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # its own modules have invalid escapes in their texts
    import pyral
    import pyral.restapi

PAGE = 2000


class Tasks:
    """The tasks, on one connection. References show a name without a request; pyral calls it Name, whatever the type."""

    def __init__(self, rally: Any) -> None:
        self._rally = rally
        self._requests = 0
        rally.session.hooks["response"].append(self._count)

    def _count(self, response: Any, *_more: object, **_options: object) -> None:
        self._requests += 1

    def all(self) -> Mapping[str, Task]:
        """Return name -> task."""
        return {
            "key": self.key,
            "find": self.find,
            "count": self.count,
            "loop": self.loop,
            "joined": self.joined,
            "sum": self.sum,
            "sprint": self.sprint,
            "sort": self.sort,
            "allowed": self.allowed,
            "tags": self.tags,
            "update": self.update,
            "requests": lambda given: [[self._requests]],
        }

    def _get(self, type_name: str, fetch: str, query: str = "", **more: Any) -> Any:
        """List records of the whole workspace."""
        return self._rally.get(type_name, fetch=fetch, query=query, project=None, **{"pagesize": PAGE, **more})

    def key(self, given: Given) -> list[Row]:
        fetch = "FormattedID,Name,ScheduleState,Owner"
        rows: list[Row] = []
        for key in given.keys:
            story = self._get("Story", fetch, f'FormattedID = "{key}"', instance=True)
            rows.append([story.FormattedID, story.Name, story.ScheduleState, _name(story.Owner)])
        return rows

    def find(self, given: Given) -> list[Row]:
        query = f'((Owner.DisplayName = "{given.owner}") AND (ScheduleState = "In-Progress"))'
        stories = self._get("Story", "FormattedID,Name", query, order="ObjectID")
        return [[story.FormattedID, story.Name] for story in stories]

    def count(self, given: Given) -> list[Row]:
        return [[self._get("Defect", "ObjectID", 'State = "Open"', pagesize=1, limit=1).resultCount]]

    def loop(self, given: Given) -> list[Row]:
        """Ask for the tasks of each story that has any: one request each."""
        rows: list[Row] = []
        for story in self._get("Story", "FormattedID,Owner,Project,Tasks", order="ObjectID", limit=LOOPED):
            tasks = sorted(task.Name for task in story.Tasks)
            rows.append([story.FormattedID, story.Project.Name, _name(story.Owner), tasks])
        return rows

    def joined(self, given: Given) -> list[Row]:
        """Do the same as `loop`, as somebody would who knows what requests cost: two listings, joined by hand."""
        tasks = defaultdict(list)
        for task in self._get("Task", "Name,WorkProduct"):
            tasks[task.WorkProduct.oid].append(task.Name)
        return [
            [story.FormattedID, story.Project.Name, _name(story.Owner), sorted(tasks[story.oid])]
            for story in self._get("Story", "FormattedID,Owner,Project", order="ObjectID", limit=LOOPED)
        ]

    def sum(self, given: Given) -> list[Row]:
        sums: dict[str, float] = defaultdict(float)
        for story in self._get("Story", "Owner,PlanEstimate"):
            sums[_name(story.Owner)] += story.PlanEstimate or 0
        return [*sorted(sums.items())]

    def sprint(self, given: Given) -> list[Row]:
        query = f'((Iteration.Name = "{given.iteration}") AND (State = "Open"))'
        defects = self._get("Defect", "FormattedID,Priority,Owner", query, order="Priority,ObjectID")
        return [[defect.FormattedID, defect.Priority, _name(defect.Owner)] for defect in defects]

    def sort(self, given: Given) -> list[Row]:
        fetch, order = "FormattedID,Name,Severity", "Severity,CreationDate DESC"
        defects = self._get("Defect", fetch, order=order, pagesize=SORTED, limit=SORTED)
        return [[defect.FormattedID, defect.Name, defect.Severity] for defect in defects]

    def allowed(self, given: Given) -> list[Row]:
        return [[each for each in self._rally.getAllowedValues(*field) if each] for field in LISTS]

    def tags(self, given: Given) -> list[Row]:
        """Ask for the tags of each defect that has any: one request each."""
        defects = self._get("Defect", "FormattedID,Tags", order="ObjectID", limit=TAGGED)
        return [[defect.FormattedID, sorted(tag.Name for tag in defect.Tags)] for defect in defects]

    def update(self, given: Given) -> list[Row]:
        rows: list[Row] = []
        query = f'State = "{given.state}"'
        for defect in self._get("Defect", "FormattedID", query, order="ObjectID", pagesize=UPDATED, limit=UPDATED):
            changed = self._rally.update("Defect", {"ObjectID": defect.oid, "Notes": given.text}, project=None)
            rows.append([changed.FormattedID, changed.Notes])
        return rows


def connect(url: str, secret: str, workspace: str, project: str) -> Any:
    """Connect to a tracker on the loopback interface.

    Args:
        project: the topmost. Collections have only what is in or below it, whatever was said when their owner was listed.
    """
    pyral.restapi.PROTOCOL = "http"  # there is no setting for it
    server = url.removeprefix("http://")
    rally = pyral.Rally(server=server, apikey=secret, workspace=workspace, project=project, isolated_workspace=True)
    rally.session.trust_env = False
    return rally


def _name(reference: Any) -> str:
    return reference.Name if reference else ""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("url")
    parser.add_argument("secret")
    parser.add_argument("workspace")
    parser.add_argument("project")
    parser.add_argument("--first", help="key of a story")
    chosen = parser.parse_args()
    tasks = Tasks(connect(chosen.url, chosen.secret, chosen.workspace, chosen.project))
    if chosen.first:
        print(told(tasks.key(Given((chosen.first,)))))
    else:
        serve(tasks.all())


if __name__ == "__main__":
    main()
