"""Writing while others write: nobody's edit is replaced without a word."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest

from mirror.errors import RefusedError, StaleError
from mirror.model.change import Action
from mirror.model.write import Target, Value
from tests.connectors.rt.conftest import Server
from tests.support.rt.client import Client
from tests.support.rt.writing import Pen, answering, between, person, without_precondition

Pens = Callable[[str], Pen]


@pytest.fixture(scope="module")
def agent(rt_server: Server) -> Iterator[Client]:
    """Somebody else."""
    client = Client(rt_server.url, "agent")
    yield client
    client.close()


def test_a_field_that_changed_since_it_was_read_is_not_written(pen: Pen, root: Client, agent: Client) -> None:
    number = root.create()
    write = pen.edit(number, {"Subject": "mine", "Priority": 3})
    agent.edit(number, Subject="theirs")
    outcome = pen.send(write)
    assert isinstance(outcome, StaleError)
    assert "Subject" in str(outcome)
    assert (pen.value(number, "Subject"), pen.value(number, "Priority")) == ("theirs", 0)


def test_another_field_may_have_changed_since(pen: Pen, root: Client, agent: Client) -> None:
    number = root.create()
    write = pen.edit(number, {"Subject": "mine"})
    agent.edit(number, Priority=7)
    assert not pen.done(write).overwritten
    assert (pen.value(number, "Subject"), pen.value(number, "Priority")) == ("mine", 7)


def test_an_edit_between_reading_and_writing_stops_the_write(pen: Pen, root: Client, agent: Client) -> None:
    number = root.create()
    write = pen.edit(number, {"Subject": "mine"})
    between(pen.connector, "PUT", f"/REST/2.0/ticket/{number}", lambda: agent.edit(number, Subject="theirs"))
    assert isinstance(pen.send(write), StaleError)
    assert pen.value(number, "Subject") == "theirs"


def test_a_second_call_that_fails_does_not_hide_what_the_first_has_replaced(pen: Pen, root: Client, agent: Client) -> None:
    number = root.create()
    root.edit(number, CustomFields={"Notes": "x" * 300})
    write = pen.edit(number, {"Subject": "mine", "CF.{Notes}": None})
    without_precondition(pen.connector)
    between(pen.connector, "PUT", f"/REST/2.0/ticket/{number}", lambda: agent.edit(number, Subject="theirs"))
    answering(pen.connector, "PUT", b'{"message": "no more"}', status=400, from_number=2)
    receipt = pen.done(write)
    assert receipt.overwritten["Subject"].startswith("theirs by agent")
    assert receipt.words[-1] == "no more"


CASES: dict[str, tuple[Mapping[str, Value], Mapping[str, Any], Mapping[str, str]]] = {
    "text": ({"Subject": "mine"}, {"Subject": "theirs"}, {"Subject": "theirs"}),
    "status": ({"Status": "resolved"}, {"Status": "open"}, {"Status": "open"}),
    "number": ({"Priority": 3}, {"Priority": 7}, {"Priority": "7"}),
    "work": ({"TimeWorked": 3}, {"TimeWorked": 7}, {"TimeWorked": "7"}),
    "date": ({"Due": "2027-03-04T05:06:07.000Z"}, {"Due": "2027-01-01 00:00:00"}, {"Due": "2027-01-01 00:00:00"}),
    "cleared": ({"Due": None}, {"Due": "2027-01-01 00:00:00"}, {"Due": "2027-01-01 00:00:00"}),
    "owner": ({"Owner": Target("user", 14, "root")}, {"Owner": "agent"}, {"Owner": "agent"}),
    "queue": ({"Queue": Target("queue", 4, "Infra")}, {"Queue": "Support"}, {"Queue": "Support"}),
    "role": (
        {"CustomRole.{Engineer}": person(14)},
        {"CustomRoles": {"Engineer": "agent"}},
        {"CustomRole.{Engineer}": "agent"},
    ),
    "custom": ({"CF.{Notes}": "x" * 300}, {"CustomFields": {"Notes": "theirs"}}, {"CF.{Notes}": "theirs"}),
    "custom moment": (
        {"CF.{Seen At}": "2027-07-01T10:00:00.000Z"},
        {"CustomFields": {"Seen At": "2027-01-01 00:00:00"}},
        {"CF.{Seen At}": "2027-01-01 00:00:00"},
    ),
    "another field": ({"Subject": "mine"}, {"Priority": 7}, {}),
}


@pytest.mark.parametrize("case", CASES)
def test_what_was_replaced_behind_the_check_is_told(pen: Pen, root: Client, agent: Client, case: str) -> None:
    values, theirs, expected = CASES[case]
    number = root.create()
    write = pen.edit(number, values)
    without_precondition(pen.connector)
    between(pen.connector, "PUT", f"/REST/2.0/ticket/{number}", lambda: agent.edit(number, **theirs))
    receipt = pen.done(write)
    assert {name: words.partition(" by agent at 20")[0] for name, words in receipt.overwritten.items()} == expected
    assert all(" by agent at 20" in words for words in receipt.overwritten.values())
    assert {name: pen.value(number, name) for name in values if name != "Queue"} == {
        name: value if not isinstance(value, Target) else person(14, "root")
        for name, value in values.items()
        if name != "Queue"
    }


def test_an_edit_of_our_own_account_from_elsewhere_is_told_as_well(pen: Pen, root: Client) -> None:
    number = root.create()
    write = pen.edit(number, {"Subject": "mine"})
    without_precondition(pen.connector)
    between(pen.connector, "PUT", f"/REST/2.0/ticket/{number}", lambda: root.edit(number, Subject="also mine"))
    assert pen.done(write).overwritten["Subject"].startswith("also mine by root at ")


def test_a_comment_that_books_time_is_told(pen: Pen, root: Client, agent: Client) -> None:
    number = root.create()
    write = pen.edit(number, {"TimeWorked": 3})
    without_precondition(pen.connector)
    between(pen.connector, "PUT", f"/REST/2.0/ticket/{number}", lambda: agent.comment(number, TimeTaken=15))
    assert pen.done(write).overwritten["TimeWorked"].startswith("15 minutes more by agent at ")


@pytest.mark.parametrize(
    ("name", "ours", "theirs", "words"),
    [
        ("Cc", person(27), {"Cc": ["user01", "user02"]}, "user02 added by agent at "),
        ("Cc", person(27), {"Cc": []}, "user01 removed by agent at "),
        ("CF.{Tags}", "mine", {"CustomFields": {"Tags": ["there", "theirs"]}}, "theirs added by agent at "),
        ("CF.{Tags}", "mine", {"CustomFields": {"Tags": []}}, "there removed by agent at "),
    ],
)
def test_what_a_replaced_list_has_undone_is_told(
    pen: Pen, root: Client, agent: Client, name: str, ours: Any, theirs: dict[str, Any], words: str
) -> None:
    number = root.create(Cc=["user01"], CustomFields={"Tags": ["there"]})
    write = pen.edit(number, add={name: [ours]})
    without_precondition(pen.connector)
    between(pen.connector, "PUT", f"/REST/2.0/ticket/{number}", lambda: agent.edit(number, **theirs))
    assert pen.done(write).overwritten[name].startswith(words)


def test_links_of_others_are_left_alone(pen: Pen, root: Client, agent: Client) -> None:
    number, mine, theirs = root.create(), root.create(), root.create()
    write = pen.edit(number, add={"RefersTo": [Target("ticket", mine)]})
    without_precondition(pen.connector)
    between(pen.connector, "PUT", f"/REST/2.0/ticket/{number}", lambda: agent.edit(number, AddRefersTo=theirs))
    assert not pen.done(write).overwritten
    assert pen.items(number, "RefersTo") == {("ticket", mine), ("ticket", theirs)}


def test_a_ticket_that_somebody_changed_is_not_deleted(pen: Pen, root: Client, agent: Client) -> None:
    number = root.create()
    write = pen.act(Action.DELETE, number)
    between(pen.connector, "PUT", f"/REST/2.0/ticket/{number}", lambda: agent.edit(number, Subject="theirs"))
    assert isinstance(pen.send(write), StaleError)
    assert root.get(f"/ticket/{number}")["Status"] == "new"


@pytest.mark.parametrize("fate", ["deleted", "merged"])
def test_a_ticket_that_is_gone_is_not_written(pen: Pen, root: Client, fate: str) -> None:
    number, other = root.create(), root.create()
    write = pen.edit(number, {"Subject": "mine"})
    root.delete(number) if fate == "deleted" else root.merge(number, other)
    assert isinstance(pen.send(write), StaleError)
    assert root.get(f"/ticket/{other}")["Subject"] == "made by a test"


def test_good_fields_are_kept_where_others_are_refused(pen: Pen, root: Client) -> None:
    number = root.create()
    wanted: dict[str, Value] = {"Subject": "good", "Status": "bogus", "Owner": person(root.user_id("limited"))}
    receipt = pen.done(pen.edit(number, wanted | {"CF.{Severity}": "no such value"}))
    assert any("bogus" in each for each in receipt.words)
    assert any("may not own" in each for each in receipt.words)
    assert any("Invalid value" in each for each in receipt.words)
    shown = {name: pen.value(number, name) for name in ("Subject", "Status", "CF.{Severity}")}
    assert shown == {"Subject": "good", "Status": "new", "CF.{Severity}": None}


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"Subject": "a\nb"}, "line breaks"),
        ({"Subject": "a\0b"}, "zero bytes"),
        ({"Subject": "\ud800"}, "half of a character"),
        ({"Status": "Open"}, "'open'"),
        ({"Owner": None}, "Nobody"),
        ({"Priority": None}, "0 for nothing"),
        ({"Due": "2027-03-04T05:06:07.250Z"}, "whole seconds"),
        ({"Due": "1970-01-01T00:00:00.000Z"}, "1970"),
    ],
)
def test_what_rt_would_keep_otherwise_is_not_sent(pen: Pen, root: Client, values: dict[str, Value], words: str) -> None:
    number = root.create()
    outcome = pen.send(pen.edit(number, values))
    assert isinstance(outcome, RefusedError)
    assert words in str(outcome)
    receipt = pen.done(pen.edit(number, values | {"FinalPriority": 9}))
    assert any(words in each for each in receipt.words)
    assert pen.value(number, "FinalPriority") == 9


def test_who_may_read_and_not_write_is_told_so(pens: Pens, root: Client) -> None:
    pen, number = pens("limited"), root.create()
    receipt = pen.done(pen.edit(number, {"Subject": "mine"}))
    assert any("Permission Denied" in each for each in receipt.words)
    for write in (pen.act(Action.COMMENT, number, text="hello"), pen.act(Action.DELETE, number)):
        outcome = pen.send(write)
        assert isinstance(outcome, RefusedError)
        assert "Permission Denied" in str(outcome)
    pen.done(pen.act(Action.COMMENT, number, text="hello", kind="reply"))


def test_who_may_not_create_is_told_so(pens: Pens) -> None:
    pen = pens("limited")
    outcome = pen.send(pen.make({"Queue": Target("queue", 1), "Subject": "x"}))
    assert isinstance(outcome, RefusedError)
    assert "No permission" in str(outcome)


@pytest.mark.parametrize("end", [Target("article", 1), Target("asset", 1), Target("article", 999)])
def test_a_link_to_what_the_account_may_not_read_is_refused(pens: Pens, root: Client, end: Target) -> None:
    pen, number = pens("agent"), root.create()
    outcome = pen.send(pen.edit(number, add={"RefersTo": [end]}))
    assert isinstance(outcome, RefusedError)
    assert pen.items(number, "RefersTo") == set()
