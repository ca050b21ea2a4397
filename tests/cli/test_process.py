"""What only a real process shows: signals, closed pipes, two at once, the simulator and the demo."""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path

import pytest

from mirror.simulators import Fault
from mirror.simulators.rally import RallySimulator
from tests.cli.conftest import ROOT, SECRET, Process, Run, Terminal


def wait_until(condition: Callable[[], bool], seconds: float = 30) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.02)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_stopped_sync_ends_with_130_and_the_next_one_continues(
    process: Process, run: Run, acme: RallySimulator, number: signal.Signals
) -> None:
    acme.faults.add(Fault("delay", path=r"(?i)/defect\?", seconds=2))
    sync = process("sync")
    wait_until(lambda: bool(acme.requests.select(path="/task")) or len(acme.requests) > 8)
    sync.send_signal(number)
    out, err = sync.communicate(timeout=30)
    assert (sync.returncode, out) == (130, ""), err
    assert "stopped. What was stored is kept, and the next sync continues from there." in err
    assert "Traceback" not in err
    acme.faults.clear()
    assert run("sync").exit_code == 0


def test_a_second_sync_says_who_holds_the_database(process: Process, run: Run, acme: RallySimulator) -> None:
    acme.faults.add(Fault("delay", seconds=1))
    first = process("sync")
    wait_until(lambda: len(acme.requests) > 0)
    second = run("sync")
    assert second.exit_code == 2
    assert f"is being synced by process {first.pid} on " in second.stderr
    assert " since 2" in second.stderr


def test_a_reader_that_goes_away_ends_the_command_quietly(process: Process, run: Run, acme: RallySimulator) -> None:
    run("sync", "--type", "Tag")
    many = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 200000) SELECT i FROM n"
    sql = process("sql", many, "--csv")
    assert sql.stdout is not None
    assert sql.stderr is not None
    assert sql.stdout.readline() == "i\n"
    sql.stdout.close()
    assert sql.wait(timeout=30) == 0
    assert sql.stderr.read() == ""


def test_simulator_prints_settings_that_work_and_stops_when_told(
    process: Process, run: Run, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    simulator = process("simulate", "rally", "--records", "60", "--api-key", SECRET)
    assert simulator.stdout is not None
    lines = [simulator.stdout.readline() for _ in range(5)]
    (folder / "mirror.toml").write_text("".join(lines))
    monkeypatch.setenv("RALLY_APIKEY", SECRET)
    assert run("check").exit_code == 0
    simulator.terminate()
    _out, err = simulator.communicate(timeout=30)
    assert simulator.returncode == 0
    assert f"export RALLY_APIKEY={SECRET}" in err


def test_simulator_says_when_its_port_is_taken(process: Process, tracker: RallySimulator) -> None:
    port = tracker.url.rpartition(":")[2]
    simulator = process("simulate", "rally", "--port", port)
    _out, err = simulator.communicate(timeout=30)
    assert simulator.returncode == 2
    assert f"mirror: port {port} is taken" in err


def test_simulator_without_flask_names_the_extra(folder: Path) -> None:
    (folder / "flask.py").write_text("raise ModuleNotFoundError('not installed', name='flask')\n")
    command = [sys.executable, "-m", "mirror", "simulate", "rally"]
    environ = os.environ | {"PYTHONPATH": f"{folder}:{ROOT}"}
    done = subprocess.run(command, env=environ, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr == "mirror: the simulator needs an extra: pip install 'mirror-tracker[simulate]'\n"


def test_simulator_as_json_tells_where_it_is(process: Process) -> None:
    simulator = process("simulate", "rally", "--records", "50", "--json")
    assert simulator.stdout is not None
    said = json.loads("".join(simulator.stdout.readline() for _ in range(5)))
    request = urllib.request.Request(f"{said['url']}/slm/webservice/v2.0/user", headers={"ZSESSIONID": said["api_key"]})
    with urllib.request.urlopen(request, timeout=10) as answer:
        assert "User" in json.load(answer)


def test_demo_goes_the_whole_way_and_what_it_suggests_works(process: Process, folder: Path) -> None:
    demo = process("demo")
    out, err = demo.communicate(timeout=120)
    assert demo.returncode == 0, err
    tables = out.split("source ")
    assert len(tables) == 3, "two summaries of a sync"
    assert "state " in out
    suggested = [line.strip() for line in err.split("Try next")[1].splitlines() if "--config demo.toml" in line]
    assert len(suggested) == 3
    for line in suggested:
        tail = line.partition(" --config ")[2]
        command = [sys.executable, "-m", "mirror", "--config", *shlex.split(tail)]
        environ = os.environ | {"PYTHONPATH": str(ROOT)}
        done = subprocess.run(command, env=environ, capture_output=True, text=True, check=False)
        assert (done.returncode, done.stderr == "" or "Traceback" not in done.stderr) == (0, True), done.stderr
        assert done.stdout


def test_demo_can_be_run_again_but_overwrites_nothing_of_others(process: Process, folder: Path) -> None:
    (folder / "demo.db").write_text("precious")
    demo = process("demo")
    _out, err = demo.communicate(timeout=60)
    assert demo.returncode == 2
    assert "demo.db is here already and not from a demo" in err
    assert (folder / "demo.db").read_text() == "precious"


def test_a_terminal_is_shown_live_progress_and_a_drawn_summary(terminal: Terminal, acme: RallySimulator) -> None:
    code, screen = terminal("sync")
    assert code == 0, screen
    assert re.search(r"acme: loading: \w+ +[━╸╺ ]+ +[\d,]+ of [\d,]+ records +[\d,]+/s, [\d.]+ s left", screen)
    assert re.search(r"│ acme +│ +\d+ │", screen)


def test_a_terminal_is_shown_wide_rows_as_lists(terminal: Terminal, synced: RallySimulator) -> None:
    _code, narrow = terminal("sql", "SELECT id, name FROM rally_tag")
    assert "┃" in narrow
    _code, wide = terminal("sql", "SELECT * FROM rally_defect LIMIT 2")
    assert "┃" not in wide
    assert re.search(r"^formatted_id +DE\d+", wide, re.MULTILINE)
