"""Where a pull meets the queue: no edit is overwritten, no remote edit is lost."""

from __future__ import annotations

from typing import Any

import pytest

from mirror.model.change import Action, End, State
from mirror.model.page import Fate, KeyRange
from mirror.model.write import Target
from mirror.store.store import Settled, Store
from tests.store.queue_samples import (
    act,
    add,
    create,
    edit,
    ends,
    is_dirty,
    items,
    layouts,
    only,
    opened,
    pull,
    shown,
    states,
    tags,
)
from tests.store.samples import NOW, page, row, stored


def test_an_edit_stays_when_something_else_changed_on_the_tracker(store: Store) -> None:
    known = layouts(store)
    pull(store, known["Story"], 1, name="old", points=1)
    add(store, known, edit(known["Story"], 1, "Name", "mine"))
    pull(store, known["Story"], 1, "2", name="old", points=5)
    assert (shown(store, "name"), shown(store, "points"), shown(store, "_revision"), is_dirty(store)) == (
        "mine",
        5,
        "2",
        True,
    )
    assert (only(store).state, only(store).base_revision) == (State.READY, "2")


def test_the_same_value_on_the_tracker_ends_the_edit(store: Store) -> None:
    known = layouts(store)
    pull(store, known["Story"], 1, name="old")
    add(store, known, edit(known["Story"], 1, "Name", "mine"))
    pull(store, known["Story"], 1, "2", name="mine")
    assert (opened(store), ends(store), is_dirty(store), shown(store, "name")) == ([], ["already"], False, "mine")


def test_a_tracker_that_shows_our_value_in_the_same_revision_ends_the_edit_too(store: Store) -> None:
    known = layouts(store)
    pull(store, known["Story"], 1, name="old")
    add(store, known, edit(known["Story"], 1, "Name", "mine"))
    pull(store, known["Story"], 1, "1", name="mine")
    assert (opened(store), is_dirty(store)) == ([], False)


def test_another_value_on_the_tracker_is_a_conflict_that_keeps_both(store: Store) -> None:
    known = layouts(store)
    pull(store, known["Story"], 1, name="old")
    add(store, known, edit(known["Story"], 1, "Name", "mine"))
    pull(store, known["Story"], 1, "2", name="theirs")
    found = only(store)
    assert (found.state, found.base, found.value, found.remote) == (
        State.CONFLICT,
        {"name": "old"},
        {"name": "mine"},
        {"name": "theirs"},
    )
    assert shown(store, "name") == "mine"
    pull(store, known["Story"], 1, "3", name="old")
    assert (only(store).state, only(store).remote) == (State.READY, None)


def test_edits_of_different_places_of_a_text_merge(store: Store) -> None:
    known = layouts(store)
    pull(store, known["Story"], 1, notes="a b c d e")
    add(store, known, edit(known["Story"], 1, "Notes", "X b c d e"))
    pull(store, known["Story"], 1, "2", notes="a b c d Y")
    assert (only(store).base, only(store).value, only(store).state) == (
        {"notes": "a b c d Y"},
        {"notes": "X b c d Y"},
        State.READY,
    )
    assert shown(store, "notes") == "X b c d Y"


@pytest.mark.parametrize("there", ["old", "mine", "theirs"])
def test_what_is_in_flight_is_never_decided_by_a_pull(store: Store, there: str) -> None:
    known = layouts(store)
    pull(store, known["Story"], 1, name="old")
    (made,) = add(store, known, edit(known["Story"], 1, "Name", "mine"))
    store.queue.mark_sent([made.id], NOW)
    pull(store, known["Story"], 1, "2", name=there)
    assert (states(store), shown(store, "name"), only(store).base_revision) == ([State.SENT], "mine", "1")
    store.queue.put_back([made.id], State.READY)
    expected = {"old": [State.READY], "mine": [], "theirs": [State.CONFLICT]}[there]
    assert (states(store), shown(store, "name")) == (expected, "mine")


