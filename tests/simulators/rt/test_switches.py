"""Each switch makes the simulator behave as the installation does that it stands for."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
import requests

from mirror.simulators import ManualClock
from mirror.simulators.rt import RTSimulator, Switches, World
from tests.simulators.rt.conftest import Caller


def switch(tracker: RTSimulator, **changes: object) -> None:
    tracker.switches = tracker.switches.with_changes(changes)


def test_an_unknown_switch_or_profile_is_refused() -> None:
    with pytest.raises(ValueError, match="nonsense"):
        Switches().with_changes({"nonsense": True})
    with pytest.raises(ValueError, match="nonsense"):
        Switches.profile("nonsense")


def test_a_page_beyond_the_end_is_empty_or_the_last_one_again(tracker: RTSimulator, caller: Caller) -> None:
    params = {"query": "id > 0", "per_page": 5, "orderby": "id"}
    last = caller.get("/tickets", **params, page=1)["pages"]
    assert caller.get("/tickets", **params, page=last + 3)["items"] == []
    switch(tracker, last_page_again=True)
    again = caller.get("/tickets", **params, page=last + 3)
    assert (again["page"], again["items"]) == (last, caller.get("/tickets", **params, page=last)["items"])


def test_accounts_without_counts_are_led_on_only_by_later_versions(tracker: RTSimulator) -> None:
    limited = Caller(tracker, tracker.limited_token)
    first = limited.get("/queues", query='[{"field":"id","operator":">","value":0}]', per_page=1, orderby="id")
    assert (first["total"], "next_page" in first) == (None, False)
    switch(tracker, look_ahead=True)
    led = limited.get("/queues", query='[{"field":"id","operator":">","value":0}]', per_page=1, orderby="id")
    assert led["next_page"].endswith("page=2")
    limited.session.close()


def test_custom_roles_go_by_number_or_by_name(tracker: RTSimulator, world: World, caller: Caller) -> None:
    number = world.create({"CustomRoles": {"Engineer": "agent"}})
    assert caller.get(f"/ticket/{number}")["RT::CustomRole-1"]["id"] == "agent"
    switch(tracker, roles_by_name=True)
    assert caller.get(f"/ticket/{number}")["Engineer"]["id"] == "agent"
    listed = caller.get("/tickets", query=f"id = {number}", fields="CustomRoles")["items"][0]
    assert listed["CustomRoles"]["Engineer"]["id"] == "agent"


def test_rows_that_the_order_leaves_equal_come_in_changing_order(tracker: RTSimulator, caller: Caller) -> None:
    def order() -> list[int]:
        return [each["id"] for each in caller.get("/tickets", query="id > 0", orderby="Type", per_page=100)["items"]]

    assert order() == order()
    switch(tracker, shuffled_order=True)
    assert order() != order()


def test_dates_in_a_search_are_in_the_zone_of_the_user_or_the_server(
    tracker: RTSimulator, world: World, caller: Caller
) -> None:
    number = world.create({"Due": "2027-01-01 00:00:00"})
    query = f"id = {number} AND Due < '2027-01-01 03:00:00'"
    assert caller.get("/tickets", query=query)["total"] == 1
    switch(tracker, default_timezone="Asia/Kolkata")
    assert caller.get("/tickets", query=query)["total"] == 0


def test_a_lagging_server_shows_what_was_and_writes_to_what_is(
    tracker: RTSimulator, clock: ManualClock, caller: Caller
) -> None:
    switch(tracker, lag_seconds=10.0)
    before = caller.get("/ticket/1")["Subject"]
    clock.advance(20)
    assert caller.put("/ticket/1", Subject="new") == [f"Ticket 1: Subject changed from '{before}' to 'new'"]
    made = caller.raw("POST", "/ticket", json={"Queue": "General"}).json()["id"]
    assert caller.get("/ticket/1")["Subject"] == before
    assert caller.raw("GET", f"/ticket/{made}").status_code == 404
    assert caller.get("/tickets", query=f"id = {made}")["total"] == 0
    clock.advance(11)
    assert caller.get("/ticket/1")["Subject"] == "new"
    assert caller.raw("GET", f"/ticket/{made}").status_code == 200


def test_a_transaction_can_appear_after_one_with_a_higher_number(tracker: RTSimulator, world: World, caller: Caller) -> None:
    switch(tracker, late_transactions=1)

    def newest() -> int:
        query = [{"field": "id", "operator": ">", "value": 0}]
        return int(
            caller.raw("POST", "/transactions", json=query, params={"orderby": "id", "order": "DESC"}).json()["items"][0][
                "id"
            ]
        )

    before = newest()
    world.update(1, {"Priority": 11})
    assert newest() == before
    world.update(1, {"Priority": 12})
    assert newest() == before + 1


def test_without_rest_1_there_are_no_sessions(tracker: RTSimulator) -> None:
    form = {"user": tracker.user, "pass": tracker.password}
    assert requests.post(f"{tracker.url}/REST/1.0/", data=form, timeout=10).cookies
    switch(tracker, rest1=False)
    refused = requests.post(f"{tracker.url}/REST/1.0/", data=form, timeout=10)
    assert (refused.status_code, len(refused.cookies)) == (404, 0)


def test_a_session_ends(tracker: RTSimulator, clock: ManualClock) -> None:
    switch(tracker, session_seconds=60.0)
    with requests.Session() as session:
        session.post(f"{tracker.url}/REST/1.0/", data={"user": tracker.user, "pass": tracker.password}, timeout=10)
        address = f"{tracker.url}/REST/2.0/rt"
        assert session.get(address, timeout=10).status_code == 200
        clock.advance(61)
        assert session.get(address, timeout=10, allow_redirects=False).status_code == 302


def test_a_lost_answer_is_applied_all_the_same(tracker: RTSimulator, caller: Caller) -> None:
    switch(tracker, lost_answer_every=1)
    with pytest.raises(requests.ConnectionError):
        caller.put("/ticket/1", Subject="applied")
    switch(tracker, lost_answer_every=0)
    assert caller.get("/ticket/1")["Subject"] == "applied"


def test_each_so_many_reads_fail_with_an_empty_body(tracker: RTSimulator, caller: Caller) -> None:
    switch(tracker, error_every=2)
    answers = [caller.raw("GET", "/ticket/1") for _ in range(4)]
    assert sorted(each.status_code for each in answers) == [200, 200, 500, 500]
    assert {each.content for each in answers if each.status_code == 500} == {b""}


def test_a_race_passes_the_check_of_the_etag_and_shows_in_the_history(tracker: RTSimulator, caller: Caller) -> None:
    switch(tracker, racing_edit_every=1)
    tag = caller.raw("GET", "/ticket/1").headers["ETag"]
    assert caller.raw("PUT", "/ticket/1", json={"Subject": "mine"}, headers={"If-Match": tag}).status_code == 200
    assert caller.raw("PUT", "/ticket/1", json={"Subject": "late"}, headers={"If-Match": tag}).status_code == 412
    since = f'[{{"field":"id","operator":">","value":{int(tag.strip(chr(34)))}}}]'
    history = caller.get("/ticket/1/history", query=since, fields="Creator", orderby="id")["items"]
    assert [each["Creator"]["id"] for each in history] == ["RT_System", "root"]


def test_the_clock_of_the_server_may_be_ahead(tracker: RTSimulator, clock: ManualClock, caller: Caller) -> None:
    switch(tracker, clock_offset_seconds=3600.0)
    answer = caller.raw("GET", "/rt")
    shown = datetime.strptime(answer.headers["Date"], "%a, %d %b %Y %H:%M:%S GMT").replace(tzinfo=UTC)
    assert (shown - clock.now()).total_seconds() == 3600


def test_without_mail_a_new_ticket_has_one_transaction(tracker: RTSimulator, world: World) -> None:
    def transactions() -> int:
        number = world.create({"Requestor": ["customer1"]})
        return len(world.view().transactions_of("RT::Ticket", number))

    assert transactions() > 1
    switch(tracker, mail=False)
    assert transactions() == 1
