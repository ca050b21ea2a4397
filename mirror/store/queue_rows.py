"""Rows of the queue and of the audit trail, as changes and log entries and back; and the lock that its writers share.

Nothing is decided in here.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, Row, Select, bindparam, delete, func, insert, select, text, update

from mirror.errors import UsageError
from mirror.model.cells import canonical
from mirror.model.change import Action, Change, End, LogEntry, State, Via
from mirror.model.schema import Kind
from mirror.store.chunks import chunked
from mirror.store.database import BUSY_SECONDS
from mirror.store.dialects import insert_new
from mirror.store.tables import change as changes
from mirror.store.tables import log, note

_LONGEST = 1000  # digits of a whole number that is read as one; Python itself takes up to 4300
_QUEUE_LOCK = 5_570_203  # any constant; together with schema and source it is the key of our Postgres advisory lock
_PAGE_SECONDS = 60.0  # how long a page waits for another program; nobody edits meanwhile, but a sync has begun
TEMPORARY_ID = "queue.temporary_id"  # notes of a source: the last number given out
ATTEMPT = "queue.attempt"


def hold(connection: Connection, sources: Iterable[str], *, alone: bool = True) -> None:
    """Keep other writers of the queues of `sources` waiting until the transaction ends.

    On SQLite the transaction itself does that. On Postgres the rest of the transaction does not wait for ever for a row that
    another program has written and not committed: everybody else would wait with it.

    Args:
        alone: False for whoever stores pages: several of them may, but nobody edits meanwhile.
    """
    if connection.dialect.name == "sqlite":
        return
    function = "pg_advisory_xact_lock" if alone else "pg_advisory_xact_lock_shared"
    statement = text(f"SELECT {function}(:number, hashtext(current_schema() || '/' || :source))")
    for source in sorted(set(sources)):
        connection.execute(statement, {"number": _QUEUE_LOCK, "source": source})
    seconds = BUSY_SECONDS if alone else _PAGE_SECONDS
    connection.execute(text(f"SET LOCAL lock_timeout = '{int(seconds * 1000)}ms'"))


def next_number(connection: Connection, source: str, key: str, *, count: int = 1) -> int:
    """Return a number of that kind which was never given out before, from 1; or the first of so many that follow it."""
    connection.execute(insert_new(connection, note).values(source=source, key=key, value="0"))
    this = (note.c.source == source, note.c.key == key)
    number = int(connection.execute(select(note.c.value).where(*this).with_for_update()).scalar_one()) + 1
    connection.execute(update(note).where(*this).values(value=str(number + count - 1)))
    return number


def read(connection: Connection, query: Select[Any]) -> list[Change]:
    """Return the changes that `query`, a selection of whole rows, finds, as they were made."""
    return [_change(row) for row in connection.execute(query.order_by(changes.c.id))]


def of_source(source: str) -> Select[Any]:
    """Return the query for the open changes of a source."""
    return select(changes).where(changes.c.source == source)


def of_type(source: str, type_name: str) -> Select[Any]:
    """Return the query for the open changes of a record type."""
    return of_source(source).where(changes.c.type == type_name)


def of_record(connection: Connection, record: tuple[str, str, int]) -> list[Change]:
    """Return the open changes of a record (source, type, id); locked, so that what they say stays true."""
    return read(connection, of_type(*record[:2]).where(changes.c.record_id == record[2]).with_for_update())


def of_records(connection: Connection, place: tuple[str, str], ids: Collection[int]) -> dict[int, list[Change]]:
    """Return id -> open changes, of those of these records of a type that have any; locked like `of_record`.

    Args:
        place: source and type name.
    """
    found: dict[int, list[Change]] = {}
    query = of_type(*place).with_for_update()
    for chunk in chunked(sorted(ids)):
        for each in read(connection, query.where(changes.c.record_id.in_(chunk))):
            found.setdefault(each.record_id, []).append(each)
    return found


def waiting(connection: Connection, place: tuple[str, str], ids: Collection[int]) -> set[int]:
    """Return those of these records of a type that have open changes; quick where none has."""
    if not ids:
        return set()
    here = (changes.c.source == place[0], changes.c.type == place[1])
    query = select(changes.c.record_id).where(*here).distinct()
    enough = 2 * len(ids) + 16
    found = set(connection.scalars(query.where(changes.c.record_id.between(min(ids), max(ids))).limit(enough)))
    if len(found) == enough:
        parts = (connection.scalars(query.where(changes.c.record_id.in_(chunk))) for chunk in chunked(ids))
        found = {each for part in parts for each in part}
    return found.intersection(ids)


def by_ids(connection: Connection, ids: Collection[int]) -> list[Change]:
    """Return those of these changes that are open."""
    query = select(changes)
    return [each for chunk in chunked(sorted(ids)) for each in read(connection, query.where(changes.c.id.in_(chunk)))]


def sources(connection: Connection, ids: Collection[int]) -> set[str]:
    """Return the sources that these changes are of."""
    query = select(changes.c.source).distinct()
    return {each for chunk in chunked(sorted(ids)) for each in connection.scalars(query.where(changes.c.id.in_(chunk)))}


def wanted(connection: Connection, ids: Collection[int]) -> list[Change]:
    """Return these changes, with the queues that they are in held.

    Raises:
        UsageError: one of them is not open any more.
    """
    hold(connection, sources(connection, ids))
    found = by_ids(connection, ids)
    gone = sorted(set(ids) - {each.id for each in found})
    if gone:
        raise UsageError(f"change {gone[0]} does not wait any more; see: mirror changes, mirror log")
    return found


def put(connection: Connection, change: Change) -> int:
    """Store a change; a new id is given to it and returned."""
    return int(connection.execute(insert(changes).returning(changes.c.id), _values(change)).scalar_one())


def put_all(connection: Connection, new: Collection[Change]) -> None:
    """Store changes; their ids follow their order."""
    if new:
        connection.execute(insert(changes), [_row(each) for each in new])


def set_(connection: Connection, *stored: Change) -> None:
    """Store changes that are stored already as they are now."""
    if stored:
        this = update(changes).where(changes.c.id == bindparam("this"))
        connection.execute(this, [{"this": each.id, **_row(each)} for each in stored])


def drop(connection: Connection, ids: Collection[int]) -> None:
    """Take changes out of the queue."""
    for chunk in chunked(ids):
        connection.execute(delete(changes).where(changes.c.id.in_(chunk)))


def names_digest(connection: Connection, digest: str) -> bool:
    """Return whether an open ATTACH names that content."""
    attached = select(changes).where(changes.c.action == Action.ATTACH.value)
    return any((each.value or {}).get("digest") == digest for each in read(connection, attached))


def entries(connection: Connection, query: Select[Any]) -> list[LogEntry]:
    """Return the entries of the audit trail that `query`, a selection of whole rows, finds, newest first."""
    return [_entry(row) for row in connection.execute(query.order_by(log.c.id.desc()))]


def write_log(connection: Connection, new: Collection[LogEntry]) -> None:
    """Add to the audit trail; of records that were created here with the temporary id they had."""
    if not new:
        return
    had = _temporary_ids(connection, [each for each in new if each.temporary_id is None and each.change.record_id >= 0])
    connection.execute(insert(log), [_line(each, had.get(_record(each.change))) for each in new])


def _record(change: Change) -> tuple[str, str, int]:
    return change.source, change.type_name, change.record_id


def _temporary_ids(connection: Connection, new: Collection[LogEntry]) -> dict[tuple[str, str, int], int]:
    """Return record -> the temporary id that it had, as the log knows it, of those that had one."""
    ids: dict[tuple[str, str], set[int]] = {}
    for each in new:
        ids.setdefault(_record(each.change)[:2], set()).add(each.change.record_id)
    found: dict[tuple[str, str, int], int] = {}
    columns = (log.c.record_id, func.min(log.c.temporary_id))
    for place, some in ids.items():
        here = (log.c.source == place[0], log.c.type == place[1], log.c.temporary_id.is_not(None))
        for chunk in chunked(some):
            query = select(*columns).where(*here, log.c.record_id.in_(chunk)).group_by(log.c.record_id)
            found |= {(*place, row[0]): int(row[1]) for row in connection.execute(query)}
    return found


def _line(entry: LogEntry, had: int | None) -> dict[str, Any]:
    values = _values(entry.change)
    del values["state"], values["reason"]
    values |= {
        "change_id": entry.change.id,
        "temporary_id": had if entry.temporary_id is None else entry.temporary_id,
        "label": entry.label,
        "revision": entry.revision,
        "outcome": entry.end.value,
        "words": entry.words,
        "settled_at": entry.settled_at,
    }
    return values


def plain(value: Any) -> Any:
    """Return what JSON can say for a value of the database."""
    if isinstance(value, Decimal):
        return _number(value)
    return value.isoformat() if hasattr(value, "isoformat") else value


def dumped(value: Mapping[str, Any] | None) -> str | None:
    """Return cells, or what else belongs to a change, as JSON text."""
    return None if value is None else json.dumps(value, default=plain)


def parsed(value: str | None) -> dict[str, Any] | None:
    """Return what `dumped`, or a trigger, wrote; a number that no float holds exactly as its digits."""
    if value is None:
        return None
    found = json.loads(value, parse_float=_number, parse_int=_whole)
    return found if isinstance(found, dict) else None


def _number(value: Decimal | str) -> Any:
    """Return a number as a cell has it; as text where it is none, or larger than any that means something."""
    try:
        return canonical(Kind.NUMERIC, value)
    except ValueError:
        return str(value)


def _whole(digits: str) -> int | str:
    return int(digits) if len(digits) <= _LONGEST else digits


def _row(change: Change) -> dict[str, Any]:
    return {**_values(change), "lost_at": change.lost_at}


def _values(change: Change) -> dict[str, Any]:
    return {
        "source": change.source,
        "type": change.type_name,
        "record_id": change.record_id,
        "action": change.action.value,
        "field": change.field,
        "item": change.item,
        "base": dumped(change.base),
        "value": dumped(change.value),
        "base_revision": change.base_revision,
        "state": change.state.value,
        "reason": change.reason,
        "remote": dumped(change.remote),
        "attempt": change.attempt,
        "sent_at": change.sent_at,
        "made_at": change.made_at or datetime.now(UTC),
        "made_by": change.made_by,
        "via": change.via.value,
    }


def _change(row: Row[Any]) -> Change:
    return replace(_common(row, row.id, State(row.state), row.reason), lost_at=row.lost_at)


def _common(row: Row[Any], change_id: int, state: State, reason: str) -> Change:
    return Change(
        source=row.source,
        type_name=row.type,
        record_id=row.record_id,
        action=Action(row.action),
        field=row.field,
        item=row.item,
        base=parsed(row.base),
        value=parsed(row.value),
        base_revision=row.base_revision,
        state=state,
        reason=reason,
        remote=parsed(row.remote),
        attempt=row.attempt,
        sent_at=row.sent_at,
        made_at=row.made_at,
        made_by=row.made_by,
        via=Via(row.via),
        id=change_id,
    )


_LEFT_AS = {End.REFUSED: State.REFUSED, End.CONFLICT: State.CONFLICT, End.UNKNOWN: State.UNKNOWN}


def _entry(row: Row[Any]) -> LogEntry:
    end = End(row.outcome)
    change = _common(row, row.change_id, _LEFT_AS.get(end, State.READY), "")
    return LogEntry(
        change=change,
        end=end,
        settled_at=row.settled_at,
        words=row.words,
        label=row.label,
        temporary_id=row.temporary_id,
        revision=row.revision,
        id=row.id,
    )
