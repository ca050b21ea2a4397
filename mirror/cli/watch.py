"""Going on after a sync: again and again, with a line for whatever happened on the tracker."""

from __future__ import annotations

import os
import shlex
import signal
import threading
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from types import FrameType

from mirror import Changes, Record
from mirror.api import QUICK, Mirror, interval_of
from mirror.cli.errors import INTERRUPTED, STOPPED
from mirror.cli.news import Command, Event, tell_event
from mirror.cli.output import say
from mirror.cli.pace import duration
from mirror.errors import DatabaseBusyError, StoreError, UsageError
from mirror.model.happening import Happening

USUAL_NAME = "mirror sync --watch"


class StoppedError(BaseException):
    """The user wants no more; what is not told yet stays where it is."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What was asked for on the command line.

    Attributes:
        every: how long to wait, as it was written.
        name: of the watcher; "" for one that is forgotten at the end.
        command: what to run for each event; "" for nothing.
        timeout: how long that may take, as it was written.
    """

    every: str
    name: str
    command: str
    timeout: str
    names: Sequence[str]
    types: Sequence[str]
    as_json: bool

    def check(self) -> None:
        """Make sure that it can be done.

        Raises:
            UsageError: the interval is none, or too short; or there is nothing to run.
        """
        interval = interval_of(self.every)
        interval_of(self.timeout)
        try:
            is_command = not self.command or bool(shlex.split(self.command))
        except ValueError as error:
            raise UsageError(f"--exec {self.command}: {error}") from None
        if not is_command:
            raise UsageError("--exec needs a command to run")
        if interval < QUICK:
            say(f"every {self.every} is often: trackers may slow down or refuse whoever asks them more often than every 30s")


@dataclass(slots=True)
class Stop:
    """Whether it is time to end: after the first signal as soon as nothing is cut in two, at the second at once."""

    asked: threading.Event = field(default_factory=threading.Event)

    @contextmanager
    def on_signals(self) -> Iterator[None]:
        """Take Ctrl-C and SIGTERM for that while the block runs."""
        numbers = (signal.SIGINT, signal.SIGTERM)
        before = [signal.signal(number, self._signalled) for number in numbers]
        try:
            yield
        finally:
            for number, handler in zip(numbers, before, strict=True):
                signal.signal(number, handler)

    def _signalled(self, _number: int, _frame: FrameType | None) -> None:
        # Not through sys.stderr, which may be in the middle of a line and does not let itself be entered twice.
        if self.asked.is_set():
            os.write(2, f"{STOPPED}\n".encode())
            os._exit(INTERRUPTED)
        self.asked.set()
        os.write(2, b"mirror: stopping once this is done; Ctrl-C again stops at once\n")

    def check(self) -> None:
        """End here if asked to."""
        if self.asked.is_set():
            raise StoppedError


def watch(mirror: Mirror, asked: Asked, sync: Callable[[bool], None]) -> None:
    """Sync and tell what happened, until stopped.

    Args:
        sync: does one round; told whether it is the first.
    """
    stop, wait = Stop(), interval_of(asked.every).total_seconds()
    name = asked.name or " ".join((USUAL_NAME, *asked.names, *asked.types))
    scopes = [f"{each}:" for each in asked.names] or [""]
    types = [f"{scope}{each}" for scope in scopes for each in asked.types or ("work_item",)]

    command = Command(asked.command, interval_of(asked.timeout).total_seconds()) if asked.command else None

    def tell(happening: Happening, record: Record, *, changes: Changes | None = None, reason: str = "") -> None:
        if asked.name:  # else nobody would ever be told of what is left
            stop.check()
        tell_event(Event(happening, record, changes, reason), command=command, as_json=asked.as_json)

    mirror.watch(
        *types,
        name=name,
        own=True,
        created=lambda record: tell(Happening.CREATED, record),
        changed=lambda record, changes: tell(Happening.CHANGED, record, changes=changes),
        deleted=lambda record, reason: tell(Happening.DELETED, record, reason=reason),
    )
    try:
        with stop.on_signals():
            _rounds(mirror, stop, sync, wait)
    except StoppedError:
        pass
    finally:
        if not asked.name:
            with suppress(StoreError):  # when that is why it ends, it was said
                mirror.unwatch(name)


def _rounds(mirror: Mirror, stop: Stop, sync: Callable[[bool], None], wait: float) -> None:
    is_first = True
    while True:
        try:
            sync(is_first)
            _deliver(mirror)
        except (DatabaseBusyError, StoreError) as error:
            if is_first and isinstance(error, StoreError):  # nothing has worked yet, so waiting does not mend it
                raise
            say(f"mirror: {error}; tried again in {duration(wait)}")
        is_first = False
        stop.asked.wait(wait)
        stop.check()


def _deliver(mirror: Mirror) -> None:
    """Tell what happened, and say what could not be told."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # of the same, as scripts are told
        deliveries = mirror.deliver()
    for each in (failed for delivery in deliveries for failed in delivery.failed):
        again = "put aside until this is started anew" if each.is_put_aside else "told again in the next round"
        say(f"{each.source}: {each.key}: {each.happening}: {each.error}; {again}")
