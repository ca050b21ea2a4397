"""The command that shows the whole way in a minute: demo. It runs the other commands, as a user would."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import click

from mirror.api import Mirror
from mirror.cli.options import settings_options
from mirror.cli.output import say
from mirror.errors import UsageError
from mirror.simulators.base import Scene, Simulator
from mirror.simulators.registry import SIMULATORS, create, scene

ALL = "all"
RECORDS = 1500
SEED = 7

_SETTINGS = Path("demo.toml")
_DATABASE = Path("demo.db")
_MARK = "# Made by: mirror demo"
_MIRROR = (sys.executable, "-m", "mirror")
_ACROSS = """
SELECT tracker, key, state, state_category, owner, title FROM work_item ORDER BY changed_at DESC LIMIT 6
""".strip()
_FURTHER_ACROSS = (
    'sql "SELECT tracker, type, count(*) AS items FROM work_item GROUP BY tracker, type ORDER BY tracker, items DESC"',
    "sql \"SELECT owner, count(*) AS open FROM work_item WHERE state_category <> 'done' GROUP BY owner ORDER BY open DESC\"",
    "status",
)


@dataclass(frozen=True, slots=True)
class _Tracker:
    """One simulated tracker, running, and what is played on it."""

    kind: str
    title: str
    simulator: Simulator
    scene: Scene

    @property
    def variable(self) -> str:
        """The environment variable with its secret."""
        return f"DEMO_{self.kind.upper()}_SECRET"


@click.command()
@click.option(
    "--tracker",
    type=click.Choice([*SIMULATORS, ALL]),
    default=next(iter(SIMULATORS)),
    show_default=True,
    help="Which tracker to simulate; all of them, into one database.",
)
@click.option("--keep", is_flag=True, help="Leave what is simulated running afterwards, until Ctrl-C.")
@settings_options
def demo(tracker: str, keep: bool) -> None:
    """Mirror a simulated tracker, change something there, sync again, and ask in SQL. Needs no account.

    Leaves demo.toml and demo.db in the working directory.

    \b
    Examples:
      mirror demo
      mirror demo --tracker all
      mirror demo --keep
    """
    _make_room()
    with _simulated(list(SIMULATORS) if tracker == ALL else [tracker]) as trackers:
        _SETTINGS.write_text(_settings(trackers), encoding="utf-8")
        _play(trackers)
        if keep:
            _stay(trackers)


def _play(trackers: Sequence[_Tracker]) -> None:
    """Go the whole way."""
    say("1. What is simulated starts on this machine.")
    for each in trackers:
        say(f"   {each.title} listens on {each.simulator.url}, and {_SETTINGS} says so.")
    say("2. The first sync copies everything.")
    _run("sync", trackers=trackers)
    say("3. Work goes on over there.")
    for each in trackers:
        say(f"   Somebody {_change(each)} in {each.title}.")
    say("   The next sync fetches what that changed, and no more.")
    _run("sync", trackers=trackers)
    say("4. From now on questions are answered offline.")
    for each in trackers:
        _run("sql", each.scene.question, trackers=trackers)
    if len(trackers) > 1:
        say("5. And across all of them: one view, work_item.")
        _run("sql", _ACROSS, trackers=trackers)
    say("Try next; none of these needs the tracker:")
    for command in trackers[0].scene.further if len(trackers) == 1 else _FURTHER_ACROSS:
        say(f"   {_name()} --config {_SETTINGS} {command}")


def _make_room() -> None:
    """Remove what an earlier demo left; leave alone what is not a demo's."""
    is_ours = _SETTINGS.exists() and _SETTINGS.read_text(encoding="utf-8").startswith(_MARK)
    left = [path for path in (_SETTINGS, *Path().glob(f"{_DATABASE}*")) if path.exists()]
    if left and not is_ours:
        raise UsageError(f"{left[0]} is here already and not from a demo; run it in another folder")
    for path in left:
        path.unlink()


@contextmanager
def _simulated(kinds: Iterable[str]) -> Iterator[list[_Tracker]]:
    """Run a simulator of each kind until the end of the block."""
    with ExitStack() as running:
        trackers = []
        for kind in kinds:
            simulator = create(kind, records=RECORDS, seed=SEED)
            running.callback(simulator.stop)
            simulator.start()
            trackers.append(_Tracker(kind, SIMULATORS[kind].title, simulator, scene(kind)))
        yield trackers


def _settings(trackers: Iterable[_Tracker]) -> str:
    lines = [_MARK, f'database = "sqlite:///{_DATABASE}"']
    for each in trackers:
        lines += ["", f"[sources.{each.kind}]"]
        lines += [f"{key} = {json.dumps(value, ensure_ascii=False)}" for key, value in each.simulator.settings.items()]
        lines.append(f'secret = {{ env = "{each.variable}" }}')
    return "\n".join(lines) + "\n"


def _run(*arguments: str, trackers: Iterable[_Tracker]) -> None:
    """Run one of our commands as a user would, and end with its exit code when it fails."""
    say(f"   $ {_name()} --config {_SETTINGS} {' '.join(map(_typed, arguments))}")
    command = [*_MIRROR, "--config", str(_SETTINGS), *arguments]
    done = subprocess.run(command, env=_environment(trackers), check=False)  # noqa: S603 - our own command
    if done.returncode != 0:
        raise click.exceptions.Exit(done.returncode)


def _change(tracker: _Tracker) -> str:
    """Change a record through the tracker's own API, and return what was done to which."""
    with Mirror.open(_SETTINGS, f"sqlite:///{_DATABASE}") as mirror, mirror.sql(tracker.scene.candidate) as answer:
        number, key = next(answer.rows)
    tracker.scene.change(tracker.simulator, int(str(number)))
    return tracker.scene.deed.format(key=key)


def _environment(trackers: Iterable[_Tracker]) -> Mapping[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("MIRROR_")}
    return kept | {each.variable: each.simulator.secret for each in trackers}


def _typed(argument: str) -> str:
    """Return an argument as a person would type it: SQL with quotes inside in double ones."""
    return f'"{argument}"' if "'" in argument and not re.search(r'["$`\\!]', argument) else shlex.quote(argument)


def _name() -> str:
    """Return what a user types to run this program."""
    if shutil.which("mirror"):
        return "mirror"
    started_as = Path(sys.argv[0])
    return "python -m mirror" if started_as.suffix == ".py" else os.path.relpath(started_as)


def _stay(trackers: Iterable[_Tracker]) -> None:
    """Say how to reach what is simulated, and wait for Ctrl-C."""
    try:
        for each in trackers:
            say(f"The simulated {each.title} stays until Ctrl-C; export {each.variable}={each.simulator.secret}")
        threading.Event().wait()
    except KeyboardInterrupt:
        say("stopped")
