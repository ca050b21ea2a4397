"""The ten script tasks with sqlite3 and SQL by hand, on the database that mirror has made: the least that Python can take.

    python -m benchmarks.script_floor mirror.db

opens the file, prints a line, and does tasks (see script_tasks.py); with `--first` it reads one story by its key instead.
"""

from __future__ import annotations

import argparse
import json
import sqlite3
from collections import defaultdict
from collections.abc import Mapping
from contextlib import closing

from benchmarks.script_tasks import LISTS, LOOPED, SORTED, TAGGED, UPDATED, Given, Row, Task, serve, told

STORY = "rally_hierarchical_requirement"
SOURCE = "bench"


class Tasks:
    """The tasks, on one connection."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

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
        }

    def _rows(self, query: str, *values: object) -> list[Row]:
        return self._connection.execute(query, (SOURCE, *values)).fetchall()

    def _ranks(self, field: str) -> str:
        """Return the expression of a defect's place in the order of a field's allowed values."""
        found = self._rows(
            "SELECT allowed_values FROM mirror_field WHERE source = ? AND type = 'Defect' AND field = ?", field
        )
        places = " ".join(f"WHEN '{each}' THEN {rank}" for rank, each in enumerate(json.loads(str(found[0][0]))))
        return f"CASE d.{field.lower()} {places} END"

    def key(self, given: Given) -> list[Row]:
        query = f"SELECT formatted_id, name, schedule_state, owner_name FROM {STORY} WHERE source = ? AND formatted_id = ?"
        return [self._rows(query, key)[0] for key in given.keys]

    def find(self, given: Given) -> list[Row]:
        query = f"""SELECT s.formatted_id, s.name FROM {STORY} s
            JOIN rally_user u ON u.source = s.source AND u.id = s.owner_id
            WHERE s.source = ? AND u.display_name = ? AND s.schedule_state = 'In-Progress' ORDER BY s.id"""
        return self._rows(query, given.owner)

    def count(self, given: Given) -> list[Row]:
        return self._rows("SELECT count(*) FROM rally_defect WHERE source = ? AND state = 'Open'")

    def loop(self, given: Given) -> list[Row]:
        tasks = defaultdict(list)
        query = """SELECT work_product_id, name FROM rally_task WHERE source = ? AND work_product_id <= ?"""
        last = f"SELECT max(id) FROM (SELECT id FROM {STORY} WHERE source = ? ORDER BY id LIMIT ?)"
        for story, name in self._rows(query, self._rows(last, LOOPED)[0][0]):
            tasks[story].append(str(name))
        query = f"SELECT id, formatted_id, project_name, owner_name FROM {STORY} WHERE source = ? ORDER BY id LIMIT ?"
        return [[key, project, owner, sorted(tasks[number])] for number, key, project, owner in self._rows(query, LOOPED)]

    def sum(self, given: Given) -> list[Row]:
        query = f"SELECT coalesce(owner_name, ''), sum(coalesce(plan_estimate, 0)) FROM {STORY} WHERE source = ? GROUP BY 1"
        return self._rows(f"{query} ORDER BY 1")

    def sprint(self, given: Given) -> list[Row]:
        query = f"""SELECT d.formatted_id, d.priority, d.owner_name FROM rally_defect d
            JOIN rally_iteration i ON i.source = d.source AND i.id = d.iteration_id
            WHERE d.source = ? AND i.name = ? AND d.state = 'Open' ORDER BY {self._ranks("Priority")}, d.id"""
        return self._rows(query, given.iteration)

    def sort(self, given: Given) -> list[Row]:
        query = f"""SELECT formatted_id, name, severity FROM rally_defect d WHERE source = ?
            ORDER BY {self._ranks("Severity")}, creation_date DESC, id LIMIT ?"""
        return self._rows(query, SORTED)

    def allowed(self, given: Given) -> list[Row]:
        query = "SELECT allowed_values FROM mirror_field WHERE source = ? AND type = ? AND field = ?"
        return [[each for each in json.loads(str(self._rows(query, *field)[0][0])) if each] for field in LISTS]

    def tags(self, given: Given) -> list[Row]:
        found: dict[str, list[str]] = {}
        query = """SELECT d.formatted_id, t.name FROM (SELECT * FROM rally_defect WHERE source = ? ORDER BY id LIMIT ?) d
            LEFT JOIN rally_defect__tags l ON l.source = d.source AND l.id = d.id
            LEFT JOIN rally_tag t ON t.source = l.source AND t.id = l.target_id ORDER BY d.id"""
        for key, tag in self._rows(query, TAGGED):
            found.setdefault(str(key), []).extend([str(tag)] if tag else [])
        return [[key, sorted(tags)] for key, tags in found.items()]

    def update(self, given: Given) -> list[Row]:
        """Change them as anybody may: the triggers of the tables put it into the queue."""
        query = "SELECT id, formatted_id FROM rally_defect WHERE source = ? AND state = ? ORDER BY id LIMIT ?"
        chosen = self._rows(query, given.state, UPDATED)
        with self._connection:
            query = "UPDATE rally_defect SET notes = ? WHERE source = ? AND id = ?"
            self._connection.executemany(query, [(given.text, SOURCE, each[0]) for each in chosen])
        return [[key, given.text] for _number, key in chosen]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("database")
    parser.add_argument("--first", help="key of a story")
    chosen = parser.parse_args()
    with closing(sqlite3.connect(chosen.database)) as connection:
        connection.execute("PRAGMA synchronous=NORMAL")
        tasks = Tasks(connection)
        if chosen.first:
            print(told(tasks.key(Given((chosen.first,)))))
        else:
            serve(tasks.all())


if __name__ == "__main__":
    main()
