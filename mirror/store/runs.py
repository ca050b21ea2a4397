"""What each run did and what failed in it, and the state of every type, for people to look at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, Table, column, func, insert, select, table, update

from mirror.model.event import Tally
from mirror.model.progress import Failure, TypeStatus, Watermark
from mirror.store.progress import watermarks
from mirror.store.tables import failure, quarantine, run, tombstone
from mirror.store.tables import record_type as types
from mirror.store.verifications import verifications_of


@dataclass(frozen=True, slots=True)
class Ending:
    """How a run ended.

    Attributes:
        outcome: one word.
    """

    at: datetime
    tally: Tally
    requests: int
    outcome: str
    failures: Sequence[Failure]


def begin(connection: Connection, source: str, now: datetime) -> int:
    """Record that a run began; return its number."""
    number = connection.execute(insert(run).values(source=source, started_at=now).returning(run.c.id)).scalar_one()
    return int(number)


def end(connection: Connection, run_id: int, ending: Ending) -> None:
    """Record how a run ended."""
    tally = ending.tally
    values = {
        "ended_at": ending.at,
        "outcome": ending.outcome,
        "requests": ending.requests,
        "inserted": tally.inserted,
        "updated": tally.updated,
        "unchanged": tally.unchanged,
        "tombstoned": tally.tombstoned,
        "quarantined": tally.quarantined,
    }
    connection.execute(update(run).where(run.c.id == run_id).values(values))
    rows = [
        {"run": run_id, "position": place, "type": each.type_name, "phase": each.phase, "reason": each.reason}
        for place, each in enumerate(ending.failures)
    ]
    if rows:
        connection.execute(insert(failure), rows)


def failures(connection: Connection, source: str) -> list[Failure]:
    """Return what failed in the last run of `source` that came to an end, in its order."""
    last = select(func.max(run.c.id)).where(run.c.source == source, run.c.ended_at.is_not(None)).scalar_subquery()
    rows = connection.execute(select(failure).where(failure.c.run == last).order_by(failure.c.position))
    return [Failure(row.type, row.phase, row.reason) for row in rows]


def status(connection: Connection, source: str) -> list[TypeStatus]:
    """Return the state of every type of `source`, vanished ones included, by name."""
    marks = watermarks(connection, source)
    buried = _counts(connection, tombstone, source)
    aside = _counts(connection, quarantine, source)
    compared = verifications_of(connection, source)
    rows = connection.execute(select(types).where(types.c.source == source).order_by(types.c.type))
    return [replace(_status(connection, row, marks, (buried, aside)), verified=compared.get(row.type)) for row in rows]


def _status(
    connection: Connection, row: Row[Any], marks: dict[str, Watermark], counts: tuple[dict[str, int], dict[str, int]]
) -> TypeStatus:
    records = table(row.table_name, column("source"))
    query = select(func.count()).select_from(records).where(records.c.source == row.source)
    return TypeStatus(
        type_name=row.type,
        table=row.table_name,
        rows=connection.execute(query).scalar_one(),
        tombstones=counts[0].get(row.type, 0),
        quarantined=counts[1].get(row.type, 0),
        watermark=marks[row.type].at if row.type in marks else None,
        synced_at=row.synced_at,
        complete_at=row.complete_at,
        state=row.state,
    )


def _counts(connection: Connection, counted: Table, source: str) -> dict[str, int]:
    query = select(counted.c.type, func.count()).where(counted.c.source == source).group_by(counted.c.type)
    return {row[0]: row[1] for row in connection.execute(query)}
