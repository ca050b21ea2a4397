"""Rally's own ways to refuse: errors with status 200, batches for nobody, pages that are short, one type kept from us."""

from __future__ import annotations

import json

import pytest

from mirror.model.page import KeyRange
from mirror.store.store import Store
from tests.support.stages.rally import TheStage


@pytest.mark.parametrize("times", [2, None], ids=["now and then", "always"])
def test_errors_with_status_200_on_the_third_page_leave_that_slice_open(
    store: Store, stage: TheStage, times: int | None
) -> None:
    stage.small_pages()
    refusal = {"QueryResult": {"Errors": ["Could not read: could not read all instances of class X"], "Warnings": []}}
    stage.spoil(kind="body", status=200, body=json.dumps(refusal), after=2, times=times)
    report = stage.sync(store)
    assert stage.faults.hit_count() >= 1
    if times is None:
        assert report.exit_code == 3
        assert "could not read all instances" in report.failed[0].reason
        assert "Defect" not in store.watermarks("acme")
        assert store.count(store.layouts("acme")["Defect"], KeyRange()) > 0
    stage.faults.clear()
    assert stage.sync(store).exit_code == 0
    assert stage.differences(store) == []


def test_pages_that_give_less_than_they_announce_are_asked_again(store: Store, stage: TheStage) -> None:
    stage.switch(short_page_every=6)
    report = stage.sync(store)
    assert report.exit_code == 0, report.failed
    stage.switch(short_page_every=0)
    assert stage.differences(store) == []


def test_pages_that_are_always_short_end_as_an_incomplete_slice(store: Store, stage: TheStage) -> None:
    stage.switch(short_page_every=1)
    report = stage.sync(store)
    assert report.exit_code == 3
    assert any("announced" in each.reason for each in report.failed)
    assert report.tally.tombstoned == 0


@pytest.mark.parametrize("refusal", ["401", "405", "errors"])
def test_a_server_that_refuses_batches_is_asked_singly(store: Store, stage: TheStage, refusal: str) -> None:
    stage.switch(batch_refused=refusal)
    stage.sync(store)
    stage.world.update(stage.ids("Tag")[0], {"Name": "other"})
    report = stage.sync(store)
    assert report.exit_code == 0, report.failed
    assert stage.differences(store) == []


def test_one_type_that_the_account_may_not_read_does_not_stop_the_others(store: Store, stage: TheStage) -> None:
    refusal = '{"QueryResult": {"Errors": ["Not authorized to read: Defect"], "Warnings": [], "Results": []}}'
    stage.spoil(kind="body", status=200, body=refusal)
    report = stage.sync(store)
    assert {each.type_name for each in report.failed} == {"Defect"}
    assert len(store.loaded_types("acme")) == len(store.layouts("acme")) - 1


def test_a_server_that_knows_no_shallow_fetch_is_asked_for_whole_records(store: Store, stage: TheStage) -> None:
    stage.switch(shallow_fetch_ignored=True)
    stage.sync(store)
    stage.edit(stage.ids("Defect")[0])
    assert stage.sync(store).exit_code == 0
    assert stage.differences(store) == []
