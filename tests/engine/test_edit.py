"""Edits of mirrored records: what is refused and with which words, and what is queued, on both databases."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from mirror.engine.discarding import discard
from mirror.engine.edit import Assignment, Editor, How, Upload, assignments
from mirror.engine.finding import Found, find, find_type
from mirror.engine.lookup import Lookup
from mirror.engine.plan import make_plan
from mirror.engine.showing import show
from mirror.engine.writing import write_of
from mirror.errors import InvalidEditError, UsageError
from mirror.model.change import Action, Change, End, State, Via
from mirror.model.page import Fate
from mirror.model.write import Place, Target
from mirror.store.queue import Settled
from mirror.store.store import Store
from tests.engine.conftest import Filled
from tests.store.samples import stored
from tests.support.stage import rows_of


def editor_of(store: Store, source: str) -> Editor:
    return Editor(Lookup(store.finder, store.layouts(source)), Via.CLI, "ann")


def found(store: Store, source: str, key: str) -> Found:
    return find(store.finder, {source: store.layouts(source)}, key)


def made(store: Store, source: str, key: str, *texts: str) -> list[Change]:
    """Return the changes that `mirror set KEY TEXT…` would queue."""
    return editor_of(store, source).set(found(store, source, key), assignments(texts))


def name_of(store: Store, table: str, column: str = "name") -> tuple[int, str]:
    """Return id and name of a record whose name no other of its table has."""
    unique = f"SELECT min(id), {column} FROM {table} GROUP BY {column} HAVING count(*) = 1 ORDER BY {column} LIMIT 1"
    ((record_id, name),) = stored(store, unique)
    return record_id, name


# fields


def test_a_field_becomes_one_change_with_the_cells_of_its_columns(mirrored: Store) -> None:
    (change,) = made(mirrored, "rally", "de1", "state=closed")
    assert (change.source, change.type_name, change.action, change.field) == ("rally", "Defect", Action.UPDATE, "State")
    assert change.value == {"state": "Closed"}
    assert (change.via, change.made_by, change.state) == (Via.CLI, "ann", State.READY)


def test_all_that_is_wrong_is_said_at_once(mirrored: Store) -> None:
    with pytest.raises(InvalidEditError) as caught:
        made(
            mirrored, "rally", "DE1", "State=Fxed", "Onwer=Bo", "Name=", "FormattedID=DE2", "Tags=x", "Owner+=x", "Ready=oui"
        )
    problems = caught.value.problems
    assert len(problems) == 7
    assert problems[0] == "State cannot be 'Fxed'; it is one of Submitted, Open, Fixed or Closed"
    assert "did you mean Owner" in problems[1]
    assert problems[2] == "Name is required and cannot be empty"
    assert "read-only" in problems[3]
    assert "Tags holds many: say Tags+=… or Tags-=…" in problems[4]
    assert problems[5] == "Owner holds one value: say Owner=…, not Owner+=…"
    assert problems[6] == "Ready takes yes or no, not 'oui'"
    with pytest.raises(InvalidEditError, match="Name takes at most 256 characters, and this has 257"):
        made(mirrored, "rally", "DE1", f"Name={'x' * 257}")


def test_a_field_given_twice_is_refused(mirrored: Store) -> None:
    with pytest.raises(InvalidEditError, match="State is given twice"):
        made(mirrored, "rally", "DE1", "State=Open", "state=Closed")


def test_nothing_to_set_is_refused(mirrored: Store) -> None:
    with pytest.raises(InvalidEditError, match="nothing to set"):
        made(mirrored, "rally", "DE1")


# references


def test_a_reference_is_said_by_name_id_and_type(mirrored: Store) -> None:
    user_id, name = name_of(mirrored, "rally_user", "display_name")
    for spelled in (name, name.lower(), str(user_id), f"User:{user_id}", f"user/{user_id}"):
        (change,) = made(mirrored, "rally", "DE1", f"Owner={spelled}")
        assert change.value == {"owner_id": user_id, "owner_name": name}, spelled
    (cleared,) = made(mirrored, "rally", "DE1", "Owner=")
    assert cleared.value == {"owner_id": None, "owner_name": None}


def test_a_reference_is_said_by_key(mirrored: Store) -> None:
    ((story_id, key, name),) = stored(
        mirrored, "SELECT id, formatted_id, name FROM rally_hierarchical_requirement ORDER BY id LIMIT 1"
    )
    for spelled in (key, key.lower()):
        (change,) = made(mirrored, "rally", "DE1", f"Requirement={spelled}")
        assert change.value == {"requirement_id": story_id, "requirement_name": name}


@pytest.mark.parametrize(
    ("source", "key", "field", "table", "column"),
    [
        ("rally", "DE1", "Owner", "rally_user", "user_name"),
        ("rally", "DE1", "Owner", "rally_user", "email_address"),
        ("versionone", "S-01001", "Customer", "versionone_member", "username"),
        ("rt", "ticket/1", "Owner", "rt_user", "email_address"),
    ],
)
def test_people_are_said_by_login_and_address(
    mirrored: Store, source: str, key: str, field: str, table: str, column: str
) -> None:
    unique = f"SELECT min({column}), min(id) FROM {table} WHERE {column} <> '' GROUP BY lower({column}) HAVING count(*) = 1"
    said, user_id = stored(mirrored, f"{unique} ORDER BY 1 LIMIT 1")[0]
    (change,) = made(mirrored, source, key, f"{field}={said.upper()}")
    assert user_id in (change.value or {}).values()


def test_a_reference_to_nothing_is_answered_with_the_nearest_names(mirrored: Store) -> None:
    _, name = name_of(mirrored, "rally_user", "display_name")
    with pytest.raises(InvalidEditError, match="Owner takes a User, and none is called") as caught:
        made(mirrored, "rally", "DE1", f"Owner={name}x")
    assert f"did you mean {name}" in str(caught.value)
    for nothing in ("Owner=User:1", "Owner=1", "Owner=NEW-1", "Owner= "):
        with pytest.raises(InvalidEditError, match="Owner"):
            made(mirrored, "rally", "DE1", nothing)


def test_a_name_of_several_records_is_answered_with_their_ids(mirrored: Store) -> None:
    sprints = stored(mirrored, "SELECT id FROM rally_iteration WHERE name = 'Sprint 1' ORDER BY id")
    assert len(sprints) > 1
    with pytest.raises(InvalidEditError, match=r"Iteration: 'Sprint 1' may be Iteration:.* say which by TYPE:ID") as caught:
        made(mirrored, "rally", "DE1", "Iteration=Sprint 1")
    assert all(f"Iteration:{row[0]}" in str(caught.value) for row in sprints)
    (change,) = made(mirrored, "rally", "DE1", f"Iteration=Iteration:{sprints[0][0]}")
    assert change.value == {"iteration_id": sprints[0][0], "iteration_name": "Sprint 1"}


def test_a_record_of_another_type_is_refused(mirrored: Store) -> None:
    with pytest.raises(InvalidEditError, match="Requirement takes a HierarchicalRequirement, and DE2 is a Defect"):
        made(mirrored, "rally", "DE1", "Requirement=DE2")
    ((tag,),) = stored(mirrored, "SELECT min(id) FROM rally_tag")
    with pytest.raises(InvalidEditError, match=f"Owner takes a User, and Tag:{tag} is a Tag"):
        made(mirrored, "rally", "DE1", f"Owner=Tag:{tag}")


def test_a_polymorphic_reference_keeps_its_type(mirrored: Store) -> None:
    (change,) = made(mirrored, "rt", "ticket/1", "Engineer=chen.li")
    assert sorted(value for value in (change.value or {}).values() if value is not None and value != 31) == [
        "chen.li",
        "user",
    ]


def test_values_of_python_say_references_too(mirrored: Store) -> None:
    user_id, name = name_of(mirrored, "rally_user", "display_name")
    for given in (user_id, Target("User", user_id), Target("", user_id), found(mirrored, "rally", f"User:{user_id}")):
        (change,) = editor_of(mirrored, "rally").set(found(mirrored, "rally", "DE1"), [Assignment("Owner", given)])
        assert change.value == {"owner_id": user_id, "owner_name": name}
    for wrong in (True, 1.5, Target("Tag", 1), Target("User", 1)):
        with pytest.raises(InvalidEditError):
            editor_of(mirrored, "rally").set(found(mirrored, "rally", "DE1"), [Assignment("Owner", wrong)])


def test_a_type_that_is_not_mirrored_is_known_from_where_it_shows(mirrored: Store) -> None:
    ((target, name),) = stored(
        mirrored,
        "SELECT DISTINCT target_id, target_name FROM rally_defect__c_browsers WHERE target_name IN "
        "(SELECT target_name FROM rally_defect__c_browsers GROUP BY target_name HAVING count(DISTINCT target_id) = 1) "
        "ORDER BY target_name LIMIT 1",
    )
    changes = made(mirrored, "rally", "DE1", f"Browsers+={name.upper()}", "Browsers+=AllowedAttributeValue:77")
    assert [each.item for each in changes] == [f"AllowedAttributeValue:{target}", "AllowedAttributeValue:77"]
    with pytest.raises(
        InvalidEditError, match="AllowedAttributeValue is not mirrored here, so 'Lynx' must be said by its id"
    ):
        made(mirrored, "rally", "DE1", "Browsers+=Lynx")


def test_a_reference_to_nothing_is_answered_with_names_that_have_the_word_in_them(mirrored: Store) -> None:
    _, name = name_of(mirrored, "rally_user", "display_name")
    first = name.split()[0]
    with pytest.raises(InvalidEditError, match="did you mean") as caught:
        made(mirrored, "rally", "DE1", f"Owner={first[:-1]}")
    assert first in str(caught.value)
    with pytest.raises(InvalidEditError, match="none is called 'Qqq Zzz'; there are '"):
        made(mirrored, "rally", "DE1", "Owner=Qqq Zzz")


def test_a_person_who_is_not_there_is_answered_with_how_to_make_one(mirrored: Store) -> None:
    with pytest.raises(InvalidEditError, match="make one with mirror new user"):
        made(mirrored, "rt", "ticket/1", "Requestor+=zq@xkvj.invalid")
    _, near = name_of(mirrored, "rt_user", "email_address")
    with pytest.raises(InvalidEditError, match=r"did you mean .*\? Else make one with mirror new user"):
        made(mirrored, "rt", "ticket/1", f"Requestor+=x{near}")


def test_what_no_id_can_be_is_refused_in_words(mirrored: Store) -> None:
    many = "9" * 30
    for given in (f"Owner={many}", f"Owner=User:{many}", f"Owner=NEW-{many}", f"Tags+={many}", "Owner=a\0b", "Owner=\udcff"):
        with pytest.raises(InvalidEditError, match="takes a"):
            made(mirrored, "rally", "DE1", given)


def test_a_reference_to_a_type_that_nobody_offers_is_refused(mirrored: Store) -> None:
    editor, record = editor_of(mirrored, "versionone"), found(mirrored, "versionone", "S-01001")
    with pytest.raises(InvalidEditError, match="there is no type Nope"):
        editor.set(record, [Assignment("Super", Target("Nope", 3))])


# many-valued fields


def with_items(store: Store, table: str, key: str) -> tuple[str, list[Any]]:
    """Return a record that has links in `table`, as SELECT `key` names it, and the first link's columns."""
    owners = table.split("__", maxsplit=1)[0]
    ((label, *link),) = stored(
        store,
        f"SELECT o.{key}, l.* FROM {owners} o JOIN {table} l ON l.id = o.id AND l.source = o.source "
        "ORDER BY l.id, l.position LIMIT 1",
    )
    return label, link


