"""What was pushed from here is in the history as what happened there, whatever the tracker."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from mirror.model.cells import columns_of
from mirror.model.part import Part
from mirror.store.history_log import Lived
from mirror.store.store import Store
from tests.support.pushing import Desk, outcomes
from tests.support.stage import Stage


@pytest.mark.slow
def test_a_push_is_a_version_that_replaces_what_the_tracker_had(stage: Stage, loaded: Store) -> None:
    layouts, desk = loaded.layouts("acme"), Desk(stage, loaded)
    loaded.history.keep("acme", layouts, [stage.busy], now=datetime.now(UTC))
    layout = layouts[stage.busy]
    column = columns_of(layout, stage.title_field)[Part.VALUE].name
    one, two, three = stage.ids(stage.busy)[:3]
    before = {each: lived(loaded, stage, each)[-1].row[column] for each in (one, two, three)}
    desk.set(one, **{stage.title_field: "renamed here"})
    desk.set(two, **{stage.title_field: "renamed here"})
    stage.edit(two, "edited there")
    desk.delete(three)
    made = desk.create("made here")
    assert set(outcomes(desk.push())) == {"done"}
    assert names(loaded, stage, one, column) == [before[one], "renamed here"]
    assert names(loaded, stage, two, column) == [before[two], "renamed here"]
    assert names(loaded, stage, three, column) == [before[three]]
    assert lived(loaded, stage, three)[-1].valid_to is not None
    assert names(loaded, stage, desk.real_id(made), column) == ["made here"]


def lived(store: Store, stage: Stage, record_id: int) -> list[Lived]:
    return store.history.versions(store.layouts("acme")[stage.busy], record_id)


def names(store: Store, stage: Stage, record_id: int, column: str) -> list[object]:
    """Return the titles of a record, oldest first, each once."""
    found = [each.row[column] for each in lived(store, stage, record_id)]
    return [each for place, each in enumerate(found) if not place or each != found[place - 1]]
