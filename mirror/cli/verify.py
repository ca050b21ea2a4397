"""The command that compares the mirror with the trackers: verify."""

from __future__ import annotations

from collections.abc import Sequence

import click

from mirror.api import USUAL_SAMPLE, Outcome, VerifyOptions, VerifyReport
from mirror.cli.errors import stopping_at_once
from mirror.cli.footprint import keep_memory_flat
from mirror.cli.options import Invocation, json_option, pass_invocation, settings_options
from mirror.cli.output import print_json, print_line, print_table, readable, say
from mirror.cli.pace import subject
from mirror.cli.progress import progress
from mirror.errors import UsageError
from mirror.model.page import Fate
from mirror.model.verification import Difference, Drift, Drifted, Verification

LISTED_AT_MOST = 50  # records, for people; --json has all
SHOWN_VALUE = 24  # characters of a value in the list
SHOWN_DIFFERENCES = 3  # of a record in the list

_NUMBERS = ("records", "missing", "stale", "surplus", "sampled", "differing")
_FATES = {
    Fate.PRESENT: "can be read, but is not listed any more",
    Fate.DELETED: "deleted there",
    Fate.MERGED: "merged into another",
    Fate.NO_ACCESS: "no access any more",
    Fate.OUT_OF_SCOPE: "moved out of scope",
}


def _sample(_context: click.Context, _parameter: click.Parameter, value: str) -> int | None:
    """Return the number of records to compare whole; None for all."""
    if value.lower() == "all":
        return None
    if not value.isdecimal():
        raise click.BadParameter("say a number, 0 for none, or all")
    return int(value)


@click.command()
@click.argument("names", metavar="[SOURCE]…", nargs=-1)
@click.option("--type", "types", multiple=True, metavar="TYPE", help="Only this type. May be repeated.")
@click.option(
    "--sample",
    default=str(USUAL_SAMPLE),
    show_default=True,
    metavar="N",
    callback=_sample,
    help="Compare so many records of each type whole, value by value; 0 for none, or all.",
)
@click.option("--seed", type=int, metavar="N", help="Draw the same sample as the run that printed this number.")
@click.option("--repair", is_flag=True, help="Read and store again whatever has drifted, as a sync would.")
@click.option("--allow-mass-delete", is_flag=True, help="With --repair: delete even a large share of a type.")
@click.option("--all", "everything", is_flag=True, help="Show every type in the table, not only those with drift.")
@json_option
@settings_options
@pass_invocation
@click.pass_context
def verify(
    context: click.Context,
    invocation: Invocation,
    /,
    names: tuple[str, ...],
    types: tuple[str, ...],
    sample: int | None,
    seed: int | None,
    **given: bool,
) -> None:
    """Compare the mirror with the trackers, and print the drift: as numbers by type and as a list of records.

    Identity and revision of every record are compared, and a random sample of whole records, value by value, links included.
    Drift is a record that is missing here, stale (another revision), surplus (gone there), or differing (a value differs in
    the same revision). What changed on the tracker after the last sync is drift too, and told apart where it carries a time.
    Nothing is changed unless --repair is given, and a sync may run meanwhile.

    \b
    Exit codes: 0 no drift, or all of it repaired; 3 drift is left, or a part could not be compared (the list says which),
    or a type named by --type is not mirrored yet; 6 a repair would have deleted too much.

    \b
    Examples:
      mirror verify
      mirror verify acme --type Defect --sample all
      mirror verify --repair
      mirror verify --json > drift.json
    """
    if given["allow_mass_delete"] and not given["repair"]:
        raise UsageError("--allow-mass-delete only says how to repair; add --repair")
    options = VerifyOptions(types, sample, seed, repair=given["repair"], allow_mass_delete=given["allow_mass_delete"])
    keep_memory_flat()
    with stopping_at_once(), invocation.open() as mirror, progress() as drawer:
        outcomes = mirror.verify(names, options, emit=drawer.show)
    if given["as_json"]:
        print_json([_document(each) for each in outcomes])
    else:
        for each in outcomes:
            _print_outcome(each, options, everything=given["everything"])
    context.exit(max(each.exit_code for each in outcomes))


def _print_outcome(outcome: Outcome[VerifyReport], options: VerifyOptions, *, everything: bool) -> None:
    report = outcome.report
    if report is None:
        say(f"{outcome.source}: not verified: {outcome.error}")
        return
    print_line(f"{outcome.source}: {_summary(report)}")
    shown = [each for each in report.types if everything or each.drift_count]
    if shown:
        print_table(("type", *_NUMBERS), [[each.type_name, *_numbers(each)] for each in shown])
    if report.drifted:
        print_line()
        _print_drifted(report.drifted, repaired=options.repair)
    for line in _troubles(report):
        say(f"{outcome.source}: {line}")


