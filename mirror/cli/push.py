"""The command that writes to the trackers what was changed here: push."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

import click

from mirror.api import Outcome, PlannedStep, PushedChange, PushOptions, PushReport
from mirror.cli.options import Invocation, json_option, pass_invocation, settings_options
from mirror.cli.output import print_json, print_line, print_table, say
from mirror.cli.progress import progress
from mirror.cli.wording import document, outline, verb
from mirror.errors import ConflictError, MirrorError
from mirror.model.change import Action, State

_URGENT = (MirrorError.exit_code, 2, 5, 6, 3, ConflictError.exit_code)
"""Exit codes, the most urgent first: what keeps a whole run from its work, then what was not written, then what waits."""


@click.command()
@click.argument("keys", metavar="[KEY]…", nargs=-1)
@click.option("--source", "names", multiple=True, metavar="NAME", help="Only this source. May be repeated.")
@click.option("--dry-run", is_flag=True, help="Show what would be done, and write nothing to a tracker.")
@click.option("--yes", is_flag=True, help="Push also more changes than push_cap in mirror.toml.")
@json_option
@settings_options
@pass_invocation
@click.pass_context
def push(
    context: click.Context,
    invocation: Invocation,
    /,
    keys: tuple[str, ...],
    names: tuple[str, ...],
    **given: bool,
) -> None:
    """Write to the trackers what was changed here: everything that waits, or the changes of the records named.

    Each record is read first; what somebody else changed meanwhile is merged by field, and a field that both sides changed
    waits as a conflict while the rest goes out. Everything that was written is read back. What a record cannot do without
    goes with it: a story that was created here before its task. May be stopped at any moment: what was sent is looked for by
    the next push, and never sent twice on hope.

    --dry-run shows the writes in order with the calls they make, and ends as the push would as far as that can be foreseen.
    It reads from the trackers to show merges and conflicts, and leaves the queue as it is.

    \b
    Exit codes: 0 all is done; 3 the tracker refused something, is unreachable, or something waits (the list says what and
    why); 4 only conflicts wait; 6 more changes than push_cap, nothing was sent. Of several the most urgent: 6, 3, 4.

    \b
    Examples:
      mirror push --dry-run
      mirror push
      mirror push DE17 NEW-3
      mirror push --source acme --json
    """
    options = PushOptions(dry_run=given["dry_run"], yes=given["yes"])
    with invocation.open() as mirror, progress() as drawer:
        outcomes = mirror.push(keys, options, names=names, emit=drawer.show)
    if given["as_json"]:
        print_json([push_document(each) for each in outcomes])
    elif given["dry_run"]:
        for each in outcomes:
            _print_plan(each)
    else:
        print_pushed(outcomes)
    context.exit(most_urgent(each.exit_code for each in outcomes))


def most_urgent(codes: Iterable[int]) -> int:
    """Return the exit code for several runs that have these."""
    found = set(codes)
    return next((each for each in _URGENT if each in found), 0)


def print_pushed(outcomes: Sequence[Outcome[PushReport]]) -> None:
    """Print a line for each change, and what is to be said of each source."""
    changed = [each for each in outcomes if each.report is not None and each.report.changes]
    several = len(changed) > 1
    rows = [
        [*([each.source] if several else []), *_row(change)]
        for each in changed
        if each.report is not None
        for change in each.report.changes
    ]
    columns = ("record", "action", "field", "change", "outcome", "words")
    if rows:
        print_table(("source", *columns) if several else columns, rows)
    for each in outcomes:
        for line in _summary(each):
            say(line)


def _row(each: PushedChange) -> list[object]:
    change = each.shown.change
    return [each.shown.label, verb(each.shown), change.field or None, outline(each.shown), each.outcome, each.words]


def _summary(outcome: Outcome[PushReport]) -> list[str]:
    report = outcome.report
    if report is None:
        return [f"{outcome.source}: not pushed: {outcome.error}"]
    if not report.changes:
        return [f"{outcome.source}: nothing waits to be pushed"]
    counts = Counter(each.outcome for each in report.changes)
    lines = [f"{outcome.source}: {', '.join(f'{count:,} {word}' for word, count in counts.items())}"]
    if report.paused:
        lines.append(f"{outcome.source}: paused, what was not sent is kept: {report.paused}")
    if counts["conflict"]:
        lines.append(f"{outcome.source}: see the conflicts with mirror conflicts, answer them with: mirror resolve")
    return lines


def _print_plan(outcome: Outcome[PushReport]) -> None:
    report = outcome.report
    if report is None:
        say(f"{outcome.source}: not planned: {outcome.error}")
        return
    if not report.plan:
        say(f"{outcome.source}: nothing is to be sent")
    for number, step in enumerate(report.plan, 1):
        _print_step(outcome.source, number, step)
    for each in report.changes:
        if not any(each.shown.change.id == one.change.id for step in report.plan for one in step.changes):
            field = each.shown.change.field or each.shown.change.action
            words = f", {each.words}" if each.words else ""
            stays = "stays" if each.outcome in tuple(State) else "is not sent"
            print_line(f"{outcome.source}: {stays}: {each.shown.label} {field}: {each.outcome}{words}")
    for note in report.notes:
        say(f"{outcome.source}: {note}")


def _print_step(source: str, number: int, step: PlannedStep) -> None:
    after = f" (after {', '.join(str(each + 1) for each in step.after)})" if step.after else ""
    print_line(f"{source}: {number}. {step.action} {step.type_name} {step.label}{after}")
    for each in step.changes:
        if each.change.action is not Action.CREATE:
            print_line(f"     {each.change.field or verb(each)}: {outline(each)}")
    for call in step.calls:
        print_line(f"     > {call}")


def push_document(outcome: Outcome[PushReport]) -> dict[str, object]:
    """Return what a push did, or would do, for JSON."""
    found: dict[str, object] = {"source": outcome.source, "exit_code": outcome.exit_code}
    if outcome.error is not None:
        found["error"] = str(outcome.error)
    report = outcome.report
    if report is None:
        return found
    found |= {"requests": report.requests, "seconds": round(report.seconds, 3), "paused": report.paused or None}
    found["changes"] = [document(each.shown) | {"outcome": each.outcome, "words": each.words} for each in report.changes]
    if report.is_dry:
        found["plan"] = [_step_document(each) for each in report.plan]
        found["notes"] = report.notes
    return found


def _step_document(step: PlannedStep) -> dict[str, object]:
    return {
        "key": step.label,
        "type": step.type_name,
        "action": step.action,
        "after": step.after,
        "changes": [each.change.id for each in step.changes],
        "calls": step.calls,
    }
