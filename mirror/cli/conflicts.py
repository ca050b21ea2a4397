"""Commands that answer what contradicts the tracker: conflicts, resolve."""

from __future__ import annotations

import sys

import click

from mirror.api import Mirror, ShownChange
from mirror.cli.changes import source_option
from mirror.cli.differences import is_long, lines_of
from mirror.cli.options import Invocation, json_option, pass_invocation, settings_options
from mirror.cli.output import print_json, print_line, print_table, say
from mirror.cli.wording import document, outline, short, value_text
from mirror.errors import ConflictError, UsageError
from mirror.model.change import Action, State

_GONE = "gone"
_QUIT = "\0quit"  # nothing that anybody can type as a value
_HELP = {
    "local": "what is here is pushed",
    "remote": "what the tracker has is kept, the edit is dropped",
    "edit": "another value is written, and pushed",
    "skip": "this one waits, on to the next",
    "quit": "this one and all others wait",
}
_COLUMNS = ("record", "field", "base", "local", "remote", "why")


@click.command()
@source_option
@json_option
@settings_options
@pass_invocation
@click.pass_context
def conflicts(context: click.Context, invocation: Invocation, /, names: tuple[str, ...], *, as_json: bool) -> None:
    """List what was changed both here and on the tracker, with what was there before, what is here and what is there.

    Such a change waits until it is answered by `mirror resolve`; everything else is pushed meanwhile.

    \b
    Exit codes: 0 no conflict; 4 some wait.

    \b
    Examples:
      mirror conflicts
      mirror conflicts --source acme --json
    """
    with invocation.open() as mirror:
        found = mirror.conflicts(names)
    if as_json:
        print_json([document(each) for each in found])
    elif found:
        print_table(_COLUMNS, [_row(each) for each in found])
        say("answer them with: mirror resolve KEY [FIELD] --take local|remote|VALUE")
    else:
        say("no conflict waits")
    context.exit(ConflictError.exit_code if found else 0)


def _row(each: ShownChange) -> list[object]:
    about = each.change.field or each.change.action.value
    remote = _GONE if each.is_gone else short(each.remote) if each.knows_remote else None
    if each.change.action is not Action.UPDATE:
        return [each.label, about, None, outline(each), remote, each.change.reason]
    return [each.label, about, short(each.base), short(each.local), remote, each.change.reason]


@click.command()
@click.argument("key", metavar="[KEY]", required=False, default="")
@click.argument("field", metavar="[FIELD]", required=False, default="")
@click.option("--take", metavar="ANSWER", help="local, remote, or another value; see above.")
@json_option
@settings_options
@pass_invocation
def resolve(invocation: Invocation, /, key: str, field: str, *, take: str | None, as_json: bool) -> None:
    """Answer conflicts, and whatever else waits for a person.

    On a terminal without --take each is shown and asked about: those of the record KEY, or all. Whatever is not taken stays
    in `mirror log`.

    \b
    --take of a conflict, or of a change that was refused:
      local         what is here is pushed (once more)
      remote        what the tracker has is kept; the edit is dropped
      VALUE         this is pushed instead; FIELD must be given if several fields wait
    --take of something that was sent, never answered, and cannot be found out by reading the tracker:
      KEY or ID     the record that the creation made
      none          it made none: it is created again by the next push
      done, again   the operation or rank was done; is to be done again

    \b
    Exit codes: 0 answered; 2 nothing waits for an answer, or this is none; 4 conflicts are left after a dialogue.

    \b
    Examples:
      mirror resolve DE17 State --take remote
      mirror resolve DE17 Priority --take "High Attention"
      mirror resolve NEW-3 --take DE2041
      mirror resolve
    """
    with invocation.open() as mirror:
        if take is not None:
            _answer(mirror, (key, field), take, as_json=as_json)
            return
        if as_json:
            raise UsageError("--json is for answers that are given: add --take local|remote|VALUE")
        if not sys.stdin.isatty():
            raise UsageError("without a terminal say the answer: mirror resolve KEY [FIELD] --take local|remote|VALUE")
        _ask_for_each(mirror, key, field)


