"""Joins a tracker's language and the database: from what people type to queries that the store answers.

A type may be abstract (`Artifact`): then every concrete type of it is asked, and all answers are ordered together.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import TypeVar

from mirror.connectors.language import Asked, Language
from mirror.connectors.registry import language
from mirror.errors import QueryError, UnknownTypeError
from mirror.model.layout import Layout
from mirror.query.expr import Query, Term
from mirror.store.search import Searching
from mirror.store.store import Store

_FEW = 3
Meaning = TypeVar("Meaning")


@dataclass(frozen=True, slots=True)
class Found:
    """Records that people ask for; nothing is read yet.

    Attributes:
        searching: reads them.
        queries: one for each concrete type.
        terms: for `Searching.rows`; None when none were named, for whole rows.
        notes: what was understood otherwise than the tracker would have, in sentences.
    """

    searching: Searching
    queries: tuple[Query, ...]
    terms: Mapping[str, tuple[Term | None, ...]] | None = None
    notes: tuple[str, ...] = ()


def find_records(
    store: Store,
    layouts: Mapping[str, Layout],
    kind: str,
    type_name: str,
    text: str,
    *,
    now: datetime,
    order: str = "",
    terms: Sequence[str] = (),
    me: int | None = None,
) -> Found:
    """Return the records of a type, or of several under an abstract name, that a query in the tracker's own language means.

    A type that lacks a field of the query has no records that meet it; that is a note. A name that is no field of any of the
    types is an error.

    Args:
        layouts: type name -> layout, of all types of the source.
        kind: of the tracker: `rally`.
        text: "" for all.
        now: aware, UTC.
        order: in the place of the order that `text` asks for.
        terms: names of what is wanted, dotted or not.
        me: id of our own user, for what the language calls me; None when it is not known.

    Raises:
        UnknownTypeError: no type of that name; carries the nearest.
        QueryError: the text, the order or a term cannot be understood; points at the place.
    """
    spoken = language(kind)
    chosen = types_of(spoken, type_name, layouts)
    asked = Asked(layouts, now, me)
    queries = _understood(chosen, lambda layout: _query(spoken, text, order, layout, asked))
    wanted = [_understood(chosen, partial(spoken.term, each, asked=asked)) for each in terms]
    found = tuple(queries.values())
    notes = [note for each in found for note in each.notes]
    notes += [f"{each.type.name} has no such field, so none is found" for each in chosen if each.type.name not in queries]
    shown = {each.type_name: tuple(term.get(each.type_name) for term in wanted) for each in found} if terms else None
    return Found(store.search(layouts), found, shown, tuple(dict.fromkeys(notes)))


def types_of(spoken: Language, name: str, layouts: Mapping[str, Layout]) -> list[Layout]:
    """Return the concrete types that people mean by `name`.

    Raises:
        UnknownTypeError: it is none; carries the nearest names.
    """
    names = spoken.types(name.strip(), layouts)
    if not names:
        known = {each.casefold(): layout.type.name for layout in layouts.values() for each in _names(layout)}
        near = difflib.get_close_matches(name.strip().casefold(), known, n=_FEW)
        raise UnknownTypeError(name, tuple(dict.fromkeys(known[each] for each in near)))
    return [layouts[each] for each in names]


def _names(layout: Layout) -> list[str]:
    return [each for each in (layout.type.name, layout.type.display_name) if each]


def _query(spoken: Language, text: str, order: str, layout: Layout, asked: Asked) -> Query:
    query = spoken.query(text, layout, asked)
    return replace(query, order=spoken.order(order, layout, asked)) if order.strip() else query


def _understood(layouts: Sequence[Layout], understand: Callable[[Layout], Meaning]) -> dict[str, Meaning]:
    """Return type name -> what a text means there, for the types where it means something.

    Raises:
        QueryError: it means nothing anywhere.
    """
    found: dict[str, Meaning] = {}
    refused: list[QueryError] = []
    for each in layouts:
        try:
            found[each.type.name] = understand(each)
        except QueryError as error:
            refused.append(error)
    if refused and not found:
        raise refused[0]
    return found
