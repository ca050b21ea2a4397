"""Every error as a sentence and an exit code. No traceback unless it is asked for."""

from __future__ import annotations

import os
import signal
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import NoReturn

import click

from mirror.cli.output import say
from mirror.errors import MirrorError, QueryError, UsageError

INTERRUPTED = 130  # 128 + SIGINT, as shells report it
STOPPED = "mirror: stopped. What was stored is kept, and the next sync continues from there."
_STOPPED = {
    "push": "mirror: stopped. Nothing is lost: the next push looks for what was sent, and goes on.",
    "resolve": "mirror: stopped. What was answered is kept, the rest waits; see: mirror conflicts",
}
CURSOR_AND_NEW_LINE = "\x1b[?25h\n"  # DECTCEM, "show cursor": drawn progress hides it


def report(error: BaseException, *, debug: bool, command: str = "") -> int:
    """Say on standard error what went wrong and return the exit code.

    Args:
        command: what ran, as it is called on the command line.
    """
    if debug and not isinstance(error, click.ClickException):
        traceback.print_exception(error)
    match error:
        case click.Abort() | KeyboardInterrupt():
            say(_STOPPED.get(command, STOPPED))
            return INTERRUPTED
        case click.ClickException():
            error.show()
            return UsageError.exit_code
        case MirrorError():
            _tell(error)
            return error.exit_code
        case _:
            hint = "" if debug else "; run it again with --debug to see where, and please report it"
            say(f"mirror: this is a bug in mirror: {type(error).__name__}{hint}")
            return MirrorError.exit_code


def _tell(error: MirrorError) -> None:
    """Say what went wrong: a sentence, and below it the place in a query where there is one."""
    lines = str(error).split("\n") if isinstance(error, QueryError) else [str(error)]
    for number, line in enumerate(lines):
        say(line if number else f"mirror: {line}")


@contextmanager
def stopping_at_once() -> Iterator[None]:
    """Let Ctrl-C and SIGTERM end the process on the spot while the block runs.

    A sync survives `kill -9` at any moment, so that is also the safest way to stop it: an exception out of nowhere,
    in the middle of a transaction, would have to be unwound by every library in between.
    """

    def stop(_number: int, _frame: FrameType | None) -> NoReturn:
        # Not through sys.stderr, which may be in the middle of a line and does not let itself be entered twice.
        os.write(2, f"{CURSOR_AND_NEW_LINE if os.isatty(2) else ''}{STOPPED}\n".encode())
        os._exit(INTERRUPTED)

    numbers = (signal.SIGINT, signal.SIGTERM)
    before = [signal.signal(number, stop) for number in numbers]
    try:
        yield
    finally:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)


def reader_went_away() -> NoReturn:
    """End quietly: whoever read our output (`mirror sql … | head`) has all it wanted."""
    # Python flushes standard output once more at its end, and would complain.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    raise SystemExit(0)
