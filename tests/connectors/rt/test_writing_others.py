"""Writing users, queues, groups, assets and articles; and what the catalog says can be written."""

from __future__ import annotations

import secrets
from collections.abc import Callable

import pytest

from mirror.errors import RefusedError, StaleError
from mirror.model.change import Action
from mirror.model.schema import Kind
from mirror.model.write import File, Target, Value, Write
from tests.connectors.rt.conftest import Connect
from tests.support.rt.client import Client
from tests.support.rt.reading import catalog_of
from tests.support.rt.writing import Pen, between, person

NEW: dict[str, dict[str, Value]] = {
    "queue": {"Description": "of a test", "SortOrder": 4},
    "user": {"EmailAddress": "{name}@example.net", "RealName": "Ünï", "Privileged": True, "CF.{Shoe Size}": "44"},
    "group": {"Description": "of a test"},
    "asset": {"Catalog": Target("catalog", 1), "Description": "of a test", "Owner": person(14, "root")},
    "article": {"Class": Target("class", 1), "Summary": "of a test"},
    "catalog": {"Description": "of a test"},
    "class": {"Description": "of a test"},
}
CHANGED: dict[str, dict[str, Value]] = {
    "queue": {"Description": None, "SortOrder": 5, "Disabled": True, "SLADisabled": False},
    "user": {"RealName": None, "NickName": "ü", "Privileged": False, "Disabled": True, "CF.{Shoe Size}": None},
    "group": {"Description": "ünï", "Disabled": True},
    "asset": {"Description": None, "Status": "in-use", "Owner": Target("user", 6, "Nobody")},
    "article": {"Summary": "ünï", "SortOrder": 3},
    "catalog": {"Description": "ünï"},
    "class": {"Description": "ünï", "SortOrder": 3},
}


@pytest.mark.parametrize("name", NEW)
def test_another_record_is_created_and_changed(connect: Connect, name: str) -> None:
    pen, label = Pen(connect(), name), f"new-{secrets.token_hex(4)}"
    values = {"Name": label, **{each: _filled(value, label) for each, value in NEW[name].items()}}
    write = pen.make(values)
    number = pen.done(write).record_id
    assert _shown(pen, number, values) == values
    assert list(pen.connector.probe(write).found) == [number]
    receipt = pen.done(pen.edit(number, CHANGED[name]))
    assert not receipt.overwritten
    assert _shown(pen, number, CHANGED[name]) == {**CHANGED[name]}


@pytest.mark.parametrize(
    ("name", "number", "role"), [("queue", 3, "AdminCc"), ("asset", 1, "HeldBy"), ("asset", 1, "Contact")]
)
def test_a_role_of_another_record_changes(connect: Connect, root: Client, name: str, number: int, role: str) -> None:
    pen, agent = Pen(connect(), name), person(root.user_id("agent"))
    before = pen.items(number, role)
    pen.done(pen.edit(number, add={role: [agent, Target("group", 27)]}))
    assert pen.items(number, role) == {*before, ("user", agent.id), ("group", 27)}
    pen.done(pen.edit(number, remove={role: [agent, Target("group", 27)]}))
    assert pen.items(number, role) == before


def test_an_asset_is_linked_and_deleted(connect: Connect, root: Client) -> None:
    pen = Pen(connect(), "asset")
    number = pen.done(pen.make({"Catalog": Target("catalog", 1), "Name": "to be deleted"})).record_id
    pen.done(pen.edit(number, add={"RefersTo": [Target("ticket", 1)]}))
    assert pen.items(number, "RefersTo") == {("ticket", 1)}
    pen.done(pen.act(Action.DELETE, number))
    assert root.get(f"/asset/{number}")["Status"] == "deleted"


def test_another_record_that_somebody_changed_is_not_written(connect: Connect, root: Client) -> None:
    pen = Pen(connect(), "queue")
    write = pen.edit(4, {"Description": "mine"})
    between(pen.connector, "PUT", "/REST/2.0/queue/4", lambda: root.put("/queue/4", CommentAddress="x@example.com"))
    assert isinstance(pen.send(write), StaleError)


def test_a_name_that_is_taken_is_refused(connect: Connect) -> None:
    pen = Pen(connect(), "user")
    outcome = pen.send(pen.make({"Name": "root"}))
    assert isinstance(outcome, RefusedError)
    assert "in use" in str(outcome)


def test_an_account_without_rights_is_refused(connect: Connect) -> None:
    pen = Pen(connect("agent"), "queue")
    outcome = pen.send(pen.make({"Name": "theirs"}))
    assert isinstance(outcome, RefusedError)


