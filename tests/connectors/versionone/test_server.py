"""What the server answers is found out once, remembered, and found out anew when that changes (versionone.md §4.2.5)."""

from __future__ import annotations

from typing import Any

import pytest

from mirror.connectors.versionone.paging import KEY
from mirror.errors import AuthError
from mirror.model.page import KeyRange
from mirror.model.source import Credential
from mirror.store.store import Store
from tests.connectors.versionone.test_forms import contents, layouts_of
from tests.support.stages.versionone import TheStage
from tests.support.versionone import connector_to

WAYS = {
    "query.v1 and keys": ({}, ("query.v1", "Key", "yes")),
    "rest-1.v1 and keys": ({"query_v1": False}, ("rest-1.v1", "Key", "yes")),
    "oids": ({"key_filter": False}, ("query.v1", "ID", "yes")),
    "offsets": ({"key_filter": False, "id_filter": False, "moment_filter": False}, ("query.v1", "offset", "no")),
    "the oldest": (
        {"query_v1": False, "json": False, "key_filter": False, "id_filter": False, "moment_filter": False},
        ("rest-1.v1", "offset", "no"),
    ),
}


@pytest.mark.parametrize("way", WAYS)
def test_each_way_to_ask_is_found_and_loses_no_record(stage: TheStage, store: Store, way: str) -> None:
    switches, expected = WAYS[way]
    stage.switch(**switches, page_size_cap=7, short_page_every=4, page_shift=1)
    stage.sync(store)
    learned = {key.removeprefix("learned "): value for key, value in store.notes("acme").items()}
    assert (learned["form"], learned["ids"]) == expected[:2]
    assert stage.differences(store) == []
    story, deleted = stage.ids("Story")[:2]
    stage.edit(story)
    stage.delete(deleted)
    assert stage.sync(store).exit_code == 0
    assert stage.differences(store) == []
    assert store.notes("acme")["learned moments"] == expected[2]


@pytest.mark.parametrize("switches", [{}, {"query_v1": False}])
def test_a_short_page_does_not_make_comparing_look_broken(stage: TheStage, switches: dict[str, Any]) -> None:
    stage.switch(**switches, page_size_cap=7)
    server = connector_to(stage.tracker).server
    for every in (2, 3):
        stage.switch(short_page_every=every)
        for _ in range(6):
            server.forget_form()
            assert server.compares_moments
            assert server.ids_by == KEY


def test_what_was_learned_is_not_asked_again(stage: TheStage, store: Store) -> None:
    stage.switch(query_v1=False)
    stage.sync(store)
    stage.requests.clear()
    stage.sync(store)
    assert not [each for each in stage.requests if each.path.endswith("query.v1")]


def test_a_server_that_stops_answering_in_one_form_is_asked_in_another(stage: TheStage, store: Store) -> None:
    stage.sync(store)
    stage.switch(query_v1=False)
    stage.edit(stage.ids("Story")[0])
    assert stage.sync(store).exit_code == 0
    assert stage.differences(store) == []


def test_a_fault_of_the_moment_teaches_nothing_about_the_server(stage: TheStage, store: Store) -> None:
    stage.faults.add(kind="status", status=503, path="/query")
    assert stage.sync(store).exit_code == 0
    stage.faults.clear()
    assert "learned form" not in {key for key, value in store.notes("acme").items() if value}
    assert stage.sync(store).exit_code == 0
    assert store.notes("acme")["learned form"] == "query.v1"


def test_a_quiet_sync_of_all_types_costs_a_handful_of_requests(stage: TheStage, store: Store) -> None:
    stage.allowed = ("*",)
    for _ in range(2):
        stage.sync(store)
    stage.requests.clear()
    report = stage.sync(store)
    assert len(store.layouts("acme")) > 85
    assert len(stage.requests) <= 6
    assert (report.tally.inserted, report.tally.updated, report.tally.tombstoned) == (0, 0, 0)


def test_a_quiet_sync_without_query_v1_costs_less_than_a_request_for_each_type(stage: TheStage, store: Store) -> None:
    stage.allowed = ("*",)
    stage.switch(query_v1=False)
    for _ in range(2):
        stage.sync(store)
    stage.requests.clear()
    stage.sync(store)
    assert len(stage.requests) < len(store.layouts("acme"))


def test_an_attribute_that_the_server_refuses_is_left_out_and_the_page_is_not_lost(stage: TheStage) -> None:
    connector = connector_to(stage.tracker)
    name = stage.add_field()
    layout = layouts_of(connector)["Story"]
    stage.remove_field(name)
    rows, _, bad = contents(connector, layout)
    assert [row[1] for row in rows] == stage.ids("Story")  # type: ignore[attr-defined]
    assert bad == []
    assert connector.learned["refused Story"] == name


def test_what_was_refused_is_asked_for_again_once_the_types_have_changed(stage: TheStage, store: Store) -> None:
    connector = connector_to(stage.tracker)
    name = stage.add_field()
    layout = layouts_of(connector)["Story"]
    stage.remove_field(name)
    connector.fetch(layout, KeyRange())()
    stage.add_field()
    connector.discover("the digest of before")
    assert "refused Story" not in connector.learned


def test_a_session_that_expired_costs_one_more_login_and_nothing_else(stage: TheStage, store: Store) -> None:
    connector = connector_to(stage.tracker)
    layout = layouts_of(connector)["Story"]
    stage.faults.add(kind="status", status=401, times=1, path="/query")
    assert connector.fetch(layout, KeyRange())().rows


def test_cookies_are_kept_so_that_a_sync_is_one_login(stage: TheStage, store: Store) -> None:
    before = stage.tracker.logins_without_cookie
    stage.sync(store)
    assert stage.tracker.logins_without_cookie - before <= stage.source().concurrency


@pytest.mark.parametrize("credential", [Credential("1.wrong="), Credential("wrong", "admin")])
def test_a_wrong_credential_is_told_as_one(stage: TheStage, credential: Credential) -> None:
    with pytest.raises(AuthError):
        connector_to(stage.tracker, credential=credential).identity()


def test_a_server_that_takes_tokens_only_is_mirrored_with_one(stage: TheStage, store: Store) -> None:
    stage.switch(auth="bearer_only", meta_open=False, total="asked")
    assert stage.sync(store).exit_code == 0
    assert stage.differences(store) == []
