"""The command that asks the mirror in the tracker's own words: find."""

from __future__ import annotations

import re
import sys
from collections.abc import Generator, Iterable, Sequence
from contextlib import closing

import click

from mirror import Records
from mirror.cli.answers import TABLE_ROWS, check_forms, limit_option, print_rows, records_of
from mirror.cli.history import as_of_option
from mirror.cli.options import Invocation, pass_invocation, settings_options
from mirror.cli.output import Cells, readable, say
from mirror.model.layout import Layout
from mirror.model.schema import Kind

_STATES = ("State", "ScheduleState", "Status")
_OWNERS = ("Owner", "Owners")
_ITEM = re.compile(r"""(?:\{[^}]*\}|\[(?:'[^']*'|"[^"]*"|[^\]'"])*\]|'[^']*'|"[^"]*"|[^,])+""")


@click.command()
@click.argument("type_name", metavar="TYPE")
@click.argument("query", metavar="[QUERY|-]", required=False, default="")
@click.option("--source", default="", metavar="NAME", help="Of this source; needed where several have the type.")
@click.option("--fields", multiple=True, metavar="A,B.C", help="What to print, dotted or not. May be repeated.")
@click.option("--order", default="", metavar="A,-B", help="In this order; - or desc for the other way round.")
@as_of_option
@limit_option
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object per row and line.")
@click.option("--csv", "as_csv", is_flag=True, help="Print CSV (RFC 4180).")
@settings_options
@pass_invocation
def find(
    invocation: Invocation,
    /,
    type_name: str,
    query: str,
    *,
    source: str,
    fields: tuple[str, ...],
    order: str,
    as_of: str | None,
    limit: int | None,
    **forms: bool,
) -> None:
    """Find records with a query in the tracker's own language. Asks only the database, never the tracker.

    TYPE is a name of the tracker's, also an abstract one (Artifact, Workitem), a display name, or SOURCE:TYPE. Without a
    QUERY all records are found; - reads it from standard input, and -- stands before one that begins with a minus. Printed
    are key, name, state, owner and last change, or what --fields says. Instants are UTC.

    A query that cannot be understood ends with exit code 2, and the place is underlined. What is understood otherwise than
    the tracker would have is said on standard error.

    \b
    Examples:
      mirror find Defect '((State = Open) AND (Owner.UserName = "ann@example.com"))' --order 'Priority,LastUpdateDate desc'
      mirror find Story "Estimate>'2';Status.Name='Done'" --fields Number,Super.Name,Owners.Name --order=-ChangeDateUTC
      mirror find ticket "Status = 'open' AND Owner = 'ann'" --fields id,Subject,Requestors.EmailAddress --json
      mirror find PortfolioItem/Feature --csv > features.csv
      mirror find Defect '(State = Open)' --as-of 2026-03-01
    """
    as_json, as_csv = forms["as_json"], forms["as_csv"]
    check_forms(as_json, as_csv)
    text = sys.stdin.read() if query == "-" else query
    is_table = not (as_json or as_csv)
    with invocation.open() as mirror:
        asked = records_of(mirror, type_name, source)
        records, columns = found(asked if as_of is None else asked.as_of(as_of), text, fields, order)
        for note in records.notes:
            say(note)
        most = TABLE_ROWS + 1 if is_table and limit is None else limit
        records = records if most is None else records.limit(most)
        with closing(_cells(records, is_table)) as rows:
            print_rows(columns, rows, as_json=as_json, as_csv=as_csv, limit=limit)


def found(records: Records, text: str, fields: Sequence[str] = (), order: str = "") -> tuple[Records, tuple[str, ...]]:
    """Return those of the records that a query finds, with what is to be printed selected; and the names of that.

    Raises:
        QueryError: the query, a field or the order cannot be understood.
    """
    narrowed = records.find(text)
    if order.strip():
        narrowed = narrowed.order(order)
    columns = tuple(dict.fromkeys(_listed(fields) or usual_fields(records.layouts)))
    return narrowed.select(*columns), columns


def usual_fields(layouts: Iterable[Layout]) -> list[str]:
    """Return what is printed of these types unless told: key, name, state, owner and last change, as far as they have it."""
    roles = zip(*(_roles(each) for each in layouts), strict=True)
    return [name for role in roles for name in dict.fromkeys(name for names in role for name in names)]


def _roles(layout: Layout) -> tuple[list[str], ...]:
    """Return the fields for key, name, state, owner and last change; none for what a type does not have."""
    about, work = layout.type, layout.type.work_item
    number = "ObjectID" if about.field("ObjectID") else "id"
    title = work.title if work else (about.name_field,)
    owners = _there(layout, work.owner if work else _OWNERS)
    return (
        [about.key_field or number],
        _there(layout, title),
        _there(layout, work.state)[:1] if work else _listed_states(layout),
        [_by_name(layout, each) for each in owners[:1]],
        _there(layout, (about.stamp_field,)),
    )


def _there(layout: Layout, names: Iterable[str | None]) -> list[str]:
    return [each for each in names if each and layout.type.field(each) is not None]


def _listed_states(layout: Layout) -> list[str]:
    """Return the field that looks like the state of a type that is no work: its values come from a list."""
    fields = [layout.type.field(each) for each in _STATES]
    return [each.name for each in fields if each and (each.kind is Kind.REFERENCE or each.allowed_values)][:1]


def _by_name(layout: Layout, name: str) -> str:
    """Return a field in words that give a name for what it refers to, also where it refers to many."""
    field = layout.type.field(name)
    return f"{name}.Name" if field is not None and field.kind is Kind.LINKS else name


def _listed(fields: Iterable[str]) -> list[str]:
    """Return names that stand between commas; a comma inside brackets, braces or quotes belongs to the name."""
    return [name.strip() for text in fields for name in _ITEM.findall(text) if name.strip()]


def _cells(records: Records, is_table: bool) -> Generator[Cells, None, None]:
    for row in records.rows():
        yield [_in_a_line(each) for each in row] if is_table else row


def _in_a_line(value: object) -> object:
    return ", ".join(readable(each) for each in value) if isinstance(value, list) else value
