"""Nothing that changes on the server goes unnoticed, whatever second, zone or page it falls into."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from mirror.connectors.base import Window
from mirror.connectors.rt.connector import RTConnector
from mirror.errors import ProtocolError
from mirror.model.page import Fate, KeyRange
from mirror.model.progress import Watermark
from tests.connectors.rt.conftest import Connect, Server
from tests.support.rt.client import Client
from tests.support.rt.reading import catalog_of, changed, every_record, layout_of, rows

LONG_AGO = timedelta(days=40)


Ago = Callable[..., datetime]


@pytest.fixture(scope="module")
def ago(rt_server: Server) -> Ago:
    """Tell the server's time some seconds ago: a moment when called with nothing."""
    return lambda seconds=1: rt_server.now() - timedelta(seconds=seconds)


def stored_revision(connector: RTConnector, number: int) -> str:
    page = connector.records(layout_of(connector, "ticket"), [number])
    return str(rows([page])[number]["_revision"])


@pytest.fixture(scope="module")
def busy(root: Client) -> set[int]:
    """Tickets, more than a small page holds, that were made some minutes ago at most."""
    return {root.create(subject=f"one of many {n}") for n in range(12)}


def test_a_change_is_listed_and_what_is_older_is_not(connect: Connect, root: Client, ago: Ago, rt_server: Server) -> None:
    rt_server.pass_time(5)
    since = ago()
    root.edit(5, Priority=77)
    assert changed(connect(), "ticket", since).keys() == {5}


def test_two_changes_within_one_second_never_leave_the_first_one_stored(connect: Connect, root: Client, ago: Ago) -> None:
    connector = connect()
    for number in range(3):
        root.edit(6, Subject=f"first {number}")
        stored = stored_revision(connector, 6)
        root.edit(6, Subject=f"second {number}")
        assert changed(connector, "ticket", ago(60))[6].revision != stored


def test_a_settled_ticket_has_the_same_revision_in_rows_and_keys(
    connect: Connect, root: Client, ago: Ago, rt_server: Server
) -> None:
    root.edit(7, Priority=3)
    rt_server.pass_time(5)
    connector = connect()
    assert changed(connector, "ticket", ago(60))[7].revision == stored_revision(connector, 7)


@pytest.mark.parametrize("user", ["root", "agent", "agent-ny"])
def test_every_account_notices_the_same_changes_in_its_own_zone(
    connect: Connect, root: Client, user: str, ago: Ago, rt_server: Server
) -> None:
    rt_server.pass_time(5)
    since = ago(0)
    root.edit(8, Subject=f"edited for {user} at {since}")
    root.comment(9)
    assert changed(connect(user), "ticket", since).keys() == {8, 9}


@pytest.mark.parametrize("user", ["root", "agent-ny"])
def test_more_changes_than_a_page_holds_are_all_listed(connect: Connect, busy: set[int], user: str, ago: Ago) -> None:
    assert busy <= changed(connect(user, per_page=5), "ticket", ago(300)).keys()


@pytest.mark.parametrize("name", ["ticket", "transaction", "attachment", "queue", "user", "group", "customfield"])
def test_everything_has_changed_since_long_ago(connect: Connect, root: Client, name: str, ago: Ago) -> None:
    connector = connect(per_page=20)
    assert changed(connector, name, ago(0) - LONG_AGO).keys() == every_record(connector, name)[1].keys()


@pytest.mark.parametrize("user", ["agent", "limited"])
def test_an_account_without_counts_still_lists_every_new_transaction(
    connect: Connect, root: Client, user: str, ago: Ago, rt_server: Server
) -> None:
    connector = connect(user)
    before = every_record(connector, "transaction")[1].keys()
    rt_server.pass_time(5)
    since = ago(0)
    root.create("General", Content="seen by all", ContentType="text/plain")
    root.create("Infra", Content="seen by some", ContentType="text/plain")
    after = every_record(connector, "transaction")[1].keys()
    assert changed(connector, "transaction", since).keys() == after - before != set()


