"""Documents that could not become rows, kept whole until the record is stored well."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import Connection, delete, insert, select

from mirror.model.page import BadRecord
from mirror.store.chunks import chunked
from mirror.store.record_tables import short_digest
from mirror.store.tables import quarantine

Place = tuple[str, str]  # source, type name


def put(connection: Connection, place: Place, bad: Sequence[BadRecord], *, now: datetime) -> None:
    """Keep `bad`; a record that is there already is replaced."""
    values = {(each.id if each.id is not None else short_digest(each.document)): each for each in bad}
    for key, each in values.items():
        record = _storable(str(key))
        this = (quarantine.c.source == place[0], quarantine.c.type == place[1], quarantine.c.record == record)
        connection.execute(delete(quarantine).where(*this))
        connection.execute(
            insert(quarantine).values(
                source=place[0],
                type=place[1],
                record=record,
                id=each.id if each.id is not None and abs(each.id) < 2**63 else None,
                reason=_storable(each.reason),
                document=_storable(each.document),
                seen_at=now,
            )
        )


def clear(connection: Connection, place: Place, ids: Collection[int]) -> None:
    """Forget the entries of `ids`, which are now stored well."""
    here = (quarantine.c.source == place[0], quarantine.c.type == place[1])
    if connection.scalar(select(quarantine.c.record).where(*here).limit(1)) is None:
        return
    for chunk in chunked(ids):
        connection.execute(delete(quarantine).where(*here, quarantine.c.record.in_([str(each) for each in chunk])))


def _storable(text: str) -> str:
    """Return `text` with NUL and lone surrogates written as escapes, as JSON would."""
    return text.replace("\x00", "\\u0000").encode("utf-8", "backslashreplace").decode()