def test_after_settling_the_row_shows_what_was_read_back(store: Store) -> None:
    known = layouts(store)
    pull(store, known["Story"], 1, owner_id=None)
    (made,) = add(store, known, edit(known["Story"], 1, "Owner", Target("User", 3, "ann")))
    store.queue.mark_sent([made.id], NOW)
    pull(store, known["Story"], 1, "2", owner_id=3, owner_name="Ann Lee")
    assert shown(store, "owner_name") == "ann"
    store.queue.settle(known["Story"], [Settled(made.id, End.DONE, "ok", "2")])
    assert (shown(store, "owner_name"), is_dirty(store), ends(store)) == ("Ann Lee", False, ["done"])


def test_links_merge_as_sets(store: Store) -> None:
    known = layouts(store)
    pull(store, known["Story"], 1, links=tags(5, 6))
    add(store, known, act(known["Story"], 1, Action.LINK, field="Tags", item="7"))
    add(store, known, act(known["Story"], 1, Action.UNLINK, field="Tags", item="5"))
    add(store, known, act(known["Story"], 1, Action.LINK, field="Words", item="red"))
    pull(store, known["Story"], 1, "2", links=tags(5, 6, 8))
    assert items(store) == [6, 8, 7]
    pull(store, known["Story"], 1, "3", links=tags(6, 7, 8))
    assert items(store) == [6, 7, 8]
    assert [each.field for each in opened(store)] == ["Words"]
    assert items(store, "rally_story__words", column="value") == ["red"]


def test_a_record_that_waits_to_be_deleted_stays_out_and_counts(store: Store) -> None:
    known = layouts(store)
    pull(store, known["Story"], 1, name="old")
    pull(store, known["Story"], 2)
    create(store, known)
    add(store, known, act(known["Story"], 2, Action.DELETE))
    pull(store, known["Story"], 2, "1")
    story = known["Story"]
    assert stored(store, "SELECT id FROM rally_story WHERE id > 0") == [(1,)]
    assert store.keys(story, KeyRange()) == [(1, "1"), (2, "1")]
    assert (store.count(story, KeyRange()), store.newest(story), store.revisions(story, [2])) == (2, 2, {2: "1"})
    assert store.boundaries(story, 1) == [KeyRange(0, 1), KeyRange(1, None)]
    pull(store, known["Story"], 2, "2", name="new")
    deletion = opened(store)[-1]
    assert (deletion.state, deletion.base_revision) == (State.CONFLICT, "2")
    store.queue.discard(known, [deletion.id])
    assert shown(store, "name", 2) == "new"


def test_a_record_that_is_gone_makes_its_edits_conflicts_until_it_is_back(store: Store) -> None:
    known = layouts(store)
    pull(store, known["Story"], 1, name="old", links=tags(5))
    add(store, known, edit(known["Story"], 1, "Name", "mine"))
    add(store, known, act(known["Story"], 1, Action.LINK, field="Tags", item="6"))
    assert store.tombstone(known["Story"], [1], fate=Fate.DELETED, now=NOW) == 1
    assert (states(store), {each.reason for each in opened(store)}) == (
        [State.CONFLICT, State.CONFLICT],
        {"the record is gone on the tracker"},
    )
    ((last_row, last_links),) = stored(store, "SELECT last_row, last_links FROM mirror_tombstone")
    assert '"old"' in last_row
    assert "6" not in last_links
    pull(store, known["Story"], 1, "2", name="old", links=tags(5))
    assert (states(store), shown(store, "name"), items(store)) == ([State.READY, State.READY], "mine", [5, 6])


def test_a_record_that_is_gone_already_needs_no_deletion(store: Store) -> None:
    known = layouts(store)
    pull(store, known["Story"], 1, name="old")
    add(store, known, act(known["Story"], 1, Action.DELETE))
    assert store.tombstone(known["Story"], [1], fate=Fate.DELETED, now=NOW) == 1
    assert (opened(store), ends(store), store.tombstones("acme", "Story")) == ([], ["already"], [(1, Fate.DELETED)])


