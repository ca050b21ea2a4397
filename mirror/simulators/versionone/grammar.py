"""The notation of filters, selections and sort orders, read into trees. versionone.md §4.

Knows no types: whether a name exists is decided where a tree meets a schema.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

AGGREGATES = ("Count", "Sum", "Min", "Max", "MinDate", "MaxDate", "And", "Or", "DistinctCount")
"""What may follow `@` at the end of a path. §4.1 D"""

_NAME = re.compile(r"[A-Za-z_]\w*")
_OPERATOR = re.compile(r"!=|<=|>=|=|<|>")
_BARE = re.compile(r"[^\s;|&,()\[\]'\"]+")
_SPACE = re.compile(r"\s*")


class GrammarError(Exception):
    """The text does not follow the notation.

    Attributes:
        position: offset of the first character that does not fit.
    """

    def __init__(self, text: str, position: int) -> None:
        self.position = position
        # The literal is versionone.md §3.4 S; what follows it is not known.
        super().__init__(f"Invalid QueryFilter2 token '{text[position : position + 20] or 'end of text'}'")


@dataclass(frozen=True, slots=True)
class Literal:
    """A value as written.

    Attributes:
        quoted: False for a value without quotes, which newer releases refuse for some attributes (C2).
    """

    text: str
    quoted: bool = True


@dataclass(frozen=True, slots=True)
class Variable:
    """`$name`, defined with `with`; the empty name is `$`, the asset the outermost query looks at. §4.1 S/D"""

    name: str


@dataclass(frozen=True, slots=True)
class Step:
    """One attribute on a path, `Children:Task[AssetState='Active']`.

    Attributes:
        downcast: only related assets of this type; "" for all.
        condition: only related assets for which it holds; None for all.
    """

    name: str
    downcast: str = ""
    condition: Condition | None = None


@dataclass(frozen=True, slots=True)
class Path:
    """Attributes joined with dots.

    Attributes:
        text: as written.
        aggregate: one of `AGGREGATES`, or "".
    """

    text: str
    steps: tuple[Step, ...]
    aggregate: str = ""


@dataclass(frozen=True, slots=True)
class Compare:
    """`path op value, value…`; with several values `=` means IN and `!=` means NOT IN. §4.1 D"""

    path: Path
    operator: str
    values: tuple[Literal | Variable, ...]


@dataclass(frozen=True, slots=True)
class Filled:
    """`+path`: there is a value; `-path` when `wanted` is False: there is none. §4.1 D"""

    path: Path
    wanted: bool


@dataclass(frozen=True, slots=True)
class All:
    """Terms joined with `;` or `&`."""

    terms: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Either:
    """Terms joined with `|`."""

    terms: tuple[Condition, ...]


Condition = Compare | Filled | All | Either


class _Parser:
    """Reads one text from left to right; every method leaves `at` behind what it read."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0

    def fail(self) -> GrammarError:
        return GrammarError(self.text, self.at)

    def peek(self) -> str:
        found = _SPACE.match(self.text, self.at)
        self.at = found.end() if found else self.at
        return self.text[self.at : self.at + 1]

    def take(self, characters: str) -> str:
        """Return the next character if it is one of these, else ""."""
        found = self.peek()
        if found and found in characters:
            self.at += 1
            return found
        return ""

    def expect(self, characters: str) -> None:
        if not self.take(characters):
            raise self.fail()

    def match(self, pattern: re.Pattern[str]) -> str:
        self.peek()
        found = pattern.match(self.text, self.at)
        if found is None:
            raise self.fail()
        self.at = found.end()
        return found[0]

    def end(self) -> None:
        if self.peek():
            raise self.fail()

    def either(self) -> Condition:
        terms = [self.all()]
        while self.take("|"):
            terms.append(self.all())
        return terms[0] if len(terms) == 1 else Either(tuple(terms))

    def all(self) -> Condition:
        terms = [self.term()]
        while self.take(";&"):
            terms.append(self.term())
        return terms[0] if len(terms) == 1 else All(tuple(terms))

    def term(self) -> Condition:
        if self.take("("):
            inner = self.either()
            self.expect(")")
            return inner
        sign = self.take("+-")
        if sign:
            return Filled(self.path(), sign == "+")
        path = self.path()
        operator = self.match(_OPERATOR)
        values = [self.value()]
        while self.take(","):
            values.append(self.value())
        return Compare(path, operator, tuple(values))

    def value(self) -> Literal | Variable:
        quote = self.take("'\"")
        if quote:
            return Literal(self.quoted(quote))
        if self.take("$"):
            found = _NAME.match(self.text, self.at)
            self.at = found.end() if found else self.at
            return Variable(found[0] if found else "")
        return Literal(self.match(_BARE), quoted=False)

    def quoted(self, quote: str) -> str:
        """Read up to the closing quote; a doubled quote stands for one. §4.1 D"""
        parts: list[str] = []
        while True:
            end = self.text.find(quote, self.at)
            if end < 0:
                self.at = len(self.text)
                raise self.fail()
            parts.append(self.text[self.at : end])
            self.at = end + 1
            if self.text[self.at : self.at + 1] != quote:
                return quote.join(parts)
            self.at += 1

    def path(self) -> Path:
        self.peek()
        start = self.at
        steps = [self.step()]
        aggregate = ""
        while not aggregate and self.text[self.at : self.at + 1] == ".":
            self.at += 1
            if self.take("@"):
                aggregate = self.match(_NAME)
                if aggregate not in AGGREGATES:
                    raise GrammarError(self.text, self.at - len(aggregate))
            else:
                steps.append(self.step())
        return Path(self.text[start : self.at], tuple(steps), aggregate)

    def step(self) -> Step:
        name = self.match(_NAME)
        downcast, condition = "", None
        if self.text[self.at : self.at + 1] == ":":
            self.at += 1
            downcast = self.match(_NAME)
        if self.text[self.at : self.at + 1] == "[":
            self.at += 1
            condition = self.either()
            self.expect("]")
        return Step(name, downcast, condition)


