"""Cuts a type into ranges of ids of about equal size, by looking at single rows at offsets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from mirror.connectors.versionone.question import Question
from mirror.connectors.versionone.server import Server
from mirror.model.page import KeyRange

_DOUBLINGS = 14
"""From one page up to so many times its double: 16 million records."""


def split(server: Server, question: Question, page_size: int, parts: int, count: int | None) -> Sequence[KeyRange]:
    """Return at most `parts` ranges that together cover all ids.

    Args:
        question: selects the type's records, one at a time.
        count: how many there are; where the server does not say, offsets are tried at doubling distance first.
    """
    if count is None:
        offsets = [page_size << step for step in range(_DOUBLINGS if server.form.batches else 0)]
        reached = sum(each is not None for each in _ids_at(server, question, offsets))
        # Up to twice as many as are certain, so twice the borders are tried, and half of them kept when all are there.
        count = page_size << reached
    pages = -(-count // page_size)
    tried = max(1, min(2 * parts, pages))
    starts = [page_size * (pages * part // tried) for part in range(1, tried)]
    borders = sorted({each for each in _ids_at(server, question, starts) if each})
    chosen = [borders[len(borders) * part // parts] for part in range(1, parts)] if len(borders) >= parts else borders
    edges = [0, *dict.fromkeys(chosen)]
    return [KeyRange(after, until) for after, until in zip(edges, [*edges[1:], None], strict=True)]


def _ids_at(server: Server, question: Question, offsets: Sequence[int]) -> list[int | None]:
    """Return the id at each offset, None behind the end."""
    replies = server.form.ask([replace(question, start=each, size=1) for each in offsets])
    return [None if each.failure else each.last_id for each in replies]
