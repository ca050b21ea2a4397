"""Rows of the queue and of the audit trail, as changes and log entries and back; and the lock that its writers share.

Nothing is decided in here.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, Row, Select, delete, func, insert, select, text, update
from sqlalchemy.dialects import postgresql, sqlite

from mirror.errors import UsageError
from mirror.model.cells import canonical
from mirror.model.change import Action, Change, End, LogEntry, State, Via
from mirror.model.schema import Kind
from mirror.store.chunks import chunked
from mirror.store.tables import change as changes
from mirror.store.tables import log, note

_QUEUE_LOCK = 5_570_203  # any constant; together with schema and source it is the key of our Postgres advisory lock
TEMPORARY_ID = "queue.temporary_id"  # notes of a source: the last number given out
ATTEMPT = "queue.attempt"


def hold(connection: Connection, sources: Iterable[str], *, alone: bool = True) -> None:
    """Keep other writers of the queues of `sources` waiting until the transaction ends.

    On SQLite the transaction itself does that.

    Args:
        alone: False for whoever stores pages: several of them may, but nobody edits meanwhile.
    """
    if connection.dialect.name == "sqlite":
        return
    function = "pg_advisory_xact_lock" if alone else "pg_advisory_xact_lock_shared"
    statement = text(f"SELECT {function}(:number, hashtext(current_schema() || '/' || :source))")
    for source in sorted(set(sources)):
        connection.execute(statement, {"number": _QUEUE_LOCK, "source": source})


def next_number(connection: Connection, source: str, key: str) -> int:
    """Return a number of that kind which was never given out before, from 1."""
    kind = sqlite if connection.dialect.name == "sqlite" else postgresql
    first = kind.insert(note).values(source=source, key=key, value="0").on_conflict_do_nothing()
    connection.execute(first)
    this = (note.c.source == source, note.c.key == key)
    number = int(connection.execute(select(note.c.value).where(*this).with_for_update()).scalar_one()) + 1
    connection.execute(update(note).where(*this).values(value=str(number)))
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


def by_ids(connection: Connection, ids: Collection[int]) -> list[Change]:
    """Return those of these changes that are open."""
    query = select(changes)
    return [each for chunk in chunked(sorted(ids)) for each in read(connection, query.where(changes.c.id.in_(chunk)))]


def wanted(connection: Connection, ids: Collection[int]) -> list[Change]:
    """Return these changes, with the queues that they are in held.

    Raises:
        UsageError: one of them is not open any more.
    """
    hold(connection, {each.source for each in by_ids(connection, ids)})
    found = by_ids(connection, ids)
    gone = sorted(set(ids) - {each.id for each in found})
    if gone:
        raise UsageError(f"change {gone[0]} does not wait any more; see: mirror changes, mirror log")
    return found


def put(connection: Connection, change: Change) -> int:
    """Store a change; a new id is given to it and returned."""
    return int(connection.execute(insert(changes).returning(changes.c.id), _values(change)).scalar_one())


def set_(connection: Connection, change: Change) -> None:
    """Store a change that is stored already as it is now."""
    connection.execute(update(changes).where(changes.c.id == change.id).values(_values(change)))


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


def write_log(connection: Connection, entry: LogEntry) -> None:
    """Add to the audit trail."""
    values = _values(entry.change)
    del values["state"], values["reason"]
    values |= {
        "change_id": entry.change.id,
        "temporary_id": entry.temporary_id,
        "label": entry.label,
        "revision": entry.revision,
        "outcome": entry.end.value,
        "words": entry.words,
        "settled_at": entry.settled_at,
    }
    connection.execute(insert(log).values(values))


def temporary_ids(connection: Connection, record: tuple[str, str, int]) -> int | None:
    """Return the temporary id that a record (source, type, id) had; None when it had none, or has it still."""
    source, type_name, record_id = record
    here = (log.c.source == source, log.c.type == type_name, log.c.record_id == record_id)
    known = connection.scalar(select(func.min(log.c.temporary_id)).where(*here))
    if known is not None:
        return int(known)
    created = of_type(source, type_name).where(changes.c.record_id == record_id, changes.c.action == Action.CREATE.value)
    return next((each.value["temporary_id"] for each in read(connection, created) if each.value), None)


def plain(value: Any) -> Any:
    """Return what JSON can say for a value of the database."""
    if isinstance(value, Decimal):
        return canonical(Kind.NUMERIC, value) if value.is_finite() else str(value)
    return value.isoformat() if hasattr(value, "isoformat") else value


def dumped(value: Mapping[str, Any] | None) -> str | None:
    """Return cells, or what else belongs to a change, as JSON text."""
    return None if value is None else json.dumps(value, default=plain)


def parsed(value: str | None) -> dict[str, Any] | None:
    """Return what `dumped`, or a trigger, wrote; a number that no float holds exactly as its digits."""
    if value is None:
        return None
    found = json.loads(value, parse_float=lambda digits: canonical(Kind.NUMERIC, digits))
    return found if isinstance(found, dict) else None


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
    return _common(row, row.id, State(row.state), row.reason)


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
