"""Every error as a sentence and an exit code. No traceback unless it is asked for."""

from __future__ import annotations

import os
import sys
import traceback
from typing import NoReturn

import click

from mirror.cli.output import say
from mirror.errors import MirrorError, UsageError

INTERRUPTED = 130  # 128 + SIGINT, as shells report it


def report(error: BaseException, *, debug: bool) -> int:
    """Say on standard error what went wrong and return the exit code."""
    if debug and not isinstance(error, click.ClickException):
        traceback.print_exception(error)
    match error:
        case click.Abort() | KeyboardInterrupt():
            say("mirror: stopped. What was stored is kept, and the next sync continues from there.")
            return INTERRUPTED
        case click.ClickException():
            error.show()
            return UsageError.exit_code
        case MirrorError():
            say(f"mirror: {error}")
            return error.exit_code
        case _:
            hint = "" if debug else "; run it again with --debug to see where, and please report it"
            say(f"mirror: this is a bug in mirror: {type(error).__name__}{hint}")
            return MirrorError.exit_code


def reader_went_away() -> NoReturn:
    """End quietly: whoever read our output (`mirror sql … | head`) has all it wanted."""
    # Python flushes standard output once more at its end, and would complain.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    raise SystemExit(0)
