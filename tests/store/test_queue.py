"""The queue: edits, and base + changes = local."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mirror.errors import StoreError, UsageError
from mirror.model.change import Action, End, State
from mirror.model.write import Target
from mirror.store.store import Settled, Store, Taken
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
from tests.store.samples import NOW, stored, value
from tests.support.databases import execute


def test_an_edit_shows_at_once_and_waits(store: Store) -> None:
    known = layouts(store)
    pull(store, known["Story"], 1, name="old")
    (made,) = add(store, known, edit(known["Story"], 1, "Name", "new"))
    assert (shown(store, "name"), is_dirty(store)) == ("new", True)
    assert (made.base, made.value, made.base_revision, made.state) == ({"name": "old"}, {"name": "new"}, "1", State.READY)
    assert made == only(store)


def test_an_edit_to_the_same_value_is_none(store: Store) -> None:
    known = layouts(store)
    pull(store, known["Story"], 1, points=3)
    assert add(store, known, edit(known["Story"], 1, "Points", 3.0)) == []
    assert not is_dirty(store)


def test_a_later_edit_takes_the_place_of_an_earlier_one_under_a_new_id(store: Store) -> None:
    known = layouts(store)
    pull(store, known["Story"], 1, name="old")
    (first,) = add(store, known, edit(known["Story"], 1, "Name", "newer"))
    (second,) = add(store, known, edit(known["Story"], 1, "Name", "newest"))
    assert (only(store).base, only(store).value) == ({"name": "old"}, {"name": "newest"})
    assert second.id > first.id
    assert store.queue.mark_sent([first.id], NOW) is None


def test_an_edit_back_to_the_base_vanishes(store: Store) -> None:
    known = layouts(store)
    pull(store, known["Story"], 1, name="old")
    add(store, known, edit(known["Story"], 1, "Name", "new"))
    assert add(store, known, edit(known["Story"], 1, "Name", "old")) == []
    assert (shown(store, "name"), is_dirty(store), ends(store)) == ("old", False, ["discarded"])


def test_an_edit_of_what_is_in_flight_waits_behind_it(store: Store) -> None:
    known = layouts(store)
    pull(store, known["Story"], 1, name="old")
    (first,) = add(store, known, edit(known["Story"], 1, "Name", "sent"))
    assert store.queue.mark_sent([first.id], NOW) is not None
    (second,) = add(store, known, edit(known["Story"], 1, "Name", "later"))
    assert (second.base, second.value) == ({"name": "sent"}, {"name": "later"})
    assert states(store) == [State.SENT, State.READY]
    pull(store, known["Story"], 1, "2", name="sent")
    assert shown(store, "name") == "later"
    store.queue.settle(known["Story"], [Settled(first.id, End.DONE, "", "2")])
    assert (only(store).base, only(store).value, shown(store, "name")) == ({"name": "sent"}, {"name": "later"}, "later")


def test_what_was_put_back_joins_the_edit_behind_it(store: Store) -> None:
    known = layouts(store)
    pull(store, known["Story"], 1, name="old")
    (first,) = add(store, known, edit(known["Story"], 1, "Name", "sent"))
    store.queue.mark_sent([first.id], NOW)
    (second,) = add(store, known, edit(known["Story"], 1, "Name", "later"))
    store.queue.put_back([first.id], State.REFUSED, "no")
    assert only(store) == replace(second, base={"name": "old"})
    assert ends(store) == ["refused"]


def test_an_edit_of_a_record_that_is_not_here_is_refused(store: Store) -> None:
    known = layouts(store)
    with pytest.raises(UsageError, match="not here"):
        add(store, known, edit(known["Story"], 1, "Name", "new"))


def test_a_link_and_its_undoing_cancel_each_other(store: Store) -> None:
    known = layouts(store)
    pull(store, known["Story"], 1, links=tags(5, 6))
    pull(store, known["Label"], 7, name="seven")
    add(store, known, act(known["Story"], 1, Action.LINK, field="Tags", item="7"))
    assert items(store, column="target_name") == ["tag 5", "tag 6", "seven"]
    assert is_dirty(store)
    add(store, known, act(known["Story"], 1, Action.UNLINK, field="Tags", item="Label:7"))
    add(store, known, act(known["Story"], 1, Action.UNLINK, field="Tags", item="5"))
    assert items(store) == [6]
    add(store, known, act(known["Story"], 1, Action.LINK, field="Tags", item="5"))
    assert items(store) == [5, 6]
    assert (opened(store), is_dirty(store)) == ([], False)


def test_a_created_record_is_a_row_with_a_negative_id(store: Store) -> None:
    known = layouts(store)
    record_id = create(store, known, Name="fresh", Points=2)
    assert record_id == -1
    assert (shown(store, "name", -1), shown(store, "_revision", -1), is_dirty(store, -1)) == ("fresh", None, True)
    assert [each.action for each in opened(store)] == [Action.CREATE, Action.UPDATE, Action.UPDATE]
    assert store.queue.new_id("acme") == -2


def test_a_discarded_creation_leaves_nothing(store: Store) -> None:
    known = layouts(store)
    create(store, known, Name="fresh")
    store.queue.discard(known, [opened(store)[0].id])
    assert (shown(store, "name", -1), opened(store), ends(store)) == ("missing", [], ["discarded", "discarded"])
    assert store.queue.new_id("acme") == -2


def test_a_creation_that_others_refer_to_is_not_discarded(store: Store) -> None:
    known = layouts(store)
    record_id = create(store, known, Name="fresh")
    pull(store, known["Story"], 1)
    add(store, known, edit(known["Story"], 1, "Parent", Target("Story", record_id, "fresh")))
    with pytest.raises(UsageError, match="Story 1 Parent"):
        store.queue.discard(known, [opened(store)[0].id])
    store.queue.discard(known, [opened(store)[-1].id])
    add(store, known, act(known["Story"], record_id, Action.DELETE))
    assert opened(store) == []


def test_a_deleted_record_leaves_its_table_and_comes_back(store: Store) -> None:
    known = layouts(store)
    pull(store, known["Story"], 1, name="old", points=1.25, owner_id=3, owner_name="Ann", links=tags(5, 6))
    before = stored(store, "SELECT * FROM rally_story")
    add(store, known, edit(known["Story"], 1, "Name", "new"))
    add(store, known, act(known["Story"], 1, Action.UNLINK, field="Tags", item="5"))
    (deletion,) = add(store, known, act(known["Story"], 1, Action.DELETE))
    assert (shown(store, "name"), items(store)) == ("missing", [])
    assert deletion.base is not None
    assert deletion.base["row"]["name"] == "old"
    store.queue.discard(known, [deletion.id])
    assert (shown(store, "name"), items(store), is_dirty(store)) == ("new", [6], True)
    store.queue.discard(known, [each.id for each in opened(store)])
    assert stored(store, "SELECT * FROM rally_story") == before
    assert items(store) == [5, 6]


def test_promotion_rewrites_the_id_everywhere(store: Store) -> None:
    known = layouts(store)
    parent = create(store, known, Name="parent")
    label = create(store, known, "Label", Name="label")
    child = create(store, known, Name="child", Parent=Target("Story", parent, "parent"))
    add(store, known, act(known["Story"], child, Action.LINK, field="Tags", item=str(label)))
    store.queue.promote(known, known["Story"], parent, 77)
    store.queue.promote(known, known["Label"], label, 88)
    assert (shown(store, "parent_id", child), items(store, record_id=child)) == (77, [88])
    assert (shown(store, "name", 77), shown(store, "name", parent)) == ("parent", "missing")
    values = {each.field: each for each in opened(store) if each.record_id == child}
    assert values["Parent"].value == {"parent_id": 77, "parent_name": "parent"}
    assert values["Tags"].item == "88"
    pull(store, known["Story"], 77, "1", name="parent")
    assert "already" in ends(store)
    assert value(store, "_revision", 77, "rally_story") == "1"


def test_an_edit_that_was_checked_before_a_promotion_and_made_after_it_refers_to_the_real_record(store: Store) -> None:
    known = layouts(store)
    parent, label, child = (create(store, known, name, Name="new") for name in ("Story", "Label", "Story"))
    store.queue.promote(known, known["Story"], parent, 77)
    store.queue.promote(known, known["Label"], label, 88)
    pull(store, known["Story"], 5)
    refer = act(known["Story"], 5, Action.UPDATE, field="Parent", value={"parent_id": parent, "parent_name": "new"})
    add(store, known, refer, act(known["Story"], 5, Action.LINK, field="Tags", item=str(label)))
    add(store, known, edit(known["Story"], child, "Parent", Target("Story", parent, "new")))
    assert (shown(store, "parent_id", 5), items(store, record_id=5), shown(store, "parent_id", child)) == (77, [88], 77)


def test_a_conflict_is_resolved_for_either_side_or_a_third_value(store: Store) -> None:
    known = layouts(store)
    for record_id, take, left in ((1, "local", ["mine"]), (2, "remote", []), (3, {"name": "ours"}, ["ours"])):
        pull(store, known["Story"], record_id, name="old")
        add(store, known, edit(known["Story"], record_id, "Name", "mine"))
        pull(store, known["Story"], record_id, "2", name="theirs")
        (conflict,) = store.queue.open("acme", record=("Story", record_id), states=[State.CONFLICT])
        store.queue.resolve(known, conflict.id, take)
        waiting = store.queue.open("acme", record=("Story", record_id))
        assert [(each.state, each.base, each.value) for each in waiting] == [
            (State.READY, {"name": "theirs"}, {"name": value}) for value in left
        ]
        assert shown(store, "name", record_id) == (left or ["theirs"])[0]
    kept = store.queue.log("acme", record=("Story", 1))[0].change
    assert (kept.base, kept.value, kept.remote) == ({"name": "old"}, {"name": "mine"}, {"name": "theirs"})
    assert ends(store) == ["conflict", "overruled", "conflict"]


def test_what_was_overwritten_stays_a_conflict_whatever_the_tracker_shows(store: Store) -> None:
    known = layouts(store)
    pull(store, known["Story"], 1, name="old")
    (made,) = add(store, known, edit(known["Story"], 1, "Name", "mine"))
    store.queue.mark_sent([made.id], NOW)
    pull(store, known["Story"], 1, "3", name="mine")
    store.queue.put_back([made.id], State.CONFLICT, "Bob had written 'theirs' in between")
    pull(store, known["Story"], 1, "4", name="mine", points=1)
    assert (only(store).state, only(store).base) == (State.CONFLICT, {"name": "mine"})
    store.queue.resolve(known, made.id, "local")
    assert (opened(store), shown(store, "name"), ends(store)) == ([], "mine", ["conflict", "conflict", "already"])


def test_what_the_tracker_took_differently_is_refused_upon_its_value(store: Store) -> None:
    known = layouts(store)
    pull(store, known["Story"], 1, name="old")
    (made,) = add(store, known, edit(known["Story"], 1, "Name", "mine "))
    store.queue.mark_sent([made.id], NOW)
    pull(store, known["Story"], 1, "2", name="MINE")
    store.queue.put_back([made.id], State.REFUSED, "the tracker shows MINE", {"name": "MINE", "points": 3})
    assert (only(store).state, only(store).base, shown(store, "name")) == (State.REFUSED, {"name": "MINE"}, "mine ")
    store.queue.discard(known, [made.id])
    assert (shown(store, "name"), is_dirty(store)) == ("MINE", False)


def test_what_is_on_its_way_is_not_discarded(store: Store) -> None:
    known = layouts(store)
    pull(store, known["Story"], 1, name="old")
    (made,) = add(store, known, edit(known["Story"], 1, "Name", "mine"))
    store.queue.mark_sent([made.id], NOW)
    with pytest.raises(UsageError, match="on its way"):
        store.queue.discard(known, [made.id])


def test_a_write_is_claimed_whole_or_not_at_all(store: Store) -> None:
    known = layouts(store)
    pull(store, known["Story"], 1, name="old")
    both = add(store, known, edit(known["Story"], 1, "Name", "mine"), edit(known["Story"], 1, "Points", 3))
    assert store.queue.mark_sent([both[0].id], NOW) == 1
    assert store.queue.mark_sent([each.id for each in both], NOW) is None
    assert states(store) == [State.SENT, State.READY]
    assert store.queue.mark_sent([both[1].id], NOW) == 2


def test_nothing_of_a_record_goes_while_it_waits_to_be_deleted(store: Store) -> None:
    known = layouts(store)
    pull(store, known["Story"], 1, name="old")
    (made,) = add(store, known, edit(known["Story"], 1, "Name", "mine"))
    add(store, known, act(known["Story"], 1, Action.DELETE))
    assert store.queue.mark_sent([made.id], NOW) is None


def test_content_stays_until_nothing_names_it(store: Store) -> None:
    known = layouts(store)
    pull(store, known["Story"], 1)
    digest = store.queue.put_blob(b"\x00content")
    assert store.queue.put_blob(b"\x00content") == digest
    file = {"name": "a.txt", "digest": digest, "size": 8, "content_type": "text/plain"}
    made = add(store, known, *(act(known["Story"], 1, Action.ATTACH, item=each, value=file) for each in "ab"))
    store.queue.discard(known, [made[0].id])
    assert store.queue.blob(digest) == b"\x00content"
    store.queue.settle(known["Story"], [Settled(made[1].id, End.DONE)])
    with pytest.raises(StoreError, match=digest):
        store.queue.blob(digest)
    with pytest.raises(UsageError, match="attach it again"):
        add(store, known, act(known["Story"], 1, Action.ATTACH, item="c", value=file))


def test_the_log_knows_both_ids_of_a_record_that_was_created_here(store: Store) -> None:
    known = layouts(store)
    record_id = create(store, known, Name="fresh")
    sent = [each.id for each in opened(store)]
    store.queue.mark_sent(sent, NOW)
    store.queue.put_back(sent, State.UNKNOWN, "no answer")
    store.queue.promote(known, known["Story"], record_id, 77)
    pull(store, known["Story"], 77, name="fresh")
    store.queue.settle(known["Story"], [Settled(each, End.ADOPTED, "", "1") for each in sent])
    found = store.queue.log("acme", record=("Story", record_id))
    assert [(each.end.value, each.change.record_id, each.temporary_id) for each in found] == [
        ("adopted", 77, -1),
        ("adopted", 77, -1),
        ("unknown", 77, -1),
        ("unknown", 77, -1),
    ]
    assert found == store.queue.log("acme", record=("Story", 77))
    assert store.queue.real_id("acme", record_id) == ("Story", 77)
    assert (opened(store), is_dirty(store, 77)) == ([], False)


def test_promotion_meets_a_record_that_was_pulled_already(store: Store) -> None:
    known = layouts(store)
    record_id = create(store, known, Name="fresh")
    sent = [each.id for each in opened(store)]
    store.queue.mark_sent(sent, NOW)
    add(store, known, edit(known["Story"], record_id, "Name", "later"), edit(known["Story"], record_id, "Points", 4))
    pull(store, known["Story"], 77, name="fresh", points=1)
    store.queue.promote(known, known["Story"], record_id, 77)
    store.queue.settle(known["Story"], [Settled(each, End.DONE, "", "1") for each in sent])
    assert stored(store, "SELECT id, name, points FROM rally_story") == [(77, "later", 4)]
    assert [(each.field, each.state, each.base) for each in opened(store)] == [
        ("Name", State.READY, {"name": "fresh"}),
        ("Points", State.CONFLICT, {"points": None}),
    ]


def test_the_name_of_a_new_record_follows_where_it_is_shown(store: Store) -> None:
    known = layouts(store)
    parent = create(store, known, Name="first")
    child = create(store, known, Parent=Target("Story", parent, "first"))
    add(store, known, edit(known["Story"], parent, "Name", "second"))
    assert shown(store, "parent_name", child) == "second"
    assert [each.value for each in opened(store) if each.field == "Parent"] == [
        {"parent_id": parent, "parent_name": "second"}
    ]


def test_edits_by_sql_are_taken_in_where_they_were_made(store: Store, database_url: str) -> None:
    known = layouts(store)
    pull(store, known["Story"], 1, name="old", notes="n", points=1)
    add(store, known, edit(known["Story"], 1, "Name", "mine"))
    execute(database_url, "UPDATE rally_story SET name = 'sql', notes = 'sql', points = 7 WHERE id = 1")
    (captured,) = store.queue.open("acme", states=[State.CAPTURED])
    add(store, known, edit(known["Story"], 1, "Notes", "last"))
    pull(store, known["Story"], 1, "2", name="theirs", notes="n", points=1)
    assert shown(store, "name") == "sql"
    made = [edit(known["Story"], 1, "Name", "sql"), edit(known["Story"], 1, "Notes", "sql")]
    refused = replace(made[0], state=State.REFUSED, reason="too good")
    assert store.queue.take_in(known, [Taken((captured,), [refused, made[1]])]) == 1
    assert [(each.field, each.state, each.base, each.value) for each in opened(store)] == [
        ("Notes", State.READY, {"notes": "n"}, {"notes": "last"}),
        ("Name", State.CONFLICT, {"name": "old"}, {"name": "sql"}),
    ]
    assert (shown(store, "name"), shown(store, "notes"), shown(store, "points")) == ("sql", "last", 1)


def test_a_deletion_by_sql_is_taken_in_with_what_the_tracker_has(store: Store, database_url: str) -> None:
    known = layouts(store)
    pull(store, known["Story"], 1, name="old", links=tags(5))
    add(store, known, edit(known["Story"], 1, "Name", "mine"), act(known["Story"], 1, Action.LINK, field="Tags", item="6"))
    execute(database_url, "DELETE FROM rally_story WHERE id = 1")
    (captured,) = store.queue.open("acme", states=[State.CAPTURED])
    store.queue.take_in(known, [Taken((captured,), [act(known["Story"], 1, Action.DELETE)])])
    (deletion,) = store.queue.open("acme", states=[State.READY])[-1:]
    assert deletion.base is not None
    assert (deletion.base["row"]["name"], deletion.base["links"]["rally_story__tags"]) == ("old", [[0, 5, "tag 5", None]])
    store.queue.discard(known, [deletion.id])
    assert (shown(store, "name"), items(store)) == ("mine", [5, 6])


def test_a_new_record_that_sql_deletes_is_taken_back(store: Store, database_url: str) -> None:
    known = layouts(store)
    first, second = create(store, known, Name="a"), create(store, known, Name="b")
    add(store, known, edit(known["Story"], second, "Parent", Target("Story", first, "a")))
    for record_id in (first, second):
        execute(database_url, f"DELETE FROM rally_story WHERE id = {record_id}")
    captured = store.queue.open("acme", states=[State.CAPTURED])
    store.queue.take_in(known, [Taken((each,), [replace(each, state=State.READY)]) for each in captured])
    assert (stored(store, "SELECT id FROM rally_story"), opened(store)) == ([], [])


def test_a_deletion_by_sql_of_a_new_record_that_others_need_is_kept_as_refused(store: Store, database_url: str) -> None:
    known = layouts(store)
    first, second = create(store, known, Name="a"), create(store, known, Name="b")
    add(store, known, edit(known["Story"], second, "Parent", Target("Story", first, "a")))
    execute(database_url, f"DELETE FROM rally_story WHERE id = {first}")
    (captured,) = store.queue.open("acme", states=[State.CAPTURED])
    store.queue.take_in(known, [Taken((captured,), [replace(captured, state=State.READY)])])
    (deletion,) = store.queue.open("acme", states=[State.REFUSED])
    assert (deletion.action, "others refer to it" in deletion.reason) == (Action.DELETE, True)
    store.queue.discard(known, [deletion.id])
    assert (shown(store, "name", first), shown(store, "parent_id", second)) == ("a", first)


def test_exact_numbers_and_odd_texts_survive_deletion_and_return(store: Store) -> None:
    known = layouts(store)
    pull(store, known["Story"], 1, name='"\\ é\n', points="12345678901234567890.123456789", notes="")
    before = stored(store, "SELECT * FROM rally_story")
    (made,) = add(store, known, act(known["Story"], 1, Action.DELETE))
    store.queue.discard(known, [made.id])
    assert stored(store, "SELECT * FROM rally_story") == before
