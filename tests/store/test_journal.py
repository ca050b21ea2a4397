"""What happens to watched records is noted with the rows themselves: what the tracker said, for each watcher."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from mirror.model.change import Action, Change
from mirror.model.happening import Happening, Interest
from mirror.model.layout import Layout
from mirror.model.page import Fate, LinkRow, Row
from mirror.model.progress import Slice
from mirror.model.schema import Field, Kind
from mirror.store.store import Store
from mirror.store.watchers import ATTEMPTS
from tests.store.samples import DEFECT, NOW, TAG, USER, adopt, defects, page, row, stamp, stored

ALL = frozenset(Happening)
Told = tuple[str, int, dict[str, list[Any]]]


def watch(store: Store, layout: Layout, name: str = "ann", **how: Any) -> None:
    interest = Interest("acme", "Defect", how.pop("happenings", ALL), **how)
    store.watchers.register(name, [interest], {("acme", "Defect"): layout}, now=NOW)


def told(store: Store, name: str = "ann") -> list[Told]:
    """Return what waits, and have it told."""
    found = store.watchers.waiting(name, limit=100)
    store.watchers.told([each.id for each in found])
    return [(each.happening.value, each.record_id, {key: [*pair] for key, pair in each.changes.items()}) for each in found]


def put(store: Store, layout: Layout, *rows: Row, links: Mapping[str, list[LinkRow]] | None = None, **how: Any) -> None:
    store.apply(page(layout, *rows, links=links), now=NOW, **how)


def edit(store: Store, layout: Layout, field: str, **cells: Any) -> Change:
    (made,) = store.queue.add(
        {"Defect": layout}, [Change("acme", "Defect", 1, Action.UPDATE, field, value=cells, base=None, made_at=NOW)]
    )
    return made


@pytest.fixture
def layout(store: Store) -> Layout:
    """A loaded type with one record, which nobody watches."""
    layout = defects(store)
    store.finish_load("acme", "Defect", NOW)
    put(store, layout, row(layout, 1, name="old", owner_id=7, owner_name="Ann"), links={"Words": [(1, 0, "one")]})
    return layout


def test_nothing_is_noted_while_nobody_watches(store: Store, layout: Layout) -> None:
    store.tombstone(layout, [1], fate=Fate.DELETED, now=NOW)
    assert stored(store, "SELECT count(*) FROM mirror_journal") == [(0,)]


def test_what_came_changed_and_went_is_noted_in_order(store: Store, layout: Layout) -> None:
    watch(store, layout)
    put(store, layout, row(layout, 1, "2", name="new", owner_id=8, owner_name="Bob"), row(layout, 2), links={"Words": []})
    store.tombstone(layout, [2], fate=Fate.NO_ACCESS, now=NOW)
    put(store, layout, row(layout, 2, "2"))
    changes = {"Name": ["old", "new"], "Owner": [["User", 7, "Ann"], ["User", 8, "Bob"]], "Words": [["one"], []]}
    assert told(store) == [
        ("created", 2, {}),
        ("changed", 1, changes),
        ("deleted", 2, {}),
        ("created", 2, {}),
    ]
    assert told(store) == []


def test_each_watcher_is_told_what_he_asked_for(store: Store, layout: Layout) -> None:
    watch(store, layout, "ann", happenings=frozenset({Happening.DELETED}))
    watch(store, layout, "bob")
    put(store, layout, row(layout, 1, "2", name="new"))
    store.tombstone(layout, [1], fate=Fate.DELETED, now=NOW)
    assert [each[0] for each in told(store, "ann")] == ["deleted"]
    assert [each[0] for each in told(store, "bob")] == ["changed", "deleted"]


def test_what_is_the_same_on_the_tracker_is_no_news(store: Store, layout: Layout) -> None:
    watch(store, layout)
    words = {"Words": [(1, 0, "one")]}
    put(store, layout, row(layout, 1, name="old", owner_id=7, owner_name="Ann is renamed"), links=words, force=True)
    assert told(store) == []
    put(store, layout, row(layout, 1, name="old", owner_id=7, blocked=True), links=words, force=True)
    assert told(store) == [("changed", 1, {"Blocked": [None, True]})]


def test_what_reading_everything_again_repairs_is_told_and_a_new_field_is_not(store: Store, layout: Layout) -> None:
    watch(store, layout)
    again = {"force": True, "progress": Slice("acme", "Defect", 0, None, NOW)}
    put(store, layout, row(layout, 1, name="old", owner_id=7, estimate=3), links={"Words": [(1, 0, "one")]}, **again)
    assert told(store) == [("changed", 1, {"Estimate": [None, 3]})]
    extra = (Field("Notes", Kind.TEXT), Field("Teams", Kind.LINKS, targets=("Tag",)))
    grown = adopt(store, replace(DEFECT, fields=(*DEFECT.fields, *extra)), USER, TAG, digest="2")["Defect"]
    links: dict[str, list[LinkRow]] = {"Words": [], "Teams": [(1, 0, 5, "red", None)]}
    put(store, grown, row(grown, 1, name="other", owner_id=7, estimate=3, notes="n"), links=links, **again)
    assert told(store) == [("changed", 1, {"Name": ["old", "other"], "Words": [["one"], []]})]
    store.finish_load("acme", "Defect", NOW)
    put(store, grown, row(grown, 1, name="other", owner_id=7, estimate=3), links=links, **again)
    assert told(store) == [("changed", 1, {"Notes": ["n", None]})]


def test_a_first_load_is_told_to_those_who_watch_from_the_start(store: Store) -> None:
    layout = defects(store)
    put(store, layout, row(layout, 1), progress=Slice("acme", "Defect", 1, None, NOW))
    watch(store, layout, "ann", since_start=True)
    watch(store, layout, "bob")
    put(store, layout, row(layout, 2), progress=Slice("acme", "Defect", 2, None, NOW, done=True))
    store.finish_load("acme", "Defect", NOW)
    put(store, layout, row(layout, 3))
    watch(store, layout, "ann", since_start=True)  # known already, so nothing comes twice
    assert [each[1] for each in told(store, "ann")] == [1, 2, 3]
    assert [each[1] for each in told(store, "bob")] == [3]


def test_edits_made_here_are_looked_through(store: Store, layout: Layout) -> None:
    watch(store, layout)
    edit(store, layout, "Name", name="mine")
    assert told(store) == []
    put(store, layout, row(layout, 1, "2", at=stamp(1), name="theirs"), links={"Words": [(1, 0, "one")]})
    (happened,) = told(store)
    assert happened[2]["Name"] == ["old", "theirs"]
    assert stored(store, "SELECT name FROM rally_defect") == [("mine",)]


def test_a_record_that_is_only_deleted_here_changes_and_goes_as_others(store: Store, layout: Layout) -> None:
    watch(store, layout)
    store.queue.add({"Defect": layout}, [Change("acme", "Defect", 1, Action.DELETE, made_at=NOW)])
    words = {"Words": [(1, 0, "one")]}
    put(store, layout, row(layout, 1, name="old", owner_id=7, owner_name="Ann"), links=words)
    assert told(store) == []
    put(store, layout, row(layout, 1, "2", at=stamp(1), name="theirs", owner_id=7, owner_name="Ann"), links=words)
    assert told(store) == [("changed", 1, {"Name": ["old", "theirs"]})]
    store.tombstone(layout, [1], fate=Fate.DELETED, now=NOW)
    assert told(store) == [("deleted", 1, {})]


def test_what_was_pushed_from_here_is_only_told_to_those_who_want_it(store: Store, layout: Layout) -> None:
    watch(store, layout, "ann")
    watch(store, layout, "bob", own=True)
    words = {"Words": [(1, 0, "one")]}
    sent = edit(store, layout, "Name", name="mine")
    store.queue.mark_sent([sent.id], NOW)
    put(store, layout, row(layout, 1, "2", at=stamp(1), name="mine", owner_id=7), links=words, force=True)
    assert told(store, "ann") == []
    assert told(store, "bob") == [("changed", 1, {"Name": ["old", "mine"]})]
    put(store, layout, row(layout, 1, "3", at=stamp(2), name="mine", owner_id=7, rank=5), links=words, force=True)
    assert told(store, "ann") == [("changed", 1, {"Rank": [None, 5]})]


def test_a_page_with_a_bad_row_notes_the_good_ones_once(store: Store, layout: Layout) -> None:
    watch(store, layout)
    put(store, layout, row(layout, 1, "2", at=stamp(1), name="new\x00\ud800"), row(layout, 2, rank=2**70), row(layout, 3))
    assert sorted(each[:2] for each in told(store)) == [("changed", 1), ("created", 2), ("created", 3)]


def test_what_failed_is_told_again_until_it_is_put_aside(store: Store, layout: Layout) -> None:
    watch(store, layout)
    put(store, layout, row(layout, 2))
    for attempt in range(ATTEMPTS):
        (entry,) = store.watchers.waiting("ann", limit=10)
        assert entry.attempts == attempt
        store.watchers.failed([entry.id], "it broke")
    assert store.watchers.waiting("ann", limit=10) == []
    (status,) = store.watchers.all()
    assert (status.waiting, status.failing, status.said, status.oldest) == (1, 1, "it broke", NOW)
    put(store, layout, row(layout, 3))
    store.watchers.failed([entry.id + 1], "and broke again" + "!" * 5000)
    (status,) = store.watchers.all("acme")
    assert (status.said[:15], len(status.said)) == ("and broke again", 500)  # the last of them, and not all of it
    assert store.watchers.all("other") == []
    watch(store, layout)
    assert [each.attempts for each in store.watchers.waiting("ann", limit=10)] == [0, 0]
    assert [(each.failing, each.said) for each in store.watchers.all()] == [(0, "")]


def test_who_is_forgotten_or_watches_something_else_leaves_nothing(store: Store, layout: Layout) -> None:
    for name in ("ann", "bob"):
        watch(store, layout, name)
    put(store, layout, row(layout, 2))
    assert store.watchers.forget("ann")
    assert not store.watchers.forget("ann")
    store.watchers.register("bob", [], {}, now=NOW + timedelta(days=1))
    assert stored(store, "SELECT count(*) FROM mirror_journal") == [(0,)]
    assert store.watchers.all() == []
