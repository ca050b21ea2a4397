"""WSAPI addresses, envelopes and errors: what is sent, and what an answer means before its rows are looked at.

Source: rally.md §1 (addresses), §2 (authentication), §5 (envelopes), §6 (errors), §8.5 (batch).
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TypeVar
from urllib.parse import quote, urlencode

import msgspec

from mirror.connectors.http import Answer, Request, Transport
from mirror.connectors.pages import asks_to_sign_in
from mirror.connectors.rally.login import Login
from mirror.errors import AuthError, ProtocolError, RemoteError, RetryableError
from mirror.model.source import Credential

T = TypeVar("T")

log = logging.getLogger(__name__)

API = "/slm/webservice/v2.0"
_TITLE = re.compile(rb"<title>(.*?)</title>", re.IGNORECASE | re.DOTALL)
_ENTRIES_PER_BATCH = 60
_SMALL = 32_768  # bytes as sent; reading so few twice costs less than a round trip
_LISTS = {"subscription": "subscriptions"}  # the singular is a singleton that answers no query (rally.md §1 R)
_PASSING = ("Could not read: could not read all instances", "Concurrency conflict")
"""Openings of errors that the same request may not meet a second time (rally.md §4 R, §6 R)."""


class Result(msgspec.Struct):
    """A QueryResult, an OperationResult or one entry of a BatchResult (rally.md §5 R)."""

    errors: list[str] = msgspec.field(name="Errors", default_factory=list)
    total: int = msgspec.field(name="TotalResultCount", default=0)
    page_size: int = msgspec.field(name="PageSize", default=0)
    rows: list[msgspec.Raw] = msgspec.field(name="Results", default_factory=list)
    token: str | None = msgspec.field(name="SecurityToken", default=None)


class _QueryRoot(msgspec.Struct):
    query_result: Result | None = msgspec.field(name="QueryResult", default=None)


_QUERY_ROOT = msgspec.json.Decoder(_QueryRoot)


@dataclass(frozen=True, slots=True)
class Query:
    """One type query.

    Attributes:
        type_path: `Defect`, `PortfolioItem/Feature`, or a collection's path `Defect/1/Tags`.
        where: in Rally's query language, in its outer parentheses; None asks for everything.
        names: fields to fetch; None asks for whole objects.
        nested: fill the names into nested references as well, as `fetch` does and `shallowFetch` does not (§3 D).
        order: empty leaves it to the server.
        start: 1-based.
    """

    type_path: str
    where: str | None
    names: tuple[str, ...] | None
    page_size: int
    order: str = "ObjectID"
    start: int = 1
    types: tuple[str, ...] = ()
    nested: bool = True

    @property
    def address(self) -> str:
        """The path below the API."""
        path = self.type_path.lower()
        return _LISTS.get(path, path)

    def params(self, workspace: str) -> dict[str, str]:
        """Return the query parameters; without `workspace` among them items elsewhere would be 0 rows (§0 fact 8)."""
        params = {"workspace": workspace, "pagesize": str(self.page_size), "start": str(self.start)}
        if self.order:
            params["order"] = self.order
        if self.where:
            params["query"] = self.where
        if self.types:
            params["types"] = ",".join(self.types)
        if self.names is None:
            return params | {"fetch": "true"}
        return params | {"fetch" if self.nested else "shallowFetch": ",".join(self.names)}


@dataclass(frozen=True, slots=True)
class Answered:
    """The answer to one of several queries.

    Attributes:
        failure: why there is none; empty when `result` holds.
    """

    result: Result
    server_time: datetime
    failure: str = ""


_BATCHES = "batches"
_REFUSED = "refused"


class Wire:
    """Sends queries with one credential and tells answers from errors.

    Attributes:
        learned: whether the server refuses batches, as it may to a read-only key.
        login: how requests prove who we are.
    """

    def __init__(self, transport: Transport, credential: Credential) -> None:
        self.transport = transport
        self.workspace = ""
        self.learned: dict[str, str] = {}
        self._batches_failed = False
        self.login = Login(transport, credential, self._security_token)
        transport.headers |= {
            "X-RallyIntegrationName": "mirror",
            "X-RallyIntegrationLibrary": "mirror",
            "Accept": "application/json",
        }

    def get(self, path: str, params: Mapping[str, str] | None = None) -> tuple[str, msgspec.Raw, datetime]:
        """Return the root's name, the root and the server's time of a GET below the API.

        Raises:
            AuthError, RetryableError, ProtocolError: see `read_root`.
        """
        request = Request("GET", f"{API}/{path}", params or {})
        return self.login.send(request, lambda answer: (*read_root(answer), answer.server_time))

    def query(self, query: Query) -> tuple[Result, datetime]:
        """Return one page and the server's time.

        Raises:
            ProtocolError: the answer carries Errors.
        """
        request = Request("GET", f"{API}/{quote(query.address)}", query.params(self.workspace))
        return self.login.send(request, lambda answer: read_result(answer, query))

    def fetch(self, query: Query) -> Answer:
        """Return the answer to a query unread, when it is large; a small one, as errors are, is read and looked at first."""
        request = Request("GET", f"{API}/{quote(query.address)}", query.params(self.workspace))
        return self.login.send(request, lambda answer: _looked_at(answer, query))

    def queries(self, queries: Sequence[Query]) -> Iterator[Answered]:
        """Answer many queries, in order, in as few requests as the server allows; one that fails does not stop the others.

        Raises:
            AuthError: the credential is not accepted at all.
        """
        for first in range(0, len(queries), _ENTRIES_PER_BATCH):
            chunk = queries[first : first + _ENTRIES_PER_BATCH]
            answers = self._batch(chunk) if len(chunk) > 1 and self.batches else None
            yield from answers if answers is not None else self._singly(chunk)

    @property
    def batches(self) -> bool:
        """Whether batches may be used, as far as is known."""
        return not self._batches_failed and self.learned.get(_BATCHES) != _REFUSED

    def _singly(self, queries: Sequence[Query]) -> Iterator[Answered]:
        with ThreadPoolExecutor(min(len(queries), self.transport.concurrency)) as pool:
            yield from pool.map(self._attempt, queries)

    def _attempt(self, query: Query) -> Answered:
        try:
            return Answered(*self.query(query))
        except AuthError:
            raise
        except RemoteError as error:
            return Answered(Result(), datetime.now(UTC), str(error))

    def _batch(self, queries: Sequence[Query]) -> list[Answered] | None:
        """Send the queries as one batch of GET entries; None when this server or key does not take that.

        A refusal holds for later runs as well; a fault of the moment for this run only, and so does a refusal of a password,
        whose session may just be over.

        Only GETs are in it, so it is repeated like one. The method is in the server's own document (§8.5 S); the shape of a
        query's answer inside a batch is inferred (I), hence anything unexpected means single requests from now on.
        """
        entries = [
            {
                "Entry": {
                    "Path": f"/{each.address}?{urlencode(each.params(self.workspace))}",
                    "Method": "GET",
                }
            }
            for each in queries
        ]
        try:
            params = {"workspace": self.workspace, **self.login.key()}
            request = Request("POST", f"{API}/batch", params, msgspec.json.encode({"Batch": entries}))
            results, server_time = self.transport.send(request, _batch_results)
        except RemoteError as error:
            log.info("batches are refused and will not be used reason=%s", error)
            self._batches_failed = True
            if not isinstance(error, RetryableError) and self.login.shows_key:
                self.learned[_BATCHES] = _REFUSED
            return None
        if len(results) != len(queries):
            self._batches_failed = True
            return None
        return [
            self._attempt(query) if result.errors or _is_short(result, query) else Answered(result, server_time)
            for query, result in zip(queries, results, strict=True)
        ]

    def _security_token(self) -> str:
        _, root = self.transport.send(Request("GET", f"{API}/security/authorize"), read_root)
        return parsed(root, Result).token or ""


def read_root(answer: Answer) -> tuple[str, msgspec.Raw]:
    """Return the name and the document of the single root of a WSAPI answer.

    Raises:
        AuthError: 401, or a page to sign in.
        RetryableError: not JSON: an HTML page with status 200 or a body that was cut (§6); or a server error.
        ProtocolError: another status, or another shape.
    """
    if answer.status == 401:
        raise AuthError(f"Rally does not accept the credential ({page_title(answer) or 'status 401'})")
    if asks_to_sign_in(answer):
        raise AuthError("Rally answered with a page to sign in; check url and secret")
    if answer.status == 500:
        raise RetryableError(f"Rally answered 500 ({page_title(answer) or 'no reason given'})")
    if answer.status != 200:
        raise ProtocolError(f"Rally answered {answer.status} ({page_title(answer) or 'no reason given'})")
    try:
        root = msgspec.json.decode(answer.body, type=dict[str, msgspec.Raw])
    except msgspec.ValidationError as error:
        raise ProtocolError(f"Rally's answer has an unexpected shape: {error}") from error
    except msgspec.DecodeError as error:
        reason = page_title(answer) or "the body ends early or is no JSON"
        raise RetryableError(f"Rally answered something else than JSON ({reason})") from error
    if len(root) != 1:
        raise ProtocolError("Rally's answer has no single root")
    return next(iter(root.items()))


def read_result(answer: Answer, query: Query) -> tuple[Result, datetime]:
    """Return the QueryResult of an answer and the tracker's time when it was asked; its rows are left undecoded.

    Raises:
        RetryableError: no JSON, or fewer rows than announced.
        ProtocolError: the answer carries Errors.
    """
    try:
        result = _QUERY_ROOT.decode(answer.body).query_result if answer.status == 200 else None
    except msgspec.DecodeError:
        result = None
    if result is None:
        name, document = read_root(answer)
        if name not in ("QueryResult", "OperationResult"):
            raise ProtocolError(f"{query.type_path}: Rally answered with {name} instead of a QueryResult")
        result = parsed(document, Result)
    _refuse_errors(result, query.type_path)
    if _is_short(result, query):
        rest = result.total - query.start + 1
        raise RetryableError(f"{query.type_path}: {rest} records announced, {len(result.rows)} received")
    return result, _asked_at(answer)


def _looked_at(answer: Answer, query: Query) -> Answer:
    if answer.status != 200 or len(answer.packed) < _SMALL:
        read_result(answer, query)
    return answer


def _is_short(result: Result, query: Query) -> bool:
    """Return whether fewer rows came than the total and the page size, as the server says it clamped it, promise."""
    full_page = min(query.page_size, result.page_size or query.page_size)
    return len(result.rows) < min(full_page, result.total - query.start + 1)


def _asked_at(answer: Answer) -> datetime:
    """Return the server's time when the request left us: what changed before that is in the answer, replica lag apart."""
    return answer.server_time - timedelta(seconds=answer.elapsed_seconds)


