"""Creates and updates through api/asset, several in one POST, with what came of each.

An update of values names the moment that it was planned on, so that the server itself leaves alone what has changed since;
that is worth it for a single one, too. What was created is read back and told apart by its values, because the answer does
not say which command made which asset.

Source: versionone.md §8.2 S.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import msgspec

from mirror.connectors.http import Answer
from mirror.connectors.versionone import history
from mirror.connectors.versionone.history import moment_in, moments_of, versions_since, wait_until
from mirror.connectors.versionone.instants import instant_of
from mirror.connectors.versionone.matching import odd_fields
from mirror.connectors.versionone.meta import MOMENT
from mirror.connectors.versionone.payload import Payload, fits_command, payload_of, to_command
from mirror.connectors.versionone.posting import Written, before_writing, outcome, written_in
from mirror.connectors.versionone.refusals import RefusedError as NotDoneError
from mirror.connectors.versionone.wire import BULK
from mirror.connectors.versionone.writers import Place, oid
from mirror.errors import RefusedError, RemoteError, RetryableError, StaleError
from mirror.model.change import Action
from mirror.model.layout import Layout
from mirror.model.write import Receipt, Write

log = logging.getLogger(__name__)

JSON = "application/json"
WRITES_AT_ONCE = 50
_SERVER_FAULT = 500

Outcomes = dict[int, Receipt | RemoteError]
"""By the place of the write in what was given."""


class _Error(msgspec.Struct):
    message: str = ""
    index: int = msgspec.field(name="sourceCommandIndex", default=-1)


class _Failures(msgspec.Struct):
    commands: list[dict[str, msgspec.Raw]] = msgspec.field(default_factory=list)


class _Tokens(msgspec.Struct):
    oids: list[str] = msgspec.field(name="oidTokens", default_factory=list)


class _Answer(msgspec.Struct):
    complete: bool
    created: _Tokens = msgspec.field(name="assetsCreated")
    modified: _Tokens = msgspec.field(name="assetsModified")
    operated: _Tokens = msgspec.field(name="assetsOperatedOn")
    failures: _Failures = msgspec.field(name="commandFailures")


@dataclass(frozen=True, slots=True)
class _Done:
    """What an answer says.

    Attributes:
        failed: place of a command -> the server's words.
    """

    created: Sequence[Written]
    modified: frozenset[str]
    failed: Mapping[int, str]


def send(place: Place, writes: Sequence[Write]) -> Outcomes:
    """Do those writes that one POST can do together; what is not in the result is left to be done alone."""
    try:
        chosen = _chosen(place, writes)
    except RemoteError as error:
        log.info("writes are sent one by one reason=%s", error)
        return {}
    if not chosen:
        return {}
    places = list(chosen)
    commands = [_command(at, writes[place_of], chosen[place_of]) for at, place_of in enumerate(places)]
    try:
        done = _post(place, commands)
    except NotDoneError as error:
        if error.status >= _SERVER_FAULT:
            is_answered = error.status == _SERVER_FAULT
            return {each: RetryableError(str(error), is_answered=is_answered) for each in places}
        log.info("api/asset does not take commands reason=%s", error)  # whatever fails in them, it answers 200 (§8.2 S)
        place.server.forget_bulk()
        return {}
    except RemoteError as error:
        return {each: outcome(error) for each in places}
    some = [writes[each] for each in places]
    found = {at: RefusedError(words) for at, words in done.failed.items()}
    results = {**_created(place, some, done), **_updated(place, some, done), **found}
    return {places[at]: result for at, result in results.items()}


def execute(place: Place, write: Write) -> Receipt:
    """Run an operation with arguments, which is known from bulk commands alone (§6.2 S).

    Raises:
        RefusedError: the server has no api/asset; or its own words.
    """
    with before_writing():
        if not place.server.has_bulk:
            raise RefusedError(f"{write.operation} takes arguments, which need api/asset, and this server has none")
    command = {"from": oid(write), "execute": {"op": write.operation, "args": dict(write.arguments)}}
    done = _post(place, [command])
    if done.failed:
        raise RefusedError(next(iter(done.failed.values())))
    wait_until(place, lambda: moments_of(place, write.layout.type.name, [write.record_id or 0]) != {})
    return Receipt(write.record_id or 0)


def _chosen(place: Place, writes: Sequence[Write]) -> dict[int, Payload]:
    """Return the payloads of what can be done together, by place."""
    chosen: dict[int, Payload] = {}
    for at, write in enumerate(writes):
        if write.action not in (Action.CREATE, Action.UPDATE):
            continue
        try:
            payload = payload_of(write, instant_of(place, write.layout.type.name))
        except RefusedError:
            continue  # it is told when it is tried alone
        if fits_command(payload) and not payload.is_empty:
            chosen[at] = payload
    if len(chosen) == 1 and writes[next(iter(chosen))].action is Action.CREATE:
        return {}  # rest-1.v1 answers with its id
    return chosen if chosen and place.server.writes_together else {}


def _command(at: int, write: Write, payload: Payload) -> dict[str, object]:
    values = to_command(payload)
    if write.action is Action.CREATE:
        return {f"@w{at}": {"AssetType": write.layout.type.name, **values}}
    # Items come in and go out whatever else has changed; values would replace what another has written.
    same = {"filter": [f"{MOMENT}='{moment_in(write.revision)}'"]} if payload.settings else {}
    return {f"@w{at}": {"from": oid(write), **same, "update": values}}


def _post(place: Place, commands: Sequence[object]) -> _Done:
    return place.wire.post(BULK, msgspec.json.encode(commands), JSON, _read)


def _read(answer: Answer) -> _Done:
    """Return what an answer says, which is 200 whatever failed.

    Raises:
        RetryableError: it is something else, or a failure cannot be told whose it is.
    """
    try:
        found = msgspec.json.decode(answer.body, type=_Answer)
        if not found.complete:
            raise ValueError("it is not through yet")
        failed = dict(_failure(each) for each in found.failures.commands)
        created = [written_in(each) for each in found.created.oids]
    except (msgspec.DecodeError, ValueError, KeyError) as error:
        raise RetryableError(f"api/asset answered something unexpected; nobody knows what it did ({error})") from None
    return _Done(created, frozenset(_plain(each) for each in found.modified.oids), failed)


def _failure(entry: Mapping[str, msgspec.Raw]) -> tuple[int, str]:
    """Return the place of the command that failed, by its alias, else by its index; and why."""
    error = msgspec.json.decode(entry["error"], type=_Error)
    alias = next((name for name in entry if name.startswith("@w") and name[2:].isdigit()), "")
    at = int(alias[2:]) if alias else error.index
    if at < 0:
        raise ValueError(error.message)
    return at, error.message or "api/asset gave no reason"


def _plain(token: str) -> str:
    return ":".join(token.split(":")[:2])


# What was updated


def _updated(place: Place, writes: Sequence[Write], done: _Done) -> Outcomes:
    updates = [at for at, each in enumerate(writes) if each.action is Action.UPDATE and at not in done.failed]
    modified = [at for at in updates if oid(writes[at]) in done.modified]
    found: Outcomes = {at: result for at in updates if at not in modified if (result := _left(place, writes[at]))}
    versions = versions_since(place, [writes[at] for at in modified], [0] * len(modified))
    for at, some in zip(modified, versions, strict=True):
        found[at] = history.receipt(writes[at], some, _ours(place, some))
    return found


def _ours(place: Place, versions: Sequence[history.Version] | None) -> int:
    """Return our moment among those behind the one that was asked for: our first; the answer does not tell it."""
    try:
        mine = [each.moment for each in versions or () if each.by == place.caller.oid]
    except RemoteError:
        mine = []
    return mine[0] if mine else max((each.moment for each in versions or ()), default=0)


def _left(place: Place, write: Write) -> RemoteError | None:
    """Return why nothing was changed; None when the record is as it was, so that the moment does not select it here."""
    try:
        now = moments_of(place, write.layout.type.name, [write.record_id or 0]).get(write.record_id or 0)
    except RemoteError as error:
        return RetryableError(str(error), is_unsent=True)
    if now == moment_in(write.revision):
        return None
    return StaleError(f"{oid(write)} has changed since it was read")


# What was created


def _created(place: Place, writes: Sequence[Write], done: _Done) -> Outcomes:
    """Return which asset each create has made; those whose values are equal may have each other's."""
    creates = [at for at, each in enumerate(writes) if each.action is Action.CREATE and at not in done.failed]
    found: Outcomes = {}
    for layout in {writes[at].layout.type.name: writes[at].layout for at in creates}.values():
        name = layout.type.name
        some = {at: writes[at] for at in creates if writes[at].layout.type.name == name}
        ids = [each.id for each in done.created if each.type_name == name]
        found |= _told_apart(place, layout, some, ids)
    return found


def _told_apart(place: Place, layout: Layout, creates: Mapping[int, Write], ids: Sequence[int]) -> Outcomes:
    """Read new assets of a type, once they can be read, and find for each create one that shows what was sent."""
    try:
        wait_until(place, lambda: len(moments_of(place, layout.type.name, ids)) == len(ids))
        page = place.anywhere(layout, ids) if ids else None
    except RemoteError as error:
        return dict.fromkeys(creates, RetryableError(f"it may have been created, but cannot be read: {error}"))
    found: Outcomes = dict.fromkeys(
        creates, RetryableError("it may have been created, but no new asset shows what was sent")
    )
    left = list(page.rows) if page is not None else []
    for at, write in creates.items():
        mine = next((row for row in left if page is not None and not odd_fields(write, page, row)), None)
        if mine is not None:
            left.remove(mine)
            found[at] = Receipt(int(mine[1]))
    return found
