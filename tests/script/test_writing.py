"""Changing records as a script does: checked at once, in memory until the block ends, then all of it in the queue."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

import mirror
from mirror.model.change import Action
from mirror.model.schema import Catalog, Field, Kind
from tests.script.conftest import NOBODY, Opening, settings, statements


def waiting(opening: Opening) -> list[tuple[str, str, object]]:
    """Return label, field or action, and value of everything in the queue, as another process sees it."""
    with opening() as m:
        return [(each.label, each.change.field or each.change.action.value, each.local) for each in m.changes()]


def test_what_a_block_did_is_queued_when_it_ends_well(opening: Opening) -> None:
    with opening() as m:
        defect = m["rally"].Defect.first()
        defect.State = "Fixed" if defect.State != "Fixed" else "Open"
        wanted = (defect.key, "State", defect.State)
        assert defect.is_dirty
        assert waiting(opening) == []
    assert waiting(opening) == [wanted]


def test_an_error_in_the_block_discards_it(opening: Opening) -> None:
    with pytest.raises(ZeroDivisionError), opening() as m:
        m["rally"].Defect.first().Name = "another"
        m["rally"].Defect.create(Name="new")
        raise ZeroDivisionError
    assert waiting(opening) == []


def test_what_cannot_be_is_refused_where_it_is_assigned(m: mirror.Mirror) -> None:
    defect = m["rally"].Defect.first()
    before = defect.State
    with pytest.raises(mirror.InvalidEditError, match="one of Submitted, Open"):
        defect.State = "Bogus"
    with pytest.raises(mirror.InvalidEditError, match="read-only"):
        defect.FormattedID = "DE1"
    with pytest.raises(mirror.InvalidEditError, match="no field called 'Stat'"):
        defect.Stat = "Open"
    with pytest.raises(mirror.InvalidEditError, match="one of Submitted, Open"):
        defect.update(Name="other", State="Bogus")
    assert (defect.State, defect.is_dirty) == (before, False)
    assert m.changes() == []


def test_the_value_that_was_there_is_no_change(m: mirror.Mirror) -> None:
    defect = m["rally"].Defect.first()
    before = defect.Name
    defect.Name = before
    assert not defect.is_dirty
    defect.Name = "other"
    defect.Name = "another"
    assert [each.local for each in m.changes()] == ["another"]
    defect.Name = before
    assert not defect.is_dirty
    assert defect.Name == before


def test_references_take_records_names_and_nothing(m: mirror.Mirror) -> None:
    rally = m["rally"]
    story = next(each for each in rally.HierarchicalRequirement if each.Owner)
    other = next(each for each in rally.User if each is not story.Owner and each.DisplayName)
    story.Owner = other
    assert story.Owner is other
    story.Owner = None
    assert not story.Owner
    story.Owner = other.UserName
    assert story.Owner is other
    story.Owner = f"/user/{other.id}"
    assert story.Owner is other
    story.Owner = story.Iteration.Owner.Manager  # Null
    assert not story.Owner or not story.Iteration


def test_instants_are_given_as_they_come(m: mirror.Mirror) -> None:
    iteration = m["rally"].Iteration.first()
    iteration.StartDate = datetime(2026, 3, 1, 12, tzinfo=UTC)
    assert iteration.StartDate == datetime(2026, 3, 1, 12, tzinfo=UTC)


def test_collections_take_and_give(m: mirror.Mirror) -> None:
    rally = m["rally"]
    defect = next(each for each in rally.Defect if len(each.Tags) == 0)
    one, two = rally.Tag.limit(2)
    defect.Tags.add(one, two.Name)
    assert defect.Tags == [one, two]
    defect.Tags.drop(one)
    assert defect.Tags == [two]
    defect.Tags += [one]
    assert set(defect.Tags) == {one, two}
    defect.Tags = [one]
    assert defect.Tags == [one]
    assert [(each.change.action, each.local.id) for each in m.changes()] == [(Action.LINK, one.id)]
    with pytest.raises(mirror.InvalidEditError, match="does not hold"):
        defect.Tags.drop(two)
    with pytest.raises(mirror.InvalidEditError, match="say a list"):
        defect.Tags = "one"


def test_a_collection_of_the_other_side_sets_the_reference(m: mirror.Mirror) -> None:
    rally = m["rally"]
    task = next(each for each in rally.Task if each.WorkProduct)
    old = task.WorkProduct
    new = next(each for each in rally.HierarchicalRequirement if each is not old and not each.Children)
    before = list(new.Tasks)
    new.Tasks.add(task)
    assert task.WorkProduct is new
    assert task not in old.Tasks
    assert list(new.Tasks) == [*before, task]
    assert [(each.label, each.change.field) for each in m.changes()] == [(task.key, "WorkProduct")]


def test_what_is_created_can_be_referred_to_at_once(opening: Opening) -> None:
    with opening() as m:
        rally = m["rally"]
        story = rally.HierarchicalRequirement.create(Name="story", Project=rally.Project.first())
        task = rally.create("Task", Name="task", WorkProduct=story)
        assert (story.key, story.Name, story.is_dirty) == ("NEW-1", "story", True)
        assert task.WorkProduct is story
        assert list(story.Tasks) == [task]
        assert rally.asset(story.oid) is rally.get("NEW-1") is story
        assert m.queue() == 6
        assert rally.asset(story.oid) is rally.get("NEW-1") is story
        assert list(story.Tasks) == [task]
        assert not story.is_dirty
        story.Name = "again"
    assert ("NEW-1", "Name", "again") in waiting(opening)


def test_a_required_field_that_is_missing_is_named(m: mirror.Mirror) -> None:
    with pytest.raises(mirror.InvalidEditError, match="needs Name="):
        m["rally"].Defect.create(State="Open")
    assert m.changes() == []


def test_what_was_created_and_deleted_leaves_no_trace(m: mirror.Mirror) -> None:
    tag = m["rally"].Tag.create(Name="new")
    tag.delete()
    assert not tag.is_here
    assert m.changes() == []


def test_what_others_refer_to_is_not_thrown_away(m: mirror.Mirror) -> None:
    tag = m["rally"].Tag.create(Name="new")
    defect = m["rally"].Defect.first()
    defect.Tags.add(tag)
    with pytest.raises(mirror.InvalidEditError, match="is referred to by Tags"):
        tag.delete()


def test_a_deleted_record_is_gone_at_the_end(opening: Opening) -> None:
    with opening() as m:
        defect = m["rally"].Defect.first()
        key = defect.key
        defect.delete()
        assert not defect.is_here
        with pytest.raises(mirror.InvalidEditError, match="is deleted"):
            defect.Name = "other"
    assert [each[:2] for each in waiting(opening)] == [(key, "delete")]


def test_comments_files_ranks_and_operations(opening: Opening) -> None:
    with opening() as m:
        one, two = m["rally"].Defect.limit(2)
        one.comment("well done")
        one.attach(b"bytes", name="notes.txt")
        one.rank("above", two)
        story = m["versionone"].Story.first()
        story.do(story.layout.type.operations[0])
        m["rt"].ticket.first().comment("seen", reply=True)
        with pytest.raises(mirror.InvalidEditError, match="need a name"):
            one.attach(b"bytes")
        with pytest.raises(mirror.InvalidEditError, match="has no operation"):
            one.do("Dance")
        with pytest.raises(mirror.InvalidEditError, match="above, below, top or bottom"):
            one.rank("middle")
    found = [each[1] for each in waiting(opening)]
    assert found == ["comment", "attach", "rank", "comment", story.layout.type.operations[0]]


def test_an_operation_takes_records_and_numbers(m: mirror.Mirror) -> None:
    one, two, three = m["rt"].ticket.limit(3)
    one.do("merge", into=two)
    two.do("merge", into=three.id)
    three.do("merge", into=m["rt"].ticket.create(Queue="General", Subject="new"))
    merged = [each.change.value["other"] for each in m.changes() if each.change.field == "merge"]
    assert merged[:2] == [two.id, three.id]
    assert merged[2] < 0


def test_many_at_once_or_none(m: mirror.Mirror) -> None:
    rally = m["rally"]
    made = rally.Tag.create_many({"Name": f"tag {number} of many"} for number in range(20))
    assert [each.Name for each in made] == [f"tag {number} of many" for number in range(20)]
    with pytest.raises(mirror.InvalidEditError):
        rally.Tag.create_many([{"Name": "one more"}, {"Nam": "x"}])
    assert len([each for each in m.changes() if each.change.action is Action.CREATE]) == 20
    defects = rally.Defect.limit(5)
    assert defects.update_many(Notes="many") == 5
    assert {each.Notes for each in defects} == {"many"}
    with pytest.raises(mirror.InvalidEditError):
        defects.update_many(Notes="more", State="Bogus")
    assert {each.Notes for each in defects} == {"many"}


def test_one_record_or_all_can_be_taken_back(m: mirror.Mirror) -> None:
    one, two = m["rally"].Defect.limit(2)
    names = one.Name, two.Name
    one.Name, two.Name = "one", "two"
    one.discard()
    assert (one.Name, two.Name) == (names[0], "two")
    m.discard()
    assert (one.Name, two.Name) == names
    assert m.changes() == []


def test_edits_of_other_kinds_are_seen(m: mirror.Mirror) -> None:
    defect = m["rally"].Defect.first()
    m.set(defect.key, {"Name": "by another door"})
    assert defect.Name == "by another door"
    assert [each.change.state.value for each in m.changes()] == ["ready"]


def test_a_source_that_fails_keeps_the_others_from_nothing(m: mirror.Mirror, opening: Opening) -> None:
    story, defect = m["versionone"].Story.first(), m["rally"].Defect.first()
    story.comment("said once")
    defect.Name = "too late"
    with opening() as other:
        other["rally"].get(defect.key).delete()
    with pytest.raises(mirror.UsageError, match=r"deleted|not here"):
        m.queue()
    assert not story.is_dirty
    assert defect.is_dirty
    defect.discard()
    assert m.queue() == 0
    assert [each.change.action for each in m.changes(["versionone"])] == [Action.COMMENT]


def test_records_whose_catalogue_has_changed_are_read_in_its_new_form(m: mirror.Mirror, opening: Opening) -> None:
    rally = m["rally"]
    kept = next(each for each in rally.Task if each.Project)
    with opening() as other:
        store = other._filled_store()
        types = [each.type for each in store.layouts("rally").values()]
        grown = [
            replace(each, fields=(Field("AAA", Kind.TEXT), *each.fields)) if each.name == "Project" else each
            for each in types
        ]
        store.adopt("rally", "rally", Catalog.of("another", grown), now=datetime(2027, 1, 1, tzinfo=UTC))
    names = {each.Project.Name for each in rally.Task}
    assert names == {each.Name for each in rally.Project if each.Name in names}
    assert kept.Project.AAA is None or not hasattr(kept.Project, "AAA")
    m.queue()
    kept.Name = "again"
    m.queue()
    assert kept.Project.AAA is None
    assert kept.Name == "again"


def test_a_session_is_the_same_on_postgres(postgres_copy: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = settings(tmp_path, {"rally": NOBODY}, monkeypatch)
    with mirror.open(file, database=postgres_copy) as m:
        rally = m["rally"]
        story = rally.HierarchicalRequirement.create(Name="story", Project=rally.Project.first())
        task = rally.Task.create(Name="task", WorkProduct=story, ToDo=2.5)
        story.Tags.add(rally.Tag.first())
        assert m.queue() == 8
        assert list(story.Tasks) == [task]
        assert story.Tags == [rally.Tag.first()]
        assert task.ToDo == 2.5
        assert rally.Task.where(WorkProduct=story).all() == [task]
        with statements() as ran:
            assert len([each.WorkProduct.Name for each in rally.Task]) == rally.Task.count()
        assert len(ran) < 20
        m.discard()
        assert not story.is_here
    with mirror.open(file, database=postgres_copy) as m:
        assert m.changes() == []
