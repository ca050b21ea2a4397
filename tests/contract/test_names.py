"""Names that other records show: brought in line whenever a record is renamed, whatever happens in between."""

from __future__ import annotations

import pytest

from mirror.connectors.http import Patience
from mirror.store.store import Store
from tests.support.stage import Stage


def test_a_renamed_record_is_shown_under_its_new_name_everywhere(loaded: Store, stage: Stage) -> None:
    before = shown_names(loaded, stage)
    stage.rename()
    assert stage.sync(loaded).exit_code == 0
    assert shown_names(loaded, stage) != before
    assert stage.differences(loaded) == []


@pytest.mark.parametrize("share", [0.4, 0.8])
def test_names_are_spread_by_the_next_run_when_this_one_breaks_off(loaded: Store, stage: Stage, share: float) -> None:
    stage.requests.clear()
    stage.sync(loaded)
    requests = len(stage.requests)
    stage.rename()
    stage.faults.add(kind="status", status=502, after=int(requests * share))
    assert stage.sync(loaded, patience=Patience(attempts=1)).exit_code == 3
    stage.faults.clear()
    assert stage.sync(loaded).exit_code == 0
    assert stage.differences(loaded) == []


def test_types_that_are_loaded_one_after_the_other_agree_on_names(store: Store, stage: Stage) -> None:
    stage.sync(store, types=(stage.busy,))
    stage.sync(store, types=(stage.busy,))
    stage.rename()
    stage.sync(store)
    assert stage.sync(store).exit_code == 0
    assert stage.differences(store) == []


def shown_names(store: Store, stage: Stage) -> set[str]:
    """Return every name that records of `busy` show of others."""
    layout = store.layouts("acme")[stage.busy]
    found = set()
    for column in layout.columns:
        if column.part == "name":
            with store.read(f"SELECT DISTINCT {column.name} FROM {layout.table}") as result:
                found |= {str(name) for (name,) in result.rows}
    return found
