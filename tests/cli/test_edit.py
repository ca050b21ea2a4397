"""The commands that edit, and the same through Python: what they queue, what they say, and what they refuse."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

import mirror
from mirror.model.change import Action, Via
from mirror.simulators.rally import RallySimulator
from mirror.store.store import Store
from tests.cli.conftest import Process, Run
from tests.support.databases import execute

pytestmark = pytest.mark.usefixtures("synced")


def asked(run: Run, query: str) -> list[dict[str, Any]]:
    done = run("sql", query, "--json")
    assert done.exit_code == 0, done.output
    return [json.loads(line) for line in done.stdout.splitlines()]


def waiting(run: Run, columns: str = "action, field") -> list[tuple[Any, ...]]:
    """Return what is in the queue, oldest first."""
    return [tuple(each.values()) for each in asked(run, f"SELECT {columns} FROM mirror_change ORDER BY id")]


def refused(run: Run, *arguments: str) -> str:
    """Run a command that must be refused without a trace; return what it said."""
    before = waiting(run, "*")
    done = run(*arguments)
    assert (done.exit_code, done.stdout) == (2, ""), done.output
    assert waiting(run, "*") == before
    return str(done.stderr)


def finished(process: Process, *arguments: str) -> tuple[int, str, str]:
    child = process(*arguments)
    out, err = child.communicate(timeout=60)
    return child.returncode, out, err


def test_the_main_path_as_real_processes(process: Process, run: Run, synced: RallySimulator) -> None:
    requests = len(synced.requests)
    code, out, err = finished(process, "set", "de1", "Notes=offline", "planestimate=77")
    assert (code, out) == (0, "")
    assert err.startswith("DE1 waits to be pushed: Notes nothing -> offline; PlanEstimate ")
    assert err.endswith(" -> 77\nnext: mirror diff DE1, mirror push\n")
    code, out, err = finished(process, "new", "HierarchicalRequirement", "Name=Made on a train")
    assert (code, out) == (0, "NEW-1\n"), err
    code, out, err = finished(process, "new", "Task", "Name=Think", "WorkProduct=NEW-1")
    assert (code, out) == (0, "NEW-2\n"), err
    (row,) = asked(run, "SELECT work_product_id, work_product_name, _dirty FROM rally_task WHERE id = -2")
    assert row == {"work_product_id": -1, "work_product_name": "Made on a train", "_dirty": 1}
    assert len(synced.requests) == requests


def test_set_shows_in_sql_at_once_and_says_what_comes_next(run: Run) -> None:
    done = run("set", "DE1", "Name=Another name")
    assert (done.exit_code, done.stdout) == (0, "")
    assert "DE1 waits to be pushed: Name " in done.stderr
    assert done.stderr.endswith("next: mirror diff DE1, mirror push\n")
    assert asked(run, "SELECT name, _dirty FROM rally_defect WHERE formatted_id = 'DE1'") == [
        {"name": "Another name", "_dirty": 1}
    ]


def test_set_with_what_is_there_already_queues_nothing(run: Run) -> None:
    ((name,),) = [tuple(each.values()) for each in asked(run, "SELECT name FROM rally_defect WHERE formatted_id = 'DE1'")]
    done = run("set", "DE1", f"Name={name}")
    assert (done.exit_code, done.stderr) == (0, "DE1: this changes nothing that the tracker has\n")
    assert waiting(run) == []


def test_set_changes_several_records_or_none(run: Run) -> None:
    assert "no record here is called 'DE77777'" in refused(run, "set", "DE1", "DE77777", "Ready=yes")
    done = run("set", "DE1", "DE2", "Notes=the same for both", "--json")
    assert [(each["key"], [change["field"] for change in each["changes"]]) for each in json.loads(done.stdout)] == [
        ("DE1", ["Notes"]),
        ("DE2", ["Notes"]),
    ]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (
            ["set", "DE1", "State=Opne", "Nmae=x"],
            "State cannot be 'Opne'; it is one of Submitted, Open, Fixed or Closed; Defect",
        ),
        (["set", "DE1"], "say what to set of DE1"),
        (["set", "State=Open"], "say what to set them of"),
        (["set", "DE1", "State=Open", "DE2"], "'DE2' is not Field=Value"),
        (["set", "17", "Name=x"], "'17' does not say of which type it is"),
        (["set", "other:DE1", "Name=x"], "no source and no type is called 'other'; there is acme"),
        (["new", "Defcet", "Name=x"], "no record type called 'Defcet'; did you mean Defect"),
        (["new", "Defect"], "a new Defect needs Name=…"),
        (["new", "Defect", "Name=x", "FormattedID=DE5"], "FormattedID of a Defect is read-only"),
        (["delete", "DE1", "User/1"], "no record here is called 'User/1'"),
        (["comment", "DE1", " "], "an empty comment says nothing"),
        (["comment", "TA1000000", "x"], "no record here is called"),
        (["attach", "DE1", "gone.txt"], "gone.txt cannot be read: No such file or directory"),
        (["link", "DE1", "Name", "x"], "Name holds one value"),
        (["unlink", "DE1", "Tags", "no such tag"], "none is called 'no such tag'"),
        (["rank", "DE1", "above"], "say another record for above and below, and none for top and bottom"),
        (["do", "DE1", "Close"], "a Defect has no operation called 'Close'; it has none"),
        (["do", "DE1", "Close", "now"], "'now' is not name=value"),
    ],
)
def test_what_is_wrong_is_refused_with_exit_code_2_and_nothing_queued(
    run: Run, arguments: Sequence[str], words: str
) -> None:
    assert words in refused(run, *arguments)


def test_a_deleted_record_leaves_its_table_and_cannot_be_edited(run: Run) -> None:
    assert run("delete", "DE1", "DE2").stderr.endswith("next: mirror diff, mirror push\n")
    assert asked(run, "SELECT id FROM rally_defect WHERE formatted_id IN ('DE1', 'DE2')") == []
    assert "DE1 is deleted; to have it back here: mirror discard DE1" in refused(run, "set", "DE1", "Name=x")


def test_a_new_record_that_is_deleted_leaves_no_trace(run: Run) -> None:
    assert run("new", "Tag", "Name=short-lived").stdout == "NEW-1\n"
    assert run("delete", "new-1").stderr == "NEW-1: its creation is taken back, and nothing of it is left\n"
    assert waiting(run) == []
    assert run("new", "Tag", "Name=another").stdout == "NEW-2\n"


def test_comments_come_from_the_command_line_or_standard_input(run: Run) -> None:
    assert run("comment", "DE1", "said here").exit_code == 0
    assert run("comment", "DE1", "-", "--reply", given="two\nlines\n").exit_code == 0
    assert [json.loads(value) for (value,) in waiting(run, "value")] == [
        {"text": "said here", "kind": "comment"},
        {"text": "two\nlines\n", "kind": "reply"},
    ]


def test_an_attached_file_is_kept_by_digest(run: Run, folder: Path) -> None:
    content = bytes(range(256))
    (folder / "a.png").write_bytes(content)
    assert run("attach", "DE1", "a.png").exit_code == 0
    assert run("attach", "DE1", "a.png", "--name", "b", "--type", "text/x-odd").exit_code == 0
    digest = hashlib.sha256(content).hexdigest()
    assert [json.loads(value) for (value,) in waiting(run, "value")] == [
        {"name": "a.png", "digest": digest, "size": 256, "content_type": "image/png"},
        {"name": "b", "digest": digest, "size": 256, "content_type": "text/x-odd"},
    ]
    (folder / "a.png").unlink()
    with Store.open(f"sqlite:///{folder / 'mirror.db'}") as store:
        assert store.queue.blob(digest) == content


def test_items_are_linked_and_unlinked(run: Run) -> None:
    names = [each["name"] for each in asked(run, "SELECT name FROM rally_tag WHERE name LIKE 'tag _' ORDER BY name LIMIT 2")]
    ((defect,),) = [
        tuple(each.values())
        for each in asked(run, "SELECT min(id) FROM rally_defect WHERE id NOT IN (SELECT id FROM rally_defect__tags)")
    ]
    key = f"Defect/{defect}"
    assert run("link", key, "tags", *names).exit_code == 0
    linked = f"SELECT target_name FROM rally_defect__tags WHERE id = {defect} ORDER BY position"
    assert [each["target_name"] for each in asked(run, linked)] == names
    assert run("unlink", key, "tags", names[0]).exit_code == 0
    assert [each["target_name"] for each in asked(run, linked)] == names[1:]
    assert [row[0] for row in waiting(run)] == ["link"]


def test_ranks_name_the_other_record(run: Run) -> None:
    assert run("rank", "DE1", "above", "DE2").exit_code == 0
    ((value,),) = waiting(run, "value")
    assert json.loads(value)["other_type"] == "Defect"


def test_what_the_settings_protect_is_refused(run: Run, folder: Path) -> None:
    settings = folder / "mirror.toml"
    settings.write_text('protect = ["Tag", "*.delete", "Defect.Name"]\n' + settings.read_text())
    assert 'protected by protect = ["*.delete"]' in refused(run, "delete", "DE1")
    assert 'Defect.Name: protected by protect = ["Defect.Name"]' in refused(run, "set", "DE1", "Name=x")
    assert "protected" in refused(run, "new", "Tag", "Name=x")
    assert run("set", "DE1", "Notes=x").exit_code == 0


def test_edits_by_sql_are_in_the_queue_before_later_ones(run: Run, folder: Path) -> None:
    execute(f"sqlite:///{folder / 'mirror.db'}", "UPDATE rally_defect SET notes = 'by SQL' WHERE formatted_id = 'DE1'")
    assert run("set", "DE1", "Notes=by command").exit_code == 0
    ((field, state, value),) = waiting(run, "field, state, value")
    assert (field, state, json.loads(value)) == ("Notes", "ready", {"notes": "by command"})


def test_nothing_can_be_edited_before_a_sync(run: Run, folder: Path) -> None:
    for each in folder.glob("mirror.db*"):
        each.unlink()
    done = run("set", "DE1", "Name=x")
    assert (done.exit_code, done.stderr) == (2, "mirror: nothing is mirrored yet; run: mirror sync\n")


def test_a_script_edits_with_values_of_python(run: Run) -> None:
    with mirror.open() as m:
        edited = m.set("DE1", {"Ready": True, "PlanEstimate": 2.5, "Iteration": None, "Name": "by a script"})
        assert (edited.source, edited.type_name, edited.label) == ("acme", "Defect", "DE1")
        assert {each.change.field for each in edited.changes} >= {"Ready", "PlanEstimate", "Name"}
        assert {each.change.via for each in edited.changes} == {Via.API}
        new = m.new("Tag", {"Name": "by a script"})
        assert m.link("DE1", "Tags", new.label).changes[0].change.item == f"Tag:{new.record_id}"
        assert m.unlink("DE1", "Tags", new.label).changes == []
        assert [each.change.action for each in m.rank("DE1", "bottom").changes] == [Action.RANK]
        with pytest.raises(mirror.UsageError, match="say what to link"):
            m.link("DE1", "Tags")
        with pytest.raises(mirror.UsageError, match="Ready takes yes or no"):
            m.set("DE1", {"Ready": "perhaps", "Name": "not queued"})
    assert asked(run, "SELECT name FROM rally_defect WHERE formatted_id = 'DE1'") == [{"name": "by a script"}]


def test_the_command_line_is_noted_as_such_with_the_user(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOGNAME", "ann")
    run("set", "DE1", "Name=x")
    assert waiting(run, "via, made_by") == [("cli", "ann")]


def test_a_field_that_is_set_back_says_that_the_edit_is_taken_back(run: Run) -> None:
    ((name,),) = [tuple(each.values()) for each in asked(run, "SELECT name FROM rally_defect WHERE formatted_id = 'DE1'")]
    run("set", "DE1", "Name=another")
    done = run("set", "DE1", f"Name={name}")
    assert done.stderr == "DE1: that is what the tracker has, so nothing waits for it any more; see: mirror log DE1\n"
    assert waiting(run) == []


def test_a_new_record_that_others_need_is_not_deleted(run: Run) -> None:
    run("new", "HierarchicalRequirement", "Name=one")
    run("new", "Task", "Name=two", "WorkProduct=NEW-1")
    assert "NEW-2 needs NEW-1; discard that first" in refused(run, "delete", "NEW-1")
    done = run("delete", "NEW-2", "NEW-1")
    assert done.stderr.splitlines() == [
        f"{key}: its creation is taken back, and nothing of it is left" for key in ("NEW-2", "NEW-1")
    ]
    assert waiting(run) == []


def test_what_nothing_can_be_called_is_answered_in_words(run: Run) -> None:
    many = "9" * 30
    for key in (f"Defect/{many}", f"NEW-{many}", "\udcff", "DE1\0"):
        assert "mirror: " in refused(run, "set", key, "Name=x")
    assert "no source and no type is called 'nosuch'; there is acme" in refused(run, "set", "nosuch:DE1", "Name=x")


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ("rally_bogus", "there is no type 'rally_bogus'"),
        ("Projct", "there is no type 'Projct'; did you mean Project?"),
        ("Defect.Sevrity", "there is no field or action 'Sevrity'; did you mean Severity?"),
    ],
)
def test_settings_that_protect_nothing_are_refused(run: Run, folder: Path, entry: str, words: str) -> None:
    settings = folder / "mirror.toml"
    settings.write_text(f'protect = ["{entry}"]\n' + settings.read_text())
    said = refused(run, "set", "DE1", "Name=x")
    assert f'protect = ["{entry}"] in mirror.toml protects nothing: {words}' in said
    assert words in run("push").stderr


def test_a_protected_type_is_refused_before_its_fields_are_asked_for(run: Run, folder: Path) -> None:
    settings = folder / "mirror.toml"
    settings.write_text('protect = ["User", "*.delete", "Defect.*"]\n' + settings.read_text())
    assert "protected by" in refused(run, "new", "User", "UserName=x")
