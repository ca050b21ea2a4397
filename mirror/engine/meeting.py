"""What becomes of a change that waits when it meets what the tracker shows, without deciding it for good. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from mirror.engine.referring import FIELD_ACTIONS, record_of
from mirror.engine.seeing import Seen, Sight
from mirror.merge.fields import Verdict, decide
from mirror.merge.policy import winner
from mirror.model.cells import is_current
from mirror.model.change import Action, Change, End, Side, State
from mirror.model.layout import Layout
from mirror.model.page import main_part

_SINCE = "changed on the tracker since"
_GONE = "the record is gone on the tracker"


@dataclass(frozen=True, slots=True)
class Met:
    """A change as a push would have it.

    Attributes:
        change: None when nothing of it would be left to send.
        end: how it would end without being sent; None when it goes on.
        note: for people; "" when it met nothing.
    """

    id: int
    change: Change | None
    end: End | None = None
    note: str = ""


def meet(layouts: Mapping[str, Layout], change: Change, sight: Sight, policies: Mapping[str, Side]) -> Met:
    """Return what would become of a change; it stays as it is where its record was not looked at."""
    record = record_of(change)
    if change.state not in (State.READY, State.CONFLICT) or change.type_name not in layouts:
        return Met(change.id, change)
    if record in sight.missing:
        return _without_record(change)
    seen = sight.seen.get(record)
    if seen is None:
        why = sight.unreadable.get(record, "")
        return Met(change.id, change, note=f"cannot be read just now: {why}" if why and sight.failure is None else "")
    if not is_current(seen.layout, change):
        return Met(change.id, change)
    if change.action is Action.UPDATE:
        return _field(seen, change, policies)
    if change.action in FIELD_ACTIONS and seen.shows(change):
        return _already(change)
    if change.action is Action.DELETE and change.state is State.READY:
        same = main_part(seen.revision) == main_part(change.base_revision or "")
        return Met(change.id, change) if same else _conflict(change, _SINCE)
    return Met(change.id, change)


def _field(seen: Seen, change: Change, policies: Mapping[str, Side]) -> Met:
    remote = seen.remote(change) or {}
    decision = decide(seen.layout, change.field, change.base or {}, change.value or {}, remote)
    match decision.verdict:
        case Verdict.KEEP:
            return Met(change.id, replace(change, state=State.READY, reason="", remote=None))
        case Verdict.ALREADY:
            return _already(change)
        case Verdict.MERGED:
            merged = replace(change, base=remote, value=decision.value, state=State.READY, reason="", remote=None)
            return Met(change.id, merged, note="merged with what was changed on the tracker since")
    side = winner(policies, change.type_name, change.field)
    if side is Side.REMOTE:
        return Met(change.id, None, End.OVERRULED, f"the settings keep what the tracker has: {seen.words(change)}")
    if side is Side.LOCAL:
        kept = replace(change, base=remote, state=State.READY, reason="", remote=None)
        return Met(change.id, kept, note=f"the settings have it replace what the tracker has: {seen.words(change)}")
    return _conflict(replace(change, remote=remote), change.reason or f"{_SINCE}: there it is {seen.words(change)}")


def _without_record(change: Change) -> Met:
    if change.action is Action.DELETE:
        return Met(change.id, None, End.ALREADY, _GONE)
    return _conflict(replace(change, remote={}), _GONE)


def _already(change: Change) -> Met:
    return Met(change.id, None, End.ALREADY, "the tracker has it already")


def _conflict(change: Change, reason: str) -> Met:
    return Met(change.id, replace(change, state=State.CONFLICT, reason=reason), note=reason)
