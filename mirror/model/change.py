"""What waits to be written to a tracker, and what became of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

Cells = Mapping[str, Any]
"""Column name -> value in the form of a row: timestamps text `YYYY-MM-DDTHH:MM:SS.mmmZ`, dates text `YYYY-MM-DD`; a NUMERIC
is an int, a float, or its digits as text where neither holds it exactly. A reference has all its columns in here."""


class Action(StrEnum):
    """What a change does."""

    CREATE = "create"  # a record that has a temporary id here; its values are UPDATE and LINK changes of that id
    UPDATE = "update"  # one field
    LINK = "link"  # one item into a many-valued field
    UNLINK = "unlink"  # one item out of it
    DELETE = "delete"
    COMMENT = "comment"
    ATTACH = "attach"
    RANK = "rank"
    OPERATE = "operate"  # an operation of the tracker's own, such as Close or take


class State(StrEnum):
    """Where a change stands; every change that is stored in the queue has one of these."""

    CAPTURED = "captured"  # made by SQL and not looked at yet; its cells are of any columns
    READY = "ready"
    SENT = "sent"  # it is on its way, or was when the process died
    UNKNOWN = "unknown"  # it was sent and no answer came; reading the tracker settles it
    REFUSED = "refused"  # by the tracker, or by validation for one made by SQL; `reason` has the words
    CONFLICT = "conflict"  # somebody changed the same on the tracker; a person, or a policy, must choose


class End(StrEnum):
    """How a change, or one attempt to send it, ended; only in the log."""

    DONE = "done"  # the tracker has it, and it was read back
    ADOPTED = "adopted"  # no answer came, but the tracker was found to have it
    ALREADY = "already"  # the tracker had the same value before it was sent
    REFUSED = "refused"
    CONFLICT = "conflict"
    UNKNOWN = "unknown"
    UNSENT = "unsent"  # of an attempt: the tracker did nothing with it, so it waits again
    DISCARDED = "discarded"  # by a person
    OVERRULED = "overruled"  # a conflict was resolved for the tracker's value


class Side(StrEnum):
    """Whose value a conflict is resolved for."""

    LOCAL = "local"
    REMOTE = "remote"


class Via(StrEnum):
    """Through what a change was made."""

    CLI = "cli"
    API = "api"
    SQL = "sql"


@dataclass(frozen=True, slots=True)
class Change:
    """One change in the queue.

    Base and the open changes together give the local row, always.

    Attributes:
        id: ascending in the order they were made; 0 while it is not stored.
        record_id: negative for a record that was created here.
        field: of UPDATE, LINK and UNLINK the tracker's name of the field; of OPERATE the operation; else "".
        item: of LINK and UNLINK on Kind.LINKS the target as `id` or `Type:id`, on Kind.VALUES the value; of COMMENT and
            ATTACH what tells several of one record apart; else "".
        base: what was there before the first edit. UPDATE and CAPTURED: cells of the columns concerned. DELETE:
            {"row": cells of the whole row, "links": {link table: [[position, …], …]}}, as the tracker has them. UNLINK:
            {"rows": [[position, …], …]}, the link rows that it takes out. Else None.
        value: what is wanted. UPDATE and CAPTURED: cells of the same columns. COMMENT: {"text", "kind"}. ATTACH: {"name",
            "digest", "size", "content_type"}. RANK: {"to": above|below|top|bottom, "other": id or None, "other_type": name
            of its type or None}. OPERATE: {"arguments": {name: text}}, and where one of these names a record {"named": that
            argument, "other", "other_type"}. LINK on Kind.LINKS: {"name", "type"} as the link is
            shown. CREATE, once the record has the tracker's id: {"temporary_id"}. Else None.
        base_revision: the stored revision when the base was taken; None for a record created here.
        reason: why it waits, for people; the tracker's own words when it was refused.
        remote: of a CONFLICT the tracker's cells, or {} when the record is gone there; None when only the reason tells what
            another had written, and the tracker has our value by now. Of a DELETE those that changed. Of a change that may
            not be altered now (SENT, UNKNOWN, CAPTURED, or waiting in front of one), what the tracker was seen to have
            meanwhile; of LINK and UNLINK then {"rows"} as in base. Else None.
        attempt: the number that all changes of one write share, from the moment they were marked as sent; else None.
        sent_at: the tracker's clock shortly before it was sent; None when it was not.
        lost_at: of an UNKNOWN change the tracker's clock when it had been sent for sure; None when its process died.
        made_by: the user of the operating system, or of the database for SQL on Postgres.
    """

    source: str
    type_name: str
    record_id: int
    action: Action
    field: str = ""
    item: str = ""
    base: Mapping[str, Any] | None = None
    value: Mapping[str, Any] | None = None
    base_revision: str | None = None
    state: State = State.READY
    reason: str = ""
    remote: Cells | None = None
    attempt: int | None = None
    sent_at: datetime | None = None
    lost_at: datetime | None = None
    made_at: datetime | None = None
    made_by: str = ""
    via: Via = Via.API
    id: int = 0

    @property
    def is_in_flight(self) -> bool:
        """Whether it may have reached the tracker without our knowing."""
        return self.state in (State.SENT, State.UNKNOWN)


@dataclass(frozen=True, slots=True)
class LogEntry:
    """One line of the audit trail: a change, and how it, or one attempt to send it, ended.

    Attributes:
        change: as it was then; of one that went to a record created here, `record_id` is the tracker's id by now.
        temporary_id: the id that the record had here before; None when it had the tracker's from the start.
        label: what people call the record (`DE17`), as far as known.
        words: what the tracker said, or why.
    """

    change: Change
    end: End
    settled_at: datetime
    words: str = ""
    label: str = ""
    temporary_id: int | None = None
    revision: str | None = None
    id: int = field(default=0)
