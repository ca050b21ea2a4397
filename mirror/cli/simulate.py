"""The command that serves a simulated tracker: simulate."""

from __future__ import annotations

import sys
from importlib import import_module
from typing import Any

import click

from mirror.cli.options import json_option, settings_options
from mirror.cli.output import print_json, print_line, say
from mirror.errors import UsageError

DEFAULT_KEY = "_simulated"
WORKSPACE = "Acme"  # the workspace that holds a simulated Rally's records


@click.group()
def simulate() -> None:
    """Serve a simulated tracker on this machine, to try mirror and your own scripts on."""


@simulate.command()
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=0,
    metavar="PORT",
    help="Port to listen on; any free one unless told.",
)
@click.option(
    "--profile",
    type=click.Choice(["strict", "hostile"]),
    default="strict",
    show_default=True,
    help="strict answers as documented; hostile lags, shifts pages and loses answers.",
)
@click.option(
    "--records",
    type=click.IntRange(1),
    default=2000,
    show_default=True,
    metavar="N",
    help="About so many records.",
)
@click.option("--seed", type=int, default=1, show_default=True, metavar="S", help="The same seed gives the same records.")
@click.option("--api-key", default=DEFAULT_KEY, show_default=True, metavar="KEY", help="The API key that it accepts.")
@json_option
@settings_options
def rally(as_json: bool, **world: Any) -> None:
    """Serve a simulated Rally until Ctrl-C, and print the settings that lead to it.

    Only on the loopback address. Everything is kept in memory and gone at the end. What is written to it through the
    REST API stays written: vendor clients and scripts can be tried on it too.

    \b
    Examples:
      mirror simulate rally --port 8080
      mirror simulate rally --profile hostile --records 20000 --seed 7
    """
    try:
        run_rally = import_module("mirror.simulators.rally").run_rally
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("mirror"):
            raise
        raise UsageError("the simulator needs an extra: pip install 'mirror-tracker[simulate]'") from None
    try:
        run_rally(**world, announce=lambda simulator: _announce(simulator.url, simulator.api_key, as_json=as_json))
    except SystemExit:
        # Werkzeug's way to say that the port cannot be had; it has said so on standard error.
        raise UsageError(f"port {world['port']} is taken; choose another, or leave --port out") from None
    except KeyboardInterrupt:
        return  # the way to stop it


def _announce(url: str, api_key: str, *, as_json: bool) -> None:
    """Print the settings that lead to the simulator; it answers by now."""
    if as_json:
        print_json({"url": url, "api_key": api_key, "workspace": WORKSPACE})
    else:
        say(f"a simulated Rally answers on {url}; Ctrl-C stops it")
        say(f"for mirror.toml, after: export RALLY_APIKEY={api_key}")
        print_line("[sources.simulated]")
        for key, value in (("tracker", "rally"), ("url", url), ("workspace", WORKSPACE)):
            print_line(f'{key} = "{value}"')
        print_line('secret = { env = "RALLY_APIKEY" }')
    sys.stdout.flush()
