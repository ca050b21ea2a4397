"""The command that tells what a record was: history. And the option that asks others of a past instant."""

from __future__ import annotations

from collections.abc import Iterator

import click

from mirror.api import FieldChange, Mirror, RecordVersion
from mirror.cli.options import Invocation, json_option, pass_invocation, settings_options
from mirror.cli.output import print_json, print_line, print_table, readable, say
from mirror.cli.wording import apart, plain, short
from mirror.errors import UsageError
from mirror.model.write import Target, Value

as_of_option = click.option(
    "--as-of",
    metavar="INSTANT",
    help="As the tracker had it then, such as 2026-03-01T09:30Z, or 2026-03-01 for its beginning (UTC).",
)


@click.command()
@click.argument("key", metavar="KEY", required=False)
@click.option("--prune", "before", metavar="INSTANT", help="Instead, forget for ever what ended before then.")
@click.option("--source", "names", multiple=True, metavar="NAME", help="With --prune: only of this source. May be repeated.")
@json_option
@settings_options
@pass_invocation
def history(
    invocation: Invocation, /, key: str | None, *, before: str | None, names: tuple[str, ...], as_json: bool
) -> None:
    """Tell what a record was: its versions, oldest first, each with what it changed. Asks only the database.

    KEY is what people call it, or called it before it was deleted. The history of a type is kept from the sync on that
    follows history = true in the settings of its source; of what was changed twice between two syncs only the last is known.
    What was changed here and is not pushed is no part of it: see mirror diff. Instants are UTC.

    With --prune the versions of all records that ended before an instant are deleted from the database, and counted. What
    was then and later can still be asked about.

    \b
    Examples:
      mirror history DE17
      mirror show DE17 --as-of 2026-03-01
      mirror history acme:S-01005 --json
      mirror history --prune 2025-01-01
    """
    if (key is None) == (before is None) or (names and before is None):
        raise UsageError("say whose history, as in mirror history DE17; or with --prune from when on it is to be known")
    if before is not None:
        _prune(invocation, before, names, as_json=as_json)
    elif key is not None:
        _tell(invocation, key, as_json=as_json)


def _prune(invocation: Invocation, before: str, names: tuple[str, ...], *, as_json: bool) -> None:
    with invocation.open() as mirror:
        found = mirror.prune_history(before, names)
    rows = [(source, name, count) for source, types in found.items() for name, count in types.items()]
    if as_json:
        print_json([dict(zip(("source", "type", "versions"), each, strict=True)) for each in rows])
        return
    print_table(("source", "type", "versions"), rows)
    say(f"{sum(row[2] for row in rows):,} versions are forgotten; their space is used again by what is stored next")


def _tell(invocation: Invocation, key: str, *, as_json: bool) -> None:
    with invocation.open() as mirror:
        versions = mirror.history(key)
        if as_json:
            print_json([_document(each) for each in versions])
            return
        _say_since(mirror, versions[0])
        for each in versions:
            print_line(f"{readable(each.valid_from)}  {_heading(each, is_first=each is versions[0])}")
            for line in _lines(each):
                print_line(f"  {line}")
        if versions[-1].valid_to is not None:
            print_line(f"{readable(versions[-1].valid_to)}  gone")


def _say_since(mirror: Mirror, first: RecordVersion) -> None:
    since = mirror[first.source].history_since(first.type_name)
    if since is not None and first.valid_from < since:
        say(f"history of {first.type_name} in {first.source} is kept since {readable(since)}")


def _heading(version: RecordVersion, *, is_first: bool) -> str:
    if is_first:
        return f"{version.label} was so at the latest"
    if version.is_back:
        return "came back"
    return "changed" if version.changes else "changed, but no field that is mirrored"


def _lines(version: RecordVersion) -> Iterator[str]:
    width = max((len(each.field) for each in version.changes), default=0)
    for each in version.changes:
        yield f"{each.field.ljust(width)}  {_outline(each)}"


def _outline(change: FieldChange) -> str:
    before, after = change.before, change.after
    if not isinstance(before, tuple) or not isinstance(after, tuple):
        return " -> ".join(apart(_single(before), _single(after)))
    gone = [f"- {short(each)}" for each in before if _identity(each) not in map(_identity, after)]
    new = [f"+ {short(each)}" for each in after if _identity(each) not in map(_identity, before)]
    return "  ".join([*gone, *new]) or "in another order, or under other names"


def _single(value: Value | tuple[Value, ...]) -> Value:
    return None if isinstance(value, tuple) else value


def _identity(item: Value) -> object:
    return (item.type_name, item.id) if isinstance(item, Target) else item


def _document(version: RecordVersion) -> dict[str, object]:
    return {
        "source": version.source,
        "type": version.type_name,
        "id": version.id,
        "key": version.label,
        "from": version.valid_from,
        "to": version.valid_to,
        "revision": version.revision,
        "is_back": version.is_back,
        "changes": [
            {"field": each.field, "before": _values(each.before), "after": _values(each.after)} for each in version.changes
        ],
    }


def _values(value: Value | tuple[Value, ...]) -> object:
    return [plain(each) for each in value] if isinstance(value, tuple) else plain(value)
