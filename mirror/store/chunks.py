"""Cuts long lists of ids into pieces that fit the parameters of one statement."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from itertools import islice

IDS_PER_STATEMENT = 5_000  # SQLite allows 32,766 parameters (https://sqlite.org/limits.html), Postgres 65,535


def chunked(ids: Collection[int]) -> Iterator[list[int]]:
    """Yield `ids` in order, in lists of at most IDS_PER_STATEMENT."""
    rest = iter(ids)
    while chunk := list(islice(rest, IDS_PER_STATEMENT)):
        yield chunk
