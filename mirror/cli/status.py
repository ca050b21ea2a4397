"""The command that says how the mirror is: status."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import click

from mirror.api import SourceStatus, TypeStatus
from mirror.cli.options import Invocation, json_option, pass_invocation, settings_options
from mirror.cli.output import print_json, print_line, print_table
from mirror.cli.pace import ago, subject
from mirror.cli.watchers import is_forgotten
from mirror.model.change import State
from mirror.model.verification import Drift, Verification

DRIFTS = tuple(Drift)

# What does not get on by itself, the worst first: what it is, and what to do.
_STUCK = {
    State.CONFLICT: ("in conflict with the tracker", "see: mirror conflicts, then mirror resolve"),
    State.REFUSED: ("refused", "see: mirror changes, then mirror set or mirror discard"),
    State.UNKNOWN: ("sent and never answered", "mirror push finds out"),
    State.SENT: ("on the way, or broken off", "mirror push finds out"),
}


@click.command()
@click.argument("names", metavar="[SOURCE]…", nargs=-1)
@click.option("--source", "more", multiple=True, metavar="NAME", help="The same as naming it. May be repeated.")
@json_option
@settings_options
@pass_invocation
def status(invocation: Invocation, /, names: tuple[str, ...], *, more: tuple[str, ...], as_json: bool) -> None:
    """Say what is stuck, what waits to be pushed or told, and of each type how fresh it is, its rows, and if it drifts.

    Asks only the database. A type is as fresh as its newest guarantee: the beginning of the last sync that left nothing of
    it out, or of a verification that found it in line. Whatever had changed on the tracker before then is here.

    \b
    Examples:
      mirror status
      mirror status acme --json
    """
    with invocation.open() as mirror:
        found = [mirror.status(each.name) for each in mirror.chosen((*names, *more))]
    if as_json:
        print_json([_status_document(each) for each in found])
        return
    for each in found:
        _print_status(each, datetime.now(UTC))


def _print_status(source: SourceStatus, now: datetime) -> None:
    for line in (*_stuck(source), *_waiting(source), *_forgotten(source, now)):
        print_line(f"{source.name}: {line}")
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


def _forgotten(source: SourceStatus, now: datetime) -> Iterator[str]:
    for each in source.watchers:
        if is_forgotten(each, now):
            what = f"{_counted(each.waiting, 'event')}, the first found out {ago(each.oldest or now, now)}"
            yield f"watcher {each.name} was not told of {what}; see: mirror watchers"


def _stuck(source: SourceStatus) -> Iterator[str]:
    for state, (words, command) in _STUCK.items():
        count = source.waiting.get(state, 0)
        if count:
            yield f"STUCK: {_counted(count, 'change')} {words}; {command}"
    for watcher in (each for each in source.watchers if each.failing):
        what = f"{_counted(watcher.failing, 'event')}: {watcher.said}"
        yield f"STUCK: watcher {watcher.name} could not be told of {what}; see: mirror watchers"
    for failure in source.failures:
        yield f"STUCK: {subject(failure.type_name)} ({failure.phase}): {failure.reason}"
    for each in source.types:
        if each.quarantined:
            yield f"STUCK: {each.type_name}: {each.quarantined} records could not be mapped, see mirror_quarantine"


def _waiting(source: SourceStatus) -> Iterator[str]:
    ready = source.waiting.get(State.READY, 0)
    captured = source.waiting.get(State.CAPTURED, 0)
    if ready:
        verb = "waits" if ready == 1 else "wait"
        yield f"{_counted(ready, 'change')} {verb} to be pushed; see: mirror changes, mirror push"
    if captured:
        yield f"{_counted(captured, 'edit')} made by SQL and not checked yet; see: mirror changes"


def _counted(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def _status_row(each: TypeStatus, now: datetime) -> list[object]:
    fresh = None if each.fresh_at is None else ago(each.fresh_at, now)
    verified = None if each.verified is None else f"{ago(each.verified.verified_at, now)}: {_result(each.verified)}"
    return [
        each.type_name, each.table, each.rows, each.tombstones, each.quarantined, fresh, each.watermark, verified, each.state
    ]  # fmt: skip


def _status_document(source: SourceStatus) -> dict[str, object]:
    return {
        "source": source.name,
        "changes": {state.value: count for state, count in source.waiting.items()},
        "stuck": [{"type": each.type_name, "phase": each.phase, "reason": each.reason} for each in source.failures],
        "watchers": [
            {name: getattr(each, name) for name in ("name", "waiting", "failing", "said", "oldest")}
            for each in source.watchers
        ],
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
