"""Which READY changes cannot be pushed now, and why. Pure.

What was refused, or waits for a person, stops what cannot be done without it, and nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from mirror.engine.referring import FIELD_ACTIONS, created, label_of, led_to, record_of
from mirror.model.change import Action, Change, State
from mirror.model.layout import Layout
from mirror.model.schema import Field

_STATES = {
    State.CAPTURED: "has not been looked at yet",
    State.READY: "cannot be pushed yet",
    State.SENT: "is on its way",
    State.UNKNOWN: "was sent, and whether it arrived is not known yet",
    State.REFUSED: "was refused",
    State.CONFLICT: "is in conflict with the tracker",
}
_ALONE = (Action.COMMENT, Action.ATTACH, Action.RANK)
"""While it is not known whether one of these was done, only more of its kind waits; else everything of the record does."""


class Blocking:
    """The changes of one source, with the reasons why some of them wait.

    Attributes:
        reasons: by the ids of READY changes.
    """

    def __init__(self, layouts: Mapping[str, Layout], changes: Sequence[Change]) -> None:
        self._layouts = layouts
        self._changes = changes
        self._makers = {each.record_id: each for each in changes if each.action is Action.CREATE and each.record_id < 0}
        self.reasons: dict[int, str] = {}
        for each in changes:
            if each.type_name not in layouts:
                self.block(each, f"the tracker offers no type {each.type_name} any more")
            elif each.action in FIELD_ACTIONS:
                self._block_field(each, layouts[each.type_name].type.field(each.field))

    def may_go(self, change: Change) -> bool:
        """Return whether a change may be pushed."""
        return change.state is State.READY and change.id not in self.reasons

    def block(self, change: Change, reason: str) -> None:
        """Have a change wait, if it does not already."""
        if change.state is State.READY:
            self.reasons.setdefault(change.id, reason)

    def _block_field(self, change: Change, field: Field | None) -> None:
        """Have a change of a field wait that the catalogue, as it is now, does not let it make."""
        if field is None:
            self.block(change, f"a {change.type_name} has no field {change.field} any more")
        elif field.read_only or (field.create_only and change.record_id > 0):
            self.block(change, f"{change.field} may not be changed any more")

    def block_behind(self, changes: Sequence[Change]) -> None:
        """Have changes of one record wait for earlier ones of it whose outcome they need.

        Args:
            changes: all that are open for it, by id.
        """
        deletion = next((each for each in changes if each.action is Action.DELETE), None)
        for at, each in enumerate(changes):
            if deletion is not None and each is not deletion:
                self.block(each, "its record is to be deleted")
            hindrance = next((one for one in changes[:at] if self._hinders(one, each)), None)
            if hindrance is not None:
                self.block(each, f"waits for {_words(hindrance)}, which {_STATES[hindrance.state]}")

    def spread(self) -> None:
        """Have changes wait for creations of records that cannot be created now, and those for their values."""
        before = -1
        while before != len(self.reasons):
            before = len(self.reasons)
            for each in self._changes:
                if self.may_go(each):
                    self._spread_to(each)

    def block_deletions(self) -> None:
        """Have a record stay as long as something that leads away from it waits."""
        waiting = [each for each in self._changes if not self.may_go(each) and each.type_name in self._layouts]
        going = [each for each in self._changes if each.action is Action.DELETE and self.may_go(each)]
        deletions = {record_of(each): each for each in going}
        for each in waiting if deletions else ():
            for record in led_to(self._layouts, each) & deletions.keys() - {record_of(each)}:
                reason = f"waits for {_words(each)} of {label_of(*record_of(each))}, which {_STATES[each.state]}"
                self.block(deletions[record], reason)

    def _hinders(self, earlier: Change, later: Change) -> bool:
        if self.may_go(earlier):
            return False
        if earlier.state in (State.SENT, State.UNKNOWN, State.CAPTURED):
            return earlier.action not in _ALONE or earlier.action is later.action
        if Action.OPERATE in (earlier.action, later.action):
            return {earlier.action, later.action} <= {Action.OPERATE, *FIELD_ACTIONS}
        return False

    def _spread_to(self, change: Change) -> None:
        needed = sorted(created(self._layouts[change.type_name], change), reverse=True)
        if change.record_id < 0 and change.action is not Action.CREATE:
            needed.insert(0, change.record_id)
        for each in needed:
            maker = self._makers.get(each)
            if maker is None:
                self.block(change, f"refers to NEW{each}, which is not there any more")
            elif not self.may_go(maker):
                self.block(change, f"waits for NEW{each}, {self._why(maker)}")
        if change.id in self.reasons and change.record_id < 0 and change.action in FIELD_ACTIONS:
            own = self._makers.get(change.record_id)
            if own is not None:
                self.block(own, self.reasons[change.id])

    def _why(self, maker: Change) -> str:
        if maker.state is State.READY:
            return f"which {self.reasons[maker.id]}"
        return f"which {_STATES[maker.state]}" + (
            f": {maker.reason}" if maker.state is State.REFUSED and maker.reason else ""
        )


def _words(change: Change) -> str:
    return change.field or f"its {change.action}"
