"""What a further sync costs and finds: quiet ones, equal stamps, clocks that differ, replicas that lag."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from mirror.errors import MassDeleteError
from mirror.model.page import KeyRange
from mirror.simulators.clock import ManualClock
from mirror.simulators.rally import RallySimulator
from mirror.store.store import Store
from tests.support.rally import source_of, sync
from tests.support.rally_truth import differences


@pytest.fixture
def tracker() -> Iterator[RallySimulator]:
    with RallySimulator(records=300, seed=3) as simulator:
        yield simulator


@pytest.mark.parametrize("workspace", ["name", "id"])
def test_a_quiet_sync_of_forty_types_costs_at_most_eight_requests_and_writes_no_row(
    store: Store, tracker: RallySimulator, workspace: str
) -> None:
    named = tracker.world.item(tracker.world.landmarks.workspace).values["Name"]
    scope = {"workspace": named if workspace == "name" else str(tracker.world.landmarks.workspace)}
    source = source_of(tracker, scope=scope)
    sync(tracker, store, source=source)
    sync(tracker, store, source=source)
    tracker.requests.clear()
    report = sync(tracker, store, source=source)
    assert len(store.layouts("acme")) >= 40
    assert len(tracker.requests) <= 8
    assert report.requests == len(tracker.requests)
    tally = report.tally
    assert (tally.inserted, tally.updated, tally.tombstoned) == (0, 0, 0)


def test_the_second_sync_fetches_only_what_changed(store: Store, tracker: RallySimulator) -> None:
    sync(tracker, store)
    story = tracker.world.ids("HierarchicalRequirement")[7]
    tracker.world.update(story, {"Name": "only this one"})
    report = sync(tracker, store)
    assert report.tally.inserted <= 1  # the revision that the edit wrote
    assert 1 <= report.tally.updated <= 6  # the story, and the records that count it
    assert differences(store, "acme", tracker) == []


def test_records_of_the_same_millisecond_are_all_found(store: Store) -> None:
    clock = ManualClock(datetime(2026, 3, 1, 12, tzinfo=UTC))
    with RallySimulator(records=200, seed=1, clock=clock) as tracker:
        sync(tracker, store)
        first, second, third = tracker.world.ids("Defect")[:3]
        tracker.world.update(first, {"Name": "one"})
        sync(tracker, store)
        tracker.world.update(second, {"Name": "two"})
        tracker.world.update(first, {"Name": "one again"})
        sync(tracker, store)
        tracker.world.update(third, {"Name": "three"})
        sync(tracker, store)
        assert differences(store, "acme", tracker) == []


@pytest.mark.parametrize("hours", [-5, 7])
def test_a_server_clock_that_differs_by_hours_changes_nothing(store: Store, tracker: RallySimulator, hours: int) -> None:
    tracker.switches = tracker.switches.with_changes({"clock_offset_seconds": hours * 3600.0})
    sync(tracker, store)
    tracker.world.update(tracker.world.ids("Defect")[0], {"Name": "changed"})
    tracker.world.delete(tracker.world.ids("Task")[0])
    assert sync(tracker, store).exit_code == 0
    assert differences(store, "acme", tracker) == []


def test_what_a_lagging_replica_hides_is_found_once_it_shows(store: Store) -> None:
    clock = ManualClock(datetime(2026, 3, 1, 12, tzinfo=UTC))
    with RallySimulator(records=200, seed=1, clock=clock) as tracker:
        tracker.switches = tracker.switches.with_changes({"replica_lag_seconds": 8.0})
        clock.advance(60)
        sync(tracker, store)
        for step in range(4):
            tracker.world.update(tracker.world.ids("Defect")[step], {"Name": f"step {step}"})
            clock.advance(5)
            sync(tracker, store)
        clock.advance(60)
        assert sync(tracker, store).exit_code == 0
        assert differences(store, "acme", tracker) == []


def test_a_listing_that_comes_back_empty_deletes_nothing(store: Store, tracker: RallySimulator) -> None:
    sync(tracker, store)
    known = store.count(store.layouts("acme")["HierarchicalRequirement"], KeyRange())
    for project in tracker.world.ids("Project"):
        tracker.world.hide_project(project)
    report = sync(tracker, store)
    assert report.exit_code == MassDeleteError.exit_code
    assert "HierarchicalRequirement" in {each.type_name for each in report.refused}
    assert store.count(store.layouts("acme")["HierarchicalRequirement"], KeyRange()) == known
    allowed = sync(tracker, store, allow_mass_delete=True)
    assert allowed.tally.tombstoned >= known
    assert differences(store, "acme", tracker) == []


def test_a_dropped_workspace_scope_deletes_nothing(store: Store, tracker: RallySimulator) -> None:
    other = str(tracker.world.landmarks.other_workspace)
    source = source_of(tracker, scope={"workspace": other})
    sync(tracker, store, source=source)
    before = {name: store.count(each, KeyRange()) for name, each in store.layouts("acme").items()}
    tracker.switches = tracker.switches.with_changes({"workspace_scope_dropped": True})
    report = sync(tracker, store, source=source)
    after = {name: store.count(each, KeyRange()) for name, each in store.layouts("acme").items()}
    assert report.tally.tombstoned == 0
    assert all(after[name] >= count for name, count in before.items())


def test_a_deleted_record_becomes_a_tombstone_with_its_reason_and_comes_back_when_restored(
    store: Store, tracker: RallySimulator
) -> None:
    sync(tracker, store)
    layout = store.layouts("acme")["Defect"]
    defect = tracker.world.ids("Defect")[0]
    tracker.world.delete(defect)
    sync(tracker, store)
    assert (defect, "deleted") in [(key, str(reason)) for key, reason in store.tombstones("acme", "Defect")]
    tracker.world.restore(defect)
    sync(tracker, store)
    assert store.revisions(layout, [defect])
    assert store.tombstones("acme", "Defect") == []
    assert differences(store, "acme", tracker) == []


def test_new_vanished_and_retyped_fields_lose_no_value(store: Store, tracker: RallySimulator) -> None:
    world = tracker.world
    world.add_field("Defect", "c_Effort", "integer")
    first, second = world.ids("Defect")[:2]
    world.update(first, {"c_Effort": 5})
    sync(tracker, store)
    world.retype_field("Defect", "c_Effort", "string")
    world.update(second, {"c_Effort": "much"})
    world.add_field("Defect", "c_Extra", "boolean")
    world.update(second, {"c_Extra": True})
    assert sync(tracker, store).exit_code == 0
    assert differences(store, "acme", tracker) == []
    world.remove_field("Defect", "c_Extra")
    assert sync(tracker, store).exit_code == 0
    assert differences(store, "acme", tracker) == []
    with store.read("SELECT column_name FROM mirror_field WHERE field = 'c_Effort' ORDER BY column_name") as result:
        assert next(result.rows) == ("c_effort",)  # the old column stays beside the new one
