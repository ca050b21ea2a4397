"""What became of a record that no listing shows any more, and what lies outside the scope."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from mirror.connectors.base import Window
from mirror.errors import ConfigError
from mirror.model.page import Fate, KeyRange
from tests.connectors.rt.conftest import Connect, Server
from tests.support.rt.client import Client
from tests.support.rt.reading import catalog_of, changed, every_record


def fate(connect: Connect, number: int, *, user: str = "root", name: str = "ticket", **more: list[str]) -> Fate:
    connector = connect(user, **more)
    return connector.fate(catalog_of(connector).types[name], number)


def test_a_ticket_that_is_there_is_present(connect: Connect) -> None:
    assert fate(connect, 1) is Fate.PRESENT


def test_a_rejected_ticket_is_present(connect: Connect, root: Client) -> None:
    number = root.create()
    root.edit(number, Status="rejected")
    assert fate(connect, number) is Fate.PRESENT
    assert number in every_record(connect(), "ticket")[1]


def test_a_deleted_ticket_is_deleted_and_comes_back(connect: Connect, root: Client) -> None:
    number = root.create()
    root.delete(number)
    assert fate(connect, number) is Fate.DELETED
    assert number not in every_record(connect(), "ticket")[1]
    root.edit(number, Status="open")
    assert fate(connect, number) is Fate.PRESENT


def test_a_merged_ticket_is_merged(connect: Connect, root: Client) -> None:
    number = root.create()
    root.merge(number, into=2)
    assert fate(connect, number) is Fate.MERGED


def test_a_shredded_ticket_is_deleted(connect: Connect, root: Client, rt_server: Server) -> None:
    number = root.create()
    root.create()
    rt_server.shred(number)
    assert fate(connect, number) is Fate.DELETED
    assert number not in every_record(connect(), "ticket")[1]


def test_a_ticket_moved_out_of_sight_is_not_accessible(connect: Connect, root: Client) -> None:
    number = root.create("General")
    assert fate(connect, number, user="limited") is Fate.PRESENT
    root.edit(number, Queue="Infra")
    assert fate(connect, number, user="limited") is Fate.NO_ACCESS
    assert number not in every_record(connect("limited"), "ticket")[1]


def test_an_asset_with_status_deleted_is_deleted(connect: Connect, root: Client) -> None:
    number = int(root("POST", "/asset", json={"Catalog": 1, "Name": "gone"})["id"])
    assert fate(connect, number, name="asset") is Fate.PRESENT
    root.put(f"/asset/{number}", Status="deleted")
    assert fate(connect, number, name="asset") is Fate.DELETED


@pytest.mark.parametrize("name", ["user", "queue", "group", "transaction", "attachment", "article", "customfield"])
def test_a_number_that_never_was_is_deleted(connect: Connect, name: str) -> None:
    assert fate(connect, 999_999, name=name) is Fate.DELETED


@pytest.mark.parametrize("name", ["transaction", "attachment"])
def test_history_that_is_there_is_present(connect: Connect, name: str) -> None:
    newest = max(every_record(connect(), name)[1])
    assert fate(connect, newest, name=name) is Fate.PRESENT
    assert fate(connect, 999_999, name=name, user="agent") is Fate.UNKNOWN


def test_a_scope_of_queues_narrows_tickets_and_their_history(connect: Connect, root: Client) -> None:
    names = ["Infra", "Développement, été"]
    connector = connect(queues=names)
    _, tickets = every_record(connector, "ticket")
    _, everything = every_record(connect(), "ticket")
    assert tickets.keys() == {key for key, row in everything.items() if row["queue_name"] in names}
    _, transactions = every_record(connector, "transaction")
    assert {row["object_id"] for row in transactions.values()} == tickets.keys()
    assert {row["object_type"] for row in transactions.values()} == {"ticket"}
    _, attachments = every_record(connector, "attachment")
    assert attachments
    assert {row["transaction_id"] for row in attachments.values()} <= transactions.keys()


def test_changes_and_census_keep_to_the_scope(connect: Connect, root: Client) -> None:
    connector = connect(queues=["Infra"])
    catalog = catalog_of(connector)
    long_ago = datetime(2020, 1, 1, tzinfo=UTC)
    for name in ("ticket", "transaction", "attachment"):
        inside = every_record(connector, name)[1].keys()
        assert changed(connector, name, long_ago).keys() == inside
        counted = list(connector.census([Window(catalog.types[name], KeyRange(), count_only=True)]))
        assert counted[0].total == len(inside)


def test_a_ticket_moved_to_a_queue_outside_the_scope_is_out_of_scope(connect: Connect, root: Client) -> None:
    number = root.create("Infra")
    root.edit(number, Queue="Support")
    assert fate(connect, number, queues=["Infra"]) is Fate.OUT_OF_SCOPE


def test_a_queue_that_is_not_there_is_a_mistake_in_the_settings(connect: Connect) -> None:
    with pytest.raises(ConfigError, match="'Nope'"):
        connect(queues=["Infra", "Nope"]).discover(None)
