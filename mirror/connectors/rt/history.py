"""What was done to a record since, from its own history. rt.md §6.6"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from mirror.connectors.http import Answer, Request
from mirror.connectors.rt.collections import COLLECTIONS
from mirror.connectors.rt.dates import in_sql
from mirror.connectors.rt.search import PER_PAGE, id_of, rows_of

_FIELDS = "Type,Field,OldValue,NewValue,TimeTaken,Creator,Created"
_LONGEST = 20  # pages


@dataclass(frozen=True, slots=True)
class Entry:
    """One transaction.

    Attributes:
        field: of custom fields their number, of custom roles `RT::CustomRole-<id>`.
        old, new: users and queues by number, dates as `YYYY-MM-DD HH:MM:SS` UTC.
        creator: name of a user.
        at: as RT writes it.
        minutes: of work that was booked with it.
    """

    number: int
    type: str
    field: str
    old: str
    new: str
    creator: str
    at: str
    minutes: int


def after(send: Callable[[Request], Answer], type_name: str, record_id: int, newest: int) -> Sequence[Entry]:
    """Return what was booked behind transaction `newest`, in order."""
    condition = {"field": "id", "operator": ">", "value": str(newest)}
    return _pages(send, type_name, record_id, [condition])


def since(send: Callable[[Request], Answer], type_name: str, record_id: int, at: datetime) -> Sequence[Entry]:
    """Return what was booked at or after an instant less a second, for RT's stamps are whole ones."""
    condition = {"field": "Created", "operator": ">=", "value": in_sql(at - timedelta(seconds=1))}
    return _pages(send, type_name, record_id, [condition])


def _pages(
    send: Callable[[Request], Answer], type_name: str, record_id: int, conditions: Sequence[dict[str, str]]
) -> Sequence[Entry]:
    """Return all pages of a history; accounts for whom RT does not count are told no end (rt.md §4.2): an empty page is it.

    The conditions are JSON: with SQL, RT forgets which record it is about (rt.md §6.4).
    """
    found: list[Entry] = []
    path = f"/REST/2.0{COLLECTIONS[type_name].record}/{record_id}/history"
    for page in range(1, _LONGEST + 1):
        params = {
            "query": json.dumps(conditions),
            "fields": _FIELDS,
            "orderby": "id",
            "per_page": str(PER_PAGE),
            "page": str(page),
        }
        rows = rows_of(send(Request("GET", path, params=params)), path)
        if rows.page != page:
            break
        found += [_entry(each) for each in rows.items]
        if not rows.items or (rows.total is not None and len(found) >= rows.total):
            break
    return found


def _entry(item: dict[str, Any]) -> Entry:
    creator = item.get("Creator")
    return Entry(
        id_of(item),
        str(item.get("Type") or ""),
        str(item.get("Field") or ""),
        str(item.get("OldValue") or ""),
        str(item.get("NewValue") or ""),
        str(creator.get("id")) if isinstance(creator, dict) else "",
        str(item.get("Created") or ""),
        int(item.get("TimeTaken") or 0),
    )
