"""`mirror show`: one record for people and for programs, without a network."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from mirror.simulators.versionone import VersionOneSimulator
from tests.cli.conftest import Run


def document(run: Run, key: str) -> dict[str, Any]:
    done = run("show", key, "--json")
    assert done.exit_code == 0, done.output
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def first(run: Run, query: str) -> dict[str, Any]:
    done = run("sql", query, "--json", "--limit", "1")
    assert done.exit_code == 0, done.output
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.mark.usefixtures("all_trackers")
def test_a_record_shows_how_the_work_stands_before_everything_else(run: Run) -> None:
    lines = run("show", "rally:DE1").stdout.splitlines()
    assert lines[0] == "DE1  =1+1 (formula)"
    assert lines[1].startswith("Defect in rally, http://127.0.0.1:9/#/detail/defect/")
    assert lines[3].split() == ["State", "Open"]
    assert lines[4].split(maxsplit=1)[0] == "Owner"
    assert lines.index("Fields") > next(at for at, line in enumerate(lines) if "LastUpdateDate" in line)
    assert lines.index("Custom fields") > lines.index("Fields")


@pytest.mark.usefixtures("all_trackers")
def test_references_come_by_name_with_their_key_and_markup_stays_out(run: Run) -> None:
    row = first(
        run, "SELECT formatted_id, requirement_name, requirement_id FROM rally_defect WHERE requirement_id IS NOT NULL"
    )
    story = first(run, f"SELECT formatted_id FROM rally_hierarchical_requirement WHERE id = {row['requirement_id']}")
    text = run("show", f"rally:{row['formatted_id']}").stdout
    assert re.search(
        rf"^  Requirement +{re.escape(row['requirement_name'])} \({story['formatted_id']}\)$", text, re.MULTILINE
    )
    described = first(run, "SELECT formatted_id FROM rally_defect WHERE description LIKE '<p>%'")
    assert "<p>" not in run("show", f"rally:{described['formatted_id']}").stdout
    assert document(run, f"rally:{described['formatted_id']}")["fields"]["Description"].startswith("<p>")


@pytest.mark.usefixtures("all_trackers")
def test_what_belongs_to_a_record_is_shown_with_it(run: Run) -> None:
    row = first(run, "SELECT requirement_id AS id FROM rally_defect WHERE requirement_id IS NOT NULL ORDER BY id DESC")
    expected = f"SELECT formatted_id FROM rally_defect WHERE requirement_id = {row['id']} ORDER BY id"
    keys = [json.loads(line)["formatted_id"] for line in run("sql", expected, "--json").stdout.splitlines()]
    story = document(run, f"rally:HierarchicalRequirement/{row['id']}")
    assert [each["key"] for each in story["children"] if each["type"] == "Defect"] == keys
    text = run("show", f"rally:{story['key']}").stdout
    assert f"Defect ({len(keys)}), by its Requirement" in text
    assert f"  {keys[0]}  " in text


@pytest.mark.usefixtures("all_trackers")
def test_discussion_and_files_of_each_tracker_are_in_it(run: Run) -> None:
    post = first(run, "SELECT artifact_id, artifact_type, user_name, text FROM rally_conversation_post")
    rally = document(run, f"rally:{post['artifact_type']}/{post['artifact_id']}")
    assert [(each["by"], each["text"]) for each in rally["discussion"]] == [(post["user_name"], post["text"])]
    file = first(run, "SELECT artifact_id, artifact_type, name FROM rally_attachment WHERE artifact_id IS NOT NULL")
    assert file["name"] in [
        each["name"] for each in document(run, f"rally:{file['artifact_type']}/{file['artifact_id']}")["files"]
    ]
    note = first(run, "SELECT asset_id, asset_type, content FROM versionone_note")
    plan = document(run, f"versionone:{note['asset_type']}/{note['asset_id']}")
    assert [each["text"] for each in plan["discussion"]] == [note["content"]]
    act = first(run, "SELECT object_id, creator_name, created FROM rt_transaction WHERE type = 'Comment'")
    ticket = document(run, f"ticket/{act['object_id']}")
    assert ("Comment", act["creator_name"]) in [(each["kind"], each["by"]) for each in ticket["discussion"]]
    text = run("show", f"ticket/{act['object_id']}").stdout
    assert f"Discussion ({len(ticket['discussion'])})" in text
    assert f"{act['creator_name']}, Comment\n" in text


def test_replies_in_versionone_belong_to_the_discussion_though_they_name_no_asset(
    run: Run, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with VersionOneSimulator(records=60, seed=3) as tracker:
        monkeypatch.setenv("PLAN_KEY", tracker.token)
        (folder / "mirror.toml").write_text(
            f'[sources.plan]\ntracker = "versionone"\nurl = "{tracker.url}"\nsecret = {{ env = "PLAN_KEY" }}\n'
            'types = ["Expression", "Member", "Story", "Task", "Defect", "Scope"]\n'
        )
        assert run("sync").exit_code == 0
    said = first(run, "SELECT id, target_id, target_type FROM versionone_expression__mentions")
    seen = document(run, f"{said['target_type']}/{said['target_id']}")
    everything = first(
        run,
        "SELECT count(*) AS n FROM versionone_expression WHERE belongs_to_id = "
        f"(SELECT belongs_to_id FROM versionone_expression WHERE id = {said['id']})",
    )
    assert len(seen["discussion"]) == everything["n"] > 1
    times = [each["at"] for each in seen["discussion"]]
    assert times == sorted(times)


@pytest.mark.usefixtures("all_trackers")
def test_what_waits_to_be_pushed_is_marked_and_listed(run: Run) -> None:
    assert run("set", "rally:DE1", "State=Fixed", "Notes=<b>look</b>").exit_code == 0
    assert run("comment", "rally:DE1", "hello").exit_code == 0
    done = run("show", "rally:DE1")
    assert re.search(r"^\* State +Fixed$", done.stdout, re.MULTILINE)
    assert re.search(r"^  State Open -> Fixed  \(ready\)$", done.stdout, re.MULTILINE)
    assert "Waits to be pushed (3)" in done.stdout
    assert done.stderr == "* waits to be pushed; see: mirror diff DE1\n"
    assert [each["action"] for each in document(run, "rally:DE1")["changes"]] == ["update", "update", "comment"]


@pytest.mark.usefixtures("all_trackers")
def test_a_record_created_here_is_shown_like_any_other(run: Run) -> None:
    made = run("new", "rally:Task", "Name=Think", "WorkProduct=rally:DE1")
    assert made.exit_code == 0, made.output
    text = run("show", made.stdout.strip()).stdout
    assert text.startswith(f"{made.stdout.strip()}  Think\nTask in rally\n")
    assert "=1+1 (formula) (DE1)" in text
    assert "Think" in run("show", "rally:DE1").stdout


@pytest.mark.usefixtures("all_trackers")
def test_plain_texts_that_look_like_markup_stay_as_they_are(run: Run) -> None:
    row = first(run, "SELECT id, subject FROM rt_ticket WHERE subject LIKE '%<br>%'")
    assert run("show", f"ticket/{row['id']}").stdout.splitlines()[0] == f"ticket/{row['id']}  {row['subject']}"


@pytest.mark.usefixtures("all_trackers")
@pytest.mark.parametrize(
    ("key", "sentence"),
    [
        ("DE999", "no record here is called 'DE999'"),
        ("17", "'17' does not say of which type it is"),
        ("nope:DE1", "no source and no type is called 'nope'"),
    ],
)
def test_a_key_that_leads_nowhere_is_refused_in_a_sentence(run: Run, key: str, sentence: str) -> None:
    done = run("show", key)
    assert (done.exit_code, done.stdout) == (2, "")
    assert sentence in done.stderr


@pytest.mark.usefixtures("all_trackers")
def test_a_record_that_is_deleted_here_says_how_to_have_it_back(run: Run) -> None:
    assert run("delete", "rally:DE2").exit_code == 0
    done = run("show", "rally:DE2")
    assert done.exit_code == 2
    assert "mirror discard DE2" in done.stderr