def test_items_are_linked_with_their_name(mirrored: Store) -> None:
    tag, name = name_of(mirrored, "rally_tag")
    (change,) = made(mirrored, "rally", "DE1", f"tags+={name}")
    assert (change.action, change.field, change.item) == (Action.LINK, "Tags", f"Tag:{tag}")
    assert change.value == {"name": name, "type": "Tag"}
    assert len(made(mirrored, "rally", "DE1", f"Tags+={name}", f"Tags+={tag}")) == 1


def test_items_are_unlinked_by_whatever_names_them(mirrored: Store) -> None:
    label, (_source, _owner, _position, target, name, kind) = with_items(mirrored, "rally_defect__tags", "formatted_id")
    for spelled in (name, str(target), f"{kind}:{target}"):
        (change,) = made(mirrored, "rally", label, f"Tags-={spelled}")
        assert (change.action, change.item) == (Action.UNLINK, f"Tag:{target}")


def test_what_is_not_there_cannot_be_unlinked(mirrored: Store) -> None:
    label, (_source, owner, *_rest) = with_items(mirrored, "rally_defect__tags", "formatted_id")
    missing = f"SELECT name FROM rally_tag WHERE id NOT IN (SELECT target_id FROM rally_defect__tags WHERE id = {owner})"
    name = stored(mirrored, f"{missing} ORDER BY name LIMIT 1")[0][0]
    with pytest.raises(InvalidEditError, match=f"Tags of {label} does not hold '{name}'; it holds "):
        made(mirrored, "rally", label, f"Tags-={name}")


