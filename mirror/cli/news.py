"""What happened on a tracker, printed as a line or as JSON, and handed to a command."""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import click

from mirror import Changes, Null, Record
from mirror.cli.errors import reader_went_away
from mirror.cli.output import as_json as in_json
from mirror.cli.output import print_line, readable
from mirror.cli.pace import duration
from mirror.cli.wording import apart
from mirror.model.happening import Happening

_STANDARD_ERROR = 2


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened.

    Attributes:
        changes: None unless it was changed.
        reason: why it is gone; "" unless it is.
    """

    happening: Happening
    record: Record
    changes: Changes | None
    reason: str


@dataclass(frozen=True, slots=True)
class Command:
    """What is run for each event.

    Attributes:
        text: as a shell would split it.
        seconds: how long it may take.
    """

    text: str
    seconds: float


def tell_event(event: Event, *, command: Command | None, as_json: bool) -> None:
    """Run the command, if there is one, and print what happened.

    Raises:
        ChildProcessError: the command cannot be run, has failed, or took too long and was ended.
    """
    line = json.dumps(_document(event), ensure_ascii=False, default=in_json)
    if command is not None:
        _run(command, line)
    try:
        if as_json:
            click.echo(line)
        else:
            print_line(_line(event))
    except BrokenPipeError:
        reader_went_away()


def _run(command: Command, line: str) -> None:
    """Run the command with the event on its standard input.

    In a session of its own, so that a Ctrl-C that ends us does not end it halfway.

    Raises:
        ChildProcessError: it cannot be run, has failed, or took too long and was ended.
    """
    words = shlex.split(command.text)
    try:
        child = subprocess.Popen(  # noqa: S603 - it is the user's own command
            words, stdin=subprocess.PIPE, encoding="utf-8", stdout=_STANDARD_ERROR, start_new_session=True
        )
    except OSError as error:
        raise ChildProcessError(f"{command.text}: {error.strerror}") from error
    with child:
        try:
            child.communicate(f"{line}\n", timeout=command.seconds)
        except BaseException as error:  # whatever it is, nobody waits for the command any more
            _end(child)
            if isinstance(error, subprocess.TimeoutExpired):
                said = f"{command.text} took more than {duration(command.seconds)} and was ended"
                raise ChildProcessError(said) from None
            raise
    if child.returncode:
        raise ChildProcessError(f"{command.text} ended with {child.returncode}")


def _end(child: subprocess.Popen[str]) -> None:
    """End a command, and whatever it has started."""
    if os.name == "posix":
        os.killpg(child.pid, signal.SIGKILL)
    else:
        child.kill()


def _document(event: Event) -> dict[str, object]:
    record = event.record
    document: dict[str, object] = {
        "happened": event.happening.value,
        "source": record.source,
        "type": record.type_name,
        "id": record.id,
        "key": record.key,
        "title": _title(record),
    }
    if event.changes is not None:
        pairs = event.changes.items()
        document["changes"] = {name: {"before": _plain(each.before), "after": _plain(each.after)} for name, each in pairs}
    return document | ({"reason": event.reason} if event.reason else {})


def _line(event: Event) -> str:
    record, said = event.record, event.reason if event.reason != Happening.DELETED.value else ""
    if event.changes is not None:
        said = "; ".join(_outlines(record, event.changes))
    title = readable(_title(record))
    return f"{event.happening.value}  {record.source}  {record.key}  {title}{f'  ({said})' if said else ''}".rstrip()


def _outlines(record: Record, changes: Changes) -> Iterator[str]:
    """Yield `State: Open -> Fixed` for the fields that people can set; the others follow from these."""
    for name, change in changes.items():
        described = record.layout.type.field(name)
        if described is not None and not described.read_only:
            yield f"{name}: {' -> '.join(apart(_text(change.before), _text(change.after)))}"


def _title(record: Record) -> str | None:
    name = record.layout.type.name_field
    return None if name is None else _plain_text(record[name])


def _plain_text(value: object) -> str | None:
    plain = _plain(value)
    return None if plain is None else str(plain)


def _text(value: object) -> str:
    plain = _plain(value)
    return ", ".join(readable(each) for each in plain) if isinstance(plain, list) else readable(plain)


def _plain(value: object) -> object:
    """Return a value as JSON has it: a record by the name that others show for it."""
    if isinstance(value, list):
        return [_plain(each) for each in value]
    if value is None or isinstance(value, Null):
        return None
    if isinstance(value, Record):
        return _title(value) or value.key
    is_data = isinstance(value, str | int | float | bool | Mapping)
    return value if is_data or hasattr(value, "isoformat") else str(value)
