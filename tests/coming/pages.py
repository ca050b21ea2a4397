"""What the pages for users of other toolkits say: their examples with ours beside them, and the table of names."""

from __future__ import annotations

import ast
import re
import shlex
from collections.abc import Mapping
from contextlib import chdir
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

from click.testing import CliRunner

from mirror.cli import cli

DOCS = Path(__file__).parent.parent.parent / "docs"

_BLOCK = re.compile(r"^```([a-z]+)(?: (\w+))?\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_ROW = re.compile(r"\| (.+?) \| (.+) \|")
_CODE = re.compile(r"`([^`]+)`")
_RUNS = re.compile(r"(?!mirror\.toml|.*--watch)(mirror [a-z]|[a-z]+(\.\w|\[))")
"""What is to be run of what stands in tables: commands that end, and whatever looks something up in a name."""


@dataclass(frozen=True, slots=True)
class Block:
    """One example.

    Attributes:
        toolkit: whose it is; "" for ours.
        line: where it begins on the page.
    """

    page: str
    language: str
    toolkit: str
    text: str
    line: int


@dataclass(slots=True)
class Side:
    """Who runs examples, in a folder of their own; the names that one example makes are there in the next.

    Attributes:
        instead: what to read for what stands on the page, such as the address of a simulator.
    """

    folder: Path
    instead: Mapping[str, str] = field(default_factory=dict)
    names: dict[str, Any] = field(default_factory=dict)

    def run(self, block: Block) -> Any:
        """Run an example; return what it left in `found`, None when that is nothing."""
        self.names.pop("found", None)
        self.folder.mkdir(exist_ok=True)
        text = block.text
        for each, there in self.instead.items():
            text = text.replace(each, there)
        with chdir(self.folder):
            if block.language == "sh":
                self._type(text)
            else:
                exec(compile("\n" * block.line + text, block.page, "exec"), self.names)
        return self.names.get("found")

    def try_out(self, became: str) -> int:
        """Run whatever a cell of a table has of Python and of commands, each by itself; return how many there were."""
        tried = [each for each in _CODE.findall(became) if _RUNS.match(each)]
        for each in tried:
            try:
                self._try(each)
            except BaseException as error:
                error.add_note(f"in {each}")
                raise
        if tried:
            self.names["m"].discard()
        return len(tried)

    def _try(self, text: str) -> None:
        with chdir(self.folder):
            if text.startswith("mirror "):
                self._type(text)
            else:
                exec(compile(text, "table", "exec"), self.names)

    def _type(self, text: str) -> None:
        for line in text.splitlines():
            done = CliRunner().invoke(cli, shlex.split(line)[1:])
            assert done.exit_code == 0, f"{line}\n{done.output}"


def words(page: str) -> set[str]:
    """Return the names that the examples of a toolkit take from it or look up in what they took, without those of fields.

    Raises:
        SyntaxError: one of them is no Python.
    """
    found: set[str] = set()
    for block in blocks(page):
        for each in ast.walk(ast.parse(block.text, page)) if block.toolkit else ():
            if isinstance(each, ast.ImportFrom) and (each.module or "").split(".")[0] == block.toolkit:
                found |= {name.name for name in each.names}
            elif isinstance(each, ast.Attribute) and each.attr[0].islower():
                found.add(each.attr)
    return found


def blocks(page: str) -> list[Block]:
    """Return the examples of a page of docs/, in their order."""
    text = (DOCS / page).read_text(encoding="utf-8")
    return [
        Block(page, match[1], match[2] or "", match[3], text.count("\n", 0, match.start()) + 1)
        for match in _BLOCK.finditer(text)
    ]


@dataclass(frozen=True, slots=True)
class Played:
    """What the examples of a page have come to.

    Attributes:
        found: wherever both sides found something: the place, what theirs found, and what ours found.
    """

    ours: Side
    found: list[tuple[str, Any, Any]]


def play(page: str, ours: Side, theirs: Side | None = None) -> Played:
    """Run all examples of a page, each on its side.

    Args:
        theirs: None where a toolkit does not run on today's Python: then whatever ours found is held against None.
    """
    found: list[tuple[str, Any, Any]] = []
    expected = None
    for block in blocks(page):
        place = f"{page}, line {block.line}"
        side = theirs if block.toolkit else ours
        try:
            answer = side.run(block) if side is not None else None
        except BaseException as error:
            error.add_note(f"in the example of {place}")
            raise
        if not block.toolkit and answer is not None and (theirs is None or expected is not None):
            found.append((place, expected, answer))
        expected = answer if block.toolkit else None
    return Played(ours, found)


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a table of names.

    Attributes:
        names: what the toolkit has: `Class.method`, or `option=`.
        became: what it became, or `nothing: ` and why.
    """

    names: tuple[str, ...]
    became: str
    line: int


def rows(page: str) -> list[Row]:
    """Return the rows of the tables of names on a page."""
    lines = (DOCS / page).read_text(encoding="utf-8").splitlines()
    found = []
    for number, (line, below) in enumerate(pairwise([*lines, ""]), 1):
        match = _ROW.fullmatch(line)
        if match is not None and not below.startswith("|---"):
            found.append(Row(tuple(_CODE.findall(match[1])), match[2], number))
    return found


def committed(toolkit: str) -> set[str]:
    """Return the names of a toolkit that cannot be installed, from the list in this folder."""
    lines = Path(__file__).with_name(f"{toolkit}.txt").read_text(encoding="utf-8").splitlines()
    return {each for each in lines if not each.startswith("#")}
