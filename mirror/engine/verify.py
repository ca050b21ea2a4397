"""One comparison of a source's mirror with its tracker, what it reports, and the repair of what it found.

Comparing changes nothing but the note of its own outcome. It needs no lease: a sync may run meanwhile.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from mirror.connectors.base import Connector
from mirror.engine.census import take_census
from mirror.engine.deletions import follow_feed, settle_absent
from mirror.engine.drift import Look, Question, draw, look
from mirror.engine.run import Run
from mirror.engine.sync import choose, learned_before, mend_references, same_place
from mirror.errors import MassDeleteError, RemoteError, UsageError
from mirror.model.event import Compared, Event, Expected, Phase, SliceFailed, SyncEnded, VerifyStarted, Waiting
from mirror.model.page import KeyRange
from mirror.model.source import Source
from mirror.model.verification import Drift, Drifted, Verification
from mirror.store.store import Store

USUAL_SAMPLE = 20


@dataclass(frozen=True, slots=True)
class VerifyOptions:
    """What one verification is asked to do.

    Attributes:
        types: names of record types; empty means all that are mirrored.
        sample: so many records of each type are compared whole; None means all.
        seed: draws the sample; None means by the clock.
        repair: read and store again whatever has drifted.
        allow_mass_delete: when repairing, tombstone even when a large share of a type vanished.
    """

    types: tuple[str, ...] = ()
    sample: int | None = USUAL_SAMPLE
    seed: int | None = None
    repair: bool = False
    allow_mass_delete: bool = False


@dataclass(frozen=True, slots=True)
class VerifyReport:
    """What one verification found.

    Attributes:
        seed: what the sample was drawn by; the same again draws the same.
        types: of every type that was compared to the end.
        drifted: every record of these types that was not as on the tracker, by type and id.
        not_loaded: types that are not mirrored yet: their first load has not ended.
        failed: what could not be compared or repaired; a type in here is not in `types`, unless only its repair failed.
        refused: types of which too large a share is surplus to delete it.
        asked: types were asked for by name.
    """

    source: str
    seed: int
    requests: int
    seconds: float
    types: tuple[Verification, ...] = ()
    drifted: tuple[Drifted, ...] = ()
    not_loaded: tuple[str, ...] = ()
    failed: tuple[SliceFailed, ...] = ()
    refused: tuple[MassDeleteError, ...] = ()
    asked: bool = False

    @property
    def exit_code(self) -> int:
        """The command's exit code: 6 when a repair was refused, 3 when anything is left to be wished for, else 0."""
        if self.refused:
            return MassDeleteError.exit_code
        is_lacking = self.asked and bool(self.not_loaded)
        is_left = any(not each.repaired for each in self.drifted)
        return RemoteError.exit_code if self.failed or is_lacking or is_left else 0


@dataclass(slots=True)
class _Found:
    """What is known so far.

    Attributes:
        listed: records by type, as the tracker listed them.
        looks: of types that were compared to the end.
    """

    listed: Counter[str] = field(default_factory=Counter)
    looks: dict[str, Look] = field(default_factory=dict)
    drifted: dict[str, list[Drifted]] = field(default_factory=dict)


def verify_source(
    source: Source,
    connector: Connector,
    store: Store,
    options: VerifyOptions,
    *,
    clock: Callable[[], datetime],
    emit: Callable[[Event], None],
) -> VerifyReport:
    """Compare what is stored of `source` with the tracker, and repair it if asked to. Only reads from the tracker.

    To repair, the caller holds the database's lease.

    Args:
        clock: our own time, UTC, aware.

    Raises:
        UsageError: nothing of the source is mirrored, or the settings do not fit it.
        StoreError: the database failed.
    """
    run = Run(source, connector, store, clock, emit, allow_mass_delete=options.allow_mass_delete)
    run.layouts = store.layouts(source.name)
    if not run.layouts:
        raise UsageError(f"{source.name} was never synced; run: mirror sync {source.name}")
    began, verified_at = time.monotonic(), clock()
    seed = int(verified_at.timestamp()) if options.seed is None else options.seed
    chosen, loaded = dict.fromkeys(choose(run.layouts, options.types)), store.loaded_types(source.name)
    names, found = [name for name in chosen if name in loaded], _Found()
    connector.transport.on_wait = lambda seconds, reason: emit(Waiting(source.name, seconds, reason))
    connector.learned.update(learned_before(store, source.name))
    emit(VerifyStarted(source.name))
    try:
        _compare(run, names, replace(options, seed=seed), found)
        if options.repair and found.drifted:
            _repair(run, found)
    except RemoteError as error:
        run.fail("", Phase.KEYS, error)
    types = tuple(_numbers(found, name, verified_at) for name in found.looks)
    store.save_verifications(source.name, types)
    requests, seconds = connector.transport.requests_made, time.monotonic() - began
    emit(SyncEnded(source.name, run.tally, requests, seconds, tuple(run.failed)))
    return VerifyReport(
        source.name,
        seed,
        requests,
        seconds,
        types=types,
        drifted=tuple(each for some in found.drifted.values() for each in some),
        not_loaded=tuple(name for name in chosen if name not in loaded),
        failed=tuple(run.failed),
        refused=tuple(run.refused),
        asked=bool(options.types),
    )


