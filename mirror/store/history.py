"""Keeps what is replaced: before a record is written or goes, the version that the tracker had is copied to its history.

Everything happens in the transaction that writes, so that no crash tears the two apart. A version ends when the tracker says
that the next one began, else when that was stored; what a user changed here, and is not pushed yet, is never part of one.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    Connection,
    FromClause,
    MetaData,
    Select,
    Table,
    Text,
    and_,
    cast,
    column,
    delete,
    func,
    insert,
    select,
    table,
    type_coerce,
    update,
)
from sqlalchemy.schema import CreateTable

from mirror.store import queue_rows
from mirror.store.chunks import chunked
from mirror.store.column_types import JsonText, StampText, instant_text
from mirror.store.history_tables import (
    SPAN,
    HistoryTables,
    began,
    began_text,
    history_tables,
    instant_or_none,
    is_kept,
    own_columns,
    whole_columns,
)
from mirror.store.history_versions import Version, tracker_versions, version_links, version_rows
from mirror.store.record_tables import RecordTable
from mirror.store.tables import absence

Spans = dict[int, tuple[str, str]]
"""Id -> from when and until when a version held, as texts."""

_UNSPOKEN = frozenset(("source", "id", "_revision", "_synced_at", *SPAN))  # columns in which equal versions may differ
_SPANS = Table(
    "staging_spans",
    MetaData(),
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("valid_from", StampText()),
    Column("valid_to", StampText()),
    prefixes=["TEMPORARY"],
)


def keeper(connection: Connection, target: RecordTable, now: datetime) -> Keeper | None:
    """Return what keeps the history of a type in this transaction; None when it is not kept."""
    if not is_kept(connection, target.layout):
        return None
    tables = history_tables(target.layout, whole_columns(connection, target.layout))
    return Keeper(connection, target, instant_text(now), tables)


@dataclass(frozen=True, slots=True)
class Keeper:
    """Keeps the history of one type in one transaction.

    Attributes:
        now: our time, as text.
    """

    connection: Connection
    target: RecordTable
    now: str
    tables: HistoryTables

    @contextmanager
    def replacing(self, stamps: Mapping[int, str | None], stored: Collection[int]) -> Iterator[None]:
        """Keep what rows that are written inside the block replace, and when records that were away came back.

        Args:
            stamps: id -> the change time of the row.
            stored: those of them that are in the record table.
        """
        spans = self.set_aside(stamps, stored)
        self._welcome({each: stamps[each] for each in stamps.keys() - set(stored) - spans.keys()})
        yield
        self._drop_same(spans)

    def set_aside(self, stamps: Mapping[int, str | None], stored: Collection[int]) -> Spans:
        """Copy the versions of these records, as far as there are any, to the history, with their links.

        Args:
            stamps: id -> the change time of what replaces it, as the tracker says.
            stored: those of them that are in the record table; what was deleted here, and not there yet, is found as well.
        """
        layout = self.target.layout
        waits = queue_rows.waiting(self.connection, (layout.source, layout.type.name), stamps.keys())
        spans = self.set_aside_shown({each: stamps[each] for each in set(stored) - waits})
        versions = tracker_versions(self.connection, self.target, waits)
        found = self._spans({key: began_text(each.row) for key, each in versions.items()}, stamps)
        self._store(versions, found)
        return spans | found

    def set_aside_shown(self, stamps: Mapping[int, str | None]) -> Spans:
        """Copy the stored rows of these records, which are as the tracker has them, to the history, with their links.

        Args:
            stamps: as above, or when it was deleted.
        """
        spans: Spans = {}
        for chunk in chunked(stamps):
            found = self._spans(self._begun(chunk), stamps)
            self._copy(found)
            spans |= found
        return spans

    def end_sooner(self, deleted_at: Mapping[int, str]) -> None:
        """Have the last versions of records that are gone end when they were deleted, now that this is known.

        Args:
            deleted_at: id -> when; one that is no earlier than the end, or before the version began, changes nothing.
        """
        ended = self.tables.table.c._valid_to
        for chunk in chunked(deleted_at):
            for key, end in self._last(self.tables.table, ended, chunk).items():
                at = instant_or_none(deleted_at[key])
                for each in (self.tables.table, *self.tables.links.values()) if at is not None and at < end else ():
                    this = (each.c.source == self.target.layout.source, each.c.id == key, each.c._valid_to == end)
                    self.connection.execute(update(each).where(*this, each.c._valid_from < at).values(_valid_to=at))

    def _welcome(self, stamps: Mapping[int, str | None]) -> None:
        """Note when records that were away came back, where their rows will not tell.

        Args:
            stamps: id -> change time of rows that are about to be stored anew.
        """
        place = {"source": self.target.layout.source, "type": self.target.layout.type.name}
        for chunk in chunked(stamps):
            gone = self._last(self.tables.table, self.tables.table.c._valid_to, chunk)
            back = {key: at for key, at in gone.items() if min(stamps[key] or self.now, self.now) <= at}
            rows = [
                {**place, "id": key, "gone_at": _instant(at), "back_at": _instant(_end(at, None, self.now))}
                for key, at in back.items()
            ]
            if rows:
                self.connection.execute(insert(absence), rows)

    def _drop_same(self, spans: Spans) -> None:
        """Take those versions out of the history again that are the same as what has replaced them."""
        if not spans:
            return
        self._stage(spans)
        same = {*self.connection.scalars(self._same())}
        for field, link in self.target.links.items():
            same -= self._with_other_links(link, self.tables.links[field], same)
        for each in (self.tables.table, *self.tables.links.values()) if same else ():
            begun = and_(_SPANS.c.id == each.c.id, _SPANS.c.valid_from == each.c._valid_from)
            staged = select(_SPANS.c.id).where(begun).correlate(each).exists()
            for chunk in chunked(same):
                this = (each.c.source == self.target.layout.source, each.c.id.in_(chunk), staged)
                self.connection.execute(delete(each).where(*this))

    # when

    def _begun(self, ids: list[int]) -> dict[int, str]:
        """Return id -> when the stored version began, as far as its row tells, of those that the tracker has."""
        rows = self.target.table
        this = (rows.c.source == self.target.layout.source, rows.c.id.in_(ids), rows.c._revision.is_not(None))
        return {row[0]: row[1] for row in self.connection.execute(select(rows.c.id, began(rows)).where(*this))}

    def _spans(self, begun: Mapping[int, str], stamps: Mapping[int, str | None]) -> Spans:
        """Return from when and until when the versions held that are stored now.

        Args:
            begun: id -> when it began, as far as its row tells.
        """
        spans: Spans = {}
        of_type = absence.c.type == self.target.layout.type.name
        for chunk in chunked(begun):
            before = self._last(self.tables.table, self.tables.table.c._valid_to, chunk)
            away = self._last(absence, type_coerce(absence.c.back_at, StampText()), chunk, of_type)
            for key in chunk:
                start = max(begun[key], before.get(key, ""), away.get(key, ""))
                spans[key] = start, _end(start, stamps[key], self.now)
        return spans

    def _last(self, rows: Table, instant: ColumnElement[Any], ids: list[int], *more: ColumnElement[bool]) -> dict[int, str]:
        this = (rows.c.source == self.target.layout.source, rows.c.id.in_(ids), *more)
        found = self.connection.execute(select(rows.c.id, func.max(instant)).where(*this).group_by(rows.c.id))
        return {row[0]: row[1] for row in found}

    # copying

    def _stage(self, spans: Spans) -> None:
        self.connection.execute(CreateTable(_SPANS, if_not_exists=True))
        self.connection.execute(delete(_SPANS))
        rows = [{"id": key, "valid_from": start, "valid_to": end} for key, (start, end) in spans.items()]
        self.connection.execute(insert(_SPANS), rows)

    def _copy(self, spans: Spans) -> None:
        """Copy rows and links as they are stored."""
        if not spans:
            return
        self._stage(spans)
        self._copy_from(self._whole(), self.tables.table)
        for field, each in self.tables.links.items():
            self._copy_from(self.target.links[field], each)

    def _copy_from(self, rows: FromClause, kept: Table) -> None:
        names = own_columns(kept)
        found = select(*(rows.c[name] for name in names), _SPANS.c.valid_from, _SPANS.c.valid_to)
        found = found.select_from(_SPANS.join(rows, rows.c.id == _SPANS.c.id))
        found = found.where(rows.c.source == self.target.layout.source)
        self.connection.execute(insert(kept).from_select([*names, *SPAN], found))

    def _whole(self) -> FromClause:
        """Return the record table with all the columns that its history has."""
        kept = self.tables.table
        return table(self.target.table.name, *(column(name, kept.c[name].type) for name in own_columns(kept)))

    def _store(self, versions: Mapping[int, Version], spans: Spans) -> None:
        """Store versions that no table has as they are."""
        if not spans:
            return
        layout = self.target.layout
        rows = version_rows(self.connection, layout, self.tables.table, versions)
        self.connection.execute(insert(self.tables.table), [each | _spoken(spans[each["id"]]) for each in rows])
        for field, kept in self.tables.links.items():
            links = [each | _spoken(spans[each["id"]]) for each in version_links(layout, field, kept, versions)]
            if links:
                self.connection.execute(insert(kept), links)

    # comparing

    def _same(self) -> Select[tuple[int]]:
        """Return the query for ids whose staged version has the same values as the stored row, and no other beginning."""
        rows, kept, source = self._whole(), self.tables.table, self.target.layout.source
        then = and_(kept.c.source == source, kept.c.id == _SPANS.c.id, kept.c._valid_from == _SPANS.c.valid_from)
        now = and_(rows.c.source == source, rows.c.id == _SPANS.c.id)
        spoken = [name for name in own_columns(kept) if name not in _UNSPOKEN]
        alike = [_text(rows.c[name]).is_not_distinct_from(_text(kept.c[name])) for name in spoken]
        joined = _SPANS.join(kept, then).join(rows, now)
        return select(_SPANS.c.id).select_from(joined).where(began(rows) <= kept.c._valid_from, *alike)

    def _with_other_links(self, link: Table, kept: Table, ids: Collection[int]) -> set[int]:
        """Return those of these records whose links are not those of the version that is staged."""
        there: dict[int, set[Any]] = {}
        before: dict[int, set[Any]] = {}
        for chunk in chunked(ids):
            this = (link.c.source == self.target.layout.source, link.c.id.in_(chunk))
            _collect(there, self.connection.execute(select(*list(link.columns)[1:]).where(*this)))
            begun = and_(kept.c.id == _SPANS.c.id, kept.c._valid_from == _SPANS.c.valid_from)
            staged = select(*(kept.c[name] for name in own_columns(kept)[1:])).select_from(kept.join(_SPANS, begun))
            of_source = (kept.c.source == self.target.layout.source, kept.c.id.in_(chunk))
            _collect(before, self.connection.execute(staged.where(*of_source)))
        return {each for each in ids if there.get(each) != before.get(each)}


def _text(value: ColumnElement[Any]) -> ColumnElement[Any]:
    """Return a column as it can be compared: Postgres has no equality for json."""
    return cast(value, Text) if isinstance(value.type, JsonText) else value


def _spoken(span: tuple[str, str]) -> dict[str, Any]:
    return dict(zip(SPAN, span, strict=True))


def _collect(found: dict[int, set[Any]], rows: Iterable[Any]) -> None:
    for each in rows:
        found.setdefault(each[0], set()).add(tuple(each))


def _end(start: str, stamp: str | None, now: str) -> str:
    """Return when a version that began at `start` ended.

    Args:
        stamp: of what came after it; it is not believed when it is yet to come, or no later than the start.
    """
    later = [each for each in (instant_or_none(stamp), now) if each is not None and start < each <= now]
    return later[0] if later else instant_text(_instant(start) + timedelta(milliseconds=1))


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text)
