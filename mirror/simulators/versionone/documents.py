"""Bodies of query.v1 and api/asset: JSON, or YAML documents separated by `---`. versionone.md §8.1, §8.2.

Only what such commands need of YAML: block mappings and lists, flow lists and mappings, plain and quoted scalars, comments.
"""

from __future__ import annotations

import re
from typing import Any

import msgspec

_SEPARATOR = re.compile(r"^---[ \t]*$", re.MULTILINE)
_KEY = re.compile(r"""("(?:[^"\\]|\\.)*"|'(?:[^']|'')*'|[^\s\[\]{}"'#-][^#]*?|-[^\s#][^#]*?|[@$][^#]*?)\s*:(?:\s+|$)""")
_INTEGER = re.compile(r"-?\d+")
_FLOAT = re.compile(r"-?\d+\.\d+")
_WORDS: dict[str, object] = {"true": True, "false": False, "null": None, "~": None, "": None}


class DocumentError(Exception):
    """A body that cannot be read."""


def read_documents(body: bytes) -> list[Any]:
    """Return the commands in a body, in order: an array of JSON, one JSON object, or YAML documents.

    Raises:
        DocumentError: it is neither.
    """
    text = body.decode("utf-8", errors="replace").strip().removeprefix("\ufeff")
    if text[:1] in ("{", "["):
        try:
            found = msgspec.json.decode(text)
        except msgspec.DecodeError as problem:
            raise DocumentError(str(problem)) from None
        return found if isinstance(found, list) else [found]
    documents = [_Block(each).read() for each in _SEPARATOR.split(text) if each.strip()]
    return [each for document in documents for each in (document if isinstance(document, list) else [document])]


class _Block:
    """One YAML document: lines with their indentation."""

    def __init__(self, text: str) -> None:
        lines = [_without_comment(line) for line in text.splitlines()]
        self._lines = [(len(line) - len(line.lstrip()), line.strip()) for line in lines if line.strip()]
        self._at = 0

    def read(self) -> Any:
        value = self._value(self._lines[0][0]) if self._lines else None
        if self._at < len(self._lines):
            raise DocumentError(f"unexpected: {self._lines[self._at][1]}")
        return value

    def _value(self, indent: int) -> Any:
        text = self._lines[self._at][1]
        if text == "-" or text.startswith("- "):
            return self._list(indent)
        if _KEY.match(text) and text[:1] not in "[{":
            return self._mapping(indent)
        self._at += 1
        return scalar(text)

    def _mapping(self, indent: int) -> dict[str, Any]:
        found: dict[str, Any] = {}
        while self._at < len(self._lines) and self._lines[self._at][0] == indent:
            text = self._lines[self._at][1]
            matched = _KEY.match(text)
            if matched is None or text.startswith("- "):
                break
            rest = text[matched.end() :]
            self._at += 1
            found[str(_plain(matched[1]))] = scalar(rest) if rest else self._nested(indent, in_mapping=True)
        return found

    def _list(self, indent: int) -> list[Any]:
        found: list[Any] = []
        while self._at < len(self._lines) and self._lines[self._at][0] == indent:
            text = self._lines[self._at][1]
            if text != "-" and not text.startswith("- "):
                break
            rest = text[1:].lstrip()
            if not rest:
                self._at += 1
                found.append(self._nested(indent))
                continue
            # What follows the dash is a block of its own, as deep as it stands.
            deeper = indent + len(text) - len(rest)
            self._lines[self._at] = (deeper, rest)
            found.append(self._value(deeper))
        return found

    def _nested(self, indent: int, *, in_mapping: bool = False) -> Any:
        if self._at >= len(self._lines):
            return None
        below, text = self._lines[self._at]
        # A list may stand as far left as the key it belongs to.
        same = in_mapping and below == indent and (text == "-" or text.startswith("- "))
        return self._value(below) if below > indent or same else None


def _without_comment(line: str) -> str:
    """Cut off a comment: a `#` at the start or after a space, outside quotes that opened at a word's start."""
    quote = ""
    for place, character in enumerate(line):
        if quote:
            quote = "" if character == quote else quote
        elif character in "\"'" and line[:place].rstrip()[-1:] in ("", ":", "-", ",", "[", "{"):
            quote = character
        elif character == "#" and (place == 0 or line[place - 1].isspace()):
            return line[:place]
    return line


def scalar(text: str) -> Any:
    """Read one inline value: a flow list or mapping, a quoted text, or a plain scalar.

    Raises:
        DocumentError: a bracket or quote is not closed.
    """
    if text[:1] in "[{" and text:
        value, end = _flow(text, 0)
        if text[end:].strip():
            raise DocumentError(f"unexpected: {text[end:]}")
        return value
    return _plain(text)


def _plain(text: str) -> Any:
    text = text.strip()
    if text[:1] == '"':
        try:
            return msgspec.json.decode(text)
        except msgspec.DecodeError as problem:
            raise DocumentError(str(problem)) from None
    if text[:1] == "'" and len(text) > 1 and text[-1] == "'":
        return text[1:-1].replace("''", "'")
    if text in _WORDS:
        return _WORDS[text]
    if _INTEGER.fullmatch(text):
        return int(text)
    return float(text) if _FLOAT.fullmatch(text) else text


def _flow(text: str, at: int) -> tuple[Any, int]:
    """Read a flow value from `at`; return it and where it ends."""
    at = _skip(text, at)
    if text[at : at + 1] == "[":
        return _flow_list(text, at + 1)
    if text[at : at + 1] == "{":
        return _flow_mapping(text, at + 1)
    end = _scalar_end(text, at, ",]}")
    return _plain(text[at:end]), end


def _flow_list(text: str, at: int) -> tuple[list[Any], int]:
    found: list[Any] = []
    while True:
        at = _skip(text, at)
        if text[at : at + 1] == "]":
            return found, at + 1
        value, at = _flow(text, at)
        found.append(value)
        at = _after_item(text, at, "]")


def _flow_mapping(text: str, at: int) -> tuple[dict[str, Any], int]:
    found: dict[str, Any] = {}
    while True:
        at = _skip(text, at)
        if text[at : at + 1] == "}":
            return found, at + 1
        end = _scalar_end(text, at, ":")
        value, stop = _flow(text, end + 1)
        found[str(_plain(text[at:end]))] = value
        at = _after_item(text, stop, "}")


def _after_item(text: str, at: int, closing: str) -> int:
    at = _skip(text, at)
    if text[at : at + 1] == ",":
        return at + 1
    if text[at : at + 1] != closing:
        raise DocumentError(f"{closing} is missing in: {text}")
    return at


def _skip(text: str, at: int) -> int:
    while at < len(text) and text[at].isspace():
        at += 1
    return at


def _scalar_end(text: str, at: int, stops: str) -> int:
    if text[at : at + 1] in ('"', "'"):
        end = text.find(text[at], at + 1)
        while end > 0 and text[end - 1] == "\\":
            end = text.find(text[at], end + 1)
        if end < 0:
            raise DocumentError(f"a quote is not closed in: {text}")
        return end + 1
    while at < len(text) and text[at] not in stops:
        at += 1
    if at == len(text):
        raise DocumentError(f"a bracket is not closed in: {text}")
    return at
