"""The part of `Mirror` that scripts are written with: `m["acme"]`, and when what they changed is queued."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from mirror.config import SourceSettings
from mirror.connectors.base import Account
from mirror.connectors.language import Asked
from mirror.connectors.registry import belongings, connect, contents, language, reader
from mirror.engine.account import account_of, asked_by
from mirror.engine.recounting import RecordVersion, recount
from mirror.engine.showing import ShownChange, show
from mirror.errors import UnknownRecordError
from mirror.model.layout import Layout
from mirror.queue_api import Editing, Looking
from mirror.queue_api.opened import now
from mirror.script.answers import Sql
from mirror.script.contents import check_file, content_of
from mirror.script.held import Held
from mirror.script.home import Home
from mirror.script.instants import Instant, instant_of
from mirror.script.record import Record
from mirror.script.refreshing import read_again
from mirror.script.session import Session
from mirror.script.source import SourceView
from mirror.script.writing import Hands, Writer
from mirror.store.reading import Result
from mirror.store.store import Store

if TYPE_CHECKING:
    from mirror.queue_api.editing import Desk


class Scripting(Editing, Looking):
    """The part of `Mirror` that hands out records.

    What is done to them is checked at once and kept in memory. `queue` puts it into the queue, all of it or nothing, and so
    do `push` and the end of a `with` block that ended well. An error in the block discards what was not queued until then.
    """

    _scripted: Session | None = None

    def __getitem__(self, source: str) -> SourceView:
        """Return a source, whose records can then be looked at by their type.

        Raises:
            UnknownSourceError: it is not configured.
            UsageError: nothing was ever synced.
        """
        (settings,) = self.chosen([source])
        session = self._session
        if not session.knows(source):
            session.enter(self._home(settings))
        return SourceView(session, session.home(source))

    def __iter__(self) -> Iterator[SourceView]:
        """Yield the sources, in the order of the settings."""
        return (self[each.name] for each in self.sources)

    def __repr__(self) -> str:
        return f"<mirror of {', '.join(each.name for each in self.sources) or 'nothing yet'} in {self.database_label}>"

    def get(self, key: str | int, *, as_of: Instant | None = None) -> Record:
        """Return the record that people call `key`, of whatever source: `US123`, `ticket/17`, `acme:DE17`, `NEW-3`.

        Args:
            as_of: as the tracker had it then, and called by its key of then, as in `Records.as_of`.

        Raises:
            UnknownRecordError: there is none, or there are several; says what to say instead.
            UsageError: nothing was ever synced, or no history is kept.
        """
        if as_of is not None:
            return self._get_past(str(key), as_of)
        found = self._find(str(key))
        self[found.source]  # takes it into the session
        return self._session.record(found)

    def _get_past(self, key: str, instant: Instant) -> Record:
        named, colon, rest = key.partition(":")
        is_named = bool(colon) and named in {each.name for each in self.sources}
        views = [self[named]] if is_named else [self[each.name] for each in self.sources]
        kept = [each for each in views if each.keeps_history] or views
        found: list[Record] = []
        unknown: UnknownRecordError | None = None
        for view in kept:
            try:
                found.append(view.as_of(instant).get(rest if is_named else key))
            except UnknownRecordError as error:
                unknown = unknown or error
        if unknown is not None and not found:
            raise unknown
        if len(found) > 1:
            names = tuple(f"{each.source}:{each.key}" for each in found)
            raise UnknownRecordError(f"{key} may be {' or '.join(names)}: say which", names)
        return found[0]

    def queue(self) -> int:
        """Put what was done to records into the queue; return how many changes that were.

        Raises:
            UsageError: a record is not here any more. Nothing was queued then.
        """
        return self._session.writer.queue()

    def changes(self, names: Sequence[str] = ()) -> list[ShownChange]:
        """Return what waits in the queues of those sources, or of all, oldest first; then what is not queued yet."""
        return [*super().changes(names), *self._unqueued(names)]

    def discard(self, key: str = "", field: str = "") -> list[ShownChange]:
        """Take back the changes of a record, or of one of its fields, or all, as `Looking.discard` does.

        Without a key what was done to records in memory is taken back as well; `Record.discard` does that for one of them.
        """
        mine = [] if key else self._unqueued(())
        if mine:
            self._session.writer.discard()
        taken = super().discard(key, field)
        self._pass_on()
        return [*taken, *mine]

    def history(self, key: str) -> list[RecordVersion]:
        """Return the versions of a record that the mirror knows, oldest first, each with what it changed.

        Args:
            key: what people call it, or called it before it was deleted.

        Raises:
            UnknownRecordError: there is none, or there are several.
            UsageError: no history is kept of its type.
        """
        store = self._filled_store()
        try:
            found = self._find(key)
            return recount(store, found.layout, found.record_id)
        except UnknownRecordError:
            layouts = [each for some in self._catalogues().values() for each in some.values()]
            gone = store.history.once_called(layouts, key.strip())
            if len(gone) != 1:
                raise
        return recount(store, *gone[0])

    def prune_history(self, before: Instant, names: Sequence[str] = ()) -> dict[str, dict[str, int]]:
        """Forget the versions that ended before an instant, of those sources or of all. What was then and later stays known.

        Returns:
            Source -> type name -> how many versions there were, where there were any.

        Raises:
            UsageError: it is no instant that is past, nothing was ever synced, or another run holds the database.
        """
        at, store = instant_of(before, now()), self._filled_store()
        with self._lease(store):
            return {each.name: store.history.prune(each.name, at) for each in self.chosen(names)}

    def sql(self, query: str, params: Sequence[object] = (), *, as_of: Instant | None = None) -> Sql:
        """Ask a query in SQL: `with m.sql("…") as answer`, or `m.sql("…").to_pandas()`. The database refuses to write.

        Args:
            params: values for `?` on SQLite, `%s` on PostgreSQL.
            as_of: have the tables hold what the trackers had at an instant, as in `Records.as_of`.

        Raises, when the answer is looked at:
            UsageError: the database does not accept the query, or no history is kept of a table in it.
            StoreError: there is no database yet, or it failed.
        """
        at = None if as_of is None else instant_of(as_of, now())
        return Sql(lambda: self._answered(query, params, at))

    @contextmanager
    def _answered(self, query: str, params: Sequence[object], at: datetime | None) -> Iterator[Result]:
        with Store.reader(self._settings.database) as reader, reader.read(query, params, at) as found:
            yield found

    def close(self) -> None:
        """Close the database; what was done to records and not queued is lost."""
        self._scripted = None
        super().close()

    @property
    def _session(self) -> Session:
        if self._scripted is None:
            session = self._scripted = Session(self._read_again, self._content)
            session.writer = Writer(session, self._hands)
        return self._scripted

    def _home(self, settings: SourceSettings) -> Home:
        source, tracker = settings.name, settings.tracker
        store, session = self._filled_store(), self._session
        learned: dict[int, Account] = {}

        def asking(layouts: Mapping[str, Layout]) -> Asked:
            if session.epoch not in learned:
                learned.clear()
                learned[session.epoch] = account_of(store, source)
            return asked_by(learned[session.epoch], layouts, now())

        known = store, language(tracker), belongings(tracker)
        return Home(source, *known, lambda: self._catalogue(source), asking, url=settings.url)

    def _hands(self, source: str) -> Hands:
        editor = self._editor(source, self._session.home(source).layouts)
        lookup = replace(editor.lookup, finder=self._session.finder(source))
        settings = self._settings[source]
        return Hands(replace(editor, lookup=lookup), settings.protect, contents(settings.tracker).largest)

    def _read_again(self, source: str, type_name: str, record_id: int) -> None:
        """Read one record from its tracker."""
        store, settings = self._filled_store(), self._settings[source]
        with self._lease(store):
            chosen = settings.source(self._environ)
            layouts = self._catalogue(source)
            read_again(chosen, connect(chosen), store, layouts, wanted={type_name: [record_id]}, clock=now)

    def _content(self, held: Held) -> bytes:
        """Return the bytes of a file."""
        settings = self._settings[held.source]
        check_file(held, contents(settings.tracker).type_name)

        return content_of(held, self._filled_store(), lambda: reader(settings.source(self._environ)))

    def _unqueued(self, names: Sequence[str]) -> list[ShownChange]:
        if self._scripted is None or not self._scripted.edits:
            return []
        found: list[ShownChange] = []
        chosen = [each.name for each in self.chosen(names)]
        for source in dict.fromkeys(each.source for each in self._scripted.edits):
            if source in chosen:
                home = self._scripted.home(source)
                found += show(home.store, home.layouts, [each for each in self._scripted.edits if each.source == source])
        return found

    def _end(self, *, well: bool) -> None:
        """Queue what was done to records, or discard it."""
        if self._scripted is None:
            return
        if well:
            self._scripted.writer.queue()
        else:
            self._scripted.writer.discard()

    # whatever else writes to the database is seen by the records that a script holds

    def _desk(self) -> Desk:
        desk = super()._desk()
        self._pass_on()
        return desk

    @contextmanager
    def _lease(self, store: Store) -> Iterator[None]:
        try:
            with super()._lease(store):
                yield
        finally:
            self._pass_on()

    def _pass_on(self) -> None:
        if self._scripted is not None:
            self._scripted.pass_on()
