"""Request Tracker through its REST interface, as one account sees it."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from mirror.connectors.base import Account, Capabilities, Deletion, Finding, Probed, Window
from mirror.connectors.http import Answer, Request, Transport
from mirror.connectors.rt import inspection, writing
from mirror.connectors.rt.account import Myself
from mirror.connectors.rt.catalog import Schema, catalog
from mirror.connectors.rt.census import Census, Fronts
from mirror.connectors.rt.changes import Changes
from mirror.connectors.rt.clock import ServerClock
from mirror.connectors.rt.collections import COLLECTIONS, keys_only, whole
from mirror.connectors.rt.convert import Converter
from mirror.connectors.rt.details import Details
from mirror.connectors.rt.discovery import Discovery, Seen, digest_of
from mirror.connectors.rt.effects import Effects
from mirror.connectors.rt.login import Login
from mirror.connectors.rt.paging import Pager, Stretch
from mirror.connectors.rt.people import People
from mirror.connectors.rt.present import Reader
from mirror.connectors.rt.probing import Probing
from mirror.connectors.rt.scope import Scope
from mirror.connectors.rt.search import PER_PAGE, Rows, Search, asked_at, decoded, id_of, rows_of
from mirror.connectors.rt.sending import LAG, WRITES_AT_ONCE, Sender
from mirror.errors import AuthError, ProtocolError, RemoteError
from mirror.model.layout import Layout
from mirror.model.page import Fate, KeyPage, KeyRange, Page, Unread
from mirror.model.progress import Watermark
from mirror.model.schema import Catalog, RecordType
from mirror.model.source import Source
from mirror.model.write import Receipt, Write

_OVERLAP = timedelta(seconds=120)  # rt.md §7.2: equal seconds, and transactions that are committed late


class RTConnector:
    """One account of one RT."""

    def __init__(self, source: Source, transport: Transport, *, per_page: int = PER_PAGE) -> None:
        self.capabilities = Capabilities(
            page_size=per_page,
            ids_per_read=per_page,
            overlap=_OVERLAP,
            deletion_feed=True,
            batches=False,
            writes_at_once=WRITES_AT_ONCE,
            lag=LAG,
        )
        self.transport = transport
        self.learned: dict[str, str] = {}
        self._source = source
        self._login = Login(transport, source.credential)
        self._clock = ServerClock()
        self._pager = Pager(self._ask, per_page)
        self._people = People(self._send, self._pager)
        self._scope = Scope(source, self._ask)
        self._fronts = Fronts(self._pager, self._scope, self._clock.now)
        self._discovery = Discovery(self._login, self._pager)
        self._lock = threading.Lock()
        self._known_schema: Schema | None = None
        reader = Reader(self._send, self._people, self._schema)
        self._myself = myself = Myself(source.credential, self._send)
        self._sender = Sender(self._send, reader, myself, self._schema)
        self._effects = Effects(self._send, reader, myself)
        self._probing = Probing(
            self._send,
            self._pager,
            myself,
            self._clock,
            schema=self._schema,
            records=self.records,
            per_read=per_page,
        )

    def check(self) -> Iterator[Finding]:
        """Yield a finding each about login, version, rights, clock, time zone, page size and scope."""
        yield from inspection.findings(self._login, self._send, self._ask, self._source)

    def identity(self) -> str:
        """Return nothing: RT has no number of its own to be told by, and its address may change."""
        return ""

    def account(self) -> Account:
        """Return our user, and the time zone of the profile; RT shows nobody the one that it takes without (rt.md §5.3)."""
        known = self._myself.account()
        return Account(known.number, known.zone.key if known.zone is not None else "")

    def discover(self, known_digest: str | None) -> Catalog | None:
        """Return the types of this RT, None when they are those of `known_digest`.

        Raises:
            ConfigError: a queue that the source is narrowed to is not there.
        """
        self._people.forget()
        self._scope.forget()
        self._scope.queues()
        self._fronts.forget()
        seen = self._look()
        if self._discovery.is_known(seen, known_digest):
            return None
        schema = self._discovery.complete(seen.schema)
        return catalog(schema, digest_of(schema))

    def fetch(self, layout: Layout, keys: KeyRange) -> Unread:
        """Ask for the first records of the range and everything that belongs to them."""
        search = whole(layout.type, self._scope.queues()).within(keys)
        # a load looks deeper for visible rows than a listing of changes does
        stretch = self._pager.stretch(search, empty_pages=4 * COLLECTIONS[layout.type.name].depth)
        return self._unread(layout, search, stretch)

    def split(self, layout: Layout, parts: int, count: int | None) -> Sequence[KeyRange]:
        """Return ranges of ids of equal width; one open range when RT does not count for this account."""
        search = keys_only(layout.type, self._scope.queues())
        total, newest = self._pager.count(search)  # the newest id is wanted whatever `count` says
        if total is None or parts < 2 or total < 2 * self.capabilities.page_size or layout.type.name in ("user", "group"):
            return (KeyRange(),)  # ids of users and groups are far from dense: tickets use them up
        width = -(-id_of(newest.items[0]) // parts)
        closed = [KeyRange(width * n, width * (n + 1)) for n in range(parts - 1)]
        return (*closed, KeyRange(width * (parts - 1)))

    def records(self, layout: Layout, ids: Sequence[int]) -> Page:
        """Return the records with those ids; those that no listing shows are left out."""
        if layout.type.name == "user":
            return self._users(layout, ids)
        search = replace(whole(layout.type, self._scope.queues()), ids=tuple(ids))
        stretch = replace(self._pager.stretch(search), after=None, announced=None)
        return self._unread(layout, search, stretch)()

    def changes(self, types: Sequence[RecordType], since: Mapping[str, Watermark]) -> Iterator[KeyPage]:
        """Yield the keys of what changed, type by type; a type that RT does not list fails alone."""
        changes = Changes(self._pager, self._scope, self._clock.now)
        for each in types:
            try:
                yield from changes.of(each, since[each.name].at, self._fronts.fetch(each))
            except AuthError:
                raise
            except RemoteError as error:
                yield KeyPage(each.name, (), complete=False, server_time=self._clock.now(), failure=str(error))

    def census(self, windows: Sequence[Window]) -> Iterator[KeyPage]:
        """Answer each window with its keys, or with their number alone where that is enough.

        A number is missing where RT does not count rows for this account (rt.md §4.2).
        """
        answers = Census(self._pager, self._scope, self._fronts, sees_users=self._schema().sees_users)
        return map(answers.answer, windows)

    def deletions(self, since: datetime | None) -> Iterator[Deletion]:
        """Yield deleted and merged tickets and deleted assets, from the transactions this account sees."""
        return Changes(self._pager, self._scope, self._clock.now).deletions(since)

    def fate(self, record_type: RecordType, record_id: int) -> Fate:
        """Read one record and tell deleted, merged, hidden and moved ones apart (rt.md §6.7)."""
        if COLLECTIONS[record_type.name].stamp == "Created":
            return self._fate_by_search(record_type, record_id)
        answer = self._send(Request("GET", f"/REST/2.0{COLLECTIONS[record_type.name].record}/{record_id}"))
        if answer.status in (403, 404):
            return Fate.NO_ACCESS if answer.status == 403 else Fate.DELETED
        document = decoded(answer, record_type.name)
        if "id" not in document:
            raise ProtocolError(f"{record_type.name} {record_id}: the answer is no record")
        if int(document["id"]) != record_id:
            return Fate.MERGED
        if document.get("Status") == "deleted" and record_type.name in ("ticket", "asset"):
            return Fate.DELETED
        if record_type.name == "ticket" and not self._scope.holds(document):
            return Fate.OUT_OF_SCOPE
        return Fate.PRESENT

    def calls(self, write: Write) -> Sequence[str]:
        """Return the calls that `send` would make for it, for people."""
        return writing.calls(write)

    def send(self, writes: Sequence[Write]) -> Sequence[Receipt | RemoteError]:
        """Do what is asked, each once: new tickets together, all else one after the other."""
        return self._sender.send(writes)

    def probe(self, write: Write) -> Probed:
        """Return the ids of the records, of comments the transactions, of files the attachments, that it may have made."""
        return self._probing.probe(write)

    def took_effect(self, write: Write) -> bool | None:
        """Return whether an operation was done."""
        return self._effects.took(write)

    def overwritten(self, write: Write) -> Mapping[str, str]:
        """Return what an update without an answer has replaced, as its history tells."""
        return self._sender.overwritten(write)

    def touches(self, write: Write) -> frozenset[str]:
        """Return the records it changes, those at the other end of links too."""
        return writing.touches(write)

    def _fate_by_search(self, record_type: RecordType, record_id: int) -> Fate:
        """Tell the fate of a transaction or attachment, whose own pages answer 500 where 404 or 200 were right.

        So do attachments that are gone (rt.md §3.4), and link transactions read by a non-superuser (seen on 5.0.3).
        """
        search = replace(keys_only(record_type), ids=(record_id,))
        found = self._pager.stretch(search)
        if found.items:
            return Fate.PRESENT
        return Fate.DELETED if found.announced == 0 else Fate.UNKNOWN

    def _unread(self, layout: Layout, search: Search, stretch: Stretch) -> Unread:
        """Complete a stretch that `search` listed and return what makes the page of it."""
        name = layout.type.name
        details = Details(self._send, self._ask, self._people, sees_users=self._schema().sees_users)
        items = details.completed(layout.type, search, self._scope.only(name, stretch.items))
        announced = None if self._scope.narrows(name) else stretch.announced
        return self._converted(layout, replace(stretch, items=items, announced=announced))

    def _converted(self, layout: Layout, stretch: Stretch) -> Unread:
        converter = Converter(layout, self._schema(), self._people.known)

        def read() -> Page:
            converted = converter.convert(stretch.items, stretch.server_time)
            return Page(
                layout,
                converted.rows,
                stretch.after,
                len(stretch.items),
                stretch.server_time,
                stretch.announced,
                converted.links,
                converted.bad,
            )

        return read

    def _users(self, layout: Layout, ids: Sequence[int]) -> Page:
        """Return users, whom RT does not search by number."""
        schema, search = self._schema(), whole(layout.type)
        if not schema.sees_users:  # a single record would show less than a listing
            stretches = [self._pager.stretch(search.within(KeyRange(each - 1, each))) for each in ids]
            found = [item for each in stretches for item in each.items]
            began = min((each.server_time for each in stretches), default=self._clock.now())
            return self._unread(layout, search, Stretch(found, None, None, began))()
        answers = Details(self._send, self._ask, self._people, sees_users=True).users(layout.type, ids)
        began = min(map(asked_at, answers), default=self._clock.now())
        items = [decoded(each, layout.type.name) for each in answers if each.status not in (403, 404)]
        return self._converted(layout, Stretch(items, None, None, began))()

    def _schema(self) -> Schema:
        """Return the schema as last looked at; looks when nobody did."""
        with self._lock:
            known = self._known_schema
        return self._look().schema if known is None else known

    def _look(self) -> Seen:
        seen = self._discovery.look()
        self._fronts.keep(seen.fronts)
        with self._lock:
            self._known_schema = seen.schema
        return seen

    def _send(self, request: Request) -> Answer:
        answer = self._login.send(request)
        self._clock.note(answer.server_time)
        return answer

    def _ask(self, request: Request) -> Rows:
        return rows_of(self._send(request), request.path)