def parse_filter(text: str) -> Condition:
    """Read a filter.

        either := all ('|' all)*
        all   := term ((';' | '&') term)*      binds tighter than '|' (C7)
        term  := '(' either ')' | path op value (',' value)* | '+' path | '-' path
        path  := step ('.' step)* ('.@' aggregate)?
        step  := name (':' type)? ('[' either ']')?
        value := 'text' | "text" | $name | $ | bare

    Raises:
        GrammarError: it does not follow the notation. versionone.md §4.1 D
    """
    parser = _Parser(text)
    condition = parser.either()
    parser.end()
    return condition


def parse_path(text: str) -> Path:
    """Read one attribute token; GrammarError if it is none."""
    parser = _Parser(text)
    path = parser.path()
    parser.end()
    return path


def parse_selection(text: str) -> list[Path]:
    """Read a comma list of attribute tokens; brackets protect commas. Empty text gives an empty list. §4 D

    Raises:
        GrammarError: it does not follow the notation.
    """
    parser = _Parser(text)
    if not parser.peek():
        return []
    paths = [parser.path()]
    while parser.take(","):
        paths.append(parser.path())
    parser.end()
    return paths


def parse_order(text: str) -> list[tuple[Path, bool]]:
    """Read a sort order as (path, descending) pairs.

    A plus sign arrives as a space when the client did not encode it, and is optional anyway. §4 D

    Raises:
        GrammarError: it does not follow the notation.
    """
    parser = _Parser(text)
    if not parser.peek():
        return []
    order: list[tuple[Path, bool]] = []
    while True:
        descending = parser.take("+-") == "-"
        order.append((parser.path(), descending))
        if not parser.take(","):
            parser.end()
            return order


def parse_variables(text: str) -> dict[str, list[Literal]]:
    """Read `$name=v1,v2;$other=v` into lists of values by name without the dollar. §4 D

    Raises:
        GrammarError: it does not follow the notation.
    """
    parser = _Parser(text)
    found: dict[str, list[Literal]] = {}
    while parser.peek():
        parser.expect("$")
        name = parser.match(_NAME)
        parser.expect("=")
        found[name] = [_plain(parser)]
        while parser.take(","):
            found[name].append(_plain(parser))
        if not parser.take(";"):
            parser.end()
    return found


_UNTIL_SEPARATOR = re.compile(r"[^;,]*")


def _plain(parser: _Parser) -> Literal:
    """A value of a variable: it needs no quotes, even with spaces in it."""
    if parser.peek() in ("'", '"'):
        value = parser.value()
        return value if isinstance(value, Literal) else Literal("")
    return Literal(parser.match(_UNTIL_SEPARATOR).strip())
