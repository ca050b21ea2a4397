"""What became of each change of a push, told from the queue and the log so that none is forgotten."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, replace

from mirror.engine.pushing import Pushing
from mirror.engine.showing import ShownChange
from mirror.model.change import Action, Change, End, LogEntry

_USUAL_LINES = 2  # of the log for each change that ended, where all went well
_LOG_LINES = 20  # of the log for each change that ended: it, its earlier attempts, and what others did meanwhile
_DONE = (End.DONE, End.ADOPTED, End.ALREADY)
_FINAL = (*_DONE, End.DISCARDED, End.OVERRULED)


@dataclass(frozen=True, slots=True)
class PushedChange:
    """A change, and what has become of it.

    Attributes:
        outcome: a word of End when it left the queue, else of State.
        words: what the tracker said, or why it still waits.
    """

    shown: ShownChange
    outcome: str
    words: str = ""

    @property
    def is_done(self) -> bool:
        """Whether the tracker has it."""
        return self.outcome in _DONE


def outcomes(push: Pushing, shown: Sequence[ShownChange]) -> tuple[PushedChange, ...]:
    """Return what has become of these changes, from the queue and from the log, so that none is forgotten."""
    now = push.open()
    left = {each.id: each for each in now}
    log = _log_of(push, [each.change.id for each in shown if each.change.id not in left])
    last = _last(log)
    found = [_outcome(each, left, last, log) for each in shown]
    fields = {each.shown.change.field for each in found if each.shown.change.field}
    return tuple(replace(each, words=own_words(each.words, each.shown.change.field, fields)) for each in found)


def _log_of(push: Pushing, gone: Sequence[int]) -> Sequence[LogEntry]:
    """Return the lines of the log that tell how these changes ended, newest first, and others about it."""
    log: Sequence[LogEntry] = []
    for lines in (_USUAL_LINES, _LOG_LINES) if gone else ():
        log = push.queue.log(push.source, limit=lines * len(gone))
        last = _last(log)
        if all(each in last and last[each].end in _FINAL for each in gone):
            break
    return log


def _last(log: Sequence[LogEntry]) -> dict[int, LogEntry]:
    """Return the newest line about each change, by its id."""
    return {each.change.id: each for each in reversed(log)}


def own_words(words: str, field: str, fields: Set[str]) -> str:
    """Return of what a tracker said about several fields that were sent together what is about this one.

    What names no other field that was pushed is about all of them: its words are kept as they are.
    """
    others = [each.casefold() for each in fields - {field}]
    parts = words.split("; ")
    mine = [each for each in parts if field.casefold() in each.casefold()]
    if not field or len(parts) < 2 or not mine:
        return words
    return "; ".join(each for each in parts if each in mine or not any(other in each.casefold() for other in others))


def _outcome(
    shown: ShownChange, left: Mapping[int, Change], last: Mapping[int, LogEntry], log: Sequence[LogEntry]
) -> PushedChange:
    """Return what became of one change, or of the one that took its place when a conflict was resolved.

    Args:
        left: what waits now, by id.
        last: the newest line of the log about each change, by its id.
    """
    waiting = left.get(shown.change.id)
    if waiting is None:
        entry = last.get(shown.change.id)
        if entry is None or entry.end not in _FINAL:
            waiting = next((each for each in left.values() if _is_like(shown.change, each)), None)
            entry = next((each for each in log if _is_like(shown.change, each.change, each.temporary_id)), entry)
    if waiting is not None:
        return PushedChange(shown, waiting.state.value, waiting.reason)
    if entry is None:
        return PushedChange(shown, End.DISCARDED.value, "another edit has taken its place")
    words = entry.words
    if entry.change.action is Action.CREATE and entry.end in _DONE:
        words = f"{entry.label or entry.change.record_id}{f': {words}' if words else ''}"
    return PushedChange(shown, entry.end.value, words)


def _is_like(change: Change, other: Change, temporary_id: int | None = None) -> bool:
    same = (change.type_name, change.action, change.field, change.item) == (
        other.type_name,
        other.action,
        other.field,
        other.item,
    )
    return same and change.record_id in (other.record_id, temporary_id) and other.id > change.id
