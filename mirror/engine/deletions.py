"""Records that vanished: confirmed, told apart by reason, guarded against faults, and put among the tombstones."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from datetime import UTC, datetime

from mirror.connectors.base import Deletion
from mirror.engine.readers import Readers
from mirror.engine.run import Run
from mirror.errors import MassDeleteError, MirrorError
from mirror.model.event import Phase, Tally
from mirror.model.page import Fate, KeyRange

MASS_COUNT = 5
MASS_SHARE = 0.2
"""More than so many records, and more than this share of the type, never vanish on a listing's word alone."""

_READ_AT_MOST = 500
"""Of so many vanished records of a type each is read for its reason; beyond that the reason stays unknown."""

_SEEN = "deletions_seen_until"


def follow_feed(run: Run, *, whole: bool = False) -> None:
    """Tombstone what the tracker itself lists as deleted, after a look whether it is really gone.

    Args:
        whole: look at all that it still lists, not only at what is new since the last run.
    """
    if not run.connector.capabilities.deletion_feed:
        return
    seen = None if whole else run.store.notes(run.source.name).get(_SEEN)
    since = datetime.fromisoformat(seen) - run.connector.capabilities.overlap if seen else None
    try:
        listed = list(run.connector.deletions(since))
    except MirrorError as error:
        run.fail("", Phase.DELETIONS, error)
        return
    by_type = _located(run, listed)
    missing = run.read({name: list(entries) for name, entries in by_type.items()}, Phase.DELETIONS)
    for name, ids in missing.items():
        entries = by_type[name]
        for fate in {entries[each].fate for each in ids}:
            _bury(run, name, {each for each in ids if entries[each].fate is fate}, fate, entries)
    _name_reasons(run, listed)
    newest = max((each.deleted_at for each in listed if each.deleted_at), default=None)
    if newest and not run.failed:
        run.store.note(run.source.name, _SEEN, datetime.fromisoformat(newest).astimezone(UTC).isoformat())


def _name_reasons(run: Run, listed: list[Deletion]) -> None:
    """Give tombstones whose reason was not known when they were put up the one that is listed now."""
    by_id = {each.id: each for each in listed}
    for name in run.layouts if listed else ():
        unknown = (key for key, _ in run.store.tombstones(run.source.name, name, Fate.UNKNOWN))
        entries = {key: by_id[key] for key in unknown if key in by_id and by_id[key].type_name in ("", name)}
        for fate in {each.fate for each in entries.values()}:
            ids = {key for key, each in entries.items() if each.fate is fate}
            deleted_at, into = _told(ids, entries)
            run.store.set_reason(run.layouts[name], ids, fate, now=run.clock(), deleted_at=deleted_at, into=into)


def _located(run: Run, listed: list[Deletion]) -> dict[str, dict[int, Deletion]]:
    """Return the entries whose records are stored here, by type; an entry may leave its type open."""
    by_id = {each.id: each for each in listed}
    found: dict[str, dict[int, Deletion]] = {}
    for name, layout in run.layouts.items():
        ids = [each.id for each in by_id.values() if each.type_name in ("", name)]
        stored = run.store.revisions(layout, ids) if ids else {}
        if stored:
            found[name] = {each: by_id[each] for each in stored}
    return found


def settle_absent(run: Run, absent: Mapping[str, set[int]]) -> None:
    """Learn what became of records that a complete listing did not show, and tombstone those that are not there.

    A type of which too large a share would go is left as it is, unless mass deletes are allowed.
    """
    for name, ids in absent.items():
        if run.has_failed(name):
            continue
        known = run.store.count(run.layouts[name], KeyRange())
        transient = run.layouts[name].type.transient
        if _is_mass(len(ids), known) and not (transient or run.allow_mass_delete):
            run.refused.append(MassDeleteError(name, len(ids), known))
            continue
        missing = run.read({name: sorted(ids)}, Phase.DELETIONS).get(name, set())
        fates = learn_fates(run, name, missing, at_most=_READ_AT_MOST)
        if run.has_failed(name):
            continue
        for fate in set(fates.values()):
            buried = {each for each, its in fates.items() if its is fate}
            # Readable, yet neither listed nor found by a query in our scope: it was moved out of it.
            _bury(run, name, buried, Fate.OUT_OF_SCOPE if fate is Fate.PRESENT else fate, {})


def _is_mass(vanished: int, known: int) -> bool:
    if vanished == known and known > 2:
        return True
    return vanished > MASS_COUNT and vanished > known * MASS_SHARE


def learn_fates(run: Run, name: str, ids: Collection[int], *, at_most: int) -> dict[int, Fate]:
    """Ask for each of these records, but not for more than `at_most`, what became of it; of the others it stays unknown."""
    fates = dict.fromkeys(ids, Fate.UNKNOWN)
    with Readers[int, Fate](run.source.concurrency) as readers:
        for each in sorted(ids)[:at_most]:
            readers.submit(each, lambda each=each: _fate(run, name, each))  # type: ignore[misc]
        for outcome in readers:
            if outcome.failure:
                run.fail(name, Phase.DELETIONS, outcome.failure)
            elif outcome.value is not None:
                fates[outcome.key] = outcome.value
    return fates


def _fate(run: Run, name: str, record_id: int) -> Iterator[Fate]:
    yield run.connector.fate(run.layouts[name].type, record_id)


def _bury(run: Run, name: str, ids: set[int], fate: Fate, entries: Mapping[int, Deletion]) -> None:
    deleted_at, into = _told(ids, entries)
    run.suspect_neighbours(run.layouts[name], sorted(ids))
    count = run.store.tombstone(run.layouts[name], sorted(ids), fate=fate, now=run.clock(), deleted_at=deleted_at, into=into)
    run.count(name, Phase.DELETIONS, 0, Tally(tombstoned=count))


def _told(ids: set[int], entries: Mapping[int, Deletion]) -> tuple[dict[int, str], dict[int, int]]:
    """Return when these were deleted, and what they were merged into, as far as the entries tell."""
    deleted_at = {each: at for each in ids if each in entries and (at := entries[each].deleted_at)}
    into = {each: other for each in ids if each in entries and (other := entries[each].into) is not None}
    return deleted_at, into
