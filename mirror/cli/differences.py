"""Draws what a change changes: short values in a line, long ones as a unified diff."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator

from mirror.api import ShownChange
from mirror.cli.wording import value_text, verb
from mirror.model.change import Action
from mirror.model.write import Value

LONG = 60  # characters from which on a text is shown as a diff

Line = tuple[str, str | None]
"""(text, colour); None for no colour."""

_MARKS = {"+": "green", "-": "red", "@": "cyan"}
# Where a long line, such as HTML without any line ends, is best taken apart: between tags, and behind a sentence.
_JOINTS = re.compile(r"(?<=>)(?=<)|(?<=[.!?;]) ")


def lines_of(shown: ShownChange) -> Iterator[Line]:
    """Yield the lines that show what is different about one field, item, or whatever else the change is about."""
    match shown.change.action:
        case Action.UPDATE:
            yield from _update(shown)
        case Action.LINK:
            yield (f"  + {shown.change.field}: {value_text(shown.local)}", "green")
        case Action.UNLINK:
            yield (f"  - {shown.change.field}: {value_text(shown.base)}", "red")
        case Action.CREATE:
            yield ("  + a new record", "green")
        case Action.DELETE:
            yield ("  - the whole record", "red")
        case Action.OPERATE:
            arguments = "" if shown.local is None else f" ({value_text(shown.local)})"
            yield (f"  {shown.change.field}{arguments}", None)
        case _:
            yield from _said(shown)


def _update(shown: ShownChange) -> Iterator[Line]:
    field = shown.change.field or "several columns"
    sides = [("base", shown.base), ("local", shown.local), *([("remote", shown.remote)] if shown.knows_remote else [])]
    if any(map(is_long, (value for _name, value in sides))):
        yield (f"  {field}", None)
        for name, value in sides[1:]:
            yield from _unified(shown.base, value, name)
    elif shown.knows_remote:
        yield (f"  {field}", None)
        colours = {"base": None, "local": "green", "remote": "yellow"}
        for name, value in sides:
            yield (f"    {name:<6}  {value_text(value)}", colours[name])
    else:
        yield (f"  {field}: {value_text(shown.base)} -> {value_text(shown.local)}", None)


def _said(shown: ShownChange) -> Iterator[Line]:
    first, *rest = value_text(shown.local).splitlines() or [""]
    yield (f"  {verb(shown)}: {first}", None)
    yield from ((f"    {line}", None) for line in rest)


def _unified(base: Value, value: Value, name: str) -> Iterator[Line]:
    found = difflib.unified_diff(_pieces(base), _pieces(value), "base", name, n=1, lineterm="")
    for line in found:
        heading = line.startswith(("---", "+++"))
        yield (f"    {line}", None if heading else _MARKS.get(line[0]))


def is_long(value: Value) -> bool:
    """Return whether a value is too long for a line."""
    return isinstance(value, str) and (len(value) > LONG or "\n" in value.strip())


def _pieces(value: Value) -> list[str]:
    """Return a text in lines, long ones taken apart."""
    if value is None or value == "":
        return []
    lines = value_text(value).splitlines()
    return [piece for line in lines for piece in (_JOINTS.split(line) if len(line) > LONG else [line])]