def test_plain_values_are_linked_and_unlinked(mirrored: Store) -> None:
    (added,) = made(mirrored, "rt", "ticket/1", "CF.{Platforms}+=LINUX")
    assert (added.action, added.item, added.value) == (Action.LINK, "linux", None)
    label, (*_head, value) = with_items(mirrored, "rt_ticket__cf_platforms", "id")
    for spelled in (value, value.upper()):
        (removed,) = made(mirrored, "rt", f"ticket/{label}", f"cf.{{platforms}}-={spelled}")
        assert (removed.action, removed.item) == (Action.UNLINK, value)
    with pytest.raises(InvalidEditError, match="cannot be 'beos'; it is one of bsd, linux, macos or windows"):
        made(mirrored, "rt", "ticket/1", "CF.{Platforms}+=beos")


# what a type can do


def test_a_new_record_is_a_creation_and_its_fields(mirrored: Store) -> None:
    layout = mirrored.layouts("rally")["Defect"]
    texts = ["Name=It breaks", "Severity=", "Blocked=no", "Tags+=tag 1"]
    creation, *fields = editor_of(mirrored, "rally").new(layout, -1, assignments(texts))
    assert (creation.action, creation.record_id, creation.value) == (Action.CREATE, -1, None)
    assert [(each.action, each.field, each.record_id) for each in fields] == [
        (Action.UPDATE, "Name", -1),
        (Action.UPDATE, "Blocked", -1),
        (Action.LINK, "Tags", -1),
    ]


