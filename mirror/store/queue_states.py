"""What the state and the kind of a change mean for whoever handles it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from mirror.model.change import Action, Change, End, State

SINCE = "changed on the tracker since"
GONE = "the record is gone on the tracker"
TOUCHING = (Action.CREATE, Action.UPDATE, Action.LINK, Action.UNLINK)  # their record's row shows them
LINKING = (Action.LINK, Action.UNLINK)
OF_TRACKER = (End.DONE, End.ADOPTED, End.ALREADY)  # ends after which the tracker has what was wanted


def is_captured(change: Change) -> bool:
    """Return whether SQL made the change and nobody has looked at it."""
    return change.state is State.CAPTURED


def is_frozen(change: Change) -> bool:
    """Return whether the change may not be altered now."""
    return change.is_in_flight or is_captured(change)


def is_gone(change: Change) -> bool:
    """Return whether the change waits because its record is gone on the tracker."""
    return change.state is State.CONFLICT and change.remote == {}


def label_of(record_id: int) -> str:
    """Return what people call a record without a key of its own."""
    return f"NEW{record_id}" if record_id < 0 else str(record_id)


def tracker_cells(changes: Iterable[Change]) -> dict[str, Any]:
    """Return column -> cell as the tracker has it, of the columns that these changes of one record touch."""
    found: dict[str, Any] = {}
    for each in changes:
        if each.action is Action.UPDATE:
            known = {**(each.base or {}), **(each.remote or {})}
            found = {**known, **found}
    return found
