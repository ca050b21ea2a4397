"""What only Rally's records have: ids above 2 to the 53, NUL characters, old dates, nameless users, links at both ends."""

from __future__ import annotations

import json

from mirror.store.store import Store
from tests.support.stage import rows_of
from tests.support.stages.rally import TheStage


def test_ids_above_two_to_the_53_and_dates_before_1970_are_exact(store: Store, stage: TheStage) -> None:
    key = stage.world.create("Defect", {"Name": "old", "TargetDate": "1931-07-04T05:06:07.089Z"})
    assert key > 2**53
    stage.sync(store)
    row = rows_of(store, "Defect")[key]
    assert str(row["target_date"]).replace(" ", "T").startswith("1931-07-04T05:06:07.089")
    assert stage.differences(store) == []


def test_a_nul_character_is_kept_even_where_the_database_has_no_place_for_it(database_url: str, stage: TheStage) -> None:
    key = stage.create("a\u0000b")
    with Store.open(database_url) as store:
        assert stage.sync(store).exit_code == 0
        row = rows_of(store, "Defect")[key]
        extra = row["_extra"]
        kept = json.loads(extra) if isinstance(extra, str) else (extra or {})
        assert "a\u0000b" in (row["notes"], kept.get("Notes"))


def test_a_user_without_a_display_name_is_shown_as_the_tracker_shows_it(store: Store, stage: TheStage) -> None:
    stage.sync(store)
    stage.world.update(stage.world.landmarks.user, {"DisplayName": None})
    assert stage.sync(store).exit_code == 0
    assert stage.differences(store) == []


def test_a_link_added_during_the_load_reaches_the_other_end(store: Store, stage: TheStage) -> None:
    stage.switch(links_move_both_ends=False, page_size_cap=10)
    milestone, defect = stage.ids("Milestone")[0], stage.ids("Defect")[0]
    added: list[int] = []

    def add_once_milestones_were_read(_request: object) -> None:
        if added or not stage.requests.select(path="/milestone"):
            return
        added.append(defect)
        stage.world.add(defect, "Milestones", [milestone])

    stop = stage.on_request(add_once_milestones_were_read)
    stage.sync(store)
    stop()
    assert added
    assert stage.sync(store).exit_code == 0
    assert stage.differences(store) == []
