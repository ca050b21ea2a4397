"""Rally as a Connector: listings by key, changes by stamp, the census, and the recycle bin.

Source: rally.md; sections are named where a fact is used.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import msgspec

from mirror.connectors.base import Account, Capabilities, Deletion, Finding, Probed, Window
from mirror.connectors.http import Transport
from mirror.connectors.rally import links, probe, settling
from mirror.connectors.rally.account import read_account
from mirror.connectors.rally.catalog import ARTIFACT
from mirror.connectors.rally.decode import Decoded, Ref, RowDecoder, id_of
from mirror.connectors.rally.discovery import read_catalog
from mirror.connectors.rally.encode import calls_of, described
from mirror.connectors.rally.keys import all_of, iso, key_of, key_rows, last_id, range_terms
from mirror.connectors.rally.replica import LAG, Replica
from mirror.connectors.rally.scope import Workspace, find_workspace
from mirror.connectors.rally.sending import WRITES_PER_BATCH, Sender, Sent, unsent
from mirror.connectors.rally.touching import Parents
from mirror.connectors.rally.wire import Answered, Query, Result, Wire, parsed, read_result
from mirror.errors import ProtocolError, RemoteError, RetryableError
from mirror.model.layout import Layout
from mirror.model.page import Fate, KeyPage, KeyRange, Page, Unread
from mirror.model.progress import Watermark
from mirror.model.schema import Catalog, RecordType
from mirror.model.source import Source
from mirror.model.write import Receipt, Write

PAGE_SIZE = 2000  # rally.md §3: larger values are clamped by the server
_LONGEST_FIELD_LIST = 3500  # characters; with 150 ids of 16 digits a request target stays well below 8 KB (rally.md §6 I)
_ALL_USERS = "((Disabled = true) OR (Disabled = false))"  # §10.2 C: a plain query hides disabled users
_OVERLAP = timedelta(seconds=60)  # §11 I; replicas lag by up to about 8 s (§6 C)


class RallyConnector:
    """One workspace of a Rally subscription."""

    capabilities = Capabilities(
        page_size=PAGE_SIZE,
        ids_per_read=150,
        overlap=_OVERLAP,
        deletion_feed=True,
        batches=True,
        writes_at_once=WRITES_PER_BATCH,
        lag=LAG,
    )

    def __init__(self, source: Source, transport: Transport) -> None:
        self.source = source
        self.transport = transport
        self.wire = Wire(transport, source.credential)
        self.learned = self.wire.learned
        self._lock = threading.Lock()
        self._workspace: Workspace | None = None
        self._decoders: dict[str, RowDecoder] = {}
        self._by_name = True
        self._sender = Sender(self.wire)
        self._replica = Replica()
        self._parents = Parents()

    def check(self) -> Iterator[Finding]:
        """Yield findings about authentication, workspace, schema, clock and page cap."""
        return probe.check(self)

    def workspace(self) -> Workspace:
        """Return the workspace of this source, looked up once.

        Raises:
            ConfigError: it cannot be found, or several are open and none is named.
        """
        with self._lock:
            if self._workspace is None:
                self._workspace = find_workspace(self.wire, str(self.source.scope.get("workspace") or ""))
                self.wire.workspace = self._workspace.ref
            return self._workspace

    def identity(self) -> str:
        """Return the workspace's ObjectID: unique in all of Rally."""
        return f"workspace {self.workspace().id}"

    def account(self) -> Account:
        """Return our user, and the time zone of our profile."""
        return read_account(self.wire, self.workspace())

    def discover(self, known_digest: str | None) -> Catalog | None:
        """Return the workspace's types unless its schema version is `known_digest` (rally.md §7 R)."""
        workspace = self.workspace()
        if known_digest and workspace.schema_version == known_digest:
            return None
        return read_catalog(self.wire, workspace, known_digest)

    def fetch(self, layout: Layout, keys: KeyRange) -> Unread:
        """Ask for up to 2,000 records of the range."""
        query = self._rows_query(layout, self._where(layout.type, range_terms(keys)))
        answer = self.wire.fetch(query)
        return lambda: self._page(layout, query, *read_result(answer, query))

    def split(self, layout: Layout, parts: int, count: int | None) -> Sequence[KeyRange]:
        """Return ranges cut at page borders, found by reading single ids at offsets."""
        self.workspace()
        where = self._where(layout.type, [])
        total = self.wire.query(self._keys_query(layout.type, where, page_size=1))[0].total if count is None else count
        pages = -(-total // PAGE_SIZE)
        parts = max(1, min(parts, pages))
        starts = [PAGE_SIZE * (pages * part // parts) for part in range(1, parts)]
        probes = [self._keys_query(layout.type, where, page_size=1, start=start) for start in starts]
        borders = [key_rows(each.result)[0].id for each in self.wire.queries(probes) if each.result.rows]
        edges = [0, *sorted(set(borders))]
        return [KeyRange(after, until) for after, until in zip(edges, [*edges[1:], None], strict=True)]

    def records(self, layout: Layout, ids: Sequence[int]) -> Page:
        """Return the records with those ids, none of them as it was before our own last write of it."""
        page = self._replica.read(ids, lambda: self._read(layout, ids))
        self._parents.note(page)
        return page

    def _read(self, layout: Layout, ids: Sequence[int]) -> Page:
        """Return the records with those ids; `in` takes a comma list (rally.md §4 C)."""
        page = self._records(layout, ids)
        parts = [page]
        while page.after is not None:  # the server's page cap may be below the number of ids
            page = self._records(layout, [each for each in ids if each > page.after])
            parts.append(page)
        return _joined(parts)

    def _records(self, layout: Layout, ids: Sequence[int]) -> Page:
        where, by_name = self._where(layout.type, [f"(ObjectID in {','.join(map(str, ids))})"]), self._by_name
        query = self._rows_query(layout, where)
        try:
            page = self._page(layout, query, *self.wire.query(query))
        except RetryableError:
            if self._by_name == by_name:
                raise
            return self._records(layout, ids)  # it was just learnt that this server must be asked for whole objects
        return page if page.rest is None else page.rest()

    def changes(self, types: Sequence[RecordType], since: Mapping[str, Watermark]) -> Iterator[KeyPage]:
        """Yield changed keys; all artifact types come from one query (rally.md §1 C), all queries in one batch."""
        self.workspace()
        groups = _groups(types)
        queries = [self._changes_query(group, min(since[each.name].at for each in group)) for group in groups]
        for group, query, answered in zip(groups, queries, self.wire.queries(queries), strict=True):
            if answered.failure and len(group) > 1:
                for each in group:  # §4 R: one field that a subtype lacks fails the whole /artifact query
                    alone = self._changes_query([each], since[each.name].at)
                    yield from self._changed_pages([each], alone, next(self.wire.queries([alone])))
            else:
                yield from self._changed_pages(group, query, answered)

    def census(self, windows: Sequence[Window]) -> Iterator[KeyPage]:
        """Answer each window from one batch of queries, and what one page cannot hold from further ones."""
        self.workspace()
        queries = [
            self._keys_query(
                each.type,
                self._where(each.type, range_terms(each.keys)),
                page_size=1 if each.count_only else PAGE_SIZE,
            )
            for each in windows
        ]
        answers = self.wire.queries([_SCOPE_PROBE, *queries])
        self._refuse_other_workspace(next(answers).result)
        for window, answered in zip(windows, answers, strict=True):
            try:
                yield self._window_answer(window, answered)
            except ProtocolError as error:
                yield KeyPage(window.type.name, (), False, answered.server_time, failure=str(error))

    def _refuse_other_workspace(self, result: Result) -> None:
        """Make sure that a listing which other answers are compared with was made in our workspace.

        A request whose `workspace` is not honoured gets another workspace's rows, or none (rally.md §0 fact 8).
        """
        ours = self.workspace().id
        for each in result.rows:
            project = parsed(each, _ScopeRow)
            if project.workspace is not None and id_of(project.workspace.ref) != ours:
                raise ProtocolError("Rally answered for another workspace than the one asked for")

    def deletions(self, since: datetime | None) -> Iterator[Deletion]:
        """Yield the entries of the recycle bin (rally.md §9.1 S); an entry's ItemOID tells the record, whatever its type."""
        self.workspace()
        terms = [f'(DeletionDate >= "{iso(since)}")'] if since else []
        names = ("ObjectID", "ItemOID", "DeletionDate")
        after = 0
        while True:
            where = all_of([*terms, f"(ObjectID > {after})"])
            result, _ = self.wire.query(Query("RecycleBinEntry", where, names, PAGE_SIZE))
            entries = [parsed(each, _BinEntry) for each in result.rows]
            for each in entries:
                if each.item is not None:
                    yield Deletion("", each.item, Fate.DELETED, each.deleted_at)
            if len(entries) >= result.total:
                return
            after = entries[-1].id

    def fate(self, record_type: RecordType, record_id: int) -> Fate:
        """Read the record itself; a missing and an unreadable one answer alike (rally.md §6 R), so that is UNKNOWN."""
        self.workspace()
        path = f"{record_type.name.lower()}/{record_id}"
        name, root, _ = self.wire.get(path, {"workspace": self.wire.workspace, "fetch": "ObjectID"})
        if name != "OperationResult":
            parsed(root, _Present)
            return Fate.PRESENT
        errors = msgspec.json.decode(root, type=Result).errors
        return Fate.NO_ACCESS if any(each.startswith("Not authorized") for each in errors) else Fate.UNKNOWN

    def me(self) -> int:
        """Return the ObjectID of our user."""
        return self._sender.me()

    def calls(self, write: Write) -> Sequence[str]:
        """Return the calls of a write, one line each; updates of several records go in one batch."""
        return [described(each) for each in calls_of(write)]

    def send(self, writes: Sequence[Write]) -> Sequence[Receipt | RemoteError]:
        """Send writes, those that may in one batch; see `Sender`."""
        try:
            self.workspace()
        except RemoteError as error:
            return [unsent(error) for _ in writes]
        sent = self._sender.send(writes)
        for write, each in zip(writes, sent, strict=True):
            if isinstance(each, Sent) and each.is_whole:
                self._replica.wrote(write, each.receipt.record_id, each.version)
        return [each.receipt if isinstance(each, Sent) else each for each in sent]

    def probe(self, write: Write) -> Probed:
        """Return the ids of what a CREATE, COMMENT or ATTACH may have made; see `settling`."""
        self.workspace()
        return settling.probe(self, write)

    def took_effect(self, write: Write) -> bool | None:
        """Return whether a record went where a RANK wanted it; Rally has no operations of its own."""
        self.workspace()
        return settling.took_effect(self, write)

    def overwritten(self, write: Write) -> Mapping[str, str]:
        """Return what an update without an answer has replaced, as far as the history tells."""
        self.workspace()
        return self._sender.overwritten(write)

    def touches(self, write: Write) -> frozenset[str]:
        """Return words for the record and what Rally recomputes with it: parents, iterations, other ends of links."""
        return self._parents.touched(write)

    def _rows_query(self, layout: Layout, where: str | None) -> Query:
        self.workspace()
        names = _fetched_names(layout.type) if self._by_name else None
        return Query(layout.type.name, where, names, PAGE_SIZE, nested=False)

    def _page(self, layout: Layout, query: Query, result: Result, server_time: datetime) -> Page:
        """Return the rows of an answer as a page; members of collections that it only counted are its rest."""
        if query.names and result.rows and b'"ObjectID"' not in bytes(result.rows[0]):
            self._by_name = False  # shallowFetch (§3 D) was not understood: the rows are bare references
            raise RetryableError(f"{layout.type.name}: bare references came instead of records")
        if layout.type.family == ARTIFACT:
            self._refuse_other_workspace(Result(rows=result.rows[:1]))
        decoded = self._decoder(layout).decode(result.rows)
        received = len(result.rows)
        page = Page(
            layout=layout,
            rows=decoded.rows,
            after=last_id(result.rows) if result.total > received else None,
            received=received,
            server_time=server_time,
            announced=result.total,
            links=decoded.links,
            bad=decoded.bad,
        )
        return replace(page, rest=lambda: self._with_members(page, decoded)) if decoded.unread else page

    def _with_members(self, page: Page, decoded: Decoded) -> Page:
        links.read_members(self.wire, page.layout, decoded)
        return page

    def _decoder(self, layout: Layout) -> RowDecoder:
        with self._lock:
            known = self._decoders.get(layout.type.name)
            if known is None or known.layout != layout:
                known = self._decoders[layout.type.name] = RowDecoder(layout)
            return known

    def _where(self, record_type: RecordType, terms: Sequence[str]) -> str | None:
        return all_of([*terms, _ALL_USERS] if record_type.name == "User" else terms)

    def _keys_query(self, record_type: RecordType, where: str | None, *, page_size: int, start: int = 1) -> Query:
        names = ["ObjectID", "VersionId"]
        if record_type.field("LastRollupDate"):
            names.append("LastRollupDate")
        return Query(record_type.name, where, tuple(names), page_size, start=start)

    def _changes_query(self, group: Sequence[RecordType], since: datetime, after: int = 0) -> Query:
        stamp = group[0].stamp_field or "LastUpdateDate"
        term = f'({stamp} >= "{iso(since)}")'
        if len(group) == 1 and group[0].field("LastRollupDate"):
            term = f'({term} OR (LastRollupDate >= "{iso(since)}"))'
        where = self._where(group[0], [term, f"(ObjectID > {after})"] if after else [term])
        names = tuple(dict.fromkeys(["ObjectID", "VersionId", stamp, "LastRollupDate"]))
        if len(group) == 1:
            return Query(group[0].name, where, names, PAGE_SIZE)
        return Query(ARTIFACT, where, names, PAGE_SIZE, types=tuple(each.name for each in group))

    def _changed_pages(self, group: Sequence[RecordType], query: Query, answered: Answered) -> Iterator[KeyPage]:
        """Yield the keys of one listing by type, fetching further pages behind the last id."""
        names = {each.name: each for each in group}
        while True:
            if answered.failure:
                yield from (KeyPage(name, (), False, answered.server_time, failure=answered.failure) for name in names)
                return
            try:
                rows = key_rows(answered.result)
            except ProtocolError as error:
                answered = replace(answered, failure=str(error))
                continue
            last = len(rows) >= answered.result.total
            for name, each in names.items():
                keys = [key_of(each, row) for row in rows if len(names) == 1 or row.type == name]
                if keys or last:
                    yield KeyPage(name, keys, last, answered.server_time)
            if last:
                return
            answered = next(self.wire.queries([_behind(query, rows[-1].id)]))

    def _window_answer(self, window: Window, answered: Answered) -> KeyPage:
        name = window.type.name
        if answered.failure:
            return KeyPage(name, (), False, answered.server_time, failure=answered.failure)
        if window.count_only:
            return KeyPage(name, (), False, answered.server_time, total=answered.result.total)
        rows, total = key_rows(answered.result), answered.result.total
        announced, received = total, len(rows)
        while received < announced:
            where = self._where(window.type, range_terms(KeyRange(rows[-1].id, window.keys.until)))
            answered = next(self.wire.queries([self._keys_query(window.type, where, page_size=PAGE_SIZE)]))
            if answered.failure:
                return KeyPage(name, (), False, answered.server_time, failure=answered.failure)
            more = key_rows(answered.result)
            announced, received = answered.result.total, len(more)
            rows.extend(more)
        return KeyPage(name, [key_of(window.type, each) for each in rows], True, answered.server_time, total=total)


class _ScopeRow(msgspec.Struct):
    workspace: Ref | None = msgspec.field(name="Workspace", default=None)


_SCOPE_PROBE = Query("Project", None, ("Workspace",), 1)


class _Present(msgspec.Struct):
    id: int = msgspec.field(name="ObjectID")


class _BinEntry(msgspec.Struct):
    id: int = msgspec.field(name="ObjectID")
    item: int | None = msgspec.field(name="ItemOID", default=None)  # older schemas lack it (rally.md §9.1)
    deleted_at: str | None = msgspec.field(name="DeletionDate", default=None)


def _joined(parts: Sequence[Page]) -> Page:
    """Return consecutive pages of one type as one."""
    if len(parts) == 1:
        return parts[0]
    return replace(
        parts[-1],
        rows=[row for part in parts for row in part.rows],
        received=sum(part.received for part in parts),
        announced=parts[0].announced,
        links={name: [row for part in parts for row in part.links[name]] for name in parts[0].links},
        bad=[each for part in parts for each in part.bad],
    )


def _groups(types: Sequence[RecordType]) -> list[list[RecordType]]:
    """Put the types that one query can list together side by side.

    Types with roll-ups stay alone: they have a second stamp that the others lack.
    """
    together = [each for each in types if each.family == ARTIFACT and not each.field("LastRollupDate")]
    alone = [[each] for each in types if each not in together]
    return [*([together] if together else []), *alone]


def _fetched_names(record_type: RecordType) -> tuple[str, ...] | None:
    names = tuple(dict.fromkeys(["ObjectID", "VersionId", *(each.name for each in record_type.fields)]))
    return names if sum(map(len, names)) + len(names) <= _LONGEST_FIELD_LIST else None


def _behind(query: Query, after: int) -> Query:
    terms = [each for each in (query.where, f"(ObjectID > {after})") if each]
    return replace(query, where=all_of(terms))
