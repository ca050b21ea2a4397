"""The text of a Rally query as a tree with places; what the server would not read is read where pyral's users write it.

Source of the grammar and of the complaints: rally.md §4. Nothing in here knows a field.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import TypeAlias, cast

from lark import Lark, Token, Transformer, UnexpectedCharacters, UnexpectedInput, UnexpectedToken

from mirror.errors import QueryError

_GRAMMAR = r"""
    ?start: chain
    chain: item (JOIN item)*
    ?item: "(" chain ")" -> group
         | word+ OP value -> comparison
         | word+ IN value+ -> listed
         | word+ BETWEEN value JOIN value -> between
    ?word: WORD | QUOTED
    ?value: WORD | QUOTED

    OP.2: /(?:!=|<=|>=|=|<|>|!?contains)(?=[\s()"]|$)/i
    IN.2: /!?in(?=[\s()"]|$)/i
    BETWEEN.2: /!?between(?=[\s()"]|$)/i
    JOIN.2: /(?:and|or)(?=[\s()"]|$)/i
    QUOTED: /"(?:\\.|[^"\\])*"/s
    WORD: /[^\s()"]+/
    %ignore /\s+/
"""

_PIECE = re.compile(r'"(?:\\.|[^"\\])*"|[()]|[^\s()"]+|"', re.DOTALL)
_ELEMENT = re.compile(r'\s*("(?:\\.|[^"\\])*"|[^,"]+)\s*(?:,|$)', re.DOTALL)

_BEFORE_LIST = re.compile(r"\s!?in\s*$", re.IGNORECASE)
_STUCK = re.compile(r"^([\w.]+)(!=|<=|>=|=|<|>)(.*)")
_INSTEAD = {
    "==": "; write =",
    "<>": "; write !=",
    "like": "; parts of texts are found by contains",
    "is": "; absence is asked for by = null and != null",
    "not": "; there is no NOT: turn the comparison round, with !=, !contains, != null",
}
"""What people try who know other languages."""
_MAX_DEPTH = 40  # SQL is compiled by recursion, some fourteen calls for each level
_BARE = "Rally wants each condition in parentheses of its own."
_FLAT = "Rally joins exactly two conditions in one pair of parentheses; the chain was read as nested pairs."
_MIXED = "AND and OR without parentheses between them were grouped from the right, as pyral does: A AND (B OR C)."
_NOT_IN = "Rally has no operator !in; it was read as != for each value."
_BETWEEN = "Rally has no operator between; it was read as a pair of <= and >=, or of < and > for !between."


@dataclass(frozen=True, slots=True)
class Place:
    """A stretch of the query: offset from 0, length in characters."""

    at: int
    length: int


@dataclass(frozen=True, slots=True)
class Value:
    """What stands on the right of an operator.

    Attributes:
        is_quoted: in quotes, so that `null` and `today` are texts.
    """

    text: str
    is_quoted: bool
    place: Place

    @property
    def is_null(self) -> bool:
        """Whether it is the word null."""
        return self.text == "null" and not self.is_quoted


@dataclass(frozen=True, slots=True)
class Comparison:
    """One condition.

    Attributes:
        path: as written; blanks between its words are one.
        operator: in lower case, such as `!contains`.
        values: one; several after `in` and `!in`; two after `between` and `!between`.
    """

    path: str
    path_place: Place
    operator: str
    operator_place: Place
    values: tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class Joined:
    """Conditions joined by the same word, AND or OR."""

    word: str
    items: tuple[Node, ...]


Node: TypeAlias = Comparison | Joined


@dataclass(frozen=True, slots=True)
class Parsed:
    """A query and what was understood in it otherwise than the server would have.

    Attributes:
        depth: how deeply conditions of different words are nested in each other.
    """

    node: Node
    notes: tuple[str, ...] = ()
    depth: int = 0


@dataclass(frozen=True, slots=True)
class _Item:
    """One item of a chain, and whether it had parentheses of its own."""

    parsed: Parsed
    is_grouped: bool = False


@lru_cache(maxsize=256)
def parse(text: str) -> Parsed:
    """Return the tree of a query that is not blank.

    Chains of more than two conditions, conditions without parentheses, `!in` and `between` are no part of the server's
    language (rally.md §4 R/C/T); they are read as pyral rewrites them, with a note.

    Raises:
        QueryError: in the server's words where they are recorded.
    """
    try:
        found = cast("_Item", _parser().parse(text))
    except UnexpectedInput as error:
        raise _complaint(text, error) from None
    if found.parsed.depth > _MAX_DEPTH:
        raise QueryError(text, 0, f"The conditions are nested more than {_MAX_DEPTH} deep", length=len(text))
    bare = (_BARE,) if not found.is_grouped and isinstance(found.parsed.node, Comparison) else ()
    return Parsed(found.parsed.node, tuple(dict.fromkeys((*found.parsed.notes, *bare))), found.parsed.depth)


def complaint(text: str, token: str, place: Place, hint: str = "") -> QueryError:
    """Return the refusal of an operator, in the server's words (rally.md §4 C/R), with what may be wrong behind them."""
    advice = hint or _INSTEAD.get(token.lower(), "")
    return QueryError(text, place.at, f'Could not parse: Unknown operator "{token}"{advice}', length=place.length)


def unquoted(token: str) -> str:
    """Return a value without its quotes; a backslash takes the next character as it is (rally.md §4 I)."""
    if len(token) >= 2 and token.startswith('"') and token.endswith('"'):
        return re.sub(r"\\(.)", r"\1", token[1:-1], flags=re.DOTALL)
    return str(token)


class _Builder(Transformer[Token, _Item]):
    """Makes the tree while the text is parsed, so that no depth of parentheses needs a deep stack."""

    def chain(self, children: list[_Item | Token]) -> _Item:
        items = [each for each in children if isinstance(each, _Item)]
        words = [str(each).upper() for each in children if isinstance(each, Token)]
        if not words:
            return items[0]
        notes = [note for each in items for note in each.parsed.notes]
        if not all(each.is_grouped for each in items):
            notes.append(_BARE)
        if len(items) > 2:
            notes.append(_FLAT)
        if len(set(words)) > 1:
            notes.append(_MIXED)
        node, depth = items[-1].parsed.node, items[-1].parsed.depth
        for word, item in zip(reversed(words), reversed(items[:-1]), strict=True):  # from the right, as pyral does
            node, depth = _joined(word, (item.parsed.node, item.parsed.depth), (node, depth))
        return _Item(Parsed(node, tuple(notes), depth))

    def group(self, children: list[_Item]) -> _Item:
        return _Item(children[0].parsed, is_grouped=True)

    def comparison(self, children: list[Token]) -> _Item:
        *path, operator, value = children
        return _compared(path, operator, (_value(value),))

    def listed(self, children: list[Token]) -> _Item:
        at = next(index for index, each in enumerate(children) if each.type == "IN")
        values = tuple(_elements(children[at + 1 :]))
        return _compared(children[:at], children[at], values, _NOT_IN if children[at].startswith("!") else None)

    def between(self, children: list[Token]) -> _Item:
        *path, operator, low, _, high = children
        return _compared(path, operator, (_value(low), _value(high)), _BETWEEN)


def _compared(path: Sequence[Token], operator: Token, values: tuple[Value, ...], note: str | None = None) -> _Item:
    start = _at(path[0])
    whole = Place(start, _at(path[-1]) + len(path[-1]) - start)
    written = " ".join(unquoted(each) for each in path)
    node = Comparison(written, whole, operator.lower(), Place(_at(operator), len(operator)), values)
    return _Item(Parsed(node, () if note is None else (note,)))


def _joined(word: str, left: tuple[Node, int], right: tuple[Node, int]) -> tuple[Node, int]:
    """Return two conditions as one; those of the same word come to lie beside each other."""
    items: list[Node] = []
    depths = [0]
    for node, depth in (left, right):
        same = isinstance(node, Joined) and node.word == word
        items += node.items if isinstance(node, Joined) and same else (node,)
        depths.append(depth if same else depth + 1)
    return Joined(word, tuple(items)), max(depths)


def _value(token: Token) -> Value:
    return Value(unquoted(token), token.type == "QUOTED", Place(_at(token), len(token)))


def _elements(tokens: Sequence[Token]) -> Iterator[Value]:
    """Yield the elements of a comma list; blanks inside an element without quotes are part of it."""
    begin = _at(tokens[0])
    text = ""
    for each in tokens:
        text = text.ljust(_at(each) - begin) + each
    for found in _ELEMENT.finditer(text):
        element = found[1].rstrip()
        if element:
            yield Value(unquoted(element), element.startswith('"'), Place(begin + found.start(1), len(element)))


def _at(token: Token) -> int:
    return token.start_pos or 0


@cache
def _parser() -> Lark:
    return Lark(_GRAMMAR, parser="lalr", lexer="contextual", transformer=_Builder(), maybe_placeholders=False)


def _complaint(text: str, error: UnexpectedInput) -> QueryError:
    """Return what the server says about a text that no rule fits (rally.md §4)."""
    is_end = isinstance(error, UnexpectedToken) and error.token.type == "$END"
    at = len(text) if is_end or error.pos_in_stream is None else error.pos_in_stream
    seen = found[0] if (found := _PIECE.match(text, at)) else ""
    place = Place(at, max(1, len(seen)))
    if seen == '"':
        return QueryError(text, at, "The text in quotes does not end", length=len(text) - at)
    expected = _expected(error)
    if "OP" in expected:
        return _no_operator(text, place)
    after_group = text[:at].rstrip().endswith(")")
    if "JOIN" in expected and after_group and seen not in (")", ""):
        return complaint(text, seen, place)
    if "JOIN" in expected and seen == "(":  # a parenthesis in a value without quotes is reported so (rally.md §4 R)
        return complaint(text, ")", place, "; a value with parentheses stands in quotes")
    if "WORD" in expected and "LPAR" not in expected:
        is_list = seen == "(" and _BEFORE_LIST.search(text[:at])
        missing = "the values of in have no parentheses: A,B" if is_list else "a value is missing"
        return complaint(text, ")", place, f"; {missing}")
    wanted = "(" if "LPAR" in expected else ")"
    problem = f'Could not parse: Error parsing expression -- expected "{wanted}" but saw "{seen}" instead.'
    return QueryError(text, at, problem + _hint(text[:at], seen), length=place.length)


def _hint(before: str, seen: str) -> str:
    """Return what may have been meant by a value that goes on behind a blank."""
    if seen in ("+", "-") and before.rstrip().endswith("today"):
        return " Write today-7 without blanks."
    return " Rally's quotes are double." if seen.endswith("'") and "'" in before else ""


def _expected(error: UnexpectedInput) -> set[str]:
    if isinstance(error, UnexpectedToken):
        return set(error.accepts or error.expected)
    return set(error.allowed or ()) if isinstance(error, UnexpectedCharacters) else set()


def _no_operator(text: str, place: Place) -> QueryError:
    """Return the complaint about a condition whose second word is no operator; `place` is where nothing fitted any more."""
    pieces = list(_PIECE.finditer(text, 0, place.at))
    words: list[re.Match[str]] = []
    for each in reversed(pieces):
        if each[0] in ("(", ")"):
            break
        words.insert(0, each)
    if len(words) > 1:
        return complaint(text, words[1][0], Place(words[1].start(), len(words[1][0])))
    stuck = _STUCK.search(words[0][0]) if words else None
    seen = text[place.at : place.at + place.length]
    if stuck is None:
        return complaint(text, seen, place)
    hint = f"; blanks stand around an operator: {stuck[1]} {stuck[2]} {stuck[3] or '…'}"
    return complaint(text, seen, Place(words[0].start(), len(words[0][0])), hint)
