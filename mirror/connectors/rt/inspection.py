"""What `mirror check` says about a source that is an RT."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime

from mirror.connectors.base import Finding
from mirror.connectors.http import Answer, Request
from mirror.connectors.rt.login import Login, Way, owner_of, quoted
from mirror.connectors.rt.scope import Scope
from mirror.connectors.rt.search import PER_PAGE, Rows, Search, Tongue, decoded
from mirror.errors import ConfigError, RemoteError
from mirror.model.source import Source

_LARGEST_OFFSET_SECONDS = 60


def findings(
    login: Login, send: Callable[[Request], Answer], ask: Callable[[Request], Rows], source: Source
) -> Iterator[Finding]:
    """Yield what is worth knowing; the first one that stops everything else is the last."""
    try:
        about = send(Request("GET", "/REST/2.0/rt"))
        version = decoded(about, "rt")
    except RemoteError as error:
        yield Finding("login", ok=False, detail=str(error), advice="check url, user and secret of the source")
        return
    yield _login(login, source)
    yield Finding("version", ok=True, detail=f"RT {version.get('Version')}")
    yield from _rights(ask, superuser="Plugins" in version)
    yield _clock(about)
    yield _zone(send, source)
    yield Finding("page size", ok=True, detail=f"{PER_PAGE} records, the most RT gives")
    yield from _scope(source, ask)


def _login(login: Login, source: Source) -> Finding:
    if login.way is Way.COOKIE:
        return Finding("login", ok=True, detail="by session cookie, the password is checked once")
    if login.way not in (Way.BASIC, Way.TOKEN):
        return Finding("login", ok=True, detail=f"by {login.way}")
    is_wanted = source.credential.auth is not None
    return Finding(
        "login",
        ok=is_wanted,
        detail=f"{login.way}; RT computes a slow password hash for each (about 175 ms)",
        advice="" if is_wanted else "ask the administrator to allow REST 1.0, which hands out session cookies",
    )


def _rights(ask: Callable[[Request], Rows], *, superuser: bool) -> Iterator[Finding]:
    if superuser:
        yield Finding("rights", ok=True, detail="superuser: everything is visible and counted")
        return
    yield Finding("rights", ok=True, detail="not a superuser: the mirror is what this account sees")
    for path, what in (
        ("/transactions", "history"),
        ("/queues", "queues"),
        ("/customfields", "custom fields"),
    ):
        rows = ask(Search(path, Tongue.JSON, fields={"fields": "id"}).newest_first().request())
        if rows.total is None:
            seen = "some are visible" if rows.items else "none of the newest are visible"
            yield Finding(f"rights on {what}", ok=True, detail=f"RT does not count them for this account; {seen}")


def _clock(answer: Answer) -> Finding:
    offset = (answer.server_time - datetime.now(UTC)).total_seconds()
    detail = f"the server is {abs(offset):.0f} s {'ahead' if offset > 0 else 'behind'}; only its own clock is used"
    if abs(offset) < _LARGEST_OFFSET_SECONDS:
        return Finding("clock", ok=True, detail=detail)
    return Finding("clock", ok=False, detail=detail, advice="set one of the two clocks")


def _zone(send: Callable[[Request], Answer], source: Source) -> Finding:
    name = owner_of(source.credential)
    if name is None:
        return Finding("time zone", ok=True, detail="not known; searches do not depend on it")
    answer = send(Request("GET", f"/REST/2.0/user/{quoted(name)}"))
    zone = decoded(answer, "user").get("Timezone") if answer.status == 200 else None
    return Finding("time zone", ok=True, detail=f"{zone or 'the default of the server'}; searches do not depend on it")


def _scope(source: Source, ask: Callable[[Request], Rows]) -> Iterator[Finding]:
    try:
        queues = Scope(source, ask).queues()
    except ConfigError as error:
        yield Finding("queues", ok=False, detail=str(error), advice="correct the list `queues` of the source")
        return
    if queues:
        yield Finding("queues", ok=True, detail=f"narrowed to {len(queues)} queues")
