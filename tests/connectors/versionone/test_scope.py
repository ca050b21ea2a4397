"""Which projects a source means, and what `mirror check` says about a server (versionone.md §2, §7.3)."""

from __future__ import annotations

import pytest

from mirror.connectors.base import Account
from mirror.errors import ConfigError
from mirror.model.source import Credential
from mirror.store.store import Store
from tests.support.stage import rows_of
from tests.support.stages.versionone import TheStage
from tests.support.versionone import connector_to


def tree_below(stage: TheStage, scope: int) -> set[int]:
    """Return a project and all below it."""
    found = {scope}
    while more := {each for each in stage.ids("Scope") if stage.world.value(each, "Parent") in found} - found:
        found |= more
    return found


@pytest.mark.parametrize("named", [True, False])
@pytest.mark.parametrize("changes", [{}, {"query_v1": False}])
def test_a_project_is_mirrored_with_all_below_it_and_nothing_else(
    stage: TheStage, store: Store, *, named: bool, changes: dict[str, object]
) -> None:
    stage.switch(**changes)
    top = stage.world.landmarks.hidden_project
    name = str(stage.world.value(top, "Name"))
    source = stage.source(scope={"scope": name if named else f"Scope:{top}"})
    assert stage.sync(store, source=source).exit_code == 0
    inside = tree_below(stage, top)
    assert len(inside) > 1
    assert set(rows_of(store, "Scope")) == inside
    expected = {each for each in stage.ids("Story") if stage.world.value(each, "Scope") in inside}
    assert set(rows_of(store, "Story")) == expected
    assert set(rows_of(store, "Member")) == set(stage.ids("Member"))


def test_a_record_that_moves_in_or_out_of_the_project_comes_and_goes(stage: TheStage, store: Store) -> None:
    top = stage.world.landmarks.hidden_project
    source = stage.source(scope={"scope": f"Scope:{top}"})
    stage.sync(store, source=source)
    inside = sorted(rows_of(store, "Story"))[0]
    outside = next(each for each in stage.ids("Story") if each not in rows_of(store, "Story"))
    stage.world.update(inside, {"Scope": stage.world.landmarks.project})
    stage.world.update(outside, {"Scope": top})
    assert stage.sync(store, source=source).exit_code == 0
    stories = rows_of(store, "Story")
    assert (inside in stories, outside in stories) == (False, True)
    assert (inside, "out_of_scope") in [(key, str(reason)) for key, reason in store.tombstones("acme", "Story")]


@pytest.mark.parametrize("wanted", ["Nowhere in particular", "Scope:99999999", "it's"])
def test_a_project_that_is_not_there_is_refused_with_the_names_of_those_that_are(stage: TheStage, wanted: str) -> None:
    with pytest.raises(ConfigError, match="there is: "):
        connector_to(stage.tracker, scope={"scope": wanted}).discover(None)


def test_a_misspelt_project_is_answered_with_the_right_name(stage: TheStage) -> None:
    name = str(stage.world.value(stage.world.landmarks.project, "Name"))
    with pytest.raises(ConfigError, match=name):
        connector_to(stage.tracker, scope={"scope": name[:-1]}).discover(None)


def test_a_name_that_several_projects_have_is_refused_with_their_numbers(stage: TheStage) -> None:
    made = [stage.world.create("Scope", {"Name": "Twice", "Parent": 0, "BeginDate": "2026-01-01"}) for _ in range(2)]
    with pytest.raises(ConfigError, match=f"Scope:{made[0]}, Scope:{made[1]}"):
        connector_to(stage.tracker, scope={"scope": "Twice"}).discover(None)


def findings_of(stage: TheStage, **changes: object) -> dict[str, tuple[bool, str]]:
    """Return what `mirror check` says, by subject."""
    return {each.subject: (each.ok, each.detail) for each in connector_to(stage.tracker, **changes).check()}


def test_a_check_tells_who_asks_what_the_server_answers_and_what_is_mirrored(stage: TheStage) -> None:
    found = findings_of(stage)
    assert all(ok for ok, _ in found.values())
    assert "admin" in found["authentication"][1]
    assert found["rights"][1].startswith("System Admin")
    assert found["queries"][1] == "query.v1, pages behind a Key, changes by moment"
    assert found["time zone"][1].startswith("this member's is UTC;")
    assert found["scope"][1] == "the whole instance"


def test_a_check_tells_what_an_old_server_in_another_zone_cannot_do(stage: TheStage) -> None:
    stage.answer_against_us()
    stage.move_clock(3600)
    found = findings_of(stage)
    assert found["queries"][1] == "rest-1.v1, pages by offset, changes by time"
    assert "UTC+05:30" in found["time zone"][1]
    assert "harmless" in found["clock"][1]
    assert "20 came" in found["page size"][1]


@pytest.mark.parametrize(("minutes", "zone"), [(0, "+00:00"), (330, "+05:30"), (-570, "-09:30")])
def test_the_account_is_our_member_and_the_zone_that_its_times_are_shown_in(
    stage: TheStage, minutes: int, zone: str
) -> None:
    stage.switch(user_zone_offset_minutes=minutes)
    assert connector_to(stage.tracker).account() == Account(stage.world.landmarks.admin, zone)


def test_a_check_of_an_account_that_does_not_see_everything_says_so(stage: TheStage) -> None:
    found = findings_of(stage, credential=Credential(stage.tracker.limited_token))
    assert "as if deleted" in found["rights"][1]


def test_a_check_of_a_wrong_credential_ends_with_advice(stage: TheStage) -> None:
    findings = list(connector_to(stage.tracker, credential=Credential("1.wrong=")).check())
    assert [(each.subject, each.ok, bool(each.advice)) for each in findings] == [("authentication", False, True)]


def test_a_check_of_a_project_that_is_not_there_names_others(stage: TheStage) -> None:
    ok, detail = findings_of(stage, scope={"scope": "Nowhere"})["scope"]
    assert (ok, "there is:" in detail) == (False, True)
