"""Records of a type by range or by id: what is asked, and the page that comes of it."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Protocol

from mirror.connectors.versionone.decode import RowDecoder
from mirror.connectors.versionone.echoes import OtherEnd, other_ends, picks, read_echoes
from mirror.connectors.versionone.meta import Meta
from mirror.connectors.versionone.paging import Pager, Read
from mirror.connectors.versionone.question import Question, Reply
from mirror.connectors.versionone.refusals import RefusedError
from mirror.connectors.versionone.selection import refused_token, select
from mirror.connectors.versionone.server import Server
from mirror.errors import ProtocolError
from mirror.model.layout import Layout
from mirror.model.page import Echo, KeyRange, Page, Unread
from mirror.model.schema import RecordType

log = logging.getLogger(__name__)

_REFUSED = "refused "
_REFUSALS_AT_MOST = 200
_IDS_PER_QUESTION = 25
"""Of an oid of up to 40 characters each; the address of a GET then stays below what IIS takes (versionone.md §4.2.4 I)."""


class _Place(Protocol):
    server: Server
    pager: Pager

    def meta(self) -> Meta: ...

    def scope_terms(self, record_type: RecordType) -> tuple[str, ...]: ...


class Rows:
    """Reads records; an attribute that the server does not know is left out, and the others are read all the same."""

    def __init__(self, place: _Place, page_size: int) -> None:
        self.place = place
        self.page_size = page_size
        self._lock = threading.Lock()
        self._decoders: dict[str, RowDecoder] = {}

    def fetch(self, layout: Layout, keys: KeyRange) -> Unread:
        """Ask for the first records of the range."""
        read, decoder = self._asked(layout, lambda question: self.place.pager.send(question, keys))
        return lambda: _page(decoder, read())

    def records(self, layout: Layout, ids: Sequence[int], *, anywhere: bool = False) -> Page:
        """Return the records with those ids, in as many requests as the form takes.

        Args:
            anywhere: those outside of the source's scope as well.
        """
        replies = [reply for chunk in self._chunks(ids) for reply in self._by_id(layout, chunk, anywhere=anywhere)]
        decoder = self._decoder(layout)  # a refusal on the way has left out more, which is then null in all rows
        decoded = decoder.decode([each for reply in replies for each in reply.documents])
        ends = tuple(other_ends(self.place.meta(), layout.type.name))
        return Page(
            layout=layout,
            rows=decoded.rows,
            after=None,
            received=len(decoded.rows) + len(decoded.bad),
            server_time=min(each.server_time for each in replies),
            links=decoded.links,
            bad=decoded.bad,
            echoes=(lambda: self._echoes(layout, ends, [row[1] for row in decoded.rows])) if ends else None,
        )

    def _chunks(self, ids: Sequence[int]) -> Iterator[Sequence[int]]:
        size = len(ids) if self.place.server.form.batches else _IDS_PER_QUESTION
        return (ids[at : at + size] for at in range(0, len(ids), size))

    def _by_id(self, layout: Layout, ids: Sequence[int], *, anywhere: bool) -> Iterator[Reply]:
        """Yield replies until all that are there have come; a page may be cut short."""
        left: Sequence[int] = ids
        while left:
            term = _id_term(layout, left)
            read, _ = self._asked(layout, lambda question, term=term: self._send(question, term), anywhere=anywhere)  # type: ignore[misc]
            reply = read()
            yield reply
            left = _behind(reply, left)

    def _send(self, question: Question, term: str) -> Read:
        return self.place.server.form.send(replace(question, terms=(*question.terms, term)))

    def _echoes(self, layout: Layout, ends: Sequence[OtherEnd], ids: Sequence[int]) -> Sequence[Echo]:
        """Ask what these records show at their end of links that are stored with others."""
        replies: list[Reply] = []
        for chunk in self._chunks(ids):
            left = chunk
            while left:
                question = Question(layout.type.name, picks(ends), (_id_term(layout, left),), self.page_size)
                replies.append(self.place.server.form.send(question)())
                left = _behind(replies[-1], left)
        return read_echoes(ends, [each for reply in replies for each in reply.documents])

    def _asked(self, layout: Layout, send: Callable[[Question], Read], *, anywhere: bool = False) -> tuple[Read, RowDecoder]:
        """Ask for rows of a type, again without each attribute that the server refuses (versionone.md §3.4 L)."""
        for _ in range(_REFUSALS_AT_MOST):
            decoder = self._decoder(layout)
            question = Question(
                layout.type.name,
                decoder.selection.picks,
                () if anywhere else self.place.scope_terms(layout.type),
                self.page_size,
            )
            try:
                return send(question), decoder
            except RefusedError as error:
                token = refused_token(self.place.meta(), decoder.selection, error.reason)
                if not token:
                    raise
                log.warning("an attribute is refused and left out type=%s attribute=%s", layout.type.name, token)
                self._refuse(layout.type.name, token)
        raise ProtocolError(f"{layout.type.name}: the server refuses one attribute after the other")

    def _refuse(self, type_name: str, token: str) -> None:
        with self._lock:
            learned = self.place.server.learned
            tokens = {*learned.get(_REFUSED + type_name, "").split(), token}
            learned[_REFUSED + type_name] = " ".join(sorted(tokens))
            self._decoders.pop(type_name, None)

    def forget_refusals(self) -> None:
        """Ask for everything again; the types have changed."""
        with self._lock:
            for name in [each for each in self.place.server.learned if each.startswith(_REFUSED)]:
                del self.place.server.learned[name]
            self._decoders.clear()

    def _decoder(self, layout: Layout) -> RowDecoder:
        meta = self.place.meta()
        with self._lock:
            name = layout.type.name
            known = self._decoders.get(name)
            if known is None or known.layout != layout:
                refused = self.place.server.learned.get(_REFUSED + name, "").split()
                known = self._decoders[name] = RowDecoder(layout, select(meta, layout.type, refused))
            return known


def _id_term(layout: Layout, ids: Sequence[int]) -> str:
    return "ID=" + ",".join(f"'{layout.type.name}:{each}'" for each in ids)


def _behind(reply: Reply, ids: Sequence[int]) -> Sequence[int]:
    """Return which of these ids a page leaves open: those behind its last, unless it is proven that there are no more."""
    if reply.last_id is None or reply.complete or len(reply.documents) == len(ids):
        return ()
    return [each for each in ids if each > reply.last_id]


def _page(decoder: RowDecoder, reply: Reply) -> Page:
    decoded = decoder.decode(reply.documents)
    ids = [row[1] for row in decoded.rows]
    if ids != sorted(ids):  # the next page starts behind the last one (versionone.md §3.1 D: the default order)
        raise ProtocolError(f"{decoder.layout.type.name}: records do not come by ascending id")
    return Page(
        layout=decoder.layout,
        rows=decoded.rows,
        after=None if reply.complete else reply.last_id,
        received=len(reply.documents),
        server_time=reply.server_time,
        announced=reply.total,
        links=decoded.links,
        bad=decoded.bad,
    )
