"""changes, diff, discard, log and the beginning of status, on a mirror of a simulated Rally."""

from __future__ import annotations

import json
import re
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from mirror.cli.wording import apart
from mirror.simulators.rally import RallySimulator
from tests.cli.conftest import Run, Terminal

Row = dict[str, Any]


@pytest.fixture
def first(run: Run, synced: RallySimulator) -> Row:
    """The row of the first defect."""
    line, *_rest = run("sql", "SELECT * FROM rally_defect ORDER BY id LIMIT 1", "--json").stdout.splitlines()
    return dict(json.loads(line))


def as_json(run: Run, *arguments: str) -> list[Row]:
    result = run(*arguments, "--json")
    assert result.exit_code == 0, result.output
    return list(json.loads(result.stdout))


def table(text: str) -> list[list[str]]:
    """Return the cells of a plain table; two blanks or more are between them."""
    return [re.split("  +", line) for line in text.splitlines()]


def test_nothing_waits_in_a_fresh_mirror(run: Run, synced: RallySimulator) -> None:
    for command in ("changes", "diff", "log"):
        result = run(command)
        assert (result.exit_code, result.stdout) == (0, "")
        assert result.stderr in ("nothing waits to be pushed\n", "nothing is logged\n")
    assert as_json(run, "changes") == as_json(run, "diff") == as_json(run, "log") == []


def test_changes_say_what_waits_from_what_to_what_and_since_when(run: Run, first: Row) -> None:
    other = "Low" if first["priority"] != "Low" else "Normal"
    run("set", first["formatted_id"], f"Priority={other}")
    header, _line, row = table(run("changes").stdout)
    assert header == ["record", "action", "field", "change", "state", "since", "why it waits"]
    assert row[:5] == [first["formatted_id"], "update", "Priority", f"{first['priority']} -> {other}", "ready"]
    assert row[5].endswith(" s ago")


def test_changes_as_json_have_names_for_references_and_values_as_they_are(run: Run, first: Row) -> None:
    someone = json.loads(run("sql", "SELECT id, display_name FROM rally_user LIMIT 1", "--json").stdout)
    run("set", "DE1", f"Owner=User:{someone['id']}", "Notes=")
    (change,) = [each for each in as_json(run, "changes") if each["field"] == "Owner"]
    assert change["local"]["id"] == someone["id"]
    assert change["local"]["name"]
    assert (change["key"], change["source"], change["type"], change["via"]) == ("DE1", "acme", "Defect", "cli")
    assert change["record_id"] == first["id"]
    assert "remote" not in change


def test_changes_can_be_asked_for_some_records_only(run: Run, synced: RallySimulator) -> None:
    run("set", "DE1", "Name=one")
    run("set", "DE2", "Name=two")
    assert [each["key"] for each in as_json(run, "changes", "de2")] == ["DE2"]
    assert [each["key"] for each in as_json(run, "changes", "DE2", "DE1")] == ["DE2", "DE1"]
    result = run("changes", "DE3")
    assert (result.exit_code, result.stderr) == (2, "mirror: nothing waits for DE3\n")
    assert run("changes", "--source", "other").exit_code == 2


def test_edits_made_by_sql_are_checked_when_somebody_looks(run: Run, folder: Path, synced: RallySimulator) -> None:
    with sqlite3.connect(folder / "mirror.db") as connection:
        connection.execute("UPDATE rally_defect SET priority = 'Whenever', name = 'by SQL' WHERE formatted_id = 'DE1'")
    connection.close()
    assert "1 edit made by SQL and not checked yet" in run("status").stdout
    found = {each["field"]: each for each in as_json(run, "changes")}
    assert (found["Name"]["state"], found["Name"]["via"]) == ("ready", "sql")
    assert found["Priority"]["state"] == "refused"
    assert "Priority cannot be 'Whenever'" in found["Priority"]["reason"]
    assert "STUCK: 1 change refused" in run("status").stdout


def test_diff_shows_values_in_a_line_and_long_texts_as_a_unified_diff(run: Run, first: Row) -> None:
    before = "It fails. It fails on Mondays.\nNobody knows why."
    run("set", "DE1", f"Notes={before}", "Name=It fails again")
    result = run("diff", "DE1")
    assert result.exit_code == 0, result.output
    assert result.stdout.splitlines() == [
        "DE1  Defect, acme",
        "  Notes",
        "    --- base",
        "    +++ local",
        *(["    @@ -0,0 +1,2 @@"] if not first["notes"] else []),
        "    +It fails. It fails on Mondays.",
        "    +Nobody knows why.",
        f"  Name: {first['name']} -> It fails again",
    ]


