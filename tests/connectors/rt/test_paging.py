"""Listings are complete while people create, delete and merge, and for accounts that RT counts nothing for."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import pytest

from mirror.connectors.base import Window
from mirror.connectors.rt.connector import RTConnector
from mirror.connectors.rt.search import Rows
from mirror.model.page import KeyRange
from tests.connectors.rt.conftest import Connect, Server
from tests.support.rt.client import Client
from tests.support.rt.reading import catalog_of, every_record, layout_of, pages, rows

MANY = ("transaction", "attachment")
SAMPLED = {"ticket": 1, "queue": 1, "transaction": 7, "attachment": 7}
"""Types by which of their records are asked for one by one: every one, or every seventh where that takes long."""


def visible(client: Client, name: str, everything: set[int]) -> set[int]:
    """Return those records of a type that a client may read one by one."""
    readable = (200, 500) if name == "transaction" else (200,)  # RT fails to show some link transactions to non-superusers
    shown = {each for each in everything if client.raw("GET", f"/{name}/{each}").status_code in readable}
    assert shown
    return shown


def test_small_pages_show_the_same_tickets_once(connect: Connect) -> None:
    connector = connect(per_page=7)
    found = pages(connector, layout_of(connector, "ticket"))
    ids = [row[1] for page in found for row in page.rows]
    assert len(found) > 3
    assert ids == sorted(set(ids))
    assert len(ids) == found[0].announced


def test_a_page_never_holds_more_than_its_range(connect: Connect) -> None:
    connector = connect(per_page=7)
    page = connector.fetch(layout_of(connector, "ticket"), KeyRange(4, 9))()
    assert [row[1] for row in page.rows] == [5, 6, 7, 8, 9]
    assert page.after is None


def test_creations_deletions_and_merges_between_pages_lose_no_ticket(connect: Connect, root: Client) -> None:
    connector = connect(per_page=7)
    layout = layout_of(connector, "ticket")
    victims = [root.create() for _ in range(4)]
    before = rows(pages(connector, layout)).keys()
    keys, seen = KeyRange(), set()
    while True:
        page = connector.fetch(layout, keys)()
        seen |= {row[1] for row in page.rows}
        if page.after is None:
            break
        keys = KeyRange(page.after)
        if victims:
            root.delete(victims.pop())
            root.merge(victims.pop(0), into=1)
        root.create()
    assert before - seen == set() or before - seen <= before - rows(pages(connector, layout)).keys()


def test_ranges_of_a_split_cover_every_ticket_once(connect: Connect) -> None:
    connector = connect(per_page=7)
    layout = layout_of(connector, "ticket")
    ranges = connector.split(layout, 3, None)
    assert [each.after for each in ranges] == [0, *(each.until for each in ranges[:-1])]
    assert ranges[-1].until is None
    counted = [len(page.keys) for page in connector.census([Window(layout.type, each) for each in ranges])]
    assert sum(counted) == len(rows(pages(connector, layout)))


@pytest.mark.parametrize("user", ["limited", "agent"])
@pytest.mark.parametrize(
    ("name", "step"), [*SAMPLED.items(), *(pytest.param(each, 1, marks=pytest.mark.slow) for each in MANY)]
)
def test_an_account_that_sees_a_part_lists_exactly_that_part(
    connect: Connect, rt_server: Server, *, user: str, name: str, step: int
) -> None:
    client = Client(rt_server.url, user)
    everything = every_record(connect(), name)[1].keys()
    seen = every_record(connect(user, per_page=40 if name in MANY else 7), name)[1].keys()
    if user == "agent" and name in ("ticket", "attachment"):
        assert seen == everything
    else:
        assert seen <= everything
        asked = set(sorted(everything)[::step])
        assert seen & asked == visible(client, name, asked)
    client.close()


def test_an_account_without_rights_sees_empty_listings(connect: Connect) -> None:
    connector = connect("norights")
    for name in ("ticket", "attachment", "group", "asset"):
        page = connector.fetch(layout_of(connector, name), KeyRange())()
        assert not page.rows
        assert page.after is None


def test_the_census_of_an_account_that_is_not_told_counts_lists_instead(connect: Connect) -> None:
    connector = connect("limited")
    kind = catalog_of(connector).types["transaction"]
    counted, listed = connector.census([Window(kind, KeyRange(), count_only=True), Window(kind, KeyRange())])
    assert listed.complete
    assert counted.total in (None, len(listed.keys))


def test_users_are_paged_by_number_and_still_continue_from_any_key(connect: Connect, root: Client) -> None:
    connector = connect(per_page=7)
    layout = layout_of(connector, "user")
    everybody = sorted(rows(pages(connector, layout)))
    assert len(everybody) > 10
    fresh = connect(per_page=7)
    for after, following in pairwise([0, *everybody]):
        page = fresh.fetch(layout, KeyRange(after))()
        assert page.rows[0][1] == following
    assert [row[1] for row in fresh.fetch(layout, KeyRange(everybody[-1]))().rows] == []


def test_a_census_counts_and_lists_the_same(connect: Connect) -> None:
    connector = connect(per_page=7)
    for name in ("ticket", "transaction", "attachment", "user", "queue"):
        kind = catalog_of(connector).types[name]
        windows = [Window(kind, KeyRange(0, 20)), Window(kind, KeyRange(0, 20), count_only=True)]
        listed, counted = connector.census(windows)
        assert listed.complete
        assert counted.total == len(listed.keys) > 0


def test_a_shorter_answer_than_announced_is_asked_for_again(connect: Connect) -> None:
    connector = connect(per_page=7)
    layout = layout_of(connector, "ticket")
    asked = lose_rows(connector, times=1)
    assert rows(pages(connector, layout))
    assert asked() > 1


def lose_rows(connector: RTConnector, times: int) -> Callable[[], int]:
    """Let the next answers about tickets miss a row, as between two statements of the server; tell how many were asked."""
    pager = connector._pager
    original, asked = pager._ask, 0

    def ask(request: object) -> Rows:
        nonlocal asked
        found: Rows = original(request)  # type: ignore[arg-type]
        if "/tickets" in str(request) and found.items:
            asked += 1
            if asked <= times:
                return Rows(found.items[:-1], found.total, found.page, found.server_time, found.answered_at)
        return found

    pager._ask = ask
    return lambda: asked
