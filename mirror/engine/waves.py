"""One wave of a push: look at the records, send what is still wanted, read everything back, and settle it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from mirror.engine.deletions import settle_absent
from mirror.engine.plan import Step
from mirror.engine.pushing import SLACK, TRIES, Ended, Pushing
from mirror.engine.referring import FIELD_ACTIONS, Record
from mirror.engine.seeing import Seen, Sight, look
from mirror.engine.sending import Answered, Job, send_all
from mirror.engine.settling import settle_there, settle_unknown, took_place_of
from mirror.engine.traces import look_through
from mirror.engine.writing import write_of
from mirror.errors import AuthError, RefusedError, RemoteError, RetryableError, StaleError
from mirror.model.change import Action, Change, End, State
from mirror.model.event import Waiting
from mirror.model.page import main_part
from mirror.model.write import Receipt, Target

_AT_ONCE = 4  # steps of a wave for each thread: enough to keep all busy, few enough that little time passes after the look
_REQUESTS = 4  # of a wave whose requests carry many steps each, as far as so many may be in flight at once
_LONGEST_WAIT_SECONDS = 300.0
_FIRST_PAUSE_SECONDS = 0.25


def steps_of_wave(push: Pushing) -> list[Step]:
    """Return the steps that may be sent now, as many as go into one wave."""
    threads, at_once = push.run.source.concurrency, push.run.connector.capabilities.writes_at_once
    size = max(threads * _AT_ONCE, min(threads, _REQUESTS) * at_once)
    return _free(push)[:size]


def _free(push: Pushing) -> list[Step]:
    steps = push.plan().steps
    return [each for each in steps if not each.after and push.may_write(each.record) and not push.is_exhausted(each.changes)]


def run_wave(push: Pushing, steps: Sequence[Step]) -> None:
    """Do these steps, as far as they are still wanted once their records were looked at."""
    records = {each.record for each in steps}
    sight = look_before(push, {each for each in records if each[1] > 0})
    if sight.failure is not None:
        push.pause(sight.failure)
        return
    wanted = [each for each in _free(push) if each.record in records]
    answered = send_all(push, _jobs(push, wanted, sight))
    _settle(push, answered)
    if push.wait_seconds and not push.is_over:
        push.run.emit(Waiting(push.source, push.wait_seconds, "the tracker is busy"))
        push.sleep(push.wait_seconds)
    push.wait_seconds = 0.0


def look_before(push: Pushing, records: set[Record]) -> Sight:
    """Read the records that are to be written, and let what the tracker has meet what waits for them."""
    sight = look_through(push, records)
    if sight.failure is not None:
        return sight
    _bury(push, sight)
    push.apply_policies()
    for each in records - sight.seen.keys():
        left = [one for one in push.queue.open(push.source, record=each) if one.state is State.READY]
        push.give_up(left, f"cannot be read just now: {sight.unreadable.get(each, 'the tracker does not list the record')}")
    return sight


def _bury(push: Pushing, sight: Sight) -> None:
    """Tombstone records that are gone on the tracker; changes that wait for them become conflicts, deletions end."""
    absent: dict[str, set[int]] = {}
    for name, record_id in sight.missing:
        absent.setdefault(name, set()).add(record_id)
    if absent:
        settle_absent(push.run, absent)


def _jobs(push: Pushing, steps: Sequence[Step], sight: Sight) -> list[Job]:
    jobs: list[Job] = []
    for each in steps:
        seen = sight.seen.get(each.record)
        if seen is None and each.action is not Action.CREATE:
            continue
        write = write_of(
            push.layout(each.changes[0]),
            each,
            revision=None if seen is None else seen.revision,
            since=push.tracker_time() - SLACK,
            name_of=lambda target: _name(push, target),
            content=push.queue.blob,
        )
        jobs.append(Job(each, write, push.run.connector.touches(write)))
    return jobs


def _name(push: Pushing, target: Target) -> str | None:
    layout = push.run.layouts.get(target.type_name)
    return None if layout is None else push.run.store.names(layout, [target.id]).get(target.id)


# what came of it


def _settle(push: Pushing, answered: Sequence[Answered]) -> None:
    lost: list[Answered] = []
    to_read: list[Answered] = []
    nothing_done = all(isinstance(each.answer, RetryableError) and each.answer.is_unsent for each in answered)
    for each in answered:
        match each.answer:
            case AuthError():
                push.put_back(each.step.changes, State.READY, str(each.answer))
            case StaleError():
                push.put_back(each.step.changes, State.READY, f"was changed on the tracker meanwhile: {each.answer}")
            case RetryableError() as error if error.is_unsent:
                _wait_for(push, each, error, nothing_done=nothing_done)
            case RefusedError() | Receipt():
                to_read.append(each)
            case error:
                _lose(push, each, error)
                lost.append(each)
    _read_back(push, to_read)
    if lost and not push.is_over:
        _wait_for_lag(push, lost)
        settle_unknown(push)


def _lose(push: Pushing, answered: Answered, error: RemoteError) -> None:
    """Leave it open what became of a write."""
    changes = answered.step.changes
    wait = 0.0
    if isinstance(error, RetryableError):
        wait = min(error.after_seconds or 0.0, _LONGEST_WAIT_SECONDS)
    for each in changes:
        push.failures.pop(each.id, None)
        if isinstance(error, RetryableError) and error.is_answered:
            push.failures[each.id] = str(error)
            wait = max(wait, 2.0 ** (push.tries[each.id] - 1))
    push.wait_seconds = max(push.wait_seconds, wait)
    push.lost.update(each.id for each in changes)
    push.put_back(changes, State.UNKNOWN, f"no answer came: {error}")


def _wait_for_lag(push: Pushing, lost: Sequence[Answered]) -> None:
    """Wait until reads surely show what came of writes on which the tracker failed, so that they can be tried again."""
    seconds = push.run.connector.capabilities.lag.total_seconds()
    if seconds and any(one.id in push.failures for each in lost for one in each.step.changes):
        push.run.emit(Waiting(push.source, seconds, "what came of a failed write may not show yet"))
        push.sleep(seconds)


def _wait_for(push: Pushing, answered: Answered, error: RetryableError, *, nothing_done: bool) -> None:
    """Have a write that was not done sent again, after the wait that the tracker asks for.

    Args:
        nothing_done: so it was with all that were sent together; when that goes on the tracker is left alone.
    """
    push.put_back(answered.step.changes, State.READY, str(error))
    tried = max(push.tries[each.id] for each in answered.step.changes)
    if (tried >= TRIES and nothing_done) or (error.after_seconds or 0.0) > _LONGEST_WAIT_SECONDS:
        push.pause(error)
    push.wait_seconds = max(push.wait_seconds, error.after_seconds or 2.0 ** (tried - 1))


def _read_back(push: Pushing, answered: Sequence[Answered]) -> None:
    """Read what was written, and settle each change by what the tracker shows."""
    sight = look(push.run, push.pool, {each.step.record for each in answered if each.step.record[1] > 0})
    _look_again(push, answered, sight)
    done: list[Answered] = []
    for each in answered:
        if _is_done(each, sight):
            done.append(each)
        else:
            _conclude(push, each, sight)
    push.settle_all([_ended(each, sight, fields=False) for each in done])
    push.settle_all([_ended(each, sight, fields=True) for each in done])
    if sight.failure is not None:
        push.pause(sight.failure)


def _look_again(push: Pushing, answered: Sequence[Answered], sight: Sight) -> None:
    """Read once more what was accepted and still shows as before: where reads may lag, that says nothing."""
    seconds = push.run.connector.capabilities.lag.total_seconds()
    for pause in _pauses(seconds):
        late = {each.step.record for each in answered if _is_late(each, sight)}
        if not late or sight.failure is not None:
            return
        push.sleep(pause)
        again = look(push.run, push.pool, late)
        sight.seen |= again.seen
        sight.missing = (sight.missing - late) | again.missing
        sight.unreadable = {key: why for key, why in sight.unreadable.items() if key not in late} | again.unreadable
        sight.failure = again.failure


def _pauses(seconds: float) -> Iterator[float]:
    """Yield waits that grow, `seconds` in all."""
    pause = _FIRST_PAUSE_SECONDS
    while seconds > 0:
        yield min(pause, seconds)
        seconds -= pause
        pause *= 2


def _is_late(answered: Answered, sight: Sight) -> bool:
    """Return whether a record shows the version that it had before a write which the tracker says it has done."""
    step, seen = answered.step, sight.seen.get(answered.step.record)
    if not isinstance(answered.answer, Receipt) or answered.answer.overwritten:
        return False
    if step.action is Action.CREATE:
        return seen is None and step.record in sight.missing
    if seen is None or main_part(seen.revision) != main_part(answered.write.revision or ""):
        return False
    fields = [each for each in step.changes if each.action in FIELD_ACTIONS]
    return step.action is Action.DELETE or not all(seen.shows(each) for each in fields)


def _is_done(answered: Answered, sight: Sight) -> bool:
    """Return whether the tracker says so of a record and all its fields, and they are read back as they were wanted."""
    step, seen = answered.step, sight.seen.get(answered.step.record)
    if not isinstance(answered.answer, Receipt) or answered.answer.overwritten or seen is None:
        return False
    is_told = step.action in (Action.CREATE, Action.UPDATE)
    return is_told and all(seen.shows(each) for each in step.changes if each.action in FIELD_ACTIONS)


def _ended(answered: Answered, sight: Sight, *, fields: bool) -> Ended:
    """Return the end of what `_is_done`: of the fields, or of the rest, which is settled before them."""
    chosen = [each for each in answered.step.changes if (each.action in FIELD_ACTIONS) is fields]
    words = "; ".join(answered.answer.words) if isinstance(answered.answer, Receipt) else ""
    return Ended(chosen, End.DONE, words, sight.seen[answered.step.record].revision)


def _conclude(push: Pushing, answered: Answered, sight: Sight) -> None:
    step, seen = answered.step, sight.seen.get(answered.step.record)
    if isinstance(answered.answer, Receipt):
        _accepted(push, answered, answered.answer, sight)
    elif step.action is Action.UPDATE and seen is not None:
        _refused_fields(push, step, seen, str(answered.answer))
    elif step.action is Action.UPDATE and sight.failure is not None:
        push.put_back(step.changes, State.UNKNOWN, f"was refused, and cannot be read again: {answered.answer}")
    else:
        first, rest = step.changes[0], step.changes[1:]
        push.put_back(rest, State.READY, "")  # the values of a record that was not created wait for it
        push.put_back([first], State.REFUSED, str(answered.answer))


def _accepted(push: Pushing, answered: Answered, receipt: Receipt, sight: Sight) -> None:
    step, words = answered.step, "; ".join(receipt.words)
    seen = sight.seen.get(step.record)
    revision = None if seen is None else seen.revision
    if step.action is Action.DELETE and seen is not None:
        push.put_back(step.changes, State.REFUSED, words or "the tracker accepted it and still shows the record")
        return
    fields = [each for each in step.changes if each.action in FIELD_ACTIONS]
    push.settle([each for each in step.changes if each not in fields], End.DONE, words, revision)
    if seen is not None:
        _accepted_fields(push, fields, seen, receipt)
    elif step.action is Action.CREATE and sight.failure is None and step.record not in sight.unreadable:
        push.settle(fields, End.DONE, "created, but the tracker does not list the record for us")
    else:
        push.put_back(fields, State.UNKNOWN, "was accepted, and could not be read back")


def _accepted_fields(push: Pushing, changes: Sequence[Change], seen: Seen, receipt: Receipt) -> None:
    words = "; ".join(receipt.words)
    overwritten = {each.id: receipt.overwritten[each.field] for each in changes if each.field in receipt.overwritten}
    there = [each for each in changes if each.id not in overwritten and seen.shows(each)]
    push.settle(there, End.DONE, words, seen.revision)
    for each in changes:
        if each.id in overwritten:
            push.put_back([each], State.CONFLICT, took_place_of(overwritten[each.id]))
        elif each not in there:
            shown = seen.words(each)
            reason = f"{words}; it shows {shown}" if words else f"the tracker accepted it and shows {shown}"
            push.put_back([each], State.REFUSED, reason, seen.remote(each))


def _refused_fields(push: Pushing, step: Step, seen: Seen, words: str) -> None:
    """Settle the fields of an update that was refused; those that were refused together are tried again one by one."""
    there = [each for each in step.changes if seen.shows(each)]
    try:
        settle_there(push, there, End.DONE, words, seen.revision)
    except RemoteError as error:
        push.put_back(there, State.UNKNOWN, f"is there, and whose value it replaced cannot be read: {error}")
    left = [each for each in step.changes if each not in there]
    if len(left) > 1:
        push.apart.update(each.id for each in left)
        push.put_back(left, State.READY, words)
    else:
        push.put_back(left, State.REFUSED, words)