@pytest.mark.parametrize(
    ("source", "type_name", "missing"),
    [
        ("rally", "Task", "a new Task needs Name=…, WorkProduct=…"),
        ("rally", "Defect", "a new Defect needs Name=…"),
        ("versionone", "Story", "a new Story needs Name=…, Scope=…"),
        ("rt", "ticket", "a new ticket needs Queue=…"),
    ],
)
def test_a_new_record_needs_what_its_tracker_does_not_fill(
    mirrored: Store, source: str, type_name: str, missing: str
) -> None:
    layout = find_type({source: mirrored.layouts(source)}, type_name)
    with pytest.raises(InvalidEditError) as caught:
        editor_of(mirrored, source).new(layout, -1, [])
    assert str(caught.value) == missing


def test_what_a_type_cannot_do_is_answered_with_what_it_can(mirrored: Store) -> None:
    editor = editor_of(mirrored, "rally")
    project = found(mirrored, "rally", f"Project:{name_of(mirrored, 'rally_project')[0]}")
    with pytest.raises(
        InvalidEditError, match="a Project cannot be deleted through its tracker's API; it can be created or"
    ):
        editor.delete(project)
    with pytest.raises(InvalidEditError, match="a Project cannot take comments"):
        editor.comment(project, "hello")
    with pytest.raises(InvalidEditError, match="a Project cannot take files"):
        editor.attach(project, Upload("a", "text/plain", "0", 1))
    with pytest.raises(InvalidEditError, match="a Project cannot be ranked"):
        editor.rank(project, Place.TOP)
    with pytest.raises(InvalidEditError, match="a Revision cannot be created"):
        editor.new(mirrored.layouts("rally")["Revision"], -1, [])


def test_comments_and_files_of_one_record_are_told_apart(mirrored: Store) -> None:
    editor, record = editor_of(mirrored, "rally"), found(mirrored, "rally", "DE1")
    same = [editor.comment(record, "again")[0] for _ in range(2)]
    assert same[0].value == same[1].value == {"text": "again", "kind": "comment"}
    assert same[0].item != same[1].item
    upload = Upload("a.txt", "text/plain", "d" * 64, 3)
    (attached,) = editor.attach(record, upload)
    assert attached.value == {"name": "a.txt", "digest": "d" * 64, "size": 3, "content_type": "text/plain"}
    with pytest.raises(InvalidEditError, match="an empty comment says nothing"):
        editor.comment(record, " \n")


def test_ranks_name_the_other_record_with_its_type(mirrored: Store) -> None:
    editor, record = editor_of(mirrored, "rally"), found(mirrored, "rally", "DE1")
    other = found(mirrored, "rally", "DE2")
    (change,) = editor.rank(record, Place.ABOVE, other)
    assert change.value == {"to": "above", "other": other.record_id, "other_type": "Defect"}
    assert editor.rank(record, Place.BOTTOM)[0].value == {"to": "bottom", "other": None, "other_type": None}
    foreign = found(mirrored, "versionone", "S-01001")
    wrong = [(Place.ABOVE, None), (Place.TOP, other), (Place.BELOW, record), (Place.BELOW, foreign)]
    for place, beside in wrong:
        with pytest.raises(InvalidEditError):
            editor.rank(record, place, beside)


