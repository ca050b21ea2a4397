"""Looks closely at records that may have drifted: reads them whole and compares them with what is stored by then.

A listing of keys is older than the stored rows it is compared with, and a sync may run meanwhile. So what it shows is only
a suspicion; drift is what a record read afterwards bears out.
"""

from __future__ import annotations

import random
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from mirror.connectors.base import Deletion
from mirror.engine.changes import SETTLED
from mirror.engine.deletions import learn_fates
from mirror.engine.readers import Readers
from mirror.engine.run import Run
from mirror.errors import RemoteError
from mirror.model.event import Compared, Expected, Phase
from mirror.model.layout import HEAD, Layout
from mirror.model.page import PROVISIONAL, Fate, Key, KeyRange, Page, Row
from mirror.model.part import Part
from mirror.model.schema import Tracking
from mirror.model.verification import Difference, Drift, Drifted

_READ_AT_MOST = 500
"""So many suspected records of a type are read whole; of further ones the listing's word is taken."""

_FATES_AT_MOST = 100
"""Of so many surplus records of a type the tracker is asked what became of them."""


@dataclass(frozen=True, slots=True)
class Question:
    """What of one type is to be looked at.

    Attributes:
        differing: keys, by id, that were listed and are unknown here or stored in another revision.
        absent: ids that are stored and were not listed.
        sample: further ids to compare whole.
    """

    differing: Mapping[int, Key] = field(default_factory=dict)
    absent: Collection[int] = ()
    sample: Sequence[int] = ()


@dataclass(slots=True)
class Look:
    """What was seen of one type.

    Attributes:
        since: changes from here on are asked for by the next sync; None where it does not go by time.
        sampled: how many of the sample the tracker gave, to be compared whole.
    """

    layout: Layout
    question: Question
    since: datetime | None
    drifted: dict[int, Drifted] = field(default_factory=dict)
    sampled: int = 0

    def add(self, drifted: Drifted) -> None:
        """Take a drifted record in, and tell whether it is new."""
        is_new = None
        if self.since is not None and drifted.changed_at is not None and drifted.drift is not Drift.DIFFERING:
            is_new = datetime.fromisoformat(drifted.changed_at).astimezone(UTC) >= self.since
        self.drifted[drifted.id] = replace(drifted, is_new=is_new)