def _answer(mirror: Mirror, about: tuple[str, str], take: str, *, as_json: bool) -> None:
    if not about[0]:
        raise UsageError("say which record: mirror resolve KEY [FIELD] --take local|remote|VALUE")
    answered = mirror.resolve(about[0], take, about[1])
    if as_json:
        print_json([document(each) | {"taken": take} for each in answered])
    for each in () if as_json else answered:
        print_line(f"{each.label}: {each.change.field or each.change.action.value}: {_answered(each, take)}")


def _answered(each: ShownChange, take: str) -> str:
    """Return what an answer leads to."""
    word = take.lower()
    if each.change.state is State.UNKNOWN:
        return "the next push sends it again" if word in ("none", "again") else "taken as done"
    if word == "remote":
        kept = f" {short(each.remote)}" if each.knows_remote else ""
        return f"the tracker's{kept or ' state'} is kept, the edit is dropped"
    return f"{short(each.local) if word == 'local' else take}: the next push writes it".replace("nothing: ", "")


def _ask_for_each(mirror: Mirror, key: str, field: str) -> None:
    """Go through the conflicts on a terminal."""
    waiting = mirror.answerable(key, field)
    if not waiting:
        raise UsageError(f"nothing {f'about {key} ' if key else ''}waits for an answer")
    for each in waiting:
        _show(each)
        if not _ask(mirror, each):
            break
    if mirror.conflicts():
        raise ConflictError("conflicts are left; see: mirror conflicts")


def _ask(mirror: Mirror, each: ShownChange) -> bool:
    """Ask until there is an answer that can be taken, or none is wanted; return whether to go on with the next."""
    while (take := _asked(each)) is not None and take != _QUIT:
        try:
            mirror.answer(each, take)
        except UsageError as error:
            print_line(f"    {error}", colour="red")
        else:
            print_line(f"    {_answered(each, take)}")
            return True
    return take is None


def _show(each: ShownChange) -> None:
    print_line(f"{each.label}  {each.change.type_name}, {each.change.source}")
    for text, colour in lines_of(each):
        print_line(text, colour=colour)
    print_line(f"    {each.change.state}: {each.change.reason}", colour="yellow")


def _asked(each: ShownChange) -> str | None:
    """Return the answer that a person gives; None to leave it."""
    if each.change.state is State.UNKNOWN:
        known = f"{_expected(each)}; nothing to leave it"
        return _quit_or(click.prompt(f"  {known}, q to quit", default="", show_default=False) or None)
    can_be_edited = each.change.action is Action.UPDATE and not each.is_gone
    words = {"l": "local", "r": "remote", **({"e": "edit"} if can_be_edited else {}), "s": "skip", "q": "quit"}
    if each.is_gone:
        del words["l"]
    named = ", ".join(f"[{letter}]{word[1:]}" for letter, word in words.items())
    while (letter := click.prompt(f"  {named}, ? for help", type=click.Choice([*words, "?"]), show_choices=False)) == "?":
        for each_letter, word in words.items():
            print_line(f"    {each_letter}  {_HELP[word]}")
    if letter == "e":
        return _edited(each)
    return None if letter == "s" else _QUIT if letter == "q" else words[letter]


def _quit_or(said: str | None) -> str | None:
    return _QUIT if said == "q" else said


def _expected(each: ShownChange) -> str:
    if each.change.action in (Action.RANK, Action.OPERATE):
        return "was it done: done or again"
    return "the key of the record it made, or none" if each.change.action is Action.CREATE else "done or again"


def _edited(each: ShownChange) -> str | None:
    """Return the value that a person writes, a long one in their editor; None when they leave it as it is there."""
    local = "" if each.local is None else value_text(each.local)
    if is_long(each.local):
        edited = click.edit(local)
        return None if edited is None else edited.rstrip("\n")
    return str(click.prompt("  value", default=local))
