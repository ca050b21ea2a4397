"""What is found out about writes whose answer was lost, or that surely never arrived."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from mirror.connectors.base import Probed
from mirror.connectors.http import Patience, Transport
from mirror.connectors.rt.connector import RTConnector
from mirror.errors import AuthError, RetryableError
from mirror.model.change import Action
from mirror.model.source import Credential, Source
from mirror.model.write import File, Target, Value, Write
from tests.connectors.rt.conftest import Server, connected
from tests.support.rt.client import Client
from tests.support.rt.writing import Pen, answering, losing, person

GENERAL = Target("queue", 1, "General")
Pens = Callable[[str], Pen]


def lost(pen: Pen, write: Write, method: str = "POST") -> None:
    """Send a write whose answer is lost."""
    losing(pen.connector, method)
    outcome = pen.send(write)
    assert isinstance(outcome, RetryableError), repr(outcome)
    assert not outcome.is_unsent


def newest(root: Client) -> int:
    """Return the number of the newest ticket."""
    found = root.get("/tickets", query="id > 0", orderby="id", order="DESC", per_page=1)
    return int(found["items"][0]["id"])


def test_a_created_ticket_is_found_by_everything_that_was_sent(pen: Pen, root: Client) -> None:
    other = root.create()
    values: dict[str, Value] = {
        "Queue": GENERAL,
        "Subject": "lost ünï",
        "Owner": person(14, "root"),
        "Priority": 4,
        "CF.{Severity}": "low",
        "CF.{Seen At}": "2027-07-01T10:00:00.000Z",
    }
    write = pen.make(values, add={"Cc": [person(27)], "RefersTo": [Target("ticket", other)], "CF.{Tags}": ["a"]})
    assert list(pen.connector.probe(write).found) == []
    lost(pen, write)
    assert list(pen.connector.probe(write).found) == [newest(root)]


@pytest.mark.parametrize(
    ("values", "many"),
    [
        ({"Subject": "another"}, {}),
        ({"Priority": 5}, {}),
        ({"CF.{Severity}": "high"}, {}),
        ({}, {"CF.{Tags}": ["b"]}),
        ({"Queue": Target("queue", 4, "Infra")}, {}),
    ],
)
def test_a_ticket_that_differs_is_not_taken_for_it(pen: Pen, values: dict[str, Value], many: dict[str, Any]) -> None:
    base: dict[str, Value] = {"Queue": GENERAL, "Subject": "one of two", "Priority": 4, "CF.{Severity}": "low"}
    write = pen.make(base, add={"CF.{Tags}": ["a"]})
    pen.done(replace(write, values=base | values, added={"CF.{Tags}": ("a",)} | many))
    assert list(pen.connector.probe(write).found) == []


def test_a_ticket_of_somebody_else_is_not_taken_for_it(pens: Pens) -> None:
    pen = pens("root")
    write = pen.make({"Queue": GENERAL, "Subject": "theirs"})
    pens("agent").done(write)
    assert list(pen.connector.probe(write).found) == []


def test_a_ticket_is_found_although_rt_dropped_values_and_somebody_changed_it(pen: Pen, root: Client) -> None:
    unable = person(root.user_id("limited"), "limited")
    write = pen.make({"Queue": GENERAL, "Subject": "to be changed", "Owner": unable, "Priority": 4})
    lost(pen, write)
    number = newest(root)
    root.edit(number, Subject="changed", Priority=9, Status="open")
    assert pen.connector.probe(write) == Probed((number,), edited={number: frozenset({"Subject", "Priority"})})


def test_a_ticket_of_the_same_subject_that_nobody_has_changed_is_left_to_a_person(pen: Pen) -> None:
    write = pen.make({"Queue": GENERAL, "Subject": "one of these", "Priority": 4})
    number = pen.done(replace(write, values={**write.values, "Priority": 5})).record_id
    assert pen.connector.probe(write) == Probed(doubtful=(number,))


@pytest.mark.parametrize("status", [202, 408])
def test_an_answer_that_does_not_say_what_was_done_leaves_it_open(pen: Pen, root: Client, status: int) -> None:
    writes = [pen.make({"Queue": GENERAL, "Subject": "x"}), pen.act(Action.COMMENT, root.create(), text="z")]
    answering(pen.connector, "POST", b"", status=status)
    for write in writes:
        error = pen.send(write)
        assert isinstance(error, RetryableError)
        assert not error.is_unsent


def test_all_of_several_lost_tickets_are_found(pen: Pen) -> None:
    write = pen.make({"Queue": GENERAL, "Subject": "twins"})
    losing(pen.connector, "POST")
    outcomes = pen.connector.send([write, write])
    assert [type(each) for each in outcomes] == [RetryableError, RetryableError]
    assert len(pen.connector.probe(write).found) == 2


@pytest.mark.parametrize("kind", ["comment", "reply"])
def test_a_comment_is_found_by_its_text(pen: Pen, root: Client, kind: str) -> None:
    number = root.create()
    root.comment(number, "another")
    write = pen.act(Action.COMMENT, number, text="lost ünï\r\nsecond\n", kind=kind)
    assert list(pen.connector.probe(write).found) == []
    lost(pen, write)
    found = pen.connector.probe(write).found
    assert [root.get(f"/transaction/{each}")["Type"] for each in found] == ["Comment" if kind == "comment" else "Correspond"]
    other = "reply" if kind == "comment" else "comment"
    assert list(pen.connector.probe(replace(write, kind=other)).found) == []


def test_a_comment_of_somebody_else_is_not_taken_for_it(pens: Pens, root: Client) -> None:
    number = root.create()
    write = pens("root").act(Action.COMMENT, number, text="the same")
    pens("agent").done(write)
    assert list(pens("root").connector.probe(write).found) == []


def test_a_file_is_found_by_name_and_content(pen: Pen, root: Client) -> None:
    number = root.create()
    write = pen.act(Action.ATTACH, number, file=File("größe.bin", "application/octet-stream", bytes(range(256))))
    pen.done(replace(write, file=File("größe.bin", "application/octet-stream", bytes(range(255)))))
    assert list(pen.connector.probe(write).found) == []
    lost(pen, write)
    assert len(pen.connector.probe(write).found) == 1


@pytest.mark.parametrize("operation", ["take", "steal"])
def test_an_operation_is_told_by_the_owner(pens: Pens, pen: Pen, root: Client, operation: str) -> None:
    number = root.create(Owner="agent" if operation == "steal" else "Nobody")
    write = pen.act(Action.OPERATE, number, operation=operation)
    assert pen.connector.took_effect(write) is False
    lost(pen, write, "PUT")
    assert pen.connector.took_effect(write) is True
    pens("agent").done(pens("agent").act(Action.OPERATE, number, operation="steal"))
    assert pen.connector.took_effect(write) is True


def test_an_operation_that_is_undone_since_is_known_to_have_been_done(pen: Pen, root: Client) -> None:
    number = root.create(Owner="root")
    write = pen.act(Action.OPERATE, number, operation="untake")
    assert pen.connector.took_effect(write) is False
    pen.done(write)
    root.edit(number, Owner="agent")
    assert pen.connector.took_effect(write) is True


def test_an_update_whose_answer_is_lost_is_left_to_be_read_back(pen: Pen, root: Client) -> None:
    number = root.create()
    lost(pen, pen.edit(number, {"Subject": "lost"}), "PUT")
    assert pen.value(number, "Subject") == "lost"


def nowhere(pen: Pen, url: str) -> RTConnector:
    """Return a connector to a server that does not run, which may try but once."""
    transport = Transport(url, patience=Patience(attempts=1))
    return RTConnector(Source("acme", "rt", url, Credential("password", "root")), transport)


def test_what_reaches_no_server_is_unsent(pen: Pen, root: Client) -> None:
    number, broken = root.create(), nowhere(pen, "http://127.0.0.1:9")
    writes = [
        pen.make({"Queue": GENERAL, "Subject": "x"}),
        pen.edit(number, {"Subject": "y"}),
        pen.act(Action.COMMENT, number, text="z"),
        pen.act(Action.DELETE, number),
        pen.act(Action.OPERATE, number, operation="take"),
    ]
    for outcome in [broken.send([each])[0] for each in writes]:
        assert isinstance(outcome, RetryableError)
        assert outcome.is_unsent


def test_a_wrong_password_is_told_for_each_write(pen: Pen, rt_server: Server, root: Client) -> None:
    number, stranger = root.create(), connected(rt_server, "root", secret="wrong")
    writes = [pen.edit(number, {"Subject": "x"}), pen.act(Action.COMMENT, number, text="x")]
    assert [type(each) for each in stranger.send(writes)] == [AuthError, AuthError]
