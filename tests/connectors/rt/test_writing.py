"""What is written to a ticket, on a real RT and on the simulated one: every kind of field, and every action."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from mirror.errors import RefusedError
from mirror.model.change import Action
from mirror.model.write import File, Receipt, Target, Value
from tests.support.rt.client import Client
from tests.support.rt.writing import Pen, person

NOBODY = Target("user", 6, "Nobody")


Pens = Callable[[str], Pen]


def user(root: Client, name: str) -> Target:
    return person(root.user_id(name), name)


SET: dict[str, Value] = {
    "Subject": "  ünïcode ✓ 日本 <b> ",
    "Status": "open",
    "Priority": 42,
    "FinalPriority": 7,
    "InitialPriority": 3,
    "TimeWorked": 61,
    "TimeLeft": 5,
    "TimeEstimated": 600,
    "SLA": "fast",
    "Due": "2027-03-04T05:06:07.000Z",
    "Starts": "2027-03-04T05:06:08.000Z",
    "Started": "2026-03-04T05:06:09.000Z",
    "Resolved": "2026-03-04T05:06:10.000Z",
    "Told": "2026-03-04T05:06:11.000Z",
    "CF.{Severity}": "high",
    "CF.{External ID}": '  it\'s "quoted", ✓\t',
    "CF.{Notes}": "first\r\nsecond ünï\n\n" + "long " * 3000,
    "CF.{Target Date}": "2027-02-28",
    "CF.{Seen At}": "2027-07-01T10:00:00.000Z",
}
OTHERS: dict[str, Value] = {
    "Subject": "x" * 200,
    "Status": "resolved",
    "Priority": 0,
    "TimeWorked": 1,
    "CF.{Severity}": "critical",
    "CF.{Seen At}": "2027-01-01T10:00:00.000Z",
}
NUMBERS = ("Priority", "FinalPriority", "InitialPriority", "TimeWorked", "TimeLeft", "TimeEstimated")


@pytest.mark.parametrize("account", ["root", "agent-ny"])
def test_every_scalar_is_written_and_read_back(pens: Pens, root: Client, account: str) -> None:
    pen, number = pens(account), root.create()
    cleared: dict[str, Value] = dict.fromkeys(name for name in SET if name not in ("Status", *NUMBERS))
    for values in (SET, OTHERS, cleared, SET):
        receipt = pen.done(pen.edit(number, values))
        assert receipt.record_id == number
        assert not receipt.overwritten
        assert {name: pen.value(number, name) for name in values} == values


@pytest.mark.parametrize("old", ["0", "ü" * 128, ""])
def test_a_custom_value_that_rt_does_not_clear_at_once_is_cleared(pen: Pen, root: Client, old: str) -> None:
    number = root.create()
    root.edit(number, CustomFields={"External ID": old})
    assert pen.value(number, "CF.{External ID}") == old
    receipt = pen.done(pen.edit(number, {"CF.{External ID}": None, "Priority": 3}))
    assert not receipt.overwritten
    assert (pen.value(number, "CF.{External ID}"), pen.value(number, "Priority")) == (None, 3)


def test_a_reference_is_written_by_number(pen: Pen, root: Client) -> None:
    agent, number = user(root, "agent"), root.create()
    wanted: dict[str, Value] = {"Owner": agent, "Queue": Target("queue", 4, "Infra"), "CustomRole.{Engineer}": agent}
    receipt = pen.done(pen.edit(number, wanted))
    assert receipt.words
    assert {name: pen.value(number, name) for name in wanted} == wanted
    pen.done(pen.edit(number, {"Owner": NOBODY, "CustomRole.{Engineer}": NOBODY}))
    assert pen.value(number, "Owner") == pen.value(number, "CustomRole.{Engineer}") == NOBODY


@pytest.mark.parametrize("name", ["Requestor", "Cc", "AdminCc", "CustomRole.{Sales}"])
def test_a_role_gains_and_loses_single_members(pen: Pen, root: Client, name: str) -> None:
    agent, one, two = (user(root, each) for each in ("agent", "user01", "user02"))
    staff, number = Target("group", 27), root.create()
    pen.done(pen.edit(number, add={name: [agent, staff, one]}))
    assert pen.items(number, name) == {("user", agent.id), ("group", 27), ("user", one.id)}
    pen.done(pen.edit(number, add={name: [two]}, remove={name: [one, staff]}))
    assert pen.items(number, name) == {("user", agent.id), ("user", two.id)}
    pen.done(pen.edit(number, remove={name: [agent, two]}))
    assert pen.items(number, name) == set()


def test_an_address_that_rt_does_not_know_becomes_a_user(pen: Pen, root: Client) -> None:
    number = root.create()
    pen.done(pen.edit(number, add={"Requestor": ["never.seen@example.net"]}))
    assert pen.items(number, "Requestor") == {("user", root.user_id("never.seen@example.net"))}


@pytest.mark.parametrize("account", ["root", "agent-ny"])
@pytest.mark.parametrize(
    ("name", "first", "second", "removed"),
    [
        ("CF.{Tags}", ["a", " ä,b ", "A"], ["c"], ["a"]),
        ("CF.{Platforms}", ["linux", "bsd"], ["macos"], ["linux", "bsd"]),
        (
            "CF.{Visits}",
            ["2027-07-01T10:00:00.000Z", "2027-01-01T10:00:00.000Z"],
            ["2027-08-01T10:00:00.000Z"],
            ["2027-01-01T10:00:00.000Z"],
        ),
    ],
)
def test_a_field_with_many_values_gains_and_loses_single_ones(
    pens: Pens, root: Client, account: str, name: str, first: list[str], second: list[str], removed: list[str]
) -> None:
    pen, number = pens(account), root.create()
    pen.done(pen.edit(number, add={name: first}))
    assert pen.items(number, name) == set(first)
    pen.done(pen.edit(number, add={name: second}, remove={name: removed}))
    assert pen.items(number, name) == {*first, *second} - {*removed}
    pen.done(pen.edit(number, remove={name: list(pen.items(number, name))}))
    assert pen.items(number, name) == set()


@pytest.mark.parametrize("name", ["DependsOn", "DependedOnBy", "RefersTo", "ReferredToBy", "Parents", "Children"])
def test_links_come_and_go_one_by_one(pen: Pen, root: Client, name: str) -> None:
    number, others = root.create(), [Target("ticket", root.create()) for _ in range(3)]
    pen.done(pen.edit(number, add={name: others[:2]}))
    assert pen.items(number, name) == {("ticket", each.id) for each in others[:2]}
    pen.done(pen.edit(number, add={name: [others[2]]}, remove={name: [others[0]]}))
    assert pen.items(number, name) == {("ticket", each.id) for each in others[1:]}


def test_a_ticket_refers_to_other_things_too(pen: Pen, root: Client) -> None:
    number, others = root.create(), [Target("asset", 1), Target("article", 1), "https://example.org/x?a=1&b=2"]
    pen.done(pen.edit(number, add={"RefersTo": others}))
    assert pen.items(number, "RefersTo") == {("asset", 1), ("article", 1), "https://example.org/x?a=1&b=2"}
    pen.done(pen.edit(number, remove={"RefersTo": others}))
    assert pen.items(number, "RefersTo") == set()


def test_the_field_meant_is_written_where_two_have_one_name(pen: Pen, root: Client) -> None:
    infra, support = root.create("Infra"), root.create("Support")
    names = sorted(each.name for each in pen.layout.type.fields if each.display_name == "Host")
    pen.done(pen.edit(infra, {names[0]: "first.example.com"}))
    pen.done(pen.edit(support, {names[1]: "second.example.com"}))
    assert pen.value(infra, names[0]) == "first.example.com"
    assert pen.value(support, names[1]) == "second.example.com"


@pytest.mark.parametrize("account", ["root", "agent-ny"])
def test_everything_is_created_in_one_call(pens: Pens, root: Client, account: str) -> None:
    pen, agent = pens(account), user(root, "agent")
    other, staff = Target("ticket", root.create()), Target("group", 27)
    values: dict[str, Value] = {
        "Queue": Target("queue", 1, "General"),
        "Subject": "new ünï",
        "Status": "open",
        "Owner": agent,
        "Priority": 5,
        "Due": "2027-03-04T05:06:07.000Z",
        "CF.{Severity}": "low",
        "CF.{Target Date}": "2027-02-28",
        "CF.{Seen At}": "2027-07-01T10:00:00.000Z",
        "CustomRole.{Engineer}": agent,
    }
    many = {
        "Requestor": [agent, staff],
        "CF.{Tags}": ["a", "b"],
        "CF.{Visits}": ["2027-07-01T10:00:00.000Z"],
        "DependsOn": [other],
        "Parents": [other],
        "CustomRole.{Sales}": [staff],
    }
    receipt = pen.done(pen.make(values, add=many))
    assert {name: pen.value(receipt.record_id, name) for name in values} == values
    wanted = {
        name: {each if isinstance(each, str) else (each.type_name, each.id) for each in items}
        for name, items in many.items()
    }
    assert {name: pen.items(receipt.record_id, name) for name in many} == wanted


def test_new_tickets_go_together_and_each_has_its_own_outcome(pen: Pen) -> None:
    queue = Target("queue", 1, "General")
    writes = [
        pen.make({"Queue": queue, "Subject": "one"}),
        pen.make({"Queue": queue, "Subject": "two", "Status": "bogus"}),
        pen.make({"Queue": queue, "Subject": "three\nlines"}),
        pen.make({"Queue": Target("queue", 999), "Subject": "four"}),
        pen.make({"Queue": queue, "Subject": "five"}),
    ]
    before = pen.connector.transport.requests_made
    outcomes = pen.connector.send(writes)
    assert pen.connector.transport.requests_made == before + 1
    first, second, third, fourth, fifth = outcomes
    assert isinstance(first, Receipt)
    assert isinstance(fifth, Receipt)
    assert [pen.value(each.record_id, "Subject") for each in (first, fifth)] == ["one", "five"]
    for outcome, words in ((second, "bogus"), (third, "line breaks"), (fourth, "No permission")):
        assert isinstance(outcome, RefusedError)
        assert words in str(outcome)


@pytest.mark.parametrize(("kind", "transaction"), [("comment", "Comment"), ("reply", "Correspond")])
def test_a_comment_is_added(pen: Pen, root: Client, kind: str, transaction: str) -> None:
    number = root.create()
    pen.done(pen.act(Action.COMMENT, number, text="ünï\n\nsecond ✓", kind=kind))
    last = newest(root, number, transaction)
    parts = root.get(f"/transaction/{last}/attachments", fields="Content,ContentType")["items"]
    assert [(each["Content"], each["ContentType"]) for each in parts] == [("ünï\n\nsecond ✓", "text/plain")]


@pytest.mark.parametrize(
    ("name", "kind", "content"),
    [
        ("日本 ü'x;y%41.bin", "application/octet-stream", bytes(range(256)) * 5),
        ("text.txt", "text/plain", "ünï\r\nx\n".encode()),
        ("latin.txt", "text/plain; charset=latin-1", "ünï".encode("latin-1")),
        ("mail.eml", "message/rfc822", b"Subject: x\n\nbody\n"),
        ("strange", "no type", b"--\r\n--x"),
    ],
)
def test_a_file_is_kept_whole(pen: Pen, root: Client, name: str, kind: str, content: bytes) -> None:
    number = root.create()
    write = pen.act(Action.ATTACH, number, file=File(name, kind, content))
    pen.done(write)
    found = pen.connector.probe(write).found
    assert len(found) == 1
    shown = root.get(f"/attachment/{found[0]}")
    assert shown["Filename"] == name
    assert shown["ContentType"] in (kind, "application/octet-stream")


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [('a"b.txt', b"x", "quotation mark"), ("a/b.txt", b"x", "slash"), ("empty.txt", b"", "no empty files")],
)
def test_a_file_that_rt_would_damage_is_refused(pen: Pen, root: Client, name: str, content: bytes, words: str) -> None:
    refused(pen, pen.act(Action.ATTACH, root.create(), file=File(name, "text/plain", content)), words)


def test_a_ticket_is_deleted(pen: Pen, root: Client) -> None:
    number = root.create()
    pen.done(pen.act(Action.DELETE, number))
    assert root.get(f"/ticket/{number}")["Status"] == "deleted"


def test_owners_take_untake_and_steal(pens: Pens, root: Client) -> None:
    pen, other, number = pens("root"), pens("agent"), root.create()
    pen.done(pen.act(Action.OPERATE, number, operation="take"))
    assert pen.value(number, "Owner") == user(root, "root")
    refused(other, other.act(Action.OPERATE, number, operation="take"), "unowned")
    other.done(other.act(Action.OPERATE, number, operation="steal"))
    assert pen.value(number, "Owner") == user(root, "agent")
    refused(pen, pen.act(Action.OPERATE, root.create(), operation="steal"), "only steal")
    other.done(other.act(Action.OPERATE, number, operation="untake"))
    assert pen.value(number, "Owner") == NOBODY


def test_a_ticket_is_merged_into_another(pen: Pen, root: Client) -> None:
    number, into = root.create(), root.create()
    write = pen.act(Action.OPERATE, number, operation="merge", arguments={"into": f"#{into}"})
    assert pen.connector.took_effect(write) is False
    pen.done(write)
    assert root.get(f"/ticket/{number}")["id"] == into
    assert pen.connector.took_effect(write) is True
    refused(pen, pen.act(Action.OPERATE, into, operation="merge", arguments={"into": "NEW-3"}), "into=12")
    refused(pen, pen.act(Action.OPERATE, into, operation="merge", arguments={"into": "99999"}), "")


def refused(pen: Pen, write: object, words: str) -> None:
    outcome = pen.send(write)  # type: ignore[arg-type]
    assert isinstance(outcome, RefusedError), repr(outcome)
    assert words in str(outcome)


def newest(root: Client, number: int, kind: str) -> str:
    """Return the newest transaction of a kind."""
    found = root.get(f"/ticket/{number}/history", fields="Type", orderby="id", per_page=100)["items"]
    return str([each["id"] for each in found if each["Type"] == kind][-1])