def test_diff_shows_what_a_new_record_is_made_with_and_references_to_it_by_its_temporary_key(
    run: Run, synced: RallySimulator
) -> None:
    tag = json.loads(run("sql", "SELECT name FROM rally_tag ORDER BY id LIMIT 1", "--json").stdout)["name"]
    assert run("new", "Defect", "Name=Made here", f"Tags+={tag}").stdout.startswith("NEW-1\n")
    run("link", "DE1", "Duplicates", "NEW-1")
    run("comment", "DE1", "See there.\nIt is the same.")
    assert run("diff").stdout.splitlines() == [
        "NEW-1  Defect, acme",
        "  + a new record",
        "  Name: nothing -> Made here",
        f"  + Tags: {tag}",
        "DE1  Defect, acme",
        "  + Duplicates: NEW-1 (Made here)",
        "  comment: See there.",
        "    It is the same.",
    ]


def test_diff_has_colours_on_a_terminal_and_no_others(run: Run, synced: RallySimulator, terminal: Terminal) -> None:
    run("new", "Defect", "Name=\x1b[31mred\x1b[0m")
    assert "\x1b" not in run("diff").stdout
    code, screen = terminal("diff")  # the fixture takes out what is well-formed
    assert code == 0
    assert "nothing ->  [31mred [0m" in screen


def test_discard_of_a_field_leaves_the_others(run: Run, first: Row) -> None:
    run("set", "DE1", "Name=another", "Notes=another")
    result = run("discard", "DE1", "name")
    assert (result.exit_code, result.stdout) == (0, f"DE1: discarded Name {first['name']} -> another\n")
    assert [each["field"] for each in as_json(run, "changes")] == ["Notes"]
    row = json.loads(run("sql", "SELECT name, notes FROM rally_defect WHERE formatted_id = 'DE1'", "--json").stdout)
    assert row == {"name": first["name"], "notes": "another"}


def test_discard_of_a_field_without_a_change_names_those_with_one(run: Run, synced: RallySimulator) -> None:
    run("set", "DE1", "Name=another")
    run("comment", "DE1", "well")
    result = run("discard", "DE1", "State")
    assert (result.exit_code, result.stderr) == (2, "mirror: nothing waits for State of DE1; there is: Name, comment\n")
    assert run("discard", "DE1", "comment").exit_code == 0
    assert [each["field"] for each in as_json(run, "changes")] == ["Name"]


def test_discard_of_a_deletion_brings_the_record_back(run: Run, first: Row) -> None:
    run("delete", "DE1")
    assert run("sql", "SELECT id FROM rally_defect WHERE formatted_id = 'DE1'", "--json").stdout == ""
    (change,) = as_json(run, "changes")
    assert (change["key"], change["action"], change["base"]) == ("DE1", "delete", first["name"])
    assert run("discard", "DE1").exit_code == 0
    row = json.loads(run("sql", "SELECT * FROM rally_defect WHERE formatted_id = 'DE1'", "--json").stdout)
    assert row == first


def test_discard_of_a_creation_is_refused_while_others_refer_to_it(run: Run, synced: RallySimulator) -> None:
    run("new", "Defect", "Name=Made here")
    run("link", "DE1", "Duplicates", "NEW-1")
    result = run("discard", "NEW-1")
    assert result.exit_code == 2
    assert result.stderr == "mirror: DE1 needs NEW-1; discard that first, or let it refer to another record\n"
    assert run("discard", "--all").exit_code == 0
    assert as_json(run, "changes") == []
    assert run("discard", "NEW-1").exit_code == 2


def test_discard_says_what_it_needs(run: Run, synced: RallySimulator) -> None:
    assert run("discard").exit_code == run("discard", "DE1", "--all").exit_code == 2
    assert run("discard", "--all").stderr == "nothing was discarded\n"


