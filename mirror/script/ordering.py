"""In which order records of several types come: where a type lacks what a key names, its records have no value there."""

from __future__ import annotations

import re
from collections.abc import Sequence

from mirror.connectors.language import Asked, Language
from mirror.errors import QueryError
from mirror.model.layout import Layout
from mirror.query.expr import Order, Path

_KEYS = re.compile(r"""(?:\{[^}]*\}|\[(?:'[^']*'|"[^"]*"|[^\]'"])*\]|'[^']*'|"[^"]*"|[^,|])+""")
"""The trackers' orders have `,` or `|` between keys; inside brackets, braces and quotes these belong to a name."""

_NOWHERE = Path("")  # no type has a field of that name


def orders(language: Language, layouts: Sequence[Layout], text: str, asked: Asked) -> dict[str, tuple[Order, ...]]:
    """Return type name -> the order that a text asks for.

    Raises:
        QueryError: there is a key that none of the types understands.
    """
    if len(layouts) == 1:
        return _understood(language, layouts, text, asked)
    by_key = [_of_key(language, layouts, text, key, asked) for key in _KEYS.finditer(text) if key[0].strip()]
    return {each.type.name: tuple(order for key in by_key for order in key[each.type.name]) for each in layouts}


def _of_key(
    language: Language, layouts: Sequence[Layout], text: str, key: re.Match[str], asked: Asked
) -> dict[str, tuple[Order, ...]]:
    try:
        found = _understood(language, layouts, key[0], asked)
    except QueryError as error:
        place = key.start() + error.position
        raise QueryError(text, place, error.problem, length=error.length, near=error.near) from None
    absent = tuple(Order(_NOWHERE, each.descending) for each in next(iter(found.values())))
    return {each.type.name: found.get(each.type.name, absent) for each in layouts}


def _understood(language: Language, layouts: Sequence[Layout], text: str, asked: Asked) -> dict[str, tuple[Order, ...]]:
    """Return type name -> order, for the types that understand all of it.

    Raises:
        QueryError: none does.
    """
    found: dict[str, tuple[Order, ...]] = {}
    refused: list[QueryError] = []
    for each in layouts:
        try:
            found[each.type.name] = language.order(text, each, asked)
        except QueryError as error:
            refused.append(error)
    if refused and not found:
        raise refused[0]
    return found
