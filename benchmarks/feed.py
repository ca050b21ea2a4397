"""A Rally that has its answers ready: serves prepared pages of one type so cheaply that only the reader is measured.

Runs as a process of its own. It knows only what a mirror asks for (contract: WSAPI v2.0), checks no credentials, and is
no simulator: it refuses nothing and forgets nothing.

    python -m benchmarks.feed --records 100000

prints its address on the first line of stdout. `POST /feed` with JSON sets how many records there are (`records`), the
delay of an answer in seconds (`delay`), the largest page it gives (`largest_page`), and how many records, spread
evenly, were changed just now (`changed`). `GET /feed` returns what was asked so far.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import hashlib
import json
import re
import tempfile
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import formatdate
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

from benchmarks.http11 import Connection, serve
from benchmarks.pages import CHUNK, Piece, Shelf, compressed, gzip_answer
from benchmarks.records import (
    BASE,
    LAST_BIRTH,
    WORKSPACE,
    WORKSPACE_ID,
    Templates,
    birth_stamp,
    index_after,
    instant,
    record_id,
)
from benchmarks.schema import schema_rows
from benchmarks.shape import TYPE_NAME, TYPE_PATH

API = "/slm/webservice/v2.0/"
SCHEMA = "/slm/schema/v2.0/"
LISTED_TYPES = (TYPE_PATH, "artifact")

_BOUND = re.compile(r"ObjectID\s+(>=|<=|>|<|=)\s+\"?(\d+)")
_AMONG = re.compile(r"ObjectID\s+in\s+\"?([\d,\s]+)")
_SINCE = re.compile(r"LastUpdateDate\s+(>=|>)\s+\"?([0-9TZ:.+-]+)")

Body = list[memoryview | bytes]


@dataclass(slots=True)
class State:
    """What `POST /feed` sets and `GET /feed` tells.

    Attributes:
        edits: record number -> its new LastUpdateDate; its VersionId is 2.
        pages: answers that held whole records. listings: answers with keys or counts only.
    """

    records: int
    delay: float = 0.0
    largest_page: int = 2000
    edits: dict[int, str] = field(default_factory=dict)
    requests: int = 0
    pages: int = 0
    listings: int = 0
    records_sent: int = 0


class Feed:
    """Answers requests; holds the prepared pieces and remembers joined answers."""

    def __init__(self, shelf: Shelf, templates: Templates, state: State) -> None:
        self.state = state
        self._shelf = shelf
        self._templates = templates
        self._joined: dict[tuple[object, ...], Body] = {}

    def control(self, wanted: dict[str, float]) -> None:
        """Apply what `POST /feed` sent and count from zero again."""
        state = self.state
        records = int(wanted.get("records", state.records))
        self._shelf.prepare(records)
        self.state = State(
            records,
            wanted.get("delay", state.delay),
            int(wanted.get("largest_page", state.largest_page)),
            state.edits,
        )
        if "changed" in wanted:
            self.state.edits = _edits(records, int(wanted["changed"]))
            self._joined.clear()

    def told(self) -> dict[str, int]:
        """Return the counters."""
        state = self.state
        return {
            "requests": state.requests,
            "pages": state.pages,
            "listings": state.listings,
            "records_sent": state.records_sent,
        }

    def answer(self, target: str, body: bytes) -> Body:
        """Return the gzip body that answers a request of the API or the schema endpoint."""
        self.state.requests += 1
        url = urlsplit(target)
        if url.path.startswith(SCHEMA):
            return _packed(_query_result(schema_rows(), 1))
        path = unquote(url.path.removeprefix(API)).lower().removesuffix(".js").strip("/")
        if path == "batch":
            return _packed({"BatchResult": {"Errors": [], "Warnings": [], "Results": self._batch(body)}})
        return self._get(path, url.query)

    def _get(self, path: str, query: str) -> Body:
        params = {name: values[0] for name, values in parse_qs(query).items()}
        if path in LISTED_TYPES:
            return self._listing(params)
        single = re.fullmatch(rf"{TYPE_PATH}/(\d+)", path)
        if single and (number := index_after(int(single[1]) - 1)) < self.state.records:
            record = json.loads(self._rendered(number))
            return _packed({TYPE_NAME: {**record, "Errors": [], "Warnings": []}})
        return _packed(_other(path))

    def _batch(self, body: bytes) -> list[object]:
        """Answer each entry with the inside of its QueryResult; entries ask for keys and counts, never for whole pages."""
        document = json.loads(body)
        results: list[object] = []
        for each in document["Batch"] if isinstance(document, dict) else document:
            path, _, query = each["Entry"]["Path"].strip("/").partition("?")
            params = {name: values[0] for name, values in parse_qs(query).items()}
            listed = path.lower() in LISTED_TYPES
            results.append(self._keys(params)["QueryResult"] if listed else _query_result([], 1)["QueryResult"])
        return results

    def _listing(self, params: dict[str, str]) -> Body:
        self.state.listings += 1
        asked = params.get("fetch") or params.get("shallowFetch") or "false"
        if asked != "true" and "Description" not in asked:
            return _packed(self._keys(params))
        self.state.listings -= 1
        self.state.pages += 1
        numbers, total, start = self._selected(params)
        self.state.records_sent += len(numbers)
        key = (tuple(numbers) if isinstance(numbers, list) else numbers, total, start, self._page_size(params))
        if key not in self._joined:
            head = _head(total, start, self._page_size(params))
            self._joined[key] = gzip_answer(head, self._pieces(numbers), b"]}}")
        return self._joined[key]

    def _keys(self, params: dict[str, str]) -> dict[str, dict[str, object]]:
        numbers, total, start = self._selected(params)
        rows = [self._key(each) for each in numbers]
        return _query_result(rows, start, total, self._page_size(params))

    def _key(self, number: int) -> dict[str, object]:
        version = "2" if number in self.state.edits else "1"
        return {
            "_rallyAPIMajor": "2",
            "_rallyAPIMinor": "0",
            "_ref": f"{BASE}/{TYPE_PATH}/{record_id(number)}",
            "_refObjectUUID": f"{number:08x}-aaaa-bbbb-cccc-000000000000",
            "_objectVersion": version,
            "ObjectID": record_id(number),
            "VersionId": version,
            "LastUpdateDate": self.state.edits.get(number) or birth_stamp(number),
            "_type": TYPE_NAME,
        }

    def _selected(self, params: dict[str, str]) -> tuple[range | list[int], int, int]:
        """Return the record numbers of the page asked for, how many the query matches, and the page's start from 1."""
        query = params.get("query", "")
        start, size = int(params.get("start", 1)), self._page_size(params)
        matching: range | list[int] = _within(query, self.state.records)
        if among := _AMONG.search(query):
            wanted = sorted(index_after(int(each) - 1) for each in among[1].split(","))
            matching = [each for each in wanted if each in matching]
        elif since := _SINCE.search(query):
            # No record is born that late, so only edited ones can match; the feed's time must not grow with its size.
            late = sorted(self.state.edits) if since[2] > LAST_BIRTH else matching
            matching = [each for each in late if each in matching and self._stamp(each) >= since[2]]
        return matching[start - 1 : start - 1 + size], len(matching), start

    def _stamp(self, number: int) -> str:
        return self.state.edits.get(number) or birth_stamp(number)

    def _page_size(self, params: dict[str, str]) -> int:
        return min(int(params.get("pagesize", 20)), self.state.largest_page)

    def _pieces(self, numbers: range | list[int]) -> list[Piece]:
        if isinstance(numbers, range) and not any(each in numbers for each in self.state.edits):
            return self._shelf.pieces(numbers.start, len(numbers))
        cut = [numbers[first : first + CHUNK] for first in range(0, len(numbers), CHUNK)]
        return [compressed(b",".join(map(self._rendered, each))) for each in cut]

    def _rendered(self, number: int) -> bytes:
        edited = self.state.edits.get(number)
        return self._templates.render(number, version=2 if edited else 1, stamp=edited)


