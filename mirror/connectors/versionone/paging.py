"""Pages by ascending id: behind an id where the server can compare ids, else by offset with a look whether rows moved.

Source: versionone.md §4.1 (Key and Moment are Opaque and can be compared, S), §4.2.2 and §4.2.3 (drift, short pages).
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Protocol

from mirror.connectors.versionone.question import Document, Form, Question, Reply, flat, id_in
from mirror.errors import ProtocolError, RetryableError
from mirror.model.page import KeyRange

KEY, ID, OFFSET = "Key", "ID", "offset"

_MOVES_SURVIVED = 30
_MARGIN = 2
"""Rows to step back by after a search for a place, which rows that move meanwhile may have misled."""

Read = Callable[[], Reply]


class _Server(Protocol):
    @property
    def form(self) -> Form: ...

    @property
    def ids_by(self) -> str: ...


class Pager:
    """Asks for what lies behind an id."""

    def __init__(self, server: _Server) -> None:
        self.server = server
        self._lock = threading.Lock()
        self._offsets: dict[tuple[str, tuple[str, ...], int], int] = {}

    def within(self, question: Question, keys: KeyRange) -> Question:
        """Return the question narrowed to a range of ids, as far as the server can compare ids."""
        by = self._by(question)
        if by == OFFSET:
            return question
        value = "{}" if by == KEY else question.type_name + ":{}"
        terms = list(question.terms)
        if keys.after:
            terms.append(f"{by}>'{value.format(keys.after)}'")
        if keys.until is not None:
            terms.append(f"{by}<='{value.format(keys.until)}'")
        return replace(question, terms=tuple(terms))

    def send(self, question: Question, keys: KeyRange) -> Read:
        """Ask for the first page of the range; a row behind its end is left out, and then the reply is complete."""
        if self._by(question) == OFFSET and (keys.after or keys.until is not None):
            reply = self._by_offset(question, keys)
            return lambda: reply
        read = self.server.form.send(self.within(question, keys))
        return lambda: self._noted(question, read())

    def replies(self, question: Question, keys: KeyRange, first: Reply | None = None) -> Iterator[Reply]:
        """Yield pages until it is proven that the range is at its end; a failed one is the last.

        Args:
            first: the reply to the range's first page, where it has been asked already.
        """
        after = keys.after
        reply = self._noted(question, first) if first else self.send(question, keys)()
        while True:
            yield reply
            if reply.failure or reply.complete:
                return
            if reply.last_id is None or (reply.last_id <= after and after):
                raise ProtocolError(f"{question.type_name}: pages do not come by ascending id")
            after = reply.last_id
            reply = self.send(question, KeyRange(after, keys.until))()

    def _by(self, question: Question) -> str:
        """Return how to page; an oid names one concrete type, so an abstract one is never paged by oids."""
        by = self.server.ids_by
        return OFFSET if by == ID and question.abstract else by

    def _noted(self, question: Question, reply: Reply) -> Reply:
        if self._by(question) == OFFSET and reply.last_id is not None:
            self._note(question, reply)
        return reply

    def _note(self, question: Question, reply: Reply) -> None:
        with self._lock:
            self._offsets[question.type_name, question.terms, reply.last_id or 0] = reply.start + len(reply.documents) - 1

    def _by_offset(self, question: Question, keys: KeyRange) -> Reply:
        """Return the rows behind `keys.after`, from a page that begins at or before it, so that none can be missed."""
        with self._lock:
            start = self._offsets.get((question.type_name, question.terms, keys.after), -1)
        if start < 0:
            start = self._place(question, keys.after)
        proven = False
        for _ in range(_MOVES_SURVIVED):
            reply = self.server.form.send(replace(question, start=start))()
            ids = [_id(each) for each in reply.documents]
            if ids != sorted(ids):
                raise ProtocolError(f"{question.type_name}: pages do not come by ascending id")
            if start == 0 or (ids and ids[0] <= keys.after) or (proven and not ids):
                self._noted(question, reply)
                rest = [each for each, key in zip(reply.documents, ids, strict=True) if key > keys.after]
                if rest or not ids:
                    return _cut(reply, rest, keys.until)
                start, proven = start + max(len(ids) - 1, 1), True
            else:
                start, proven = self._place(question, keys.after), False
        raise RetryableError(f"{question.type_name}: rows move faster than they can be read")

    def _place(self, question: Question, after: int) -> int:
        """Return an offset at or before the last row whose id is not above `after`, by halving."""
        low, high = -1, 1
        while self._at_or_before(question, high, after):
            low, high = high, high * 2
        while low + 1 < high:
            middle = (low + high) // 2
            low, high = (middle, high) if self._at_or_before(question, middle, after) else (low, middle)
        return max(0, low - _MARGIN)

    def _at_or_before(self, question: Question, start: int, after: int) -> bool:
        reply = self.server.form.send(replace(question, picks=(), start=start, size=1, proof=False))()
        return reply.last_id is not None and reply.last_id <= after


def _cut(reply: Reply, documents: list[Document], until: int | None) -> Reply:
    """Return the reply with the rows of a range alone.

    The total then proves nothing: it counts what is outside the range too, and rows may have moved since the page before.
    """
    kept = documents if until is None else [each for each in documents if _id(each) <= until]
    last = _id(kept[-1]) if kept else None
    # Where a row behind the range was seen, the range is whole.
    is_whole = len(kept) < len(documents) or not documents
    return replace(reply, documents=kept, last_id=last, total=None, newest=last if is_whole else reply.newest)


def _id(document: Document) -> int:
    try:
        return id_in(str(flat(document)["_oid"]))
    except (ValueError, KeyError, TypeError) as error:
        raise ProtocolError(f"a row of the answer has no id: {error}") from error
