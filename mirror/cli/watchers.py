"""The command about who is to be told what happens: watchers."""

from __future__ import annotations

import click

from mirror.api import WatcherStatus
from mirror.cli.options import Invocation, json_option, pass_invocation, settings_options
from mirror.cli.output import print_json, print_table, say
from mirror.errors import UsageError

_FEW = 3


@click.command()
@click.option("--forget", multiple=True, metavar="NAME", help="Forget this one, and what waits for it. May be repeated.")
@json_option
@settings_options
@pass_invocation
def watchers(invocation: Invocation, /, *, forget: tuple[str, ...], as_json: bool) -> None:
    """List who is to be told what happens on the trackers: scripts that watch, and `mirror sync --watch --as NAME`.

    What a sync finds out is kept in the database for each of them until it was told. One that never comes back is to be
    forgotten, or what waits for it grows with every sync. FAILING is what it was told in vain; the last reason is printed
    below. Asks only the database.

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
        print_table(("watcher", "types", "since", "waiting", "failing"), [_row(each) for each in found])
    for each in found:
        if each.said:
            say(f"{each.name}: {each.said}")


def _row(each: WatcherStatus) -> list[object]:
    names = [f"{source}:{type_name}" for source, type_name in each.types]
    more = f" and {len(names) - _FEW} more" if len(names) > _FEW else ""
    return [each.name, ", ".join(names[:_FEW]) + more, each.since, each.waiting, each.failing]
