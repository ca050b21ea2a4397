"""The Python API: `Mirror`, the one door that every surface goes through."""

from __future__ import annotations

import difflib
import logging
import os
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Self

from mirror.config import FILE_NAME, SourceSettings, find, load
from mirror.config_auth import read_auth
from mirror.config_edit import NewSource, append_source
from mirror.config_import import Besides, Client, Import, append_import, read_client
from mirror.connectors.base import Finding
from mirror.connectors.registry import TRACKERS, check_auth, connect
from mirror.credentials import Place
from mirror.engine.checking import check_source
from mirror.engine.push import PlannedStep, PushedChange, PushOptions, PushReport, push_source
from mirror.engine.recounting import FieldChange, RecordVersion
from mirror.engine.showing import ShownChange, ShownEntry
from mirror.engine.sync import SyncOptions, SyncReport, sync_source
from mirror.engine.verify import USUAL_SAMPLE, VerifyOptions, VerifyReport, verify_source
from mirror.errors import DatabaseBusyError, MirrorError, StoreError, UnknownTypeError, UsageError
from mirror.model.event import Event
from mirror.model.happening import WatcherStatus
from mirror.model.layout import Layout, table_name
from mirror.model.progress import Failure, TypeStatus
from mirror.model.schema import RecordType
from mirror.model.source import Auth, Signer, Source
from mirror.queue_api import Edited
from mirror.queue_api.opened import now
from mirror.queue_api.summaries import Outcome, Report, SourceStatus, TypeSummary
from mirror.script import Delivery, Watching
from mirror.script.ages import Age, is_fresh
from mirror.script.answers import Answer
from mirror.script.polling import QUICK, Round, interval_of, ticks, warn_of

__all__ = [
    "QUICK",
    "TRACKERS",
    "USUAL_SAMPLE",
    "Answer",
    "Auth",
    "Besides",
    "Client",
    "Delivery",
    "Edited",
    "Failure",
    "FieldChange",
    "Finding",
    "Import",
    "Layout",
    "Mirror",
    "NewSource",
    "Outcome",
    "Place",
    "PlannedStep",
    "PushOptions",
    "PushReport",
    "PushedChange",
    "RecordVersion",
    "Round",
    "ShownChange",
    "ShownEntry",
    "SourceSettings",
    "SourceStatus",
    "SyncOptions",
    "SyncReport",
    "TypeStatus",
    "TypeSummary",
    "VerifyOptions",
    "VerifyReport",
    "WatcherStatus",
    "interval_of",
]

EVERYTHING = SyncOptions()
USUALLY = VerifyOptions()
NOTHING_BESIDES = Besides()
ALL_THAT_WAITS = PushOptions()

log = logging.getLogger(__name__)


