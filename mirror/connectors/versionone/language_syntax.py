"""The notation of filters, selections and orders, read into nodes that know their place in the text.

Knows no types: whether a name exists is decided where a node meets the catalogue.

Source: versionone.md §4 D, §4.1 D (grammar), C7 (`;` binds tighter than `|`).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any, TypeAlias, cast

from lark import Lark, Token, Transformer, UnexpectedCharacters, UnexpectedInput, UnexpectedToken
from lark.exceptions import VisitError

from mirror.errors import QueryError

_GRAMMAR = r"""
    filter: either
    either: both ("|" both)*
    both: _term ((";" | "&") _term)*
    _term: "(" either ")" | comparison | filled
    comparison: path OPERATOR _value ("," _value)*
    filled: SIGN path
    path: step ("." step)* ("." AGGREGATE)?
    step: _name downcast? condition?
    downcast: ":" _name
    condition: "[" either "]"
    _name: NAME | BRACED
    _value: QUOTED | VARIABLE | BARE

    selection: path ("," path)*
    order: key ("," key)*
    key: SIGN? path

    variables: variable (";" variable)* ";"?
    variable: VARIABLE "=" _plain ("," _plain)*
    _plain: QUOTED | PLAIN

    NAME: /[A-Za-z_]\w*/
    BRACED: /\{[^{}]+\}/
    AGGREGATE: /@[A-Za-z]+/
    OPERATOR: /!=|<=|>=|=|<|>/
    SIGN: /[-+]/
    QUOTED: /'(?:[^']|'')*'|"(?:[^"]|"")*"/
    VARIABLE: /\$(?:[A-Za-z_]\w*)?/
    BARE: /[^\s;|&,()\[\]'"$][^\s;|&,()\[\]'"]*/
    PLAIN: /[^\s;,'"][^;,]*/
    %ignore /\s+/
"""
"""A name in braces is one for people, which may have spaces; the server itself knows no braces."""

_MOST_DEPTH = 50
"""Brackets and parentheses within each other; more is no question that anybody asks."""


@dataclass(frozen=True, slots=True)
class Span:
    """A place in the text."""

    position: int
    length: int


@dataclass(frozen=True, slots=True)
class Word:
    """A name, an operator, a bare or quoted value as it is meant, a variable without its dollar.

    Attributes:
        kind: the terminal of the grammar.
    """

    text: str
    kind: str
    span: Span


@dataclass(frozen=True, slots=True)
class Hop:
    """One attribute on a path: `Children:Task[AssetState='Active']`."""

    name: Word
    downcast: Word | None = None
    condition: Node | None = None


@dataclass(frozen=True, slots=True)
class PathText:
    """Attributes joined by dots.

    Attributes:
        aggregate: with its `@`.
    """

    hops: tuple[Hop, ...]
    aggregate: Word | None
    span: Span


@dataclass(frozen=True, slots=True)
class Comparison:
    """`path op value, value…`."""

    path: PathText
    operator: Word
    values: tuple[Word, ...]


@dataclass(frozen=True, slots=True)
class Filled:
    """`+path`, or `-path` when not wanted."""

    path: PathText
    wanted: bool


@dataclass(frozen=True, slots=True)
class Both:
    """All items hold."""

    items: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Either:
    """Some item holds."""

    items: tuple[Node, ...]


Node: TypeAlias = Comparison | Filled | Both | Either


@dataclass(frozen=True, slots=True)
class Key:
    """One key of an order."""

    path: PathText
    descending: bool


def read_filter(text: str) -> Node:
    """Return a filter; QueryError when it does not follow the notation."""
    return cast("Node", _read(text, "filter"))


def read_path(text: str) -> PathText:
    """Return one path; QueryError when it is none."""
    return cast("PathText", _read(text, "path"))


def read_selection(text: str) -> tuple[PathText, ...]:
    """Return a comma list of paths; () for empty text."""
    return cast("tuple[PathText, ...]", _read(text, "selection")) if text.strip() else ()


def read_order(text: str) -> tuple[Key, ...]:
    """Return the keys of an order; () for empty text."""
    return cast("tuple[Key, ...]", _read(text, "order")) if text.strip() else ()


def read_variables(text: str) -> dict[str, tuple[Word, ...]]:
    """Return `$name=v1,v2;$other=v` by name, without the dollar."""
    return dict(cast("list[tuple[str, tuple[Word, ...]]]", _read(text, "variables"))) if text.strip() else {}


@cache
def _parser() -> Lark:
    starts = ["filter", "path", "selection", "order", "variables"]
    return Lark(_GRAMMAR, parser="lalr", start=starts, transformer=_Nodes(), maybe_placeholders=False)


@lru_cache(maxsize=256)
def _read(text: str, start: str) -> object:
    _refuse_depth(text)
    try:
        return _parser().parse(text, start=start)
    except UnexpectedInput as error:
        raise _misread(text, error) from None
    except VisitError as error:
        raise error.orig_exc from None


_BRACKET = re.compile(r"""'[^']*'|"[^"]*"|[][()]""")


def _refuse_depth(text: str) -> None:
    depth = 0
    for found in _BRACKET.finditer(text):
        depth += (found[0] in "([") - (found[0] in ")]")
        if depth > _MOST_DEPTH:
            raise QueryError(text, found.start(), f"more than {_MOST_DEPTH} parentheses and brackets within each other")


def _misread(text: str, error: UnexpectedInput) -> QueryError:
    """Return the server's word for it (versionone.md §3.4 S) and what would fit."""
    at = error.pos_in_stream or 0
    if isinstance(error, UnexpectedToken) and error.token.type == "$END":
        return QueryError(text, len(text.rstrip()), f"Invalid QueryFilter2 token 'end of text': {_wanted(error)}")
    rest = text[at:]
    token = _SHOWN.findall(rest)[0]
    if rest[:1] in ("'", '"') and isinstance(error, UnexpectedCharacters):
        return QueryError(text, at, f"Invalid QueryFilter2 token {rest[:20]!r}: the quote is not closed", length=len(rest))
    hint = _HINTS.get(token.lower()) or _HINTS.get(text[:at].rstrip()[-2:], "")
    return QueryError(text, at, f"Invalid QueryFilter2 token {token!r}: {_wanted(error)}{hint}", length=len(token))


_HINTS = {
    "==": "; write =",
    "<>": "; write !=",
    "and": "; and is written ;",
    "or": "; or is written |",
    "like": "; words in texts are found by find=…&findin=…",
    "contains": "; words in texts are found by find=…&findin=…",
    "in": "; one of several values is written ='a','b'",
}
_SHOWN = re.compile(r"\w+|\W")
_SAID = {
    "OPERATOR": "one of = != < <= > >=",
    "NAME": "an attribute",
    "QUOTED": "a value in quotes",
    "RPAR": ")",
    "RSQB": "]",
    "AGGREGATE": "an aggregate such as @Count",
    "SEMICOLON": "; or |",
    "COMMA": "a comma",
    "SIGN": "+ or -",
    "VARIABLE": "a variable such as $name",
    "EQUAL": "=",
}


def _wanted(error: UnexpectedInput) -> str:
    fitting: set[str] = set()
    if isinstance(error, UnexpectedToken):
        fitting = set(error.accepts or error.expected)
    elif isinstance(error, UnexpectedCharacters):
        fitting = set(error.allowed or ())
    words = [said for name, said in _SAID.items() if name in fitting]
    return f"expected {', '.join(words)}" if words else "nothing more can follow here"


class _Nodes(Transformer[Token, Any]):
    """Makes nodes while the text is parsed, so that no depth of nesting is walked again."""

    def filter(self, items: list[Node]) -> Node:
        return items[0]

    def either(self, items: list[Node]) -> Node:
        return items[0] if len(items) == 1 else Either(tuple(items))

    def both(self, items: list[Node]) -> Node:
        return items[0] if len(items) == 1 else Both(tuple(items))

    def comparison(self, items: Sequence[Any]) -> Comparison:
        return Comparison(items[0], _word(items[1]), tuple(_word(each) for each in items[2:]))

    def filled(self, items: Sequence[Any]) -> Filled:
        return Filled(items[1], wanted=str(items[0]) == "+")

    def path(self, items: Sequence[Any]) -> PathText:
        hops = tuple(each for each in items if isinstance(each, Hop))
        aggregate = _word(items[-1]) if isinstance(items[-1], Token) else None
        begin, last = hops[0].name.span.position, aggregate or hops[-1].downcast or hops[-1].name
        return PathText(hops, aggregate, Span(begin, last.span.position + last.span.length - begin))

    def step(self, items: Sequence[Any]) -> Hop:
        parts = dict(each for each in items[1:])
        return Hop(_word(items[0]), parts.get("downcast"), parts.get("condition"))

    def downcast(self, items: Sequence[Token]) -> tuple[str, Word]:
        return "downcast", _word(items[0])

    def condition(self, items: Sequence[Node]) -> tuple[str, Node]:
        return "condition", items[0]

    def selection(self, items: Sequence[PathText]) -> tuple[PathText, ...]:
        return tuple(items)

    def order(self, items: Sequence[Key]) -> tuple[Key, ...]:
        return tuple(items)

    def key(self, items: Sequence[Any]) -> Key:
        return Key(items[-1], descending=str(items[0]) == "-")

    def variables(self, items: list[tuple[str, tuple[Word, ...]]]) -> list[tuple[str, tuple[Word, ...]]]:
        return items

    def variable(self, items: Sequence[Token]) -> tuple[str, tuple[Word, ...]]:
        return str(items[0])[1:], tuple(_word(each) for each in items[1:])


def _word(token: Token) -> Word:
    text, kind = str(token), token.type
    span = Span(token.start_pos or 0, len(text))
    if kind == "QUOTED":
        quote = text[0]
        text = text[1:-1].replace(quote * 2, quote)  # a doubled quote stands for one (§4.1 D)
    elif kind == "BRACED":
        text = text[1:-1].strip()
    elif kind == "VARIABLE":
        text = text[1:]
    elif kind == "PLAIN":
        text = text.strip()
    return Word(text, kind, span)
