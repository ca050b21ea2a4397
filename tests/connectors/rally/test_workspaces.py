"""Workspaces and projects: what they hold is mirrored, and nothing of another one, whatever the server does."""

from __future__ import annotations

import pytest

from mirror.errors import ConfigError
from mirror.model.page import KeyRange
from mirror.store.store import Store
from tests.support.stages.rally import TheStage


@pytest.mark.parametrize("named", ["name", "id"])
def test_a_workspace_is_found_by_name_or_id_without_a_request_more(store: Store, stage: TheStage, named: str) -> None:
    workspace = stage.world.item(stage.world.landmarks.workspace)
    source = stage.source(scope={"workspace": workspace.values["Name"] if named == "name" else str(workspace.oid)})
    for _ in range(2):
        stage.sync(store, source=source)
    assert stage.sync(store, source=source).requests <= 8
    assert stage.differences(store) == []


def test_a_dropped_workspace_scope_deletes_nothing(store: Store, stage: TheStage) -> None:
    source = stage.source(scope={"workspace": str(stage.world.landmarks.other_workspace)})
    stage.sync(store, source=source)
    before = {name: store.count(each, KeyRange()) for name, each in store.layouts("acme").items()}
    stage.switch(workspace_scope_dropped=True)
    report = stage.sync(store, source=source)
    after = {name: store.count(each, KeyRange()) for name, each in store.layouts("acme").items()}
    assert report.tally.tombstoned == 0
    assert all(after[name] >= count for name, count in before.items())


def test_a_source_that_is_pointed_at_another_workspace_is_refused(store: Store, stage: TheStage) -> None:
    stage.sync(store)
    known = store.count(store.layouts("acme")["Defect"], KeyRange())
    with pytest.raises(ConfigError, match="source of its own"):
        stage.sync(store, source=stage.source(scope={"workspace": "Other"}))
    assert store.count(store.layouts("acme")["Defect"], KeyRange()) == known


def test_emptying_the_recycle_bin_is_no_mass_delete(store: Store, stage: TheStage) -> None:
    stage.allowed = ("*",)
    gone = stage.ids("Defect")[:8]
    for key in gone:
        stage.delete(key)
    stage.sync(store)
    for key in gone:
        stage.world.purge(key)
    assert stage.sync(store).exit_code == 0
    assert stage.differences(store) == []
