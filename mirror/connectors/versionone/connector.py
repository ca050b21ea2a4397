"""VersionOne as a Connector: meta data, records by key, changes by moment, deletions by flag, and the census.

Source: versionone.md; sections are named where a fact is used.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta

from mirror.connectors.base import Account, Capabilities, Deletion, Finding, Probed, Window
from mirror.connectors.http import Answer, Transport
from mirror.connectors.versionone import bulk, census, changes, gone, history, inspection, probing, sending, telling
from mirror.connectors.versionone.caller import Caller
from mirror.connectors.versionone.catalog import make_catalog
from mirror.connectors.versionone.convert import stamp
from mirror.connectors.versionone.meta import Meta, MetaType
from mirror.connectors.versionone.meta_reading import read_meta
from mirror.connectors.versionone.paging import Pager
from mirror.connectors.versionone.question import Pick, Question, flat
from mirror.connectors.versionone.refusals import RefusedError
from mirror.connectors.versionone.rows import Rows
from mirror.connectors.versionone.scope import SCOPE, Project, find_project
from mirror.connectors.versionone.server import Server
from mirror.connectors.versionone.splitting import split
from mirror.connectors.versionone.wire import META, Wire
from mirror.errors import ProtocolError, RemoteError
from mirror.model.layout import Layout
from mirror.model.page import Fate, KeyPage, KeyRange, Page, Unread
from mirror.model.progress import Watermark
from mirror.model.schema import Catalog, RecordType
from mirror.model.source import Source
from mirror.model.write import Receipt, Write

PAGE_SIZE = 1000
"""No maximum is documented and 500 are proven (§9); a server that gives fewer is read on behind its last row."""

_IDS_PER_READ = 200
_OVERLAP = timedelta(seconds=60)  # for servers that do not compare moments: equal stamps, lagging reads
_ROOT = "Scope:0"  # §7.2 R: the project above all others, made with the instance


class VersionOneConnector:
    """One instance, or one project of it with all below."""

    def __init__(self, source: Source, transport: Transport) -> None:
        self.source = source
        self.transport = transport
        self.wire = Wire(transport, source.credential)
        self.server = Server(self.wire)
        self.learned = self.server.learned
        self.pager = Pager(self.server)
        self.caller = Caller(self.server)
        self.page_size = PAGE_SIZE
        self._rows = Rows(self, PAGE_SIZE)
        self._lock = threading.RLock()
        self._meta: Meta | None = None
        self._project: Project | None = None

    @property
    def capabilities(self) -> Capabilities:
        """What the server can do; batches are query.v1's, several writes at once api/asset's."""
        return Capabilities(
            page_size=PAGE_SIZE,
            ids_per_read=_IDS_PER_READ,
            overlap=_OVERLAP,
            deletion_feed=True,
            batches=self.server.form.batches,
            lag=self.server.lag,
            writes_at_once=bulk.WRITES_AT_ONCE if self.server.writes_together else 1,
        )

    def check(self) -> Iterator[Finding]:
        """Yield findings about authentication, rights, meta data, form, clock, page cap and scope."""
        return inspection.check(self)

    def identity(self) -> str:
        """Return when the root project was made, which is when the instance was; "" when it cannot be read."""
        question = Question(SCOPE, (Pick("CreateDateUTC"),), (f"ID='{_ROOT}'",), 1, proof=False)
        try:
            reply = self.server.form.send(question)()
        except RefusedError as error:
            if error.status != 404:
                return ""
            self.server.forget_form()  # it was answered in that form once, and is not any more
            reply = self.server.form.send(question)()
        rows = [flat(each) for each in reply.documents]
        made = stamp(rows[0].get("CreateDateUTC")) if rows else None
        return f"instance made {made}" if made else ""

    def account(self) -> Account:
        """Return our member, and the time zone that its times are shown in."""
        return Account(int(self.caller.oid.partition(":")[2]) if self.caller.oid else None, self.caller.zone)

    def project(self) -> Project | None:
        """Return the project of this source's scope, looked up once; None for the whole instance.

        Raises:
            ConfigError: it cannot be found.
        """
        wanted = str(self.source.scope.get("scope") or "")
        with self._lock:
            if wanted and self._project is None:
                self._project = find_project(self.server, self.pager, wanted)
            return self._project

    def scope_terms(self, record_type: RecordType) -> tuple[str, ...]:
        """Return the filter that keeps a type to this source's scope."""
        project = self.project()
        return project.terms(record_type) if project else ()

    def follows(self, record_type: RecordType) -> bool:
        """Return whether some of a record's values are its parent's; told by the record type, so that meta need not be read.

        See `Meta.follows_parent`.
        """
        parent, scope = record_type.field("Parent"), record_type.field(SCOPE)
        return bool(parent and parent.required and scope and scope.read_only)

    def discover(self, known_digest: str | None) -> Catalog | None:
        """Return the instance's types unless meta.v1 answers the same as before, byte by byte."""
        self.project()
        digest, meta = self._read_meta(known_digest)
        if meta is None:
            return None
        self._rows.forget_refusals()
        gone.note_lists(self.server, meta)
        return make_catalog(meta, digest)

    def meta(self) -> Meta:
        """Return what is known about types and attributes; read when it is needed first."""
        with self._lock:
            if self._meta is None:
                self._read_meta(None)
            if self._meta is None:
                raise ProtocolError("meta.v1 gave no types")
            return self._meta

    def _read_meta(self, known_digest: str | None) -> tuple[str, Meta | None]:
        """Read meta.v1 and return its digest, and what is in it unless the digest is the one that is known."""

        def read(answer: Answer) -> tuple[str, Mapping[str, MetaType] | None]:
            body = answer.body
            digest = hashlib.blake2b(body, digest_size=16).hexdigest()
            return digest, None if digest == known_digest else read_meta(body)

        digest, types = self.wire.get(f"{META}/", {}, read)
        if types is None:
            return digest, None
        if not any(each.attributes for each in types.values()):
            types = {name: self._whole(each) for name, each in types.items()}
        with self._lock:
            self._meta = Meta(types)
            return digest, self._meta

    def _whole(self, each: MetaType) -> MetaType:
        """Return a type with its attributes, which the answer for all leaves out here."""
        alone = self.wire.get(f"{META}/{each.name}", {}, lambda answer: read_meta(answer.body))
        return alone.get(each.name, each)

    def fetch(self, layout: Layout, keys: KeyRange) -> Unread:
        """Ask for up to 1,000 records of the range."""
        return self._rows.fetch(layout, keys)

    def split(self, layout: Layout, parts: int, count: int | None) -> Sequence[KeyRange]:
        """Return ranges cut where single rows at offsets are."""
        question = Question(layout.type.name, (), self.scope_terms(layout.type), 1, proof=False)
        return split(self.server, question, PAGE_SIZE, parts, count)

    def records(self, layout: Layout, ids: Sequence[int]) -> Page:
        """Return the records with those ids."""
        return self._rows.records(layout, ids)

    def anywhere(self, layout: Layout, ids: Sequence[int]) -> Page:
        """Return the records with those ids, in whatever project they are."""
        return self._rows.records(layout, ids, anywhere=True)

    def changes(self, types: Sequence[RecordType], since: Mapping[str, Watermark]) -> Iterator[KeyPage]:
        """Yield changed keys; see `changes.changes`."""
        return changes.changes(self, types, since)

    def census(self, windows: Sequence[Window]) -> Iterator[KeyPage]:
        """Answer each window; see `census.census`."""
        return census.census(self, windows)

    def deletions(self, since: datetime | None) -> Iterator[Deletion]:
        """Yield deleted records; an undeleted one is not among them any more (§6.3)."""
        return gone.deletions(self, since)

    def fate(self, record_type: RecordType, record_id: int) -> Fate:
        """Read the record itself; see `gone.fate`."""
        return gone.fate(self, record_type, record_id)

    def calls(self, write: Write) -> Sequence[str]:
        """Return the calls of a write as text; see `telling.calls`."""
        return telling.calls(write, together=self.server.is_known_to_write_together)

    def send(self, writes: Sequence[Write]) -> Sequence[Receipt | RemoteError]:
        """Do what is asked; see `sending.send`."""
        return sending.send(self, writes)

    def probe(self, write: Write) -> Probed:
        """Return what a write without an answer may have made; see `probing.probe`."""
        return probing.probe(self, write)

    def took_effect(self, write: Write) -> bool | None:
        """Return whether a rank or an operation was done; see `probing.took_effect`."""
        return probing.took_effect(self, write)

    def overwritten(self, write: Write) -> Mapping[str, str]:
        """Return what an update without an answer has replaced; see `history.overwritten_unanswered`."""
        return history.overwritten_unanswered(self, write, self.caller.oid)

    def touches(self, write: Write) -> frozenset[str]:
        """Return the oids of what a write changes; see `telling.touches`."""
        return telling.touches(write)
