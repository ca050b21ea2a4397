"""Names that other records show: brought in line whenever a record is renamed, whatever happens in between."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from mirror.simulators.rally import RallySimulator
from mirror.store.store import Store
from tests.support.rally import sync
from tests.support.rally_truth import differences


@pytest.fixture
def tracker() -> Iterator[RallySimulator]:
    with RallySimulator(records=200, seed=6) as simulator:
        yield simulator


def rename_everything(tracker: RallySimulator) -> None:
    """Give every project, user and tag another name; what refers to them is not touched by that."""
    for name, field in (("Project", "Name"), ("User", "DisplayName"), ("Tag", "Name")):
        for key in tracker.world.ids(name):
            tracker.world.update(key, {field: f"renamed {key}"})


def test_a_renamed_record_is_shown_under_its_new_name_everywhere(store: Store, tracker: RallySimulator) -> None:
    sync(tracker, store)
    rename_everything(tracker)
    assert sync(tracker, store).exit_code == 0
    assert differences(store, "acme", tracker) == []


@pytest.mark.parametrize("status", [401, 403])
def test_names_are_spread_by_the_next_run_when_this_one_breaks_off(
    store: Store, tracker: RallySimulator, status: int
) -> None:
    sync(tracker, store)
    rename_everything(tracker)
    tracker.faults.add(kind="status", status=status, path="batch|/tag|/user|recyclebin", after=1)
    assert sync(tracker, store).exit_code == 3
    tracker.faults.clear()
    assert sync(tracker, store).exit_code == 0
    assert differences(store, "acme", tracker) == []


def test_types_that_are_loaded_one_after_the_other_agree_on_names(store: Store, tracker: RallySimulator) -> None:
    sync(tracker, store, types=("Defect",))
    sync(tracker, store, types=("Defect",))
    rename_everything(tracker)
    sync(tracker, store)
    assert sync(tracker, store).exit_code == 0
    assert differences(store, "acme", tracker) == []


def test_a_user_without_a_display_name_is_shown_as_the_tracker_shows_it(store: Store, tracker: RallySimulator) -> None:
    sync(tracker, store)
    tracker.world.update(tracker.world.landmarks.user, {"DisplayName": None})
    assert sync(tracker, store).exit_code == 0
    assert differences(store, "acme", tracker) == []


def test_a_link_added_during_the_load_reaches_the_other_end(store: Store, tracker: RallySimulator) -> None:
    tracker.switches = tracker.switches.with_changes({"links_move_both_ends": False, "page_size_cap": 10})
    milestone, defect = tracker.world.ids("Milestone")[0], tracker.world.ids("Defect")[0]
    added: list[int] = []

    def add_once_milestones_were_read(request: object) -> None:
        if added or not tracker.requests.select(path="/milestone"):
            return
        added.append(defect)
        tracker.world.add(defect, "Milestones", [milestone])

    stop = tracker.on_request(add_once_milestones_were_read)
    sync(tracker, store)
    stop()
    assert added
    assert sync(tracker, store).exit_code == 0
    assert differences(store, "acme", tracker) == []
