"""Commands that show what a tracker offers: types, schema. Both work offline once a source was synced."""

from __future__ import annotations

import click

from mirror.api import Layout, TypeSummary
from mirror.cli.options import Invocation, json_option, pass_invocation, settings_options
from mirror.cli.output import print_json, print_line, print_table, say
from mirror.model.layout import Column, LinkTable
from mirror.model.part import Part
from mirror.model.schema import Field


@click.command()
@click.argument("names", metavar="[SOURCE]…", nargs=-1)
@json_option
@settings_options
@pass_invocation
def types(invocation: Invocation, names: tuple[str, ...], as_json: bool) -> None:
    """List the record types of each source, with their tables and rows.

    From the database; a source that was never synced is asked itself.
    Tracking says how changes are noticed: stamp (records carry the time of their last change), sweep (all versions
    are compared), append (only new records are looked for).

    \b
    Examples:
      mirror types
      mirror types acme --json
    """
    found: list[TypeSummary] = []
    with invocation.open() as mirror:
        for source in mirror.chosen(names):
            found.extend(mirror.types(source.name))
    columns = ("source", "type", "display name", "table", "tracking", "fields", "rows")
    rows = [
        [each.source, each.name, each.display_name, each.table, each.tracking, each.field_count, each.rows] for each in found
    ]
    if as_json:
        print_json([dict(zip([name.replace(" ", "_") for name in columns], row, strict=True)) for row in rows])
    else:
        print_table(columns, rows)


@click.command()
@click.argument("name", metavar="TYPE")
@json_option
@settings_options
@pass_invocation
def schema(invocation: Invocation, name: str, as_json: bool) -> None:
    """Show the columns and link tables of a type, with the tracker's names and rules.

    TYPE is the tracker's name, a table's name, or SOURCE:NAME. Works offline, from the mirrored catalogue.

    \b
    Examples:
      mirror schema Defect
      mirror schema acme:PortfolioItem/Feature
      mirror schema rally_defect --json
    """
    with invocation.open() as mirror:
        layouts = mirror.schema(name)
    if as_json:
        print_json([_layout_document(each) for each in layouts])
        return
    for layout in layouts:
        _print_layout(layout)


def _print_layout(layout: Layout) -> None:
    print_line(f"{layout.source}: {layout.type.name} is table {layout.table}, primary key (source, id)")
    columns = ("column", "kind", "field", "display name", "required", "read-only", "allowed values")
    rows = []
    both: list[Column | LinkTable] = [*layout.columns, *layout.links]
    for column in both:
        field = layout.type.field(column.field)
        rows.append([column.name, _kind(column), column.field, *_rules(field)])
    print_table(columns, rows)
    say("link tables (kind links or values) are joined on (source, id)")


def _rules(field: Field | None) -> list[object]:
    if field is None:
        return ["", "", "", ""]
    return [
        field.display_name,
        "yes" if field.required else "",
        "yes" if field.read_only else "",
        ", ".join(field.allowed_values),
    ]


def _kind(column: Column | LinkTable) -> str:
    if isinstance(column, LinkTable) or column.part is Part.VALUE:
        return column.kind
    return f"{column.kind} ({column.part} of a reference)"


def _layout_document(layout: Layout) -> dict[str, object]:
    return {
        "source": layout.source,
        "type": layout.type.name,
        "display_name": layout.type.display_name,
        "table": layout.table,
        "tracking": layout.type.tracking,
        "columns": [_column_document(layout, each) | {"part": each.part} for each in layout.columns],
        "link_tables": [_column_document(layout, each) for each in layout.links],
    }


def _column_document(layout: Layout, column: Column | LinkTable) -> dict[str, object]:
    field = layout.type.field(column.field)
    document: dict[str, object] = {"name": column.name, "kind": column.kind, "field": column.field}
    if field is None:
        return document
    return document | {
        "display_name": field.display_name,
        "native_type": field.native_type,
        "required": field.required,
        "read_only": field.read_only,
        "custom": field.custom,
        "targets": field.targets,
        "allowed_values": field.allowed_values,
        "max_length": field.max_length,
    }
