"""Sessions of VersionOne: opened once, renewed when they have ended, and no write done twice for it (versionone.md §2)."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from mirror.errors import AuthError, RetryableError
from mirror.model.source import Auth, Credential
from mirror.simulators.versionone import VersionOneSimulator
from tests.support.versionone import connector_to, world_of
from tests.support.versionone_desk import Desk


@pytest.fixture(scope="module")
def strict() -> Iterator[Desk]:
    with VersionOneSimulator(world=world_of(60, 3)) as tracker:
        yield Desk(tracker)


def test_a_session_shows_the_password_once_and_again_only_when_it_has_ended(strict: Desk) -> None:
    tracker = strict.tracker
    desk = Desk(tracker, credential=Credential(tracker.password, tracker.user, Auth.SESSION))
    story = desk.world.ids("Story")[0]
    write = desk.update("Story", story, {"Name": "in a session"})
    logins, versions = tracker.logins_without_cookie, len(desk.world.moments(story))
    tracker.expire_sessions()
    desk.done(write)
    with ThreadPoolExecutor(4) as pool:
        assert len(set(pool.map(lambda _: desk.row("Story", story)["name"], range(8)))) == 1
    assert tracker.logins_without_cookie == logins + 1
    assert len(desk.world.moments(story)) == versions + 1
    assert "Authorization" not in desk.connector.transport.headers


def test_threads_that_find_the_ticket_expired_sign_in_once_together(strict: Desk) -> None:
    desk = Desk(strict.tracker, credential=Credential(strict.tracker.token, None, Auth.SESSION))
    story = desk.world.ids("Story")[0]
    before = strict.tracker.logins_without_cookie
    strict.tracker.expire_sessions()
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: desk.row("Story", story), range(8)))
    assert strict.tracker.logins_without_cookie == before + 1


def test_a_session_is_refused_in_a_sentence_where_there_is_none(strict: Desk) -> None:
    before = strict.tracker.switches
    strict.tracker.switches = before.with_changes({"session_tickets": False})
    try:
        connector = connector_to(strict.tracker, credential=Credential(strict.tracker.token, None, Auth.SESSION))
        with pytest.raises(AuthError, match="opens no session"):
            connector.identity()
    finally:
        strict.tracker.switches = before


def test_a_page_to_sign_in_is_a_refusal_and_of_a_write_leaves_it_open(strict: Desk) -> None:
    story = strict.world.ids("Story")[0]
    write = strict.update("Story", story, {"Name": "behind a page"})
    page = {"kind": "body", "status": 200, "content_type": "text/html", "body": '<form><input type="password"></form>'}
    strict.tracker.faults.add(**page, method="GET|POST", path="query|rest-1.v1/Data/Story", times=1)
    assert strict.row("Story", story)
    strict.tracker.faults.add(**page, method="POST", path="api/asset$|Data/Story", times=1)
    strict.tracker.requests.clear()
    (error,) = strict.connector.send([write])
    assert isinstance(error, RetryableError)
    assert not error.is_unsent
    assert len([each for each in strict.tracker.requests.select(path="api/asset") if "previewOnly" not in each.query]) == 1
    strict.tracker.faults.clear()