def test_operations_are_those_of_the_catalogue(mirrored: Store) -> None:
    editor, story = editor_of(mirrored, "versionone"), found(mirrored, "versionone", "S-01001")
    (change,) = editor.operate(story, "quickclose", {"a": "b"})
    assert (change.action, change.field, change.value) == (Action.OPERATE, "QuickClose", {"arguments": {"a": "b"}})
    with pytest.raises(InvalidEditError, match=r"a Story has no operation called 'Explode'; they are .*QuickClose"):
        editor.operate(story, "Explode", {})
    with pytest.raises(InvalidEditError, match="a Defect has no operation called 'Close'; it has none"):
        editor_of(mirrored, "rally").operate(found(mirrored, "rally", "DE1"), "Close", {})


def test_arguments_of_operations_are_checked_and_lead_to_records(mirrored: Store) -> None:
    editor, ticket = editor_of(mirrored, "rt"), found(mirrored, "rt", "ticket/1")
    for said in ("2", "ticket/2", "ticket:2"):
        (change,) = editor.operate(ticket, "MERGE", {"into": said})
        assert change.value == {"arguments": {"into": "2"}, "named": "into", "other": 2, "other_type": "ticket"}
    wrong: dict[str, dict[str, str]] = {
        "merge needs into=…": {},
        "merge has no argument called 'ticket'; it takes into=…": {"ticket": "2"},
        "there is no ticket with the id 99999|none is called '99999'": {"into": "99999"},
        "into: ticket/1 cannot be named for itself": {"into": "1"},
    }
    for words, arguments in wrong.items():
        with pytest.raises(InvalidEditError, match=words):
            editor.operate(ticket, "merge", arguments)
    with pytest.raises(InvalidEditError, match="take has no argument called 'into'; it takes none"):
        editor.operate(ticket, "take", {"into": "2"})


def test_an_unknown_operation_is_answered_with_the_nearest(mirrored: Store) -> None:
    with pytest.raises(InvalidEditError, match=r"no operation called 'Close'; did you mean QuickClose\? They are "):
        editor_of(mirrored, "versionone").operate(found(mirrored, "versionone", "S-01001"), "Close", {})


# with the queue


def queued(filled: Filled, key: str, *texts: str) -> Sequence[Change]:
    return filled.store.queue.add(filled.store.layouts("rally"), made(filled.store, "rally", key, *texts))


def created(filled: Filled, type_name: str, *texts: str) -> int:
    """Create a record here and return its temporary id."""
    store, layouts = filled.store, filled.store.layouts("rally")
    record_id = store.queue.new_id("rally")
    store.queue.add(layouts, editor_of(store, "rally").new(layouts[type_name], record_id, assignments(texts)))
    return record_id


def test_an_operation_that_names_a_new_record_waits_for_its_creation_and_follows_it(filled: Filled) -> None:
    store, layouts = filled.store, filled.store.layouts("rt")
    editor, record_id = editor_of(store, "rt"), store.queue.new_id("rt")
    store.queue.add(layouts, editor.new(layouts["ticket"], record_id, assignments(["Queue=General", "Subject=one"])))
    (change,) = editor.operate(found(store, "rt", "ticket/1"), "merge", {"into": f"NEW{record_id}"})
    store.queue.add(layouts, [change])
    (shown,) = [each for each in show(store, layouts, store.queue.open("rt")) if each.change.action is Action.OPERATE]
    assert shown.local == f"into=NEW{record_id}"
    steps = make_plan(layouts, store.queue.open("rt")).steps
    (place,) = [at for at, each in enumerate(steps) if each.action is Action.OPERATE]
    assert [steps[each].action for each in steps[place].after] == [Action.CREATE]
    with pytest.raises(UsageError, match="needs NEW"):
        discard(store, layouts, show(store, layouts, store.queue.open("rt", record=("ticket", record_id))))
    store.queue.promote(layouts, layouts["ticket"], record_id, 7001)
    (step,) = [each for each in make_plan(layouts, store.queue.open("rt")).steps if each.action is Action.OPERATE]
    assert write_of(layouts["ticket"], step).arguments == {"into": "7001"}


