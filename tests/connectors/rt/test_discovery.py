"""The digest follows every change of the schema and costs little when nothing changed."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from tests.connectors.rt.conftest import Connect
from tests.support.rt.client import Client
from tests.support.rt.reading import catalog_of


def field_names(connect: Connect) -> set[str]:
    return {field.name for field in catalog_of(connect()).types["ticket"].fields}


def test_a_known_digest_is_confirmed_with_five_requests(connect: Connect) -> None:
    digest = catalog_of(connect()).digest
    connector = connect()
    assert connector.discover(digest) is None
    assert connector.transport.requests_made <= 5


def test_a_new_custom_field_changes_the_digest(connect: Connect, root: Client) -> None:
    digest = catalog_of(connect()).digest
    field = {"Name": "Rack", "Type": "Freeform", "MaxValues": 1, "Queue": 0, "LookupType": "RT::Queue-RT::Ticket"}
    root("POST", "/customfield", json=field)
    assert connect().discover(digest) is not None
    assert "CF.{Rack}" in field_names(connect)


def test_a_renamed_custom_field_has_its_new_name(connect: Connect, root: Client) -> None:
    digest = catalog_of(connect()).digest
    (number,) = root.custom_fields("External ID")
    root.put(f"/customfield/{number}", Name="Outer ID")
    assert connect().discover(digest) is not None
    names = field_names(connect)
    assert "CF.{Outer ID}" in names
    assert "CF.{External ID}" not in names
    root.put(f"/customfield/{number}", Name="External ID")


def test_a_disabled_custom_field_is_no_longer_offered(connect: Connect, root: Client) -> None:
    digest = catalog_of(connect()).digest
    (number,) = root.custom_fields("Notes")
    root.put(f"/customfield/{number}", Disabled=1)
    assert connect().discover(digest) is not None
    assert "CF.{Notes}" not in field_names(connect)
    root.put(f"/customfield/{number}", Disabled=0)
    assert "CF.{Notes}" in field_names(connect)


def test_a_new_allowed_value_is_noticed_when_its_field_has_its_turn(
    connect: Connect, root: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    catalog = catalog_of(connect())
    (number,) = root.custom_fields("Platforms")
    root("POST", f"/customfield/{number}/value", json={"Name": "plan9"})
    selects = len(catalog.digest.split(".")) - 1
    assert selects >= 2
    noticed = []
    for turn in range(selects):
        connector = connect()
        look = connector._discovery.look

        def at_turn(look: object = look, turn: int = turn) -> object:
            seen = look()  # type: ignore[operator]
            fronts = {name: rows_at(rows, turn) for name, rows in seen.fronts.items()}
            return type(seen)(seen.schema, fronts)

        monkeypatch.setattr(connector._discovery, "look", at_turn)
        noticed.append(connector.discover(catalog.digest) is not None)
    assert noticed.count(True) == 1
    field = catalog_of(connect()).types["ticket"].field("CF.{Platforms}")
    assert field is not None
    assert "plan9" in field.allowed_values


def rows_at(rows: object, minute: int) -> object:
    """Return the same listing as made `minute` minutes after the epoch."""
    return replace(rows, server_time=datetime(1970, 1, 1, tzinfo=UTC) + timedelta(minutes=minute))  # type: ignore[type-var]


def test_accounts_see_the_custom_fields_that_they_may(connect: Connect) -> None:
    names = {field.name for field in catalog_of(connect("limited")).types["ticket"].fields}
    assert not any(name.startswith("CF.") for name in names)


def test_only_administrators_of_users_follow_users_by_stamp(connect: Connect) -> None:
    assert catalog_of(connect()).types["user"].tracking.value == "stamp"
    assert catalog_of(connect("agent")).types["user"].tracking.value == "sweep"
