"""One sync of one source, from discovery to the last link, and what it reports."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from difflib import get_close_matches

from mirror.connectors.base import Connector
from mirror.engine.account import learn_account
from mirror.engine.census import take_census
from mirror.engine.changes import pull_changes
from mirror.engine.deletions import follow_feed, settle_absent
from mirror.engine.load import LOAD_BEGAN, load_in_order
from mirror.engine.resolving import apply_policies
from mirror.engine.run import Run
from mirror.engine.settling import settle_in_flight
from mirror.engine.taking_in import take_in
from mirror.errors import ConfigError, MassDeleteError, RemoteError, UnknownTypeError
from mirror.model.event import Event, Phase, SliceFailed, SyncEnded, SyncStarted, Tally, Waiting
from mirror.model.layout import Layout
from mirror.model.page import KeyRange
from mirror.model.progress import Failure
from mirror.model.schema import Catalog
from mirror.model.source import Source
from mirror.store.store import Store

_ALLOWED_TYPES = "allowed_types"
_IDENTITY = "identity"
_LEARNED = "learned "


@dataclass(frozen=True, slots=True)
class SyncOptions:
    """What one sync is asked to do.

    Attributes:
        types: names of record types; empty means all that the source's allow-list lets through.
        full: read every record again, compare every key, and find out anew what earlier runs learned about the server.
        allow_mass_delete: tombstone even when a large share of a type vanished at once.
    """

    types: tuple[str, ...] = ()
    full: bool = False
    allow_mass_delete: bool = False


@dataclass(frozen=True, slots=True)
class SyncReport:
    """What one sync did.

    Attributes:
        failed: incomplete slices; their watermarks were not moved and nothing was tombstoned on their account.
        refused: types of which too large a share vanished to believe it.
    """

    source: str
    tally: Tally
    requests: int
    seconds: float
    failed: tuple[SliceFailed, ...] = ()
    refused: tuple[MassDeleteError, ...] = ()

    @property
    def exit_code(self) -> int:
        """The command's exit code: 6 when something was refused, 3 when something is incomplete, else 0."""
        if self.refused:
            return MassDeleteError.exit_code
        return RemoteError.exit_code if self.failed else 0

    @property
    def outcome(self) -> str:
        """One word for the record of runs: done, refused or incomplete."""
        return {0: "done", MassDeleteError.exit_code: "refused"}.get(self.exit_code, "incomplete")


def sync_source(
    source: Source,
    connector: Connector,
    store: Store,
    options: SyncOptions,
    *,
    clock: Callable[[], datetime],
    emit: Callable[[Event], None],
) -> SyncReport:
    """Bring the stored records of `source` in line with the tracker. Only reads from the tracker.

    What an earlier push has sent and got no answer for is settled first; what waits in the queue meets what is pulled.

    The caller holds the database's lease. Whatever was stored before a failure stays.

    Args:
        clock: our own time, UTC, aware; only for bookkeeping, never for a watermark.

    Raises:
        UsageError: the settings do not fit the tracker.
        StoreError: the database failed.
    """
    run = Run(source, connector, store, clock, emit, options.allow_mass_delete)
    began = time.monotonic()
    run_id = store.begin_run(source.name, clock())
    connector.transport.on_wait = lambda seconds, reason: emit(Waiting(source.name, seconds, reason))
    emit(SyncStarted(source.name))
    if not options.full:
        connector.learned.update(learned_before(store, source.name))
    try:
        _sync(run, options)
    except RemoteError as error:
        run.fail("", Phase.DISCOVER, error)
    keep_learned(run)
    apply_policies(store, run.layouts, source.name, source.conflicts)
    requests, seconds = connector.transport.requests_made, time.monotonic() - began
    report = SyncReport(source.name, run.tally, requests, seconds, tuple(run.failed), tuple(run.refused))
    store.end_run(
        run_id,
        clock(),
        tally=run.tally,
        requests=requests,
        outcome=report.outcome,
        failures=[Failure(each.type_name, each.phase, each.reason) for each in run.failed]
        + [Failure(each.type_name, Phase.DELETIONS, str(each)) for each in run.refused],
    )
    emit(SyncEnded(source.name, run.tally, requests, seconds, tuple(run.failed)))
    return report


def learned_before(store: Store, source: str) -> dict[str, str]:
    """Return what earlier runs learned about the server of a source, by the connector's own keys."""
    notes = store.notes(source)
    return {key.removeprefix(_LEARNED): value for key, value in notes.items() if key.startswith(_LEARNED) and value}


def keep_learned(run: Run) -> None:
    """Store what the connector found out about the server, for later runs."""
    before = learned_before(run.store, run.source.name)
    for key in before.keys() | run.connector.learned.keys():
        now = run.connector.learned.get(key, "")
        if now != before.get(key, ""):
            run.store.note(run.source.name, f"{_LEARNED}{key}", now)


def _sync(run: Run, options: SyncOptions) -> None:
    began_at = run.clock()
    offered, grown = _discovered(run)
    learn_account(run, anew=options.full)
    run.layouts = offered
    _keep_history(run, offered)
    take_in(run.store, offered, run.source.name, run.source.protect)
    settle_in_flight(run)
    run.store.show_work_items(run.source.name, url=run.source.url, states=run.source.states)
    names = choose(offered, options.types)
    loaded = run.store.loaded_types(run.source.name)
    unfinished = {each.type_name for each in run.store.open_slices(run.source.name)}
    load_began_at = run.store.notes(run.source.name).get(LOAD_BEGAN)
    run.load_began_at = datetime.fromisoformat(load_began_at) if load_began_at else None
    run.suspected_before = run.store.suspects(run.source.name)
    to_load = [name for name in names if options.full or name not in loaded or name in grown | unfinished]
    load_in_order(run, to_load, loaded)
    # A type that was read again, for a new field say, may have lost records all the same.
    _follow(run, [name for name in names if name in loaded and not run.has_failed(name)], exact=options.full)
    refused = {each.type_name for each in run.refused}
    complete = [name for name in names if not run.has_failed(name) and not run.has_failed("") and name not in refused]
    run.store.set_complete(run.source.name, complete, began_at)