class FeedConnection(Connection):
    """One connection to a feed."""

    def __init__(self, feed: Feed) -> None:
        super().__init__()
        self._feed = feed

    def respond(self, head: str, body: bytes) -> None:
        method, target, _ = head.split(" ", 2)
        if target == "/feed":
            if method == "POST":
                self._feed.control(json.loads(body))
            self._answer(_packed(self._feed.told()))
            return
        redirect = _redirect(target)
        answer: Body = [] if redirect else self._feed.answer(target, body)
        if self._feed.state.delay:
            loop = asyncio.get_running_loop()
            loop.call_later(self._feed.state.delay, self._answer, answer, redirect)
        else:
            self._answer(answer, redirect)

    def _answer(self, body: Body, redirect: str | None = None) -> None:
        status = f"HTTP/1.1 302 Found\r\nLocation: {redirect}" if redirect else "HTTP/1.1 200 OK\r\nContent-Encoding: gzip"
        head = (
            f"{status}\r\nContent-Type: application/json;  charset=utf-8\r\nVary: Accept-Encoding\r\n"
            f"Date: {formatdate(usegmt=True)}\r\nContent-Length: {sum(map(len, body))}\r\n\r\n"
        )
        self.send([head.encode(), *body])


def schema_digest() -> str:
    """Return the 32 hex digits that stand for the current schema."""
    return hashlib.blake2s(json.dumps(schema_rows()).encode(), digest_size=16).hexdigest()


