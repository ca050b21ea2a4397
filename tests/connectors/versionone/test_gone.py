"""What became of records, and how many there are where the server does not say (versionone.md §4.2.1, C1, C3)."""

from __future__ import annotations

import pytest

from mirror.connectors.base import Window
from mirror.connectors.versionone.question import Question
from mirror.connectors.versionone.splitting import split
from mirror.model.page import Fate, KeyRange
from mirror.store.store import Store
from tests.connectors.versionone.test_forms import layouts_of
from tests.support.stages.versionone import TheStage
from tests.support.versionone import connector_to

OLD = {"query_v1": False, "json": False}


@pytest.mark.parametrize("changes", [{}, OLD])
def test_the_fate_of_a_record_is_told_apart_as_far_as_the_server_tells(stage: TheStage, changes: dict[str, object]) -> None:
    stage.switch(**changes)
    connector = connector_to(stage.tracker)
    story = layouts_of(connector)["Story"].type
    there, deleted, purged, hidden = stage.ids("Story")[:4]
    scope = stage.world.create("Scope", {"Name": "closed", "Parent": 0, "BeginDate": "2026-01-01"})
    stage.world.update(hidden, {"Scope": scope})
    stage.delete(deleted)
    stage.world.purge(purged)
    stage.world.hide(scope)
    fates = [connector.fate(story, each) for each in (there, deleted, purged, hidden)]
    assert fates == [Fate.PRESENT, Fate.DELETED, Fate.UNKNOWN, Fate.UNKNOWN]


@pytest.mark.parametrize("changes", [{}, OLD])
def test_deletions_of_all_types_are_listed_with_their_time_and_restored_ones_left_out(
    stage: TheStage, changes: dict[str, object]
) -> None:
    stage.switch(**changes)
    connector = connector_to(stage.tracker)
    before = {each.id for each in connector.deletions(None)}
    note, story, restored = stage.ids("Note")[0], *stage.ids("Story")[:2]
    for each in (note, story, restored):
        stage.delete(each)
    stage.restore(restored)
    found = {each.id: each for each in connector.deletions(None) if each.id not in before}
    assert {note, story} <= found.keys()
    assert restored not in found
    assert (found[story].type_name, found[note].type_name, found[story].fate) == ("Story", "Note", Fate.DELETED)
    stamp = stage.world.value(story, "ChangeDateUTC")
    assert found[story].deleted_at == f"{stamp:%Y-%m-%dT%H:%M:%S}.{stamp.microsecond // 1000:03}Z"  # type: ignore[union-attr]
    recent = {each.id for each in connector.deletions(stamp)}  # type: ignore[arg-type]
    assert {story} <= recent
    assert not recent & before - {note, story}


@pytest.mark.parametrize("total", ["always", "asked", "never"])
@pytest.mark.parametrize("changes", [{}, {"query_v1": False}])
def test_records_are_counted_whether_the_server_counts_or_not(
    stage: TheStage, total: str, changes: dict[str, object]
) -> None:
    stage.switch(total=total, **changes)
    connector = connector_to(stage.tracker)
    layouts = layouts_of(connector)
    ids = stage.ids("Story")
    middle = ids[len(ids) // 2]
    windows = [
        Window(layouts["Story"].type, KeyRange(), count_only=True),
        Window(layouts["Story"].type, KeyRange(0, middle), count_only=True),
        Window(layouts["Story"].type, KeyRange(middle, None), count_only=True),
        Window(layouts["Story"].type, KeyRange(ids[-1], None), count_only=True),
        Window(layouts["Scope"].type, KeyRange(), count_only=True),
    ]
    counted = [each.total for each in connector.census(windows)]
    below = ids.index(middle) + 1
    assert counted == [len(ids), below, len(ids) - below, 0, len(stage.ids("Scope"))]


def test_where_ids_cannot_be_compared_a_range_is_not_counted_rather_than_counted_wrongly(stage: TheStage) -> None:
    stage.switch(key_filter=False, id_filter=False)
    connector = connector_to(stage.tracker)
    story = layouts_of(connector)["Story"].type
    windows = [Window(story, KeyRange(stage.ids("Story")[3]), count_only=True), Window(story, KeyRange(), count_only=True)]
    assert [each.total for each in connector.census(windows)] == [None, len(stage.ids("Story"))]


@pytest.mark.parametrize("changes", [{}, OLD, {"key_filter": False}, OLD | {"key_filter": False, "id_filter": False}])
def test_keys_of_a_range_are_complete_under_any_page_cap(stage: TheStage, changes: dict[str, object]) -> None:
    stage.switch(**changes, page_size_cap=4, short_page_every=2, total="never")
    connector = connector_to(stage.tracker)
    types = layouts_of(connector)
    ids = stage.ids("Story")
    ranges = [KeyRange(), KeyRange(0, ids[9]), KeyRange(ids[9], ids[20]), KeyRange(ids[20], None), KeyRange(ids[-1], None)]
    windows = [*(Window(types["Story"].type, each) for each in ranges), Window(types["Scope"].type, KeyRange())]
    pages = list(connector.census(windows))
    expected = [ids, ids[:10], ids[10:21], ids[21:], [], stage.ids("Scope")]
    assert [[key.id for key in each.keys] for each in pages] == expected
    assert all(each.complete for each in pages)
    assert expected[-1][0] == 0  # Scope:0 is a record like any other


@pytest.mark.parametrize("changes", [{}, OLD, {"key_filter": False, "id_filter": False}])
@pytest.mark.parametrize("is_counted", [True, False])
def test_a_split_covers_all_ids_once(stage: TheStage, changes: dict[str, object], *, is_counted: bool) -> None:
    stage.switch(**changes)
    server = connector_to(stage.tracker).server
    count = len(stage.ids("Story"))
    ranges = split(server, Question("Story", (), proof=False), 5, 4, count if is_counted else None)
    edges = [(each.after, each.until) for each in ranges]
    assert edges[0][0] == 0
    assert edges[-1][1] is None
    assert [until for _, until in edges[:-1]] == [after for after, _ in edges[1:]]
    assert len(ranges) == 4 or not (is_counted or server.form.batches)


def test_a_purged_record_of_a_large_type_is_missed_by_its_count(stage: TheStage, store: Store) -> None:
    stage.sync(store)
    stage.world.purge(stage.ids("Note")[0])
    assert stage.sync(store, few_keys=True, allow_mass_delete=True).exit_code == 0
    assert stage.differences(store) == []
