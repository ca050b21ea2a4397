"""The seeded world: the same for the same seed, varied, and changed by its helpers as by RT's own rules."""

from __future__ import annotations

from collections import Counter

import pytest

from mirror.simulators import ManualClock
from mirror.simulators.rt import RefusedError, RTSimulator, World
from mirror.simulators.rt.seed import build_world
from tests.simulators.rt.conftest import Caller


def test_equal_seeds_make_equal_worlds_and_others_do_not() -> None:
    one, other, third = (build_world(60, seed, ManualClock()) for seed in (3, 3, 4))
    assert {name: one.truth(name) for name in one.types()} == {name: other.truth(name) for name in other.types()}
    assert one.truth("ticket") != third.truth("ticket")


def test_the_seed_is_varied() -> None:
    world = build_world(600, 1, ManualClock())
    rows = [world.state.tables["ticket"][each] for each in world.state.ids["ticket"]]
    assert {"new", "open", "stalled", "resolved", "rejected", "deleted"} <= {row["Status"] for row in rows}
    assert {"ticket", "reminder", "approval"} <= {row["Type"] for row in rows}
    assert sum(row["EffectiveId"] != row["id"] for row in rows) >= 2
    assert {row["Queue"] for row in rows} >= {1, 2, 3, 4, 5}
    kinds = Counter(world.state.tables["link"][each]["Type"] for each in world.state.ids["link"])
    assert {"DependsOn", "RefersTo", "MemberOf", "MergedInto"} <= kinds.keys()
    types = {world.state.tables["attachment"][each]["ContentType"] for each in world.state.ids["attachment"]}
    assert {"text/plain", "text/html", "image/png", "multipart/mixed"} <= types
    assert len(rows) == pytest.approx(600 / 5, abs=3)


def test_history_ends_before_the_present() -> None:
    clock = ManualClock()
    world = build_world(60, 1, clock)
    newest = max(row["Created"] for row in world.state.tables["transaction"].values())
    assert newest < clock.now().strftime("%Y-%m-%d %H:%M:%S")


def test_what_is_listed_is_what_rest_lists(world: World, caller: Caller) -> None:
    for name in ("transactions", "attachments", "queues", "customfields", "assets", "articles"):
        table = {"queues": "queue", "customfields": "customfield"}.get(name, name[:-1])
        assert caller.listed(name, find_disabled_rows=1) == world.ids(table)[:100]
    tickets = caller.get("/tickets", query="Type != ''", orderby="id", per_page=100)["items"]
    assert [int(each["id"]) for each in tickets] == world.ids("ticket")


def test_deleted_merged_and_shredded_tickets_are_gone_each_in_its_way(world: World, caller: Caller) -> None:
    gone, merged, shredded = (world.create({"Subject": f"n {n}"}) for n in range(3))
    assert world.delete(gone) == "Ticket deleted"
    assert world.merge(merged, 1) == "Merge Successful"
    world.shred(shredded)
    assert not {gone, merged, shredded} & set(world.ids("ticket"))
    assert caller.get(f"/ticket/{gone}")["Status"] == "deleted"
    assert caller.get(f"/ticket/{merged}")["id"] == 1
    assert caller.raw("GET", f"/ticket/{shredded}").status_code == 404
    assert world.restore(gone) == "Status changed from 'deleted' to 'open'"
    assert gone in world.ids("ticket")


def test_shredding_takes_links_away_without_touching_the_other_end(world: World, clock: ManualClock) -> None:
    one, other = world.create({}), world.create({})
    world.link(one, "DependsOn", other)
    before = world.truth("ticket")[one]
    clock.advance(60)
    world.shred(other)
    after = world.truth("ticket")[one]
    assert [each for each in before["_hyperlinks"] if each["ref"] == "depends-on"]
    assert not [each for each in after["_hyperlinks"] if each["ref"] == "depends-on"]
    assert after["LastUpdated"] == before["LastUpdated"]


def test_a_hidden_queue_vanishes_for_the_limited_user_and_comes_back(tracker: RTSimulator, world: World) -> None:
    number = world.create({"Queue": "General"})
    assert number in world.ids("ticket", user=tracker.limited_user)
    world.hide(1)
    assert number not in world.ids("ticket", user=tracker.limited_user)
    limited = Caller(tracker, tracker.limited_token)
    assert limited.raw("GET", f"/ticket/{number}").status_code == 403
    world.show(1)
    assert limited.raw("GET", f"/ticket/{number}").status_code == 200
    assert number in world.ids("ticket", user=tracker.limited_user)
    limited.session.close()


def test_what_rt_refuses_is_refused_with_its_status(world: World) -> None:
    with pytest.raises(RefusedError, match="Nope") as caught:
        world.create({"Queue": "Nope"})
    assert caught.value.status == 403
