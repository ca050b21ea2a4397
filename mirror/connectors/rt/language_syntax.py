"""The grammar of TicketSQL, and the tree that a query becomes: what RT reads, and what it refuses with 400.

Facts: rt.md §5.1; beyond that, and RT's words for errors, seen on 5.0.3.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, lru_cache

from lark import Lark, Token, Tree, UnexpectedInput

from mirror.errors import QueryError

_GRAMMAR = r"""
start: group?
group: _item (AGGREGATOR _item)*
_item: paren | condition
paren: OPEN_PAREN group CLOSE_PAREN
condition: KEYWORD OPERATOR VALUE

AGGREGATOR: /AND|OR/i
OPERATOR: /(SHALLOW )?(!=|>=|<=|=|>|<|IS NOT|IS|NOT LIKE|LIKE|NOT STARTSWITH|STARTSWITH|NOT ENDSWITH|ENDSWITH)/i
KEYWORD: /CF\.\{.+?\}(\.(Content|LargeContent))?|[{}\w.]+|'(\\.|[^'\\])*'|"(\\.|[^"\\])*"/is
VALUE: /CF\.\{.+?\}(\.(Content|LargeContent))?|[\w.]+|[+-]?\d+|'(\\.|[^'\\])*'|"(\\.|[^"\\])*"/is
OPEN_PAREN: "("
CLOSE_PAREN: ")"
%ignore /\s+/
"""
_KINDS = ("VALUE", "AGGREGATOR", "OPERATOR", "OPEN_PAREN", "CLOSE_PAREN", "KEYWORD")
_BEFORE = {"VALUE": "OPERATOR", "OPERATOR": "KEYWORD"}
_PIECE = re.compile(r"""[\w.{}]+|'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*"|[<>=!]+|.""", re.DOTALL)
_DEEPEST = 100
_COLUMN = re.compile(r"CF\.(?:\{.*\}|.*?)(?:\.(?:Content|LargeContent))?", re.IGNORECASE | re.DOTALL)


@dataclass(frozen=True, slots=True)
class Place:
    """Some characters of a query."""

    text: str
    position: int
    length: int

    def wrong(self, problem: str, near: tuple[str, ...] = ()) -> QueryError:
        """Return the error that underlines this place."""
        return QueryError(self.text, self.position, problem, length=self.length, near=near)


@dataclass(frozen=True, slots=True)
class Condition:
    """One comparison.

    Attributes:
        field: as written, without quotes.
        operator: in upper case: `=`, `!=`, `<`, `>`, `<=`, `>=`, `IS`, `LIKE`, `STARTSWITH`, `ENDSWITH`, or one of the last
            four with NOT.
        value: without quotes; `NULL` after IS and IS NOT, whatever was written there.
        is_column: the value is the name of a field, or NULL, and no text.
        is_bare: a number, or what begins as one, without quotes.
        is_shallow: only direct members of groups count.
    """

    field: str
    operator: str
    value: str
    at_field: Place
    at_operator: Place
    at_value: Place
    is_column: bool = False
    is_bare: bool = False
    is_shallow: bool = False

    @property
    def is_null(self) -> bool:
        """Whether it is compared with NULL by an operator that null never meets."""
        return self.is_column and self.value.upper() == "NULL" and not self.operator.startswith("IS")


@dataclass(frozen=True, slots=True)
class Group:
    """Conditions and groups that one word joins.

    Attributes:
        joined_by_or: where AND and OR were mixed, the last word joins them all (seen on 5.0.3).
    """

    parts: tuple[Node, ...]
    joined_by_or: bool


Node = Condition | Group


@lru_cache(maxsize=256)
def parsed(text: str) -> Node | None:
    """Return the tree of a query; None when it is empty.

    Raises:
        QueryError: RT refuses it.
    """
    _check_depth(text)
    try:
        tree = _parser().parse(text)
    except UnexpectedInput as error:
        raise _refused(text, error) from None
    found = next((each for each in tree.children if isinstance(each, Tree)), None)
    return None if found is None else _group(text, found)


def conditions(node: Node | None) -> Iterator[Condition]:
    """Yield every comparison of a tree."""
    if isinstance(node, Condition):
        yield node
    elif node is not None:
        for part in node.parts:
            yield from conditions(part)


@cache
def _parser() -> Lark:
    """Return the parser; it is made once, and may be used by several threads."""
    return Lark(_GRAMMAR, parser="lalr", maybe_placeholders=False)


def _check_depth(text: str) -> None:
    depth = 0
    for found in _PIECE.finditer(text):
        depth += {"(": 1, ")": -1}.get(found[0], 0)
        if depth > _DEEPEST:
            raise QueryError(text, found.start(), f"More than {_DEEPEST} parentheses within each other")


