"""The query language: text to tree, with the server's own complaints. rally.md §4.

    query  := "(" expr ")"
    expr   := path SP op SP value  |  query SP ("AND"|"OR") SP query
    value  := token | "quoted text" | null | true | false | today | today+N | today-N | date | ref

A ready-made top level such as `((a) AND (b)) OR (c)` is taken without an outer pair. rally.md §4 T/I
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from mirror.simulators.rally.items import RefusedError

OPERATORS = ("=", "!=", "<", ">", "<=", ">=", "contains", "!contains", "in")

_TOKEN = re.compile(r'\s*("(?:\\.|[^"\\])*"|[()]|[^\s()"]+|")')


@dataclass(frozen=True, slots=True)
class Term:
    """One comparison.

    Attributes:
        path: attribute names joined by dots.
        values: one text; several after `in`.
        quoted: True if the value was in quotes, so that `null` means a text.
        or_null: True if null is among the values after `in`; it is not in `values`.
    """

    path: str
    operator: str
    values: tuple[str, ...]
    quoted: bool = False
    or_null: bool = False

    @property
    def is_null(self) -> bool:
        """True for a comparison with the word null."""
        return not self.quoted and self.operator != "in" and self.values[:1] == ("null",)


@dataclass(frozen=True, slots=True)
class Both:
    """Two queries joined by AND or OR."""

    word: str
    left: Query
    right: Query


Query = Term | Both


def parse(text: str) -> Query:
    """Read a query.

    Raises:
        RefusedError: with one of the texts of rally.md §4.
    """
    return _Parser(text).read()


def conjuncts(query: Query | None) -> list[Term]:
    """Return the terms that must all hold, however they are nested; OR groups are left out."""
    if query is None:
        return []
    if isinstance(query, Term):
        return [query]
    return [*conjuncts(query.left), *conjuncts(query.right)] if query.word == "AND" else []


class _Parser:
    def __init__(self, text: str) -> None:
        self._tokens = _TOKEN.findall(text)
        self._next = 0

    def read(self) -> Query:
        first = self._group()
        if self._next == len(self._tokens):
            return first
        joined = self._joined(first)
        if self._next < len(self._tokens):
            raise self._unexpected()
        return joined

    def _peek(self) -> str:
        return self._tokens[self._next] if self._next < len(self._tokens) else ""

    def _take(self) -> str:
        token = self._peek()
        self._next += 1
        return token

    def _unexpected(self, wanted: str = ")") -> RefusedError:
        # rally.md §4 R
        return RefusedError(
            f'Could not parse: Error parsing expression -- expected "{wanted}" but saw "{self._peek()}" instead.'
        )

    def _group(self) -> Query:
        if self._peek() != "(":
            raise self._unexpected("(")
        self._take()
        found = self._joined(self._group()) if self._peek() == "(" else self._term()
        if self._peek() != ")":
            raise self._after_value() if isinstance(found, Term) else self._unexpected()
        self._take()
        return found

    def _after_value(self) -> RefusedError:
        # A parenthesis in an unquoted value is reported as an operator. rally.md §4 R
        return unknown_operator(")") if self._peek() == "(" else self._unexpected()

    def _joined(self, left: Query) -> Query:
        if self._peek() == ")":
            # A pair of parentheses too many around one group does no harm.
            return left
        word = self._take()
        if word.upper() not in ("AND", "OR"):
            raise unknown_operator(word)
        return Both(word.upper(), left, self._group())

    def _term(self) -> Term:
        path = self._take()
        operator = self._take()
        if operator.lower() not in OPERATORS:
            raise unknown_operator(operator)
        if operator.lower() == "in":
            texts = self._list()
            if not texts:
                raise unknown_operator(")")
            values = tuple(_unquoted(text) for text in texts if text != "null")
            return Term(path, "in", values, or_null="null" in texts)
        token = self._take()
        if token in ("(", ")", ""):
            raise unknown_operator(")")
        quoted = token.startswith('"')
        if quoted and len(token) == 1:
            raise RefusedError("Could not parse: the text in quotes does not end")
        return Term(path, operator.lower(), (_unquoted(token),), quoted)

    def _list(self) -> tuple[str, ...]:
        pieces: list[str] = []
        while self._peek() not in (")", "(", ""):
            pieces.append(self._take())
        texts = re.findall(r'"(?:\\.|[^"\\])*"|[^,"]+', " ".join(pieces))
        if '"' in pieces:
            raise RefusedError("Could not parse: the text in quotes does not end")
        return tuple(text.strip() for text in texts if text.strip())


def unknown_operator(token: str) -> RefusedError:
    """Return the refusal of an operator. rally.md §4 C/R"""
    return RefusedError(f'Could not parse: Unknown operator "{token}"')


def _unquoted(token: str) -> str:
    if len(token) >= 2 and token.startswith('"') and token.endswith('"'):
        return re.sub(r"\\(.)", r"\1", token[1:-1])
    return token