def test_changes_of_other_types_are_listed_by_their_own_stamps(
    connect: Connect, root: Client, ago: Ago, rt_server: Server
) -> None:
    rt_server.pass_time(5)
    since = ago()
    root.put("/user/user04", RealName=f"Renamed {since}")
    root.put("/queue/3", Description=f"at {since}")
    root.put("/asset/1", Description=f"at {since}")
    root.put("/article/1", Summary=f"at {since}")
    root.put("/catalog/1", Description=f"at {since}")
    root.put("/class/1", Description=f"at {since}")
    connector = connect()
    catalog = catalog_of(connector)
    names = ["user", "queue", "asset", "article", "catalog", "class", "group"]
    kinds = [catalog.types[name] for name in names]
    found = {
        page.type_name: [key.id for key in page.keys]
        for page in connector.changes(kinds, dict.fromkeys(names, Watermark(since)))
    }
    one = {name: [1] for name in ("asset", "article", "catalog", "class")}
    assert found == {**one, "user": [root.user_id("user04")], "queue": [3], "group": []}


def test_a_new_member_counts_as_a_change_of_the_group(connect: Connect, root: Client, ago: Ago, rt_server: Server) -> None:
    rt_server.pass_time(5)
    since = ago()
    group = next(iter(sorted(every_record(connect(), "group")[1])))
    root("PUT", f"/group/{group}/members", json=[root.user_id("user03")])
    assert changed(connect(), "group", since).keys() == {group}


def test_deleted_and_merged_tickets_and_deleted_assets_are_told_apart(connect: Connect, root: Client, ago: Ago) -> None:
    since = ago(2)
    gone, merged, rejected = root.create(), root.create(), root.create()
    asset = int(root("POST", "/asset", json={"Catalog": 1, "Name": "gone"})["id"])
    root.delete(gone)
    root.merge(merged, into=1)
    root.edit(rejected, Status="rejected")
    root.put(f"/asset/{asset}", Status="deleted")
    told = {(each.type_name, each.id): (each.fate, each.into) for each in connect().deletions(since)}
    assert told[("ticket", gone)] == (Fate.DELETED, None)
    assert told[("ticket", merged)] == (Fate.MERGED, 1)
    assert told[("asset", asset)] == (Fate.DELETED, None)
    assert ("ticket", rejected) not in told
    assert ("ticket", 1) not in told


def test_all_deletions_ever_are_told_when_no_instant_is_given(connect: Connect, root: Client, ago: Ago) -> None:
    gone = root.create()
    root.delete(gone)
    everything = {each.id for each in connect().deletions(None)}
    assert gone in everything
    assert not {each.id for each in connect().deletions(ago(-3600))}


def test_a_search_that_had_to_wait_is_asked_again_with_an_earlier_bound(connect: Connect, busy: set[int], ago: Ago) -> None:
    connector = connect(per_page=5)
    kind = catalog_of(connector).types["ticket"]
    connector._fronts.fetch(kind)
    connector._clock.note(ago(5 * 3600))  # as if hours went by before the request was sent
    pages = connector.changes([kind], {"ticket": Watermark(ago(300))})
    assert busy <= {key.id for page in pages for key in page.keys}


def test_a_type_that_rt_refuses_to_list_fails_alone(connect: Connect, root: Client, ago: Ago) -> None:
    connector = connect()
    catalog = catalog_of(connector)
    original = connector._pager._ask

    def ask(request: object) -> object:
        found = original(request)  # type: ignore[arg-type]
        if "/assets" in str(request):
            raise ProtocolError("refused")
        return found

    connector._pager._ask = ask  # type: ignore[assignment]
    kinds = [catalog.types[name] for name in ("asset", "queue")]
    asset, queue = connector.changes(kinds, dict.fromkeys(("asset", "queue"), Watermark(ago())))
    assert asset.failure
    assert not asset.complete
    assert queue.complete
    failed = next(connector.census([Window(catalog.types["asset"], KeyRange())]))
    assert failed.failure


def test_a_quiet_look_costs_one_request_a_type(connect: Connect, root: Client, ago: Ago, rt_server: Server) -> None:
    rt_server.pass_time(10)
    first = connect()
    catalog = catalog_of(first)
    quiet = connect()
    assert quiet.discover(catalog.digest) is None
    kinds = list(catalog.types.values())
    since = ago(0)
    assert not [k for page in quiet.changes(kinds, dict.fromkeys(catalog.types, Watermark(since))) for k in page.keys]
    list(quiet.deletions(since))
    list(quiet.census([Window(kind, KeyRange(), count_only=True) for kind in kinds]))
    assert quiet.transport.requests_made <= 15, json.dumps(list(catalog.types))