def _batch_results(answer: Answer) -> tuple[list[Result], datetime]:
    name, document = read_root(answer)
    if name != "BatchResult":
        raise ProtocolError(f"Rally answered with {name} instead of a BatchResult")
    batch = parsed(document, Result)
    if batch.errors:
        raise ProtocolError("; ".join(batch.errors))
    return [_inner(each) for each in batch.rows], _asked_at(answer)


def _inner(entry: msgspec.Raw) -> Result:
    """Return the QueryResult of a batch entry, whether it is the entry itself or stands below a root key.

    Raises:
        ProtocolError: it is neither a QueryResult nor a refusal; an absent list of results must not look like an empty one.
    """
    keys = parsed(entry, dict[str, msgspec.Raw])
    if "QueryResult" in keys:
        entry = keys["QueryResult"]
        keys = parsed(entry, dict[str, msgspec.Raw])
    result = parsed(entry, Result)
    if not result.errors and not keys.keys() >= {"TotalResultCount", "Results"}:
        raise ProtocolError("a batch entry is no QueryResult")
    return result


def parsed(document: msgspec.Raw, shape: type[T]) -> T:
    """Return `document` in that shape.

    Raises:
        ProtocolError: it has another one.
    """
    try:
        return msgspec.json.decode(document, type=shape)
    except msgspec.ValidationError as error:
        raise ProtocolError(f"Rally's answer has an unexpected shape: {error}") from error


def _refuse_errors(result: Result, what: str) -> None:
    """Turn Errors, which come with HTTP 200, into an exception (§0 fact 1)."""
    if not result.errors:
        return
    text = f"{what}: {'; '.join(result.errors)}"
    if result.errors[0].startswith(_PASSING):
        raise RetryableError(text)
    if "Invalid key" in result.errors[0]:
        raise AuthError(text)  # §2 D: the credential itself; other refusals concern one object or type
    raise ProtocolError(text)


def page_title(answer: Answer) -> str:
    """Return the title of an HTML error page; Rally puts the reason there (§6 R)."""
    match = _TITLE.search(answer.body[:4096])
    return " ".join(match[1].decode("utf-8", "replace").split()) if match else ""
