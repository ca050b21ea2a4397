"""The command that fills the mirror: sync."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace

import click

from mirror.api import Mirror, Outcome, PushedChange, PushOptions, PushReport, SyncOptions, SyncReport
from mirror.cli.errors import stopping_at_once
from mirror.cli.footprint import keep_memory_flat
from mirror.cli.options import Invocation, json_option, pass_invocation, settings_options
from mirror.cli.output import print_json, print_table, say
from mirror.cli.pace import duration, subject
from mirror.cli.progress import progress
from mirror.cli.push import most_urgent, print_pushed, push_document
from mirror.cli.watch import Asked, watch
from mirror.errors import UsageError
from mirror.model.event import Event, Waiting

_TALLY = ("inserted", "updated", "unchanged", "tombstoned", "quarantined")


@click.command()
@click.argument("names", metavar="[SOURCE]…", nargs=-1)
@click.option("--type", "types", multiple=True, metavar="TYPE", help="Only this type. May be repeated.")
@click.option("--full", is_flag=True, help="Read everything again, not only what changed.")
@click.option("--allow-mass-delete", is_flag=True, help="Believe the tracker when a large share of a type vanished.")
@click.option("--push", is_flag=True, help="Then write to the trackers what was changed here, and read what that has moved.")
@click.option("--yes", is_flag=True, help="With --push: also more changes than push_cap in mirror.toml.")
@click.option(
    "--watch",
    "every",
    metavar="EVERY",
    help="Sync again that long after each sync (30s, 5m, 1h), and print what happened on the trackers, until stopped.",
)
@click.option("--as", "watcher", default="", metavar="NAME", help="With --watch: keep for this name what happens meanwhile.")
@click.option(
    "--exec",
    "command",
    default="",
    metavar="COMMAND",
    help="With --watch: run this for each event, with it as JSON on its input.",
)
@click.option(
    "--exec-timeout",
    "timeout",
    default="10m",
    show_default=True,
    metavar="TIME",
    help="With --exec: end a command that takes longer; it has failed then.",
)
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
    *,
    every: str | None,
    watcher: str,
    command: str,
    timeout: str,
    **given: bool,
) -> None:
    """Copy what the trackers hold into the database; the next time only what changed.

    All sources, or those named. Only reads from the tracker, unless --push is given: then it pulls, pushes as `mirror push`
    does, and pulls again if anything was pushed. May be stopped at any moment: the next sync continues.

    \b
    Exit codes: 0 complete; 3 a part is missing (the list says which, and nothing was deleted on its account), or something
    was not pushed; 4 conflicts wait; 6 too much vanished at once, nothing was deleted, or too much is to be pushed at once.

    With --watch it goes on until Ctrl-C or SIGTERM, and then ends with 0. Work items that were created, changed or deleted,
    or records of --type, are printed a line each, or with --json as JSON objects; a tracker that cannot be reached is tried
    again. What a process that died had found out and not printed is printed by the next one; with --as NAME also what other
    syncs find out while it is stopped (`mirror watchers` lists these names). Of two that run under one name, or without one,
    each event is told by one. A COMMAND gets each event as a line of JSON on its standard input; when it does not end with
    0, it is run again with the same event after the next sync, ten times in all, and then when the watching is started anew.

    \b
    Examples:
      mirror sync
      mirror sync acme --type Defect --type HierarchicalRequirement
      mirror sync --push
      mirror sync --json > report.json
      mirror sync --watch 5m
      mirror sync --watch 1m --type Defect --json --as triage --exec ./notify
    """
    if given["yes"] and not given["push"]:
        raise UsageError("--yes only says how much to push; add --push")
    work = _Work(names, SyncOptions(types, full=given["full"], allow_mass_delete=given["allow_mass_delete"]), given)
    keep_memory_flat()
    if every is not None:
        asked = Asked(every, watcher, command, timeout, names, types, given["as_json"])
        asked.check()
        with invocation.open() as mirror:
            watch(mirror, asked, lambda is_first: _round(mirror, work, is_first=is_first))
        return
    if watcher or command:
        raise UsageError("--as and --exec are about what is watched; add --watch 5m")
    with invocation.open() as mirror, progress() as drawer:
        outcomes, pushed = _sync(mirror, work, drawer.show, stopping_at_once)
    if given["as_json"]:
        print_json([_outcome_document(each) | _push_document(each.source, pushed) for each in outcomes])
    else:
        _print_outcomes(outcomes)
        print_pushed(pushed)
    context.exit(most_urgent([each.exit_code for each in outcomes] + [each.exit_code for each in pushed]))


@dataclass(frozen=True, slots=True)
class _Work:
    """What one sync is to do.

    Attributes:
        given: push and yes, as on the command line.
    """

    names: Sequence[str]
    options: SyncOptions
    given: Mapping[str, bool]


def _sync(
    mirror: Mirror, work: _Work, emit: Callable[[Event], None], stopping: Callable[[], AbstractContextManager[None]]
) -> tuple[list[Outcome[SyncReport]], list[Outcome[PushReport]]]:
    """Pull, and push and pull again where asked to.

    Args:
        stopping: what a pull stops on.
    """
    pushed: list[Outcome[PushReport]] = []
    with stopping():
        outcomes = mirror.sync(work.names, work.options, deliver=False, emit=emit)
    if work.given["push"]:
        pushed = mirror.push(options=PushOptions(yes=work.given["yes"]), names=work.names, emit=emit)
    moved = [each.source for each in pushed if each.report is not None and any(map(_is_done, each.report.changes))]
    if moved:
        with stopping():
            later = mirror.sync(moved, SyncOptions(work.options.types), deliver=False, emit=emit)
        again = {each.source: each for each in later}
        outcomes = [_both(each, again[each.source]) if each.source in again else each for each in outcomes]
    return outcomes, pushed


def _round(mirror: Mirror, work: _Work, *, is_first: bool) -> None:
    """Sync once for those who watch: what went well is not worth a word any more after the first time."""
    with progress() as drawer:

        def talk(event: Event) -> None:
            if is_first or isinstance(event, Waiting):
                drawer.show(event)

        wanted = work if is_first else replace(work, options=SyncOptions(work.options.types))
        outcomes, pushed = _sync(mirror, wanted, talk, nullcontext)
    for each in outcomes:
        if is_first and isinstance(each.error, UsageError):  # waiting does not mend the settings
            raise each.error
    for line in (line for each in outcomes for line in _troubles(each)):
        say(line)
    for failed in (each for each in pushed if each.error is not None):
        say(f"{failed.source}: not pushed: {failed.error}")


def _is_done(change: PushedChange) -> bool:
    return change.is_done


def _both(first: Outcome[SyncReport], second: Outcome[SyncReport]) -> Outcome[SyncReport]:
    """Return two syncs of one source as one; what did not work in the first may have worked in the second."""
    before, after = first.report, second.report
    if before is None or after is None:
        return second
    report = replace(
        after,
        tally=before.tally + after.tally,
        requests=before.requests + after.requests,
        seconds=before.seconds + after.seconds,
        failed=tuple(dict.fromkeys([*before.failed, *after.failed])),
        refused=(*before.refused, *after.refused),
    )
    return Outcome(first.source, report)


def _push_document(source: str, pushed: Sequence[Outcome[PushReport]]) -> dict[str, object]:
    found = next((each for each in pushed if each.source == source), None)
    return {} if found is None else {"push": push_document(found)}


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
