"""The grammar of TicketSQL and TransactionSQL, and the tree it becomes. rt.md §5.1"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

_TOKEN = re.compile(
    r"""\s*(?:
    (?P<string>'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")
  | (?P<paren>[()])
  | (?P<sign>>=|<=|!=|=|<|>)
  | (?P<word>[^\s()'"=<>!{]+(?:\{[^}]*\}[^\s()'"=<>!]*)?)
    )""",
    re.VERBOSE,
)
_WORDS = ("LIKE", "STARTSWITH", "ENDSWITH")


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
    """

    field: str
    operator: str
    value: str | None
    is_column: bool = False


@dataclass(frozen=True, slots=True)
class All:
    """Every part holds."""

    parts: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Either:
    """One part holds at least."""

    parts: tuple[Node, ...]


Node = Condition | All | Either


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str


def parsed(text: str) -> Node | None:
    """Return the tree of a query; None when it is empty.

    Raises:
        QueryError: it does not follow the grammar.
    """
    tokens = list(_tokens(text))
    if not tokens:
        return None
    parser = _Parser(tokens, text)
    node = parser.group()
    if parser.here is not None:
        raise parser.wrong("AND or OR")
    return node


def conditions(node: Node | None) -> Iterator[Condition]:
    """Yield every comparison of a tree."""
    if isinstance(node, Condition):
        yield node
    elif node is not None:
        for part in node.parts:
            yield from conditions(part)


def _tokens(text: str) -> Iterator[_Token]:
    at = 0
    while text[at:].strip():
        found = _TOKEN.match(text, at)
        if found is None or found.end() == at:
            raise QueryError(f"Wrong query, cannot read '{text[at : at + 20]}' at /usr/share/request-tracker5/lib/RT/SQL.pm")
        kind = str(found.lastgroup)
        raw = found[kind]
        yield _Token(kind, re.sub(r"\\(.)", r"\1", raw[1:-1]) if kind == "string" else raw)
        at = found.end()


class _Parser:
    def __init__(self, tokens: list[_Token], text: str) -> None:
        self._tokens = tokens
        self._text = text
        self._at = 0

    @property
    def here(self) -> _Token | None:
        return self._tokens[self._at] if self._at < len(self._tokens) else None

    def wrong(self, wanted: str) -> QueryError:
        """Return the error that something else was expected here."""
        found = self.here.text if self.here is not None else "the end"
        place = "at /usr/share/request-tracker5/lib/RT/SQL.pm line 177."
        return QueryError(f"Wrong query, expecting a {wanted} in '{self._text}>{found}<--here' {place}")

    def group(self) -> Node:
        """Read conditions joined by AND and OR; where they are mixed, the last word joins them all (seen on 5.0.3)."""
        parts, joined_by = [self._one()], ""
        while True:
            word = next((each for each in ("AND", "OR") if self._word(each)), "")
            if not word:
                break
            joined_by = word
            parts.append(self._one())
        if len(parts) == 1:
            return parts[0]
        return Either(tuple(parts)) if joined_by == "OR" else All(tuple(parts))

    def _one(self) -> Node:
        if self._paren("("):
            node = self.group()
            if not self._paren(")"):
                raise self.wrong("CLOSE_PAREN")
            return node
        field = self._take("KEYWORD", "word", "string")
        operator = self._operator()
        value = self._take("VALUE", "word", "string")
        if value.kind == "word" and value.text.upper() == "NULL":
            return Condition(field.text, operator, None)
        is_column = value.kind == "word" and not re.fullmatch(r"[-+]?\d+(\.\d+)?", value.text)
        return Condition(field.text, operator, value.text, is_column)

    def _operator(self) -> str:
        token = self._take("OP", "sign", "word")
        if token.kind == "sign":
            return token.text
        word = token.text.upper()
        if word == "IS":
            return "IS NOT" if self._word("NOT") else "IS"
        if word == "NOT":
            word = self._take("OP", "word").text.upper()
            if word in _WORDS:
                return f"NOT {word}"
        if word in _WORDS:
            return word
        self._at -= 1
        raise self.wrong("OP")

    def _take(self, wanted: str, *kinds: str) -> _Token:
        token = self.here
        if token is None or token.kind not in kinds or (token.kind == "word" and token.text.upper() in ("AND", "OR")):
            raise self.wrong(wanted)
        self._at += 1
        return token

    def _word(self, word: str) -> bool:
        token = self.here
        if token is not None and token.kind == "word" and token.text.upper() == word:
            self._at += 1
            return True
        return False

    def _paren(self, sign: str) -> bool:
        token = self.here
        if token is not None and token.kind == "paren" and token.text == sign:
            self._at += 1
            return True
        return False
