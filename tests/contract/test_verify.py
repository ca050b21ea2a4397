"""Verification of every tracker: an intact mirror has no drift in any value, and what people did meanwhile is found."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from mirror.engine.verify import VerifyOptions, VerifyReport, verify_source
from mirror.model.verification import Drift
from mirror.store.store import Store
from tests.contract.conftest import SetStage
from tests.support.stage import Stage


def verify(stage: Stage, store: Store, **options: Any) -> VerifyReport:
    """Compare every record whole, as a new process would: with a new connector."""
    return verify_source(
        stage.source(),
        stage.connector(),
        store,
        VerifyOptions(sample=None, **options),
        clock=lambda: datetime.now(UTC),
        emit=lambda _event: None,
    )


def test_an_intact_mirror_of_all_types_has_no_drift(set_stage: SetStage, store: Store) -> None:
    stage = set_stage()
    assert stage.sync(store).exit_code == 0
    report = verify(stage, store)
    assert (report.drifted, report.failed, report.exit_code) == ((), (), 0)
    records = {each.type_name: each.records for each in report.types}
    assert {name: records[name] for name in stage.types()} == {name: len(stage.ids(name)) for name in stage.types()}
    assert all(each.sampled == each.records for each in report.types)


def test_what_people_did_after_the_sync_is_found_and_repaired(stage: Stage, loaded: Store) -> None:
    edited, deleted, *_ = stage.ids(stage.busy)
    stage.edit(edited)
    stage.delete(deleted)
    created = stage.create()
    found = {each.id: each.drift for each in verify(stage, loaded, types=(stage.busy,)).drifted}
    expected = {edited: Drift.STALE, deleted: Drift.SURPLUS, created: Drift.MISSING}
    assert found.items() >= expected.items()  # others that count or show them may have drifted with them
    assert verify(stage, loaded, repair=True).exit_code == 0
    assert verify(stage, loaded).drifted == ()
    assert stage.differences(loaded) == []
