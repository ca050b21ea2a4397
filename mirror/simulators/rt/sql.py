"""The grammar of TicketSQL and TransactionSQL, and the tree it becomes. rt.md §5.1"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

_BARE_FIELD = r"CF\.\{.+?\}(?:\.(?:Content|LargeContent))?"
_QUOTED = r"""'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*\""""
_SHAPES = {
    "AGGREGATOR": r"AND|OR",
    "OPERATOR": r"(?:SHALLOW )?(?:=|!=|>=|<=|>|<|IS NOT|IS|(?:NOT )?(?:LIKE|STARTSWITH|ENDSWITH))",
    "KEYWORD": rf"{_BARE_FIELD}|[{{}}\w.]+|{_QUOTED}",
    "VALUE": rf"{_BARE_FIELD}|[\w.]+|[+-]?\d+|{_QUOTED}",
    "OPEN_PAREN": r"\(",
    "CLOSE_PAREN": r"\)",
}
_SCAN = re.compile("|".join(f"(?:{each})" for each in _SHAPES.values()), re.IGNORECASE | re.DOTALL)
_SHAPE = {name: re.compile(each, re.IGNORECASE | re.DOTALL) for name, each in _SHAPES.items()}
_STRENGTH = ("OPEN_PAREN", "CLOSE_PAREN", "AGGREGATOR", "KEYWORD", "VALUE", "OPERATOR")
_NAMED = ("VALUE", "AGGREGATOR", "OPERATOR", "OPEN_PAREN", "CLOSE_PAREN", "KEYWORD")
_COLUMN_IN_QUOTES = re.compile(r"CF\.(?:\{.*\}|.*?)(?:\.(?:Content|LargeContent))?", re.IGNORECASE | re.DOTALL)
_AT = "at /usr/share/request-tracker5/lib/RT/Tickets.pm line 3187."


class QueryError(Exception):
    """A query that RT refuses with 400."""


@dataclass(frozen=True, slots=True)
class Condition:
    """One comparison.

    Attributes:
        operator: `=`, `!=`, `<`, `>`, `<=`, `>=`, `LIKE`, `STARTSWITH`, `ENDSWITH`, `IS`, or one of the last four behind
            `NOT `; `IS NOT` for `IS`.
        value: None for NULL.
        is_column: the value is the name of another field.
        is_bare: the value is a number, or begins as one, without quotes.
        is_shallow: members of groups in a role do not count.
    """

    field: str
    operator: str
    value: str | None
    is_column: bool = False
    is_bare: bool = False
    is_shallow: bool = False


@dataclass(frozen=True, slots=True)
class All:
    """Every part holds."""

    parts: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Either:
    """One part holds at least."""

    parts: tuple[Node, ...]


Node = Condition | All | Either


def parsed(text: str) -> Node | None:
    """Return the tree of a query; None when it is empty.

    Raises:
        QueryError: it does not follow the grammar.
    """
    reader = _Reader(text)
    for found in _SCAN.finditer(text):  # what is no part of anything is passed over, as RT does
        reader.take(found)
    return reader.end()


def conditions(node: Node | None) -> Iterator[Condition]:
    """Yield every comparison of a tree."""
    if isinstance(node, Condition):
        yield node
    elif node is not None:
        for part in node.parts:
            yield from conditions(part)


class _Level:
    """What stands between two parentheses; where AND and OR are mixed, the last word joins all (seen on 5.0.3)."""

    def __init__(self) -> None:
        self.parts: list[Node] = []
        self.word = "AND"

    def node(self) -> Node:
        if len(self.parts) == 1:
            return self.parts[0]
        made = tuple(self.parts)
        return Either(made) if self.word == "OR" else All(made)


class _Reader:
    """Takes piece after piece, each as what is wanted at its place."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._levels = [_Level()]
        self._want = {"KEYWORD", "OPEN_PAREN"}
        self._last = ""
        self._field = self._operator = ""

    def take(self, found: re.Match[str]) -> None:
        """Take the next piece."""
        piece = found[0]
        kind = next((each for each in _STRENGTH if each in self._want and _SHAPE[each].match(piece)), None)
        if kind is None:
            wanted = _list(self._want)
            here = f"{self._text[: found.start()]}>{piece}<--here{self._text[found.end() :]}"
            raise QueryError(f"Wrong query, expecting a {wanted} in '{here}' {_AT}")
        self._last = kind
        self._put(kind, piece)

    def _put(self, kind: str, piece: str) -> None:
        match kind:
            case "OPEN_PAREN":
                self._levels.append(_Level())
                self._want = {"KEYWORD", "OPEN_PAREN"}
            case "CLOSE_PAREN":
                inner = self._levels.pop()
                self._levels[-1].parts.append(inner.node())
                self._after_condition()
            case "AGGREGATOR":
                self._levels[-1].word = piece.upper()
                self._want = {"KEYWORD", "OPEN_PAREN"}
            case "KEYWORD":
                self._field, self._want = piece, {"OPERATOR"}
            case "OPERATOR":
                self._operator, self._want = piece.upper(), {"VALUE"}
            case _:
                self._levels[-1].parts.append(_condition(self._field, self._operator, piece))
                self._after_condition()

    def _after_condition(self) -> None:
        self._want = {"AGGREGATOR", "CLOSE_PAREN"} if len(self._levels) > 1 else {"AGGREGATOR"}

    def end(self) -> Node | None:
        """Return the tree."""
        if not self._last:
            return None
        if self._last not in ("CLOSE_PAREN", "VALUE"):
            last = f"last element ({self._last}) is not close paren or value"
            raise QueryError(f"Incomplete query, {last} in '{self._text}' {_AT}")
        open_count = len(self._levels) - 1
        if open_count:
            parens = f"{open_count} unclosed paren{'s' if open_count > 1 else ''}"
            raise QueryError(f"Incomplete query, {parens} in '{self._text}' {_AT}")
        return self._levels[0].node()


def _list(kinds: set[str]) -> str:
    names = [each for each in _NAMED if each in kinds]
    return " or ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def _plain(piece: str) -> str:
    inner = piece[1:-1] if piece[0] in "'\"" else piece
    return re.sub(r"\\(.)", r"\1", inner, flags=re.DOTALL)


def _condition(field: str, operator: str, piece: str) -> Condition:
    is_shallow = operator.startswith("SHALLOW ")
    operator = operator.removeprefix("SHALLOW ")
    value = _plain(piece)
    is_quoted = piece[0] in "'\""
    if operator in ("IS", "IS NOT") or (not is_quoted and value.upper() == "NULL"):
        return Condition(_plain(field), operator, None, is_shallow=is_shallow)
    is_column = re.match("[a-z]", piece, re.IGNORECASE) is not None
    if is_quoted and _COLUMN_IN_QUOTES.fullmatch(value):
        is_column, is_quoted = True, False
    return Condition(_plain(field), operator, value, is_column, not is_quoted and not is_column, is_shallow)
