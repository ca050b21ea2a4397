"""mirror verify, and what mirror status says about it, on a simulated Rally."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

import mirror
from mirror.api import VerifyOptions
from mirror.simulators import Fault
from mirror.simulators.rally import RallySimulator
from tests.cli.conftest import Process, Run, Terminal
from tests.cli.test_process import wait_until
from tests.support.databases import overwrite, raw_rows

DATABASE = "sqlite:///mirror.db"


@pytest.fixture
def defect() -> tuple[int, str]:
    """Id and key of one defect of the mirror in the working directory."""
    key, label = raw_rows(DATABASE, "SELECT id, formatted_id FROM rally_defect ORDER BY id")[0]
    return key, label


def document(run: Run, *arguments: str) -> dict[str, Any]:
    """Return what verify prints as JSON about the only source."""
    (found,) = json.loads(run("verify", "--json", *arguments).stdout)
    return dict(found)


def test_an_intact_mirror_is_one_line(run: Run, synced: RallySimulator) -> None:
    result = run("verify", "--sample", "2")
    assert result.exit_code == 0, result.output
    pattern = r"acme: 6 types, [\d,]+ records compared, 12 sampled \(seed \d+\): no drift\n"
    assert re.fullmatch(pattern, result.stdout)
    assert result.stderr.startswith("acme: verifying\n")
    assert "acme: comparing keys: Defect done, " in result.stderr


def test_all_types_are_shown_when_asked_for(run: Run, synced: RallySimulator) -> None:
    header, _line, *rows = run("verify", "--all").stdout.splitlines()[1:]
    assert header.split() == "type records missing stale surplus sampled differing".split()
    assert [row.split()[0] for row in rows] == ["Defect", "HierarchicalRequirement", "Project", "Tag", "Task", "User"]


def test_drift_is_printed_as_numbers_and_as_a_list(run: Run, synced: RallySimulator, defect: tuple[int, str]) -> None:
    key, label = defect
    overwrite(DATABASE, f"UPDATE rally_defect SET name = 'other' WHERE id = {key}")
    overwrite(DATABASE, "INSERT INTO rally_tag (source, id, _revision, _synced_at) VALUES ('acme', 7, '1', '')")
    result = run("verify", "--sample", "all")
    assert result.exit_code == 3
    assert result.stdout.splitlines()[0].endswith(": 2 drifted")
    assert re.search(r"^Defect +\d+ +0 +0 +0 +\d+ +1$", result.stdout, re.MULTILINE)
    assert re.search(r"^Tag +\d+ +0 +0 +1 +\d+ +0$", result.stdout, re.MULTILINE)
    assert re.search(rf"^Defect +{label} +{key} +differing .* name: other here, .+ there$", result.stdout, re.MULTILINE)
    assert re.search(r"^Tag +7 +surplus +gone there, it does not say why$", result.stdout, re.MULTILINE)


def test_the_list_for_people_ends_and_says_where_the_rest_is(run: Run, synced: RallySimulator) -> None:
    overwrite(DATABASE, "UPDATE rally_defect SET _revision = 'x'")
    overwrite(DATABASE, "UPDATE rally_hierarchical_requirement SET _revision = 'x'")
    result = run("verify", "--sample", "0")
    listed = re.findall(r"^\S+ +\w+ +\d+ +stale ", result.stdout, re.MULTILINE)
    everything = document(run, "--sample", "0")["drift"]
    assert (len(listed), len(everything) > 50) == (50, True)
    assert result.stdout.endswith(f"and {len(everything) - 50} more; --json lists all\n")


def test_json_has_every_record_and_every_difference(run: Run, synced: RallySimulator, defect: tuple[int, str]) -> None:
    key, label = defect
    overwrite(DATABASE, f"UPDATE rally_defect SET name = 'other', state = 'Foo' WHERE id = {key}")
    found = document(run, "--type", "defect", "--sample", "all", "--seed", "5")
    assert (found["source"], found["exit_code"], found["seed"], found["incomplete"]) == ("acme", 3, 5, [])
    (drifted,) = found["drift"]
    assert (drifted["type"], drifted["key"], drifted["id"], drifted["what"]) == ("Defect", label, key, "differing")
    assert {each["name"]: each["here"] for each in drifted["differences"]} == {"name": "other", "state": "Foo"}
    (numbers,) = found["types"]
    assert (numbers["type"], numbers["differing"], numbers["sampled"]) == ("Defect", 1, numbers["records"])


def test_repair_brings_everything_in_line_and_says_so(run: Run, synced: RallySimulator, defect: tuple[int, str]) -> None:
    overwrite(DATABASE, f"DELETE FROM rally_defect WHERE id = {defect[0]}")
    overwrite(DATABASE, "UPDATE rally_task SET _revision = 'x'")
    result = run("verify", "--repair")
    assert result.exit_code == 0, result.output
    assert re.search(r": \d+ drifted, \d+ before it, all repaired$", result.stdout.splitlines()[0])
    assert re.search(r"^acme: verified [\d.]+ s ago: 1 missing, \d+ stale, repaired$", run("status").stdout, re.MULTILINE)
    again = run("verify", "--sample", "all")
    assert (again.exit_code, again.stdout.strip()[-8:]) == (0, "no drift")


def test_status_says_what_was_verified_and_how_fresh_each_type_is(
    run: Run, synced: RallySimulator, defect: tuple[int, str]
) -> None:
    assert "acme: never verified; run: mirror verify acme\n" in run("status").stdout
    overwrite(DATABASE, f"UPDATE rally_defect SET _revision = 'x' WHERE id = {defect[0]}")
    run("verify", "--type", "Defect", "--type", "Tag", "--sample", "1")
    status = run("status").stdout
    assert re.search(r"^acme: 2 of 6 types verified [\d.]+ s ago: 1 stale$", status, re.MULTILINE)
    assert re.search(r"^Tag .* s ago: no drift +offered$", status, re.MULTILINE)
    (source,) = json.loads(run("status", "--json").stdout)
    by_name = {each["type"]: each for each in source["types"]}
    assert (by_name["Defect"]["verified"]["stale"], by_name["Task"]["verified"]) == (1, None)
    assert by_name["Tag"]["fresh_at"] == by_name["Tag"]["verified"]["at"] > by_name["Defect"]["fresh_at"]


def test_a_part_that_cannot_be_compared_is_named(run: Run, acme: RallySimulator) -> None:
    run("sync")
    acme.faults.add(Fault("status", path=r"(?i)/(batch|defect)\b", status=403))
    result = run("verify")
    assert result.exit_code == 3
    assert re.search(r"^acme: incomplete: Defect \(keys\): .+$", result.stderr, re.MULTILINE)
    assert result.stdout.endswith("no drift in what was compared\n")


def test_a_tracker_that_refuses_is_not_taken_for_one_without_drift(run: Run, acme: RallySimulator) -> None:
    run("sync", "--type", "Tag")
    acme.faults.add(Fault("status", status=403))
    result = run("verify")
    assert (result.exit_code, result.stdout) == (3, "acme: nothing was compared\n")
    assert "acme: incomplete: all types (keys): " in result.stderr


def test_types_that_are_not_mirrored_yet_are_named(run: Run, acme: RallySimulator) -> None:
    run("sync", "--type", "Tag")
    result = run("verify")
    assert result.exit_code == 0
    assert re.search(r"^acme: not mirrored yet: Defect, .+; run: mirror sync acme$", result.stderr, re.MULTILINE)
    assert run("verify", "--type", "Defect").exit_code == 3


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--type", "Defcet"], "did you mean Defect"),
        (["--sample", "few"], "say a number, 0 for none, or all"),
        (["--sample", "-1"], "say a number, 0 for none, or all"),
        (["--allow-mass-delete"], "add --repair"),
        (["nowhere"], "no source called 'nowhere'"),
    ],
)
def test_what_makes_no_sense_is_a_usage_error(run: Run, synced: RallySimulator, arguments: list[str], words: str) -> None:
    result = run("verify", *arguments)
    assert (result.exit_code, words in result.stderr) == (2, True), result.stderr


def test_before_the_first_sync_there_is_nothing_to_verify(run: Run, folder: Path, acme: RallySimulator) -> None:
    result = run("verify")
    assert (result.exit_code, "nothing is mirrored yet; run: mirror sync" in result.stderr) == (2, True)
    assert not list(folder.glob("mirror.db*"))


def test_a_script_verifies_too(synced: RallySimulator) -> None:
    with mirror.open() as m:
        (outcome,) = m.verify(["acme"], VerifyOptions(types=("Tag",), sample=None, seed=1))
        assert (outcome.exit_code, outcome.error) == (0, None)
        assert outcome.report is not None
        assert [each.type_name for each in outcome.report.types] == ["Tag"]


def test_only_a_repair_needs_the_database_for_itself(process: Process, run: Run, acme: RallySimulator) -> None:
    assert run("sync").exit_code == 0
    acme.faults.add(Fault("delay", seconds=1))
    count = len(acme.requests)
    sync = process("sync")
    wait_until(lambda: len(acme.requests) > count)
    repair = run("verify", "--repair")
    assert (repair.exit_code, f"is being written to by process {sync.pid} on " in repair.stderr) == (2, True)
    verify = process("verify", "--sample", "1", "--type", "Tag")
    out, err = verify.communicate(timeout=60)
    assert (verify.returncode, out.strip()[-8:]) == (0, "no drift"), err
    assert sync.wait(timeout=60) == 0


def test_a_terminal_is_shown_the_drift_as_a_drawn_table(terminal: Terminal, synced: RallySimulator) -> None:
    overwrite(DATABASE, "DELETE FROM rally_tag")
    code, screen = terminal("verify", "--type", "Tag")
    assert code == 3, screen
    assert re.search(r"│ Tag +│ +\d+ │ +\d+ │ +0 │", screen)
