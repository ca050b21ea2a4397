"""Bad networks and misbehaving servers: a sync recovers, or says what is incomplete and moves nothing on its account."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mirror.connectors.http import Patience
from mirror.errors import RemoteError
from mirror.model.event import Event, Phase, Waiting
from mirror.model.page import KeyRange
from mirror.store.store import Store
from tests.support.stage import IMPATIENT, Stage

_FAULTS = {
    "overload": [{"kind": "status", "status": 429, "retry_after_seconds": 0.05}, {"kind": "status", "status": 503}],
    "gateway": [{"kind": "status", "status": 502}, {"kind": "status", "status": 524}, {"kind": "html"}],
    "line": [{"kind": "reset"}, {"kind": "reset_after"}, {"kind": "reset_midway"}, {"kind": "truncate"}],
}


@pytest.mark.parametrize("kind_of_fault", _FAULTS)
def test_faults_now_and_then_are_survived(store: Store, stage: Stage, kind_of_fault: str) -> None:
    stage.small_pages()
    for step, fault in enumerate(_FAULTS[kind_of_fault]):
        stage.faults.add(**fault, after=step, every=17)
    # Requests run side by side, so a single one may meet several of the faults in a row.
    report = stage.sync(store, patience=replace(IMPATIENT, attempts=10))
    assert stage.faults.hit_count() >= 3
    assert report.exit_code == 0, report.failed
    stage.faults.clear()
    assert stage.differences(store) == []


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "status", "status": 500},
        {"kind": "truncate"},
        pytest.param({"kind": "status", "status": 502}, marks=pytest.mark.slow),
        pytest.param({"kind": "html"}, marks=pytest.mark.slow),
    ],
    ids=lambda each: f"{each['kind']}-{each.get('status', '')}",
)
def test_a_type_that_cannot_be_read_is_named_and_the_others_are_complete(
    store: Store, stage: Stage, fault: dict[str, object]
) -> None:
    stage.spoil(**fault)
    report = stage.sync(store)
    assert stage.faults.hit_count() > 0
    assert report.exit_code == RemoteError.exit_code
    assert {each.type_name for each in report.failed} == {stage.busy}
    assert store.loaded_types("acme") == set(store.layouts("acme")) - {stage.busy}
    stage.faults.clear()
    assert stage.sync(store).exit_code == 0
    assert stage.differences(store) == []


@pytest.mark.parametrize("share", [0.3, 0.7])
def test_a_follow_up_that_breaks_off_moves_no_watermark_past_what_it_missed(
    loaded: Store, stage: Stage, share: float
) -> None:
    stage.requests.clear()
    stage.sync(loaded)
    requests = len(stage.requests)
    deleted, edited, *_ = stage.ids(stage.busy)
    stage.delete(deleted)
    stage.edit(edited)
    before = loaded.watermarks("acme")
    stage.faults.add(kind="status", status=502, after=int(requests * share))
    report = stage.sync(loaded, few_keys=True, patience=Patience(attempts=1))
    assert report.exit_code == RemoteError.exit_code
    after = loaded.watermarks("acme")
    failed = {each.type_name for each in report.failed if each.phase is Phase.CHANGES}
    assert [name for name in failed & set(after) if after[name] != before[name]] == []
    assert {each for each, _ in loaded.tombstones("acme", stage.busy)} <= {deleted}
    stage.faults.clear()
    assert stage.sync(loaded, few_keys=True).exit_code == 0
    assert stage.differences(loaded) == []


def test_nothing_is_buried_on_account_of_listings_that_broke_off(loaded: Store, stage: Stage) -> None:
    known = {name: loaded.count(each, KeyRange()) for name, each in loaded.layouts("acme").items()}
    stage.small_pages()
    stage.faults.add(kind="status", status=502, every=2)
    stage.faults.add(kind="truncate", every=3)
    stage.sync(loaded, patience=Patience(attempts=1))
    assert {name: loaded.count(each, KeyRange()) for name, each in loaded.layouts("acme").items()} == known


def test_a_wait_that_the_server_asks_for_is_told(store: Store, stage: Stage) -> None:
    stage.faults.add(kind="status", status=429, retry_after_seconds=0.2, times=1)
    events: list[Event] = []
    stage.sync(store, events=events)
    assert 0.2 in [each.seconds for each in events if isinstance(each, Waiting)]


def test_a_wrong_secret_fails_the_source_at_once_and_stores_nothing(store: Store, stage: Stage) -> None:
    report = stage.sync(store, source=stage.source(credential=stage.wrong_credential()))
    assert report.exit_code == RemoteError.exit_code
    assert len(stage.requests) <= 3
    assert stage.wrong_credential().secret not in report.failed[0].reason
    assert store.layouts("acme") == {}


def test_a_secret_that_is_revoked_meanwhile_loses_nothing(loaded: Store, stage: Stage) -> None:
    deleted, edited, *_ = stage.ids(stage.busy)
    stage.delete(deleted)
    stage.edit(edited)
    before = loaded.watermarks("acme")
    assert stage.sync(loaded, source=stage.source(credential=stage.wrong_credential())).exit_code == RemoteError.exit_code
    assert loaded.watermarks("acme") == before
    assert loaded.tombstones("acme", stage.busy) == []
    assert stage.sync(loaded).exit_code == 0
    assert stage.differences(loaded) == []