def test_a_deletion_that_was_done_leaves_a_tombstone(store: Store) -> None:
    known = layouts(store)
    pull(store, known["Story"], 1, name="old")
    add(store, known, edit(known["Story"], 1, "Name", "mine"))
    (made,) = add(store, known, act(known["Story"], 1, Action.DELETE))
    store.queue.mark_sent([made.id], NOW)
    store.queue.settle(known["Story"], [Settled(made.id, End.DONE)])
    assert (opened(store), ends(store)) == ([], ["done", "discarded"])
    assert (store.tombstones("acme", "Story"), store.keys(known["Story"], KeyRange())) == ([(1, Fate.DELETED)], [])


def test_edits_are_no_drift(store: Store) -> None:
    known = layouts(store)
    shown_there: dict[str, Any] = {"name": "old", "points": 1, "owner_id": 3, "owner_name": "Ann"}
    links = {"Tags": [(1, 0, 5, "tag 5", None), (1, 1, 6, "tag 6", None)]}
    for each in (1, 2):
        store.apply(
            page(known["Story"], row(known["Story"], each, **shown_there), links=links if each == 1 else {}), now=NOW
        )
    add(store, known, edit(known["Story"], 1, "Name", "mine"), edit(known["Story"], 1, "Owner", None))
    add(store, known, act(known["Story"], 1, Action.UNLINK, field="Tags", item="5"))
    add(store, known, act(known["Story"], 1, Action.LINK, field="Tags", item="9"))
    add(store, known, act(known["Story"], 2, Action.DELETE))
    given = page(known["Story"], *(row(known["Story"], each, **shown_there) for each in (1, 2)), links=links)
    found = store.compare(given, now=NOW)
    assert (found.unknown, found.differing) == (frozenset(), {})
    other = page(known["Story"], row(known["Story"], 1, **(shown_there | {"name": "new"})), links=links)
    assert [each.name for each in store.compare(other, now=NOW).differing[1]] == ["name"]
    assert (shown(store, "name"), items(store), shown(store, "name", 2)) == ("mine", [6, 9], "missing")


def test_a_name_that_was_edited_here_is_not_shown_elsewhere_before_it_is_pushed(store: Store) -> None:
    known = layouts(store)
    pull(store, known["Story"], 1, name="old")
    pull(store, known["Story"], 2, parent_id=1, parent_name="old")
    (made,) = add(store, known, edit(known["Story"], 1, "Name", "new"))
    assert store.spread_names(known, "Story", None, now=NOW) == 0
    store.queue.mark_sent([made.id], NOW)
    pull(store, known["Story"], 1, "2", name="new")
    store.queue.settle(known["Story"], [Settled(made.id, End.DONE)])
    assert store.suspects("acme", names=True) == {"Story": {1}}
    assert store.spread_names(known, "Story", [1], now=NOW) == 1
    assert shown(store, "parent_name", 2) == "new"


def test_what_only_is_here_is_never_suspected(store: Store) -> None:
    known = layouts(store)
    pull(store, known["Label"], 5, name="five")
    create(store, known, Parent=None)
    add(store, known, act(known["Story"], -1, Action.LINK, field="Tags", item="5"))
    store.suspect("acme", {"Story": [-1, 2]})
    store.suspect_referrers(known, "Label", [5])
    assert store.suspects("acme") == {"Story": {2}}


def test_what_a_conflict_known_in_words_would_restore_follows_the_tracker(store: Store) -> None:
    known = layouts(store)
    pull(store, known["Story"], 1, name="old")
    add(store, known, edit(known["Story"], 1, "Name", "mine"))
    store.queue.mark_sent([only(store).id], NOW)
    pull(store, known["Story"], 1, "2", name="mine")
    store.queue.put_back([only(store).id], State.CONFLICT, "this took the place of: theirs")
    pull(store, known["Story"], 1, "3", name="theirs again")
    assert (only(store).state, shown(store, "name")) == (State.CONFLICT, "mine")
    store.queue.discard(known, [only(store).id])
    assert (opened(store), shown(store, "name"), is_dirty(store)) == ([], "theirs again", False)
