"""Applies one page: rows, links, local edits on top, bad records, tombstones that end, and progress, in one transaction."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from mirror.errors import StoreError
from mirror.model.event import Tally
from mirror.model.page import Page
from mirror.model.progress import Slice
from mirror.store import local_rows, progress, quarantine, queue_rows, suspects, tombstones
from mirror.store.column_types import instant_text
from mirror.store.database import Database, is_data_error
from mirror.store.history import keeper
from mirror.store.journal_pages import Noting
from mirror.store.overlay import overlay
from mirror.store.records import ID, MAX_ID, Storing
from mirror.store.upsert import Writer


@dataclass(frozen=True, slots=True)
class Applied:
    """The outcome of storing one page.

    Attributes:
        older: ids of rows that were not stored because their change time is older than the stored one's, and that one not
            ahead of the tracker's clock. They and those where it is ahead are suspected now.
        renamed: ids of updated rows whose name, as other records show it, has changed.
    """

    tally: Tally
    older: tuple[int, ...] = ()
    renamed: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Applying:
    """How a page is to be applied.

    Attributes:
        now: our time, aware.
        progress: how far its slice has come with this page; None outside a first load.
        force: write whatever differs in any value, without a look at revision and change time.
    """

    now: datetime
    progress: Slice | None = None
    force: bool = False


def apply(database: Database, writer: Writer, page: Page, how: Applying) -> Applied:
    """Store `page`; if a value is refused, once more from the start, carefully."""
    try:
        return database.transact(lambda connection: _settle(_storing(connection, writer, page, how), page, how))
    except (StoreError, OverflowError, UnicodeError, TypeError) as error:
        if not is_data_error(error):
            raise
    return database.transact(lambda connection: _settle(_storing(connection, writer, page, how), page, how, is_careful=True))


def _storing(connection: Connection, writer: Writer, page: Page, how: Applying) -> Storing:
    """Return what stores the page, with its records locked.

    They are locked before they are looked at: what another program is writing is either seen whole, or written upon this.
    """
    queue_rows.hold(connection, [page.layout.source], alone=False)
    ids = {row[ID] for row in page.rows if isinstance(row[ID], int) and abs(row[ID]) <= MAX_ID}
    local_rows.lock_rows(connection, writer.target, ids)
    noting = Noting.of(connection, writer.target, now=how.now, loading=how.progress is not None)
    return Storing(connection, writer, how.now, how.force, noting, keeper(connection, writer.target, how.now))


def _settle(storing: Storing, page: Page, how: Applying, *, is_careful: bool = False) -> Applied:
    outcome = storing.page_carefully(page) if is_careful else storing.page(page)
    connection = storing.connection
    # With force, what was left alone is known to be what the tracker has as well.
    known = [*outcome.inserted, *outcome.updated, *(outcome.unchanged if how.force else ())]
    overlay(connection, storing.writer.target, known, now=how.now)
    place = (page.layout.source, page.layout.type.name)
    stored = [*outcome.inserted, *outcome.updated, *outcome.unchanged]
    tombstones.forget(connection, place, outcome.inserted)
    quarantine.clear(connection, place, stored)
    bad = [*page.bad, *outcome.bad]
    if bad:
        quarantine.put(connection, place, bad, now=how.now)
    if how.progress is not None:
        progress.save(connection, how.progress)
    if outcome.inserted or outcome.updated:
        progress.touch(connection, *place, how.now)
    tally = Tally(len(outcome.inserted), len(outcome.updated), len(outcome.unchanged), quarantined=len(bad))
    suspects.add(connection, place[0], suspects.RECORD, {place[1]: outcome.older})
    asked_at = instant_text(page.server_time)
    older = tuple(each for each, stored_at in outcome.older.items() if stored_at <= asked_at)
    return Applied(tally, older, tuple(outcome.renamed))
