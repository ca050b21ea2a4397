"""Options that many commands share, and the settings that they lead to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import click

from mirror.api import Mirror

Command = TypeVar("Command", bound=Callable[..., object])


@dataclass(slots=True)
class Invocation:
    """What was said about the whole run, before or after the command's name.

    Attributes:
        debug: log to standard error, and show tracebacks.
    """

    config: Path | None = None
    database: str | None = None
    debug: bool = False

    def open(self) -> Mirror:
        """Return the mirror of these settings."""
        return Mirror.open(config=self.config, database=self.database)


pass_invocation = click.make_pass_decorator(Invocation, ensure=True)


def _keep(context: click.Context, parameter: click.Parameter, value: object) -> None:
    if value and parameter.name:
        setattr(context.ensure_object(Invocation), parameter.name, value)


_SHARED = (
    click.option(
        "--config",
        type=click.Path(path_type=Path),
        expose_value=False,
        callback=_keep,
        help="Settings file; else MIRROR_CONFIG, else the nearest mirror.toml.",
    ),
    click.option(
        "--database",
        metavar="URL",
        expose_value=False,
        callback=_keep,
        help="Database, over the settings file's and MIRROR_DATABASE.",
    ),
    click.option("--debug", is_flag=True, expose_value=False, callback=_keep, help="Log what happens, and show tracebacks."),
)


def settings_options(command: Command) -> Command:
    """Give a command --config, --database and --debug; what they say is in the Invocation."""
    for option in reversed(_SHARED):
        command = option(command)
    return command


json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