def _summary(report: VerifyReport) -> str:
    """Return the one line that says it all."""
    if not report.types:
        return "nothing was compared"
    records, sampled = (sum(getattr(each, name) for each in report.types) for name in ("records", "sampled"))
    compared = f"{len(report.types)} types, {records:,} records compared, {sampled:,} sampled (seed {report.seed})"
    if report.drifted:
        return f"{compared}: {_verdict(report.drifted)}"
    return f"{compared}: {'no drift in what was compared' if report.failed else 'no drift'}"


def _verdict(drifted: Sequence[Drifted]) -> str:
    new = sum(each.is_new is True for each in drifted)
    older = sum(each.is_new is False for each in drifted)
    parts = [f"{len(drifted):,} drifted"]
    parts += [f"{new:,} of them changed since the last sync"] if new else []
    parts += [f"{older:,} before it"] if older else []
    repaired = sum(each.repaired for each in drifted)
    if repaired:
        parts.append("all repaired" if repaired == len(drifted) else f"{repaired:,} repaired")
    return ", ".join(parts)


def _print_drifted(drifted: Sequence[Drifted], *, repaired: bool) -> None:
    columns = ["type", "key", "id", "what", "changed", "since sync", "detail", *(["repaired"] if repaired else [])]
    rows = []
    for each in drifted[:LISTED_AT_MOST]:
        row = [each.type_name, each.key, each.id, each.drift, each.changed_at, each.is_new, _detail(each)]
        rows.append([*row, each.repaired] if repaired else row)
    print_table(columns, rows)
    if len(drifted) > LISTED_AT_MOST:
        print_line(f"and {len(drifted) - LISTED_AT_MOST:,} more; --json lists all")


def _detail(each: Drifted) -> str:
    if each.note:
        return each.note
    if each.drift is Drift.SURPLUS:
        return _FATES.get(each.fate or Fate.UNKNOWN, "gone there, it does not say why")
    texts = [_difference(one) for one in each.differences[:SHOWN_DIFFERENCES]]
    left = len(each.differences) - len(texts)
    return "; ".join([*texts, f"{left} more"] if left else texts)


def _difference(one: Difference) -> str:
    name = one.name.rpartition("__")[2] or one.name  # of a link table only the field
    return f"{name}: {_short(one.here)} here, {_short(one.there)} there"


def _short(value: object) -> str:
    listed = ", ".join(map(readable, value)) if isinstance(value, list) else readable(value)
    text = "nothing" if value is None or value == [] else listed
    return text if len(text) <= SHOWN_VALUE else text[: SHOWN_VALUE - 1] + "…"


def _troubles(report: VerifyReport) -> list[str]:
    """Return a line for everything that is not as it should be, drift apart."""
    lines = [f"incomplete: {subject(each.type_name)} ({each.phase}): {each.reason}" for each in report.failed]
    lines += [f"refused: {each}" for each in report.refused]
    if report.not_loaded:
        lines.append(f"not mirrored yet: {', '.join(report.not_loaded)}; run: mirror sync {report.source}")
    return lines


def _numbers(each: Verification) -> list[int]:
    return [getattr(each, name) for name in _NUMBERS]


def _document(outcome: Outcome[VerifyReport]) -> dict[str, object]:
    document: dict[str, object] = {"source": outcome.source, "exit_code": outcome.exit_code}
    if outcome.error is not None:
        document["error"] = str(outcome.error)
    report = outcome.report
    if report is None:
        return document
    return document | {
        "seed": report.seed,
        "requests": report.requests,
        "seconds": round(report.seconds, 3),
        "types": [
            {"type": each.type_name}
            | dict(zip(_NUMBERS, _numbers(each), strict=True))
            | {"repaired": each.repaired, "verified_at": each.verified_at}
            for each in report.types
        ],
        "drift": [_drifted_document(each) for each in report.drifted],
        "not_mirrored": report.not_loaded,
        "incomplete": [{"type": each.type_name, "phase": each.phase, "reason": each.reason} for each in report.failed],
        "refused": [{"type": each.type_name, "vanished": each.vanished, "known": each.known} for each in report.refused],
    }


def _drifted_document(each: Drifted) -> dict[str, object]:
    return {
        "type": each.type_name,
        "key": each.key,
        "id": each.id,
        "what": each.drift,
        "changed_at": each.changed_at,
        "since_last_sync": each.is_new,
        "fate": each.fate,
        "note": each.note,
        "repaired": each.repaired,
        "differences": [{"name": one.name, "here": one.here, "there": one.there} for one in each.differences],
    }
