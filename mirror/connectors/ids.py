"""Ids as answers tell them."""

from __future__ import annotations

_END = 2**63  # the database keeps them in eight bytes


def id_told(value: object) -> int | None:
    """Return the id that a value of an answer is, as a number or as its digits; None when it is none."""
    if isinstance(value, str) and value.isascii() and value.isdigit():
        value = int(value[:20])
    if not isinstance(value, int) or isinstance(value, bool):
        return None
    return value if 0 < value < _END else None
