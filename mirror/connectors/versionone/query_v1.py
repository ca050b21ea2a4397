"""Questions through query.v1: many in one POST, without a limit on their length.

Source: versionone.md §8.1 D, R.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from datetime import datetime

import msgspec

from mirror.connectors.http import Answer
from mirror.connectors.versionone.question import Pick, Question, Reply, id_in
from mirror.connectors.versionone.refusals import RefusedError, no_result
from mirror.connectors.versionone.wire import Wire, asked_at
from mirror.errors import ProtocolError, RetryableError

log = logging.getLogger(__name__)

NAME = "query.v1"
_SMALL = 32_768  # bytes as sent; reading so few twice costs less than a round trip
_QUERIES_PER_POST = 150


class _Row(msgspec.Struct):
    oid: str = msgspec.field(name="_oid")


_SETS = msgspec.json.Decoder(list[list[msgspec.Raw]])
_ROW = msgspec.json.Decoder(_Row)


class QueryV1:
    """The preferred form: nested selections keep targets and their names together."""

    name = NAME
    batches = True

    def __init__(self, wire: Wire) -> None:
        self.wire = wire

    def send(self, question: Question) -> Callable[[], Reply]:
        """Ask one question; the answer is looked at here only when it is small, as refusals are.

        Raises:
            RefusedError: the question is not understood.
        """
        count = 1 + question.proof

        def looked_at(answer: Answer) -> Answer:
            if len(answer.packed) < _SMALL:
                _sets(answer, count)
            return answer

        answer = self.wire.query(_body([question]), looked_at)
        return lambda: _reply(question, _sets(answer, count), asked_at(answer))

    def ask(self, questions: Sequence[Question]) -> list[Reply]:
        """Answer all questions; one that is refused fails its whole POST, which is then asked in halves."""
        chunks = [questions[at : at + _QUERIES_PER_POST] for at in range(0, len(questions), _QUERIES_PER_POST)]
        return [reply for chunk in chunks for reply in self._ask(chunk)]

    def _ask(self, questions: Sequence[Question]) -> list[Reply]:
        count = sum(1 + each.proof for each in questions)
        try:
            sets, server_time = self.wire.query(_body(questions), lambda answer: (_sets(answer, count), asked_at(answer)))
        except (RefusedError, RetryableError) as error:
            if len(questions) > 1 and isinstance(error, RefusedError):
                half = len(questions) // 2
                return self._ask(questions[:half]) + self._ask(questions[half:])
            return [Reply(failure=str(error)) for _ in questions]
        replies, at = [], 0
        for each in questions:
            replies.append(_reply(each, sets[at : at + 1 + each.proof], server_time))
            at += 1 + each.proof
        return replies


def _body(questions: Sequence[Question]) -> bytes:
    """Return the queries as JSON; behind each that wants proof, one for the newest id in its range.

    A page that ends in that id is the last one, whatever page size the server allows itself.
    """
    queries: list[dict[str, object]] = []
    for each in questions:
        queries.append(_query(each))
        if each.proof:
            queries.append(_query(Question(each.type_name, (), each.terms, 1, backwards=True)))
    return msgspec.json.encode(queries)


def _query(question: Question) -> dict[str, object]:
    query: dict[str, object] = {
        "from": question.type_name,
        "select": [token for each in question.picks for token in _selected(each)],
        "page": {"start": question.start, "size": question.size},
    }
    if question.terms:
        query["filter"] = list(question.terms)
    if question.versions:
        query["asof"] = "All"
    if order := "-ID" if question.backwards else question.order:
        query["sort"] = [order]
    return query


def _selected(pick: Pick) -> list[object]:
    if pick.multi and pick.shown:
        return [{"from": pick.name, "select": [pick.shown]}]
    return [pick.name, pick.name_token] if pick.shown else [pick.name]


def _sets(answer: Answer, count: int) -> list[list[msgspec.Raw]]:
    """Return the result sets, their rows left undecoded.

    Raises:
        RefusedError, RetryableError: the body is no result.
        ProtocolError: there are more or fewer than `count`.
    """
    body = answer.body
    try:
        sets = _SETS.decode(body)
    except msgspec.DecodeError:
        no_result(body)
    if len(sets) != count:
        raise ProtocolError(f"query.v1 gave {len(sets)} result sets to {count} queries")
    return sets


def _reply(question: Question, sets: Sequence[Sequence[msgspec.Raw]], server_time: datetime) -> Reply:
    newest = _id(sets[1][0]) if question.proof and sets[1] else None
    rows = sets[0]
    return Reply(
        documents=[(each,) for each in rows],
        last_id=_id(rows[-1]) if rows else None,
        newest=newest,
        start=question.start,
        server_time=server_time,
    )


def _id(document: msgspec.Raw) -> int:
    try:
        return id_in(_ROW.decode(document).oid)
    except (msgspec.DecodeError, ValueError) as error:
        raise ProtocolError(f"a row of query.v1 has no id: {error}") from error
