"""The view `work_item` after whole syncs of a simulated Rally, held against the tracker's own documents."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import pytest

from mirror.engine.sync import SyncReport
from mirror.model.work_item import Category
from mirror.simulators.rally import RallySimulator
from mirror.store.store import Store
from tests.store.samples import stored
from tests.support import rally
from tests.support.databases import execute
from tests.support.rally import source_of

SCHEDULED = ("HierarchicalRequirement", "Defect", "DefectSuite", "TestSet")
PORTFOLIO = ("PortfolioItem/Feature", "PortfolioItem/Initiative", "PortfolioItem/Theme")
WORK = (*SCHEDULED, "Task", *PORTFOLIO)
PAGES = {"HierarchicalRequirement": "userstory", "DefectSuite": "defectsuite", "TestSet": "testset"}


TYPES = (*WORK, "Project", "User", "Iteration", "Release", "State", "FlowState")


@dataclass(frozen=True)
class World:
    """A simulated Rally and a mirror of it."""

    tracker: RallySimulator
    store: Store
    url: str


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def world(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """One in a database of each kind; each test finds everything synced, with no states in the settings."""
    with ExitStack() as stack:
        url = f"sqlite:///{tmp_path_factory.mktemp('world') / 'mirror.db'}"
        if request.param == "postgres":
            url = stack.enter_context(request.getfixturevalue("postgres").fresh_url())
        tracker = stack.enter_context(RallySimulator(records=200, seed=5))
        made = World(tracker, stack.enter_context(Store.open(url)), url)
        assert sync(made).exit_code == 0
        yield made


ON_SQLITE = pytest.mark.parametrize("world", ["sqlite"], indirect=True)


def sync(world: World, **settings: Any) -> SyncReport:
    """Sync the types that this is about."""
    source = source_of(world.tracker, types=TYPES, **settings)
    return rally.sync(world.tracker, world.store, source=source)


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


def test_every_artifact_shows_as_its_document_says(world: World) -> None:
    tracker = world.tracker
    with tracker.world.lock:
        truth = {kind: tracker.world.truth(kind) for kind in WORK}
        wanted = [expected(tracker, kind, key, found) for kind, rows in truth.items() for key, found in rows.items()]
    found = stored(world.store, "SELECT * FROM work_item")
    assert sorted(map(comparable, found)) == sorted(map(comparable, wanted))
    assert {row[7] for row in found} == {"todo", "doing", "done"}
    assert {row[2] for row in found} == set(WORK)


def comparable(row: tuple[Any, ...]) -> tuple[str, ...]:
    return tuple(str(float(each)) if place == 12 and each is not None else str(each) for place, each in enumerate(row))


@ON_SQLITE
def test_a_change_of_states_in_the_settings_takes_effect_with_the_next_sync(world: World) -> None:
    store = world.store
    before = stored(store, "SELECT count(*) FROM work_item WHERE type = 'Defect' AND state = 'Fixed'")
    assert sync(world, states={"Defect.fixed": Category.DONE}).tally.updated == 0
    fixed = "SELECT count(*) FROM work_item WHERE type = 'Defect' AND state = 'Fixed' AND state_category = 'done'"
    assert stored(store, fixed) == before != [(0,)]
    sync(world)
    assert stored(store, fixed) < before


@ON_SQLITE
def test_what_changes_on_the_tracker_changes_in_the_view(world: World) -> None:
    store = world.store
    (key, number) = stored(store, "SELECT id, key FROM work_item WHERE type = 'Task' AND state_category = 'todo' LIMIT 1")[0]
    world.tracker.world.update(key, {"State": "Completed"})
    sync(world)
    assert stored(store, f"SELECT state, state_category FROM work_item WHERE key = '{number}'") == [("Completed", "done")]


def test_what_a_new_catalog_wants_indexed_is_indexed(world: World) -> None:
    is_sqlite = world.url.startswith("sqlite")
    before = sorted(stored(world.store, _INDEXES_SQLITE if is_sqlite else _INDEXES_POSTGRES))
    for (index,) in before:
        execute(world.url, f"DROP INDEX {index}")
    execute(world.url, "UPDATE mirror_source SET digest = ''")  # as a new version of the program does
    sync(world)
    assert sorted(stored(world.store, _INDEXES_SQLITE if is_sqlite else _INDEXES_POSTGRES)) == before != []


_INDEXES_SQLITE = "SELECT name FROM sqlite_master WHERE type = 'index' AND name LIKE 'ix_rally_%'"
_INDEXES_POSTGRES = "SELECT indexname FROM pg_indexes WHERE indexname LIKE 'ix_rally_%' AND schemaname = current_schema()"
