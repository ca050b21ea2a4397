"""Who we are to a tracker, and the time zone of its days: a sync learns both, for queries that are asked offline."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from typing import TypedDict, cast
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from mirror.connectors.base import Account
from mirror.connectors.language import Asked
from mirror.engine.run import Run
from mirror.errors import RemoteError
from mirror.model.layout import Layout
from mirror.store.store import Store

_ACCOUNT = "account"
_GOOD_FOR = timedelta(days=1)  # somebody moves to another zone, or another credential is used
_UNKNOWN = Account(None)
_OFFSET = re.compile(r"[+-]\d\d:\d\d")


class _Noted(TypedDict):
    """What is kept in the database, as JSON; `asked_at` by our own clock, UTC."""

    asked_at: str
    user_id: int | None
    time_zone: str


def learn_account(run: Run, *, anew: bool) -> None:
    """Ask the tracker who we are, at most once a day unless `anew`; while it does not tell, what it told before holds."""
    noted = _noted(run.store, run.source.name)
    if not anew and noted and run.clock() - datetime.fromisoformat(noted["asked_at"]) < _GOOD_FOR:
        return
    try:
        account = run.connector.account()
    except RemoteError:
        return
    told = _Noted(asked_at=run.clock().isoformat(), user_id=account.user_id, time_zone=account.time_zone)
    run.store.note(run.source.name, _ACCOUNT, json.dumps(told))


def account_of(store: Store, source: str) -> Account:
    """Return who we are to a source, as far as a sync has learned it."""
    noted = _noted(store, source)
    return Account(noted["user_id"], noted["time_zone"]) if noted else _UNKNOWN


def asked_by(account: Account, layouts: Mapping[str, Layout], now: datetime) -> Asked:
    """Return what a query of that account means by "the types", "me" and "today"; days are those of UTC without a zone.

    Args:
        now: aware, UTC.
    """
    return Asked(layouts, now, account.user_id, _zone(account.time_zone))


def _noted(store: Store, source: str) -> _Noted | None:
    text = store.notes(source).get(_ACCOUNT)
    return cast("_Noted", json.loads(text)) if text else None


def _zone(name: str) -> tzinfo:
    """Return the zone of that name, or offset such as `+05:30`; UTC where this machine does not know it."""
    try:
        if _OFFSET.fullmatch(name):
            offset = timedelta(hours=int(name[1:3]), minutes=int(name[4:]))
            return timezone(-offset if name[0] == "-" else offset)
        return ZoneInfo(name) if name else UTC
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return UTC
