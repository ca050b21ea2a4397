"""Commands that edit: set, new, delete, comment, attach, link, unlink, rank, do. They fill the queue; nothing is sent."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import click

from mirror.api import Edited, Mirror
from mirror.cli.options import Invocation, json_option, pass_invocation, settings_options
from mirror.cli.output import print_json, print_line, say
from mirror.cli.wording import document, outline, verb
from mirror.errors import UsageError
from mirror.model.change import Via
from mirror.model.write import Place

_STDIN = "-"


@click.command("set")
@click.argument("words", metavar="KEY… FIELD=VALUE…", nargs=-1, required=True)
@json_option
@settings_options
@pass_invocation
def set_(invocation: Invocation, words: tuple[str, ...], as_json: bool) -> None:
    """Change fields of a record, or the same fields of several records. Nothing is sent before `mirror push`.

    KEY is what people call a record: US123, S-01005, ticket/17, Defect:17, NEW-3, and SOURCE:KEY where that is ambiguous.
    FIELD is the tracker's name, its display name or the name of its column, in any case; `c_` and `Custom_` may be left out.
    Everything is checked at once against the mirrored catalogue: when anything is wrong, nothing is queued.

    \b
    VALUE:
      text, numbers   as they are; an empty value clears the field
      yes/no          also true/false, 1/0
      a day           2026-03-01
      an instant      2026-03-01T09:30Z; one without a zone is in that of your Rally profile, elsewhere UTC
      another record  its name, its key, its id, TYPE:ID, or NEW-3
    Fields that hold many take += and -=, once for each item; see also `mirror link`.

    \b
    Examples:
      mirror set DE17 State=Fixed "Owner=Ann Able"
      mirror set US1 US2 US3 Release="Spring 2026" Tags+=urgent
      mirror set ticket/17 "CF.{Severity}=high" Due=2026-03-01T17:00
      mirror set acme:S-01005 Estimate=
    """
    keys, values = _parted(words)
    with _editing(invocation) as mirror:
        _tell(mirror.set_all(keys, values), as_json=as_json)


@click.command("new")
@click.argument("type_name", metavar="TYPE")
@click.argument("values", metavar="FIELD=VALUE…", nargs=-1)
@json_option
@settings_options
@pass_invocation
def new(invocation: Invocation, type_name: str, values: tuple[str, ...], as_json: bool) -> None:
    """Create a record, and print its temporary key. Nothing is sent before `mirror push`.

    The key, such as NEW-3, can be used at once, also as a reference from other records; after the push it still leads to
    the record. TYPE is the tracker's name of the type, in any case, as SOURCE:TYPE where several sources have it. Values
    are as for `mirror set`. Required fields must be given, but for those that trackers fill themselves: states and
    choices, booleans, numbers.

    \b
    Examples:
      mirror new Defect Name="Login fails" State=Submitted Tags+=urgent
      mirror new Task Name="Find out why" WorkProduct=NEW-3
      key=$(mirror new acme:Story Name=Search Scope="Call Center")
      mirror new ticket Queue=Support Subject="It is down" Requestor+=ann
    """
    with _editing(invocation) as mirror:
        made = mirror.new(type_name, values)
        if not as_json:
            print_line(made.label)
        _tell([made], as_json=as_json)


@click.command("delete")
@click.argument("keys", metavar="KEY…", nargs=-1, required=True)
@json_option
@settings_options
@pass_invocation
def delete(invocation: Invocation, keys: tuple[str, ...], as_json: bool) -> None:
    """Delete records: all of those named, or none when one of them cannot be.

    They leave their tables at once, and the tracker with `mirror push`; until then `mirror discard KEY` brings them back.
    One that was created here and not pushed leaves no trace.

    \b
    Examples:
      mirror delete DE17
      mirror delete TA5 TA6 NEW-3
    """
    with _editing(invocation) as mirror:
        _tell(mirror.delete(*keys), as_json=as_json)


@click.command("comment")
@click.argument("key", metavar="KEY")
@click.argument("text", metavar="TEXT")
@click.option("--reply", is_flag=True, help="Answer those who asked, where the tracker tells that from a comment (RT).")
@json_option
@settings_options
@pass_invocation
def comment(invocation: Invocation, key: str, text: str, reply: bool, as_json: bool) -> None:
    """Add a comment to a record; `-` reads the text from standard input. Nothing is sent before `mirror push`.

    \b
    Examples:
      mirror comment DE17 "Cannot be reproduced on build 1207"
      mirror comment ticket/17 --reply - < answer.txt
    """
    said = sys.stdin.read() if text == _STDIN else text
    with _editing(invocation) as mirror:
        _tell([mirror.comment(key, said, reply=reply)], as_json=as_json)


@click.command("attach")
@click.argument("key", metavar="KEY")
@click.argument("file", metavar="FILE", type=click.Path(path_type=Path))
@click.option("--name", metavar="NAME", help="What the tracker is to call the file; else its own name.")
@click.option("--type", "content_type", metavar="TYPE", help="Content type, such as image/png; else what the name tells.")
@json_option
@settings_options
@pass_invocation
def attach(
    invocation: Invocation, /, key: str, file: Path, name: str | None, content_type: str | None, *, as_json: bool
) -> None:
    """Attach a file to a record. Its content is kept in the database until `mirror push` has sent it.

    \b
    Examples:
      mirror attach DE17 screenshot.png
      mirror attach ticket/17 /tmp/1 --name trace.log --type text/plain
    """
    with _editing(invocation) as mirror:
        _tell([mirror.attach(key, file, name=name, content_type=content_type)], as_json=as_json)


@click.command("link")
@click.argument("key", metavar="KEY")
@click.argument("field", metavar="FIELD")
@click.argument("items", metavar="ITEM…", nargs=-1, required=True)
@json_option
@settings_options
@pass_invocation
def link(invocation: Invocation, /, key: str, field: str, items: tuple[str, ...], *, as_json: bool) -> None:
    """Add items to a field that holds many: records by name, key or id, or plain values.

    \b
    Examples:
      mirror link DE17 Tags urgent "needs a test"
      mirror link S-01005 Owners "Ann Able"
      mirror link ticket/17 DependsOn ticket/12
    """
    with _editing(invocation) as mirror:
        _tell([mirror.link(key, field, *items)], as_json=as_json)


@click.command("unlink")
@click.argument("key", metavar="KEY")
@click.argument("field", metavar="FIELD")
@click.argument("items", metavar="ITEM…", nargs=-1, required=True)
@json_option
@settings_options
@pass_invocation
def unlink(invocation: Invocation, /, key: str, field: str, items: tuple[str, ...], *, as_json: bool) -> None:
    """Take items out of a field that holds many.

    \b
    Examples:
      mirror unlink DE17 Tags urgent
      mirror unlink ticket/17 DependsOn ticket/12
    """
    with _editing(invocation) as mirror:
        _tell([mirror.unlink(key, field, *items)], as_json=as_json)


@click.command("rank")
@click.argument("key", metavar="KEY")
@click.argument("place", metavar="PLACE", type=click.Choice([each.value for each in Place]))
@click.argument("other", metavar="[OTHER]", required=False)
@json_option
@settings_options
@pass_invocation
def rank(invocation: Invocation, /, key: str, place: str, other: str | None, *, as_json: bool) -> None:
    """Move a record in the order of its list: above or below another one, to the top or to the bottom.

    \b
    Examples:
      mirror rank US12 above US7
      mirror rank S-01005 below S-01002
      mirror rank DE17 top
    """
    with _editing(invocation) as mirror:
        _tell([mirror.rank(key, place, other)], as_json=as_json)


@click.command("do")
@click.argument("key", metavar="KEY")
@click.argument("operation", metavar="OPERATION")
@click.argument("arguments", metavar="[NAME=VALUE]…", nargs=-1)
@json_option
@settings_options
@pass_invocation
def do(invocation: Invocation, /, key: str, operation: str, arguments: tuple[str, ...], *, as_json: bool) -> None:
    """Have the tracker do one of its own operations with a record, at the next `mirror push`.

    Which there are depends on the tracker and the type; a wrong one is answered with those that there are. So it is with
    arguments, where the tracker tells them; a record is named there as everywhere, also by its temporary key.

    \b
    Examples:
      mirror do S-01005 QuickClose
      mirror do ticket/17 take
      mirror do ticket/17 merge into=ticket/12
    """
    with _editing(invocation) as mirror:
        _tell([mirror.do(key, operation, dict(map(_argument, arguments)))], as_json=as_json)


def _editing(invocation: Invocation) -> Mirror:
    mirror = invocation.open()
    mirror.via = Via.CLI
    return mirror


def _parted(words: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return the keys, and the assignments that follow them."""
    first = next((place for place, each in enumerate(words) if "=" in each), len(words))
    if first == 0:
        raise UsageError("say what to set them of: mirror set KEY Field=Value")
    if first == len(words):
        raise UsageError(f"say what to set of {words[0]}: mirror set {words[0]} Field=Value")
    return list(words[:first]), list(words[first:])


