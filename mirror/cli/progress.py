"""The progress of a sync, push or verification on standard error: drawn live on a terminal, in plain lines elsewhere."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TaskID, TextColumn

from mirror.cli.output import say
from mirror.cli.pace import Pace, PhasePace, duration, subject
from mirror.model.event import (
    Compared,
    Event,
    Expected,
    Phase,
    Pushed,
    PushEnded,
    PushStarted,
    SliceFailed,
    Stored,
    SyncEnded,
    SyncStarted,
    VerifyStarted,
    Waiting,
)

LINE_EVERY_SECONDS = 5.0

_VERBS = {
    Phase.DISCOVER: "discovering types",
    Phase.LOAD: "loading",
    Phase.CHANGES: "fetching changes",
    Phase.DELETIONS: "looking for deletions",
    Phase.LINKS: "reading links",
    Phase.KEYS: "comparing keys",
    Phase.RECORDS: "comparing whole records",
    Phase.REPAIR: "repairing",
}


class Drawer(Protocol):
    """Whoever shows events; told of them from any thread."""

    def show(self, event: Event) -> None:
        """Show one event."""
        ...


@contextmanager
def progress() -> Iterator[Drawer]:
    """Show progress until the end of the block, in the manner that standard error allows."""
    if not sys.stderr.isatty():
        yield PlainDrawer(Pace(time.monotonic))
        return
    live = Progress(
        TextColumn("{task.description}"),
        BarColumn(bar_width=24),
        TextColumn("{task.fields[position]}"),
        TextColumn("{task.fields[pace]}"),
        console=Console(stderr=True),
        transient=True,
    )
    with live:
        yield LiveDrawer(live, Pace(time.monotonic))


class PlainDrawer:
    """A line when a type is done, and every few seconds for what takes long."""

    def __init__(self, pace: Pace) -> None:
        self._pace = pace
        self._lock = threading.Lock()
        self._said_at = pace.now()
        self._finished: set[tuple[str, Phase, str]] = set()

    def show(self, event: Event) -> None:
        """Say a line if there is something to say."""
        with self._lock:
            phase = self._pace.add(event)
            if isinstance(event, Stored | Compared) and phase is not None:
                self._moved(event, phase)
            elif isinstance(event, SyncEnded):
                self._rest(event)
            if line := _talk(event):
                self._say(line)

    def _moved(self, event: Stored | Compared, phase: PhasePace) -> None:
        now = self._pace.now()
        if phase.finished(event.type_name):
            self._done(event.source, event.phase, event.type_name)
        elif now - self._said_at >= LINE_EVERY_SECONDS:
            self._say(f"{event.source}: {_VERBS[event.phase]}: {_position(phase)}, {_pace_text(phase, now)}")

    def _rest(self, ended: SyncEnded) -> None:
        """Name the types of which fewer records came than were expected, but for those that failed."""
        failed = {(each.phase, each.type_name) for each in ended.failed}
        for (source, phase), pace in self._pace.phases.items():
            for name in pace.received:
                if source == ended.source and (phase, name) not in failed:
                    self._done(source, phase, name)

    def _done(self, source: str, phase: Phase, type_name: str) -> None:
        count = self._pace.phases[source, phase].received[type_name]
        if count and (source, phase, type_name) not in self._finished:
            self._finished.add((source, phase, type_name))
            self._say(f"{source}: {_VERBS[phase]}: {type_name} done, {count:,} records")

    def _say(self, line: str) -> None:
        say(line)
        self._said_at = self._pace.now()


class LiveDrawer:
    """One bar for each phase of each source."""

    def __init__(self, live: Progress, pace: Pace) -> None:
        self._live = live
        self._pace = pace
        self._lock = threading.Lock()
        self._bars: dict[tuple[str, Phase], TaskID] = {}

    def show(self, event: Event) -> None:
        """Move a bar, or say a line above them."""
        with self._lock:
            phase = self._pace.add(event)
            if phase is not None and isinstance(event, Expected | Stored | Compared):
                self._move(event, phase)
            elif line := _talk(event):
                self._live.console.print(escape(line), highlight=False)

    def _move(self, event: Expected | Stored | Compared, phase: PhasePace) -> None:
        key = (event.source, event.phase)
        if key not in self._bars:
            self._bars[key] = self._live.add_task("", total=None, position="", pace="")
        self._live.update(
            self._bars[key],
            description=escape(f"{event.source}: {_VERBS[event.phase]}: {phase.type_name}"),
            total=phase.total,
            completed=phase.done,
            position=_position(phase),
            pace=_pace_text(phase, self._pace.now()),
        )


def _talk(event: Event) -> str:
    """Return the line for an event that moves no bar; empty when nothing needs saying."""
    match event:
        case SyncStarted():
            return f"{event.source}: syncing"
        case VerifyStarted():
            return f"{event.source}: verifying"
        case Waiting():
            return f"{event.source}: waiting {duration(event.seconds)}: {event.reason}"
        case SliceFailed():
            return f"{event.source}: {subject(event.type_name)}: incomplete ({event.phase}): {event.reason}"
        case PushStarted():
            return f"{event.source}: pushing {event.count:,} {'change' if event.count == 1 else 'changes'}"
        case Pushed():
            what = f"{event.label} {event.change.field or event.change.action}: {event.outcome}"
            return f"{event.source}: {what}{f': {event.words}' if event.words else ''}"
        case PushEnded():
            return f"{event.source}: {f'paused: {event.paused}' if event.paused else f'done in {duration(event.seconds)}'}"
        case SyncEnded():
            return f"{event.source}: done in {duration(event.seconds)}"
        case _:
            return ""


def _position(phase: PhasePace) -> str:
    total = phase.total
    return f"{phase.done:,} records" if total is None else f"{phase.done:,} of {total:,} records"


def _pace_text(phase: PhasePace, now: float) -> str:
    left = phase.seconds_left(now)
    rate = f"{phase.rate(now):,.0f}/s"
    return rate if left is None else f"{rate}, {duration(left)} left"
