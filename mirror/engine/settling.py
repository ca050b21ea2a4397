"""Finds out, by reading only, what became of changes that were sent and never answered.

What is found on the tracker is adopted. What is not found becomes READY again only when it cannot arrive any more. Where
neither is sure, it stays UNKNOWN and a person is asked; nothing is ever sent again on hope.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from mirror.connectors.base import Probed
from mirror.engine.plan import Step
from mirror.engine.pushing import TRIES, Pushing, PushOptions
from mirror.engine.referring import FIELD_ACTIONS, Record, record_of
from mirror.engine.run import Run
from mirror.engine.seeing import Seen, Sight, look
from mirror.engine.writing import write_of
from mirror.errors import AuthError, RemoteError, RetryableError
from mirror.model.change import Action, Change, End, State
from mirror.model.page import Fate, main_part
from mirror.model.write import Write

_MOVED = "the record has changed since it was sent; nobody knows whether this was there, and was set back"
_DIED = "the process that sent it ended before the answer came"
_EVER = datetime(1970, 1, 1, tzinfo=UTC)
_PROBED = (Action.COMMENT, Action.ATTACH)


def settle_in_flight(run: Run) -> None:
    """Settle, in a sync, whatever an earlier push has left in flight."""
    if not run.store.queue.open(run.source.name, states=[State.SENT, State.UNKNOWN]):
        return
    with ThreadPoolExecutor(run.source.concurrency, thread_name_prefix="settle") as pool:
        settle_unknown(Pushing(run, PushOptions(), pool, sleep=time.sleep))


def settle_unknown(push: Pushing) -> None:
    """Settle whatever is in flight; the caller holds the lease, so nobody else is sending now."""
    sent = push.open([State.SENT])
    push.put_back(sent, State.UNKNOWN, _DIED)
    attempts = _attempts(push.open([State.UNKNOWN]))
    if not attempts:
        return
    known = [each for each in attempts if each.record[1] > 0 and each.changes[0].type_name in push.run.layouts]
    sight = look(push.run, push.pool, {each.record for each in known})
    for each in attempts:
        if sight.failure is not None or push.is_over:
            break
        if each.changes[0].type_name in push.run.layouts:
            _settle_safely(push, each, sight)
    if sight.failure is not None:
        push.pause(sight.failure)


def _attempts(changes: Sequence[Change]) -> list[Step]:
    """Return what was sent together, as it was sent."""
    found: dict[tuple[object, ...], list[Change]] = {}
    for each in changes:
        found.setdefault((record_of(each), each.attempt), []).append(each)
    steps: list[Step] = []
    for group in found.values():
        creation = [each for each in group if each.action is Action.CREATE]
        others = [each for each in group if each.action is not Action.CREATE]
        first = (creation or others)[0]
        steps.append(Step(Action.UPDATE if first.action in FIELD_ACTIONS else first.action, (*creation, *others)))
    return steps


def _settle_safely(push: Pushing, attempt: Step, sight: Sight) -> None:
    """Settle one attempt; one that cannot be read about stays as it is."""
    try:
        _settle(push, attempt, sight)
    except (AuthError, RetryableError) as error:
        push.pause(error)
    except RemoteError as error:
        push.stay_unknown(attempt.changes, f"was sent, and cannot be looked for: {error}")


def _settle(push: Pushing, attempt: Step, sight: Sight) -> None:
    if attempt.action is Action.CREATE and attempt.record[1] < 0:
        _settle_creation(push, attempt)
        return
    if attempt.record in sight.unreadable:
        push.stay_unknown(attempt.changes, f"was sent, and cannot be read: {sight.unreadable[attempt.record]}")
        return
    seen = sight.seen.get(attempt.record)
    if seen is None:
        _settle_absent(push, attempt)
    elif attempt.action is Action.CREATE:
        is_whole = all(each.action is Action.CREATE or seen.shows(each) for each in attempt.changes)
        edited = {} if is_whole else _probe(push, attempt).edited
        settle_fields(push, attempt, seen, edited=edited.get(attempt.record[1], frozenset()))
    elif attempt.action is Action.UPDATE:
        settle_fields(push, attempt, seen)
    elif attempt.action is Action.DELETE:
        _again(push, attempt, "was not deleted", _lag(push))
    elif attempt.action in _PROBED:
        _settle_probed(push, attempt)
    else:
        _settle_asked(push, attempt)


def settle_fields(push: Pushing, attempt: Step, seen: Seen, *, edited: Collection[str] = ()) -> None:
    """Settle the fields of an update, or of a creation whose record is known, by what the tracker shows.

    Args:
        edited: fields of a new record that have been changed on the tracker since it was created.
    """
    there = [each for each in attempt.changes if each.action is Action.CREATE or seen.shows(each)]
    left = [each for each in attempt.changes if each not in there]
    if not there and attempt.action is not Action.CREATE and any(_has_moved(each, seen) for each in left):
        push.put_back([each for each in left if seen.is_as_before(each)], State.CONFLICT, _MOVED)
        left = [each for each in left if not seen.is_as_before(each)]
    if attempt.action is Action.CREATE:
        push.settle(there, End.ADOPTED, "", seen.revision)
    else:
        settle_there(push, there, End.ADOPTED, "", seen.revision)
    as_before = [each for each in left if attempt.action is not Action.CREATE and seen.is_as_before(each)]
    for each in left:
        if attempt.action is Action.CREATE:
            state = State.CONFLICT if each.field in edited else State.REFUSED
            push.put_back([each], state, f"the record was created, and shows {seen.words(each)}", seen.remote(each))
        elif each not in as_before:
            push.put_back([each], State.CONFLICT, "changed on the tracker since it was sent", seen.remote(each))
    if as_before:
        _again(push, Step(attempt.action, tuple(as_before)), "did not arrive", _lag(push))


def settle_there(push: Pushing, changes: Sequence[Change], end: End, words: str, revision: str) -> None:
    """Settle fields of one record that show what we wrote without having been told so.

    Raises:
        RemoteError: whether that replaced what somebody else had just put there cannot be read.
    """
    lost = _overwritten(push, changes)
    push.settle([each for each in changes if each.id not in lost], end, words, revision)
    for each in changes:
        if each.id in lost:
            push.put_back([each], State.CONFLICT, took_place_of(lost[each.id]))


def _has_moved(change: Change, seen: Seen) -> bool:
    """Return whether the record has changed since it was read before a change of it was sent."""
    return main_part(change.base_revision or "") != main_part(seen.revision)


def _overwritten(push: Pushing, changes: Sequence[Change]) -> dict[int, str]:
    """Return what changes of one record have replaced that nobody here had seen, in words, by the id of the change."""
    found: dict[int, str] = {}
    for revision in {each.base_revision for each in changes}:
        some = tuple(each for each in changes if each.base_revision == revision)
        lost = push.run.connector.overwritten(_write(push, Step(Action.UPDATE, some)))
        found |= {each.id: lost[each.field] for each in some if each.field in lost}
    return found


def _again(push: Pushing, attempt: Step, words: str, wait: timedelta) -> None:
    """Have changes that were not found sent again, unless they may still arrive, or the tracker fails on them each time."""
    failure = push.failures.get(attempt.changes[0].id)
    if failure and push.tracker_time() - (attempt.changes[0].sent_at or _EVER) >= _lag(push):
        _failed(push, attempt, failure)  # it has answered, so it does not work on the request any more
    elif (until := _until(push, attempt.changes[0], wait)) > push.tracker_time():
        push.stay_unknown(attempt.changes, f"was sent, and may still arrive; push again after {until:%H:%M:%S} UTC")
    else:
        push.put_back(attempt.changes, State.READY, words)


def _until(push: Pushing, change: Change, wait: timedelta) -> datetime:
    """Return how long a change that was sent may still arrive, by the tracker's clock.

    That counts from when it had been sent for sure. Of a process that died nobody knows how long a write waited for its turn
    after it was marked as sent; as long again is taken.
    """
    if change.lost_at is not None:
        return change.lost_at + wait
    if change.id in push.lost:
        return push.tracker_time() + wait
    return (change.sent_at or _EVER) + 2 * wait


def _failed(push: Pushing, attempt: Step, words: str) -> None:
    """Have changes on which the tracker failed sent again, at last each alone; refuse those that have had their tries."""
    first, rest = attempt.changes[0], attempt.changes[1:]
    if push.is_exhausted(attempt.changes):
        refused = [first] if attempt.action is Action.CREATE else attempt.changes
        push.put_back([each for each in rest if each not in refused], State.READY, "")
        push.put_back(refused, State.REFUSED, f"the tracker failed each time: {words}")
        return
    if attempt.action is Action.UPDATE and rest and push.tries[first.id] == TRIES - 1:
        push.apart.update(each.id for each in attempt.changes)
    push.put_back(attempt.changes, State.READY, words)


def took_place_of(words: str) -> str:
    """Return why a change that is on the tracker waits for a person all the same."""
    return f"somebody had just changed it on the tracker, and this took the place of: {words}"


def _lag(push: Pushing) -> timedelta:
    """Return how long what was written may not show yet."""
    return min(push.run.connector.capabilities.lag, timedelta(seconds=push.options.settle_seconds))


def _settle_creation(push: Pushing, attempt: Step) -> None:
    """Look for a record that may have been created."""
    first = attempt.changes[0]
    layout = push.layout(first)
    probed = _probe(push, attempt)
    found = {each for each in probed.found if not _is_ours(push, (layout.type.name, each))}
    doubtful = {each for each in probed.doubtful if not _is_ours(push, (layout.type.name, each))}
    found -= {one for each in _fuller(push, attempt) for one in _probe(push, each).found} if found else set()
    if len(found) == 1:
        record_id = found.pop()
        push.queue.promote(push.run.layouts, layout, first.record_id, record_id)
        push.promoted(attempt.record, (layout.type.name, record_id))
        _read_created(push, attempt, record_id, probed.edited.get(record_id, frozenset()))
    elif found or doubtful:
        listed = ", ".join(map(str, sorted(found or doubtful)))
        told = f"several records could be it: {listed}" if found else f"it may be {listed}, which shows other values"
        words = f"was sent, and {told}; say which: mirror resolve NEW{first.record_id} --take ID, or --take none"
        push.stay_unknown(attempt.changes, words)
    else:
        _again(push, attempt, "did not arrive", timedelta(seconds=push.options.settle_seconds))


def _probe(push: Pushing, attempt: Step) -> Probed:
    first = attempt.changes[0]
    return push.run.connector.probe(write_of(push.layout(first), attempt, since=first.sent_at))


def _fuller(push: Pushing, attempt: Step) -> list[Step]:
    """Return other creations without an answer that said more: what fits one of them too is rather that one."""
    others = [each for each in _attempts(push.open([State.UNKNOWN])) if each.record[1] < 0 and each.record != attempt.record]
    return [
        each
        for each in others
        if each.changes[0].action is Action.CREATE
        and each.record[0] == attempt.record[0]
        and len(each.changes) > len(attempt.changes)
    ]


def _is_ours(push: Pushing, record: Record) -> bool:
    """Return whether a record is known to be another one that was created here."""
    if any(each.temporary_id is not None for each in push.queue.log(push.source, record=record)):
        return True
    return any(each.action is Action.CREATE for each in push.queue.open(push.source, record=record))


def _read_created(push: Pushing, attempt: Step, record_id: int, edited: Collection[str]) -> None:
    name = attempt.record[0]
    ids = {each.id for each in attempt.changes}
    now = [each for each in push.queue.open(push.source, record=(name, record_id)) if each.id in ids]
    sight = look(push.run, push.pool, {(name, record_id)})
    seen = sight.seen.get((name, record_id))
    if seen is not None:
        settle_fields(push, Step(Action.CREATE, tuple(now)), seen, edited=edited)
    elif sight.failure is None:
        push.settle(now, End.ADOPTED, "found on the tracker, but not to be read here")


def _settle_absent(push: Pushing, attempt: Step) -> None:
    """Settle what was sent to a record that a listing does not show any more."""
    name, record_id = attempt.record
    if attempt.action is Action.OPERATE and push.run.connector.took_effect(_write(push, attempt)):
        push.settle(attempt.changes, End.ADOPTED)
        return
    fate = push.run.connector.fate(push.run.layouts[name].type, record_id)
    if attempt.action is Action.DELETE and fate is not Fate.PRESENT:
        push.settle(attempt.changes, End.ADOPTED)
    elif attempt.action is Action.CREATE:
        push.settle(attempt.changes, End.ADOPTED, "created, but the tracker does not list it for us")
    elif fate is Fate.PRESENT:
        push.stay_unknown(attempt.changes, "was sent, and its record is not listed just now")
    else:
        push.put_back(attempt.changes, State.CONFLICT, "the record is gone on the tracker", {})


def _settle_probed(push: Pushing, attempt: Step) -> None:
    """Look for a comment or a file; one that is there may also be another one of ours that looks the same."""
    found = push.run.connector.probe(_write(push, attempt)).found
    if not found:
        _again(push, attempt, "did not arrive", timedelta(seconds=push.options.settle_seconds))
    elif _left_over(push, attempt) == 1:
        push.settle(attempt.changes, End.ADOPTED)
    else:
        listed = ", ".join(map(str, found))
        words = f"was sent, and it is not clear which of these is it, if any: {listed}"
        push.stay_unknown(attempt.changes, f"{words}; answer with: mirror resolve --take ID or none")


def _left_over(push: Pushing, attempt: Step) -> int:
    """Return how many comments or files like this one the tracker has beyond those of ours that are known to be others.

    Counted from when the first of these was sent, for nobody knows how long before its answer the tracker had it.
    """
    change = attempt.changes[0]
    sent_at = change.sent_at or _EVER
    earliest = sent_at - timedelta(seconds=push.options.settle_seconds)
    others = [
        each.change
        for each in push.queue.log(push.source, record=record_of(change))
        if each.end in (End.DONE, End.ADOPTED) and each.change.action is change.action
        if each.change.sent_at is not None and each.change.sent_at >= earliest
    ]
    since = min((sent_at, *(each.sent_at for each in others if each.sent_at is not None)))
    there = {*push.run.connector.probe(replace(_write(push, attempt), since=since)).found}
    return len(there) - sum(_is_among(push, each, change, there, since) for each in others)


def _is_among(push: Pushing, other: Change, change: Change, there: Collection[int], since: datetime) -> bool:
    """Return whether a probe takes another comment or file of ours for one of those that it found for a change."""
    if other.action is Action.ATTACH and (other.value or {}).get("digest") != (change.value or {}).get("digest"):
        return False  # its content may not be kept any more
    write = write_of(push.layout(other), Step(other.action, (other,)), since=since, content=push.queue.blob)
    return not {*push.run.connector.probe(write).found}.isdisjoint(there)


def _settle_asked(push: Pushing, attempt: Step) -> None:
    done = push.run.connector.took_effect(_write(push, attempt))
    if done:
        push.settle(attempt.changes, End.ADOPTED)
    elif done is None:
        words = (
            "was sent, and the tracker does not tell whether it was done; answer with mirror resolve --take done or again"
        )
        push.stay_unknown(attempt.changes, words)
    else:
        _again(push, attempt, "was not done", _lag(push))


def _write(push: Pushing, attempt: Step) -> Write:
    first = attempt.changes[0]
    return write_of(push.layout(first), attempt, revision=first.base_revision, since=first.sent_at, content=push.queue.blob)