def _compare(run: Run, names: Sequence[str], options: VerifyOptions, found: _Found) -> None:
    """Compare all keys, then whole records: those that seem to have drifted, and a sample."""
    same_place(run)
    for name in names:
        run.emit(Expected(run.source.name, name, Phase.KEYS, run.store.count(run.layouts[name], KeyRange())))
    census = take_census(
        run,
        names,
        exact=True,
        phase=Phase.KEYS,
        tell=lambda name, count: run.emit(Compared(run.source.name, name, Phase.KEYS, count)),
    )
    for name in census.partial:
        run.fail(name, Phase.KEYS, "the tracker did not list all of its records")
    questions = {
        name: Question(
            census.differing.get(name, {}),
            census.absent.get(name, ()),
            draw(run, run.layouts[name], options.sample, options.seed or 0),
        )
        for name in names
        if not run.has_failed(name)
    }
    looks = look(run, questions)
    found.listed = census.listed
    found.looks = {name: each for name, each in looks.items() if not run.has_failed(name)}
    found.drifted = {
        name: [each.drifted[key] for key in sorted(each.drifted)] for name, each in found.looks.items() if each.drifted
    }


def _repair(run: Run, found: _Found) -> None:
    """Read and store again what has drifted, as a sync would, and look once more whether that was all."""
    surplus = {name: {each.id for each in some if each.drift is Drift.SURPLUS} for name, some in found.drifted.items()}
    wanted = {name: [each.id for each in some if each.id not in surplus[name]] for name, some in found.drifted.items()}
    for name, ids in wanted.items():
        if ids:
            run.emit(Expected(run.source.name, name, Phase.REPAIR, len(ids)))
    for name, gone in run.read(wanted, Phase.REPAIR, force=True).items():
        surplus[name].update(gone)
    if any(surplus.values()):
        follow_feed(run, whole=True)
    absent = {name: set(run.store.revisions(run.layouts[name], ids)) for name, ids in surplus.items()}
    settle_absent(run, {name: ids for name, ids in absent.items() if ids})
    mend_references(run)
    questions = {name: _asked_again(found.looks[name].question, some) for name, some in found.drifted.items()}
    left = look(run, questions)
    for name, some in found.drifted.items():
        failed = run.has_failed(name)
        found.drifted[name] = [replace(each, repaired=not failed and each.id not in left[name].drifted) for each in some]


def _asked_again(question: Question, drifted: Sequence[Drifted]) -> Question:
    """Return what of a question concerns these records."""
    ids = {each.id for each in drifted}
    differing = {key: there for key, there in question.differing.items() if key in ids}
    absent = ids.intersection(question.absent)
    return Question(differing, absent, sorted(ids - differing.keys() - absent))


def _numbers(found: _Found, name: str, verified_at: datetime) -> Verification:
    drifted: Sequence[Drifted] = found.drifted.get(name, ())
    counts: Mapping[Drift, int] = Counter(each.drift for each in drifted)
    return Verification(
        name,
        verified_at,
        found.listed[name],
        missing=counts.get(Drift.MISSING, 0),
        stale=counts.get(Drift.STALE, 0),
        surplus=counts.get(Drift.SURPLUS, 0),
        sampled=found.looks[name].sampled,
        differing=counts.get(Drift.DIFFERING, 0),
        repaired=bool(drifted) and all(each.repaired for each in drifted),
    )