def _discovered(run: Run) -> tuple[dict[str, Layout], frozenset[str]]:
    """Return the layouts of all wanted types, and the names of those that got new fields."""
    source, store = run.source, run.store
    store.note(source.name, _IDENTITY, same_place(run))
    allowed = " ".join(source.types)
    known = store.digest(source.name) if store.notes(source.name).get(_ALLOWED_TYPES) == allowed else None
    catalog = run.connector.discover(known)
    if catalog is None:
        return dict(store.layouts(source.name)), store.grown_types(source.name)
    _refuse_unknown_types(source, catalog)
    for name in catalog.shown_by:
        layout = store.layouts(source.name).get(name)
        if layout is not None:
            store.suspect(source.name, {name: [each for each, _ in store.keys(layout, KeyRange())]})
    wanted = Catalog.of(catalog.digest, [each for each in catalog.types.values() if source.wants(each.name)])
    adoption = store.adopt(source.name, source.tracker, wanted, now=run.clock())
    store.note(source.name, _ALLOWED_TYPES, allowed)
    for name in store.loaded_types(source.name) & adoption.layouts.keys():
        store.index(adoption.layouts[name])  # what a new catalog, or a new version of this program, wants indexed
    return dict(adoption.layouts), adoption.grown


def _keep_history(run: Run, offered: Mapping[str, Layout]) -> None:
    """Have replaced versions of those types kept that the settings name, and of no others.

    Raises:
        UnknownTypeError: one of them is not mirrored.
    """
    choose(offered, [each for one in run.source.history if (each := one.removeprefix("-")) != "*"])
    wanted = [name for name in offered if run.source.keeps(name)]
    run.store.history.keep(run.source.name, offered, wanted, now=run.clock())


def same_place(run: Run) -> str:
    """Return what the connector tells its place by, when rows of no other are stored; those of two must not mix.

    Raises:
        ConfigError: the source was mirrored from another place before.
    """
    here, noted = run.connector.identity(), run.store.notes(run.source.name).get(_IDENTITY)
    if here and noted and here != noted:
        raise ConfigError(
            f"source {run.source.name!r} was mirrored from {noted} and is now set to {here}; "
            "give the new place a source of its own, with another name"
        )
    return here


def _refuse_unknown_types(source: Source, catalog: Catalog) -> None:
    """Make sure that every name in the allow-list is offered; a misspelt one would mirror nothing, silently."""
    offered = {each.lower(): each for each in catalog.types}
    for each in source.types:
        name = each.removeprefix("-").lower()
        if name != "*" and name not in offered:
            near = get_close_matches(name, offered, n=3)
            raise UnknownTypeError(each.removeprefix("-"), tuple(offered[it] for it in near))


def choose(offered: Mapping[str, Layout], asked: Sequence[str]) -> list[str]:
    """Return the types of these names, in whatever case they are written; all of `offered` when none is asked for.

    Raises:
        UnknownTypeError: one is not offered; carries the nearest names.
    """
    by_name = {each.lower(): each for each in offered}
    for each in asked:
        if each.lower() not in by_name:
            near = get_close_matches(each.lower(), by_name, n=3)
            raise UnknownTypeError(each, tuple(by_name[name] for name in near))
    return [by_name[each.lower()] for each in asked] if asked else list(offered)


def _follow(run: Run, names: Sequence[str], *, exact: bool) -> None:
    """Pull changes and deletions of types that are loaded."""
    if not names:
        return
    missing = pull_changes(run, names)
    follow_feed(run)
    found = take_census(run, names, exact=exact)
    unread = run.read({name: sorted(ids) for name, ids in found.differing.items()}, Phase.CHANGES)
    for part in (missing, unread):
        for name, ids in part.items():
            stored = run.store.revisions(run.layouts[name], sorted(ids))
            found.absent.setdefault(name, set()).update(stored)
    settle_absent(run, found.absent)
    mend_references(run)
    if not run.failed and set(names) == run.store.loaded_types(run.source.name) & run.layouts.keys():
        run.store.note(run.source.name, LOAD_BEGAN, "")


def mend_references(run: Run) -> None:
    """Read suspects again, and those that this makes suspect, each once; then spread new names."""
    source, looked_at = run.source.name, dict[str, set[int]]()
    while True:
        suspects = run.store.suspects(source)
        later = {name: looked_at.get(name, set()) | run.older.get(name, set()) for name in suspects}
        left = {name: suspects[name] - later[name] for name in suspects.keys() & run.layouts.keys()}
        wanted = {name: sorted(ids) for name, ids in left.items() if ids}
        if not wanted:
            break
        stored = {name: sorted(run.store.revisions(run.layouts[name], ids)) for name, ids in wanted.items()}
        run.read({name: ids for name, ids in stored.items() if ids}, Phase.LINKS, force=True)
        for name, ids in wanted.items():
            looked_at.setdefault(name, set()).update(ids)
    run.store.clear_suspects(source, {name: ids for name, ids in looked_at.items() if not run.has_failed(name)})
    renamed = {name: ids for name, ids in run.store.suspects(source, names=True).items() if name in run.layouts}
    for name, fresh in renamed.items():
        run.store.spread_names(run.layouts, name, sorted(fresh), now=run.clock())
    run.store.clear_suspects(source, renamed, names=True)
