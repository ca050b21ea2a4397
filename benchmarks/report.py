"""Draws the figures as a table of plain text."""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks.arena import Figure

_HEADINGS = ("figure", "value", "target", "", "note")


def table(figures: Sequence[Figure]) -> str:
    """Return the figures in groups, one line each; a figure that misses its target says `short`."""
    rows = [_cells(each) for each in figures]
    widths = [max(len(row[place]) for row in [_HEADINGS, *rows]) for place in range(4)]
    lines = [_line(_HEADINGS, widths)]
    scenario = ""
    for figure, row in zip(figures, rows, strict=True):
        if figure.scenario != scenario:
            scenario = figure.scenario
            lines += ["", scenario]
        lines.append(_line(row, widths))
    return "\n".join(lines)


def _cells(figure: Figure) -> tuple[str, str, str, str, str]:
    verdict = "" if figure.met is None else "ok" if figure.met else "short"
    return f"  {figure.name}", _number(figure), figure.target, verdict, figure.note


def _number(figure: Figure) -> str:
    if figure.value is None:
        return "-"
    text = f"{figure.value:,.0f}" if abs(figure.value) >= 100 or figure.value == int(figure.value) else f"{figure.value:.2f}"
    return f"{text} {figure.unit}".rstrip()


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    first, value, target, verdict, note = cells
    columns = (first.ljust(widths[0]), value.rjust(widths[1]), target.ljust(widths[2]), verdict.ljust(widths[3]), note)
    return "  ".join(columns).rstrip()
