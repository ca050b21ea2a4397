"""What a process loads: no more than it uses, since loading is what a short script spends its time on."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import click
import pytest

from mirror.cli import cli
from mirror.cli.commands import COMMANDS
from mirror.simulators.rally import RallySimulator

ROOT = Path(__file__).parents[2]
HEAVY = {
    *("alembic", "asyncio", "diff_match_patch", "flask", "keyring", "lark", "msgspec", "pandas", "polars", "psycopg"),
    *("pyarrow", "requests", "sqlalchemy", "urllib3"),
}
WIDTHS = range(10, 100)  # of help texts; cli.context_settings has the most there is


LISTED = "import atexit, sys; atexit.register(lambda: print(*sys.modules, file=sys.stderr)); "
RUN = "import runpy; runpy.run_module('mirror', run_name='__main__')"


def loaded(code: str, *arguments: str) -> set[str]:
    """Run code in a process of its own; return the names of all modules that it has loaded by its end."""
    command = [sys.executable, "-c", LISTED + code, *arguments]
    environ = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, env=environ, check=True, capture_output=True, text=True)
    return set(done.stderr.splitlines()[-1].split())


def test_importing_loads_no_library_and_nothing_of_ours_but_errors() -> None:
    names = loaded("import mirror")
    assert {each for each in names if each.startswith("mirror")} == {"mirror", "mirror.errors", "mirror.named"}
    assert not (HEAVY | {"click", "rich"}) & names


@pytest.mark.parametrize("option", ["--help", "--version"])
def test_help_loads_no_command_and_no_library_but_that_of_the_command_line(option: str) -> None:
    names = loaded(RUN, option)
    commands = {place.partition(":")[0] for place, _begins in COMMANDS.values()}
    assert "mirror.cli" in names
    assert not (HEAVY | commands | {"mirror.api", "mirror.script", "mirror.config"}) & names


def test_a_command_loads_no_other() -> None:
    names = loaded(RUN, "types", "--help")
    assert "mirror.cli.types" in names
    assert not {"mirror.cli.sync", "mirror.cli.push", "mirror.cli.demo", "mirror.simulators"} & names


@pytest.mark.parametrize("name", COMMANDS)
def test_the_list_of_commands_says_what_each_says_of_itself(name: str) -> None:
    listed, command = click.Command(name, help=COMMANDS[name][1]), cli.commands[name]
    assert command.name == name
    assert [listed.get_short_help_str(each) for each in WIDTHS] == [command.get_short_help_str(each) for each in WIDTHS]


READING = """
import mirror
with mirror.open() as m:
    print(m["acme"].get("DE1").Owner.Name, len(m["acme"].Defect.find('State != "Closed"')))
"""


def test_a_script_that_reads_loads_nothing_that_speaks_to_a_tracker(synced: RallySimulator) -> None:
    names = loaded(READING)
    assert {"mirror.connectors.rally.language", "sqlalchemy.dialects.sqlite"} <= names
    assert not (HEAVY - {"asyncio", "diff_match_patch", "lark", "msgspec", "sqlalchemy"}) & names
    assert not {"mirror.connectors.http", "mirror.connectors.rally.connector", "sqlalchemy.dialects.postgresql"} & names
