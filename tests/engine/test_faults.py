"""Bad networks and misbehaving servers: a sync recovers, or says what is incomplete and moves nothing on its account."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from mirror.errors import RemoteError
from mirror.model.event import Event, Waiting
from mirror.model.page import KeyRange
from mirror.simulators.rally import RallySimulator
from mirror.store.store import Store
from tests.support.rally import sync
from tests.support.rally_truth import differences

_STORIES = r"/hierarchicalrequirement\?"


@pytest.fixture
def tracker() -> Iterator[RallySimulator]:
    with RallySimulator(records=300, seed=5) as simulator:
        yield simulator


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "status", "status": 429, "retry_after_seconds": 0.05},
        {"kind": "status", "status": 503, "retry_after_seconds": 0.05},
        {"kind": "status", "status": 502},
        {"kind": "status", "status": 524},
        {"kind": "html"},
        {"kind": "reset"},
        {"kind": "reset_after"},
        {"kind": "reset_midway"},
        {"kind": "truncate"},
    ],
    ids=lambda each: f"{each['kind']}-{each.get('status', '')}",
)
def test_a_fault_now_and_then_is_survived(store: Store, tracker: RallySimulator, fault: dict[str, object]) -> None:
    tracker.faults.add(**fault, every=5)
    report = sync(tracker, store)
    assert tracker.faults.hit_count() > 3
    assert report.exit_code == 0, report.failed
    tracker.faults.clear()
    assert differences(store, "acme", tracker) == []


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "status", "status": 502},
        {"kind": "html"},
        {"kind": "reset"},
        {"kind": "truncate"},
        {"kind": "status", "status": 403},
    ],
    ids=lambda each: f"{each['kind']}-{each.get('status', '')}",
)
def test_a_slice_that_cannot_be_read_is_named_and_the_others_are_complete(
    store: Store, tracker: RallySimulator, fault: dict[str, object]
) -> None:
    tracker.faults.add(**fault, path=_STORIES)
    report = sync(tracker, store)
    assert report.exit_code == 3
    assert {each.type_name for each in report.failed} == {"HierarchicalRequirement"}
    assert "HierarchicalRequirement" not in store.watermarks("acme")
    assert store.count(store.layouts("acme")["Defect"], KeyRange()) == len(tracker.world.ids("Defect"))
    tracker.faults.clear()
    assert sync(tracker, store).exit_code == 0
    assert differences(store, "acme", tracker) == []


def test_a_failing_listing_of_changes_moves_no_watermark_and_deletes_nothing(store: Store, tracker: RallySimulator) -> None:
    sync(tracker, store)
    before = store.watermarks("acme")
    stories = tracker.world.ids("HierarchicalRequirement")
    tracker.world.delete(stories[0])
    tracker.world.update(stories[1], {"Name": "changed"})
    tracker.faults.add(kind="status", status=502, path="batch|artifact|hierarchicalrequirement|iteration|recyclebin")
    report = sync(tracker, store)
    assert report.exit_code == 3
    assert "HierarchicalRequirement" in {each.type_name for each in report.failed}
    assert store.tombstones("acme", "HierarchicalRequirement") == []
    after = store.watermarks("acme")
    assert after["HierarchicalRequirement"] == before["HierarchicalRequirement"]
    tracker.faults.clear()
    assert sync(tracker, store).exit_code == 0
    assert differences(store, "acme", tracker) == []


@pytest.mark.parametrize("times", [2, None], ids=["now and then", "always"])
def test_errors_with_status_200_on_the_third_page_leave_that_slice_open(
    store: Store, tracker: RallySimulator, times: int | None
) -> None:
    tracker.switches = tracker.switches.with_changes({"page_size_cap": 10})
    refusal = {"QueryResult": {"Errors": ["Could not read: could not read all instances of class X"], "Warnings": []}}
    tracker.faults.add(kind="body", status=200, body=json.dumps(refusal), path=_STORIES, after=2, times=times)
    report = sync(tracker, store)
    assert tracker.faults.hit_count() >= 1
    if times is None:
        assert report.exit_code == 3
        assert "could not read all instances" in report.failed[0].reason
        assert "HierarchicalRequirement" not in store.watermarks("acme")
        assert store.count(store.layouts("acme")["HierarchicalRequirement"], KeyRange()) > 0
    tracker.faults.clear()
    assert sync(tracker, store).exit_code == 0
    assert differences(store, "acme", tracker) == []


def test_pages_that_give_less_than_they_announce_are_asked_again(store: Store, tracker: RallySimulator) -> None:
    tracker.switches = tracker.switches.with_changes({"short_page_every": 6})
    report = sync(tracker, store)
    assert report.exit_code == 0, report.failed
    tracker.switches = tracker.switches.with_changes({"short_page_every": 0})
    assert differences(store, "acme", tracker) == []


def test_pages_that_are_always_short_end_as_an_incomplete_slice(store: Store, tracker: RallySimulator) -> None:
    tracker.switches = tracker.switches.with_changes({"short_page_every": 1})
    report = sync(tracker, store)
    assert report.exit_code == 3
    assert any("announced" in each.reason for each in report.failed)
    assert report.tally.tombstoned == 0


def test_a_wait_that_the_server_asks_for_is_told(store: Store, tracker: RallySimulator) -> None:
    tracker.faults.add(kind="status", status=429, retry_after_seconds=0.2, times=1)
    events: list[Event] = []
    sync(tracker, store, events=events)
    assert [each.seconds for each in events if isinstance(each, Waiting)] == [0.2]


def test_a_wrong_key_fails_the_source_at_once_and_stores_nothing(store: Store, tracker: RallySimulator) -> None:
    tracker.faults.add(kind="status", status=401)
    report = sync(tracker, store)
    assert report.exit_code == RemoteError.exit_code
    assert "credential" in report.failed[0].reason
    assert report.requests == 1


@pytest.mark.parametrize("refusal", ["401", "405", "errors"])
def test_a_server_that_refuses_batches_is_asked_singly(store: Store, tracker: RallySimulator, refusal: str) -> None:
    tracker.switches = tracker.switches.with_changes({"batch_refused": refusal})
    sync(tracker, store)
    tracker.world.update(tracker.world.ids("Tag")[0], {"Name": "other"})
    report = sync(tracker, store)
    assert report.exit_code == 0, report.failed
    assert differences(store, "acme", tracker) == []
