"""The command that shows the whole way in a minute: demo. It runs the other commands, as a user would."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import click

from mirror.api import Mirror
from mirror.cli.options import settings_options
from mirror.cli.output import say
from mirror.errors import RemoteError, UsageError

_SETTINGS = Path("demo.toml")
_DATABASE = Path("demo.db")
_MARK = "# Made by: mirror demo"
_RECORDS = 1500
_KEY_VARIABLE = "DEMO_APIKEY"
_MIRROR = (sys.executable, "-m", "mirror")
_AN_OPEN_DEFECT = "SELECT id, formatted_id FROM rally_defect WHERE state = 'Open' ORDER BY id LIMIT 1"
_QUESTION = """
SELECT formatted_id, state, owner_name, name, _changed_at FROM rally_defect ORDER BY _changed_at DESC LIMIT 5
""".strip()
_NEXT = (
    'sql "SELECT formatted_id, name, owner_name FROM rally_hierarchical_requirement WHERE blocked ORDER BY id"',
    "schema Defect",
    "status",
)


@dataclass(frozen=True, slots=True)
class _Tracker:
    """The simulated Rally, running."""

    url: str
    api_key: str
    workspace: str


@click.command()
@click.option("--keep", is_flag=True, help="Leave the simulated Rally running afterwards, until Ctrl-C.")
@settings_options
def demo(keep: bool) -> None:
    """Mirror a simulated Rally, change something there, sync again, and ask in SQL. Needs no account.

    Leaves demo.toml and demo.db in the working directory.

    \b
    Examples:
      mirror demo
      mirror demo --keep
    """
    _make_room()
    say("1. A simulated Rally starts on this machine.")
    with _simulated() as tracker:
        _SETTINGS.write_text(_settings(tracker), encoding="utf-8")
        say(f"   It listens on {tracker.url}, and {_SETTINGS} says so.")
        say("2. The first sync copies everything.")
        _run("sync", tracker=tracker)
        say(f"3. Somebody fixes {_change(tracker)} in Rally; the next sync fetches what that changed, and no more.")
        _run("sync", tracker=tracker)
        say("4. From now on questions are answered offline.")
        _run("sql", _QUESTION, tracker=tracker)
        say("Try next; none of these needs the tracker:")
        for command in _NEXT:
            say(f"   {_name()} --config {_SETTINGS} {command}")
        if keep:
            say(f"The simulated Rally stays at {tracker.url} until Ctrl-C; export {_KEY_VARIABLE}={tracker.api_key}")
            _wait()


def _make_room() -> None:
    """Remove what an earlier demo left; leave alone what is not a demo's."""
    is_ours = _SETTINGS.exists() and _SETTINGS.read_text(encoding="utf-8").startswith(_MARK)
    left = [path for path in (_SETTINGS, *Path().glob(f"{_DATABASE}*")) if path.exists()]
    if left and not is_ours:
        raise UsageError(f"{left[0]} is here already and not from a demo; run it in another folder")
    for path in left:
        path.unlink()


@contextmanager
def _simulated() -> Iterator[_Tracker]:
    """Run the simulated Rally in a process of its own until the end of the block."""
    command = [*_MIRROR, "simulate", "rally", "--json", "--records", str(_RECORDS), "--seed", "7"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603 - our own command
        try:
            said = _announced(process)
            yield _Tracker(said["url"], said["api_key"], said["workspace"])
        finally:
            process.terminate()


def _announced(process: subprocess.Popen[str]) -> dict[str, str]:
    """Return what the simulator says of itself once it answers: one JSON document, indented, so ending in a brace."""
    text = ""
    for line in process.stdout or ():
        text += line
        if line.rstrip() == "}":
            return dict(json.loads(text))
    raise click.exceptions.Exit(process.wait() or 1)


def _settings(tracker: _Tracker) -> str:
    return f"""{_MARK}
database = "sqlite:///{_DATABASE}"

[sources.demo]
tracker = "rally"
url = "{tracker.url}"
workspace = "{tracker.workspace}"
secret = {{ env = "{_KEY_VARIABLE}" }}
"""


def _run(*arguments: str, tracker: _Tracker) -> None:
    """Run one of our commands as a user would, and end with its exit code when it fails."""
    say(f"   $ {_name()} --config {_SETTINGS} {shlex.join(arguments)}")
    command = [*_MIRROR, "--config", str(_SETTINGS), *arguments]
    done = subprocess.run(command, env=_environment(tracker), check=False)  # noqa: S603 - our own command
    if done.returncode != 0:
        raise click.exceptions.Exit(done.returncode)


def _change(tracker: _Tracker) -> str:
    """Fix an open defect through the tracker's own API and return its key.

    Source: rally.md section 8.1: POST to the object, the fields in a wrapper named like the type.
    """
    with Mirror.open(_SETTINGS, f"sqlite:///{_DATABASE}") as mirror, mirror.sql(_AN_OPEN_DEFECT) as answer:
        number, key = next(answer.rows)
    request = urllib.request.Request(  # noqa: S310 - the address is our own simulator's
        f"{tracker.url}/slm/webservice/v2.0/defect/{number}",
        data=json.dumps({"Defect": {"State": "Fixed"}}).encode(),
        headers={"ZSESSIONID": tracker.api_key, "Content-Type": "application/json"},
    )
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(request, timeout=30) as answer_of_tracker:
        errors = json.load(answer_of_tracker)["OperationResult"]["Errors"]
    if errors:
        raise RemoteError(f"the simulated Rally refused the change: {errors[0]}")
    return str(key)


def _environment(tracker: _Tracker) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("MIRROR_")}
    return kept | {_KEY_VARIABLE: tracker.api_key}


def _name() -> str:
    """Return what a user types to run this program."""
    if shutil.which("mirror"):
        return "mirror"
    started_as = Path(sys.argv[0])
    return "python -m mirror" if started_as.suffix == ".py" else os.path.relpath(started_as)


def _wait() -> None:
    """Wait for Ctrl-C."""
    try:
        threading.Event().wait()
    except KeyboardInterrupt:
        say("stopped")
