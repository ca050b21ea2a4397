"""The command line: the group of all commands, and where every error ends."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, NoReturn

import click

from mirror import __version__
from mirror.cli.commands import COMMANDS, Later
from mirror.cli.errors import reader_went_away, report
from mirror.cli.options import Invocation, settings_options


class _Commands(click.Group):
    """A group whose errors become one sentence and an exit code, wherever they come from."""

    def main(self, *arguments: Any, **extra: Any) -> NoReturn:
        invocation = Invocation()
        if os.environ.get("MIRROR_DEBUG", "") not in ("", "0"):
            invocation.start_debugging()
        extra |= {"prog_name": "mirror", "standalone_mode": False, "obj": invocation}
        try:
            with _terminated_like_interrupted():
                result = super().main(*arguments, **extra)
        except Exception as error:  # noqa: BLE001 - the top of the run
            sys.exit(report(error, debug=invocation.debug, command=invocation.command))
        finally:
            invocation.stop_debugging()
        sys.exit(result if isinstance(result, int) else 0)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command and flush its output, here, where a closed pipe can still be told from a bug."""
        try:
            result = super().invoke(ctx)
            sys.stdout.flush()
        except BrokenPipeError:
            reader_went_away()
        finally:
            ctx.ensure_object(Invocation).command = ctx.invoked_subcommand or ""
        return result

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List all commands as click does, but by what is known of them beforehand, so that none has to be loaded."""
        said = {name: click.Command(name, help=begins) for name, (_place, begins) in COMMANDS.items()}
        click.Group(commands=said).format_commands(ctx, formatter)


@contextmanager
def _terminated_like_interrupted() -> Iterator[None]:
    """Let SIGTERM end the block as Ctrl-C would, with everything closed in order."""

    def interrupt(_number: int, _frame: FrameType | None) -> NoReturn:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@click.group(
    cls=_Commands,
    commands=Later(COMMANDS),
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, prog_name="mirror")
@settings_options
def cli() -> None:
    """An offline mirror of your agile tracker, in SQL.

    \b
    The way in:
      mirror add acme --tracker rally --url https://rally1.rallydev.com --secret-env RALLY_APIKEY
      mirror check          can we reach it, with these credentials?
      mirror sync           copy everything; next time only what changed
      mirror verify         compare the two, and print the drift
      mirror sql "SELECT formatted_id, name FROM rally_defect WHERE state = 'Open'"

    Nothing to mirror at hand? `mirror demo` shows it all on a simulated Rally.
    Data goes to standard output, talk to standard error; --json is there wherever data is printed.

    \b
    Exit codes: 0 done, 1 a bug, 2 usage or settings, 3 the tracker refused or part of it is missing,
    4 conflicts wait, 5 the database, 6 refused to destroy, 130 stopped.
    """


def main() -> NoReturn:
    """Run the command line and end the process."""
    try:
        cli.main()
    finally:
        # What was to be done is done; a late Ctrl-C must not tear up the interpreter's own end.
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN)
