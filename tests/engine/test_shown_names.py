"""Names that other records show are followed, and only where the tracker shows one at all."""

from __future__ import annotations

from mirror.store.store import Store
from tests.store.samples import stored
from tests.support.databases import overwrite, raw_rows
from tests.support.stages.rally import TheStage as RallyStage
from tests.support.stages.rt import TheStage as RTStage


def test_a_name_is_not_spread_to_where_the_tracker_shows_none(each_store: Store) -> None:
    with RTStage(records=60, seed=8, clock=None) as stage:
        stage.allowed = ("ticket", "transaction", "queue", "user")
        stage.sync(each_store)
        stage.sync(each_store, full=True)
        assert stored(each_store, "SELECT count(*) FROM rt_transaction WHERE object_name IS NOT NULL") == [(0,)]


def test_a_record_that_gets_a_name_is_shown_under_it(each_store: Store, database_url: str) -> None:
    with RallyStage(records=60, seed=8, clock=None) as stage:
        stage.allowed = ("Defect", "Project")
        stage.sync(each_store)
        key = raw_rows(database_url, "SELECT min(project_id) FROM rally_defect")[0][0]
        overwrite(database_url, f"UPDATE rally_project SET name = NULL, _revision = 'unnamed' WHERE id = {key}")
        overwrite(database_url, f"UPDATE rally_defect SET project_name = NULL WHERE project_id = {key}")
        stage.sync(each_store)
        assert stage.differences(each_store) == []
