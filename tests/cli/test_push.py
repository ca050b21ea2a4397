"""mirror push, mirror push --dry-run and mirror sync --push on a simulated Rally."""

from __future__ import annotations

import json
import signal
from pathlib import Path

import pytest

from mirror.connectors.http import Transport
from mirror.simulators.rally import RallySimulator
from tests.cli.conftest import Process, Run
from tests.cli.test_process import wait_until


@pytest.fixture
def defect(run: Run, acme: RallySimulator) -> str:
    """The key of a defect of a mirror that was just made."""
    assert run("sync").exit_code == 0
    acme.requests.clear()
    world = acme.world
    return str(world.item(world.ids("Defect")[0]).values["FormattedID"])


def notes(acme: RallySimulator, key: str) -> str:
    world = acme.world
    records = (world.item(each).values for each in world.ids("Defect"))
    return str(next(each for each in records if each["FormattedID"] == key).get("Notes"))


def test_nothing_to_push_is_said_and_nothing_is_asked(run: Run, acme: RallySimulator, defect: str) -> None:
    result = run("push")
    assert (result.exit_code, result.stdout) == (0, "")
    assert result.stderr == "acme: nothing waits to be pushed\n"
    assert len(acme.requests) == 0


def test_nothing_is_pushed_before_the_first_sync(run: Run, acme: RallySimulator) -> None:
    result = run("push")
    assert result.exit_code == 2
    assert "mirror sync" in result.stderr


def test_each_change_has_a_line_with_its_outcome(run: Run, acme: RallySimulator, defect: str) -> None:
    run("set", defect, "Notes=edited here")
    result = run("push")
    assert result.exit_code == 0, result.output
    header, _line, row = result.stdout.splitlines()
    assert header.split() == ["record", "action", "field", "change", "outcome", "words"]
    assert row.split()[:3] == [defect, "update", "Notes"]
    assert "done" in row.split()
    assert "acme: pushing 1 change\n" in result.stderr
    assert "acme: 1 done\n" in result.stderr
    assert notes(acme, defect) == "edited here"


def test_a_dry_run_prints_the_calls_in_order_and_writes_nothing(run: Run, acme: RallySimulator, defect: str) -> None:
    run("new", "HierarchicalRequirement", "Name=a story")
    run("new", "Task", "Name=its task", "WorkProduct=NEW-1")
    run("set", defect, "Notes=edited here")
    result = run("push", "--dry-run")
    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    steps = [each for each in lines if each.startswith("acme: ")]
    assert steps == [
        "acme: 1. create HierarchicalRequirement NEW-1",
        "acme: 2. create Task NEW-2 (after 1)",
        f"acme: 3. update Defect {defect}",
    ]
    assert sum(each.lstrip().startswith("> ") for each in lines) >= 3
    assert not acme.requests.select(method="POST")
    assert len(json.loads(run("push", "--dry-run", "--json").stdout)[0]["plan"]) == 3


def test_a_conflict_ends_in_4_and_tells_where_to_answer_it(run: Run, acme: RallySimulator, defect: str) -> None:
    run("set", defect, "Notes=here")
    record = next(each for each in acme.world.ids("Defect") if acme.world.item(each).values["FormattedID"] == defect)
    acme.world.update(record, {"Notes": "there"})
    result = run("push")
    assert result.exit_code == 4
    assert "mirror conflicts" in result.stderr
    (document,) = json.loads(run("push", "--json").stdout)
    assert [each["outcome"] for each in document["changes"]] == ["conflict"]
    assert document["exit_code"] == 4


def test_a_tracker_that_cannot_be_reached_ends_in_3_and_keeps_everything(
    run: Run, acme: RallySimulator, monkeypatch: pytest.MonkeyPatch, defect: str
) -> None:
    run("set", defect, "Notes=edited here")
    acme.stop()
    monkeypatch.setitem(Transport.__init__.__kwdefaults__, "sleep", lambda _seconds: None)  # between the attempts
    result = run("push", "--dry-run")
    assert result.exit_code == 3
    assert "planned from what is mirrored" in result.stderr


def test_more_than_the_cap_ends_in_6_unless_told_yes(run: Run, acme: RallySimulator, folder: Path, defect: str) -> None:
    settings = folder / "mirror.toml"
    settings.write_text("push_cap = 1\n" + settings.read_text())
    run("set", defect, "Notes=edited here", "Name=renamed here")
    result = run("push")
    assert result.exit_code == 6
    assert "--yes" in result.stderr
    assert not acme.requests.select(method="POST")
    assert run("push", "--yes").exit_code == 0


def test_protected_edits_are_refused_when_they_are_made(run: Run, acme: RallySimulator, folder: Path, defect: str) -> None:
    settings = folder / "mirror.toml"
    settings.write_text('protect = ["Defect.Notes"]\n' + settings.read_text())
    result = run("set", defect, "Notes=edited here")
    assert result.exit_code == 2
    assert 'protect = ["Defect.Notes"]' in result.stderr


def test_only_named_records_are_pushed(run: Run, acme: RallySimulator, defect: str) -> None:
    run("set", defect, "Notes=edited here")
    run("new", "Tag", "Name=brand new")
    assert run("push", defect).exit_code == 0
    assert [each["key"] for each in json.loads(run("changes", "--json").stdout)] == ["NEW-1", "NEW-1"]
    assert run("push", "nothing like this").exit_code == 2


def test_sync_with_push_pulls_pushes_and_is_in_line(run: Run, acme: RallySimulator, defect: str) -> None:
    run("set", defect, "Notes=edited here")
    result = run("sync", "--push")
    assert result.exit_code == 0, result.output
    assert notes(acme, defect) == "edited here"
    assert "done" in result.stdout
    assert run("verify", "--sample", "all").exit_code == 0
    (document,) = json.loads(run("sync", "--push", "--json").stdout)
    assert document["push"]["changes"] == []


def test_yes_without_push_is_refused(run: Run, acme: RallySimulator) -> None:
    assert run("sync", "--yes").exit_code == 2


def test_an_interrupted_push_finishes_what_is_in_flight(
    run: Run, process: Process, acme: RallySimulator, defect: str
) -> None:
    run("set", defect, "Notes=edited here")
    acme.faults.add(kind="delay", method="POST", seconds=1.0)
    seen: list[str] = []
    stop = acme.on_request(lambda each: seen.append(each.method))
    child = process("push")
    wait_until(lambda: "POST" in seen)
    child.send_signal(signal.SIGINT)
    _out, said = child.communicate(timeout=30)
    stop()
    assert child.returncode == 130
    assert "the next push looks for what was sent" in said
    assert notes(acme, defect) == "edited here"
    assert json.loads(run("changes", "--json").stdout) == []
