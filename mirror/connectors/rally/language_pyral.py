"""Queries in the forms that pyral takes beside text: a mapping of equal values, and a list of conditions.

Source: rally.md, key PY (query_builder.py): either means all of them together.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import datetime

from mirror.connectors.language import Plain
from mirror.model.cells import canonical
from mirror.model.schema import Kind

_SIMPLE = re.compile(r'[^\s()",]+')


def from_dict(criteria: Mapping[str, Plain]) -> str:
    """Return the query text for records whose fields have these values; "" for none.

    Values are quoted where they need it, so that a text such as `today` or `null` stays one; None is null.
    """
    return from_list([f"({name} = {_written(value)})" for name, value in criteria.items()])


def from_list(conditions: Iterable[str]) -> str:
    """Return the query text for records that meet every one of these conditions, in parentheses or not; "" for none."""
    joined = ""
    for each in filter(None, map(str.strip, conditions)):
        condition = each if is_enclosed(each) else f"({each})"
        joined = f"({joined} AND {condition})" if joined else condition
    return joined


def is_enclosed(text: str) -> bool:
    """Return whether one pair of parentheses is around the whole text."""
    bare = re.sub(r'"(?:\\.|[^"\\])*"', lambda quoted: "x" * len(quoted[0]), text)
    depth = 0
    for place, each in enumerate(bare):
        depth += (each == "(") - (each == ")")
        if depth == 0:
            return place > 0 and place == len(bare) - 1
    return False


def _written(value: Plain) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return str(canonical(Kind.TIMESTAMP, value.isoformat())) if value.tzinfo else value.isoformat()
    text = str(value)
    if not isinstance(value, str):
        return text
    is_word = text in ("null", "today") or text.startswith(("today+", "today-"))
    if _SIMPLE.fullmatch(text) and not is_word:
        return text
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