def _redirect(target: str) -> str | None:
    """Return where the schema endpoint sends a request without a digest; None when there is nothing to redirect."""
    path = urlsplit(target).path
    if re.fullmatch(rf"{SCHEMA}(workspace|project)/\d+/?", path):
        return f"{path.rstrip('/')}/{schema_digest()}"
    return None


def _within(query: str, records: int) -> range:
    """Return the record numbers that lie within the query's bounds on ObjectID."""
    first, end = 0, records
    for sign, digits in _BOUND.findall(query):
        number = int(digits)
        if sign in (">", ">=", "="):
            first = max(first, index_after(number if sign == ">" else number - 1))
        if sign in ("<", "<=", "="):
            end = min(end, index_after(number - 1 if sign == "<" else number))
    return range(first, max(first, end))


def _edits(records: int, changed: int) -> dict[int, str]:
    now = instant(datetime.now(UTC))
    return {number * records // changed: now for number in range(changed)}


def _other(path: str) -> dict[str, dict[str, object]]:
    """Return the answer about anything that is not the served type: the surroundings, or no rows."""
    workspace: dict[str, object] = {
        "_rallyAPIMajor": "2",
        "_rallyAPIMinor": "0",
        "_ref": f"{BASE}/workspace/{WORKSPACE_ID}",
        "_refObjectName": WORKSPACE,
        "ObjectID": WORKSPACE_ID,
        "Name": WORKSPACE,
        "State": "Open",
        "SchemaVersion": schema_digest(),
        "_type": "Workspace",
    }
    reference = {name: value for name, value in workspace.items() if name.startswith("_")}
    user: dict[str, object] = {"_ref": f"{BASE}/user/42000000001", "_refObjectName": "Ann Adler", "ObjectID": 42_000_000_001}
    alone: dict[str, object] = {"Errors": [], "Warnings": []}
    if re.fullmatch(r"workspace/\d+", path):
        return {"Workspace": workspace | alone}
    if path in ("workspace", "workspaces") or path.endswith("/workspaces"):
        return _query_result([workspace], 1)
    if path == "user":
        return {"User": user | {"UserName": "ann@example.com", "DisplayName": "Ann Adler", "_type": "User"} | alone}
    if path == "subscription":
        return {"Subscription": {"_ref": f"{BASE}/subscription/400", "ObjectID": 400, "Name": WORKSPACE} | alone}
    if path.startswith("userprofile/"):
        return {"UserProfile": alone | {"DefaultWorkspace": reference, "DefaultProject": None}}
    return _query_result([], 1)


def _query_result(
    rows: list[dict[str, object]], start: int, total: int | None = None, page_size: int = 2000
) -> dict[str, dict[str, object]]:
    return {
        "QueryResult": {
            "_rallyAPIMajor": "2",
            "_rallyAPIMinor": "0",
            "Errors": [],
            "Warnings": [],
            "TotalResultCount": len(rows) if total is None else total,
            "StartIndex": start,
            "PageSize": page_size,
            "Results": rows,
        }
    }


def _head(total: int, start: int, page_size: int) -> bytes:
    """Return the text of a QueryResult up to its first row."""
    text = json.dumps(_query_result([], start, total, page_size), separators=(",", ":"))
    return text[: -len("]}}")].encode()


def _packed(document: object) -> Body:
    return gzip_answer(b"", [compressed(json.dumps(document, separators=(",", ":")).encode())], b"")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--records", type=int, default=0)
    parser.add_argument("--folder", type=Path, help="where prepared pages are kept; a temporary folder by default")
    chosen = parser.parse_args()
    templates = Templates()
    with tempfile.TemporaryDirectory(prefix="mirror-feed-") as temporary:
        shelf = Shelf(chosen.folder or Path(temporary), templates)
        shelf.prepare(chosen.records)
        feed = Feed(shelf, templates, State(chosen.records))
        with contextlib.suppress(KeyboardInterrupt):
            asyncio.run(serve(lambda: FeedConnection(feed), lambda address: print(address, flush=True)))


if __name__ == "__main__":
    main()
