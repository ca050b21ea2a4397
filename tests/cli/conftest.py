"""The command line in a folder of its own: in this process for most tests, as a real process where that matters."""

from __future__ import annotations

import os
import pty
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from mirror.api import TRACKERS
from mirror.cli import cli
from mirror.simulators.rally import RallySimulator
from mirror.simulators.registry import SIMULATORS

ROOT = Path(__file__).parents[2]
SECRET = "_sEcReT0123456789"

Run = Callable[..., Result]
Process = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working directory, with nothing of this machine's settings in reach."""
    secrets = {each.variable for each in SIMULATORS.values()}
    for name in list(os.environ):
        if name in secrets or name.startswith("MIRROR_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("ACME_KEY", SECRET)
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    return tmp_path / "work"


Terminal = Callable[..., tuple[int, str]]


@pytest.fixture
def terminal(folder: Path) -> Terminal:
    """Run a command in a terminal of 100 columns; returns its exit code and what the screen was sent, without colours."""

    def call(*arguments: str, typed: str = "") -> tuple[int, str]:
        leader, follower = pty.openpty()
        command = [sys.executable, "-m", "mirror", *arguments]
        environ = os.environ | {"PYTHONPATH": str(ROOT), "TERM": "xterm", "COLUMNS": "100"}
        child = subprocess.Popen(command, env=environ, stdin=follower, stdout=follower, stderr=follower)
        os.close(follower)
        os.write(leader, typed.encode())
        screen = b""
        while part := _read(leader):
            screen += part
        os.close(leader)
        return child.wait(timeout=30), re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", screen.decode())

    return call


def _read(leader: int) -> bytes:
    try:
        return os.read(leader, 65536)
    except OSError:  # the other end was closed
        return b""


@dataclass(frozen=True)
class Template:
    """A mirror made once, and the tracker it was made from, which no test changes."""

    tracker: RallySimulator
    folder: Path


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Template]:
    """A simulated Rally, mirrored once."""
    folder = tmp_path_factory.mktemp("template")
    with RallySimulator(records=150, seed=3, api_key=SECRET) as tracker:
        configure(folder, tracker)
        made = CliRunner().invoke(cli, ["--config", str(folder / "mirror.toml"), "sync"], env={"ACME_KEY": SECRET})
        assert made.exit_code == 0, made.output
        yield Template(tracker, folder)


@pytest.fixture
def synced(folder: Path, template: Template) -> RallySimulator:
    """The working directory with a copy of that mirror. The tracker is not to be changed."""
    for path in template.folder.iterdir():
        shutil.copy(path, folder)
    return template.tracker


@pytest.fixture
def run(folder: Path) -> Run:
    """Run a command in this process; no terminal is attached."""

    def call(*arguments: str, given: str | None = None) -> Result:
        return CliRunner().invoke(cli, arguments, input=given)

    return call


@pytest.fixture
def process(folder: Path) -> Iterator[Process]:
    """Start a command as a process of its own; what still runs at the end of the test is ended."""
    started: list[subprocess.Popen[str]] = []

    def start(*arguments: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "mirror", *arguments]
        environ = os.environ | {"PYTHONPATH": str(ROOT)}
        started.append(subprocess.Popen(command, env=environ, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE))
        return started[-1]

    yield start
    for each in started:
        if each.poll() is None:
            each.kill()
        each.communicate()


@pytest.fixture
def tracker() -> Iterator[RallySimulator]:
    """A simulated Rally with few records."""
    with RallySimulator(records=150, seed=3, api_key=SECRET) as simulator:
        yield simulator


@pytest.fixture
def acme(folder: Path, tracker: RallySimulator) -> RallySimulator:
    """The simulated Rally, configured as the source acme in the working directory."""
    configure(folder, tracker)
    return tracker


def configure(folder: Path, tracker: RallySimulator) -> None:
    """Write a mirror.toml with the source acme, and few types so that it is quick."""
    (folder / "mirror.toml").write_text(
        f"""
[sources.acme]
tracker = "rally"
url = "{tracker.url}"
workspace = "Acme"
types = ["Defect", "HierarchicalRequirement", "Task", "Tag", "User", "Project"]
secret = {{ env = "ACME_KEY" }}
"""
    )


@pytest.fixture
def all_trackers(folder: Path, trackers_file: Path) -> Path:
    """The working directory with a copy of that, whose trackers nobody can reach."""
    shutil.copy(trackers_file, folder / "mirror.db")
    lines = ['database = "sqlite:///mirror.db"']
    for kind in TRACKERS:
        lines += [f"[sources.{kind}]", f'tracker = "{kind}"', 'url = "http://127.0.0.1:9"', 'secret = { env = "NOT_SET" }']
    (folder / "mirror.toml").write_text("\n".join(lines))
    return folder
