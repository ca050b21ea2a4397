"""Who we are to a tracker: learned by a sync, at most once a day, and kept while nobody tells otherwise."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from mirror.connectors.base import Finding
from mirror.engine.account import account_of, asked_by
from mirror.engine.checking import check_source
from mirror.store.store import Store
from tests.support.stage import Stage

NOW = datetime(2026, 3, 1, tzinfo=UTC)


def noted(store: Store) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(store.notes("acme")["account"])
    return found


def test_a_sync_learns_who_we_are_once_a_day_or_when_all_is_read_again(store: Store, stage: Stage) -> None:
    assert account_of(store, "acme").user_id is None
    stage.sync(store)
    found = account_of(store, "acme")
    assert found == stage.connector().account()
    assert found.user_id in {key for name in ("User", "Member", "user") if name in stage.few for key in stage.ids(name)}
    for age, is_asked in ((timedelta(hours=23), False), (timedelta(hours=25), True)):
        long_ago = (datetime.now(UTC) - age).isoformat()
        store.note("acme", "account", json.dumps({**noted(store), "asked_at": long_ago, "user_id": 7}))
        stage.sync(store)
        assert (noted(store)["asked_at"] > long_ago, account_of(store, "acme") == found) == (is_asked, is_asked)
    for learn in (lambda: stage.sync(store, full=True), lambda: check(stage, store)):
        store.note("acme", "account", json.dumps({**noted(store), "user_id": 7}))
        learn()
        assert account_of(store, "acme") == found
    store.note("acme", "identity", "another place")
    store.note("acme", "account", json.dumps({**noted(store), "user_id": 7}))
    subjects = {each.subject for each in check(stage, store)}
    if stage.connector().identity():  # of another place nothing is learned
        assert ("place" in subjects, account_of(store, "acme").user_id) == (True, 7)


def check(stage: Stage, store: Store) -> list[Finding]:
    return [*check_source(stage.source(), stage.connector(), lambda: store, clock=lambda: datetime.now(UTC))]


def test_a_zone_that_nobody_knows_is_that_of_utc(store: Store) -> None:
    zones = {"": 0, "Nowhere/Else": 0, "+5": 0, "+99:00": 0, "+05:30": 330, "-09:30": -570, "America/Denver": -420}
    for name, minutes in zones.items():
        store.note("acme", "account", f'{{"asked_at": "2026-03-01T00:00:00+00:00", "user_id": 5, "time_zone": "{name}"}}')
        asked = asked_by(account_of(store, "acme"), {}, NOW)
        assert (asked.me, NOW.astimezone(asked.time_zone).utcoffset()) == (5, timedelta(minutes=minutes))
