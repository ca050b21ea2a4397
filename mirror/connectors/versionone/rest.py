"""Questions through rest-1.v1: one GET each, or several where the selection would make the address too long.

Source: versionone.md §3.1, §3.3 (shapes), §4 (parameters), §4.2 (rules).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from urllib.parse import quote

import msgspec

from mirror.connectors.http import Answer
from mirror.connectors.versionone.question import Document, Flat, Pick, Question, Reply, flat, id_in
from mirror.connectors.versionone.refusals import no_result
from mirror.connectors.versionone.wire import DATA, HISTORY, SAFE, Wire, asked_at
from mirror.connectors.versionone.xml_rows import read_assets
from mirror.errors import AuthError, ProtocolError, RemoteError, RetryableError

NAME = "rest-1.v1"
_LONGEST_QUERY = 1900  # characters as sent; IIS refuses more than 2,048 unless it is told otherwise (§4.2.4 I)
_IDS_PER_GET = 25
_JOIN_ATTEMPTS = 5
_MOMENT = Pick("Moment")


class _Asset(msgspec.Struct):
    id: str


class _Assets(msgspec.Struct):
    rows: list[msgspec.Raw] = msgspec.field(name="Assets")
    total: int | None = None


_ENVELOPE = msgspec.json.Decoder(_Assets)
_ASSET = msgspec.json.Decoder(_Asset)


@dataclass(frozen=True, slots=True)
class _Part:
    """The answer to one GET."""

    documents: Sequence[Document]
    total: int | None
    server_time: datetime


class Rest:
    """The form every instance has; answers may be JSON or XML, each is taken as it comes."""

    name = NAME
    batches = False

    def __init__(self, wire: Wire) -> None:
        self.wire = wire

    def send(self, question: Question) -> Callable[[], Reply]:
        """Ask, and read the answer as well: the parts of a row must be put together before anybody can tell a page.

        Raises:
            RefusedError: the question is not understood.
        """
        parts = _split(question)
        first = self._get(question, parts[0])
        documents = first.documents
        if len(parts) > 1 and documents:
            documents = self._joined(question, parts, first)
        reply = Reply(
            documents=documents,
            last_id=_id(first.documents[-1]) if first.documents else None,
            total=first.total,
            start=question.start,
            server_time=first.server_time,
        )
        return lambda: reply

    def ask(self, questions: Sequence[Question]) -> list[Reply]:
        """Answer each question by a request of its own, several at a time."""
        if not questions:
            return []
        with ThreadPoolExecutor(min(len(questions), self.wire.transport.concurrency)) as pool:
            return list(pool.map(self._attempt, questions))

    def _attempt(self, question: Question) -> Reply:
        try:
            return self.send(question)()
        except AuthError:
            raise
        except RemoteError as error:
            return Reply(server_time=datetime.now(UTC), failure=str(error))

    def _get(self, question: Question, picks: Sequence[Pick]) -> _Part:
        return self.wire.get(
            f"{HISTORY if question.versions else DATA}/{question.type_name}", _params(question, picks), _read
        )

    def _joined(self, question: Question, parts: Sequence[Sequence[Pick]], first: _Part) -> list[Document]:
        """Return the rows of `first` with their other parts, each row as of one moment.

        A row whose parts are of different moments, or not all on the page, was changed or moved between the requests; its
        parts are asked for again by id. One that is gone by then is left out.
        """
        rows: dict[str, list[Document]] = {_oid(each): [each] for each in first.documents}
        order = list(rows)
        for picks in parts[1:]:
            for each in self._get(question, picks).documents:
                rows.get(_oid(each), []).append(each)
        whole = {oid: row for oid, row in rows.items() if _fits(row, len(parts))}
        left = [oid for oid in order if oid not in whole]
        for _ in range(_JOIN_ATTEMPTS):
            if not left:
                break
            again = self._parts_of(question, parts, left)
            whole |= {oid: row for oid, row in again.items() if _fits(row, len(parts))}
            left = [oid for oid in left if oid in again and oid not in whole]
        else:
            raise RetryableError(f"{question.type_name}: {len(left)} records change faster than they can be read")
        return [_merged(whole[oid]) for oid in order if oid in whole]

    def _parts_of(
        self, question: Question, parts: Sequence[Sequence[Pick]], oids: Sequence[str]
    ) -> dict[str, list[Document]]:
        rows: dict[str, list[Document]] = {}
        for at in range(0, len(oids), _IDS_PER_GET):
            some = ",".join(f"'{each}'" for each in oids[at : at + _IDS_PER_GET])
            # The terms still decide: a record may have left the range or the scope meanwhile.
            alone = replace(question, terms=(*question.terms, f"ID={some}"), start=0, size=_IDS_PER_GET)
            for picks in parts:
                for each in self._get(alone, picks).documents:
                    rows.setdefault(_oid(each), []).append(each)
        return rows


def _params(question: Question, picks: Sequence[Pick]) -> dict[str, str]:
    params = {"sel": ",".join(_tokens(picks))}
    if question.terms:
        params["where"] = ";".join(f"({each})" if "|" in each else each for each in question.terms)
    if order := "-ID" if question.backwards else question.order:
        params["sort"] = order
    params["page"] = f"{question.size},{question.start}"
    return params | {"needTotal": "true"} if question.proof else params


def _tokens(picks: Sequence[Pick]) -> list[str]:
    return [token for each in picks for token in (each.name, each.name_token) if token]


def _split(question: Question) -> list[tuple[Pick, ...]]:
    """Return the selection in parts that fit an address, each with the moment that tells whether they belong together."""
    fixed = sum(len(quote(each, safe=SAFE)) + 1 for each in _params(question, ()).values())
    room = _LONGEST_QUERY - fixed - 60
    parts: list[list[Pick]] = [[_MOMENT]]
    used = 0
    for each in question.picks:
        length = sum(len(token) + 1 for token in _tokens([each]))
        if used + length > room and len(parts[-1]) > 1:
            parts.append([_MOMENT])
            used = 0
        if each != _MOMENT:
            parts[-1].append(each)
            used += length
    if len(parts) == 1 and _MOMENT not in question.picks:
        return [question.picks]
    return [tuple(each) for each in parts]


def _read(answer: Answer) -> _Part:
    body = answer.body
    if body.lstrip()[:1] == b"<":
        rows, total = read_assets(body)
        return _Part(rows, total, asked_at(answer))
    try:
        envelope = _ENVELOPE.decode(body)
    except msgspec.DecodeError:
        no_result(body)
    return _Part([(each,) for each in envelope.rows], envelope.total, asked_at(answer))


def read_asset(answer: Answer, oid: str) -> None:
    """Make sure that an answer is the one asset of that oid.

    Raises:
        RefusedError, RetryableError: it is something else.
    """
    body = answer.body
    try:
        found = _oid(read_assets(body)[0][0]) if body.lstrip()[:1] == b"<" else _ASSET.decode(body).id
    except (msgspec.DecodeError, IndexError):
        no_result(body)
    if found.split(":")[:2] != oid.split(":"):
        no_result(body)


def _oid(document: Document) -> str:
    if not isinstance(document, tuple):
        return str(document["_oid"])
    try:
        return _ASSET.decode(document[0]).id
    except msgspec.DecodeError as error:
        raise ProtocolError(f"an asset in the answer has no id: {error}") from error


def _id(document: Document) -> int:
    try:
        return id_in(_oid(document))
    except ValueError as error:
        raise ProtocolError(f"an asset in the answer has no number in its id: {error}") from error


def _fits(row: Sequence[Document], count: int) -> bool:
    """Return whether these are all parts of a row, and of one moment."""
    return len(row) == count and len({str(flat(each).get("Moment")) for each in row}) == 1


def _merged(parts: Sequence[Document]) -> Document:
    if all(isinstance(each, tuple) for each in parts):
        return tuple(raw for each in parts if isinstance(each, tuple) for raw in each)
    merged: dict[str, object] = {}
    for each in parts:
        row: Flat | Mapping[str, object] = flat(each)
        merged |= row
    return merged
