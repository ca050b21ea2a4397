"""What changed since the watermark: keys are listed, compared with what is stored, and only what differs is fetched."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from mirror.engine.run import Run
from mirror.model.event import Expected, Phase
from mirror.model.page import Key, KeyPage
from mirror.model.progress import Watermark
from mirror.model.schema import Tracking

SETTLED = timedelta(minutes=10)
"""A watermark may follow the tracker's clock only this closely without a record to show for it: the longest replica lag
that is survived."""


@dataclass(slots=True)
class _Listing:
    """What one type's listing of changes has shown so far."""

    asked_at: datetime
    newest: datetime | None = None
    position: int | None = None
    complete: bool = False
    differing: list[int] = field(default_factory=list)


def pull_changes(run: Run, names: Sequence[str]) -> dict[str, set[int]]:
    """Fetch what changed on types with a stamp and move their watermarks.

    Returns ids by type that were listed but could not be read any more.
    """
    marks = run.store.watermarks(run.source.name)
    types = [run.layouts[name].type for name in names if run.layouts[name].type.tracking is Tracking.STAMP]
    overlap = run.connector.capabilities.overlap
    since = {each.name: replace(marks[each.name], at=marks[each.name].at - overlap) for each in types}
    listings: dict[str, _Listing] = {}
    if types:
        for page in run.connector.changes(types, since):
            _compare(run, page, listings)
    wanted = {name: each.differing for name, each in listings.items() if each.differing}
    for name, ids in wanted.items():
        run.emit(Expected(run.source.name, name, Phase.CHANGES, len(ids)))
    missing = run.read(wanted, Phase.CHANGES)
    complete = {name: each for name, each in listings.items() if each.complete and not run.has_failed(name)}
    moved = {name: _advanced(marks[name], each) for name, each in complete.items()}
    run.store.set_watermarks(run.source.name, moved, now=run.clock())
    return missing


def _compare(run: Run, page: KeyPage, listings: dict[str, _Listing]) -> None:
    name = page.type_name
    if page.failure:
        run.fail(name, Phase.CHANGES, page.failure)
        return
    listing = listings.setdefault(name, _Listing(page.server_time))
    known = run.store.revisions(run.layouts[name], [each.id for each in page.keys])
    listing.differing.extend(each.id for each in page.keys if known.get(each.id) != each.revision)
    if run.load_began_at is not None:
        run.suspect_since_load(run.layouts[name], list(known))
    listing.newest = max(filter(None, [listing.newest, *map(_changed_at, page.keys)]), default=None)
    listing.position = max(filter(None, [listing.position, page.position]), default=None)
    listing.complete = page.complete


def _changed_at(key: Key) -> datetime | None:
    return datetime.fromisoformat(key.changed_at).astimezone(UTC) if key.changed_at else None


def _advanced(mark: Watermark, listing: _Listing) -> Watermark:
    """Return the new watermark: the newest stamp that is stored, never later than when the listing was asked for.

    A quiet type's mark still follows the tracker's clock at a distance, so that it does not list the same records for ever.
    """
    newest = max(filter(None, [mark.at, listing.newest, listing.asked_at - SETTLED]))
    position = max(filter(None, [mark.position, listing.position]), default=None)
    return Watermark(max(mark.at, min(newest, listing.asked_at)), position)