def test_the_catalog_tells_what_can_be_done(connect: Connect) -> None:
    types = catalog_of(connect()).types
    ticket = types["ticket"]
    assert ticket.actions == ("create", "delete", "comment", "attach")
    assert ticket.operations == ("take", "untake", "steal", "merge into=ticket")
    unwritable = {each.name for each in ticket.fields if each.read_only}
    assert unwritable == {"Creator", "Created", "LastUpdatedBy", "LastUpdated", "CF.{Picture}"}
    assert {each.name for each in ticket.fields if each.create_only} == {"Type"}
    severity = ticket.field("CF.{Severity}")
    assert severity is not None
    assert severity.allowed_values == ("critical", "high", "low", "normal")
    for name in ("transaction", "attachment", "customfield", "customrole"):
        assert all(each.read_only for each in types[name].fields)
        assert not types[name].actions


def test_every_length_in_the_catalog_is_where_rt_cuts(connect: Connect, root: Client) -> None:
    pen = Pen(connect(), "user")
    name = f"long-{secrets.token_hex(4)}"
    number = pen.done(pen.make({"Name": name})).record_id
    texts = [each for each in pen.layout.type.fields if each.kind is Kind.TEXT and each.max_length and not each.custom]
    wanted: dict[str, Value] = {
        each.name: "x" * (each.max_length or 0)
        for each in texts
        if each.name not in ("Name", "EmailAddress", "Timezone", "Lang")
    }
    assert len(wanted) > 10
    pen.done(pen.edit(number, wanted))
    assert _shown(pen, number, wanted) == wanted


@pytest.mark.parametrize(
    ("write", "expected"),
    [
        (
            lambda pen: Write(
                pen.layout,
                Action.UPDATE,
                7,
                {"Subject": "x y", "CF.{Severity}": "low", "Owner": person(14, "root")},
                added={"Cc": (person(15, "agent"),), "DependsOn": (Target("ticket", 3),)},
                removed={"CF.{Tags}": ("a",)},
            ),
            [
                "GET /REST/2.0/ticket/7",
                'PUT /REST/2.0/ticket/7 {"Subject":"x y","CustomFields":{"Severity":"low","Tags":{"without":["a"]}},'
                '"Owner":14,"Cc":{"with":["agent"]},"AddDependsOn":[3]}, if unchanged',
                "GET /REST/2.0/ticket/7/history",
            ],
        ),
        (
            lambda pen: pen.make({"Queue": Target("queue", 1), "Subject": "x"}, add={"CF.{Tags}": ["a"]}),
            ['POST /REST/2.0/ticket {"Queue":1,"Subject":"x","CustomFields":{"Tags":["a"]}}'],
        ),
        (
            lambda pen: Write(pen.layout, Action.DELETE, 7),
            [
                "GET /REST/2.0/ticket/7",
                'PUT /REST/2.0/ticket/7 {"Status":"deleted"}, if unchanged',
                "GET /REST/2.0/ticket/7",
            ],
        ),
        (
            lambda pen: Write(pen.layout, Action.COMMENT, 7, text="a\nb", kind="reply"),
            ["POST /REST/2.0/ticket/7/correspond a b"],
        ),
        (
            lambda pen: Write(pen.layout, Action.ATTACH, 7, file=File("ä.txt", "text/plain", b"12")),
            ["POST /REST/2.0/ticket/7/comment ä.txt (2 bytes)"],
        ),
        (
            lambda pen: Write(pen.layout, Action.OPERATE, 7, operation="merge", arguments={"into": "9"}),
            ['PUT /REST/2.0/ticket/7 {"MergeInto":9}', "GET /REST/2.0/ticket/7"],
        ),
        (
            lambda pen: Write(pen.layout, Action.OPERATE, 7, operation="take"),
            ["PUT /REST/2.0/ticket/7/take", "GET /REST/2.0/ticket/7"],
        ),
    ],
)
def test_the_calls_are_told_without_making_them(pen: Pen, write: Callable[[Pen], Write], expected: list[str]) -> None:
    made = write(pen)
    before = pen.connector.transport.requests_made
    assert pen.connector.calls(made) == expected
    assert pen.connector.transport.requests_made == before


def test_both_ends_of_a_link_and_of_a_merge_are_touched(pen: Pen) -> None:
    link = Write(pen.layout, Action.UPDATE, 7, added={"Parents": (Target("ticket", 3), "https://example.org")})
    merge = Write(pen.layout, Action.OPERATE, 7, operation="merge", arguments={"into": "9"})
    assert pen.connector.touches(link) == {"ticket 7", "ticket 3"}
    assert pen.connector.touches(merge) == {"ticket 7", "ticket 9"}
    assert pen.connector.touches(Write(pen.layout, Action.CREATE, None)) == set()


def _filled(value: Value, name: str) -> Value:
    return value.format(name=name) if isinstance(value, str) else value


def _shown(pen: Pen, number: int, names: dict[str, Value]) -> dict[str, Value]:
    shown = {name: pen.value(number, name) for name in names}
    return {
        name: Target(each.type_name, each.id)
        if isinstance(each, Target) and names[name] == Target(each.type_name, each.id)
        else each
        for name, each in shown.items()
    }
