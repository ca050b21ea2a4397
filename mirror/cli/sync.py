"""Commands that fill the mirror and say how full it is: sync, status."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import click

from mirror.api import Outcome, SourceStatus, SyncOptions, SyncReport, TypeStatus
from mirror.cli.errors import stopping_at_once
from mirror.cli.footprint import keep_memory_flat
from mirror.cli.options import Invocation, json_option, pass_invocation, settings_options
from mirror.cli.output import print_json, print_line, print_table, say
from mirror.cli.pace import ago, duration, subject
from mirror.cli.progress import progress
from mirror.errors import UsageError
from mirror.model.verification import Drift, Verification

DRIFTS = tuple(Drift)
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


def _print_outcomes(outcomes: Sequence[Outcome[SyncReport]]) -> None:
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


def _troubles(outcome: Outcome[SyncReport]) -> list[str]:
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


def _outcome_document(outcome: Outcome[SyncReport]) -> dict[str, object]:
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
    """Say what is stuck, how fresh each type is, what its last verification found, and how many rows it has.

    Asks only the database. A type is as fresh as its newest guarantee: the beginning of the last sync that left nothing of
    it out, or of a verification that found it in line. Whatever had changed on the tracker before then is here.

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
        _print_status(each, datetime.now(UTC))


def _print_status(source: SourceStatus, now: datetime) -> None:
    for line in _stuck(source):
        print_line(line)
    if not source.types:
        print_line(f"{source.name}: never synced; run: mirror sync {source.name}")
        return
    print_line(f"{source.name}: {sum(each.rows for each in source.types):,} rows of {len(source.types)} types")
    print_line(f"{source.name}: {_verified(source, now)}")
    columns = ("type", "table", "rows", "tombstones", "quarantined", "fresh", "changes up to", "verified", "state")
    print_table(columns, [_status_row(each, now) for each in source.types])


def _verified(source: SourceStatus, now: datetime) -> str:
    """Return when and with what result the source was verified, all types that were together."""
    found = [each.verified for each in source.types if each.verified is not None]
    if not found:
        return f"never verified; run: mirror verify {source.name}"
    some = "" if len(found) == len(source.types) else f"{len(found)} of {len(source.types)} types "
    total = Verification(
        "",
        min(each.verified_at for each in found),
        sum(each.records for each in found),
        missing=sum(each.missing for each in found),
        stale=sum(each.stale for each in found),
        surplus=sum(each.surplus for each in found),
        differing=sum(each.differing for each in found),
        repaired=all(each.repaired or not each.drift_count for each in found),
    )
    return f"{some}verified {ago(total.verified_at, now)}: {_result(total)}"


def _result(found: Verification) -> str:
    """Return what a verification found: `no drift`, or `3 stale, 1 missing`, and whether it was repaired."""
    if not found.drift_count:
        return "no drift"
    parts = [f"{count:,} {name}" for name in DRIFTS if (count := getattr(found, name))]
    return ", ".join(parts) + (", repaired" if found.repaired else "")


def _stuck(source: SourceStatus) -> list[str]:
    lines = [f"{source.name}: STUCK: {subject(each.type_name)} ({each.phase}): {each.reason}" for each in source.failures]
    return lines + [
        f"{source.name}: STUCK: {each.type_name}: {each.quarantined} records could not be mapped, see mirror_quarantine"
        for each in source.types
        if each.quarantined
    ]


def _status_row(each: TypeStatus, now: datetime) -> list[object]:
    fresh = None if each.fresh_at is None else ago(each.fresh_at, now)
    verified = None if each.verified is None else f"{ago(each.verified.verified_at, now)}: {_result(each.verified)}"
    return [
        each.type_name, each.table, each.rows, each.tombstones, each.quarantined, fresh, each.watermark, verified, each.state
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
                "fresh_at": each.fresh_at,
                "verified": None if each.verified is None else _verification_document(each.verified),
                "state": each.state,
            }
            for each in source.types
        ],
    }


def _verification_document(found: Verification) -> dict[str, object]:
    numbers = {name: getattr(found, name) for name in ("records", "missing", "stale", "surplus", "sampled", "differing")}
    return {"at": found.verified_at, **numbers, "repaired": found.repaired}
