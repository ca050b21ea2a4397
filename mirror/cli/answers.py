"""What commands that ask the mirror share: which records are meant, and how many rows are printed in which form."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice

import click

from mirror import Records
from mirror.api import Mirror
from mirror.cli.output import Cells, print_csv, print_json_lines, print_table, say
from mirror.errors import UnknownTypeError, UsageError

TABLE_ROWS = 500  # as many as a person reads; a table has to be held in memory to be aligned
_MOST_ROWS = 2**31 - 1
_FEW = 3

limit_option = click.option(
    "--limit",
    type=click.IntRange(0, _MOST_ROWS),
    metavar="N",
    help=f"At most N rows; a table has {TABLE_ROWS} unless told.",
)


def check_forms(as_json: bool, as_csv: bool) -> None:
    """Make sure that at most one form is wanted.

    Raises:
        UsageError: both are.
    """
    if as_json and as_csv:
        raise UsageError("--json or --csv, not both")


def print_rows(
    columns: Sequence[str], rows: Iterator[Cells], *, as_json: bool, as_csv: bool, limit: int | None = None
) -> None:
    """Print at most `limit` rows, or all; without a limit a table has TABLE_ROWS, and a word on those that are left."""
    if as_json:
        print_json_lines(columns, islice(rows, limit))
    elif as_csv:
        print_csv(columns, islice(rows, limit))
    else:
        shown = TABLE_ROWS if limit is None else limit
        print_table(columns, islice(rows, shown))
        if limit is None and next(rows, None) is not None:
            say(f"only the first {shown} rows are shown; more with --limit, all with --csv or --json")


def records_of(mirror: Mirror, name: str, source: str = "") -> Records:
    """Return the records of the type that people call `name`, or `source:name`, in the one source that has it.

    Raises:
        UnknownTypeError: no source has it; carries the nearest names.
        UnknownSourceError: there is none of that name.
        UsageError: several sources have it, or nothing of them is mirrored.
    """
    head, colon, rest = name.partition(":")
    if colon and not source:
        source, name = head, rest
    found, near = _meant(mirror, name, source)
    exact = [each for each in found if name in {layout.type.name for layout in each.layouts}]
    best = exact or found
    if not best:
        raise UnknownTypeError(name, tuple(dict.fromkeys(near))[:_FEW])
    if len(best) > 1:
        names = " and ".join(each.home.source for each in best)
        raise UsageError(f"{names} both have {name}: say which, as in --source {best[0].home.source}")
    return best[0]


def _meant(mirror: Mirror, name: str, source: str) -> tuple[list[Records], list[str]]:
    """Return what `name` means in each source that knows it, and the nearest names in the others."""
    found: list[Records] = []
    near: list[str] = []
    views = [mirror[each.name] for each in mirror.chosen((source,) if source else ())]
    if not any(view.types() for view in views):
        raise UsageError(f"nothing of {' and '.join(view.name for view in views)} is mirrored yet; run: mirror sync")
    for view in views:
        try:
            found.append(view[name])
        except UnknownTypeError as error:
            near += error.near
    return found, near
