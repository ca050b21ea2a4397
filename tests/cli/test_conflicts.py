"""conflicts and resolve, on a simulated Rally where somebody else works too."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from mirror.model.change import State
from mirror.simulators.rally import RallySimulator
from mirror.store.store import Store
from tests.cli.conftest import Run, Terminal

QUESTION = "  [l]ocal, [r]emote, [e]dit, [s]kip, [q]uit, ? for help: "


def priority(run: Run) -> str:
    row = json.loads(run("sql", "SELECT priority FROM rally_defect WHERE formatted_id = 'DE1'", "--json").stdout)
    return str(row["priority"])


def waiting(run: Run, command: str = "changes") -> list[dict[str, Any]]:
    return list(json.loads(run(command, "--json").stdout))


@pytest.fixture
def torn(run: Run, acme: RallySimulator) -> RallySimulator:
    """A mirror in which the priority and the severity of DE1 were changed on both sides, and its state only here."""
    defect = acme.world.ids("Defect")[0]
    acme.world.update(defect, {"Priority": "Normal", "Severity": "Cosmetic", "State": "Open"})
    assert run("sync").exit_code == 0
    assert run("set", "DE1", "Priority=Low", "Severity=Minor Problem", "State=Fixed").exit_code == 0
    acme.world.update(defect, {"Priority": "High Attention", "Severity": "Major Problem"})
    assert run("sync").exit_code == 0
    return acme


def test_conflicts_show_three_values_and_end_in_their_own_exit_code(run: Run, torn: RallySimulator) -> None:
    result = run("conflicts")
    assert result.exit_code == 4
    header, _line, first, second = [re.split("  +", line) for line in result.stdout.splitlines()]
    assert header == ["record", "field", "base", "local", "remote", "why"]
    assert first == ["DE1", "Priority", "Normal", "Low", "High Attention", "changed on the tracker since"]
    assert second[1] == "Severity"
    assert "mirror resolve KEY [FIELD] --take local|remote|VALUE" in result.stderr


def test_no_conflict_is_no_error(run: Run, synced: RallySimulator) -> None:
    result = run("conflicts")
    assert (result.exit_code, result.stdout, result.stderr) == (0, "", "no conflict waits\n")


def test_status_leads_with_conflicts_and_then_says_what_waits(run: Run, torn: RallySimulator) -> None:
    first, second, *_rest = run("status").stdout.splitlines()
    assert first == "acme: STUCK: 2 changes in conflict with the tracker; see: mirror conflicts, then mirror resolve"
    assert second == "acme: 1 change waits to be pushed; see: mirror changes, mirror push"
    assert json.loads(run("status", "--json").stdout)[0]["changes"] == {"conflict": 2, "ready": 1}


def test_diff_of_a_conflict_has_three_sides(run: Run, torn: RallySimulator) -> None:
    assert run("diff", "DE1").stdout.splitlines()[:6] == [
        "DE1  Defect, acme",
        "  Priority",
        "    base    Normal",
        "    local   Low",
        "    remote  High Attention",
        "    conflict: changed on the tracker since",
    ]


def test_resolving_for_local_remote_or_another_value(run: Run, torn: RallySimulator) -> None:
    result = run("resolve", "DE1", "Priority", "--take", "remote")
    assert (result.exit_code, priority(run)) == (0, "High Attention")
    assert result.stdout == "DE1: Priority: the tracker's High Attention is kept, the edit is dropped\n"
    result = run("resolve", "de1", "--take", "Crash/Data Loss")
    assert result.stdout == "DE1: Severity: Crash/Data Loss: the next push writes it\n"
    assert waiting(run, "conflicts") == []
    assert {each["field"]: each["local"] for each in waiting(run)} == {"Severity": "Crash/Data Loss", "State": "Fixed"}
    assert {each["outcome"] for each in waiting(run, "log")} == {"overruled", "conflict"}
    assert "Normal -> Low (there: High Attention)" in run("log").stdout


def test_all_conflicts_of_a_record_are_resolved_at_once_for_one_side(run: Run, torn: RallySimulator) -> None:
    result = run("resolve", "DE1", "--take", "LOCAL")
    assert result.stdout.splitlines() == [
        "DE1: Priority: Low: the next push writes it",
        "DE1: Severity: Minor Problem: the next push writes it",
    ]
    assert priority(run) == "Low"
    assert {each["base"] for each in waiting(run)} == {"High Attention", "Major Problem", "Open"}


def test_resolve_refuses_what_is_no_answer(run: Run, torn: RallySimulator) -> None:
    for arguments, words in (
        (["DE1", "--take", "Normal"], "several wait, so say which is to be 'Normal': Priority, Severity"),
        (["DE1", "Priority", "--take", "Whenever"], "Priority cannot be 'Whenever'"),
        (["DE1", "Name", "--take", "local"], "nothing waits for Name of DE1; there is: Priority, Severity, State"),
        (["DE1", "State", "--take", "local"], "nothing about DE1 waits for an answer"),
        (["DE2", "--take", "local"], "nothing waits for DE2"),
        (["--take", "local"], "say which record"),
        (["DE1"], "without a terminal say the answer: mirror resolve KEY [FIELD] --take local|remote|VALUE"),
    ):
        result = run("resolve", *arguments)
        assert (result.exit_code, words in result.stderr) == (2, True), result.output
    assert len(waiting(run, "conflicts")) == 2


def test_on_a_terminal_each_conflict_is_asked_about(run: Run, torn: RallySimulator, terminal: Terminal) -> None:
    code, screen = terminal("resolve", typed="r\ns\n")
    assert screen.count(QUESTION) == 2
    assert "    remote  High Attention" in screen
    assert "the tracker's High Attention is kept" in screen
    assert code == 4
    assert [each["field"] for each in waiting(run, "conflicts")] == ["Severity"]


def test_on_a_terminal_another_value_may_be_written(run: Run, torn: RallySimulator, terminal: Terminal) -> None:
    code, screen = terminal("resolve", "DE1", typed="x\ne\nResolve Immediately\nl\n")
    assert "'x' is not one of" in screen
    assert "  value [Low]: " in screen
    assert code == 0, screen
    assert (priority(run), waiting(run, "conflicts")) == ("Resolve Immediately", [])


def test_on_a_terminal_a_value_that_is_not_allowed_is_asked_for_again(
    run: Run, torn: RallySimulator, terminal: Terminal
) -> None:
    code, screen = terminal("resolve", "DE1", "Priority", typed="e\nWhenever\nr\n")
    assert "Priority cannot be 'Whenever'" in screen
    assert screen.count(QUESTION) == 2
    assert (code, priority(run)) == (4, "High Attention")


@pytest.mark.parametrize(("typed", "left"), [("done", []), ("again", ["ready"]), ("", ["unknown"])])
def test_on_a_terminal_a_person_says_what_became_of_a_comment(
    run: Run, synced: RallySimulator, terminal: Terminal, typed: str, left: list[str]
) -> None:
    run("comment", "DE1", "well")
    with Store.open("sqlite:///mirror.db") as store:
        ids = [each.id for each in store.queue.open("acme")]
        store.queue.mark_sent(ids, datetime.now(UTC))
        store.queue.put_back(ids, State.UNKNOWN, "two are there: 7, 8")
    assert "STUCK: 1 change sent and never answered; mirror push finds out" in run("status").stdout
    code, screen = terminal("resolve", typed=f"{typed}\n")
    assert "unknown: two are there: 7, 8" in screen
    assert code == 0, screen
    assert [each["state"] for each in waiting(run)] == left


def test_policies_of_the_settings_answer_by_themselves(run: Run, torn: RallySimulator) -> None:
    with Path("mirror.toml").open("a") as settings:
        settings.write('\n[sources.acme.conflicts]\n"Defect.Priority" = "remote"\n"*" = "local"\n')
    assert run("sync").exit_code == 0
    assert waiting(run, "conflicts") == []
    assert priority(run) == "High Attention"
    assert {each["field"] for each in waiting(run)} == {"Severity", "State"}


def test_on_a_terminal_help_can_be_asked_for_and_the_rest_left(run: Run, torn: RallySimulator, terminal: Terminal) -> None:
    code, screen = terminal("resolve", typed="?\nq\n")
    assert "    q  this one and all others wait" in screen
    assert screen.count("? for help") == 2
    assert code == 4
    assert len(waiting(run, "conflicts")) == 2


def test_an_answer_is_data_when_asked(run: Run, torn: RallySimulator) -> None:
    result = run("resolve", "DE1", "Priority", "--take", "remote", "--json")
    (answered,) = json.loads(result.stdout)
    assert (answered["key"], answered["field"], answered["taken"]) == ("DE1", "Priority", "remote")
    assert "add --take" in run("resolve", "--json").stderr
