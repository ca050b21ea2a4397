"""Sends the writes of one wave, several at once, each once: marked as sent before, and recorded as answered after."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass

from mirror.engine.plan import Step
from mirror.engine.pushing import SLACK, Pushing
from mirror.errors import AuthError, RemoteError
from mirror.model.change import Action
from mirror.model.write import Receipt, Write

Answer = Receipt | RemoteError


@dataclass(frozen=True, slots=True)
class Job:
    """A step, and the write that does it."""

    step: Step
    write: Write
    touches: frozenset[str]


@dataclass(frozen=True, slots=True)
class Answered:
    """A job that was sent, and what came of it.

    Attributes:
        step: as it is now: a record that was created has its own id.
    """

    step: Step
    write: Write
    answer: Answer


def send_all(push: Pushing, jobs: Sequence[Job]) -> list[Answered]:
    """Send these writes, of different records, and return those that were sent, in the order in which they were answered.

    Whatever is in flight when the push is paused or interrupted is still waited for.
    """
    pending = list(jobs)
    flying: dict[Future[Sequence[Answer]], list[Job]] = {}
    answered: list[Answered] = []
    broken: Exception | None = None
    while True:
        while len(flying) < push.run.source.concurrency and broken is None and not push.is_over:
            chunk = _next(push, pending, [one for each in flying.values() for one in each])
            if not chunk:
                break
            flying[push.pool.submit(push.run.connector.send, [each.write for each in chunk])] = chunk
        if not flying:
            break
        for each in _first_done(push, flying):
            sent = flying.pop(each)
            error = each.exception()
            if error is None:
                answered += [_note(push, job, answer) for job, answer in zip(sent, each.result(), strict=True)]
            elif isinstance(error, RemoteError):
                answered += [_note(push, job, error) for job in sent]
            else:
                broken = broken or (error if isinstance(error, Exception) else RuntimeError(str(error)))
    if broken is not None:
        raise broken
    return answered


def _first_done(push: Pushing, flying: Collection[Future[Sequence[Answer]]]) -> set[Future[Sequence[Answer]]]:
    try:
        return wait(flying, return_when=FIRST_COMPLETED).done
    except KeyboardInterrupt:
        if push.interrupted:
            raise
        push.interrupted = True
        return set()


def _next(push: Pushing, pending: list[Job], flying: Sequence[Job]) -> list[Job]:
    """Take as many jobs out of `pending` as one request may carry, none of which touches what is being written.

    They are marked as sent, in one transaction; those that somebody has changed since they were looked at are left out.
    """
    while chunk := _fitting(push, pending, flying):
        claimed = _claimed(push, chunk)
        if claimed:
            return claimed
    return []


def _fitting(push: Pushing, pending: list[Job], flying: Sequence[Job]) -> list[Job]:
    """Take jobs out of `pending` that may go together; one on which the tracker has failed goes alone.

    It may fail for the sake of another.
    """
    busy = {word for each in flying for word in each.touches}
    chunk: list[Job] = []
    for each in list(pending):
        if len(chunk) == push.run.connector.capabilities.writes_at_once:
            break
        goes_alone = any(one.id in push.failures for one in each.step.changes)
        if busy & each.touches or (goes_alone and chunk):
            continue
        pending.remove(each)
        chunk.append(each)
        busy |= each.touches
        if goes_alone:
            break
    return chunk


def _claimed(push: Pushing, chunk: Sequence[Job]) -> list[Job]:
    """Mark the changes of these jobs as sent; return those jobs that may be sent."""
    attempts = [[each.id for each in job.step.changes] for job in chunk]
    push.tries.update(each for ids in attempts for each in ids)
    numbers = push.queue.mark_each_sent(push.run.layouts, attempts, push.tracker_time() - SLACK)
    return [job for job, number in zip(chunk, numbers, strict=True) if number is not None]


def _note(push: Pushing, job: Job, answer: Answer) -> Answered:
    """Record at once what must not be forgotten: the id of a record that was created."""
    if isinstance(answer, AuthError):
        push.pause(answer)
    step = job.step
    if job.step.action is Action.CREATE and isinstance(answer, Receipt):
        name, temporary_id = job.step.record
        push.queue.promote(push.run.layouts, job.write.layout, temporary_id, answer.record_id)
        push.promoted((name, temporary_id), (name, answer.record_id))
        ids = {each.id for each in step.changes}
        now = [each for each in push.queue.open(push.source, record=(name, answer.record_id)) if each.id in ids]
        step = Step(Action.CREATE, tuple(now))
    return Answered(step, job.write, answer)
