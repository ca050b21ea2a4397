"""Edits whose field or type has changed, or vanished, since they were made: they are kept, and stop nothing else."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mirror.engine.showing import show
from mirror.model.cells import fits, value_of
from mirror.model.change import Action, End, State
from mirror.model.layout import Layout
from mirror.model.page import Fate
from mirror.model.schema import Kind
from mirror.store.store import Settled, Store, Taken
from tests.store.queue_samples import (
    LABEL,
    STORY,
    act,
    add,
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
from tests.store.samples import NOW, USER, adopt, page, row, stored
from tests.support.databases import execute


def without(store: Store, *names: str) -> dict[str, Layout]:
    """Adopt a catalog in which these fields of a story have vanished."""
    kept = tuple(each for each in STORY.fields if each.name not in names)
    return adopt(store, replace(STORY, fields=kept), LABEL, USER, digest="2")


def of_kind(store: Store, name: str, kind: Kind) -> dict[str, Layout]:
    """Adopt a catalog in which a field of a story has another kind."""
    fields = tuple(replace(each, kind=kind, targets=()) if each.name == name else each for each in STORY.fields)
    return adopt(store, replace(STORY, fields=fields), LABEL, USER, digest="2")


def test_an_edit_of_a_field_that_has_got_another_kind_is_refused_and_can_be_shown_and_discarded(store: Store) -> None:
    known = layouts(store)
    pull(store, known["Story"], 1, points=3)
    add(store, known, edit(known["Story"], 1, "Points", 5))
    new = of_kind(store, "Points", Kind.TEXT)
    assert (only(store).state, only(store).reason) == (State.REFUSED, "Points is of another kind now: set it again")
    assert [(each.base, each.local) for each in show(store, new, opened(store))] == [(3, 5)]
    store.queue.discard(new, [only(store).id])
    assert (opened(store), shown(store, "points"), is_dirty(store)) == ([], 3, False)


def test_a_new_edit_takes_the_place_of_one_from_before_the_field_got_another_kind(store: Store) -> None:
    known = layouts(store)
    pull(store, known["Story"], 1, points=3)
    add(store, known, edit(known["Story"], 1, "Points", 5))
    new = of_kind(store, "Points", Kind.TEXT)
    column = next(each.name for each in new["Story"].columns if each.field == "Points")
    add(store, new, edit(new["Story"], 1, "Points", "many"))
    assert (only(store).base, only(store).value, only(store).state) == ({column: None}, {column: "many"}, State.READY)
    assert (shown(store, "points"), shown(store, column)) == (3, "many")
    pull(store, new["Story"], 1, "2", **{column: "few"})
    store.queue.discard(new, [only(store).id])
    assert (shown(store, column), is_dirty(store)) == ("few", False)


def test_what_is_on_its_way_when_its_field_gets_another_kind_is_refused_as_soon_as_it_is_back(store: Store) -> None:
    known = layouts(store)
    pull(store, known["Story"], 1, points=3)
    (made,) = add(store, known, edit(known["Story"], 1, "Points", 5))
    store.queue.mark_sent([made.id], NOW)
    of_kind(store, "Points", Kind.TEXT)
    assert states(store) == [State.SENT]
    store.queue.put_back([made.id], State.READY)
    assert states(store) == [State.REFUSED]


def test_cells_of_a_field_that_is_not_there_have_no_value(store: Store) -> None:
    known = layouts(store)
    assert not fits(known["Story"], "Size", {"size": 3})
    for field, cells in (("Size", {"size": 3}), ("Points", {"size": 3}), ("Owner", {"state": "Open"})):
        with pytest.raises(ValueError, match=f"no field {field}"):
            value_of(known["Story"], field, cells)


def test_links_of_a_field_that_has_vanished_stop_nothing_and_can_be_discarded(store: Store, database_url: str) -> None:
    known = layouts(store)
    pull(store, known["Story"], 1, name="a", links=tags(5, 6))
    pull(store, known["Story"], 2, name="b")
    add(
        store,
        known,
        act(known["Story"], 1, Action.LINK, field="Tags", item="Label:7"),
        act(known["Story"], 1, Action.UNLINK, field="Tags", item="Label:5"),
        act(known["Story"], 2, Action.LINK, field="Words", item="red"),
    )
    story = without(store, "Tags", "Words")["Story"]
    store.apply(page(story, row(story, 1, "2", name="c"), row(story, 2, "2", name="d"), row(story, 3)), now=NOW, force=True)
    assert stored(store, "SELECT name FROM rally_story ORDER BY id") == [("c",), ("d",), (None,)]
    execute(database_url, "UPDATE rally_story SET notes = 'by SQL' WHERE id = 1")
    captured = store.queue.open("acme", states=[State.CAPTURED])
    store.queue.take_in({"Story": story}, [Taken(tuple(captured), [edit(story, 1, "Notes", "by SQL")])])
    add(store, {"Story": story}, edit(story, 1, "Name", "mine"))
    assert store.tombstone(story, [2], fate=Fate.DELETED, now=NOW) == 1
    assert len(show(store, {"Story": story}, opened(store))) == 5
    store.queue.discard({"Story": story}, [each.id for each in opened(store)])
    assert (opened(store), shown(store, "name"), shown(store, "notes"), is_dirty(store)) == ([], "c", None, False)


def test_links_that_are_on_their_way_when_their_field_vanishes_can_be_settled(store: Store) -> None:
    known = layouts(store)
    pull(store, known["Story"], 1, links=tags(5))
    made = add(
        store,
        known,
        act(known["Story"], 1, Action.LINK, field="Tags", item="Label:7"),
        act(known["Story"], 1, Action.LINK, field="Words", item="red"),
    )
    store.queue.mark_sent([each.id for each in made], NOW)
    story = without(store, "Tags", "Words")["Story"]
    store.queue.settle(story, [Settled(made[0].id, End.DONE)])
    store.queue.put_back([made[1].id], State.READY)
    assert store.queue.mark_sent([made[1].id], NOW) is None
    assert (ends(store), states(store), is_dirty(store)) == (["done", "unsent"], [State.READY], True)


def test_a_link_of_a_field_that_holds_texts_now_is_refused(store: Store) -> None:
    known = layouts(store)
    pull(store, known["Story"], 1, links=tags(5))
    add(store, known, act(known["Story"], 1, Action.LINK, field="Tags", item="Label:7"))
    new = of_kind(store, "Tags", Kind.VALUES)
    assert (only(store).state, only(store).reason) == (State.REFUSED, "Tags is of another kind now: set it again")
    table = next(each.name for each in new["Story"].links if each.field == "Tags")
    pull(store, new["Story"], 1, "2", links={"Tags": [(1, 0, "red")]})
    assert items(store, table, column="value") == ["red"]
    store.queue.discard(new, [only(store).id])
    assert (opened(store), items(store, table, column="value")) == ([], ["red"])


def test_what_sql_did_to_a_type_that_has_vanished_can_be_taken_back(store: Store, database_url: str) -> None:
    known = layouts(store)
    pull(store, known["Story"], 1, name="old", points=3)
    new = adopt(store, LABEL, USER, digest="2")
    execute(database_url, "UPDATE rally_story SET name = 'sql' WHERE id = 1")
    execute(database_url, "UPDATE rally_story SET name = 'again', points = 4 WHERE id = 1")
    captured = store.queue.open("acme")
    refused = replace(captured[-1], value={"name": "again", "points": 4}, state=State.REFUSED, reason="gone")
    store.queue.take_in(new, [Taken(tuple(captured), [refused])])
    assert (only(store).base, only(store).value) == ({"name": "old", "points": 3}, {"name": "again", "points": 4})
    store.queue.discard(new, [only(store).id])
    assert (shown(store, "name"), shown(store, "points"), is_dirty(store)) == ("old", 3, False)
