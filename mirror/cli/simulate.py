"""The commands that serve a simulated tracker: simulate, one for each that is registered."""

from __future__ import annotations

import json
import shlex
import sys
from typing import Any

import click

from mirror.cli.options import json_option, settings_options
from mirror.cli.output import print_json, print_line, say
from mirror.simulators.base import Simulator
from mirror.simulators.registry import SIMULATORS, Entry, create

_HELP = """Serve a simulated {title} until Ctrl-C, and print the settings that lead to it.

Only on the loopback address. Everything is kept in memory and gone at the end. What is written to it through the
REST API stays written: vendor clients and scripts can be tried on it too.

\b
Examples:
  mirror simulate {kind} --port 8080
  mirror simulate {kind} --profile hostile --records 20000 --seed 7
"""


@click.group()
def simulate() -> None:
    """Serve a simulated tracker on this machine, to try mirror and your own scripts on."""


def _command(kind: str, entry: Entry) -> click.Command:
    """Return the command that serves one kind of simulator."""

    @click.command(kind, help=_HELP.format(kind=kind, title=entry.title))
    @click.option(
        "--port",
        type=click.IntRange(0, 65535),
        default=0,
        metavar="PORT",
        help="Port to listen on; any free one unless told.",
    )
    @click.option(
        "--profile",
        type=click.Choice(list(entry.profiles)),
        default=next(iter(entry.profiles)),
        show_default=True,
        help="; ".join(f"{name} {does}" for name, does in entry.profiles.items()) + ".",
    )
    @click.option(
        "--records",
        type=click.IntRange(1),
        default=2000,
        show_default=True,
        metavar="N",
        help="About so many records.",
    )
    @click.option(
        "--seed", type=int, default=1, show_default=True, metavar="S", help="The same seed gives the same records."
    )
    @click.option(
        f"--{entry.secret.replace('_', '-')}",
        "secret",
        metavar="SECRET",
        help="The secret that it accepts; one of its own unless told.",
    )
    @json_option
    @settings_options
    def command(as_json: bool, **world: Any) -> None:
        simulator = create(kind, **world)
        simulator.start()
        try:
            _announce(simulator, entry, as_json=as_json)
            simulator.wait()
        except KeyboardInterrupt:
            return  # the way to stop it
        finally:
            simulator.stop()

    return command


def _announce(simulator: Simulator, entry: Entry, *, as_json: bool) -> None:
    """Print the settings that lead to the simulator; it answers by now."""
    if as_json:
        print_json({**simulator.settings, "secret": simulator.secret})
    else:
        say(f"a simulated {entry.title} answers on {simulator.url}; Ctrl-C stops it")
        say(f"for mirror.toml, after: export {entry.variable}={shlex.quote(simulator.secret)}")
        print_line("[sources.simulated]")
        for key, value in simulator.settings.items():
            print_line(f"{key} = {json.dumps(value, ensure_ascii=False)}")
        print_line(f'secret = {{ env = "{entry.variable}" }}')
    sys.stdout.flush()


for _kind, _entry in SIMULATORS.items():
    simulate.add_command(_command(_kind, _entry))
