"""`mirror find` and `mirror sql --explain-find`: the trackers' own languages on the command line, without a network."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Process, Run
from tests.script.conftest import postgres_copy

__all__ = ["postgres_copy"]

pytestmark = pytest.mark.usefixtures("all_trackers")


def rows(run: Run, *arguments: str, given: str | None = None) -> list[dict[str, Any]]:
    done = run("find", "--json", *arguments, given=given)
    assert done.exit_code == 0, done.output
    return [json.loads(line) for line in done.stdout.splitlines()]


def asked(run: Run, query: str) -> list[dict[str, Any]]:
    done = run("sql", query, "--json")
    assert done.exit_code == 0, done.output
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_each_tracker_is_asked_in_its_own_language_and_shows_what_people_look_for(run: Run) -> None:
    defects = rows(run, "Defect", "(State = Open)", "--source", "rally")
    assert [*defects[0]] == ["FormattedID", "Name", "State", "Owner", "LastUpdateDate"]
    assert len(defects) == asked(run, "SELECT count(*) AS n FROM rally_defect WHERE state = 'Open'")[0]["n"] > 1
    stories = rows(run, "Story", "Estimate>'1'")
    assert [*stories[0]] == ["Number", "Name", "Status", "Owners.Name", "ChangeDateUTC"]
    assert len(stories) == asked(run, "SELECT count(*) AS n FROM versionone_story WHERE estimate > 1")[0]["n"] > 1
    tickets = rows(run, "ticket", "Status = 'new' AND id > 1")
    assert [*tickets[0]] == ["id", "Subject", "Status", "Owner", "LastUpdated"]
    assert (
        len(tickets)
        == asked(run, "SELECT count(*) AS n FROM rt_ticket WHERE status = 'new' AND type = 'ticket' AND id > 1")[0]["n"]
        > 1
    )


def test_types_without_state_or_key_show_what_they_have(run: Run) -> None:
    assert [*rows(run, "Iteration", "--limit", "1")[0]][:2] == ["ObjectID", "Name"]
    assert [*rows(run, "user", "--source", "rt", "--limit", "1")[0]] == ["id", "Name", "LastUpdated"]
    assert [*rows(run, "Member", "--limit", "1")[0]] == ["id", "Name", "ChangeDateUTC"]


def test_an_abstract_type_shows_several_in_one_order(run: Run) -> None:
    found = rows(run, "rally:Artifact", "--order", "-LastUpdateDate", "--fields", "FormattedID,LastUpdateDate")
    stamps = [each["LastUpdateDate"] for each in found]
    assert stamps == sorted(stamps, reverse=True)
    assert {"DE", "US", "TA", "F"} <= {each["FormattedID"].rstrip("0123456789") for each in found}


def test_fields_may_be_dotted_and_have_commas_of_their_own(run: Run) -> None:
    (first,) = rows(
        run, "Story", "Number='S-01001'", "--fields", "Number,Owners[Name='a','b'].Name", "--fields", "Scope.Name,id"
    )
    assert [*first] == ["Number", "Owners[Name='a','b'].Name", "Scope.Name", "id"]
    assert (first["Number"], first["Owners[Name='a','b'].Name"]) == ("S-01001", [])
    (tags,) = rows(run, "ticket", "id = 1", "--fields", "CF.{Severity},Requestors.EmailAddress,Queue")
    assert tags["Requestors.EmailAddress"] == ["customer5@example.org"]


def test_a_table_shows_several_values_in_a_line_and_csv_has_them_exactly(run: Run) -> None:
    asks = ("find", "Story", "Number='S-01002'", "--fields", "Number,Owners.Name")
    assert run(*asks).stdout.splitlines()[2] == "S-01002  Björn Bianchi, Dmitri Dvořák, Élodie Eze"
    header, row = csv.reader(io.StringIO(run(*asks, "--csv").stdout, newline=""))
    assert header == ["Number", "Owners.Name"]
    assert json.loads(row[1]) == ["Björn Bianchi", "Dmitri Dvořák", "Élodie Eze"]


def test_order_and_limit_narrow_what_is_read(run: Run) -> None:
    found = [each["Estimate"] for each in rows(run, "Story", "+Estimate", "--order=-Estimate", "--fields", "Estimate")]
    assert found == sorted(found, reverse=True)
    best = rows(run, "Story", "+Estimate", "--order=-Estimate", "--fields", "Estimate", "--limit", "2")
    assert [each["Estimate"] for each in best] == found[:2]
    assert rows(run, "Story", "--limit", "0") == []


def test_a_query_comes_from_standard_input_and_one_with_a_minus_from_behind_two(run: Run) -> None:
    assert rows(run, "Story", "-", given="Number='S-01001'\n") == rows(run, "Story", "Number='S-01001'")
    without = rows(run, "--fields", "Number", "Story", "--", "-Estimate")
    assert len(without) == asked(run, "SELECT count(*) AS n FROM versionone_story WHERE estimate IS NULL")[0]["n"]


def test_what_the_tracker_would_not_understand_is_said_apart_from_the_data(run: Run) -> None:
    done = run("find", "rally:Defect", '(Owner.Name = "Emil Eriksson")', "--json")
    assert "Owner" in done.stdout
    assert done.stderr == "User has no Name in Rally's schema; it was read as UserName or DisplayName.\n"


@pytest.mark.parametrize(
    ("arguments", "place"),
    [
        (("rally:Defect", "((State = Open) AND (Stat = Open))"), "Stat ="),
        (("Story", "Estimate>'2';Nme='x'"), "Nme="),
        (("ticket", "Status = 'open' AND Statuss = 'x'"), "Statuss"),
        (("rally:Defect", "--order", "Priority,Nam"), "Nam"),
        (("ticket", "--fields", "id,Subjekt"), "Subjekt"),
    ],
)
def test_an_error_underlines_the_place_below_the_query(run: Run, arguments: tuple[str, ...], place: str) -> None:
    done = run("find", *arguments)
    sentence, text, carets = done.stderr.splitlines()
    assert (done.exit_code, done.stdout) == (2, "")
    assert sentence.startswith("mirror: ")
    assert set(carets.strip()) == {"^"}
    assert text.index(place) == carets.index("^")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("Defekt",), "no record type called 'Defekt'; did you mean Defect?"),
        (("Defect",), "rally and versionone both have Defect: say which, as in --source rally"),
        (("Defect", "--source", "nope"), "no source called 'nope'; configured: "),
        (("nope:Defect",), "no source called 'nope'; configured: "),
        (("ticket", "--source", "rally"), "no record type called 'ticket'"),
        (("ticket", "--json", "--csv"), "--json or --csv, not both"),
        (("ticket", "--limit", "99999999999999999999"), "--limit"),
    ],
)
def test_what_cannot_be_asked_is_refused_in_a_sentence(run: Run, arguments: tuple[str, ...], sentence: str) -> None:
    done = run("find", *arguments)
    assert (done.exit_code, done.stdout) == (2, "")
    assert sentence in done.stderr


def test_the_exact_name_of_a_type_wins_over_what_another_tracker_calls_so(run: Run) -> None:
    assert "Number" in rows(run, "Story", "--limit", "1")[0]
    assert "FormattedID" in rows(run, "rally:Story", "--limit", "1")[0]


def test_a_source_that_was_never_synced_says_so(run: Run, folder: Path) -> None:
    with (folder / "mirror.toml").open("a") as settings:
        settings.write('\n[sources.later]\ntracker = "rt"\nurl = "http://127.0.0.1:9"\nsecret = { env = "NOT_SET" }\n')
    assert len(rows(run, "ticket", "id = 1")) == 1
    done = run("find", "ticket", "--source", "later")
    assert (done.exit_code, done.stderr) == (2, "mirror: nothing of later is mirrored yet; run: mirror sync\n")
    (folder / "mirror.db").unlink()
    done = run("find", "ticket")
    assert (done.exit_code, done.stderr) == (2, "mirror: nothing is mirrored yet; run: mirror sync\n")


@pytest.mark.parametrize(
    "arguments",
    [
        ("rally:Artifact", '(Name contains "É")', "--order", "PlanEstimate,-FormattedID", "--csv"),
        (
            "Story",
            "Children.@Count>'0'",
            "--fields",
            "Number,Owners.Name,Children.ToDo.@Sum",
            "--order=-Number",
            "--limit",
            "9",
        ),
        ("ticket", "Subject LIKE 'Is' AND Requestor.EmailAddress LIKE 'customer'", "--order", "Subject,-id", "--json"),
    ],
)
def test_the_same_is_found_in_postgres(
    run: Run, postgres_copy: str, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...]
) -> None:
    here = run("find", *arguments)
    monkeypatch.setenv("MIRROR_DATABASE", postgres_copy)
    there = run("find", *arguments)
    assert (there.exit_code, there.stdout, there.stderr) == (0, here.stdout, here.stderr)
    assert len(here.stdout.splitlines()) > 1


def test_a_reader_that_goes_away_ends_it_quietly(process: Process) -> None:
    child = process("find", "transaction", "--csv")
    assert child.stdout is not None
    assert child.stderr is not None
    child.stdout.readline()
    child.stdout.close()
    assert child.wait(timeout=30) == 0
    assert child.stderr.read() == ""


@pytest.mark.parametrize(
    ("type_name", "query"),
    [
        ("rally:Defect", '((State = Open) OR (Name contains "merge"))'),
        ("Story", "Estimate>'1';Owners.Name!='x'"),
        ("ticket", "Subject LIKE 'badge' OR CF.{Severity} = 'normal'"),
        ("rally:Artifact", "(Name contains in)"),
    ],
)
def test_the_sql_that_a_query_became_finds_the_same(run: Run, type_name: str, query: str) -> None:
    explained = run("sql", "--explain-find", type_name, query)
    assert explained.exit_code == 0, explained.output
    assert explained.stdout.startswith("SELECT ")
    again = [list(each.values()) for each in asked(run, explained.stdout)]
    found = rows(run, type_name, query)
    assert len(again) == len(found) > 1
    if type_name != "rally:Artifact":  # of several types the SQL gives types and ids
        assert [row[2] for row in again] == [list(each.values())[1] for each in found]


def test_explained_sql_as_json_comes_with_its_notes(run: Run) -> None:
    done = run("sql", "--explain-find", "rally:Defect", '(Owner.Name = "Ann")', "--limit", "3", "--json")
    document = json.loads(done.stdout)
    assert document["source"] == "rally"
    assert "LIMIT 3" in document["sql"]
    read_as, missed = document["notes"]
    assert read_as == "User has no Name in Rally's schema; it was read as UserName or DisplayName."
    assert missed.startswith('No User here is called "Ann"; did you mean ')
    refused = run("sql", "--explain-find", "rally:Defect", "", "--csv")
    assert (refused.exit_code, refused.stdout) == (2, "")
