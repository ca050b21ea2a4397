"""Writes what is generated in the documentation: docs/cli.md, the answers below the SQL recipes, and terminal sessions.

`make docs` runs it; tests/test_docs.py fails when the result would differ from what is there.
"""

from __future__ import annotations

import json
import re
import shlex
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from inspect import cleandoc
from pathlib import Path

import click
from click.testing import CliRunner

from mirror.cli import cli
from mirror.cli.demo import RECORDS as DEMO_RECORDS
from mirror.cli.demo import SEED as DEMO_SEED
from mirror.config_edit import NewSource, as_toml
from mirror.simulators.base import Simulator
from mirror.simulators.clock import ManualClock
from mirror.simulators.rally import RallySimulator
from mirror.simulators.registry import SIMULATORS, create

ROOT = Path(__file__).parent.parent
RECIPE_FILES = ("README.md", "docs/recipes.md")
RECIPE_SEED, RECIPE_RECORDS = 7, 600
# What is mirrored where a tracker has many types: those that the recipes ask about, which is quicker than all.
RECIPE_TYPES = {
    "rally": (
        *("Defect", "DefectSuite", "HierarchicalRequirement", "Task", "TestCase", "TestSet", "Project", "User", "Tag"),
        *("PortfolioItem/Theme", "PortfolioItem/Initiative", "PortfolioItem/Feature", "State", "FlowState"),
        *("Iteration", "Release"),
    ),
    "versionone": tuple(
        "Story Defect Epic Task Test TestSet Request Issue Theme Goal Scope Timebox Member StoryStatus TaskStatus".split()
    ),
}

# A recipe: a query, and below it the answer that the program prints.
RECIPE = re.compile(r"```sql\n(?P<query>.*?)```\n\n```text\n(?P<answer>.*?)```", re.DOTALL)

# A terminal session: commands with what they print on standard output, and what others do on the tracker meanwhile.
SESSION = re.compile(r"```console\n(?P<lines>.*?)```", re.DOTALL)
SESSION_FILES = ("README.md",)
SESSION_TYPES = ("Defect", "Task", "HierarchicalRequirement", "Project", "User", "Tag")  # enough, and quicker than all
SESSION_USER = "ann"
_ELSEWHERE = re.compile(r"# Meanwhile somebody sets (?P<field>\w+) of (?P<key>\w+) to (?P<value>.+) on the tracker\.")
_WAITED = (0, 3, 4)  # exit codes of a session: something may be refused, or wait
# What differs each time: instants, and how long ago they were.
_INSTANT, _SAME_INSTANT = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d"), "2026-03-02 09:30:00"
_AGO, _SAME_AGO = re.compile(r"\d\.\d s ago"), "2.0 s ago"


def command_reference() -> str:
    """Return docs/cli.md."""
    lines = ["# Commands", "", "Written by `make docs` from the program itself. Every command also takes the options of"]
    lines += ["`mirror` itself: `--config`, `--database`, `--debug`.", ""]
    for name, command in _commands("mirror", cli):
        lines += [f"## {name}", "", *_described(name, command), ""]
    return "\n".join(lines).rstrip() + "\n"


def _commands(name: str, command: click.Command) -> Iterator[tuple[str, click.Command]]:
    yield name, command
    if isinstance(command, click.Group):
        for each in command.commands.values():
            yield from _commands(f"{name} {each.name}", each)


def _described(name: str, command: click.Command) -> Iterator[str]:
    arguments = [each.metavar or str(each.name).upper() for each in command.params if isinstance(each, click.Argument)]
    tail = ["COMMAND …"] if isinstance(command, click.Group) else []
    yield from ("```", " ".join([name, "[OPTIONS]", *arguments, *tail]), "```", "")
    yield from _prose(cleandoc(command.help or ""))
    shared = {"config", "database", "debug"} if command is not cli else set()
    options = [each for each in command.params if isinstance(each, click.Option) and each.name not in shared]
    if options:
        yield from ("| option | |", "|---|---|")
        yield from (f"| {_spelled(each)} | {_explained(each)} |" for each in options)


def _prose(text: str) -> Iterator[str]:
    """Yield help text as Markdown: a block that click must not wrap becomes a code block."""
    for block in text.split("\n\n"):
        first, _, rest = block.partition("\n")
        yield from ("```text", rest, "```", "") if first == "\b" else (block, "")


def _spelled(option: click.Option) -> str:
    choices = "\\|".join(option.type.choices) if isinstance(option.type, click.Choice) else "VALUE"
    value = "" if option.is_flag else f" {option.metavar or choices}"
    return ", ".join(f"`{each}`" for each in option.opts) + value


