"""What comes out of a listing is what RT shows of each record, kind by kind."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from mirror.model.page import PROVISIONAL
from mirror.model.schema import Kind
from tests.connectors.rt.conftest import Connect
from tests.support.rt.client import Client
from tests.support.rt.provision import SEEDED_TICKETS
from tests.support.rt.reading import Truth, catalog_of, every_record, layout_of, links, rows


def one(connect: Connect, number: int) -> tuple[Any, dict[str, Any]]:
    """Return one ticket's page and row as `records` reads them."""
    connector = connect()
    page = connector.records(layout_of(connector, "ticket"), [number])
    return [page], rows([page])[number]


def test_every_listed_ticket_equals_what_it_shows_alone(connect: Connect, root: Client) -> None:
    found, listed = every_record(connect(), "ticket")
    truth = Truth(root)
    assert set(range(1, SEEDED_TICKETS + 1)) <= listed.keys()
    for number, row in listed.items():
        expected = truth.ticket(number)
        assert {name: row[name] for name in expected} == expected
        for field, targets in truth.links(number).items():
            assert set(links(found, field, number)) == targets, (number, field)


@pytest.mark.parametrize("name", ["ticket", "queue", "group", "customfield", "customrole", "transaction", "attachment"])
def test_records_read_by_number_equal_the_listed_ones(connect: Connect, name: str) -> None:
    connector = connect()
    found, listed = every_record(connector, name)
    listed = dict(list(listed.items())[:100])
    page = connector.records(found[0].layout, sorted(listed))
    assert {key: row | {"_revision": ""} for key, row in rows([page]).items()} == {
        key: row | {"_revision": ""} for key, row in listed.items()
    }
    for field in page.links:
        expected = [row for each in found for row in each.links[field] if row[0] in listed]
        assert list(page.links[field]) == expected


def test_numbers_that_rt_does_not_list_are_left_out(connect: Connect) -> None:
    connector = connect()
    assert not connector.records(layout_of(connector, "ticket"), [999_999]).rows


def test_custom_fields_have_the_kind_that_their_type_calls_for(connect: Connect) -> None:
    ticket = catalog_of(connect()).types["ticket"]
    kinds = {field.name: field.kind for field in ticket.fields if field.custom}
    assert kinds["CF.{Severity}"] is Kind.TEXT
    assert kinds["CF.{Platforms}"] is kinds["CF.{Tags}"] is Kind.VALUES
    assert kinds["CF.{Target Date}"] is Kind.DATE
    assert kinds["CF.{Seen At}"] is Kind.TIMESTAMP
    assert kinds["CF.{Picture}"] is Kind.JSON
    assert kinds["CustomRole.{Engineer}"] is Kind.REFERENCE
    assert kinds["CustomRole.{Sales}"] is Kind.LINKS


def test_two_custom_fields_of_one_name_keep_apart(connect: Connect, root: Client) -> None:
    names = sorted(f.name for f in catalog_of(connect()).types["ticket"].fields if "Host" in f.name)
    assert len(names) == 2
    first, second = root.custom_fields("Host")
    infra = root.create("Infra", CustomFields={str(first): "in infra"})
    support = root.create("Support", CustomFields={str(second): "in support"})
    columns = [column.name for column in layout_of(connect(), "ticket").columns if "host" in column.name]
    assert [one(connect, infra)[1][each] for each in columns] == ["in infra", None]
    assert [one(connect, support)[1][each] for each in columns] == [None, "in support"]


def test_values_of_a_custom_field_keep_their_commas_and_their_order(connect: Connect, root: Client) -> None:
    tags = ["z last", "with,comma", "日本語", 'quo"te']
    number = root.create(CustomFields={"Tags": tags})
    assert links(one(connect, number)[0], "CF.{Tags}", number) == [(each,) for each in tags]


def test_a_long_text_arrives_whole(connect: Connect, root: Client) -> None:
    text = "line ünï\n" * 7_800
    number = root.create(CustomFields={"Notes": text})
    assert one(connect, number)[1]["cf_notes"] == text


