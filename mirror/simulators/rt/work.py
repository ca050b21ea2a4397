"""One user at work: every change goes through here, gets its stamps and leaves its transaction behind."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from mirror.simulators.rt.columns import COLUMNS, OBJECT_TYPES
from mirror.simulators.rt.dates import stored, zone_named
from mirror.simulators.rt.rights import Rights
from mirror.simulators.rt.state import Row, State, View
from mirror.simulators.rt.switches import Switches

RT_SYSTEM = 1
NOBODY = 6
ROOT = 14
DENIED = "Permission Denied"


class RefusedError(Exception):
    """A change that RT answers with an error status.

    Attributes:
        status: of HTTP.
        text: the message.
    """

    def __init__(self, status: int, text: str) -> None:
        self.status = status
        self.text = text
        super().__init__(text)


@dataclass(slots=True)
class Work:
    """What one user does in one request."""

    state: State
    user: int
    moment: datetime
    switches: Switches
    view: View
    rights: Rights

    @classmethod
    def of(cls, state: State, user: int, moment: datetime, switches: Switches) -> Work:
        """Return the work of `user` on the present state."""
        view = View(state)
        return cls(state, user, moment, switches, view, Rights(view, user))

    @property
    def stamp(self) -> str:
        """Now, as it is stored."""
        return stored(self.moment)

    @property
    def zone(self) -> ZoneInfo:
        """The user's zone."""
        return zone_named(self.view.row("user", self.user).get("Timezone"), self.switches.default_timezone)

    def system(self) -> Work:
        """Return RT's own work at this moment."""
        return Work.of(self.state, RT_SYSTEM, self.moment, self.switches)

    def insert(self, table: str, *, number: int | None = None, **values: Any) -> int:
        """Store a new row, with its stamps; columns that are not given are NULL. Return its number."""
        if number is None:
            number = self.state.next_id(table)
        else:
            self.state.reserve(table, number)
        own = {"Creator": self.user, "Created": self.stamp, "LastUpdatedBy": self.user, "LastUpdated": self.stamp}
        columns = COLUMNS.get(table, {})
        row: Row = {name: own.get(name) for name in columns} | values | {"id": number}
        self.state.put(table, number, row, self.moment)
        return number

    def change(self, table: str, number: int, *, touch: bool = True, **values: Any) -> None:
        """Replace values of a row; its stamp moves along unless `touch` is False."""
        row = {**self.view.row(table, number), **values}
        if touch:
            row |= {"LastUpdatedBy": self.user, "LastUpdated": self.stamp}
        self.state.put(table, number, row, self.moment)

    def remove(self, table: str, number: int) -> None:
        """Remove a row."""
        self.state.put(table, number, None, self.moment)

    def note(self, table: str, number: int, kind: str, *, touch: bool = True, **values: Any) -> int:
        """Record a transaction of an object, whose stamp moves along, and return the transaction's number."""
        self.state.release()
        found = self.insert(
            "transaction", ObjectType=OBJECT_TYPES[table], ObjectId=number, Type=kind, **{"TimeTaken": 0, **values}
        )
        every = self.switches.late_transactions
        if every and found % every == 0:
            self.state.hold(found, self.moment)
        if touch:
            self.change(table, number)
        return found
