"""What a source is set to mirror: types by name, and the place they come from."""

from __future__ import annotations

import pytest

from mirror.errors import UnknownTypeError
from mirror.store.store import Store
from tests.support.stage import Stage, rows_of


@pytest.mark.parametrize("way", ["only", "in another case", "all but", "without a star"])
def test_the_allow_list_decides_in_whatever_case(store: Store, stage: Stage, way: str) -> None:
    allowed = {
        "only": (stage.busy,),
        "in another case": (stage.busy.swapcase(),),
        "all but": ("*", f"-{stage.busy}"),
        "without a star": (f"-{stage.busy.upper()}",),
    }[way]
    source = stage.source(types=allowed)
    offered = stage.connector(source).discover(None)
    assert offered is not None
    assert {each for each in offered.types if source.wants(each)} == (
        {stage.busy} if way in ("only", "in another case") else set(offered.types) - {stage.busy}
    )
    if way in ("only", "in another case"):
        stage.sync(store, source=source)
        assert list(store.layouts("acme")) == [stage.busy]
        assert sorted(rows_of(store, stage.busy)) == stage.ids(stage.busy)


def test_a_misspelt_type_in_the_allow_list_is_refused_with_the_right_name(store: Store, stage: Stage) -> None:
    misspelt = stage.busy[:2] + stage.busy[3:]
    with pytest.raises(UnknownTypeError, match=stage.busy):
        stage.sync(store, source=stage.source(types=(misspelt,)))


def test_a_type_that_was_left_out_for_a_while_is_complete_again(loaded: Store, stage: Stage) -> None:
    stage.rename()
    stage.sync(loaded, source=stage.source(types=tuple(each for each in stage.few if each != stage.busy)))
    stage.delete(stage.ids(stage.busy)[0])
    assert stage.sync(loaded).exit_code == 0
    assert stage.differences(loaded) == []


def test_a_narrower_scope_mirrors_some_of_it_and_stays_quiet(store: Store, stage: Stage) -> None:
    source = stage.source(scope=stage.narrow_scope())
    assert stage.sync(store, source=source).exit_code == 0
    inside = set(rows_of(store, stage.busy))
    assert inside
    assert inside != set(stage.ids(stage.busy))
    report = stage.sync(store, source=source)
    assert report.exit_code == 0
    assert (report.tally.inserted, report.tally.tombstoned) == (0, 0)
    assert set(rows_of(store, stage.busy)) == inside


def test_two_sources_share_tables_and_stay_apart(loaded: Store, stage: Stage) -> None:
    other = stage.source(name="other", scope=stage.narrow_scope())
    assert stage.sync(loaded, source=other).exit_code == 0
    before = rows_of(loaded, stage.busy, "other")
    inside = before.keys()
    stage.delete(next(each for each in stage.ids(stage.busy) if each not in inside))
    assert stage.sync(loaded).exit_code == 0
    assert stage.sync(loaded, source=other).exit_code == 0
    assert rows_of(loaded, stage.busy, "other").keys() == inside
    assert stage.differences(loaded) == []


def test_every_way_to_sign_in_mirrors_the_same(store: Store, stage: Stage) -> None:
    for way, credential in stage.credentials().items():
        source = stage.source(credential=credential)
        report = stage.sync(store, source=source)
        assert report.exit_code == 0, (way, report.failed)
        stage.edit(stage.ids(stage.busy)[0], f"by {way}")
        assert stage.sync(store, source=source).exit_code == 0
        assert stage.differences(store) == [], way


def test_a_full_sync_compares_everything_and_writes_only_what_differs(loaded: Store, stage: Stage) -> None:
    stage.sync(loaded)
    report = stage.sync(loaded, full=True)
    assert report.exit_code == 0
    assert (report.tally.inserted, report.tally.updated, report.tally.tombstoned) == (0, 0, 0)
    assert report.tally.unchanged >= sum(len(stage.ids(name)) for name in loaded.layouts("acme")) / 2
    assert stage.differences(loaded) == []
