"""`mirror sync --watch`: as a real process, with a tracker on which things happen, until it is stopped."""

from __future__ import annotations

import json
import re
import signal
import subprocess
from pathlib import Path

import pytest

from mirror.simulators import Fault
from mirror.simulators.rally import RallySimulator
from tests.cli.conftest import Process, Run
from tests.support.databases import execute

ONLY = ("--type", "Defect")


def line(process: subprocess.Popen[str]) -> str:
    """Return the next line of its data."""
    assert process.stdout is not None
    return process.stdout.readline()


def end(process: subprocess.Popen[str], number: signal.Signals = signal.SIGINT) -> str:
    """Stop it; return what it said."""
    process.send_signal(number)
    _out, err = process.communicate(timeout=30)
    assert (process.returncode, "Traceback" in err) == (0, False), err
    return err


def test_what_happens_is_printed_until_it_is_stopped(process: Process, run: Run, acme: RallySimulator) -> None:
    assert run("sync", *ONLY).exit_code == 0
    one, two, three = acme.world.ids("Defect")[:3]
    acme.world.update(one, {"Notes": "edited there", "State": "Closed"})
    acme.world.delete(two)
    watching = process("sync", "--watch", "1h", "--json", *ONLY)
    told = {each["id"]: each for each in (json.loads(line(watching)) for _ in range(2))}
    assert told[one]["happened"] == "changed"
    assert told[one]["changes"]["Notes"] == {"before": "", "after": "edited there"}
    assert (told[two]["happened"], told[two]["key"], told[two]["reason"]) == ("deleted", "DE2", "deleted")
    assert "stopping once this is done" in end(watching)
    assert json.loads(run("watchers", "--json").stdout) == []
    assert json.loads(run("sql", "SELECT count(*) AS n FROM mirror_lease", "--json").stdout) == {"n": 0}
    assert three in acme.world.ids("Defect")


def test_it_goes_on_when_the_tracker_does_not_answer(process: Process, run: Run, acme: RallySimulator) -> None:
    assert run("sync", *ONLY).exit_code == 0
    acme.faults.add(Fault("status", status=401, times=1))
    key = acme.world.create("Defect", {"Name": "made there"})
    watching = process("sync", "--watch", "1s", *ONLY)
    assert re.fullmatch(r"created  acme  DE\d+  made there\n", line(watching))
    acme.world.update(key, {"Name": "renamed there"})
    assert re.fullmatch(r"changed  acme  DE\d+  renamed there  \(Name: made there -> renamed there\)\n", line(watching))
    said = end(watching, signal.SIGTERM)
    assert "every 1s is often" in said
    assert "acme: " in said


def test_a_command_that_fails_is_run_again_by_the_next(
    process: Process, run: Run, acme: RallySimulator, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    named = (*ONLY, "--as", "triage", "--exec")
    assert run("sync", *ONLY).exit_code == 0
    acme.world.update(acme.world.ids("Defect")[0], {"Notes": "edited there \N{SNOWMAN}"})
    (folder / "once").write_text("#!/bin/sh\ncat > got\nmkdir began && sleep 600\nexit 1\n")
    (folder / "once").chmod(0o700)
    with monkeypatch.context() as patch:
        for name, value in (
            ("LC_ALL", "C"),
            ("PYTHONUTF8", "0"),
            ("PYTHONCOERCECLOCALE", "0"),
        ):  # JSON is UTF-8 all the same
            patch.setenv(name, value)
        failing = process("sync", "--watch", "1s", *named, "./once", "--exec-timeout", "1s")
    assert failing.stderr is not None
    for words in ("./once took more than 1.0 s and was ended", "./once ended with 1"):
        while "told again" not in (said := failing.stderr.readline()):
            assert said
        assert f"acme: DE1: changed: {words}; told again in the next round" in said
    end(failing)
    assert "edited there \N{SNOWMAN}" in (folder / "got").read_text(encoding="utf-8")
    (known,) = json.loads(run("watchers", "--json").stdout)
    assert (known["name"], known["waiting"], known["failing"]) == ("triage", 1, 1)
    assert run("status").stdout.startswith("acme: STUCK: watcher triage could not be told of 1 event: ")
    (source,) = json.loads(run("status", "--json").stdout)
    assert [(each["name"], each["waiting"], each["oldest"]) for each in source["watchers"]] == [
        ("triage", 1, known["oldest"])
    ]
    execute(f"sqlite:///{folder / 'mirror.db'}", "UPDATE mirror_journal SET noted_at = '2026-01-01T00:00:00.000Z'")
    assert re.search(
        r"^acme: watcher triage was not told of 1 event, the first found out \d+ days ago",
        run("status").stdout,
        re.MULTILINE,
    )
    assert re.search(
        r"^triage: the first of .* \d+ days ago; .*: mirror watchers --forget triage$", run("watchers").stderr, re.MULTILINE
    )
    working = process("sync", "--watch", "1h", *named, f"tee {folder}/events")
    assert line(working).startswith("changed  acme  DE1  ")
    end(working)
    assert json.loads((folder / "events").read_text())["changes"]["Notes"]["after"] == "edited there \N{SNOWMAN}"
    shown = run("watchers").stdout
    assert re.search(r"^triage +acme:Defect +\S+ \S+ +0 +0 *$", shown, re.MULTILINE), shown
    assert run("watchers", "--forget", "triage").exit_code == 0
    assert run("watchers", "--forget", "triage").exit_code == 2


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--watch", "soon"], "'soon' is no length of time; say 90s, 15m, 2h or 1d"),
        (["--watch", "0s"], "too short"),
        (["--as", "triage"], "add --watch"),
        (["--watch", "5m", "--exec", " "], "needs a command"),
        (["--watch", "5m", "--exec", "cat", "--exec-timeout", "long"], "'long' is no length of time"),
        (["--watch", "5m", "--exec", "'notify"], "No closing quotation"),
        (["--watch", "5m", "--type", "Defekt"], "did you mean Defect"),
    ],
)
def test_what_cannot_be_watched_is_refused(run: Run, synced: RallySimulator, arguments: list[str], words: str) -> None:
    refused = run("sync", *arguments)
    assert (refused.exit_code, words in refused.stderr) == (2, True), refused.stderr


def test_settings_that_cannot_be_used_are_not_waited_for(
    run: Run, synced: RallySimulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("ACME_KEY")
    refused = run("sync", "--watch", "5m")
    assert (refused.exit_code, "ACME_KEY is not set" in refused.stderr) == (2, True), refused.stderr
    assert run("watchers").stdout.split("\n", 2)[2] == ""
