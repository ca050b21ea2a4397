"""Request Tracker through its REST interface, as one account sees it."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from mirror.connectors.base import Capabilities, Deletion, Finding, Window
from mirror.connectors.http import Answer, Request, Transport
from mirror.connectors.rt import inspection
from mirror.connectors.rt.catalog import catalog
from mirror.connectors.rt.changes import Changes
from mirror.connectors.rt.clock import ServerClock
from mirror.connectors.rt.collections import COLLECTIONS, keys_only, whole
from mirror.connectors.rt.convert import Converter, key
from mirror.connectors.rt.dates import instant
from mirror.connectors.rt.details import Details
from mirror.connectors.rt.discovery import Discovery, Seen, digest_of
from mirror.connectors.rt.login import Login
from mirror.connectors.rt.paging import Pager, Stretch
from mirror.connectors.rt.people import People
from mirror.connectors.rt.scope import Scope
from mirror.connectors.rt.search import PER_PAGE, Rows, Search, decoded, id_of, rows_of
from mirror.model.layout import Layout
from mirror.model.page import Fate, Key, KeyPage, KeyRange, Page
from mirror.model.schema import Catalog, RecordType
from mirror.model.source import Source

_OVERLAP = timedelta(seconds=120)  # rt.md §7.2: equal seconds, and transactions that are committed late
_FRESH = timedelta(seconds=60)  # half the overlap: what a listing of this age missed, the next sync still covers


class RTConnector:
    """One account of one RT."""

    def __init__(self, source: Source, transport: Transport) -> None:
        self.capabilities = Capabilities(
            page_size=PER_PAGE, ids_per_read=PER_PAGE, overlap=_OVERLAP, deletion_feed=True, exact_totals=True
        )
        self.transport = transport
        self._source = source
        self._login = Login(transport, source.credential)
        self._clock = ServerClock()
        self._pager = Pager(self._ask)
        self._people = People(self._send, self._pager)
        self._discovery = Discovery(self._send, self._pager)
        self._scope = Scope(source, self._ask)
        self._lock = threading.Lock()
        self._seen: Seen | None = None

    def check(self) -> Iterator[Finding]:
        """Yield a finding each about login, version, rights, clock, time zone, page size and scope."""
        yield from inspection.findings(self._login, self._send, self._ask, self._source)

    def discover(self, known_digest: str | None) -> Catalog | None:
        """Return the types of this RT, None when they are those of `known_digest`."""
        self._people.forget()
        self._scope.forget()
        self._scope.queues()
        seen = self._discovery.look()
        with self._lock:
            self._seen = seen
        if self._discovery.is_known(seen, known_digest):
            return None
        schema = self._discovery.complete(seen.schema)
        return catalog(schema, digest_of(schema))

    def page(self, layout: Layout, keys: KeyRange) -> Page:
        """Return the first records of the range with everything that belongs to them."""
        search = whole(layout.type, self._scope.queues()).within(keys)
        stretch = self._pager.stretch(search)
        return self._made(layout, search, stretch)

    def split(self, layout: Layout, parts: int) -> tuple[int, Sequence[KeyRange]]:
        """Return the number of records, 0 when RT does not tell this account, and ranges of ids of equal width."""
        search = keys_only(layout.type, self._scope.queues())
        total, newest = self._pager.count(search)
        if total is None or parts < 2 or total < 2 * PER_PAGE or layout.type.name in ("user", "group"):
            return total or 0, (KeyRange(),)  # ids of users and groups are far from dense: tickets use them up
        width = -(-id_of(newest.items[0]) // parts)
        closed = [KeyRange(width * n, width * (n + 1)) for n in range(parts - 1)]
        return total, (*closed, KeyRange(width * (parts - 1)))

    def records(self, layout: Layout, ids: Sequence[int]) -> Page:
        """Return the records with those ids; those that no listing shows are left out."""
        if layout.type.name == "user":
            return self._users(layout, ids)
        search = replace(whole(layout.type, self._scope.queues()), ids=tuple(ids))
        stretch = self._pager.stretch(search)
        return replace(self._made(layout, search, stretch), after=None, announced=None)

    def changes(self, types: Sequence[RecordType], since: Mapping[str, datetime]) -> Iterator[KeyPage]:
        """Yield the keys of what changed, type by type."""
        seen = self._schema_seen()
        changes = Changes(self._pager, self._scope, self._clock.now(), superuser=seen.schema.superuser)
        feed = changes.feed(types, since)
        for each in types:
            if self._was_quiet(seen, each.name, since[each.name]):
                yield KeyPage(each.name, (), complete=True, server_time=seen.server_time)
            else:
                yield from changes.of(each, since[each.name], feed)

    def census(self, windows: Sequence[Window]) -> Iterator[KeyPage]:
        """Answer each window with its keys, or with their number alone where that is enough and RT tells it."""
        for window in windows:
            yield from self._census_of(window)

    def deletions(self, since: datetime | None) -> Iterator[Deletion]:
        """Yield deleted and merged tickets and deleted assets, from the transactions this account sees."""
        seen = self._schema_seen()
        changes = Changes(self._pager, self._scope, self._clock.now(), superuser=seen.schema.superuser)
        return changes.deletions(since)

    def fate(self, record_type: RecordType, record_id: int) -> Fate:
        """Read one record and tell deleted, merged, hidden and moved ones apart (rt.md §6.7)."""
        if record_type.name == "attachment":  # one that is gone answers 500 (rt.md §3.4)
            return self._fate_by_search(record_type, record_id)
        answer = self._send(Request("GET", f"/REST/2.0{COLLECTIONS[record_type.name].record}/{record_id}"))
        if answer.status in (403, 404):
            return Fate.NO_ACCESS if answer.status == 403 else Fate.DELETED
        document = decoded(answer, record_type.name)
        if int(document.get("id", record_id)) != record_id:
            return Fate.MERGED
        if document.get("Status") == "deleted" and record_type.name in ("ticket", "asset"):
            return Fate.DELETED
        if record_type.name == "ticket" and not self._scope.holds(document):
            return Fate.OUT_OF_SCOPE
        return Fate.PRESENT

    def _fate_by_search(self, record_type: RecordType, record_id: int) -> Fate:
        search = replace(keys_only(record_type), ids=(record_id,))
        found = self._pager.stretch(search)
        if found.items:
            return Fate.PRESENT
        return Fate.DELETED if found.announced == 0 else Fate.NO_ACCESS

    def _census_of(self, window: Window) -> Iterator[KeyPage]:
        record_type = window.type
        field = COLLECTIONS[record_type.name].stamp
        stamped = record_type.name != "user" or self._schema_seen().schema.superuser
        search = keys_only(record_type, self._scope.queues(), stamped=stamped).within(window.keys)
        whole_range = window.keys == KeyRange() or record_type.name != "user"
        if window.count_only and whole_range and not self._scope.narrows(record_type.name):
            total, rows = self._pager.count(search)
            if total is not None:
                yield KeyPage(record_type.name, (), complete=total == 0, server_time=rows.server_time, total=total)
                return
        keys: list[Key] = []
        stretches = list(self._pager.all(search))
        for stretch in stretches:
            items = self._scope.only(record_type.name, stretch.items)
            keys.extend(key(each, field, stretch.server_time) for each in items)
        began = stretches[0].server_time
        yield KeyPage(record_type.name, keys, complete=True, server_time=began, total=len(keys))

    def _made(self, layout: Layout, search: Search, stretch: Stretch) -> Page:
        seen = self._schema_seen()
        items = self._scope.only(layout.type.name, stretch.items)
        details = Details(self._send, self._ask, self._people, superuser=seen.schema.superuser)
        items = details.completed(layout.type, search, items)
        converted = Converter(layout, seen.schema, self._people.number).convert(items, stretch.server_time)
        return Page(
            layout,
            converted.rows,
            stretch.after,
            len(items),
            stretch.server_time,
            None if self._scope.narrows(layout.type.name) else stretch.announced,
            converted.links,
            converted.bad,
        )

    def _users(self, layout: Layout, ids: Sequence[int]) -> Page:
        """Return users, whom RT does not search by number."""
        seen = self._schema_seen()
        search = whole(layout.type)
        if not seen.schema.superuser:
            stretches = [self._pager.stretch(search.within(KeyRange(each - 1, each))) for each in ids]
            items = [item for each in stretches for item in each.items]
            began = min((each.server_time for each in stretches), default=self._clock.now())
            return replace(self._made(layout, search, Stretch(items, None, None, began)), after=None)
        details = Details(self._send, self._ask, self._people, superuser=True)
        found, answers = details.users(layout.type, ids)
        began = min((each.server_time for each in answers), default=self._clock.now())
        converted = Converter(layout, seen.schema, self._people.number).convert(found, began)
        return Page(layout, converted.rows, None, len(found), began, None, converted.links, converted.bad)

    def _schema_seen(self) -> Seen:
        """Return the schema as last looked at; looks when nobody did."""
        with self._lock:
            seen = self._seen
        if seen is None:
            seen = self._discovery.look()
            with self._lock:
                self._seen = seen
        return seen

    def _was_quiet(self, seen: Seen, type_name: str, since: datetime) -> bool:
        """Return whether the listing that discovery made a moment ago proves that nothing of the type changed."""
        if type_name not in seen.newest or self._clock.now() - seen.server_time > _FRESH:
            return False
        newest = seen.newest[type_name]
        changed_at = instant(newest) if newest else None
        return newest is None or (changed_at is not None and changed_at < since)

    def _send(self, request: Request) -> Answer:
        answer = self._login.send(request)
        self._clock.note(answer.server_time)
        return answer

    def _ask(self, request: Request) -> Rows:
        return rows_of(self._send(request), request.path)