def test_dates_and_instants_of_custom_fields_are_normalised(connect: Connect, root: Client) -> None:
    custom = {"Target Date": "2027-02-03", "Seen At": "2026-12-01 10:11:12", "Visits": ["2026-01-02 03:04:05"]}
    number = root.create(CustomFields=custom)
    found, row = one(connect, number)
    assert (row["cf_target_date"], row["cf_seen_at"]) == ("2027-02-03", "2026-12-01T10:11:12.000Z")
    assert links(found, "CF.{Visits}", number) == [("2026-01-02T03:04:05.000Z",)]


def test_a_text_that_looks_like_an_instant_is_left_alone(connect: Connect, root: Client) -> None:
    number = root.create(CustomFields={"External ID": "2026-12-01T10:11:12Z", "Tags": ["2026-12-01T10:11:12Z"]})
    found, row = one(connect, number)
    assert row["cf_external_id"] == "2026-12-01T10:11:12Z"
    assert links(found, "CF.{Tags}", number) == [("2026-12-01T10:11:12Z",)]


def test_an_empty_custom_value_differs_from_none(connect: Connect, root: Client) -> None:
    empty, none = root.create(CustomFields={"External ID": "x"}), root.create()
    root.edit(empty, CustomFields={"External ID": ""})
    assert one(connect, empty)[1]["cf_external_id"] == ""
    assert one(connect, none)[1]["cf_external_id"] is None


def test_an_unset_custom_instant_is_null(connect: Connect, root: Client) -> None:
    number = root.create(CustomFields={"Seen At": "2026-12-01 10:11:12"})
    root.edit(number, CustomFields={"Seen At": ""})
    assert one(connect, number)[1]["cf_seen_at"] is None


def test_a_picture_is_described_without_an_address(connect: Connect, root: Client) -> None:
    picture = {"FileName": "a.png", "FileType": "image/png", "FileContent": base64.b64encode(b"png").decode()}
    number = root.create()
    root.edit(number, CustomFields={"Picture": picture})
    assert json.loads(one(connect, number)[1]["cf_picture"]) == {"filename": "a.png", "content_type": "image/png"}


def test_a_cleared_date_is_null(connect: Connect, root: Client) -> None:
    number = root.create(Due="2027-01-02 03:04:05")
    assert one(connect, number)[1]["due"] == "2027-01-02T03:04:05.000Z"
    root.edit(number, Due="1970-01-01 00:00:00")
    row = one(connect, number)[1]
    assert row["due"] is None
    assert row["told"] is None


def test_an_external_link_keeps_its_address_and_has_no_number(connect: Connect, root: Client) -> None:
    number = root.create()
    root.edit(number, RefersTo=[3, "https://example.com/x?a=1&b=ü"])
    expected = [(3, None, "ticket"), (None, "https://example.com/x?a=1&b=ü", None)]
    assert links(one(connect, number)[0], "RefersTo", number) == expected


def test_custom_roles_are_references_and_links_to_users(connect: Connect, root: Client) -> None:
    number = root.create(**{"RT::CustomRole-1": "user01", "RT::CustomRole-2": ["user03", "user02"]})
    found, row = one(connect, number)
    assert (row["custom_role_engineer_id"], row["custom_role_engineer_name"]) == (root.user_id("user01"), "user01")
    expected = [(root.user_id(each), each, "user") for each in ("user02", "user03")]
    assert links(found, "CustomRole.{Sales}", number) == expected


def test_a_group_among_the_watchers_keeps_its_type(connect: Connect, root: Client) -> None:
    query = [{"field": "Name", "operator": "=", "value": "Staff"}]
    group = int(root("POST", "/groups", json=query)["items"][0]["id"])
    number = root.create()
    root.edit(number, AdminCc=[group])
    assert links(one(connect, number)[0], "AdminCc", number) == [(group, "Staff", "group")]


def test_reminders_are_listed_with_their_type(connect: Connect, root: Client) -> None:
    number = root.create()
    root.edit(number, Type="reminder")
    _, listed = every_record(connect(), "ticket")
    assert listed[number]["type"] == "reminder"


