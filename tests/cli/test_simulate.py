"""Every registered simulator as a process of its own: what it says of itself leads to it."""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
import sys
import urllib.request
from importlib import import_module
from pathlib import Path

import pytest

from mirror.api import TRACKERS
from mirror.simulators.rally import RallySimulator
from mirror.simulators.registry import SIMULATORS, create, scene
from tests.cli.conftest import ROOT, SECRET, Process, Run

KINDS = pytest.mark.parametrize("kind", SIMULATORS)


@KINDS
def test_simulator_prints_settings_that_work_and_stops_when_told(
    process: Process, run: Run, folder: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    option = f"--{SIMULATORS[kind].secret.replace('_', '-')}"
    simulator = process("simulate", kind, "--records", "60", option, SECRET)
    assert simulator.stdout is not None
    lines: list[str] = []
    while not (lines and lines[-1].startswith("secret = ")):
        lines.append(simulator.stdout.readline())
        assert lines[-1], "the announcement ends with the secret"
    (folder / "mirror.toml").write_text("".join(lines))
    monkeypatch.setenv(SIMULATORS[kind].variable, SECRET)
    checked = run("check")
    assert checked.exit_code == 0, checked.output
    simulator.send_signal(signal.SIGINT)
    _out, err = simulator.communicate(timeout=30)
    assert simulator.returncode == 0
    assert f"export {SIMULATORS[kind].variable}={SECRET}" in err


@KINDS
def test_simulator_as_json_tells_what_leads_to_it_and_stops_when_ended(process: Process, kind: str) -> None:
    simulator = process("simulate", kind, "--records", "50", "--json")
    assert simulator.stdout is not None
    text = ""
    while not text.endswith("}\n"):
        text += simulator.stdout.readline()
    said = json.loads(text)
    assert said["tracker"] == kind
    assert set(said) - {"user"} == {"tracker", "url", "secret", *(key for key in TRACKERS[kind].scope if key in said)}
    assert said["secret"]
    root = "/".join(said["url"].split("/")[:3])
    with urllib.request.urlopen(f"{root}/simulator/health", timeout=10) as answer:
        assert json.load(answer)["status"] == "ok"
    simulator.terminate()
    assert simulator.wait(timeout=30) == 0


@KINDS
def test_simulators_settings_hold_no_secret_and_only_keys_of_its_tracker(kind: str) -> None:
    simulator = create(kind, records=50, seed=1, secret=SECRET)
    simulator.start()
    simulator.stop()
    assert simulator.secret == SECRET
    assert SECRET not in str(simulator.settings)
    assert set(simulator.settings) <= {"tracker", "url", "user", *TRACKERS[kind].scope}
    assert simulator.settings["url"] == simulator.url


@KINDS
def test_registry_knows_the_profiles_of_a_simulator_without_importing_it(kind: str) -> None:
    folder = SIMULATORS[kind].simulator.split(":")[0]
    assert tuple(SIMULATORS[kind].profiles) == import_module(f"{folder}.switches").PROFILES
    assert next(iter(SIMULATORS[kind].profiles)) == "strict"


@KINDS
def test_scene_says_which_record_is_changed(kind: str) -> None:
    assert "{key}" in scene(kind).deed


def test_every_tracker_has_a_simulator() -> None:
    assert set(SIMULATORS) == set(TRACKERS)


def test_secret_with_blanks_is_announced_as_a_shell_takes_it(process: Process) -> None:
    simulator = process("simulate", "rally", "--records", "20", "--api-key", "it's $HOME 7")
    assert simulator.stderr is not None
    lines = [simulator.stderr.readline() for _ in range(2)]
    assert "export" in shlex.split(lines[1])
    assert shlex.split(lines[1])[-1] == "RALLY_APIKEY=it's $HOME 7"


def test_simulator_says_when_its_port_is_taken(process: Process, tracker: RallySimulator) -> None:
    port = tracker.url.rpartition(":")[2]
    simulator = process("simulate", "rally", "--port", port)
    _out, err = simulator.communicate(timeout=30)
    assert simulator.returncode == 2
    assert f"mirror: port {port} is taken" in err


@pytest.mark.parametrize("command", [["simulate", "rally"], ["demo"]], ids=" ".join)
def test_simulator_without_flask_names_the_extra(folder: Path, command: list[str]) -> None:
    for library in ("flask", "werkzeug"):
        (folder / f"{library}.py").write_text(f"raise ModuleNotFoundError('not installed', name='{library}')\n")
    environ = os.environ | {"PYTHONPATH": f"{folder}:{ROOT}"}
    program = [sys.executable, "-m", "mirror", *command]
    done = subprocess.run(program, env=environ, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr.endswith("mirror: the simulator needs an extra: pip install 'mirror-tracker[simulate]'\n")
    assert "Traceback" not in done.stderr
