"""The part of `Mirror` that calls scripts back when something happens on the tracker."""

from __future__ import annotations

import logging
import traceback
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from mirror.errors import UnknownTypeError, UsageError
from mirror.model.happening import Happening, WatcherStatus
from mirror.model.layout import Layout
from mirror.queue_api.opened import now
from mirror.script.delivering import Delivering, News
from mirror.script.home import Home
from mirror.script.moments import Moments
from mirror.script.records import Records
from mirror.script.scripting import Scripting
from mirror.script.session import Session
from mirror.script.watcher import Changed, Created, Deleted, Watcher, usual_name
from mirror.store.store import Store
from mirror.store.watchers import ATTEMPTS

EVERY_TYPE = "*"
WORK_ITEMS = "work_item"
"""The types that show in the view of that name."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class FailedCall:
    """A callback that raised.

    Attributes:
        key: what people call the record.
        attempts: how often that has happened with this, now included.
    """

    source: str
    key: str
    happening: Happening
    error: Exception
    attempts: int

    @property
    def is_put_aside(self) -> bool:
        """Whether it is not told again before the script is started anew."""
        return self.attempts >= ATTEMPTS


@dataclass(frozen=True, slots=True)
class Delivery:
    """What one watcher was told.

    Attributes:
        told: how many calls there were that returned.
    """

    watcher: str
    told: int = 0
    failed: Sequence[FailedCall] = ()


class Watching(Scripting):
    """The part of `Mirror` that tells watchers what happened on the tracker.

    It is recorded in the database together with the rows themselves, and stays there until the callback has returned: a
    process that is killed, or a callback that raises, is told again. Watchers are known by their names.
    """

    _watchers: dict[str, Watcher] | None = None
    _is_delivering: bool = False

    def watch(
        self,
        *types: str | Records,
        created: Created | None = None,
        changed: Changed | None = None,
        deleted: Deleted | None = None,
        name: str = "",
        own: bool = False,
        since_start: bool = False,
    ) -> Watcher:
        """Have callbacks called for what syncs find out from now on, and for what this watcher was not told yet.

        They are called by `sync`, `poll` and `deliver`, one at a time: `created(record)`, `changed(record, changes)` with
        field -> (before, after), `deleted(record, reason)` with the record as it was last. What they do to records is queued
        when they return. Only what the tracker says counts. Several changes of a record before one call are one.

        Args:
            types: of all sources that have them, `"Story"`; of one, `"acme:Story"`; `"work_item"` for all types of that
                view, `"*"` for all there are; or records, as `acme.Defect.find("…")`: of these also what the query found
                before it changed or was deleted.
            name: known by it for ever: what happens while no script runs is kept. Else that of the script, and the types.
            own: also what was pushed from here.
            since_start: first call `created` for all that is there.

        Raises:
            UsageError: nothing to call, no types, records of the past, or another watcher of this session has the name.
            UnknownTypeError: no source has such a type.
        """
        records = [each for each in types if isinstance(each, Records)]
        names = tuple(each for each in types if isinstance(each, str))
        if not types or len(records) > 1 or (records and names):
            raise UsageError("say which types to watch, or the records of one query")
        _check_now(types)
        if records and (records[0].size is not None or records[0].start):
            raise UsageError("records are watched without a limit: leave out limit and page")
        what = _asked(records[0]) if records else ", ".join(names)
        called = name or usual_name(what, created or changed or deleted)
        watcher = Watcher(called, names, next(iter(records), None), created, changed, deleted, own, since_start)
        if called in self._watching:
            raise UsageError(f"there is a watcher called {called!r} already; give this one another name=")
        store = self._existing_store()
        if store is not None:
            self._register(store, watcher)
        self._watching[called] = watcher
        return watcher

    def unwatch(self, name: str) -> bool:
        """Forget a watcher, and what he was still to be told; return whether the database knew him."""
        self._watching.pop(name, None)
        store = self._existing_store()
        return store is not None and store.watchers.forget(name)

    def watchers(self) -> list[WatcherStatus]:
        """Return all watchers that the database knows, with what waits for them, also those of other scripts."""
        store = self._existing_store()
        return [] if store is None else store.watchers.all()

    def deliver(self) -> list[Delivery]:
        """Tell the watchers of this session what waits for them, without a look at any tracker.

        A callback that raises is told of with a warning, and of the same again by the next delivery, ten times in all; then
        it waits until the script is started anew. Others go on. What was done to records before is queued first.
        """
        store = self._existing_store()
        if store is None or self._is_delivering or not self._watching:
            return []
        with self._delivering():
            return [self._delivered(store, each) for each in list(self._watching.values()) if self._register(store, each)]

    def close(self) -> None:
        """Close the database; callbacks are not called any more, and what happens is kept for their watchers."""
        self._watchers = None
        super().close()

    @contextmanager
    def _delivering(self) -> Iterator[None]:
        self._is_delivering = True
        try:
            yield
        finally:
            self._is_delivering = False

    def _delivered(self, store: Store, watcher: Watcher) -> Delivery:
        told, failed = 0, list[FailedCall]()
        delivering = Delivering(self._session, store.watchers, watcher.name, watcher.records)
        for each in delivering.news():
            self.queue()
            failure = self._tell(watcher, each)
            if failure is None:
                store.watchers.told(each.pending.ids)
                told += 1
            else:
                delivering.failed(each, _words(failure))
                failed.append(_failed(watcher, each, failure))
        return Delivery(watcher.name, told, failed)

    def _tell(self, watcher: Watcher, news: News) -> Exception | None:
        """Call back, and queue what was done to records; return what went wrong, of which then nothing is kept."""
        try:
            watcher.tell(news.pending.happening, news.record, news.changes, news.reason)
            self.queue()
        except Exception as error:  # noqa: BLE001 - whatever it is, others are to be told
            self._session.writer.discard()
            return error
        return None

    # who watches what

    @property
    def _session(self) -> Session:
        session = super()._session
        session.watch = self.watch
        return session

    @property
    def _watching(self) -> dict[str, Watcher]:
        if self._watchers is None:
            self._watchers = {}
        return self._watchers

    def _register(self, store: Store, watcher: Watcher) -> bool:
        """Have the database know what a watcher watches; return whether there is anything of it yet."""
        try:
            places = self._places(watcher)
        except UnknownTypeError:
            if watcher.registered is None:
                raise
            return True  # what was there when it was registered is not offered any more
        interests = watcher.interests(places)
        if watcher.registered and not store.watchers.knows(watcher.name):
            watcher.registered = None
            warnings.warn(
                f"watcher {watcher.name!r} was forgotten by another program, and is not told what happened since: "
                "two that run at once need names of their own",
                RuntimeWarning,
                stacklevel=3,
            )
        if interests and interests != watcher.registered:
            store.watchers.register(watcher.name, interests, places, now=now())
            watcher.registered = interests
        return bool(interests)

    def _places(self, watcher: Watcher) -> Mapping[tuple[str, str], Layout]:
        """Return the types that a watcher watches, as far as their sources were synced.

        Raises:
            UnknownTypeError: there are none, and no source is left that may have them.
        """
        if watcher.records is not None:
            home = watcher.records.home
            home.renew()
            layouts = [home.layouts.get(each.type.name) for each in watcher.records.layouts]
            return {(home.source, each.type.name): each for each in layouts if each is not None}
        return {place: layout for each in watcher.types for place, layout in self._types(each).items()}

    def _types(self, asked: str) -> Mapping[tuple[str, str], Layout]:
        source, _colon, name = asked.rpartition(":")
        found: dict[tuple[str, str], Layout] = {}
        unknown: list[UnknownTypeError] = []
        chosen = self.chosen([source] if source else ())
        for each in chosen:
            home = self[each.name]._home
            home.renew()
            try:
                layouts = _meant(home, name)
            except UnknownTypeError as error:
                unknown.append(error)
            else:
                found |= {(each.name, one.type.name): one for one in layouts}
        if len(unknown) == len(chosen):
            raise unknown[0]
        return found


def _meant(home: Home, name: str) -> Sequence[Layout]:
    """Return the types of a source that `name` means; none while it was never synced.

    Raises:
        UnknownTypeError: there are none.
    """
    layouts = tuple(home.layouts.values())
    if name == EVERY_TYPE or not layouts:
        return layouts
    return [each for each in layouts if each.type.work_item is not None] if name == WORK_ITEMS else home.types(name)


def _check_now(watched: Sequence[object]) -> None:
    """Refuse what does not change any more.

    Raises:
        UsageError: records as of an instant, or of several; or something that is neither a type nor records.
    """
    for each in watched:
        if isinstance(each, Moments) or (isinstance(each, Records) and each.home.as_of is not None):
            raise UsageError("what was does not change any more; watch the records as they are now, without as_of")
        if not isinstance(each, str | Records):
            raise UsageError(f"types are watched by their names, or records by what finds them: {each!r} is neither")


def _asked(records: Records) -> str:
    types = "|".join(each.type.name for each in records.layouts)
    texts = "".join(f".find({each!r})" for each in records.texts)
    equal = "".join(f".where({', '.join(f'{name}={value!r}' for name, value in each.items())})" for each in records.equal)
    return f"{records.home.source}:{types}{texts}{equal}"


def _words(error: Exception) -> str:
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__


def _failed(watcher: Watcher, news: News, error: Exception) -> FailedCall:
    """Tell that a callback has raised."""
    record, pending = news.record, news.pending
    attempts = pending.attempts + 1
    log.info("callback failed watcher=%s record=%s attempts=%d", watcher.name, record.oid, attempts, exc_info=error)
    place = traceback.extract_tb(error.__traceback__)[-1]
    what = f"{pending.happening} {record.source}:{record.key}: {_words(error)}"
    where = f"{place.filename}:{place.lineno}, {attempts} of {ATTEMPTS} times"
    again = "it is told again by the next delivery" if attempts < ATTEMPTS else "it waits until the script is started anew"
    warnings.warn(f"watcher {watcher.name!r} failed at {what} ({where}); {again}", RuntimeWarning, stacklevel=2)
    return FailedCall(record.source, record.key, pending.happening, error, attempts)
