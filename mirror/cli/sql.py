"""The command that asks the mirror: sql."""

from __future__ import annotations

import sys

import click

from mirror.cli.answers import check_forms, limit_option, print_rows, records_of
from mirror.cli.find import found
from mirror.cli.history import as_of_option
from mirror.cli.options import Invocation, pass_invocation, settings_options
from mirror.cli.output import print_json, print_line, say
from mirror.errors import UsageError


@click.command()
@click.argument("query", metavar="QUERY|-")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object per row and line.")
@click.option("--csv", "as_csv", is_flag=True, help="Print CSV (RFC 4180).")
@as_of_option
@limit_option
@click.option(
    "--explain-find",
    metavar="TYPE",
    help="Print the SQL that `mirror find TYPE QUERY` runs; QUERY is in the tracker's language.",
)
@settings_options
@pass_invocation
def sql(
    invocation: Invocation,
    /,
    query: str,
    *,
    as_json: bool,
    as_csv: bool,
    as_of: str | None,
    limit: int | None,
    explain_find: str | None,
) -> None:
    """Answer a SQL query from the mirror. The database itself refuses to write.

    QUERY in the SQL of the database in use (SQLite or PostgreSQL); - reads it from standard input. NULL is an empty
    cell; instants are UTC. With --as-of tables, and the view work_item, hold what the trackers had then, as far as a
    history is kept; a query about a table without one is refused.

    \b
    Examples:
      mirror sql "SELECT state, count(*) AS defects FROM rally_defect GROUP BY state ORDER BY 2 DESC"
      mirror sql "SELECT * FROM rt_ticket" --csv > tickets.csv
      mirror sql - --json < query.sql
      mirror sql "SELECT state, count(*) FROM rally_defect GROUP BY state" --as-of 2026-03-01
      mirror sql --explain-find Defect '((State = Open) AND (Owner.LastName = Adler))'
    """
    check_forms(as_json, as_csv)
    text = sys.stdin.read() if query == "-" else query
    if explain_find is not None:
        if as_csv:
            raise UsageError("--explain-find prints SQL, or with --json an object with it")
        _explain(invocation, explain_find, text, as_of=as_of, limit=limit, as_json=as_json)
        return
    with invocation.open() as mirror, mirror.sql(text, as_of=as_of) as answer:
        for each in answer.missing:
            say(each)
        print_rows(answer.columns, answer.rows, as_json=as_json, as_csv=as_csv, limit=limit)


def _explain(
    invocation: Invocation, type_name: str, text: str, *, as_of: str | None, limit: int | None, as_json: bool
) -> None:
    with invocation.open() as mirror:
        asked = records_of(mirror, type_name)
        records, _columns = found(asked if as_of is None else asked.as_of(as_of), text)
        records = records if limit is None else records.limit(limit)
        for note in records.notes:
            say(note)
        if as_json:
            print_json({"source": records.home.source, "sql": records.sql(), "notes": records.notes})
            return
        for line in records.sql().split("\n"):
            print_line(line.rstrip())
