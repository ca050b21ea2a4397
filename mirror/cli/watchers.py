"""The command about who is to be told what happens: watchers."""

from __future__ import annotations

import shlex
from datetime import UTC, datetime, timedelta

import click

from mirror.api import WatcherStatus
from mirror.cli.options import Invocation, json_option, pass_invocation, settings_options
from mirror.cli.output import print_json, print_table, say
from mirror.cli.pace import ago
from mirror.errors import UsageError

_FEW = 3
_FORGOTTEN = timedelta(days=7)  # longer than a script that runs once a week leaves what happens untold


def is_forgotten(each: WatcherStatus, now: datetime) -> bool:
    """Return whether nobody seems to come any more for what waits."""
    return each.oldest is not None and each.oldest < now - _FORGOTTEN


@click.command()
@click.option("--forget", multiple=True, metavar="NAME", help="Forget this one, and what waits for it. May be repeated.")
@json_option
@settings_options
@pass_invocation
def watchers(invocation: Invocation, /, *, forget: tuple[str, ...], as_json: bool) -> None:
    """List who is to be told what happens on the trackers: scripts that watch, and `mirror sync --watch --as NAME`.

    What a sync finds out is kept in the database for each of them until it was told. One that never comes back is to be
    forgotten, or what waits for it grows with every sync; OLDEST is when the first of that was found out. FAILING is what it
    was told in vain; the last reason is printed below. Asks only the database.

    \b
    Examples:
      mirror watchers
      mirror watchers --json
      mirror watchers --forget triage
    """
    with invocation.open() as mirror:
        for name in forget:
            if not mirror.unwatch(name):
                raise UsageError(f"there is no watcher called {name!r}; see: mirror watchers")
            say(f"{name} is forgotten")
        found = mirror.watchers()
    if as_json:
        print_json(found)
        return
    if not forget or found:
        print_table(("watcher", "types", "since", "waiting", "failing", "oldest"), [_row(each) for each in found])
    now = datetime.now(UTC)
    for each in found:
        if each.said:
            say(f"{each.name}: {each.said}")
        if is_forgotten(each, now):
            first = f"the first of what waits was found out {ago(each.oldest or now, now)}"
            say(f"{each.name}: {first}; if nobody comes for it any more: {_forget(each)}")


def _forget(each: WatcherStatus) -> str:
    return f"mirror watchers --forget {shlex.quote(each.name)}"


def _row(each: WatcherStatus) -> list[object]:
    names = [f"{source}:{type_name}" for source, type_name in each.types]
    more = f" and {len(names) - _FEW} more" if len(names) > _FEW else ""
    return [each.name, ", ".join(names[:_FEW]) + more, each.since, each.waiting, each.failing, each.oldest]