def test_users_listed_equal_users_read_alone(connect: Connect, root: Client) -> None:
    root.put("/user/user05", Disabled=1)
    root("POST", "/user", json={"Name": "nobody@example.com", "EmailAddress": "nobody@example.com"})
    connector = connect()
    found, listed = every_record(connector, "user")
    alone = connector.records(found[0].layout, sorted(listed))
    settled = [each for each in rows([alone]).values() if PROVISIONAL not in each["_revision"]]
    assert len(settled) > 8
    for row in settled:
        assert row == listed[row["id"]]
    by_name = {row["name"]: row for row in listed.values()}
    assert by_name["user05"]["disabled"] is True
    assert by_name["user01"]["disabled"] is False
    assert by_name["user01"]["privileged"] is True
    assert by_name["nobody@example.com"]["privileged"] is False


def test_a_queue_shows_its_watchers_and_its_unicode_name(connect: Connect, root: Client) -> None:
    found, listed = every_record(connect(), "queue")
    assert "Développement, été" in {row["name"] for row in listed.values()}
    assert links(found, "AdminCc", 1) == [(root.user_id("agent"), "agent", "user")]


def test_disabled_queues_stay_in_the_listing(connect: Connect, root: Client) -> None:
    number = int(root("POST", "/queue", json={"Name": "Closed"})["id"])
    root("DELETE", f"/queue/{number}")
    assert every_record(connect(), "queue")[1][number]["disabled"] is True


def test_only_groups_made_by_people_are_listed_with_users_and_groups_as_members(connect: Connect, root: Client) -> None:
    found, listed = every_record(connect(), "group")
    by_name = {row["name"]: row["id"] for row in listed.values()}
    assert by_name.keys() == {"Staff", "Everyone else"}
    expected = [(root.user_id("user01"), "user01", "user"), (by_name["Staff"], "Staff", "group")]
    assert sorted(links(found, "Members", by_name["Everyone else"])) == sorted(expected)


def test_a_transaction_names_its_ticket_and_what_changed(connect: Connect, root: Client) -> None:
    number = root.create()
    root.edit(number, Status="stalled")
    _, listed = every_record(connect(), "transaction")
    of_ticket = [row for row in listed.values() if (row["object_type"], row["object_id"]) == ("ticket", number)]
    changed = [row for row in of_ticket if row["field"] == "Status"]
    assert [(row["old_value"], row["new_value"], row["creator_name"]) for row in changed] == [("new", "stalled", "root")]
    assert changed[0]["creator_id"] == root.user_id("root")


def test_an_attachment_is_listed_with_its_length_but_not_its_content(connect: Connect, root: Client) -> None:
    number = root.create()
    data = base64.b64encode(b"12345").decode()
    root.comment(number, Attachments=[{"FileName": "a.bin", "FileType": "application/x-a", "FileContent": data}])
    _, listed = every_record(connect(), "attachment")
    row = next(each for each in listed.values() if each["content_type"] == "application/x-a")
    assert (row["filename"], row["content_type"], row["content_length"]) == ("a.bin", "application/x-a", 5)
    assert row["transaction_id"] > 0


def test_assets_and_articles_are_rows_with_people_links_and_custom_fields(connect: Connect, root: Client) -> None:
    found, assets = every_record(connect(), "asset")
    assert (assets[1]["name"], assets[1]["catalog_name"], assets[1]["status"]) == ("laptop", "General assets", "new")
    assert links(found, "HeldBy", 1) == [(root.user_id("user02"), "user02", "user")]
    _, articles = every_record(connect(), "article")
    assert (articles[1]["name"], articles[1]["class_name"], articles[1]["cf_content"]) == ("how to", "General", "like this")


def test_nothing_that_rt_sends_is_left_over(connect: Connect) -> None:
    connector = connect()
    for name in catalog_of(connector).types:
        assert not [row["_extra"] for row in every_record(connector, name)[1].values() if row["_extra"]], name


def test_many_unknown_names_are_learnt_from_one_listing(connect: Connect, root: Client) -> None:
    connector = connect()
    strangers = [f"stranger {number}" for number in range(12)]
    known = [row["name"] for row in every_record(connector, "user")[1].values()]
    before = connector.transport.requests_made
    connector._people.learn([*known, *strangers, *(f"further {number}" for number in range(12))])
    assert connector._people.known("user01") == root.user_id("user01")
    assert connector._people.known("stranger 1") is None
    assert connector.transport.requests_made - before <= 2 + 24