def draw(run: Run, layout: Layout, count: int | None, seed: int) -> list[int]:
    """Return `count` ids drawn from those that are stored, ascending; all of them for None.

    The same seed draws the same ids from the same rows.
    """
    known, size = run.store.count(layout, KeyRange()), run.connector.capabilities.page_size
    if count == 0 or known == 0:
        return []
    chance = random.Random(f"{seed} {layout.source} {layout.type.name}")
    places = range(known) if count is None else sorted(chance.sample(range(known), min(count, known)))
    wanted: dict[int, list[int]] = {}
    for place in places:
        wanted.setdefault(place // size, []).append(place % size)
    drawn: list[int] = []
    for number, keys in enumerate(run.store.boundaries(layout, size)):
        if number in wanted:
            stored = [key for key, _ in run.store.keys(layout, keys)]
            drawn += [stored[place] for place in wanted[number] if place < len(stored)]
    return drawn


def look(run: Run, questions: Mapping[str, Question]) -> dict[str, Look]:
    """Return, by type, which of the records in question are not as they are on the tracker."""
    marks, overlap = run.store.watermarks(run.source.name), run.connector.capabilities.overlap
    looks: dict[str, Look] = {}
    with Readers[tuple[str, tuple[int, ...]], Page](run.source.concurrency) as readers:
        for name, question in questions.items():
            layout = run.layouts[name]
            since = marks[name].at - overlap if layout.type.tracking is Tracking.STAMP and name in marks else None
            looks[name] = Look(layout, question, since)
            ids = _to_read(run, looks[name])
            if ids:
                run.emit(Expected(run.source.name, name, Phase.RECORDS, len(ids)))
            for chunk in _chunks(ids, run.connector.capabilities.ids_per_read):
                readers.submit((name, chunk), lambda layout=layout, chunk=chunk: _records(run, layout, chunk))  # type: ignore[misc]
        for outcome in readers:
            name, chunk = outcome.key
            if outcome.failure:
                run.fail(name, Phase.RECORDS, outcome.failure)
            elif outcome.value is not None:
                _compare(run, looks[name], chunk, outcome.value)
                run.emit(Compared(run.source.name, name, Phase.RECORDS, len(chunk)))
    _learn_fates(run, looks)
    return looks


def _to_read(run: Run, each: Look) -> list[int]:
    """Return the ids to read whole; what goes beyond the limit is taken to have drifted as the listing says."""
    question, layout, name = each.question, each.layout, each.layout.type.name
    stored = run.store.revisions(layout, [*question.differing, *question.absent])
    differing = [key for key, there in sorted(question.differing.items()) if stored.get(key) != there.revision]
    absent = sorted(key for key in question.absent if key in stored)
    labels = run.store.labels(layout, [*differing[_READ_AT_MOST:], *absent[_READ_AT_MOST:]])
    for key in differing[_READ_AT_MOST:]:
        kind = Drift.STALE if key in stored else Drift.MISSING
        each.add(Drifted(name, key, kind, labels.get(key), question.differing[key].changed_at))
    for key in absent[_READ_AT_MOST:]:
        each.add(Drifted(name, key, Drift.SURPLUS, labels.get(key)))
    suspected = {*differing, *absent}
    sample = [key for key in question.sample if key not in suspected]
    return sorted([*differing[:_READ_AT_MOST], *absent[:_READ_AT_MOST], *sample])


def _chunks(ids: list[int], size: int) -> Iterator[tuple[int, ...]]:
    return (tuple(ids[first : first + size]) for first in range(0, len(ids), size))


def _records(run: Run, layout: Layout, ids: tuple[int, ...]) -> Iterator[Page]:
    yield run.connector.records(layout, ids)


def _compare(run: Run, each: Look, ids: Iterable[int], page: Page) -> None:
    """Take one answer in: what was asked for, what came, and what is stored now."""
    found = run.store.compare(page, now=run.clock())
    rows = {row[1]: row for row in page.rows}
    gone = set(ids) - rows.keys() - found.bad.keys()
    stored = run.store.revisions(each.layout, [*gone, *found.bad])
    labels = run.store.labels(each.layout, list(stored))
    name = each.layout.type.name
    for key in found.unknown:
        each.add(Drifted(name, key, Drift.MISSING, _label(each.layout, rows[key]), rows[key][3]))
    for key, differences in found.differing.items():
        if not (_is_behind(differences, page.server_time) or _is_settled(differences)):
            is_stale = any(one.name == "_revision" for one in differences)
            kind = Drift.STALE if is_stale else Drift.DIFFERING
            label = _label(each.layout, rows[key])
            each.add(Drifted(name, key, kind, label, rows[key][3], differences=_ordered(each.layout, differences)))
    for key, reason in found.bad.items():
        kind = Drift.MISSING if key not in stored else Drift.STALE if key in each.question.differing else Drift.DIFFERING
        each.add(Drifted(name, key, kind, labels.get(key), note=reason))
    for key in gone & stored.keys():
        each.add(Drifted(name, key, Drift.SURPLUS, labels.get(key)))
    suspected = each.question.differing.keys() | set(each.question.absent)
    each.sampled += len(set(ids) - gone - suspected)


def _is_behind(differences: Sequence[Difference], server_time: datetime) -> bool:
    """Return whether the answer is older than what is stored, as that of a replica that lags is."""
    for each in differences:
        if each.name == "_changed_at" and isinstance(each.here, str) and isinstance(each.there, str):
            here = datetime.fromisoformat(each.here)
            return here > datetime.fromisoformat(each.there) and server_time - SETTLED <= here <= server_time + SETTLED
    return False


def _is_settled(differences: Sequence[Difference]) -> bool:
    """Return whether all that differs is that the tracker's token is final by now: the record did not change again."""
    first, *others = differences
    if others or first.name != "_revision":
        return False
    here, mark, _ = str(first.here).partition(PROVISIONAL)
    return bool(mark) and here == str(first.there).partition(PROVISIONAL)[0]


def _ordered(layout: Layout, differences: Sequence[Difference]) -> tuple[Difference, ...]:
    """Put last what every change changes: the stamp, and the mirror's own columns."""
    stamps = {each.name for each in layout.columns if each.field == layout.type.stamp_field}
    return tuple(sorted(differences, key=lambda each: (each.name.startswith("_"), each.name in stamps)))


def _label(layout: Layout, row: Row) -> str | None:
    key = layout.type.key_field
    places = [at for at, each in enumerate(layout.columns) if each.field == key and each.part is Part.VALUE]
    return row[places[0] + len(HEAD)] if places else None


def _learn_fates(run: Run, looks: Mapping[str, Look]) -> None:
    """Say of surplus records what became of them: by a look at each, and where that does not tell by the tracker's list."""
    unknown: list[tuple[Look, int]] = []
    for name, each in looks.items():
        ids = [key for key, one in each.drifted.items() if one.drift is Drift.SURPLUS]
        for key, fate in learn_fates(run, name, ids, at_most=_FATES_AT_MOST).items() if ids else ():
            each.add(replace(each.drifted[key], fate=fate))
            if fate is Fate.UNKNOWN:
                unknown.append((each, key))
    entries = _listed_deletions(run) if unknown else {}
    for each, key in unknown:
        entry = entries.get(key)
        if entry is not None and entry.type_name in ("", each.layout.type.name):
            each.add(replace(each.drifted[key], fate=entry.fate, changed_at=entry.deleted_at))


def _listed_deletions(run: Run) -> dict[int, Deletion]:
    if not run.connector.capabilities.deletion_feed:
        return {}
    try:
        return {each.id: each for each in run.connector.deletions(None)}
    except RemoteError:
        return {}  # the reason is only shown, and stays unknown
