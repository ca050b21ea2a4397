"""What the last comparison of each type with its tracker found."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import Connection, delete, insert, select

from mirror.model.verification import Verification
from mirror.store.tables import verification


def save_verifications(connection: Connection, source: str, found: Iterable[Verification]) -> None:
    """Store these in the place of earlier ones of the same types."""
    for each in found:
        this = (verification.c.source == source, verification.c.type == each.type_name)
        connection.execute(delete(verification).where(*this))
        connection.execute(
            insert(verification).values(
                source=source,
                type=each.type_name,
                verified_at=each.verified_at,
                records=each.records,
                missing=each.missing,
                stale=each.stale,
                surplus=each.surplus,
                sampled=each.sampled,
                differing=each.differing,
                repaired=each.repaired,
            )
        )


def verifications_of(connection: Connection, source: str) -> dict[str, Verification]:
    """Return type name -> its last verification."""
    rows = connection.execute(select(verification).where(verification.c.source == source))
    return {
        row.type: Verification(
            row.type,
            row.verified_at,
            row.records,
            missing=row.missing,
            stale=row.stale,
            surplus=row.surplus,
            sampled=row.sampled,
            differing=row.differing,
            repaired=row.repaired,
        )
        for row in rows
    }
