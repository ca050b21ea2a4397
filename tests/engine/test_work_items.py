"""The view `work_item` after whole syncs of a simulated Rally, held against the tracker's own documents."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from mirror.model.work_item import Category
from mirror.simulators.rally import RallySimulator
from mirror.store.store import Store
from tests.store.samples import stored
from tests.support.databases import execute
from tests.support.rally import source_of, sync

SCHEDULED = ("HierarchicalRequirement", "Defect", "DefectSuite", "TestSet")
PORTFOLIO = ("PortfolioItem/Feature", "PortfolioItem/Initiative", "PortfolioItem/Theme")
WORK = (*SCHEDULED, "Task", *PORTFOLIO)
PAGES = {"HierarchicalRequirement": "userstory", "DefectSuite": "defectsuite", "TestSet": "testset"}


@pytest.fixture
def tracker() -> Iterator[RallySimulator]:
    with RallySimulator(records=300, seed=5) as simulator:
        yield simulator


def document(tracker: RallySimulator, reference: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return the document that a reference leads to; empty for none."""
    if not reference:
        return {}
    return tracker.world.truth(reference["_type"]).get(int(reference["_ref"].rsplit("/", 1)[1]), {})


def name(reference: Mapping[str, Any] | None) -> str | None:
    return reference["_refObjectName"] if reference else None


def category(tracker: RallySimulator, kind: str, found: Mapping[str, Any]) -> str:
    """Return what the work has come to, as a reader of Rally's own pages would say."""
    if kind in PORTFOLIO:
        state = document(tracker, found["State"])
        is_done, is_begun = state.get("AcceptedMarker"), state.get("InProgressMarker")
        if found["ActualEndDate"] or is_done:
            return "done"
        return "doing" if found["ActualStartDate"] or is_begun else "todo"
    if kind == "Task":
        return {"Defined": "todo", "In-Progress": "doing", "Completed": "done"}[found["State"]]
    planned = {"Defined": "todo", "In-Progress": "doing", "Completed": "doing", "Accepted": "done"}[found["ScheduleState"]]
    if kind == "Defect" and found["State"] == "Closed":
        return "done"
    return "doing" if kind == "Defect" and found["State"] == "Fixed" and planned == "todo" else planned


def parent_key(tracker: RallySimulator, found: Mapping[str, Any]) -> str | None:
    above = (found.get(each) for each in ("Parent", "PortfolioItem", "Feature", "WorkProduct", "Requirement"))
    return next((key for each in above if each and (key := document(tracker, each).get("FormattedID"))), None)


def expected(tracker: RallySimulator, kind: str, key: int, found: Mapping[str, Any]) -> tuple[Any, ...]:
    state = name(found["State"]) if kind in PORTFOLIO else found.get("State") or found["ScheduleState"]
    estimate = {"Task": "Estimate"}.get(kind, "RefinedEstimate" if kind in PORTFOLIO else "PlanEstimate")
    is_done = category(tracker, kind, found) == "done"
    closed = (found.get("ClosedDate") or found.get("AcceptedDate") or found.get("ActualEndDate")) if is_done else None
    page = PAGES.get(kind, kind.lower())
    return (
        *("acme", "rally", kind, key, found["FormattedID"], found["Name"], state, category(tracker, kind, found)),
        *(name(found.get(each)) for each in ("Owner", "Project", "Iteration", "Release")),
        *(found.get(estimate), parent_key(tracker, found), found["CreationDate"], found["LastUpdateDate"], closed),
        f"{tracker.url}/#/detail/{page}/{key}",
    )


def test_every_artifact_shows_as_its_document_says(each_store: Store, tracker: RallySimulator) -> None:
    assert sync(tracker, each_store).exit_code == 0
    with tracker.world.lock:
        truth = {kind: tracker.world.truth(kind) for kind in WORK}
        wanted = [expected(tracker, kind, key, found) for kind, rows in truth.items() for key, found in rows.items()]
    found = stored(each_store, "SELECT * FROM work_item")
    assert sorted(map(comparable, found)) == sorted(map(comparable, wanted))
    assert {row[7] for row in found} == {"todo", "doing", "done"}
    assert {row[2] for row in found} == set(WORK)


def comparable(row: tuple[Any, ...]) -> tuple[str, ...]:
    return tuple(str(float(each)) if place == 12 and each is not None else str(each) for place, each in enumerate(row))


def test_a_change_of_states_in_the_settings_takes_effect_with_the_next_sync(store: Store, tracker: RallySimulator) -> None:
    sync(tracker, store)
    before = stored(store, "SELECT count(*) FROM work_item WHERE type = 'Defect' AND state = 'Fixed'")
    told = source_of(tracker, states={"Defect.fixed": Category.DONE})
    assert sync(tracker, store, source=told).tally.updated == 0
    fixed = "SELECT count(*) FROM work_item WHERE type = 'Defect' AND state = 'Fixed' AND state_category = 'done'"
    assert stored(store, fixed) == before != [(0,)]
    sync(tracker, store)
    assert stored(store, fixed) < before


def test_what_changes_on_the_tracker_changes_in_the_view(store: Store, tracker: RallySimulator) -> None:
    sync(tracker, store)
    (key, number) = stored(store, "SELECT id, key FROM work_item WHERE type = 'Task' AND state_category = 'todo' LIMIT 1")[0]
    tracker.world.update(key, {"State": "Completed"})
    sync(tracker, store)
    assert stored(store, f"SELECT state, state_category FROM work_item WHERE key = '{number}'") == [("Completed", "done")]


def test_what_a_new_catalog_wants_indexed_is_indexed(each_store: Store, database_url: str, tracker: RallySimulator) -> None:
    sync(tracker, each_store)
    is_sqlite = database_url.startswith("sqlite")
    before = sorted(stored(each_store, _INDEXES_SQLITE if is_sqlite else _INDEXES_POSTGRES))
    for (index,) in before:
        execute(database_url, f"DROP INDEX {index}")
    execute(database_url, "UPDATE mirror_source SET digest = ''")  # as a new version of the program does
    sync(tracker, each_store)
    assert sorted(stored(each_store, _INDEXES_SQLITE if is_sqlite else _INDEXES_POSTGRES)) == before != []


_INDEXES_SQLITE = "SELECT name FROM sqlite_master WHERE type = 'index' AND name LIKE 'ix_rally_%'"
_INDEXES_POSTGRES = "SELECT indexname FROM pg_indexes WHERE indexname LIKE 'ix_rally_%' AND schemaname = current_schema()"
