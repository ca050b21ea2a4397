"""Tables, JSON and CSV: what a cell looks like, and that nothing in it can harm a terminal."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from mirror.cli.output import print_csv, print_json, print_json_lines, print_table, readable

NOON = datetime(2026, 1, 31, 12, 0, 5, 7000, tzinfo=UTC)


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        (None, ""),
        (True, "yes"),
        (2**63 - 1, "9223372036854775807"),
        (Decimal("1.50"), "1.5"),
        (32.0, "32"),
        (0.1, "0.1"),
        (1e-6, "0.000001"),
        (Decimal("0.0000250"), "0.000025"),
        (1e-40, "1e-40"),
        (NOON, "2026-01-31 12:00:05"),
        ("2026-01-31T12:00:05.007Z", "2026-01-31 12:00:05"),
        (date(1969, 12, 31), "1969-12-31"),
        ("two\nlines\tand tab", "two lines and tab"),
        ("\x1b[31mred\x1b[0m", "[31mred [0m"),
        ({"a": "ü"}, '{"a": "ü"}'),
    ],
)
def test_cells_of_tables_are_one_readable_line(cell: object, text: str) -> None:
    assert readable(cell) == text


def test_plain_table_is_aligned_numbers_to_the_right(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(["name", "n"], [["short", 5], ["日本", 1200], [None, None]])
    assert capsys.readouterr().out.splitlines() == [
        "name      n",
        "-----  ----",
        "short     5",
        "日本   1200",
        "",
    ]


def test_plain_table_cuts_long_texts(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(["x"], [["a" * 500]])
    assert capsys.readouterr().out.splitlines()[-1] == "a" * 59 + "…"


def test_json_lines_lose_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    print_json_lines(["id", "at", "text", "none"], [[2**60 + 1, NOON, "é\n\x07", None]])
    line = capsys.readouterr().out
    assert json.loads(line) == {"id": 2**60 + 1, "at": "2026-01-31T12:00:05.007Z", "text": "é\n\x07", "none": None}


def test_repeated_columns_are_numbered_in_json(capsys: pytest.CaptureFixture[str]) -> None:
    print_json_lines(["id", "id"], [[1, 2]])
    assert json.loads(capsys.readouterr().out) == {"id": 1, "id_2": 2}


def test_json_document_is_one_document(capsys: pytest.CaptureFixture[str]) -> None:
    print_json([{"n": Decimal("2.5"), "m": Decimal(3)}])
    assert json.loads(capsys.readouterr().out) == [{"n": 2.5, "m": 3}]


def test_csv_is_read_back_and_tells_null_from_empty(capsys: pytest.CaptureFixture[str]) -> None:
    rows = [["a,b", 'say "x"', "two\r\nlines"], ["", None, "plain"]]
    print_csv(["one", "two", "three"], rows)
    text = capsys.readouterr().out
    assert text == 'one,two,three\r\n"a,b","say ""x""","two\r\nlines"\r\n"",,plain\r\n'
    assert list(csv.reader(io.StringIO(text, newline="")))[1] == rows[0]
