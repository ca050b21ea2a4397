"""Options that many commands share, and the settings that they lead to."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import click

import mirror

Command = TypeVar("Command", bound=Callable[..., object])


class _Talk(logging.Handler):
    """Log lines on standard error, whatever that is when they come."""

    def emit(self, record: logging.LogRecord) -> None:
        click.echo(self.format(record), err=True)


@dataclass(slots=True)
class Invocation:
    """What was said about the whole run, before or after the command's name.

    Attributes:
        debug: log to standard error, and show tracebacks.
        command: what runs, as it is called on the command line; "" before that is known.
    """

    config: Path | None = None
    database: str | None = None
    debug: bool = False
    command: str = ""

    def start_debugging(self) -> None:
        """Log to standard error from now on, and let errors show their tracebacks."""
        self.debug = True
        logger = logging.getLogger("mirror")
        logger.setLevel(logging.DEBUG)
        if not any(isinstance(each, _Talk) for each in logger.handlers):
            talk = _Talk()
            talk.setFormatter(logging.Formatter("%(levelname)s %(name)s: %(message)s"))
            logger.addHandler(talk)

    def stop_debugging(self) -> None:
        """Undo that for whatever else runs in this process."""
        logger = logging.getLogger("mirror")
        logger.setLevel(logging.NOTSET)
        for each in [each for each in logger.handlers if isinstance(each, _Talk)]:
            logger.removeHandler(each)

    def open(self, *, new: bool = False) -> mirror.Mirror:
        """Return the mirror of these settings; `new` when the settings file may still have to be made."""
        return mirror.open(config=self.config, database=self.database, new=new)


pass_invocation = click.make_pass_decorator(Invocation, ensure=True)


def _keep(context: click.Context, parameter: click.Parameter, value: object) -> None:
    invocation = context.ensure_object(Invocation)
    if parameter.name == "debug" and value:
        invocation.start_debugging()
    elif value and parameter.name:
        setattr(invocation, parameter.name, value)


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
