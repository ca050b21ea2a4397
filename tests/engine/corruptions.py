"""What may have happened to a mirror behind its back, each to a record of its own, so that all can happen at once."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from typing import Any

from mirror.model.verification import Drift
from tests.support.databases import overwrite, raw_rows

TYPES = ("Defect", "Task", "Tag", "HierarchicalRequirement", "TestSet")
"""Types that are enough for all of them."""

Drifting = tuple[str, int, Drift]
Corrupt = Callable[[str, Collection[int]], Drifting]
"""Does something to a record that is not among some others; returns the drift that makes."""


def one(url: str, query: str, spared: Collection[int] = ()) -> Any:
    """Return the first value in the first column that is not among some."""
    return next(row[0] for row in raw_rows(url, query) if row[0] not in spared)


def lose_a_row(url: str, spared: Collection[int] = ()) -> Drifting:
    key = one(url, "SELECT id FROM rally_defect ORDER BY id", spared)
    overwrite(url, f"DELETE FROM rally_defect WHERE id = {key}")
    return "Defect", key, Drift.MISSING


def age_a_row(url: str, spared: Collection[int] = ()) -> Drifting:
    key = one(url, "SELECT id FROM rally_task ORDER BY id DESC", spared)
    overwrite(url, f"UPDATE rally_task SET _revision = 'older', name = 'older' WHERE id = {key}")
    return "Task", key, Drift.STALE


def invent_a_row(url: str, _spared: Collection[int] = ()) -> Drifting:
    overwrite(
        url,
        "INSERT INTO rally_tag (source, id, _revision, _synced_at, name) VALUES ('acme', 77, '1', '2026-01-01Z', 'never')",
    )
    return "Tag", 77, Drift.SURPLUS


def change(table: str, type_name: str, setting: str) -> Corrupt:
    """Return what gives another value to a column of a row that has one."""

    def changed(url: str, spared: Collection[int]) -> Drifting:
        column = setting.partition(" = ")[0]
        key = one(url, f"SELECT id FROM {table} WHERE {column} IS NOT NULL ORDER BY id", spared)
        overwrite(url, f"UPDATE {table} SET {setting} WHERE id = {key}")
        return type_name, key, Drift.DIFFERING

    return changed


def drop_links(url: str, spared: Collection[int]) -> Drifting:
    key = one(url, "SELECT id FROM rally_defect__tags ORDER BY id", spared)
    overwrite(url, f"DELETE FROM rally_defect__tags WHERE id = {key}")
    return "Defect", key, Drift.DIFFERING


def swap_links(url: str, spared: Collection[int]) -> Drifting:
    key = one(url, "SELECT id FROM rally_test_set__test_cases GROUP BY id HAVING count(*) > 1 ORDER BY id", spared)
    for before, after in ((0, -1), (1, 0), (-1, 1)):
        overwrite(url, f"UPDATE rally_test_set__test_cases SET position = {after} WHERE position = {before} AND id = {key}")
    return "TestSet", key, Drift.DIFFERING


CORRUPTIONS: dict[str, Corrupt] = {
    "a row is lost": lose_a_row,
    "a row is older": age_a_row,
    "a row is invented": invent_a_row,
    "a text is another": change("rally_defect", "Defect", "description = 'not theirs'"),
    "a text is null": change("rally_hierarchical_requirement", "HierarchicalRequirement", "name = NULL"),
    "a number is a little off": change("rally_task", "Task", "estimate = estimate + 0.001"),
    "a truth is turned": change("rally_defect", "Defect", "blocked = NOT blocked"),
    "an instant is a millisecond late": change("rally_defect", "Defect", "creation_date = '2001-01-01T00:00:00.001Z'"),
    "a referenced name is another": change("rally_defect", "Defect", "owner_name = 'nobody'"),
    "links are dropped": drop_links,
    "links are in another order": swap_links,
    "a link shows another name": change("rally_defect__tags", "Defect", "target_name = 'other'"),
}


def corrupt(url: str, names: Iterable[str]) -> dict[str, Drifting]:
    """Do some of them, each to a record of its own; return the drifts that makes, by their names."""
    done: dict[str, Drifting] = {}
    for name in names:
        done[name] = CORRUPTIONS[name](url, {key for _type, key, _drift in done.values()})
    return done
