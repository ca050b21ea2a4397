"""Merges two edits of one text, where they changed different places.

A merge that loses or garbles an edit is worse than a conflict. So texts are compared by words, and edits that touch, or have
no unchanged word between them, are left to people.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import pairwise

from diff_match_patch import diff_match_patch

_TOKEN = re.compile(r"<[^<>]*>|&#?\w+;|\w+|\s|[^\w\s]")  # a tag or an entity of HTML counts as one word
_WORD = re.compile(r"\w")
_FIRST, _GAP, _GAP_SIZE = 0x100, 0xD800, 0x800  # characters stand for words; surrogates are left out
_SECONDS = 1.0  # what is not compared by then counts as replaced: that makes a conflict, never a wrong merge


@dataclass(frozen=True, slots=True, order=True)
class Edit:
    """Tokens `start` to `end` (exclusive) of the base are replaced by `tokens`."""

    start: int
    end: int
    tokens: tuple[str, ...]


def merge_text(base: str, local: str, remote: str) -> str | None:
    """Return the text with both edits in it; None when they do not lie clearly apart.

    | base      | local     | remote    | result    |
    |-----------|-----------|-----------|-----------|
    | a b c     | a b c     | anything  | remote    |
    | a b c     | anything  | a b c     | local     |
    | a b c     | the same  | the same  | that      |
    | a b c     | X b c     | a b Y     | X b Y     |
    | a b c     | X b c     | Z b c     | None      |
    | a b c     | X b c     | a Y c     | None      |
    """
    if remote in (base, local):
        return local
    if local == base:
        return remote
    tokens = _TOKEN.findall(base)
    here, there = (frozenset(edits(tokens, _TOKEN.findall(text))) for text in (local, remote))
    both = sorted(here | there)
    for pair in pairwise(both):
        if not (here.issuperset(pair) or there.issuperset(pair) or _apart(tokens, *pair)):
            return None
    return applied(tokens, both)


def edits(base: Sequence[str], edited: Sequence[str]) -> list[Edit]:
    """Return what makes `edited` of `base`, in ascending order and with something unchanged between any two."""
    numbers: dict[str, str] = {}
    before, after = ("".join(_letter(each, numbers) for each in tokens) for tokens in (base, edited))
    differ = diff_match_patch()
    differ.Diff_Timeout = _SECONDS
    found = differ.diff_main(before, after, False)
    differ.diff_cleanupSemantic(found)
    return _edits(found, edited)


def _letter(token: str, numbers: dict[str, str]) -> str:
    """Return the one character that stands for `token`, the same for the same token."""
    if token not in numbers:
        code = _FIRST + len(numbers)
        numbers[token] = chr(code if code < _GAP else code + _GAP_SIZE)
    return numbers[token]


def _edits(found: Sequence[tuple[int, str]], edited: Sequence[str]) -> list[Edit]:
    made: list[Edit] = []
    here = there = 0
    for operation, letters in found:
        size = len(letters)
        if operation == 0:
            here, there = here + size, there + size
            continue
        last = made.pop() if made and made[-1].end == here else Edit(here, here, ())
        if operation < 0:
            here += size
            made.append(Edit(last.start, here, last.tokens))
        else:
            made.append(Edit(last.start, last.end, (*last.tokens, *edited[there : there + size])))
            there += size
    return made


def _apart(tokens: Sequence[str], first: Edit, second: Edit) -> bool:
    """Return whether an unchanged word lies between two edits."""
    return any(_WORD.search(each) for each in tokens[first.end : second.start])


def applied(tokens: Sequence[str], wanted: Collection[Edit]) -> str:
    """Return the text that `tokens` become by edits, which must be in order and not overlap."""
    parts: list[str] = []
    place = 0
    for each in wanted:
        parts += [*tokens[place : each.start], *each.tokens]
        place = each.end
    return "".join([*parts, *tokens[place:]])
