"""The command that asks the mirror: sql."""

from __future__ import annotations

import sys
from itertools import islice

import click

from mirror.cli.options import Invocation, pass_invocation, settings_options
from mirror.cli.output import print_csv, print_json_lines, print_table, say
from mirror.errors import UsageError

TABLE_ROWS = 500  # as many as a person reads; a table has to be held in memory to be aligned


@click.command()
@click.argument("query", metavar="QUERY|-")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object per row and line.")
@click.option("--csv", "as_csv", is_flag=True, help="Print CSV (RFC 4180).")
@click.option(
    "--limit", type=click.IntRange(min=0), metavar="N", help=f"At most N rows; a table has {TABLE_ROWS} unless told."
)
@settings_options
@pass_invocation
def sql(invocation: Invocation, query: str, as_json: bool, as_csv: bool, limit: int | None) -> None:
    """Answer a SQL query from the mirror. The database itself refuses to write.

    QUERY in the SQL of the database in use (SQLite or PostgreSQL); - reads it from standard input. NULL is an empty
    cell; instants are UTC.

    \b
    Examples:
      mirror sql "SELECT state, count(*) AS defects FROM rally_defect GROUP BY state ORDER BY 2 DESC"
      mirror sql "SELECT * FROM rt_ticket" --csv > tickets.csv
      mirror sql - --json < query.sql
    """
    if as_json and as_csv:
        raise UsageError("--json or --csv, not both")
    text = sys.stdin.read() if query == "-" else query
    with invocation.open() as mirror, mirror.sql(text) as answer:
        if as_json:
            print_json_lines(answer.columns, islice(answer.rows, limit))
        elif as_csv:
            print_csv(answer.columns, islice(answer.rows, limit))
        else:
            shown = TABLE_ROWS if limit is None else limit
            print_table(answer.columns, islice(answer.rows, shown))
            if limit is None and next(iter(answer.rows), None) is not None:
                say(f"only the first {shown} rows are shown; more with --limit, all with --csv or --json")
