"""Types and fields come and go on the tracker; the tables follow and nothing that was stored is lost."""

from __future__ import annotations

from mirror.model.schema import Kind, Tracking
from mirror.store.store import Store
from tests.support.stage import Stage, rows_of


def columns_of(store: Store, stage: Stage, name: str) -> list[str]:
    """Return the columns that the catalogue of the mirror lists for a field of `busy`, current or not."""
    query = f"SELECT column_name FROM mirror_field WHERE source = 'acme' AND type = '{stage.busy}' AND field = '{name}'"
    with store.read(query) as result:
        return sorted(column for (column,) in result.rows)


def test_the_catalog_describes_types_that_the_engine_can_work_with(stage: Stage) -> None:
    catalog = stage.connector().discover(None)
    assert catalog is not None
    assert stage.types() <= set(catalog.types)
    assert set(catalog.shown_by) <= set(catalog.types)
    for name, each in catalog.types.items():
        assert each.name == name
        names = [field.name for field in each.fields]
        assert len(names) == len(set(names)), name
        assert (each.tracking is Tracking.STAMP) == (each.stamp_field is not None), name
        for role in (each.name_field, each.key_field, each.stamp_field):
            assert role is None or role in names, (name, role)
        for field in each.fields:
            assert not field.targets or field.kind in (Kind.REFERENCE, Kind.LINKS), (name, field)
            assert not field.polymorphic or field.kind is Kind.REFERENCE, (name, field)
            assert not field.polymorphic or len(field.targets) != 1, (name, field)
    assert catalog.types[stage.busy].tracking is Tracking.STAMP


def test_two_connectors_describe_the_same_tracker_alike(stage: Stage) -> None:
    assert stage.connector().discover(None) == stage.connector().discover(None)


def test_a_catalog_that_is_known_is_not_given_again(stage: Stage) -> None:
    catalog = stage.connector().discover(None)
    assert catalog is not None
    assert stage.connector().discover(catalog.digest) is None
    stage.add_field()
    again = stage.connector().discover(catalog.digest)
    assert again is not None
    assert again.digest != catalog.digest


def test_a_new_field_gets_a_column_with_all_its_values(loaded: Store, stage: Stage) -> None:
    name = stage.add_field()
    first, second = stage.ids(stage.busy)[:2]
    stage.fill_field(name, first)
    assert stage.sync(loaded).exit_code == 0
    [column] = columns_of(loaded, stage, name)
    rows = rows_of(loaded, stage.busy)
    assert rows[first][column] is not None
    assert rows[second][column] is None
    assert stage.differences(loaded) == []


def test_a_field_whose_values_came_before_the_column_is_complete(store: Store, stage: Stage) -> None:
    name = stage.add_field()
    for each in stage.ids(stage.busy)[:3]:
        stage.fill_field(name, each)
    stage.sync(store)
    stage.fill_field(name, stage.ids(stage.busy)[3])
    assert stage.sync(store).exit_code == 0
    assert stage.differences(store) == []


def test_a_removed_field_keeps_its_column_and_stops_nothing(store: Store, stage: Stage) -> None:
    name = stage.add_field()
    stage.fill_field(name, stage.ids(stage.busy)[0])
    stage.sync(store)
    columns = columns_of(store, stage, name)
    stage.remove_field(name)
    assert stage.sync(store).exit_code == 0
    assert columns_of(store, stage, name) == columns
    assert set(columns) <= set(next(iter(rows_of(store, stage.busy).values())))
    assert stage.differences(store) == []


def test_a_retyped_field_gets_a_column_of_its_own_and_keeps_the_old_one(store: Store, stage: Stage) -> None:
    name = stage.add_field()
    first, second = stage.ids(stage.busy)[:2]
    stage.fill_field(name, first)
    stage.sync(store)
    [old] = columns_of(store, stage, name)
    stage.retype_field(name)
    stage.fill_field(name, second)
    assert stage.sync(store).exit_code == 0
    layout = store.layouts("acme")[stage.busy]
    new = next(each.name for each in layout.columns if each.field == name)
    row = rows_of(store, stage.busy)[second]
    assert new != old
    assert old in row
    assert row[new] is not None
    assert stage.differences(store) == []


def test_a_field_that_comes_and_goes_between_two_syncs_stops_nothing(loaded: Store, stage: Stage) -> None:
    name = stage.add_field()
    stage.fill_field(name, stage.ids(stage.busy)[0])
    stage.remove_field(name)
    assert stage.sync(loaded).exit_code == 0
    assert stage.differences(loaded) == []