def _group(text: str, item: Tree[Token]) -> Node:
    if item.data == "condition":
        return _condition(text, *_tokens(item))
    parts = tuple(_group(text, each) for each in item.children if isinstance(each, Tree))
    words = _tokens(item)
    return parts[0] if len(parts) == 1 else Group(parts, words[-1].upper() == "OR")


def _tokens(item: Tree[Token]) -> list[Token]:
    return [each for each in item.children if isinstance(each, Token)]


def _condition(text: str, field: Token, operator: Token, value: Token) -> Condition:
    word = operator.upper()
    content = _unquoted(value)
    is_quoted = value[0] in "'\""
    is_column = value[0].isascii() and value[0].isalpha()
    if is_quoted and _COLUMN.fullmatch(content):  # RT takes quotes around CF.{Name} for a mistake
        is_quoted, is_column = False, True
    bare = word.removeprefix("SHALLOW ")
    if bare in ("IS", "IS NOT"):
        content, is_column, is_quoted = "NULL", True, True
    return Condition(
        _unquoted(field),
        bare,
        content,
        at_field=_place(text, field),
        at_operator=_place(text, operator),
        at_value=_place(text, value),
        is_column=is_column,
        is_bare=not is_quoted and not is_column,
        is_shallow=word != bare,
    )


def _unquoted(token: Token) -> str:
    inner = token[1:-1] if token[0] in "'\"" else str(token)
    return re.sub(r"\\(.)", r"\1", inner, flags=re.DOTALL)


def _place(text: str, token: Token) -> Place:
    start = token.start_pos or 0
    return Place(text, start, len(token))


def _refused(text: str, error: UnexpectedInput) -> QueryError:
    """Return RT's error for a query that does not follow the grammar, with a hint for what people try most."""
    token = getattr(error, "token", None)
    if token is not None and token.type == "$END":
        return _incomplete(text, _wanted(error))
    position = error.pos_in_stream or 0
    kinds = _wanted(error) or ["AGGREGATOR", *(["CLOSE_PAREN"] if _unclosed(text[:position]) else [])]
    found = _PIECE.match(text, position)
    piece = found[0] if found else ""
    words = " or ".join([", ".join(kinds[:-1]), kinds[-1]] if len(kinds) > 1 else kinds)
    hint = _hint(text[:position], piece, kinds)
    return QueryError(text, position, f"Wrong query, expecting a {words}{hint}", length=len(piece))


def _wanted(error: UnexpectedInput) -> list[str]:
    """Return what may stand at the place of an error; nothing where a condition, or all of the query, is complete."""
    wanted = getattr(error, "accepts", None) or getattr(error, "allowed", None) or ()
    return [each for each in _KINDS if each in wanted and each not in ("AGGREGATOR", "CLOSE_PAREN")]


def _incomplete(text: str, kinds: list[str]) -> QueryError:
    end = len(text.rstrip())
    if not kinds:
        opened = _unclosed(text)
        count = f"{len(opened)} unclosed paren{'' if len(opened) == 1 else 's'}"
        return QueryError(text, opened[-1], f"Incomplete query, {count}")
    last = next((_BEFORE[each] for each in kinds if each in _BEFORE), "")
    last = last or ("OPEN_PAREN" if text.rstrip().endswith("(") else "AGGREGATOR")
    return QueryError(text, end, f"Incomplete query, last element ({last}) is not close paren or value")


def _unclosed(text: str) -> list[int]:
    opened: list[int] = []
    for found in _PIECE.finditer(text):
        if found[0] == "(":
            opened.append(found.start())
        elif found[0] == ")" and opened:
            opened.pop()
    return opened


def _hint(before: str, piece: str, kinds: list[str]) -> str:
    if kinds == ["OPERATOR"] and before.rstrip().upper().endswith("NOT"):
        return "; there is no NOT here: turn the comparison round, with !=, NOT LIKE, IS NOT NULL"
    if kinds == ["OPERATOR"] and piece.upper() == "IN":
        return "; there is no IN here: write id = 1 OR id = 2"
    if kinds == ["OPERATOR"] and "{" in before:
        return "; put a name with blanks in quotes, 'CustomField.{Two Words}', or write CF.{Two Words}"
    if piece in ("&", "|"):
        return f"; write {'AND' if piece == '&' else 'OR'}"
    if kinds == ["VALUE"] and piece[:1] in ("'", '"'):
        return "; the quote is not closed"
    if kinds == ["VALUE"] and piece.startswith(">") and before.endswith("<"):
        return "; write !="
    if "AGGREGATOR" in kinds and (piece[0] in "-:" or (piece[0].isalnum() and before.rstrip()[-1:].isalnum())):
        return "; a text or a date is written in quotes"
    return ""
