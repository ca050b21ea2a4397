"""What writing needs of a connector, and the words all of it shares."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from mirror.connectors.versionone.caller import Caller
from mirror.connectors.versionone.meta import Meta
from mirror.connectors.versionone.paging import Pager
from mirror.connectors.versionone.question import Flat, Question, flat
from mirror.connectors.versionone.server import Server
from mirror.connectors.versionone.wire import Wire
from mirror.model.layout import Layout
from mirror.model.page import KeyRange, Page
from mirror.model.write import Write


class Place(Protocol):
    """An instance that is written to."""

    server: Server
    wire: Wire
    caller: Caller
    pager: Pager

    def meta(self) -> Meta: ...

    def anywhere(self, layout: Layout, ids: Sequence[int]) -> Page: ...


def oid(write: Write) -> str:
    """Return the oid token of the record that is written to."""
    return f"{write.layout.type.name}:{write.record_id}"


def rows_of(place: Place, question: Question) -> list[Flat]:
    """Return all rows that a question finds."""
    first = place.server.form.send(question)()
    return [flat(each) for reply in place.pager.replies(question, KeyRange(), first) for each in reply.documents]
