"""Whether RT's own operations on a ticket have been done: its owner tells, and where a merged ticket leads. rt.md §6.7"""

from __future__ import annotations

from collections.abc import Callable

from mirror.connectors.http import Answer, Request
from mirror.connectors.rt import history
from mirror.connectors.rt.account import Myself
from mirror.connectors.rt.encode import NOBODY
from mirror.connectors.rt.present import Reader
from mirror.errors import RefusedError, StaleError
from mirror.model.change import Action
from mirror.model.write import Write


def merge_target(write: Write) -> int:
    """Return the ticket that another one is to be merged into, the argument `into`.

    Raises:
        RefusedError: it is no number of a ticket.
    """
    text = write.arguments.get("into", "").strip().removeprefix("ticket:").removeprefix("#")
    if not (text.isascii() and text.isdigit()):
        raise RefusedError("merge needs the number of the ticket that stays, as in into=12")
    return int(text)


class Effects:
    """Looks for what operations do."""

    def __init__(self, send: Callable[[Request], Answer], reader: Reader, myself: Myself) -> None:
        self._send = send
        self._reader = reader
        self._myself = myself

    def shows(self, write: Write) -> bool:
        """Return whether the ticket looks as after the operation; it does not when it, or the one to merge into, is gone."""
        try:
            return self._shows(write)
        except StaleError:
            return False

    def _shows(self, write: Write) -> bool:
        if write.operation == "merge":
            return self._leads_to(write.record_id or 0, merge_target(write))
        owner = self._reader.document("ticket", write.record_id or 0).get("Owner")
        wanted = NOBODY if write.operation == "untake" else self._myself.account().name
        return isinstance(owner, dict) and str(owner.get("id")).casefold() == wanted.casefold()

    def took(self, write: Write) -> bool | None:
        """Return whether an operation of ours that was sent since `write.since` was done; None when that cannot be told."""
        if write.action is not Action.OPERATE:
            return None
        try:
            if self.shows(write):
                return True
            return False if write.operation == "merge" else self._was_done(write)
        except RefusedError:
            return None

    def _leads_to(self, ticket: int, into: int) -> bool:
        end = self._reader.document("ticket", into)
        return int(end["id"]) == int(self._reader.document("ticket", ticket)["id"])

    def _was_done(self, write: Write) -> bool | None:
        """Return whether the owner was changed so by us, although somebody may have changed it again since."""
        if write.since is None:
            return None
        me = self._myself.account()
        for each in history.since(self._send, "ticket", write.record_id or 0, write.since):
            is_ours = each.creator.casefold() == me.name.casefold() and each.type == "Set" and each.field == "Owner"
            if is_ours and (each.new == str(me.number)) == (write.operation != "untake"):
                return True
        return False
