"""Stores pages: what is new or changed is written, everything else is left alone.

First the whole page at once. When a value is refused, the page again with its texts made storable, and then in halves of
halves until a bad row stands alone, which is repaired or goes to quarantine. Good rows always go through.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, Select, Table, delete, literal, select

from mirror.model.page import BadRecord, LinkRow, Page, Row
from mirror.store.chunks import chunked
from mirror.store.database import is_data_error, words
from mirror.store.history import Keeper
from mirror.store.journal_pages import Noting
from mirror.store.repair import document, repaired, storable
from mirror.store.upsert import Writer

ID, REVISION, CHANGED_AT = 1, 2, 3  # positions in a row, see layout.HEAD
MAX_ID = 2**63 - 1

Links = Mapping[str, Sequence[LinkRow]]


@dataclass(slots=True)
class Outcome:
    """What happened to rows so far, by id.

    Attributes:
        older: those of the unchanged ones that came with another revision than the stored one and an older change time, with
            the stored time as text.
        renamed: those of the updated ones whose name, as others show it, has changed.
    """

    inserted: list[int] = field(default_factory=list)
    updated: list[int] = field(default_factory=list)
    unchanged: list[int] = field(default_factory=list)
    older: dict[int, str] = field(default_factory=dict)
    renamed: list[int] = field(default_factory=list)
    bad: list[BadRecord] = field(default_factory=list)

    def add(self, other: Outcome) -> None:
        """Take in the outcome of further rows."""
        self.inserted += other.inserted
        self.updated += other.updated
        self.unchanged += other.unchanged
        self.older |= other.older
        self.renamed += other.renamed
        self.bad += other.bad


class _Stored(NamedTuple):
    """What decides about a row: revision, change time as text, and the name others show."""

    revision: str | None
    changed_at: str | None
    name: object


@dataclass(frozen=True, slots=True)
class Storing:
    """Stores rows of one layout in the transaction of `connection`.

    Attributes:
        force: write whatever differs, without a look at revision and change time.
        noting: tells what happens to those who watch; None where nothing of it is kept.
        history: keeps what is replaced; None where that is not wanted.
    """

    connection: Connection
    writer: Writer
    now: datetime
    force: bool = False
    noting: Noting | None = None
    history: Keeper | None = None

    def page(self, page: Page) -> Outcome:
        """Store rows and links of `page` at once; an error for which is_data_error holds ends the transaction."""
        return self._rows(_distinct(page.rows), page.links)

    def page_carefully(self, page: Page) -> Outcome:
        """Store what can be stored of `page` and return the rest in `Outcome.bad`."""
        columns = self.writer.target.layout.columns
        outcome, kept = Outcome(), []
        for row in _distinct(page.rows):
            if isinstance(row[ID], int) and abs(row[ID]) <= MAX_ID:
                kept.append(row)
            else:
                outcome.bad.append(BadRecord(None, f"its id {row[ID]!r} does not fit 64 bits", document(row, columns)))
        if kept:
            # Links without their row, whatever left them behind, would keep the new ones out.
            ids = [row[ID] for row in kept]
            self._delete_links(set(ids) - self._known(ids).keys())
        rows, links = storable(kept, columns, page.links, nul_allowed=self.connection.dialect.name == "sqlite")
        outcome.add(self._halves(rows, links))
        return outcome

    def _halves(self, rows: list[Row], links: Links) -> Outcome:
        try:
            with self.connection.begin_nested():
                return self._rows(rows, links)
        except Exception as error:
            if not is_data_error(error):
                raise
        if len(rows) == 1:
            return self._repaired(rows[0], links)
        outcome, middle = Outcome(), len(rows) // 2
        for part in (rows[:middle], rows[middle:]):
            outcome.add(self._halves(part, links))
        return outcome

    def _repaired(self, row: Row, links: Links) -> Outcome:
        layout = self.writer.target.layout
        try:
            with self.connection.begin_nested():
                own = _links_of(links, {row[ID]})
                return self._rows(*repaired(row, layout.columns, own, self.connection.dialect.name))
        except Exception as error:
            if not is_data_error(error):
                raise
            reason = f"the database refused it: {words(error)}"
            return Outcome(bad=[BadRecord(row[ID], reason, document(row, layout.columns))])

    def _rows(self, rows: list[Row], links: Links) -> Outcome:
        if not rows:
            return Outcome()
        ids = [row[ID] for row in rows]
        if set(map(type, ids)) != {int}:
            raise OverflowError("an id is not a number")
        known = self._known(ids)
        if not known:
            with self._noted(ids, ()), self._keeping(rows, ()):
                self.writer.insert(self.connection, rows, now=self.now)
                self._insert_links(links, set(ids))
            return Outcome(inserted=ids)
        changed = self._differing(rows, links, known) if self.force else _newer(rows, known)
        outcome, wanted = _sort(rows, known, changed, self.writer.target.name_position)
        if not self.force:
            older = (row[ID] for row in rows if row[ID] not in changed and _differs(row, known))
            outcome.older = {each: known[each].changed_at or "" for each in older}
        if wanted:
            with self._noted(outcome.inserted, outcome.updated), self._keeping(wanted, outcome.updated):
                self.writer.upsert(self.connection, wanted, now=self.now, force=self.force)
                self._replace_links(links, set(outcome.updated))
                self._insert_links(links, set(outcome.inserted))
        return outcome

    def _noted(self, inserted: Collection[int], updated: Collection[int]) -> AbstractContextManager[None]:
        return nullcontext() if self.noting is None else self.noting.around(inserted, updated)

    def _keeping(self, rows: Iterable[Row], stored: Collection[int]) -> AbstractContextManager[None]:
        """Keep what these rows, which are written inside the block, replace, where that is wanted.

        Args:
            stored: ids of those of them that are in the table.
        """
        if self.history is None:
            return nullcontext()
        return self.history.replacing({row[ID]: row[CHANGED_AT] for row in rows}, stored)

    def _known(self, ids: Sequence[int]) -> dict[int, _Stored]:
        """Return what is stored of `ids`: by their range where they lie close together, else one by one."""
        target = self.writer.target
        table = target.table
        name: ColumnElement[Any] = literal(None) if target.name_column is None else table.c[target.name_column]
        query = select(table.c.id, table.c._revision, table.c._changed_at, name).where(
            table.c.source == target.layout.source
        )
        enough = 2 * len(ids) + 16
        found = self.connection.execute(query.where(table.c.id.between(min(ids), max(ids))).limit(enough)).all()
        if len(found) == enough:
            found = [row for chunk in chunked(ids) for row in self.connection.execute(query.where(table.c.id.in_(chunk)))]
        return {row[0]: _Stored(*row[1:]) for row in found}

    def _differing(self, rows: list[Row], links: Links, known: Mapping[int, _Stored]) -> set[int]:
        """Return the ids of stored rows whose values or links are not the same as in `rows`."""
        self.writer.stage(self.connection, rows)
        ids = {row[ID] for row in rows} & known.keys()
        differing = self.writer.differing(self.connection)
        for name in self.writer.target.links:
            differing |= self._with_other_links(name, links.get(name, ()), ids)
        return differing

    def _with_other_links(self, name: str, given: Iterable[LinkRow], owners: set[int]) -> set[int]:
        """Return those of `owners` that do not have exactly the links in `given`, which may be of others as well."""
        table = self.writer.target.links[name]
        there = _by_owner(row for chunk in chunked(owners) for row in self.connection.execute(self._links_of(table, chunk)))
        wanted = _by_owner(given)
        return {each for each in owners if there.get(each) != wanted.get(each)}

    def _links_of(self, table: Table, owners: list[int]) -> Select[Any]:
        columns = list(table.columns)[1:]
        return select(*columns).where(table.c.source == self.writer.target.layout.source, table.c.id.in_(owners))

    def _replace_links(self, links: Links, owners: set[int]) -> None:
        """Have `owners` the links in `links` and no others. Mostly they have them, and reading is quicker than writing."""
        for name, table in self.writer.target.links.items():
            given = links.get(name, ())
            others = self._with_other_links(name, given, owners)
            self._delete_from(table, others)
            self._insert_links({name: given}, others)

    def _delete_links(self, owners: Collection[int]) -> None:
        for table in self.writer.target.links.values():
            self._delete_from(table, owners)

    def _delete_from(self, table: Table, owners: Collection[int]) -> None:
        for chunk in chunked(owners):
            this = (table.c.source == self.writer.target.layout.source, table.c.id.in_(chunk))
            self.connection.execute(delete(table).where(*this))

    def _insert_links(self, links: Links, owners: set[int]) -> None:
        for name, rows in _links_of(links, owners).items():
            if rows:
                self.writer.insert_links(self.connection, name, rows)


def _newer(rows: Iterable[Row], known: Mapping[int, _Stored]) -> set[int]:
    """Return the ids of rows with another revision than the stored one and no older change time."""
    newer = set()
    for row in rows:
        if _differs(row, known):
            before, now = known[row[ID]].changed_at, row[CHANGED_AT]
            if before is None or now is None or now >= before:
                newer.add(row[ID])
    return newer


def _differs(row: Row, known: Mapping[int, _Stored]) -> bool:
    return row[ID] in known and known[row[ID]].revision != row[REVISION]


def _sort(
    rows: Iterable[Row], known: Mapping[int, _Stored], changed: set[int], name_position: int | None
) -> tuple[Outcome, list[Row]]:
    """Return what becomes of each row, and the rows to be written."""
    outcome, wanted = Outcome(), []
    for row in rows:
        if row[ID] not in known:
            outcome.inserted.append(row[ID])
        elif row[ID] in changed:
            outcome.updated.append(row[ID])
            if name_position is not None and known[row[ID]].name != row[name_position]:
                outcome.renamed.append(row[ID])
        else:
            outcome.unchanged.append(row[ID])
            continue
        wanted.append(row)
    return outcome, wanted


def _distinct(rows: Sequence[Row]) -> list[Row]:
    """Return `rows` with one row for an id: the one changed last, of equals the later one."""
    newest: dict[int, Row] = {row[ID]: row for row in rows}
    if len(newest) == len(rows):
        return rows if isinstance(rows, list) else list(rows)
    for row in rows:
        if (row[CHANGED_AT] or "") > (newest[row[ID]][CHANGED_AT] or ""):
            newest[row[ID]] = row
    return list(newest.values())


def _by_owner(rows: Iterable[Sequence[Any]]) -> dict[int, set[tuple[Any, ...]]]:
    found: dict[int, set[tuple[Any, ...]]] = {}
    for each in rows:
        found.setdefault(each[0], set()).add(tuple(each))
    return found


def _links_of(links: Links, owners: Collection[int]) -> dict[str, list[LinkRow]]:
    return {name: [row for row in rows if row[0] in owners] for name, rows in links.items()}