def test_what_was_set_shows_in_the_row(filled: Filled) -> None:
    user_id, name = name_of(filled.store, "rally_user", "display_name")
    ((before,),) = stored(filled.store, "SELECT owner_name FROM rally_defect WHERE formatted_id = 'DE1'")
    assert before != name
    (change,) = queued(filled, "DE1", f"Owner={name}")
    assert (change.base or {})["owner_name"] == before
    row = rows_of(filled.store, "Defect", "rally")[change.record_id]
    assert (row["owner_id"], row["owner_name"], bool(row["_dirty"])) == (user_id, name, True)


def test_a_new_record_is_found_by_its_temporary_key_and_can_be_referred_to(filled: Filled) -> None:
    story = created(filled, "HierarchicalRequirement", "Name=A story")
    task = created(filled, "Task", "Name=A task", f"WorkProduct=new{story}")
    assert found(filled.store, "rally", f"NEW{story}").label == f"NEW{story}"
    assert found(filled.store, "rally", f"task:new{task}").record_id == task
    assert rows_of(filled.store, "Task", "rally")[task]["work_product_id"] == story
    assert rows_of(filled.store, "Task", "rally")[task]["work_product_name"] == "A story"
    (change,) = queued(filled, f"NEW{task}", "Name=Another name")
    assert (change.record_id, change.base) == (task, {"name": None})


def test_a_temporary_key_still_leads_to_the_record_after_the_push(filled: Filled) -> None:
    queue, layout = filled.store.queue, filled.store.layouts("rally")["Tag"]
    tag = created(filled, "Tag", "Name=pushed")
    ids = [each.id for each in queue.open("rally")]
    assert queue.mark_sent(ids, datetime.now(UTC)) is not None
    queue.promote(filled.store.layouts("rally"), layout, tag, 77)
    for _ in ("before the creation is settled", "after"):
        assert (found(filled.store, "rally", f"new{tag}").record_id, found(filled.store, "rally", "Tag/77").record_id) == (
            77,
            77,
        )
        queue.settle(layout, [Settled(each.id, End.DONE) for each in queue.open("rally")])
    filled.store.tombstone(layout, [77], fate=Fate.DELETED, now=datetime.now(UTC))


def test_a_deleted_record_is_still_found_and_not_edited(filled: Filled) -> None:
    editor, record = editor_of(filled.store, "rally"), found(filled.store, "rally", "DE1")
    filled.store.queue.add(filled.store.layouts("rally"), editor.delete(record))
    for key in ("de1", f"Defect/{record.record_id}"):
        gone = found(filled.store, "rally", key)
        assert gone == replace(record, is_here=False)
        for edit in _every_edit(editor, gone):
            with pytest.raises(UsageError, match="DE1 is deleted; to have it back here: mirror discard DE1"):
                edit()


def _every_edit(editor: Editor, record: Found) -> list[Callable[[], object]]:
    return [
        lambda: editor.set(record, [Assignment("Name", "x")]),
        lambda: editor.set(record, [Assignment("Tags", "tag 1", How.ADD)]),
        lambda: editor.delete(record),
        lambda: editor.comment(record, "x"),
        lambda: editor.attach(record, Upload("a", "b", "c", 1)),
        lambda: editor.rank(record, Place.TOP),
        lambda: editor.operate(record, "x", {}),
    ]


def test_a_new_record_that_was_deleted_leaves_no_trace(filled: Filled) -> None:
    tag = created(filled, "Tag", "Name=short-lived")
    editor = editor_of(filled.store, "rally")
    filled.store.queue.add(filled.store.layouts("rally"), editor.delete(found(filled.store, "rally", f"NEW{tag}")))
    assert filled.store.queue.open("rally") == []
    with pytest.raises(UsageError, match="nothing that was created here is called"):
        found(filled.store, "rally", f"NEW{tag}")


def test_a_record_that_vanished_may_still_be_referred_to_by_id(filled: Filled) -> None:
    store, layouts = filled.store, filled.store.layouts("rally")
    ((release, name),) = stored(store, "SELECT id, name FROM rally_release ORDER BY id LIMIT 1")
    store.tombstone(layouts["Release"], [release], fate=Fate.DELETED, now=datetime.now(UTC))
    (change,) = made(store, "rally", "DE1", f"Release=Release:{release}")
    assert change.value == {"release_id": release, "release_name": name}