def _argument(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise UsageError(f"{text!r} is not name=value")
    return name, value


def _tell(edited: Sequence[Edited], *, as_json: bool) -> None:
    """Say what waits now and what comes next; as data where that is asked for."""
    if as_json:
        print_json([_document(each) for each in edited])
    for each in edited:
        say(_sentence(each))
    waiting = [each.label for each in edited if each.changes]
    if waiting:
        say(f"next: mirror diff{'' if len(waiting) > 1 else f' {waiting[0]}'}, mirror push")


def _sentence(edited: Edited) -> str:
    if not edited.changes and edited.record_id < 0:
        return f"{edited.label}: its creation is taken back, and nothing of it is left"
    if not edited.changes and edited.had_changes:
        return (
            f"{edited.label}: that is what the tracker has, so nothing waits for it any more; see: mirror log {edited.label}"
        )
    if not edited.changes:
        return f"{edited.label}: this changes nothing that the tracker has"
    told = (f"{each.change.field or verb(each)} {outline(each)}".strip() for each in edited.changes)
    return f"{edited.label} waits to be pushed: {'; '.join(told)}"


def _document(edited: Edited) -> dict[str, object]:
    return {
        "source": edited.source,
        "type": edited.type_name,
        "record_id": edited.record_id,
        "key": edited.label,
        "changes": [document(each) for each in edited.changes],
    }
