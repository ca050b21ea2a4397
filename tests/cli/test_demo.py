"""The demo of every simulated tracker, and of all at once, as a process of its own."""

from __future__ import annotations

import os
import re
import shlex
import signal
import subprocess
import sys
import urllib.request
from contextlib import chdir
from dataclasses import dataclass
from pathlib import Path

import pytest
from click.testing import CliRunner

from mirror.cli import cli
from mirror.cli.demo import ALL
from mirror.simulators.registry import SIMULATORS, scene
from tests.cli.conftest import ROOT, Process

SUMMARY = re.compile(r"^(\w+) +(\d+) +(\d+) +\d+ +\d+ +\d+ +\d+ +[\d.]+ s$", re.MULTILINE)


@dataclass(frozen=True)
class Played:
    """A demo that went to its end, and the folder it left its mirror in."""

    kinds: list[str]
    folder: Path
    out: str
    err: str

    def run(self, *arguments: str) -> str:
        """Return what a command prints there; it must succeed."""
        with chdir(self.folder):
            done = CliRunner().invoke(cli, arguments)
        assert (done.exit_code, "Traceback" in done.stderr) == (0, False), done.stderr
        return done.stdout


def mirror(*arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("MIRROR_", "DEMO_"))}
    environ = kept | {"PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "mirror", *arguments]
    return subprocess.run(command, cwd=folder, env=environ, capture_output=True, text=True, check=False, timeout=280)


FAST = ("rally", ALL)
PLAYED = [each if each in FAST else pytest.param(each, marks=pytest.mark.slow) for each in (*SIMULATORS, ALL)]


@pytest.fixture(scope="module", params=PLAYED)
def played(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Played:
    """The demo of a tracker, played over what an earlier one left."""
    folder = tmp_path_factory.mktemp("demo")
    (folder / "demo.toml").write_text("# Made by: mirror demo\n")
    (folder / "demo.db").write_text("of an earlier demo")
    done = mirror("demo", "--tracker", request.param, folder=folder)
    assert done.returncode == 0, done.stderr
    kinds = list(SIMULATORS) if request.param == ALL else [request.param]
    return Played(kinds, folder, done.stdout, done.stderr)


def test_second_sync_of_the_demo_fetches_what_was_changed_and_no_more(played: Played) -> None:
    runs = [(name, int(inserted), int(updated)) for name, inserted, updated in SUMMARY.findall(played.out)]
    assert sorted(name for name, _inserted, _updated in runs) == sorted(2 * played.kinds)
    for _name, inserted, updated in runs[: len(played.kinds)]:
        assert (inserted > 100, updated) == (True, 0)
    for _name, inserted, updated in runs[len(played.kinds) :]:
        assert 1 <= inserted + updated <= 10


def test_demo_prints_the_changed_record_first_in_its_answer(played: Played) -> None:
    changed = re.findall(r"   Somebody \w+ (.+) in ", played.err)
    answers = re.findall(r"^-[- ]+\n(\S.*)\n", played.out, re.MULTILINE)[2:]
    assert len(changed) == len(played.kinds)
    for key, first_row in zip(changed, answers, strict=False):
        assert re.search(rf"(^|\s){re.escape(key)}(\s|$)", first_row), (key, first_row)


def test_what_the_demo_suggests_works_without_the_tracker(played: Played) -> None:
    suggested = [line for line in played.err.split("Try next")[1].splitlines() if "--config demo.toml" in line]
    assert len(suggested) == 3
    for line in suggested:
        out = played.run("--config", *shlex.split(line.partition(" --config ")[2]))
        assert out.count("\n") > 2, f"no rows: {line}"


def test_what_every_scene_suggests_works_on_a_mirror_of_its_tracker(played: Played) -> None:
    for kind in played.kinds:
        for command in scene(kind).further:
            out = played.run("--config", "demo.toml", *shlex.split(command))
            assert out.count("\n") > 2, f"no rows: {command}"


def test_view_across_trackers_shows_every_tracker_of_the_demo(played: Played) -> None:
    asked = played.run("--config", "demo.toml", "sql", "SELECT DISTINCT tracker FROM work_item ORDER BY tracker", "--csv")
    assert asked.split() == ["tracker", *sorted(played.kinds)]
    newest = played.run(
        "--config", "demo.toml", "sql", "SELECT key FROM work_item ORDER BY changed_at DESC LIMIT 6", "--csv"
    )
    changed = re.findall(r"   Somebody \w+ (.+) in ", played.err)
    assert set(changed) <= set(newest.split())


def test_demo_overwrites_nothing_of_others(folder: Path) -> None:
    (folder / "demo.db").write_text("precious")
    done = mirror("demo", folder=folder)
    assert done.returncode == 2
    assert "demo.db is here already and not from a demo" in done.stderr
    assert (folder / "demo.db").read_text() == "precious"


def test_demo_that_is_kept_answers_until_it_is_stopped(process: Process) -> None:
    demo = process("demo", "--keep")
    assert demo.stderr is not None
    heard = ""
    while "stays until Ctrl-C" not in heard:
        line = demo.stderr.readline()
        assert line, heard
        heard += line
    address = re.search(r"listens on (\S+),", heard)
    assert address is not None
    with urllib.request.urlopen(f"{address[1]}/simulator/health", timeout=10) as answer:
        assert answer.status == 200
    demo.send_signal(signal.SIGINT)
    assert demo.wait(timeout=30) == 0