def test_log_has_who_did_what_and_how_it_ended_newest_first(run: Run, first: Row) -> None:
    run("set", "DE1", "Name=another")
    run("discard", "DE1")
    run("set", "DE2", "Name=yet another")
    run("discard", "DE2")
    newest, oldest = as_json(run, "log")
    assert (newest["key"], oldest["key"]) == ("DE2", "DE1")
    assert (oldest["outcome"], oldest["base"], oldest["local"]) == ("discarded", first["name"], "another")
    assert oldest["made_by"]
    assert oldest["settled_at"] >= oldest["made_at"]
    assert [each["key"] for each in as_json(run, "log", "de1")] == ["DE1"]
    assert [each["key"] for each in as_json(run, "log", "--limit", "1")] == ["DE2"]
    header, _line, *rows = table(run("log").stdout)
    assert header == ["when", "record", "action", "field", "change", "outcome", "by", "said"]
    assert rows[1][1:6] == ["DE1", "update", "Name", f"{first['name']} -> another", "discarded"]


def test_log_finds_a_record_that_never_came_to_be(run: Run, synced: RallySimulator) -> None:
    run("new", "Defect", "Name=Made here")
    run("discard", "NEW-1")
    assert {each["action"] for each in as_json(run, "log", "new-1")} == {"create", "update"}
    assert as_json(run, "log", "NEW-2") == []
    run("set", "DE1", "Name=another")
    run("discard", "DE1")
    assert len(as_json(run, "log", "new-1", "--limit", "1")) == 1


def test_status_begins_with_what_waits(run: Run, synced: RallySimulator) -> None:
    run("set", "DE1", "Name=another")
    assert run("status").stdout.startswith("acme: 1 change waits to be pushed; see: mirror changes, mirror push\n")
    (source,) = as_json(run, "status")
    assert source["changes"] == {"ready": 1}


def test_long_texts_are_listed_by_what_is_different() -> None:
    text = "paragraph 0 with some words of which there are many, "
    assert apart(f"{text}old and more", f"{text}new and more") == ("…e many, old and more", "…e many, new and more")
    assert apart("Open", "Fixed") == ("Open", "Fixed")
    assert apart(None, text) == ("nothing", f"{text[:31]}…")
    assert apart(f"{text}old", text) == ("…re many, old", "…re many,")


def test_discard_prints_data_when_asked(run: Run, first: Row) -> None:
    run("set", "DE1", "Name=another")
    (gone,) = as_json(run, "discard", "DE1")
    assert (gone["key"], gone["field"], gone["local"]) == ("DE1", "Name", "another")


def test_a_reply_is_told_from_a_comment(run: Run, synced: RallySimulator) -> None:
    run("comment", "DE1", "to all", "--reply")
    assert "reply" in run("changes").stdout
    assert run("diff").stdout.splitlines()[1] == "  reply: to all"
    assert as_json(run, "changes")[0]["kind"] == "reply"


def test_a_boolean_that_sql_wrote_is_shown_as_one(run: Run, folder: Path, synced: RallySimulator) -> None:
    with sqlite3.connect(folder / "mirror.db") as connection:
        connection.execute("UPDATE rally_defect SET ready = 1 - ready WHERE formatted_id IN ('DE1', 'DE2')")
    for each in as_json(run, "changes"):
        assert (each["field"], type(each["base"]), each["local"]) == ("Ready", bool, not each["base"])


def test_status_can_be_asked_for_a_source_as_other_commands(run: Run, synced: RallySimulator) -> None:
    assert [each["source"] for each in as_json(run, "status", "--source", "acme")] == ["acme"]
    assert run("status", "--source", "nosuch").exit_code == 2


def test_a_temporary_key_of_two_sources_is_told_with_its_source(run: Run, folder: Path, acme: RallySimulator) -> None:
    settings = folder / "mirror.toml"
    own = settings.read_text()
    settings.write_text(own + own.replace("[sources.acme]", "[sources.beta]"))
    assert run("sync", "--type", "Tag").exit_code == 0
    for source in ("acme", "beta"):
        assert run("new", f"{source}:Tag", f"Name=of {source}").exit_code == 0
    assert {each["key"] for each in as_json(run, "changes")} == {"acme:NEW-1", "beta:NEW-1"}
    run("discard", "acme:NEW-1")
    run("discard", "beta:NEW-1")
    said = run("log", "NEW-1").stderr
    assert "'NEW-1' may be acme:NEW-1 or beta:NEW-1: say which" in said or "'NEW-1' may be beta:NEW-1 or acme:NEW-1" in said
    assert {each["source"] for each in as_json(run, "log", "acme:NEW-1")} == {"acme"}