def _explained(option: click.Option) -> str:
    default = f" Default: {option.default}." if option.show_default else ""
    return f"{option.help}{default}"


@contextmanager
def recipe_mirror(database: str, folder: Path) -> Iterator[Callable[[str], str]]:
    """Mirror one simulator of each kind, always the same ones, into `database` and yield how to ask it a query."""
    settings = folder / "mirror.toml"

    def run(*arguments: str) -> str:
        done = CliRunner().invoke(cli, ["--config", str(settings), "--database", database, *arguments])
        if done.exit_code != 0:
            raise RuntimeError(done.output)
        return done.stdout

    with ExitStack() as running:
        sources = []
        for kind in SIMULATORS:
            simulator = create(kind, records=RECIPE_RECORDS, seed=RECIPE_SEED, clock=ManualClock())
            simulator.start()
            running.callback(simulator.stop)
            types = f"types = {json.dumps(RECIPE_TYPES[kind])}\n" if kind in RECIPE_TYPES else ""
            sources.append(as_toml(_source(kind, simulator, folder)) + types)
        settings.write_text("\n".join(sources), encoding="utf-8")
        run("sync")
        yield lambda query: run("sql", query)


def _source(name: str, simulator: Simulator, folder: Path) -> NewSource:
    """Return what leads to the simulator; its secret goes to a file in `folder`."""
    key = folder / f"{name}.key"
    key.write_text(simulator.secret)
    key.chmod(0o600)
    own = dict(simulator.settings)
    tracker, url, user = own.pop("tracker"), own.pop("url"), own.pop("user", None)
    return NewSource(name, str(tracker), str(url), {"file": key.name}, str(user) if user else None, own)


def with_answers(text: str, ask: Callable[[str], str]) -> str:
    """Return `text` with the answer below each of its recipes as `ask` gives it now."""
    return RECIPE.sub(lambda found: f"```sql\n{found['query']}```\n\n```text\n{ask(found['query'])}```", text)


@contextmanager
def session_mirror(folder: Path) -> Iterator[Callable[[str], str]]:
    """Mirror the Rally of `mirror demo` and yield what plays one line of a session and returns what it prints."""
    settings = folder / "mirror.toml"

    def run(*arguments: str) -> str:
        done = CliRunner(env={"LOGNAME": SESSION_USER}).invoke(cli, ["--config", str(settings), *arguments])
        if done.exit_code not in _WAITED:
            raise RuntimeError(done.output)
        return _AGO.sub(_SAME_AGO, _INSTANT.sub(_SAME_INSTANT, done.stdout))

    def play(line: str) -> str:
        if line.startswith("$ mirror "):
            return run(*shlex.split(line.removeprefix("$ mirror ")))
        direction = _ELSEWHERE.fullmatch(line)
        if direction is None:
            raise RuntimeError(f"nobody knows how to play: {line}")
        listed = run("sql", "SELECT key, id FROM work_item", "--json").splitlines()
        ids = {row["key"]: row["id"] for row in map(json.loads, listed)}
        simulator.world.update(ids[direction["key"]], {direction["field"]: direction["value"]})
        return ""

    with RallySimulator(records=DEMO_RECORDS, seed=DEMO_SEED, clock=ManualClock()) as simulator:
        source = as_toml(_source("rally", simulator, folder))
        settings.write_text(f"{source}types = {json.dumps(SESSION_TYPES)}\n", encoding="utf-8")
        run("sync")
        yield play


def replayed(text: str, play: Callable[[str], str]) -> str:
    """Return `text` with its sessions as they go now, played from the top."""
    return SESSION.sub(lambda found: f"```console\n{_played(found['lines'], play)}```", text)


def _played(lines: str, play: Callable[[str], str]) -> str:
    typed = [line for line in lines.splitlines() if line.startswith(("$ ", "# ")) or not line]
    return "".join(f"{line}\n{play(line)}" if line else "\n" for line in typed)


def main() -> None:
    """Write everything."""
    (ROOT / "docs" / "cli.md").write_text(command_reference(), encoding="utf-8")
    with tempfile.TemporaryDirectory() as name, recipe_mirror(f"sqlite:///{name}/recipes.db", Path(name)) as ask:
        for each in RECIPE_FILES:
            text = (ROOT / each).read_text(encoding="utf-8")
            (ROOT / each).write_text(with_answers(text, ask), encoding="utf-8")
    with tempfile.TemporaryDirectory() as name, session_mirror(Path(name)) as play:
        for each in SESSION_FILES:
            text = (ROOT / each).read_text(encoding="utf-8")
            (ROOT / each).write_text(replayed(text, play), encoding="utf-8")


if __name__ == "__main__":
    main()