class Mirror(Watching):
    """The mirror of some sources in one database. Use it in a `with` block, or close it.

    `m["acme"].Defect` are records of a source. What a `with` block does to them is queued when it ends well, and discarded
    when it ends with an error.
    """

    @classmethod
    def open(
        cls,
        config: str | Path | None = None,
        database: str | None = None,
        *,
        auth: Mapping[str, Signer] | None = None,
        new: bool = False,
    ) -> Self:
        """Return the mirror that the settings describe. Neither the database nor a tracker is touched yet.

        Args:
            config: settings file; else MIRROR_CONFIG, else the nearest mirror.toml, else the user's own.
            database: SQLAlchemy URL, over MIRROR_DATABASE and the settings file.
            auth: source -> a `requests` authentication object that signs its requests, over what the settings say. It is
                called by several threads at once, as many as the source's `concurrency`.
            new: the settings file that is named need not be there; `add_source` makes it.

        Raises:
            ConfigError: the settings cannot be used.
        """
        named = config or os.environ.get("MIRROR_CONFIG")
        is_new = new and named is not None and not Path(named).exists()
        path = None if is_new else find(Path(named) if named else None, Path.cwd())
        settings = load(path, _scope_keys(), os.environ, database, implied=not new)
        return cls(settings, os.environ, settings_path=path or Path(named or FILE_NAME).absolute(), auth=auth)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        try:
            self._end(well=error is None)
        finally:
            self.close()

    # Sources

    def check(self, name: str) -> Iterator[Finding]:
        """Yield what is right and wrong with the connection to one source; learn who we are there, if there is a database.

        Raises:
            ConfigError: its secret cannot be had.
            StoreError: the database cannot be opened.
        """
        source = self._settings[name].source(self._environ)
        yield from check_source(source, connect(source), self._existing_store, clock=now)

    # Contents

    def types(self, name: str) -> list[TypeSummary]:
        """Return the record types of one source; from the tracker itself when it was never synced.

        Raises:
            RemoteError: the tracker had to be asked, and did not answer.
        """
        store = self._existing_store()
        layouts = store.layouts(name) if store is not None else {}
        if store is None or not layouts:
            source = self._settings[name].source(self._environ)
            catalog = connect(source).discover(None)
            found = catalog.types.values() if catalog is not None else ()
            return [_summary(name, each, table_name(source.tracker, each.name), None) for each in found]
        rows = {each.type_name: each.rows for each in store.status(name)}
        return [_summary(name, each.type, each.table, rows.get(each.type.name)) for each in layouts.values()]

    def schema(self, name: str) -> list[Layout]:
        """Return the layouts of a type, one for each source that has it.

        Args:
            name: the tracker's name of the type or the name of its table, in any case; `SOURCE:NAME` for one source.

        Raises:
            UnknownTypeError: no synced source has it; carries the nearest names.
        """
        source, _colon, wanted = name.rpartition(":")
        layouts = [layout for each in self.chosen((source,) if source else ()) for layout in self._layouts(each.name)]
        found = [each for each in layouts if wanted.lower() in (each.type.name.lower(), each.table)]
        if not found:
            names = {each.type.name.lower(): each.type.name for each in layouts}
            names |= {each.table: each.table for each in layouts}
            near = difflib.get_close_matches(wanted.lower(), names, n=3)
            raise UnknownTypeError(name, tuple(names[each] for each in near))
        return found

    def status(self, name: str) -> SourceStatus:
        """Return what is stored of one source; nothing when it was never synced."""
        store = self._existing_store()
        if store is None:
            return SourceStatus(name, (), ())
        waiting = Counter(each.state for each in store.queue.open(name))
        return SourceStatus(name, store.failures(name), store.status(name), waiting, store.watchers.all(name))

    def sync(
        self,
        names: Sequence[str] = (),
        options: SyncOptions = EVERYTHING,
        *,
        if_older_than: Age | None = None,
        deliver: bool = True,
        emit: Callable[[Event], None] = lambda _event: None,
    ) -> list[Outcome[SyncReport]]:
        """Bring the mirror up to date with those sources, or all. One that fails does not stop the others.

        Args:
            if_older_than: leave a source alone when what is asked of it was brought up to date within that time: `"15m"`,
                seconds, or a timedelta. Its outcome then has neither a report nor an error, and its tracker is not asked.
            deliver: then tell watchers what happened, see `watch`.
            emit: told of progress, from any thread.

        Raises:
            UsageError: a source is not configured, or another run holds the database.
            StoreError: the database cannot be opened.
        """
        sources, store = self.chosen(names), self._opened_store()
        fresh = partial(is_fresh, store, age=if_older_than, now=now(), types=options.types)
        stale = [each for each in sources if not fresh(each.name)]
        with self._lease(store) if stale else nullcontext():
            outcomes = [
                self._attempt(
                    each,
                    lambda source: sync_source(source, connect(source), store, options, clock=now, emit=emit),
                )
                if each in stale
                else Outcome(each.name)
                for each in sources
            ]
        if deliver:
            self.deliver()
        return outcomes

    def poll(
        self,
        every: Age = "5m",
        names: Sequence[str] = (),
        options: SyncOptions = EVERYTHING,
        *,
        times: int | None = None,
        each: Callable[[Round], None] = warn_of,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """Sync and tell watchers what happened, again and again until interrupted.

        A tracker that cannot be reached, and a database that somebody else writes to, are told of and tried again.

        Args:
            every: how long to wait after each round: `"30s"`, `"5m"`, `"1h"`, seconds, or a timedelta.
            times: how many rounds; None for no end.
            each: told what came of each round; unless told, what went wrong becomes a warning.
            sleep: waits that many seconds.

        Raises:
            UsageError: `every` is too short, or the settings cannot be used.
            StoreError: the database cannot be opened.
        """
        for number in ticks(every, times=times, sleep=sleep):
            each(self._round(names, options, is_first=number == 1))

    def _round(self, names: Sequence[str], options: SyncOptions, *, is_first: bool) -> Round:
        try:
            outcomes = self.sync(names, options, deliver=False)
            deliveries = self.deliver()
        except (DatabaseBusyError, StoreError) as error:
            if is_first and isinstance(error, StoreError):  # nothing has worked yet, so waiting does not mend it
                raise
            return Round(error=error)
        for each in outcomes:
            if is_first and isinstance(each.error, UsageError):
                raise each.error
        return Round(outcomes, deliveries)

    def push(
        self,
        keys: Sequence[str] = (),
        options: PushOptions = ALL_THAT_WAITS,
        *,
        names: Sequence[str] = (),
        emit: Callable[[Event], None] = lambda _event: None,
    ) -> list[Outcome[PushReport]]:
        """Write to the trackers what was changed here, by this script as well. One that fails does not stop the others.

        Args:
            keys: what people call the records to push, or the one, with what they cannot do without; all that wait when
                there are none.
            options: `records` in it is not looked at.
            names: only these sources, or this one.
            emit: told of progress, from any thread.

        Raises:
            UsageError: a source is not configured, a key leads to no record, or another run holds the database.
            StoreError: the database cannot be opened.
        """
        self.queue()
        store, records = self._filled_store(), self._records(keys)
        self._check_protect()
        chosen = [each for each in self.chosen(names) if not keys or each.name in records]
        with self._lease(store):
            return [self._pushed(each, replace(options, records=records.get(each.name)), emit) for each in chosen]

    def _records(self, keys: Sequence[str]) -> dict[str, frozenset[tuple[str, int]]]:
        """Return source -> type name and id of the records that people call so."""
        found = [self._find(each) for each in ([keys] if isinstance(keys, str) else keys)]
        return {
            source: frozenset((each.layout.type.name, each.record_id) for each in found if each.source == source)
            for source in dict.fromkeys(each.source for each in found)
        }

    def _pushed(self, settings: SourceSettings, options: PushOptions, emit: Callable[[Event], None]) -> Outcome[PushReport]:
        store = self._filled_store()
        if not store.queue.open(settings.name):  # then not even the secret is looked up
            return Outcome(settings.name, PushReport(settings.name))
        return self._attempt(settings, lambda source: push_source(source, connect, store, options, clock=now, emit=emit))

    def verify(
        self,
        names: Sequence[str] = (),
        options: VerifyOptions = USUALLY,
        *,
        emit: Callable[[Event], None] = lambda _event: None,
    ) -> list[Outcome[VerifyReport]]:
        """Compare the mirror of those sources, or of all, with their trackers. One that fails does not stop the others.

        Nothing is changed unless `options.repair`; only then must no other run hold the database.

        Args:
            emit: told of progress, from any thread.

        Raises:
            UsageError: a source is not configured, or another run holds the database.
            StoreError: the database cannot be opened.
        """
        sources = self.chosen(names)
        store = self._existing_store()
        if store is None:
            raise UsageError("nothing is mirrored yet; run: mirror sync")
        with self._lease(store) if options.repair else nullcontext():
            return [
                self._attempt(
                    each,
                    lambda source: verify_source(source, connect(source), store, options, clock=now, emit=emit),
                )
                for each in sources
            ]

    def _attempt(self, settings: SourceSettings, work: Callable[[Source], Report]) -> Outcome[Report]:
        try:
            return Outcome(settings.name, work(settings.source(self._environ)))
        except MirrorError as error:
            return Outcome(settings.name, error=error)
        except Exception as error:
            # The top of a run: a bug that one source brings to light must not stop the others.
            log.exception("run broken off source=%s", settings.name)
            return Outcome(settings.name, error=MirrorError(f"this is a bug in mirror: {type(error).__name__}"))

    # Settings

    def add_source(self, new: NewSource) -> Path:
        """Write a source to the end of the settings file, which is made in the working directory if need be.

        Returns:
            The settings file.

        Raises:
            ConfigError: a source of that name is there, or something about it cannot be used.
        """
        if new.auth is not None and new.tracker in TRACKERS:
            check_auth(new.tracker, read_auth(new.auth, "auth").auth, "auth")
        append_source(self._path, new, _scope_keys())
        self._use(load(self._path, _scope_keys(), self._environ))
        return self._path

    def add_from(self, client: Client | str, file: Path, name: str, besides: Besides = NOTHING_BESIDES) -> Import:
        """Add a source with what a configuration file of another client says: `"pyral"`, or `"rtrc"` for RT's own.

        A secret in it goes to a file of its own beside the settings file, readable by its owner only.

        Raises:
            ConfigError: the file says nothing of use, or something is there already.
        """
        done = append_import(self._path, name, read_client(Client(client), file), besides, _scope_keys())
        self._use(load(self._path, _scope_keys(), self._environ))
        return done


def _scope_keys() -> dict[str, Mapping[str, type]]:
    return {kind: tracker.scope for kind, tracker in TRACKERS.items()}


def _summary(source: str, record_type: RecordType, table: str, rows: int | None) -> TypeSummary:
    return TypeSummary(
        source, record_type.name, record_type.display_name, table, record_type.tracking, len(record_type.fields), rows
    )
