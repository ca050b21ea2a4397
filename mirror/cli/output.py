"""Data on standard output, as a table, JSON or CSV; talk on standard error.

Text from a tracker is never trusted to be harmless to a terminal: control characters are taken out of tables.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterable, Sequence
from dataclasses import asdict, is_dataclass
from datetime import UTC, date, datetime
from decimal import Decimal

import click
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

MAX_CELL_WIDTH = 60  # in plain tables; a terminal's tables fold to its width
READABLE_WIDTH = 16  # a terminal's column is not folded to less than that, or than its longest cell

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]+")
_DECIMALS = 15  # behind the point; what is smaller has an exponent
_INSTANT = re.compile(r"(\d{4,}-\d\d-\d\d)T(\d\d:\d\d:\d\d)(?:\.\d+)?Z")

Cells = Sequence[object]


def say(text: str) -> None:
    """Talk: one line on standard error."""
    click.echo(_CONTROL.sub(" ", text), err=True)


def print_line(text: str = "", *, colour: str | None = None) -> None:
    """Print one line of data; in a colour on a terminal only."""
    harmless = _CONTROL.sub(" ", text)
    click.echo(harmless if colour is None else click.style(harmless, fg=colour))


def print_json(document: object) -> None:
    """Print one JSON document, indented."""
    click.echo(json.dumps(document, indent=2, ensure_ascii=False, default=as_json))


def print_json_lines(columns: Sequence[str], rows: Iterable[Cells]) -> None:
    """Print each row as a JSON object on a line of its own; a repeated column name gets a number."""
    names = _distinct(columns)
    for row in rows:
        record = dict(zip(names, row, strict=True))
        sys.stdout.write(json.dumps(record, ensure_ascii=False, default=as_json) + "\n")


def print_csv(columns: Sequence[str], rows: Iterable[Cells]) -> None:
    """Print CSV as RFC 4180 has it: lines end in CR LF, NULL is an empty field and an empty text is quoted."""
    sys.stdout.write(_csv_line(columns))
    for row in rows:
        sys.stdout.write(_csv_line([_exact(cell) for cell in row]))


def print_table(columns: Sequence[str], rows: Iterable[Cells]) -> None:
    """Print a table for people: drawn on a terminal, plain and aligned elsewhere. NULL is an empty cell."""
    found = [list(row) for row in rows]
    right = [_is_numeric([row[i] for row in found]) for i in range(len(columns))]
    texts = [[readable(cell) for cell in row] for row in found]
    if sys.stdout.isatty():
        _print_on_terminal(columns, texts, right)
    else:
        _print_plain(columns, texts, right)


def readable(cell: object) -> str:
    """Return a cell as a person wants it: one line, instants without T and Z and fractions (they are UTC)."""
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return "yes" if cell else "no"
    text = _exact(cell) or ""
    if isinstance(cell, float | Decimal) and "e-" in text and Decimal(text).adjusted() > -_DECIMALS:
        return f"{Decimal(text):f}"  # 0.000001, not 1e-06
    return _CONTROL.sub(" ", _INSTANT.sub(r"\1 \2", text)).strip()


def _exact(cell: object) -> str | None:
    """Return a cell without loss; None stays None."""
    if cell is None or isinstance(cell, str):
        return cell
    if isinstance(cell, float) and cell.is_integer():
        return f"{cell:.0f}"  # as PostgreSQL's numbers are shown
    value = cell if isinstance(cell, bool | int | float) else as_json(cell)
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def as_json(value: object) -> object:
    """Return what JSON has no word for in one that it has: instants as ISO 8601 Z with milliseconds."""
    match value:
        case datetime():
            aware = value.replace(tzinfo=value.tzinfo or UTC).astimezone(UTC)
            return f"{aware:%Y-%m-%dT%H:%M:%S}.{aware.microsecond // 1000:03d}Z"
        case date():
            return value.isoformat()
        case Decimal():
            return int(value) if value == value.to_integral_value() else float(value)
        case bytes() | memoryview():
            return bytes(value).hex()
        case _ if is_dataclass(value) and not isinstance(value, type):
            return asdict(value)
        case _:
            return value if isinstance(value, dict | list | tuple) else str(value)


def _distinct(columns: Sequence[str]) -> list[str]:
    names: list[str] = []
    for name in columns:
        count = sum(1 for each in columns[: len(names)] if each == name)
        names.append(f"{name}_{count + 1}" if count else name)
    return names


def _csv_line(cells: Sequence[str | None]) -> str:
    """Return one record; csv.writer cannot tell None from an empty text, which RFC 4180 lets us do by quotes."""
    return ",".join("" if cell is None else _csv_field(cell) for cell in cells) + "\r\n"


def _csv_field(text: str) -> str:
    if text and not re.search(r'[",\r\n]', text):
        return text
    return '"' + text.replace('"', '""') + '"'


def _is_numeric(cells: Sequence[object]) -> bool:
    there = [cell for cell in cells if cell is not None]
    return bool(there) and all(isinstance(cell, int | float | Decimal) and not isinstance(cell, bool) for cell in there)


def _print_on_terminal(columns: Sequence[str], texts: list[list[str]], right: list[bool]) -> None:
    """Draw a table; or, when its columns would be squeezed until nobody can read them, a list for each row."""
    console = Console()
    natural = [max(cell_len(row[i]) for row in [columns, *texts]) for i in range(len(columns))]
    if sum(min(width, READABLE_WIDTH) + 3 for width in natural) > console.width and texts:
        _print_lists(console, columns, texts)
    else:
        _print_drawn(console, columns, texts, right)


def _print_lists(console: Console, columns: Sequence[str], texts: list[list[str]]) -> None:
    for number, row in enumerate(texts, 1):
        console.rule(f"{number}", align="left")
        table = Table.grid(padding=(0, 2))
        for column, cell in zip(columns, row, strict=True):
            table.add_row(Text(column, style="bold"), Text(cell))
        console.print(table)


def _print_drawn(console: Console, columns: Sequence[str], texts: list[list[str]], right: list[bool]) -> None:
    table = Table()
    for column, to_the_right in zip(columns, right, strict=True):
        table.add_column(Text(column), justify="right" if to_the_right else "left", overflow="fold")
    for row in texts:
        table.add_row(*(Text(cell) for cell in row))
    console.print(table)


def _print_plain(columns: Sequence[str], texts: list[list[str]], right: list[bool]) -> None:
    rows = [list(columns), *([_cut(cell) for cell in row] for row in texts)]
    widths = [max(cell_len(row[i]) for row in rows) for i in range(len(columns))]
    rows.insert(1, ["-" * width for width in widths])
    for row in rows:
        line = "  ".join(map(_padded, row, widths, right))
        click.echo(line.rstrip())


def _padded(text: str, width: int, to_the_right: bool) -> str:
    """Return `text` filled up to `width` columns of a terminal, where some characters take two."""
    blanks = " " * (width - cell_len(text))
    return blanks + text if to_the_right else text + blanks


def _cut(text: str) -> str:
    return text if len(text) <= MAX_CELL_WIDTH else text[: MAX_CELL_WIDTH - 1] + "…"
