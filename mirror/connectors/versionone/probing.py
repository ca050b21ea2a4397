"""What a write without an answer has done after all.

Source: versionone.md §6.2, §6.3 (what operations leave behind), §5.4 (CreatedBy, CreateDateUTC).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence

from mirror.connectors.base import Probed
from mirror.connectors.versionone import ranking
from mirror.connectors.versionone.abilities import DELETE, UNDELETE
from mirror.connectors.versionone.attaching import attached
from mirror.connectors.versionone.convert import stamp
from mirror.connectors.versionone.discussing import ours_since, said
from mirror.connectors.versionone.history import moment_in, moments_of, one, versions_of
from mirror.connectors.versionone.matching import odd_now, odd_then
from mirror.connectors.versionone.meta import MOMENT
from mirror.connectors.versionone.question import Flat, Pick, Question, id_in
from mirror.connectors.versionone.writers import Place, oid, rows_of
from mirror.model.change import Action
from mirror.model.write import Write

_CLOSED = range(128, 192)  # §6.3 Q: the closed family
_STATE = "AssetState"
_MADE, _CHANGED = "CreateDateUTC", "ChangeDateUTC"

_STATES: Mapping[str, Sequence[int]] = {
    "Inactivate": _CLOSED,
    "QuickClose": _CLOSED,
    "Close": _CLOSED,
    "Reactivate": (64,),
    "Activate": (64,),
    "MakeFuture": (0,),
}
"""Operation -> the codes of AssetState that it leaves (§6.3 D)."""

_MARKS: Mapping[str, tuple[str, str]] = {
    "MarkAsRead": ("IsRead", "true"),
    "MarkAsUnread": ("IsRead", "false"),
    "MarkAsArchived": ("IsArchived", "true"),
    "MarkAsUnarchived": ("IsArchived", "false"),
}
"""Operation -> the attribute that it sets, and to what (§6.2 S)."""


def probe(place: Place, write: Write) -> Probed:
    """Return what a CREATE, COMMENT or ATTACH has made."""
    match write.action:
        case Action.COMMENT:
            return Probed(tuple(said(place, write)))
        case Action.ATTACH:
            return Probed(tuple(attached(place, write)))
        case _:
            return _made(place, write)


def _made(place: Place, write: Write) -> Probed:
    """Return our records made since, with all values that were sent; of those that others have edited, in the first version.

    One that has our name and other values is in doubt, for the server may have changed what it was sent; so is one whose
    versions cannot be read.
    """
    picks = tuple(Pick(each) for each in (MOMENT, _MADE, _CHANGED))
    rows = rows_of(place, Question(write.layout.type.name, picks, ours_since(place, write)))
    odd = odd_now(place, write, [id_in(row["_oid"]) for row in rows])
    edited = [key for row in rows if odd.get(key := id_in(row["_oid"])) and _may_be_edited(row)]
    odd_at_first = dict(zip(edited, odd_then(place, write, edited), strict=True))
    first = {key: odd_at_first.get(key, names) for key, names in odd.items()}
    found = tuple(key for key, names in first.items() if names is not None and not names)
    doubtful = tuple(key for key, names in first.items() if names is None or _is_named_so(write, names))
    return Probed(found, doubtful, {key: odd[key] for key in found if odd[key]})


def _may_be_edited(row: Flat) -> bool:
    """Return whether a record may have changed since it was made; within one second, some servers do not tell."""
    made, changed = (stamp(one(row.get(each))) for each in (_MADE, _CHANGED))
    return made is None or made != changed or made.endswith(".000Z")


def _is_named_so(write: Write, odd: Collection[str]) -> bool:
    return bool(odd) and write.layout.type.name_field in write.values.keys() - odd


def took_effect(place: Place, write: Write) -> bool | None:
    """Return whether a RANK or OPERATE was done; None for operations that leave nothing to tell them by."""
    if write.action is Action.RANK:
        return ranking.took_effect(place, write)
    if write.operation in (DELETE, UNDELETE):
        is_there = bool(moments_of(place, write.layout.type.name, [write.record_id or 0]))
        return is_there == (write.operation == UNDELETE)
    if write.operation in _STATES:
        codes = _STATES[write.operation]
        return _was_seen(place, write, _STATE, lambda row: int(one(row.get(_STATE)) or 0) in codes)
    if write.operation in _MARKS:
        name, text = _MARKS[write.operation]
        return _was_seen(place, write, name, lambda row: str(one(row.get(name))).lower() == text)
    return None


def _was_seen(place: Place, write: Write, name: str, test: Callable[[Flat], bool]) -> bool | None:
    """Return whether some version since the write was planned is as the operation leaves it; somebody may have undone it.

    Without a history, what the record shows now decides as far as it goes.
    """
    before = moment_in(write.revision)
    versions = versions_of(place, oid(write), before, (name,))
    if versions is not None:
        return any(test(each.row) for each in versions if each.moment > before)
    terms = (f"ID='{oid(write)}'",)
    rows = rows_of(place, Question(write.layout.type.name, (Pick(MOMENT), Pick(name)), terms))
    if not rows:
        return None
    if test(rows[0]):
        return True
    return False if str(one(rows[0].get(MOMENT))) == str(before) else None
