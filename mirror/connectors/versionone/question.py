"""One question about the assets of a type, and its reply, whichever of the server's interfaces carries them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Protocol

import msgspec

Flat = Mapping[str, Any]
"""A row as query.v1 writes it (versionone.md §8.1 R): `_oid`, then values by what was selected; a relation is
{"_oid": …} or None, a multi relation a list of these, with the shown attribute beside `_oid`."""

Document = tuple[msgspec.Raw, ...] | Flat
"""One row of an answer, not decoded yet: one JSON document for each request it took; or a row of XML, already flat."""


@dataclass(frozen=True, slots=True)
class Pick:
    """One thing to select.

    Attributes:
        shown: the attribute of a relation's target that it is shown by; empty for everything else.
        multi: the relation has many targets; their names come beside them.
    """

    name: str
    shown: str = ""
    multi: bool = False

    @property
    def name_token(self) -> str:
        """`Scope.Name`; empty when no name is asked for."""
        return f"{self.name}.{self.shown}" if self.shown else ""


@dataclass(frozen=True, slots=True)
class Question:
    """A query of one type, concrete or abstract, in ID order.

    Attributes:
        terms: filter tokens of versionone.md §4.1, all of which must hold.
        size: of the page; at most so many rows come.
        start: of the page, from 0.
        backwards: newest id first.
        order: sort by this token instead of by id, `-Order` the other way round.
        abstract: the type is abstract, so rows of several types come.
        proof: have the reply tell whether rows are left behind the page, where one request can do both.
        versions: every version of each asset, by moment, instead of what there is now; its oids end in the moment.
    """

    type_name: str
    picks: tuple[Pick, ...]
    terms: tuple[str, ...] = ()
    size: int = 1000
    start: int = 0
    backwards: bool = False
    proof: bool = True
    abstract: bool = False
    versions: bool = False
    order: str = ""


@dataclass(frozen=True, slots=True)
class Reply:
    """The answer to one question.

    Attributes:
        last_id: of the last row; None without rows.
        total: how many rows match, whatever the page; None when the server does not say.
        newest: the highest id that matches; None when it was not asked for, or nothing matches.
        failure: why there is no answer; empty when there is one.
    """

    documents: Sequence[Document] = ()
    last_id: int | None = None
    total: int | None = None
    newest: int | None = None
    start: int = 0
    server_time: datetime = field(default_factory=lambda: datetime.now(UTC))
    failure: str = ""

    @property
    def complete(self) -> bool:
        """Whether it is proven that nothing is left behind this page; a short page proves nothing (§4.2.3)."""
        if self.last_id is None:
            return True
        if self.newest is not None:
            return self.last_id >= self.newest
        return self.total is not None and self.start + len(self.documents) >= self.total


class Form(Protocol):
    """One of the server's interfaces for reading."""

    name: str
    batches: bool

    def send(self, question: Question) -> Callable[[], Reply]:
        """Ask, and return the answer for somebody else to read.

        Raises:
            RefusedError: the question is not understood.
        """
        ...

    def ask(self, questions: Sequence[Question]) -> list[Reply]:
        """Answer all questions in as few requests as possible; one that is refused has `failure`."""
        ...


def flat(document: Document) -> Flat:
    """Return a row as query.v1 writes it.

    Raises:
        msgspec.DecodeError, KeyError, TypeError, AttributeError: it has another shape.
    """
    if not isinstance(document, tuple):
        return document
    first = msgspec.json.decode(document[0])
    if "_oid" in first:
        return {name: _none_for_null(value) for name, value in first.items()}
    merged: dict[str, Any] = {"_oid": first["id"]}
    for part in document:
        values = msgspec.json.decode(part)["Attributes"]
        merged |= {name: _plain_value(each.get("value")) for name, each in values.items()}
    return merged


def _none_for_null(value: Any) -> Any:
    return None if isinstance(value, dict) and value.get("_oid") == "NULL" else value


def _plain_value(value: Any) -> Any:
    """Return a value of typed JSON (§3.3) as query.v1 writes it."""
    if isinstance(value, dict):
        return {"_oid": value["idref"]}
    if isinstance(value, list):
        return [_plain_value(each) for each in value]
    return value


@lru_cache(1 << 14)
def id_in(oid: str) -> int:
    """Return the number in an oid token, `Story:1005` or with a version `Story:1005:903` (§1).

    Raises:
        ValueError: there is none.
    """
    _, _, rest = oid.partition(":")
    return int(rest.partition(":")[0])


@lru_cache(1 << 14)
def type_in(oid: str) -> str:
    """Return the type's name in an oid token."""
    return oid[: oid.index(":")]


def quoted(value: str) -> str:
    """Return a value for a filter; a quote inside is doubled (§4.1 S)."""
    return "'" + value.replace("'", "''") + "'"
