"""What was deleted, by the tracker's own word, and what became of one record.

Source: versionone.md §4.2.1 (deleted assets show only where IsDeleted is asked for), §6.3, C3.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Protocol

from mirror.connectors.base import Deletion
from mirror.connectors.versionone.catalog import DELETED, STAMP, family_of
from mirror.connectors.versionone.changes import written
from mirror.connectors.versionone.keys import found_in
from mirror.connectors.versionone.meta import MOMENT, Meta
from mirror.connectors.versionone.paging import Pager
from mirror.connectors.versionone.question import Pick, Question
from mirror.connectors.versionone.refusals import RefusedError
from mirror.connectors.versionone.rest import read_asset
from mirror.connectors.versionone.server import Server
from mirror.connectors.versionone.wire import DATA, Wire
from mirror.errors import ProtocolError
from mirror.model.page import Fate, KeyRange
from mirror.model.schema import RecordType

_IS_DELETED = f"{DELETED}='true'"
_LISTS = "deleted types"


class _Place(Protocol):
    server: Server
    pager: Pager
    wire: Wire
    page_size: int

    def meta(self) -> Meta: ...


def note_lists(server: Server, meta: Meta) -> None:
    """Remember which types, most of them abstract, list all deletions together."""
    roots = dict.fromkeys(
        family_of(meta, each.name) or each.name for each in meta.records() if {DELETED, STAMP} <= each.attributes.keys()
    )
    server.learned[_LISTS] = " ".join(sorted(roots))


def deletions(place: _Place, since: datetime | None) -> Iterator[Deletion]:
    """Yield deleted records of all types that tell.

    Raises:
        ProtocolError: one of the listings is refused.
    """
    if _LISTS not in place.server.learned:
        note_lists(place.server, place.meta())
    names = place.server.learned[_LISTS].split()
    questions = [_question(place, name, since) for name in names]
    for question, first in zip(questions, place.server.form.ask(questions), strict=True):
        for reply in place.pager.replies(question, KeyRange(), first):
            if reply.failure:
                raise ProtocolError(f"deleted {question.type_name}: {reply.failure}")
            for each in found_in(reply):
                yield Deletion(each.type_name, each.key.id, Fate.DELETED, each.key.changed_at)


def _question(place: _Place, name: str, since: datetime | None) -> Question:
    terms = [_IS_DELETED, *([f"{STAMP}>='{written(since)}'"] if since else [])]
    return Question(name, (Pick(MOMENT), Pick(STAMP)), tuple(terms), place.page_size, abstract=True)


def fate(place: _Place, record_type: RecordType, record_id: int) -> Fate:
    """Read the record itself, and when it is not there, ask whether it is deleted.

    A record that is hidden from us, or purged, answers like one that never was (§2 D): nobody can tell.
    """
    oid = f"{record_type.name}:{record_id}"
    try:
        place.wire.get(f"{DATA}/{record_type.name}/{record_id}", {"sel": MOMENT}, lambda answer: read_asset(answer, oid))
    except RefusedError as error:
        if error.status == 403:
            return Fate.NO_ACCESS
        if error.status != 404:
            raise
    else:
        return Fate.PRESENT
    if not record_type.restorable:
        return Fate.UNKNOWN
    terms: Sequence[str] = (_IS_DELETED, f"ID='{oid}'")
    question = Question(record_type.name, (Pick(MOMENT),), tuple(terms), 1, proof=False)
    return Fate.DELETED if place.server.form.send(question)().documents else Fate.UNKNOWN
