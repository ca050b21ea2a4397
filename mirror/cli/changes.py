"""Commands that look at the queue and take changes back: changes, diff, discard, log."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

import click

from mirror.api import ShownChange, ShownEntry
from mirror.cli.differences import lines_of
from mirror.cli.options import Invocation, json_option, pass_invocation, settings_options
from mirror.cli.output import print_json, print_line, print_table, say
from mirror.cli.pace import ago
from mirror.cli.wording import document, outline, short, verb
from mirror.errors import UsageError
from mirror.model.change import End, State

USUAL_LIMIT = 50  # lines of the log that a person reads

source_option = click.option("--source", "names", multiple=True, metavar="NAME", help="Only this source. May be repeated.")

_ADVICE = {
    State.CONFLICT: "see: mirror conflicts",
    State.UNKNOWN: "was sent and never answered; mirror push finds out",
    State.SENT: "on its way",
    State.CAPTURED: "made by SQL",
}


@click.command()
@click.argument("keys", metavar="[KEY]…", nargs=-1)
@source_option
@json_option
@settings_options
@pass_invocation
def changes(invocation: Invocation, keys: tuple[str, ...], names: tuple[str, ...], as_json: bool) -> None:
    """List what was changed here and waits to be pushed: since when, in which state, and why it waits.

    All of it, or that of the records named. Edits made by SQL are checked first: what is wrong with one is said here.
    Asks only the database.

    \b
    States:
      ready           the next push sends it
      refused         by the tracker, or because it cannot be right
      conflict        changed on the tracker too; see: mirror conflicts
      sent, unknown   it may be on the tracker already; the next push finds out

    \b
    Examples:
      mirror changes
      mirror changes DE17 NEW-3
      mirror changes --source acme --json
    """
    with invocation.open() as mirror:
        found = mirror.changes(names) if not keys else [each for key in keys for each in mirror.diff(key, names)]
    if as_json:
        print_json([document(each) for each in found])
    elif not found:
        say("nothing waits to be pushed")
    else:
        _print_changes(found, datetime.now(UTC))


def _print_changes(found: Sequence[ShownChange], now: datetime) -> None:
    several = len({each.change.source for each in found}) > 1
    columns = ("record", "action", "field", "change", "state", "since", "why it waits")
    rows = [_row(each, now) for each in found]
    if several:
        rows = [[each.change.source, *row] for each, row in zip(found, rows, strict=True)]
    print_table(("source", *columns) if several else columns, rows)


def _row(each: ShownChange, now: datetime) -> list[object]:
    change = each.change
    since = None if change.made_at is None else ago(change.made_at, now)
    why = change.reason or _ADVICE.get(change.state, "")
    return [each.label, verb(each), change.field or None, outline(each), change.state, since, why]


@click.command()
@click.argument("key", metavar="[KEY]", required=False, default="")
@source_option
@json_option
@settings_options
@pass_invocation
def diff(invocation: Invocation, key: str, names: tuple[str, ...], as_json: bool) -> None:
    """Show what was changed here, value by value: what was there, what is here now, and what the tracker has if it differs.

    Of all records with changes, or of one. Long texts show as a unified diff.

    \b
    Examples:
      mirror diff
      mirror diff DE17
      mirror diff --json
    """
    with invocation.open() as mirror:
        found = mirror.diff(key, names)
    if as_json:
        print_json([document(each) for each in found])
        return
    if not found:
        say("nothing waits to be pushed")
    before = None
    for each in found:
        record = (each.change.source, each.change.type_name, each.change.record_id)
        if record != before:
            print_line(f"{each.label}  {each.change.type_name}, {each.change.source}")
        before = record
        _print_difference(each)


def _print_difference(each: ShownChange) -> None:
    change = each.change
    for text, colour in lines_of(each):
        print_line(text, colour=colour)
    if change.state is not State.READY:
        reason = change.reason or _ADVICE.get(change.state, "")
        print_line(f"    {change.state}{f': {reason}' if reason else ''}", colour="yellow")


@click.command()
@click.argument("key", metavar="[KEY]", required=False, default="")
@click.argument("field", metavar="[FIELD]", required=False, default="")
@click.option("--all", "everything", is_flag=True, help="Take back whatever waits, of all records.")
@json_option
@settings_options
@pass_invocation
def discard(invocation: Invocation, /, key: str, field: str, *, everything: bool, as_json: bool) -> None:
    """Take back changes: what was there before is shown again, and nothing of them is pushed.

    All changes of a record, or those of one FIELD; a comment, a file or a deletion is named by what it does: `comment`,
    `attach`, `delete`. Of a record that was created here (NEW-3) nothing is left; that is refused while others refer to it.
    What may be on the tracker already cannot be taken back: push first.

    \b
    Examples:
      mirror discard DE17
      mirror discard DE17 State
      mirror discard NEW-3
      mirror discard --all --json
    """
    if everything == bool(key):
        raise UsageError("say which record, as in `mirror discard DE17`, or --all")
    with invocation.open() as mirror:
        gone = mirror.discard(key, field)
        left = len(mirror.changes()) if everything else 0
    if as_json:
        print_json([document(each) for each in gone])
    for each in () if as_json else gone:
        print_line(f"{each.label}: discarded {_subject(each)}")
    if not gone:
        say("nothing was discarded")
    if left:
        say(f"{left} changes may be on the tracker already and stay; run: mirror push")


def _subject(each: ShownChange) -> str:
    """Return what a change is about and what it would have done: `State Open -> Fixed`."""
    change = each.change
    return " ".join(part for part in (change.field or verb(each), outline(each)) if part)


@click.command()
@click.argument("key", metavar="[KEY]", required=False, default="")
@source_option
@click.option(
    "--limit",
    type=click.IntRange(min=1),
    default=USUAL_LIMIT,
    show_default=True,
    metavar="N",
    help="At most N lines, the newest.",
)
@json_option
@settings_options
@pass_invocation
def log(invocation: Invocation, key: str, names: tuple[str, ...], limit: int, as_json: bool) -> None:
    """List what became of changes, newest first: who changed what to what, when, and how it ended.

    Of all records, or of one, which may be named as it was when it was created here (NEW-3).

    \b
    Outcomes:
      done        the tracker has it, and it was read back
      adopted     no answer came, but the tracker was found to have it
      already     the tracker had the same value before
      refused     by the tracker, in its words
      conflict    somebody had changed the same on the tracker
      unknown     no answer came
      unsent      an attempt that did not reach the tracker; it waits again
      discarded   taken back here
      overruled   a conflict was resolved for the tracker's value

    \b
    Examples:
      mirror log
      mirror log DE17 --limit 10
      mirror log --json
    """
    with invocation.open() as mirror:
        found = mirror.log(key, limit=limit, names=names)
    if as_json:
        print_json([_entry_document(each) for each in found])
    elif not found:
        say("nothing is logged")
    else:
        print_table(("when", "record", "action", "field", "change", "outcome", "by", "said"), _entry_rows(found))


def _entry_rows(found: Iterable[ShownEntry]) -> list[list[object]]:
    return [
        [
            each.entry.settled_at.replace(microsecond=0, tzinfo=None).isoformat(" "),
            each.shown.label,
            verb(each.shown),
            each.entry.change.field or None,
            _logged(each),
            each.entry.end,
            f"{each.entry.change.made_by} ({each.entry.change.via})",
            each.entry.words,
        ]
        for each in found
    ]


def _logged(each: ShownEntry) -> str:
    """Return what a change did, and what the tracker had instead where that decided."""
    is_theirs = each.shown.knows_remote and each.entry.end in (End.CONFLICT, End.OVERRULED)
    return outline(each.shown) + (f" (there: {short(each.shown.remote)})" if is_theirs else "")


def _entry_document(each: ShownEntry) -> dict[str, object]:
    entry = each.entry
    found = document(each.shown)
    del found["state"], found["reason"], found["id"]
    return found | {
        "change_id": entry.change.id,
        "temporary_id": entry.temporary_id,
        "outcome": entry.end,
        "words": entry.words,
        "revision": entry.revision,
        "settled_at": entry.settled_at,
    }
