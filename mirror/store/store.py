"""Store: the one door to the database for the engine. It joins the modules beside it under one transaction a call."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from datetime import datetime
from functools import cached_property
from types import MappingProxyType, TracebackType
from typing import Self

from sqlalchemy import Connection

from mirror.model.layout import Layout
from mirror.model.page import Echo, Fate, KeyRange, Page
from mirror.model.progress import Slice
from mirror.model.schema import Catalog
from mirror.model.verification import Verification
from mirror.model.work_item import Category
from mirror.store import (
    catalogue,
    history_names,
    history_tables,
    keys,
    lookups,
    migrate,
    overlay,
    queue_rows,
    references,
    suspects,
    tombstones,
    work_items,
)
from mirror.store.catalogue import Adoption
from mirror.store.column_types import instant_text
from mirror.store.compare import Comparison, compare
from mirror.store.database import Database, label_of
from mirror.store.finding import Finder
from mirror.store.history_log import Lived
from mirror.store.history_past import no_history
from mirror.store.history_store import HistoryStore
from mirror.store.lease import held
from mirror.store.lookups import LinkEnd
from mirror.store.pages import Applied, Applying, apply
from mirror.store.progress_store import ProgressStore
from mirror.store.queue import Queue, Settled
from mirror.store.queue_desks import Desks
from mirror.store.queue_edits import refuse_outdated
from mirror.store.queue_taking import Taken
from mirror.store.reading import Reader, Result
from mirror.store.record_tables import create_indexes
from mirror.store.search import Searching
from mirror.store.tombstones import Reason
from mirror.store.upsert import Writer
from mirror.store.verifications import save_verifications
from mirror.store.watchers import Watchers
from mirror.store.writers import writer_of

__all__ = [
    "Adoption",
    "Applied",
    "Comparison",
    "LinkEnd",
    "Lived",
    "Reader",
    "Result",
    "Settled",
    "Store",
    "Taken",
    "no_history",
]

EVERYTHING = KeyRange()


class Store(ProgressStore):
    """One open database. Its methods may be called from several threads; on SQLite, writers take turns.

    Every method raises StoreError when the database fails.

    Attributes:
        queue: what was changed here and waits to be written to the tracker.
        watchers: who is to be told of what happens on the tracker.
        history: what was replaced.
    """

    def __init__(self, database: Database, url: str) -> None:
        self._database = database
        self._closing = ExitStack()
        self._closing.callback(database.close)
        self._url = url
        self._layouts: dict[str, tuple[object, Mapping[str, Layout]]] = {}
        self.finder = Finder(database)
        self.queue = Queue(database)
        self.watchers = Watchers(database)
        self.history = HistoryStore(database)

    @classmethod
    def open(cls, url: str, *, create: bool = True) -> Self:
        """Open the database at `url` and bring its bookkeeping tables up to date.

        Args:
            url: `sqlite:///work.db` or `postgresql+psycopg://user@host/name`.
            create: make the SQLite file when there is none.

        Raises:
            ConfigError: the URL is not one of these.
            SchemaVersionError: a newer mirror has written to the database.
        """
        database = Database.connect(url, create=create)
        try:
            migrate.upgrade(database)
        except BaseException:
            database.close()
            raise
        return cls(database, url)

    def close(self) -> None:
        """Close every connection."""
        self._closing.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def lease(self, holder: str, now: datetime) -> AbstractContextManager[None]:
        """Hold the right to write to this database inside the block; freed by the system when the process dies.

        Raises:
            DatabaseBusyError: on entering the block, at once, when somebody else holds it.
        """
        return held(self._database, holder, now)

    # the catalogue

    def adopt(self, source: str, tracker: str, catalog: Catalog, *, now: datetime) -> Adoption:
        """Make the database ready for everything `catalog` lists; nothing is dropped or narrowed.

        Edits that wait for fields which have got another kind are refused.
        """
        with self._database.write() as connection:
            queue_rows.hold(connection, [source])
            adoption = catalogue.adopt(connection, source, tracker, catalog, now=now)
            history_tables.follow(connection, source, adoption.layouts)
            refuse_outdated(Desks(connection, adoption.layouts, now), source)
        self._layouts.pop(source, None)
        return adoption

    def digest(self, source: str) -> str | None:
        """Return the digest of the catalog adopted last; None when there was none."""
        with self._database.read() as connection:
            return catalogue.digest(connection, source)

    def layouts(self, source: str) -> Mapping[str, Layout]:
        """Return type name -> layout of the types on offer, as `adopt` returned them; read anew after the next adoption."""
        adoption = self.finder.adoption(source)
        known = self._layouts.get(source)
        if known is None or known[0] != adoption:
            with self._database.read() as connection:
                known = self._layouts[source] = (adoption, MappingProxyType(catalogue.layouts(connection, source)))
        return known[1]

    def grown_types(self, source: str) -> frozenset[str]:
        """Return the types to be read again because of new fields, until `finish_load` is called for them."""
        with self._database.read() as connection:
            return catalogue.grown_types(connection, source)

    def show_work_items(self, source: str, *, url: str, states: Mapping[str, Category]) -> bool:
        """Bring the view `work_item` up to date with all catalogs; nothing is written when it is.

        Args:
            url: the tracker's root address, without a trailing slash.
            states: name of a state, or `Type.State` for one type only -> its category, where the connector's rules are
                not to decide.

        Returns:
            Whether the view was written anew.

        Raises:
            StoreError: something else in the database is called `work_item`.
        """
        return work_items.show(self._database, source, url=url, states=states)

    # records

    def apply(self, page: Page, *, now: datetime, progress: Slice | None = None, force: bool = False) -> Applied:
        """Store a page, its links, its bad records and how far the slice has come, in one transaction.

        A row is written when its revision differs from the stored one and its change time is not older. One bad value or
        row never fails the page.

        Args:
            now: our time, aware.
            force: write whatever differs in any value, without a look at revision and change time.
        """
        return apply(self._database, self._writer(page.layout), page, Applying(now, progress, force))

    def compare(self, page: Page, *, now: datetime) -> Comparison:
        """Compare whole records with what is stored, value by value and link by link. Nothing is written."""
        return compare(self._database, self._writer(page.layout), page, now=now)

    def index(self, layout: Layout) -> None:
        """Create the secondary indexes of a type; to be called once its first load is done."""
        with self._database.write() as connection:
            create_indexes(connection, layout, catalogue.keyed_types(connection, layout.source))

    def keys(self, layout: Layout, within: KeyRange) -> list[tuple[int, str]]:
        """Return (id, revision) of the stored rows in the range, by ascending id."""
        with self._database.read() as connection:
            return keys.keys(connection, self._writer(layout).target, within)

    def revisions(self, layout: Layout, ids: Collection[int]) -> dict[int, str]:
        """Return id -> revision of those `ids` that are stored."""
        with self._database.read() as connection:
            return lookups.revisions(connection, layout, ids)

    def count(self, layout: Layout, within: KeyRange) -> int:
        """Return how many rows are stored in the range."""
        with self._database.read() as connection:
            return keys.count(connection, self._writer(layout).target, within)

    def names(self, layout: Layout, ids: Collection[int]) -> dict[int, str | None]:
        """Return id -> name, as others show it, of those of `ids` that are stored."""
        with self._database.read() as connection:
            return lookups.names(connection, layout, ids)

    def labels(self, layout: Layout, ids: Collection[int]) -> dict[int, str | None]:
        """Return id -> what people call it (`DE17`) of those of `ids` that are stored; empty for a type without a key."""
        with self._database.read() as connection:
            return lookups.labels(connection, layout, ids)

    def newest(self, layout: Layout) -> int:
        """Return the highest stored id; 0 when there is none."""
        with self._database.read() as connection:
            return lookups.newest(connection, layout)

    def boundaries(self, layout: Layout, size: int, within: KeyRange = EVERYTHING) -> list[KeyRange]:
        """Return ranges that cover `within`, each with `size` stored ids; the last has 1 to `size`, or 0 if alone."""
        with self._database.read() as connection:
            return keys.boundaries(connection, self._writer(layout).target, size, within)

    def link_targets(self, layout: Layout, ids: Collection[int]) -> dict[str, set[LinkEnd]]:
        """Return link field -> what these records link to, for every field that links to records."""
        with self._database.read() as connection:
            return lookups.link_targets(connection, layout, ids)

    def spread_names(
        self, layouts: Mapping[str, Layout], type_name: str, ids: Collection[int] | None, *, now: datetime
    ) -> int:
        """Bring the names shown for these records (None: all of the type) up to date; return how many rows changed.

        Revisions stay as they are: on the tracker the referring records have not changed.
        """

        def spread(connection: Connection) -> int:
            history_names.set_aside(connection, layouts, type_name, ids, now=now)
            return references.spread_names(connection, layouts, type_name, ids)

        return self._database.transact(spread)

    # records to be read again

    def suspect(self, source: str, ids: Mapping[str, Collection[int]], *, names: bool = False) -> None:
        """Remember, by type, records that may differ from the tracker though their revision is the same.

        Args:
            names: they themselves are right, but others may show them under an older name.
        """
        with self._database.write() as connection:
            suspects.add(connection, source, suspects.NAME if names else suspects.RECORD, ids)

    def suspect_referrers(self, layouts: Mapping[str, Layout], type_name: str, ids: Collection[int]) -> None:
        """Suspect whatever refers to these records, now and once more when they, or what they refer to, come back."""
        with self._database.write() as connection:
            suspects.suspect_referrers(connection, layouts, type_name, ids)

    def suspect_echoes(self, layouts: Mapping[str, Layout], page: Page, echoes: Sequence[Echo]) -> None:
        """Suspect owners whose stored links to the records of `page` differ from what these show at their end."""
        with self._database.write() as connection:
            suspects.suspect_echoes(connection, layouts, page, echoes)

    def recall_referrers(self, page: Page) -> None:
        """Suspect whatever referred to those of these records that had vanished; remember what they refer to no more."""
        with self._database.write() as connection:
            suspects.recall(connection, page)

    def suspects(self, source: str, *, names: bool = False) -> dict[str, set[int]]:
        """Return type name -> ids of all suspects of the one kind or the other."""
        with self._database.read() as connection:
            return suspects.listed(connection, source, suspects.NAME if names else suspects.RECORD)

    def clear_suspects(self, source: str, ids: Mapping[str, Collection[int]], *, names: bool = False) -> None:
        """Forget suspects: they have been looked at."""
        with self._database.write() as connection:
            suspects.clear(connection, source, suspects.NAME if names else suspects.RECORD, ids)

    # records that vanished

    def tombstone(
        self,
        layout: Layout,
        ids: Collection[int],
        *,
        fate: Fate,
        now: datetime,
        deleted_at: Mapping[int, str] | None = None,
        into: Mapping[int, int] | None = None,
    ) -> int:
        """Move rows and their links to the tombstones; return how many rows there were.

        Args:
            deleted_at: id -> text timestamp, where the tracker tells it.
            into: id -> id of the record it was merged into.
        """
        reason = Reason(fate, deleted_at or {}, into or {})
        target = self._writer(layout).target

        def bury(connection: Connection) -> int:
            queue_rows.hold(connection, [layout.source], alone=False)
            overlay.leave(connection, target, ids, now=now)
            return tombstones.bury(connection, target, ids, reason, now=now)

        return self._database.transact(bury)

    def tombstones(self, source: str, type_name: str, fate: Fate | None = None) -> list[tuple[int, Fate]]:
        """Return id and reason of the tombstones of a type, by id; with `fate` only of those."""
        with self._database.read() as connection:
            return tombstones.listed(connection, (source, type_name), fate)

    def set_reason(
        self,
        layout: Layout,
        ids: Collection[int],
        fate: Fate,
        *,
        now: datetime,
        deleted_at: Mapping[int, str] | None = None,
        into: Mapping[int, int] | None = None,
    ) -> int:
        """Change the reason of tombstones, now that it is known better; return how many there were."""
        reason, target = Reason(fate, deleted_at or {}, into or {}), self._writer(layout).target
        return self._database.transact(lambda connection: tombstones.amend(connection, target, ids, reason, now=now))

    # comparisons with the tracker

    def save_verifications(self, source: str, found: Collection[Verification]) -> None:
        """Store what a comparison of these types found, in the place of earlier ones."""
        with self._database.write() as connection:
            save_verifications(connection, source, found)

    # people's queries

    def search(self, layouts: Mapping[str, Layout], as_of: datetime | None = None) -> Searching:
        """Return what answers queries about the records of one source.

        Args:
            layouts: type name -> layout, of all types of the source.
            as_of: as the tracker had them at that instant, aware; None for as they are now. Then every question may raise
                UsageError: the history of a type that it is about is not kept.
        """
        return Searching(self._database, layouts, None if as_of is None else instant_text(as_of))

    @contextmanager
    def read(self, query: str, params: Sequence[object] = ()) -> Iterator[Result]:
        """Answer one query inside the block, as `Reader.read` does."""
        with self._reader.read(query, params) as result:
            yield result

    @cached_property
    def _reader(self) -> Reader:
        return self._closing.enter_context(Reader(self._url))

    @staticmethod
    def reader(url: str) -> Reader:
        """Open the database at `url` for queries only: without a lease, and without bringing it up to date.

        Raises:
            StoreError: there is no such SQLite file.
        """
        return Reader(url)

    @staticmethod
    def exists(url: str) -> bool:
        """Return whether there is a mirror at `url`; nothing is created."""
        return migrate.exists(url)

    @staticmethod
    def label(url: str) -> str:
        """Return how the database at `url` is shown to people: without a password."""
        return label_of(url)

    def _writer(self, layout: Layout) -> Writer:
        return writer_of(layout, is_sqlite=self._database.is_sqlite)
