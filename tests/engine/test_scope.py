"""What a source is set to mirror: types by name, and the place they come from."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from mirror.errors import ConfigError, UnknownTypeError
from mirror.model.page import KeyRange
from mirror.model.source import Credential
from mirror.simulators.rally import RallySimulator
from mirror.store.store import Store
from tests.support.rally import source_of, sync
from tests.support.rally_truth import differences


@pytest.fixture
def tracker() -> Iterator[RallySimulator]:
    with RallySimulator(records=200, seed=8) as simulator:
        yield simulator


@pytest.mark.parametrize(
    ("types", "expected"),
    [(("Defect", "Tag"), {"Defect", "Tag"}), (("defect",), {"Defect"}), (("*", "-Revision"), None), (("-revision",), None)],
)
def test_the_allow_list_decides_in_whatever_case(
    store: Store, tracker: RallySimulator, types: tuple[str, ...], expected: set[str] | None
) -> None:
    sync(tracker, store, source=source_of(tracker, types=types))
    assert set(store.layouts("acme")) == (expected or set(tracker.world.types()) - {"Revision"})


def test_a_misspelt_type_in_the_allow_list_is_refused_with_the_right_name(store: Store, tracker: RallySimulator) -> None:
    with pytest.raises(UnknownTypeError, match="Defect"):
        sync(tracker, store, source=source_of(tracker, types=("Defct", "Task")))


def test_a_type_that_was_left_out_for_a_while_is_complete_again(store: Store, tracker: RallySimulator) -> None:
    sync(tracker, store)
    without = source_of(tracker, types=("*", "-Defect"))
    for user in tracker.world.ids("User"):
        tracker.world.update(user, {"DisplayName": f"renamed {user}"})
    sync(tracker, store, source=without)
    tracker.world.delete(tracker.world.ids("Defect")[0])
    assert sync(tracker, store).exit_code == 0
    assert differences(store, "acme", tracker) == []


def test_a_source_that_is_pointed_at_another_workspace_is_refused(store: Store, tracker: RallySimulator) -> None:
    sync(tracker, store)
    stories = store.count(store.layouts("acme")["HierarchicalRequirement"], KeyRange())
    with pytest.raises(ConfigError, match="source of its own"):
        sync(tracker, store, source=source_of(tracker, scope={"workspace": "Other"}))
    assert store.count(store.layouts("acme")["HierarchicalRequirement"], KeyRange()) == stories


def test_two_sources_share_tables_and_stay_apart(store: Store, tracker: RallySimulator) -> None:
    other = source_of(tracker, name="other", scope={"workspace": "Other"})
    sync(tracker, store)
    assert sync(tracker, store, source=other).exit_code == 0
    tracker.world.delete(tracker.world.ids("Defect")[0])
    assert sync(tracker, store).exit_code == 0
    assert sync(tracker, store, source=other).exit_code == 0
    assert differences(store, "acme", tracker) == []
    with store.read("SELECT DISTINCT source FROM rally_hierarchical_requirement ORDER BY source") as result:
        assert list(result.rows) == [("acme",), ("other",)]


def test_one_type_that_the_account_may_not_read_does_not_stop_the_others(store: Store, tracker: RallySimulator) -> None:
    refusal = '{"QueryResult": {"Errors": ["Not authorized to read: Preference"], "Warnings": [], "Results": []}}'
    tracker.faults.add(kind="body", status=200, body=refusal, path="/preference")
    report = sync(tracker, store)
    assert {each.type_name for each in report.failed} == {"Preference"}
    assert len(store.loaded_types("acme")) == len(store.layouts("acme")) - 1


def test_emptying_the_recycle_bin_is_no_mass_delete(store: Store, tracker: RallySimulator) -> None:
    gone = tracker.world.ids("Defect")[:8]
    for key in gone:
        tracker.world.delete(key)
    sync(tracker, store)
    for key in gone:
        tracker.world.purge(key)
    assert sync(tracker, store).exit_code == 0
    assert differences(store, "acme", tracker) == []


@pytest.mark.parametrize("way", ["read-only key", "password"])
def test_every_way_to_sign_in_mirrors_the_same(store: Store, tracker: RallySimulator, way: str) -> None:
    credential = (
        Credential(tracker.read_only_api_key) if way == "read-only key" else Credential(tracker.password, tracker.user)
    )
    source = source_of(tracker, credential=credential)
    sync(tracker, store, source=source)
    tracker.world.update(tracker.world.ids("Defect")[0], {"Name": "changed"})
    assert sync(tracker, store, source=source).exit_code == 0
    assert differences(store, "acme", tracker) == []


def test_a_server_that_knows_no_shallow_fetch_is_asked_for_whole_records(store: Store, tracker: RallySimulator) -> None:
    tracker.switches = tracker.switches.with_changes({"shallow_fetch_ignored": True})
    sync(tracker, store)
    tracker.world.update(tracker.world.ids("Defect")[0], {"Name": "changed"})
    assert sync(tracker, store).exit_code == 0
    assert differences(store, "acme", tracker) == []


def test_a_full_sync_compares_everything_and_writes_only_what_differs(store: Store, tracker: RallySimulator) -> None:
    sync(tracker, store)
    report = sync(tracker, store, full=True)
    assert report.exit_code == 0
    assert (report.tally.inserted, report.tally.updated) == (0, 0)
    assert report.tally.unchanged > 500
