"""Commands that fill the mirror and say how full it is: sync, status."""

from __future__ import annotations

from collections.abc import Sequence

import click

from mirror.api import Outcome, SourceStatus, SyncOptions, TypeStatus
from mirror.cli.errors import stopping_at_once
from mirror.cli.footprint import keep_memory_flat
from mirror.cli.options import Invocation, json_option, pass_invocation, settings_options
from mirror.cli.output import print_json, print_line, print_table, say
from mirror.cli.pace import duration, subject
from mirror.cli.progress import progress
from mirror.errors import UsageError

_TALLY = ("inserted", "updated", "unchanged", "tombstoned", "quarantined")


@click.command()
@click.argument("names", metavar="[SOURCE]…", nargs=-1)
@click.option("--type", "types", multiple=True, metavar="TYPE", help="Only this type. May be repeated.")
@click.option("--full", is_flag=True, help="Read everything again, not only what changed.")
@click.option("--allow-mass-delete", is_flag=True, help="Believe the tracker when a large share of a type vanished.")
@click.option("--push", is_flag=True, help="Not there yet: write local edits back first.")
@json_option
@settings_options
@pass_invocation
@click.pass_context
def sync(
    context: click.Context,
    invocation: Invocation,
    /,
    names: tuple[str, ...],
    types: tuple[str, ...],
    **given: bool,
) -> None:
    """Copy what the trackers hold into the database; the next time only what changed.

    All sources, or those named. Only reads from the tracker. May be stopped at any moment: the next sync continues.

    \b
    Exit codes: 0 complete; 3 a part is missing (the list says which, and nothing was deleted on its account);
    6 too much vanished at once, nothing was deleted.

    \b
    Examples:
      mirror sync
      mirror sync acme --type Defect --type HierarchicalRequirement
      mirror sync --json > report.json
    """
    if given["push"]:
        raise UsageError("--push is not there yet: this version of mirror only reads from the tracker")
    options = SyncOptions(types, full=given["full"], allow_mass_delete=given["allow_mass_delete"])
    keep_memory_flat()
    with stopping_at_once(), invocation.open() as mirror, progress() as drawer:
        outcomes = mirror.sync(names, options, emit=drawer.show)
    if given["as_json"]:
        print_json([_outcome_document(each) for each in outcomes])
    else:
        _print_outcomes(outcomes)
    context.exit(max(each.exit_code for each in outcomes))


def _print_outcomes(outcomes: Sequence[Outcome]) -> None:
    columns = ("source", *_TALLY, "requests", "time")
    rows = [
        [each.source, *(getattr(report.tally, name) for name in _TALLY), report.requests, duration(report.seconds)]
        for each in outcomes
        if (report := each.report) is not None
    ]
    if rows:
        print_table(columns, rows)
    for each in outcomes:
        for line in _troubles(each):
            say(line)


def _troubles(outcome: Outcome) -> list[str]:
    """Return a line for everything that is not as it should be."""
    if outcome.error is not None:
        return [f"{outcome.source}: not synced: {outcome.error}"]
    report = outcome.report
    if report is None:
        return []
    lines = [
        f"{outcome.source}: incomplete: {subject(each.type_name)} ({each.phase}): {each.reason}" for each in report.failed
    ]
    lines += [f"{outcome.source}: refused: {each}" for each in report.refused]
    if report.tally.quarantined:
        lines.append(f"{outcome.source}: {report.tally.quarantined} records could not be mapped; see: mirror status")
    return lines


def _outcome_document(outcome: Outcome) -> dict[str, object]:
    document: dict[str, object] = {"source": outcome.source, "exit_code": outcome.exit_code}
    if outcome.error is not None:
        document["error"] = str(outcome.error)
    if outcome.report is not None:
        report = outcome.report
        document |= {name: getattr(report.tally, name) for name in _TALLY}
        document |= {"requests": report.requests, "seconds": round(report.seconds, 3)}
        document["incomplete"] = [
            {"type": each.type_name, "phase": each.phase, "reason": each.reason} for each in report.failed
        ]
        document["refused"] = [
            {"type": each.type_name, "vanished": each.vanished, "known": each.known} for each in report.refused
        ]
    return document


@click.command()
@click.argument("names", metavar="[SOURCE]…", nargs=-1)
@json_option
@settings_options
@pass_invocation
def status(invocation: Invocation, names: tuple[str, ...], as_json: bool) -> None:
    """Say what is stuck, how fresh each type is, and how many rows it has. Asks only the database.

    \b
    Examples:
      mirror status
      mirror status acme --json
    """
    with invocation.open() as mirror:
        found = [mirror.status(each.name) for each in mirror.chosen(names)]
    if as_json:
        print_json([_status_document(each) for each in found])
        return
    for each in found:
        _print_status(each)


def _print_status(source: SourceStatus) -> None:
    for line in _stuck(source):
        print_line(line)
    if not source.types:
        print_line(f"{source.name}: never synced; run: mirror sync {source.name}")
        return
    print_line(f"{source.name}: {sum(each.rows for each in source.types):,} rows of {len(source.types)} types")
    columns = ("type", "table", "rows", "tombstones", "quarantined", "changes up to", "last synced", "state")
    print_table(columns, [_status_row(each) for each in source.types])


def _stuck(source: SourceStatus) -> list[str]:
    lines = [f"{source.name}: STUCK: {subject(each.type_name)} ({each.phase}): {each.reason}" for each in source.failures]
    return lines + [
        f"{source.name}: STUCK: {each.type_name}: {each.quarantined} records could not be mapped, see mirror_quarantine"
        for each in source.types
        if each.quarantined
    ]


def _status_row(each: TypeStatus) -> list[object]:
    return [
        each.type_name, each.table, each.rows, each.tombstones, each.quarantined, each.watermark, each.synced_at, each.state
    ]  # fmt: skip


def _status_document(source: SourceStatus) -> dict[str, object]:
    return {
        "source": source.name,
        "stuck": [{"type": each.type_name, "phase": each.phase, "reason": each.reason} for each in source.failures],
        "types": [
            {
                "type": each.type_name,
                "table": each.table,
                "rows": each.rows,
                "tombstones": each.tombstones,
                "quarantined": each.quarantined,
                "watermark": each.watermark,
                "last_synced_at": each.synced_at,
                "state": each.state,
            }
            for each in source.types
        ],
    }
