"""The command that describes a source to editors: stubs."""

from __future__ import annotations

import click

from mirror.cli.options import Invocation, pass_invocation, settings_options
from mirror.errors import UsageError


@click.command()
@click.argument("source", required=False)
@settings_options
@pass_invocation
def stubs(invocation: Invocation, source: str | None) -> None:
    """Print a Python module that tells editors and type checkers of the types of a source, their fields and references.

    SOURCE may be left out where there is one. In a script the function of its name gives the source, and an editor
    completes acme(m).Defect, defect.Owner and story.Tasks; mypy and pyright find names that are not there:

    \b
      from acme_types import acme
      with mirror.open() as m:
          for defect in acme(m).Defect.where(State="Open"):
              print(defect.Owner.DisplayName)

    What is in there is what the mirror knows: write it again when a sync has found new fields.

    \b
    Examples:
      mirror stubs acme > acme_types.py
    """
    with invocation.open() as mirror:
        names = [each.name for each in mirror.chosen((source,) if source else ())]
        if len(names) > 1:
            raise UsageError(f"say which source: {', '.join(names)}")
        click.echo(mirror[names[0]].stubs(), nl=False)
